"""Who asked for a start, agreed terms and closed chargers come; what was there stays, and says nothing of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from .conftest import OldDatabase
from .rows import KEPT, charge

NEW = {"agreed", "given_up_at"}
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


def test_it_adds_its_columns_and_tables_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0010")
    charge(old)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0011")
    assert old.tables() - tables == {"origins", "full_chargers"}
    after = {name: old.rows(name) for name in KEPT}
    for row in after["sessions"]:
        assert {row.pop(name) for name in NEW} == {None}
    assert after == rows
    assert all(rows.values()), "a table that the test does not fill proves nothing"


def test_an_old_session_was_asked_for_by_nobody_that_is_known_and_compares_no_terms(old: OldDatabase) -> None:
    old.upgrade("r0010")
    charge(old)
    with old.store() as store:
        session = store.session("old-key")
        assert session is not None
        assert (session.agreed, session.given_up_at) == (None, None)
        assert store.origins(datetime(2020, 1, 1, tzinfo=UTC)) == []
        assert store.full_chargers(AT) == {}


def test_there_is_no_way_down(old: OldDatabase) -> None:
    old.upgrade("r0011")
    with pytest.raises(AttributeError, match="downgrade"):
        old.downgrade("r0010")
