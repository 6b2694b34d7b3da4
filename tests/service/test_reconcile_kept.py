"""What was compared once is shown again until something of it changes, and is what comparing anew would say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.config.sites import SiteBook
from kiosk.domain.reconcile import State
from kiosk.domain.session import Refund
from kiosk.domain.site_board import SiteTransaction
from kiosk.domain.site_days import SiteDay
from kiosk.service import reconcile_kept
from kiosk.service.period_report import report_of
from kiosk.service.reconcile import Days, compare
from kiosk.service.reconcile_kept import Run, kept_report, rank, run_of
from kiosk.store import Store
from kiosk.store.rows import lock_session, save_session
from tests.domain.made import CODES
from tests.domain.made import a_transaction as transaction
from tests.store.build import NOW, charging, later, opened, queued, whole_end
from tests.worlds.once import migrated_store

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = Days(NOW.astimezone(BERLIN).date(), NOW.astimezone(BERLIN).date(), BERLIN)
BOOK = SiteBook.model_validate(
    {"sites": [{"id": "a", "name": "A", "timezone": "Europe/Berlin", "chargers": [{"code": "ABC"}]}]}
)
SITE = BOOK.sites[0]
TOMORROW = NOW + timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = migrated_store(tmp_path / "kiosk.db")
    made.plan_days([SiteDay("a", DAYS.first, read_at=TOMORROW, tried_at=TOMORROW)])
    begin(made, "first", 1)
    end(made, "first")
    yield made
    made.close()


def begin(store: Store, key: str, connector_id: int) -> None:
    opened(store, queued(key, code="ABC", connector_id=connector_id), token=f"token of {key}")
    store.observe(key, charging(20, charging_started_at=later(10)), source="read")


def end(store: Store, key: str) -> None:
    store.observe(key, whole_end(60, completed_at=later(50)), source="read")


def refund(store: Store) -> None:
    with store._database.write() as connection:
        before = lock_session(connection, "first")
        save_session(connection, before, replace(before, refunds=(Refund(100, later(900)),)), later(900))


def told(store: Store, at: datetime, *rows: SiteTransaction) -> None:
    store.keep_transactions("a", rows, CODES, at)


def run(store: Store, days: Days = DAYS) -> Run:
    return run_of(store, SITE, days, records=True)


CHANGES: dict[str, Callable[[Store], None]] = {
    "a charge begins": lambda store: begin(store, "second", 2),
    "money is sent back": refund,
    "a transaction is told": lambda store: told(store, TOMORROW, transaction(1)),
    "a transaction is told anew": lambda store: told(
        store, TOMORROW + timedelta(hours=1), transaction(1, meter_stop_wh=2_000_000)
    ),
    "a line is set aside": lambda store: store.set_line_aside("s-first", "kim", "mine", TOMORROW),
    "a day is asked for": lambda store: store.ask_for_days("a", [DAYS.first], TOMORROW),
    "a day is read": lambda store: store.keep_days([SiteDay("a", DAYS.first, read_at=TOMORROW, tries=1)]),
}


def test_whatever_changes_is_seen_at_once_and_nothing_is_compared_twice(store: Store) -> None:
    for what, change in CHANGES.items():
        before = run(store)
        assert run(store) is before, what
        change(store)
        after = run(store)
        assert after is not before, what
        assert after.compared == compare(store, SITE, DAYS, records=True), what


def test_a_charge_of_a_day_that_was_not_read_makes_nothing_anew(store: Store) -> None:
    before = run(store)
    tomorrow = replace(queued("tomorrow", code="ABC", connector_id=3), requested_at=NOW + timedelta(days=2))
    opened(store, tomorrow, token="token of tomorrow")
    assert run(store) is before


def test_the_oldest_of_many_lines_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile_kept, "MOST_LINES", 1)
    other = replace(DAYS, last=DAYS.last + timedelta(days=1))
    first, second = run(store), run(store, other)
    assert len(first.compared.found.lines) == len(second.compared.found.lines) == 1
    assert run(store, other) is second
    assert run(store) is not first


def test_lines_go_on_after_a_place_in_the_order_in_which_they_are_shown(store: Store) -> None:
    told(store, TOMORROW, *(transaction(number, begin=number * 7200) for number in range(1, 6)))
    found = run(store)
    lines = found.of_state(None)
    assert lines == sorted(found.compared.found.lines, key=rank)
    assert len(lines) > 3
    seen, place = [], None
    while some := found.after(None, place, 2):
        seen += some
        place = rank(some[-1])
    assert seen == lines
    only = found.after(State.ONLY_THERE, None, 100)
    assert only == [line for line in lines if line.state is State.ONLY_THERE]
    assert [found.line(line.id) for line in lines] == lines
    assert found.line("none") is None
    assert sum(found.explained.lines.values()) == sum(line.explained for line in lines)


def test_a_report_is_made_anew_when_one_of_its_sessions_changes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept_report(store, BOOK, SITE, DAYS, TOMORROW)
    assert kept_report(store, BOOK, SITE, DAYS, TOMORROW + timedelta(hours=1)) is before
    refund(store)
    after = kept_report(store, BOOK, SITE, DAYS, TOMORROW)
    assert after == report_of(store, BOOK, SITE, DAYS, TOMORROW) != before
    monkeypatch.setattr(reconcile_kept, "MOST_REPORTS", 1)
    other = replace(DAYS, first=date(2026, 11, 1))
    kept_report(store, BOOK, SITE, other, TOMORROW)
    assert kept_report(store, BOOK, SITE, DAYS, TOMORROW) is not after
