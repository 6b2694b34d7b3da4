"""A store that cannot write: pages that only show are shown, a stop is passed on, all else says what is true."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from werkzeug.test import TestResponse

from kiosk.domain.commands import Kind
from kiosk.domain.session import Phase
from kiosk.domain.stop_code import stop_code
from tests.web.conftest import CODE, SECRET, Kiosk
from tests.web.paired import screen_of, text_of
from tests.worlds.refusing import EVERY, Switch, full, locked

every_trouble = pytest.mark.parametrize("trouble", EVERY.values(), ids=EVERY)
NOT_WRITTEN = "We cannot write this down just now"
NOTHING_CHANGED = "Nothing was changed. A running charge goes on"


@every_trouble
def test_a_stop_is_passed_on_and_its_page_says_what_is_true(kiosk: Kiosk, trouble: Switch) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    with trouble(kiosk.store):
        answer = phone.post(f"/s/{key}/stop")
        page = text_of(answer.text)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert NOT_WRITTEN in page
        assert "unplug the cable at the car or press stop at the charger" in page
        assert "We pass on your stop" in page
        assert [one.kind for one in kiosk.store.waiting(kiosk.now)] == [Kind.STOP]
        assert kiosk.bell.rings > 0
        again = phone.get(f"/s/{key}")
        assert (again.status_code, NOT_WRITTEN in text_of(again.text)) == (200, True)
    kiosk.store.note_call("stop", kiosk.now)
    assert kiosk.store.write_down() == [key]
    assert NOT_WRITTEN not in text_of(phone.get(f"/s/{key}").text)
    session = kiosk.store.session(key)
    assert session is not None
    assert session.wish is not None


@pytest.mark.parametrize("spoken", [None, "de"])
def test_it_is_said_in_the_language_of_the_driver_and_to_scripts(kiosk: Kiosk, spoken: str | None) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    headers = {"Accept": "application/json"} if spoken is None else {"Accept-Language": spoken}
    with full(kiosk.store):
        answer = phone.post(f"/s/{key}/stop", headers=headers)
    assert answer.status_code == 503
    if spoken is None:
        assert answer.json is not None
        assert answer.json["error"] == "unwritten"
        assert "unplug the cable" in answer.json["message"]
    else:
        assert "Das können wir gerade nicht speichern" in answer.text


@every_trouble
def test_a_cancel_is_passed_on(kiosk: Kiosk, trouble: Switch) -> None:
    phone = kiosk.phone()
    key = kiosk.held(phone)
    with trouble(kiosk.store):
        answer = phone.post(f"/s/{key}/cancel")
        assert (answer.status_code, NOT_WRITTEN in text_of(answer.text)) == (503, True)
        assert [one.kind for one in kiosk.store.waiting(kiosk.now)] == [Kind.CANCEL]


def test_that_it_is_paid_is_passed_on_and_the_page_goes_on(kiosk: Kiosk) -> None:
    """The kiosk looks by itself too, so that nothing is lost with the process."""
    phone = kiosk.phone()
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    with full(kiosk.store):
        assert phone.post(f"/s/{key}/confirm").status_code == 303
        assert [one.kind for one in kiosk.store.waiting(kiosk.now)] == [Kind.CONFIRM]


Ask = Callable[[FlaskClient, str], TestResponse]
ASKED: dict[str, Ask] = {
    "a limit": lambda phone, key: phone.post(f"/s/{key}/limit", data={"limit": ""}),
    "an address": lambda phone, key: phone.post(f"/s/{key}/receipt-email", data={"email": "anna@mail.example"}),
    "another phone": lambda phone, key: phone.get(f"/s/{key}/move"),
    "the return from a bank": lambda phone, key: phone.get(f"/s/{key}/back?payment_intent_client_secret={SECRET}"),
}


@every_trouble
@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_what_cannot_be_stored_is_refused_with_what_helps_and_changes_nothing(
    kiosk: Kiosk, ask: Ask, trouble: Switch
) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone, limit="1500")
    before = kiosk.store.session(key)
    assert before is not None
    with trouble(kiosk.store):
        answer = ask(phone, key)
        page = text_of(answer.text)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert NOTHING_CHANGED in page
        assert "unplug the cable at the car or press stop at the charger" in page
        assert SECRET not in page
    assert kiosk.store.session(key) == before
    assert ask(phone, key).status_code in {200, 303}


@every_trouble
def test_a_form_to_pay_is_not_handed_out_before_that_is_written(kiosk: Kiosk, trouble: Switch) -> None:
    phone = kiosk.phone()
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    with trouble(kiosk.store):
        answer = phone.get(f"/s/{key}/payment", headers={"Accept": "application/json"})
    assert (answer.status_code, SECRET in text_of(answer.text)) == (503, False)
    assert phone.get(f"/s/{key}/payment").status_code == 200


@every_trouble
def test_nobody_starts(kiosk: Kiosk, trouble: Switch) -> None:
    phone = kiosk.phone()
    kiosk.card()
    with trouble(kiosk.store):
        answer = phone.post(f"/c/{CODE}/start", data={"connector": "2"})
        assert (answer.status_code, NOTHING_CHANGED in text_of(answer.text)) == (503, True)
    assert kiosk.store.queue() == []


@every_trouble
def test_whoever_waits_in_line_cannot_leave_it_and_is_not_sent(kiosk: Kiosk, trouble: Switch) -> None:
    phone = kiosk.phone()
    kiosk.card()
    key = kiosk.start(phone)
    with trouble(kiosk.store):
        assert phone.post(f"/s/{key}/leave").status_code == 503
        assert phone.post(f"/s/{key}/cancel").status_code == 503
    session = kiosk.store.session(key)
    assert session is not None
    assert session.phase is Phase.QUEUED


Shown = Callable[[Kiosk, FlaskClient, str], str]
SHOWN: dict[str, Shown] = {
    "a session": lambda _kiosk, _phone, key: f"/s/{key}",
    "its figures": lambda _kiosk, _phone, key: f"/s/{key}.json",
    "a charger": lambda _kiosk, _phone, _key: f"/c/{CODE}?bay=1",
    "the first page": lambda _kiosk, _phone, _key: "/",
}


@every_trouble
@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_pages_that_only_show_are_shown(kiosk: Kiosk, shown: Shown, trouble: Switch) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    kiosk.clock.advance(40)
    watcher = kiosk.phone()
    with trouble(kiosk.store):
        assert watcher.get(shown(kiosk, phone, key)).status_code == 200


@every_trouble
def test_an_old_receipt_is_shown(kiosk: Kiosk, trouble: Switch) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    kiosk.ended(
        key, "captured", captured_minor=716, energy_kwh=Decimal(14), completed_at=kiosk.now, captured_at=kiosk.now
    )
    kiosk.receipt(key)
    kiosk.clock.advance(7200)
    with trouble(kiosk.store):
        for address in (f"/s/{key}", f"/r/{key}", f"/r/{key}.json"):
            assert phone.get(address).status_code == 200


@every_trouble
def test_a_tablet_shows_its_bays_and_a_bay_without_a_code(kiosk: Kiosk, trouble: Switch) -> None:
    kiosk.card("Available", "Available")
    screen = screen_of(kiosk)
    with_code = text_of(screen.get(f"/tablet/bay/{CODE}/1").text)
    assert "Scan to pay on your phone" in with_code
    kiosk.clock.advance(20)
    kiosk.card("Available", "Available")
    with trouble(kiosk.store):
        assert screen.get("/tablet/").status_code == 200
        answer = screen.get(f"/tablet/bay/{CODE}/1")
        assert answer.status_code == 200
        assert "You cannot start here just now: we cannot write anything down" in text_of(answer.text)
        assert "Scan to pay on your phone" not in text_of(answer.text)
        assert screen.get("/tablet/reset").status_code == 303


def test_the_page_of_a_bay_is_loaded_again_when_there_may_be_a_code(kiosk: Kiosk) -> None:
    kiosk.card("Available", "Available")
    screen = screen_of(kiosk)
    state = f"/tablet/bay/{CODE}/1/state.json"
    usual = screen.get(state).json["shape"]  # type: ignore[index]
    with locked(kiosk.store):
        screen.post(f"/c/{CODE}/start", data={"connector": "2"})
        meanwhile = screen.get(state).json["shape"]  # type: ignore[index]
        assert meanwhile != usual
        assert f'data-shape="{escape(meanwhile)}"' in screen.get(f"/tablet/bay/{CODE}/1").text
    kiosk.store.note_call("start", kiosk.now)
    assert screen.get(state).json["shape"] == usual  # type: ignore[index]


def owned_twice(kiosk: Kiosk) -> tuple[FlaskClient, str, str]:
    """A charge, its owner, and the mark of the right that another phone got by a code."""
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    kiosk.phone().post(f"/t/{code_for_another(phone, key)}")
    (mark,) = re.findall(r'name="mark" value="([0-9a-f]+)"', phone.get(f"/s/{key}/owners").text)
    return phone, key, mark


def code_for_another(phone: FlaskClient, key: str) -> str:
    return phone.get(f"/s/{key}/move").text.partition("/t/<wbr>")[2].partition("<")[0]


def refused(answer: TestResponse) -> bool:
    return (answer.status_code, NOTHING_CHANGED in text_of(answer.text)) == (503, True)


@every_trouble
def test_a_code_for_another_phone_is_not_spent_when_that_cannot_be_written(kiosk: Kiosk, trouble: Switch) -> None:
    phone, second = kiosk.phone(), kiosk.phone()
    key = kiosk.charging(phone)
    code = code_for_another(phone, key)
    with trouble(kiosk.store):
        assert "Go on with this phone?" in second.get(f"/t/{code}").text
        assert refused(second.post(f"/t/{code}"))
    assert second.post(f"/t/{code}").status_code == 303
    assert second.post(f"/s/{key}/limit", data={"limit": ""}).status_code == 303


@every_trouble
def test_a_right_is_taken_back_or_it_is_said_that_it_was_not(kiosk: Kiosk, trouble: Switch) -> None:
    phone, key, mark = owned_twice(kiosk)
    with trouble(kiosk.store):
        assert refused(phone.post(f"/s/{key}/owners", data={"mark": mark}))
        assert mark in phone.get(f"/s/{key}/owners").text
    phone.post(f"/s/{key}/owners", data={"mark": mark})
    assert mark not in phone.get(f"/s/{key}/owners").text


@every_trouble
def test_a_company_is_on_the_receipt_or_it_is_said_that_it_is_not(kiosk: Kiosk, trouble: Switch) -> None:
    phone = kiosk.phone()
    key = kiosk.charging(phone)
    kiosk.captured(key)
    company = {"name": "Muster GmbH", "address": "Weg 1\n04229 Lindenau", "vat_number": "DE 999 999 999"}
    with trouble(kiosk.store):
        assert refused(phone.post(f"/s/{key}/company", data=company))
        assert "Muster GmbH" not in phone.get(f"/s/{key}").text
    assert phone.post(f"/s/{key}/company", data=company).status_code == 303


@every_trouble
def test_the_six_digits_at_a_screen_are_no_wrong_ones_when_their_right_cannot_be_written(
    kiosk: Kiosk, trouble: Switch
) -> None:
    screen, phone = screen_of(kiosk), kiosk.phone()
    key = kiosk.charging(phone)
    digits = stop_code(key, kiosk.settings.secret_keys)
    with trouble(kiosk.store):
        for _ in range(20):
            assert refused(screen.post(f"/tablet/bay/{CODE}/2/owner", data={"code": digits}))
    answer = screen.post(f"/tablet/bay/{CODE}/2/owner", data={"code": digits})
    assert answer.headers["Location"] == f"/tablet/s/{key}"


@every_trouble
def test_no_write_at_all_is_answered_by_a_fault_of_ours(kiosk: Kiosk, trouble: Switch) -> None:
    """Every address that takes a form, found by itself, also of a screen, with a charge that it could be about."""
    screen, phone = screen_of(kiosk), kiosk.phone()
    key = kiosk.charging(phone)
    kiosk.card("Available", "Charging")
    kiosk.clock.advance(20)
    places = {"key": key, "code": CODE, "connector_id": "1", "token": "AAAAAAAAAAAAAAAA", "number": "1", "act": "read"}
    places["line_id"] = "here-1"
    paths = {
        re.sub(r"<(?:\w+:)?(\w+)>", lambda name: places[name[1]], rule.rule)
        for rule in kiosk.app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
    }
    assert len(paths) >= 25
    form = {"connector": "1", "limit": "", "email": "anna@mail.example", "code": "ABCDEFGH", "name": "Muster GmbH"}
    with trouble(kiosk.store):
        answers = {path: (screen if path.startswith("/tablet") else phone).post(path, data=form) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code == 500} == {}
