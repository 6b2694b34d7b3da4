"""When the kiosk acts by itself: deadlines of a start, a car that never draws, the limit of a driver, the hold.

It acts on known figures of a known moment. Unknown is never zero, and silence is no evidence: a meter may report every
10 s or every 15 minutes. Rules CH-07 and CH-08: where strong customer authentication applies a hold cannot be raised,
so charging stops before its cost passes it. Times count on the kiosk's own clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.money import Money
from kiosk.domain.session import DRAWING_WORDS, WAITING_WORDS, Phase, Session
from kiosk.domain.status import Group, Status
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Rise, hours

ZERO = timedelta(0)
LAPSES_MARGIN = timedelta(hours=24)
"""So long before a card gives a hold back a charge ends: its bill has to be made and taken."""
ESTIMATE_LASTS = timedelta(minutes=15)
"""A figure that is older says nothing any more of what a charge costs now."""
LATE_BEGIN = Decimal("1.25")
"""Before a second rise the power is the average since the start, and a car may have begun some time after that."""
LOOSE = Decimal(3)
"""A bound of the power that lies further above what flowed at least says nothing. Two rises of a meter that is read
more often than it reports never lie further apart."""
USUAL_KW = Decimal(22)
"""For a connector of which nothing is known, and only for the seconds that a stop takes."""
ROUGH_AFTER = timedelta(seconds=60)
"""A charger that reports more rarely ends a charge at a limit only roughly, and the pages say so."""
LIMIT_IS_NEAR = timedelta(hours=12)
HOLD_IS_NEAR = timedelta(hours=4)
"""The time at which a charge ends at its limit, or at its hold, is told when it is no further ahead than this."""
QUIET_FOR = timedelta(seconds=10)
"""A charge that is far from its limit is not judged again for so long at most, while nothing new is known of it."""
QUIET_SHARE = 4
"""And for this part of the time that it is away from it."""
LATER = timedelta(seconds=1)
"""So much later may whoever judges it have become meanwhile."""
_FINE_STEPS = (10, 20, 50, 100, 200, 500)
"""Minor units: an amount that says how rough something is, is itself round."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`start` counts from the hold, or from when the cable came in; `power` from when the car was taken up.

    `stop_takes` is how long a stop needs to bite. `waits` ends a charge in which a car, or a paused bay, has waited for
    so long. `hold_lives` ends one well before a card's hold lapses (7 days for most cards, CH-06).
    """

    start: timedelta = timedelta(seconds=120)
    power: timedelta = timedelta(seconds=180)
    stop_takes: timedelta = timedelta(seconds=20)
    waits: timedelta = timedelta(hours=12)
    hold_lives: timedelta = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Step:
    """A command that the kiosk gives by itself, and why."""

    kind: Kind
    asked_by: AskedBy


def charger_must_answer_by(session: Session, policy: Policy) -> datetime | None:
    """After this moment a start that the charger has not taken up is cancelled. None before the hold was seen.

    A cable that comes in later moves it: car and charger need their time.
    """
    if session.held_seen_at is None:
        return None
    cable_in = session.connector_since if session.connector_status == "Preparing" else None
    return max(session.held_seen_at, cable_in or session.held_seen_at) + policy.start


def power_must_flow_by(session: Session, policy: Policy) -> datetime | None:
    """After this moment a charge that draws nothing is stopped. None while there is no evidence that it draws nothing.

    Evidence is a meter that is known to say zero, a cost that is known to contain no energy, and a connector that says
    neither that it charges nor that somebody waits. It counts from when both were first seen after the car was taken
    up, and a charger that is known to report more rarely is given that time.
    """
    points, since = session.trace.points, session.connector_since
    if session.standing is not Status.CHARGING or session.charger_online is False or not points:
        return None
    said_last = points[-1].at == session.observed_at
    if not said_last or points[-1].energy_kwh != 0 or not _costs_no_energy(session):
        return None
    if session.connector_status is None or session.connector_status in DRAWING_WORDS or since is None:
        return None
    began = max(session.trace.still_since() or since, since)
    return began + max(policy.power, (session.meter_interval or ZERO) * 3 / 2)


def waits_since(session: Session) -> datetime | None:
    """Since when a car or a paused bay waits; None when neither does, as far as is known."""
    if session.standing is not Status.CHARGING or session.connector_status not in WAITING_WORDS:
        return None
    points = session.trace.points
    still = session.trace.still_since() if points and points[-1].at == session.observed_at else None
    known = [at for at in (still, session.connector_since) if at is not None]
    return min(known) if known else None


def hold_must_end_by(session: Session, policy: Policy) -> datetime | None:
    """By this moment a charge has ended, well before its card gives the hold back by itself; None before the hold.

    Some cards keep a hold for less than the usual week, and the payment's own record says so (`capture_before`).
    """
    held = session.held_seen_at
    if held is None:
        return None
    ends, proof = held + policy.hold_lives, session.proof
    lapses = proof.capture_before if proof is not None and proof.capturable_minor else None
    if lapses is None or lapses <= held:
        return ends
    return min(ends, lapses - min(LAPSES_MARGIN, (lapses - held) / 2))


def waits_until(session: Session, policy: Policy) -> datetime | None:
    """When a charge in which a car or a paused bay waits is ended at the latest; None when neither waits."""
    since = waits_since(session)
    if since is None:
        return None
    held_until = hold_must_end_by(session, policy)
    return min(since + policy.waits, held_until) if held_until is not None else since + policy.waits


def ceiling_minor(session: Session) -> int | None:
    """The cost at which charging must have ended: the driver's limit or the hold, whichever is lower."""
    amounts = [amount for amount in (session.limit_minor, session.held_minor) if amount is not None]
    return min(amounts) if amounts else None


def expected_cost_minor(session: Session, at: datetime, fuse_kw: Decimal | None = None) -> Decimal | None:
    """The most that the charge costs at that moment if it goes on as before: for stopping in time, never shown.

    What the meter has not reported yet is counted from its last report, not from the last read. None without a price
    or without any figure.
    """
    if session.tariff is None:
        return None
    cost = session.cost_minor
    if cost is None:
        if session.energy_kwh is None:
            return None
        cost = session.tariff.example(session.energy_kwh).minor
    return cost + session.tariff.energy_cost_exact(_unreported_kwh(session, at, fuse_kw))


def likely_kw(session: Session, fuse_kw: Decimal | None = None) -> Decimal | None:
    """The most that the charge is likely to draw now, by the rises of its meter; None when they do not tell.

    Bounded by what connector and fuses give, as far as the meter does not show more.
    """
    bounds = session.trace.bounds()
    if bounds is not None:
        # Read as rarely as the meter reports, nothing bounds it from above: twice what flowed at least is enough. Nor
        # does a stretch in which nobody read, or no energy was said: all of it may then have come in a few seconds.
        power = bounds.most if bounds.most is not None else bounds.least * 2
        power = min(power, bounds.least * LOOSE)
        caps = [cap for cap in (session.most_kw, fuse_kw) if cap is not None and cap >= bounds.least]
        return min([power, *caps])
    begin, rise = _begin(session), session.trace.last_rise()
    if begin is None or rise is None or rise.after <= begin:
        return None
    # Here as well all of it may have come at the end of a stretch in which no energy was said, or in a few seconds.
    average = min(rise.energy_kwh / hours(rise.after - begin), rise.energy_kwh / hours(rise.by - begin) * LOOSE)
    return min([average * LATE_BEGIN, *(cap for cap in (session.most_kw,) if cap is not None and cap >= average)])


def ceiling_at(session: Session) -> datetime | None:
    """When the ceiling is reached at the present power, counted from the last report; None when that cannot be said."""
    ceiling, rise = ceiling_minor(session), session.trace.last_rise()
    power = session.power_kw or likely_kw(session)
    if session.tariff is None or ceiling is None or session.cost_minor is None or rise is None or not power:
        return None
    per_hour = session.tariff.energy_cost_exact(power)
    if per_hour == 0:
        return None
    seconds = Decimal(max(0, ceiling - session.cost_minor)) * 3600 / per_hour
    reported_at = session.fresh_at if session.energy_is_old and session.fresh_at is not None else rise.by
    return reported_at + timedelta(seconds=int(min(seconds, Decimal(10**7))))


def limit_reached_about(session: Session, now: datetime) -> datetime | None:
    """The same for people: only by a power that is shown, and not for long ahead.

    A limit is of the driver's own choice, and is worth knowing for the night. Hours away from the hold nearly every car
    is full before, so a time would mislead.
    """
    at = ceiling_at(session) if session.power_kw else None
    farthest = HOLD_IS_NEAR if session.limit_minor is None else LIMIT_IS_NEAR
    return at if at is not None and now < at <= now + farthest else None


def last_reading_adds(session: Session, now: datetime) -> Money | None:
    """About so much can the last meter reading add to the last live cost, in round figures, rounded up.

    It is what can have flowed since the meter's last report: one reporting interval and the age of the last read.
    None when nobody knows the power, or how often the charger reports.
    """
    tariff, kw, interval = session.tariff, likely_kw(session) or session.most_kw, session.meter_interval
    if tariff is None or kw is None or interval is None or session.fresh_at is None:
        return None
    stopped = session.status_since if session.standing is Status.SETTLING else None
    unread = max(ZERO, (stopped or now) - session.fresh_at)
    return _in_round_figures(tariff.energy_cost_exact(kw * hours(interval + unread)), tariff)


def rough_by(tariff: Tariff | None, kw: Decimal | None, interval: timedelta | None) -> Money | None:
    """How much earlier than at a limit a charge may end because the meter reports rarely, in round figures, rounded up.

    It is what flows between two reports: if the power falls in between, the charge ends by so much too early, and if it
    rises, the limit can be passed by as much. None for a meter that reports often, or when something is not known.
    """
    if tariff is None or not kw or interval is None or interval <= ROUGH_AFTER or tariff.price_per_kwh_minor == 0:
        return None
    return _in_round_figures(tariff.energy_cost_exact(kw * hours(interval)), tariff)


def _in_round_figures(exact: Decimal, tariff: Tariff) -> Money:
    """Rounded up."""
    step = next((one for one in _FINE_STEPS if exact <= one * 20), _FINE_STEPS[-1])
    return Money(int((exact / step).to_integral_value(ROUND_CEILING)) * step, tariff.currency)


def guard(
    session: Session,
    policy: Policy,
    now: datetime,
    late_by: timedelta,
    *,
    since: datetime | None = None,
    fuse_kw: Decimal | None = None,
) -> Step | None:
    """What the kiosk must do now by itself, if anything. Giving the same step twice is the caller's to avoid.

    `late_by`: how much later it may be until it is asked again, or until a step has left. `since`: when this engine
    began to lead; nothing is done to a session that was not read since then. `fuse_kw`: what the fuses leave it.
    """
    if session.phase is not Phase.OPEN or session.observed_at is None:
        return None
    if since is not None and session.observed_at < since:
        return None
    if session.facts.group is Group.PREPARING:
        deadline = charger_must_answer_by(session, policy)
        # Only a reading from after the deadline can say that the charger has not taken it up.
        missed = deadline is not None and session.observed_at >= deadline
        return Step(Kind.CANCEL, AskedBy.START_DEADLINE) if missed else None
    if session.standing is not Status.CHARGING:
        return None
    deadline = power_must_flow_by(session, policy)
    if deadline is not None and session.observed_at >= deadline:
        return Step(Kind.STOP, AskedBy.POWER_DEADLINE)
    held_until = hold_must_end_by(session, policy)
    if held_until is not None and now >= held_until:
        return Step(Kind.STOP, AskedBy.HOLD)
    waits = waits_since(session)
    if waits is not None and session.observed_at - waits >= policy.waits:
        return Step(Kind.STOP, AskedBy.WAITED)
    return _before_ceiling(session, now + late_by + policy.stop_takes, now, fuse_kw)


def acts_in(
    session: Session, policy: Policy, now: datetime, late_by: timedelta, fuse_kw: Decimal | None = None
) -> timedelta | None:
    """How long until `guard` would stop the charge by what is known now; None when that cannot be said."""
    ceiling, power = ceiling_minor(session), likely_kw(session, fuse_kw)
    if session.standing is not Status.CHARGING or session.tariff is None or ceiling is None or not power:
        return None
    expected = expected_cost_minor(session, now + late_by + policy.stop_takes, fuse_kw)
    per_hour = session.tariff.energy_cost_exact(power)
    if expected is None or per_hour == 0:
        return None
    return timedelta(seconds=float(min(max(Decimal(0), ceiling - expected) * 3600 / per_hour, Decimal(10**6))))


def quiet_until(session: Session, policy: Policy, now: datetime, late_by: timedelta) -> datetime | None:
    """Before then time alone makes nothing due that is not due now; None when nobody can tell, or it is too soon.

    It holds as long as nothing new is known of the session, and whoever looks is late by no more than `LATER` beyond
    `late_by`: then the charge is a quarter of the way to its stop at most. The end of a hold, a day before it lapses,
    may be late by `QUIET_FOR`.
    """
    return quiet_by(session, now, acts_in(session, policy, now, late_by))


def quiet_by(session: Session, now: datetime, soon: timedelta | None) -> datetime | None:
    """The same for whoever has asked `acts_in` already: `soon` is what it has said of this session now."""
    if session.standing is not Status.CHARGING:
        return now + QUIET_FOR  # only a reading makes something due
    if soon is None or soon <= QUIET_SHARE * LATER:
        return None
    return now + min(soon / QUIET_SHARE, QUIET_FOR)


def _before_ceiling(session: Session, bites_at: datetime, now: datetime, fuse_kw: Decimal | None) -> Step | None:
    ceiling = ceiling_minor(session)
    if ceiling is None:
        return None
    known = session.cost_minor
    reached = known is not None and known >= ceiling
    # Without contact no stop arrives, and the figures are those of an earlier moment.
    counts = session.charger_online is not False and session.fresh_at is not None
    if not reached and counts and session.fresh_at is not None and now - session.fresh_at <= ESTIMATE_LASTS:
        expected = expected_cost_minor(session, bites_at, fuse_kw)
        reached = expected is not None and expected >= ceiling
    if not reached:
        return None
    by_limit = session.limit_minor is not None and session.limit_minor == ceiling
    return Step(Kind.STOP, AskedBy.LIMIT if by_limit else AskedBy.HOLD)


def _unreported_kwh(session: Session, at: datetime, fuse_kw: Decimal | None) -> Decimal:
    """The most that can have gone through by then beyond the last known figure."""
    power, rise, since = likely_kw(session, fuse_kw), session.trace.last_rise(), session.connector_since
    if session.connector_status in WAITING_WORDS and since is not None and (rise is None or rise.after <= since):
        # Since then nothing flows. What flowed before it may still be unreported.
        at = min(at, since)
    if power is None or rise is None:
        return _blind_kwh(session, at, fuse_kw)
    if session.energy_is_old and session.fresh_at is not None:
        # The cost goes on without it, and lacks what flowed since the meter's last report at most.
        return power * hours(at - (session.fresh_at - (_report_within(session) or ROUGH_AFTER)))
    reported = [_since_report(session, rise, power, at)]
    bounds = session.trace.bounds()
    if bounds is not None and bounds.most is not None:
        # A steady power holds from every one of its rises on; of some it is known more exactly when they came.
        reported += [_beyond(rise, one, power, at) for one in bounds.rises]
    return max(Decimal(0), min(reported))


def _since_report(session: Session, rise: Rise, power: Decimal, at: datetime) -> Decimal:
    """By the last report: the one that brought the newest figure, or a later one that had nothing new to say."""
    reported_at, seen = rise.after, session.fresh_at
    if seen is not None and (gap := _report_within(session)) is not None:
        reported_at = max(reported_at, seen - gap)
    return power * hours(at - reported_at)


def _beyond(last: Rise, one: Rise, power: Decimal, at: datetime) -> Decimal:
    """What that rise and the power leave for the time after the last figure."""
    return one.energy_kwh + power * hours(at - one.after) - last.energy_kwh


def _report_within(session: Session) -> timedelta | None:
    """Within this time a meter that goes on has reported; None when that is not known."""
    known = timedelta(seconds=session.meter_seconds) if session.meter_seconds is not None else None
    usual = session.trace.usual_gap() or known
    return usual * 3 / 2 if usual is not None else None


def _blind_kwh(session: Session, at: datetime, fuse_kw: Decimal | None) -> Decimal:
    """Without two rises nobody knows the power. Before the first energy nothing is guessed; later only the seconds that
    a stop takes are counted, at what the connector gives.
    """
    if session.fresh_at is None or session.energy_kwh == 0:
        return Decimal(0)
    known = [kw for kw in (session.most_kw, fuse_kw) if kw is not None]
    return (min(known) if known else USUAL_KW) * hours(min(at - session.fresh_at, ROUGH_AFTER))


def _begin(session: Session) -> datetime | None:
    """From when on all of the energy has flowed: the first reading, when it says zero, or when the connector was first
    seen to charge, when that was earlier and no energy was said before.
    """
    points, since = session.trace.points, session.connector_since
    if not points or points[0].energy_kwh != 0:
        return None
    draws = session.connector_status in DRAWING_WORDS - WAITING_WORDS
    if not draws or since is None or session.status_since is None:
        return points[0].at
    return min(points[0].at, max(since, session.status_since))


def _costs_no_energy(session: Session) -> bool:
    """The cost is known, and contains a start fee at most."""
    if session.cost_minor is None:
        return False
    return session.cost_minor <= (session.tariff.start_fee_minor if session.tariff is not None else 0)
