"""The one interface of news: who writes to the store says so once, and pages, caches and the engine learn it here.

`kiosk.news.live.Live` carries it within one process. News never carries content: whoever hears of some reads the store.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from kiosk.news.live import Subscription


class News(Protocol):
    """Safe to use from many threads. A topic is a text from `session_topic` and its sisters in `kiosk.news.live`."""

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
        """How many subscriptions are open."""

    def close(self) -> None:
        """End every subscription and refuse new ones."""
