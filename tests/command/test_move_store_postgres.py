"""`kiosk move-store`: what it prints, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.command.cli import main
from kiosk.store import Cipher, Store
from tests.store.build import opened
from tests.worlds.once import migrated_store
from tests.worlds.postgres import drop_database, new_database

pytestmark = pytest.mark.postgres
KEY = "k" * 40


@pytest.fixture
def new() -> Iterator[str]:
    made = new_database(empty=True)
    yield made
    drop_database(made)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIOSK_SECRET_KEY", KEY)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    return tmp_path / "data"


def test_it_says_what_was_moved_and_what_is_to_be_done(
    data: Path, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store = migrated_store(data / "kiosk.db", KEY)
    key = opened(store)
    assert main(["move-store", new]) == 0
    said = capsys.readouterr().out
    assert "       1  sessions\n" in said
    assert "no rows break a rule, as before." in said
    assert f"keep {data / 'kiosk.db'}" in said
    there = Store(new, Cipher([KEY]))
    assert there.session(key) == store.session(key)
    there.close()
    store.close()
    assert main(["move-store", new]) == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.usefixtures("data")
def test_without_a_store_there_is_nothing_to_move(new: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["move-store", new]) == 2
    assert "There is no SQLite file to move" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("sqlite:///other.db", "moved to a server"),
        ("mysql://db/kiosk", "postgresql://"),
        ("postgresql://kiosk:Sesame@/kiosk?host=/nowhere", "cannot be used just now"),
    ],
)
def test_it_goes_to_a_server_that_answers(data: Path, to: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    migrated_store(data / "kiosk.db", KEY).close()
    assert main(["move-store", to]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert "Sesame" not in said
