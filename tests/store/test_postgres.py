"""What only a server can do: be away, end a transaction of somebody who is frozen, lose the answer to a commit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DataError, IntegrityError

from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.store import Cipher, Store
from kiosk.store.database import Database
from kiosk.store.errors import CannotWrite, InDoubt, Trouble, Unavailable
from kiosk.store.postgres import WRITING
from kiosk.store.tables import calls
from tests.worlds.once import SECRET
from tests.worlds.postgres import Server, programs
from tests.worlds.refusing import dsn_of

from .build import NOW, at_once, charging, later, opened, queued, stored

pytestmark = pytest.mark.postgres


@pytest.fixture
def own() -> Iterator[Server]:
    """A server that this test alone ends and starts."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: on Debian and Ubuntu, apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="kiosk-postgres-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        server.start()
        yield server
        server.stop()


def backend(store: Store) -> int:
    """The server's process of the connection that the store takes next."""
    with store._database.read() as connection:
        number: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        return number


def end_connections(store: Store) -> None:
    """As a restart of the server does."""
    with psycopg.connect(dsn_of(store), autocommit=True) as other:
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
        )
        other.execute(query, [other.info.backend_pid])


def test_a_connection_that_died_unnoticed_costs_nobody_an_answer(store: Store) -> None:
    key = opened(store)
    at_once(4, lambda _: store.session(key))
    end_connections(store)
    assert store.session(key) is not None
    end_connections(store)
    assert store.set_limit(key, 2000).limit_minor == 2000
    assert store.trouble is None


def test_a_server_that_is_away_is_a_trouble_that_passes(own: Server) -> None:
    own.run("CREATE DATABASE kiosk")
    store = Store(own.url("kiosk"), Cipher([SECRET]), patience=0.3)
    store.migrate()
    key = opened(store)
    own.stop()
    with pytest.raises(Unavailable) as gone:
        store.session(key)
    with pytest.raises(CannotWrite):
        store.set_limit(key, 2000)
    assert (gone.value.trouble, store.trouble) == (Trouble.AWAY, Trouble.AWAY)
    assert not store.healthy()
    assert not store.answers()
    own.start()
    assert store.set_limit(key, 2000).limit_minor == 2000
    assert store.trouble is None
    store.close()


def test_a_server_that_lost_its_power_has_what_was_written_before(own: Server) -> None:
    own.stop()
    own.start(fsync="on", synchronous_commit="on", full_page_writes="on")
    own.run("CREATE DATABASE kiosk")
    store = Store(own.url("kiosk"), Cipher([SECRET]))
    store.migrate()
    asked = stored(store)
    assert store.claim(asked.id, later(1))
    own.stop(signal.SIGQUIT)
    own.start()
    assert store.claim(asked.id, later(2)) is False
    assert store.command(asked.id).state is CommandState.SENT
    store.close()


FROZEN = """
import sys, time
from sqlalchemy import update
from kiosk.store import Cipher, Store
from kiosk.store.tables import sessions

store = Store(sys.argv[1], Cipher([sys.argv[2]]))
try:
    with store._database.write() as connection:
        connection.execute(update(sessions).values(limit_minor=666))
        print("frozen", flush=True)
        sys.stdin.readline()
except Exception as error:
    print(type(error).__name__, flush=True)
"""


def test_who_is_frozen_inside_of_a_transaction_keeps_nobody_waiting_and_has_written_nothing(
    store: Store, url: str
) -> None:
    key = opened(store)
    command = [sys.executable, "-c", FROZEN, url, SECRET]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as frozen:  # noqa: S603
        assert frozen.stdout is not None
        assert frozen.stdin is not None
        assert frozen.stdout.readline() == "frozen\n"
        os.kill(frozen.pid, signal.SIGSTOP)
        store._database._patience = 60.0
        assert store.set_limit(key, 2000).limit_minor == 2000
        os.kill(frozen.pid, signal.SIGCONT)
        frozen.stdin.write("\n")
        frozen.stdin.close()
        assert frozen.stdout.readline() == "CannotWrite\n"
    session = store.session(key)
    assert session is not None
    assert session.limit_minor == 2000


@pytest.fixture
def answer_is_lost(store: Store) -> Iterator[list[bool]]:
    """The next commit is done, or not, as the list says, and the line is cut before its answer comes."""
    plan: list[bool] = []

    def cut(connection: object) -> None:
        if plan:
            raw = connection.connection.dbapi_connection  # type: ignore[attr-defined]
            if plan.pop():
                raw.execute("COMMIT")
            with psycopg.connect(dsn_of(store), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [raw.info.backend_pid])

    event.listen(store._database._writing, "commit", cut)
    yield plan
    event.remove(store._database._writing, "commit", cut)


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_whose_answer_was_lost_is_looked_up(store: Store, answer_is_lost: list[bool], done: bool) -> None:
    asked = stored(store)
    answer_is_lost.append(done)
    if done:
        # A connection that has committed already has nothing left to say: its end is no error to whoever commits.
        assert store.claim(asked.id, later(1)) is True
    else:
        with pytest.raises(CannotWrite) as refused:
            store.claim(asked.id, later(1))
        assert not isinstance(refused.value, InDoubt)
    assert store.command(asked.id).state is (CommandState.SENT if done else CommandState.WAITING)
    assert store._database.doubts == 0


def test_what_became_of_a_transaction_is_asked_of_the_server(store: Store) -> None:
    server = store._database._postgres
    assert server is not None
    with store._database.write() as connection:
        number = connection.exec_driver_sql("SELECT CAST(pg_current_xact_id() AS text)").scalar_one()
    assert server._was_committed(number) is True
    with suppress(ZeroDivisionError), store._database.write() as connection:
        number = connection.exec_driver_sql("SELECT CAST(pg_current_xact_id() AS text)").scalar_one()
        raise ZeroDivisionError
    assert server._was_committed(number) is False


def test_a_transaction_of_which_nothing_can_be_learnt_is_in_doubt(own: Server) -> None:
    own.run("CREATE DATABASE kiosk")
    store = Store(own.url("kiosk"), Cipher([SECRET]), patience=0.3)
    store.migrate()
    own_end = store._database._writing

    def die(_connection: object) -> None:
        own.stop(signal.SIGQUIT)

    event.listen(own_end, "commit", die)
    with pytest.raises(InDoubt):
        store.note_call("start", NOW)
    event.remove(own_end, "commit", die)
    assert store._database.doubts == 1
    own.start()
    assert store.calls_since(NOW) == []
    store.close()


def test_what_a_server_says_of_a_value_is_not_told(store: Store) -> None:
    stored(store, queued("Sesame-1"))
    with pytest.raises(IntegrityError) as failed:
        store.create(queued("Sesame-1", connector_id=2), device="phone", now=NOW)
    chain = [failed.value, failed.value.__cause__, failed.value.orig]
    assert not any("Sesame" in str(each) for each in chain)


def test_a_statement_that_failed_and_was_hushed_up_is_not_taken_for_written(store: Store) -> None:
    def carelessly() -> None:
        with store._database.write() as connection:
            connection.execute(calls.insert().values(endpoint="start", called_at=NOW))
            with suppress(DataError):
                connection.exec_driver_sql("SELECT 1 / 0")

    with pytest.raises(RuntimeError, match="failed"):
        carelessly()
    assert store.calls_since(NOW) == []
    store.note_call("start", NOW)
    assert len(store.calls_since(NOW)) == 1


def test_a_read_can_write_nothing(store: Store) -> None:
    with pytest.raises(Unavailable) as refused, store._database.read() as connection:
        connection.execute(calls.insert().values(endpoint="start", called_at=NOW))
    assert refused.value.trouble is Trouble.READ_ONLY


def test_a_read_sees_one_moment(store: Store, second: Store) -> None:
    key = opened(store)
    with store._database.read() as connection:
        before = connection.exec_driver_sql("SELECT limit_minor FROM sessions").scalar_one()
        second.set_limit(key, 777)
        assert connection.exec_driver_sql("SELECT limit_minor FROM sessions").scalar_one() == before


def test_more_readers_than_connections_wait_for_one(store: Store) -> None:
    key = opened(store)
    assert at_once(60, lambda _: store.session(key)) == [store.session(key)] * 60


def test_the_longest_number_that_a_command_in_memory_has_can_be_asked_for(store: Store) -> None:
    assert store.email_of(2**53 + 1) is None
    assert store.occupied_at(["ABC"]) == {}
    assert store.session_at("ABC", 2**62) is None


def test_many_processes_take_a_command_once(store: Store, second: Store) -> None:
    key = opened(store)
    asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, NOW)
    outcomes = at_once(16, lambda n: (store, second)[n % 2].claim(asked.id, later(1)))
    assert sorted(outcomes, key=str) == [False] * 15 + [True]


def test_the_server_says_what_time_it_is(store: Store) -> None:
    first, then = store.server_time(), store.server_time()
    assert first is not None
    assert then is not None
    assert timedelta(0) <= then - first < timedelta(minutes=1)


def test_who_writes_by_hand_with_the_same_lock_is_waited_for(store: Store) -> None:
    key = opened(store)
    store._database._patience = 0.2
    with psycopg.connect(dsn_of(store)) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({WRITING})".encode())
        began = time.monotonic()
        with pytest.raises(CannotWrite) as refused:
            store.set_limit(key, 2000)
        assert refused.value.trouble is Trouble.LOCKED
        assert time.monotonic() - began >= 0.2
    assert store.set_limit(key, 2000).limit_minor == 2000


def test_a_database_that_is_not_there_is_told_as_it_is() -> None:
    database = Database("postgresql://kiosk@/nothing?host=/nowhere", patience=0.1)
    with pytest.raises(Unavailable) as refused, database.read():
        pass
    assert refused.value.trouble is Trouble.AWAY


def test_a_character_that_the_server_does_not_keep_breaks_nothing(store: Store) -> None:
    key = opened(store)
    store.observe(key, replace(charging(20), charger_name="door\0 two"), source="read")
    session = store.session(key)
    assert session is not None
    assert session.charger_name == "door\ufffd two"
    assert store.observations(key)[-1].seen.charger_name == "door\0 two"
    assert store.session("key\0-1") is None


def test_who_leads_is_said_by_the_servers_clock_and_not_by_machines_that_disagree(store: Store, second: Store) -> None:
    store.leases_by_server = second.leases_by_server = True
    ttl = timedelta(seconds=60)
    mine = store.take_lease("engine", "a", NOW, ttl)
    assert mine is not None
    far = NOW + timedelta(days=365)
    assert second.take_lease("engine", "b", far, ttl) is None
    assert second.take_lease("engine", "b", NOW - timedelta(days=365), ttl) is None
    assert second.lease_lives("engine", far)
    assert store.holds_lease(mine, far)
    again = store.take_lease("engine", "a", far, ttl)
    assert again is not None
    assert again.unbroken
    store.release_lease("engine", "a")
    taken = second.take_lease("engine", "b", NOW, ttl)
    assert taken is not None
    assert taken.number == mine.number + 1


def test_who_stands_by_waits_for_no_writer(store: Store, second: Store) -> None:
    store.leases_by_server = second.leases_by_server = True
    assert store.take_lease("engine", "a", NOW, timedelta(seconds=60)) is not None
    with store._database.write():
        assert second.take_lease("engine", "b", NOW, timedelta(seconds=60)) is None
