"""The square code on a tablet: signed, for one bay, and good for two windows of 45 s. All of it is arithmetic.

A code is the id of the hand-off and a seal over the id, the window and the bay. The newest of the kiosk's keys seals,
every key in the list opens.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kiosk.domain.signs import SIGNS, in_signs

WINDOW = timedelta(seconds=45)
"""Codes of a screen change every 30 to 60 s (Q-01); this and the one before are good (Q-02)."""
LIFE = timedelta(minutes=10)
"""After that the driver has left the screen: no more codes."""
ID_SIGNS = 12
SEAL_SIGNS = 13
"""64 bits: a code that lives for 90 s cannot be guessed."""

_SEAL = b"kiosk.handoff.seal"
_PHRASE = b"kiosk.handoff.phrase"


@dataclass(frozen=True, slots=True)
class Target:
    """What a code stands for: one hand-off, of one bay, made at that time (aware)."""

    id: str
    code: str
    connector_id: int
    made_at: datetime


class Verdict(StrEnum):
    """What a code that came back is: good now, genuine but too old, or not ours."""

    GOOD = "good"
    OLD = "old"
    WRONG = "wrong"


def window_at(made_at: datetime, now: datetime, pace: float = 1.0) -> int | None:
    """The number of the window, from 0; None after its life.

    `pace` is the number of seconds of the clock in one second of the people who scan: 1, more in a demo.
    """
    age = _age(made_at, now, pace)
    return age // WINDOW if age < LIFE else None


def seconds_left(made_at: datetime, now: datetime, pace: float = 1.0) -> float:
    """Until the next code is shown, in seconds of people, at most 45; 0 when there is none any more."""
    age = _age(made_at, now, pace)
    if age >= LIFE:
        return 0.0
    return min((WINDOW - age % WINDOW).total_seconds(), (LIFE - age).total_seconds())


def token_of(keys: Sequence[str], target: Target, window: int) -> str:
    """What stands in the square code for that window: 25 signs, sealed with the first key."""
    return target.id + _seal(keys[0], target, window)


def id_in(token: str) -> str | None:
    """The id in something that looks like a token, before anything is believed."""
    fits = len(token) == ID_SIGNS + SEAL_SIGNS and all(sign in SIGNS for sign in token)
    return token[:ID_SIGNS] if fits else None


def judge(keys: Sequence[str], target: Target, token: str, now: datetime, pace: float = 1.0) -> Verdict:
    """Whether the token is a code of this target, and whether it is still good. All seals are compared."""
    if id_in(token) != target.id:
        return Verdict.WRONG
    given = token[ID_SIGNS:].encode()
    newest = window_at(target.made_at, now, pace)
    good = {newest, newest - 1} if newest is not None else set()
    fitting = {
        window
        for window in range(-(-LIFE // WINDOW))
        for key in keys
        if hmac.compare_digest(given, _seal(key, target, window).encode())
    }
    if fitting & good:
        return Verdict.GOOD
    return Verdict.OLD if fitting else Verdict.WRONG


def phrase_number(keys: Sequence[str], handoff_id: str) -> int:
    """The number from which the check words are chosen: the same on both screens, and not to be told from the code."""
    return int.from_bytes(hmac.digest(_derived(keys[0], _PHRASE), handoff_id.encode(), hashlib.sha256)[:8], "big")


def _age(made_at: datetime, now: datetime, pace: float) -> timedelta:
    """In time of people. Another thread may have made it a moment after `now` was read: that is no age."""
    return max((now - made_at) / pace, timedelta(0))


def _seal(key: str, target: Target, window: int) -> str:
    told = f"{target.id}|{window}|{target.code}|{target.connector_id}"
    digest = hmac.digest(_derived(key, _SEAL), told.encode(), hashlib.sha256)
    return in_signs(int.from_bytes(digest, "big"), SEAL_SIGNS)


def _derived(key: str, purpose: bytes) -> bytes:
    return hmac.digest(key.encode(), purpose, hashlib.sha256)
