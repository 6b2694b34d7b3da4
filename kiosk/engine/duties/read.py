"""Reads sessions and the cards of chargers from upstream: sessions when the schedule says so, cards when somebody
waits for one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from kiosk.engine.context import WHILE_RESTING, Context
from kiosk.engine.crew import Crew
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.reading import read_card, read_session
from kiosk.engine.schedule import plan
from kiosk.engine.unanswered import Unanswered
from kiosk.upstream.plugchoice.budget import Endpoint

_SHORTEST_WAIT = timedelta(milliseconds=200)
_MARK = "read:"


class ReadSessions(Duty):
    """The sessions that are due, as many as the budget allows; after each, what got no answer is followed up."""

    name = "read sessions"

    def __init__(self, context: Context, crew: Crew, sessions: OpenSessions, unanswered: Unanswered) -> None:
        self._context = context
        self._crew = crew
        self._sessions = sessions
        self._unanswered = unanswered
        self._last_read: datetime | None = None

    def jobs(self, now: datetime) -> Jobs:
        if self._context.health.resting(now):
            return Jobs(wait=WHILE_RESTING)
        budgets, endpoint = self._context.budgets, Endpoint.GET_SESSION
        needs = self._sessions.needs(now, self._crew.under_way(_MARK))
        free = self._crew.free(endpoint, now)
        chosen = plan(needs, free=free, per_minute=budgets.limit(endpoint), last_read=self._last_read, now=now)
        self._last_read = chosen.last_read
        jobs = []
        for key in chosen.now:
            self._sessions.note_asked(key, now)
            jobs.append(Job(_MARK + key, partial(self._read, key), endpoint, Pool.READS, self._sessions.about(key)))
        wait = chosen.again_in if free > 0 else max(budgets.wait(endpoint, now), _SHORTEST_WAIT)
        return Jobs(tuple(jobs), wait)

    def _read(self, key: str) -> None:
        session = read_session(self._context, key)
        if session is None:
            return
        self._sessions.keep(session)
        if key in self._unanswered:
            self._unanswered.follow_up(session)


class ReadCards(Duty):
    """The cards that a page waits for."""

    name = "read cards"

    def __init__(self, context: Context, crew: Crew) -> None:
        self._context = context
        self._crew = crew

    def jobs(self, now: datetime) -> Jobs:
        if self._context.health.resting(now):
            return Jobs(wait=WHILE_RESTING)
        endpoint = Endpoint.GET_CHARGER
        jobs: list[Job] = []
        for code, _ in self._context.store.wanted_cards():
            mark = f"card:{code}"
            if self._crew.busy(mark):
                continue
            if self._crew.free(endpoint, now) <= len(jobs):
                return Jobs(tuple(jobs), max(self._context.budgets.wait(endpoint, now), _SHORTEST_WAIT))
            jobs.append(Job(mark, partial(read_card, self._context, code), endpoint, Pool.READS, {"code": code}))
        return Jobs(tuple(jobs))
