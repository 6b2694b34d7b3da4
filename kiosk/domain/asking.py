"""Who is asked about next, of all the chargers that somebody waits for, and when one that could not be read is asked
about again. Upstream answers thirty such questions a minute, for everybody together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from kiosk.domain.commands import Refusal

WISH_LIVES = timedelta(seconds=5)
"""The page that made it waits for three seconds, and asks again by itself."""
STRANGE_A_MINUTE = 4
"""Reads of codes that nobody knows: a person mistypes one, a stranger tries all."""

_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=1)
_FIRST_CLOSED = timedelta(seconds=15)
_LONGEST_CLOSED = timedelta(minutes=10)
_MOST_DOUBLINGS = 10


class Lane(IntEnum):
    """What kind of code a wish is about; the smaller one goes first."""

    DRIVER = 0  # a driver stands at a charger that is sold here
    NEIGHBOUR = 1  # it may have a free bay for a driver who stands at another one
    STRANGER = 2  # nobody knows whether there is such a charger


MOST_WISHES = {Lane.DRIVER: 200, Lane.NEIGHBOUR: 50, Lane.STRANGER: 12}
"""How many wishes of a kind are kept at a time. Beyond it nobody waits in vain: the page says so at once."""


@dataclass(frozen=True, slots=True)
class CardWish:
    """Somebody waits for the card of a charger. `put_off`: it cannot be asked about just now."""

    code: str
    at: datetime
    lane: Lane = Lane.DRIVER
    put_off: bool = False

    def over(self, now: datetime) -> bool:
        return now - self.at >= WISH_LIVES


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a card could not be read at `at`: refused, or (None) no answer; for the `times`-th time in a row."""

    refusal: Refusal | None
    at: datetime
    times: int = 1

    @property
    def closed(self) -> bool:
        """Upstream says that there is no such charger, or that it is closed to the public."""
        return self.refusal is Refusal.UNKNOWN_CHARGER

    def again_at(self, *, known: bool) -> datetime:
        """From when on anybody asks again: soon after a slip, later and later when it was none. `known`: it is a
        charger of ours, or was one. A code that never was a charger will hardly become one.
        """
        if self.closed and not known:
            return self.at + _LONGEST_CLOSED
        first, longest = (_FIRST_CLOSED, _LONGEST_CLOSED) if self.closed else (_FIRST_PAUSE, _LONGEST_PAUSE)
        return self.at + min(first * (1 << min(self.times - 1, _MOST_DOUBLINGS)), longest)


def in_turn(wishes: Iterable[CardWish], now: datetime) -> list[CardWish]:
    """The wishes that still count, in the order in which they are served. Of known chargers the oldest first; of the
    others the newest: who mistyped a moment ago still looks at the page.
    """
    alive = [wish for wish in wishes if not wish.over(now)]
    known = sorted((wish for wish in alive if wish.lane is not Lane.STRANGER), key=lambda each: (each.lane, each.at))
    strange = sorted((wish for wish in alive if wish.lane is Lane.STRANGER), key=lambda each: each.at, reverse=True)
    return [*known, *strange]
