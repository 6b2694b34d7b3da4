"""What plots are made of is read by time alone; what was kept of a day says how often its sessions had changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from kiosk.domain.plots import DaySums, DayTotal, Outcome, Step
from kiosk.domain.session import Phase
from kiosk.store import Store
from kiosk.store.tables import plot_days

from .build import NOW, charging, later, opened, queued, stored, whole_end

LONG_AGO, SOON = NOW - timedelta(days=1), later(86_400)
DAY = NOW.date()


def test_a_row_says_what_the_session_says(store: Store) -> None:
    assert store.plotted(LONG_AGO, SOON, None) == []
    assert store.first_plotted_at(None) is None
    session = queued()
    stored(store, session)
    (row,) = store.plotted(LONG_AGO, SOON, None)
    assert (row.phase, row.status, row.held_at, row.energy_kwh) == (Phase.QUEUED.value, None, None, None)
    assert row.requested_at == store.first_plotted_at(None) == session.requested_at


def test_only_what_is_of_that_time_and_of_those_chargers(store: Store) -> None:
    first, second = queued(), queued("key-2", "OTHER")
    stored(store, first)
    stored(store, second)
    assert len(store.plotted(LONG_AGO, SOON, None)) == 2
    assert [one.code for one in store.plotted(LONG_AGO, SOON, ["OTHER"])] == ["OTHER"]
    assert store.plotted(LONG_AGO, SOON, []) == []
    assert store.plotted(later(1), SOON, None) == []
    assert store.plotted(LONG_AGO, NOW, None) == []
    assert store.first_plotted_at(["ABC", "NONE"]) == first.requested_at
    assert store.first_plotted_at(["NONE"]) is None


def test_what_was_over_before_a_time_is_left_out_where_it_is_not_wanted(store: Store) -> None:
    key = opened(store, queued(code="ABCD2"))
    store.observe(key, charging(20), source="read")
    assert len(store.plotted(LONG_AGO, SOON, None, over_since=later(3600))) == 1, "it goes on"
    store.observe(key, whole_end(60, completed_at=later(50)), source="read")
    assert store.plotted(LONG_AGO, SOON, None, over_since=later(3600)) == []
    assert len(store.plotted(LONG_AGO, SOON, None, over_since=later(40))) == 1
    assert len(store.plotted(LONG_AGO, SOON, None, over_since=NOW)) == 1


def test_what_has_ended_counts_each_of_its_changes_and_what_goes_on_is_named(store: Store) -> None:
    key = opened(store, queued(code="ABCD2"))
    store.observe(key, charging(20), source="read")
    assert store.settled_changes(DAY, DAY, ["ABCD2"]) == {}
    assert store.unsettled(LONG_AGO, SOON, ["ABCD2"]) == store.unsettled(LONG_AGO, SOON, None) == [NOW]
    assert store.unsettled(LONG_AGO, SOON, ["OTHER"]) == store.unsettled(later(1), SOON, None) == []
    store.observe(key, whole_end(60), source="read")
    assert store.settled_changes(DAY, DAY, ["ABCD2"]) == {DAY: 1}
    assert store.unsettled(LONG_AGO, SOON, None) == []
    store.observe(key, replace(whole_end(60), status="refunded", asked_at=later(90), seen_at=later(90)), source="read")
    assert store.settled_changes(DAY, DAY, None)[DAY] > 1
    assert store.settled_changes(DAY, DAY, ["OTHER"]) == {}
    assert store.settled_changes(DAY + timedelta(days=1), DAY + timedelta(days=2), None) == {}


SUMS = DaySums(
    DayTotal(date(2026, 11, 20), True, False, 2, Decimal("10.50"), {"EUR": 550}, 1, 0),
    used={("7MK4T", 1): {12: 3_600_000_000}},
    outcomes={Outcome.PAID: 2},
    furthest={Step.PAID: 2},
    waits={15: 1, 30: 1},
)


def test_the_sums_of_a_day_are_kept_as_they_are_and_replaced(store: Store) -> None:
    assert store.kept_days("here", DAY, DAY) == {}
    store.keep_days_of_plots("here", {DAY: (3, SUMS)})
    assert store.kept_days("here", DAY, DAY) == {DAY: (3, SUMS)}
    assert store.kept_days("there", DAY, DAY) == {}
    store.keep_days_of_plots("here", {DAY: (4, SUMS)})
    assert store.kept_days("here", DAY - timedelta(days=1), DAY) == {DAY: (4, SUMS)}


def test_sums_that_this_version_cannot_read_are_not_there(store: Store) -> None:
    store.keep_days_of_plots("here", {DAY: (3, SUMS)})
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE plot_days SET sums = '{}'")
    assert store.kept_days("here", DAY, DAY) == {}
    with store._database.write() as connection:
        connection.execute(plot_days.delete())
