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


class Clock(Protocol):
    """Aware UTC time, waiting measured in the clock's own seconds, and the rate against the wall clock."""

    @property
    def rate(self) -> float:
        """Seconds of this clock in one second of the wall clock."""

    def now(self) -> datetime: ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set or `seconds` of this clock have passed; say whether it was set."""


class SystemClock:
    """Never goes back: when somebody sets the wall clock back, it goes on from where it was. At rate 1 it follows the
    wall clock forward; `wall` and `monotonic` are the seams for tests.
    """

    def __init__(
        self,
        rate: float = 1.0,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
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
            passed = self._monotonic()
            now = self._start + timedelta(seconds=(passed - self._since) * self._rate)
            if self._rate == 1.0 and (wall := self._wall()) > now:
                # Forward it follows the wall clock: after a sleep of the machine, or a correction.
                self._start, self._since, now = wall, passed, wall
            return now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(0.0, seconds) / self._rate)


class ManualClock:
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
