"""The line to Plugchoice's stand-in: how long a request takes to arrive, and its answer to return."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass

from kiosk.clock import Clock

Span = tuple[float, float]
"""Seconds, from and to."""


@dataclass(frozen=True)
class Delays:
    """`before`: until the request arrives, where limits count it; `after`: from the work until the answer is back.

    `often` is the share of the calls that are late at all.
    """

    before: Span = (0.0, 0.0)
    after: Span = (0.0, 0.0)
    often: float = 1.0

    def __post_init__(self) -> None:
        if any(not 0 <= least <= most for least, most in (self.before, self.after)):
            raise ValueError("a delay is from 0 or more to that or more seconds")
        if not 0 <= self.often <= 1:
            raise ValueError("a share is from 0 to 1")


class Line:
    """Thread-safe. Waits on the world's clock; the same calls in the same order are late by the same seconds."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.delays = Delays()
        self._clock = clock
        self._rng = rng
        self._lock = threading.Lock()

    def carry(self) -> float:
        """Wait until the request has arrived. The seconds that its answer will take are returned."""
        with self._lock:
            delays = self.delays
            if self._rng.random() >= delays.often:
                return 0.0
            before, after = self._rng.uniform(*delays.before), self._rng.uniform(*delays.after)
        self.wait(before)
        return after

    def wait(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.wait(threading.Event(), seconds)
