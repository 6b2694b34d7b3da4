"""News within one process: topics with a version number, listeners who wait for a newer one, and wishes that wake the
engine.

A subscriber only ever learns "there is something newer"; it then reads the store. So a slow page misses steps, never
the end.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kiosk.news.news import EVERYTHING, Subscription, TooManyStreams

GLANCE_SECONDS = 20.0
"""A page that polls does so every 5 s; one in the background may miss this, and is then read like an unwatched one."""
MOST_GLANCES = 10_000
MOST_VERSIONS = 100_000


class LocalNews:
    """News of this process alone. `most` caps all subscriptions together, well below the worker's threads."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._topics: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._glances: dict[str, float] = {}
        self._versions: dict[str, int] = {}
        self._looks: tuple[Callable[[], None], ...] = ()
        self._news = 0
        self._floor = 0
        self._open = 0
        self._closed = False

    def start(self) -> None:
        """Within one process there is nothing to begin."""

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[Subscription]:
        """A subscription for the length of the block. Raises TooManyStreams at the cap."""
        subscription = Subscription()
        with self._lock:
            if self._closed or self._open >= self._most:
                raise TooManyStreams
            self._open += 1
            self._topics[topic].add(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._open -= 1
                listeners = self._topics[topic]
                listeners.discard(subscription)
                if not listeners:
                    del self._topics[topic]

    def version(self, topic: str) -> int:
        """A number that changes with every piece of news of the topic. Whatever was made under another one is old."""
        return self._versions.get(topic, self._floor)

    def publish(self, *topics: str) -> None:
        """Something newer is stored about these topics: wake their listeners. Cheap when there are none."""
        listeners: list[Subscription] = []
        with self._lock:
            for topic in topics:
                self._news += 1
                if len(self._versions) >= MOST_VERSIONS:
                    self._versions, self._floor = {}, self._news
                self._versions[topic] = self._news
                listeners.extend(self._topics.get(topic, ()))
            if topics:
                listeners.extend(self._topics.get(EVERYTHING, ()))
        for subscription in listeners:
            subscription.ring()

    def wish(self, *topics: str) -> None:
        """Publish the topics, and tell the engine to read the store now because somebody asked for something."""
        self.publish(*topics)
        for look in self._looks:
            look()

    def on_wish(self, look: Callable[[], None]) -> None:
        """`look` is called with every wish from now on, on any thread. It must return at once."""
        with self._lock:
            self._looks = (*self._looks, look)

    def glance(self, topic: str) -> None:
        """A page without a stream has just asked; it counts as watching for GLANCE_SECONDS of the wall clock."""
        now = time.monotonic()
        with self._lock:
            self._glances[topic] = now
            if len(self._glances) > MOST_GLANCES:
                self._glances = {one: at for one, at in self._glances.items() if now - at < GLANCE_SECONDS}

    def watched(self, topic: str) -> bool:
        """Somebody has a page of this topic open: the engine reads it more often."""
        with self._lock:
            glanced = self._glances.get(topic)
            return topic in self._topics or (glanced is not None and time.monotonic() - glanced < GLANCE_SECONDS)

    @property
    def streams(self) -> int:
        return self._open

    def close(self) -> None:
        """End every stream and refuse new ones."""
        with self._lock:
            self._closed = True
            everyone = [s for listeners in self._topics.values() for s in listeners]
        for subscription in everyone:
            subscription.close()
