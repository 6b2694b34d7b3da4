"""The parts of a sticker: address, code, letters, words and colour."""

from __future__ import annotations

import re

import pytest

from kiosk.config.languages import LANGUAGES
from kiosk.config.settings import SettingsError
from kiosk.stickers.code import address, look_alikes, matrix, typed
from kiosk.stickers.colour import brand
from kiosk.stickers.letters import DOWN, EM, UP, face, plain, unknown
from kiosk.stickers.words import in_order, words
from tests.stickers.facts import HOME


def contrast_with_white(colour: str) -> float:
    """As WCAG 2 counts it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_the_address_is_the_public_one_and_nothing_else() -> None:
    assert address("https://charge.example", "7MK4T") == "https://charge.example/c/7MK4T"
    assert typed("https://charge.example") == "charge.example"


@pytest.mark.parametrize("url", ["http://charge.example", "ftp://localhost", "charge.example"])
def test_an_address_without_https_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="https://"):
        address(url, "7MK4T")


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1:8000"])
def test_this_machine_may_be_printed_for_a_trial(url: str) -> None:
    assert address(url, "7MK4T") == f"{url}/c/7MK4T"


def test_look_alikes_are_named_once_and_in_order() -> None:
    assert look_alikes("O7I0O1") == ("O", "I", "0", "1")
    assert look_alikes("23456789ABCDEFGHJKLMNPQRSTUVWXYZ") == ()


def test_a_text_beyond_the_largest_code_is_refused() -> None:
    with pytest.raises(SettingsError, match="too long for a QR code"):
        matrix("a" * 2000)


@pytest.mark.parametrize("bold", [False, True])
def test_every_letter_stays_between_the_lines(bold: bool) -> None:
    for letter, (_, shape) in face(bold).glyphs.items():
        heights = [int(figure) / EM for figure in re.findall(r"-?\d+", shape)[1::2]]
        assert not heights or (min(heights) >= -DOWN and max(heights) <= UP), letter


def test_both_weights_have_the_same_letters() -> None:
    assert face(True).glyphs.keys() == face(False).glyphs.keys()


def test_the_letters_of_our_operators_are_there() -> None:
    assert unknown("éèêëàâçœüöäßïĳ€ÉŒÜẞ ‘’“”„«»–— Łódź Žilina Gdańsk İzmir Tromsø Ērgļi Őr") == ()  # noqa: RUF001
    assert unknown("Ж and 中 and Ж") == ("Ж", "中")


def test_blanks_and_accents_are_brought_into_one_form() -> None:
    assert plain(" Cafe\u0301\u00a0\n du  Nord ") == "Café du Nord"
    assert unknown("Cafe\u0301") == ()


def test_an_outline_begins_where_it_is_told_and_grows_upwards() -> None:
    steps = list(face(False).outline("HH", 10, 20, 5))
    across = [x for _, figures in steps for x in figures[::2]]
    heights = [y for _, figures in steps for y in figures[1::2]]
    width = face(False).width("HH", 5)
    assert 10 < min(across) < 10.5
    assert 10 + width - 0.5 < max(across) < 10 + width
    assert (min(heights), max(heights)) == (20 - 0.668 * 5, 20)
    assert {kind for kind, _ in steps} == {"M", "L", "Z"}


def test_every_language_has_its_words() -> None:
    said = {language: words(language) for language in LANGUAGES}
    assert len({each.way for each in said.values()}) == len(LANGUAGES)
    assert not unknown("".join(each.way + each.help for each in said.values()))


def test_the_default_language_stands_on_top() -> None:
    assert in_order(("en", "nl", "de"), "de") == (words("de"), words("en"), words("nl"))


def test_the_colour_is_that_of_the_pages() -> None:
    tokens = (HOME / "static" / "shared" / "tokens.css").read_text(encoding="utf-8")
    assert f"--deep: {brand(208)};" in tokens


def test_white_on_every_hue_is_easy_to_read() -> None:
    assert min(contrast_with_white(brand(hue)) for hue in range(360)) >= 7
