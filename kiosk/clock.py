"""The one place where time is read. Everything that decides takes `now` as an argument; the rim asks a `Clock`.

`SystemClock(rate=10)` runs ten times as fast as the wall: the demo's world and the kiosk share it, so that every time
that they show agrees. `ManualClock` stands still until told, for tests and simulations without sleeping.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

LEAP_SECONDS = 2.0
"""What the wall clock is put forward by more than this is a leap. Less is a correction, and followed at once."""


class Clock(Protocol):
    """Aware UTC time, waiting measured in the clock's own seconds, and the rate against the wall clock."""

    @property
    def rate(self) -> float:
        """Seconds of this clock in one second of the wall clock."""

    def now(self) -> datetime: ...

    def wall(self) -> datetime:
        """What the machine's clock says, wherever it was set: only for what others compare with clocks of their own."""

    def behind(self) -> timedelta:
        """By how much the machine's clock has leapt ahead of `now`; zero when it has not."""

    def follow(self) -> None:
        """Take over what the machine's clock has leapt. Whatever waits for a time sees it pass in that moment."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` of this clock have passed; say whether it was set."""


def _seconds_since_boot() -> float:
    """Goes on while the machine sleeps, where the system can tell: that time has passed for cars and cards as well."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SystemClock:
    """Counts the seconds that pass. A clock that was set is no evidence that time went by: set back it goes on from
    where it was, set forward it stays behind until `follow`, so that no deadline is over by it. At rate 1 it takes
    small corrections of the wall clock. `wall` and `monotonic` are the seams for tests.
    """

    def __init__(
        self,
        rate: float = 1.0,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = _seconds_since_boot,
    ) -> None:
        if not 0 < rate < float("inf"):
            raise ValueError("a clock runs forward")
        self._rate = rate
        self._wall, self._monotonic = wall, monotonic
        self._lock = threading.Lock()
        self._start, self._since = wall(), monotonic()

    @property
    def rate(self) -> float:
        return self._rate

    def now(self) -> datetime:
        with self._lock:
            return self._read(timedelta(seconds=LEAP_SECONDS))

    def wall(self) -> datetime:
        return self._wall() if self._rate == 1.0 else self.now()

    def behind(self) -> timedelta:
        leapt = self.wall() - self.now()
        return leapt if leapt > timedelta(seconds=LEAP_SECONDS) else timedelta(0)

    def follow(self) -> None:
        with self._lock:
            self._read(timedelta.max)

    def _read(self, follows: timedelta) -> datetime:
        """Now. Goes along with a wall clock that is ahead by as much as that."""
        passed = self._monotonic()
        now = self._start + timedelta(seconds=(passed - self._since) * self._rate)
        if self._rate == 1.0 and now < (wall := self._wall()) and wall - now <= follows:
            self._start, self._since, now = wall, passed, wall
        return now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(0.0, seconds) / self._rate)


class OnlyClock:
    """What a clock says of another one when there is none: that of a made-up world, or of a test."""

    def now(self) -> datetime:
        raise NotImplementedError

    def wall(self) -> datetime:
        return self.now()

    def behind(self) -> timedelta:
        return timedelta(0)

    def follow(self) -> None:
        """There is nothing to follow."""


class ManualClock(OnlyClock):
    """Stands still. `advance` moves it; `wait` moves it too, so that a loop under test never sleeps."""

    rate = 1.0

    def __init__(self, start: datetime = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> datetime:
        with self._lock:
            self._now += timedelta(seconds=seconds)
            return self._now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if event.is_set():
            return True
        self.advance(max(0.0, seconds))
        return event.is_set()
