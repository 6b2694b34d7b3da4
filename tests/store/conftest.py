"""A migrated store on a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.store import Cipher, Store
from tests.worlds.once import SECRET, migrated_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "kiosk.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = migrated_store(path)
    yield opened
    opened.close()


@pytest.fixture
def second(store: Store, url: str) -> Iterator[Store]:
    """Another store on the same file, as another process would have."""
    assert store.healthy()
    opened = Store(url, Cipher([SECRET]))
    yield opened
    opened.close()
