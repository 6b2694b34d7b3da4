"""Databases of earlier versions: migrated step by step, filled with rows in plain SQL, as that version wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection

from kiosk.store import Cipher, Store
from kiosk.store.database import Database
from kiosk.store.schema import configuration
from tests.worlds.once import SECRET


class OldDatabase:
    """One SQLite file that is brought from version to version."""

    def __init__(self, file: Path) -> None:
        self.url = f"sqlite:///{file}"

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        database = Database(self.url, foreign_keys=False)
        try:
            with database.write() as connection:
                yield connection
        finally:
            database.close()

    def upgrade(self, revision: str) -> None:
        """To that version and no further, as `kiosk migrate` of its release did."""
        with self._writing() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)

    def downgrade(self, revision: str) -> None:
        with self._writing() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.downgrade(config, revision)

    def insert(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        places = ", ".join("?" for _ in values)
        with self._writing() as connection:
            connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(values.values()))  # noqa: S608

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self._writing() as connection:
            found = connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").mappings()  # noqa: S608
            return [dict(row) for row in found]

    def tables(self) -> set[str]:
        with self._writing() as connection:
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
            return set(names) - {"alembic_version"}

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Today's store over it, at the newest version."""
        opened = Store(self.url, Cipher([SECRET]))
        opened.migrate()
        yield opened
        opened.close()


@pytest.fixture
def old(tmp_path: Path) -> OldDatabase:
    return OldDatabase(tmp_path / "old.db")
