"""Made-up time: what happens next happens now. One thing at a time, in an order that only the seed decides.

`Stepper` is the clock and the agenda. Work that waits for something (a call on a slow line) runs on a thread of its
own, which is handed the turn and gives it back: never do two run at once, so no order hangs on the machine.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from kiosk.clock import OnlyClock

BEGIN = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process ends here, at once. Not an `Exception`, so that nothing in the kiosk lives on after it."""


class _Worker:
    """A thread that does one task after another, and only while it has the turn."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._task: Callable[[], None] | None = None
        self._broken: BaseException | None = None
        self.ends = False
        self.owner: object = None
        threading.Thread(target=self._run, name="simulation", daemon=True).start()

    def begin(self, owner: object, task: Callable[[], None]) -> None:
        self.owner, self._task, self.ends = owner, task, False
        self.go_on()

    def go_on(self) -> None:
        """Give it the turn until it waits, or has done its task."""
        self._stepper.at_work = self
        self._go.release()
        self._back.acquire()
        self._stepper.at_work = None
        broken, self._broken = self._broken, None
        if self._task is None:
            self._stepper.put_back(self)
        if broken is not None:
            raise broken

    def pause(self) -> None:
        """Called by its own task: give the turn back. Raises Killed when the process has ended meanwhile."""
        self._back.release()
        self._go.acquire()
        if self.ends:
            raise Killed

    def leave(self) -> None:
        self._task, self.ends = None, True
        self._go.release()

    def _run(self) -> None:
        while True:
            self._go.acquire()
            if self._task is None:
                return
            try:
                self._task()
            except BaseException as broken:  # noqa: BLE001 - it is raised where the turn was given
                self._broken = broken
            self._task = None
            self._back.release()


class Stepper(OnlyClock):
    """A clock that stands still between two events, and the agenda of what is to come. Not thread-safe."""

    rate = 1.0

    def __init__(self, start: datetime = BEGIN) -> None:
        self._now = start
        self._order = itertools.count()
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._idle: list[_Worker] = []
        self._workers: list[_Worker] = []
        self.at_work: _Worker | None = None
        """The thread that has the turn; None: the stepper itself."""
        self.steps = 0

    def now(self) -> datetime:
        return self._now

    def seconds(self) -> float:
        """As `time.monotonic`."""
        return self._now.timestamp()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """On a thread of the kiosk the others go on meanwhile. The stepper itself never waits."""
        worker = self.at_work
        if worker is not None and seconds > 0 and not event.is_set():
            self.after(seconds, worker.go_on)
            worker.pause()
        return event.is_set()

    def sleep(self, seconds: float) -> None:
        self.wait(threading.Event(), seconds)

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self._now + timedelta(seconds=max(0.0, seconds)), next(self._order), do))

    def step(self) -> bool:
        """Let the next thing happen; False when nothing is to come."""
        if not self._agenda:
            return False
        self._now, _, do = heapq.heappop(self._agenda)
        self.steps += 1
        do()
        return True

    def work(self, owner: object, task: Callable[[], None]) -> None:
        """Do it now, on a thread that may wait. Returns when it waits or has ended; raises what it raised."""
        worker = self._idle.pop() if self._idle else self._new_worker()
        worker.begin(owner, task)

    def kill(self, owner: object) -> None:
        """End every task of `owner` where it waits. What was to give it the turn later finds it gone."""
        for worker in self._workers:
            if worker.owner is owner and worker is not self.at_work and worker not in self._idle:
                waking = worker.go_on
                self._agenda = [entry for entry in self._agenda if entry[2] != waking]
                heapq.heapify(self._agenda)
                worker.ends = True
                with suppress(Killed):
                    worker.go_on()

    def put_back(self, worker: _Worker) -> None:
        worker.owner = None
        self._idle.append(worker)

    def close(self) -> None:
        self._agenda.clear()
        for worker in self._workers:
            if worker in self._idle:
                worker.leave()
        self._workers, self._idle = [], []

    def _new_worker(self) -> _Worker:
        worker = _Worker(self)
        self._workers.append(worker)
        return worker


class Pool(Executor):
    """Workers of one process: at most `size` tasks at a time, begun one after the other in the order of asking."""

    def __init__(
        self,
        stepper: Stepper,
        owner: object,
        size: int,
        ended: Callable[[BaseException | None], None],
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """`before` is called on a worker before each task; `ended` after it, with what broke."""
        self._stepper, self._owner, self._size, self._ended, self._before = stepper, owner, size, ended, before
        self._waiting: deque[Callable[[], None]] = deque()
        self._busy = 0
        self._over = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._waiting.append(lambda: fn(*args, **kwargs))
        self._stepper.after(0, self._next)
        return Future()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        del wait, cancel_futures
        self._over = True
        self._waiting.clear()

    @property
    def length(self) -> int:
        """How many tasks wait for a worker."""
        return len(self._waiting)

    def _next(self) -> None:
        if self._over or self._busy >= self._size or not self._waiting:
            return
        task = self._waiting.popleft()
        self._busy += 1
        self._stepper.work(self._owner, lambda: self._do(task))

    def _do(self, task: Callable[[], None]) -> None:
        broken: BaseException | None = None
        try:
            self._before()
            task()
        except BaseException as error:  # noqa: BLE001 - the process that owns this pool hears of it
            broken = error
        self._busy -= 1
        if not self._over:
            self._stepper.after(0, self._next)
            self._ended(broken)
