"""The list of exceptions comes, and it is empty; no row of before changes."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0016")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0017")
    assert old.tables() - tables == {"exceptions"}
    assert {name: old.rows(name) for name in rows} == rows


def test_nothing_is_listed_of_a_charge_from_before(old: OldDatabase) -> None:
    old.upgrade("r0016")
    charge(old)
    with old.store() as store:
        assert store.open_exceptions() == []
