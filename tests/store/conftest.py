"""A migrated store on a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.store import Cipher, Store
from kiosk.store.checks import Promise
from tests.sound import assert_sound
from tests.worlds.once import SECRET, migrated_store

from .build import later


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "kiosk.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def store(path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Afterwards everything that the store itself promises holds. There is no engine, so its part is not asked for, and
    the times of these tests are made up, so that none of them counts as ahead.
    """
    opened = migrated_store(path)
    yield opened
    assert_sound(request, opened, later(10 * 365 * 86_400), [Promise.STORE])
    opened.close()


@pytest.fixture
def second(store: Store, url: str) -> Iterator[Store]:
    """Another store on the same file, as another process would have."""
    assert store.healthy()
    opened = Store(url, Cipher([SECRET]))
    yield opened
    opened.close()
