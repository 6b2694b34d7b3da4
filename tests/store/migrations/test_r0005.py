"""Closed doors come; what was there stays as it was, to the letter."""

from __future__ import annotations

from datetime import UTC, datetime

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0004")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0005")
    assert old.tables() - tables == {"closures"}
    assert {name: old.rows(name) for name in KEPT} == rows
    assert all(rows.values()), "a table that the test does not fill proves nothing"


def test_its_rows_are_read_today(old: OldDatabase) -> None:
    old.upgrade("r0005")
    old.insert("closures", door="get_session", until="2026-01-05 11:00:00.000000")
    with old.store() as store:
        until = datetime(2026, 1, 5, 11, tzinfo=UTC)
        assert store.closures(datetime(2026, 1, 5, 10, 59, tzinfo=UTC)) == {"get_session": until}
        assert store.closures(until) == {}
