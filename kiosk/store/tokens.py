"""Tokens that upstream gave for a start, each in a row of its own from the moment that it came.

`start_done` moves a token to its session and drops the row. A row that stays belongs to a session that nobody will
use: its start had ended otherwise by then, or its answer could not be used. The engine cancels it upstream.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy import exists as there_is

from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.session import Observation
from kiosk.store.rows import Part, append_observation
from kiosk.store.tables import commands, received_tokens

_NEXT_AT = select(func.min(received_tokens.c.next_at))


@dataclass(frozen=True, slots=True)
class UnusedToken:
    """A token that is to be given back by a cancel. The token itself is read with `received_token`."""

    id: int
    session_key: str
    attempts: int


class Tokens(Part):
    def keep_token(self, key: str, token: str, now: datetime) -> None:
        """Write down a token before anything else is done with it. Nothing happens when its session has it already.

        Raises what the database raises.
        """
        values = {"session_key": key, "received_at": now, "next_at": now, "attempts": 0}
        done = (
            (commands.c.session_key == key) & (commands.c.kind == Kind.START) & (commands.c.state == CommandState.DONE)
        )
        with self._database.write() as connection:
            if connection.execute(select(commands.c.id).where(done)).first() is None:
                connection.execute(insert(received_tokens).values(token=self._cipher.encrypt(token), **values))

    def unused_tokens(self, now: datetime) -> list[UnusedToken]:
        """Those whose start has ended without taking them, and that are due; oldest first."""
        under_way = there_is().where(
            commands.c.session_key == received_tokens.c.session_key,
            commands.c.kind == Kind.START,
            commands.c.state == CommandState.SENT,
        )
        columns = (received_tokens.c.id, received_tokens.c.session_key, received_tokens.c.attempts)
        query = select(*columns).where(~under_way, received_tokens.c.next_at <= now).order_by(received_tokens.c.id)
        with self._database.read() as connection:
            return [UnusedToken(**row) for row in connection.execute(query).mappings()]

    def next_unused_at(self) -> datetime | None:
        """When the next of all rows is due, also of one whose start is under way; None when there is none."""
        glance = self._glance()
        if glance is not None:
            return glance.unused_at
        with self._database.read() as connection:
            earliest: datetime | None = connection.execute(_NEXT_AT).scalar_one()
        return earliest

    def received_token(self, token_id: int) -> str | None:
        """None when it is gone, or no key of ours fits any more."""
        query = select(received_tokens.c.token).where(received_tokens.c.id == token_id)
        with self._database.read() as connection:
            stored = connection.execute(query).scalar_one_or_none()
        return None if stored is None else self._cipher.decrypt(stored)

    def put_off_token(self, token_id: int, next_at: datetime) -> None:
        """Try it again then."""
        there = received_tokens.c.id == token_id
        values = {"next_at": next_at, "attempts": received_tokens.c.attempts + 1}
        with self._database.write() as connection:
            connection.execute(update(received_tokens).where(there).values(**values))

    def token_given_back(self, token: UnusedToken, seen: Observation | None) -> None:
        """Upstream has ended that session, or knows it no more. Its answer is kept as evidence, and changes nothing."""
        with self._database.write() as connection:
            connection.execute(delete(received_tokens).where(received_tokens.c.id == token.id))
            if seen is not None:
                append_observation(connection, token.session_key, "given back", seen)
