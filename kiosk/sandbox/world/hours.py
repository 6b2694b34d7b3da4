"""The number of sessions that one charger of the stand-in world accepts in an hour."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta

from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.switches import Switches


class HourlyLimit:
    """Not thread-safe: the world's one lock guards it."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._started_at: dict[str, deque[datetime]] = {}

    def spend(self, code: str, now: datetime) -> None:
        """Count one session. Raises Refusal (429) above the limit."""
        started = self._started_at.setdefault(code, deque())
        hour_ago = now - timedelta(hours=1)
        while started and started[0] <= hour_ago:
            started.popleft()
        if len(started) >= self._switches.sessions_per_charger_per_hour:
            wait = math.ceil((started[0] - hour_ago).total_seconds())
            told = wait if self._switches.hourly_limit_sends_retry_after else None
            raise Refusal(429, "Too Many Attempts.", retry_after=told)
        started.append(now)

    def use_up(self, code: str, now: datetime, free_in: float) -> None:
        """Others have started here: the limit is reached, and there is room again in so many seconds."""
        started = self._started_at.setdefault(code, deque())
        until = now - timedelta(hours=1) + timedelta(seconds=free_in)
        missing = max(0, self._switches.sessions_per_charger_per_hour - len(started))
        self._started_at[code] = deque(sorted([*started, *[until] * missing]))
