"""The first tables: from nothing, and a charge that was written then is read today."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.store.tables import metadata

from .conftest import OldDatabase
from .rows import charge

FIRST = {
    "calls",
    "chargers",
    "commands",
    "grants",
    "hints",
    "leases",
    "observations",
    "receipt_revisions",
    "receipt_years",
    "receipts",
    "sessions",
    "takeovers",
    "webhooks",
}


def test_it_makes_its_tables_from_nothing(old: OldDatabase) -> None:
    assert old.tables() == set()
    old.upgrade("r0001")
    assert old.tables() == FIRST
    assert set(metadata.tables) >= FIRST


def test_a_charge_of_the_first_version_is_read_today(old: OldDatabase) -> None:
    old.upgrade("r0001")
    charge(old)
    with old.store() as store:
        session = store.session("old-key")
        assert session is not None
        assert (session.code, session.status, session.version) == ("7MK4T", "captured", 7)
        assert (session.energy_kwh, session.captured_minor) == (Decimal("10.125"), 531)
        assert session.requested_at == datetime(2026, 1, 5, 10, tzinfo=UTC)
        assert session.proof is not None
        assert session.proof.ended
        assert session.trace.points[0].energy_kwh == Decimal("10.125")
        commands = [(one.kind, one.asked_by, one.state) for one in store.commands("old-key")]
        assert commands == [
            (Kind.START, AskedBy.DRIVER, CommandState.DONE),
            (Kind.STOP, AskedBy.LIMIT, CommandState.DONE),
        ]
        assert [one.seen.energy_kwh for one in store.observations("old-key")] == [Decimal("1.5")]
        assert store.token("old-key") == "token-1"
        receipt = store.receipt("old-key")
        assert receipt is not None
        assert receipt.document == {"taken": {"minor": 531, "currency": "EUR"}}
        assert [one.document for one in store.receipt_revisions(receipt.number)] == [{}]
        card = store.card("7MK4T")
        assert card is not None
        assert [connector.connector_id for connector in card.connectors] == [2]


def test_the_books_of_the_first_version_are_in_order_today(old: OldDatabase) -> None:
    old.upgrade("r0001")
    charge(old)
    with old.store() as store:
        assert store.offences(datetime(2026, 2, 1, tzinfo=UTC)) == []


def test_there_is_no_way_down(old: OldDatabase) -> None:
    """Going back means restoring a backup."""
    old.upgrade("r0001")
    with pytest.raises(AttributeError, match="downgrade"):
        old.downgrade("base")
