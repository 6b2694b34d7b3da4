"""Who leads: of all engines over one store only the holder of the lease acts."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from kiosk.engine.context import Context
from kiosk.upstream.plugchoice.budget import Endpoint

log = logging.getLogger(__name__)

LEASE = "engine"
LEASE_TTL = 10.0
"""Seconds of the wall clock. A leader renews it after a third of that."""
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
        self.ttl = timedelta(seconds=LEASE_TTL * context.clock.rate)

    @property
    def leading(self) -> bool:
        return self._leading

    def hold(self, now: datetime, begin: Callable[[], None]) -> bool:
        """Take or renew the lease. `begin` is called when this engine begins to lead.

        What fails while it takes over is tried again in the next round: it does not lead before.
        """
        with self._lock:
            if self._over:
                return False
            if self._leading and self._renewed is not None and now - self._renewed < self.ttl / 3:
                return True
            leads = self._context.store.take_lease(LEASE, self._holder, now, self.ttl)
            if leads and not self._leading:
                self._take_over(now)
                begin()
            elif self._leading and not leads:
                log.warning("another engine leads now")
            self._leading, self._renewed = leads, now
            return leads

    def give_back(self) -> None:
        """Lead no more: a round that is still under way does not take the lease again."""
        with self._lock:
            self._leading, self._over = False, True
            self._context.store.release_lease(LEASE, self._holder)

    def _take_over(self, now: datetime) -> None:
        """No stored time lies ahead, and the calls of the last minutes count, so that a restart cannot overspend."""
        store = self._context.store
        store.pull_back(now)
        calls = store.calls_since(now - CALLS_COUNT_FOR)
        known = {endpoint.value for endpoint in Endpoint}
        self._context.budgets.restore(
            ((Endpoint(name), at) for name, at in calls if name in known),
            now,
            ((Endpoint(door), until) for door, until in store.closures(now).items() if door in known),
        )
