"""Signed delivery of the stand-in's events."""

from __future__ import annotations

import threading

import httpx
import pytest
import stripe

from kiosk.clock import ManualClock
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.faults import StripeFaults
from kiosk.sandbox.stripe.webhooks import WebhookTarget

ACCOUNT = "acct_site"
SECRET = "whsec_sandbox"


@pytest.fixture
def book() -> StripeBook:
    return StripeBook(ManualClock())


class Receiver:
    """A webhook endpoint that refuses the first `refusals` posts."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.posts: list[httpx.Request] = []
        self.lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.posts.append(request)
            return httpx.Response(500 if len(self.posts) <= self.refusals else 204)


def deliver(book: StripeBook, receiver: Receiver, faults: StripeFaults | None = None) -> list[stripe.Event]:
    """Create and cancel one intent, and return the events that arrived, each verified."""
    target = WebhookTarget("https://kiosk.example/hook", SECRET, httpx.MockTransport(receiver), (0.0, 0.0))
    sender = create_stripe_app(book, faults=faults, webhook=target).extensions["stripe_webhooks"]
    intent = book.create_intent(account=ACCOUNT, amount=100, currency="eur")
    book.cancel(ACCOUNT, intent["id"])
    sender.wait_until_idle()
    sender.close()
    client = stripe.StripeClient("sk_test_sandbox")
    return [client.construct_event(post.content, post.headers["Stripe-Signature"], SECRET) for post in receiver.posts]


def test_events_are_delivered_in_order_signed_and_with_their_account(book: StripeBook) -> None:
    events = deliver(book, Receiver())
    assert [event.type for event in events] == ["payment_intent.created", "payment_intent.canceled"]
    assert {event.account for event in events} == {ACCOUNT}


def test_an_event_is_sent_again_until_it_is_taken(book: StripeBook) -> None:
    events = deliver(book, Receiver(refusals=2))
    assert [event.type for event in events] == ["payment_intent.created"] * 3 + ["payment_intent.canceled"]
    assert len({event.id for event in events}) == 2


def test_a_lost_event_never_arrives_and_the_next_one_does(book: StripeBook) -> None:
    faults = StripeFaults()
    faults.lose_webhooks(1)
    assert [event.type for event in deliver(book, Receiver(), faults)] == ["payment_intent.canceled"]


def test_the_signing_secret_is_not_in_a_repr() -> None:
    assert SECRET not in repr(WebhookTarget("https://kiosk.example/hook", SECRET))
