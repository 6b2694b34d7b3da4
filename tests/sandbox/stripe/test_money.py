"""Capture, cancellation and refund through the stand-in's API."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import stripe

from kiosk.clock import ManualClock
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from tests.sandbox.stripe.stripe_till import (
    BASE,
    ON_SITE,
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


def test_a_capture_takes_its_part_once(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    confirm(web, intent)
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2501}, ON_SITE)
    assert too_much.value.code == "amount_too_large"
    taken = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 947}, ON_SITE)
    assert (taken.status, taken.amount_received) == ("succeeded", 947)
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1}, ON_SITE)
    assert again.value.code == "payment_intent_unexpected_state"
    charge = client.v1.charges.retrieve(charge_of(read(client, intent)).id, None, ON_SITE)
    assert (charge.amount_captured, charge.amount_refunded) == (947, 1553)


def test_a_capture_of_nothing_is_refused(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    confirm(web, intent)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 0}, ON_SITE)


def test_a_capture_without_an_amount_takes_all_of_it(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    confirm(web, intent)
    assert client.v1.payment_intents.capture(intent.id, None, ON_SITE).amount_received == 2500


def test_a_cancelled_hold_is_released_and_cannot_be_captured(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    confirm(web, intent)
    ended = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"}, ON_SITE)
    assert (ended.status, ended.cancellation_reason, ended.amount_capturable) == ("canceled", "abandoned", 0)
    assert charge_of(read(client, intent)).amount_refunded == 2500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(intent.id, None, ON_SITE)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_an_unpaid_intent_can_be_cancelled_and_then_not_paid(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    client.v1.payment_intents.cancel(intent.id, None, ON_SITE)
    assert confirm(web, intent).json()["error"]["code"] == "payment_intent_unexpected_state"


def test_an_automatic_intent_is_captured_at_once(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client, capture_method="automatic")
    assert confirm(web, intent).json()["status"] == "succeeded"


def test_a_refund_names_the_charge_and_is_kept(web: httpx.Client, client: stripe.StripeClient) -> None:
    intent = new_intent(client)
    confirm(web, intent)
    client.v1.payment_intents.capture(intent.id, None, ON_SITE)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500}, ON_SITE)
    assert client.v1.refunds.retrieve(refund.id, None, ON_SITE).charge == charge_of(read(client, intent)).id
    rest = client.v1.refunds.create({"charge": str(refund.charge)}, ON_SITE)
    assert rest.amount == 2000
