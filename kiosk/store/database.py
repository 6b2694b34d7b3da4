"""The engine set-up and the two ways in: `read()` and `write()`. The only place that knows which database it is.

SQLite: WAL, `BEGIN IMMEDIATE` for every write (so a read that is followed by a write never fails half-way), full
synchronisation, because a start that was claimed before a power cut must still be claimed after it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.dml import Delete, Update

PATIENCE_SECONDS = 10.0
"""How long a connection waits for another process's write before it gives up."""
PATIENCE_OF_A_PAGE = 0.2
"""The same for a page that shows what it has, whether or not its wish could be written."""


def keep_to_ourselves(file: Path) -> None:
    """A database that only this user may read: session keys stand in it. SQLite gives its other files the same mode."""
    with contextlib.suppress(OSError):  # somebody else's file, or a folder that is not there: opening it says so
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    for each in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
        with contextlib.suppress(OSError):
            if stat.S_IMODE(each.stat().st_mode) & 0o077:
                each.chmod(0o600)


class Database:
    """Thread-safe. A connection is held only inside `read()` or `write()`; never open one inside the other."""

    def __init__(self, url: str, *, foreign_keys: bool = True, patience: float = PATIENCE_SECONDS) -> None:
        address = make_url(url)
        if address.get_backend_name() != "sqlite":
            raise ValueError("the store works on SQLite: the address has to begin with sqlite:///")
        self._engine = _sqlite(address, foreign_keys, patience)
        self._patience = patience
        self._writing = self._engine.execution_options(kiosk_write=True)
        # SQLite has one writer at a time. Waiting here is fair and immediate; waiting in SQLite is polling.
        self._turn = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view. Nothing may be written through it."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, or rolled back whole when an exception leaves the block."""
        with self._turn, self._writing.begin() as connection:
            yield connection

    @contextmanager
    def write_soon(self, seconds: float) -> Iterator[Connection | None]:
        """A transaction for what may as well be left undone. None when others write for longer than that."""
        if not self._turn.acquire(timeout=seconds):
            yield None
            return
        try:
            with self._writing.connect() as connection:
                raw = connection.connection.cursor()
                raw.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
                try:
                    transaction = connection.begin()
                except OperationalError:
                    transaction = None
                finally:
                    raw.execute(f"PRAGMA busy_timeout = {int(self._patience * 1000)}")
                if transaction is None:
                    yield None
                    return
                with transaction:
                    yield connection
        finally:
            self._turn.release()

    def close(self) -> None:
        self._engine.dispose()


def insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row; False, and nothing changed, when its key exists already."""
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**values))
    except IntegrityError:
        return False
    return True


def changed_one(connection: Connection, statement: Update | Delete) -> bool:
    """Run a conditional change; True when it changed exactly one row."""
    return connection.execute(statement).rowcount == 1


def _sqlite(address: URL, foreign_keys: bool, patience: float) -> Engine:
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=24,
        hide_parameters=True,
        connect_args={"timeout": patience, "check_same_thread": False},
    )

    @event.listens_for(engine, "do_connect")
    def _make(*_connecting: object) -> None:
        if address.database and address.database != ":memory:":
            keep_to_ourselves(Path(address.database))

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # Python's own implicit BEGIN would be deferred; `_begin` says which kind is wanted.
        connection.isolation_level = None
        _use_wal(connection, patience)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("kiosk_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection, patience: float) -> None:
    """Turn WAL on. The first time this needs the file alone, and SQLite does not wait for that by itself."""
    give_up = time.monotonic() + patience
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
    if mode != "wal":
        raise RuntimeError("the store needs an SQLite file on a local disk: write-ahead logging could not be turned on")
