"""Two tables for what days add up to, and two indexes, come; what there was before stays as it is."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_tables_and_keeps_every_row(old: OldDatabase) -> None:
    old.upgrade("r0028")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0029")
    assert old.tables() - tables == {"settled", "plot_days"}
    assert {name: old.rows(name) for name in rows} == rows
    assert (old.rows("settled"), old.rows("plot_days")) == ([], [])
