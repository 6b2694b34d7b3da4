"""The main journey in a real browser, from the code on the charger to the receipt, and every other way it may end."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from playwright.sync_api import APIResponse, Route, expect

from kiosk.domain.commands import CommandState, Kind
from tests.browser.conftest import in_real_time
from tests.browser.garage import CODE, SMALL, START_DEADLINE, Garage
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser


def test_a_driver_scans_pays_watches_stops_and_keeps_the_receipt(garage: Garage, phone: Phone) -> None:
    phone.scan()
    phone.reads("€0.49")
    phone.reads("€30.00")
    phone.choose(2)
    phone.go_on()
    phone.wait_for_screen("created")
    phone.reads("Hold, not a payment")
    phone.pay_with("4242424242424242")
    phone.wait_for_screen("authorized", "starting", "charging")
    phone.wait_for_screen("charging")
    phone.wait_for_energy()
    garage.skip(600)
    expect(phone.page.locator("[data-f='energy']")).to_have_text(re.compile(r"[1-9]\d*\.\d\d"))
    phone.stop()
    phone.wait_for_screen("captured")
    expect(phone.heading).to_contain_text("You paid €")
    phone.reads("Given back")
    assert garage.intent_of() == "succeeded"
    assert len(garage.upstream()) == 1


def test_live_cost_and_receipt_come_from_the_same_figures(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage)
    garage.skip(1200)
    expect(phone.page.locator("[data-f='cost']")).to_have_text(re.compile(r"€[1-9]"))
    phone.stop()
    phone.wait_for_screen("captured")
    taken = garage.session(key).captured_minor
    assert taken is not None
    paid = f"€{taken / 100:.2f}"
    expect(phone.heading).to_contain_text(paid)
    expect(phone.page).to_have_title(re.compile(re.escape(paid)))
    assert garage.book.get_intent("acct_sandbox", garage.upstream()[0].intent_id)["amount_received"] == taken


def test_the_receipt_is_there_when_the_code_is_scanned_again_after_the_phone_was_closed_right_after_paying(
    garage: Garage, phone: Phone
) -> None:
    key = phone.start()
    phone.context.route("**/s/*/confirm", lambda route: route.abort("connectionclosed"))
    phone.expects("/confirm", "ERR_CONNECTION_CLOSED")
    phone.pay_with()
    garage.until(lambda: garage.intent_of() == "requires_capture", "the hold")
    phone.page.close()
    garage.until(lambda: garage.session(key).status == "charging", "the charge, without any page")
    garage.skip(300)
    garage.world.unplug(CODE, 1)
    garage.until(lambda: garage.session(key).status == "captured", "the end")
    phone.page = phone.context.new_page()
    phone.scan()
    phone.page.get_by_role("link", name="See what happened to your hold").click()
    phone.wait_for_screen("captured")
    expect(phone.heading).to_contain_text("You paid €")


def test_scanning_again_during_the_charge_opens_the_session(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage)
    phone.page.close()
    phone.page = phone.context.new_page()
    phone.scan()
    phone.wait_for_screen("charging")
    assert phone.key == key


def test_a_start_can_be_cancelled_before_charging_and_the_hold_is_seen_to_go_back(garage: Garage, phone: Phone) -> None:
    garage.world.auto_plug = False
    key = phone.was_paid(garage)
    phone.open(f"/s/{key}")
    phone.wait_for_screen("starting")
    phone.page.get_by_role("button", name="Cancel and give back the hold").click()
    expect(phone.heading).to_contain_text("Cancel the start?")
    phone.reads("Goes back at once")
    phone.page.get_by_role("button", name="Cancel and give back €30.00").click()
    phone.wait_for_screen("abandoned")
    phone.reads("You cancelled the start.")
    phone.reads("Given back")
    assert garage.intent_of() == "canceled"


def test_cancelling_on_the_payment_page_leaves_nothing_held_and_the_bay_free(garage: Garage, phone: Phone) -> None:
    phone.start()
    expect(phone.pay_button).to_be_enabled()
    phone.press("Cancel")
    phone.reads("Nothing is held yet.")
    phone.press("Cancel the start")
    phone.wait_for_screen("abandoned")
    phone.reads("You paid nothing and nothing is held.")
    phone.press("Back to the charger")
    expect(phone.page.locator("input[name=connector][value='1']")).to_be_attached()
    assert garage.intent_of() == "requires_payment_method"
    garage.skip(200)
    garage.until(lambda: garage.intent_of() == "canceled", "the end of what was kept for this phone")


def test_whoever_changes_their_mind_after_cancelling_gets_the_same_start_back(garage: Garage, phone: Phone) -> None:
    phone.start()
    expect(phone.pay_button).to_be_enabled()
    key = phone.key
    phone.press("Cancel")
    phone.press("Cancel the start")
    phone.wait_for_screen("abandoned")
    phone.press("Back to the charger")
    phone.choose(1)
    phone.go_on()
    phone.wait_for_screen("created")
    assert phone.key == key
    phone.pay_with()
    phone.wait_for_screen("charging")
    assert len(garage.upstream()) == 1


def test_changing_ones_mind_about_cancelling_leads_back_to_the_payment(phone: Phone) -> None:
    phone.start()
    expect(phone.pay_button).to_be_enabled()
    phone.press("Cancel")
    phone.press("Back to payment")
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_when_the_start_deadline_passes_the_kiosk_cancels_and_the_page_shows_where_the_hold_went(
    garage: Garage, phone: Phone
) -> None:
    garage.world.auto_plug = False
    key = phone.was_paid(garage)
    phone.open(f"/s/{key}")
    phone.wait_for_screen("starting")
    phone.reads("No start by")
    garage.skip(START_DEADLINE + 5)
    phone.wait_for_screen("abandoned")
    phone.reads("The charger had not started in time, so we asked to cancel.")
    phone.reads("Given back")
    assert garage.intent_of() == "canceled"


def test_an_unpaid_start_runs_out_and_can_be_started_again(garage: Garage, phone: Phone) -> None:
    phone.start()
    expect(phone.pay_button).to_be_enabled()
    garage.skip(16 * 60)
    phone.wait_for_screen("expired")
    phone.reads("Nothing is held.")
    phone.press("Start again at bay 3")
    phone.choose(1)
    phone.go_on()
    phone.wait_for_screen("created")


@in_real_time
def test_charging_stops_by_itself_before_the_drivers_limit(garage: Garage, phone: Phone) -> None:
    phone.scan(SMALL)
    phone.page.get_by_text("Set a limit").click()
    phone.page.locator(".chips label", has_text="€1.00").click()
    phone.go_on()
    phone.wait_for_screen("created")
    phone.reads("Charging stops at€1.00")
    phone.pay_with()
    phone.wait_for_screen("charging")
    phone.reads("Stops at €1.00")
    _let_time_pass(garage, phone.key, step=20, most=900)
    phone.wait_for_screen("captured")
    phone.reads("We asked the charger to stop, to keep your limit.")
    taken = garage.session(phone.key).captured_minor
    assert taken is not None
    assert 0 < taken <= 100


def test_the_limit_can_be_changed_while_charging(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage)
    phone.reads("Never more than €30.00")
    phone.page.get_by_text("Set a limit", exact=True).click()
    phone.page.locator(".chips label", has_text="€15.00").click()
    phone.press("Use this limit")
    phone.reads("Stops at €15.00")
    assert garage.session(key).limit_minor == 1500


def test_charging_stops_by_itself_before_the_hold_is_used_up(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage, SMALL)
    _let_time_pass(garage, key, step=15, most=3600)
    phone.wait_for_screen("captured")
    phone.reads("We asked the charger to stop, so that your hold covers the cost.")
    taken = garage.session(key).captured_minor
    assert taken is not None
    assert 0 < taken <= 300


def test_unplugging_at_the_car_ends_the_charge_and_brings_the_receipt(garage: Garage, phone: Phone) -> None:
    phone.was_charging(garage)
    garage.skip(300)
    garage.world.unplug(CODE, 1)
    phone.wait_for_screen("captured")
    expect(phone.heading).to_contain_text("You paid €")


def test_stopping_at_the_charger_ends_the_charge_and_brings_the_receipt(garage: Garage, phone: Phone) -> None:
    phone.was_charging(garage)
    garage.skip(300)
    garage.world.stop_at_charger(CODE, 1)
    phone.wait_for_screen("captured")


def test_a_full_car_is_named_and_the_session_ends_by_itself(garage: Garage, phone: Phone) -> None:
    phone.was_charging(garage)
    garage.skip(300)
    garage.world.fill_car(CODE, 1)
    phone.reads("The car takes no power now")
    phone.wait_for_screen("charging")
    garage.skip(16 * 60)
    phone.wait_for_screen("captured")


def test_a_car_that_takes_no_power_costs_nothing(garage: Garage, phone: Phone) -> None:
    garage.world.chosen_car = "stuck"
    key = phone.was_paid(garage)
    phone.open(f"/s/{key}")
    phone.wait_for_screen("charging")
    garage.skip(185)
    phone.wait_for_screen("no_charge")
    phone.reads("You paid nothing")
    phone.reads("Given back")
    assert garage.intent_of() == "canceled"


def test_a_car_that_waits_for_its_timer_is_kept_until_its_driver_stops(garage: Garage, phone: Phone) -> None:
    garage.world.chosen_car = "timer"
    key = phone.was_paid(garage)
    phone.open(f"/s/{key}")
    phone.wait_for_screen("charging")
    garage.skip(185)
    phone.reads("It may be full or wait for a timer.")
    garage.skip(600)
    phone.wait_for_screen("charging")
    phone.stop()
    phone.wait_for_screen("no_charge")
    phone.reads("You paid nothing")
    phone.reads("Given back")
    assert garage.intent_of() == "canceled"


def test_the_receipt_goes_to_an_e_mail_address_too(garage: Garage, phone: Phone) -> None:
    phone.was_charging(garage)
    phone.page.get_by_label("E-mail for the receipt").fill("anna@mail.example")
    phone.press("Send it there too")
    phone.reads("The receipt also goes to your e-mail.")
    garage.until(lambda: garage.upstream()[0].driver_email == "anna@mail.example", "the address at the back office")


@pytest.mark.parametrize("address", ["anna@mail", "anna mail.example", "<script>alert(1)</script>@mail.example"])
def test_a_malformed_e_mail_is_refused_with_a_sentence_and_may_be_corrected(
    garage: Garage, phone: Phone, address: str
) -> None:
    phone.expects("status of 422")
    phone.was_charging(garage)
    phone.checks_no_form()
    form = phone.page.locator("form[action$='/receipt-email']")
    form.get_by_role("textbox").fill(address)
    phone.press("Send it there too")
    phone.reads("That does not look like an e-mail address")
    form.get_by_role("textbox").fill("anna@mail.example")
    phone.press("Send it there too")
    phone.reads("The receipt also goes to your e-mail.")


def _renew(phone: Phone) -> None:
    """The driver sets a limit in another tab: the whole page is fetched again and put in place of the shown one."""
    assert phone.send(f"/s/{phone.key}/limit", limit="1500").status == 303
    phone.reads("Stops at €15.00")


def test_a_refusal_is_still_read_when_the_page_was_renewed_before_it_came(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 422")
    phone.was_charging(garage)
    held: list[tuple[Route, APIResponse]] = []
    phone.page.route("**/receipt-email", lambda route: held.append((route, route.fetch())))
    phone.page.get_by_label("E-mail for the receipt").fill("anna@mail")
    phone.press("Send it there too")
    garage.until(lambda: bool(held), "the refusal")
    _renew(phone)
    ((route, answer),) = held
    route.fulfill(response=answer)
    phone.reads("That does not look like an e-mail address")


def test_a_refusal_stays_when_the_page_is_renewed(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 422")
    phone.was_charging(garage)
    phone.page.get_by_label("E-mail for the receipt").fill("anna@mail")
    phone.press("Send it there too")
    phone.reads("That does not look like an e-mail address")
    _renew(phone)
    phone.reads("That does not look like an e-mail address")


def test_a_failed_start_says_so_and_the_hold_goes_back(garage: Garage, phone: Phone) -> None:
    garage.world.reject_next_start(CODE)
    key = phone.was_paid(garage)
    phone.open(f"/s/{key}")
    phone.wait_for_screen("failed")
    phone.reads("The charger said no.")
    assert garage.intent_of() == "canceled"


def test_a_capture_that_fails_is_told_and_becomes_a_receipt_when_it_works(garage: Garage, phone: Phone) -> None:
    garage.world.fail_next_capture(CODE)
    phone.was_charging(garage)
    garage.skip(300)
    garage.world.unplug(CODE, 1)
    phone.wait_for_screen("capture_failed")
    phone.reads("Not paid yet")
    garage.world.settle_again(garage.upstream()[0].token)
    garage.skip(310)
    phone.wait_for_screen("captured")


def _let_time_pass(garage: Garage, key: str, step: float, most: float) -> None:
    """In steps, until the charge is over. The next step waits until the engine has seen and judged what the last one
    brought, and until a stop has been sent: on a busy machine several steps would pass unseen, in which current flows.
    """
    passed = 0.0
    while passed < most and garage.session(key).status == "charging":
        garage.skip(step)
        passed += step
        _wait_until_judged(garage, key, garage.clock.now())


def _wait_until_judged(garage: Garage, key: str, since: datetime) -> None:
    def over() -> bool:
        return garage.session(key).status != "charging"

    def read() -> bool:
        asked = garage.session(key).asked_at
        return asked is not None and asked >= since

    garage.until(lambda: over() or read(), "a new reading")
    seen = garage.clock.now()  # a look at the charges that begins from now on has this reading
    garage.wake()
    garage.until(lambda: over() or garage.guarded_after(seen), "a judgement")
    garage.until(lambda: over() or not _stops(garage, key), "the end of a charge that is to stop")


def _stops(garage: Garage, key: str) -> bool:
    commands = garage.store.commands(key)
    return any(one.kind is Kind.STOP and one.state is not CommandState.WITHDRAWN for one in commands)
