"""Keeps the list of open sessions as the store has it."""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.engine.duty import Duty, Jobs
from kiosk.engine.open_sessions import OpenSessions

REFRESH_EVERY = timedelta(seconds=5)


class Refresh(Duty):
    """At once when something was written, and every few seconds: another process may have written it."""

    name = "open sessions"

    def __init__(self, sessions: OpenSessions) -> None:
        self._sessions = sessions
        self._refreshed: datetime | None = None

    def jobs(self, now: datetime) -> Jobs:
        due = self._refreshed is None or now - self._refreshed >= REFRESH_EVERY
        if due or self._sessions.stale:
            self._sessions.refresh()
            self._refreshed = now
        return Jobs(wait=REFRESH_EVERY)

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - the store is read whatever the time
        self._sessions.stale = True
