"""A migrated store of its own for every test: once on SQLite, once on PostgreSQL.

A test that takes `path` is about the file, so it runs on SQLite alone; so does one marked `sqlite`, and what is marked
`postgres` runs there alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.store import Cipher, Store
from kiosk.store.checks import Promise
from tests.sound import assert_sound
from tests.worlds.once import SECRET, migrated_store
from tests.worlds.postgres import drop_database, new_database

from .build import later


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" not in metafunc.fixturenames:
        return
    kinds = ["sqlite", "postgres"]
    if "path" in metafunc.fixturenames and metafunc.definition.get_closest_marker("postgres") is None:
        names = metafunc.definition.function.__code__.co_varnames[: metafunc.definition.function.__code__.co_argcount]
        kinds = ["sqlite"] if "path" in names else kinds
    only = [kind for kind in kinds if metafunc.definition.get_closest_marker(kind) is not None]
    each = [pytest.param(kind, marks=[pytest.mark.postgres] if kind == "postgres" else []) for kind in only or kinds]
    metafunc.parametrize("database_kind", each, scope="function")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "kiosk.db"


@pytest.fixture
def empty_url(database_kind: str, path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if database_kind == "sqlite":
        yield f"sqlite:///{path}"
        return
    made = new_database(empty=True)
    yield made
    drop_database(made)


@pytest.fixture
def url(database_kind: str, path: Path) -> Iterator[str]:
    """The address of a database with the newest tables; on SQLite the file is made by whoever opens it."""
    if database_kind == "sqlite":
        yield f"sqlite:///{path}"
        return
    made = new_database()
    yield made
    drop_database(made)


@pytest.fixture
def store(database_kind: str, path: Path, url: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Afterwards everything that the store itself promises holds. There is no engine, so its part is not asked for, and
    the times of these tests are made up, so that none of them counts as ahead.
    """
    opened = migrated_store(path) if database_kind == "sqlite" else Store(url, Cipher([SECRET]))
    yield opened
    assert_sound(request, opened, later(10 * 365 * 86_400), [Promise.STORE])
    opened.close()


@pytest.fixture
def second(store: Store, url: str) -> Iterator[Store]:
    """Another store on the same database, as another process would have."""
    assert store.healthy()
    opened = Store(url, Cipher([SECRET]))
    yield opened
    opened.close()
