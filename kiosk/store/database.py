"""The engine set-up and the two ways in: `read()` and `write()`. Beside `postgres` nobody else knows the database.

SQLite: WAL, `BEGIN IMMEDIATE` for every write (so a read that is followed by a write never fails half-way), full
synchronisation, because a start that was claimed before a power cut must still be claimed after it. PostgreSQL keeps
the same promises, see `kiosk.store.postgres`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, Table, create_engine, event, insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool
from sqlalchemy.sql.dml import Delete, Update

from kiosk.store.errors import CannotWrite, InDoubt, Trouble, Unavailable

if TYPE_CHECKING:
    from kiosk.store.postgres import Postgres

PATIENCE_SECONDS = 3.0
"""How long a connection waits for another process's write before it gives up."""
PATIENCE_OF_A_PAGE = 0.2
"""The same for a page that shows what it has, whether or not its wish could be written."""
PATIENCE_AFTERWARDS = 0.1
"""The same while the last write had to give up: the next ones would wait in vain, one after the other."""
LONGEST_TURN = 10.0
"""How long a thread waits for the other threads that write, as long as these can."""
_WRITES = "kiosk_writes"
"""What a connection to SQLite knows of itself while it is about to begin a transaction that writes."""
GLANCE = 0.05
"""So often a thread that waits for its turn looks whether the one before it had to give up."""


def keep_to_ourselves(file: Path) -> None:
    """A database that only this user may read: session keys stand in it. SQLite gives its other files the same mode.

    A file that is there is never opened: closing it would drop every lock of this process on it
    (https://sqlite.org/howtocorrupt.html 2.2), and the next process that leaves would take the log for its own.
    """
    with contextlib.suppress(OSError):  # it is there, or its folder is not: then opening it says so
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    for each in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
        with contextlib.suppress(OSError):
            if stat.S_IMODE(each.stat().st_mode) & 0o077:
                each.chmod(0o600)


class Database:
    """Thread-safe. A connection is held only inside `read()` or `write()`; never open one inside the other."""

    def __init__(self, url: str, *, foreign_keys: bool = True, patience: float = PATIENCE_SECONDS) -> None:
        address = make_url(url)
        kind = address.get_backend_name()
        if kind not in {"sqlite", "postgresql"}:
            raise ValueError("the store needs an address that begins with sqlite:/// or postgresql://")
        self._postgres: Postgres | None = _postgres(address, patience) if kind == "postgresql" else None
        self._engine = self._postgres.engine if self._postgres else _sqlite(address, foreign_keys, patience)
        self._patience = self._usual = patience
        in_memory = address.database in {None, "", ":memory:"}
        self.file = None if kind != "sqlite" or in_memory else Path(address.database or "")
        """None for a server's, and for one that lives in memory."""
        self._writing = self._postgres.writes if self._postgres else self._engine.execution_options(kiosk_write=True)
        # There is one writer at a time. Waiting here is fair and immediate, and takes no connection; waiting in SQLite
        # is polling.
        self._turn = threading.Lock()
        self._trouble: Trouble | None = None
        self._doubts = 0
        self._looking = threading.Lock()
        self._looker: sqlite3.Connection | None = None

    @property
    def shared(self) -> bool:
        """Other machines may write to it, whose clocks are not ours."""
        return self._postgres is not None

    @property
    def doubts(self) -> int:
        """How many commits have got no answer, and may or may not have happened."""
        return self._doubts

    @property
    def trouble(self) -> Trouble | None:
        """Why the last write failed; None as soon as something was written again."""
        return self._trouble

    def state(self) -> int | None:
        """Another number whenever something was committed, by this process or by another one; None where nobody can
        tell, as on a server. It costs a hundredth of a query.
        """
        if self.file is None:
            return None
        with self._looking:
            try:
                if self._looker is None:
                    # A connection that never writes: the number changes with the commits of all others. It makes no
                    # file, which anybody could read.
                    place = f"{self.file.absolute().as_uri()}?mode=rw"
                    self._looker = sqlite3.connect(place, uri=True, timeout=0, check_same_thread=False)
                number: int = self._looker.execute("PRAGMA data_version").fetchone()[0]
            except sqlite3.Error:
                return None
            return number

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view. Nothing may be written through it. Raises Unavailable."""
        try:
            with self._view() as connection:
                yield connection
        except (DBAPIError, PoolTimeout) as error:
            trouble = Trouble.of(error)
            if trouble is None:
                raise
            raise Unavailable(trouble) from error

    def _view(self) -> AbstractContextManager[Connection]:
        return self._postgres.reading() if self._postgres is not None else self._engine.connect()

    def time_of(self, connection: Connection, now: datetime) -> datetime:
        """The moment by the server's clock; `now` where there is no server."""
        return now if self._postgres is None else self._postgres.now(connection)

    def server_time(self) -> datetime | None:
        """The moment by the database server's clock; None for a file. Raises Unavailable."""
        if self._postgres is None:
            return None
        with self.read() as connection:
            return self._postgres.now(connection)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, or rolled back whole when an exception leaves the block.

        Raises CannotWrite when the disk is full, or others write for longer than the patience lasts.
        """
        try:
            with self._transaction(LONGEST_TURN, self._patience) as connection:
                yield connection
        except CannotWrite as error:
            self._trouble = error.trouble
            if isinstance(error, InDoubt):
                self._doubts += 1
            raise

    @contextmanager
    def write_soon(self, seconds: float = PATIENCE_OF_A_PAGE) -> Iterator[Connection]:
        """A transaction for what may as well be left undone. Raises CannotWrite when others write for longer."""
        with self._transaction(seconds, min(seconds, self._patience)) as connection:
            yield connection

    @contextmanager
    def _transaction(self, turn: float, patience: float) -> Iterator[Connection]:
        if not self._gain_turn(turn):
            raise CannotWrite(self._trouble or Trouble.LOCKED)
        patience = self._shortened(patience)
        try:
            if self._postgres is not None:
                with self._postgres.writing(patience) as connection:
                    yield connection
                self._trouble = None
                return
            with self._writing.connect() as connection:
                raw = cast("sqlite3.Connection", connection.connection.dbapi_connection)
                before = raw.total_changes
                with self._waiting(raw, patience):
                    connection.connection.info[_WRITES] = True
                    with connection.begin():
                        yield connection
                if raw.total_changes > before:
                    self._trouble = None
        except (DBAPIError, PoolTimeout) as error:
            trouble = Trouble.of(error)
            if trouble is None:
                raise
            raise CannotWrite(trouble) from error
        finally:
            self._turn.release()

    def _shortened(self, patience: float) -> float:
        """Asked by whoever has the turn: the one before it may just have found out that the store takes nothing."""
        return patience if self._trouble is None else min(patience, PATIENCE_AFTERWARDS)

    def _gain_turn(self, seconds: float) -> bool:
        """Wait for the threads that write; once one of them had to give up, no longer than for the store itself."""
        begun = time.monotonic()
        while (left := begun + seconds - time.monotonic()) > 0:
            if self._turn.acquire(timeout=min(left, GLANCE)):
                return True
            if self._trouble is not None and time.monotonic() - begun > PATIENCE_AFTERWARDS:
                return False
        return self._turn.acquire(blocking=False)

    @contextmanager
    def _waiting(self, raw: sqlite3.Connection, seconds: float) -> Iterator[None]:
        """How long that connection waits for others; as ever afterwards."""
        if seconds == self._usual:
            yield
            return
        raw.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        try:
            yield
        finally:
            raw.execute(f"PRAGMA busy_timeout = {int(self._usual * 1000)}")

    def close(self) -> None:
        """Give all connections back. It may be used again, with new ones."""
        with self._looking:
            if self._looker is not None:
                self._looker.close()
            self._looker = None
        self._engine.dispose()


def insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row; False, and nothing changed, when its key exists already."""
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**values))
    except IntegrityError:
        return False
    return True


def changed_one(connection: Connection, statement: Update | Delete, values: Mapping[str, Any] | None = None) -> bool:
    """Run a conditional change; True when it changed exactly one row. `values` for what the statement leaves open."""
    return connection.execute(statement, values).rowcount == 1


def _postgres(address: URL, patience: float) -> Postgres:
    """Raises ModuleNotFoundError without psycopg, which only a fleet needs."""
    from kiosk.store.postgres import Postgres

    return Postgres(address, patience)


def _sqlite(address: URL, foreign_keys: bool, patience: float) -> Engine:
    if address.database:
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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

    # Where SQLAlchemy knows of no event of the engine it looks for none, before and after every statement.
    engine.dialect.do_begin = _begin  # type: ignore[assignment, method-assign]
    return engine


def _begin(connection: PoolProxiedConnection) -> None:
    """Begin what `_WRITES` says; what SQLite says against it is wrapped by SQLAlchemy as every other error."""
    raw = cast("sqlite3.Connection", connection.dbapi_connection)
    raw.execute("BEGIN IMMEDIATE" if connection.info.pop(_WRITES, False) else "BEGIN")


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
