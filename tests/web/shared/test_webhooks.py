"""Stripe's webhook is a hint: verified, counted once, and never more than a reason to look."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from flask import Flask
from werkzeug.test import TestResponse

from kiosk.clock import ManualClock
from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.session import Observation, PaymentContext, Phase, Session
from kiosk.service.parts import Parts
from kiosk.store import Store
from tests.web.built import made_app

SECRET = "whsec_" + "w" * 32
INTENT = "pi_3Nabc"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def app(tmp_path: Path, clock: ManualClock) -> Flask:
    return made_app(tmp_path, clock=clock, stripe_webhook_secret=SECRET)


def event(**more: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.amount_capturable_updated",
        "account": "acct_1",
        "data": {"object": {"id": INTENT, "object": "payment_intent"}},
    } | more


def post(app: Flask, clock: ManualClock, body: object, *, secret: str = SECRET, age: int = 0) -> TestResponse:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = int((clock.now() - timedelta(seconds=age)).timestamp())
    text = payload.decode("utf-8", "replace")
    signature = stripe.WebhookSignature.generate_signature_header(text, secret, timestamp=at)
    return app.test_client().post("/webhooks/stripe", data=payload, headers={"Stripe-Signature": signature})


def store_of(app: Flask) -> Store:
    parts: Parts = app.extensions["kiosk"]
    return parts.store


def open_session(app: Flask, clock: ManualClock) -> str:
    """A session whose payment is INTENT."""
    store, now = store_of(app), clock.now()
    session = Session(key="key-1", code="7MK4T", connector_id=1, phase=Phase.QUEUED, requested_at=now)
    command = store.create(session, device="phone", now=now)
    assert command.state is CommandState.WAITING
    assert store.claim(command.id, now)
    payment = PaymentContext(f"{INTENT}_secret_xyz", "pk_test_1", "acct_1")
    seen = Observation(asked_at=now, seen_at=now, status="created", payment=payment)
    store.start_done(command.id, "token-1", seen, now)
    return session.key


def test_without_a_secret_the_door_is_not_there(tmp_path: Path, clock: ManualClock) -> None:
    assert post(made_app(tmp_path, clock=clock), clock, event()).status_code == 404


def test_a_hint_makes_the_engine_look(app: Flask, clock: ManualClock) -> None:
    key = open_session(app, clock)
    assert post(app, clock, event()).status_code == 204
    assert store_of(app).hints() == {key: clock.now()}


def test_the_same_event_counts_once(app: Flask, clock: ManualClock) -> None:
    key = open_session(app, clock)
    post(app, clock, event())
    first = clock.now()
    clock.advance(10)
    assert post(app, clock, event()).status_code == 204
    assert store_of(app).hints() == {key: first}


def test_the_next_event_counts_again(app: Flask, clock: ManualClock) -> None:
    key = open_session(app, clock)
    post(app, clock, event())
    clock.advance(10)
    post(app, clock, event(id="evt_2", type="payment_intent.succeeded"))
    assert store_of(app).hints() == {key: clock.now()}


def test_a_hint_about_a_charge_finds_its_payment(app: Flask, clock: ManualClock) -> None:
    key = open_session(app, clock)
    charge = {"id": "ch_1", "object": "charge", "payment_intent": INTENT}
    post(app, clock, event(type="charge.captured", data={"object": charge}))
    assert set(store_of(app).hints()) == {key}


@pytest.mark.parametrize(
    "body",
    [
        event(data={"object": {"id": "pi_other"}}),
        event(type="customer.created"),
        event(data={"object": {}}),
        event(data=None),
        {},
    ],
)
def test_a_genuine_event_that_says_nothing_to_us_is_taken_quietly(app: Flask, clock: ManualClock, body: object) -> None:
    open_session(app, clock)
    assert post(app, clock, body).status_code == 204
    assert store_of(app).hints() == {}


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b"\xff\xfe", b'"text"', b"null", b"{" * 5000])
def test_what_is_no_event_is_refused(app: Flask, clock: ManualClock, body: bytes) -> None:
    assert post(app, clock, body).status_code == 400


def test_another_secret_is_refused(app: Flask, clock: ManualClock) -> None:
    open_session(app, clock)
    assert post(app, clock, event(), secret="whsec_another").status_code == 400
    assert store_of(app).hints() == {}


@pytest.mark.parametrize("age", [301, -301])
def test_an_old_signature_is_refused_and_one_of_the_future(app: Flask, clock: ManualClock, age: int) -> None:
    assert post(app, clock, event(), age=age).status_code == 400


class SetClock(ManualClock):
    """The kiosk goes on by its own time; the machine's clock was set, and Stripe's agrees with it."""

    def __init__(self, hours: int) -> None:
        super().__init__()
        self._hours = hours

    def wall(self) -> datetime:
        return self.now() + timedelta(hours=self._hours)


@pytest.mark.parametrize("hours", [2, -2])
def test_a_signature_is_compared_with_the_time_of_the_machine(tmp_path: Path, hours: int) -> None:
    clock = SetClock(hours)
    app = made_app(tmp_path, clock=clock, stripe_webhook_secret=SECRET)
    key = open_session(app, clock)
    assert post(app, clock, event(), age=-hours * 3600).status_code == 204
    assert store_of(app).hints() == {key: clock.now()}
    assert post(app, clock, event(id="evt_2")).status_code == 400


@pytest.mark.parametrize("signature", [None, "", "t=1", "t=x,v1=y", "v1=abc", "\u00e9"])
def test_a_broken_signature_is_refused(app: Flask, signature: str | None) -> None:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    answer = app.test_client().post("/webhooks/stripe", data=json.dumps(event()), headers=headers)
    assert answer.status_code == 400


def test_an_altered_body_is_refused(app: Flask, clock: ManualClock) -> None:
    text = json.dumps(event())
    signature = stripe.WebhookSignature.generate_signature_header(text, SECRET, timestamp=int(clock.now().timestamp()))
    answer = app.test_client().post(
        "/webhooks/stripe", data=text.replace(INTENT, "pi_other"), headers={"Stripe-Signature": signature}
    )
    assert answer.status_code == 400


def test_an_event_larger_than_a_form_is_read(app: Flask, clock: ManualClock) -> None:
    key = open_session(app, clock)
    assert post(app, clock, event(padding="x" * 100_000)).status_code == 204
    assert set(store_of(app).hints()) == {key}


def test_an_event_without_end_is_not(app: Flask, clock: ManualClock) -> None:
    assert post(app, clock, event(padding="x" * 300_000)).status_code == 413


def test_a_browser_cannot_read_the_door(app: Flask) -> None:
    assert app.test_client().get("/webhooks/stripe").status_code == 405


@pytest.mark.parametrize("kind", ["payment_intent.amount_capturable_updated", "payment_intent.succeeded"])
def test_that_money_is_held_makes_the_engine_ask_upstream_to_look_once(
    app: Flask, clock: ManualClock, kind: str
) -> None:
    key = open_session(app, clock)
    for _ in range(2):
        post(app, clock, event(type=kind))
    asked = [(one.kind, one.asked_by, one.state) for one in store_of(app).commands(key)[1:]]
    assert asked == [(Kind.CONFIRM, AskedBy.PROVIDER, CommandState.WAITING)]


@pytest.mark.parametrize("kind", ["payment_intent.payment_failed", "payment_intent.canceled"])
def test_other_events_are_hints_and_no_payment(app: Flask, clock: ManualClock, kind: str) -> None:
    key = open_session(app, clock)
    assert post(app, clock, event(type=kind)).status_code == 204
    assert store_of(app).hints() == {key: clock.now()}
    assert len(store_of(app).commands(key)) == 1


def test_what_upstream_knows_to_be_held_is_not_asked_for_again(app: Flask, clock: ManualClock) -> None:
    key = open_session(app, clock)
    clock.advance(1)
    store_of(app).observe(key, Observation(clock.now(), clock.now(), "authorized"), source="test")
    post(app, clock, event())
    assert len(store_of(app).commands(key)) == 1
