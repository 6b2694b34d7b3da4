"""Tables of the operator's own chargers come; what was there stays as it was, to the letter."""

from __future__ import annotations

from datetime import UTC, datetime

from kiosk.domain.ownership import ListProblem, OwnCharger, OwnList

from .conftest import OldDatabase
from .rows import KEPT, charge

WROTE = "2026-01-05 10:00:00.000000"
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_it_adds_its_tables_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0009")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0010")
    assert old.tables() - tables == {"own_chargers", "own_list", "own_asks"}
    assert {name: old.rows(name) for name in KEPT} == rows


def test_its_rows_are_read_today(old: OldDatabase) -> None:
    old.upgrade("r0010")
    old.insert("own_chargers", uuid="uuid-1", code="7MK4T", asked_at=WROTE, refused=0, missing_since=None)
    old.insert("own_chargers", uuid="uuid-2", code=None, asked_at=None, refused=0, missing_since=None)
    old.insert("own_list", id=1, whole_at=WROTE, learnt_at=None, problem="not_allowed", problem_since=WROTE)
    old.insert("own_asks", code="9QX6B", asked_at=WROTE)
    with old.store() as store:
        assert store.is_own_charger("7MK4T")
        assert not store.is_own_charger("3HW9P")
        assert store.own_chargers() == [OwnCharger("uuid-1", "7MK4T", AT), OwnCharger("uuid-2")]
        assert store.own_list() == OwnList(AT, None, ListProblem.NOT_ALLOWED, AT)
        assert store.asked_whose(AT) == ["9QX6B"]


def test_another_releases_reason_why_the_list_fails_is_a_reason(old: OldDatabase) -> None:
    old.upgrade("r0010")
    old.insert("own_list", id=1, whole_at=None, learnt_at=None, problem="eclipse", problem_since=WROTE)
    with old.store() as store:
        assert store.own_list().problem is ListProblem.REFUSED
