"""What the owner of a session may ask of it now, and who asked for its end. Pages show it, services refuse the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from kiosk.domain.commands import ASIDE, UNDER_WAY, AskedBy, Command, CommandState, Kind
from kiosk.domain.limits import Policy, Step, expected_cost_minor
from kiosk.domain.money import Money
from kiosk.domain.offer import limit_choices
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.terms import asks_consent


class Action(StrEnum):
    PAY = "pay"
    CANCEL = "cancel"
    LEAVE = "leave"
    STOP = "stop"
    LIMIT = "limit"
    EMAIL = "email"
    MOVE = "move"
    AGREE = "agree"  # to terms that are not those that were read
    TAKE_UP = "take_up"  # a start that was put aside


class EmailState(StrEnum):
    """Where the address for the receipt stands. REFUSED: upstream did not accept it, another one may be given."""

    KNOWN = "known"
    ASKED = "asked"
    REFUSED = "refused"
    OPEN = "open"


def actions_of(session: Session, commands: Sequence[Command], now: datetime) -> frozenset[Action]:
    """What its owner may ask now. A stop or a cancel that is under way is not offered again."""
    rows: set[Action] = set()
    if session.phase is Phase.QUEUED:
        rows.add(Action.LEAVE)
    if payable(session):
        rows.add(Action.PAY)
    here = session.phase is Phase.OPEN and not session.given_up
    if here and session.can_cancel() and not _under_way(commands, Kind.CANCEL):
        rows.add(Action.CANCEL)
    if session.can_stop() and not _under_way(commands, Kind.STOP):
        rows.add(Action.STOP)
        # However old the figures are: a limit that may be passed by now is not offered, and the guard reads first.
        if limits_of(session, now):
            rows.add(Action.LIMIT)
    unpaid = session.known_status is Status.CREATED
    if email_state(session, commands) in {EmailState.OPEN, EmailState.REFUSED} and session.can_set_email():
        # While somebody pays, nothing else is asked of them.
        rows |= set() if unpaid else {Action.EMAIL}
    if here and not session.final:
        rows.add(Action.MOVE)
    if asks_consent(session):
        rows.add(Action.AGREE)
    if session.phase is Phase.LEFT and session.refusal in ASIDE:
        rows.add(Action.TAKE_UP)
    return frozenset(rows)


def payable(session: Session) -> bool:
    """Upstream made it, and it waits for the payment on the terms that its driver has read."""
    open_ = session.phase is Phase.OPEN and session.known_status is Status.CREATED
    return open_ and not session.given_up and not asks_consent(session)


def limits_of(session: Session, now: datetime) -> tuple[Money, ...]:
    """The limits that may be set: those that can still be kept, and the one that is set."""
    passed = expected_cost_minor(session, now + Policy().stop_takes)
    used = max(session.cost_minor or 0, math.ceil(passed) if passed is not None else 0)
    offered = limit_choices(session.tariff, session.held_minor, used_minor=used, most_kw=session.most_kw)
    current = session.money(session.limit_minor)
    return offered if current is None or current in offered else (*offered, current)


def email_state(session: Session, commands: Sequence[Command]) -> EmailState | None:
    """None when it is too late for an address and none was given."""
    if session.email_known:
        return EmailState.KNOWN
    command = newest(commands, Kind.RECEIPT_EMAIL)
    if command is not None and command.state in UNDER_WAY:
        return EmailState.ASKED
    if command is not None and command.state is CommandState.DONE:
        return EmailState.KNOWN
    if command is not None and command.state is CommandState.REFUSED:
        return EmailState.REFUSED
    return EmailState.OPEN if session.can_set_email() else None


def end_asked(session: Session, commands: Sequence[Command]) -> Step | None:
    """The cancel or the stop that may have ended it, and who asked for it; None when nobody at this kiosk did."""
    if session.given_up:
        return Step(Kind.CANCEL, AskedBy.DRIVER)
    status = session.standing
    kind = Kind.CANCEL if status in {Status.ABANDONED, Status.FAILED, Status.EXPIRED} else Kind.STOP
    if status is Status.CHARGING or session.phase is Phase.QUEUED:
        return None
    command = effective(commands, kind) or (effective(commands, Kind.CANCEL) if status is Status.NO_CHARGE else None)
    return Step(command.kind, command.asked_by) if command is not None else None


def effective(commands: Sequence[Command], kind: Kind) -> Command | None:
    """The newest command of that kind that may have had its effect: sent, and not refused."""
    ways = {CommandState.SENT, CommandState.DONE, CommandState.UNKNOWN}
    rows = [one for one in commands if one.kind is kind and one.state in ways]
    return max(rows, key=lambda one: one.id) if rows else None


def asked_first(session: Session, commands: Sequence[Command], asked: Command) -> datetime:
    """When that end was asked for: one that has no effect is asked for again and again, and its time stays."""
    wish = session.wish
    if wish is not None and wish.kind is asked.kind and wish.asked_by is asked.asked_by:
        return min(wish.asked_at, asked.asked_at)
    return min(one.asked_at for one in commands if one.kind is asked.kind and one.asked_by is asked.asked_by)


def newest(commands: Sequence[Command], kind: Kind) -> Command | None:
    """The newest command of that kind that was not withdrawn."""
    rows = [one for one in commands if one.kind is kind and one.state is not CommandState.WITHDRAWN]
    return max(rows, key=lambda one: one.id) if rows else None


def _under_way(commands: Sequence[Command], kind: Kind) -> bool:
    command = newest(commands, kind)
    return command is not None and command.state in UNDER_WAY
