"""The player: takes the steps one after the other, notes how each ended, and hands over to the clean-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from kiosk.clock import Clock
from kiosk.rehearsal.lab import Lab
from kiosk.rehearsal.rides import Ride
from kiosk.rehearsal.steps import NEEDS_LAB, PAID, UNPAID, Mark, Outcome, Report, Step, StepFailed
from kiosk.rehearsal.waiting import reason
from kiosk.upstream.errors import Refused, UpstreamError
from kiosk.upstream.plugchoice.public import PlugchoicePublic

PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Plan:
    """`against` is the name of what is rehearsed with. `patience` is how long a person may take to start and to pay."""

    code: str
    connector_id: int
    against: str
    unpaid: bool = False
    keep: bool = False
    patience: timedelta = PATIENCE


def _nothing(_step: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything that plays along. `pay` pays, or asks a person to; `before` hears of each step. `keeper` names the
    kiosk's session that keeps the bay, None where there is none or no kiosk to ask."""

    clock: Clock
    public: PlugchoicePublic
    ride: Ride
    lab: Lab | None
    keeper: Callable[[], str | None] = field(default=lambda: None)
    pay: Callable[[], None] = field(default=lambda: None)
    before: Callable[[Step], None] = field(default=_nothing)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Player:
    """Plays once. `script` has the work of each step, `tidy` the clean-up; `after` hears of each step that is over."""

    def __init__(
        self,
        plan: Plan,
        cast: Cast,
        script: Callable[[Step], str],
        tidy: Callable[[], tuple[list[str], list[str]]],
        after: Callable[[Outcome], None],
    ) -> None:
        self._plan = plan
        self._cast = cast
        self._script = script
        self._tidy = tidy
        self._after = after

    def run(self) -> Report:
        """Every step until one fails, then always the clean-up, also after Ctrl-C or an error of our own."""
        began = self._cast.clock.now()
        outcomes: list[Outcome] = []
        try:
            for step in UNPAID if self._plan.unpaid else PAID:
                broken = any(each.mark is Mark.FAILED for each in outcomes)
                outcomes.append(self._skipped(step, broken) or self._play(step))
                self._after(outcomes[-1])
        finally:
            tidied, left = self._tidy()
        return Report(
            self._plan.code,
            self._plan.connector_id,
            self._plan.against,
            began,
            self._cast.clock.now(),
            tuple(outcomes),
            tuple(self._hide(line) for line in tidied),
            tuple(self._hide(line) for line in left),
        )

    def _skipped(self, step: Step, broken: bool) -> Outcome | None:
        if broken:
            return Outcome(step, Mark.SKIPPED, why="an earlier step failed")
        if self._cast.lab is None and step in NEEDS_LAB:
            return Outcome(step, Mark.SKIPPED, why="OCPPLAB is not configured")
        return None

    def _play(self, step: Step) -> Outcome:
        at = self._cast.clock.now()
        mark, came, why = Mark.FAILED, "nothing", ""
        try:
            self._cast.before(step)
            came = self._script(step)
            mark = Mark.OK
        except StepFailed as failed:
            came, why = failed.came, failed.why
        except UpstreamError as error:
            came, why = "a refusal" if isinstance(error, Refused) else "no answer", reason(error)
        except KeyboardInterrupt:
            why = "interrupted"
        took = self._cast.clock.now() - at
        return Outcome(step, mark, at, took, self._hide(came), self._hide(why))

    def _hide(self, text: str) -> str:
        """No secret ever gets into a text here; should one do so nevertheless, it ends here."""
        for secret in (*self._cast.secrets, *self._cast.ride.secrets):
            text = text.replace(secret, "[hidden]")
        return text
