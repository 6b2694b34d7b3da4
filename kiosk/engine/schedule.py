"""Which session is read next: a pure function of what is open, what the budget allows, and the time.

Every session has a target interval. When the budget cannot serve all targets they stretch, those least where something
is about to change, and nobody starves; a small reserve stays for the urgent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.domain.limits import USUAL_KW, ceiling_at, ceiling_minor, likely_kw
from kiosk.domain.pursuit import LOST_FOR, end_needed
from kiosk.domain.session import Session
from kiosk.domain.status import Group, Status
from kiosk.domain.trace import hours

RESERVE = 3
ENDED_TARGET = 60.0
ENDED_EVERY = timedelta(seconds=20)
ENDED_SELDOM = timedelta(minutes=10)
"""Looks at sessions that have ended: one at a time, so far apart, and seldom while those that go on have to wait."""
URGENT_AT_MOST = 5.0
URGENT_SHARE = 0.6
PATIENT_FOR = 1800.0
"""Seconds in which everybody is read once, also who waits first, as far as there is room."""
PATIENT_SHARE = 0.25
WATCHED, UNWATCHED = 10.0, 60.0
"""Seconds between two readings of a charge that goes on, with its page open and without."""
OFFLINE_AT_MOST = 120.0
LAST_MINUTE = 60.0
CONFIRMED_EVERY = 300.0
"""Seconds between two readings of a charge whose figures come from the operator's view: it may be wrong."""
LOOK_AGAIN = timedelta(seconds=60)
SOON = timedelta(milliseconds=200)
CLOSELY = timedelta(seconds=30)
"""So long a figure that cannot be is asked for again at once; a slow meter needs longer to say another."""
A_MOMENT = timedelta(milliseconds=50)
"""A wake-up this little early is in time: waiting for the rest would cost a place."""


@dataclass(frozen=True, slots=True)
class ReadNeed:
    """One session that wants to be read. `last` is when it was last asked about (or tried); `target` is in seconds.

    `ended`: nothing hangs on it any more, so it takes nothing from the others. `patient`: nobody looks at it, and
    nothing is about to change, so that it waits first when the budget is short.
    """

    key: str
    last: datetime | None
    target: float
    ended: bool = False
    patient: bool = False

    @property
    def urgent(self) -> bool:
        return self.target <= URGENT_AT_MOST


@dataclass(frozen=True, slots=True)
class Plan:
    """Sessions to read now, in order, and when to look again. `last_read` and `last_ended` belong in the next plan."""

    now: tuple[str, ...]
    again_in: timedelta
    stretch: Stretch
    last_read: datetime | None
    last_ended: datetime | None = None


def target_seconds(
    session: Session, now: datetime, *, watched: bool, just_commanded: bool, told_elsewhere: bool = False
) -> float:
    """How often this session should be read while the budget allows.

    `watched`: a page of it is open. `just_commanded`: a command of it ended less than a minute ago, so that something
    is about to change. `told_elsewhere`: the figures of `session` are those of the operator's view, which goes on.
    """
    usual = _usual_seconds(session, now, watched, just_commanded, told_elsewhere)
    if session.wish is None or end_needed(session) is None:
        return usual
    if session.gone_at is not None and now - session.gone_at > LOST_FOR:
        return usual
    # Somebody wants it to end: its effect is looked for, and the moment in which the charger is back.
    waited = (now - session.wish.asked_at).total_seconds()
    return min(usual, max(3.0, min(waited / 20, 30.0)))


def _usual_seconds(session: Session, now: datetime, watched: bool, just_commanded: bool, told_elsewhere: bool) -> float:
    if session.gone_at is not None:
        # One 404 may be a slip: soon once more. Later less and less, at last once a day.
        return min(max(5.0, (now - session.gone_at).total_seconds() / 4), 86_400.0)
    since = session.status_since or session.requested_at
    if session.incomplete:
        # An end without all of its figures: soon again, then less and less, and never before what still runs.
        soonest = ENDED_TARGET if told_whole(session) else 6.0
        return min(max(soonest, (now - since).total_seconds() / 2), 21_600.0)
    if session.known_status is None and session.facts.group not in {Group.PREPARING, Group.RUNNING}:
        # A word that nobody knows, and nothing to guard: less and less, at last twice a day.
        return min(max(10.0, (now - since).total_seconds() / 4), 43_200.0)
    patience = max(0.0, (now - since).total_seconds()) / 20
    match session.facts.group:
        case Group.UNPAID:
            if session.payment_shown_at is None:
                # Nobody can have paid it: read for what upstream itself does with it.
                return 20.0 if watched else 120.0
            if just_commanded:  # whoever pays says so, and so does the provider
                return 3.0
            # What was given up and is paid all the same must not begin to charge.
            closely = 10.0 if session.given_up else 20.0 if watched else 30.0
            return max(closely, min(patience, 60.0))
        case Group.PREPARING:
            return max(3.0, min(patience, 30.0))
        case Group.RUNNING:
            return _running(session, now, watched, just_commanded, told_elsewhere, patience)
        case Group.SETTLING:
            # After half an hour it is nothing that a moment brings any more.
            return max(4.0, min(patience, 60.0), min((now - since).total_seconds() / 30 - 60, 3600.0))
        case _:  # only the operator can move it on
            return min(max(300.0, patience), 21_600.0)


def _running(
    session: Session, now: datetime, watched: bool, just_commanded: bool, told_elsewhere: bool, patience: float
) -> float:
    if session.standing is Status.STOPPING or just_commanded:
        return max(3.0, min(patience, 30.0))
    if session.doubt is not None and now - session.doubt.since < CLOSELY:
        return 3.0
    ordinary = CONFIRMED_EVERY if told_elsewhere else WATCHED if watched else UNWATCHED
    if session.charger_online is False and session.fresh_at is not None:
        # Nothing new comes before it is back, and whoever wants an end is looked after all the same.
        ordinary = max(ordinary, min((now - session.fresh_at).total_seconds() / 10, OFFLINE_AT_MOST))
    if not told_elsewhere and may_be_reached_unseen(session, now):
        return URGENT_AT_MOST
    if not session.energy_kwh:
        return min(ordinary, max(5.0, patience))
    if watched and not told_elsewhere and session.power_kw is None:
        # The first readings close together: the power is known within a minute instead of three.
        ordinary = min(ordinary, max(4.0, patience))
    reached = ceiling_at(session)
    if reached is None:
        return ordinary
    left = (reached - now).total_seconds()
    # In the last minute nothing that is only routine goes before it.
    return min(ordinary, URGENT_AT_MOST if left <= LAST_MINUTE else max(URGENT_AT_MOST, left / 4))


def told_whole(session: Session) -> bool:
    """Its end is told with all of its figures, and a word that nobody knows has come after it: it is read on, and
    nothing hangs on it any more.
    """
    return session.incomplete and not session.unsaid


def may_wait(session: Session, *, watched: bool) -> bool:
    """It waits first when the budget is short: it charges, nobody looks at it, and its driver has set no limit; or only
    a person of the back office can move it on.
    """
    if session.facts.group is Group.OPERATOR:
        return True
    quiet = session.facts.group is Group.RUNNING and session.standing is Status.CHARGING and session.wish is None
    return quiet and not watched and session.limit_minor is None


def may_be_reached_unseen(session: Session, now: datetime) -> bool:
    """Nobody knows its power, and at what its connector can give, half of what is left below its ceiling may be gone
    since its last figure."""
    ceiling, cost, tariff = ceiling_minor(session), session.cost_minor, session.tariff
    if ceiling is None or cost is None or tariff is None or session.fresh_at is None:
        return False
    if session.charger_online is False or likely_kw(session) is not None:
        return False
    gone = tariff.energy_cost_exact((session.most_kw or USUAL_KW) * hours(now - session.fresh_at))
    return 2 * gone >= max(0, ceiling - cost)


def watched_every(stretch: Stretch) -> timedelta:
    """How often the figures of a charge that somebody watches are renewed, to whole steps of five seconds."""
    return timedelta(seconds=5 * round(WATCHED * stretch.ordinary / 5))


@dataclass(frozen=True, slots=True)
class Stretch:
    """The factors by which targets grow when the budget cannot serve them all: those of the urgent, of what somebody
    watches or waits for, and of the patient.
    """

    urgent: float = 1.0
    ordinary: float = 1.0
    patient: float = 1.0

    def of(self, need: ReadNeed) -> float:
        return self.urgent if need.urgent else self.patient if need.patient else self.ordinary


def stretch_of(needs: Iterable[ReadNeed], per_minute: int) -> Stretch:
    """Urgent reads get what they want up to URGENT_SHARE of the budget, or more where the rest leaves it; the rest
    shares what is left. Of that the patient get what the others leave, and at least one reading each in PATIENT_FOR,
    as long as that is no more than PATIENT_SHARE.
    """
    needs = tuple(needs)
    capacity = max(1, per_minute - RESERVE)
    urgent = sum(60 / n.target for n in needs if n.urgent)
    patient = [n for n in needs if n.patient and not n.urgent]
    waiting = sum(60 / n.target for n in patient)
    ordinary = sum(60 / n.target for n in needs if not n.urgent and not n.patient)
    if urgent + ordinary + waiting <= capacity:
        return Stretch()
    granted = min(urgent, max(capacity * URGENT_SHARE, capacity - ordinary - waiting))
    rest = max(1.0, capacity - granted)
    least = min(waiting, len(patient) * 60 / PATIENT_FOR, rest * PATIENT_SHARE if ordinary else rest)
    for_patient = max(least, min(waiting, rest - ordinary))
    for_ordinary = rest - for_patient
    return Stretch(
        urgent=max(1.0, urgent / granted) if urgent else 1.0,
        ordinary=max(1.0, ordinary / for_ordinary) if ordinary else 1.0,
        patient=max(1.0, waiting / for_patient) if waiting else 1.0,
    )


def plan(
    needs: Iterable[ReadNeed],
    *,
    free: int,
    per_minute: int,
    last_read: datetime | None,
    now: datetime,
    last_ended: datetime | None = None,
) -> Plan:
    """What to read now. `free` grants are left in the present window of the budget of `per_minute`.

    `last_read` and `last_ended` are what the plan before said. Ordinary reads leave RESERVE grants alone. Once targets
    are stretched they leave at an even pace, each for the session that is longest unread by its own target.
    """
    needs = tuple(needs)
    ended = [need for need in needs if need.ended]
    needs = tuple(need for need in needs if not need.ended)
    stretch = stretch_of(needs, per_minute)
    urgent = [need for need in needs if need.urgent]
    ordinary = [need for need in needs if not need.urgent]
    chosen, again = _due_now(urgent, stretch.urgent, free, now)
    if stretch.ordinary > 1 or stretch.patient > 1:
        pace = _pace(urgent, stretch, per_minute)
        more, later = _paced(ordinary, stretch, pace, free - len(chosen), last_read, now)
        # The pace counts from the place that was due, not from the moment of a late wake-up: else every read drifts.
        taken = now if last_read is None else max(last_read + pace, now - pace)
    else:
        more, later = _due_now(ordinary, 1.0, free - len(chosen) - RESERVE, now)
        taken = now
    if ended:
        busy = stretch != Stretch()
        pause = ENDED_SELDOM if busy else ENDED_EVERY
        if last_ended is None:
            last_ended = now if busy else now - pause
        due = last_ended + pause
        if due <= now and free - len(chosen) - len(more) > RESERVE:
            longest = max(ended, key=lambda need: (_waited(need, now), need.key))
            chosen, last_ended, due = [*chosen, longest.key], now, now + pause
        later = min(later, max(due - now, SOON))
    return Plan((*chosen, *more), min(again, later), stretch, taken if more else last_read, last_ended)


def _due_now(needs: list[ReadNeed], stretch: float, free: int, now: datetime) -> tuple[list[str], timedelta]:
    """Those whose time has come, the longest due first, and when the next one will be."""
    chosen: list[str] = []
    again = LOOK_AGAIN
    for due, _, need in sorted((_due(need, stretch, now), need.key, need) for need in needs):
        if due <= now and len(chosen) < free:
            chosen.append(need.key)
        else:
            again = min(again, max(due - now, SOON))
    return chosen, again


def _paced(
    needs: list[ReadNeed], stretch: Stretch, pace: timedelta, free: int, last_read: datetime | None, now: datetime
) -> tuple[list[str], timedelta]:
    """One read a pace, for the session that is unread longest by its own target, due or not, so that no place is left
    unused.

    Not "earliest due first": that would carry the delay of a busy minute on for ever, because there is no slack.
    """
    next_at = now if last_read is None else last_read + pace
    if next_at - now > A_MOMENT or free <= RESERVE or not needs:
        return [], max(next_at - now, SOON)
    return [max(needs, key=lambda need: (_waited(need, now) / stretch.of(need), need.key)).key], pace


def _pace(urgent: list[ReadNeed], stretch: Stretch, per_minute: int) -> timedelta:
    """The even distance of ordinary reads in what the urgent leave of the budget."""
    spent = sum(60 / need.target for need in urgent) / stretch.urgent
    return timedelta(seconds=60 / max(1.0, per_minute - RESERVE - spent))


def _waited(need: ReadNeed, now: datetime) -> float:
    """How long it has been unread, in its own target intervals."""
    return float("inf") if need.last is None else (now - need.last).total_seconds() / need.target


def _due(need: ReadNeed, stretch: float, now: datetime) -> datetime:
    """Never read: due at once, and before everything that was read."""
    if need.last is None:
        return now - timedelta(days=1)
    return need.last + timedelta(seconds=need.target * stretch)
