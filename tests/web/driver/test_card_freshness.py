"""A card whose states and price were seen at different times: a driver decides by the older of the two."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from kiosk.domain.commands import Refusal
from tests.web.conftest import CODE, Kiosk


def priced(kiosk: Kiosk, seconds_ago: float) -> None:
    """States of now, with a price of that age, as the operator's view leaves them."""
    card = kiosk.card()
    kiosk.store.save_card(replace(card, priced_at=kiosk.now - timedelta(seconds=seconds_ago)))


@pytest.mark.parametrize(("age", "wanted"), [(0, []), (29, []), (31, [CODE])])
def test_a_price_older_than_30_seconds_is_asked_for_behind_the_scenes(
    kiosk: Kiosk, phone: FlaskClient, age: float, wanted: list[str]
) -> None:
    priced(kiosk, age)
    assert phone.get(f"/c/{CODE}").status_code == 200
    assert [wish.code for wish in kiosk.store.wanted_cards()] == wanted


def test_nobody_starts_at_a_price_that_is_older_than_a_minute(kiosk: Kiosk, phone: FlaskClient) -> None:
    priced(kiosk, 61)
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "2"})
    assert answer.status_code == 409
    assert kiosk.store.session_at(CODE, 2) is None
    priced(kiosk, 59)
    kiosk.start(phone)


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [("en", "We are asking for the price again. Please try once more in a moment."), ("de", "Wir fragen den Preis")],
)
def test_a_driver_is_told_that_the_price_is_asked_for_again(
    kiosk: Kiosk, phone: FlaskClient, lang: str, sentence: str
) -> None:
    priced(kiosk, 61)
    kiosk.store.note_card_problem(CODE, None, kiosk.now - timedelta(seconds=1))
    assert sentence not in phone.get(f"/c/{CODE}?lang={lang}").text
    answer = phone.post(f"/c/{CODE}/start?lang={lang}", data={"connector": "2"})
    assert answer.status_code == 409
    assert sentence in answer.text.partition('role="alert"')[2].partition("</p>")[0]
    assert kiosk.store.queue() == []


def test_a_bay_that_is_taken_is_called_so_also_when_the_price_is_old(kiosk: Kiosk, phone: FlaskClient) -> None:
    priced(kiosk, 61)
    answer = phone.post(f"/c/{CODE}/start", data={"connector": "1"})
    assert "Bay 3 is in use. Nothing is held." in answer.text
    assert "asking for the price" not in answer.text


def test_a_charger_that_was_closed_after_its_price_was_seen_is_not_shown(kiosk: Kiosk, phone: FlaskClient) -> None:
    priced(kiosk, 20)
    kiosk.store.note_card_problem(CODE, Refusal.UNKNOWN_CHARGER, kiosk.now - timedelta(seconds=10))
    assert phone.get(f"/c/{CODE}").status_code == 404


def test_the_cards_page_tells_the_age_of_its_price_when_only_the_states_are_young(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    priced(kiosk, 7200)
    page = phone.get(f"/c/{CODE}").text
    assert 'class="age old"' in page
    assert "2\N{NO-BREAK SPACE}h" in page
