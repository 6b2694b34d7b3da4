"""What the operator's desk remembers: its people, the browsers in which they are signed in, wrong tries, notes on
sessions, and the log of everything that was done, to which rows can only be added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping, and_, delete, insert, or_, select, update

from kiosk.domain.desk import TRIES_LIVE, Person, Role, SignedIn, Tries, blocked_until, counted
from kiosk.store.database import changed_one, insert_once
from kiosk.store.rows import Part, digest, lock_session
from kiosk.store.tables import desk_log, desk_notes, desk_recovery_codes, desk_sessions, desk_tries, desk_users
from kiosk.store.types import utc

MOST_SEEN = 200
"""Rows of the log, or notes, that are read at once."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with what proves that it is them. `step`: of the last one-time code that was used."""

    person: Person
    password: str = field(repr=False)
    secret: str | None = field(repr=False)
    step: int | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class LogEntry:
    """`did` is a word. `subject` is what it was done to: the number of a session, somebody's name."""

    id: int
    at: datetime
    who: str
    did: str
    subject: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """`text` None: no secret of ours opens it any more."""

    id: int
    at: datetime
    who: str
    text: str | None


class Desk(Part):
    # --- people

    def users(self) -> list[User]:
        with self._database.read() as connection:
            rows = connection.execute(select(desk_users).order_by(desk_users.c.name)).mappings().all()
        return [self._user(row) for row in rows]

    def user(self, name: str) -> User | None:
        with self._database.read() as connection:
            row = connection.execute(select(desk_users).where(desk_users.c.name == name)).mappings().one_or_none()
        return None if row is None else self._user(row)

    def user_of_directory(self, mark: str) -> User | None:
        """Whom the operator's own directory calls so."""
        query = select(desk_users).where(desk_users.c.directory == mark)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else self._user(row)

    def add_user(
        self,
        name: str,
        password: str,
        role: Role,
        sites: Sequence[str] | None,
        now: datetime,
        *,
        directory: str | None = None,
    ) -> bool:
        """`password` in its stored form; "" fits nothing. `directory`: what the operator's own directory calls them.
        False: there is one of that name, or of that mark.
        """
        values = {"name": name, "password": password, "role": role, "made_at": utc(now), "directory": directory}
        with self._database.write() as connection:
            return insert_once(connection, desk_users, {**values, "sites": None if sites is None else sorted(sites)})

    def remove_user(self, user_id: int) -> None:
        """They are signed out everywhere, and gone. What they did stays in the log."""
        with self._database.write() as connection:
            self._end_all(connection, user_id)
            connection.execute(delete(desk_recovery_codes).where(desk_recovery_codes.c.user_id == user_id))
            connection.execute(delete(desk_users).where(desk_users.c.id == user_id))

    def set_password(self, user_id: int, password: str) -> None:
        """In its stored form. They are signed out everywhere."""
        with self._database.write() as connection:
            connection.execute(update(desk_users).where(desk_users.c.id == user_id).values(password=password))
            self._end_all(connection, user_id)

    def set_rights(self, user_id: int, role: Role, sites: Sequence[str] | None) -> None:
        """From the next page on."""
        values = {"role": role, "sites": None if sites is None else sorted(sites)}
        with self._database.write() as connection:
            connection.execute(update(desk_users).where(desk_users.c.id == user_id).values(**values))

    def set_second(self, user_id: int, secret: str | None, step: int | None, recovery: Sequence[str] = ()) -> None:
        """The secret of their one-time codes, the code that proved it, and new recovery codes; None: no codes any
        more."""
        sealed = None if secret is None else self._cipher.encrypt(secret)
        with self._database.write() as connection:
            mine = desk_users.c.id == user_id
            connection.execute(update(desk_users).where(mine).values(second=sealed, second_step=step))
            connection.execute(delete(desk_recovery_codes).where(desk_recovery_codes.c.user_id == user_id))
            for code in recovery:
                connection.execute(insert(desk_recovery_codes).values(user_id=user_id, code_hash=digest(code)))

    def use_step(self, user_id: int, step: int) -> bool:
        """Spend the one-time code of that step: False when it, or a later one, was used."""
        unused = or_(desk_users.c.second_step.is_(None), desk_users.c.second_step < step)
        spend = update(desk_users).where(desk_users.c.id == user_id, unused).values(second_step=step)
        with self._database.write() as connection:
            return changed_one(connection, spend)

    def use_recovery(self, user_id: int, code: str) -> bool:
        """Spend a recovery code: False for one that was used, or never was."""
        this = and_(desk_recovery_codes.c.user_id == user_id, desk_recovery_codes.c.code_hash == digest(code))
        with self._database.write() as connection:
            return changed_one(connection, delete(desk_recovery_codes).where(this))

    def recovery_left(self, user_id: int) -> int:
        """How many recovery codes are unused."""
        query = select(desk_recovery_codes.c.code_hash).where(desk_recovery_codes.c.user_id == user_id)
        with self._database.read() as connection:
            return len(connection.execute(query).all())

    # --- browsers in which somebody is signed in

    def sign_in(self, user_id: int, token: str, now: datetime, *, proved_at: datetime | None = None) -> None:
        """`proved_at`: when they proved who they are; None: just now."""
        times = {**dict.fromkeys(("started_at", "seen_at"), utc(now)), "confirmed_at": utc(proved_at or now)}
        with self._database.write() as connection:
            connection.execute(insert(desk_sessions).values(token_hash=digest(token), user_id=user_id, **times))

    def signed_in(self, token: str) -> SignedIn | None:
        """The browser with that token, however old; None for one that was signed out."""
        query = (
            select(desk_users, *_TIMES)
            .join(desk_sessions, desk_sessions.c.user_id == desk_users.c.id)
            .where(desk_sessions.c.token_hash == digest(token))
        )
        with self._database.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return None
        times = {name: row[name] for name in ("started_at", "seen_at", "confirmed_at")}
        return SignedIn(row["session_id"], _person(row), **times)

    def seen(self, session_id: int, now: datetime) -> None:
        """A person asked for a page there. Raises CannotWrite."""
        with self._database.write_soon() as connection:
            this = desk_sessions.c.id == session_id
            connection.execute(update(desk_sessions).where(this).values(seen_at=utc(now)))

    def confirmed(self, session_id: int, now: datetime) -> None:
        """The password was typed there again."""
        with self._database.write() as connection:
            this = desk_sessions.c.id == session_id
            connection.execute(update(desk_sessions).where(this).values(confirmed_at=utc(now), seen_at=utc(now)))

    def sign_out(self, session_id: int) -> None:
        with self._database.write() as connection:
            connection.execute(delete(desk_sessions).where(desk_sessions.c.id == session_id))

    def sign_out_everywhere(self, user_id: int) -> int:
        """In how many browsers they were signed in."""
        with self._database.write() as connection:
            return self._end_all(connection, user_id)

    def browsers_of(self, user_id: int) -> int:
        query = select(desk_sessions.c.id).where(desk_sessions.c.user_id == user_id)
        with self._database.read() as connection:
            return len(connection.execute(query).all())

    def forget_signed_in(self, before: datetime) -> None:
        """Those who signed in before then: nobody is signed in for so long."""
        with self._database.write() as connection:
            connection.execute(delete(desk_sessions).where(desk_sessions.c.started_at < utc(before)))

    # --- wrong tries

    def begin_try(self, whos: Mapping[str, int], now: datetime) -> datetime | None:
        """Count one more try of all of these, each with its number of free ones, or say until when none is taken.

        It is counted before the password is looked at, so that a hundred at once are a hundred. Raises CannotWrite.
        """
        now = utc(now)
        with self._database.write() as connection:
            connection.execute(delete(desk_tries).where(desk_tries.c.last_at < now - TRIES_LIVE))
            known = {
                row.who_hash: Tries(row.failures, row.last_at)
                for row in connection.execute(select(desk_tries).where(desk_tries.c.who_hash.in_(map(digest, whos))))
            }
            waits = [blocked_until(known.get(digest(who)), now, free) for who, free in whos.items()]
            blocked = [until for until in waits if until is not None]
            if blocked:
                return max(blocked)
            for who in whos:
                tries = counted(known.get(digest(who)), now)
                values = {"failures": tries.failures, "last_at": tries.last_at}
                changed = update(desk_tries).where(desk_tries.c.who_hash == digest(who)).values(**values)
                if not changed_one(connection, changed):
                    connection.execute(insert(desk_tries).values(who_hash=digest(who), **values))
        return None

    def tries_of(self, who: str) -> int:
        query = select(desk_tries.c.failures).where(desk_tries.c.who_hash == digest(who))
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def was_right(self, whos: Sequence[str], network: str | None = None) -> None:
        """Take back what `begin_try` counted: all tries of `whos`, and the one of that network, from which somebody
        else may still guess."""
        with self._database.write() as connection:
            connection.execute(delete(desk_tries).where(desk_tries.c.who_hash.in_(map(digest, whos))))
            if network is not None:
                this = desk_tries.c.who_hash == digest(network)
                connection.execute(update(desk_tries).where(this).values(failures=desk_tries.c.failures - 1))

    # --- the log

    def log(self, who: str, did: str, now: datetime, subject: str | None = None, reason: str | None = None) -> None:
        """Write down what somebody does, before it is done. Raises CannotWrite: then it is not done."""
        values = {"at": utc(now), "who": who, "did": did, "subject": subject, "reason": reason}
        with self._database.write() as connection:
            connection.execute(insert(desk_log).values(**values))

    def log_entries(
        self, *, who: str | None = None, subject: str | None = None, before: int | None = None, most: int = MOST_SEEN
    ) -> list[LogEntry]:
        """The newest first. `before`: those with a smaller number."""
        query = select(desk_log).order_by(desk_log.c.id.desc()).limit(most)
        for column, value in ((desk_log.c.who, who), (desk_log.c.subject, subject)):
            query = query if value is None else query.where(column == value)
        if before is not None:
            query = query.where(desk_log.c.id < before)
        with self._database.read() as connection:
            return [LogEntry(**row) for row in connection.execute(query).mappings()]

    # --- notes

    def add_note(self, key: str, who: str, text: str, now: datetime) -> None:
        """Raises Missing."""
        with self._database.write() as connection:
            lock_session(connection, key)
            values = {"session_key": key, "who": who, "at": utc(now), "text": self._cipher.encrypt(text)}
            connection.execute(insert(desk_notes).values(**values))

    def notes_of(self, key: str) -> list[Note]:
        """The oldest first, of the newest ones."""
        query = select(desk_notes).where(desk_notes.c.session_key == key).order_by(desk_notes.c.id.desc())
        with self._database.read() as connection:
            rows = connection.execute(query.limit(MOST_SEEN)).mappings().all()
        return [Note(row["id"], row["at"], row["who"], self._cipher.decrypt(row["text"])) for row in reversed(rows)]

    def _end_all(self, connection: Connection, user_id: int) -> int:
        return connection.execute(delete(desk_sessions).where(desk_sessions.c.user_id == user_id)).rowcount

    def _user(self, row: RowMapping) -> User:
        secret = None if row["second"] is None else self._cipher.decrypt(row["second"]) or ""
        return User(_person(row), row["password"], secret, row["second_step"], row["made_at"])


_TIMES = (
    desk_sessions.c.id.label("session_id"),
    desk_sessions.c.started_at,
    desk_sessions.c.seen_at,
    desk_sessions.c.confirmed_at,
)


def _person(row: RowMapping) -> Person:
    sites = row["sites"]
    only = None if sites is None else frozenset(map(str, sites))
    return Person(row["id"], row["name"], row["role"], only, row["second"] is not None, row["directory"] is not None)
