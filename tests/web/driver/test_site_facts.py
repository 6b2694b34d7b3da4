"""What kiosk.toml tells of a site, where drivers read it: on the card of a charger and on the accessibility page."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from kiosk.config.sites import SiteBook
from tests.web.conftest import BOOK, CODE, Kiosk

READER = {"en": "beside the barrier", "de": "neben der Schranke"}


def with_facts(
    kiosk: Kiosk, charger: dict[str, Any] | None = None, *, operator: dict[str, Any] | None = None, **site: Any
) -> None:
    """From now on kiosk.toml says this of the site, and of its first charger."""
    book: Any = deepcopy(BOOK)
    book["operator"].update(operator or {})
    book["sites"][0].update(site)
    book["sites"][0]["chargers"][0].update(charger or {})
    kiosk.book = SiteBook.model_validate(book)
    kiosk.app.extensions["kiosk"] = replace(kiosk.app.extensions["kiosk"], site=kiosk.book)


def page(phone: FlaskClient, address: str = f"/c/{CODE}") -> str:
    answer = phone.get(address)
    assert answer.status_code == 200
    return unescape(answer.get_data(as_text=True))


def test_nothing_is_said_that_is_not_set(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    text = page(phone)
    for words in ("About this place", "card reader", "standing here", "Opening hours", "signed"):
        assert words not in text


def test_the_card_says_where_the_card_reader_is_in_the_readers_language(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_facts(kiosk, card_reader=READER)
    kiosk.card("Available", "Available")
    assert "You can pay at the card reader, too: beside the barrier" in page(phone)
    assert "Sie können auch am Kartenleser zahlen: neben der Schranke" in page(phone, f"/c/{CODE}?lang=de")


def test_a_chargers_own_word_on_the_card_reader_goes_first(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_facts(kiosk, {"card_reader": "on the left"}, card_reader=READER)
    kiosk.card("Available", "Available")
    text = page(phone)
    assert "on the left" in text
    assert "barrier" not in text


@pytest.mark.parametrize("words", [("Charging", "Charging"), ("Faulted", "Faulted")])
def test_who_cannot_start_here_learns_of_the_card_reader_too(
    kiosk: Kiosk, phone: FlaskClient, words: tuple[str, str]
) -> None:
    with_facts(kiosk, card_reader=READER, opening_hours="24 h")
    kiosk.card(*words)
    text = page(phone)
    assert "beside the barrier" in text
    assert "<dt>Opening hours</dt><dd>24 h</dd>" in text


def test_what_belongs_to_the_place_is_behind_a_tap(kiosk: Kiosk, phone: FlaskClient) -> None:
    bays = {1: {"label": "3", "accessible": True}, 2: {"label": "4"}}
    facts: dict[str, Any] = {
        "opening_hours": "6 to 22 h",
        "renewable_percent": 100,
        "signed_readings": False,
        "no_idle_fee": True,
    }
    with_facts(kiosk, {"bays": bays}, **facts)
    kiosk.card("Available", "Available")
    folded = page(phone).partition("About this place")[2].partition("</details>")[0]
    for name, value in {
        "Opening hours": "6 to 22 h",
        "Accessible bays": "3",
        "Renewable electricity": "100%",
        "Meter readings": "not signed",
    }.items():
        assert f"<dt>{name}</dt><dd>{value}</dd>" in folded
    assert "There is no fee for standing here." in folded


def test_where_readings_are_signed_it_says_where_they_can_be_seen(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_facts(kiosk, signed_readings="on the charger's display")
    kiosk.card("Available", "Available")
    text = page(phone)
    assert "<dt>Signed meter readings</dt><dd>on the charger's display</dd>" in text
    assert "not signed" not in text


def test_a_notice_of_the_state_is_said_without_a_tap(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_facts(kiosk, state_notice="Regulated by the state. Complaints: 800 555 0199")
    kiosk.card("Available", "Available")
    text = page(phone)
    assert '<p class="small">Regulated by the state. Complaints: 800 555 0199</p>' in text


def test_names_of_places_are_said_in_the_readers_language(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_facts(
        kiosk,
        {"label": {"en": "Charger 2", "de": "Säule 2"}, "place": {"en": "by the lift", "de": "beim Aufzug"}},
        name={"en": "Market", "de": "Markt"},
    )
    kiosk.card("Available", "Available")
    assert '<h1 tabindex="-1">Säule 2</h1>' in page(phone, f"/c/{CODE}?lang=de")
    assert "Markt, beim Aufzug" in page(phone, f"/c/{CODE}?lang=de")
    assert "Market, by the lift" in page(phone, f"/c/{CODE}?lang=en")
    assert "Market, by the lift" in page(phone, f"/c/{CODE}?lang=nl")


def test_the_accessibility_page_is_one_tap_away_from_every_page(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    for address in ("/", f"/c/{CODE}"):
        assert '<a href="/accessibility">Accessibility</a>' in page(phone, address)


def test_the_accessibility_page_says_whom_to_tell_and_what_the_operator_adds(kiosk: Kiosk, phone: FlaskClient) -> None:
    with_facts(
        kiosk,
        {"bays": {1: {"label": "3", "accessible": True}, 2: {"label": "4"}}},
        operator={"accessibility": "Ask the office."},
    )
    text = page(phone, "/accessibility")
    assert "WCAG 2.2" in text
    assert "<dd>3</dd>" in text
    assert "Ask the office." in text
    assert "tel:" in text


@pytest.mark.parametrize(
    ("lang", "words"), [("de", "Barrierefreiheit"), ("fr", "Accessibilité"), ("nl", "Toegankelijkheid")]
)
def test_the_accessibility_page_speaks_every_language(phone: FlaskClient, lang: str, words: str) -> None:
    assert f'<h1 tabindex="-1">{words}</h1>' in page(phone, f"/accessibility?lang={lang}")
