"""`kiosk user`: who may sign in at the desk, from the command line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.command.cli import main
from kiosk.command.users import add, demo_sign_in, demo_support, listing, remove, set_password
from kiosk.config.settings import SettingsError, variable
from kiosk.config.sites import SiteBook
from kiosk.domain.desk import Role
from kiosk.store import Store
from tests.worlds.once import migrated_database, migrated_store

NOW = ManualClock().now()
KEY = "Zq7-secret_key.with+many/different=characters"
BOOK = SiteBook.model_validate({"sites": [{"id": "harbour", "name": "Harbour", "timezone": "Europe/Berlin"}]})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = migrated_store(tmp_path / "kiosk.db", KEY)
    yield opened
    opened.close()


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Somebody sits at a keyboard and types these."""
    waiting = iter(answers)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(waiting))


def test_somebody_is_let_in_with_a_made_password(store: Store) -> None:
    lines = add(store, BOOK, NOW, "Kim", "support", ["harbour"], True)
    assert lines[0] == "kim may sign in as support."
    assert lines[1].startswith("Password  ")
    assert list(listing(store)) == [
        "name  role     sites    one-time codes  signed in",
        "kim   support  harbour  no              0",
    ]


def test_nobody_is_let_in_to_a_site_that_is_not_there(store: Store) -> None:
    with pytest.raises(SettingsError, match="There is no site 'airport'"):
        add(store, BOOK, NOW, "kim", "viewer", ["airport"], True)
    assert list(listing(store)) == ["Nobody may sign in. `kiosk user add NAME --role owner` makes the first one."]


def test_a_password_is_typed_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "three plain words", "three plain words")
    assert add(store, BOOK, NOW, "kim", "owner", [], False) == ["kim may sign in as owner."]
    typed(monkeypatch, "three plain words", "three plane words")
    with pytest.raises(SettingsError, match="not the same"):
        set_password(store, NOW, "kim", False, False)


def test_a_password_comes_in_on_one_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("three plain words\nmore"))
    add(store, BOOK, NOW, "kim", "owner", [], False)
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(SettingsError, match="at least 12 letters"):
        set_password(store, NOW, "kim", False, False)


def test_a_new_password_and_a_removal_say_what_they_did(store: Store) -> None:
    add(store, BOOK, NOW, "kim", "owner", [], True)
    first = set_password(store, NOW, "kim", True, False)[0]
    assert first == "kim has a new password and is signed out everywhere."
    assert "needs no one-time code any more" in set_password(store, NOW, "kim", True, True)[0]
    assert remove(store, NOW, "kim").startswith("kim is signed out everywhere")
    with pytest.raises(SettingsError, match="Nobody is called kim"):
        remove(store, NOW, "kim")


def test_a_demo_shows_the_same_sign_in_whenever_it_is_asked(store: Store) -> None:
    shown = demo_sign_in(store, KEY, NOW)
    assert demo_sign_in(store, KEY, NOW) == shown
    assert demo_sign_in(store, "another key", NOW) != shown
    assert [one.person.name for one in store.desk.users()] == ["demo"]


def test_a_demo_has_somebody_who_may_less_at_one_site(store: Store) -> None:
    shown = demo_support(store, KEY, NOW, "marktplatz")
    assert demo_support(store, KEY, NOW, "marktplatz") == shown
    assert shown[1] != demo_sign_in(store, KEY, NOW)[1]
    user = store.desk.user("support")
    assert user is not None
    assert (user.person.role, user.person.sites) == (Role.SUPPORT, frozenset({"marktplatz"}))


def test_the_command_does_all_four(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for field, value in {
        "secret_key": KEY,
        "public_url": "https://charge.example",
        "data_dir": str(tmp_path),
        "database_url": migrated_database(tmp_path / "kiosk.db"),
    }.items():
        monkeypatch.setenv(variable(field), value)
    assert main(["user", "add", "kim", "--role", "owner", "--generate"]) == 0
    assert main(["user", "list"]) == 0
    assert main(["user", "password", "kim", "--generate"]) == 0
    assert main(["user", "remove", "kim"]) == 0
    assert main(["user", "remove", "kim"]) == 2
    said = capsys.readouterr()
    assert "kim may sign in as owner." in said.out
    assert "kim   owner  all    no              0" in said.out
    assert "Nobody is called kim" in said.err
