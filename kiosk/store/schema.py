"""Brings a database to the newest version of the tables. Alembic is configured here, in code: no alembic.ini."""

from __future__ import annotations

import threading
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from kiosk.store.database import Database

PATIENCE_SECONDS = 120.0
"""How long a second process waits for the first one's migration."""
_ALONE = threading.Lock()
"""Alembic keeps the running migration in module globals, so two threads of one process take turns."""


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", "kiosk.store:migrations")
    return config


@cache
def newest() -> str | None:
    """The version that the tables of this kiosk have."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def is_newest(database: Database) -> bool:
    """Whether a database has the tables of this kiosk. Reads only, so no writer is waited for."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest()


def is_newer(database: Database) -> bool:
    """Whether a newer release has upgraded it: its version is none that this one knows. Reads only."""
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found is not None and found not in _known()


@cache
def _known() -> frozenset[str]:
    return frozenset(each.revision for each in ScriptDirectory.from_config(configuration()).walk_revisions())


def upgrade(url: str) -> None:
    """Upgrade to head in one write transaction: a second process waits for it and then finds nothing to do.

    Foreign keys are off on this connection only, because rebuilding a table that others point to needs that.
    """
    database = Database(url, foreign_keys=False, patience=PATIENCE_SECONDS)
    try:
        with _ALONE, database.write() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.close()
