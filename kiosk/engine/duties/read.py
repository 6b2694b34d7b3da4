"""Reads sessions and the cards of chargers from upstream: sessions when the schedule says so, cards when somebody
waits for one.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.asking import STRANGE_A_MINUTE, CardWish, Lane, in_turn
from kiosk.engine.context import WHILE_RESTING, Context
from kiosk.engine.crew import Crew
from kiosk.engine.duty import NOTHING_SOON, Duty, Job, Jobs, Pool
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.reading import read_card, read_session
from kiosk.engine.schedule import plan, watched_every
from kiosk.engine.unanswered import Unanswered
from kiosk.news.news import charger_topic
from kiosk.store.errors import CannotWrite
from kiosk.upstream.plugchoice.budget import Endpoint

_SHORTEST_WAIT = timedelta(milliseconds=200)
_MINUTE = timedelta(minutes=1)
TELL_EVERY = timedelta(seconds=20)
_A_PAGE_WAITS = timedelta(seconds=3)
_MARK = "read:"


class ReadSessions(Duty):
    """The sessions that are due, as many as the budget allows; after each, what got no answer is followed up."""

    name = "read sessions"
    vital = True

    def __init__(self, context: Context, crew: Crew, sessions: OpenSessions, unanswered: Unanswered) -> None:
        self._context = context
        self._crew = crew
        self._sessions = sessions
        self._unanswered = unanswered
        self._last_read: datetime | None = None
        self._last_ended: datetime | None = None
        self._told: tuple[timedelta, datetime] | None = None

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - whatever the time
        self._told = None

    def jobs(self, now: datetime) -> Jobs:
        if self._context.health.resting(now):
            return Jobs(wait=WHILE_RESTING)
        budgets, endpoint = self._context.budgets, Endpoint.GET_SESSION
        needs = self._sessions.needs(now, self._crew.under_way(_MARK))
        free = self._crew.free(endpoint, now)
        chosen = plan(
            needs,
            free=free,
            per_minute=budgets.limit(endpoint),
            last_read=self._last_read,
            last_ended=self._last_ended,
            now=now,
        )
        self._last_read, self._last_ended = chosen.last_read, chosen.last_ended
        self._tell(watched_every(chosen.stretch), now)
        jobs = []
        for key in chosen.now:
            self._sessions.note_asked(key, now)
            jobs.append(Job(_MARK + key, partial(self._read, key), endpoint, Pool.READS, self._sessions.about(key)))
        wait = chosen.again_in if free > 0 else max(budgets.wait(endpoint, now), _SHORTEST_WAIT)
        return Jobs(tuple(jobs), wait)

    def _tell(self, every: timedelta, now: datetime) -> None:
        """Pages say how often they are renewed here; told when it has clearly changed, and not all the time."""
        if self._told is not None:
            before, at = self._told
            if now - at < TELL_EVERY or abs(every - before) <= before * 0.25:
                return
        self._told = every, now
        with suppress(CannotWrite):  # pages keep what they have
            self._context.store.tell_rhythm(every)

    def _read(self, key: str) -> None:
        session = read_session(self._context, key)
        if session is None:
            return
        self._sessions.keep(session)
        if key in self._unanswered:
            self._unanswered.follow_up(session)


class ReadCards(Duty):
    """The cards that a page waits for. What cannot be asked about soon is put off, so that nobody waits in vain."""

    name = "read cards"

    def __init__(self, context: Context, crew: Crew) -> None:
        self._context = context
        self._crew = crew
        self._strange: deque[datetime] = deque()

    def jobs(self, now: datetime) -> Jobs:
        context = self._context
        wishes = in_turn(context.store.wanted_cards(), now)
        if not wishes:
            return Jobs()
        if context.health.resting(now):
            self._put_off(wishes)
            return Jobs(wait=WHILE_RESTING)
        endpoint = Endpoint.GET_CHARGER
        limit, free = context.budgets.limit(endpoint), self._crew.free(endpoint, now)
        while self._strange and self._strange[0] <= now - _MINUTE:
            self._strange.popleft()
        jobs: list[Job] = []
        left: list[CardWish] = []
        for wish in wishes:
            mark = f"card:{wish.code}"
            if self._crew.busy(mark):
                continue
            if not self._room(wish.lane, free - len(jobs), limit):
                left.append(wish)
                continue
            if wish.lane is Lane.STRANGER:
                self._strange.append(now)
            run = partial(read_card, context, wish.code)
            jobs.append(Job(mark, run, endpoint, Pool.READS, {"code": wish.code}))
        wait = max(context.budgets.wait(endpoint, now), _SHORTEST_WAIT)
        self._put_off([wish for wish in left if wait > _A_PAGE_WAITS or wish.lane is not Lane.DRIVER])
        return Jobs(tuple(jobs), wait if left else NOTHING_SOON)

    def _room(self, lane: Lane, free: int, limit: int) -> bool:
        """A third of the reads is kept for those who stand at a charger that we know."""
        match lane:
            case Lane.DRIVER:
                return free > 0
            case Lane.NEIGHBOUR:
                return free > -(-limit // 3)
            case _:
                return free > -(-limit // 3) and len(self._strange) < STRANGE_A_MINUTE

    def _put_off(self, wishes: list[CardWish]) -> None:
        codes = [wish.code for wish in wishes if not wish.put_off]
        if codes:
            self._context.store.put_off_cards(codes)
            self._context.news.publish(*(charger_topic(code) for code in codes))
