"""The tablet's pages as a paired screen gets them: what stands there, what scripts are told, what a reset leaves."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kiosk.config.sites import SiteBook
from kiosk.domain.session import Phase
from kiosk.domain.tariff import Tariff
from kiosk.news.news import site_topic
from kiosk.service.parts import Parts
from tests.web.conftest import CODE, NEAR, Kiosk

PAGES = ["/tablet/", f"/tablet/bay/{CODE}/1", f"/tablet/bay/{CODE}/2", "/tablet/continue", "/tablet/offline"]


def paired(kiosk: Kiosk) -> FlaskClient:
    screen = kiosk.phone()
    code = kiosk.store.new_pairing("marktplatz", "Entrance", kiosk.now, kiosk.now + timedelta(minutes=10))
    assert screen.post("/tablet/pair", data={"code": code}).status_code == 303
    return screen


@pytest.fixture
def screen(kiosk: Kiosk) -> FlaskClient:
    """A paired tablet in front of a bay in use and a free one."""
    kiosk.card("Charging", "Available")
    return paired(kiosk)


def state(screen: FlaskClient, code: str = CODE, connector: int = 2, handoff: str = "") -> dict[str, Any]:
    answer = screen.get(f"/tablet/bay/{code}/{connector}/state.json?handoff={handoff}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def shown_handoff(page: TestResponse) -> str:
    found = re.search(r'data-handoff="(\w+)"', page.text)
    assert found is not None
    return found[1]


# --- who may see it


@pytest.mark.parametrize("path", PAGES[1:4])
def test_a_page_sends_a_browser_that_is_not_paired_to_the_pairing(kiosk: Kiosk, path: str) -> None:
    answer = kiosk.phone().get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tablet/")


@pytest.mark.parametrize("path", ["/tablet/board.json", "/tablet/alive.json", f"/tablet/bay/{CODE}/1/state.json"])
def test_a_script_that_is_not_paired_is_told_so(kiosk: Kiosk, path: str) -> None:
    answer = kiosk.phone().get(path)
    assert (answer.status_code, answer.get_json()) == (401, {"error": "not_paired"})


def test_before_pairing_the_first_page_asks_for_the_code(kiosk: Kiosk) -> None:
    assert 'action="/tablet/pair"' in kiosk.phone().get("/tablet/").text


@pytest.mark.parametrize("path", ["/tablet/bay/ZZZZZ/1", f"/tablet/bay/{CODE}/9", "/tablet/bay/ZZZZZ/1/state.json"])
def test_a_bay_that_the_site_does_not_have_is_not_found(screen: FlaskClient, path: str) -> None:
    assert screen.get(path).status_code == 404


# --- every page


@pytest.mark.parametrize("path", PAGES)
def test_no_page_leads_out_of_the_tablet(screen: FlaskClient, path: str) -> None:
    page = screen.get(path)
    assert page.status_code == 200
    links = re.findall(r'(?:href|action)="([^"#?][^"]*)"', page.text)
    assert [one for one in links if not one.startswith(("/tablet/", "/static/", "data:,"))] == []
    assert "target=" not in page.text
    assert " style=" not in page.text
    assert "0800 555 0142" in page.text


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_kept_by_a_cache(screen: FlaskClient, path: str) -> None:
    assert "no-store" in screen.get(path).headers["Cache-Control"]


def test_the_tablet_speaks_the_operators_language_whatever_its_browser_asks_for(screen: FlaskClient) -> None:
    page = screen.get("/tablet/", headers={"Accept-Language": "de"})
    assert '<html lang="en"' in page.text
    assert "Tap your bay" in page.text


def test_language_and_sight_are_chosen_by_links_and_stay_until_the_reset(screen: FlaskClient) -> None:
    screen.get("/tablet/?lang=de")
    screen.get("/tablet/?text=large")
    screen.get("/tablet/?theme=dark")
    page = screen.get(f"/tablet/bay/{CODE}/2").text
    assert '<html lang="de"' in page
    assert 'data-text="large"' in page
    assert 'data-theme="dark"' in page
    screen.get("/tablet/reset")
    page = screen.get("/tablet/").text
    assert '<html lang="en"' in page
    assert "data-text" not in page
    assert "data-theme" not in page


@pytest.mark.parametrize("query", ["text=huge", "theme=pink", "lang=xx"])
def test_a_choice_that_is_not_offered_is_no_choice(screen: FlaskClient, query: str) -> None:
    answer = screen.get(f"/tablet/?{query}")
    assert "Set-Cookie" not in answer.headers
    assert 'data-quiet=""' in answer.text


def test_a_phone_does_not_get_the_tablets_choices(kiosk: Kiosk) -> None:
    kiosk.card()
    assert "text=" not in str(kiosk.phone().get(f"/c/{CODE}?text=large").headers.getlist("Set-Cookie"))


def test_the_board_asks_nobody_whether_he_is_there_until_something_was_chosen(screen: FlaskClient) -> None:
    assert 'data-quiet=""' in screen.get("/tablet/").text
    assert 'data-quiet="60"' in screen.get("/tablet/?text=large").text
    assert 'data-quiet="120"' in screen.get(f"/tablet/bay/{CODE}/2").text


def test_a_page_that_is_not_there_keeps_the_driver_inside_too(screen: FlaskClient) -> None:
    page = screen.get("/tablet/nothing")
    assert page.status_code == 404
    links = re.findall(r'(?:href|action)="([^"#?][^"]*)"', page.text)
    assert [one for one in links if not one.startswith(("/tablet/", "/static/", "data:,"))] == []


def test_the_rest_of_a_visit_is_a_reason_to_ask_whether_somebody_is_there(screen: FlaskClient) -> None:
    screen.set_cookie("__Host-visit", "somebody")
    assert 'data-quiet="60"' in screen.get("/tablet/").text


# --- the board


def test_the_board_shows_every_bay_its_price_and_its_age(screen: FlaskClient) -> None:
    page = screen.get("/tablet/").text
    assert re.findall(r'data-stall="([\w-]+)"', page) == [f"{CODE}-1", f"{CODE}-2", f"{NEAR}-1"]
    assert [one in page for one in ("In use", "Free", "Not known")] == [True, True, True]
    assert "<b>€0.49</b> per kWh + <b>€0.35</b>" in page
    assert "Price with 19% VAT. “+” is once per session." in page
    assert "Bays as of" in page


def test_a_site_in_another_country_names_its_own_rate_on_the_board(kiosk: Kiosk, screen: FlaskClient) -> None:
    abroad = kiosk.book.sites[0].model_copy(update={"vat_percent": Decimal(21)})
    book = SiteBook(operator=kiosk.book.operator, sites=(abroad,))
    kiosk.app.extensions["kiosk"] = replace(kiosk.app.extensions["kiosk"], site=book)
    page = screen.get("/tablet/").text
    assert "Price with 21% VAT." in page
    assert "19%" not in page


def test_a_site_without_bays_says_where_else_to_go(kiosk: Kiosk) -> None:
    site = kiosk.book.sites[0].model_copy(update={"chargers": ()})
    parts: Parts = kiosk.app.extensions["kiosk"]
    kiosk.app.extensions["kiosk"] = replace(parts, site=kiosk.book.model_copy(update={"sites": (site,)}))
    page = paired(kiosk).get("/tablet/")
    assert page.status_code == 200
    assert "No bays are set up here" in page.text


def test_an_unchanged_board_is_not_sent_twice(screen: FlaskClient, kiosk: Kiosk) -> None:
    first = screen.get("/tablet/board.json")
    etag = first.headers["ETag"]
    again = screen.get("/tablet/board.json", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Kiosk-Now"].startswith(kiosk.now.strftime("%Y-%m-%dT%H:%M:%S"))
    kiosk.clock.advance(30)
    kiosk.card("Available", "Available")
    changed = screen.get("/tablet/board.json", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.get_json()["stalls"][f"{CODE}-1"][0] == "free"


def test_the_board_tells_scripts_what_it_shows_on_the_page(screen: FlaskClient) -> None:
    told = screen.get("/tablet/board.json").get_json()
    page = screen.get("/tablet/").text
    assert told["layout"] in page
    assert told["assets"] in page
    assert told["prices"] in page
    for kind, text in told["stalls"].values():
        assert text in page
        assert f'class="stall {kind}"' in page
    assert set(told["seen"]) == {f"{CODE}-1", f"{CODE}-2"}


def test_asking_for_the_board_lets_the_engine_watch_the_site(screen: FlaskClient, kiosk: Kiosk) -> None:
    screen.get("/tablet/board.json")
    parts: Parts = kiosk.app.extensions["kiosk"]
    assert parts.news.watched(site_topic("marktplatz"))


def test_nothing_of_a_driver_stands_on_the_board(screen: FlaskClient, kiosk: Kiosk) -> None:
    driver = kiosk.phone()
    key = kiosk.charging(driver, limit="1000")
    kiosk.card("Available", "Charging")
    told = screen.get("/tablet/board.json").text
    assert key not in told
    assert "7.16" not in told
    assert "13.9" not in told


# --- a bay


def test_a_free_bay_shows_price_hold_power_and_the_code_for_the_phone(screen: FlaskClient) -> None:
    page = screen.get(f"/tablet/bay/{CODE}/2").text
    for text in ("€0.49", "€0.35", "€10.15", "€30.00", "22\N{NO-BREAK SPACE}kW", "lindenau.example", CODE):
        assert text in page
    assert 'class="matrix"' in page
    assert "Your phone must show" in page


def test_looking_at_the_code_again_shows_the_same_words_and_does_not_claim_it(screen: FlaskClient) -> None:
    page = screen.get(f"/tablet/bay/{CODE}/2")
    told = state(screen, handoff=shown_handoff(page))
    assert (told["usable"], told["claimed"], told["closed"]) == (True, False, False)
    assert told["phrase"] in page.text
    assert 0 < told["seconds_left"] <= 45
    assert told["picture"].startswith("<svg")


def test_a_claimed_code_is_told_without_its_picture(screen: FlaskClient, kiosk: Kiosk) -> None:
    handoff = shown_handoff(screen.get(f"/tablet/bay/{CODE}/2"))
    assert kiosk.store.claim_handoff(handoff, "a-phone", kiosk.now)
    told = state(screen, handoff=handoff)
    assert told["claimed"]
    assert "picture" not in told
    assert "phrase" not in told


def test_a_bay_that_is_taken_meanwhile_shows_no_code_any_more(screen: FlaskClient, kiosk: Kiosk) -> None:
    page = screen.get(f"/tablet/bay/{CODE}/2")
    handoff = shown_handoff(page)
    before = state(screen, handoff=handoff)
    kiosk.clock.advance(10)
    kiosk.card("Charging", "Charging")
    after = state(screen, handoff=handoff)
    assert not after["usable"]
    assert "picture" not in after
    assert after["shape"] != before["shape"]


def test_the_code_of_another_bay_or_of_nobody_is_closed(screen: FlaskClient) -> None:
    handoff = shown_handoff(screen.get(f"/tablet/bay/{CODE}/2"))
    assert state(screen, connector=1, handoff=handoff)["closed"]
    assert state(screen, handoff="nothing")["closed"]


def test_another_tablets_code_is_closed_here(screen: FlaskClient, kiosk: Kiosk) -> None:
    handoff = shown_handoff(screen.get(f"/tablet/bay/{CODE}/2"))
    assert state(paired(kiosk), handoff=handoff)["closed"]


@pytest.mark.parametrize("path", ["/tablet/", "/tablet/reset"])
def test_a_screen_that_goes_on_closes_the_code_that_it_showed(screen: FlaskClient, kiosk: Kiosk, path: str) -> None:
    handoff = shown_handoff(screen.get(f"/tablet/bay/{CODE}/2"))
    screen.get(path)
    stored = kiosk.store.handoff(handoff)
    assert stored is not None
    assert stored.closed_at == kiosk.now


def test_a_phone_that_has_the_code_keeps_it_when_the_screen_goes_on(screen: FlaskClient, kiosk: Kiosk) -> None:
    handoff = shown_handoff(screen.get(f"/tablet/bay/{CODE}/2"))
    kiosk.store.claim_handoff(handoff, "a-phone", kiosk.now)
    screen.get("/tablet/reset")
    assert kiosk.store.handoff_claimed_by(handoff, "a-phone") is not None


@pytest.mark.parametrize(
    ("statuses", "changes", "words"),
    [
        (("Available", "Charging"), {}, "This page changes by itself when the bay is free."),
        (("Available", "Faulted"), {}, "You cannot start here, and nothing is held."),
        (("Available", "Available"), {"tariff": None}, "Without a price and a hold nothing is sold here."),
        (("Available", "Available"), {"preauth_minor": None}, "Without a price and a hold nothing is sold here."),
        (("Available", "Available"), {"online": False}, "Our last news of this charger is from 14:00."),
    ],
)
def test_a_bay_that_cannot_be_started_says_why_and_has_no_code(
    kiosk: Kiosk, statuses: tuple[str, str], changes: dict[str, Any], words: str
) -> None:
    kiosk.card(*statuses, **changes)
    page = paired(kiosk).get(f"/tablet/bay/{CODE}/2").text
    assert words in page
    assert 'class="matrix"' not in page
    assert "data-handoff" not in page


def test_a_bay_without_any_contact_says_so(screen: FlaskClient) -> None:
    assert "We have no news of this charger yet." in screen.get(f"/tablet/bay/{NEAR}/1").text


def test_a_bay_in_use_leads_to_the_nearest_free_ones(screen: FlaskClient) -> None:
    page = screen.get(f"/tablet/bay/{CODE}/1").text
    assert f'href="/tablet/bay/{CODE}/2"' in page
    assert f"/tablet/bay/{NEAR}/1" not in page


def test_a_bay_that_is_just_being_started_says_so(screen: FlaskClient, kiosk: Kiosk) -> None:
    key = kiosk.start(kiosk.phone(), connector=2)
    assert kiosk.store.session(key) is not None
    assert kiosk.store.session(key).phase is Phase.QUEUED  # type: ignore[union-attr]
    assert "Another driver starts a charge here just now." in screen.get(f"/tablet/bay/{CODE}/2").text


# --- after the hand-off, and starting over


def test_after_the_hand_off_the_screen_names_the_bay_and_nothing_else(screen: FlaskClient) -> None:
    page = screen.get(f"/tablet/continue?bay={CODE}-2").text
    assert "Continue on your phone" in page
    assert ">4</span>" in page
    assert "data-handoff" not in page


@pytest.mark.parametrize("bay", ["", "-", "<b>-1", f"{CODE}-99"])
def test_a_strange_bay_after_the_hand_off_is_left_out(screen: FlaskClient, bay: str) -> None:
    page = screen.get("/tablet/continue", query_string={"bay": bay})
    assert page.status_code == 200
    assert 'class="plate' not in page.text


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_reset_takes_every_cookie_but_the_tablets_own(screen: FlaskClient, method: str) -> None:
    for name in ("lang", "text", "theme", "driver", "__Host-visit", "__stripe_mid"):
        screen.set_cookie(name, "x")
    answer = getattr(screen, method)("/tablet/reset")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tablet/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    gone = {cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie") if "Max-Age=0" in cookie}
    assert {"lang", "text", "theme", "driver", "__Host-visit", "__stripe_mid"} <= gone
    assert not any("tablet" in name for name in gone)
    assert "stall" in screen.get("/tablet/").text


def test_a_cookie_with_a_strange_name_does_not_break_the_reset(screen: FlaskClient) -> None:
    answer = screen.get("/tablet/reset", headers={"Cookie": "a b=1; ä=2; ok=3"})
    assert answer.status_code == 303


# --- without a connection


def test_the_page_for_no_connection_has_prices_with_their_time_and_no_code(screen: FlaskClient) -> None:
    page = screen.get("/tablet/offline").text
    assert "Paying is not possible here at the moment" in page
    assert "Price as of" in page
    assert "€0.49" in page
    assert 'class="matrix"' not in page


def test_every_page_carries_what_it_says_without_a_connection(screen: FlaskClient) -> None:
    for path in PAGES[:4]:
        template = screen.get(path).text.partition('<template id="offline">')[2]
        assert "Paying is not possible here at the moment" in template.partition("</template>")[0]


def test_prices_that_differ_are_left_out_of_the_page_for_no_connection(screen: FlaskClient, kiosk: Kiosk) -> None:
    kiosk.card("Available", code=NEAR, tariff=Tariff("EUR", 79))
    assert "Price as of" not in screen.get("/tablet/offline").text


def test_the_service_worker_keeps_the_shell_and_nothing_of_a_driver(screen: FlaskClient) -> None:
    answer = screen.get("/tablet/sw.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    kept = re.findall(r'"(/[^"]+)"', answer.text.partition("\n")[0])
    assert kept[0] == "/tablet/offline"
    assert all(one.startswith("/static/") for one in kept[1:])
    for path in kept:
        with screen.get(path) as file:
            assert file.status_code == 200
