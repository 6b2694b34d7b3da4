"""What was asked of upstream: stored before it is sent, claimed by a conditional update, ended once. Never deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, insert, select, update

from kiosk.domain.commands import ENDS, PEOPLE, PURSUED, REPEATABLE, AskedBy, Command, CommandState, Kind, Refusal, Wish
from kiosk.store.aside import each
from kiosk.store.database import changed_one
from kiosk.store.errors import Missing, WrongState
from kiosk.store.records import Lease
from kiosk.store.rows import SELECT_COMMAND, Part, command_from, found_command, held, read_command
from kiosk.store.tables import commands, sessions
from kiosk.store.types import utc

ENDED = frozenset({CommandState.DONE, CommandState.REFUSED, CommandState.UNKNOWN})
_REPEATABLE_FROM = (CommandState.SENT, CommandState.UNKNOWN, CommandState.REFUSED)
MOST_SENDINGS = 40
"""Sendings of one kind that are kept one by one; later ones count in the last row, so that a page is read quickly."""


def insert_command(
    connection: Connection,
    key: str,
    kind: Kind,
    asked_by: AskedBy,
    now: datetime,
    email: str | None = None,
    email_mark: str | None = None,
) -> Command:
    """A new waiting command. `email` is encrypted already, and found again by its mark."""
    values = {
        "session_key": key,
        "kind": kind,
        "asked_by": asked_by,
        "asked_at": now,
        "state": CommandState.WAITING,
        "attempts": 0,
        "not_before": now,
        "email": email,
        "email_mark": email_mark,
    }
    command_id = connection.execute(insert(commands).values(**values).returning(commands.c.id)).scalar_one()
    return read_command(connection, command_id)


def end_command(
    connection: Connection,
    asked: Command,
    sources: Sequence[CommandState],
    state: CommandState,
    now: datetime,
    *,
    refusal: Refusal | None,
    detail: str | None,
) -> None:
    """Move a command from one of `sources` to its end. Raises WrongState."""
    there = (commands.c.id == asked.id) & commands.c.state.in_(sources)
    values = {"state": state, "ended_at": now, "refusal": refusal, "detail": detail}
    if not changed_one(connection, update(commands).where(there).values(**values)):
        raise WrongState(f"a {asked.kind} command cannot go from {asked.state} to {state}")


def _only_looks(asked_by: AskedBy) -> bool:
    """Nobody has said anything: the kiosk looks by itself whether somebody has paid."""
    return asked_by is AskedBy.KIOSK


def says_the_same(sent: Command, asked_by: AskedBy) -> bool:
    """What is being sent answers a wish of theirs too. A look by itself may have left before somebody paid."""
    return _only_looks(asked_by) or not _only_looks(sent.asked_by)


def _there_is(connection: Connection, key: str) -> None:
    """Keep the session from other writers until the transaction ends, without reading the row. Raises Missing.

    A row that this version cannot read may still charge, and whoever stands there may still stop it.
    """
    if connection.execute(select(sessions.c.id).where(sessions.c.key == key).with_for_update()).one_or_none() is None:
        raise Missing("no such session")


def keep_wish(connection: Connection, key: str, wish: Wish) -> None:
    """That its driver wants the end. The first one counts."""
    unwished = (sessions.c.key == key) & sessions.c.wish.is_(None)
    connection.execute(update(sessions).where(unwished).values(wish=wish, version=sessions.c.version + 1))


def _waiting_from(not_before: datetime) -> dict[str, object]:
    """The columns of a command that waits for another sending."""
    return {
        "state": CommandState.WAITING,
        "not_before": not_before,
        "ended_at": None,
        "refusal": None,
        "detail": None,
    }


# What the engine asks in every round is put together once.
_OF_SESSION = SELECT_COMMAND.where(commands.c.session_key == bindparam("key")).order_by(commands.c.id)
WAITING = SELECT_COMMAND.where(commands.c.state == CommandState.WAITING).order_by(commands.c.id)
_MAY_BE_SENT = WAITING.where(commands.c.not_before <= bindparam("now", type_=commands.c.not_before.type))
_LEFT_SENT = SELECT_COMMAND.where(commands.c.state == CommandState.SENT).order_by(commands.c.id)
_NEXT_AT = select(func.min(commands.c.not_before)).where(commands.c.state == CommandState.WAITING)


class Commands(Part):
    def ask(self, key: str, kind: Kind, asked_by: AskedBy, now: datetime, *, email: str | None = None) -> Command:
        """Store a wish, once: while one of that kind waits or is being sent, that one is returned.

        That a driver wants the end, by a stop or a cancel, is kept with the session too: until the effect is seen,
        every sending is a command of its own. A newer e-mail replaces that of a waiting wish; while an older one is
        being sent it becomes a wish of its own, so that a corrected address is never dropped. Raises Missing, and
        ValueError for a start (`create` makes those) or when an e-mail is missing or out of place.
        """
        if kind is Kind.START:
            raise ValueError("a start is stored together with its session")
        if (kind is Kind.RECEIPT_EMAIL) != (email is not None):
            raise ValueError("an e-mail belongs to a receipt e-mail, and to nothing else")
        sealed = None if email is None else self._cipher.encrypt(email)
        mark = None if email is None else self._cipher.marks(email.lower())[0]
        with self._database.write() as connection:
            _there_is(connection, key)
            if asked_by in PEOPLE and kind in ENDS:
                keep_wish(connection, key, Wish(kind, asked_by, utc(now)))
            same = (commands.c.session_key == key) & (commands.c.kind == kind)
            waiting = self._newest(connection, same & (commands.c.state == CommandState.WAITING))
            if waiting is not None:
                # What a driver asks for is theirs from then on, also when the kiosk had decided it before.
                theirs = asked_by in PEOPLE or _only_looks(waiting.asked_by)
                asker = asked_by if theirs else waiting.asked_by
                newer = {"email": sealed, "email_mark": mark, "asked_by": asker}
                connection.execute(update(commands).where(commands.c.id == waiting.id).values(**newer))
                return replace(waiting, asked_by=asker)
            sent = self._newest(connection, same & (commands.c.state == CommandState.SENT))
            if sent is not None and self._says_the_same(connection, sent, asked_by, email):
                return sent
            if kind in PURSUED:
                last = self._last_of_many(connection, same)
                if last is not None:
                    again = {"asked_by": asked_by, **_waiting_from(now)}
                    connection.execute(update(commands).where(commands.c.id == last).values(**again))
                    return read_command(connection, last)
            return insert_command(connection, key, kind, asked_by, now, sealed, mark)

    def command(self, command_id: int) -> Command:
        """One of them, as it stands. Raises Missing, and what a row raises that cannot be read."""
        with self._database.read() as connection:
            return found_command(connection, SELECT_COMMAND.where(commands.c.id == command_id))

    def commands(self, key: str) -> list[Command]:
        """All that was ever asked for this session, oldest first."""
        return list(self._unless_changed(("commands", key), lambda: self._commands(_OF_SESSION, key=key)))

    def waiting(self, now: datetime) -> list[Command]:
        """What may be sent now, oldest first."""
        now = utc(now)
        if self._glance() is None:
            return self._commands(_MAY_BE_SENT, now=now)
        waiting = self._unless_changed("waiting commands", lambda: self._commands(WAITING))
        return [one for one in waiting if one.not_before is not None and one.not_before <= now]

    def next_command_at(self) -> datetime | None:
        """When the next waiting command may be sent; None when nothing waits."""
        glance = self._glance()
        if glance is not None:
            return glance.command_at
        with self._database.read() as connection:
            earliest: datetime | None = connection.execute(_NEXT_AT).scalar_one()
        return earliest

    def left_sent(self) -> list[Command]:
        """Sent and without an end. After a restart nobody will hear those answers any more."""
        glance = self._glance()
        return self._commands(_LEFT_SENT) if glance is None or glance.sent else []

    def sendings(self, keys: Sequence[str]) -> dict[str, int]:
        """How many commands of each of these sessions were sent before, to end it."""
        if not keys:
            return {}
        query = select(commands.c.session_key, func.count()).where(
            commands.c.session_key.in_(keys), commands.c.kind.in_(ENDS), commands.c.sent_at.is_not(None)
        )
        with self._database.read() as connection:
            return dict(connection.execute(query.group_by(commands.c.session_key)).all())

    def claim(self, command_id: int, now: datetime, lease: Lease | None = None) -> bool:
        """Take a waiting command for sending. True for exactly one of all who try.

        With `lease` only while it is held. Raises Deposed, and nothing is claimed.
        """
        waits = (commands.c.id == command_id) & (commands.c.state == CommandState.WAITING)
        values = {"state": CommandState.SENT, "sent_at": now, "attempts": commands.c.attempts + 1}
        self._under(lease)
        with self._database.write() as connection:
            if lease is not None:
                held(connection, lease)
            return changed_one(connection, update(commands).where(waits).values(**values))

    def withdraw(self, command_id: int, now: datetime) -> bool:
        """The kiosk takes back what it had decided itself. False when it was sent already, or is a driver's by now."""
        waits = (commands.c.id == command_id) & (commands.c.state == CommandState.WAITING)
        own = waits & commands.c.asked_by.not_in(PEOPLE)
        values = {"state": CommandState.WITHDRAWN, "ended_at": now}
        with self._database.write() as connection:
            return changed_one(connection, update(commands).where(own).values(**values))

    def finish(
        self,
        command_id: int,
        state: CommandState,
        now: datetime,
        *,
        refusal: Refusal | None = None,
        detail: str | None = None,
    ) -> None:
        """DONE, REFUSED or UNKNOWN, from SENT only. Raises Missing, WrongState, and ValueError for a start.

        A start ends with `start_done`, `start_refused` or `start_unanswered`, because its session moves with it.
        """
        if state not in ENDED:
            raise ValueError(f"{state} is not an end")
        with self._database.write() as connection:
            asked = read_command(connection, command_id)
            if asked.kind not in REPEATABLE:
                raise ValueError("a start ends together with its session")
            end_command(connection, asked, (CommandState.SENT,), state, now, refusal=refusal, detail=detail)

    def again(self, command_id: int, not_before: datetime) -> None:
        """Let a command wait for another attempt. Raises Missing, WrongState, and ValueError for a start."""
        values = _waiting_from(not_before)
        with self._database.write() as connection:
            asked = read_command(connection, command_id)
            if asked.kind not in REPEATABLE:
                raise ValueError("a start is never sent twice")
            there = (commands.c.id == command_id) & commands.c.state.in_(_REPEATABLE_FROM)
            if not changed_one(connection, update(commands).where(there).values(**values)):
                raise WrongState(f"a {asked.kind} command that is {asked.state} cannot wait again")

    def email_of(self, command_id: int) -> str | None:
        with self._database.read() as connection:
            return self._email(connection, command_id)

    def _email(self, connection: Connection, command_id: int) -> str | None:
        query = select(commands.c.email).where(commands.c.id == command_id)
        stored = connection.execute(query).scalar_one_or_none()
        return None if stored is None else self._cipher.decrypt(stored)

    def _commands(self, query: Select[Any], **values: object) -> list[Command]:
        with self._database.read() as connection:
            return each(connection, query, commands.c.id, command_from, self.aside, **values)

    def _says_the_same(self, connection: Connection, sent: Command, asked_by: AskedBy, email: str | None) -> bool:
        """What is being sent answers this wish too."""
        if email is not None:
            return self._email(connection, sent.id) == email
        return says_the_same(sent, asked_by)

    def _last_of_many(self, connection: Connection, same: ColumnElement[bool]) -> int | None:
        """The id of the last command of a kind, when there are so many that no further row is wanted."""
        ids = connection.execute(select(commands.c.id).where(same).order_by(commands.c.id.desc())).scalars().all()
        return ids[0] if len(ids) >= MOST_SENDINGS else None

    def _newest(self, connection: Connection, wanted: ColumnElement[bool]) -> Command | None:
        query = SELECT_COMMAND.where(wanted).order_by(commands.c.id.desc()).limit(1).with_for_update()
        row = connection.execute(query).mappings().one_or_none()
        return None if row is None else command_from(row)
