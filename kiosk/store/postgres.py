"""PostgreSQL as a store: one writer at a time in the whole fleet, as on SQLite, and readers that never wait.

Every write begins with one advisory lock, so that what was thought through for one file with one writer holds for many
machines: nothing changes between a look and the write that follows from it. A process that is frozen inside of a
transaction loses it: the server ends it, and nobody waits for it for longer than their patience.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.pool import QueuePool

from kiosk.store.errors import InDoubt, Trouble

WRITING = 5_283_164_001
"""The advisory lock of whoever writes. A number of our own: other programs on the same database do not take it."""
LONGEST_IDLE = 2.0
"""Seconds between two statements of a write, after which the server ends it: less than others wait."""
LONGEST_VIEW = 60.0
"""The same for a read, for which nobody waits."""
LONGEST_STATEMENT = 30.0
"""Seconds after which the server gives up a statement, waiting included."""
CONNECTIONS = 8
"""Connections that stay open in one process; as many more come and go when it is needed."""
_LINE: dict[str, Any] = {
    "application_name": "kiosk",
    "connect_timeout": 3,
    # A line that is dead is noticed in seconds, not in the hours that TCP takes by itself.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_LOOK_EVERY = 0.2
_BAD_VALUE = "22"
_NOT_TAKEN = "a value that the database does not take"


def address_of(url: URL) -> URL:
    """The address with our driver, and with what a line needs that the operator has not said otherwise."""
    line = {name: str(value) for name, value in _LINE.items() if name not in url.query}
    return url.set(drivername="postgresql+psycopg").update_query_dict(line)


class _Text(StrDumperUnknown):
    """Text without the one character that PostgreSQL does not keep. Whoever types it finds nothing."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class Postgres:
    """Thread-safe. Transactions are begun here, and not by the driver: with one message to the server."""

    def __init__(self, url: URL, patience: float) -> None:
        self.engine = _engine(address_of(url), patience)
        self.writes = self.engine.execution_options(kiosk_write=True)
        self._patience = patience

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view in which nothing can be written."""
        connection, _ = self._begun(self.engine, _READ)
        with connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, patience: float) -> Iterator[Connection]:
        """One transaction that no other one writes beside. `patience`: how long others are waited for.

        Raises InDoubt, and what the database raises.
        """
        wait = max(1, int(patience * 1000))
        idle = int(max(LONGEST_IDLE, self._patience / 2) * 1000)  # a migration has much to think about
        connection, number = self._begun(
            self.writes,
            f"BEGIN; SET LOCAL lock_timeout = {wait}; SET LOCAL idle_in_transaction_session_timeout = {idle}; "
            f"SELECT pg_advisory_xact_lock({WRITING}); "
            "SELECT CAST(pg_current_xact_id() AS text)",
        )
        with connection:
            transaction = connection.begin()
            try:
                yield connection
            except BaseException:
                transaction.rollback()
                raise
            if _failed(connection):  # a commit would roll it back, and say nothing
                transaction.rollback()
                raise RuntimeError("a statement of this transaction failed, and nobody said so")
            try:
                transaction.commit()
            except exc.DBAPIError as error:
                # Its answer was lost, which says nothing about it: it is looked up.
                if Trouble.of(error) is Trouble.AWAY and self._was_committed(number):
                    return
                _give_up(connection)
                raise

    def now(self, connection: Connection) -> datetime:
        """The moment by the server's clock."""
        said: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return said.astimezone(UTC)

    def _begun(self, engine: Engine, begin: str) -> tuple[Connection, str]:
        """A connection with a transaction that goes on, and the number of that transaction.

        A connection of the pool may have died since it was used last: then all of them have, and a new one is made.
        """
        for again in (True, False):
            connection = engine.connect()
            raw: Any = connection.connection.dbapi_connection
            try:
                answer = raw.execute(begin)
                while answer.nextset():
                    pass
                return connection, answer.fetchone()[0] if answer.description else ""
            except BaseException as error:
                dead = raw.closed
                if dead:
                    connection.invalidate()
                connection.close()
                if dead and again and isinstance(error, Exception):
                    self.engine.dispose()
                    continue
                if isinstance(error, self.engine.dialect.loaded_dbapi.Error):
                    wrapped = exc.DBAPIError.instance(
                        begin,
                        None,
                        error,
                        self.engine.dialect.loaded_dbapi.Error,
                        hide_parameters=True,
                        connection_invalidated=dead,
                        dialect=self.engine.dialect,
                    )
                    raise wrapped from error
                raise
        raise AssertionError("the second attempt returns or raises")

    def _was_committed(self, number: str) -> bool:
        """What became of a transaction whose commit was sent and not answered. Raises InDoubt."""
        give_up = time.monotonic() + self._patience
        while True:
            try:
                with self.engine.connect() as connection:
                    query = f"SELECT pg_xact_status(CAST('{int(number)}' AS xid8))"
                    said = connection.exec_driver_sql(query).scalar_one_or_none()
                if said != "in progress":
                    return bool(said == "committed")
            except exc.DBAPIError:
                self.engine.dispose()
            if time.monotonic() >= give_up:
                raise InDoubt(Trouble.AWAY)
            time.sleep(_LOOK_EVERY)

    def close(self) -> None:
        self.engine.dispose()


def _failed(connection: Connection) -> bool:
    raw: Any = connection.connection.dbapi_connection
    return bool(raw.info.transaction_status.name == "INERROR")


def _give_up(connection: Connection) -> None:
    """Roll back, whatever is believed of the transaction: nothing of it may be there for whoever is next."""
    raw: Any = connection.connection.dbapi_connection if not connection.invalidated else None
    if raw is not None and not raw.closed:
        raw.rollback()


def _engine(address: URL, patience: float) -> Engine:
    engine = create_engine(
        address,
        poolclass=QueuePool,
        pool_size=CONNECTIONS,
        max_overflow=CONNECTIONS,
        pool_timeout=max(patience, 0.1),
        hide_parameters=True,
        connect_args={"autocommit": True},  # the driver begins nothing by itself
    )
    statement = int((LONGEST_STATEMENT + patience) * 1000)
    idle = int(LONGEST_VIEW * 1000)

    @event.listens_for(engine, "handle_error")
    def _tell_no_values(context: ExceptionContext) -> None:
        """The server's details name the values that were refused: keys, and what people have written."""
        error, wrapped = context.original_exception, context.sqlalchemy_exception
        said = getattr(getattr(error, "diag", None), "message_primary", None)
        if said is not None and wrapped is not None:
            refused = str(getattr(error, "sqlstate", ""))[:2] == _BAD_VALUE
            error.args = (_NOT_TAKEN if refused else said,)
            wrapped.args = (f"({type(error).__name__}) {error.args[0]}",)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.adapters.register_dumper(str, _Text)
        connection.execute(
            f"SET timezone = 'UTC'; SET statement_timeout = {statement}; "
            f"SET idle_in_transaction_session_timeout = {idle}"
        )

    return engine
