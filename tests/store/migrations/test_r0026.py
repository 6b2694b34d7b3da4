"""Keys of the JSON interface and kept views come; what there was before stays as it is."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_tables_and_keeps_every_row(old: OldDatabase) -> None:
    old.upgrade("r0025")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0026")
    assert old.tables() - tables == {"api_keys", "desk_views"}
    assert {name: old.rows(name) for name in rows} == rows
    assert old.rows("api_keys") == old.rows("desk_views") == []
