"""Wishes, the moment of the payment form and numbered leases come; what was there stays, and nothing is made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from .conftest import OldDatabase
from .rows import KEPT, charge

AT = "2026-01-05 10:00:00.000000"
NEW = {"back_at": None, "payment_shown_at": None, "wish": None}


def test_it_adds_columns_that_nobody_has_filled_and_changes_no_row(old: OldDatabase) -> None:
    old.upgrade("r0003")
    charge(old)
    old.insert("leases", name="engine", holder="one", until=AT)
    tables, rows = old.tables(), {name: old.rows(name) for name in KEPT}
    old.upgrade("r0004")
    assert old.tables() == tables
    rows["sessions"] = [{**row, **NEW} for row in rows["sessions"]]
    assert {name: old.rows(name) for name in KEPT} == rows
    assert [(one["holder"], one["number"]) for one in old.rows("leases")] == [("one", None)]


def test_of_a_charge_from_before_nobody_claims_a_wish_or_a_payment_form(old: OldDatabase) -> None:
    old.upgrade("r0003")
    charge(old)
    with old.store() as store:
        session = store.session("old-key")
        assert session is not None
        assert (session.wish, session.payment_shown_at, session.back_at) == (None, None, None)
        assert store.offences(datetime(2026, 2, 1, tzinfo=UTC)) == []


def test_a_lease_from_before_runs_out_as_ever(old: OldDatabase) -> None:
    old.upgrade("r0003")
    old.insert("leases", name="engine", holder="one", until=AT)
    until, ttl = datetime(2026, 1, 5, 10, tzinfo=UTC), timedelta(seconds=10)
    with old.store() as store:
        assert not store.take_lease("engine", "two", until - timedelta(seconds=1), ttl)
        assert store.take_lease("engine", "two", until, ttl)


def test_there_is_no_way_down(old: OldDatabase) -> None:
    old.upgrade("r0004")
    with pytest.raises(AttributeError, match="downgrade"):
        old.downgrade("r0003")
