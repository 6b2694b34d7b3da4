"""`kiosk backup` and `kiosk restore`: what an operator reads at night, and what they cannot do by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk.app import ENGINE
from kiosk.command.cli import main
from kiosk.config.settings import variable
from kiosk.domain.commands import CommandState
from kiosk.store import Cipher, Store
from tests.store.build import opened, queued, stored
from tests.worlds.once import migrated_store
from tests.worlds.postgres import drop_database, new_database

KEY = "Zq7-secret_key.with+many/different=characters"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = migrated_store(tmp_path / "data" / "kiosk.db", KEY)
    yield store
    store.close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable("secret_key"), KEY)
    monkeypatch.setenv(variable("data_dir"), str(tmp_path / "data"))
    monkeypatch.setenv(variable("public_url"), "https://charge.example")

    def command(*words: str) -> tuple[int, str]:
        code = main(words)
        said = capsys.readouterr()
        return code, said.out + said.err

    return command


def backup_in(folder: Path) -> Path:
    (file,) = folder.glob("*.backup")
    return file


def test_a_backup_says_where_it_is_and_that_it_was_opened(run: Run, store: Store, tmp_path: Path) -> None:
    opened(store)
    code, said = run("backup", "--to", str(tmp_path / "stick"))
    file = backup_in(tmp_path / "stick")
    assert (code, str(file) in said, "opened again" in said) == (0, True, True)
    code, said = run("backup", "--check", str(file))
    assert (code, "can be used" in said) == (0, True)


def test_the_folder_of_the_settings_is_taken(
    run: Run, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(store)
    monkeypatch.setenv(variable("backup_folder"), str(tmp_path / "backups"))
    assert run("backup")[0] == 0
    assert backup_in(tmp_path / "backups")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("backup",), "KIOSK_BACKUP_FOLDER"),
        (("backup", "--to", "stick"), "nothing to copy"),
        (("backup", "--check", "none.backup"), "cannot be used"),
        (("restore", "none.backup"), "Nothing was changed"),
        (("restore", "none.backup", "--skip-receipts", "-1"), "--skip-receipts"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Run, tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "data").mkdir()
    code, said = run(*words)
    assert (code, said.count("\n"), sentence in said) == (2, 1, True)


def test_a_folder_in_which_nothing_can_be_made_is_said(run: Run, store: Store, tmp_path: Path) -> None:
    opened(store)
    (tmp_path / "stick").write_text("a file")
    code, said = run("backup", "--to", str(tmp_path / "stick"))
    assert (code, "No backup was made" in said) == (2, True)


def test_a_database_that_is_there_is_replaced_only_when_somebody_says_so(
    run: Run, store: Store, tmp_path: Path
) -> None:
    opened(store)
    run("backup", "--to", str(tmp_path / "stick"))
    file = str(backup_in(tmp_path / "stick"))
    stored(store, queued("key-2", connector_id=2))
    store.close()
    code, said = run("restore", file)
    assert (code, "--replace" in said) == (2, True)
    code, said = run("restore", file, "--replace", "--skip-receipts", "20")
    year = datetime.now(UTC).year
    assert code == 0
    assert "kiosk.db.before-" in said
    assert f"Receipts {year}-000001 to {year}-000020 are left out" in said
    again = Store(f"sqlite:///{tmp_path / 'data' / 'kiosk.db'}", Cipher([KEY]))
    assert (again.session("key-1") is None, again.session("key-2")) == (False, None)
    again.close()


def test_nothing_is_replaced_under_a_kiosk_that_runs(run: Run, store: Store, tmp_path: Path) -> None:
    opened(store)
    run("backup", "--to", str(tmp_path / "stick"))
    assert store.take_lease(ENGINE, "another process", datetime.now(UTC), timedelta(minutes=5)) is not None
    code, said = run("restore", str(backup_in(tmp_path / "stick")), "--replace")
    assert (code, "stop it" in said) == (2, True)
    assert store.session("key-1") is not None


def test_where_the_database_was_lost_the_backup_takes_its_place(run: Run, store: Store, tmp_path: Path) -> None:
    opened(store)
    stored(store, queued("key-2", connector_id=2))
    assert store.ask_mail("key-1", "ann@example.org", "Receipt", "https://kiosk.example/r/a", datetime.now(UTC))
    run("backup", "--to", str(tmp_path / "stick"))
    store.close()
    for each in (tmp_path / "data").iterdir():
        each.unlink()
    code, said = run("restore", str(backup_in(tmp_path / "stick")), "--skip-receipts", "0")
    assert code == 0
    assert "Starts that waited: 1." in said
    assert "Mails that waited: 1." in said
    assert "left out" not in said
    assert "ann@example.org" not in said
    assert run("backup", "--to", str(tmp_path / "stick"))[0] == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("backup", "--to", "stick"), "pg_dump"),
        (("restore", "some.backup"), "pg_dump"),
        (("restore", "--brought-back", "yesterday"), "--brought-back takes"),
        (("restore", "--brought-back", "2026-11-30T16:15"), "--brought-back takes"),
        (("restore", "--brought-back", "2999-11-30T16:15Z"), "--brought-back takes"),
        (("restore", "--brought-back", "2026-11-20T16:15Z"), "does not answer"),
    ],
)
def test_with_a_server_its_own_tools_are_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.setenv(variable("database_url"), "postgresql://kiosk:hidden@127.0.0.1:1/charging")
    code, said = run(*words)
    assert (code, sentence in said, "hidden" in said) == (2, True, False)


def test_what_the_kiosk_copies_itself_it_brings_back_itself(run: Run) -> None:
    assert "kiosk restore FILE" in run("restore", "--brought-back", "2026-11-20T16:15Z")[1]
    assert "kiosk restore FILE" in run("restore")[1]


@pytest.mark.postgres
def test_a_dump_that_was_brought_back_sends_nothing_twice(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    url = new_database()
    monkeypatch.setenv(variable("database_url"), url)
    store = Store(url, Cipher([KEY]))
    waiting = stored(store, queued())
    lease = store.take_lease(ENGINE, "another process", datetime.now(UTC), timedelta(minutes=5))
    assert lease is not None
    assert "stop it" in run("restore", "--brought-back", "2026-11-20T16:15Z")[1]
    store.release_lease(ENGINE, "another process")
    code, said = run("restore", "--brought-back", "2026-11-20T16:15Z")
    assert (code, "Starts that waited: 1." in said, "are left out" in said) == (0, True, True)
    assert store.command(waiting.id).state is CommandState.UNKNOWN
    store.close()
    drop_database(url)
