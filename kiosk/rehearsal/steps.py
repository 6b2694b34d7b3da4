"""The steps of a rehearsal, how each ended, and the whole report. Data alone: nothing is asked or printed here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Step(StrEnum):
    FREE = "free bay"
    VIRTUAL = "virtual charger"
    CARD = "charger card"
    MATCH = "same charger"
    START = "start"
    READ = "read"
    CANCEL = "cancel"
    RELEASE = "release"
    PAY = "payment"
    PLUG = "plug"
    CHARGE = "charging"
    ENERGY = "energy"
    STOP = "stop"
    SETTLE = "settlement"
    UNPLUG = "unplug"
    RECEIPT = "receipt"


EXPECTED: dict[Step, str] = {
    Step.FREE: "nobody is at the bay: no session of the kiosk's, and no cable at Plugchoice",
    Step.VIRTUAL: "OCPPLAB has the virtual charger, and it is READY",
    Step.CARD: "Plugchoice shows the charger online, with price and hold, and the bay free",
    Step.MATCH: "OCPPLAB and Plugchoice say the same of the bay",
    Step.START: "a session at the price of the card",
    Step.READ: "the session can be read, unpaid and open",
    Step.CANCEL: "Plugchoice takes the cancel",
    Step.RELEASE: "the session has ended without a payment, and the bay is free",
    Step.PAY: "the hold is placed, as high as the card said",
    Step.PLUG: "Plugchoice sees the cable that OCPPLAB plugged in",
    Step.CHARGE: "the session is charging",
    Step.ENERGY: "the energy rises twice and never falls",
    Step.STOP: "the stop is taken, and the charge ends",
    Step.SETTLE: "captured, within the hold",
    Step.UNPLUG: "Plugchoice shows the bay free after OCPPLAB pulled the cable",
    Step.RECEIPT: "the bill fits the charger's own meter and the price",
}
PAID = (
    Step.FREE,
    Step.VIRTUAL,
    Step.CARD,
    Step.MATCH,
    Step.START,
    Step.PAY,
    Step.PLUG,
    Step.CHARGE,
    Step.ENERGY,
    Step.STOP,
    Step.SETTLE,
    Step.UNPLUG,
    Step.RECEIPT,
)
UNPAID = (Step.FREE, Step.VIRTUAL, Step.CARD, Step.MATCH, Step.START, Step.READ, Step.CANCEL, Step.RELEASE)
NEEDS_LAB = frozenset({Step.VIRTUAL, Step.MATCH})
"""Steps of an unpaid rehearsal that are skipped without OCPPLAB. A paid one is not possible without it."""


class Mark(StrEnum):
    OK = "ok"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`at` is when the step began. `why` is said of what failed or was skipped."""

    step: Step
    mark: Mark
    at: datetime | None = None
    took: timedelta | None = None
    came: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`tidied` is what the clean-up did, `left` what it could not do: somebody has to look at that."""

    code: str
    connector_id: int
    against: str
    began: datetime
    ended: datetime
    outcomes: tuple[Outcome, ...]
    tidied: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def failed(self) -> Outcome | None:
        return next((outcome for outcome in self.outcomes if outcome.mark is Mark.FAILED), None)

    @property
    def passed(self) -> bool:
        return self.failed is None and not self.left


class StepFailed(Exception):
    """What came instead of what was expected, and why. Neither ever holds a secret."""

    def __init__(self, came: str, why: str) -> None:
        super().__init__(why)
        self.came = came
        self.why = why
