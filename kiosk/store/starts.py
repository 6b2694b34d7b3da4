"""A start from the wish to its one end: done, refused, unanswered or withdrawn. Each step is one transaction.

A start is claimed once and never made to wait again: a second one could hold a second amount.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from kiosk.domain.commands import AskedBy, Command, CommandState, Kind, Refusal
from kiosk.domain.session import Event, Observation, Phase, Session, fold
from kiosk.store.commands import end_command, insert_command
from kiosk.store.database import changed_one
from kiosk.store.errors import BayTaken
from kiosk.store.rows import (
    Part,
    append_observation,
    digest,
    lock_session,
    payment_values,
    read_command,
    save_session,
    session_values,
    slot_of,
)
from kiosk.store.tables import commands, grants, received_tokens, sessions


class Starts(Part):
    def create(self, session: Session, *, device: str, now: datetime) -> Command:
        """Store a queued session, its start command and its owner together. Raises BayTaken."""
        if session.phase is not Phase.QUEUED:
            raise ValueError("a new session is queued")
        slot = slot_of(session.code, session.connector_id)
        with self._database.write() as connection:
            try:
                with connection.begin_nested():
                    connection.execute(insert(sessions).values(**session_values(session), slot=slot))
            except IntegrityError:
                holder = select(sessions.c.key).where(sessions.c.slot == slot)
                key = connection.execute(holder).scalar_one_or_none()
                if key is None:
                    raise
                raise BayTaken(key) from None
            owner = {"session_key": session.key, "device_hash": digest(device), "how": "start", "granted_at": now}
            connection.execute(insert(grants).values(**owner))
            return insert_command(connection, session.key, Kind.START, AskedBy.DRIVER, now)

    def start_done(
        self, command_id: int, token: str, seen: Observation, now: datetime
    ) -> tuple[Session, tuple[Event, ...]]:
        """Upstream made the session: the session, and what its first reading changed.

        Raises Missing, or WrongState when the start was not the one being sent.
        """
        with self._database.write() as connection:
            before = self._end(connection, command_id, CommandState.DONE, now)
            after, events = fold(replace(before, phase=Phase.OPEN), seen)
            append_observation(connection, before.key, "start", seen)
            connection.execute(delete(received_tokens).where(received_tokens.c.session_key == before.key))
            secrets = {"token": self._cipher.encrypt(token), **payment_values(self._cipher, seen.payment)}
            return save_session(connection, before, after, now, **secrets), events

    def start_refused(
        self,
        command_id: int,
        refusal: Refusal,
        now: datetime,
        *,
        retry_at: datetime | None = None,
        detail: str | None = None,
    ) -> Session:
        """Upstream, or the kiosk before asking (then the command may still wait), said no. The bay is free again."""
        with self._database.write() as connection:
            before = self._end(connection, command_id, CommandState.REFUSED, now, refusal=refusal, detail=detail)
            after = replace(before, phase=Phase.REFUSED, refusal=refusal, retry_at=retry_at)
            return save_session(connection, before, after, now)

    def start_unanswered(self, command_id: int, now: datetime, detail: str) -> Session:
        """No answer came. No payment was ever shown, so nothing is held, and the bay is free again."""
        with self._database.write() as connection:
            before = self._end(connection, command_id, CommandState.UNKNOWN, now, detail=detail)
            return save_session(connection, before, replace(before, phase=Phase.NO_ANSWER), now)

    def withdraw_start(self, key: str, now: datetime) -> bool:
        """The driver leaves the line. False when the start was sent already (or there is none)."""
        still_waits = (
            (commands.c.session_key == key)
            & (commands.c.kind == Kind.START)
            & (commands.c.state == CommandState.WAITING)
        )
        withdraw = update(commands).where(still_waits).values(state=CommandState.WITHDRAWN, ended_at=now)
        with self._database.write() as connection:
            if not changed_one(connection, withdraw):
                return False
            before = lock_session(connection, key)
            save_session(connection, before, replace(before, phase=Phase.LEFT), now)
            return True

    def queue(self) -> list[str]:
        """Keys of the sessions whose start waits, first come first."""
        waiting = (commands.c.state == CommandState.WAITING) & (commands.c.kind == Kind.START)
        with self._database.read() as connection:
            query = select(commands.c.session_key).where(waiting).order_by(commands.c.id)
            return list(connection.execute(query).scalars())

    def _end(
        self,
        connection: Connection,
        command_id: int,
        state: CommandState,
        now: datetime,
        *,
        refusal: Refusal | None = None,
        detail: str | None = None,
    ) -> Session:
        """End the start command and hand back its session, locked."""
        asked = read_command(connection, command_id)
        if asked.kind is not Kind.START:
            raise ValueError("that is not a start")
        early = (CommandState.WAITING,) if state is CommandState.REFUSED else ()
        end_command(connection, asked, (CommandState.SENT, *early), state, now, refusal=refusal, detail=detail)
        return lock_session(connection, asked.session_key)
