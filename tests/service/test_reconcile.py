"""The days of a site: each line on its own day by the site's clock, and partners found across midnight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.domain.reconcile import State
from kiosk.service.reconcile import USUAL, Days, Told, charges_of, longest_of, reconciled
from kiosk.store import Store
from tests.domain.made import CODES
from tests.domain.made import a_transaction as transaction
from tests.domain.test_reconcile import charge
from tests.store.build import NOW, charging, later, opened, queued, seen, whole_end
from tests.worlds.once import migrated_store

BERLIN = ZoneInfo("Europe/Berlin")
DAY = Days(date(2026, 11, 20), date(2026, 11, 20), BERLIN)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = migrated_store(tmp_path / "kiosk.db")
    yield made
    made.close()


def told(*transactions: object, **more: object) -> Told:
    facts = {"complete": True, "total_kwh": None, "reported_kwh": Decimal(0)}
    return Told(transactions, CODES, **(facts | more))  # type: ignore[arg-type]


def test_a_day_is_the_sites_day_even_when_it_has_25_hours() -> None:
    autumn = Days(date(2026, 10, 25), date(2026, 10, 25), BERLIN)
    assert autumn.since == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert autumn.until - autumn.since.astimezone(UTC) == timedelta(hours=25)
    assert autumn.day_of(datetime(2026, 10, 25, 22, 59, tzinfo=UTC)) == date(2026, 10, 25)
    assert autumn.day_of(datetime(2026, 10, 25, 23, 0, tzinfo=UTC)) == date(2026, 10, 26)


def test_a_charge_over_midnight_stands_on_the_day_of_its_end_with_its_partner() -> None:
    begin = (datetime(2026, 11, 20, 22, 50, tzinfo=UTC) - NOW).total_seconds()  # 23:50 in Berlin
    ours, theirs = charge(begin=begin), transaction(begin=begin)
    first = reconciled([ours], told(theirs), DAY, records=False)
    assert first.lines == ()
    second = reconciled(
        [ours], told(theirs), replace(DAY, first=date(2026, 11, 21), last=date(2026, 11, 21)), records=False
    )
    assert [line.state for line in second.lines] == [State.AGREES]
    both = reconciled([ours], told(theirs), replace(DAY, last=date(2026, 11, 21)), records=False)
    assert list(both.by_day) == [date(2026, 11, 21)]
    assert both.by_day[date(2026, 11, 21)] == both.sums


def test_what_has_no_time_is_told_on_every_day() -> None:
    lost = transaction(started_at=None, stopped_at=None)
    found = reconciled([], told(lost), DAY, records=False)
    assert [line.state for line in found.open_lines] == [State.ONLY_THERE]
    assert found.by_day == {}


def test_the_back_offices_sum_is_compared_with_its_own_rows() -> None:
    found = reconciled(
        [], told(total_kwh=Decimal("14.00"), reported_kwh=Decimal("7.94"), complete=False), DAY, records=False
    )
    assert (found.total_kwh, found.gap_kwh, found.complete) == (Decimal("14.00"), Decimal("6.06"), False)
    assert reconciled([], told(), DAY, records=False).gap_kwh is None


def test_charges_are_those_of_the_sites_chargers_that_ended_in_the_days_or_go_on(store: Store) -> None:
    for key, code, connector_id in (("ours", "ABC", 1), ("running", "ABC", 2), ("other", "XYZ", 1)):
        opened(store, queued(key, code=code, connector_id=connector_id), token=f"token of {key}")
        store.observe(key, charging(20, charging_started_at=later(10)), source="read")
    for key in ("ours", "other"):
        store.observe(key, whole_end(60, completed_at=later(50)), source="read")
    store.observe("running", seen("charging", 70), source="read")
    found = charges_of(store, {"ABC"}, DAY)
    assert [(one.key, one.goes_on) for one in found] == [("ours", False), ("running", True)]
    assert found[0].intent_id == "pi_3Abc"
    assert len(found[0].mark) == 10
    assert charges_of(store, {"ABC"}, Days(date(2026, 11, 22), date(2026, 11, 22), BERLIN)) == [found[1]]


def test_one_looks_as_far_back_as_the_longest_charge_ran() -> None:
    assert longest_of([]) == USUAL
    long = charge(ended_at=later(3 * 86400))
    assert longest_of([long]) > timedelta(days=3)
    assert longest_of([replace(long, ended_at=None)]) == USUAL


def test_a_start_that_never_came_to_a_session_is_no_charge(store: Store) -> None:
    asked = store.create(queued("key-1"), device="phone", now=NOW)
    store.claim(asked.id, later(1))
    store.start_unanswered(asked.id, later(5), "no answer")
    assert charges_of(store, {"ABC"}, DAY) == []
