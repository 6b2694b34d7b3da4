"""Fuse trees, makes and pictures come; what was there stays as it was, to the letter."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .conftest import OldDatabase
from .rows import KEPT, charge

NEW = {"site_trees", "lab_facts", "pictures"}


def test_it_adds_its_tables_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0001")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0002")
    assert old.tables() - tables == NEW
    assert {name: old.rows(name) for name in KEPT} == rows
    assert all(rows.values()), "a table that the test does not fill proves nothing"


def test_its_rows_are_read_today(old: OldDatabase) -> None:
    old.upgrade("r0002")
    at = "2026-01-05 10:00:00.000000"
    tree = '{"nodes":[{"kind":"fuse","name":"Main","limit":"100"}],"complete":true}'
    old.insert("site_trees", site_id="harbour", tree=tree, seen_at=at, source="pilot-1")
    old.insert("pictures", url="https://pictures.example/1.png", tried_at=at, kind="image/png", body=b"png", stamp="s")
    with old.store() as store:
        seen = store.tree("harbour")
        assert seen is not None
        assert [(node.name, node.limit) for node in seen.tree.roots] == [("Main", Decimal(100))]
        assert store.picture_stamp("https://pictures.example/1.png") == "s"


def test_there_is_no_way_down(old: OldDatabase) -> None:
    old.upgrade("r0002")
    with pytest.raises(AttributeError, match="downgrade"):
        old.downgrade("r0001")
