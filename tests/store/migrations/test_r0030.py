"""The months that were written come; what there was before stays as it is."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_keeps_every_row(old: OldDatabase) -> None:
    old.upgrade("r0029")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0030")
    assert old.tables() - tables == {"months_written"}
    assert {name: old.rows(name) for name in rows} == rows
    assert old.rows("months_written") == []
