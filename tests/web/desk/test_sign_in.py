"""The way into the desk, and out of it, as a browser meets it."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask.testing import FlaskClient

from kiosk.domain.desk import CONFIRMED, FREE_TRIES, IDLE, Role
from kiosk.service.desk_people import add_person
from tests.web.conftest import Kiosk

from .conftest import PASSWORD, SignIn


def attempt(browser: FlaskClient, password: str = PASSWORD, **more: str) -> tuple[int, str]:
    answer = browser.post("/desk/sign-in", data={"name": "kim", "password": password, **more})
    return answer.status_code, answer.text


@pytest.fixture(autouse=True)
def _kim(kiosk: Kiosk) -> None:
    assert add_person(kiosk.store, "kim", PASSWORD, Role.OWNER, None, kiosk.now, "test") is None


def test_a_stranger_is_led_to_the_sign_in_and_from_there_to_the_page_that_they_wanted(phone: FlaskClient) -> None:
    answer = phone.get("/desk/log?who=kim")
    assert answer.status_code == 303
    page = phone.get(answer.headers["Location"])
    assert 'name="after" value="/desk/log?who=kim"' in page.text
    entered = phone.post("/desk/sign-in", data={"name": "kim", "password": PASSWORD, "after": "/desk/log?who=kim"})
    assert entered.headers["Location"] == "/desk/log?who=kim"
    assert phone.get("/desk/log?who=kim").status_code == 200
    assert phone.get("/desk/sign-in").status_code == 303


@pytest.mark.parametrize(
    "after", ["https://evil.example/", "//evil.example/desk/", "/desk/\\evil", "/c/7MK4T", "/desk/\r\nX: y", ""]
)
def test_the_sign_in_leads_to_no_page_but_those_of_the_desk(phone: FlaskClient, after: str) -> None:
    answer = phone.post("/desk/sign-in", data={"name": "kim", "password": PASSWORD, "after": after})
    assert answer.headers["Location"] == "/desk/"


def test_the_cookie_is_for_our_own_pages_alone_and_ends_with_the_sign_out(kiosk: Kiosk, phone: FlaskClient) -> None:
    answer = phone.post("/desk/sign-in", data={"name": "kim", "password": PASSWORD})
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("__Host-desk=")]
    assert "Secure; HttpOnly; Path=/; SameSite=Lax" in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    assert kiosk.store.desk.signed_in(token) is not None
    assert phone.post("/desk/sign-out").status_code == 303
    assert kiosk.store.desk.signed_in(token) is None
    assert phone.get("/desk/").status_code == 303


def test_a_wrong_password_says_nothing_of_who_there_is(phone: FlaskClient) -> None:
    status, page = attempt(phone, "wrong")
    other = phone.post("/desk/sign-in", data={"name": "eve", "password": "wrong"})
    assert (status, other.status_code) == (422, 422)
    assert page.replace('value="kim"', "") == other.text.replace('value="eve"', "")
    assert "Name, password or code is wrong." in page


def test_too_many_tries_say_how_long_to_wait_and_a_browser_that_was_in_before_is_let_in(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    known = kiosk.phone()
    assert attempt(known)[0] == 303
    known.post("/desk/sign-out")
    for _ in range(FREE_TRIES):
        assert attempt(phone, "wrong")[0] == 422
    status, page = attempt(phone)
    assert status == 429
    assert "The next one is taken in 11\N{NO-BREAK SPACE}s." in page
    assert attempt(known)[0] == 303


def test_a_cookie_that_somebody_wrote_themselves_makes_no_browser_known(phone: FlaskClient) -> None:
    for _ in range(FREE_TRIES):
        attempt(phone, "wrong")
    for forged in ("nonsense", '{"browser":"x","names":["kim"]}'):
        phone.set_cookie("__Host-desk-browser", forged, domain="localhost")
        assert attempt(phone)[0] == 429


def test_whoever_does_nothing_is_asked_to_sign_in_again(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    kiosk.clock.advance(IDLE.total_seconds() - 1)
    assert browser.get("/desk/").status_code == 200
    kiosk.clock.advance(IDLE.total_seconds() + 1)
    assert browser.get("/desk/").status_code == 303


def test_everywhere_is_every_browser(at_desk: SignIn) -> None:
    first, second = at_desk(Role.VIEWER), at_desk(Role.VIEWER)
    assert "You are signed in in 2 browsers." in first.get("/desk/account").text
    first.post("/desk/sign-out", data={"everywhere": "1"})
    assert second.get("/desk/").status_code == 303


def test_a_new_password_is_typed_twice_and_needs_the_one_before(at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    new = {"old": PASSWORD, "new": "another three words", "again": "another three words"}
    for wrong in ({"again": "another four words"}, {"old": "wrong"}, {"new": "short", "again": "short"}):
        assert browser.post("/desk/account/password", data={**new, **wrong}).status_code == 422
    assert browser.post("/desk/account/password", data=new).status_code == 303
    assert browser.get("/desk/").status_code == 303
    again = browser.post("/desk/sign-in", data={"name": "viewer", "password": "another three words"})
    assert again.status_code == 303


def test_codes_are_turned_on_with_a_first_code_and_asked_for_from_then_on(kiosk: Kiosk, at_desk: SignIn) -> None:
    browser = at_desk(Role.OWNER)
    page = browser.post("/desk/account/codes").text
    secret = re.findall(r'name="secret" value="(\w+)"', page)[0]
    assert "<svg" in page
    code = str(pyotp.TOTP(secret).at(int(kiosk.now.timestamp())))
    wrong = browser.post("/desk/account/codes/on", data={"secret": secret, "code": "000000"})
    assert wrong.status_code == 422
    assert browser.post("/desk/account/codes/on", data={"secret": "SHORT", "code": code}).status_code == 422
    shown = browser.post("/desk/account/codes/on", data={"secret": secret, "code": code}).text
    recovery = re.findall(r"<li><code>(\w+)</code>", shown)
    assert len(recovery) == 8
    assert secret not in browser.get("/desk/account").text
    assert "8 recovery codes are left" in browser.get("/desk/account").text
    other = kiosk.phone()
    answer = other.post("/desk/sign-in", data={"name": "owner", "password": PASSWORD})
    assert "Now type the code that your app shows" in answer.text
    assert (
        other.post("/desk/sign-in", data={"name": "owner", "password": PASSWORD, "code": recovery[0]}).status_code
        == 303
    )
    assert browser.post("/desk/account/codes/off").status_code == 303
    assert "Turn on" in browser.get("/desk/account").text


@pytest.mark.parametrize("path", ["/desk/account/codes", "/desk/account/codes/on", "/desk/account/codes/off"])
def test_codes_are_changed_only_after_the_password(kiosk: Kiosk, at_desk: SignIn, path: str) -> None:
    browser = at_desk(Role.VIEWER)
    kiosk.clock.advance(CONFIRMED.total_seconds() + 1)
    answer = browser.post(path)
    assert answer.headers["Location"] == "/desk/confirm?after=/desk/account"
    assert "once more" in browser.get(answer.headers["Location"]).text
    assert browser.post("/desk/confirm", data={"password": "wrong", "after": "/desk/account"}).status_code == 422
    right = browser.post("/desk/confirm", data={"password": PASSWORD, "after": "/desk/account"})
    assert right.headers["Location"] == "/desk/account"
    assert browser.post("/desk/account/codes").status_code == 200


def test_the_password_again_is_no_way_to_guess(at_desk: SignIn) -> None:
    browser = at_desk(Role.VIEWER)
    answers = [browser.post("/desk/confirm", data={"password": "wrong"}).status_code for _ in range(FREE_TRIES + 1)]
    assert answers == [422] * FREE_TRIES + [429]


def test_only_a_demo_shows_its_sign_in(kiosk: Kiosk, phone: FlaskClient) -> None:
    assert "Demo:" not in phone.get("/desk/sign-in").text
    kiosk.app.jinja_env.globals["demo_sign_in"] = ("demo", "made-up")
    page = phone.get("/desk/sign-in").text
    assert "name demo, password made-up" in page
    assert "sends no money back" not in page
    kiosk.app.jinja_env.globals["demo_support"] = ("support", "another one")
    assert "name support, password another one" in phone.get("/desk/sign-in").text


def test_the_desk_speaks_english_whatever_the_browser_speaks(kiosk: Kiosk) -> None:
    browser = kiosk.phone()
    page = browser.get("/desk/sign-in?lang=de", headers={"Accept-Language": "de-DE"}).text
    assert '<html lang="en' in page
    assert "Sign in to the desk" in page
