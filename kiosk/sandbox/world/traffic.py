"""What reached the stand-in from outside: answers counted by route and status, the last requests, and the limits that
Plugchoice sets per address and route.
"""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

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


class SlidingLimits:
    """Never more than the limit within any 60 seconds, per key. A refused request does not count. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], deque[datetime]] = {}

    def spend(self, route: str, key: str, limit: int, now: datetime) -> Verdict:
        with self._lock:
            self._forget(now)
            seen = self._seen.setdefault((route, key), deque())
            while seen and seen[0] <= now - WINDOW:
                seen.popleft()
            if len(seen) >= limit:
                left = (seen[0] + WINDOW - now).total_seconds() if seen else WINDOW.total_seconds()
                return Verdict(limit, 0, max(1, math.ceil(left)))
            seen.append(now)
            return Verdict(limit, limit - len(seen), None)

    def _forget(self, now: datetime) -> None:
        if len(self._seen) > 10_000:
            self._seen = {key: seen for key, seen in self._seen.items() if seen and seen[-1] > now - WINDOW}
