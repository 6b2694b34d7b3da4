"""How late somebody who looks again and again has been of late: the longest time between two looks."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

COUNTS_FOR = timedelta(minutes=2)
LATEST = timedelta(seconds=60)
"""More is no lateness of this machine but a sleep, and no margin would be enough."""


class Lateness:
    """One thread notes its looks, in the order of their times; any may ask."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        # Each with the look that it began with. A gap that a longer one has followed can never be the longest again.
        self._gaps: deque[tuple[datetime, timedelta]] = deque()
        self.longest = timedelta(0)
        """Between two looks that both lie within the last two minutes, as of the last one; never more than `LATEST`."""

    def note(self, now: datetime) -> None:
        before, self._last = self._last, now
        gaps, since = self._gaps, now - COUNTS_FOR
        while gaps and gaps[0][0] <= since:
            gaps.popleft()
        if before is not None and before > since:
            gap = now - before
            while gaps and gaps[-1][1] <= gap:
                gaps.pop()
            gaps.append((before, gap))
        self.longest = min(gaps[0][1], LATEST) if gaps else timedelta(0)
