"""How countries write the languages: money, figures, days and the clock, by what the reader or the place says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale as Conventions
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

import kiosk as kiosk_package
from kiosk.clock import ManualClock
from kiosk.config.languages import LANGUAGES, LOCALES, catalogue, locale_of, named
from kiosk.config.sites import SiteBook
from kiosk.domain.money import Money
from kiosk.domain.tariff import Tariff
from kiosk.web.shared import formats
from kiosk.web.shared.i18n import language, locale
from kiosk.web.shared.text import _
from tests.web.built import made_app
from tests.web.conftest import BOOK as BOOK_OF_PAGES
from tests.web.conftest import CODE, Kiosk
from tests.web.paired import screen_of

N = "\N{NO-BREAK SPACE}"
THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
ZURICH = ZoneInfo("Europe/Zurich")
MOMENT = datetime(2026, 11, 20, 13, 3, 12, tzinfo=UTC)


def site(site_id: str, country: str | None, code: str) -> dict[str, object]:
    place = {"country": country} if country is not None else {}
    return {"id": site_id, "name": site_id, "timezone": "UTC", "chargers": [{"code": code}], **place}


BOOK = SiteBook.model_validate({"sites": [site("here", "US", "AMERI"), site("there", "CH", "SWISS")]})
ALONE = SiteBook.model_validate({"sites": [site("here", "CH", "SWISS")]})


def with_page(app: Flask) -> Flask:
    @app.get("/test/<code>")
    def page(code: str) -> str:
        del code  # the page asks the address itself
        return f"{language()} {locale().tag}"

    return app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return with_page(made_app(tmp_path_factory.mktemp("kiosk"), site=BOOK))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def shown(app: Flask) -> Callable[..., str]:
    """`shown("de-CH", formats.money, amount)`: what a reader whose browser asks for that sees."""

    def show(tag: str, function: Callable[..., str], *values: object) -> str:
        with app.test_request_context(headers={"Accept-Language": tag}):
            return function(*values)

    return show


@pytest.mark.parametrize(
    ("tag", "amount", "expected"),
    [
        ("en-GB", Money(123450, "GBP"), "£1,234.50"),
        ("en-US", Money(123450, "USD"), "$1,234.50"),
        ("en-GB", Money(947, "USD"), "US$9.47"),
        ("de-CH", Money(123450, "CHF"), f"CHF{N}1{APOSTROPHE}234.50"),
        ("de-CH", Money(-2053, "CHF"), f"CHF{N}{MINUS}20.53"),
        ("de", Money(123450, "CHF"), f"1.234,50{N}CHF"),
        ("fr-CH", Money(123450, "CHF"), f"1{THIN}234.50{N}CHF"),
        ("fr-CH", Money(947, "EUR"), f"9.47{N}€"),
        ("fr", Money(947, "CHF"), f"9,47{N}CHF"),
    ],
)
def test_money(shown: Callable[..., str], tag: str, amount: Money, expected: str) -> None:
    assert shown(tag, formats.money, amount) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("de-CH", f"1{APOSTROPHE}234.50"), ("fr-CH", f"1{THIN}234,50"), ("en-US", "1,234.50"), ("de-AT", "1.234,50")],
)
def test_other_figures_keep_their_own_sign(shown: Callable[..., str], tag: str, expected: str) -> None:
    assert shown(tag, formats.number, Decimal("1234.5"), 2) == expected


@pytest.mark.parametrize(
    ("tag", "amount", "expected"),
    [
        ("en-GB", Money(49, "GBP"), "49p"),
        ("en", Money(105, "GBP"), "105p"),
        ("en-US", Money(49, "GBP"), "49p"),
        ("de", Money(49, "GBP"), "49p"),
        ("en-GB", Money(100, "GBP"), "100p"),
        ("en-GB", Money(0, "GBP"), "0p"),
        ("en-GB", Money(49, "EUR"), "€0.49"),
        ("en-US", Money(49, "USD"), "$0.49"),
        ("de-CH", Money(49, "CHF"), f"CHF{N}0.49"),
        ("en", Money(500, "JPY"), "JP¥500"),
    ],
)
def test_a_kwh_is_priced_in_pence_where_the_law_says_so(
    shown: Callable[..., str], tag: str, amount: Money, expected: str
) -> None:
    assert shown(tag, formats.kwh_price, amount) == expected


@pytest.mark.parametrize(
    ("tag", "moment", "expected"),
    [
        ("en-US", MOMENT, f"2:03:12{N}PM"),
        ("en-US", MOMENT.replace(hour=11), f"12:03:12{N}PM"),
        ("en-US", MOMENT.replace(hour=23), f"12:03:12{N}AM on Nov 21"),
        ("en-US", MOMENT.replace(hour=0), f"1:03:12{N}AM"),
        ("en-GB", MOMENT, "14:03:12"),
        ("en-AU", MOMENT, "14:03:12"),  # no row of its own
        ("de-CH", MOMENT, f"14:03:12{N}Uhr"),
        ("fr-CH", MOMENT, "14:03:12"),
    ],
)
def test_the_clock_has_the_hours_of_the_country(
    shown: Callable[..., str], tag: str, moment: datetime, expected: str
) -> None:
    assert shown(tag, formats.clock_s, moment, ZURICH, MOMENT) == expected


def test_an_hour_that_comes_twice_carries_its_zone_on_a_clock_of_twelve_hours_too(shown: Callable[..., str]) -> None:
    start = datetime(2027, 10, 31, 0, 40, tzinfo=UTC)
    assert shown("en-US", formats.clock, start, ZURICH, start) == f"2:40{N}AM (UTC+2)"


@given(minutes=st.lists(st.integers(0, 1439), min_size=2, max_size=2, unique=True))
def test_twelve_hours_never_read_two_moments_of_a_day_alike(app: Flask, minutes: list[int]) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    one, other = (midnight + timedelta(minutes=each) for each in minutes)
    with app.test_request_context(headers={"Accept-Language": "en-US"}):
        assert formats.clock(one, UTC, midnight) != formats.clock(other, UTC, midnight)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("en-US", "November 20, 2026"), ("en-GB", "20 November 2026"), ("de-CH", "20. November 2026")],
)
def test_days(shown: Callable[..., str], tag: str, expected: str) -> None:
    assert shown(tag, formats.day, MOMENT, ZURICH) == expected


def test_switzerland_writes_no_sharp_s(shown: Callable[..., str]) -> None:
    assert shown("de-CH", _, "Out of order") == "Ausser Betrieb"
    assert shown("de", _, "Out of order") == "Außer Betrieb"
    assert catalogue("de-CH").gettext("Larger text") == "Grössere Schrift"


def test_a_page_of_switzerland_writes_so_from_top_to_bottom(app: Flask) -> None:
    page = app.test_client().get("/?lang=de-CH").text
    assert '<html lang="de-CH"' in page
    assert "ß" not in page
    assert "Ladesäule" in page


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_country_of_a_language_is_one_that_the_locale_data_knows(code: str) -> None:
    for tag, row in LOCALES.items():
        assert tag == row.tag
        assert str(Conventions.parse(row.conventions)) == tag.replace("-", "_")
        assert row.language in LANGUAGES
        assert row.language == named(tag)[0]
    assert locale_of(code, (), None).conventions == LANGUAGES[code].conventions


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        ("/test/ZZZZZ", "en", "en en"),
        ("/test/ZZZZZ", "en-US,en;q=0.9", "en en-US"),
        ("/test/ZZZZZ", "de-CH,de;q=0.9", "de de-CH"),
        ("/test/ZZZZZ", "de-AT", "de de"),
        ("/test/ZZZZZ", "nl,en-US;q=0.4", "nl nl"),
        ("/test/AMERI", "en", "en en-US"),  # the site's country, where the browser names none
        ("/test/ameri", "en", "en en-US"),
        ("/test/AMERI", "en-GB", "en en-GB"),
        ("/test/AMERI", "en-AU", "en en"),
        ("/test/AMERI", "de", "de de"),
        ("/test/SWISS", "fr", "fr fr-CH"),
        ("/test/SWISS", "en", "en en"),
        ("/test/SWISS", "", "en en"),
        ("/test/ZZZZZ?lang=de-CH", "en", "de de-CH"),
        ("/test/ZZZZZ?lang=DE_ch", "en", "de de-CH"),
        ("/test/ZZZZZ?lang=de-DE", "en", "de de"),
        ("/test/ZZZZZ?lang=en", "de,en-US;q=0.5", "en en-US"),  # a link of the menu, and the browser's country
        ("/test/ZZZZZ?lang=en-GB", "en-US", "en en-GB"),
        ("/test/ZZZZZ?lang=it-CH", "de-CH", "de de-CH"),  # a language that is not offered
        ("/test/ZZZZZ?lang=en-US%0d%0aX:y", "en", "en en"),
    ],
)
def test_the_reader_decides_then_the_place(client: FlaskClient, path: str, accept: str, expected: str) -> None:
    assert client.get(path, headers={"Accept-Language": accept}).text == expected


def test_a_choice_with_its_country_stays(client: FlaskClient) -> None:
    answer = client.get("/test/ZZZZZ?lang=de-ch", headers={"Accept-Language": "en-US"})
    assert answer.headers.getlist("Set-Cookie")[0].startswith("lang=de-CH;")
    assert client.get("/test/ZZZZZ", headers={"Accept-Language": "en-US"}).text == "de de-CH"


def test_where_every_site_is_in_one_country_all_pages_are_written_so(tmp_path: Path) -> None:
    app = with_page(made_app(tmp_path, site=ALONE))
    assert app.test_client().get("/test/ZZZZZ", headers={"Accept-Language": "de"}).text == "de de-CH"
    with app.app_context():
        assert locale().tag == "en"


def test_the_country_of_a_site_is_two_letters() -> None:
    for wrong in ("CHE", "ch", "Schweiz", ""):
        with pytest.raises(ValueError, match="country"):
            SiteBook.model_validate({"sites": [site("here", wrong, "SWISS")]})
    assert BOOK.country("SWISS") == "CH"
    assert BOOK.country("ZZZZZ") is None
    assert ALONE.country("ZZZZZ") == "CH"


def test_no_page_and_no_receipt_prices_a_kwh_as_other_money() -> None:
    root = Path(kiosk_package.__file__).parent.parent
    texts = {path.name: path.read_text(encoding="utf-8") for path in (root / "templates").rglob("*.html")}
    assert [name for name, text in texts.items() if re.search(r"price_per_kwh\s*\|\s*money", text)] == []
    loops = [text for text in texts.values() if "component, price in" in text]
    assert loops
    assert all("price|kwh_price" in text for text in loops)


def test_a_driver_in_britain_reads_pence_before_and_while_paying(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card(tariff=Tariff("GBP", 49, 35))
    page = phone.get(f"/c/{CODE}", headers={"Accept-Language": "en-GB"}).text
    assert "49p" in page
    assert "£0.49" not in page
    assert "£0.35" in page
    key = kiosk.start(phone)
    kiosk.start_answer(key, tariff=Tariff("GBP", 49, 35))
    page = phone.get(f"/s/{key}", headers={"Accept-Language": "en-GB"}).text
    assert "49p" in page
    assert "£0.49" not in page


def test_the_tablet_prices_a_kwh_in_pence_too(kiosk: Kiosk) -> None:
    kiosk.card(tariff=Tariff("GBP", 49, 35))
    screen = screen_of(kiosk)
    for address in ("/tablet/", f"/tablet/bay/{CODE}/2"):
        page = screen.get(address).text
        assert "49p" in page
        assert "£0.49" not in page


def test_a_tablet_writes_as_the_country_of_its_site(tmp_path: Path) -> None:
    book = SiteBook.model_validate(BOOK_OF_PAGES)
    america = book.model_copy(update={"sites": tuple(one.model_copy(update={"country": "US"}) for one in book.sites)})
    world = Kiosk(tmp_path, ManualClock(), america)
    try:
        world.card()
        screen = screen_of(world)
        page = screen.get("/tablet/", headers={"Accept-Language": "en-GB"}).text
        assert '<html lang="en-US"' in page
        assert f"{N}PM" in page or f"{N}AM" in page
    finally:
        world.close()
