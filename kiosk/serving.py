"""How long a client may take to say what it wants: the thread that listens to it is one of a few hundred.

A proxy in front should never let such clients through (docs/install.md). Where there is none, or it is set up
otherwise, nobody keeps a thread for longer than this by sending a byte now and then.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from gunicorn.workers.gthread import ThreadWorker

HEAD_SECONDS = 10.0
"""For the head of a request, from its first byte on."""
WHOLE_SECONDS = 30.0
"""For a request with a body, answer included: the longest answer to a wish takes a third of it."""
LOOK_EVERY = 1.0
BODILESS = frozenset({"GET", "HEAD"})


class Deadlines:
    """Which connections have until when. Thread-safe: one that was forgotten is not shut any more.

    A connection is gunicorn's: its `sock` may become another one while it is read, where gunicorn itself speaks TLS.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._until: dict[int, tuple[Any, float]] = {}

    def give(self, connection: Any, seconds: float) -> None:
        with self._lock:
            self._until[id(connection)] = connection, self._now() + seconds

    def forget(self, connection: Any) -> None:
        with self._lock:
            self._until.pop(id(connection), None)

    def shut_late_ones(self) -> int:
        """Whoever reads from them finds their end. Returns how many."""
        with self._lock:
            now = self._now()
            late = [one for one, until in self._until.values() if until <= now]
            for one in late:
                del self._until[id(one)]
                with suppress(OSError):
                    one.sock.shutdown(socket.SHUT_RDWR)
        return len(late)


class HurryingWorker(ThreadWorker):  # type: ignore[misc]  # it has no types
    """gunicorn's threads, with an end for whoever dawdles. Streams are answers, and last as long as they like."""

    head_seconds: ClassVar[float] = HEAD_SECONDS
    whole_seconds: ClassVar[float] = WHOLE_SECONDS

    def init_process(self) -> None:
        self._deadlines = Deadlines()
        threading.Thread(target=self._watch, name="deadlines", daemon=True).start()
        super().init_process()

    def handle(self, conn: Any) -> Any:
        self._deadlines.give(conn, self.head_seconds)
        try:
            return super().handle(conn)
        finally:
            self._deadlines.forget(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        if req.method in BODILESS:
            self._deadlines.forget(conn)
        else:
            self._deadlines.give(conn, self.whole_seconds)
        return super().handle_request(req, conn)

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            late = self._deadlines.shut_late_ones()
            if late:
                self.log.info("%d requests took too long to be said", late)
