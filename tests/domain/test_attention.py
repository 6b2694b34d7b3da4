"""What a person should look at: every odd end is named, and an ordinary one is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kiosk.domain.attention import STUCK_AFTER, Attention, attention
from kiosk.domain.session import HoldProof, Phase
from kiosk.domain.tariff import Tariff

from .made import EURO, T0, a_session, after

WHOLE = a_session(
    phase=Phase.OPEN,
    status="captured",
    last_known="captured",
    tariff=EURO,
    authorized_minor=5000,
    captured_minor=947,
    captured_at=after(620),
    completed_at=after(600),
    status_since=after(620),
    energy_kwh=Decimal(17),
)


def proof(status: str, received: int, capturable: int = 0) -> HoldProof:
    return HoldProof(after(700), status, capturable, received)


@pytest.mark.parametrize(
    ("changed", "odd"),
    [
        ({}, ()),
        ({"proof": proof("succeeded", 947)}, ()),
        ({"captured_minor": None}, (Attention.AMOUNT_UNKNOWN,)),
        ({"captured_at": None}, (Attention.FIGURE_UNKNOWN,)),
        ({"energy_unsaid": True}, (Attention.FIGURE_UNKNOWN,)),
        ({"status": "no_charge", "last_known": "no_charge"}, (Attention.TAKEN_FOR_NOTHING,)),
        ({"captured_minor": 5300}, (Attention.MORE_THAN_HELD,)),
        ({"proof": proof("succeeded", 900)}, (Attention.OTHER_AMOUNT,)),
        ({"later_tariff": Tariff("EUR", 79, 100)}, (Attention.OTHER_PRICE,)),
        ({"status": "partially_refunded"}, (Attention.STRANGE_WORD,)),
        ({"phase": Phase.REFUSED, "captured_minor": None}, ()),
    ],
)
def test_what_is_odd_about_an_end(changed: dict[str, Any], odd: tuple[Attention, ...]) -> None:
    assert attention(replace(WHOLE, **changed), after(9000)) == odd


def test_money_that_is_held_for_an_end_without_a_charge() -> None:
    late = a_session(phase=Phase.OPEN, status="expired", tariff=EURO, proof=proof("requires_capture", 0, 5000))
    assert attention(late, after(9000)) == (Attention.HELD_FOR_NOTHING,)


def test_a_lost_session_is_odd_until_the_payments_record_ends_it() -> None:
    lost = replace(WHOLE, phase=Phase.GONE, status="charging", last_known="charging", captured_minor=None)
    assert Attention.LOST in attention(lost, after(9000))
    assert Attention.LOST not in attention(replace(lost, proof=proof("succeeded", 947)), after(9000))


@pytest.mark.parametrize("status", ["settling", "capture_failed", "requires_review"])
def test_a_bill_that_does_not_come_is_odd_after_hours(status: str) -> None:
    waits = replace(WHOLE, status=status, last_known=status, captured_minor=None, captured_at=None, status_since=T0)
    assert attention(waits, T0 + STUCK_AFTER - timedelta(seconds=1)) == ()
    assert attention(waits, T0 + STUCK_AFTER) == (Attention.STUCK,)
