"""Who may take a right to act on a session back, and from whom: the first owners, from devices that came later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class How(StrEnum):
    """How a device became an owner."""

    START = "start"  # it asked for the session
    BANK = "bank"  # it came back from the bank with the payment's own secret
    SCREEN = "screen"  # by a one-use code that the screen on site showed
    TAKEOVER = "takeover"  # by one that another phone showed
    CODE = "code"  # the six digits were typed at the screen on site


FIRST = frozenset({How.START, How.BANK, How.SCREEN})
"""Who began it, who paid it, and the phone that took it along from a screen which everybody uses."""
HANDED_OVER = frozenset({How.TAKEOVER, How.SCREEN, How.CODE})
"""Shown to somebody, who may have been the wrong one. Who began and who paid never lose their right."""


@dataclass(frozen=True, slots=True)
class Right:
    """One device's right. `mark` tells it from the others of the session, and opens nothing. `how` may be a word of
    another release.
    """

    mark: str
    how: str
    granted_at: datetime


def may_be_taken_back(mine: Right, others: Iterable[Right]) -> tuple[Right, ...]:
    """The rights that the device of `mine` may take back, the earliest first."""
    if mine.how not in FIRST:
        return ()
    began = mine.how == How.START
    later = (
        one
        for one in others
        if one.mark != mine.mark and one.how in HANDED_OVER and (began or one.granted_at > mine.granted_at)
    )
    return tuple(sorted(later, key=lambda one: (one.granted_at, one.mark)))
