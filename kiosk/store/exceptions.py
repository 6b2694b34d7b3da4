"""The sessions that a person of the operator should look at, and tokens that no secret of ours opens any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select

from kiosk.domain.attention import Attention, attention
from kiosk.domain.session import Session
from kiosk.store.aside import each
from kiosk.store.rows import SELECT_SESSION, Part, session_from
from kiosk.store.tables import received_tokens, sessions
from kiosk.store.types import utc

LISTED_FOR = timedelta(days=90)
"""So long after its end a session stands in the list."""


class Exceptions(Part):
    def exceptions(self, now: datetime) -> list[tuple[Session, tuple[Attention, ...]]]:
        """Every session that is open, or ended lately, of which something is odd; newest first."""
        lately = or_(sessions.c.watch.is_(True), sessions.c.ended_at > utc(now) - LISTED_FOR)
        with self._database.read() as connection:
            newest = SELECT_SESSION.where(lately).order_by(sessions.c.id.desc())
            found = each(connection, newest, sessions.c.key, session_from, self.aside)
        return [(session, odd) for session in found if (odd := attention(session, now))]

    def sealed_off(self) -> int:
        """How many sessions that may still hold money have a token that no secret of ours opens."""
        live = select(sessions.c.token).where(sessions.c.watch.is_(True), sessions.c.token.is_not(None))
        with self._database.read() as connection:
            sealed = [
                *connection.execute(live).scalars(),
                *connection.execute(select(received_tokens.c.token)).scalars(),
            ]
        return sum(self._cipher.decrypt(text) is None for text in sealed)
