"""One process of the kiosk, as it would run on a machine: it can be killed at every commit and every send, be frozen,
find its database locked or its disk full, and begin again with nothing but the store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Any

import httpx

from kiosk.clock import SystemClock
from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.engine.context import Context, Proofs
from kiosk.engine.engine import ROUND_AT_MOST, Engine
from kiosk.news.local import LocalNews
from kiosk.outside import remembered_budgets
from kiosk.service.deadlines import policy_of
from kiosk.service.parts import Parts
from kiosk.service.power_kept import Powers
from kiosk.simulation.stepper import Killed, Pool, Stepper
from kiosk.store.cipher import Cipher
from kiosk.store.database import Database
from kiosk.store.errors import CannotWrite, Trouble, Unavailable
from kiosk.store.store import Store
from kiosk.upstream.plugchoice.public import PlugchoicePublic

log = logging.getLogger(__name__)

MOMENT = 0.1
"""Seconds from a wish, or from the end of a job, to the engine's next round."""
LEAST_PAUSE = 0.5
"""Seconds between two rounds that nobody has asked for: a busy machine goes round no more often."""
BASE = "http://upstream/api/v3"


class Point(StrEnum):
    """Where a process can be killed."""

    BEFORE_WRITE = "before a write"
    BEFORE_COMMIT = "before a commit"
    AFTER_COMMIT = "after a commit"
    BEFORE_SEND = "before a call"
    AFTER_SEND = "after a call"


class Life:
    """Whether a process lives, and what its machine suffers."""

    def __init__(self) -> None:
        self.dead = False
        self.dies_in: int | None = None
        """It dies at the so-many-th point from now on."""
        self.died_at: Point | None = None
        self.trouble: Trouble | None = None
        """Why its database takes nothing just now. AWAY: nor does it give anything."""
        self.watched = False
        """It is the witness who looks into its database now, and no trouble keeps that one out."""
        self.cut_off: str | None = None
        """Why it reaches nobody outside: what its machine says when it tries to."""

    @property
    def away(self) -> bool:
        return self.trouble is Trouble.AWAY and not self.watched

    def pass_point(self, point: Point) -> None:
        """Raises Killed where the process ends, and on everything that it would still do afterwards."""
        if not self.dead and self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in <= 0:
                self.dead, self.died_at = True, point
        if self.dead:
            raise Killed


class SimulatedClock(SystemClock):
    """The real clock of one process, on a machine whose clock is `ahead` of the true time, and may be set."""

    def __init__(self, stepper: Stepper, ahead: timedelta) -> None:
        self._stepper = stepper
        self.ahead = ahead
        super().__init__(wall=lambda: stepper.now() + self.ahead, monotonic=stepper.seconds)

    def wait(self, event: Event, seconds: float) -> bool:
        return self._stepper.wait(event, seconds)


class MortalDatabase(Database):
    """The real database of a process that may be killed before and after every commit."""

    life: Life

    def state(self) -> int | None:
        if self.life.dead:
            raise Killed
        return None if self.life.away else super().state()

    @contextmanager
    def read(self) -> Iterator[Any]:
        if self.life.dead:
            raise Killed
        if self.life.away:
            raise Unavailable(Trouble.AWAY)
        with super().read() as connection:
            yield connection

    @contextmanager
    def _transaction(self, turn: float, patience: float) -> Iterator[Any]:
        self.life.pass_point(Point.BEFORE_WRITE)
        if self.life.trouble in {Trouble.LOCKED, Trouble.AWAY}:
            raise CannotWrite(self.life.trouble)
        with super()._transaction(turn, patience) as connection:
            yield connection
            self.life.pass_point(Point.BEFORE_COMMIT)
            if self.life.trouble is not None:  # a full disk refuses a transaction at its end
                raise CannotWrite(self.life.trouble)
        self.life.pass_point(Point.AFTER_COMMIT)


class MortalStore(Store):
    def __init__(self, url: str, cipher: Cipher, life: Life) -> None:
        super().__init__(url, cipher)
        self._database.close()
        self._database = MortalDatabase(url)
        self._database.life = life


class Process:
    """`wire` makes the transport of its calls; `died` is told when it was killed, on whichever step that was."""

    def __init__(
        self,
        stepper: Stepper,
        settings: Settings,
        book: SiteBook,
        file: Path,
        wire: Callable[[Process], httpx.BaseTransport],
        *,
        ahead: timedelta = timedelta(0),
        alone: bool = True,
        proofs: Callable[[SimulatedClock], Proofs | None] = lambda _clock: None,
        died: Callable[[Process], None],
        job_begins: Callable[[Process], None] = lambda _process: None,
    ) -> None:
        self._job_begins = job_begins
        self.stepper, self.life = stepper, Life()
        self.frozen_until: datetime | None = None
        self._alone, self._died = alone, died
        self._due: datetime | None = None
        self._ticket = 0
        self._wire = wire(self)
        self.clock = SimulatedClock(stepper, ahead)
        self.store = MortalStore(f"sqlite:///{file}", Cipher(settings.secret_keys), self.life)
        self.news = LocalNews()
        self.budgets = remembered_budgets(self.store.note_call, self.store.note_closure)
        self.public = PlugchoicePublic(BASE, clock=self.clock, budgets=self.budgets, transport=self._wire)
        powers = Powers(self.store, self.news, self.clock, monotonic=stepper.seconds)
        context = Context(
            clock=self.clock,
            store=self.store,
            news=self.news,
            public=self.public,
            budgets=self.budgets,
            seller=lambda session: book.seller(session.code, session.connector_id),
            policy=policy_of(settings),
            proofs=proofs(self.clock),
        )
        self._pools: list[Pool] = []
        self.engine = Engine(context, pool=self._pool)
        self.news.on_wish(lambda: self._go_round_in(MOMENT))
        self.parts = Parts(settings, book, self.clock, self.store, self.news, self.engine, powers, patience=0)
        self._go_round_in(0.0)

    @property
    def alive(self) -> bool:
        return not self.life.dead

    @property
    def frozen(self) -> bool:
        return self.frozen_until is not None and self.stepper.now() < self.frozen_until

    @property
    def waiting_jobs(self) -> int:
        return sum(pool.length for pool in self._pools)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within, its database is read by the witness, whatever keeps the process itself from it."""
        self.life.watched = True
        try:
            yield
        finally:
            self.life.watched = False

    def freeze(self, seconds: float) -> None:
        """It does nothing at all for so long; what comes in on its connections waits."""
        self.frozen_until = self.stepper.now() + timedelta(seconds=seconds)

    def thaw(self) -> None:
        """Called on a thread of the process, when it would go on: it waits until the process is no longer frozen."""
        while self.frozen and self.frozen_until is not None:
            self.stepper.sleep((self.frozen_until - self.stepper.now()).total_seconds())

    def kill(self) -> None:
        """As kill -9: whatever it is doing ends where it is."""
        self.life.dead = True
        for pool in self._pools:
            pool.shutdown()
        self.stepper.kill(self)
        self.store.close()
        self.public.close()

    def _pool(self, size: int, name: str) -> Pool:
        del name
        pool = Pool(self.stepper, self, size, self._job_ended, self._before_a_job)
        self._pools.append(pool)
        return pool

    def _before_a_job(self) -> None:
        """Between the decision and the claim of a command a process can be frozen, too."""
        self._job_begins(self)
        self.thaw()

    def _job_ended(self, broken: BaseException | None) -> None:
        if broken is None:
            self._go_round_in(MOMENT)
        elif isinstance(broken, Killed):
            self.stepper.after(0, lambda: self._died(self))
        else:
            raise broken

    def _go_round_in(self, seconds: float) -> None:
        at = self.stepper.now() + timedelta(seconds=seconds)
        if self._due is not None and self._due <= at:
            return
        self._due = at
        self._ticket += 1
        ticket = self._ticket
        self.stepper.after(seconds, lambda: self._go_round(ticket))

    def _go_round(self, ticket: int) -> None:
        if self.life.dead or ticket != self._ticket:
            return
        self._due = None
        if self.frozen and self.frozen_until is not None:
            self._go_round_in((self.frozen_until - self.stepper.now()).total_seconds())
            return
        try:
            wait = self.engine.round()
        except Killed:
            self._died(self)
            return
        except Exception:
            log.exception("a round failed")
            wait = 1.0
        self._go_round_in(max(LEAST_PAUSE, wait if self._alone and self.engine.leading else min(wait, ROUND_AT_MOST)))
