"""A driver at the tablet itself: paying there where that is allowed, coming back to a charge, and leaving nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from kiosk.domain.charger import Connector
from kiosk.domain.commands import Kind, Refusal
from kiosk.domain.offer import NoOffer
from kiosk.domain.session import Phase
from kiosk.domain.stop_code import stop_code
from kiosk.service.parts import Parts
from kiosk.store import Store
from kiosk.web.tablet.visit import WHY, said
from tests.web.conftest import CODE, NEAR, SECRET, Kiosk, count_at
from tests.web.paired import screen_of, text_of

VISIT = "__Host-visit"
BAY = f"/tablet/bay/{CODE}/2"
BOARD = "/tablet/"


def with_cards(kiosk: Kiosk) -> Kiosk:
    """The same kiosk with payment on the tablet's own screen."""
    parts: Parts = kiosk.app.extensions["kiosk"]
    settings = parts.settings.model_copy(update={"tablet_card_entry": True})
    kiosk.app.extensions["kiosk"] = replace(parts, settings=settings)
    return kiosk


@pytest.fixture
def cards(kiosk: Kiosk) -> Kiosk:
    return with_cards(kiosk)


def digits(kiosk: Kiosk, key: str) -> str:
    return stop_code(key, kiosk.settings.secret_keys)


def started_here(kiosk: Kiosk, screen: FlaskClient) -> str:
    """A session that was begun at the screen and can be paid there."""
    kiosk.card()
    seen = re.search(r'name="seen" value="([^"]*)"', screen.get(BAY).text)
    assert seen is not None
    answer = screen.post(f"{BAY}/start", data={"seen": seen[1]})
    assert answer.status_code == 303
    key = str(answer.headers["Location"]).removeprefix("/tablet/s/")
    kiosk.start_answer(key)
    return key


# --- paying on the screen


def test_without_the_setting_nothing_on_the_screen_asks_for_a_card(kiosk: Kiosk) -> None:
    screen = screen_of(kiosk)
    kiosk.card()
    page = screen.get(BAY)
    assert "on this screen" not in text_of(page.text)
    assert "stripe.com" not in page.headers["Content-Security-Policy"]
    assert screen.post(f"{BAY}/start", data={}).status_code == 404


def test_with_the_setting_the_screen_starts_and_pays_by_card_but_never_by_wallet(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    page = screen.get(f"/tablet/s/{key}")
    assert "data-cards-only" in page.text
    assert 'id="walletbox"' not in page.text
    assert "js.stripe.com" in page.headers["Content-Security-Policy"]
    terms = screen.get(f"/tablet/s/{key}/payment").get_json()
    assert terms["client_secret"] == SECRET
    assert terms["return_url"] == f"https://lindenau.example/tablet/s/{key}/back"


def test_when_the_setting_is_taken_away_a_started_session_shows_no_card_form_there(kiosk: Kiosk) -> None:
    with_cards(kiosk)
    screen = screen_of(kiosk)
    key = started_here(kiosk, screen)
    parts: Parts = kiosk.app.extensions["kiosk"]
    without = parts.settings.model_copy(update={"tablet_card_entry": False})
    kiosk.app.extensions["kiosk"] = replace(parts, settings=without)
    page = screen.get(f"/tablet/s/{key}")
    assert "pay.js" not in page.text
    assert "Pay on your phone." in text_of(page.text)
    assert "stripe.com" not in page.headers["Content-Security-Policy"]
    assert screen.get(f"/tablet/s/{key}/payment").status_code == 403


def test_terms_that_changed_since_they_were_read_are_said_and_nothing_is_started(cards: Kiosk) -> None:
    screen = screen_of(cards)
    cards.card()
    answer = screen.post(f"{BAY}/start", data={"seen": "EUR-1-0-100"}, follow_redirects=True)
    assert "has just changed" in text_of(answer.text)
    assert cards.store.session_at(CODE, 2) is None


def test_a_bay_that_was_taken_meanwhile_is_said_and_nothing_is_started(cards: Kiosk, phone: FlaskClient) -> None:
    screen = screen_of(cards)
    cards.card()
    cards.start(phone)
    answer = screen.post(f"{BAY}/start", data={}, follow_redirects=True)
    assert "This bay was taken a moment ago." in text_of(answer.text)


def test_without_a_fresh_card_the_screen_says_that_starting_is_not_possible(cards: Kiosk) -> None:
    screen = screen_of(cards)
    cards.card()
    cards.clock.advance(3600)
    answer = screen.post(f"{BAY}/start", data={}, follow_redirects=True)
    assert "Nothing is held." in text_of(answer.text)


@pytest.mark.parametrize("wish", ["start", "owner"])
def test_only_a_paired_screen_of_that_site_can_do_it(cards: Kiosk, wish: str) -> None:
    cards.card()
    stranger = cards.phone().post(f"{BAY}/{wish}", data={})
    assert (stranger.status_code, stranger.headers["Location"]) == (303, BOARD)
    assert screen_of(cards).post(f"/tablet/bay/FAR01/1/{wish}", data={}).status_code == 404


# --- on the screen of a site


def test_no_e_mail_is_typed_and_nothing_dials_on_the_screen(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    cards.observe(key, "authorized", authorized_minor=3000, authorized_at=cards.now)
    cards.observe(key, "charging", authorized_minor=3000, charging_started_at=cards.now)
    page = screen.get(f"/tablet/s/{key}").text
    assert 'type="email"' not in page
    assert "tel:" not in page
    assert "Take it to your phone" in page
    assert screen.post(f"/tablet/s/{key}/receipt-email", data={"email": "a@b.example"}).status_code == 404
    assert screen.get(f"/tablet/r/{key}").status_code == 404
    assert screen.get("/tablet/t/ABCDEFGH").status_code == 404


def test_the_receipt_leaves_the_screen_as_a_code(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    cards.observe(key, "authorized", authorized_minor=3000, authorized_at=cards.now)
    cards.observe(key, "charging", authorized_minor=3000, charging_started_at=cards.now)
    cards.captured(key)
    page = screen.get(f"/tablet/s/{key}").text
    assert "Keep the receipt on your phone" in page
    assert "Code to open the receipt on your phone" in page
    assert "Copy link" not in page


def test_the_way_to_the_phone_is_a_code_of_the_phones_own_address(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    text = text_of(screen.get(f"/tablet/s/{key}/move").text)
    assert "Take it to your phone" in text
    assert "lindenau.example/t/" in text.replace(" ", "")


def test_the_visit_is_another_cookie_than_a_phones_and_ends_with_the_browser(cards: Kiosk) -> None:
    screen = screen_of(cards)
    started_here(cards, screen)
    visit = screen.get_cookie(VISIT)
    assert visit is not None
    assert visit.max_age is None
    assert visit.expires is None
    assert visit.http_only
    assert screen.get_cookie("__Host-driver") is None


def test_a_visits_cookie_opens_nothing_on_the_phones_pages(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    visit = screen.get_cookie(VISIT)
    assert visit is not None
    phone = cards.phone()
    phone.set_cookie("__Host-driver", visit.value, secure=True, path="/")
    assert phone.post(f"/s/{key}/cancel").status_code == 403


# --- who may see it there


ADDRESSES: dict[str, tuple[str, int]] = {
    "": ("GET", 303),
    ".json": ("GET", 404),
    "/events": ("GET", 404),
    "/payment": ("GET", 303),
    "/move": ("GET", 303),
    "/cancel": ("POST", 303),
    "/stop": ("POST", 303),
    "/confirm": ("POST", 303),
}


@pytest.mark.parametrize("end", ADDRESSES)
def test_a_screen_shows_a_session_to_nobody_but_the_driver_of_this_visit(
    kiosk: Kiosk, phone: FlaskClient, end: str
) -> None:
    screen = screen_of(kiosk)
    key = kiosk.charging(phone)
    method, status = ADDRESSES[end]
    answer = screen.open(f"/tablet/s/{key}{end}", method=method)
    assert answer.status_code == status
    assert answer.headers.get("Location", BOARD) == BOARD
    assert "13.90" not in answer.text


@pytest.mark.parametrize(("end", "status"), [("", 303), (".json", 401)])
def test_the_screens_pages_open_in_no_other_browser(kiosk: Kiosk, phone: FlaskClient, end: str, status: int) -> None:
    key = kiosk.charging(phone)
    assert phone.get(f"/tablet/s/{key}{end}").status_code == status


@pytest.mark.parametrize(
    ("late", "changes", "words"),
    [
        (90, None, "We cannot ask this charger just now"),
        (0, {"tariff": None}, "The price of this bay cannot be read"),
        (0, {"connectors": (Connector(1, "Available"),)}, "does not have that bay"),
        (0, {"connectors": (Connector(2, "Charging"),)}, "was taken a moment ago"),
    ],
)
def test_why_nothing_starts_at_the_screen_is_said_in_words_of_its_own(
    cards: Kiosk, late: float, changes: dict[str, Any] | None, words: str
) -> None:
    cards.card()
    screen = screen_of(cards)
    screen.get(BAY)
    cards.clock.advance(late)
    if changes is not None:
        cards.card(**changes)
    answer = screen.post(f"{BAY}/start", data={})
    with cards.app.test_request_context():
        assert words in said(answer.headers["Location"].partition("?why=")[2])
    assert cards.store.queue() == []


def test_every_reason_why_a_bay_is_not_to_be_had_has_a_sentence_on_the_screen(kiosk: Kiosk) -> None:
    assert set(WHY) == set(NoOffer) - {NoOffer.LIMIT_NOT_OFFERED}  # no limit can be chosen there
    with kiosk.app.test_request_context():
        assert "belongs to another operator" in said(WHY[NoOffer.NOT_OURS])
        assert "whether this charger is one of ours" in said(WHY[NoOffer.OWNER_UNKNOWN])
        assert all(said(why) not in {"", said("not-now")} for why in WHY.values())


@pytest.mark.parametrize("key", ["nothing-like-a-key", "../../etc/passwd"])
def test_a_session_that_does_not_exist_is_not_there_on_the_screen_either(kiosk: Kiosk, key: str) -> None:
    assert screen_of(kiosk).get(f"/tablet/s/{key}").status_code == 404


def test_a_session_of_another_site_is_not_there(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.set(sell_unlisted=True)
    kiosk.card(code="FAR01")
    key = kiosk.start(phone, code="FAR01")
    assert screen_of(kiosk).get(f"/tablet/s/{key}").status_code == 404


def test_a_driver_who_comes_back_from_the_bank_after_a_reset_is_known_by_the_payment(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    screen.delete_cookie(VISIT, path="/")
    answer = screen.get(f"/tablet/s/{key}/back?payment_intent_client_secret={SECRET}")
    assert answer.headers["Location"] == f"/tablet/s/{key}"
    assert screen.get(f"/tablet/s/{key}").status_code == 200


# --- coming back to a charge


def test_the_owner_reads_a_code_and_opens_the_charge_with_it_at_its_bay(kiosk: Kiosk, phone: FlaskClient) -> None:
    screen = screen_of(kiosk)
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    code = digits(kiosk, key)
    shown = f"{code[:3]}\N{NO-BREAK SPACE}{code[3:]}"
    assert shown in phone.get(f"/s/{key}").text
    assert f'href="{BAY}/owner"' in screen.get(BAY).text
    assert "Is this your charge?" in screen.get(f"{BAY}/owner").text
    answer = screen.post(f"{BAY}/owner", data={"code": f" {shown} "})
    assert answer.headers["Location"] == f"/tablet/s/{key}"
    page = screen.get(f"/tablet/s/{key}").text
    assert "Stop charging" in page
    screen.post(f"/tablet/s/{key}/stop")
    assert [one.kind for one in kiosk.store.commands(key)] == [Kind.START, Kind.STOP]


def test_a_screen_shows_nobody_who_else_can_act_and_takes_nothing_back(kiosk: Kiosk, phone: FlaskClient) -> None:
    screen = screen_of(kiosk)
    key = kiosk.charging(phone)
    assert screen.post(f"{BAY}/owner", data={"code": digits(kiosk, key)}).headers["Location"] == f"/tablet/s/{key}"
    assert "/owners" not in screen.get(f"/tablet/s/{key}").text
    assert screen.get(f"/tablet/s/{key}/owners").status_code == 404
    assert screen.post(f"/tablet/s/{key}/owners", data={"mark": "x"}).status_code == 404


def test_the_phone_takes_back_what_the_six_digits_gave_to_a_screen_and_they_change(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    screen = screen_of(kiosk)
    key = kiosk.charging(phone)
    kiosk.clock.advance(1)
    old = digits(kiosk, key)
    screen.post(f"{BAY}/owner", data={"code": old})
    page = phone.get(f"/s/{key}/owners").text
    assert "by the six digits, since" in page
    (mark,) = re.findall(r'name="mark" value="([0-9a-f]+)"', page)
    phone.post(f"/s/{key}/owners", data={"mark": mark})
    assert screen.get(f"/tablet/s/{key}").headers["Location"] == BOARD
    assert "why=code" in screen.post(f"{BAY}/owner", data={"code": old}).headers["Location"]
    new = stop_code(key, kiosk.settings.secret_keys, 1)
    assert f"{new[:3]}\N{NO-BREAK SPACE}{new[3:]}" in phone.get(f"/s/{key}").text


def test_a_reader_who_only_watches_does_not_learn_the_code(kiosk: Kiosk, phone: FlaskClient) -> None:
    screen_of(kiosk)
    key = kiosk.charging(phone)
    code = digits(kiosk, key)
    watched = kiosk.phone().get(f"/s/{key}").text
    assert code[:3] + "\N{NO-BREAK SPACE}" + code[3:] not in watched
    assert "stop-code" not in watched


def test_where_no_screen_stands_no_code_is_shown(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    assert "stop-code" not in phone.get(f"/s/{key}").text


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "-12345", "9" * 5000]
)
def test_a_wrong_code_is_one_sentence_and_opens_nothing(kiosk: Kiosk, phone: FlaskClient, typed: str) -> None:
    screen = screen_of(kiosk)
    key = kiosk.charging(phone)
    answer = screen.post(f"{BAY}/owner", data={"code": typed}, follow_redirects=True)
    assert "That is not the code of this charge." in text_of(answer.text)
    assert screen.get(f"/tablet/s/{key}").status_code == 303


def test_where_no_charge_can_be_found_the_digits_are_not_asked_for_and_the_bay_says_why(kiosk: Kiosk) -> None:
    screen = screen_of(kiosk)
    kiosk.card("Available", "Available")
    assert screen.get(f"{BAY}/owner").headers["Location"] == BAY
    assert screen.get(f"{BAY}/owner?why=tries").headers["Location"] == f"{BAY}?why=tries"
    assert screen.get(f"{BAY}/owner?why=//elsewhere.example").headers["Location"] == BAY
    assert screen.get(f"/tablet/bay/{NEAR}/9/owner").status_code == 404


def test_three_wrong_codes_close_the_bays_door_for_a_minute_and_not_that_of_its_neighbours(
    kiosk: Kiosk, phone: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = screen_of(kiosk)
    key = kiosk.charging(phone)
    right = digits(kiosk, key)
    wrong = "000000" if right != "000000" else "000001"
    for _ in range(3):
        assert "why=code" in screen.post(f"{BAY}/owner", data={"code": wrong}).headers["Location"]
    assert "why=tries" in screen.post(f"{BAY}/owner", data={"code": right}).headers["Location"]
    elsewhere = screen.post(f"/tablet/bay/{CODE}/1/owner", data={"code": right})
    assert "why=code" in elsewhere.headers["Location"]
    count_at(monkeypatch, time.time() + 121)
    kiosk.clock.advance(121)  # by which all instances of a fleet count
    assert screen.post(f"{BAY}/owner", data={"code": right}).headers["Location"] == f"/tablet/s/{key}"


def test_a_code_that_could_not_be_read_or_is_right_is_no_wrong_one(kiosk: Kiosk, phone: FlaskClient) -> None:
    screen = screen_of(kiosk)
    key = kiosk.charging(phone)
    for _ in range(5):
        unread = screen.post(f"{BAY}/owner", data="code=1", content_type="text/plain")
        assert "why=code" in unread.headers["Location"]
    for _ in range(5):
        assert screen.post(f"{BAY}/owner", data={"code": digits(kiosk, key)}).headers["Location"] == f"/tablet/s/{key}"


def test_nobody_else_at_the_sites_address_uses_up_what_its_tablet_may_ask(kiosk: Kiosk, phone: FlaskClient) -> None:
    screen, key = screen_of(kiosk), kiosk.charging(phone)
    stranger = kiosk.phone()
    answers = {stranger.post(f"{BAY}/owner", data={"code": "1"}).status_code for _ in range(80)}
    assert 429 in answers
    assert screen.post(f"{BAY}/owner", data={"code": digits(kiosk, key)}).headers["Location"] == f"/tablet/s/{key}"


def test_the_code_of_one_charge_opens_no_other(kiosk: Kiosk, phone: FlaskClient) -> None:
    screen = screen_of(kiosk)
    kiosk.charging(phone)
    other = digits(kiosk, "another-session")
    assert "why=code" in screen.post(f"{BAY}/owner", data={"code": other}).headers["Location"]


def unpaid(kiosk: Kiosk, phone: FlaskClient) -> str:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    return key


def over(kiosk: Kiosk, phone: FlaskClient) -> str:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    return key


@pytest.mark.parametrize("made", [unpaid, over])
def test_a_start_that_is_not_paid_and_a_charge_that_has_ended_cannot_be_taken_over_there(
    kiosk: Kiosk, phone: FlaskClient, made: Callable[[Kiosk, FlaskClient], str]
) -> None:
    screen = screen_of(kiosk)
    key = made(kiosk, phone)
    assert "Is this your charge?" not in screen.get(BAY).text
    answer = screen.post(f"{BAY}/owner", data={"code": digits(kiosk, key)})
    assert "why=code" in answer.headers["Location"]


# --- the next driver


def test_leaving_gives_up_what_was_not_paid_so_that_the_bay_is_free_again(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    screen.get("/tablet/reset")
    assert [one.kind for one in cards.store.commands(key)] == [Kind.START, Kind.CANCEL]
    assert screen.get_cookie(VISIT) is None
    assert screen.get_cookie("__Host-tablet") is not None
    assert screen.get(f"/tablet/s/{key}").headers["Location"] == BOARD


def test_leaving_the_line_gives_up_the_place_in_it(cards: Kiosk) -> None:
    screen = screen_of(cards)
    cards.card()
    answer = screen.post(f"{BAY}/start", data={})
    key = str(answer.headers["Location"]).removeprefix("/tablet/s/")
    screen.get("/tablet/reset")
    session = cards.store.session(key)
    assert session is not None
    assert session.phase is not Phase.QUEUED


def test_leaving_during_a_charge_leaves_the_charge_alone(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    cards.observe(key, "authorized", authorized_minor=3000, authorized_at=cards.now)
    screen.get("/tablet/reset")
    assert [one.kind for one in cards.store.commands(key)] == [Kind.START]


def test_leaving_without_a_visit_or_a_tablet_harms_nothing(kiosk: Kiosk) -> None:
    assert screen_of(kiosk).get("/tablet/reset").status_code == 303
    assert kiosk.phone().get("/tablet/reset").status_code == 303


def test_a_phones_cookie_is_a_trace_on_a_real_tablet_and_spared_where_no_money_is_real(kiosk: Kiosk) -> None:
    screen = screen_of(kiosk)
    screen.set_cookie("__Host-driver", "somebody", secure=True, path="/")
    screen.get("/tablet/reset")
    assert screen.get_cookie("__Host-driver") is not None
    parts: Parts = kiosk.app.extensions["kiosk"]
    real = parts.settings.model_copy(update={"plugchoice_url": "https://app.plugchoice.com/api/v3"})
    kiosk.app.extensions["kiosk"] = replace(parts, settings=real)
    screen.get("/tablet/reset")
    assert screen.get_cookie("__Host-driver") is None
    assert screen.get_cookie("__Host-tablet") is not None


def test_a_second_tap_finds_what_the_first_one_began(cards: Kiosk) -> None:
    screen = screen_of(cards)
    cards.card()
    screen.get(BAY)
    before = screen.get_cookie(VISIT)
    assert before is not None
    first = screen.post(f"{BAY}/start", data={})
    screen.set_cookie(VISIT, before.value, secure=True, path="/")  # the first answer never came
    assert screen.post(f"{BAY}/start", data={}).headers["Location"] == first.headers["Location"]


def test_leaving_while_the_start_is_on_its_way_cancels_it_as_soon_as_it_is_answered(cards: Kiosk) -> None:
    screen = screen_of(cards)
    cards.card()
    key = str(screen.post(f"{BAY}/start", data={}).headers["Location"]).removeprefix("/tablet/s/")
    (command,) = cards.store.commands(key)
    assert cards.store.claim(command.id, cards.now)
    screen.get("/tablet/reset")
    assert [one.kind for one in cards.store.commands(key)] == [Kind.START, Kind.CANCEL]


def test_what_may_have_been_paid_is_not_given_up(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    screen.post(f"/tablet/s/{key}/confirm")
    assert "Nothing is held" not in text_of(screen.get(f"/tablet/s/{key}").text).partition("Are you still there?")[2]
    screen.get("/tablet/reset")
    assert [one.kind for one in cards.store.commands(key)] == [Kind.START, Kind.CONFIRM]


def test_the_bays_end_the_visit_as_a_reset_does(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    screen.get(BOARD)
    assert screen.get_cookie(VISIT) is None
    assert [one.kind for one in cards.store.commands(key)] == [Kind.START, Kind.CANCEL]


def test_a_screen_that_is_unpaired_during_a_start_still_gives_it_up(cards: Kiosk) -> None:
    screen = screen_of(cards)
    key = started_here(cards, screen)
    (tablet,) = cards.store.tablets()
    cards.store.unpair(tablet.id, cards.now)
    screen.get("/tablet/reset")
    assert [one.kind for one in cards.store.commands(key)] == [Kind.START, Kind.CANCEL]


def test_a_phone_that_is_led_to_the_reset_keeps_what_is_its_own(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    answer = phone.get("/tablet/reset")
    assert "Clear-Site-Data" not in answer.headers
    assert phone.post(f"/s/{key}/stop").status_code == 303
    assert [one.kind for one in kiosk.store.commands(key)] == [Kind.START, Kind.STOP]


class Locked:
    """A store of which one part cannot be used."""

    def __init__(self, store: Store, part: str) -> None:
        self._store, self._part = store, part

    def __getattr__(self, name: str) -> Any:
        if name == self._part:
            raise OSError("the database is locked")
        return getattr(self._store, name)


@pytest.mark.parametrize("part", ["ask", "sessions_of", "close_handoff", "seen"])
def test_a_store_that_fails_keeps_no_trace_of_the_last_driver(cards: Kiosk, part: str) -> None:
    screen = screen_of(cards)
    started_here(cards, screen)
    parts: Parts = cards.app.extensions["kiosk"]
    cards.clock.advance(120)
    cards.app.extensions["kiosk"] = replace(parts, store=cast("Store", Locked(parts.store, part)))
    assert screen.get("/tablet/reset").status_code == 303
    assert screen.get_cookie(VISIT) is None
    assert screen.get_cookie("__Host-tablet") is not None


def test_bays_nearby_lead_to_the_screens_own_pages(cards: Kiosk) -> None:
    screen = screen_of(cards)
    cards.card()
    cards.card("Available", code=NEAR)
    key = str(screen.post(f"{BAY}/start", data={}).headers["Location"]).removeprefix("/tablet/s/")
    (command,) = cards.store.commands(key)
    assert cards.store.claim(command.id, cards.now)
    cards.store.start_refused(command.id, Refusal.CONNECTOR_BUSY, cards.now)
    page = screen.get(f"/tablet/s/{key}").text
    assert f'href="/tablet/bay/{NEAR}/1"' in page
    assert f'href="/c/{NEAR}"' not in page
