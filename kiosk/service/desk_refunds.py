"""Refunds as the desk may ask for them: what is left of a session, and the wish, written down before it is done.

The engine carries it out (`kiosk.engine.duties.refund`). It is refused when anything has changed since the preview:
another refund, of whoever's, or what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kiosk.domain.desk import Person
from kiosk.domain.money import Money
from kiosk.domain.refunding import RefundWish, amount_in, left_of
from kiosk.news.news import session_topic
from kiosk.service.desk_sessions import LONGEST_REASON, Whole
from kiosk.service.parts import Parts
from kiosk.service.waiting import wait_for_session
from kiosk.store.errors import Missing, WrongState

WAIT = 5.0
"""Seconds that the engine is given, so that the page that follows normally shows the end."""


class Outcome(StrEnum):
    """What became of asking for a refund."""

    ASKED = "asked"
    NO_REASON = "no_reason"
    NO_AMOUNT = "no_amount"  # not an amount above zero of that currency
    TOO_MUCH = "too_much"  # more than what is left
    NOT_OFFERED = "not_offered"
    CHANGED = "changed"  # something was sent back, or asked for, since the preview


@dataclass(frozen=True, slots=True)
class Refundable:
    """What a session's page says of refunds. `left` None: nobody can say, so none is offered. `seen` names the state
    that was previewed.
    """

    left: Money | None
    wishes: Sequence[RefundWish]
    seen: str

    @property
    def offered(self) -> bool:
        return self.left is not None and self.left.minor > 0


def is_set_up(parts: Parts) -> bool:
    """There is a key that may refund."""
    return parts.settings.stripe_refund_key is not None


def refundable(parts: Parts, shown: Whole) -> Refundable:
    wishes = parts.store.refunds_of(shown.told.session.key)
    left = left_of(shown.told.session, wishes) if is_set_up(parts) and shown.told.intent_id is not None else None
    return Refundable(left, wishes, f"{len(wishes)}-{left.minor if left is not None else ''}")


def ask(parts: Parts, who: Person, shown: Whole, amount: str, reason: str, seen: str) -> Outcome:
    """Write down that so much is to be sent back, once. In the log it stands before. Raises CannotWrite."""
    why, key, now = " ".join(reason.split())[:LONGEST_REASON], shown.told.session.key, parts.clock.now()
    found = refundable(parts, shown)
    if seen != found.seen:
        return Outcome.CHANGED
    if found.left is None or not found.offered:
        return Outcome.NOT_OFFERED
    wanted = amount_in(amount, found.left.currency)
    if wanted is None:
        return Outcome.NO_AMOUNT
    if found.left < wanted:
        return Outcome.TOO_MUCH
    if not why:
        return Outcome.NO_REASON
    told = f"{wanted.major} {wanted.currency}: {why}"[:LONGEST_REASON]
    parts.store.desk.log(who.name, "asked_refund", now, subject=str(shown.number), reason=told)
    try:
        parts.store.ask_refund(key, wanted, who.name, now, earlier=len(found.wishes))
    except (Missing, WrongState):  # another desk was faster
        return Outcome.CHANGED
    parts.news.wish(session_topic(key))
    wait_for_session(parts, key, lambda _later: not any(one.is_open for one in parts.store.refunds_of(key)), WAIT)
    return Outcome.ASKED
