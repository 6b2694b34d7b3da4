"""The real stripe-python client over WSGI, and a browser's form posts, on the Stripe stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import stripe

ACCOUNT = "acct_site"
ON_SITE: stripe.RequestOptions = {"stripe_account": ACCOUNT}
BASE = "http://stripe.sandbox"


class WsgiStripeClient(stripe.HTTPClient):
    """stripe-python's own seam: one method that sends. No socket is opened."""

    name = "wsgi"

    def __init__(self, web: httpx.Client) -> None:
        super().__init__()
        self.web = web

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        answer = self.web.request(method, url, headers=headers, content=post_data)
        return answer.text, answer.status_code, answer.headers


def stripe_client(web: httpx.Client, key: str = "sk_test_sandbox") -> stripe.StripeClient:
    return stripe.StripeClient(
        key, base_addresses={"api": BASE}, max_network_retries=0, http_client=WsgiStripeClient(web)
    )


def new_intent(client: stripe.StripeClient, **more: Any) -> stripe.PaymentIntent:
    params: Any = {
        "amount": 2500,
        "currency": "eur",
        "capture_method": "manual",
        "automatic_payment_methods": {"enabled": True},
        "metadata": {"evse": "NL*KSK*E1"},
    }
    params.update(more)
    return client.v1.payment_intents.create(params, ON_SITE)


def browser_fields(intent: stripe.PaymentIntent, **more: str) -> dict[str, str]:
    return {
        "key": "pk_test_sandbox",
        "_stripe_account": ACCOUNT,
        "client_secret": str(intent.client_secret),
        **more,
    }


def card_fields(number: str, cvc: str = "123", month: str = "12", year: str = "34") -> dict[str, str]:
    return {
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": number,
        "payment_method_data[card][exp_month]": month,
        "payment_method_data[card][exp_year]": year,
        "payment_method_data[card][cvc]": cvc,
    }


def confirm(
    web: httpx.Client, intent: stripe.PaymentIntent, number: str = "4242424242424242", **more: str
) -> httpx.Response:
    fields = browser_fields(intent, **card_fields(number), **more)
    return web.post(f"/v1/payment_intents/{intent.id}/confirm", data=fields)


def answer_challenge(web: httpx.Client, confirmed: httpx.Response, outcome: str) -> None:
    url = confirmed.json()["next_action"]["use_stripe_sdk"]["stripe_js"]
    assert web.post(url, data={"outcome": outcome}).status_code == 204


def read(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.PaymentIntent:
    return client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]}, ON_SITE)


def charge_of(intent: stripe.PaymentIntent) -> stripe.Charge:
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge
