"""Texts of kiosk.toml: one for all languages, or one for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.config.settings import SettingsError
from kiosk.config.sites import Site, load_site


def site(folder: Path, name: str) -> Site:
    file = folder / "kiosk.toml"
    file.write_text(f'[[sites]]\nid = "a"\nname = {name}\ntimezone = "Europe/Berlin"\n', encoding="utf-8")
    return load_site(file).sites[0]


def test_one_text_is_for_all_languages(tmp_path: Path) -> None:
    name = site(tmp_path, '" Marktplatz "').name
    assert (name, name.said_in("de"), name.said_in("en")) == ("Marktplatz", "Marktplatz", "Marktplatz")


def test_each_language_may_have_its_own_and_the_first_stands_in(tmp_path: Path) -> None:
    name = site(tmp_path, '{ de = "Markt", en = "Market" }').name
    assert (name.said_in("de"), name.said_in("en"), name.said_in("fr")) == ("Markt", "Market", "Markt")
    assert str(name) == "Markt"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('{ xx = "Markt" }', "there is no language 'xx'"),
        ('{ de = "" }', "a text is not empty"),
        ('" "', "a text is not empty"),
        ("{ de = 5 }", "a text is not empty"),
        ("{}", "write one text, or one for each language"),
        ("5", "write one text, or one for each language"),
    ],
)
def test_what_is_no_text_is_refused_with_what_to_write(tmp_path: Path, written: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        site(tmp_path, written)
