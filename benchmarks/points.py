"""The points of a kiosk at which a kill, or a freeze, could lose something: around each commit and each call outside.

Only a server of `benchmarks.points_app` knows them. Each is written down when it is reached, and at the one that
`DIES_AT` names the whole process group gets the signal, from the thread that has reached it.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from sqlalchemy.engine.default import DefaultDialect

from kiosk.upstream.wire import DeadlineTransport

LOG, DIES_AT, SIGNAL = "POINTS_LOG", "POINTS_DIES_AT", "POINTS_SIGNAL"
"""Variables of the environment: the file to write to, the point, and the number of the signal."""
_NOT_THE_ASKER = ("kiosk.store.database", "kiosk.store.postgres", "kiosk.store.schema")
_WORDS = re.compile(
    r"^(plugchoice|stripe|api|v[0-9]|public-charging|chargers|sessions|confirm|stop|cancel|payment_intents)$"
)


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """`what` is a commit of a function of the store, or a call; `nth` counts how often this process came there."""

    what: str
    nth: int

    def __str__(self) -> str:
        return f"{self.what} {self.nth}"

    @staticmethod
    def from_text(text: str) -> Point:
        what, _, nth = text.rpartition(" ")
        return Point(what, int(nth))

    @property
    def kind(self) -> str:
        """`before commit`, `after commit`, `before call` or `after call`."""
        return " ".join(self.what.split()[:2])


def reached(log: Path) -> list[Point]:
    """What a process has reached, in order. A line that was cut by its end does not count."""
    if not log.exists():
        return []
    return [Point.from_text(line) for line in log.read_text().split("\n")[:-1]]


class Points:
    """Thread-safe. `log` is an open file; `die` is called, and may return, where the process is to end or freeze."""

    def __init__(self, log: int, dies_at: Point | None, die: Callable[[], None]) -> None:
        self._log, self._dies_at, self._die = log, dies_at, die
        self._lock = threading.Lock()
        self._met: Counter[str] = Counter()

    def reach(self, what: str) -> None:
        with self._lock:
            self._met[what] += 1
            point = Point(what, self._met[what])
            os.write(self._log, f"{point}\n".encode())
            if point == self._dies_at:
                self._die()

    def watch(self) -> None:
        """From now on every commit of this process and every call that leaves it is two points."""
        self._around(DefaultDialect, "do_commit", lambda *_asked: f"commit {_asker()}")
        self._around(DeadlineTransport, "handle_request", lambda _, call: f"call {label(call.method, call.url.path)}")
        self._around(requests.Session, "send", lambda _, call: f"call {label(call.method, path_of(call.url))}")

    def _around(self, owner: type, name: str, what_of: Callable[..., str]) -> None:
        """After a call the other side has done it, and nobody has read its answer yet."""
        inner = getattr(owner, name)

        def outer(*asked: Any, **more: Any) -> Any:
            what = what_of(*asked)
            self.reach(f"before {what}")
            answer = inner(*asked, **more)
            self.reach(f"after {what}")
            return answer

        setattr(owner, name, outer)


def path_of(url: str) -> str:
    return urlsplit(url).path


def label(method: str, path: str) -> str:
    """The route of a call, without what names a session or a payment."""
    return f"{method} /{'/'.join(part if _WORDS.match(part) else '*' for part in path.strip('/').split('/'))}"


def _asker() -> str:
    """The function that wanted the transaction."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("kiosk.") and module not in _NOT_THE_ASKER:
            return frame.f_code.co_qualname
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "unknown"


def points_from(environment: Mapping[str, str]) -> Points | None:
    """None without a file to write to. The signal goes to the whole process group, as an operator's `kill` of a service
    does: gunicorn's master is in it.
    """
    log, at = environment.get(LOG), environment.get(DIES_AT)
    if log is None:
        return None
    number = signal.Signals(int(environment.get(SIGNAL, signal.SIGKILL)))

    def die() -> None:
        os.killpg(os.getpgrp(), number)

    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return Points(file, Point.from_text(at) if at else None, die)
