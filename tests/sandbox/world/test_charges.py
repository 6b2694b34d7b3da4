"""A public session in the stand-in world: charging, every way it ends, and what only the operator can end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.sandbox.world.chargers import Pricing
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.refusal import Refusal
from kiosk.sandbox.world.sessions import cost
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.switches import Switches
from tests.sandbox.sandbox_garage import AC, DC, Garage

# --- charging and its end


def test_a_stop_goes_through_stopping_and_settling_to_captured(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(1800)
    assert garage.world.stop(token).session.status == "stopping"
    garage.clock.advance(3)
    assert garage.status(token) == "settling"
    assert garage.data(token)["completed_at"] is not None
    garage.clock.advance(8)
    data = garage.data(token)
    assert data["status"] == "captured"
    assert data["energy_kwh"] == "5.510"  # 11 kW for 1803.5 s
    assert data["cost_amount"] == data["amount_captured"] == 35 + 270
    assert data["tax_amount"] == 49
    assert garage.hold(token) == "succeeded"
    intent = garage.book.get_intent(ACCOUNT, garage.session(token).intent_id)
    assert intent["amount_received"] == 305


def test_pulling_the_cable_settles_without_stopping(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.unplug(AC, 1)
    assert garage.status(token) == "settling"
    assert garage.connector_status() == "Available"
    garage.until(token, "captured", within=10)


def test_a_stop_at_the_charger_settles_and_the_cable_is_still_in(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.stop_at_charger(AC, 1)
    assert garage.status(token) == "settling"
    assert garage.connector_status() == "Finishing"


def test_no_energy_means_no_charge_and_a_released_hold(garage: Garage) -> None:
    token = garage.charging(car="timer")
    garage.wait(300)
    garage.world.stop(token)
    garage.until(token, "no_charge")
    data = garage.data(token)
    assert (data["energy_kwh"], data["cost_amount"], data["amount_captured"]) == ("0.000", 0, 0)
    assert garage.hold(token) == "canceled"


def test_the_start_fee_can_be_due_without_energy() -> None:
    garage = Garage(Switches(start_fee_without_energy=True))
    token = garage.charging(car="timer")
    garage.world.stop(token)
    garage.until(token, "captured")
    assert garage.data(token)["amount_captured"] == 35


def test_a_waiting_car_is_a_running_session_with_a_suspended_connector(garage: Garage) -> None:
    token = garage.charging(car="timer")
    garage.wait(3600)
    assert garage.status(token) == "charging"
    assert garage.data(token)["connector_status"] == "SuspendedEV"


def test_a_full_car_suspends_and_settles_only_later(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.fill_car(AC, 1)
    assert garage.data(token)["connector_status"] == "SuspendedEV"
    garage.wait(15 * 60 - 1)
    assert garage.status(token) == "charging"
    garage.wait(1)
    assert garage.status(token) == "settling"


def test_the_running_cost_stops_at_the_hold_while_charging_goes_on(garage: Garage) -> None:
    token = garage.charging(DC, charge_permille=100)
    garage.wait(35 * 60)
    data = garage.data(token)
    assert data["status"] == "charging"
    assert data["cost_amount"] == 2000
    assert cost(Pricing("EUR", 49, 35), garage.session(token).energy_wh or 0, 9_999_999) > 2000
    garage.world.stop(token)
    garage.until(token, "captured")
    assert garage.data(token)["amount_captured"] == 2000


def test_charging_can_end_by_itself_at_the_hold() -> None:
    garage = Garage(Switches(stop_at_hold=True))
    token = garage.charging(DC, charge_permille=100)
    garage.wait(35 * 60)
    assert garage.status(token) == "captured"
    assert garage.data(token)["amount_captured"] == 2000


def test_the_meter_is_read_every_ten_seconds_and_stands_still_in_between(garage: Garage) -> None:
    token = garage.charging()
    garage.clock.advance(10)
    first = garage.data(token)["energy_kwh"]
    assert first == "0.030"
    garage.clock.advance(9)
    assert garage.data(token)["energy_kwh"] == first
    garage.clock.advance(1)
    assert garage.data(token)["energy_kwh"] == "0.061"


def test_an_offline_charger_freezes_the_figures_and_delivers_them_when_it_is_back(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    frozen = garage.data(token)["energy_kwh"]
    garage.world.set_online(AC, False)
    garage.wait(600)
    data = garage.data(token)
    assert (data["status"], data["energy_kwh"], data["charger"]["online"]) == ("charging", frozen, False)
    garage.world.unplug(AC, 1)
    garage.wait(60)
    assert garage.status(token) == "charging"
    garage.world.set_online(AC, True)
    assert garage.status(token) == "settling"
    garage.until(token, "captured")
    assert garage.data(token)["energy_kwh"] == "3.668"  # 11 kW for 1200.5 s, though half of it was not seen


def test_a_stop_at_an_offline_charger_is_refused(garage: Garage) -> None:
    token = garage.charging()
    garage.world.set_online(AC, False)
    with pytest.raises(Refusal) as refusal:
        garage.world.stop(token)
    assert refusal.value.status == 400


def test_a_charger_can_refuse_a_stop_once(garage: Garage) -> None:
    token = garage.charging()
    garage.world.refuse_next_stop(AC)
    with pytest.raises(Refusal) as refusal:
        garage.world.stop(token)
    assert refusal.value.status == 400
    assert garage.world.stop(token).session.status == "stopping"


def test_a_stop_that_the_charger_ignores_goes_back_to_charging(garage: Garage) -> None:
    token = garage.charging()
    garage.world.ignore_next_stop(AC)
    assert garage.world.stop(token).session.status == "stopping"
    garage.wait(29)
    assert garage.status(token) == "stopping"
    garage.wait(2)
    assert garage.status(token) == "charging"


def test_a_second_stop_changes_nothing(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(60)
    garage.world.stop(token)
    assert garage.world.stop(token).session.status == "stopping"
    garage.until(token, "captured", within=12)


@pytest.mark.parametrize("status", [400, 409])
def test_a_stop_without_a_charge_is_an_error(status: int) -> None:
    garage = Garage(Switches(stop_when_not_charging=400 if status == 400 else 409))
    token = garage.begin()
    with pytest.raises(Refusal) as refusal:
        garage.world.stop(token)
    assert refusal.value.status == status


def test_a_connector_that_breaks_ends_the_charge_and_bills_it(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.break_connector(AC, 1)
    assert garage.connector_status() == "Faulted"
    garage.until(token, "captured")


# --- what only the operator can end


def test_a_failed_capture_waits_for_the_operator_who_tries_again(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.fail_next_capture(AC)
    garage.world.stop(token)
    garage.until(token, "capture_failed")
    assert garage.hold(token) == "requires_capture"
    assert garage.data(token)["amount_captured"] is None
    assert garage.world.settle_again(token).status == "captured"
    assert garage.hold(token) == "succeeded"


def test_a_written_off_session_releases_the_hold(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.fail_next_capture(AC)
    garage.world.stop(token)
    garage.until(token, "capture_failed")
    assert garage.world.write_off(token).status == "written_off"
    assert garage.hold(token) == "canceled"


def test_a_meter_that_ran_backwards_is_shown_and_sent_to_review(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    before = garage.session(token).energy_wh or 0
    garage.world.turn_meter_back(AC, 1)
    assert (garage.session(token).energy_wh or 0) < before
    garage.world.stop(token)
    garage.until(token, "requires_review")
    assert garage.world.settle_again(token).status == "captured"


def test_a_meter_that_ran_backwards_can_be_billed_as_it_is() -> None:
    garage = Garage(Switches(rollback_needs_review=False))
    token = garage.charging()
    garage.wait(600)
    garage.world.turn_meter_back(AC, 1)
    garage.world.stop(token)
    garage.until(token, "captured")


def test_a_charger_that_stays_away_sends_its_session_to_review_until_it_is_back(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.set_online(AC, False)
    garage.wait(2 * 3600)
    assert garage.status(token) == "requires_review"
    garage.world.unplug(AC, 1)
    garage.world.set_online(AC, True)
    garage.until(token, "captured", within=10)


def test_a_hold_that_nobody_captured_lapses_after_seven_days(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.fail_next_capture(AC)
    garage.world.stop(token)
    garage.until(token, "capture_failed")
    garage.wait(7 * 24 * 3600, step=3600)
    assert garage.status(token) == "written_off"
    assert garage.hold(token) == "canceled"


def test_a_captured_session_can_be_refunded_and_is_still_read(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.stop(token)
    garage.until(token, "captured")
    assert garage.world.refund(token).status == "refunded"
    assert garage.data(token)["status"] == "refunded"


def test_only_a_captured_session_can_be_refunded(garage: Garage) -> None:
    token = garage.charging()
    with pytest.raises(NotPossible):
        garage.world.refund(token)


def test_the_charge_ends_after_a_day_at_the_latest(garage: Garage) -> None:
    token = garage.charging(car="timer")
    garage.wait(24 * 3600)
    session = garage.session(token)
    assert session.charging_started_at is not None
    assert session.completed_at == session.charging_started_at + timedelta(days=1)
