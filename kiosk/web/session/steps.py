"""The steps of a wait, with clocks: a time when done, running since when now, the latest time when still to come.

Times are only those that upstream, our own reading or the command table gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.domain.commands import AskedBy, Command, CommandState
from kiosk.domain.hold import Hold, HoldState
from kiosk.domain.limits import Policy, charger_must_answer_by
from kiosk.domain.session import Session
from kiosk.domain.status import Status


class StepName(StrEnum):
    HOLD_PLACED = "hold_placed"
    ASKING = "asking"
    ASKED = "asked"
    WAITING = "waiting"
    POWER = "power"
    YOU_STOPPED = "you_stopped"
    LIMIT_STOPPED = "limit_stopped"
    HOLD_STOPPED = "hold_stopped"
    KIOSK_STOPPED = "kiosk_stopped"
    CHARGER_STOPS = "charger_stops"
    CHARGER_STOPPED = "charger_stopped"
    LAST_READING = "last_reading"
    SETTLE = "settle"
    DID_NOT_START = "did_not_start"
    HOLD_BACK = "hold_back"
    ASKED_FOR_BAY = "asked_for_bay"
    NO_ANSWER = "no_answer"
    UNUSABLE = "unusable"


class StepState(StrEnum):
    DONE = "done"
    NOW = "now"
    TODO = ""
    FAIL = "fail"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Step:
    """`at`: when done. `since`: when the running one began. `until`: the latest time of one that is to come."""

    name: StepName
    state: StepState
    at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None


def start_steps(session: Session, policy: Policy) -> tuple[Step, ...]:
    """From the hold to the first power."""
    held_at = session.authorized_at
    start_by = charger_must_answer_by(session, policy)
    hold = Step(StepName.HOLD_PLACED, StepState.DONE, at=held_at)
    power = Step(StepName.POWER, StepState.TODO)
    if session.standing is Status.AUTHORIZED:
        asking = Step(StepName.ASKING, StepState.NOW, since=held_at or session.status_since)
        return hold, asking, Step(StepName.WAITING, StepState.TODO, until=start_by), power
    asked = Step(StepName.ASKED, StepState.DONE, at=session.status_since)
    waiting = Step(StepName.WAITING, StepState.NOW, since=session.status_since, until=start_by)
    return hold, asked, waiting, power


_STOPPED_BY = {
    AskedBy.DRIVER: StepName.YOU_STOPPED,
    AskedBy.LIMIT: StepName.LIMIT_STOPPED,
    AskedBy.HOLD: StepName.HOLD_STOPPED,
}


def end_steps(session: Session, stop: Command | None, asked_at: datetime | None = None) -> tuple[Step, ...]:
    """From the stop to the bill. Without a stop of ours the car or the charger ended the charge. `asked_at` is when it
    was asked for first.
    """
    rows: list[Step] = []
    if stop is not None and stop.state is not CommandState.REFUSED:
        name = _STOPPED_BY.get(stop.asked_by, StepName.KIOSK_STOPPED)
        rows.append(Step(name, StepState.DONE, at=asked_at or stop.asked_at))
    settle = Step(StepName.SETTLE, StepState.TODO)
    if session.standing is Status.STOPPING:
        rows.append(Step(StepName.CHARGER_STOPS, StepState.NOW, since=session.status_since))
        rows.append(Step(StepName.LAST_READING, StepState.TODO))
    else:
        rows.append(Step(StepName.CHARGER_STOPPED, StepState.DONE, at=session.completed_at))
        rows.append(Step(StepName.LAST_READING, StepState.NOW, since=session.completed_at or session.status_since))
    return (*rows, settle)


def failed_steps(session: Session, hold: Hold) -> tuple[Step, ...]:
    """What happened before a start failed, and what became of a hold that goes back."""
    rows: list[Step] = []
    if session.ever_held:
        rows.append(Step(StepName.HOLD_PLACED, StepState.DONE, at=session.authorized_at))
    rows.append(Step(StepName.DID_NOT_START, StepState.FAIL, at=session.completed_at or session.status_since))
    if hold.state in {HoldState.GIVEN_BACK, HoldState.GOES_BACK} and not (hold.taken and hold.taken.minor):
        back = StepState.DONE if hold.state is HoldState.GIVEN_BACK else StepState.NOW
        rows.append(Step(StepName.HOLD_BACK, back, at=hold.given_back_at))
    return tuple(rows)


def no_answer_steps(session: Session, start: Command | None, *, unusable: bool = False) -> tuple[Step, ...]:
    """The one question that got no answer, or an `unusable` one."""
    asked_at = start.sent_at if start is not None else None
    ended_at = start.ended_at if start is not None else None
    return (
        Step(StepName.ASKED_FOR_BAY, StepState.DONE, at=asked_at or session.requested_at),
        Step(StepName.UNUSABLE if unusable else StepName.NO_ANSWER, StepState.WARN, at=ended_at),
    )
