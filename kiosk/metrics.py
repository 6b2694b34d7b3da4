"""Counters for machines: calls to the outside systems, what folds noticed, how commands end, what is live, holds and
the age of figures, duties of the engine, open streams, and room in the budgets.

One registry for each kiosk in the process, so that two of them never add up. No label ever holds a session, a charger,
an address or a driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from math import ceil
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
COMMAND_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
"""Upper bounds of the histogram: what a driver waits for gladly, and how long a wish may be pursued."""
SHARES = (0.5, 0.95, 1.0)
"""Of which the age of figures is told: the median, 95 of 100, and the worst."""
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
"""Upper bounds of the histogram: a call ends after 20 s at the latest."""
TOO_MANY_REQUESTS = 429
START = "start"
ANSWERS, ANSWERS_TEXT = "kiosk_store_answers", "0 while the database cannot be read; what is counted in it is missing."
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
    def oldest_waiting_at(self) -> datetime | None: ...

    @property
    def oldest_unknown_at(self) -> datetime | None: ...

    @property
    def holds(self) -> int: ...

    @property
    def oldest_hold_at(self) -> datetime | None: ...

    @property
    def figures_of(self) -> Sequence[datetime]: ...

    @property
    def attention(self) -> Mapping[str, int]: ...

    @property
    def attention_since(self) -> datetime | None: ...


class DutyState(Protocol):
    """What a duty of the engine tells of itself: see `kiosk.engine.post.Post`."""

    @property
    def name(self) -> str: ...

    @property
    def ran_at(self) -> datetime | None: ...

    @property
    def failing(self) -> bool: ...

    @property
    def aside(self) -> int: ...

    def late(self, now: datetime) -> bool: ...


class Work(Protocol):
    """Whether this process works: see `kiosk.engine.engine.Engine`."""

    @property
    def leading(self) -> bool: ...

    def alive(self) -> bool: ...

    def states(self) -> Sequence[DutyState]: ...


class Metrics:
    """Safe to use from many threads. `events`, `groups` and `levels` are the words that are shown as zero before their
    first; `commands` the kinds with their outcomes, `starts` the outcomes of a start.
    """

    def __init__(
        self,
        events: Iterable[str] = (),
        groups: Iterable[str] = (),
        *,
        commands: Iterable[tuple[str, str]] = (),
        starts: Iterable[str] = (),
        levels: Iterable[str] = (),
    ) -> None:
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
        self._groups, self._levels = tuple(groups), tuple(levels)
        self._commands = Histogram(
            "kiosk_command_seconds",
            "How long it took from the wish to the end of its command, by how it ended.",
            ("kind", "outcome"),
            buckets=COMMAND_SECONDS,
            registry=self._registry,
        )
        for kind, outcome in commands:
            self._commands.labels(kind, outcome)
        self._starts = Counter(
            "kiosk_starts",
            "Starts by how they ended: done, unknown, or why not.",
            ("outcome",),
            registry=self._registry,
        )
        for outcome in starts:
            self._starts.labels(outcome)
        self._room = Gauge(
            "kiosk_budget_room",
            "Requests that may leave for Plugchoice's public endpoints now.",
            ("endpoint",),
            registry=self._registry,
        )
        self._limit = Gauge(
            "kiosk_budget_limit",
            "Requests a minute that Plugchoice's public endpoints take.",
            ("endpoint",),
            registry=self._registry,
        )
        self._streams = Gauge("kiosk_streams", "Pages that are told of news.", registry=self._registry)
        self._most_streams = Gauge("kiosk_streams_limit", "How many may be open.", registry=self._registry)

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

    def on_command(self, kind: str, outcome: str, seconds: float, refusal: str | None = None) -> None:
        """A command has ended so many seconds after it was asked for; `refusal` is why it was refused."""
        self._commands.labels(kind, outcome).observe(max(0.0, seconds))
        if kind == START:
            self._starts.labels(refusal or outcome).inc()

    def watch_limits(self, limits: Mapping[str, Callable[[], float]]) -> None:
        """Ask for the limit of each endpoint whenever somebody reads the counters."""
        for endpoint, limit in limits.items():
            self._limit.labels(endpoint).set_function(limit)

    def watch_streams(self, streams: Callable[[], float], most: int) -> None:
        """Ask how many streams are open whenever somebody reads the counters."""
        self._streams.set_function(streams)
        self._most_streams.set(most)

    def watch_work(self, work: Work, trouble: Callable[[], str | None], now: Callable[[], datetime]) -> None:
        """Ask whether this process leads and works whenever somebody reads the counters. `trouble`: why the store takes
        no write."""
        self._registry.register(_Works(work, trouble, now))

    def watch_room(self, room: Mapping[str, Callable[[], float]]) -> None:
        """Ask for the room of each endpoint whenever somebody reads the counters."""
        for endpoint, free in room.items():
            self._room.labels(endpoint).set_function(free)

    def watch_store(self, tally: Callable[[], Tally], now: Callable[[], datetime]) -> None:
        """Count what the store holds whenever somebody reads the counters."""
        self._registry.register(_Store(tally, now, self._groups, self._levels))

    def text(self) -> bytes:
        """All of it, in Prometheus' own format."""
        return generate_latest(self._registry)


class _Store(Collector):
    def __init__(
        self,
        tally: Callable[[], Tally],
        now: Callable[[], datetime],
        groups: Iterable[str],
        levels: Iterable[str],
    ) -> None:
        self._tally, self._now, self._groups, self._levels = tally, now, groups, levels

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = self._now()
        try:
            tally = self._tally()
        except Exception:  # noqa: BLE001 - what is not counted in the store is wanted then most of all
            yield _one(ANSWERS, ANSWERS_TEXT, 0)
            return
        yield _one(ANSWERS, ANSWERS_TEXT, 1)
        yield _by(
            "kiosk_sessions",
            "Sessions that can still change, by group.",
            "group",
            {**_none(self._groups), **tally.live},
        )
        yield _one("kiosk_commands_waiting", "Commands that wait to be sent.", tally.waiting)
        yield _one(
            "kiosk_oldest_waiting_command_seconds",
            "Age of the oldest command that waits to be sent; 0 without one.",
            _age(tally.oldest_waiting_at, now),
        )
        yield _one(
            "kiosk_oldest_unknown_command_seconds",
            "Age of the oldest command of a live session of which nobody knows whether it worked; 0 without one.",
            _age(tally.oldest_unknown_at, now),
        )
        yield _one("kiosk_holds", "Holds of sessions that can still change.", tally.holds)
        yield _one(
            "kiosk_oldest_hold_seconds", "Age of the oldest of them; 0 without one.", _age(tally.oldest_hold_at, now)
        )
        ages = sorted(_age(at, now) for at in tally.figures_of)
        known = {f"{share:g}": ages[max(0, ceil(share * len(ages)) - 1)] for share in SHARES} if ages else {}
        yield _by(
            "kiosk_figure_age_seconds",
            "Age of the newest figure of each charge that runs: of so large a share it is at most this.",
            "share",
            known,
        )
        yield _by(
            "kiosk_attention",
            "What needs a person, by how loud it is.",
            "level",
            {**_none(self._levels), **tally.attention},
        )
        yield _one(
            "kiosk_oldest_attention_seconds",
            "Since when the oldest of it has needed one; 0 without one.",
            _age(tally.attention_since, now),
        )


class _Works(Collector):
    def __init__(self, work: Work, trouble: Callable[[], str | None], now: Callable[[], datetime]) -> None:
        self._work, self._trouble, self._now = work, trouble, now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        leading, states, now = self._work.leading, self._work.states(), self._now()
        yield _one("kiosk_leading", "1 in the process whose engine leads.", leading)
        yield _one(
            "kiosk_engine_alive", "1 while the engine goes round and whoever leads can write.", self._work.alive()
        )
        yield _one(
            "kiosk_store_takes_writes", "0 since the last write of this process failed.", self._trouble() is None
        )
        # Of who stands by the times are those of when it led last, and say nothing.
        ran = {each.name: _age(each.ran_at, now) for each in states if leading and each.ran_at is not None}
        yield _by("kiosk_duty_last_run_seconds", "How long ago a duty of the engine was asked last.", "duty", ran)
        late = {each.name: float(leading and each.late(now)) for each in states}
        yield _by("kiosk_duty_late", "1 while a turn of a duty of the engine is overdue.", "duty", late)
        failing = {each.name: float(leading and each.failing) for each in states}
        yield _by("kiosk_duty_failing", "1 while a duty of the engine fails.", "duty", failing)
        yield _by(
            "kiosk_duty_jobs_aside",
            "Jobs of a duty that failed and wait for another try.",
            "duty",
            {each.name: each.aside for each in states},
        )


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for word, value in sorted(values.items()):
        family.add_metric((word,), float(value))
    return family


def _none(words: Iterable[str]) -> dict[str, float]:
    return dict.fromkeys(words, 0.0)


def _age(at: datetime | None, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds()) if at is not None else 0.0
