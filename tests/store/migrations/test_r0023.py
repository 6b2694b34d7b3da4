"""The desk finds sessions of before by their mark and by their card; nothing else of them changes."""

from __future__ import annotations

import pytest

from kiosk.config.logs import session_mark

from .conftest import OldDatabase
from .rows import KEPT, SESSION, STORED, charge

PROOF = f'{{"checked_at":"{STORED}","intent_status":"succeeded","capturable_minor":0,"received_minor":531%s}}'


@pytest.mark.parametrize(
    ("proof", "last4"),
    [
        (PROOF % ',"card_last4":"4242"', "4242"),
        (PROOF % "", None),
        (None, None),
        ("no JSON", None),
        ("[]", None),
        ('{"card_last4":4242}', None),
    ],
)
def test_it_fills_mark_and_card_of_sessions_from_before(old: OldDatabase, proof: str | None, last4: str | None) -> None:
    old.upgrade("r0022")
    charge(old)
    number = 7
    old.insert("sessions", **{**SESSION, "id": number, "key": "another", "intent_id": "pi_2", "proof": proof})
    rows = {name: old.rows(name) for name in KEPT}
    old.upgrade("r0023")
    filled = {row["id"]: (row["mark"], row["card_last4"]) for row in old.rows("sessions")}
    assert filled[number] == (session_mark("another"), last4)
    assert filled[1][0] == session_mark("old-key")
    new = {"mark", "card_last4", "email_mark"}
    for name, before in rows.items():
        now = [{column: value for column, value in row.items() if column not in new} for row in old.rows(name)]
        assert now == before
