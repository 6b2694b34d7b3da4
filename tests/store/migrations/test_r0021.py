"""A table for lines comes; a charge from before keeps all of its rows."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0020")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0021")
    assert old.tables() - tables == {"lines_aside"}
    assert {name: old.rows(name) for name in rows} == rows
    assert old.rows("lines_aside") == []
