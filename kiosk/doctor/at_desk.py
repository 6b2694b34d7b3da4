"""The same findings for the desk of a running kiosk: over its own store, its own clients and within its budgets.

What can be said at once is said with every page. What asks others, or looks at every row, is begun by a person, runs on
one thread of its own, and ends after a time, whoever answers late.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from kiosk.clock import Clock
from kiosk.config.settings import Settings
from kiosk.config.sites import SiteBook
from kiosk.doctor.by_asking import Headers, Protocol, everybody, in_front
from kiosk.doctor.examine import written_at
from kiosk.doctor.front import headers_at, protocol_at
from kiosk.doctor.of_settings import of_settings, of_time
from kiosk.doctor.of_store import of_database, of_every_row, of_files, of_store
from kiosk.domain.finding import Finding, about, bad, note
from kiosk.outside import Outside
from kiosk.service.checkup import Asked
from kiosk.service.selling import learns_own
from kiosk.store import Store

LONGEST = 60.0
"""Seconds of the wall clock after which nobody else is asked."""
AGAIN = 10.0
"""Seconds between two rounds of questions: they spend the drivers' budgets."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Round:
    began_at: datetime
    began: float
    findings: list[Finding]
    ended_at: datetime | None = None


class Checkup:
    """Safe to use from many threads. What was found stays in this process."""

    def __init__(
        self,
        settings: Settings,
        site: SiteBook,
        clock: Clock,
        store: Store,
        outside: Outside,
        *,
        protocol: Protocol = protocol_at,
        headers: Headers = headers_at,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._site, self._clock, self._store = settings, site, clock, store
        self._outside, self._protocol, self._headers = outside, protocol, headers
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last: _Round | None = None

    def now(self) -> list[Finding]:
        """What can be said without asking anybody, and without looking at every row."""
        now = self._clock.now()
        found = [
            *of_settings(self._settings, self._site),
            *of_files(self._settings),
            *about("Clock", of_time(now, written_at())),
        ]
        away = list(about("Store", of_database(self._settings, self._store)))
        return [*found, *away] if away else [*found, *of_store(self._settings, self._site, self._store, now)]

    def asked(self) -> Asked | None:
        """What the last round of questions has brought so far; None: none was begun here."""
        with self._lock:
            last = self._last
            return Asked(last.began_at, last.ended_at, tuple(last.findings)) if last is not None else None

    def ask(self) -> bool:
        """Begin a round of questions. False: one is under way, or was begun a moment ago."""
        with self._lock:
            last = self._last
            if last is not None and (last.ended_at is None or self._monotonic() - last.began < AGAIN):
                return False
            self._last = this = _Round(self._clock.now(), self._monotonic(), [])
        threading.Thread(target=self._run, args=(this,), name="checkup", daemon=True).start()
        return True

    def _run(self, this: _Round) -> None:
        try:
            for one in self._questions():
                with self._lock:
                    this.findings.append(one)
                if self._monotonic() - this.began > LONGEST:
                    with self._lock:
                        this.findings.append(note("That took too long, so the rest was not asked. Ask again later."))
                    break
        except Exception as error:
            log.exception("the questions of the desk were not finished")
            with self._lock:
                this.findings.append(bad(f"The questions were not finished ({type(error).__name__}): see the log."))
        finally:
            with self._lock:
                this.ended_at = self._clock.now()

    def _questions(self) -> Iterator[Finding]:
        yield from in_front(self._settings, self._protocol, self._headers)
        yield from everybody(self._outside, self._site, learns=learns_own(self._settings))
        yield from of_every_row(self._store, self._clock.now())
