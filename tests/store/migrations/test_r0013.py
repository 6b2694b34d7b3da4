"""Meter stands come; a charge from before has none, and none of its rows changes."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0012")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0013")
    assert old.tables() - tables == {"meter_stands"}
    assert {name: old.rows(name) for name in rows} == rows


def test_a_charge_from_before_has_no_stands(old: OldDatabase) -> None:
    old.upgrade("r0012")
    charge(old)
    with old.store() as store:
        assert store.meter_stand("old-key") is None
