"""A store that cannot write, as real ones cannot: locked by another process, full, read-only, a disk that breaks.

Each is a switch: `with locked(store): …`. Reading goes on. What is locked is locked by a second connection; for the
others every write is refused with SQLite's own error, at the moment in which a full disk refuses it: the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from kiosk.store import Store

Switch = Callable[[Store], AbstractContextManager[None]]


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another process writes all the time, as VACUUM does. Nobody waits for it in vain in a test."""
    database = store._database
    other = sqlite3.connect(database._engine.url.database or "", isolation_level=None, timeout=10)
    before, database._patience = database._patience, 0.0
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database._patience = before
        with suppress(sqlite3.OperationalError):
            other.execute("ROLLBACK")
        other.close()


@contextmanager
def _refused(store: Store, code: int, text: str, *, after: int = 0) -> Iterator[None]:
    left = after

    def refuse(connection: Connection) -> None:
        nonlocal left
        if connection.get_execution_options().get("kiosk_write", False):
            left -= 1
            if left >= 0:
                return
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
    return _refused(store, sqlite3.SQLITE_FULL, "database or disk is full", after=after)


def read_only(store: Store) -> AbstractContextManager[None]:
    return _refused(store, sqlite3.SQLITE_READONLY, "attempt to write a readonly database")


def breaking(store: Store) -> AbstractContextManager[None]:
    return _refused(store, sqlite3.SQLITE_IOERR_WRITE, "disk I/O error")


EVERY: dict[str, Switch] = {"locked": locked, "full": full, "read_only": read_only, "broken": breaking}
"""By the word that the store has for it."""
