"""The operator's desk: who may do what, for how long somebody stays signed in, and how long a guesser waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

IDLE = timedelta(hours=2)
"""Without a page that a person asked for, somebody is signed out after so long."""
LONGEST = timedelta(hours=12)
"""A day's work. Then everybody signs in again, however busy."""
CONFIRMED = timedelta(minutes=10)
"""So long after the password was typed money may move without typing it again."""
SHORTEST_PASSWORD = 12
"""Letters. Length counts, kinds of letters do not (NIST SP 800-63B 5.1.1.2)."""
LONGEST_PASSWORD = 200
LONGEST_NAME = 40

FREE_TRIES = 5
"""So many wrong tries at one account, or from one known browser, cost no wait."""
FREE_TRIES_OF_A_NETWORK = 20
"""More, because an office has one address."""
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=15)
TRIES_LIVE = timedelta(days=1)
"""So long after the last wrong try all of them are forgotten."""


class Role(StrEnum):
    """From the least to the most: each may do what those before it may."""

    VIEWER = "viewer"  # reads everything, changes nothing
    SUPPORT = "support"  # also acts on sessions, writes notes, works on the queue
    OWNER = "owner"  # also sees the log of everybody


_ORDER = tuple(Role)


def may(role: Role, needed: Role) -> bool:
    """Whether `role` is enough where `needed` is asked for."""
    return _ORDER.index(role) >= _ORDER.index(needed)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the operator's who may sign in. `sites` None: all of them. `second`: they also give a code.
    `directory`: the operator's own directory vouches for them, and they have no password here.
    """

    id: int
    name: str
    role: Role
    sites: frozenset[str] | None = None
    second: bool = False
    directory: bool = False

    def sees(self, site_id: str | None) -> bool:
        """A charger that belongs to no site is seen by those alone who see all sites."""
        return self.sites is None or site_id in self.sites


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One browser of a person. `confirmed_at`: when the password was typed there last."""

    id: int
    person: Person
    started_at: datetime
    seen_at: datetime
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong tries of somebody: how many, and when the last one was."""

    failures: int
    last_at: datetime


def is_over(since: SignedIn, now: datetime, rate: float = 1.0) -> bool:
    """The person has to sign in again. `rate`: seconds of this clock in one of people's."""
    return now - since.seen_at > IDLE * rate or now - since.started_at > LONGEST * rate


def is_confirmed(since: SignedIn, now: datetime, rate: float = 1.0) -> bool:
    """The password was typed a moment ago, so money may move."""
    return now - since.confirmed_at <= CONFIRMED * rate


def wait_after(failures: int, free: int = FREE_TRIES) -> timedelta:
    """How long after that many wrong tries the next one has to wait: twice as long each time, up to a quarter hour."""
    if failures < free:
        return timedelta(0)
    return min(FIRST_WAIT * (1 << min(failures - free, 16)), LONGEST_WAIT)


def blocked_until(tries: Tries | None, now: datetime, free: int = FREE_TRIES) -> datetime | None:
    """Until when no try is taken; None: one may be made now."""
    if tries is None:
        return None
    until = tries.last_at + wait_after(tries.failures, free)
    return until if now < until else None


def counted(tries: Tries | None, now: datetime) -> Tries:
    """With one more wrong try at `now`; those of long ago are forgotten."""
    before = tries.failures if tries is not None and now - tries.last_at < TRIES_LIVE else 0
    return Tries(before + 1, now)


def password_problem(password: str, name: str) -> str | None:
    """What is wrong with a new password, as a sentence for whoever chooses it; None: nothing."""
    if len(password) < SHORTEST_PASSWORD:
        return f"A password has at least {SHORTEST_PASSWORD} letters: three or four words are easy to keep."
    if len(password) > LONGEST_PASSWORD:
        return f"A password has at most {LONGEST_PASSWORD} letters."
    if name.casefold() in password.casefold() or len(set(password)) < 5:
        return "That password is guessed at once: take another one."
    return None
