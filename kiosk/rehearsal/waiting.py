"""Calls that keep to the budgets, and waiting for what a step expects, in the time of one clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from kiosk.clock import Clock
from kiosk.domain.commands import Refusal
from kiosk.rehearsal.steps import StepFailed
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused, UpstreamError
from kiosk.upstream.plugchoice.budget import Budgets, Limits

T = TypeVar("T")

SHARE = Limits(get_charger=15, start=1, get_session=20, confirm=3, stop=3, cancel=3, receipt_email=1)
"""A part of each budget, because the kiosk itself may run behind the same address."""
POLL = 4.0
"""Seconds between two reads: with room for the commands and the clean-up."""
LONGEST_WAIT = timedelta(minutes=3)
"""For room in a budget, in one call."""
WORDS: dict[Refusal, str] = {
    Refusal.CHARGER_OFFLINE: "the charger is offline or refuses",
    Refusal.CONNECTOR_BUSY: "the bay is not free",
    Refusal.UNKNOWN_CONNECTOR: "the charger has no such bay",
    Refusal.UNKNOWN_CHARGER: "there is no such charger, or it has no public charging",
    Refusal.TOO_MANY: "too many requests",
    Refusal.CHARGER_FULL: "the charger takes no more sessions for now; it has a limit an hour",
    Refusal.NOBODY_WATCHED: "nobody waited for it any more",
    Refusal.TERMS_CHANGED: "price or hold changed meanwhile",
    Refusal.NOT_NOW: "not possible in this state",
    Refusal.INVALID: "the request was not understood",
    Refusal.UPSTREAM_DOWN: "the system is down",
}


def budgets() -> Budgets:
    return Budgets(SHARE)


def reason(error: UpstreamError) -> str:
    """The error as a sentence without a full stop."""
    match error:
        case Refused():
            said = f" ({error.message.rstrip('.')})" if error.message else ""
            return f"refused: {WORDS[error.reason]}{said}"
        case NotSent():
            return "no connection could be made"
        case _:
            status = f" (status {error.status})" if isinstance(error, NoAnswer) and error.status else ""
            return f"no usable answer{status}"


class Patience:
    """Calls and waits, in the time of one clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._never = threading.Event()

    def pause(self, seconds: float) -> None:
        self.clock.wait(self._never, seconds)

    def call(self, call: Callable[[], T]) -> T:
        """`call`, once there is room for it. What was refused for its number was not done, so it may be sent again."""
        until = self.clock.now() + LONGEST_WAIT
        error: UpstreamError
        while True:
            try:
                return call()
            except BudgetSpent as spent:
                wait, error = spent.wait, spent
            except Refused as refused:
                if refused.reason is not Refusal.TOO_MANY or refused.retry_after is None:
                    raise
                wait, error = refused.retry_after, refused
            if self.clock.now() + wait > until:
                raise error
            self.pause(wait.total_seconds())

    def until(
        self, read: Callable[[], T], ready: Callable[[T], bool], seconds: float, came: Callable[[T], str], why: str
    ) -> T:
        """Read until `ready`. Raises StepFailed with `came` of the last answer when the time is over."""
        deadline = self.clock.now() + timedelta(seconds=seconds)
        said = "nothing"
        silence: UpstreamError | None = None
        while True:
            try:
                seen = self.call(read)
            except (NotSent, NoAnswer) as error:
                silence = error
            else:
                silence, said = None, came(seen)
                if ready(seen):
                    return seen
            if self.clock.now() >= deadline:
                raise StepFailed(said, reason(silence) if silence else f"{why} (waited {seconds:.0f} s)")
            self.pause(POLL)
