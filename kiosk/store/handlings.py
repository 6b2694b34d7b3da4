"""What people did about what needs a person: a list that only grows, and the queue as people page through it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Tuple,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from kiosk.domain.attention import Attention
from kiosk.domain.handling import CannotHandle, Did, Handling, handled
from kiosk.store.exceptions import Listed, listed_from
from kiosk.store.rows import Part
from kiosk.store.tables import exceptions, handlings
from kiosk.store.types import utc

ERASED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Handled:
    """One thing that somebody did about the row `exception_id`. `until`: of what was set aside."""

    id: int
    exception_id: int
    at: datetime
    who: str
    did: Did
    note: str | None = None
    until: datetime | None = None


class State(StrEnum):
    """Where a row stands for people. The first three are open."""

    WAITS = "waits"
    ASIDE = "aside"
    DONE = "done"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of the queue. None: whatever it is."""

    state: State = State.WAITS
    kinds: Collection[Attention] | None = None
    codes: Collection[str] | None = None
    owner: str | None = None


Place = tuple[str, datetime, int]
"""Where a page of the queue goes on: level (of closed ones, when it closed), since and id of its last row."""


class Handlings(Part):
    def handle(
        self,
        exception_id: int,
        did: Did,
        who: str,
        now: datetime,
        *,
        note: str | None = None,
        until: datetime | None = None,
    ) -> Listed:
        """Write down that `who` did this about an open row. Raises CannotHandle: `gone` when it is not open any more,
        or what `handled` raises.
        """
        with self._database.write() as connection:
            row = _open_row(connection, exception_id)
            after = handled(row.handling, row.matter, did, who, now, until)
            _write(connection, row, after, Handled(0, row.id, utc(now), who, did, note, utc(until) if until else None))
        return self.exception(exception_id)

    def undo(self, exception_id: int, who: str, now: datetime, act: int | None = None) -> Listed:
        """Take back the last thing that was done about an open row, notes left out; done again, it brings that back.

        `act` is the one that whoever asks has seen as the last. Raises CannotHandle: `gone`, `nothing`, or `newer` when
        somebody has done something since.
        """
        with self._database.write() as connection:
            row = _open_row(connection, exception_id)
            query = select(handlings).where(handlings.c.exception_id == row.id, handlings.c.did != Did.NOTED)
            last = connection.execute(query.order_by(handlings.c.id.desc()).limit(1)).mappings().one_or_none()
            if last is None:
                raise CannotHandle("nothing")
            if act is not None and last["id"] != act:
                raise CannotHandle("newer")
            before = Handling(last["was_owner"], last["was_aside_until"], last["was_done_at"])
            _write(connection, row, before, Handled(0, row.id, utc(now), who, Did.UNDONE))
        return self.exception(exception_id)

    def exception(self, exception_id: int) -> Listed:
        """One row, open or closed. Raises CannotHandle."""
        with self._database.read() as connection:
            row = connection.execute(select(exceptions).where(exceptions.c.id == exception_id)).mappings().one_or_none()
        if row is None:
            raise CannotHandle("gone")
        return listed_from(row)

    def handlings_of(self, rows: Collection[int]) -> dict[int, list[Handled]]:
        """By row, oldest first."""
        query = select(handlings).where(handlings.c.exception_id.in_(rows)).order_by(handlings.c.id)
        found: dict[int, list[Handled]] = {number: [] for number in rows}
        with self._database.read() as connection:
            for row in connection.execute(query).mappings():
                names = ("id", "exception_id", "at", "who", "did", "note", "until")
                found[row["exception_id"]].append(Handled(**{name: row[name] for name in names}))
        return found

    def waiting_for_people(self, wanted: Wanted, now: datetime, limit: int, after: Place | None = None) -> list[Listed]:
        """The loudest and oldest first; closed ones, the last closed first. `after`: where the page before ended."""
        query = _select(wanted, now)
        c = exceptions.c
        if wanted.state is State.CLOSED:
            if after is not None:
                place = (datetime.fromisoformat(after[0]), *after[1:])
                query = query.where(tuple_(c.closed_at, c.since, c.id) < _at(c.closed_at, c.since, c.id, values=place))
            query = query.order_by(c.closed_at.desc(), c.since.desc(), c.id.desc())
        else:
            if after is not None:
                query = query.where(tuple_(c.level, c.since, c.id) > _at(c.level, c.since, c.id, values=after))
            query = query.order_by(c.level, c.since, c.id)  # the words of the levels stand in the order of loudness
        with self._database.read() as connection:
            return [listed_from(row) for row in connection.execute(query.limit(limit)).mappings()]

    def how_many_wait(self, wanted: Wanted, now: datetime) -> dict[State, int]:
        """How many rows there are of each open state, whatever state is wanted."""
        c = exceptions.c
        is_done = c.done_at.is_not(None)
        is_aside = and_(c.done_at.is_(None), c.aside_until.is_not(None), c.aside_until > utc(now))
        query = select(func.count(), func.sum(case((is_aside, 1), else_=0)), func.sum(case((is_done, 1), else_=0)))
        with self._database.read() as connection:
            every, aside, done = connection.execute(query.where(c.closed_at.is_(None), *_narrowed(wanted))).one()
        return {State.WAITS: every - (aside or 0) - (done or 0), State.ASIDE: aside or 0, State.DONE: done or 0}

    def forget_notes(self, before: datetime) -> int:
        """Notes of what was closed before then: what people write may name somebody. Returns how many."""
        over = exists().where(exceptions.c.id == handlings.c.exception_id, exceptions.c.closed_at < utc(before))
        some = select(handlings.c.id).where(handlings.c.did == Did.NOTED, over).limit(ERASED_AT_ONCE)
        with self._database.write() as connection:
            return connection.execute(delete(handlings).where(handlings.c.id.in_(some))).rowcount


def place_of(row: Listed) -> Place:
    """Where the page after this row begins."""
    if row.closed_at is not None:
        return row.closed_at.isoformat(), row.matter.since, row.id
    return row.level.value, row.matter.since, row.id


def _select(wanted: Wanted, now: datetime) -> Select[Any]:
    c, at = exceptions.c, utc(now)
    is_aside = and_(c.aside_until.is_not(None), c.aside_until > at)
    of_state: dict[State, Sequence[ColumnElement[bool]]] = {
        State.WAITS: (c.closed_at.is_(None), c.done_at.is_(None), or_(c.aside_until.is_(None), c.aside_until <= at)),
        State.ASIDE: (c.closed_at.is_(None), c.done_at.is_(None), is_aside),
        State.DONE: (c.closed_at.is_(None), c.done_at.is_not(None)),
        State.CLOSED: (c.closed_at.is_not(None),),
    }
    return select(exceptions).where(*of_state[wanted.state], *_narrowed(wanted))


def _narrowed(wanted: Wanted) -> list[ColumnElement[bool]]:
    """By kinds, chargers and owner; not by state."""
    c = exceptions.c
    found: list[ColumnElement[bool]] = []
    if wanted.kinds is not None:
        found.append(c.kind.in_(wanted.kinds))
    if wanted.codes is not None:
        found.append(c.code.in_(wanted.codes))
    if wanted.owner is not None:
        found.append(c.owner == wanted.owner)
    return found


def _at(*columns: Column[Any], values: Sequence[object]) -> Tuple:
    """A place as the database compares it with those columns."""
    return tuple_(*(literal(value, column.type) for column, value in zip(columns, values, strict=True)))


def _open_row(connection: Connection, exception_id: int) -> Listed:
    query = select(exceptions).where(exceptions.c.id == exception_id, exceptions.c.closed_at.is_(None))
    row = connection.execute(query.with_for_update()).mappings().one_or_none()
    if row is None:
        raise CannotHandle("gone")
    return listed_from(row)


def _write(connection: Connection, row: Listed, after: Handling, act: Handled) -> None:
    was = row.handling
    connection.execute(
        insert(handlings).values(
            exception_id=row.id,
            at=act.at,
            who=act.who,
            did=act.did,
            note=act.note,
            until=act.until,
            was_owner=was.owner,
            was_aside_until=was.aside_until,
            was_done_at=was.done_at,
        )
    )
    changed = {"owner": after.owner, "aside_until": after.aside_until, "done_at": after.done_at}
    connection.execute(update(exceptions).where(exceptions.c.id == row.id).values(**changed))
