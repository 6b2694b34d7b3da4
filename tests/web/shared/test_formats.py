"""Figures as people in four languages read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, render_template_string
from hypothesis import given
from hypothesis import strategies as st

import kiosk
from kiosk.clock import ManualClock
from kiosk.domain.money import ISO_EXPONENTS, Money, step_minor
from kiosk.web.shared import formats
from tests.web.built import made_app

N = "\N{NO-BREAK SPACE}"
THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2026, 11, 20, 13, 3, 12, 999999, tzinfo=UTC)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return made_app(tmp_path_factory.mktemp("kiosk"))


@pytest.fixture
def shown(app: Flask) -> Callable[..., str]:
    """`shown("de", formats.money, amount)`: what a reader of that language sees."""

    def show(lang: str, function: Callable[..., str], *values: object) -> str:
        with app.test_request_context(headers={"Accept-Language": lang}):
            return function(*values)

    return show


@pytest.mark.parametrize(
    ("lang", "amount", "expected"),
    [
        ("en", Money(947, "EUR"), "€9.47"),
        ("de", Money(947, "EUR"), f"9,47{N}€"),
        ("nl", Money(947, "EUR"), f"€{N}9,47"),
        ("fr", Money(947, "EUR"), f"9,47{N}€"),
        ("en", Money(0, "EUR"), "€0.00"),
        ("en", Money(3000, "EUR"), "€30.00"),
        ("en", Money(123456789, "EUR"), "€1,234,567.89"),
        ("de", Money(123456789, "EUR"), f"1.234.567,89{N}€"),
        ("fr", Money(123456789, "EUR"), f"1{THIN}234{THIN}567,89{N}€"),
        ("en", Money(-2053, "EUR"), f"{MINUS}€20.53"),
        ("de", Money(-2053, "EUR"), f"{MINUS}20,53{N}€"),
        ("nl", Money(-2053, "EUR"), f"€{N}{MINUS}20,53"),
        ("en", Money(500, "JPY"), "JP¥500"),
        ("de", Money(500, "JPY"), f"500{N}¥"),
        ("en", Money(50000, "ISK"), f"ISK{N}500"),
        ("de", Money(50000, "ISK"), f"500{N}ISK"),
        ("en", Money(4550, "ISK"), f"ISK{N}45.50"),  # a price per kWh keeps its smaller parts
        ("en", Money(50000, "UGX"), f"UGX{N}500"),
        ("en", Money(5000, "MGA"), f"MGA{N}5,000"),
        ("en", Money(5120, "KWD"), f"KWD{N}5.120"),
        ("en", Money(947, "CHF"), f"CHF{N}9.47"),
        ("de", Money(947, "CHF"), f"9,47{N}CHF"),
        ("en", Money(69, "GBP"), "£0.69"),
    ],
)
def test_money(shown: Callable[..., str], lang: str, amount: Money, expected: str) -> None:
    assert shown(lang, formats.money, amount) == expected


@pytest.mark.parametrize("lang", ["en", "nl", "de", "fr"])
def test_every_currency_keeps_its_value(shown: Callable[..., str], lang: str) -> None:
    """What is shown, read back, is the amount: nothing is a hundred times too much."""
    for currency in ISO_EXPONENTS:
        amount = Money(12340 * step_minor(currency), currency)
        text = shown(lang, formats.money, amount)
        figures = "".join(c for c in text if c.isdigit() or c in ".,")
        point = "." if lang == "en" else ","
        plain = figures.replace("," if point == "." else ".", "").strip(".,").replace(point, ".")
        assert Decimal(plain) == amount.major, text


@pytest.mark.parametrize(
    ("lang", "function", "value", "expected"),
    [
        ("en", formats.kwh, Decimal("18.6"), f"18.60{N}kWh"),
        ("de", formats.kwh, Decimal("18.605"), f"18,61{N}kWh"),
        ("en", formats.kwh, Decimal("0"), f"0.00{N}kWh"),
        ("en", formats.kwh, Decimal("1234.5"), f"1,234.50{N}kWh"),
        ("nl", formats.kw, Decimal("11"), f"11,0{N}kW"),
        ("en", formats.kw, Decimal("7.35"), f"7.4{N}kW"),
        ("en", formats.kw, Decimal("-0.04"), f"0.0{N}kW"),
        ("en", formats.kw, Decimal("-1.26"), f"{MINUS}1.3{N}kW"),
        ("en", formats.number, 1234, "1,234"),
        ("de", formats.number, Decimal("1234.5"), "1.235"),
        ("fr", formats.number, 1234, f"1{THIN}234"),
        ("en", formats.percent, 19, "19%"),
        ("de", formats.percent, 19, f"19{N}%"),
        ("de", formats.percent, Decimal("8.1"), f"8,1{N}%"),
        ("en", formats.percent, Decimal("5.50"), "5.5%"),
        ("en", formats.percent, 20, "20%"),
        ("en", formats.percent, 0, "0%"),
        ("en", formats.percent, 100, "100%"),
    ],
)
def test_figures(
    shown: Callable[..., str], lang: str, function: Callable[..., str], value: object, expected: str
) -> None:
    assert shown(lang, function, value).replace(THIN + "%", N + "%") == expected


def test_decimals_may_be_asked_for(shown: Callable[..., str]) -> None:
    assert shown("de", formats.number, Decimal("3.14159"), 3) == "3,142"


def test_times_are_those_of_the_site(shown: Callable[..., str]) -> None:
    assert shown("en", formats.clock, MOMENT, BERLIN) == "14:03"
    assert shown("de", formats.clock_s, MOMENT, BERLIN) == f"14:03:12{N}Uhr"
    assert shown("fr", formats.clock_s, MOMENT, BERLIN) == "14:03:12"
    assert shown("en", formats.clock, MOMENT, ZoneInfo("America/New_York")) == "08:03"


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", "14:03 on 20 Nov"),
        ("de", f"14:03{N}Uhr am 20. Nov."),
        ("fr", "14:03 le 20 nov."),
        ("nl", "14:03 op 20 nov"),
    ],
)
def test_a_time_of_another_day_carries_its_day(shown: Callable[..., str], lang: str, expected: str) -> None:
    assert shown(lang, formats.clock, MOMENT, BERLIN, MOMENT + timedelta(days=1)) == expected
    assert shown(lang, formats.clock, MOMENT, BERLIN, MOMENT - timedelta(days=1)) == expected


def test_a_time_of_another_year_carries_that_too(shown: Callable[..., str]) -> None:
    new_year = datetime(2027, 1, 1, 8, tzinfo=UTC)
    assert shown("en", formats.clock_s, MOMENT, BERLIN, new_year) == "14:03:12 on 20 Nov 2026"


def test_what_goes_without_saying_is_the_day_of_the_site_not_that_of_the_server(shown: Callable[..., str]) -> None:
    before, after = datetime(2026, 11, 20, 22, 59, tzinfo=UTC), datetime(2026, 11, 20, 23, 1, tzinfo=UTC)
    assert shown("en", formats.clock, before, BERLIN, after) == "23:59 on 20 Nov"
    assert shown("en", formats.clock, before, ZoneInfo("UTC"), after) == "22:59"


def test_without_another_moment_it_is_the_day_of_now(shown: Callable[..., str]) -> None:
    assert shown("en", formats.clock, ManualClock().now(), BERLIN) == "14:00"
    assert shown("en", formats.clock, ManualClock().now() - timedelta(days=1), BERLIN) == "14:00 on 19 Nov"


def test_an_hour_that_comes_twice_carries_its_zone(shown: Callable[..., str]) -> None:
    start, end = datetime(2027, 10, 31, 0, 40, tzinfo=UTC), datetime(2027, 10, 31, 1, 20, tzinfo=UTC)
    assert shown("en", formats.clock, start, BERLIN, end) == "02:40 (UTC+2)"
    assert shown("en", formats.clock, end, BERLIN, end) == "02:20 (UTC+1)"
    assert shown("en", formats.clock, start - timedelta(hours=1), BERLIN, end) == "01:40"
    assert shown("en", formats.clock, end + timedelta(hours=1), BERLIN, end) == "03:20"
    assert shown("de", formats.clock_s, start, ZoneInfo("Australia/Lord_Howe"), end) == f"11:40:00{N}Uhr"
    assert shown("de", formats.clock, start, BERLIN, end) == f"02:40{N}Uhr (UTC+2)"


def test_the_hour_that_is_left_out_in_spring_is_never_shown_twice(shown: Callable[..., str]) -> None:
    spring = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    assert shown("en", formats.clock, spring, BERLIN, spring) == "03:00"


@given(
    moments=st.lists(
        st.integers(0, 2 * 365 * 86400).map(lambda seconds: MOMENT + timedelta(seconds=seconds)), min_size=2, max_size=6
    ),
    zone=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_two_moments_never_read_the_same_on_one_page(app: Flask, moments: list[datetime], zone: str) -> None:
    place = ZoneInfo(zone)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        said = {formats.clock_s(at, place, moments[0]) for at in moments}
    assert len(said) == len({at.replace(microsecond=0) for at in moments})


def test_a_time_of_day_is_written_by_one_function_alone() -> None:
    """So that each carries its day and its zone. A script writes one with its day."""
    bare = re.compile(r"%H|%I|%X|%c\b|format_time|format_datetime|toLocale|getHours")
    allowed = {"kiosk/web/shared/formats.py", "kiosk/web/shared/template_tools.py"}
    root = Path(kiosk.__file__).parent.parent
    places = [*(root / "kiosk/web").rglob("*.py"), *(root / "templates").rglob("*.html")]
    places += [path for path in (root / "static").rglob("*.js") if "vendor" not in path.parts]
    names = {path.relative_to(root).as_posix(): path.read_text() for path in places}
    assert {name for name, text in names.items() if bare.search(text)} <= allowed
    times = [text for name, text in names.items() if name.endswith(".js") and "hour:" in text]
    assert times
    assert all("day: 'numeric'" in text for text in times)


@pytest.mark.parametrize(
    ("lang", "expected"),
    [("en", "20 November 2026"), ("de", "20. November 2026"), ("nl", "20 november 2026"), ("fr", "20 novembre 2026")],
)
def test_days(shown: Callable[..., str], lang: str, expected: str) -> None:
    assert shown(lang, formats.day, MOMENT, BERLIN) == expected


def test_a_day_is_that_of_the_site(shown: Callable[..., str]) -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert shown("en", formats.day, late, BERLIN) == "21 November 2026"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, f"0{N}s"),
        (0.9, f"0{N}s"),
        (40, f"40{N}s"),
        (59.99, f"59{N}s"),
        (60, f"1{N}min"),
        (160, f"2{N}min 40{N}s"),
        (600, f"10{N}min"),
        (3600, f"1{N}h"),
        (3659, f"1{N}h"),
        (4620, f"1{N}h 17{N}min"),
        (90061, f"25{N}h 1{N}min"),
        (-5, f"0{N}s"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    assert formats.duration(timedelta(seconds=seconds)) == expected


def test_a_time_carries_its_exact_moment_for_machines() -> None:
    assert formats.time_tag(MOMENT, "14:03 <b>") == ('<time datetime="2026-11-20T13:03:12Z">14:03 &lt;b&gt;</time>')
    assert formats.stamp(MOMENT.astimezone(BERLIN)) == "2026-11-20T13:03:12Z"


def test_pages_know_every_format_as_filter_and_function(app: Flask) -> None:
    page = "{{ amount|money }} {{ money(amount) }} {{ energy|kwh }} {{ at|clock(zone) }} {{ time_tag(at, 'now') }}"
    with app.test_request_context(headers={"Accept-Language": "en"}):
        text = render_template_string(page, amount=Money(947, "EUR"), energy=Decimal("18.6"), at=MOMENT, zone=BERLIN)
    assert text == f'€9.47 €9.47 18.60{N}kWh 14:03 <time datetime="2026-11-20T13:03:12Z">now</time>'
