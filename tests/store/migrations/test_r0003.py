"""Tablets and hand-offs come; what was there stays as it was, to the letter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kiosk.store.rows import digest

from .conftest import OldDatabase
from .rows import KEPT, charge

AT = "2026-01-05 10:00:00.000000"
NEW = {"pairing_codes", "tablets", "handoffs"}


def test_it_adds_its_tables_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0002")
    charge(old)
    old.insert("pictures", url="https://pictures.example/1.png", tried_at=AT, body=b"png")
    kept = (*KEPT, "pictures")
    tables, rows = old.tables(), {name: old.rows(name) for name in kept}
    old.upgrade("r0003")
    assert old.tables() - tables == NEW
    assert {name: old.rows(name) for name in kept} == rows
    assert all(rows.values()), "a table that the test does not fill proves nothing"


def test_its_rows_are_read_today(old: OldDatabase) -> None:
    old.upgrade("r0003")
    times = {"paired_at": AT, "last_seen_at": AT}
    old.insert("tablets", id=3, key_hash=digest("key of the screen"), name="gate", site_id="harbour", **times)
    old.insert(
        "handoffs", id="handoff-1", tablet_id=3, code="7MK4T", connector_id=1, language="de", made_at=AT, claimed_at=AT
    )
    with old.store() as store:
        tablet = store.tablet_with("key of the screen")
        assert tablet is not None
        assert (tablet.id, tablet.name, tablet.unpaired_at) == (3, "gate", None)
        handoff = store.handoff("handoff-1")
        assert handoff is not None
        assert (handoff.tablet_id, handoff.claimed_at) == (3, datetime(2026, 1, 5, 10, tzinfo=UTC))


def test_there_is_no_way_down(old: OldDatabase) -> None:
    old.upgrade("r0003")
    with pytest.raises(AttributeError, match="downgrade"):
        old.downgrade("r0002")
