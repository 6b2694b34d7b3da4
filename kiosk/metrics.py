"""Counters for machines: calls to the outside systems, what folds noticed, what is live, and room in the budgets.

One registry for each kiosk in the process, so that two of them never add up. No label ever holds a session, a charger,
an address or a driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
"""Upper bounds of the histogram: a call ends after 20 s at the latest."""
TOO_MANY_REQUESTS = 429
NEVER_LEFT = frozenset({"budget_spent", "not_sent"})
"""Ends of calls that say nothing about how fast the other side is."""

OnCall = Callable[[str, StrEnum, int | None, float], None]
"""Hears of every call of a client: endpoint, how it ended, HTTP status if one came, seconds of the wall clock."""


class Tally(Protocol):
    """What the store counts: see `kiosk.store.records.Tally`."""

    @property
    def live(self) -> Mapping[str, int]: ...

    @property
    def waiting(self) -> int: ...

    @property
    def oldest_unknown_at(self) -> datetime | None: ...


class Metrics:
    """Safe to use from many threads. `events` and `groups` are the words that are shown as zero before their first."""

    def __init__(self, events: Iterable[str] = (), groups: Iterable[str] = ()) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._calls = Counter(
            "kiosk_upstream_calls",
            "Calls to the outside systems by how they ended.",
            ("system", "endpoint", "outcome"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "kiosk_upstream_call_seconds",
            "How long calls took that left the kiosk.",
            ("system", "endpoint"),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._too_many = Counter(
            "kiosk_upstream_too_many_requests",
            "Answers 429: none is normal.",
            ("system", "endpoint"),
            registry=self._registry,
        )
        self._events = Counter(
            "kiosk_session_events", "What readings changed in sessions.", ("event",), registry=self._registry
        )
        for event in events:
            self._events.labels(event)
        self._groups = tuple(groups)
        self._room = Gauge(
            "kiosk_budget_room",
            "Requests that may leave for Plugchoice's public endpoints now.",
            ("endpoint",),
            registry=self._registry,
        )

    def on_call(self, system: str) -> OnCall:
        """What a client of that system is given."""

        def note(endpoint: str, outcome: StrEnum, status: int | None, seconds: float) -> None:
            self._calls.labels(system, endpoint, outcome.value).inc()
            if status == TOO_MANY_REQUESTS:
                self._too_many.labels(system, endpoint).inc()
            if outcome.value not in NEVER_LEFT:
                self._seconds.labels(system, endpoint).observe(seconds)

        return note

    def on_event(self, event: StrEnum) -> None:
        """A fold noticed that."""
        self._events.labels(event.value).inc()

    def watch_room(self, room: Mapping[str, Callable[[], float]]) -> None:
        """Ask for the room of each endpoint whenever somebody reads the counters."""
        for endpoint, free in room.items():
            self._room.labels(endpoint).set_function(free)

    def watch_store(self, tally: Callable[[], Tally], now: Callable[[], datetime]) -> None:
        """Count what the store holds whenever somebody reads the counters."""
        self._registry.register(_Store(tally, now, self._groups))

    def text(self) -> bytes:
        """All of it, in Prometheus' own format."""
        return generate_latest(self._registry)


class _Store(Collector):
    def __init__(self, tally: Callable[[], Tally], now: Callable[[], datetime], groups: Iterable[str]) -> None:
        self._tally, self._now, self._groups = tally, now, groups

    def collect(self) -> Iterator[GaugeMetricFamily]:
        tally, now = self._tally(), self._now()
        live = GaugeMetricFamily("kiosk_sessions", "Sessions that can still change, by group.", labels=("group",))
        for group in sorted({*self._groups, *tally.live}):
            live.add_metric((group,), tally.live.get(group, 0))
        yield live
        yield GaugeMetricFamily("kiosk_commands_waiting", "Commands that wait to be sent.", value=tally.waiting)
        oldest = tally.oldest_unknown_at
        age = max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0
        yield GaugeMetricFamily(
            "kiosk_oldest_unknown_command_seconds",
            "Age of the oldest command of a live session of which nobody knows whether it worked; 0 without one.",
            value=age,
        )
