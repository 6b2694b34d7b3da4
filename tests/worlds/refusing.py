"""A store that cannot write, as real ones cannot: locked by another process, full, read-only, a disk that breaks.

Each is a switch: `with locked(store): …`. Reading goes on. What is locked is locked by a second connection; for the
others every write is refused with the database's own error, at the moment in which a full disk refuses it: the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import psycopg
from psycopg import errors
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, OperationalError

from kiosk.store import Store
from kiosk.store.postgres import WRITING

Switch = Callable[[Store], AbstractContextManager[None]]


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another process writes all the time, as VACUUM does. Nobody waits for it in vain in a test."""
    database = store._database
    before, database._patience = database._patience, 0.0
    try:
        with _postgres_writer(store) if database.shared else _sqlite_writer(store):
            yield
    finally:
        database._patience = before


@contextmanager
def _sqlite_writer(store: Store) -> Iterator[None]:
    other = sqlite3.connect(store._database._engine.url.database or "", isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        with suppress(sqlite3.OperationalError):
            other.execute("ROLLBACK")
        other.close()


@contextmanager
def _postgres_writer(store: Store) -> Iterator[None]:
    with psycopg.connect(dsn_of(store)) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({WRITING})".encode())
        yield
        other.rollback()


def dsn_of(store: Store) -> str:
    """The address of its database, as psycopg takes it."""
    url = store._database._engine.url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


@contextmanager
def _refused(store: Store, code: int, of_postgres: type[psycopg.Error], text: str, *, after: int = 0) -> Iterator[None]:
    left = after

    def refuse(connection: Connection) -> None:
        nonlocal left
        if connection.get_execution_options().get("kiosk_write", False):
            left -= 1
            if left >= 0:
                return
            if store._database.shared:
                raise DBAPIError("COMMIT", {}, of_postgres(text))
            error = sqlite3.OperationalError(text)
            error.sqlite_errorcode = code
            raise OperationalError("COMMIT", {}, error)

    engine = store._database._writing
    event.listen(engine, "commit", refuse)
    try:
        yield
    finally:
        event.remove(engine, "commit", refuse)


def full(store: Store, *, after: int = 0) -> AbstractContextManager[None]:
    """`after`: so many writes still find room."""
    return _refused(store, sqlite3.SQLITE_FULL, errors.DiskFull, "database or disk is full", after=after)


def read_only(store: Store) -> AbstractContextManager[None]:
    return _refused(
        store, sqlite3.SQLITE_READONLY, errors.ReadOnlySqlTransaction, "attempt to write a readonly database"
    )


def breaking(store: Store) -> AbstractContextManager[None]:
    return _refused(store, sqlite3.SQLITE_IOERR_WRITE, errors.IoError, "disk I/O error")


EVERY: dict[str, Switch] = {"locked": locked, "full": full, "read_only": read_only, "broken": breaking}
"""By the word that the store has for it."""
