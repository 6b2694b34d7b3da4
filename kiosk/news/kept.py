"""Values that are made once and given out again until news makes them old or their time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from kiosk.clock import Clock
from kiosk.news.news import News

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Moment:
    """Before a value was made: the versions of its topics, the kiosk's clock, and a counter that nobody can set."""

    versions: tuple[int, ...]
    now: datetime
    counter: float


@dataclass(frozen=True, slots=True)
class _Made(Generic[V]):
    value: V
    at: Moment
    until: datetime
    ends: float


@dataclass(slots=True)
class _Slot(Generic[V]):
    """`lock` is held by the one who makes the next value."""

    made: _Made[V] | None = None
    lock: Lock = field(default_factory=Lock)


class Kept(Generic[K, V]):
    """The last value for each key. Safe to use from many threads.

    A value is true as long as its topics have no news, and for its seconds by both clocks: the kiosk's own, which may
    be set forward and stands still in tests, and a counter. There are at most `most` keys; then the older half goes.
    """

    def __init__(
        self, news: News, clock: Clock, *, most: int = 4096, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._news, self._clock, self._monotonic = news, clock, monotonic
        self._most = most
        self._lock = Lock()
        self._slots: dict[K, _Slot[V]] = {}

    def moment(self, topics: Iterable[str]) -> Moment:
        """To be taken before a value's sources are read: news that comes meanwhile makes the value old at once."""
        version = self._news.version
        return Moment(tuple(version(topic) for topic in topics), self._clock.now(), self._monotonic())

    def get(self, key: K, at: Moment) -> V | None:
        """The value that is true `at` that moment, if there is one."""
        slot = self._slots.get(key)
        made = slot.made if slot is not None else None
        return made.value if made is not None and _is_true(made, at) else None

    def put(self, key: K, value: V, at: Moment, seconds: float) -> None:
        """Keep a value that was made after `at`, for so many seconds of the kiosk's clock counted from then."""
        self._slot(key).made = self._made(value, at, seconds)

    def of(
        self,
        key: K,
        topics: Iterable[str],
        make: Callable[[V | None], V],
        seconds: Callable[[V], float],
        *,
        late: float = 0.0,
    ) -> V:
        """The value of `key`, made anew when it is not true any more: by one caller at a time, from the one before it.

        `seconds` says for how long of the kiosk's clock a value is true. While one caller makes the next, others wait
        for it; or they get the last one, if it was made less than `late` seconds ago. What `make` raises goes to its
        caller, and the next one tries again.
        """
        topics = tuple(topics)
        slot, at = self._slot(key), self.moment(topics)
        made = slot.made
        if made is not None and _is_true(made, at):
            return made.value
        will_do = made is not None and self._is_younger(made, at, late)
        if not slot.lock.acquire(blocking=not will_do) and made is not None:
            return made.value
        try:
            # Another caller may have made it just now.
            at, made = self.moment(topics), slot.made
            if made is None or not _is_true(made, at):
                value = make(made.value if made is not None else None)
                slot.made = made = self._made(value, at, seconds(value))
            return made.value
        finally:
            slot.lock.release()

    def _slot(self, key: K) -> _Slot[V]:
        found = self._slots.get(key)
        if found is not None:
            return found
        with self._lock:
            if len(self._slots) >= self._most:
                for old in list(self._slots)[: self._most // 2]:
                    del self._slots[old]
            return self._slots.setdefault(key, _Slot())

    def _made(self, value: V, at: Moment, seconds: float) -> _Made[V]:
        return _Made(value, at, at.now + timedelta(seconds=seconds), at.counter + seconds / self._clock.rate)

    def _is_younger(self, made: _Made[V], at: Moment, seconds: float) -> bool:
        by_clock = timedelta(0) <= at.now - made.at.now < timedelta(seconds=seconds)
        return by_clock and at.counter - made.at.counter < seconds / self._clock.rate


def _is_true(made: _Made[V], at: Moment) -> bool:
    same_news = made.at.versions == at.versions
    return same_news and made.at.now <= at.now < made.until and at.counter < made.ends
