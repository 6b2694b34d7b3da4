"""Pairing a screen with a site, its cookie, and what happens to one that was unpaired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from flask import Flask, jsonify
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from itsdangerous import URLSafeSerializer

from kiosk.app import stop
from kiosk.clock import ManualClock
from kiosk.config.sites import SiteBook
from kiosk.web.tablet.pairing import COOKIE_SECONDS, RENEW_SECONDS, current_tablet, own_code_or_404, tablet_only
from tests.web.built import KEY, OLDER_KEY, PUBLIC, made_app
from tests.web.conftest import BOOK, CODE, NEAR, Kiosk
from tests.web.conftest import KEY as HOUSE_KEY
from tests.web.paired import code_of, key_of, screen_of, text_of

TWO_SITES = BOOK | {
    "sites": [
        *BOOK["sites"],
        {"id": "airport", "name": "Airport", "timezone": "Europe/Berlin", "chargers": [{"code": "FAR01"}]},
    ]
}


def with_pages(app: Flask) -> Flask:
    """A page and a piece of JSON that only a tablet may see."""

    @app.get("/test/page")
    @tablet_only
    def page() -> ResponseReturnValue:
        tablet = current_tablet()
        assert tablet is not None
        return tablet.name

    @app.get("/test/figures.json")
    @tablet_only
    def figures() -> ResponseReturnValue:
        return jsonify(fine=True)

    @app.get("/test/charger/<code>")
    def charger(code: str) -> ResponseReturnValue:
        return own_code_or_404(code)

    return app


@pytest.fixture
def house(kiosk: Kiosk) -> Kiosk:
    with_pages(kiosk.app)
    return kiosk


def the_tablet(kiosk: Kiosk, key: str) -> tuple[str, str]:
    tablet = kiosk.store.tablet_with(key)
    assert tablet is not None
    return tablet.site_id, tablet.name


def test_a_new_screen_is_told_how_to_be_paired(phone: FlaskClient) -> None:
    answer = phone.get("/tablet/")
    assert answer.status_code == 200
    assert "kiosk tablet pair" in answer.text
    assert 'name="code"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_forms_own_address_shows_it_as_well(kiosk: Kiosk, phone: FlaskClient) -> None:
    assert "kiosk tablet pair" in phone.get("/tablet/pair").text
    assert screen_of(kiosk).get("/tablet/pair").headers["Location"] == "/tablet/"


def test_the_right_code_pairs_the_screen_with_its_site(house: Kiosk) -> None:
    screen = house.phone()
    answer = screen.post("/tablet/pair", data={"code": code_of(house, name="gate")})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tablet/")
    assert screen.get("/test/page").text == "gate"
    assert the_tablet(house, key_of(screen)) == ("marktplatz", "gate")


def test_the_code_may_be_typed_as_people_do(house: Kiosk) -> None:
    code = code_of(house)
    screen = house.phone()
    screen.post("/tablet/pair", data={"code": f" {code[:4].lower()}-{code[4:]} "})
    assert screen.get("/test/page").text == "gate"


@pytest.mark.parametrize("typed", ["ABCDEFGH", "nonsense", "ABCDEFGH" * 100, "\x00"])
def test_a_wrong_code_is_said_in_one_sentence_with_the_next_step(house: Kiosk, typed: str) -> None:
    screen = house.phone()
    answer = screen.post("/tablet/pair", data={"code": typed})
    assert answer.status_code == 422
    assert "This code is wrong, used or too old. Make a new one and type it here." in answer.text
    assert screen.get("/test/page").status_code == 303


def test_a_used_code_is_refused(house: Kiosk) -> None:
    code = code_of(house)
    house.phone().post("/tablet/pair", data={"code": code})
    assert house.phone().post("/tablet/pair", data={"code": code}).status_code == 422


def test_a_late_code_is_refused(house: Kiosk) -> None:
    code = code_of(house)
    house.clock.advance(15 * 60)
    assert house.phone().post("/tablet/pair", data={"code": code}).status_code == 422


def test_an_empty_field_is_told(house: Kiosk) -> None:
    answer = house.phone().post("/tablet/pair", data={"code": " - "})
    assert answer.status_code == 422
    assert "Please type the pairing code." in answer.text


def test_guessing_is_hopeless(kiosk: Kiosk) -> None:
    screen = kiosk.phone()
    answers = [screen.post("/tablet/pair", data={"code": f"ABCDEF{n:02}"}).status_code for n in range(11)]
    assert answers == [422] * 10 + [429]
    assert screen.post("/tablet/pair", data={"code": code_of(kiosk)}).status_code == 429


def test_another_site_cannot_pair_a_browser(kiosk: Kiosk) -> None:
    stranger = kiosk.app.test_client()
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert stranger.post("/tablet/pair", data={"code": code_of(kiosk)}, headers=headers).status_code == 403


def test_a_page_for_tablets_leads_others_to_the_pairing(house: Kiosk) -> None:
    answer = house.phone().get("/test/page")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tablet/")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "headers"), [("/test/figures.json", {}), ("/test/page", {"Accept": "application/json"})]
)
def test_a_script_of_an_unpaired_screen_gets_401(house: Kiosk, path: str, headers: dict[str, str]) -> None:
    answer = house.phone().get(path, headers=headers)
    assert (answer.status_code, answer.get_json()) == (401, {"error": "not_paired"})


def test_a_script_of_a_paired_screen_gets_its_answer(house: Kiosk) -> None:
    assert screen_of(house).get("/test/figures.json").get_json() == {"fine": True}


def test_a_tablet_that_was_unpaired_is_told_once_and_forgets_its_key(house: Kiosk) -> None:
    screen = screen_of(house)
    (tablet,) = house.store.tablets()
    house.store.unpair(tablet.id, house.now)
    assert screen.get("/test/page").headers["Location"] == "/tablet/"
    assert screen.get("/test/figures.json").status_code == 401
    first, then = screen.get("/tablet/"), screen.get("/tablet/")
    assert "This screen was unpaired" in first.text
    assert "This screen was unpaired" not in then.text
    assert "kiosk tablet pair" in then.text
    assert screen.get_cookie("__Host-tablet") is None


def test_it_can_be_paired_again(house: Kiosk) -> None:
    screen = screen_of(house)
    (tablet,) = house.store.tablets()
    house.store.unpair(tablet.id, house.now)
    screen.get("/tablet/")
    screen.post("/tablet/pair", data={"code": code_of(house, name="ramp")})
    assert screen.get("/test/page").text == "ramp"


def test_a_paired_screen_that_is_paired_anew_is_one_tablet(house: Kiosk) -> None:
    screen = screen_of(house)
    screen.post("/tablet/pair", data={"code": code_of(house, name="ramp")})
    assert [one.name for one in house.store.tablets()] == ["ramp"]


def test_a_wrong_code_leaves_a_paired_screen_as_it_is(house: Kiosk) -> None:
    screen = screen_of(house)
    assert screen.post("/tablet/pair", data={"code": "ABCDEFGH"}).status_code == 422
    assert screen.get("/test/page").text == "gate"


def test_a_tablet_sees_only_its_site(tmp_path: Path) -> None:
    app = with_pages(made_app(tmp_path, site=SiteBook.model_validate(TWO_SITES)))
    parts = app.extensions["kiosk"]
    now = parts.clock.now()
    screen = app.test_client()
    code = parts.store.new_pairing("airport", "lift", now, now + (now - now.replace(hour=0)))
    screen.post("/tablet/pair", data={"code": code}, headers={"Sec-Fetch-Site": "same-origin"})
    answers = {one: screen.get(f"/test/charger/{one}").status_code for one in ("FAR01", CODE, NEAR, "NONE")}
    assert answers == {"FAR01": 200, CODE: 404, NEAR: 404, "NONE": 404}
    assert app.test_client().get("/test/charger/FAR01").status_code == 404
    stop(app)


def test_a_tablet_whose_site_is_gone_is_told_and_keeps_its_key(house: Kiosk) -> None:
    screen = screen_of(house)
    parts = house.app.extensions["kiosk"]
    house.app.extensions["kiosk"] = replace(parts, site=SiteBook())
    assert screen.get("/test/page").status_code == 303
    page = screen.get("/tablet/")
    assert "The site of this screen is not set up any more" in page.text
    house.app.extensions["kiosk"] = parts
    assert screen.get("/test/page").text == "gate"


def test_the_pairing_page_speaks_the_language_that_is_chosen(phone: FlaskClient) -> None:
    page = phone.get("/tablet/pair?lang=de").text
    assert '<html lang="de"' in page
    assert "Bildschirm" in text_of(page)
    wrong = phone.post("/tablet/pair", data={"code": "ABCDEFGH"}).text
    assert 'href="/tablet/pair?lang=fr"' in wrong


# --- its cookie


def signed(key: str, *, secret: str = HOUSE_KEY, issued: object = None, salt: str = "kiosk.tablet") -> str:
    at = int(ManualClock().now().timestamp()) if issued is None else issued
    return str(URLSafeSerializer(secret, salt=salt).dumps({"tablet": key, "issued": at}))


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(kiosk: Kiosk) -> None:
    answer = kiosk.phone().post("/tablet/pair", data={"code": code_of(kiosk)})
    cookie = answer.headers["Set-Cookie"]
    parts = {part.strip() for part in cookie.split(";")}
    assert cookie.startswith("__Host-tablet=")
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/", f"Max-Age={COOKIE_SECONDS}"} <= parts
    assert "Domain" not in cookie
    assert COOKIE_SECONDS == 400 * 24 * 3600


def test_without_tls_it_has_its_short_name(tmp_path: Path) -> None:
    app = made_app(tmp_path, site=SiteBook.model_validate(BOOK))
    parts = app.extensions["kiosk"]
    now = parts.clock.now()
    code = parts.store.new_pairing("marktplatz", "gate", now, now.replace(hour=23))
    headers = {"Sec-Fetch-Site": "same-origin"}
    cookie = app.test_client().post("/tablet/pair", data={"code": code}, headers=headers).headers["Set-Cookie"]
    assert cookie.startswith("tablet=")
    assert "Secure" not in cookie
    stop(app)


def test_the_cookie_is_not_given_again_each_time(house: Kiosk) -> None:
    screen = screen_of(house)
    assert "Set-Cookie" not in screen.get("/test/page").headers


def test_after_a_day_it_is_given_anew_so_that_it_never_runs_out(house: Kiosk) -> None:
    screen = screen_of(house)
    key = key_of(screen)
    house.clock.advance(RENEW_SECONDS)
    assert "__Host-tablet=" in screen.get("/test/page").headers["Set-Cookie"]
    assert key_of(screen) == key
    assert "Set-Cookie" not in screen.get("/test/page").headers


def test_one_from_before_the_clock_was_set_back_is_given_anew(house: Kiosk) -> None:
    screen = screen_of(house)
    house.clock.advance(-3600)
    assert screen.get("/test/page").text == "gate"
    assert "Set-Cookie" not in screen.get("/test/page").headers


@pytest.fixture
def rotated(tmp_path: Path) -> Iterator[tuple[Flask, str]]:
    """A kiosk whose secret key was changed, and the key of a tablet that was paired before."""
    book = SiteBook.model_validate(BOOK)
    app = with_pages(made_app(tmp_path, site=book, secret_key=f"{KEY},{OLDER_KEY}", public_url=PUBLIC))
    parts = app.extensions["kiosk"]
    now = parts.clock.now()
    parts.store.pair(parts.store.new_pairing("marktplatz", "gate", now, now.replace(hour=23)), "its-key", now)
    yield app, "its-key"
    stop(app)


def test_one_that_an_older_secret_signed_is_taken_and_given_anew(rotated: tuple[Flask, str]) -> None:
    app, key = rotated
    screen = app.test_client()
    screen.set_cookie("__Host-tablet", signed(key, secret=OLDER_KEY))
    assert screen.get("/test/page").text == "gate"
    cookie = screen.get_cookie("__Host-tablet")
    assert cookie is not None
    assert URLSafeSerializer(KEY, salt="kiosk.tablet").loads(cookie.value)["tablet"] == key


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "junk",
        signed("its-key", secret="a secret that the kiosk never had, and quite long"),
        signed("its-key", secret=KEY, salt="kiosk.device"),
        signed("its-key", secret=KEY, issued="today"),
        signed("another-key", secret=KEY),
    ],
)
def test_a_cookie_that_is_not_ours_is_no_cookie(rotated: tuple[Flask, str], cookie: str) -> None:
    app, _key = rotated
    screen = app.test_client()
    screen.set_cookie("__Host-tablet", cookie)
    assert screen.get("/test/page").status_code == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_that_another_site_leads_to_asks_once_more_by_itself(house: Kiosk, site: str) -> None:
    """As a bank does after a payment on the screen. The browser keeps the strict cookie back until it is our page."""
    stranger = house.app.test_client()
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    answer = stranger.get("/tablet/?back=1", headers=headers)
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    again = stranger.get("/tablet/?back=1", headers=headers | {"Sec-Fetch-Site": "same-origin"})
    assert "kiosk tablet pair" in again.text


def test_it_does_so_on_the_tablets_own_pages_and_only_without_the_cookie(house: Kiosk) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    house.card()
    assert "refresh" not in house.app.test_client().get(f"/c/{CODE}", headers=headers).text
    screen = screen_of(house)
    assert screen.get("/tablet/pair", headers=headers).headers["Location"] == "/tablet/"
    script = house.app.test_client().get("/tablet/board.json", headers=headers | {"Sec-Fetch-Mode": "cors"})
    assert script.status_code == 401


# --- when it was seen


def test_a_page_says_which_release_the_tablet_has(house: Kiosk) -> None:
    screen = screen_of(house)
    (tablet,) = house.store.tablets()
    assert tablet.version is None
    screen.get("/test/figures.json")
    screen.get("/test/page", headers={"Sec-Fetch-Mode": "cors"})
    assert house.store.tablets() == [tablet]
    screen.get("/test/page", headers={"Sec-Fetch-Mode": "navigate"})
    assert [one.version for one in house.store.tablets()] == [version("charge-kiosk")]


def test_a_poll_keeps_the_time_at_which_it_was_seen(house: Kiosk) -> None:
    screen = screen_of(house)
    house.clock.advance(61)
    screen.get("/test/figures.json")
    assert [one.last_seen_at for one in house.store.tablets()] == [house.now]
