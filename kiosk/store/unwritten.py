"""What the store could not take: kept in memory, acted on all the same, and written down as soon as it can be.

Another process may keep the file locked for minutes, and a disk may be full for hours. Whoever wants a charge to end
must not wait for that. So what is harmless to repeat goes on in memory: that a session shall end or be looked at, what
was sent for it, and what upstream said. A start never does, and whatever else cannot be stored raises CannotWrite.

Nothing of it survives the process: a page may not promise more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from threading import RLock
from typing import TypeVar

from sqlalchemy import Connection, insert, select, update

from kiosk.domain.commands import ENDS, PEOPLE, PURSUED, AskedBy, Command, CommandState, Kind, Refusal, Wish
from kiosk.domain.session import Event, Observation, Session, fold, gone
from kiosk.store.aside import UNREADABLE, each
from kiosk.store.cipher import Cipher
from kiosk.store.commands import ENDED, MOST_SENDINGS, WAITING, Commands, keep_wish, says_the_same
from kiosk.store.database import Database
from kiosk.store.errors import CannotWrite, Deposed, Missing, Trouble, WrongState
from kiosk.store.records import ForReader, Lease
from kiosk.store.rows import (
    SELECT_COMMAND,
    append_observation,
    command_from,
    lock_session,
    save_session,
)
from kiosk.store.sessions import Sessions, fold_in
from kiosk.store.tables import commands, sessions
from kiosk.store.types import utc

T = TypeVar("T")

FIRST_ID = 2**53
"""Commands that have no row yet are numbered from here on: above every row, so that the newest is the newest."""
MOST_SAID = 60
"""Answers of upstream that are kept for one session; of more of the same status the newer ones count."""


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer of upstream. `seen` None: it did not know the session."""

    asked_at: datetime
    now: datetime
    seen: Observation | None = None
    source: str = ""

    @property
    def status(self) -> str | None:
        return self.seen.status if self.seen is not None else None


@dataclass(slots=True)
class _OfOne:
    """What is not written of one session. `session`: as it stands by that; None: its row cannot be read."""

    session: Session | None
    wish: Wish | None = None
    said: list[_Said] = field(default_factory=list)
    commands: dict[int, Command] = field(default_factory=dict)


class Unwritten(Sessions, Commands):
    """The parts of the store that go on in memory while it cannot write. Thread-safe."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        super().__init__(database, cipher)
        self._lock = RLock()
        self._memory: dict[str, _OfOne] = {}
        self._written_as: dict[int, int] = {}
        self._next_id = FIRST_ID

    def unwritten(self, key: str) -> bool:
        """Something of this session would be lost if the process ended now."""
        return key in self._memory

    def write_down(self) -> list[str]:
        """Write what is in memory, once some other write has shown that the store takes something again: a full disk
        refuses a transaction only at its end, after all of the work. Returns the keys of those sessions of which all
        is written now.
        """
        with self._lock:
            return [key for key in list(self._memory) if self._write_down(key)]

    # --- what is asked for

    def ask(self, key: str, kind: Kind, asked_by: AskedBy, now: datetime, *, email: str | None = None) -> Command:
        return self._do(
            key,
            lambda: super(Unwritten, self).ask(key, kind, asked_by, now, email=email),
            lambda: self._ask_in_memory(key, kind, asked_by, now),
            possible=kind in PURSUED,
        )

    def claim(self, command_id: int, now: datetime, lease: Lease | None = None) -> bool:
        return self._of_command(
            command_id,
            lambda number: super(Unwritten, self).claim(number, now, lease),
            lambda command: self._claim_in_memory(command, now, lease),
        )

    def withdraw(self, command_id: int, now: datetime) -> bool:
        def in_memory(command: Command) -> bool:
            if command.state is not CommandState.WAITING or command.asked_by in PEOPLE:
                return False
            self._keep(replace(command, state=CommandState.WITHDRAWN, ended_at=utc(now)))
            return True

        return self._of_command(command_id, lambda number: super(Unwritten, self).withdraw(number, now), in_memory)

    def finish(
        self,
        command_id: int,
        state: CommandState,
        now: datetime,
        *,
        refusal: Refusal | None = None,
        detail: str | None = None,
    ) -> None:
        def in_memory(command: Command) -> None:
            if command.state is not CommandState.SENT or state not in ENDED:
                raise WrongState(f"a {command.kind} command cannot go from {command.state} to {state}")
            self._keep(replace(command, state=state, ended_at=utc(now), refusal=refusal, detail=detail))

        return self._of_command(
            command_id,
            lambda number: super(Unwritten, self).finish(number, state, now, refusal=refusal, detail=detail),
            in_memory,
        )

    def again(self, command_id: int, not_before: datetime) -> None:
        def in_memory(command: Command) -> None:
            if command.state in {CommandState.WAITING, CommandState.WITHDRAWN, CommandState.DONE}:
                raise WrongState(f"a {command.kind} command that is {command.state} cannot wait again")
            self._keep(_waits_again(command, utc(not_before)))

        return self._of_command(command_id, lambda number: super(Unwritten, self).again(number, not_before), in_memory)

    # --- what is said

    def observe(self, key: str, seen: Observation, *, source: str) -> tuple[Session, tuple[Event, ...]]:
        def in_memory() -> tuple[Session, tuple[Event, ...]]:
            before = self._known(key)
            after, events = fold(before, seen)
            return self._note(key, before, after, _Said(seen.asked_at, seen.seen_at, seen, source)), events

        return self._do(key, lambda: super(Unwritten, self).observe(key, seen, source=source), in_memory)

    def mark_gone(self, key: str, asked_at: datetime, now: datetime) -> Session:
        def in_memory() -> Session:
            before = self._known(key)
            said = _Said(utc(asked_at), utc(now))
            return self._note(key, before, gone(before, said.asked_at, said.now), said)

        return self._do(key, lambda: super(Unwritten, self).mark_gone(key, asked_at, now), in_memory)

    # --- how it stands by all of that

    def session(self, key: str) -> Session | None:
        with self._lock:
            of_one = self._memory.get(key)
            if of_one is not None and of_one.session is not None:
                return of_one.session
        return super().session(key)

    def for_reader(self, key: str, device: str | None) -> ForReader | None:
        found = super().for_reader(key, device)
        if found is None or key not in self._memory:
            return found
        with self._lock:
            of_one = self._memory.get(key)
            if of_one is None or of_one.session is None:
                return found
            asked = tuple(self._merged(found.commands, lambda one: _of(one, key)))
            return replace(found, session=of_one.session, commands=asked)

    def sessions_to_watch(self) -> list[Session]:
        found = super().sessions_to_watch()
        if not self._memory:
            return found
        with self._lock:
            now = [self._memory[one.key].session or one if one.key in self._memory else one for one in found]
        return [one for one in now if one.watchable and not one.final]

    def command(self, command_id: int) -> Command:
        number = self._written_as.get(command_id, command_id)
        return self._command_in_memory(number) or super().command(number)

    def commands(self, key: str) -> list[Command]:
        return self._merged(super().commands(key), lambda one: _of(one, key))

    def waiting(self, now: datetime) -> list[Command]:
        def may_be_sent(one: Command) -> bool:
            return one.state is CommandState.WAITING and (one.not_before is None or one.not_before <= now)

        return self._merged(super().waiting(now), may_be_sent)

    def next_command_at(self) -> datetime | None:
        if not self._memory:
            return super().next_command_at()
        waiting = self._merged(self._commands(WAITING), lambda one: one.state is CommandState.WAITING)
        return min((one.not_before or one.asked_at for one in waiting), default=None)

    def left_sent(self) -> list[Command]:
        return self._merged(super().left_sent(), lambda one: one.state is CommandState.SENT)

    def sendings(self, keys: Sequence[str]) -> dict[str, int]:
        counted = super().sendings(keys)
        for key in keys:
            if key in self._memory:
                counted[key] = sum(one.kind in ENDS and one.sent_at is not None for one in self.commands(key))
        return counted

    # --- in memory

    def _do(self, key: str, write: Callable[[], T], in_memory: Callable[[], T], *, possible: bool = True) -> T:
        """In the store when all of the session is there; else in memory, until it is written down."""
        if key not in self._memory:
            try:
                return write()
            except CannotWrite:
                if not possible:
                    raise
        with self._lock:
            if key in self._memory and self._write_down(key):
                try:
                    return write()
                except CannotWrite:
                    pass
            if not possible:
                raise CannotWrite(self._database.trouble or Trouble.LOCKED)
            return in_memory()

    def _of_command(self, command_id: int, write: Callable[[int], T], in_memory: Callable[[Command], T]) -> T:
        """The same for a command: one that has no row yet, or one that is sent all the same."""
        number = self._written_as.get(command_id, command_id)
        key = self._key_in_memory(number)
        if key is None:
            try:
                return write(number)
            except CannotWrite:
                known = self._read_command(number)
                if known is None or known.kind not in PURSUED:
                    raise
                key = known.session_key
        with self._lock:
            if key in self._memory and self._write_down(key):
                number = self._written_as.get(command_id, command_id)
                try:
                    return write(number)
                except CannotWrite:
                    pass
            command = self._command_in_memory(number) or self._read_command(number)
            if command is None:
                raise Missing("no such command")
            return in_memory(command)

    def _ask_in_memory(self, key: str, kind: Kind, asked_by: AskedBy, now: datetime) -> Command:
        of_one, now = self._begun(key), utc(now)
        session = of_one.session
        if asked_by in PEOPLE and kind in ENDS and of_one.wish is None:
            of_one.wish = Wish(kind, asked_by, now)
            if session is not None and session.wish is None:
                of_one.session = replace(session, wish=of_one.wish, version=session.version + 1)
        same = [one for one in self.commands(key) if one.kind is kind]
        waiting = next((one for one in reversed(same) if one.state is CommandState.WAITING), None)
        if waiting is not None:
            theirs = asked_by in PEOPLE or waiting.asked_by is AskedBy.KIOSK
            return self._keep(replace(waiting, asked_by=asked_by)) if theirs else waiting
        sent = next((one for one in reversed(same) if one.state is CommandState.SENT), None)
        if sent is not None and says_the_same(sent, asked_by):
            return sent
        if len(same) >= MOST_SENDINGS:
            return self._keep(replace(_waits_again(same[-1], now), asked_by=asked_by))
        self._next_id += 1
        made = Command(self._next_id, key, kind, asked_by, now, CommandState.WAITING, not_before=now)
        return self._keep(made)

    def _claim_in_memory(self, command: Command, now: datetime, lease: Lease | None) -> bool:
        if command.state is not CommandState.WAITING:
            return False
        if lease is not None:
            with self._database.read() as connection:
                if not self._goes_on(connection, lease, utc(now)):
                    raise Deposed("another one leads now")
        self._keep(replace(command, state=CommandState.SENT, sent_at=utc(now), attempts=command.attempts + 1))
        return True

    def _note(self, key: str, before: Session, after: Session, said: _Said) -> Session:
        of_one = self._begun(key)
        of_one.said = _thinned([*of_one.said, said])
        of_one.session = before if after == before else replace(after, version=before.version + 1)
        return of_one.session

    def _known(self, key: str) -> Session:
        found = self.session(key)
        if found is None:
            raise Missing("no such session")
        return found

    def _begun(self, key: str) -> _OfOne:
        """Raises Missing."""
        of_one = self._memory.get(key)
        if of_one is None:
            try:
                session: Session | None = self._known(key)
            except UNREADABLE as error:
                if isinstance(error, Missing):
                    raise
                session = None
            of_one = self._memory[key] = _OfOne(session)
        return of_one

    def _keep(self, command: Command) -> Command:
        self._begun(command.session_key).commands[command.id] = command
        return command

    def _merged(self, stored: Iterable[Command], wanted: Callable[[Command], bool]) -> list[Command]:
        """The stored ones, or what has become of them in memory, and those that have no row yet."""
        if not self._memory:
            return list(stored)
        with self._lock:
            kept = {number: one for of_one in self._memory.values() for number, one in of_one.commands.items()}
        found = [*(one for one in stored if one.id not in kept), *(one for one in kept.values() if wanted(one))]
        return sorted(found, key=lambda one: one.id)

    def _key_in_memory(self, number: int) -> str | None:
        command = self._command_in_memory(number)
        return None if command is None else command.session_key

    def _command_in_memory(self, number: int) -> Command | None:
        if not self._memory:
            return None
        with self._lock:
            return next((one.commands[number] for one in self._memory.values() if number in one.commands), None)

    def _read_command(self, number: int) -> Command | None:
        with self._database.read() as connection:
            query = SELECT_COMMAND.where(commands.c.id == number)
            found = each(connection, query, commands.c.id, command_from, self.aside)
        return found[0] if found else None

    # --- writing it down

    def _write_down(self, key: str) -> bool:
        """All of one session in one transaction. False: the store takes nothing yet."""
        if self._database.trouble is not None:
            return False
        of_one = self._memory[key]
        written: dict[int, int] = {}
        try:
            with self._database.write() as connection:
                there = connection.execute(select(sessions.c.id).where(sessions.c.key == key)).one_or_none()
                if there is not None:
                    if of_one.wish is not None:
                        keep_wish(connection, key, of_one.wish)
                    for said in of_one.said:
                        self._write_said(connection, key, said)
                    for command in of_one.commands.values():
                        written[command.id] = _write_command(connection, command)
        except CannotWrite:
            return False
        self._written_as.update(written)
        del self._memory[key]
        return True

    def _write_said(self, connection: Connection, key: str, said: _Said) -> None:
        try:
            with connection.begin_nested():
                before = lock_session(connection, key)
                if said.seen is None:
                    save_session(connection, before, gone(before, said.asked_at, said.now), said.now)
                else:
                    fold_in(connection, self._cipher, before, said.seen, said.source)
        except (*UNREADABLE, WrongState):
            if said.seen is not None:  # its row cannot be read: what was said is evidence all the same
                append_observation(connection, key, said.source, said.seen)


def _write_command(connection: Connection, command: Command) -> int:
    """The number of its row."""
    values = {column.name: getattr(command, column.name) for column in _COLUMNS}
    if command.id < FIRST_ID:
        connection.execute(update(commands).where(commands.c.id == command.id).values(**values))
        return command.id
    made: int = connection.execute(insert(commands).values(**values).returning(commands.c.id)).scalar_one()
    return made


_COLUMNS = (
    commands.c.session_key,
    commands.c.kind,
    commands.c.asked_by,
    commands.c.asked_at,
    commands.c.state,
    commands.c.attempts,
    commands.c.not_before,
    commands.c.sent_at,
    commands.c.ended_at,
    commands.c.refusal,
    commands.c.detail,
)


def _waits_again(command: Command, not_before: datetime) -> Command:
    return replace(command, state=CommandState.WAITING, not_before=not_before, ended_at=None, refusal=None, detail=None)


def _of(command: Command, key: str) -> bool:
    return command.session_key == key


def _thinned(said: list[_Said]) -> list[_Said]:
    """At most so many: the oldest one goes that was followed by another one of the same status."""
    if len(said) <= MOST_SAID:
        return said
    for place, (one, after) in enumerate(pairwise(said)):
        if one.status == after.status:
            return [*said[:place], *said[place + 1 :]]
    return said[1:]
