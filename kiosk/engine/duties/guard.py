"""What the kiosk does by itself: deadlines of a start, the driver's limit, the hold as a ceiling. And what it pursues:
the end that somebody wants, until it is seen, and the payment that may have been made.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from kiosk.domain.commands import PURSUED, AskedBy
from kiosk.domain.limits import Step, guard
from kiosk.domain.pursuit import Due, may_be_pursued, next_end, next_look
from kiosk.domain.session import Session
from kiosk.engine.context import Context, about
from kiosk.engine.duty import NOTHING_SOON, Duty, Jobs
from kiosk.engine.open_sessions import OpenSessions
from kiosk.news.news import session_topic

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(seconds=1)
"""A command is under way: when it has ended, the next one may be due."""


class Guard(Duty):
    """Asks for the command that a session needs now. The next round sends it."""

    name = "guard"

    def __init__(self, context: Context, sessions: OpenSessions) -> None:
        self._context = context
        self._sessions = sessions
        self._nothing_until: dict[str, tuple[object, datetime]] = {}

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - whatever the time
        self._nothing_until = {}

    def jobs(self, now: datetime) -> Jobs:
        """One session that cannot be judged keeps no other one unguarded; what went wrong is raised afterwards."""
        sessions = self._sessions.all()
        keys = {session.key for session in sessions}
        self._nothing_until = {key: known for key, known in self._nothing_until.items() if key in keys}
        again, problem = NOTHING_SOON, None
        for session in sessions:
            try:
                again = min(again, self._guard(session, now))
            except Exception as error:  # noqa: BLE001 - raised below, when everybody has been guarded
                problem = error
        if problem is not None:
            raise problem
        return Jobs(wait=again)

    def _guard(self, session: Session, now: datetime) -> timedelta:
        """Ask for what is due, and say after how long something may be due again."""
        target = timedelta(seconds=self._sessions.target(session, now))
        own = guard(session, self._context.policy, now, target)
        if own is None and not may_be_pursued(session):
            return NOTHING_SOON
        seen = (session.version, own)
        known, until = self._nothing_until.get(session.key, (None, now))
        if known == seen and now < until:
            return until - now
        due = self._due(session, own, now)
        if due is None or due.at > now:
            until = min(now + NOTHING_SOON, due.at) if due is not None else now + LOOK_AGAIN
            self._nothing_until[session.key] = seen, until
            return until - now
        self._context.store.ask(session.key, due.kind, due.asked_by, now)
        if due.asked_by not in {AskedBy.DRIVER, AskedBy.KIOSK}:
            said = {"kind": due.kind.value, "reason": due.asked_by.value}
            log.info("the kiosk acts by itself", extra={**about(session), **said})
        self._context.news.publish(session_topic(session.key))
        return timedelta(0)

    def _due(self, session: Session, own: Step | None, now: datetime) -> Due | None:
        commands = [one for one in self._context.store.commands(session.key) if one.kind in PURSUED]
        return next_end(session, commands, own, now) or next_look(session, commands)
