"""A duty at its place in the round, and what is remembered of it: when it ran, when it runs next, what failed last."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TypedDict

from kiosk.engine.context import Spans
from kiosk.engine.crew import Crew
from kiosk.engine.duty import EVERY_ROUND, NOTHING_SOON, Duty, Job
from kiosk.store.errors import of_the_store
from kiosk.upstream.errors import Unrecorded

log = logging.getLogger(__name__)

JOB_AGAIN_AT_MOST = timedelta(minutes=1)
"""A job that fails again and again is put aside for 1, 2, 4 ... seconds, and never for longer than this."""
AFTER_FAILURE = timedelta(seconds=1)
LONGEST_AFTER_FAILURE = timedelta(minutes=1)
"""A duty that failed is run again after its beat, but not later than this."""
STORE_AGAIN = timedelta(seconds=2)
"""A job that only waits for the store is tried again so soon: with the store it works again."""
LATE_AFTER = timedelta(seconds=30)
"""Of the wall clock: a turn that is due and has not come for so long hangs, and so does whatever comes after it."""
_MOST_FAILING = 1000


class DutyState(TypedDict):
    """A duty's state as plain JSON: times as ISO 8601 UTC, the error as the name of its class.

    `aside` is how many of its jobs failed when they were tried last, and wait for another try.
    """

    name: str
    beat_seconds: float
    last_run: str | None
    next_run: str | None
    last_error: str | None
    last_error_at: str | None
    aside: int


class Post:
    """One duty at its place in the round. Whatever fails in it is logged once, again when it works, and stays in it."""

    def __init__(self, duty: Duty, now: Callable[[], datetime], rate: float = 1.0, spans: Spans | None = None) -> None:
        """`rate`: seconds of the clock in one of the wall clock."""
        self._duty = duty
        self._spans = spans
        self._rate = rate
        self._now = now
        self._lock = Lock()
        self._ready = False
        self._last_run: datetime | None = None
        self._next_run: datetime | None = None
        self._last_error: tuple[str, datetime] | None = None
        self._failing = False
        self._failing_jobs: dict[str, tuple[int, datetime]] = {}

    def lead(self) -> None:
        """This process begins to lead: the duty takes over before it runs again."""
        self._ready, self._next_run = False, None
        with self._lock:
            self._failing_jobs.clear()

    def turn(self, now: datetime, crew: Crew) -> timedelta:
        """Run the duty when its beat is over. Returns how long until it may have something to do."""
        if self._duty.beat > EVERY_ROUND and self._next_run is not None and now < self._next_run:
            return self._next_run - now
        try:
            if not self._ready:
                self._duty.take_over(now)
                self._ready = True
            jobs = self._duty.jobs(now)
            later = NOTHING_SOON
            for job in jobs.now:
                wait = self._put_aside_for(job.mark, now)
                if wait > EVERY_ROUND:
                    later = min(later, wait)
                else:
                    crew.begin(self._traced(job), self._ended)
        except Exception as error:  # noqa: BLE001 - one duty's failure must not keep the others from running
            self._decision_failed(error)
            wait = min(max(self._duty.beat, AFTER_FAILURE), LONGEST_AFTER_FAILURE)
        else:
            self._decided()
            wait = self._duty.beat or min(jobs.wait, later)
        self._last_run, self._next_run = now, now + wait
        return wait

    def _traced(self, job: Job) -> Job:
        """The job, as a span in which its calls lie."""
        if self._spans is None:
            return job
        spans, said = self._spans, {"duty": self._duty.name, **job.about}

        def run() -> None:
            with spans.span(f"engine: {self._duty.name}", **said):
                job.run()

        return replace(job, run=run)

    def state(self) -> DutyState:
        with self._lock:
            error, at = self._last_error or (None, None)
        return DutyState(
            name=self._duty.name,
            beat_seconds=self._duty.beat.total_seconds(),
            last_run=_iso(self._last_run),
            next_run=_iso(self._next_run),
            last_error=error,
            last_error_at=_iso(at),
            aside=self.aside,
        )

    def late(self, now: datetime) -> bool:
        """Its turn was due some time ago. Only who leads goes round: where nobody does, this says nothing."""
        return self._next_run is not None and now - self._next_run > LATE_AFTER * self._rate

    @property
    def well(self) -> bool:
        """It could decide when it was asked last."""
        with self._lock:
            return not self._failing

    @property
    def name(self) -> str:
        return self._duty.name

    @property
    def ran_at(self) -> datetime | None:
        return self._last_run

    @property
    def failing(self) -> bool:
        return not self.well

    @property
    def aside(self) -> int:
        """How many of its jobs failed when they were tried last, and wait for another try."""
        with self._lock:
            return len(self._failing_jobs)

    @property
    def vital(self) -> bool:
        return self._duty.vital

    def _put_aside_for(self, mark: str, now: datetime) -> timedelta:
        with self._lock:
            _, until = self._failing_jobs.get(mark, (0, now))
        return until - now

    def _decision_failed(self, error: Exception) -> None:
        with self._lock:
            first, self._failing = not self._failing, True
            self._last_error = type(error).__name__, self._now()
        if first:
            said = {"duty": self._duty.name}
            log.error("a duty of the engine failed; the others go on", exc_info=error, extra=said)

    def _decided(self) -> None:
        with self._lock:
            again, self._failing = self._failing, False
        if again:
            log.info("a duty of the engine works again", extra={"duty": self._duty.name})

    def _ended(self, job: Job, error: Exception | None) -> None:
        """A job has ended, on the thread that did it."""
        said = {**job.about, "duty": self._duty.name}
        with self._lock:
            known = job.mark in self._failing_jobs
            if error is None:
                self._failing_jobs.pop(job.mark, None)
            else:
                if len(self._failing_jobs) >= _MOST_FAILING:
                    self._failing_jobs.clear()
                now, (times, _) = self._now(), self._failing_jobs.get(job.mark, (0, None))
                longest = STORE_AGAIN if _of_the_store(error) else JOB_AGAIN_AT_MOST
                wait = min(timedelta(seconds=2 ** min(times, 10)), longest)
                self._failing_jobs[job.mark] = times + 1, now + wait
                self._last_error = type(error).__name__, now
        if error is not None and not known:
            log.error("a job of the engine failed; it is tried again when it is due", exc_info=error, extra=said)
        elif error is None and known:
            log.info("a job of the engine works again", extra=said)


def _of_the_store(error: Exception) -> bool:
    return isinstance(error, Unrecorded) or of_the_store(error)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
