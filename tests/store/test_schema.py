"""Migrations: a fresh database is at the head, the head is what the tables say, and many may migrate at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from kiosk.store import Cipher, Store
from kiosk.store.errors import TooNew
from kiosk.store.rows import SELECT_SESSION
from kiosk.store.schema import configuration, is_newest, newest
from kiosk.store.tables import metadata

from .build import at_once, opened

MIGRATE = """
import sys
from kiosk.store import Cipher, Store
store = Store(sys.argv[1], Cipher(["k"]))
store.migrate()
assert store.healthy()
store.close()
"""


def revision(store: Store) -> str | None:
    with store._database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_a_fresh_database_is_at_the_head(store: Store) -> None:
    assert revision(store) == ScriptDirectory.from_config(configuration()).get_current_head()


def test_a_database_of_another_version_is_not_the_newest(store: Store) -> None:
    newest.cache_clear()  # another test of this process has asked already
    assert is_newest(store._database)
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert not is_newest(store._database)


def test_a_database_of_a_newer_release_is_refused_and_left_as_it_is(store: Store) -> None:
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(TooNew, match="newer release"):
        store.migrate()
    assert revision(store) == "9999"


def test_a_migrated_database_is_what_the_tables_say(store: Store) -> None:
    with store._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(store: Store) -> None:
    key = opened(store)
    before = store.session(key)
    store.migrate()
    assert store.session(key) == before


def test_what_is_up_to_date_is_not_written_so_no_writer_is_waited_for(store: Store, second: Store) -> None:
    with second._database.write():
        store.migrate()


@pytest.mark.slow
def test_several_processes_may_migrate_at_once(empty_url: str) -> None:
    command = [sys.executable, "-W", "error", "-c", MIGRATE, empty_url]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]  # noqa: S603
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in running] == [("", 0)] * 3


def test_several_threads_may_migrate_at_once(tmp_path: Path) -> None:
    stores = [Store(f"sqlite:///{tmp_path}/{n % 2}.db", Cipher(["k"])) for n in range(6)]
    assert at_once(6, lambda n: stores[n].migrate()) == [None] * 6
    assert [store.healthy() for store in stores] == [True] * 6
    for store in stores:
        store.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_url: str) -> None:
    """A table of ours is there already, so the first step fails half-way: nothing of it may stay."""
    store = Store(empty_url, Cipher(["k"]))
    with store._database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE webhooks (x INTEGER)")
    with pytest.raises(Exception, match="already exists"):
        store.migrate()
    with store._database.read() as connection:
        assert inspect(connection).get_table_names() == ["webhooks"]
    store.close()


def test_tables_and_queries_can_be_said_in_postgresql() -> None:
    dialect = make_url("postgresql://").get_dialect()()
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE" in str(CreateIndex(index).compile(dialect=dialect))
    assert "FOR UPDATE" in str(SELECT_SESSION.with_for_update().compile(dialect=dialect))
