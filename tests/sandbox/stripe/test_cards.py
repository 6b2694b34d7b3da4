"""Every documented card, the wallet and the method that redirects, through the stand-in's API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
import stripe

from kiosk.clock import ManualClock
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.cards import CARDS, Authentication
from tests.sandbox.stripe.stripe_till import (
    ACCOUNT,
    BASE,
    ON_SITE,
    answer_challenge,
    browser_fields,
    card_fields,
    charge_of,
    confirm,
    new_intent,
    read,
    stripe_client,
)


@pytest.fixture
def web() -> Iterator[httpx.Client]:
    """Plain HTTP, as the browser speaks it."""
    app = create_stripe_app(StripeBook(ManualClock()))
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url=BASE) as client:
        yield client


@pytest.fixture
def client(web: httpx.Client) -> stripe.StripeClient:
    return stripe_client(web)


APPROVED = [c.number for c in CARDS.values() if c.authentication is Authentication.NONE and not c.refusal]
REFUSED = [c.number for c in CARDS.values() if c.authentication is not Authentication.CHALLENGE and c.refusal]
CHALLENGED = [c.number for c in CARDS.values() if c.authentication is Authentication.CHALLENGE]


# Cards


def test_every_documented_card_is_covered_here() -> None:
    assert len(CARDS) == 20
    assert {*APPROVED, *REFUSED, *CHALLENGED} == set(CARDS)


@pytest.mark.parametrize("number", APPROVED)
def test_an_approved_card_is_held_and_read_by_the_secret_key(
    web: httpx.Client, client: stripe.StripeClient, number: str
) -> None:
    intent = new_intent(client)
    assert confirm(web, intent, number).json()["status"] == "requires_capture"
    held = read(client, intent)
    card = charge_of(held).payment_method_details.card  # type: ignore[union-attr]
    assert card is not None
    assert (held.amount_capturable, card.last4, card.brand) == (2500, number[-4:], CARDS[number].brand)


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000006975", "card_declined", "card_velocity_exceeded"),
        ("4000000000000069", "expired_card", None),
        ("4000000000000127", "incorrect_cvc", None),
        ("4000000000000119", "processing_error", None),
        ("4100000000000019", "card_declined", "fraudulent"),
        ("4000008400001280", "card_declined", "generic_decline"),
    ],
)
def test_a_refused_card_says_why_and_leaves_the_intent_open_for_another(
    web: httpx.Client, client: stripe.StripeClient, number: str, code: str, decline_code: str | None
) -> None:
    intent = new_intent(client)
    answer = confirm(web, intent, number)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (402, "card_error", code)
    assert error.get("decline_code") == decline_code
    after = read(client, intent)
    assert after.status == "requires_payment_method"
    assert after.last_payment_error is not None
    assert (after.last_payment_error.type, after.last_payment_error.code) == ("card_error", code)
    assert (charge_of(after).status, charge_of(after).paid) == ("failed", False)
    assert confirm(web, intent).json()["status"] == "requires_capture"


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184", "4000000000003220"])
def test_a_completed_challenge_holds_the_amount(web: httpx.Client, client: stripe.StripeClient, number: str) -> None:
    intent = new_intent(client)
    confirmed = confirm(web, intent, number)
    assert confirmed.json()["status"] == "requires_action"
    answer_challenge(web, confirmed, "complete")
    assert read(client, intent).status == "requires_capture"


@pytest.mark.parametrize("number", CHALLENGED)
def test_a_failed_challenge_leaves_the_intent_open(web: httpx.Client, client: stripe.StripeClient, number: str) -> None:
    intent = new_intent(client)
    answer_challenge(web, confirm(web, intent, number), "fail")
    after = read(client, intent)
    assert after.status == "requires_payment_method"
    assert after.last_payment_error is not None
    assert after.last_payment_error.code == "payment_intent_authentication_failure"
    assert after.last_payment_error.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("number", "decline_code"), [("4000008260003178", "insufficient_funds"), ("4000008400001629", "generic_decline")]
)
def test_a_completed_challenge_does_not_help_a_card_that_the_bank_refuses(
    web: httpx.Client, client: stripe.StripeClient, number: str, decline_code: str
) -> None:
    intent = new_intent(client)
    answer_challenge(web, confirm(web, intent, number), "complete")
    after = read(client, intent)
    assert after.last_payment_error is not None
    assert (after.status, after.last_payment_error.decline_code) == ("requires_payment_method", decline_code)


def test_the_card_that_always_asks_asks_again(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    answer_challenge(web, confirm(web, intent, "4000002500003155"), "fail")
    assert confirm(web, intent, "4000002500003155").json()["status"] == "requires_action"


def test_a_challenge_that_was_replaced_by_another_try_counts_no_more(
    web: httpx.Client, client: stripe.StripeClient
) -> None:
    intent = new_intent(client)
    first = confirm(web, intent, "4000002500003155")
    confirm(web, intent, "4000002500003155")
    answer_challenge(web, first, "complete")
    assert read(client, intent).status == "requires_action"


@pytest.mark.parametrize(
    ("number", "cvc", "month", "year", "code"),
    [
        ("4242424242424241", "123", "12", "34", "incorrect_number"),
        ("4012888888881881", "123", "12", "34", "card_declined"),
        ("4242424242424242", "12", "12", "34", "invalid_cvc"),
        ("4242424242424242", "123", "13", "34", "invalid_expiry_month"),
        ("4242424242424242", "123", "10", "26", "invalid_expiry_year"),
    ],
)
def test_any_other_card_is_refused_and_never_charged(
    web: httpx.Client, client: stripe.StripeClient, number: str, cvc: str, month: str, year: str, code: str
) -> None:
    intent = new_intent(client)
    fields = browser_fields(intent, **card_fields(number, cvc, month, year))
    answer = web.post(f"/v1/payment_intents/{intent.id}/confirm", data=fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, code)
    assert read(client, intent).latest_charge is None


def test_a_card_may_be_made_a_method_first_and_used_in_its_account_alone(
    web: httpx.Client, client: stripe.StripeClient
) -> None:
    intent = new_intent(client)
    card = {name.removeprefix("payment_method_data"): value for name, value in card_fields("4242424242424242").items()}
    fields = {"key": "pk_test_sandbox", "_stripe_account": ACCOUNT, "type": "card"}
    fields |= {f"card{name.removeprefix('[card]')}": value for name, value in card.items() if "[card]" in name}
    made = web.post("/v1/payment_methods", data=fields).json()
    assert "4242424242424242" not in json.dumps(made)
    elsewhere = client.v1.payment_intents.create({"amount": 100, "currency": "eur"}, {"stripe_account": "acct_other"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(
            elsewhere.id, {"payment_method": made["id"]}, {"stripe_account": "acct_other"}
        )
    assert refused.value.code == "resource_missing"
    confirmed = client.v1.payment_intents.confirm(intent.id, {"payment_method": made["id"]}, ON_SITE)
    assert confirmed.status == "requires_capture"


def test_a_wallet_token_pays_and_names_the_wallet(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    data = {"payment_method_data[type]": "card", "payment_method_data[card][token]": "tok_sandbox_google_pay"}
    web.post(f"/v1/payment_intents/{intent.id}/confirm", data=browser_fields(intent, **data))
    details = charge_of(read(client, intent)).payment_method_details
    assert details is not None
    assert details["card"]["wallet"]["type"] == "google_pay"


# The method that redirects


def redirected(web: httpx.Client, intent: stripe.PaymentIntent, return_url: str) -> httpx.Response:
    fields = browser_fields(intent, **{"payment_method_data[type]": "revolut_pay", "return_url": return_url})
    return web.post(f"/v1/payment_intents/{intent.id}/confirm", data=fields)


@pytest.mark.parametrize(
    ("outcome", "redirect_status", "status"),
    [("complete", "succeeded", "requires_capture"), ("fail", "failed", "requires_payment_method")],
)
def test_a_redirect_comes_back_with_its_outcome(
    web: httpx.Client, client: stripe.StripeClient, outcome: str, redirect_status: str, status: str
) -> None:
    intent = new_intent(client)
    confirmed = redirected(web, intent, "https://kiosk.example/s/abc?from=bank#now").json()
    page = confirmed["next_action"]["redirect_to_url"]["url"]
    assert "Sandbox: test cards only" in web.get(page).text
    back = httpx.URL(web.post(page, data={"outcome": outcome}).headers["Location"])
    assert (back.host, back.path, back.fragment) == ("kiosk.example", "/s/abc", "now")
    assert dict(back.params) == {
        "from": "bank",
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": redirect_status,
    }
    assert read(client, intent).status == status


def test_a_redirect_page_that_was_answered_sends_on_without_a_second_effect(
    web: httpx.Client, client: stripe.StripeClient
) -> None:
    intent = new_intent(client)
    page = redirected(web, intent, "https://kiosk.example/back").json()["next_action"]["redirect_to_url"]["url"]
    web.post(page, data={"outcome": "complete"})
    assert "redirect_status=succeeded" in web.get(page).headers["Location"]
    web.post(page, data={"outcome": "fail"})
    assert read(client, intent).status == "requires_capture"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/relative", "not a url"])
def test_only_a_web_address_is_a_return_url(web: httpx.Client, client: stripe.StripeClient, address: str) -> None:
    assert redirected(web, new_intent(client), address).json()["error"]["code"] == "url_invalid"


def test_a_redirect_without_a_return_url_is_refused(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    fields = browser_fields(intent, **{"payment_method_data[type]": "revolut_pay"})
    error = web.post(f"/v1/payment_intents/{intent.id}/confirm", data=fields).json()["error"]
    assert error["param"] == "return_url"


def test_a_method_that_the_intent_does_not_offer_is_refused(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client, currency="usd")
    assert intent.payment_method_types == ["card"]
    error = redirected(web, intent, "https://kiosk.example/").json()["error"]
    assert "not allowed for this PaymentIntent" in error["message"]
