"""Copies one store into an empty one of another kind, row by row as they are stored, and compares the two.

Nothing is decrypted, and a row that this version cannot read is copied as well. While it is copied nobody can write to
the old store; the new one is written in one transaction, so that there is all of it or nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Select, Table, func, insert, select

from kiosk.store.aside import UNREADABLE
from kiosk.store.cipher import Cipher
from kiosk.store.database import Database
from kiosk.store.schema import is_newest
from kiosk.store.store import Store
from kiosk.store.tables import leases, metadata
from kiosk.store.types import Document, Exact, Word

AT_ONCE = 500
PATIENCE_SECONDS = 120.0
_NUL = "\0"
_NUL_WRITTEN = "\ufffd"
"""What PostgreSQL keeps in its place."""


class CannotMove(Exception):
    """Nothing was changed. The text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows by table, and how many rows break a rule about money: as many as before."""

    rows: dict[str, int]
    offences: int


def move(old_url: str, new_url: str, secret_keys: tuple[str, ...], now: datetime) -> Moved:
    """Copy all of the old store into the new one, which is given its tables first. Raises CannotMove, Unavailable."""
    cipher = Cipher(secret_keys)
    old, new = Store(old_url, cipher), Store(new_url, cipher)
    try:
        _is_ready(old, now)
        new.migrate()
        before = _offences(old, now)
        source, target = Database(old_url), Database(new_url, patience=PATIENCE_SECONDS)
        try:
            with source.write() as there, target.write() as here:
                rows = _copy(there, here)
        finally:
            source.close()
            target.close()
        after = _offences(new, now)
        if after != before:
            raise CannotMove(
                f"The copy breaks {len(after)} rules where the old store breaks {len(before)}: do not use it, and "
                "report this."
            )
        return Moved(rows, len(after))
    finally:
        old.close()
        new.close()


def _is_ready(old: Store, now: datetime) -> None:
    if not is_newest(old._database):
        raise CannotMove("The old database is not at the newest version: run `kiosk migrate` first.")
    with old._database.read() as connection:
        until = connection.execute(select(func.max(leases.c.until))).scalar_one()
    if until is not None and until > now:
        raise CannotMove("A kiosk works with the old database: stop it, wait ten seconds, and try again.")


def _offences(store: Store, now: datetime) -> list[tuple[str, str, str]]:
    return sorted((one.check, one.text, one.key or "") for one in store.offences(now))


def _copy(there: Connection, here: Connection) -> dict[str, int]:
    counted = {}
    for table in _raw():
        if here.execute(select(func.count()).select_from(table)).scalar_one():
            raise CannotMove(f"The new database is not empty ({table.name}): give one that no kiosk has used.")
        counted[table.name] = _copy_table(there, here, table)
        _set_sequence(here, table)
        if _content(there, table) != _content(here, table):
            raise CannotMove(f"What arrived of {table.name} is not what was there: nothing was moved.")
    return counted


def _copy_table(there: Connection, here: Connection, table: Table) -> int:
    count = 0
    for batch in _rows(there, table):
        here.execute(insert(table), batch)
        count += len(batch)
    return count


def _rows(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """All of them in batches."""
    try:
        found = connection.execute(_in_order(table)).mappings()
        while batch := found.fetchmany(AT_ONCE):
            yield [dict(row) for row in batch]
    except UNREADABLE as error:
        raise CannotMove(f"A row of {table.name} holds what is no time: repair it, or restore a backup.") from error


def _in_order(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key.columns)


def _content(connection: Connection, table: Table) -> tuple[int, int]:
    """How many rows, and a number that is another one when any of them differs. In no order: databases sort apart."""
    count, total = 0, 0
    for batch in _rows(connection, table):
        for row in batch:
            words = "\x1f".join(f"{name}={_written(value)}" for name, value in sorted(row.items()))
            total ^= int.from_bytes(hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest())
            count += 1
    return count, total


def _written(value: Any) -> str:
    if isinstance(value, str):
        return repr(value.replace(_NUL, _NUL_WRITTEN))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return repr(bytes(value) if isinstance(value, memoryview) else value)


def _set_sequence(here: Connection, table: Table) -> None:
    """The next row gets a number of its own."""
    keys = list(table.primary_key.columns)
    if len(keys) != 1 or not isinstance(keys[0].type, Integer) or keys[0].autoincrement is False:
        return
    name, column = table.name, keys[0].name
    sequence = here.exec_driver_sql(f"SELECT pg_get_serial_sequence('{name}', '{column}')").scalar_one()
    if sequence is not None:
        newest = f"(SELECT max({column}) FROM {name})"  # noqa: S608 - names of our own tables
        here.exec_driver_sql(f"SELECT setval('{sequence}', {newest}) WHERE {newest} IS NOT NULL")


def _raw() -> list[Table]:
    """The tables as text, numbers and times, those first to which others point: what only some versions can read is
    text here.
    """
    raw = MetaData()
    return [Table(table.name, raw, *(_raw_column(one) for one in table.columns)) for table in metadata.sorted_tables]


def _raw_column(column: Column[Any]) -> Column[Any]:
    kind: Any = column.type
    if isinstance(kind, Document | Exact | Word):
        kind = kind.impl_instance
    return Column(column.name, kind, primary_key=column.primary_key, autoincrement=column.autoincrement)
