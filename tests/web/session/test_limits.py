"""Who is stopped by a limit: strangers by their network, an owner by nobody but themselves."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from kiosk.domain.commands import Kind
from tests.web.conftest import CODE, SECRET, Kiosk

WRITES = 60


def exhausted(browser: FlaskClient, path: str) -> None:
    """That browser, and everybody who is counted together with it, is stopped there."""
    answers = [browser.post(path).status_code for _ in range(2 * WRITES)]
    assert answers[-1] == 429


@pytest.mark.parametrize("path", ["/s/{key}/stop", "/s/nobody-knows-it/stop", "/s/{key}/cancel"])
def test_a_stranger_at_the_same_address_keeps_nobody_from_stopping(kiosk: Kiosk, phone: FlaskClient, path: str) -> None:
    key = kiosk.charging(phone)
    exhausted(kiosk.phone(), path.format(key=key))
    assert phone.post(f"/s/{key}/stop").status_code == 303
    assert [each.kind for each in kiosk.store.commands(key)] == [Kind.START, Kind.STOP]


@pytest.mark.parametrize("wish", ["cancel", "confirm"])
def test_nor_from_cancelling_and_confirming(kiosk: Kiosk, phone: FlaskClient, wish: str) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    exhausted(kiosk.phone(), f"/s/{key}/{wish}")
    assert phone.post(f"/s/{key}/{wish}").status_code == 303
    assert phone.get(f"/s/{key}/payment").status_code in (200, 409)


def test_who_comes_back_from_the_bank_in_another_browser_is_let_in(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    exhausted(kiosk.phone(), f"/s/{key}/confirm")
    back = kiosk.phone().get(f"/s/{key}/back?payment_intent_client_secret={SECRET}")
    assert back.status_code == 303
    wrong = kiosk.phone().get(f"/s/{key}/back?payment_intent_client_secret={SECRET}x")
    assert wrong.status_code == 429


def test_a_one_use_code_that_is_good_is_not_stopped_by_those_that_are_not(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    code = phone.get(f"/s/{key}/move").text.partition("/t/<wbr>")[2].partition("<")[0]
    exhausted(kiosk.phone(), "/t/no-such-code")
    assert kiosk.phone().post(f"/t/{code}").headers["Location"] == f"/s/{key}"


def test_an_address_that_leads_nowhere_costs_its_owner_no_try(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    exhausted(phone, "/s/an-old-one/stop")
    assert phone.post(f"/s/{key}/stop").status_code == 303


def test_an_owner_is_stopped_by_themselves_alone_and_told_for_how_long(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    answers = [phone.post(f"/s/{key}/limit", data={"limit": ""}) for _ in range(2 * WRITES)]
    assert [each.status_code for each in answers[:WRITES]] == [303] * WRITES
    refused = next(each for each in answers[WRITES:] if each.status_code == 429)
    seconds = int(refused.headers["Retry-After"])
    assert 1 <= seconds <= 61
    assert f"Try again in {seconds}\u00a0s" in refused.text or seconds >= 60
    other = phone.post(f"/s/{key}/limit", data={"limit": ""}, headers={"Accept": "application/json"})
    assert other.json is not None
    assert other.json["error"]["retry_after"] >= 1
    assert "Try again in" in other.json["error"]["text"]


def shut_out_of_starting(kiosk: Kiosk) -> None:
    """Somebody at everybody's address has tried to start too often."""
    stranger = kiosk.phone()
    stranger.post(f"/c/{CODE}/start")  # gets its cookie, which counts for nothing
    assert [stranger.post(f"/c/{CODE}/start").status_code for _ in range(11)][-1] == 429
    assert kiosk.phone().post(f"/c/{CODE}/start?cookie=1").status_code == 429


def test_who_has_paid_lately_may_start_whatever_others_at_their_address_do(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    shut_out_of_starting(kiosk)
    assert phone.post(f"/c/{CODE}/start").status_code == 422
    code = phone.get(f"/s/{key}/move").text.partition("/t/<wbr>")[2].partition("<")[0]
    friend = kiosk.phone()
    assert friend.post(f"/t/{code}").status_code == 303
    assert friend.post(f"/c/{CODE}/start").status_code == 429, "a payment of somebody else is no payment"


def test_polling_is_counted_by_browser(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone)
    stranger = kiosk.phone()
    assert {stranger.get("/s/nobody/events.json").status_code for _ in range(3)} == {404}
    for _ in range(601):
        answer = stranger.get(f"/s/{key}.json")
    assert answer.status_code == 429
    assert phone.get(f"/s/{key}.json").status_code == 200


# --- a limit that cannot be read


def limit_of(kiosk: Kiosk, key: str) -> int | None:
    session = kiosk.store.session(key)
    assert session is not None
    return session.limit_minor


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", None])
def test_a_limit_that_cannot_be_read_leaves_the_limit_as_it_was(
    kiosk: Kiosk, phone: FlaskClient, content_type: str | None
) -> None:
    key = kiosk.charging(phone, limit="1000")
    before = limit_of(kiosk, key)
    assert before == 1000
    answer = phone.post(f"/s/{key}/limit", data="limit=2000", content_type=content_type)
    assert answer.status_code == 422
    assert "Please choose one of the limits on this page." in answer.text
    assert limit_of(kiosk, key) == before


def test_no_limit_is_a_wish_when_it_is_said(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone, limit="1000")
    assert phone.post(f"/s/{key}/limit", data={"limit": ""}).status_code == 303
    assert limit_of(kiosk, key) is None


@pytest.mark.parametrize("data", ["email=a@b.example", ""])
def test_an_e_mail_that_cannot_be_read_is_refused(kiosk: Kiosk, phone: FlaskClient, data: str) -> None:
    key = kiosk.charging(phone)
    answer = phone.post(f"/s/{key}/receipt-email", data=data, content_type="text/plain")
    assert answer.status_code == 422


def test_a_bay_that_cannot_be_read_starts_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    kiosk.card()
    answer = phone.post("/c/7MK4T/start", data="connector=2", content_type="text/plain", follow_redirects=True)
    assert answer.status_code in (307, 422)
    assert kiosk.store.queue() == []
