"""The receipt: what was held, taken and given back, and lines that add up to the amount on their face.

Rules R-01 to R-05: same names and order as the price before the start; a receipt exists for a charge of nothing too.
Meter stands, card and release appear only when upstream or the payment provider said them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.domain.bill import Adjustment, Line, Why, adjustment_of, lines_of
from kiosk.domain.money import Money
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import ENDED_WITHOUT_PAYMENT, Status

RELEASE_TAKES = timedelta(minutes=5)
"""So long after an end without a charge the payment's record may still name the hold that upstream is giving back."""


@dataclass(frozen=True, slots=True)
class LastReading:
    """What the last meter reading changed against the last live figures: a difference is shown as such.

    `cost` is what that reading made of it, None when something else did (the hold, a written-off bill, a refund).
    """

    live_energy_kwh: Decimal | None
    live_cost: Money | None
    energy_kwh: Decimal | None
    cost: Money | None


@dataclass(frozen=True, slots=True)
class SentBack:
    """A part of what was taken that was sent back. `at` is when it was seen, or by the payment's own record when it was
    made; `by_record`: only that record says so.
    """

    amount: Money
    at: datetime
    by_record: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """`given_back` is what the hold leaves; `given_back_at` is set only when the release is proven.

    `taken` is what was taken at first; what was sent back of it later stands in `sent_back`. `over` is what was taken
    beyond the hold: then nothing goes back. `by_record`: upstream told no end, the payment's own record did.
    `last_figure`: the energy is the last one of the running charge, because none was told for its end. Without a figure
    of the end there are no `lines`; with them, lines + `adjustment` = `taken`.
    """

    status: Status
    held: Money | None
    held_at: datetime | None
    taken: Money | None
    taken_at: datetime | None
    given_back: Money | None
    given_back_at: datetime | None
    tax: Money | None
    energy_kwh: Decimal | None
    started_at: datetime | None
    ended_at: datetime | None
    lines: tuple[Line, ...]
    adjustment: Adjustment | None
    last_reading: LastReading | None
    card_brand: str | None
    card_last4: str | None
    sent_back: tuple[SentBack, ...] = ()
    over: Money | None = None
    by_record: bool = False
    last_figure: bool = False

    @property
    def kept(self) -> Money | None:
        """What was taken and not sent back; None when nobody has said what was taken."""
        if self.taken is None:
            return None
        back = sum(one.amount.minor for one in self.sent_back)
        return Money(max(0, self.taken.minor - back), self.taken.currency)


def still_held(session: Session) -> bool:
    """By the payment's own record money is held for a session that has ended without a charge: paid too late.

    Where upstream knew of the hold it gives it back itself: a record from before the end says nothing then, and one
    from just after it may only be quicker than the release.
    """
    proof, since = session.proof, session.status_since
    free = session.end in ENDED_WITHOUT_PAYMENT or session.end is Status.WRITTEN_OFF
    if not free or session.taken_minor or proof is None or proof.capturable_minor == 0:
        return False
    if session.held_seen_at is None or since is None:
        return True
    return proof.checked_at - since >= RELEASE_TAKES


def receipt_of(session: Session) -> Receipt | None:
    """The receipt of a session that has ended; None before that, and while its amount may still be told.

    Written to the store when it first exists.
    """
    status = session.end
    if status is None or session.tariff is None or session.phase not in {Phase.OPEN, Phase.GONE}:
        return None
    if session.taken_minor is None and not session.final:
        return None
    proof = session.proof
    held = session.money(session.authorized_minor)
    # A status that takes nothing beside a captured amount contradicts itself: then the amount is believed.
    taken = session.money(session.taken_minor)
    free = (status in ENDED_WITHOUT_PAYMENT or status is Status.WRITTEN_OFF) and not session.taken_minor
    over = taken is not None and held is not None and taken.minor > held.minor
    stays = over or still_held(session)
    given_back = held - taken if held is not None and taken is not None and not stays else None
    lines, adjustment = ((), None) if free else _explain(session, taken, held)
    return Receipt(
        status=status,
        held=held,
        held_at=session.authorized_at,
        taken=taken,
        taken_at=None if free else session.captured_at,
        given_back=given_back,
        given_back_at=_released_at(session, given_back, taken),
        tax=None if free else session.money(session.tax_minor),
        energy_kwh=session.energy_kwh,
        started_at=session.charging_started_at,
        ended_at=session.completed_at,
        lines=lines,
        adjustment=adjustment,
        last_reading=_last_reading(session, taken, adjustment, free=free),
        card_brand=proof.card_brand if proof else None,
        card_last4=proof.card_last4 if proof else None,
        sent_back=_sent_back(session, taken),
        over=taken - held if over and taken is not None and held is not None else None,
        by_record=session.by_record,
        last_figure=not free and session.energy_kwh is not None and not lines and _energy_is_open(session),
    )


def _energy_is_open(session: Session) -> bool:
    return session.energy_unsaid or session.by_record


def _sent_back(session: Session, taken: Money | None) -> tuple[SentBack, ...]:
    """By upstream's figures, and beside them what only the payment's own record says.

    When upstream says that it was sent back and not how much, the record's figure counts if it is newer than that.
    """
    if taken is None:
        return ()
    proof = session.proof
    recorded = proof.refunded_minor if proof is not None else None
    rows: list[SentBack] = []
    total = 0
    for one in session.refunds:
        amount = one.amount_minor
        if amount is None:
            rest = taken.minor - total
            told = proof is not None and proof.checked_at >= one.seen_at and recorded
            amount = min(rest, max(0, recorded - total)) if told and recorded else rest
        if amount > 0:
            rows.append(SentBack(Money(amount, taken.currency), one.seen_at))
            total += amount
    if proof is not None and recorded is not None and recorded > total:
        at = proof.refunded_at or proof.checked_at
        rows.append(SentBack(Money(recorded - total, taken.currency), at, by_record=True))
    return tuple(rows)


def _explain(session: Session, taken: Money | None, held: Money | None) -> tuple[tuple[Line, ...], Adjustment | None]:
    """Lines, and what stands between them and `taken`. An energy that is perhaps not of the end explains it only when
    it comes to that very amount.
    """
    tariff = session.tariff
    if taken is None or tariff is None or session.energy_kwh is None:
        return (), None
    adjustment = adjustment_of(tariff, session.energy_kwh, taken, held)
    if _energy_is_open(session) and adjustment is not None and adjustment.why is not Why.ROUNDING:
        return (), None
    return lines_of(tariff, session.energy_kwh), adjustment


def _last_reading(
    session: Session, taken: Money | None, adjustment: Adjustment | None, *, free: bool
) -> LastReading | None:
    live = session.last_live
    if live is None or taken is None or _energy_is_open(session):
        return None
    by_meter = not free and session.energy_kwh is not None and (adjustment is None or adjustment.why is Why.ROUNDING)
    live_cost, cost = session.money(live.cost_minor), taken if by_meter else None
    other_energy = live.energy_kwh is not None and live.energy_kwh != session.energy_kwh
    other_cost = live_cost is not None and cost is not None and live_cost != cost
    if not other_energy and not other_cost:
        return None
    return LastReading(live.energy_kwh, live_cost, session.energy_kwh, cost)


def _released_at(session: Session, given_back: Money | None, taken: Money | None) -> datetime | None:
    """When the rest of the hold was proven released. Only the provider's word counts, and it must fit the amount."""
    proof = session.proof
    if proof is None or not proof.ended or given_back is None or taken is None:
        return None
    if proof.intent_status == "canceled":
        return (proof.canceled_at or proof.ended_at or proof.checked_at) if taken.minor == 0 else None
    if proof.received_minor != taken.minor:
        return None
    return session.captured_at or proof.ended_at or proof.checked_at
