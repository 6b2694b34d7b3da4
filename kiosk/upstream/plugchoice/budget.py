"""How many requests may still leave: one sliding window per public endpoint, shared by everything behind this address.

Upstream counts per IP address and minute. Limits: the public-charging pages of Plugchoice's reference. Upstream has
counted a request before its answer begins, so a grant counts while its call is under way, and for a minute from when
the answer began, or the call failed: that holds however slow the line is. It is never handed back, because a request
that failed may still have been counted.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from kiosk.upstream.errors import BudgetSpent, Unrecorded
from kiosk.upstream.problems import DEFAULT_RETRY, retry_after

log = logging.getLogger(__name__)

WINDOW = timedelta(seconds=60)
LONGEST_CALL = timedelta(seconds=30)
"""No call lives longer. One whose end is not on record counts from then, also when that is still to come: whoever led
before may live, and its call may still be on a slow line.
"""
_REMEMBERED = timedelta(minutes=3)
"""Longer than the record that a new leader reads reaches back, so that what is known is not counted twice."""
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
_ENDS_A_CHARGE = frozenset({Endpoint.STOP, Endpoint.CANCEL})
"""A store that is full or locked keeps none of these waiting: they are recorded after they were sent, if at all."""


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
OnClose = Callable[[Endpoint, datetime], None]


@dataclass(slots=True, eq=False)
class Grant:
    """One request that may leave. `counts_from` is None while its call is under way. `whose` is the charger or session
    that it is about, if it matters. A `foreign` one was sent by somebody else at this address.
    """

    endpoint: Endpoint
    taken_at: datetime
    counts_from: datetime | None = None
    whose: str = ""
    foreign: bool = False


def _counts_from(grant: Grant) -> datetime:
    return grant.counts_from or grant.taken_at


@dataclass(slots=True)
class _Window:
    """`ended` is sorted by when its grants count from. `limit` is ours, or upstream's when that is smaller."""

    limit: int
    under_way: set[Grant] = field(default_factory=set)
    ended: list[Grant] = field(default_factory=list)
    closed_until: datetime | None = None
    unexplained: Grant | None = None
    """The last one that got a 429 which nothing explains, when none that fared better came after it."""

    def live(self, now: datetime) -> list[Grant]:
        return self.ended[bisect_right(self.ended, now - WINDOW, key=_counts_from) :]

    def spent(self, now: datetime) -> int:
        return len(self.live(now)) + len(self.under_way)

    def free(self, now: datetime) -> int:
        if self.closed_until is not None and now < self.closed_until:
            return 0
        return max(0, self.limit - self.spent(now))

    def earliest(self, now: datetime) -> datetime:
        """When the next request may leave, should every call under way end now."""
        opens = now if self.closed_until is None else max(now, self.closed_until)
        live = self.live(now)
        over = len(live) + len(self.under_way) - self.limit
        if over < 0:
            return opens
        return max(opens, (_counts_from(live[over]) if over < len(live) else now) + WINDOW)

    def end(self, grant: Grant, at: datetime) -> None:
        """It counts from `at`. Only the first end counts."""
        if grant in self.under_way:
            self.under_way.discard(grant)
            grant.counts_from = at
            insort(self.ended, grant, key=_counts_from)

    def forget(self, now: datetime) -> None:
        self.ended = self.ended[bisect_right(self.ended, now - _REMEMBERED, key=_counts_from) :]


class Budgets:
    """Thread-safe. `now` is the caller's clock in aware UTC. It never goes back; a thread may only have read it a
    moment before another one did, and then the later time counts. A jump forward counts; upstream's 429 then closes
    the door.

    `on_take` is told of every grant before anything is sent, so that a restart can `restore` it; if it fails:
    Unrecorded.
    Of a stop and a cancel it is told afterwards, and its failure is passed over. `on_close` is told until when an
    endpoint is closed.
    """

    def __init__(
        self, limits: Limits | None = None, on_take: OnTake | None = None, on_close: OnClose | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._on_take = on_take
        self._on_close = on_close
        self._lock = threading.Lock()
        self._latest: datetime | None = None
        self._windows = {endpoint: _Window(self._limits.of(endpoint)) for endpoint in Endpoint}

    def record_with(self, on_take: OnTake) -> None:
        """Tell somebody else of every grant from now on: whoever leads, and knows whether it still does."""
        self._on_take = on_take

    def take(self, endpoint: Endpoint, now: datetime, whose: str = "") -> Grant:
        """Count one request; `ended` must follow. Raises BudgetSpent with the time to wait when there is no room."""
        with self._lock:
            at = self._settle(now)
            window = self._windows[endpoint]
            first = window.earliest(at)
            if first > at:
                raise BudgetSpent(first - at)
            window.forget(at)
            grant = Grant(endpoint, at, whose=whose)
            window.under_way.add(grant)
        if endpoint not in _ENDS_A_CHARGE and not self._recorded(grant):
            self.ended(grant, at)
            raise Unrecorded
        return grant

    def ended(self, grant: Grant, now: datetime) -> None:
        """Its call is over, with or without an answer."""
        with self._lock:
            self._windows[grant.endpoint].end(grant, self._settle(now))
        if grant.endpoint in _ENDS_A_CHARGE and not self._recorded(grant):
            log.warning("a call could not be recorded", extra={"endpoint": grant.endpoint.value})

    def wait(self, endpoint: Endpoint, now: datetime) -> timedelta:
        """How long until there is room, should every call under way end now; zero when there is."""
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

    def under_way(self, endpoint: Endpoint) -> int:
        """How many requests have left and have no answer yet. They are not free."""
        with self._lock:
            return len(self._windows[endpoint].under_way)

    def answered(self, grant: Grant, now: datetime, status: int, headers: Mapping[str, str]) -> bool:
        """Its answer begins. Learn from it: Retry-After closes the door, X-RateLimit-* may lower our count and our
        limit.

        True for a 429 that speaks of the minute of this address. One that is left when the minute still had room, as
        far as upstream tells and we can count, speaks of the charger alone (its sessions per hour): a start's door then
        stays open for the other chargers.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        with self._lock:
            at = self._settle(now)
            window = self._windows[grant.endpoint]
            window.end(grant, at)
            told = _count(lower.get("x-ratelimit-limit"))
            if told:
                window.limit = min(told, self._limits.of(grant.endpoint))
            strangers = 0
            remaining = _count(lower.get("x-ratelimit-remaining"))
            if remaining is not None:
                # Something else shares the address: its requests leave the window no later than ours of this moment.
                strangers = max(0, max(0, window.limit - window.spent(at)) - remaining)
                for _ in range(strangers):
                    insort(window.ended, Grant(grant.endpoint, at, at, foreign=True), key=_counts_from)
            wait = retry_after(lower, now) if status in {429, 503} else None
            of_the_minute = status == 429 and _of_the_minute(window, grant, wait, remaining, strangers)
            if grant.endpoint is Endpoint.START:
                window.unexplained = grant if status == 429 and not of_the_minute else None
            closed = self._close(window, grant.endpoint, status, wait, at, of_the_minute=of_the_minute)
        if closed is not None and self._on_close is not None:
            try:
                self._on_close(grant.endpoint, closed)
            except Exception as error:  # noqa: BLE001 - this process knows it; only a restart would ask once more
                log.warning("a closed door could not be recorded", extra={"reason": type(error).__name__})
        return of_the_minute

    def restore(
        self,
        grants: Iterable[tuple[Endpoint, datetime]],
        now: datetime,
        closures: Iterable[tuple[Endpoint, datetime]] = (),
    ) -> None:
        """Count the grants on record, of an earlier life of this process or of another one, and close what was closed.

        Its own count once. Of the others only the beginning is known: each counts from when its call ends at the
        latest, which may be after `now`.
        """
        with self._lock:
            self._settle(now)
            known = Counter(
                (endpoint, grant.taken_at)
                for endpoint, window in self._windows.items()
                for grant in (*window.under_way, *window.ended)
                if not grant.foreign
            )
            for endpoint, taken_at in (Counter(grants) - known).elements():
                grant = Grant(endpoint, taken_at, taken_at + LONGEST_CALL)
                insort(self._windows[endpoint].ended, grant, key=_counts_from)
            for endpoint, until in closures:
                window = self._windows[endpoint]
                window.closed_until = max(window.closed_until or until, until)

    def assume_spent(self, now: datetime) -> None:
        """Nobody knows what else has left from this address: for a minute nothing is left of any budget."""
        with self._lock:
            at = self._settle(now)
            for endpoint, window in self._windows.items():
                for _ in range(window.limit - window.spent(at)):
                    insort(window.ended, Grant(endpoint, at, at, foreign=True), key=_counts_from)

    def _recorded(self, grant: Grant) -> bool:
        if self._on_take is None:
            return True
        try:
            self._on_take(grant.endpoint, grant.taken_at)
        except Exception:  # noqa: BLE001 - whatever kept the grant from being recorded
            return False
        return True

    def _close(
        self,
        window: _Window,
        endpoint: Endpoint,
        status: int,
        wait: timedelta | None,
        at: datetime,
        *,
        of_the_minute: bool,
    ) -> datetime | None:
        """Close the door for as long as the answer says. Returns until when, None when it closes nothing."""
        if wait is None and status == 429:
            wait = DEFAULT_RETRY
        if wait is None or (status == 429 and endpoint is Endpoint.START and not of_the_minute):
            return None
        if endpoint in _NEVER_LONG_CLOSED:
            # The limit per address never asks for more than its minute, and nobody's stop may wait for an hour.
            wait = min(wait, _LONGEST_START_CLOSURE)
        window.closed_until = max(window.closed_until or at, at + wait)
        return window.closed_until

    def _settle(self, now: datetime) -> datetime:
        """The time to count with: the latest that any caller has brought."""
        self._latest = now if self._latest is None else max(self._latest, now)
        return self._latest

    def _view(self, endpoint: Endpoint, now: datetime) -> tuple[datetime, _Window]:
        """As `_settle`, but never moving on: a question may be about a time that has not come."""
        return now if self._latest is None else max(self._latest, now), self._windows[endpoint]


def _of_the_minute(
    window: _Window, grant: Grant, wait: timedelta | None, remaining: int | None, strangers: int
) -> bool:
    """A 429 to this grant speaks of the minute of this address, not of one charger. By our own count there was room,
    else it had not left.
    """
    if grant.endpoint is not Endpoint.START or strangers > 0:
        return True
    if wait is not None and wait > WINDOW:
        return False
    if remaining is not None:
        return False
    # Nothing is told. Two chargers that refuse one after the other: somebody else spends our minute.
    before = window.unexplained
    return before is not None and before.whose != grant.whose and grant.taken_at - _counts_from(before) <= WINDOW


def _count(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
