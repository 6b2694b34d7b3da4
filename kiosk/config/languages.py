"""The languages of the kiosk: one row each. To add one, write its row and its catalogue under `translations/`.

Everything that a language says is in its catalogue: the texts of the pages, the words on stickers and the check words
of a hand-off. Everything else about a language is in its row.
"""

from __future__ import annotations

import gettext
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

WRITTEN_IN = "en"
"""The language of the texts in the code, and so of every text that a catalogue does not have."""


def known(code: str) -> str:
    """The code itself. Raises ValueError when no row has it."""
    if code not in LANGUAGES:
        *others, last = (f"'{each}'" for each in LANGUAGES)
        raise ValueError(f"input should be {', '.join(others)} or {last}")
    return code


def catalogue(code: str) -> gettext.NullTranslations:
    """What that language says, whoever reads. Without a catalogue it speaks English."""
    return _catalogue(CATALOGUES, code)


@lru_cache(maxsize=64)
def _catalogue(place: Path, code: str) -> gettext.NullTranslations:
    return gettext.translation("messages", place, [code], fallback=True)
