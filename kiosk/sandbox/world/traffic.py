"""What reached the stand-in from outside: answers counted by route and status, the last requests, and the limits that
Plugchoice sets per address and route.
"""

from __future__ import annotations

import math
import random
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

WINDOW = timedelta(seconds=60)
KEPT_REQUESTS = 50


@dataclass(frozen=True)
class Request:
    """One answered request, without anything secret. `fault` names the fault that was played, if any."""

    at: datetime
    route: str
    status: int
    address: str
    fault: str | None = None


class Traffic:
    """Thread-safe. Status 0 stands for an answer that was never sent because a fault cut the connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, int]] = Counter()
        self._recent: deque[Request] = deque(maxlen=KEPT_REQUESTS)

    def record(self, request: Request) -> None:
        with self._lock:
            self._counts[request.route, request.status] += 1
            self._recent.append(request)

    def counts(self) -> Mapping[tuple[str, int], int]:
        """(route, status) to the number of answers."""
        with self._lock:
            return dict(self._counts)

    def total(self, *, route: str | None = None, status: int | None = None) -> int:
        return sum(
            count
            for (counted_route, counted_status), count in self.counts().items()
            if route in (None, counted_route) and status in (None, counted_status)
        )

    def recent(self) -> tuple[Request, ...]:
        """The last requests, newest first."""
        with self._lock:
            return tuple(reversed(self._recent))


@dataclass(frozen=True)
class Verdict:
    """`retry_after` is in whole seconds, and None when the request is allowed."""

    limit: int
    remaining: int
    retry_after: int | None


Window = Literal["sliding", "fixed"]


class Limits:
    """So many requests in 60 seconds, per key. A refused request does not count. Thread-safe.

    `window`: in any 60 seconds (sliding), or in 60 seconds from the first request, then anew (fixed, as Laravel's).
    `foreign_share`: the share of each shared limit that others spend who come from the same address; when, is drawn
    anew for every minute and does not depend on how often anybody asks.
    """

    def __init__(self, seed: int = 1, window: Window = "sliding", foreign_share: float = 0.0) -> None:
        self.window: Window = window
        self.foreign_share = foreign_share
        self._seed = seed
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], deque[datetime]] = {}
        self._looked: dict[tuple[str, str], datetime] = {}

    def spend(self, route: str, key: str, limit: int, now: datetime, *, shared: bool = False) -> Verdict:
        """`shared`: others at the same address spend from this limit too."""
        with self._lock:
            self._forget(now)
            seen = self._seen.setdefault((route, key), deque())
            if shared and self.foreign_share > 0:
                since = max(self._looked.get((route, key), now - WINDOW), now - 2 * WINDOW)
                for at in self.foreign(route, limit, since, now):
                    self._count(seen, limit, at)
            self._looked[route, key] = now
            if not self._count(seen, limit, now):
                left = (seen[0] + WINDOW - now).total_seconds() if seen else WINDOW.total_seconds()
                return Verdict(limit, 0, max(1, math.ceil(left)))
            return Verdict(limit, limit - len(seen), None)

    def foreign(self, route: str, limit: int, since: datetime, until: datetime) -> list[datetime]:
        """When others send their requests of this kind, after `since` and up to `until`."""
        moments = []
        for minute in range(int(since.timestamp() // 60), int(until.timestamp() // 60) + 1):
            rng = random.Random(f"{self._seed}/foreign/{route}/{minute}")  # noqa: S311 - a reproducible play
            whole, part = divmod(limit * self.foreign_share, 1)
            count = int(whole) + (rng.random() < part)
            moments += [minute * 60 + second for second in sorted(rng.uniform(0, 60) for _ in range(count))]
        told = [datetime.fromtimestamp(moment, UTC) for moment in moments]
        return [moment for moment in told if since < moment <= until]

    def _count(self, seen: deque[datetime], limit: int, at: datetime) -> bool:
        """Take in one request, if there is room."""
        if self.window == "sliding":
            while seen and seen[0] <= at - WINDOW:
                seen.popleft()
        elif seen and seen[0] <= at - WINDOW:
            seen.clear()
        if len(seen) >= limit:
            return False
        seen.append(at)
        return True

    def _forget(self, now: datetime) -> None:
        if len(self._seen) > 10_000:
            self._seen = {key: seen for key, seen in self._seen.items() if seen and seen[-1] > now - WINDOW}
            self._looked = {key: at for key, at in self._looked.items() if key in self._seen}
