"""A refund that somebody at the desk asks for: how much may be sent back, and how the wish is pursued to its effect.

It is written down with its own key before anything leaves, and no other key is ever used for it. Without an answer
Stripe is asked what it has; only what is not there is sent once more, with the same key, as long as Stripe remembers
that key (at least a day: https://docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from kiosk.domain.money import Money, shown_decimals, step_minor, stripe_exponent
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import Session

KEY_LIVES = timedelta(hours=23)
"""So long after the first sending it may be sent again with its key."""
PATIENCE = (5, 15, 60, 300, 1800, 7200)
"""Seconds until the next look, after each one that has brought no end."""
_AMOUNT = re.compile(r"(\d{1,9})(?:[.,](\d{1,3}))?", re.ASCII)


class RefundState(StrEnum):
    """Where a wish stands. Until it has ended, no other one of its session is taken."""

    WAITING = "waiting"  # written down; nothing has left
    SENT = "sent"  # it may have arrived; nobody has said so yet
    PENDING = "pending"  # Stripe has it; its own record is still to show it
    DONE = "done"
    REFUSED = "refused"  # nothing was sent back


OPEN_STATES = frozenset({RefundState.WAITING, RefundState.SENT, RefundState.PENDING})


@dataclass(frozen=True, slots=True)
class RefundWish:
    """`key` is that of the call, and stands in the refund at Stripe, by which it is found again. `sent_at`: when it may
    have left first. `refund_id` is Stripe's. `said`: why it was refused, or what the last look has brought.
    """

    id: int
    session_key: str = field(repr=False)
    amount: Money
    who: str
    key: str
    state: RefundState
    asked_at: datetime
    next_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    refund_id: str | None = None
    said: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class Sent:
    """One refund as Stripe has it. `key`: of the wish it came from; None for one that was made elsewhere."""

    id: str
    amount_minor: int
    status: str
    key: str | None

    @property
    def counts(self) -> bool:
        """It takes from what is left: it has succeeded, or still may."""
        return self.status not in {"failed", "canceled"}


class Next(StrEnum):
    """What is to be done about an open wish, once Stripe has said which refunds it has."""

    SEND = "send"  # with its own key
    KEEP = "keep"  # Stripe has it and has moved the money
    LOOK_AGAIN = "look_again"  # Stripe has it and works on it
    FAILED = "failed"  # Stripe has it, and it came to nothing
    TOO_MUCH = "too_much"  # so much is not left at Stripe
    NEVER_ARRIVED = "never_arrived"  # its key is too old to be sent with again


def next_step(wish: RefundWish, received_minor: int, there: Collection[Sent], now: datetime) -> Next:
    """`received_minor` was taken by Stripe's record; `there` are all refunds of that payment."""
    mine = found(wish, there)
    if mine is not None:
        return step_of(mine)
    if wish.sent_at is not None and now - wish.sent_at > KEY_LIVES:
        return Next.NEVER_ARRIVED
    left_there = received_minor - sum(one.amount_minor for one in there if one.counts)
    return Next.SEND if wish.amount.minor <= left_there else Next.TOO_MUCH


def step_of(mine: Sent) -> Next:
    """What is to be done about a wish that Stripe has."""
    if not mine.counts:
        return Next.FAILED
    return Next.KEEP if mine.status == "succeeded" else Next.LOOK_AGAIN


def found(wish: RefundWish, there: Collection[Sent]) -> Sent | None:
    """The refund that came of the wish."""
    return next((one for one in there if one.key == wish.key), None)


def left_of(session: Session, wishes: Sequence[RefundWish]) -> Money | None:
    """What can still be sent back of a session: what was taken, less all that was sent back by anybody's word.

    None: it cannot be said. Stripe itself must have said that the hold has ended and what it received; a wish that has
    no end yet may have been carried out.
    """
    receipt, proof = receipt_of(session), session.proof
    if receipt is None or receipt.taken is None or proof is None or not proof.ended:
        return None
    if any(wish.is_open for wish in wishes):
        return None
    back = sum(one.amount.minor for one in receipt.sent_back)
    ours = [wish for wish in wishes if wish.state is RefundState.DONE]
    # What was sent back after the record was read last is not in its figure yet.
    newer = sum(one.amount.minor for one in ours if one.ended_at is not None and one.ended_at > proof.checked_at)
    back = max(back + newer, sum(one.amount.minor for one in ours))
    taken = min(receipt.taken.minor, proof.received_minor)
    return Money(max(0, taken - back), receipt.taken.currency)


def amount_in(text: str, currency: str) -> Money | None:
    """What somebody typed as an amount above zero of that currency, with a point or a comma; None for anything else.

    No more decimals than the currency has: nobody guesses what `1.005` is meant to be.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return None
    decimals = match[2] or ""
    if len(decimals) > shown_decimals(currency):
        return None
    exponent = stripe_exponent(currency)
    minor = int(match[1]) * 10**exponent + int(decimals.ljust(exponent, "0") or "0")
    return Money(minor, currency) if minor > 0 and minor % step_minor(currency) == 0 else None


def look_after(attempts: int) -> timedelta:
    """How long until the next look, after that many."""
    return timedelta(seconds=PATIENCE[min(attempts, len(PATIENCE) - 1)])
