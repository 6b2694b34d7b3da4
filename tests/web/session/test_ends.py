"""What a driver reads of an end that is not as it should be: only what is known, and whom to call."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from kiosk.domain.commands import UNUSABLE, AskedBy, CommandState, Kind
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


def test_a_strange_word_beside_the_amount_and_its_time_is_a_receipt_like_any_other(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = charged(kiosk, phone)
    kiosk.observe(key, "settling", energy_kwh=Decimal("18.62"))
    kiosk.ended(key, "archived", energy_kwh=Decimal("18.62"), captured_minor=947, tax_minor=151, captured_at=kiosk.now)
    for proven in (False, True):
        if proven:
            kiosk.proven(key, received=947)
        page = text(phone.get(f"/r/{key}"))
        assert "You paid €9.47" in page
        assert "has told no end" not in page
        assert "unplug the cable" not in page
        assert f"No. {number(kiosk, key)}" in page
        assert phone.get(f"/r/{key}.pdf").status_code == 200


@pytest.mark.parametrize("word", ["settling", "capture_failed", "requires_review", "archived"])
def test_an_end_that_only_the_payment_itself_tells_has_its_receipt(kiosk: Kiosk, phone: FlaskClient, word: str) -> None:
    key = charged(kiosk, phone)
    kiosk.observe(key, "settling", energy_kwh=Decimal("18.62"))
    kiosk.observe(key, word, energy_kwh=Decimal("18.62"), completed_at=kiosk.now)
    kiosk.proven(key, received=947)
    kiosk.receipt(key)
    for address in (f"/s/{key}", f"/r/{key}"):
        page = text(phone.get(address))
        assert "You paid €9.47" in page
        assert "How it ended for your card is known from the payment itself." in page
        assert f"No. {number(kiosk, key)}" in page
        assert "unplug the cable" not in page
    assert phone.get(f"/r/{key}.pdf").status_code == 200


def number(kiosk: Kiosk, key: str) -> str:
    receipt = kiosk.store.receipt(key)
    assert receipt is not None
    return receipt.number


def test_the_time_of_a_stop_is_that_of_the_tap_however_often_it_is_sent_again(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    phone.post(f"/s/{key}/stop")
    tapped = kiosk.now
    for _ in range(3):
        (stop,) = [one for one in kiosk.store.commands(key) if one.state is CommandState.WAITING]
        assert kiosk.store.claim(stop.id, kiosk.now)
        kiosk.store.finish(stop.id, CommandState.DONE, kiosk.now)
        kiosk.clock.advance(31)
        kiosk.store.ask(key, Kind.STOP, AskedBy.DRIVER, kiosk.now)
    (stop,) = [one for one in kiosk.store.commands(key) if one.state is CommandState.WAITING]
    assert kiosk.store.claim(stop.id, kiosk.now)
    kiosk.observe(key, "stopping", energy_kwh=Decimal("6"), cost_minor=329)
    page = text(phone.get(f"/s/{key}"))
    at = tapped.astimezone(ZoneInfo("Europe/Berlin"))
    assert f"You asked to stop {at:%H:%M:%S}" in page


def test_a_start_that_was_answered_with_nothing_to_use_is_not_called_unanswered(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    (start,) = kiosk.store.commands(key)
    assert kiosk.store.claim(start.id, kiosk.now)
    kiosk.store.start_unanswered(start.id, kiosk.now, f"{UNUSABLE}: a start without a usable payment")
    page = text(phone.get(f"/s/{key}"))
    assert "We are giving bay" in page
    assert "You paid nothing, and nothing is held." in page
    assert "Try again in a moment, or take another bay." in page
    for untrue in ("got no answer", "No answer came", "heard nothing", "15 minutes"):
        assert untrue not in page
