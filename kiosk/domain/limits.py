"""When the kiosk acts by itself: the deadlines of a start, the driver's limit, and the hold as a ceiling.

Rules CH-07 and CH-08: where strong customer authentication applies a hold cannot be raised, so charging stops before
its cost passes it.
Times count on the kiosk's own clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group, Status

ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Policy:
    """`start` and `power` run from the moment the hold was seen; `stop_takes` is how long a stop needs to bite.

    `hold_lives` ends a charge well before a card's hold lapses (7 days for most cards, CH-06).
    """

    start: timedelta = timedelta(seconds=120)
    power: timedelta = timedelta(seconds=180)
    stop_takes: timedelta = timedelta(seconds=20)
    hold_lives: timedelta = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Step:
    """A command that the kiosk gives by itself, and why."""

    kind: Kind
    asked_by: AskedBy


def charger_must_answer_by(session: Session, policy: Policy) -> datetime | None:
    """After this moment a start that the charger has not taken up is cancelled. None before the hold was seen."""
    return session.held_seen_at + policy.start if session.held_seen_at is not None else None


def power_must_flow_by(session: Session, policy: Policy) -> datetime | None:
    """After this moment a charge without any energy is stopped. None before the hold was seen."""
    return session.held_seen_at + policy.power if session.held_seen_at is not None else None


def ceiling_minor(session: Session) -> int | None:
    """The cost at which charging must have ended: the driver's limit or the hold, whichever is lower."""
    amounts = [amount for amount in (session.limit_minor, session.held_minor) if amount is not None]
    return min(amounts) if amounts else None


def expected_cost_minor(session: Session, horizon: timedelta) -> Decimal | None:
    """The cost after `horizon` at the steepest recent power: for stopping in time, never shown."""
    if session.tariff is None:
        return None
    cost = session.cost_minor
    if cost is None:
        if session.energy_kwh is None:
            return None
        cost = session.tariff.example(session.energy_kwh).minor
    power = session.trace.steepest_kw() or Decimal(0)
    hours = Decimal(max(horizon, ZERO) // timedelta(milliseconds=1)) / 3_600_000
    return cost + session.tariff.energy_cost_exact(power * hours)


def time_to_ceiling(session: Session) -> timedelta | None:
    """How long charging can go on at the present power before the ceiling; None when that cannot be said."""
    ceiling, power = ceiling_minor(session), session.trace.power_kw() or session.trace.steepest_kw()
    if session.tariff is None or ceiling is None or session.cost_minor is None or not power:
        return None
    per_hour = session.tariff.energy_cost_exact(power)
    if per_hour == 0:
        return None
    seconds = Decimal(max(0, ceiling - session.cost_minor)) * 3600 / per_hour
    return timedelta(seconds=int(min(seconds, Decimal(10**7))))


def limit_reached_about(session: Session) -> datetime | None:
    """When the limit (or else the hold) is reached at the power of the last reading; counted from that reading."""
    left = time_to_ceiling(session)
    if left is None or session.fresh_at is None or left > timedelta(days=2):
        return None
    return session.fresh_at + left


def guard(session: Session, policy: Policy, now: datetime, next_read_in: timedelta) -> Step | None:
    """What the kiosk must do now by itself, if anything. Giving the same step twice is the caller's to avoid."""
    if session.phase is not Phase.OPEN:
        return None
    if session.facts.group is Group.PREPARING:
        deadline = charger_must_answer_by(session, policy)
        return Step(Kind.CANCEL, AskedBy.START_DEADLINE) if deadline is not None and now >= deadline else None
    if session.standing is not Status.CHARGING:
        return None
    deadline = power_must_flow_by(session, policy)
    # Only a reading taken after the deadline, from a charger in contact, can say that nothing flows.
    no_energy = session.charger_online is not False and not session.energy_kwh
    read_since = session.observed_at is not None and deadline is not None and session.observed_at >= deadline
    if read_since and no_energy:
        return Step(Kind.STOP, AskedBy.POWER_DEADLINE)
    if session.held_seen_at is not None and now - session.held_seen_at >= policy.hold_lives:
        return Step(Kind.STOP, AskedBy.HOLD)
    return _before_ceiling(session, policy, now, next_read_in)


def _before_ceiling(session: Session, policy: Policy, now: datetime, next_read_in: timedelta) -> Step | None:
    ceiling = ceiling_minor(session)
    age = now - session.fresh_at if session.fresh_at is not None else ZERO
    expected = expected_cost_minor(session, age + next_read_in + policy.stop_takes)
    if ceiling is None or expected is None or expected < ceiling:
        return None
    by_limit = session.limit_minor is not None and session.limit_minor == ceiling
    return Step(Kind.STOP, AskedBy.LIMIT if by_limit else AskedBy.HOLD)
