"""Those who do the engine's jobs: pools of workers, one job a mark, grants kept for calls under way."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from threading import Event, Lock

from kiosk.engine.duty import Job, Pool
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint

SITE_WORKERS = 14
"""One for each of the five kinds of reads of a site, one each for the operator's own chargers, for meter stands and for
the transactions of a day, two for the public cards of boards, and four for the progress of charges."""

NOTICE_WORKERS = 4
"""One message to each receiver at a time; so many of them may hang before another one waits."""

OnEnd = Callable[[Job, Exception | None], None]
"""Told of the end of every job, with what went wrong."""
MakePool = Callable[[int, str], Executor]
"""Makes so many workers, with that name."""


def threads(size: int, name: str) -> Executor:
    """Workers that are threads of this process."""
    return ThreadPoolExecutor(size, thread_name_prefix=name)


class Crew:
    """Thread-safe. `inline=True` does the jobs on the thread that begins them, for simulations; `pool` makes the
    workers otherwise.

    `on_end` is called after every job: there may be something new to decide. After `finish`, `over` is set. What spends
    no grant, which is checked in the store, is left out when `may_act` says no: by a process that was frozen.
    """

    def __init__(
        self,
        budgets: Budgets,
        on_end: Callable[[], None],
        *,
        inline: bool = False,
        workers: int = 8,
        pool: MakePool = threads,
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._may_act = may_act
        self._budgets = budgets
        self._on_end = on_end
        self.over = Event()
        self._lock = Lock()
        self._finishing = False
        self._marks: set[str] = set()
        self._in_flight: Counter[Endpoint] = Counter()
        sizes = {Pool.COMMANDS: workers, Pool.READS: workers, Pool.PROOFS: 1, Pool.MAILS: 1, Pool.BACKUPS: 1}
        sizes[Pool.TABLES] = 1
        sizes[Pool.SITES], sizes[Pool.NOTICES] = SITE_WORKERS, NOTICE_WORKERS
        self._pools = {each: pool(size, each.name.lower()) for each, size in sizes.items() if not inline}

    def begin(self, job: Job, told: OnEnd) -> bool:
        """Do the job, or have it done. False while another one with its mark is under way, and after `finish`."""
        with self._lock:
            if self._finishing or job.mark in self._marks:
                return False
            pool = self._pools.get(job.pool)
            if pool is not None:
                pool.submit(self._do, job, told)
            self._marks.add(job.mark)
            if job.endpoint is not None:
                self._in_flight[job.endpoint] += 1
        if pool is None:
            self._do(job, told)
        return True

    def busy(self, mark: str) -> bool:
        with self._lock:
            return mark in self._marks

    def under_way(self, prefix: str) -> set[str]:
        """What follows the prefix in the marks of the jobs that are under way."""
        with self._lock:
            return {mark.removeprefix(prefix) for mark in self._marks if mark.startswith(prefix)}

    def free(self, endpoint: Endpoint, now: datetime) -> int:
        """Grants that are left even when every job under way that has not sent yet should still take one."""
        with self._lock:
            in_flight = self._in_flight[endpoint]
        sent = self._budgets.under_way(endpoint)
        return self._budgets.free(endpoint, now) - max(0, in_flight - sent)

    def lanes(self, prefix: str, most: int) -> int:
        """How many more jobs with that prefix may be begun, `most` at a time. Inline there is never one under way."""
        return most - len(self.under_way(prefix)) if self._pools else sys.maxsize

    def finish(self) -> None:
        """Begin nothing more, and let commands, reads, proofs and mails that are under way come to their end."""
        with self._lock:
            self._finishing = True
        for pool in (Pool.COMMANDS, Pool.READS, Pool.PROOFS, Pool.MAILS):
            if pool in self._pools:
                self._pools[pool].shutdown(wait=True, cancel_futures=True)
        self.over.set()

    def leave(self) -> None:
        """Nobody waits for the reads of a board, for messages or tables: those are taken up by whoever leads next."""
        for pool in (Pool.SITES, Pool.NOTICES, Pool.TABLES):
            if pool in self._pools:
                self._pools[pool].shutdown(wait=False, cancel_futures=True)

    def _do(self, job: Job, told: OnEnd) -> None:
        error: Exception | None = None
        try:
            if job.endpoint is not None or self._may_act():
                job.run()
        except Exception as failure:  # noqa: BLE001 - it is told, and must not end the worker
            error = failure
        finally:
            with self._lock:
                self._marks.discard(job.mark)
                if job.endpoint is not None:
                    self._in_flight[job.endpoint] -= 1
            if error is None or not self.over.is_set():
                told(job, error)
            self._on_end()
