"""A public session in the stand-in world: paying, starting, its token, its price."""

from __future__ import annotations

import pytest

from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.world.chargers import Pricing
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.sessions import cost, kwh, tax_part
from kiosk.sandbox.world.switches import Switches
from tests.sandbox.sandbox_garage import AC, DECLINED, VISA, Garage

# --- paying


def test_a_session_is_created_with_a_hold_asked_for_and_nothing_else_set(garage: Garage) -> None:
    token = garage.begin()
    data = garage.data(token)
    assert data["status"] == "created"
    assert data["created_at"] == "2026-11-20T13:00:00.000000Z"
    unset = {name for name, value in data.items() if value is None}
    assert unset == {
        "failure_reason",
        "amount_authorized",
        "energy_kwh",
        "cost_amount",
        "amount_captured",
        "tax_amount",
        "driver_email",
        "authorized_at",
        "charging_started_at",
        "completed_at",
        "captured_at",
    }
    assert garage.book.get_intent(ACCOUNT, garage.session(token).intent_id)["amount"] == 5000


def test_confirm_before_payment_changes_nothing(garage: Garage) -> None:
    token = garage.begin()
    assert garage.world.confirm(token).session.status == "created"


def test_confirm_before_payment_can_be_a_refusal() -> None:
    garage = Garage(Switches(confirm_unpaid_is_refused=True))
    token = garage.begin()
    with pytest.raises(Refusal) as refusal:
        garage.world.confirm(token)
    assert refusal.value.status == 409


def test_confirm_after_payment_authorises_at_once(garage: Garage) -> None:
    token = garage.begin()
    garage.pay(token)
    assert garage.world.confirm(token).session.status == "authorized"
    assert garage.data(token)["amount_authorized"] == 5000


def test_a_payment_without_confirm_arrives_by_webhook_after_a_delay(garage: Garage) -> None:
    token = garage.begin()
    garage.pay(token)
    garage.clock.advance(1.9)
    assert garage.status(token) == "created"
    garage.clock.advance(0.1)
    assert garage.status(token) == "authorized"


def test_a_lost_webhook_leaves_the_session_to_confirm(garage: Garage) -> None:
    token = garage.begin()
    garage.world.lose_webhooks(5)
    garage.pay(token)
    garage.wait(60)
    assert garage.status(token) == "created"
    assert garage.world.confirm(token).session.status == "authorized"


def test_an_authorised_session_is_found_at_its_expiry_even_without_any_webhook() -> None:
    garage = Garage(Switches(webhook_delay=None))
    token = garage.begin()
    garage.pay(token)
    garage.wait(15 * 60)
    assert garage.status(token) == "authorized"


def test_a_declined_card_leaves_the_session_open_for_another(garage: Garage) -> None:
    token = garage.begin()
    with pytest.raises(StripeProblem):
        garage.pay(token, DECLINED)
    assert garage.world.confirm(token).session.status == "created"
    garage.pay(token, VISA)
    assert garage.world.confirm(token).session.status == "authorized"


def test_a_payment_that_stripe_cancelled_fails_the_session(garage: Garage) -> None:
    token = garage.begin()
    garage.book.cancel(ACCOUNT, garage.session(token).intent_id)
    garage.clock.advance(3)
    assert garage.status(token) == "failed"
    assert garage.data(token)["failure_reason"] == "payment_canceled"


def test_an_unpaid_session_expires_after_fifteen_minutes_and_its_payment_is_cancelled(garage: Garage) -> None:
    token = garage.begin()
    garage.wait(15 * 60 - 1)
    assert garage.status(token) == "created"
    garage.wait(1)
    assert garage.status(token) == "expired"
    assert garage.hold(token) == "canceled"


# --- starting


def test_the_driver_who_plays_along_plugs_in_and_charging_begins(garage: Garage) -> None:
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "starting", within=2)
    garage.until(token, "charging", within=15)
    assert garage.connector_status() == "Charging"
    assert garage.data(token)["charging_started_at"] is not None


def test_nobody_plugs_in_and_the_hold_is_released_after_the_time_allowed(garage: Garage) -> None:
    garage.world.auto_plug = False
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "starting")
    garage.wait(179)
    assert garage.status(token) == "starting"
    garage.wait(2)
    assert garage.status(token) == "abandoned"
    assert garage.data(token)["failure_reason"] == "not_plugged_in"
    assert garage.hold(token) == "canceled"


def test_a_car_plugged_in_late_but_in_time_is_charged(garage: Garage) -> None:
    garage.world.auto_plug = False
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "starting")
    garage.wait(170)
    garage.world.plug_in(AC, 1, "van")
    garage.until(token, "charging", within=5)


def test_a_rejected_start_fails_and_releases_the_hold(garage: Garage) -> None:
    garage.world.reject_next_start(AC)
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "failed", within=10)
    assert garage.data(token)["failure_reason"] == "start_rejected"
    assert garage.hold(token) == "canceled"


def test_failure_reasons_can_be_sentences() -> None:
    garage = Garage(Switches(failure_reason_style="sentence"))
    token = garage.begin()
    garage.world.cancel(token)
    assert garage.data(token)["failure_reason"] == "The driver cancelled the session."


def test_a_charger_that_is_lost_during_the_start_fails_it_by_timeout(garage: Garage) -> None:
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "starting")
    garage.world.set_online(AC, False)
    garage.wait(31)
    assert garage.status(token) == "failed"
    assert garage.data(token)["failure_reason"] == "start_timeout"
    assert garage.hold(token) == "canceled"


def test_a_start_that_the_charger_reports_too_late_is_stopped_and_costs_nothing(garage: Garage) -> None:
    garage.world.auto_plug = False
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "starting")
    garage.wait(6)
    garage.world.set_online(AC, False)
    garage.world.plug_in(AC, 1, "van")
    garage.wait(200)
    assert garage.status(token) == "abandoned"
    garage.world.set_online(AC, True)
    garage.wait(5)
    assert garage.status(token) == "abandoned"
    assert garage.hold(token) == "canceled"
    assert garage.connector_status() == "Finishing"


@pytest.mark.parametrize("moment", ["created", "authorized", "starting"])
def test_a_cancel_before_charging_releases_the_hold(garage: Garage, moment: str) -> None:
    token = garage.begin()
    if moment != "created":
        garage.pay(token)
        garage.world.confirm(token)
        garage.until(token, moment)
    assert garage.world.cancel(token).session.status == "abandoned"
    assert garage.hold(token) == "canceled"
    garage.wait(60)
    assert garage.status(token) == "abandoned"


def test_a_car_plugged_in_after_the_cancel_is_not_charged(garage: Garage) -> None:
    garage.world.auto_plug = False
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "starting")
    garage.wait(6)
    garage.world.cancel(token)
    garage.world.plug_in(AC, 1)
    garage.wait(60)
    assert garage.connector_status() == "Preparing"
    assert garage.world.transactions() == ()


def test_a_charge_cannot_be_cancelled(garage: Garage) -> None:
    token = garage.charging()
    with pytest.raises(Refusal) as refusal:
        garage.world.cancel(token)
    assert refusal.value.status == 409


# --- tokens, e-mail and prices


def test_an_ended_session_is_readable_for_a_day_and_then_unknown(garage: Garage) -> None:
    token = garage.begin()
    garage.world.cancel(token)
    garage.wait(24 * 3600 - 1, step=600)
    assert garage.status(token) == "abandoned"
    garage.wait(1)
    with pytest.raises(Refusal) as refusal:
        garage.world.session(token)
    assert refusal.value.status == 404


def test_a_receipt_email_reaches_the_payment(garage: Garage) -> None:
    token = garage.begin()
    garage.world.set_receipt_email(token, "driver@example.org")
    assert garage.data(token)["driver_email"] == "driver@example.org"
    intent = garage.book.get_intent(ACCOUNT, garage.session(token).intent_id)
    assert intent["receipt_email"] == "driver@example.org"


def test_a_price_change_does_not_reach_an_open_session(garage: Garage) -> None:
    token = garage.begin()
    garage.world.set_pricing(AC, Pricing("EUR", 99, 99))
    assert garage.data(token)["pricing"] == {"currency": "EUR", "price_per_kwh": 49, "start_fee": 35}


def test_a_price_change_can_reach_an_open_session() -> None:
    garage = Garage(Switches(price_frozen_at_start=False))
    token = garage.charging()
    garage.wait(600)
    garage.world.set_pricing(AC, Pricing("EUR", 0, 99))
    garage.world.stop(token)
    garage.until(token, "captured")
    assert garage.data(token)["amount_captured"] == 99


def test_no_secret_is_in_the_repr_of_a_session(garage: Garage) -> None:
    token = garage.begin()
    garage.world.set_receipt_email(token, "driver@example.org")
    session = garage.session(token)
    for secret in (token, session.client_secret, "driver@example.org"):
        assert secret not in repr(session)
        assert secret not in repr(garage.world.news())


@pytest.mark.parametrize(
    ("energy_wh", "hold", "expected"),
    [(0, 5000, 35), (1000, 5000, 84), (10, 5000, 35), (11, 5000, 36), (500_000, 5000, 5000), (1000, 20, 20)],
)
def test_the_cost_is_the_fee_and_the_energy_rounded_half_up_and_never_above_the_hold(
    energy_wh: int, hold: int, expected: int
) -> None:
    assert cost(Pricing("EUR", 49, 35), energy_wh, hold) == expected


@pytest.mark.parametrize(("amount", "tax"), [(0, 0), (119, 19), (1000, 160), (305, 49), (3, 0), (4, 1)])
def test_the_tax_inside_an_amount_is_rounded_half_up(amount: int, tax: int) -> None:
    assert tax_part(amount, 19) == tax


def test_energy_is_written_with_three_digits() -> None:
    assert [kwh(0), kwh(7), kwh(7412), kwh(120_050)] == ["0.000", "0.007", "7.412", "120.050"]
