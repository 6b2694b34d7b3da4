"""What is pursued until its effect is seen: the end of a session that somebody wants, and a payment that may be there.

An answer is no effect: a stop that was refused, lost, or answered with 200 and ignored is sent again. Everything here
follows from the session, its commands and the time, so a kiosk that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.domain.commands import UNDER_WAY, AskedBy, Command, CommandState, Kind, Refusal
from kiosk.domain.limits import Step
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status

LONGEST_GAP = timedelta(seconds=60)
"""Never longer between two sendings, whatever upstream says of how long to wait."""
GAPS = (timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40), LONGEST_GAP)
"""After the first sending that had no effect, after the second …"""
STOP_TAKES = timedelta(seconds=20)
"""A charger that said yes is given so long to stop."""
AT_ONCE = timedelta(seconds=5)
"""The least between two sendings when contact comes back: it may come and go."""
A_STREAK = timedelta(minutes=10)
"""Sendings that are older count no more for how long the next gap is."""
LOST_FOR = timedelta(minutes=30)
"""A session that upstream has not known for so long is only read: its token has expired, and nobody takes a stop."""
FIRST_LOOKS = (timedelta(seconds=20), timedelta(seconds=60))
"""So long after the payment form was handed out upstream is asked whether somebody has paid."""
LOOKS_APART = timedelta(minutes=2)
"""… and from then on as often as this, while the session waits for its payment."""


@dataclass(frozen=True, slots=True)
class Due:
    """The command to be sent next, for whom, and not before when."""

    kind: Kind
    asked_by: AskedBy
    at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """What was sent so far to end the session, without effect: how often, when last, and how that ended."""

    kind: Kind
    times: int
    last_at: datetime
    outcome: CommandState


def end_needed(session: Session) -> Kind | None:
    """The command that would end it, by what upstream said last; None: it has ended, or has not begun."""
    if session.phase not in {Phase.OPEN, Phase.GONE}:
        return None
    if session.facts.stop or session.known_status is Status.STOPPING:
        return Kind.STOP
    return Kind.CANCEL if session.facts.cancel else None


def next_end(session: Session, commands: Sequence[Command], own: Step | None, now: datetime) -> Due | None:
    """The next sending that ends the session; None when nobody wants its end, when one is under way, or it is over.

    `own` is what the kiosk itself wants now (`kiosk.domain.limits.guard`). A driver's wish goes before it, and means
    whatever ends the session now: a cancel that came too late is a stop.
    """
    wanted = _wanted(session, commands, own)
    if wanted is None:
        return None
    kind, asked_by = wanted
    sent = _of(commands, kind)
    if sent and sent[-1].state in UNDER_WAY:
        return None
    if session.gone_at is not None and now - session.gone_at > LOST_FOR:
        return None
    return Due(kind, asked_by, _end_due(session, sent, now))


def may_be_pursued(session: Session) -> bool:
    """Something may be due by the session alone. Without that, and without a step of the kiosk, nothing ever is."""
    stopping = session.known_status is Status.STOPPING
    return session.wish is not None or stopping or session.known_status is Status.CREATED


def tried(session: Session, commands: Sequence[Command]) -> Tried | None:
    """What was sent without effect of the command that is needed now; None when nothing of it has come to an end."""
    kind = end_needed(session)
    ended = [one for one in _of(commands, kind) if one.state not in UNDER_WAY] if kind is not None else []
    if kind is None or not ended:
        return None
    last = ended[-1]
    return Tried(kind, sum(max(1, one.attempts) for one in ended), _ended_at(last), last.state)


def next_look(session: Session, commands: Sequence[Command]) -> Due | None:
    """When upstream is asked next whether the session was paid: it may have been, and nobody may have said so.

    At once when the payment provider itself says that the money is held; else 20 s and 60 s after the form was handed
    out and every two minutes from then on. None while one is under way, and once upstream knows.
    """
    asked = _of(commands, Kind.CONFIRM)
    first = session.payment_shown_at or (asked[0].asked_at if asked else None)
    if session.phase is not Phase.OPEN or session.known_status is not Status.CREATED or first is None:
        return None
    if asked and asked[-1].state in UNDER_WAY:
        return None
    last = asked[-1] if asked else None
    if says_held(session) and session.proof is not None:
        unheard = last is None or last.asked_at < session.proof.checked_at
        return Due(Kind.CONFIRM, AskedBy.PROVIDER, session.proof.checked_at if unheard else _look_after(last, first))
    return Due(Kind.CONFIRM, AskedBy.KIOSK, _look_after(last, first))


def payment_checked(session: Session, commands: Sequence[Command]) -> bool | None:
    """Whether upstream has looked since somebody said that it was paid, and by a later reading saw no payment.

    None: nobody has said so. What the payment provider says is held is never "looked at and not there".
    """
    said = [one for one in _of(commands, Kind.CONFIRM) if one.asked_by is not AskedBy.KIOSK]
    if not said:
        return False if says_held(session) else None
    if says_held(session) or said[-1].asked_by is AskedBy.PROVIDER:
        return False
    return any(_looked(one, session) for one in _of(commands, Kind.CONFIRM) if one.id >= said[-1].id)


def says_held(session: Session) -> bool:
    """The payment provider's own word is that money is set aside or taken."""
    proof = session.proof
    return proof is not None and bool(proof.capturable_minor or proof.received_minor)


def _looked(confirm: Command, session: Session) -> bool:
    """Upstream answered, and a question that left after that answer still found no payment."""
    answered = confirm.state is CommandState.DONE or confirm.refusal is Refusal.NOT_NOW
    return answered and session.asked_at is not None and session.asked_at > _ended_at(confirm)


def _wanted(session: Session, commands: Sequence[Command], own: Step | None) -> tuple[Kind, AskedBy] | None:
    kind = end_needed(session)
    if kind is None:
        return None
    if kind is Kind.CANCEL and _too_late(session, commands):
        kind = Kind.STOP
    if session.wish is not None:
        return kind, session.wish.asked_by
    if own is not None:
        return (kind if own.kind is Kind.CANCEL else own.kind), own.asked_by
    if session.known_status is Status.STOPPING:
        # It was begun for a reason, and that it has worked is not seen yet.
        before = _of(commands, Kind.STOP)
        return (kind, before[-1].asked_by) if before else None
    return None


def _too_late(session: Session, commands: Sequence[Command]) -> bool:
    """Upstream said of the last cancel that it came too late, and its own word for the session is one we do not know:
    then no reading will tell that the charge has begun.
    """
    sent = _of(commands, Kind.CANCEL)
    return session.known_status is None and bool(sent) and sent[-1].refusal is Refusal.NOT_NOW


def _end_due(session: Session, sent: Sequence[Command], now: datetime) -> datetime:
    stopping_since = session.status_since if session.known_status is Status.STOPPING else None
    if not sent:
        return stopping_since + LONGEST_GAP if stopping_since is not None else now
    last = sent[-1]
    ended = _ended_at(last)
    if session.back_at is not None and session.back_at > ended:
        return max(session.back_at, ended + AT_ONCE)
    read_since = session.asked_at is not None and session.asked_at > ended
    if stopping_since is not None:
        return max(ended, stopping_since) + LONGEST_GAP
    if session.charger_online is False or not read_since:
        return ended + LONGEST_GAP
    streak = sum(max(1, one.attempts) for one in sent if now - _ended_at(one) <= A_STREAK)
    gap = GAPS[min(max(streak, 1), len(GAPS)) - 1]
    return ended + (max(gap, STOP_TAKES) if last.state is CommandState.DONE else gap)


def _look_after(last: Command | None, first: datetime) -> datetime:
    """The next moment of the rhythm that `first` begins, after the last look."""
    if last is None:
        return first + FIRST_LOOKS[0]
    ended = _ended_at(last)
    if last.state is not CommandState.DONE and last.asked_by is not AskedBy.KIOSK:
        return ended + FIRST_LOOKS[0]  # somebody says that it was paid, and nobody has looked
    for after in FIRST_LOOKS:
        if ended < first + after:
            return first + after
    return ended + LOOKS_APART


def _of(commands: Sequence[Command], kind: Kind) -> list[Command]:
    """Those of that kind that were not withdrawn, oldest first."""
    return sorted((one for one in commands if one.kind is kind and one.state is not CommandState.WITHDRAWN), key=_id)


def _id(command: Command) -> int:
    return command.id


def _ended_at(command: Command) -> datetime:
    return command.ended_at or command.sent_at or command.asked_at
