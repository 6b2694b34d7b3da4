"""Keeps the list of open sessions as the store has it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from kiosk.engine.duty import Duty, Jobs
from kiosk.engine.open_sessions import OpenSessions
from kiosk.store.aside import Unreadable
from kiosk.store.store import Store

log = logging.getLogger(__name__)

REFRESH_EVERY = timedelta(seconds=5)


class Refresh(Duty):
    """At once when something was written, and every few seconds: another process may have written it."""

    name = "open sessions"
    vital = True

    def __init__(self, store: Store, sessions: OpenSessions) -> None:
        self._store = store
        self._aside: dict[tuple[str, str], Unreadable] = {}
        self._sessions = sessions
        self._refreshed: datetime | None = None

    def jobs(self, now: datetime) -> Jobs:
        due = self._refreshed is None or now - self._refreshed >= REFRESH_EVERY
        if due or self._sessions.stale:
            self._sessions.refresh()
            self._refreshed = now
            self._tell_of_rows()
        return Jobs(wait=REFRESH_EVERY)

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - the store is read whatever the time
        self._sessions.stale = True

    def _tell_of_rows(self) -> None:
        """Once for each row that cannot be read, and once when it can be again."""
        aside = {(row.table, row.row): row for row in self._store.aside.all()}
        for place, row in aside.items():
            if place not in self._aside:
                log.error("a row cannot be read; it is put aside, the others go on", extra=_about(row))
        for place, row in self._aside.items():
            if place not in aside:
                log.info("a row that was put aside can be read again", extra=_about(row))
        self._aside = aside


def _about(row: Unreadable) -> dict[str, str]:
    said = {"table": row.table, "reason": row.reason}
    return {**said, "session": row.key} if row.key is not None else said
