"""A language that is made up here, of one row and one catalogue, is spoken everywhere: nothing else has to be told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask.testing import FlaskClient

from kiosk.config import languages
from kiosk.config.languages import LANGUAGES, Language
from kiosk.config.sites import Operator, SiteBook
from kiosk.domain.money import Money
from kiosk.stickers.layout import lay_out
from kiosk.stickers.order import Order, make
from kiosk.stickers.sizes import SIZES
from kiosk.stickers.words import in_order
from kiosk.web.shared.check_words import check_words
from kiosk.web.shared.formats import money
from tests.stickers.facts import FACTS
from tests.web.conftest import BOOK, CODE, Kiosk
from tests.web.paired import screen_of, text_of

CODE_OF_IT = "fa"
ROW = Language(CODE_OF_IT, "Kadabra", conventions="de_CH", stripe="it", direction="rtl")
"""The code and the conventions are of languages that the locale data knows; nothing else of it is real."""
ENGLISH = check_words("en")
SAYS = {
    "Skip to content": "Obra kadobra",
    "Scan to charge, or type address and code": "Skana, oder typa",
    "Help": "Abra",
    " ".join(ENGLISH.looks): "rotissimo blauissimo",
    " ".join(ENGLISH.things): "fischissimo baumissimo hausissimo",
    "%(look)s %(thing)s": "%(thing)s %(look)s",
}
PAIRS = {f"{thing} {look}" for thing in SAYS[" ".join(ENGLISH.things)].split() for look in ("rotissimo", "blauissimo")}


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before the kiosk is made, as in a version that has the language."""
    folder = tmp_path / "translations"
    shutil.copytree(languages.CATALOGUES, folder)
    catalogue = Catalog(locale=CODE_OF_IT)
    for english, said in SAYS.items():
        catalogue.add(english, said)
    file = folder / CODE_OF_IT / "LC_MESSAGES" / "messages.mo"
    file.parent.mkdir(parents=True)
    with file.open("wb") as opened:
        write_mo(opened, catalogue)
    monkeypatch.setattr(languages, "CATALOGUES", folder)
    monkeypatch.setitem(LANGUAGES, CODE_OF_IT, ROW)


def test_a_page_speaks_it_from_right_to_left(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    page = phone.get(f"/c/{CODE}?lang={CODE_OF_IT}").text
    assert f'<html lang="{CODE_OF_IT}" dir="rtl"' in page
    assert "Obra kadobra" in page
    assert f'lang="{CODE_OF_IT}" hreflang="{CODE_OF_IT}" aria-current="true">Kadabra</a>' in page


def test_so_does_a_page_of_the_tablet(kiosk: Kiosk) -> None:
    page = screen_of(kiosk).get(f"/tablet/?lang={CODE_OF_IT}").text
    assert f'<html lang="{CODE_OF_IT}" dir="rtl"' in page


@pytest.mark.parametrize("other", ["en", "nl", "de", "fr"])
def test_the_others_are_read_as_before(kiosk: Kiosk, phone: FlaskClient, other: str) -> None:
    kiosk.card()
    assert f'<html lang="{other}" dir="ltr"' in phone.get(f"/c/{CODE}?lang={other}").text


def test_a_browser_that_asks_for_it_gets_it(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    assert 'dir="rtl"' in phone.get(f"/c/{CODE}", headers={"Accept-Language": CODE_OF_IT}).text


def test_its_figures_are_written_by_the_conventions_of_its_row(kiosk: Kiosk) -> None:
    with kiosk.app.test_request_context(f"/?lang={CODE_OF_IT}"):
        francs = money(Money(123456, "CHF"))
    assert francs == "CHF\N{NO-BREAK SPACE}1’234.56"  # noqa: RUF001 - as the Swiss group thousands


def test_stripe_is_told_the_language_of_its_row(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    answer = phone.get(f"/s/{key}/payment?lang={CODE_OF_IT}").json
    assert answer is not None
    assert answer["locale"] == "it"


def test_the_words_of_a_hand_off_are_its_own_in_its_own_order(kiosk: Kiosk) -> None:
    kiosk.card("Available", "Available")
    screen = screen_of(kiosk)
    page = text_of(screen.get(f"/tablet/bay/{CODE}/2?lang={CODE_OF_IT}").text)
    assert [pair for pair in PAIRS if pair in page]


def test_a_sticker_says_its_words() -> None:
    book = SiteBook.model_validate(BOOK | {"operator": {"languages": ["en", CODE_OF_IT], "default_language": "fa"}})
    assert make(book, "https://charge.example", Order(codes=(CODE,))).files
    facts = replace(FACTS, words=in_order(book.operator.languages, CODE_OF_IT))
    lines = [line.text for line in lay_out(facts, SIZES["60x80"]).lines]
    assert lines.index("Skana, oder typa") < lines.index("Scan to charge, or type address and code")
    assert "Abra · Help  " in lines


def test_an_operator_may_offer_it_alone() -> None:
    assert Operator(languages=(CODE_OF_IT,), default_language=CODE_OF_IT).languages == ("fa",)
