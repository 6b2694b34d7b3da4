"""Looks at the sites of Plugchoice and ChargePilot for the desk, and writes down what can be proposed of the crosswalk.

A person begins it. It runs on a thread of its own, so that no page waits for either of them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from kiosk.clock import Clock
from kiosk.config.sites import SiteBook
from kiosk.doctor.by_listing import listed
from kiosk.domain.crosswalk import Verdict
from kiosk.outside import Outside
from kiosk.service.crosswalk import Looked, joined
from kiosk.store import Store

AGAIN = 10.0
"""Seconds between two looks: they spend the token's requests, which the boards of drivers need as well."""

log = logging.getLogger(__name__)


class Lookout:
    """Safe to use from many threads. What was proposed is in the store; what could not be read stays in this process.

    `configured` is the book of kiosk.toml alone.
    """

    def __init__(
        self,
        configured: SiteBook,
        clock: Clock,
        store: Store,
        outside: Outside,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured, self._clock, self._store, self._outside = configured, clock, store, outside
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last: Looked | None = None
        self._began = 0.0

    def last(self) -> Looked | None:
        with self._lock:
            return self._last

    def begin(self) -> bool:
        with self._lock:
            last = self._last
            if last is not None and (last.ended_at is None or self._monotonic() - self._began < AGAIN):
                return False
            self._last, self._began = Looked(self._clock.now()), self._monotonic()
            began_at = self._last.began_at
        threading.Thread(target=self._run, args=(began_at,), name="lookout", daemon=True).start()
        return True

    def _run(self, began_at: datetime) -> None:
        looked = Looked(began_at)
        try:
            looked = self._look(looked)
        except Exception as error:
            log.exception("the sites of both systems were not looked at to the end")
            why = f"It was not finished ({type(error).__name__}): see the log."
            looked = replace(looked, troubles=(*looked.troubles, why))
        finally:
            with self._lock:
                self._last = replace(looked, ended_at=self._clock.now())

    def _look(self, looked: Looked) -> Looked:
        """What answers nothing takes no proposal away that was made when it did."""
        store = self._store
        codes = {one.uuid: one.code for one in store.own_chargers() if one.code is not None}
        found = listed(self._outside, codes)
        looked = replace(looked, troubles=found.troubles)
        if found.plugchoice is None and found.pilot is None:
            return looked
        entries = store.crosswalk.entries()
        rejected = {one.joint for one in entries if one.verdict is Verdict.REJECTED}
        walk = found.crosswalk(joined(self._configured, entries).book, rejected)
        store.crosswalk.propose(walk.proposals, self._clock.now())
        return replace(looked, unsure=walk.unsure)
