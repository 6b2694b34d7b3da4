"""What is said of the money when upstream leaves out a part of it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from tests.web.conftest import CODE, HOLD, SECRET, Kiosk
from tests.web.session.test_view import BASE, CHARGING, PAID, view

SHOWN_HOLD = "€30.00"


def text(answer: TestResponse) -> str:
    """What a person reads of an answer that was a page."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    plain = re.sub(r"<(script|style|svg|template)\b.*?</\1>|<[^>]+>", " ", answer.get_data(as_text=True), flags=re.S)
    return re.sub(r"\s+", " ", plain)


def created(kiosk: Kiosk, phone: FlaskClient) -> str:
    kiosk.card()
    key = kiosk.start(phone)
    kiosk.start_answer(key)
    return key


def paid(kiosk: Kiosk, phone: FlaskClient) -> str:
    """The bank sent the driver back; the back office has not yet seen the hold."""
    key = created(kiosk, phone)
    phone.get(f"/s/{key}/back?payment_intent_client_secret={SECRET}&redirect_status=succeeded")
    return key


# --- a hold of which neither amount nor time was said


@pytest.mark.parametrize(
    "status", [one.value for one in Status if one not in {Status.CREATED, Status.EXPIRED, Status.ABANDONED}]
)
def test_a_hold_without_amount_and_time_is_the_one_shown_before_the_start(
    kiosk: Kiosk, phone: FlaskClient, status: str
) -> None:
    key = created(kiosk, phone)
    kiosk.observe(key, "starting")
    kiosk.observe(key, status, energy_kwh=Decimal("1.5"), cost_minor=109)
    for reader in (phone, kiosk.phone()):
        answer = reader.get(f"/s/{key}")
        assert SHOWN_HOLD in answer.get_data(as_text=True)
        assert not re.search("(?i)no hold was|nothing is held|nothing was held", text(answer))
    assert phone.get(f"/s/{key}.json").get_json()["values"]["held"] == {"minor": HOLD, "currency": "EUR"}


def test_a_charge_that_was_never_seen_before_its_bill_was_held_too(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    kiosk.observe(key, "captured", energy_kwh=Decimal("18.62"), cost_minor=947, captured_minor=947)
    values = phone.get(f"/s/{key}.json").get_json()["values"]
    assert (values["hold"], values["taken"]["minor"], values["rest"]["minor"]) == ("goes_back", 947, HOLD - 947)
    assert "You paid €9.47" in text(phone.get(f"/s/{key}"))


def test_the_cancel_page_knows_a_hold_without_amount(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    kiosk.observe(key, "starting")
    assert f"Cancel and give back {SHOWN_HOLD}" in text(phone.get(f"/s/{key}/cancel"))


@pytest.mark.parametrize("status", [one.value for one in Status if one is not Status.CREATED])
def test_a_hold_of_which_nothing_at_all_is_known_gets_words_without_an_amount(
    kiosk: Kiosk, phone: FlaskClient, status: str
) -> None:
    key = created(kiosk, phone)
    kiosk.store.set_limit(key, 1500)
    with kiosk.store._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET hold_minor = NULL")
    kiosk.observe(key, "starting")
    kiosk.observe(key, status, energy_kwh=Decimal("1.5"), cost_minor=109)
    page = text(phone.get(f"/s/{key}"))
    assert not re.search("(?i)no hold was|nothing is held|nothing was held", page)
    assert not re.search(r"(All|of|Held|placed:|back:) \N{EN DASH}", page)
    assert phone.get(f"/s/{key}/cancel").status_code in {200, 303}


# --- nobody knows whether the hold was placed


@pytest.mark.parametrize("told", [False, True])
def test_a_session_that_is_forgotten_while_it_is_paid_claims_nothing(
    kiosk: Kiosk, phone: FlaskClient, told: bool
) -> None:
    key = created(kiosk, phone)
    assert phone.get(f"/s/{key}/payment").status_code == 200
    if told:
        phone.post(f"/s/{key}/confirm")
    for _twice in range(2):
        kiosk.clock.advance(30)
        kiosk.store.mark_gone(key, kiosk.now, kiosk.now)
    page = text(phone.get(f"/s/{key}"))
    assert "We do not know whether a hold was placed" in page
    assert "ends by itself" in page
    assert "0800 555 0142" in page
    assert not re.search("No hold was|nothing is held|You paid nothing", page)


def test_an_unknown_word_after_the_payment_was_shown_claims_nothing(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    kiosk.observe(key, "payment_processing")
    page = text(phone.get(f"/s/{key}"))
    assert "We do not know yet whether a hold was placed" in page
    assert "ends by itself" in page
    assert "0800 555 0142" in page
    assert not re.search("No hold was|nothing is held|You paid nothing|Hold none", page)


def test_an_unknown_word_while_a_hold_is_known_keeps_showing_it(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.held(phone)
    kiosk.observe(key, "recalibrating")
    page = text(phone.get(f"/s/{key}"))
    assert SHOWN_HOLD in page
    assert "ends by itself" not in page


def test_who_says_that_he_paid_is_not_told_that_nothing_is_held(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = created(kiosk, phone)
    for reader in (phone, kiosk.phone()):
        assert "Nothing is held yet" in text(reader.get(f"/s/{key}"))
    phone.post(f"/s/{key}/confirm")
    for reader in (phone, kiosk.phone()):
        page = text(reader.get(f"/s/{key}"))
        assert "We are checking whether the hold was placed." in page
        assert not re.search("(?i)nothing is held", page)
    asked = text(phone.get(f"/s/{key}/cancel"))
    assert "We are checking whether the hold was placed." in asked
    assert not re.search("(?i)nothing is held|pay nothing", asked)
    assert phone.get(f"/s/{key}.json").get_json()["values"]["hold"] == "unknown"


def test_who_comes_back_from_the_bank_may_still_pay_when_it_did_not_work(kiosk: Kiosk, phone: FlaskClient) -> None:
    page = phone.get(f"/s/{paid(kiosk, phone)}").get_data(as_text=True)
    assert 'id="payform"' in page
    assert "We are checking whether the hold was placed." in page


def test_a_checked_hold_that_is_there_is_shown_as_any_other(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = paid(kiosk, phone)
    kiosk.observe(key, "authorized", authorized_minor=HOLD, authorized_at=kiosk.now)
    page = text(phone.get(f"/s/{key}"))
    assert "We are checking" not in page
    assert f"Hold placed: {SHOWN_HOLD}" in page


# --- one cost on one page


@pytest.mark.parametrize("cost", [None, 700, 716, 750])
def test_used_rest_and_bar_of_a_bill_in_the_making_add_up(kiosk: Kiosk, phone: FlaskClient, cost: int | None) -> None:
    key = kiosk.charging(phone, cost=716)
    kiosk.observe(key, "settling", authorized_minor=HOLD, energy_kwh=Decimal("14.6"), cost_minor=cost)
    state = phone.get(f"/s/{key}.json").get_json()
    values, figures = state["values"], state["figures"]
    assert values["cost"] == values["taken"]
    assert values["taken"]["minor"] + values["rest"]["minor"] == HOLD
    assert (figures["used"], figures["back"]) == ("€7.16 used", "about €22.84 goes back")
    assert state["bar"]["used"] == "23.9"


def test_a_forgotten_bill_shows_one_cost(kiosk: Kiosk, phone: FlaskClient) -> None:
    key = kiosk.charging(phone, cost=716)
    kiosk.observe(key, "settling", authorized_minor=HOLD, energy_kwh=Decimal("14.6"), cost_minor=750)
    for _twice in range(2):
        kiosk.clock.advance(30)
        kiosk.store.mark_gone(key, kiosk.now, kiosk.now)
    page = text(phone.get(f"/s/{key}"))
    assert "€7.50" in page
    assert "€7.16" not in page


# --- another hold than the one that was agreed to


@pytest.mark.parametrize("status", ["created", "authorized", "starting", "charging"])
def test_another_hold_than_the_one_shown_before_is_said(kiosk: Kiosk, phone: FlaskClient, status: str) -> None:
    key = created(kiosk, phone)
    kiosk.observe(key, status, authorized_minor=5000)
    page = text(phone.get(f"/s/{key}"))
    assert "The hold has changed" in page
    assert "It is €50.00. Before the start we showed €30.00." in page


@pytest.mark.parametrize("session", [BASE, PAID, CHARGING])
def test_the_hold_that_was_shown_is_not_talked_about(session: Session) -> None:
    assert "hold_changed" not in view(session).notices


# --- figures that fall, words that nobody knows, a session that upstream forgot


def test_energy_that_goes_down_is_shown_as_it_is_and_the_charge_can_be_stopped(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.charging(phone)
    kiosk.observe(
        key, "charging", authorized_minor=HOLD, energy_kwh=Decimal("6.90"), cost_minor=373, connector_status="Charging"
    )
    page = phone.get(f"/s/{key}").text
    assert "6.90" in page
    assert "13.90" not in page
    assert "€3.73" in page
    assert "€26.27" in page
    assert "Stop charging" in page


def test_a_status_that_nobody_knows_says_so_and_offers_neither_a_second_payment_nor_a_stop(
    kiosk: Kiosk, phone: FlaskClient
) -> None:
    key = kiosk.held(phone)
    kiosk.observe(key, "recalibrating", authorized_minor=HOLD)
    page = phone.get(f"/s/{key}").text
    assert "Being processed" in page
    assert "never pay more than" in page
    assert "/stop" not in page
    assert phone.get(f"/s/{key}/payment").status_code == 409
    answer = kiosk.phone().post(f"/c/{CODE}/start", data={"connector": "2"})
    assert answer.status_code == 409
    assert kiosk.store.queue() == []


@pytest.mark.parametrize("paid", [False, True])
def test_a_session_that_upstream_forgot_says_what_was_known_and_is_never_paid_again(
    kiosk: Kiosk, phone: FlaskClient, paid: bool
) -> None:
    if paid:
        key = kiosk.charging(phone)
    else:
        kiosk.card()
        key = kiosk.start(phone)
        kiosk.start_answer(key)
    kiosk.clock.advance(1)
    kiosk.store.mark_gone(key, kiosk.now, kiosk.now)
    assert kiosk.store.mark_gone(key, kiosk.now, kiosk.now).phase is Phase.GONE
    page = phone.get(f"/s/{key}")
    assert page.status_code == 200
    assert ("13.9" in page.text) == paid
    assert ("€30.00" in page.text) == paid
    assert "0800 555 0142" in page.text
    assert phone.get(f"/s/{key}/payment").status_code == 409
    for action in ("stop", "cancel", "confirm"):
        before = len(kiosk.store.commands(key))
        phone.post(f"/s/{key}/{action}")
        if action != "confirm":
            assert len(kiosk.store.commands(key)) == before
    assert phone.get(f"/s/{key}.json").json is not None
