"""What is forgotten by age alone, because nothing is decided by it any more: readings, webhooks, codes of tablets.

In small transactions, so that nobody who writes waits for it; killed in between, the next run goes on. What is personal
has a shorter life: see `Sessions.erase_personal`, `Origins.forget_origins` and `Handoffs.forget_handoffs`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy import exists as there_is

from kiosk.store.rows import Part
from kiosk.store.tables import hints, observations, pairing_codes, sessions, webhooks

SESSIONS_AT_ONCE = 5
WEBHOOKS_AT_ONCE = 500
MOST_AT_A_TIME = 50
"""Transactions of one run. What is left over is for the next one."""


class Retention(Part):
    def erase_readings(self, before: datetime) -> int:
        """Erase the readings of sessions that ended before then, and what the payment provider has told by then.

        Session, commands, receipt and its revisions stay. One that may still change keeps all of it, and so does one
        that somebody has just asked about. Returns how many sessions had readings.
        """
        some = there_is().where(observations.c.session_key == sessions.c.key)
        asked = there_is().where(hints.c.session_key == sessions.c.key)
        over = (sessions.c.ended_at < before) & sessions.c.watch.is_(False)
        query = select(sessions.c.key).where(over, some, ~asked).order_by(sessions.c.ended_at).limit(SESSIONS_AT_ONCE)
        erased = 0
        for _ in range(MOST_AT_A_TIME):
            with self._database.write() as connection:
                keys = connection.execute(query).scalars().all()
                if not keys:
                    break
                connection.execute(delete(observations).where(observations.c.session_key.in_(keys)))
            erased += len(keys)
        self._forget_webhooks(before)
        return erased

    def _forget_webhooks(self, before: datetime) -> None:
        """An event that comes once more after so long is a new one: it is a hint, and does no harm."""
        old = select(webhooks.c.event_id).where(webhooks.c.received_at < before).limit(WEBHOOKS_AT_ONCE)
        for _ in range(MOST_AT_A_TIME):
            with self._database.write() as connection:
                if connection.execute(delete(webhooks).where(webhooks.c.event_id.in_(old))).rowcount == 0:
                    return

    def forget_pairing_codes(self, now: datetime) -> None:
        """Those that nobody can use any more."""
        with self._database.write() as connection:
            connection.execute(delete(pairing_codes).where(pairing_codes.c.expires_at <= now))
