"""`kiosk attention`: what needs a person, and what people do about it, without the desk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.command.attention import handle, listing
from kiosk.command.cli import main
from kiosk.config.settings import SettingsError
from kiosk.config.sites import SiteBook
from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.handling import Did
from kiosk.store import Cipher, Store
from tests.store.build import later

CODE = "7MK4T"
SITE = {"id": "g", "name": "Garage", "timezone": "Europe/Berlin", "chargers": [{"code": CODE}]}
BOOK = SiteBook.model_validate({"sites": [SITE]})
KEY = "a secret key of this test that is long enough"
NOW = later(7200)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIOSK_SECRET_KEY", KEY)
    monkeypatch.setenv("KIOSK_PUBLIC_URL", "https://charge.example")
    made = Store(f"sqlite:///{tmp_path}/data/kiosk.db", Cipher([KEY]))
    made.migrate()
    matters = [
        Matter(Attention.HOLD_OVERDUE, "key-1", CODE, later(0), Act.STOP, 5000, "EUR"),
        Matter(Attention.STARTS_REFUSED, CODE, CODE, later(0), Act.LOOK_AT_CHARGER),
    ]
    made.keep_exceptions(matters, (), later(60))
    yield made
    made.close()


def test_it_lists_what_waits_with_amount_age_and_what_to_do(store: Store) -> None:
    lines = list(listing(store, BOOK, NOW, "waits", None, None))
    assert lines[0] == "2 wait for a person, 0 are set aside, 0 seen to."
    assert "    1  Hold older than its deadline  2 h  50.00 EUR  nobody" in lines
    assert any("its hold should have ended by now. What to do: stop it at the charger" in line for line in lines)
    assert len(list(listing(store, BOOK, NOW, "waits", "starts_refused", "g"))) == 3
    assert list(listing(store, BOOK, NOW, "closed", None, None))[1:] == []


@pytest.mark.parametrize("until", ["8h", "3d", "30m", "2026-12-01T08:00", "2026-12-01T08:00+01:00"])
def test_a_row_is_set_aside_until_a_time_that_people_write(store: Store, until: str) -> None:
    shown = handle(store, BOOK, NOW, "kim", 1, Did.SET_ASIDE, None, until)
    assert any("set aside until 2026-1" in line for line in shown)
    assert any("kim set it aside" in line for line in shown)


@pytest.mark.parametrize(
    ("number", "did", "note", "until", "sentence"),
    [
        (9, Did.OWNED, None, None, "There is no number 9"),
        (1, Did.DONE, None, None, "it ends by itself when its cause is gone"),
        (1, Did.SET_ASIDE, None, "tomorrow", "is no time"),
        (1, Did.SET_ASIDE, None, "20d", "at most 14 days"),
        (1, Did.NOTED, " ", None, "there is no note"),
        (1, Did.UNDONE, None, None, "there is nothing to take back"),
    ],
)
def test_what_cannot_be_done_says_why(
    store: Store, number: int, did: Did, note: str | None, until: str | None, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        handle(store, BOOK, NOW, "kim", number, did, note, until)


def test_the_whole_way_from_a_shell(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["own", "1"], ["note", "1", "they call back"], ["set-aside", "1", "4h"], ["undo", "1"], ["list"]):
        assert main(["attention", *words]) == 0, words
    said = capsys.readouterr().out
    assert "they call back" in said
    assert "took the last step back" in said
    assert "2 wait for a person" in said
    handling = store.exception(1).handling
    assert (handling.owner is not None, handling.aside_until) == (True, None)
    assert main(["attention", "done", "1"]) == 2
    assert "Nothing was done" in capsys.readouterr().err
