"""How many streams are open, by network and by session: one client cannot take those of everybody.

Whoever proves that a running charge is theirs is counted by that charge alone, and a part of all is kept for them: a
network may be a whole carrier's, and what others do there costs no driver their figures. A page that gets none polls.
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
OF_ITS_OWNERS = 8
"""The owners of one running charge, wherever they are: a phone, a laptop, the tabs that they forgot."""
KEPT_FOR_OWNERS = 5
"""A fifth of all is for owners alone, however many networks the others come from."""


class OpenStreams:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one_more(self, network: str, key: str, most: int, *, owner: bool = False) -> Iterator[None]:
        """Counted for the length of the block; `most` is the cap of all together. `owner`: of a charge that goes on.
        One that has as many as owners may have is counted like anybody. Raises TooManyStreams.
        """
        theirs = {("owners", key): OF_ITS_OWNERS}
        anybodys = {
            ("network", network): max(LEAST_OF_A_NETWORK, most // SHARE_OF_A_NETWORK),
            ("session", key): OF_A_SESSION,
            ("of a network", f"{network} {key}"): OF_A_SESSION_FROM_ONE_NETWORK,
            ("anybody", ""): max(1, most - most // KEPT_FOR_OWNERS),
        }
        with self._lock:
            caps = theirs if owner and self._open[("owners", key)] < OF_ITS_OWNERS else anybodys
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
            return sum(count for (what, _), count in self._open.items() if what in {"owners", "anybody"})


open_streams = OpenStreams()
