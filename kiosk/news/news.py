"""The one interface of news: who writes to the store says so once, and pages, caches and the engine learn it here.

`kiosk.news.local.LocalNews` carries it within one process, `kiosk.news.fleet.FleetNews` between those of a fleet. News
never carries content: who hears of some reads the store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


def session_topic(key: str) -> str:
    return f"session:{key}"


def charger_topic(code: str) -> str:
    return f"charger:{code}"


def handoff_topic(handoff_id: str) -> str:
    return f"handoff:{handoff_id}"


def site_topic(site_id: str) -> str:
    """The board of a site: while it is watched, the engine keeps the cards of its chargers fresh."""
    return f"site:{site_id}"


EVERYTHING = "everything"
"""Whoever subscribes to it hears of each piece of news, whatever it is about. Nothing counts as watched by that."""


class TooManyStreams(Exception):
    """The cap of open subscriptions is reached. The page polls instead (503 with Retry-After)."""


class Subscription:
    """One listener of one topic. Not shared between threads."""

    def __init__(self) -> None:
        self._news = threading.Event()
        self._over = threading.Event()

    @property
    def closing(self) -> bool:
        """The server is going down; the stream should end so that the page reconnects elsewhere."""
        return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for news since the last call, at most `seconds` of the wall clock. True when there was some."""
        heard = self._news.wait(seconds)
        self._news.clear()
        return heard and not self.closing

    def rest(self, seconds: float) -> None:
        """Hear nothing for `seconds` of the wall clock, so that much news becomes one answer. Ends with the server."""
        self._over.wait(seconds)

    def ring(self) -> None:
        self._news.set()

    def close(self) -> None:
        self._over.set()
        self._news.set()


class News(Protocol):
    """Safe to use from many threads. A topic is a text from `session_topic` and its sisters."""

    def start(self) -> None:
        """Once a process, after a server's fork."""

    def publish(self, *topics: str) -> None:
        """Something newer is stored about these topics: open pages read again, and what was kept of them is old."""

    def wish(self, *topics: str) -> None:
        """The same, and somebody asked for something that the engine must do: it reads the store now.

        Without a topic only the engine is told.
        """

    def on_wish(self, look: Callable[[], None]) -> None:
        """`look` is called with every wish from now on, on any thread. It must return at once."""

    def subscribe(self, topic: str) -> AbstractContextManager[Subscription]:
        """A subscription for the length of the block. Raises TooManyStreams at the cap."""

    def version(self, topic: str) -> int:
        """A number that changes with every piece of news of the topic. What was made under another one is old."""

    def glance(self, topic: str) -> None:
        """A page without a stream has just asked; it counts as watching for a while."""

    def watched(self, topic: str) -> bool:
        """Somebody has a page of this topic open: the engine reads it more often."""

    @property
    def streams(self) -> int:
        """How many subscriptions are open in this process."""

    def close(self) -> None:
        """End every subscription and refuse new ones."""
