"""The history of prices begins; what there was before stays as it is."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_keeps_every_row(old: OldDatabase) -> None:
    old.upgrade("r0030")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0031")
    assert old.tables() - tables == {"prices"}
    assert {name: old.rows(name) for name in rows} == rows
    assert old.rows("prices") == []
