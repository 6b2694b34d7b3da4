"""What a driver reads of an end that is not as it should be: only what is known, and whom to call."""

from __future__ import annotations

from decimal import Decimal

from flask.testing import FlaskClient

from tests.web.conftest import Kiosk

from .test_money import created, text


def charged(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = created(kiosk, phone)
    kiosk.observe(key, "charging", authorized_minor=3000, energy_kwh=Decimal("5"), cost_minor=280)
    return key


def test_after_more_than_the_hold_was_taken_nothing_is_said_to_go_back(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = charged(kiosk, phone)
    kiosk.observe(key, "requires_review")
    kiosk.observe(key, "requires_review", captured_minor=3500, energy_kwh=Decimal("60"))
    kiosk.captured(key, minor=3500)
    page = text(phone.get(f"/s/{key}"))
    assert "€35.00 was taken. That is €5.00 more than your hold. Please call us." in page
    assert "More than your hold" in page
    assert "Goes back" not in page


def test_of_a_part_that_was_sent_back_the_page_says_what_was_paid_in_the_end(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = charged(kiosk, phone)
    kiosk.captured(key)
    kiosk.captured(key, minor=447)
    page = text(phone.get(f"/s/{key}"))
    assert "€5.00 sent back" in page
    assert "€5.00 of €9.47 was sent back. You paid €4.47 in the end." in page
    assert "Total €9.47" in page


def test_a_car_that_took_energy_is_not_told_that_it_took_none(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = charged(kiosk, phone)
    kiosk.ended(key, "no_charge", energy_kwh=Decimal("0.54"), cost_minor=0, captured_minor=0)
    page = text(phone.get(f"/s/{key}"))
    assert "You paid nothing" in page
    assert "We were not told why." in page
    assert "took no power" not in page
    assert "The plug was not pushed in" not in page


def test_under_a_strange_word_a_charge_can_still_be_stopped(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = charged(kiosk, phone)
    kiosk.observe(key, "suspended", energy_kwh=Decimal("6"), cost_minor=329)
    page = text(phone.get(f"/s/{key}"))
    assert "Charging" in page
    assert "Stop charging" in page


def test_an_end_without_its_amount_says_so_and_goes_on(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = charged(kiosk, phone)
    kiosk.observe(key, "captured", energy_kwh=Decimal("6"))
    assert "We were not told yet how much was taken from your hold." in text(phone.get(f"/s/{key}"))
    assert phone.get(f"/s/{key}.json").get_json()["final"] is False
