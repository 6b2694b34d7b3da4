"""The stand-in's browser script in a real Chromium: every way a payment can go, and what the script refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from kiosk.sandbox.stripe.faults import Loss
from tests.sandbox.stripe.stripe_host import (
    ACCOUNT,
    Shop,
    challenge,
    expect_result,
    fields,
    open_browser,
    open_page,
    open_shop,
    pay_with,
    thrown,
    wallet,
)

pytestmark = pytest.mark.browser
in_both_places = pytest.mark.parametrize("shop", ["edge", "mounted"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with open_shop(str(getattr(request, "param", "edge"))) as shop:
        yield shop


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    with open_page(browser, shop) as page:
        yield page


# Cards


@in_both_places
def test_a_card_is_approved_and_the_console_stays_empty(page: Page, shop: Shop) -> None:
    intent_id = shop.open(page)
    pay_with(page, "4242424242424242")
    expect_result(page, "requires_capture")
    assert shop.status(intent_id) == "requires_capture"
    assert shop.console == []


def test_a_declined_card_can_be_followed_by_another(page: Page, shop: Shop) -> None:
    intent_id = shop.open(page)
    pay_with(page, "4000000000009995")
    expect_result(page, "card_error/card_declined/insufficient_funds")
    pay_with(page, "5555555555554444")
    expect_result(page, "requires_capture")
    assert shop.status(intent_id) == "requires_capture"


def test_a_card_that_is_no_test_card_is_refused(page: Page, shop: Shop) -> None:
    intent_id = shop.open(page)
    pay_with(page, "4012888888881881")
    expect_result(page, "card_error/card_declined/test_mode_live_card")
    assert shop.book.get_intent(ACCOUNT, intent_id)["latest_charge"] is None


@pytest.mark.parametrize(
    ("number", "expiry", "cvc", "result"),
    [
        ("4242", "12 / 34", "123", "validation_error/incomplete_number"),
        ("4242424242424241", "12 / 34", "123", "validation_error/invalid_number"),
        ("4242424242424242", "1", "123", "validation_error/incomplete_expiry"),
        ("4242424242424242", "13 / 34", "123", "validation_error/invalid_expiry_month"),
        ("4242424242424242", "01 / 20", "123", "validation_error/invalid_expiry_year_past"),
        ("4242424242424242", "12 / 34", "1", "validation_error/incomplete_cvc"),
        ("378282246310005", "12 / 34", "123", "validation_error/incomplete_cvc"),
    ],
)
def test_incomplete_fields_are_named_before_anything_is_sent(
    page: Page, shop: Shop, number: str, expiry: str, cvc: str, result: str
) -> None:
    shop.open(page)
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    pay_with(page, number, expiry, cvc)
    expect_result(page, result)
    expect(fields(page).locator("[aria-invalid=true]")).to_be_focused()
    assert sent == []


# 3-D Secure


@in_both_places
def test_a_completed_challenge_pays(page: Page, shop: Shop) -> None:
    intent_id = shop.open(page)
    pay_with(page, "4000002500003155")
    expect(challenge(page).get_by_text("Sandbox: test cards only")).to_be_visible()
    challenge(page).get_by_role("button", name="Complete").click()
    expect_result(page, "requires_capture")
    assert shop.status(intent_id) == "requires_capture"
    assert page.locator("dialog").count() == 0
    assert shop.console == []


def test_a_failed_challenge_can_be_followed_by_another_card(page: Page, shop: Shop) -> None:
    shop.open(page)
    pay_with(page, "4000002760003184")
    challenge(page).get_by_role("button", name="Fail").click()
    expect_result(page, "invalid_request_error/payment_intent_authentication_failure")
    pay_with(page, "4242424242424242")
    expect_result(page, "requires_capture")


@in_both_places
def test_escape_leaves_the_challenge_and_counts_as_failed(page: Page, shop: Shop) -> None:
    shop.open(page)
    pay_with(page, "4000002500003155")
    expect(challenge(page).get_by_role("button", name="Complete")).to_be_enabled()
    challenge(page).get_by_role("button", name="Complete").press("Escape")
    expect_result(page, "invalid_request_error/payment_intent_authentication_failure")


@in_both_places
def test_escape_before_the_challenge_listens_counts_as_failed_as_soon_as_it_does(page: Page, shop: Shop) -> None:
    held: list[Route] = []
    page.route("**/challenge.js", lambda route: held.append(route))
    shop.open(page)
    with page.expect_request("**/challenge.js"):
        pay_with(page, "4000002500003155")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_visible()
    held.pop().fallback()
    expect_result(page, "invalid_request_error/payment_intent_authentication_failure")


def test_the_bank_may_still_refuse_after_the_challenge(page: Page, shop: Shop) -> None:
    shop.open(page)
    pay_with(page, "4000008260003178")
    challenge(page).get_by_role("button", name="Complete").click()
    expect_result(page, "card_error/card_declined/insufficient_funds")


# Redirects


@in_both_places
@pytest.mark.parametrize(
    ("button", "result"), [("Complete", "succeeded requires_capture"), ("Fail", "failed requires_payment_method")]
)
def test_the_redirect_method_comes_back_to_the_page(page: Page, shop: Shop, button: str, result: str) -> None:
    shop.open(page)
    fields(page).get_by_label("Revolut Pay (sandbox)").check()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_text("Sandbox: test cards only")).to_be_visible()
    expect(page.get_by_text("25.00 EUR")).to_be_visible()
    page.get_by_role("button", name=button).click()
    expect_result(page, result)
    assert shop.console == []


def test_redirect_always_leaves_for_the_return_url_after_a_card_too(page: Page, shop: Shop) -> None:
    shop.open(page, redirect="always")
    pay_with(page, "4242424242424242")
    expect_result(page, "succeeded requires_capture")


# Wallet


@in_both_places
def test_the_wallet_pays_inside_its_own_frame(page: Page, shop: Shop) -> None:
    intent_id = shop.open(page)
    wallet(page).get_by_role("button", name="Google Pay (sandbox)").click()
    wallet(page).get_by_role("button", name="Pay", exact=True).click()
    expect_result(page, "requires_capture")
    charge_id = shop.book.get_intent(ACCOUNT, intent_id)["latest_charge"]
    details = shop.book.get_charge(ACCOUNT, charge_id)["payment_method_details"]
    assert details["card"]["wallet"]["type"] == "google_pay"
    assert shop.console == []


def test_a_dismissed_wallet_sends_cancel_and_no_money(page: Page, shop: Shop) -> None:
    intent_id = shop.open(page)
    wallet(page).get_by_role("button", name="Google Pay (sandbox)").click()
    wallet(page).get_by_role("button", name="Cancel").click()
    expect(page.locator("#events")).to_contain_text('"name":"cancel","elementType":"expressCheckout"')
    expect(wallet(page).get_by_role("button", name="Google Pay (sandbox)")).to_be_focused()
    assert shop.status(intent_id) == "requires_payment_method"


def test_a_wallet_payment_that_failed_says_so_and_may_be_tried_again(page: Page, shop: Shop) -> None:
    shop.open(page)
    shop.faults.fail_confirms(1, 503)
    wallet(page).get_by_role("button", name="Google Pay (sandbox)").click()
    wallet(page).get_by_role("button", name="Pay", exact=True).click()
    expect_result(page, "api_error")
    expect(wallet(page).get_by_role("alert")).to_have_text("The payment did not go through.")
    wallet(page).get_by_role("button", name="Google Pay (sandbox)").click()
    wallet(page).get_by_role("button", name="Pay", exact=True).click()
    expect_result(page, "requires_capture")


def test_a_click_that_is_not_resolved_within_a_second_opens_nothing(page: Page, shop: Shop) -> None:
    shop.open(page, ignoreClick=True)
    with page.expect_console_message(lambda message: "within 1 second" in message.text):
        wallet(page).get_by_role("button", name="Google Pay (sandbox)").click()
    expect(wallet(page).get_by_role("button", name="Pay", exact=True)).to_be_hidden()


def test_without_a_wallet_ready_says_that_there_is_none(page: Page, shop: Shop) -> None:
    shop.open(page, express={"paymentMethods": {"googlePay": "never"}})
    ready = re.search(r'\{"name":"ready","elementType":"expressCheckout"[^\n]*', page.inner_text("#events"))
    assert ready is not None
    assert "availablePaymentMethods" not in ready.group()
    expect(wallet(page).get_by_role("button")).to_have_count(0)


# Faults


@in_both_places
def test_a_lost_answer_is_a_connection_error_and_the_intent_tells_the_truth(page: Page, shop: Shop) -> None:
    shop.open(page)
    shop.faults.drop_confirms(1, Loss.AFTER)
    pay_with(page, "4242424242424242")
    expect_result(page, "api_connection_error")
    status = page.evaluate("async () => (await stripe.retrievePaymentIntent(secret)).paymentIntent.status")
    assert status == "requires_capture"


def test_a_second_confirm_of_a_paid_intent_is_an_unexpected_state(page: Page, shop: Shop) -> None:
    shop.open(page)
    pay_with(page, "4242424242424242")
    expect_result(page, "requires_capture")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect_result(page, "invalid_request_error/payment_intent_unexpected_state")


def test_a_wrong_account_is_a_loaderror(page: Page, shop: Shop) -> None:
    intent = shop.book.create_intent(account=ACCOUNT, amount=100, currency="eur")
    shop.goto(page, secret=intent["client_secret"], account="acct_other")
    expect(page.locator("#events")).to_contain_text('"name":"loaderror","elementType":"payment"')
    expect(page.locator("#events")).to_contain_text("resource_missing")


# Contract


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("Stripe('pk_live_123')", "refuses live keys"),
        ("Stripe('sk_test_123')", "publishable key"),
        ("Stripe('pk_test_1', {betas: ['x']})", "betas"),
        ("stripe.confirmCardPayment(secret)", "no stripe.confirmCardPayment"),
        ("stripe.elements({mode: 'payment', amount: 1, currency: 'eur'})", "mode"),
        ("stripe.elements({clientSecret: 'nonsense'})", "clientSecret"),
        ("elements.create('card')", "no Element of type"),
        ("elements.create('payment')", "only create one"),
        ("elements.update({amount: 5})", "amount"),
        ("payment.on('nonsense', () => {})", "never sends"),
        ("payment.mount('#payment')", "already mounted"),
        ("express.mount('#nowhere')", "already mounted"),
        ("stripe.confirmPayment({elements})", "return_url"),
        ("stripe.confirmPayment({elements: {}, redirect: 'if_required'})", "Elements object"),
        ("stripe.confirmPayment({elements, redirect: 'never'})", "redirect"),
        ("stripe.retrievePaymentIntent('pi_1')", "clientSecret"),
    ],
)
def test_what_stripe_refuses_or_the_stand_in_does_not_do_throws(
    page: Page, shop: Shop, expression: str, reason: str
) -> None:
    shop.open(page)
    error = thrown(page, expression)
    assert error.startswith("IntegrationError: ")
    assert reason in error


def test_changes_have_stripes_shape(page: Page, shop: Shop) -> None:
    shop.open(page)
    fields(page).get_by_label("Card number").fill("4242424242424242")
    expect(page.locator("#events")).to_contain_text(
        '{"name":"change","elementType":"payment","collapsed":false,"complete":false,"empty":false,"value":{"type":"card"}}'
    )
    fields(page).get_by_label("Expiration date").fill("12 / 34")
    fields(page).get_by_label("Security code").fill("123")
    expect(page.locator("#events")).to_contain_text('"complete":true,"empty":false')
    fields(page).get_by_label("Security code").press("Escape")
    page.get_by_role("button", name="Pay", exact=True).focus()
    for name in ("loaderstart", "focus", "blur", "escape"):
        expect(page.locator("#events")).to_contain_text(f'{{"name":"{name}","elementType":"payment"}}')


def test_elements_can_be_found_cleared_focused_unmounted_and_destroyed(page: Page, shop: Shop) -> None:
    shop.open(page)
    assert page.evaluate("() => elements.getElement('payment') === payment && elements.getElement('card') === null")
    fields(page).get_by_label("Card number").fill("4242")
    page.evaluate("() => { payment.clear(); payment.focus(); }")
    expect(fields(page).get_by_label("Card number")).to_be_focused()
    expect(fields(page).get_by_label("Card number")).to_have_value("")
    page.evaluate("() => { payment.unmount(); payment.mount('#payment'); }")
    fields(page).get_by_label("Card number").fill("4242")
    page.evaluate("() => payment.destroy()")
    assert "destroyed" in thrown(page, "payment.mount('#payment')")
    assert page.evaluate("() => elements.getElement('payment')") is None


def test_the_frame_is_as_high_as_its_content(page: Page, shop: Shop) -> None:
    shop.open(page)
    frame = page.locator("iframe[title='Secure payment input frame']")
    before = float(frame.evaluate("(f) => f.getBoundingClientRect().height"))
    fields(page).get_by_label("Revolut Pay (sandbox)").check()
    expect(fields(page).get_by_label("Card number")).to_be_hidden()
    expect(frame).not_to_have_css("height", f"{before:g}px")


def test_card_numbers_never_reach_the_host_page(page: Page, shop: Shop) -> None:
    shop.open(page)
    page.evaluate(
        "() => { window.heard = []; addEventListener('message', (e) => heard.push(JSON.stringify(e.data))); }"
    )
    pay_with(page, "4242424242424242")
    expect_result(page, "requires_capture")
    heard = page.evaluate("() => heard")
    assert any("pm_" in message for message in heard)
    assert not any("4242" in message for message in heard)
