"""The rhythm of renewals comes, and nobody has told it yet; no row of before changes."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0015")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0016")
    assert old.tables() - tables == {"rhythm"}
    assert {name: old.rows(name) for name in rows} == rows


def test_how_often_figures_are_renewed_is_not_known_before_it_is_told(old: OldDatabase) -> None:
    old.upgrade("r0015")
    charge(old)
    with old.store() as store:
        found = store.for_reader("old-key", None)
    assert found is not None
    assert found.every is None
