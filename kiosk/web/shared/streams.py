"""How many streams are open, by network and by session: one client cannot take those of everybody.

A page that gets none polls, so a driver behind a crowded address only sees new figures some seconds later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from kiosk.news.news import TooManyStreams

OF_A_SESSION = 20
"""Everybody who looks at one charge: its driver's tabs, the family, the screen on site."""
OF_A_SESSION_FROM_ONE_NETWORK = 8
LEAST_OF_A_NETWORK = 10
SHARE_OF_A_NETWORK = 8
"""One network may have an eighth of all: a whole carrier's phones may be one."""


class OpenStreams:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one_more(self, network: str, key: str, most: int) -> Iterator[None]:
        """Counted for the length of the block; `most` is the cap of all together. Raises TooManyStreams."""
        caps = {
            ("network", network): max(LEAST_OF_A_NETWORK, most // SHARE_OF_A_NETWORK),
            ("session", key): OF_A_SESSION,
            (network, key): OF_A_SESSION_FROM_ONE_NETWORK,
        }
        with self._lock:
            if any(self._open[what] >= cap for what, cap in caps.items()):
                raise TooManyStreams
            self._open.update(caps.keys())
        try:
            yield
        finally:
            with self._lock:
                self._open.subtract(caps.keys())
                for what in caps:
                    if not self._open[what]:
                        del self._open[what]

    def counted(self) -> int:
        """How many there are."""
        with self._lock:
            return sum(count for (what, _), count in self._open.items() if what == "network")


open_streams = OpenStreams()
