"""Paying in a real browser: declines, the bank's questions, methods that leave the page, wallets, a lost answer."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Route, expect

from kiosk.sandbox.stripe.faults import Loss
from tests.browser.conftest import NewPhone
from tests.browser.garage import Garage
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser
REFUSED = "status of 402"
"""Stripe answers a refused card with this, and browsers note it."""


BUTTON_TOP = "() => document.getElementById('paybtn').getBoundingClientRect().top"
BAND_SEEN = "() => document.querySelector('h1').getBoundingClientRect().top >= 0"
PAYMENT = re.compile(r"https://api\.stripe\.com/v1/payment_intents/[^/]*$")


def _of_another_kind(garage: Garage, phone: Phone, **changes: object) -> None:
    """Stripe says something else of the payment than the page does."""

    def change(route: Route) -> None:
        true = garage.edge.client.get(route.request.url).json()
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(status=200, headers=headers, body=json.dumps({**true, **changes}))

    phone.context.route(PAYMENT, change)


@pytest.mark.parametrize(
    ("changes", "amount"),
    [({"amount": 6000}, "€60.00"), ({"currency": "usd"}, "US$30.00"), ({"amount": 2999}, "€29.99")],
)
def test_a_payment_of_another_amount_than_the_page_says_is_read_before_any_field_is_shown(
    garage: Garage, phone: Phone, changes: dict[str, object], amount: str
) -> None:
    _of_another_kind(garage, phone, **changes)
    phone.start()
    phone.reads(f"Your bank will be asked to hold {amount}. This page says €30.00. Nothing is held yet.")
    expect(phone.page.locator("#card, #wallet").locator("visible=true")).to_have_count(0)
    expect(phone.pay_button).to_be_disabled()
    phone.press(f"I have read it, go on with {amount}")
    expect(phone.pay_button).to_be_enabled()
    phone.reads(f"Your bank will be asked to hold {amount}.")
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_a_payment_that_would_take_money_at_once_is_not_offered(garage: Garage, phone: Phone) -> None:
    _of_another_kind(garage, phone, capture_method="automatic")
    phone.start()
    phone.reads("This payment would take money at once instead of holding it.")
    expect(phone.page.locator("#card, #wallet").locator("visible=true")).to_have_count(0)
    expect(phone.pay_button).to_be_disabled()
    assert garage.confirms() == 0


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "Your card has insufficient funds."),
        ("4000000000000069", "Your card has expired."),
        ("4000000000000127", "Your card's security code is incorrect."),
    ],
)
def test_a_declined_card_is_told_in_the_band_and_another_one_pays(
    garage: Garage, phone: Phone, card: str, sentence: str
) -> None:
    phone.expects(REFUSED)
    phone.start()
    phone.pay_with(card)
    expect(phone.heading).to_have_text("Nothing is held")
    expect(phone.band).to_have_attribute("data-tone", "bad")
    expect(phone.band).to_contain_text(f"{sentence} Try again, or pay another way.")
    expect(phone.page).to_have_title(re.compile("Nothing is held"))
    expect(phone.page.locator("#or")).to_have_text("or by another card")
    expect(phone.page.locator("#pay .bar")).to_be_hidden()
    assert garage.intent_of() == "requires_payment_method"
    phone.pay_with()
    phone.wait_for_screen("charging")
    assert len(garage.upstream()) == 1
    assert garage.confirms() == 1


def test_while_another_attempt_is_under_way_the_band_says_nothing_of_the_one_before(
    garage: Garage, phone: Phone
) -> None:
    phone.expects(REFUSED)
    phone.start()
    phone.pay_with("4000000000000002")
    expect(phone.heading).to_have_text("Nothing is held")
    phone.pay_with("4000002500003155")
    expect(phone.challenge.get_by_role("button", name="Complete")).to_be_visible()
    expect(phone.heading).to_have_text("Pay and start")
    expect(phone.band).to_have_attribute("data-tone", "calm")
    expect(phone.page.locator("#pay-err")).to_be_hidden()
    expect(phone.page.locator("#paysay")).to_be_hidden()
    phone.challenge.get_by_role("button", name="Complete").click()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


@pytest.mark.parametrize(("width", "height"), [(390, 664), (375, 553), (320, 640)])
def test_a_decline_leaves_the_button_under_the_thumb_and_is_read_without_scrolling(
    phone: Phone, width: int, height: int
) -> None:
    phone.expects(REFUSED)
    phone.page.set_viewport_size({"width": width, "height": height})
    phone.start()
    phone.fill_card("4000000000009995")
    phone.pay_button.scroll_into_view_if_needed()
    before = phone.page.evaluate(BUTTON_TOP)
    phone.press_pay()
    expect(phone.heading).to_have_text("Nothing is held")
    expect(phone.pay_button).to_be_enabled()
    alert = phone.page.locator("#pay-err")
    said = "Nothing is held. Your card has insufficient funds. Try again, or pay another way."
    if phone.page.evaluate(BAND_SEEN):
        expect(alert).to_be_hidden()
        expect(phone.page.locator("#main > p[role=status]")).to_have_text(said)
        assert abs(phone.page.evaluate(BUTTON_TOP) - before) <= 1
    else:
        expect(alert).to_be_visible()
        expect(alert).to_have_text(said)
        expect(alert).to_be_in_viewport(ratio=1)
        expect(phone.pay_button).to_be_in_viewport(ratio=1)


def test_a_decline_is_still_told_first_when_the_page_is_loaded_again(phone: Phone) -> None:
    phone.expects(REFUSED)
    phone.start()
    phone.pay_with("4000000000000002")
    expect(phone.heading).to_have_text("Nothing is held")
    phone.page.reload()
    expect(phone.heading).to_have_text("Nothing is held")
    expect(phone.band).to_contain_text("Your bank said no.")
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_the_reason_of_a_decline_is_said_in_the_drivers_language(new_phone: NewPhone) -> None:
    phone = new_phone(locale="nl-NL")
    phone.expects(REFUSED)
    phone.start()
    phone.pay_with("4000000000009995")
    expect(phone.heading).to_have_text("Geen geld gereserveerd")
    expect(phone.band).to_contain_text("Er staat te weinig saldo op je kaart.")


def test_an_unfinished_card_number_is_named_before_anything_is_sent(garage: Garage, phone: Phone) -> None:
    phone.start()
    phone.pay_with("4242")
    expect(phone.page.locator("#pay-err")).to_contain_text("Your card number is incomplete.")
    expect(phone.pay_button).to_be_enabled()
    assert garage.intent_of() == "requires_payment_method"


def test_three_d_secure_completed_starts_the_charge(garage: Garage, phone: Phone) -> None:
    phone.start()
    phone.pay_with("4000002500003155")
    expect(phone.challenge.get_by_text("30.00 EUR")).to_be_visible()
    phone.challenge.get_by_role("button", name="Complete").click()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_three_d_secure_refused_holds_nothing_and_may_be_done_again(garage: Garage, phone: Phone) -> None:
    phone.start()
    phone.pay_with("4000002760003184")
    phone.challenge.get_by_role("button", name="Fail").click()
    expect(phone.heading).to_have_text("Nothing is held")
    expect(phone.band).to_contain_text("Your bank could not verify the payment. Try again, or pay another way.")
    assert garage.intent_of() == "requires_payment_method"
    phone.press_pay()
    phone.challenge.get_by_role("button", name="Complete").click()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_a_bank_that_refuses_after_its_own_question_is_followed_by_another_card(phone: Phone) -> None:
    phone.expects(REFUSED)
    phone.start()
    phone.pay_with("4000008260003178")
    phone.challenge.get_by_role("button", name="Complete").click()
    expect(phone.heading).to_have_text("Nothing is held")
    expect(phone.band).to_contain_text("insufficient funds")
    phone.pay_with()
    phone.wait_for_screen("charging")


def _leave_for_the_bank(phone: Phone) -> None:
    phone.look_at_the_fields()
    method = phone.fields.get_by_label("Revolut Pay (sandbox)")
    for _try in range(5):  # a frame that has just been laid out may lose a click; a hand clicks again
        method.click()
        if method.is_checked():
            break
    expect(method).to_be_checked()
    phone.press_pay()
    expect(phone.page.get_by_text("30.00 EUR")).to_be_visible()


def test_a_method_that_leaves_the_page_comes_back_to_the_running_start(phone: Phone) -> None:
    key = phone.start()
    _leave_for_the_bank(phone)
    phone.page.get_by_role("button", name="Complete").click()
    phone.wait_for_screen("authorized", "starting", "charging")
    assert phone.key == key
    assert "client_secret" not in phone.page.url
    phone.wait_for_screen("charging")


def test_a_method_that_was_given_up_at_the_bank_comes_back_to_the_payment(garage: Garage, phone: Phone) -> None:
    phone.start()
    _leave_for_the_bank(phone)
    phone.page.get_by_role("button", name="Fail").click()
    phone.wait_for_screen("created")
    expect(phone.heading).to_have_text("Nothing is held")
    expect(phone.band).to_have_attribute("data-tone", "bad")
    phone.pay_with()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_a_return_from_the_banks_own_browser_owns_the_session_by_proof_once(
    garage: Garage, phone: Phone, new_phone: NewPhone
) -> None:
    garage.world.auto_plug = False
    phone.start()
    _leave_for_the_bank(phone)
    at_the_bank = phone.page.url
    bank_app = new_phone()
    returned: list[str] = []
    bank_app.page.on("request", lambda asked: returned.append(asked.url) if "/back?" in asked.url else None)
    bank_app.page.goto(at_the_bank)
    bank_app.page.get_by_role("button", name="Complete").click()
    bank_app.wait_for_screen("starting")
    expect(bank_app.page.get_by_role("button", name="Cancel and give back the hold")).to_be_visible()
    thief = new_phone()
    thief.page.goto(returned[0])
    thief.wait_for_screen("starting")
    expect(thief.page.get_by_role("button", name="Cancel and give back the hold")).to_have_count(0)
    garage.skip(1)
    phone.scan()
    phone.wait_for_screen("starting")
    expect(phone.page.get_by_role("button", name="Cancel and give back the hold")).to_be_visible()


def test_a_made_up_secret_on_the_way_back_proves_nothing(phone: Phone, new_phone: NewPhone) -> None:
    key = phone.start()
    thief = new_phone()
    thief.open(f"/s/{key}/back?payment_intent_client_secret=pi_1_secret_2&redirect_status=succeeded")
    thief.wait_for_screen("created")
    expect(thief.page.locator("#payform")).to_have_count(0)


def test_whoever_has_begun_to_type_a_card_is_told_that_another_language_loses_it(phone: Phone) -> None:
    phone.start()
    expect(phone.pay_button).to_be_enabled()
    phone.page.locator("details.lang summary").click()
    said = phone.page.get_by_text("The page loads again then, and the card is typed again.")
    expect(said).to_be_hidden()
    phone.page.locator("details.lang summary").click()
    phone.fill_card("4242")
    phone.page.locator("details.lang summary").click()
    expect(said).to_be_visible()


def test_the_wallet_button_pays(garage: Garage, phone: Phone) -> None:
    phone.start()
    phone.open_wallet()
    phone.wallet.get_by_role("button", name="Pay", exact=True).click()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_a_wallet_that_is_closed_again_holds_nothing(garage: Garage, phone: Phone) -> None:
    phone.start()
    phone.open_wallet()
    phone.wallet.get_by_role("button", name="Cancel").click()
    phone.pay_with()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_when_stripes_answer_is_lost_after_the_hold_nobody_is_asked_to_pay_twice(garage: Garage, phone: Phone) -> None:
    phone.expects("ERR_", "Failed to load resource")
    phone.start()
    garage.stripe_faults.drop_confirms(1, Loss.AFTER)
    phone.pay_with()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_when_the_connection_breaks_before_the_hold_the_driver_is_told_and_pays_again(
    garage: Garage, phone: Phone
) -> None:
    phone.expects("ERR_", "Failed to load resource")
    phone.start()
    garage.stripe_faults.drop_confirms(1, Loss.BEFORE)
    phone.pay_with()
    expect(phone.heading).to_have_text("Nothing is held")
    expect(phone.band).to_contain_text("The connection was lost before the payment. Please try again.")
    assert garage.intent_of() == "requires_payment_method"
    phone.press_pay()
    phone.wait_for_screen("charging")


def test_a_double_click_on_pay_confirms_once(garage: Garage, phone: Phone) -> None:
    sent: list[str] = []
    phone.page.on("request", lambda asked: sent.append(asked.url))
    phone.start()
    phone.fill_card()
    phone.pay_button.scroll_into_view_if_needed()
    phone.page.wait_for_timeout(100)
    phone.pay_button.dblclick()
    phone.wait_for_screen("charging")
    assert len([url for url in sent if "api.stripe.com" in url and url.endswith("/confirm")]) == 1
    assert garage.confirms() == 1


def test_a_reload_after_paying_never_shows_the_card_fields_again(garage: Garage, phone: Phone) -> None:
    phone.expects("status of 409")
    key = phone.start()
    expect(phone.pay_button).to_be_enabled()
    garage.pay(key)
    phone.page.reload()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_when_stripes_script_is_blocked_the_driver_is_told_and_can_try_again_or_cancel(
    garage: Garage, phone: Phone
) -> None:
    phone.expects("js.stripe.com")
    garage.edge.shut.add("js.stripe.com")
    phone.start()
    expect(phone.page.locator("#pay-err")).to_contain_text("The payment form did not load. Check your connection.")
    expect(phone.page.get_by_role("link", name="Cancel", exact=True)).to_be_visible()
    garage.edge.shut.clear()
    phone.press("Load the payment form again")
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_when_stripes_api_cannot_be_reached_the_driver_is_told_and_can_try_again(garage: Garage, phone: Phone) -> None:
    phone.expects("api.stripe.com")
    garage.edge.shut.add("api.stripe.com")
    phone.start()
    expect(phone.page.locator("#pay-err")).to_be_visible()
    garage.edge.shut.clear()
    phone.press("Load the payment form again")
    expect(phone.pay_button).to_be_enabled()
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_when_stripes_script_hangs_the_page_stops_waiting_by_itself(phone: Phone) -> None:
    phone.context.route("https://js.stripe.com/**", lambda _: None)
    phone.page.clock.install()
    phone.start()
    expect(phone.page.locator("script[src*='js.stripe.com']")).to_be_attached()
    phone.page.clock.run_for(11_000)
    expect(phone.page.locator("#pay-err")).to_contain_text("The payment form did not load.")


def test_when_only_the_wallet_has_no_answer_the_card_still_pays(phone: Phone) -> None:
    phone.context.route("**/sandbox/element?type=expressCheckout**", lambda route: route.abort("connectionfailed"))
    phone.expects("expressCheckout", "chrome-error")
    phone.start()
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_card_numbers_never_reach_the_kiosk(phone: Phone) -> None:
    bodies: list[str] = []
    phone.page.on(
        "request", lambda asked: bodies.append(asked.post_data or "") if asked.url.startswith(phone.address) else None
    )
    phone.start()
    phone.pay_with()
    phone.wait_for_screen("charging")
    assert not any("4242" in body for body in bodies)
    assert not any("secret" in body for body in bodies)
