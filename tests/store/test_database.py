"""The file itself: write-ahead log, transactions that are whole or nothing, many threads and processes."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DataError, OperationalError

from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.store import Cipher, NaiveTime, Store
from kiosk.store.database import Database
from kiosk.store.errors import Unavailable, WrongState
from kiosk.store.rows import save_session
from kiosk.store.tables import metadata

from .build import NOW, PAYMENT, at_once, charging, later, opened, queued, seen, stored

TOO_LARGE = 2**70


def pragma(store: Store, name: str) -> object:
    with store._database.read() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def everything(store: Store) -> list[tuple[Any, ...]]:
    """Every row of every table."""
    with store._database.read() as connection:
        return [
            tuple(row)
            for table in metadata.sorted_tables
            for row in connection.exec_driver_sql(f"SELECT * FROM {table.name} ORDER BY 1, 2")  # noqa: S608
        ]


def test_the_write_ahead_log_is_on(store: Store, path: Path) -> None:
    assert store.healthy()
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


@pytest.mark.sqlite
def test_a_test_that_is_not_about_the_disk_does_not_wait_for_it(store: Store) -> None:
    assert pragma(store, "synchronous") == 0


@pytest.mark.durable
@pytest.mark.sqlite
def test_foreign_keys_are_checked_and_writes_reach_the_disk(store: Store) -> None:
    assert (pragma(store, "foreign_keys"), pragma(store, "synchronous"), pragma(store, "busy_timeout")) == (1, 2, 3000)


def test_no_connection_is_held_between_calls(store: Store) -> None:
    key = opened(store)
    at_once(10, lambda n: store.observe(key, charging(20 + n), source="read"))
    with pytest.raises(NaiveTime):
        store.hint(key, NOW.replace(tzinfo=None))
    assert store._database._engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_read_does_not_wait_for_a_write(store: Store) -> None:
    key = opened(store)
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET limit_minor = 7")
        session = store.session(key)
    assert session is not None
    assert session.limit_minor is None


def test_two_stores_on_one_file_see_each_other(store: Store, second: Store) -> None:
    key = opened(store)
    assert second.session(key) == store.session(key)
    assert second.set_limit(key, 2000) == store.session(key)


def test_many_threads_write_through_two_stores(store: Store, second: Store) -> None:
    def write(number: int) -> None:
        for _ in range(10):
            (store, second)[number % 2].note_call("session", later(number))

    assert at_once(40, write) == [None] * 40
    assert len(store.calls_since(NOW)) == 400


def test_a_store_that_was_closed_can_be_used_again(store: Store) -> None:
    key = opened(store)
    store.close()
    assert store.session(key) is not None


def test_a_store_without_tables_is_not_healthy(empty_url: str) -> None:
    store = Store(empty_url, Cipher(["k"]))
    assert store.healthy() is False
    store.migrate()
    assert store.healthy() is True
    store.close()


FAILURES: dict[str, Callable[[Store], object]] = {
    "create fails after the session": lambda store: store.create(
        queued("key-2", connector_id=2), device="phone", now=NOW.replace(tzinfo=None)
    ),
    "observe fails after the observation": lambda store: store.observe(
        "key-1", replace(charging(20), authorized_minor=TOO_LARGE), source="read"
    ),
    "observe fails at the payment": lambda store: store.observe(
        "key-1", seen("created", 20, payment=replace(PAYMENT, client_secret="pi_\ud800_secret_x")), source="read"
    ),
    "start_done fails after the command": lambda store: store.start_done(
        2, "token-2", seen("created", 20, authorized_minor=TOO_LARGE), NOW
    ),
    "set_limit fails": lambda store: store.set_limit("key-1", TOO_LARGE),
    "issue_receipt fails after the number": lambda store: store.issue_receipt("key-1", {"x": "\ud800"}, NOW),
    "use_takeover fails after the code": lambda store: store.use_takeover("code-1", "\ud800", NOW),
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
def test_what_fails_in_the_middle_leaves_nothing(store: Store, fail: Callable[[Store], object]) -> None:
    opened(store)
    waiting = stored(store, queued("key-3", connector_id=3))
    store.claim(waiting.id, NOW)
    store.new_takeover("key-1", "code-1", later(60))
    assert waiting.id == 2
    before = everything(store)
    with pytest.raises((NaiveTime, OverflowError, UnicodeEncodeError, DataError)):
        fail(store)
    assert everything(store) == before
    assert store.healthy()
    store.hint("key-1", NOW)


KILLED = """
import os, sys
from sqlalchemy import insert, update
from kiosk.store import Cipher, Store
from kiosk.store.tables import commands, sessions

store = Store(sys.argv[1], Cipher(["k"]))
with store._database.write() as connection:
    connection.execute(update(sessions).values(status="captured", slot=None))
    connection.execute(update(commands).values(state="sent"))
    os._exit(9)
"""


def test_a_process_that_is_killed_in_a_transaction_leaves_nothing_and_blocks_nobody(store: Store, url: str) -> None:
    key = opened(store)
    asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, NOW)
    before = everything(store)
    killed = subprocess.run([sys.executable, "-c", KILLED, url], check=False, timeout=60)  # noqa: S603
    assert killed.returncode == 9
    assert everything(store) == before
    assert store.claim(asked.id, NOW)
    assert [command.state for command in store.commands(key)] == [CommandState.DONE, CommandState.SENT]


def test_a_session_that_changed_underneath_is_not_overwritten(store: Store) -> None:
    stored(store)
    stale = queued(version=7)
    with pytest.raises(WrongState), store._database.write() as connection:
        save_session(connection, stale, replace(stale, limit_minor=1), NOW)
    assert store.session("key-1") == queued()


def test_secrets_cannot_be_read_in_the_file(store: Store, path: Path) -> None:
    key = opened(store, queued(), device="device-Sesame", token="token-Sesame")
    store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, NOW, email="sesame@example.org")
    store.new_takeover(key, "code-Sesame", later(60))
    store.observe(key, seen("created", 20, driver_email="sesame@example.org", payment=PAYMENT), source="read")
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    content = b"".join(file.read_bytes() for file in files)
    assert b"key-1" in content
    assert re.search(rb"sesame", content, re.IGNORECASE) is None


@pytest.mark.sqlite
def test_an_error_of_the_database_does_not_tell_what_was_written(url: str) -> None:
    without_tables = Store(url, Cipher(["k"]))
    with pytest.raises(OperationalError, match="no such table") as failed:
        without_tables.note_call("endpoint-Sesame", NOW)
    assert "Sesame" not in str(failed.value)
    without_tables.close()


def test_another_database_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="sqlite:/// or postgresql://"):
        Store("mysql://127.0.0.1/kiosk", Cipher(["k"]))


def test_a_database_in_memory_is_refused_with_a_sentence() -> None:
    database = Database("sqlite://")
    with pytest.raises(RuntimeError, match="needs an SQLite file"), database.read():
        pass
    database.close()


def locked_file(path: Path) -> sqlite3.Connection:
    """A file of the old journal kind, with a write going on. Turning the log on has to wait for that."""
    path.parent.mkdir(parents=True)
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer.execute("CREATE TABLE something (x)")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO something VALUES (1)")
    return writer


def test_the_log_is_turned_on_once_another_process_lets_go(path: Path, url: str) -> None:
    writer = locked_file(path)
    release = threading.Timer(0.2, lambda: writer.execute("COMMIT"))
    release.start()
    database = Database(url)
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    release.join()
    writer.close()
    database.close()


def test_patience_ends(path: Path, url: str) -> None:
    writer = locked_file(path)
    database = Database(url, patience=0.05)
    with pytest.raises(Unavailable, match="locked"), database.read():
        pass
    writer.close()
    database.close()


@pytest.mark.sqlite
def test_every_query_of_the_interface_uses_an_index(store: Store) -> None:
    key = opened(store)
    statements: list[tuple[str, Any]] = []

    @event.listens_for(store._database._engine, "before_cursor_execute")
    def _note(_c: object, _k: object, statement: str, parameters: Any, _x: object, _m: object) -> None:
        if not statement.startswith(("BEGIN", "INSERT", "SAVEPOINT", "RELEASE")):
            statements.append((statement, parameters))

    store.session(key)
    store.sessions_to_watch()
    store.sessions_of("phone", code="ABC", since=NOW)
    store.session_at("ABC", 1)
    store.occupied("ABC")
    store.session_by_intent("pi_3Abc")
    store.unproven(NOW)
    store.without_receipt()
    store.observe(key, charging(20), source="read")
    store.observations(key)
    store.ask(key, Kind.STOP, AskedBy.DRIVER, NOW)
    store.commands(key)
    store.waiting(NOW)
    store.next_command_at()
    store.left_sent()
    store.queue()
    store.claim(2, NOW)
    store.owns(key, "phone")
    store.use_takeover("code", "phone", NOW)
    store.card("ABC")
    store.note_card_problem("ABC", None, NOW)
    store.wanted_cards()
    store.issue_receipt(key, {}, NOW)
    store.calls_since(NOW)
    store.note_call("start", NOW)
    store.erase_personal(NOW)
    plans = sqlite3.connect(os.fspath(store._database._engine.url.database or ""))
    for statement, parameters in statements:
        for *_, plan in plans.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
            # Of the wishes for cards there are a few at most, and each of them is read.
            assert plan == "SCAN card_wishes" or not re.match(r"SCAN \w+$", plan), (plan, statement)
    plans.close()
    assert len(statements) > 30


@pytest.mark.parametrize("before", [None, 0o644])
def test_only_its_own_user_may_read_it(tmp_path: Path, before: int | None) -> None:
    folder = tmp_path / "made" if before is None else tmp_path
    file = folder / "kiosk.db"
    if before is not None:
        file.touch(before)
        file.chmod(before)
    umask = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{file}")
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}
        database.close()
    finally:
        os.umask(umask)
    assert modes == {"kiosk.db": 0o600, "kiosk.db-wal": 0o600, "kiosk.db-shm": 0o600}
    if before is None:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_another_process_that_comes_and_goes_takes_nothing_away(tmp_path: Path) -> None:
    """As `kiosk doctor` or a backup beside the running kiosk: who leaves last removes the log, and must know it."""
    file = tmp_path / "kiosk.db"
    database = Database(f"sqlite:///{file}")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
    with database.read(), ThreadPoolExecutor(1) as another:  # a second connection of the pool
        another.submit(_count, database).result()
    log = file.with_name("kiosk.db-wal")
    before = log.stat().st_ino
    look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM t').fetchall(); c.close()"
    subprocess.run([sys.executable, "-c", look, str(file)], check=True, timeout=60)  # noqa: S603 - our own words
    assert log.stat().st_ino == before
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    count = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM t').fetchone()[0])"
    reader = [sys.executable, "-c", count, str(file)]
    seen = subprocess.run(reader, check=True, timeout=60, capture_output=True)  # noqa: S603 - our own words
    assert seen.stdout.strip() == b"1"
    database.close()


def _count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one())
