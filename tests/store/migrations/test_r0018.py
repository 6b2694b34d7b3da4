"""Gaps between receipts can be noted, and there is none; no row of before changes."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0017")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0018")
    assert old.tables() - tables == {"receipt_gaps"}
    assert {name: old.rows(name) for name in rows} == rows
