"""Who leads: of all engines over one store only the holder of the lease acts."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from kiosk.engine.context import Context
from kiosk.store.aside import UNREADABLE
from kiosk.store.errors import CannotWrite, Deposed, Trouble
from kiosk.store.records import Lease
from kiosk.upstream.plugchoice.budget import Endpoint

log = logging.getLogger(__name__)

LEASE = "engine"
LEASE_TTL = 10.0
"""Seconds of the wall clock. A leader renews it after a third of that."""
_REPEATED = frozenset({Endpoint.GET_SESSION, Endpoint.CONFIRM, Endpoint.STOP, Endpoint.CANCEL})
"""May leave without being written down: once more does no harm."""
CALLS_COUNT_FOR = timedelta(minutes=2)
"""Longer than any budget's window."""


class Lead:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._holder = secrets.token_hex(8)
        self._lock = Lock()
        self._leading = False
        self._over = False
        self._renewed: datetime | None = None
        self._lease: Lease | None = None
        self._in_need = False
        self._doubts = 0
        self.ttl = timedelta(seconds=LEASE_TTL * context.clock.rate)

    @property
    def leading(self) -> bool:
        return self._leading

    @property
    def holder(self) -> str:
        """Under this name it takes the lease."""
        return self._holder

    @property
    def lease(self) -> Lease | None:
        """The one that was taken last, held or lost: what leaves is checked against it, in the store."""
        return self._lease

    def hold(self, now: datetime, begin: Callable[[], None]) -> bool:
        """Take or renew the lease. `begin` is called when this engine begins to lead: also when it led before and
        cannot know whether another one did in between, because it was frozen for longer than the lease lives.

        What fails while it takes over is tried again in the next round: it does not lead before.
        """
        with self._lock:
            if self._over:
                return False
            store = self._context.store
            doubts, needed = store.doubts, self._in_need
            if self._leading and self._renewed is not None and now - self._renewed < self.ttl / 3:
                return True
            led, self._leading = self._leading, False
            lease, renewed = self._take(now, led=led)
            if lease is None:
                store.alone.let_go()
                if led:
                    log.warning("another engine leads now")
                return False
            if renewed:
                store.alone.let_go()
            # What was being written when the database went away may be there or not: all of it is read anew.
            if not led or not lease.unbroken or doubts != self._doubts:
                self._doubts = doubts
                self._lease = lease
                self._take_over(now)
                if not led and (needed or not renewed) and not store.alone.remembers:
                    # Somebody may have led without being able to write down what it called.
                    self._context.budgets.assume_spent(now)
                begin()
            self._leading, self._renewed = True, now if renewed else None
            return True

    def _take(self, now: datetime, *, led: bool) -> tuple[Lease | None, bool]:
        """The lease, and whether it was written.

        A store that cannot write renews none, and gives none to anybody else either. Whoever leads goes on then, and
        whoever finds nobody leading begins: charges are ended and limits kept by what can be read. One process of a
        machine can do that at a time (`kiosk.store.alone`), and only until another one could write its own lease.
        What may happen only once is written first, under the number of a lease, so that none of it is sent by this.
        """
        store = self._context.store
        try:
            lease = store.take_lease(LEASE, self._holder, now, self.ttl)
        except CannotWrite as error:
            if error.trouble is Trouble.AWAY:
                return None, False  # for us alone, perhaps: another one may lead by now
            if not self._in_need:
                self._in_need = True
                said = {"trouble": error.trouble.value}
                log.error("the store cannot write; charges are still ended, and nothing is begun", extra=said)
            known = self._lease if led and self._lease is not None else Lease(LEASE, self._holder, 0, unbroken=False)
            lease = replace(known, unbroken=led) if store.holds_lease(known, now) else None
            return lease, False
        if self._in_need:
            self._in_need = False
            log.info("the store can write again")
        return lease, True

    def give_back(self) -> None:
        """Lead no more: a round that is still under way does not take the lease again."""
        with self._lock:
            self._leading, self._over = False, True
            self._context.store.release_lease(LEASE, self._holder)

    def still_leads(self) -> bool:
        """Nobody else can have taken the lease since it was renewed. False in a process that was frozen meanwhile."""
        renewed, now = self._renewed, self._context.clock.now()
        if not self._leading or self._lease is None:
            return False
        if renewed is not None:
            return now - renewed < self.ttl
        try:
            return self._context.store.holds_lease(self._lease, now)
        except Exception:  # noqa: BLE001 - who cannot even read does not know it
            return False

    def note_call(self, endpoint: Endpoint, at: datetime) -> None:
        """Write a call down before it leaves, for whoever leads next. Raises Deposed when somebody else leads now, and
        CannotWrite for what may not leave without.

        What may leave all the same is noted beside the database, and only by who goes on alone.
        """
        store = self._context.store
        try:
            store.note_call(endpoint.value, at, self._lease)
        except CannotWrite as error:
            # Only whoever leads next would miss it. Without a reading no limit would be kept. A server that is away is
            # away for us alone, perhaps, and another one may lead by now.
            if endpoint not in _REPEATED or error.trouble is Trouble.AWAY:
                raise
            if self._lease is not None and not store.holds_lease(self._lease, self._context.clock.now()):
                raise Deposed("another one leads now") from error
            store.alone.note(endpoint.value, at)

    def _take_over(self, now: datetime) -> None:
        """No stored time lies ahead, and the calls of the last minutes count, so that a restart cannot overspend."""
        store = self._context.store
        try:
            store.pull_back(now)
        except CannotWrite as error:
            log.warning("stored times could not be put right", extra={"trouble": error.trouble.value})
        except UNREADABLE:
            # A row that makes no sense must not keep everybody from being served; times ahead are rare.
            log.exception("stored times could not be put right")
        calls = store.calls_since(now - CALLS_COUNT_FOR)
        known = {endpoint.value for endpoint in Endpoint}
        self._context.budgets.restore(
            ((Endpoint(name), min(at, now)) for name, at in calls if name in known),
            now,
            ((Endpoint(door), until) for door, until in store.closures(now).items() if door in known),
        )
