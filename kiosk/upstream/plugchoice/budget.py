"""How many requests may still leave: one sliding window per public endpoint, shared by everything behind this address.

Upstream counts per IP address and minute. Limits: the public-charging pages of Plugchoice's reference. A grant is
counted when it is given and never handed back, because a request that failed may still have been counted.
"""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from kiosk.upstream.errors import BudgetSpent, NotSent
from kiosk.upstream.problems import DEFAULT_RETRY, retry_after

WINDOW = timedelta(seconds=60.5)
"""A minute and a margin: for a caller that read the clock a moment before, and a slow request before a quick one."""
_LONGEST_START_CLOSURE = DEFAULT_RETRY


class Endpoint(StrEnum):
    GET_CHARGER = "get_charger"
    START = "start"
    GET_SESSION = "get_session"
    CONFIRM = "confirm"
    STOP = "stop"
    CANCEL = "cancel"
    RECEIPT_EMAIL = "receipt_email"


_NEVER_LONG_CLOSED = frozenset({Endpoint.START, Endpoint.STOP, Endpoint.CANCEL})


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests in any 60 s, per endpoint and egress address."""

    get_charger: int = 30
    start: int = 3
    get_session: int = 30
    confirm: int = 10
    stop: int = 10
    cancel: int = 10
    receipt_email: int = 10

    def __post_init__(self) -> None:
        for endpoint in Endpoint:
            if self.of(endpoint) < 1:
                raise ValueError(f"the limit of {endpoint.value} must be at least 1")

    def of(self, endpoint: Endpoint) -> int:
        return int(getattr(self, endpoint.value))


OnTake = Callable[[Endpoint, datetime], None]


@dataclass(slots=True)
class _Window:
    """`stamps` is sorted. `limit` is ours, or upstream's when that is smaller."""

    limit: int
    stamps: list[datetime] = field(default_factory=list)
    closed_until: datetime | None = None

    def live(self, now: datetime) -> list[datetime]:
        return self.stamps[bisect_right(self.stamps, now - WINDOW) :]

    def free(self, now: datetime) -> int:
        if self.closed_until is not None and now < self.closed_until:
            return 0
        return max(0, self.limit - len(self.live(now)))

    def earliest(self, now: datetime) -> datetime:
        """When the next request may leave."""
        stamps = self.live(now)
        opens = now if self.closed_until is None else max(now, self.closed_until)
        return max(opens, stamps[-self.limit] + WINDOW) if len(stamps) >= self.limit else opens


class Budgets:
    """Thread-safe. `now` is the caller's clock in aware UTC. It never goes back; a thread may only have read it a
    moment before another one did, and then the later time counts. A jump forward counts; upstream's 429 then closes
    the door.

    `on_take` is told of every grant before anything is sent, so that a restart can `restore` it; if it fails: NotSent.
    """

    def __init__(self, limits: Limits | None = None, on_take: OnTake | None = None) -> None:
        self._limits = limits or Limits()
        self._on_take = on_take
        self._lock = threading.Lock()
        self._latest: datetime | None = None
        self._windows = {endpoint: _Window(self._limits.of(endpoint)) for endpoint in Endpoint}

    def take(self, endpoint: Endpoint, now: datetime) -> None:
        """Count one request. Raises BudgetSpent with the time to wait when there is no room."""
        with self._lock:
            at = self._settle(now)
            window = self._windows[endpoint]
            first = window.earliest(at)
            if first > at:
                raise BudgetSpent(first - at)
            window.stamps = window.live(at)
            insort(window.stamps, at)
        if self._on_take is None:
            return
        try:
            self._on_take(endpoint, at)
        except Exception:  # noqa: BLE001 - whatever kept the grant from being recorded, nothing may leave unrecorded
            unrecorded = True
        else:
            unrecorded = False
        if unrecorded:
            raise NotSent("the grant could not be recorded")

    def wait(self, endpoint: Endpoint, now: datetime) -> timedelta:
        """How long until there is room; zero when there is."""
        with self._lock:
            at, window = self._view(endpoint, now)
            return window.earliest(at) - at

    def limit(self, endpoint: Endpoint) -> int:
        """Requests a minute: ours, or upstream's when it said a smaller number."""
        with self._lock:
            return self._windows[endpoint].limit

    def free(self, endpoint: Endpoint, now: datetime) -> int:
        """How many requests may leave at `now`."""
        with self._lock:
            at, window = self._view(endpoint, now)
            return window.free(at)

    def answered(self, endpoint: Endpoint, now: datetime, status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer: Retry-After closes the door, X-RateLimit-* may lower our count and our limit."""
        lower = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            at = self._settle(now)
            window = self._windows[endpoint]
            window.stamps = window.live(at)
            told = _count(lower.get("x-ratelimit-limit"))
            if told:
                window.limit = min(told, self._limits.of(endpoint))
            remaining = _count(lower.get("x-ratelimit-remaining"))
            if remaining is not None:
                # Something else shares the address: its requests leave the window no later than ours of this moment.
                strangers = max(0, window.limit - len(window.stamps)) - remaining
                window.stamps.extend([at] * strangers)
            closure = retry_after(lower, now) if status in {429, 503} else None
            if closure is None and status == 429:
                closure = DEFAULT_RETRY
            if closure is not None:
                if endpoint in _NEVER_LONG_CLOSED:
                    # The limit per address never asks for more than its minute. A longer wait is the hourly limit of
                    # one charger, which must not close the other chargers; and nobody's stop may wait for an hour.
                    closure = min(closure, _LONGEST_START_CLOSURE)
                window.closed_until = max(window.closed_until or at, at + closure)

    def restore(self, grants: Iterable[tuple[Endpoint, datetime]]) -> None:
        """Count the grants on record: of an earlier life of this process, or of another one. Its own count once."""
        with self._lock:
            known = Counter((endpoint, at) for endpoint, window in self._windows.items() for at in window.stamps)
            for endpoint, at in (Counter(grants) - known).elements():
                insort(self._windows[endpoint].stamps, at)
                self._latest = at if self._latest is None else max(self._latest, at)

    def _settle(self, now: datetime) -> datetime:
        """The time to count with: the latest that any caller has brought."""
        self._latest = now if self._latest is None else max(self._latest, now)
        return self._latest

    def _view(self, endpoint: Endpoint, now: datetime) -> tuple[datetime, _Window]:
        """As `_settle`, but never moving on: a question may be about a time that has not come."""
        return now if self._latest is None else max(self._latest, now), self._windows[endpoint]


def _count(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
