"""A start is begun only for a browser that can own it, and shared fairly: who has to wait is told why and how long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.conftest import CODE, NEAR, PAYMENT, Kiosk

FORM = {"connector": "2"}


def raw(kiosk: Kiosk, *, cookies: bool = True) -> FlaskClient:
    """A browser that sends nothing again by itself."""
    client = FlaskClient(kiosk.app, kiosk.app.response_class, use_cookies=cookies)
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    return client


def at(kiosk: Kiosk, address: str) -> FlaskClient:
    """A new browser in that network."""
    client = kiosk.phone()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def press(phone: FlaskClient, connector: int = 2, code: str = CODE) -> TestResponse:
    return phone.post(f"/c/{code}/start", data={"connector": str(connector)})


def unpaid(kiosk: Kiosk, phone: FlaskClient, connector: int = 2, code: str = CODE) -> str:
    key = kiosk.start(phone, connector, code)
    kiosk.made(key, PAYMENT)
    return key


# --- the cookie first


def test_nothing_is_begun_before_the_browser_has_its_cookie(kiosk: Kiosk) -> None:
    kiosk.card()
    phone = raw(kiosk)
    first = phone.post(f"/c/{CODE}/start", data=FORM)
    assert first.status_code == 307
    assert first.headers["Location"] == f"/c/{CODE}/start?cookie=1"
    assert "no-store" in first.headers["Cache-Control"]
    assert kiosk.store.queue() == []
    again = phone.post(first.headers["Location"], data=FORM)
    assert again.status_code == 303
    assert len(kiosk.store.queue()) == 1


def test_a_lost_answer_leaves_no_bay_to_nobody(kiosk: Kiosk) -> None:
    """The form is sent again because no answer came: it leads to the one session, and its browser owns it."""
    kiosk.card()
    phone = raw(kiosk)
    phone.post(f"/c/{CODE}/start", data=FORM)
    lost = phone.post(f"/c/{CODE}/start", data=FORM)
    again = phone.post(f"/c/{CODE}/start", data=FORM)
    assert lost.headers["Location"] == again.headers["Location"]
    assert phone.get(f"/c/{CODE}").headers["Location"] == again.headers["Location"]
    assert len(kiosk.store.queue()) == 1


def test_a_browser_that_keeps_no_cookies_is_told_so_and_takes_no_bay(kiosk: Kiosk) -> None:
    kiosk.card()
    phone = raw(kiosk, cookies=False)
    first = phone.post(f"/c/{CODE}/start", data=FORM)
    again = phone.post(first.headers["Location"], data=FORM)
    assert again.status_code == 409
    assert "Your browser keeps no cookies" in again.text
    assert "or open it in another browser" in again.text
    assert kiosk.store.queue() == []


# --- who has to wait


def test_a_phone_with_an_unpaid_start_is_led_to_it_and_gets_no_second_bay(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    kiosk.card("Available", code=NEAR)
    key = unpaid(kiosk, phone)
    answer = press(phone, 1, NEAR)
    assert answer.status_code == 409
    assert "You have not paid that start yet." in answer.text
    assert f'href="/s/{key}"' in answer.text
    assert "Continue to payment" not in answer.text
    assert kiosk.store.occupied(NEAR) == {}


def test_a_third_phone_of_one_network_waits_and_another_network_does_not(kiosk: Kiosk) -> None:
    kiosk.card("Available", "Available")
    kiosk.card("Available", code=NEAR)
    for connector in (1, 2):
        kiosk.start(at(kiosk, "192.0.2.7"), connector)
    answer = press(at(kiosk, "192.0.2.7"), 1, NEAR)
    assert answer.status_code == 429
    assert "Several starts from your network wait to be paid." in answer.text
    assert "2\u00a0min" in answer.text
    assert answer.headers["Retry-After"] == "120"
    assert press(at(kiosk, "192.0.2.8"), 1, NEAR).status_code == 303


def test_who_leaves_starts_unpaid_has_to_wait_and_is_told_how_long(kiosk: Kiosk, phone: FlaskClient) -> None:
    for _ in range(3):
        kiosk.card()
        kiosk.observe(unpaid(kiosk, phone), "expired")
    kiosk.card()
    answer = press(phone)
    assert answer.status_code == 429
    assert "Several starts from here were not paid." in answer.text
    kiosk.clock.advance(timedelta(minutes=5).total_seconds())
    kiosk.card()
    assert press(phone).status_code == 303


# --- cancel, and start again


def test_start_and_cancel_ten_times_makes_one_session_upstream(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = unpaid(kiosk, phone)
    for _ in range(9):  # with the first one ten, which is all that one network may ask for in a minute
        assert phone.post(f"/s/{key}/cancel").status_code == 303
        assert "Free" in phone.get(f"/c/{CODE}").text
        assert press(phone).headers["Location"] == f"/s/{key}"
        assert "pay.js" in phone.get(f"/s/{key}").text
    assert kiosk.store.queue() == []
    assert [one.kind.value for one in kiosk.store.commands(key)] == ["start"]


def test_what_was_cancelled_is_nobody_elses(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = unpaid(kiosk, phone)
    phone.post(f"/s/{key}/cancel")
    other = kiosk.start(kiosk.phone())
    assert other != key
    back = press(phone)
    assert back.status_code == 409
    assert "Bay 4 is in use." in back.text


def test_what_was_cancelled_comes_back_only_on_the_same_terms(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = unpaid(kiosk, phone)
    phone.post(f"/s/{key}/cancel")
    kiosk.card(preauth_minor=6000)
    assert kiosk.start(phone) != key


# --- what others read


def test_a_bay_that_somebody_is_about_to_pay_says_until_when_at_the_latest(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    unpaid(kiosk, phone)
    page = kiosk.phone().get(f"/c/{CODE}").text
    assert "Somebody is about to pay. Free again at 14:15 at the latest." in page


@pytest.mark.parametrize("status", ["authorized", "starting", "charging"])
def test_once_it_is_paid_nothing_is_promised(kiosk: Kiosk, phone: FlaskClient, status: str) -> None:
    kiosk.card("Available", "Available")
    kiosk.observe(unpaid(kiosk, phone), status)
    assert "about to pay" not in kiosk.phone().get(f"/c/{CODE}").text


def test_a_time_that_has_passed_is_not_promised(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card("Available", "Available")
    unpaid(kiosk, phone)
    kiosk.clock.advance(16 * 60)
    kiosk.card("Available", "Available")
    assert "about to pay" not in kiosk.phone().get(f"/c/{CODE}").text


# --- a second car


def test_the_owner_of_a_running_charge_finds_the_way_to_a_second_car(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    assert f'href="/c/{CODE}?another=1"' in phone.get(f"/s/{key}").text
    kiosk.card("Available", "Charging")
    page = phone.get(f"/c/{CODE}?another=1")
    assert page.status_code == 200
    assert "You have a session at bay 4" in page.text
    assert phone.get(f"/c/{CODE}").status_code == 303
    second = kiosk.start(phone, 1)
    assert second != key
