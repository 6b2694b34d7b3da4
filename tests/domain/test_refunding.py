"""How much may be sent back, and what is done next about a refund: never twice, never more than what is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.money import Money
from kiosk.domain.refunding import (
    KEY_LIVES,
    Next,
    RefundState,
    RefundWish,
    Sent,
    amount_in,
    left_of,
    look_after,
    next_step,
)
from kiosk.domain.session import HoldProof, Phase, Refund, Session
from kiosk.domain.tariff import Tariff

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
PROOF = HoldProof(NOW, "succeeded", 0, 947)
PAID = Session(
    key="key",
    code="7MK4T",
    connector_id=1,
    phase=Phase.OPEN,
    requested_at=NOW - timedelta(hours=2),
    status="captured",
    tariff=Tariff("EUR", 49, 35),
    authorized_minor=3000,
    energy_kwh=Decimal("18.62"),
    cost_minor=947,
    captured_minor=947,
    captured_at=NOW,
    proof=PROOF,
)
WISH = RefundWish(1, "key", Money(300, "EUR"), "kim", "key-1", RefundState.WAITING, NOW, NOW)


def test_what_is_left_is_what_was_taken_less_what_anybody_sent_back() -> None:
    assert left_of(PAID, []) == Money(947, "EUR")
    assert left_of(replace(PAID, refunds=(Refund(47, NOW),)), []) == Money(900, "EUR")
    assert left_of(replace(PAID, proof=replace(PROOF, refunded_minor=147)), []) == Money(800, "EUR")
    done = replace(WISH, state=RefundState.DONE, ended_at=NOW + timedelta(seconds=1))
    assert left_of(PAID, [done]) == Money(647, "EUR")
    seen = replace(PAID, proof=replace(PROOF, refunded_minor=300, checked_at=NOW + timedelta(seconds=2)))
    assert left_of(seen, [done]) == Money(647, "EUR")
    assert left_of(seen, [replace(WISH, state=RefundState.REFUSED)]) == Money(647, "EUR")
    assert left_of(replace(PAID, proof=replace(PROOF, received_minor=900)), []) == Money(900, "EUR"), "the lesser one"


@pytest.mark.parametrize("state", [RefundState.WAITING, RefundState.SENT, RefundState.PENDING])
def test_nothing_is_offered_while_nobody_knows_what_became_of_another(state: RefundState) -> None:
    assert left_of(PAID, [replace(WISH, state=state)]) is None


@pytest.mark.parametrize(
    "session",
    [
        replace(PAID, proof=None),
        replace(PAID, proof=replace(PROOF, intent_status="requires_capture", capturable_minor=3000)),
        replace(PAID, status="charging"),
        replace(PAID, tariff=None),
    ],
)
def test_nothing_is_offered_before_stripe_has_said_what_it_received(session: Session) -> None:
    assert left_of(session, []) is None


def test_what_is_not_there_is_sent_and_what_is_there_is_not() -> None:
    assert next_step(WISH, 947, [], NOW) is Next.SEND
    other = Sent("re_0", 647, "succeeded", None)
    assert next_step(WISH, 947, [other], NOW) is Next.SEND
    assert next_step(WISH, 946, [other], NOW) is Next.TOO_MUCH
    assert next_step(WISH, 946, [replace(other, status="failed")], NOW) is Next.SEND
    for status, step in (("succeeded", Next.KEEP), ("pending", Next.LOOK_AGAIN), ("canceled", Next.FAILED)):
        assert next_step(WISH, 300, [other, Sent("re_1", 300, status, "key-1")], NOW) is step


def test_a_key_that_stripe_may_have_forgotten_is_never_sent_again() -> None:
    sent = replace(WISH, state=RefundState.SENT, sent_at=NOW)
    assert next_step(sent, 947, [], NOW + KEY_LIVES) is Next.SEND
    late = NOW + KEY_LIVES + timedelta(seconds=1)
    assert next_step(sent, 947, [], late) is Next.NEVER_ARRIVED
    assert next_step(sent, 947, [Sent("re_1", 300, "succeeded", "key-1")], late) is Next.KEEP


@given(
    st.integers(0, 5000),
    st.lists(
        st.tuples(st.integers(1, 2000), st.sampled_from(["succeeded", "pending", "failed"]), st.booleans()), max_size=5
    ),
    st.integers(1, 5000),
)
def test_no_order_of_things_sends_more_than_was_received(
    received: int, rows: list[tuple[int, str, bool]], wanted: int
) -> None:
    there = [Sent(f"re_{place}", amount, status, None) for place, (amount, status, _) in enumerate(rows)]
    wish = replace(WISH, amount=Money(wanted, "EUR"))
    if next_step(wish, received, there, NOW) is Next.SEND:
        assert wanted + sum(one.amount_minor for one in there if one.counts) <= received
    there.append(Sent("re_mine", wanted, "succeeded", wish.key))
    assert next_step(wish, received, there, NOW) is Next.KEEP


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("4.50", "EUR", 450),
        (" 4,5 ", "EUR", 450),
        ("9", "EUR", 900),
        ("500", "JPY", 500),
        ("500", "ISK", 50_000),
        ("1.230", "KWD", 1230),
    ],
)
def test_an_amount_is_read_as_it_is_typed(text: str, currency: str, minor: int) -> None:
    assert amount_in(text, currency) == Money(minor, currency)


@pytest.mark.parametrize("text", ["", "0", "0.00", "-1", "1.005", "1,000.00", "1e2", "€5", "٣", "5.", "x" * 50])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert amount_in(text, "EUR") is None
    assert amount_in("1.5", "JPY") is None
    assert amount_in("1.235", "KWD") is None, "Stripe takes steps of ten"


def test_it_looks_again_less_and_less_often() -> None:
    waits = [look_after(attempts) for attempts in range(20)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=2)
