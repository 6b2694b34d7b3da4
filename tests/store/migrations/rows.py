"""Rows as the first version wrote them: a charge that was taken, with all that belongs to it."""

from __future__ import annotations

from typing import Any

from kiosk.store import Cipher
from tests.worlds.once import SECRET

from .conftest import OldDatabase

AT = "2026-01-05 10:00:00.000000"
LATER = "2026-01-05 11:00:00.000000"
STORED = "2026-01-05T10:00:00+00:00"
SESSION: dict[str, Any] = {
    "id": 1,
    "key": "old-key",
    "code": "7MK4T",
    "connector_id": 2,
    "phase": "open",
    "requested_at": AT,
    "version": 7,
    "status": "captured",
    "tariff_currency": "EUR",
    "price_per_kwh_minor": 49,
    "start_fee_minor": 35,
    "hold_minor": 5000,
    "authorized_minor": 5000,
    "energy_kwh": "10.125",
    "cost_minor": 531,
    "captured_minor": 531,
    "email_known": 0,
    "held_seen_at": AT,
    "trace": f'[["{STORED}","10.125"]]',
    "proof": f'{{"checked_at":"{STORED}","intent_status":"succeeded","capturable_minor":0,"received_minor":531}}',
    "watch": 0,
    "unproven": 0,
    "ended_at": LATER,
    "intent_id": "pi_1",
}
DOCUMENT = '{"taken":{"minor":531,"currency":"EUR"}}'


def charge(old: OldDatabase) -> None:
    """The rows of one charge, in tables of the first version."""
    sealed = Cipher([SECRET]).encrypt("token-1")
    old.insert("sessions", **SESSION, token=sealed)
    command = {"session_key": "old-key", "attempts": 1, "not_before": AT, "sent_at": AT, "ended_at": AT}
    old.insert("commands", id=1, kind="start", asked_by="driver", asked_at=AT, state="done", **command)
    old.insert("commands", id=2, kind="stop", asked_by="limit", asked_at=AT, state="done", **command)
    seen = f'{{"asked_at":"{STORED}","seen_at":"{STORED}","status":"charging","energy_kwh":"1.5"}}'
    old.insert("observations", id=1, session_key="old-key", source="read", seen=seen)
    old.insert("grants", session_key="old-key", device_hash="ab" * 32, how="start", granted_at=AT)
    old.insert("receipt_years", year=2026, last=1)
    old.insert("receipts", number="2026-000001", session_key="old-key", issued_at=LATER, document=DOCUMENT)
    old.insert("receipt_revisions", id=1, number="2026-000001", replaced_at=LATER, document="{}")
    old.insert("webhooks", event_id="evt_1", event_type="charge.succeeded", session_key="old-key", received_at=AT)
    card = f'{{"code":"7MK4T","online":true,"connectors":[{{"connector_id":2}}],"seen_at":"{STORED}"}}'
    old.insert("chargers", code="7MK4T", card=card)


KEPT = (
    "sessions",
    "commands",
    "observations",
    "grants",
    "receipts",
    "receipt_revisions",
    "receipt_years",
    "webhooks",
    "chargers",
)
"""The tables that `charge` fills."""
