"""Tables for transactions, days and owners of lines come; a charge from before keeps all of its rows."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge

NEW = {"line_owners", "site_transactions", "site_days"}


def test_it_adds_its_tables_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0023")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0024")
    assert old.tables() - tables == NEW
    assert {name: old.rows(name) for name in rows} == rows
    assert [old.rows(name) for name in NEW] == [[], [], []]
