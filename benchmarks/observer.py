"""A thread in the worker under test that makes news at an even rate, and the two addresses that command it.

`/benchmark/observe` begins, `/benchmark/stamps` tells what was done; both answer before the app is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks import controls
from benchmarks.controls import Query

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_SECONDS, MOST_RATE = 120, 200

Stamp = tuple[str, int, float, float]
"""Session, its new version, and CLOCK_MONOTONIC before it was observed and before the pages were told."""


class Observer:
    """`observe_next(number)` observes one session and tells its pages."""

    def __init__(self, observe_next: Callable[[int], Stamp]) -> None:
        self._observe_next = observe_next
        self._thread: threading.Thread | None = None
        self.stamps: list[Stamp] = []

    def begin(self, seconds: int, rate: int) -> None:
        self._thread = threading.Thread(target=self._run, args=(seconds * rate, rate), daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def _run(self, count: int, rate: int) -> None:
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            self.stamps.append(self._observe_next(number))


def controlled(app: WSGIApplication, observer: Observer) -> WSGIApplication:
    """`app` behind the two addresses of the benchmark."""

    def observe(query: Query) -> object:
        observer.begin(min(int(query["seconds"][0]), MOST_SECONDS), min(int(query["rate"][0]), MOST_RATE))
        return {}

    def stamps(query: Query) -> object:
        del query
        return {"done": observer.done, "stamps": observer.stamps}

    return controls.controlled(app, {"/benchmark/observe": observe, "/benchmark/stamps": stamps})
