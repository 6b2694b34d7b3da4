"""What people do about a matter in the list: whose it is, until when it is set aside, and that it was seen to.

Nothing here ends a matter. That happens by itself when its cause is gone; what a person does only says who looks, and
when it need not be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kiosk.domain.attention import Attention, Matter
from kiosk.domain.overdue import NEARLY

LONGEST_ASIDE = timedelta(days=14)
LONGEST_NOTE = 1000
LONGEST_NAME = 80
"""Of who does it."""

MAY_BE_DONE = frozenset(
    {
        Attention.AMOUNT_UNKNOWN,
        Attention.TAKEN_FOR_NOTHING,
        Attention.TAKEN_WITHOUT_ENERGY,
        Attention.ENERGY_FOR_NOTHING,
        Attention.MORE_THAN_HELD,
        Attention.OTHER_AMOUNT,
        Attention.OTHER_PRICE,
        Attention.FIGURE_UNKNOWN,
        Attention.LOST,
        Attention.REFUND_REFUSED,
    }
)
"""What may never change by itself, so that a person has the last word. Everything else has an end that can be seen."""


class Did(StrEnum):
    OWNED = "owned"
    LET_GO = "let_go"  # it has no owner any more
    NOTED = "noted"
    SET_ASIDE = "set_aside"
    TAKEN_UP = "taken_up"  # it is not set aside any more
    DONE = "done"
    UNDONE = "undone"  # the last of these, notes left out, was taken back


@dataclass(frozen=True, slots=True)
class Handling:
    """How a matter stands with people."""

    owner: str | None = None
    aside_until: datetime | None = None
    done_at: datetime | None = None

    def waits(self, now: datetime) -> bool:
        """Somebody should look at it now."""
        return self.done_at is None and (self.aside_until is None or now >= self.aside_until)


class CannotHandle(Exception):
    """It was not done. `reason` is a word for those who tell it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def handled(before: Handling, matter: Matter, did: Did, who: str, now: datetime, until: datetime | None) -> Handling:
    """How the matter stands after that was done. Raises CannotHandle: `past`, `too_long`, `lapses` (its hold may be
    gone by then) or `not_by_people`.
    """
    match did:
        case Did.OWNED:
            return Handling(who, before.aside_until, before.done_at)
        case Did.LET_GO:
            return Handling(None, before.aside_until, before.done_at)
        case Did.SET_ASIDE if until is not None:
            if until <= now:
                raise CannotHandle("past")
            if until - now > LONGEST_ASIDE:
                raise CannotHandle("too_long")
            if matter.kind is Attention.HOLD_LAPSES and until >= matter.since + NEARLY:
                raise CannotHandle("lapses")
            return Handling(before.owner, until, before.done_at)
        case Did.TAKEN_UP:
            return Handling(before.owner, None, None)
        case Did.DONE:
            if matter.kind not in MAY_BE_DONE:
                raise CannotHandle("not_by_people")
            return Handling(before.owner, before.aside_until, now)
    return before
