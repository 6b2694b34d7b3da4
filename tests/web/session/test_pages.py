"""After the start: who may do what, each wish once, and the ways in which ownership moves."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
import resvg_py
import zxingcpp
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.session import Phase
from tests.web.conftest import CODE, HOLD, PAYMENT, SECRET, Kiosk

WRITES = ("confirm", "cancel", "stop", "limit", "receipt-email", "leave")


def kinds(kiosk: Kiosk, key: str) -> list[Kind]:
    return [command.kind for command in kiosk.store.commands(key)]


def created(kiosk: Kiosk, phone: FlaskClient) -> str:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    return key


def back(answer: TestResponse, key: str) -> bool:
    return answer.status_code == 303 and answer.headers["Location"] == f"/s/{key}"


# --- strangers and guesses


@pytest.mark.parametrize("key", ["x", "A" * 22, "A" * 5000, "..", "%2e%2e%2fetc", "' OR 1=1 --", "../../x"])
def test_a_guessed_key_finds_nothing(phone: FlaskClient, key: str) -> None:
    for path in (f"/s/{key}", f"/s/{key}.json", f"/s/{key}/events", f"/s/{key}/payment", f"/s/{key}/back", f"/r/{key}"):
        assert phone.get(path).status_code in {404, 308}, path
    for action in WRITES:
        assert phone.post(f"/s/{key}/{action}").status_code in {404, 405, 308}


@pytest.mark.parametrize("action", WRITES)
def test_a_stranger_can_change_nothing(kiosk: Kiosk, phone: FlaskClient, action: str) -> None:
    key = kiosk.charging(phone)
    before = kinds(kiosk, key)
    answer = kiosk.phone().post(f"/s/{key}/{action}", data={"limit": "1000", "email": "a@b.example"})
    assert answer.status_code == 403
    assert "Only the phone that paid can do this." in answer.text
    assert "unplug the cable at the car" in answer.text
    assert "0800 555 0142" in answer.text
    assert kinds(kiosk, key) == before
    session = kiosk.store.session(key)
    assert session is not None
    assert session.limit_minor is None


@pytest.mark.parametrize("action", ["payment", "move"])
def test_a_stranger_sees_no_payment_and_no_takeover_code(kiosk: Kiosk, phone: FlaskClient, action: str) -> None:
    key = created(kiosk, phone)
    answer = kiosk.phone().get(f"/s/{key}/{action}")
    assert answer.status_code == 403
    assert SECRET not in answer.text
    assert "<path d=" not in answer.text.replace("<symbol", "")[: answer.text.find("<svg hidden")]


def test_a_stranger_who_asks_for_the_cancel_page_sees_the_session(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    assert back(kiosk.phone().get(f"/s/{key}/cancel"), key)


def test_a_script_that_is_not_the_owner_gets_json(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    answer = kiosk.phone().post(f"/s/{key}/stop", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json) == (403, {"error": "not_owner"})


# --- wishes


def test_stop_is_asked_once_and_told_on_the_page(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    rings = kiosk.bell.rings
    assert back(phone.post(f"/s/{key}/stop"), key)
    assert back(phone.post(f"/s/{key}/stop"), key)
    assert kinds(kiosk, key).count(Kind.STOP) == 1
    assert kiosk.bell.rings == rings + 1
    assert "We pass on your stop" in phone.get(f"/s/{key}").text


def test_stop_answers_with_the_next_screen_when_the_engine_is_quick(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.bell.act = lambda: kiosk.observe(key, "stopping")
    answer = phone.post(f"/s/{key}/stop", headers={"Accept": "application/json"})
    assert answer.json is not None
    assert answer.json["screen"] == "stopping"


def test_a_stop_before_or_after_the_charge_asks_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    assert back(phone.post(f"/s/{key}/stop"), key)
    kiosk.observe(key, "settling")
    assert back(phone.post(f"/s/{key}/stop"), key)
    assert Kind.STOP not in kinds(kiosk, key)


def test_a_stop_without_an_answer_says_unplug_and_may_be_tried_again(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    phone.post(f"/s/{key}/stop")
    stop = kiosk.store.commands(key)[-1]
    kiosk.store.claim(stop.id, kiosk.now)
    kiosk.store.finish(stop.id, CommandState.UNKNOWN, kiosk.now)
    page = phone.get(f"/s/{key}").text
    assert "We asked to stop and got no answer" in page
    assert "We keep asking, at least every minute. To stop now, unplug the cable at the car." in page
    assert "Stop charging" in page


def test_a_stop_that_failed_twice_says_how_often_it_was_asked_and_when(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    for _ in range(2):
        phone.post(f"/s/{key}/stop")
        stop = kiosk.store.commands(key)[-1]
        kiosk.store.claim(stop.id, kiosk.now)
        kiosk.store.finish(stop.id, CommandState.REFUSED, kiosk.now, refusal=Refusal.CHARGER_OFFLINE)
        kiosk.clock.advance(30)
    page = phone.get(f"/s/{key}").text
    assert "The stop was not accepted" in page
    assert re.search(r"Asked 2 times, last at \d\d:\d\d:\d\d\. We keep asking\. To stop now, unplug the cable", page)


def test_cancel_is_confirmed_on_a_page_of_its_own(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    page = phone.get(f"/s/{key}/cancel").text
    assert "Cancel and give back €30.00" in page
    assert "If you cancel, you pay nothing." in page
    assert kinds(kiosk, key) == [Kind.START]
    assert back(phone.post(f"/s/{key}/cancel"), key)
    assert back(phone.post(f"/s/{key}/cancel"), key)
    assert kinds(kiosk, key) == [Kind.START, Kind.CANCEL]
    assert "We pass on your cancel" in phone.get(f"/s/{key}").text


def test_a_charge_that_has_begun_cannot_be_cancelled(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    assert back(phone.get(f"/s/{key}/cancel"), key)
    assert back(phone.post(f"/s/{key}/cancel"), key)
    assert Kind.CANCEL not in kinds(kiosk, key)


@pytest.mark.parametrize("action", ["leave", "cancel"])
def test_leaving_the_line_frees_the_bay(kiosk: Kiosk, phone: FlaskClient, action: str) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    assert back(phone.post(f"/s/{key}/{action}"), key)
    session = kiosk.store.session(key)
    assert session is not None
    assert session.phase is Phase.LEFT
    assert kiosk.store.session_at(CODE, 2) is None
    assert "You left the line" in phone.get(f"/s/{key}").text


def test_leaving_after_the_start_was_sent_changes_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    (start,) = kiosk.store.commands(key)
    kiosk.store.claim(start.id, kiosk.now)
    assert back(phone.post(f"/s/{key}/leave"), key)
    session = kiosk.store.session(key)
    assert session is not None
    assert session.phase is Phase.QUEUED


def test_confirm_asks_the_back_office_and_believes_nobody(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    answer = phone.post(f"/s/{key}/confirm", headers={"Accept": "application/json"})
    assert answer.json is not None
    assert answer.json["screen"] == "created"
    phone.post(f"/s/{key}/confirm")
    assert kinds(kiosk, key) == [Kind.START, Kind.CONFIRM]


def test_the_limit_can_be_changed_and_taken_away(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone, limit="1500")
    assert back(phone.post(f"/s/{key}/limit", data={"limit": "2000"}), key)
    session = kiosk.store.session(key)
    assert session is not None
    assert session.limit_minor == 2000
    assert "Stops at €20.00" in phone.get(f"/s/{key}").text
    phone.post(f"/s/{key}/limit", data={"limit": ""})
    session = kiosk.store.session(key)
    assert session is not None
    assert session.limit_minor is None


@pytest.mark.parametrize("limit", ["1", "500", "3000", "99999", "x", "-1"])
def test_a_limit_that_is_not_offered_is_refused_with_a_sentence(kiosk: Kiosk, phone: FlaskClient, limit: str) -> None:
    key = kiosk.charging(phone, limit="1500")
    answer = phone.post(f"/s/{key}/limit", data={"limit": limit})
    assert answer.status_code == 422
    assert "Please choose one of the limits" in answer.text
    session = kiosk.store.session(key)
    assert session is not None
    assert session.limit_minor == 1500


# --- e-mail


@pytest.mark.parametrize(
    "email",
    [
        "",
        "anna",
        "anna@",
        "@mail.example",
        "a b@mail.example",
        "anna@mail",
        "anna@mail.example\r\nBcc: x@y.example",
        "anna@mail.example, eve@mail.example",
        "<anna@mail.example>",
        "a" * 250 + "@b.example",
    ],
)
def test_a_malformed_address_is_refused_with_a_sentence(kiosk: Kiosk, phone: FlaskClient, email: str) -> None:
    key = kiosk.charging(phone)
    answer = phone.post(f"/s/{key}/receipt-email", data={"email": email})
    assert answer.status_code == 422
    assert "does not look like an e-mail address" in answer.text
    assert Kind.RECEIPT_EMAIL not in kinds(kiosk, key)


def test_an_address_is_passed_on_and_never_shown(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    assert back(phone.post(f"/s/{key}/receipt-email", data={"email": " anna.o'hara+ev@mail.example "}), key)
    (command,) = [c for c in kiosk.store.commands(key) if c.kind is Kind.RECEIPT_EMAIL]
    assert kiosk.store.email_of(command.id) == "anna.o'hara+ev@mail.example"
    page = phone.get(f"/s/{key}").text
    assert "anna.o" not in page
    assert "The receipt also goes to your e-mail." in page


def test_after_the_end_it_is_too_late_for_an_address(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.captured(key)
    answer = phone.post(
        f"/s/{key}/receipt-email", data={"email": "anna@mail.example"}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 409
    assert Kind.RECEIPT_EMAIL not in kinds(kiosk, key)


# --- payment


def test_the_owner_gets_what_stripe_needs_while_it_can_be_paid(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    answer = phone.get(f"/s/{key}/payment", headers={"Accept-Encoding": "br, gzip"})
    assert answer.json == {
        "publishable_key": PAYMENT.publishable_key,
        "client_secret": SECRET,
        "account": PAYMENT.stripe_account_id,
        "return_url": f"https://lindenau.example/s/{key}/back",
        "locale": "en",
        "amount": HOLD,
        "currency": "EUR",
    }
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store, no-transform"


def test_a_payment_that_is_over_is_not_handed_out(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    answer = phone.get(f"/s/{key}/payment")
    assert (answer.status_code, answer.json) == (409, {"error": "not_payable", "screen": "authorized"})


def test_a_queued_session_cannot_be_paid(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    assert phone.get(f"/s/{kiosk.start(phone)}/payment").status_code == 409


# --- the return from a bank


def bank(key: str, secret: str) -> str:
    return f"/s/{key}/back?payment_intent=pi_3Kiosk&payment_intent_client_secret={secret}&redirect_status=succeeded"


def test_a_return_from_the_bank_in_another_browser_makes_it_an_owner_once(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    other, third = kiosk.phone(), kiosk.phone()
    answer = other.get(bank(key, SECRET))
    assert back(answer, key)
    assert "Pay and start charging" in other.get(f"/s/{key}").text
    assert kinds(kiosk, key) == [Kind.START, Kind.CONFIRM]
    assert back(third.get(bank(key, SECRET)), key)
    assert third.post(f"/s/{key}/cancel").status_code == 403


@pytest.mark.parametrize("secret", ["", "pi_3Kiosk_secret_abcdeg", "x", SECRET + "x", "%00", "é"])
def test_a_forged_return_only_watches(kiosk: Kiosk, phone: FlaskClient, secret: str) -> None:
    key = created(kiosk, phone)
    other = kiosk.phone()
    assert back(other.get(bank(key, secret)), key)
    assert "Being paid" in other.get(f"/s/{key}").text
    assert kinds(kiosk, key) == [Kind.START]
    assert back(kiosk.phone().get(f"/s/{key}/back"), key)


def test_the_owners_own_return_asks_for_the_confirmation(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    kiosk.bell.act = lambda: kiosk.observe(key, "authorized", authorized_minor=HOLD, authorized_at=kiosk.now)
    answer = phone.get(bank(key, SECRET), follow_redirects=True)
    assert "Hold placed" in answer.text
    assert SECRET not in answer.request.url


# --- moving to another phone


def test_a_takeover_shows_first_and_works_once(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    page = phone.get(f"/s/{key}/move").text
    code = page.partition("/t/<wbr>")[2].partition("<")[0]
    assert len(code) == 16
    second, third = kiosk.phone(), kiosk.phone()
    for _ in range(2):
        assert "Go on with this phone?" in second.get(f"/t/{code}").text
    assert second.post(f"/s/{key}/stop").status_code == 403
    assert back(second.post(f"/t/{code}"), key)
    assert back(second.post(f"/s/{key}/stop"), key)
    assert third.get(f"/t/{code}").status_code == 410
    assert third.post(f"/t/{code}").status_code == 410
    assert third.post(f"/s/{key}/stop").status_code == 403
    assert back(phone.post(f"/s/{key}/stop"), key)


def test_a_takeover_code_ends_after_five_minutes(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    code = phone.get(f"/s/{key}/move").text.partition("/t/<wbr>")[2].partition("<")[0]
    kiosk.clock.advance(301)
    answer = kiosk.phone().post(f"/t/{code}")
    assert answer.status_code == 410
    assert "Code is too old" in answer.text


@pytest.mark.parametrize("code", ["x", "A" * 16, "A" * 4000, "%27"])
def test_a_guessed_takeover_code_is_too_old(phone: FlaskClient, code: str) -> None:
    assert phone.get(f"/t/{code}").status_code == 410
    assert phone.post(f"/t/{code}").status_code == 410


# --- taking a right back


def let_in(owner: FlaskClient, key: str, other: FlaskClient) -> None:
    code = owner.get(f"/s/{key}/move").text.partition("/t/<wbr>")[2].partition("<")[0]
    assert back(other.post(f"/t/{code}"), key)


def marks(owner: FlaskClient, key: str) -> list[str]:
    return re.findall(r'name="mark" value="([0-9a-f]+)"', owner.get(f"/s/{key}/owners").text)


def test_an_owner_sees_who_else_can_act_and_takes_it_back_without_scripts(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    stranger = kiosk.phone()
    assert "/owners" not in phone.get(f"/s/{key}").text
    kiosk.clock.advance(60)
    let_in(phone, key, stranger)
    assert f"/s/{key}/owners" in phone.get(f"/s/{key}").text
    page = phone.get(f"/s/{key}/owners").text
    assert "Another phone" in page
    assert "by a code that works once, since" in page
    (mark,) = marks(phone, key)
    answer = phone.post(f"/s/{key}/owners", data={"mark": mark})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/s/{key}/owners")
    assert "No other device has a right" in phone.get(f"/s/{key}/owners").text
    assert stranger.post(f"/s/{key}/stop").status_code == 403
    assert "Stop charging" not in stranger.get(f"/s/{key}").text
    assert stranger.get(f"/s/{key}").status_code == 200
    assert back(phone.post(f"/s/{key}/stop"), key)


@pytest.mark.parametrize("later", ["authorized", "starting", "charging", "charging and old", "stopping", "settling"])
def test_whoever_was_let_in_is_found_on_the_page_of_every_state(kiosk: Kiosk, phone: FlaskClient, later: str) -> None:
    key = kiosk.held(phone)
    kiosk.clock.advance(1)
    let_in(phone, key, kiosk.phone())
    kiosk.observe(key, later.partition(" ")[0], energy_kwh=Decimal(1), cost_minor=84)
    kiosk.clock.advance(600 if later.endswith("old") else 0)
    assert phone.get(f"/s/{key}").text.count(f"/s/{key}/owners") == 1


def test_who_was_let_in_or_only_watches_can_take_nothing_back(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    friend, watcher = kiosk.phone(), kiosk.phone()
    kiosk.clock.advance(1)
    let_in(phone, key, friend)
    (mark,) = marks(phone, key)
    assert marks(friend, key) == []
    assert "/owners" not in friend.get(f"/s/{key}").text
    assert watcher.get(f"/s/{key}/owners").status_code == 403
    assert watcher.post(f"/s/{key}/owners", data={"mark": mark}).status_code == 403
    assert back(friend.post(f"/s/{key}/owners", data={"mark": mark}), key)
    assert kiosk.store.times_taken_back(key) == 0


def test_another_site_takes_no_right_back_in_an_owners_name(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    kiosk.clock.advance(1)
    let_in(phone, key, kiosk.phone())
    (mark,) = marks(phone, key)
    sent = phone.post(f"/s/{key}/owners", data={"mark": mark}, headers={"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 403
    assert kiosk.store.times_taken_back(key) == 0


def test_an_open_page_hears_of_a_right_that_was_handed_over_and_of_one_that_was_taken_back(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.charging(phone)
    stranger = kiosk.phone()
    before = phone.get(f"/s/{key}.json").get_json()["shape"]
    kiosk.clock.advance(1)
    let_in(phone, key, stranger)
    theirs = stranger.get(f"/s/{key}.json").get_json()
    assert phone.get(f"/s/{key}.json").get_json()["shape"] != before
    phone.post(f"/s/{key}/owners", data={"mark": marks(phone, key)[0]})
    after = stranger.get(f"/s/{key}.json").get_json()
    assert (theirs["owner"], after["owner"]) == (True, False)
    assert after["shape"] != theirs["shape"]


# --- the receipt


def test_the_receipt_is_there_for_whoever_has_its_address(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    assert back(phone.get(f"/r/{key}"), key)
    assert phone.get(f"/r/{key}.json").status_code == 404
    kiosk.captured(key)
    assert "You paid €9.47" in kiosk.phone().get(f"/r/{key}").text
    document = kiosk.phone().get(f"/r/{key}.json").json
    assert document is not None
    assert document["number"] == "2026-000001"
    assert document["taken"] == {"minor": 947, "currency": "EUR"}


def test_a_limit_that_stopped_the_charge_is_named_on_the_receipt(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone, limit="1000")
    stop = kiosk.store.ask(key, Kind.STOP, AskedBy.LIMIT, kiosk.now)
    kiosk.store.claim(stop.id, kiosk.now)
    kiosk.store.finish(stop.id, CommandState.DONE, kiosk.now)
    kiosk.observe(key, "settling", energy_kwh=Decimal("18.60"), cost_minor=946)
    assert "We asked to stop, to keep your limit" in phone.get(f"/s/{key}").text
    kiosk.captured(key)
    assert "We asked the charger to stop, to keep your limit." in phone.get(f"/s/{key}").text


def test_an_erased_cookie_leaves_a_watcher(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    phone.delete_cookie("__Host-driver")
    kiosk.clock.advance(timedelta(seconds=5).total_seconds())
    assert phone.post(f"/s/{key}/stop").status_code == 403
    assert phone.get(f"/s/{key}").status_code == 200


@pytest.mark.parametrize("page", ["/s/", "/r/"])
def test_who_looks_at_an_old_receipt_makes_the_engine_look_for_a_refund(kiosk: Kiosk, page: str) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    kiosk.captured(key)
    phone.get(page + key)
    assert kiosk.store.hints() == {}
    kiosk.clock.advance(3601)
    phone.get(page + key)
    assert list(kiosk.store.hints()) == [key]


def test_the_code_to_move_a_session_is_read_by_a_camera_as_the_takeover_address(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.charging(phone)
    page = phone.get(f"/s/{key}/move").text
    code = page.partition("/t/<wbr>")[2].partition("<")[0]
    found = re.search(r'<svg class="matrix".*?</svg>', page, re.DOTALL)
    assert found is not None
    drawing = found.group().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    pixels = bytes(resvg_py.svg_to_bytes(svg_string=drawing, width=400, background="white"))
    picture = Image.open(BytesIO(pixels)).convert("L")
    assert [one.text for one in zxingcpp.read_barcodes(picture)] == [f"https://lindenau.example/t/{code}"]
