"""The languages of the kiosk and how countries write them: one row each.

To add a language, write its row and its catalogue under `translations/`; a country needs its row alone. Everything that
a language says is in its catalogue: the texts of the pages, the words on stickers and the check words of a hand-off.
Everything else about a language is in its row.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from kiosk.config.places import folder

CATALOGUES = folder("translations")


@dataclass(frozen=True, slots=True)
class Language:
    """`code` stands in addresses and in kiosk.toml and names the folder of the catalogue; `name` is the language's own
    name for itself.

    `conventions` is the locale by whose conventions numbers, money and dates are written, `stripe` the language of
    Stripe's fields ("auto" where Stripe does not speak it).
    """

    code: str
    name: str
    conventions: str
    stripe: str
    direction: Literal["ltr", "rtl"] = "ltr"


LANGUAGES: dict[str, Language] = {
    row.code: row
    for row in (
        # Plain "en" is American to the locale data; the kiosk's English writes 20 November 2026 and US$.
        Language("en", "English", "en_GB", "en"),
        Language("nl", "Nederlands", "nl", "nl"),
        Language("de", "Deutsch", "de", "de"),
        Language("fr", "Français", "fr", "fr"),
    )
}


@dataclass(frozen=True, slots=True)
class Locale:
    """A language as one country writes it. `tag` stands in addresses and is what browsers ask for; `conventions` as in
    the language's row.

    `point` is the decimal sign of money where it is another one than in other figures. `respelled` are letters of the
    catalogue that the country does not use, each with what it writes instead.
    """

    tag: str
    language: str
    conventions: str
    point: str | None = None
    respelled: tuple[tuple[str, str], ...] = ()


LOCALES: dict[str, Locale] = {
    row.tag: row
    for row in (
        Locale("en-GB", "en", "en_GB"),
        Locale("en-US", "en", "en_US"),
        Locale("de-CH", "de", "de_CH", respelled=(("ß", "ss"),)),
        Locale("fr-CH", "fr", "fr_CH", point="."),
    )
}

WRITTEN_IN = "en"
"""The language of the texts in the code, and so of every text that a catalogue does not have."""


def known(code: str) -> str:
    """The code itself. Raises ValueError when no row has it."""
    if code not in LANGUAGES:
        *others, last = (f"'{each}'" for each in LANGUAGES)
        raise ValueError(f"input should be {', '.join(others)} or {last}")
    return code


def named(tag: str) -> tuple[str, str | None]:
    """The language and the country that a tag names: `de` and `CH` for `de-CH`, `de_ch` and `de-Latn-CH`."""
    language, *others = tag.replace("_", "-").split("-")
    return language.lower(), next((one.upper() for one in others if len(one) == 2 and one.isalpha()), None)


def locale_of(code: str, asked: Iterable[str], country: str | None) -> Locale:
    """How to write that language for somebody who asks for the tags of `asked`, best first, in that country.

    The country that the reader names for the language decides, also one without a row: it is written as in the row of
    the language. Who names none reads it as the country of the place writes it.
    """
    regions = (region for language, region in map(named, asked) if language == code and region is not None)
    row = LOCALES.get(f"{code}-{next(regions, country)}")
    return row or Locale(code, code, LANGUAGES[code].conventions)


def catalogue(code: str) -> gettext.NullTranslations:
    """What the language of that code or tag says, whoever reads. Without a catalogue it speaks English."""
    return _catalogue(CATALOGUES, code)


@lru_cache(maxsize=64)
def _catalogue(place: Path, code: str) -> gettext.NullTranslations:
    row = LOCALES.get(code)
    said = gettext.translation("messages", place, [row.language if row is not None else code], fallback=True)
    return _Respelled(said, row.respelled) if row is not None and row.respelled else said


class _Respelled(gettext.NullTranslations):
    """The texts of another catalogue with some letters written otherwise."""

    def __init__(self, said: gettext.NullTranslations, letters: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._said = said
        self._letters = tuple(letters)

    def _written(self, text: str) -> str:
        for letter, instead in self._letters:
            text = text.replace(letter, instead)
        return text

    def gettext(self, message: str) -> str:
        return self._written(self._said.gettext(message))

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._written(self._said.ngettext(msgid1, msgid2, n))

    def pgettext(self, context: str, message: str) -> str:
        return self._written(self._said.pgettext(context, message))

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self._written(self._said.npgettext(context, msgid1, msgid2, n))
