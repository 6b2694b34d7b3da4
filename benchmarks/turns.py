"""Simulated time for real threads: one of them runs at a time, and time moves on only when all of them wait.

So a call that takes three seconds takes no time at all, calls under way overlap as they do in production, and the same
seed gives the same run. It holds for threads that wait by this clock alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from kiosk.clock import OnlyClock


@dataclass(eq=False)
class _Waiting:
    """One thread until its turn: at `at`, or as soon as `event` is set."""

    at: datetime
    number: int
    event: threading.Event
    turn: threading.Event = field(default_factory=threading.Event)


class Turns(OnlyClock):
    """A `kiosk.clock.Clock`. The thread that makes it has the first turn."""

    rate = 1.0

    def __init__(self, start: datetime = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._waiting: list[_Waiting] = []
        self._numbers = count()
        self.failures: list[BaseException] = []
        """What ended a thread that `begin` has made."""

    def now(self) -> datetime:
        return self._now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let others run until `event` is set or so many seconds have passed."""
        if event.is_set():
            return True
        mine = self._queue(event, seconds)
        after = self._take()
        if after is not mine:
            after.turn.set()
            mine.turn.wait()
        return event.is_set()

    def sleep(self, seconds: float) -> None:
        self.wait(threading.Event(), seconds)

    def begin(self, work: Callable[[], object], name: str = "turn") -> None:
        """Do the work on a thread of its own, which has its first turn when this thread waits."""
        mine = self._queue(threading.Event(), 0)

        def run() -> None:
            mine.turn.wait()
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - told to the thread that plays; the others must go on
                self.failures.append(error)
            if self._waiting:
                self._take().turn.set()

        threading.Thread(target=run, name=name, daemon=True).start()

    def pool(self, size: int, name: str) -> Executor:
        """Workers that take turns, in place of a `ThreadPoolExecutor`."""
        return _Workers(self, size, name)

    def _queue(self, event: threading.Event, seconds: float) -> _Waiting:
        mine = _Waiting(self._now + timedelta(seconds=max(0.0, seconds)), next(self._numbers), event)
        self._waiting.append(mine)
        return mine

    def _take(self) -> _Waiting:
        """Whose turn it is: the longest waiting of those who were rung for, else whose time comes first."""
        rung = [each for each in self._waiting if each.event.is_set()]
        after = min(rung or self._waiting, key=lambda each: (each.number if rung else 0, each.at, each.number))
        self._waiting.remove(after)
        if not rung:
            self._now = max(self._now, after.at)
        return after


class _Workers(Executor):
    """No locks: only the thread whose turn it is ever calls."""

    def __init__(self, turns: Turns, size: int, name: str) -> None:
        self._turns = turns
        self._size = size
        self._name = name
        self._busy = 0
        self._jobs: deque[Callable[[], None]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def job() -> None:
            future.set_result(fn(*args, **kwargs))

        self._jobs.append(job)
        if self._busy < self._size:
            self._busy += 1
            self._turns.begin(self._work, self._name)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            self._jobs.clear()
        while wait and self._busy:
            self._turns.sleep(0.1)

    def _work(self) -> None:
        try:
            while self._jobs:
                self._jobs.popleft()()
        finally:
            self._busy -= 1
