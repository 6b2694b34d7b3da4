"""A start from the wish to its one end: done, refused, unanswered or withdrawn. Each step is one transaction.

A start is claimed once: a second one could hold a second amount. Only what upstream certainly did nothing about,
because there were too many requests, goes back to its place in the line.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from kiosk.domain.commands import ASIDE, AskedBy, Command, CommandState, Kind, Refusal
from kiosk.domain.line import closed_for
from kiosk.domain.session import Event, Observation, Phase, Session, fold
from kiosk.store.commands import end_command, insert_command
from kiosk.store.database import changed_one, insert_once
from kiosk.store.errors import BayTaken, WrongState
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
from kiosk.store.tables import commands, full_chargers, grants, origins, received_tokens, sessions
from kiosk.store.types import utc

_QUEUE = (
    select(commands.c.session_key)
    .where(commands.c.state == CommandState.WAITING, commands.c.kind == Kind.START)
    .order_by(commands.c.id)
)


class Starts(Part):
    def create(
        self, session: Session, *, device: str, now: datetime, network: str | None = None, on_site: bool = False
    ) -> Command:
        """Store a queued session, its start command, its owner and where it came from together. Raises BayTaken.

        `network` is a keyed mark, never an address; `on_site`: asked for at the site's screen, or by a code of it.
        """
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
            origin = {"device_hash": digest(device), "network_hash": network, "on_site": on_site, "asked_at": now}
            connection.execute(insert(origins).values(session_key=session.key, **origin))
            return insert_command(connection, session.key, Kind.START, AskedBy.DRIVER, now)

    def start_done(
        self, command_id: int, token: str, seen: Observation, now: datetime, *, hold_minor: int | None = None
    ) -> tuple[Session, tuple[Event, ...]]:
        """Upstream made the session: the session, and what its first reading changed.

        `hold_minor` is what will be held by the payment's own record; None: not known, and what was shown stays.
        Raises Missing, or WrongState when the start was not the one being sent.
        """
        with self._database.write() as connection:
            before = self._end(connection, command_id, CommandState.DONE, now)
            shown = before.hold_minor if hold_minor is None else hold_minor
            after, events = fold(replace(before, phase=Phase.OPEN, hold_minor=shown), seen)
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

    def put_back(self, command_id: int, not_before: datetime, refusal: Refusal) -> None:
        """Upstream did nothing about it (429): it counts as not sent, and has its own place in the line again.

        Raises Missing, WrongState, and ValueError for another kind of command.
        """
        with self._database.write() as connection:
            asked = read_command(connection, command_id)
            if asked.kind is not Kind.START:
                raise ValueError("that is not a start")
            sent = (commands.c.id == command_id) & (commands.c.state == CommandState.SENT)
            values = {
                "state": CommandState.WAITING,
                "attempts": 0,
                "sent_at": None,
                "not_before": not_before,
                "refusal": refusal,
            }
            if not changed_one(connection, update(commands).where(sent).values(**values)):
                raise WrongState(f"a start that is {asked.state} cannot go back to the line")

    def close_charger(self, code: str, now: datetime, told: timedelta | None = None) -> datetime:
        """Upstream takes no more starts at this charger alone. Until when it is left in peace, see `closed_for`."""
        with self._database.write() as connection:
            query = select(full_chargers.c.refused).where(full_chargers.c.code == code)
            refused = (connection.execute(query).scalar_one_or_none() or 0) + 1
            until = now + closed_for(refused, told)
            values = {"refused": refused, "until": until}
            if not changed_one(connection, update(full_chargers).where(full_chargers.c.code == code).values(**values)):
                insert_once(connection, full_chargers, {"code": code, **values})
            return until

    def open_charger(self, code: str) -> None:
        """It took a start again: the next no is the first one."""
        with self._database.write() as connection:
            connection.execute(delete(full_chargers).where(full_chargers.c.code == code))

    def full_chargers(self, now: datetime) -> dict[str, datetime]:
        """The chargers at which nothing is started for now, and until when at least."""
        now = utc(now)
        glance = self._glance()
        if glance is not None and not glance.full:
            return {}
        query = select(full_chargers.c.code, full_chargers.c.until).where(full_chargers.c.until > now)
        with self._database.read() as connection:
            return dict(connection.execute(query).all())

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
        """Keys of the sessions whose start waits, first come first. Whose turn it is says `kiosk.domain.line`."""
        glance = self._glance()
        if glance is not None and not glance.starts:
            return []
        with self._database.read() as connection:
            return list(connection.execute(_QUEUE).scalars())

    def put_aside(self, command_id: int, now: datetime, why: Refusal) -> Session | None:
        """A start that waits is taken out of the line, and may be taken up again. None: it does not wait any more."""
        waits = (commands.c.id == command_id) & (commands.c.state == CommandState.WAITING)
        values = {"state": CommandState.WITHDRAWN, "ended_at": now, "refusal": why}
        with self._database.write() as connection:
            asked = read_command(connection, command_id)
            if asked.kind is not Kind.START:
                raise ValueError("that is not a start")
            if not changed_one(connection, update(commands).where(waits).values(**values)):
                return None
            before = lock_session(connection, asked.session_key)
            return save_session(connection, before, replace(before, phase=Phase.LEFT, refusal=why), now)

    def take_up_again(self, session: Session, now: datetime) -> bool:
        """A start that was put aside waits again, in its own place, on the terms of `session`.

        `session` is the one that was read, with new terms where its driver agreed to them. False when it was taken up
        already, or was not put aside. Raises BayTaken, and WrongState when the session changed meanwhile.
        """
        aside = (
            (commands.c.session_key == session.key)
            & (commands.c.kind == Kind.START)
            & (commands.c.state == CommandState.WITHDRAWN)
            & commands.c.refusal.in_(ASIDE)
        )
        again = {"state": CommandState.WAITING, "ended_at": None, "refusal": None, "asked_at": now, "not_before": now}
        slot = slot_of(session.code, session.connector_id)
        with self._database.write() as connection:
            before = lock_session(connection, session.key)
            taken_up = update(commands).where(aside).values(**again)
            if before.phase is not Phase.LEFT or not changed_one(connection, taken_up):
                return False
            if before.version != session.version:
                raise WrongState("the session changed underneath")
            holder = connection.execute(select(sessions.c.key).where(sessions.c.slot == slot)).scalar_one_or_none()
            if holder is not None:
                raise BayTaken(holder)
            save_session(connection, before, replace(session, phase=Phase.QUEUED, refusal=None), now)
            connection.execute(update(origins).where(origins.c.session_key == session.key).values(asked_at=now))
            return True

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
