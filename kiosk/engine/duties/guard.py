"""What the kiosk does by itself: deadlines of a start, the driver's limit, the hold as a ceiling."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from kiosk.domain.limits import guard
from kiosk.domain.session import Session
from kiosk.engine.context import Context, about
from kiosk.engine.duty import NOTHING_SOON, Duty, Jobs
from kiosk.engine.open_sessions import OpenSessions
from kiosk.news.news import session_topic

log = logging.getLogger(__name__)

ACT_AGAIN_AFTER = timedelta(seconds=30)
ACT_AGAIN_OFFLINE = timedelta(minutes=10)
"""A charger without contact refuses every stop, and the budget for stops is everybody's."""


class Guard(Duty):
    """Asks for the stop or the cancel that a session needs now. The next round sends it."""

    name = "guard"

    def __init__(self, context: Context, sessions: OpenSessions) -> None:
        self._context = context
        self._sessions = sessions
        self._acted: dict[tuple[str, str], datetime] = {}

    def jobs(self, now: datetime) -> Jobs:
        """One session that cannot be judged keeps no other one unguarded; what went wrong is raised afterwards."""
        self._acted = {mark: at for mark, at in self._acted.items() if now - at < ACT_AGAIN_OFFLINE}
        acted, problem = False, None
        for session in self._sessions.all():
            try:
                acted = self._guard(session, now) or acted
            except Exception as error:  # noqa: BLE001 - raised below, when everybody has been guarded
                problem = error
        if problem is not None:
            raise problem
        return Jobs(wait=timedelta(0) if acted else NOTHING_SOON)

    def _guard(self, session: Session, now: datetime) -> bool:
        target = timedelta(seconds=self._sessions.target(session, now))
        step = guard(session, self._context.policy, now, target)
        if step is None:
            return False
        mark = (session.key, step.kind.value)
        again_after = ACT_AGAIN_OFFLINE if session.charger_online is False else ACT_AGAIN_AFTER
        if mark in self._acted and now - self._acted[mark] < again_after:
            return False
        self._context.store.ask(session.key, step.kind, step.asked_by, now)
        self._acted[mark] = now
        said = {"kind": step.kind.value, "reason": step.asked_by.value}
        log.info("the kiosk acts by itself", extra={**about(session), **said})
        self._context.news.publish(session_topic(session.key))
        return True
