"""What will happen in the stand-in world, in order of time. The only thing that moves the world's time forward, so the
outcome never depends on how often somebody looks.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta


class Agenda:
    """Not thread-safe: the world's one lock guards it."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._order = itertools.count()
        self._entries: list[tuple[datetime, int, Callable[[], None]]] = []

    def at(self, when: datetime, do: Callable[[], None]) -> None:
        """Do it at `when`; what should already have happened, happens next."""
        heapq.heappush(self._entries, (max(when, self.now), next(self._order), do))

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        self.at(self.now + timedelta(seconds=seconds), do)

    def run_to(self, when: datetime) -> None:
        """Everything due up to `when`, each at its own time. A time in the past changes nothing."""
        while self._entries and self._entries[0][0] <= when:
            due, _, do = heapq.heappop(self._entries)
            self.now = max(self.now, due)
            do()
        self.now = max(self.now, when)
