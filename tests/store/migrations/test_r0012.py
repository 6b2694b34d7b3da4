"""Rights that were taken back come; those that stand stay as they were, and no old code was shown by a screen."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge


def test_it_adds_its_table_and_its_column_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0011")
    charge(old)
    old.insert("takeovers", code_hash="cd" * 32, session_key="old-key", expires_at="2026-01-05 10:00:00", used_at=None)
    tables, rows = old.tables(), {name: old.rows(name) for name in (*KEPT, "takeovers")}
    old.upgrade("r0012")
    assert old.tables() - tables == {"taken_back"}
    rows["takeovers"] = [{**row, "on_screen": 0} for row in rows["takeovers"]]
    assert {name: old.rows(name) for name in rows} == rows
    assert rows["takeovers"]


def test_an_owner_from_before_still_is_one_and_nothing_was_taken_back(old: OldDatabase) -> None:
    old.upgrade("r0011")
    charge(old)
    with old.store() as store:
        assert [grant.how for grant in store.grants_of("old-key")] == ["start"]
        assert store.taken_back("old-key") == []
