"""What people do about exceptions comes, and messages about them; what was listed before waits as it did."""

from __future__ import annotations

from .conftest import OldDatabase
from .rows import KEPT, charge

LISTED = {
    "id": 7,
    "kind": "review",
    "subject": "key-1",
    "code": "7MK4T",
    "since": "2026-11-20 13:00:00.000000",
    "act": "ask_back_office",
    "amount_minor": 5000,
    "currency": "EUR",
    "noticed_at": "2026-11-20 13:01:00.000000",
    "level": "loud",
    "level_at": "2026-11-20 14:00:00.000000",
    "closed_at": None,
}
BEFORE, HERE = "r0021", "r0022"


def test_it_adds_its_tables_and_keeps_every_row(old: OldDatabase) -> None:
    old.upgrade(BEFORE)
    charge(old)
    old.insert("exceptions", **LISTED)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade(HERE)
    assert old.tables() - tables == {"handlings", "deliveries", "told"}
    assert {name: old.rows(name) for name in rows} == rows
    assert old.rows("exceptions") == [{**LISTED, "owner": None, "aside_until": None, "done_at": None}]
    assert old.rows("handlings") == old.rows("deliveries") == old.rows("told") == []


def test_what_was_listed_before_has_no_owner_and_waits(old: OldDatabase) -> None:
    old.upgrade(BEFORE)
    charge(old)
    old.insert("exceptions", **LISTED)
    with old.store() as store:
        (one,) = store.open_exceptions()
        assert (one.id, one.handling.owner, one.handling.waits(one.noticed_at)) == (7, None, True)
