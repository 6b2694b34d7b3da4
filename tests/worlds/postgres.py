"""A real PostgreSQL for the tests: one server a process, started when the first test wants it, ended with the process.

It listens on a socket in a folder of its own, waits for no disk, and sorts words as people do, so that a query which
counts on the order of bytes is found. A test has a database alone: one copied from that with the newest tables, or one
that another test had and that was emptied.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest

from kiosk.store import Cipher, Store, postgres

SECRET = "a secret that is long enough for a test"
_TEMPLATE = "kiosk_newest"
_NUMBERS = count(1)
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


def programs() -> Path | None:
    """The folder of PostgreSQL's own programs, the newest first; None where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


class Server:
    """A server in a folder of its own. `start`, and `kill` or `stop`, as often as a test wants."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """`port`: also listens there, on this machine only."""
        programs_at = programs()
        assert programs_at is not None
        self._programs, self.folder, self._port = programs_at, folder, port
        self._running: subprocess.Popen[bytes] | None = None
        folder.chmod(0o711)
        (folder / "data").mkdir(mode=0o700)
        (folder / "socket").mkdir(mode=0o777)
        (folder / "socket").chmod(0o777)
        if os.getuid() == 0:
            shutil.chown(folder / "data", "nobody", "nogroup")
        how = ["--no-sync", "--auth=trust", "--username=kiosk", "--encoding=UTF8", "--locale-provider=icu"]
        self._run("initdb", *how, "--icu-locale=en", "--locale=C.UTF-8", "-D", str(folder / "data"))

    def start(self, **more: str) -> None:
        listens = {"listen_addresses": "127.0.0.1", "port": str(self._port)} if self._port else {}
        settings = {**_SETTINGS, "unix_socket_directories": str(self.folder / "socket"), **listens, **more}
        words = [f"--{name}={value}" for name, value in settings.items()]
        command = self._command("postgres", "-D", str(self.folder / "data"), *words)
        log = (self.folder / "log").open("ab")
        self._running = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own words
        log.close()
        for _ in range(500):
            try:
                psycopg.connect(self.dsn("postgres")).close()
            except psycopg.OperationalError:
                assert self._running.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.02)
            else:
                return
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it at once, and cleanly; SIGQUIT as a power cut would."""
        if self._running is not None:
            self._running.send_signal(how)
            self._running.wait(30)
            self._running = None

    def url(self, name: str) -> str:
        """The address of a database as the kiosk takes it."""
        if self._port:
            return f"postgresql://kiosk@127.0.0.1:{self._port}/{name}"
        return f"postgresql://kiosk@/{name}?host={self.folder / 'socket'}"

    def dsn(self, name: str) -> str:
        where = f"host=127.0.0.1 port={self._port}" if self._port else f"host={self.folder / 'socket'}"
        return f"{where} user=kiosk dbname={name}"

    def run(self, statement: str, name: str = "postgres") -> None:
        with psycopg.connect(self.dsn(name), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _command(self, program: str, *words: str) -> list[str]:
        """PostgreSQL refuses to be run by root. It ends when we do, also when we are killed."""
        mine = ["--pdeathsig=INT"]
        if os.getuid() == 0:
            mine += ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        return ["setpriv", *mine, str(self._programs / program), *words]

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own words
            self._command(program, *words), check=False, capture_output=True, text=True, cwd="/", timeout=120
        )
        assert done.returncode == 0, done.stderr


@cache
def _server() -> Server:
    postgres.LONGEST_IDLE = 60.0  # a machine that does other things as well stands still for seconds
    folder = Path(tempfile.mkdtemp(prefix="kiosk-postgres-"))
    server = Server(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.stop)
    server.start()
    server.run(f"CREATE DATABASE {_TEMPLATE}")
    store = Store(server.url(_TEMPLATE), Cipher([SECRET]))
    store.migrate()
    store.close()
    return server


def server() -> Server:
    """The one of this process. Skips the test where PostgreSQL is not installed."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: on Debian and Ubuntu, apt-get install postgresql")
    return _server()


def new_database(*, empty: bool = False) -> str:
    """The address of a database of its own: with the newest tables and nothing in them, or `empty`."""
    if not empty and _FREE:
        return _FREE.pop()
    name = f"kiosk_{next(_NUMBERS)}"
    server().run(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else _TEMPLATE} STRATEGY file_copy")
    return server().url(name)


def drop_database(url: str) -> None:
    """With whoever is still connected to it. One that has the newest tables is emptied, and another test takes it: to
    make one costs ten times as much.
    """
    name = url.partition("?")[0].rpartition("/")[2]
    if _emptied(name):
        _FREE.append(url)
    else:
        server().run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


_FREE: list[str] = []
"""Databases with the newest tables and nothing in them."""
_SHAPE = """
    SELECT concat_ws(' ', count(*), max(oid), sum(relnatts), sum(relchecks),
        (SELECT concat_ws(' ', count(*), max(oid)) FROM pg_trigger),
        (SELECT concat_ws(' ', count(*), max(oid)) FROM pg_constraint),
        (SELECT concat_ws(' ', count(*), max(oid)) FROM pg_proc),
        (SELECT count(*) FROM pg_db_role_setting))
    FROM pg_class WHERE relnamespace = 'public'::regnamespace"""
"""What changes with the tables, not with what stands in them. A copy has that of its template."""
_EMPTY = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    DO $$
    DECLARE
        one record;
        filled text;
    BEGIN
        SELECT string_agg(quote_ident(relname), ', ') INTO filled FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
            AND pg_relation_size(oid) > 0;
        IF filled IS NOT NULL THEN
            EXECUTE 'TRUNCATE ' || filled || ' CASCADE';
        END IF;
        FOR one IN SELECT sequencename, start_value FROM pg_sequences WHERE last_value IS NOT NULL
        LOOP
            PERFORM setval(quote_ident(one.sequencename)::regclass, one.start_value, false);
        END LOOP;
    END $$"""


@cache
def _newest_shape() -> object:
    with psycopg.connect(server().dsn(_TEMPLATE), autocommit=True) as connection:
        return connection.execute(_SHAPE).fetchone(), _version(connection)


def _emptied(name: str) -> bool:
    """Whether a database has the newest tables, and no rows any more."""
    wanted = _newest_shape()
    try:
        with psycopg.connect(server().dsn(name), autocommit=True) as connection:
            if (connection.execute(_SHAPE).fetchone(), _version(connection)) != wanted:
                return False
            connection.execute(_EMPTY)
            return True
    except psycopg.Error:
        return False


def _version(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    return connection.execute("TABLE alembic_version").fetchall()
