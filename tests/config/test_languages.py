"""The table of languages, and what a catalogue says to those that no page speaks to."""

from __future__ import annotations

import pytest
from babel import Locale

from kiosk.config.languages import LANGUAGES, WRITTEN_IN, catalogue, known

STRIPE = {"auto", "ar", "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fil", "fr", "he", "hr", "hu", "id", "it"}
STRIPE |= {"ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi"}
STRIPE |= {"zh", "en-GB", "es-419", "fr-CA", "pt-BR", "zh-HK", "zh-TW"}
"""What Stripe's fields speak: StripeElementLocale in its types."""


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_row_fits_what_is_known_of_its_language(code: str) -> None:
    row = LANGUAGES[code]
    assert row.code == code
    locale = Locale.parse(row.conventions)
    assert locale.language == code
    assert locale.text_direction == row.direction
    assert str(locale.get_display_name(code)).split(" (")[0].casefold() == row.name.casefold()
    assert row.stripe in STRIPE


def test_the_language_of_the_code_is_one_of_them() -> None:
    assert WRITTEN_IN in LANGUAGES


def test_a_catalogue_speaks_its_language() -> None:
    assert catalogue("de").gettext("Help") == "Hilfe"


@pytest.mark.parametrize("code", ["en", "xx", "", "../de"])
def test_without_a_catalogue_english_is_spoken(code: str) -> None:
    assert catalogue(code).gettext("Help") == "Help"


def test_a_code_without_a_row_is_refused_with_the_codes_that_there_are() -> None:
    assert known("nl") == "nl"
    with pytest.raises(ValueError, match=r"^input should be 'en', 'nl', 'de' or 'fr'$"):
        known("xx")
