"""A demo's month: every planted difference is found over the wire by the engine's reading, none is invented."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.app import stop
from kiosk.clock import ManualClock
from kiosk.command.demo_month import DAYS, HOURS, PLANTED, TOLD, Past, history_of_demo
from kiosk.config.sites import load_site
from kiosk.demo import EXAMPLE, create_demo_app
from kiosk.domain.reconcile import NOTES, Line, State
from kiosk.service.reconcile import Compared, Days, compare
from kiosk.store import Store
from tests.worlds.month import read_month
from tests.worlds.once import migrated_store

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
SITE = load_site(EXAMPLE).sites[0]
ZONE = ZoneInfo(SITE.timezone)


class Month:
    """The month in a store, read by the engine's duty from a sandbox, and compared by what is kept."""

    def __init__(self, folder: Path) -> None:
        clock = ManualClock(NOW)
        self.store: Store = migrated_store(folder / "kiosk.db")
        self.past: Past = read_month(self.store, SITE, clock)
        today = NOW.astimezone(ZONE).date()
        days = Days(today - timedelta(days=DAYS), today - timedelta(days=1), ZONE)
        self.found: Compared = compare(self.store, SITE, days, records=True)

    def planted_of(self, line: Line) -> object:
        """Which planted difference this line is, if any."""
        if line.charge is not None and line.charge.key in self.past.by_key:
            return self.past.by_key[line.charge.key]
        number = line.transaction.id if line.transaction is not None else -1
        return self.past.by_number.get(number)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    made = Month(tmp_path_factory.mktemp("month"))
    yield made
    made.store.close()


def test_every_planted_difference_is_found_with_its_reasons_and_none_is_invented(month: Month) -> None:
    opened = {line.id: (month.planted_of(line), frozenset(line.reasons)) for line in month.found.found.open_lines}
    assert all(planted is not None for planted, _ in opened.values()), opened
    assert sorted(str(reasons) for _, reasons in opened.values()) == sorted(str(one.reasons) for one in PLANTED)
    assert {one.reasons for one in PLANTED} == {reasons for _, reasons in opened.values()}


def test_at_least_twelve_kinds_are_planted() -> None:
    assert len({one.reasons for one in PLANTED}) >= 12


def test_what_needs_nobody_is_told_beside_its_line(month: Month) -> None:
    told = [line for line in month.found.found.lines if line.explained and line.reasons]
    assert {frozenset(line.reasons) for line in told} == {one.reasons for one in TOLD}


def test_every_other_charge_agrees_also_over_midnight(month: Month) -> None:
    lines = month.found.found.lines
    quiet = [line for line in lines if month.planted_of(line) is None]
    assert {line.state for line in quiet} == {State.AGREES}
    assert len(lines) == DAYS * len(HOURS)
    assert not [line for line in quiet if set(line.reasons) - NOTES]
    spans = [(line.charge.begun_at, line.charge.at) for line in quiet if line.charge is not None]
    over = [span for span in spans if len({at.astimezone(ZONE).date() for at in span}) == 2]
    assert len(over) >= 2


def test_all_of_it_was_read_in_one_list_whose_total_is_compared(month: Month) -> None:
    assert month.found.not_read == ()
    (total,) = month.found.totals
    assert total.told.rows == len(month.past.facts)
    assert total.gap_kwh == 0


def test_a_demo_that_is_given_the_month_has_it_on_both_sides(tmp_path: Path) -> None:
    app = create_demo_app(data_dir=tmp_path, history=history_of_demo)
    try:
        store, office = app.extensions["kiosk"].store, app.extensions["kiosk.sandbox"]._office
        count = DAYS * len(HOURS)
        assert len(office.past) == count - sum(one.missing == "theirs" for one in PLANTED)
        since = store.first_session_at([one.code for one in SITE.chargers])
        assert since is not None
        kept = [session for session, _ in store.sessions_over(since - timedelta(days=1), since + timedelta(days=60))]
        assert len(kept) == count - sum(one.missing == "ours" for one in (*PLANTED, *TOLD))
        assert all(one.end is not None for one in kept)
    finally:
        stop(app)
