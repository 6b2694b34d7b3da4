"""Rows that this version cannot read: put aside with their reason, so that one of them keeps no other away.

A currency that is no longer one, a word of another release, a document that was damaged. They are left where they are
and tried again, at first at the next read, then less and less often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, RowMapping, Select

T = TypeVar("T")

UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
"""What reading a row raises when its content makes no sense. What the database itself raises is another matter."""
SELDOM = 64
"""Reads that a row is left out of at most, before it is tried again."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """`row` is the key of a session or the number of another row; `key` that of its session, when it is one."""

    table: str
    row: str = field(repr=False)
    reason: str
    key: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Known:
    what: Unreadable
    tries: int = 1
    left_out: int = 0


class Aside:
    """What could not be read when it was last tried. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[tuple[str, str], _Known] = {}

    def __bool__(self) -> bool:
        """Something is put aside."""
        return bool(self._known)

    def all(self) -> tuple[Unreadable, ...]:
        with self._lock:
            return tuple(known.what for known in self._known.values())

    def put(self, table: str, row: object, error: Exception) -> None:
        """It could not be read, again or for the first time."""
        place = table, str(row)
        key = str(row) if table == "sessions" else None
        with self._lock:
            known = self._known.setdefault(place, _Known(Unreadable(table, str(row), reason_of(error), key), 0))
            known.tries += 1
            known.left_out = min(2 ** (known.tries - 1), SELDOM) - 1

    def read(self, table: str, rows: Iterable[object]) -> None:
        """These can be read (again)."""
        with self._lock:
            if self._known:
                for row in rows:
                    self._known.pop((table, str(row)), None)

    def left_out(self, table: str) -> set[str]:
        """The rows of a table that the read that begins now leaves out."""
        found = set()
        with self._lock:
            for (where, row), known in self._known.items():
                if where == table and known.left_out > 0:
                    known.left_out -= 1
                    found.add(row)
        return found


def reason_of(error: Exception) -> str:
    """Why, in few words. Only the kind of the error: its text could carry what stands in the row."""
    return type(error).__name__


def each(
    connection: Connection,
    query: Select[Any],
    column: Column[Any],
    make: Callable[[RowMapping], T],
    aside: Aside,
    **values: object,
) -> list[T]:
    """What `make` makes of every row that can be read, in their order; the others are put aside.

    `column` names a row, and is one of those that the query selects. `values` for what the query leaves open.
    """
    table, name = column.table.name, column.name
    left_out = aside.left_out(table)
    if left_out:
        query = query.where(column.not_in([column.type.python_type(row) for row in left_out]))
    try:
        rows = connection.execute(query, values).mappings().all()
        made = [make(row) for row in rows]
    except UNREADABLE:
        return _one_by_one(connection, query, column, make, aside, values)
    aside.read(table, (row[name] for row in rows))
    return made


def _one_by_one(
    connection: Connection,
    query: Select[Any],
    column: Column[Any],
    make: Callable[[RowMapping], T],
    aside: Aside,
    values: dict[str, object],
) -> list[T]:
    made: list[T] = []
    names = query.with_only_columns(column, maintain_column_froms=True)
    for row in connection.execute(names, values).scalars().all():
        try:
            found = connection.execute(query.where(column == row), values).mappings().one()
            made.append(make(found))
        except UNREADABLE as error:
            aside.put(column.table.name, row, error)
        else:
            aside.read(column.table.name, [row])
    return made
