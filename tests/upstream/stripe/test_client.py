"""Stripe, faked under the library: proofs of holds, and webhooks whose every shape is either a hint or nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import responses
import stripe
from hypothesis import given
from hypothesis import strategies as st

from kiosk.clock import ManualClock
from kiosk.domain.commands import Refusal
from kiosk.domain.session import HoldProof
from kiosk.upstream.errors import NoAnswer, NotFromStripe, Refused
from kiosk.upstream.http import Outcome
from kiosk.upstream.stripe.client import StripeProofs, WebhookHint, verify_webhook
from tests.upstream.support import assert_tells_nothing

KEY = "sk_test_Kiosk4f9c2d1e8b7a"
INTENT = "pi_3Q1"
ACCOUNT = "acct_1Q2"
URL = f"https://api.stripe.com/v1/payment_intents/{INTENT}"
CLOCK = ManualClock()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def counted() -> list[tuple[str, Outcome, int | None]]:
    return []


@pytest.fixture
def proofs(counted: list[tuple[str, Outcome, int | None]]) -> Iterator[StripeProofs]:
    made = StripeProofs(
        KEY, clock=CLOCK, on_call=lambda endpoint, outcome, status, _: counted.append((endpoint, outcome, status))
    )
    yield made
    made.close()


def intent(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": INTENT,
        "object": "payment_intent",
        "status": "requires_capture",
        "amount_capturable": 5000,
        "amount_received": 0,
        "canceled_at": None,
        "latest_charge": {
            "id": "ch_1",
            "object": "charge",
            "payment_method_details": {
                "type": "card",
                "card": {"brand": "visa", "last4": "4242", "capture_before": 1796000000},
            },
        },
    }
    body.update(changes)
    return body


def with_card(card: object) -> dict[str, Any]:
    return intent(latest_charge={"object": "charge", "payment_method_details": {"card": card}})


def test_a_hold_is_read_from_the_connected_account(
    wire: responses.RequestsMock, proofs: StripeProofs, counted: list[tuple[str, Outcome, int | None]]
) -> None:
    wire.get(URL, json=intent())
    assert proofs.proof(INTENT, ACCOUNT) == HoldProof(
        checked_at=CLOCK.now(),
        intent_status="requires_capture",
        capturable_minor=5000,
        received_minor=0,
        card_brand="visa",
        card_last4="4242",
        capture_before=datetime.fromtimestamp(1796000000, UTC),
    )
    request = wire.calls[0].request
    assert request.url == f"{URL}?expand%5B0%5D=latest_charge"
    assert request.headers["Stripe-Account"] == ACCOUNT
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.req_kwargs["timeout"] == (2.0, 8.0)  # type: ignore[attr-defined]  # added by `responses`
    assert counted == [("stripe_proof", Outcome.OK, 200)]


def test_without_an_account_the_platform_itself_is_asked(wire: responses.RequestsMock, proofs: StripeProofs) -> None:
    wire.get(URL, json=intent())
    proofs.proof(INTENT, None)
    assert "Stripe-Account" not in wire.calls[0].request.headers


def test_a_released_hold_has_its_moment(wire: responses.RequestsMock, proofs: StripeProofs) -> None:
    wire.get(URL, json=intent(status="canceled", amount_capturable=0, canceled_at=1790000000))
    proof = proofs.proof(INTENT, ACCOUNT)
    assert proof.ended
    assert proof.canceled_at == datetime.fromtimestamp(1790000000, UTC)


@pytest.mark.parametrize(
    "body",
    [
        intent(latest_charge=None),
        intent(latest_charge="ch_1"),
        intent(latest_charge={"object": "charge"}),
        intent(latest_charge={"object": "charge", "payment_method_details": {"type": "paypal", "paypal": {}}}),
        with_card(None),
        with_card({"brand": None, "last4": "42", "capture_before": None}),
        with_card({"brand": 5, "last4": 4242, "capture_before": "soon"}),
    ],
)
def test_a_card_is_optional(wire: responses.RequestsMock, proofs: StripeProofs, body: dict[str, Any]) -> None:
    wire.get(URL, json=body)
    proof = proofs.proof(INTENT, ACCOUNT)
    assert (proof.card_brand, proof.card_last4, proof.capture_before) == (None, None, None)
    assert proof.capturable_minor == 5000


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        intent(id="pi_other"),
        intent(status=None),
        intent(amount_capturable=None),
        intent(amount_capturable=-1),
        intent(amount_received="some"),
    ],
)
def test_an_answer_that_proves_nothing_is_no_answer(
    wire: responses.RequestsMock, proofs: StripeProofs, body: object
) -> None:
    wire.get(URL, json=body)
    with pytest.raises(NoAnswer) as failed:
        proofs.proof(INTENT, ACCOUNT)
    assert_tells_nothing(failed.value, KEY)


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (400, {"type": "invalid_request_error", "message": "No."}, Refusal.INVALID),
        (401, {"type": "invalid_request_error", "message": f"Invalid API Key provided: {KEY}"}, Refusal.INVALID),
        (402, {"type": "card_error", "message": "No."}, Refusal.INVALID),
        (403, {"type": "invalid_request_error", "message": "No."}, Refusal.INVALID),
        (404, {"type": "invalid_request_error", "code": "resource_missing", "message": "No."}, Refusal.INVALID),
        (429, {"type": "invalid_request_error", "message": "No."}, Refusal.TOO_MANY),
    ],
)
def test_a_refusal_is_refused(
    wire: responses.RequestsMock,
    proofs: StripeProofs,
    counted: list[tuple[str, Outcome, int | None]],
    status: int,
    error: dict[str, str],
    reason: Refusal,
) -> None:
    wire.get(URL, json={"error": error}, status=status, headers={"Retry-After": "7"})
    with pytest.raises(Refused) as failed:
        proofs.proof(INTENT, ACCOUNT)
    assert (failed.value.reason, failed.value.status) == (reason, status)
    assert failed.value.retry_after == (timedelta(seconds=7) if status == 429 else None)
    assert_tells_nothing(failed.value, KEY)
    assert counted == [("stripe_proof", Outcome.REFUSED, status)]


def test_too_many_without_a_time_waits_a_minute(wire: responses.RequestsMock, proofs: StripeProofs) -> None:
    wire.get(URL, json={"error": {}}, status=429)
    with pytest.raises(Refused) as failed:
        proofs.proof(INTENT, ACCOUNT)
    assert failed.value.retry_after == timedelta(seconds=60)


def test_an_outage_is_asked_twice_and_then_no_answer(
    wire: responses.RequestsMock, proofs: StripeProofs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe.RequestsClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.RequestsClient, "MAX_DELAY", 0)
    wire.get(URL, json={"error": {"message": "down"}}, status=500)
    with pytest.raises(NoAnswer) as failed:
        proofs.proof(INTENT, ACCOUNT)
    assert failed.value.status == 500
    assert len(wire.calls) == 2
    assert_tells_nothing(failed.value, KEY)


@pytest.mark.parametrize("error", [requests.ConnectionError(KEY), requests.ReadTimeout(KEY), OSError(KEY)])
def test_a_lost_connection_is_no_answer(
    wire: responses.RequestsMock, proofs: StripeProofs, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(stripe.RequestsClient, "INITIAL_DELAY", 0)
    monkeypatch.setattr(stripe.RequestsClient, "MAX_DELAY", 0)
    wire.get(URL, body=error)
    with pytest.raises(NoAnswer) as failed:
        proofs.proof(INTENT, ACCOUNT)
    assert failed.value.status is None
    assert_tells_nothing(failed.value, KEY)


def test_a_page_instead_of_json_is_no_answer(wire: responses.RequestsMock, proofs: StripeProofs) -> None:
    wire.get(URL, body="<html></html>", status=200)
    with pytest.raises(NoAnswer) as failed:
        proofs.proof(INTENT, ACCOUNT)
    assert_tells_nothing(failed.value, KEY)


@pytest.mark.parametrize(
    ("intent_id", "account"),
    [("", None), ("pi_1/../../x", None), ("pi_1_secret", "acct/x"), ("seti_1", None), (INTENT, ""), ("pi_é", None)],
)
def test_what_is_no_id_is_never_asked_for(proofs: StripeProofs, intent_id: str, account: str | None) -> None:
    with responses.RequestsMock(), pytest.raises(Refused) as failed:
        proofs.proof(intent_id, account)
    assert failed.value.status == 0


def test_a_stand_in_and_a_given_session_are_used(wire: responses.RequestsMock) -> None:
    session = requests.Session()
    session.headers["X-Test"] = "1"
    wire.get(f"http://127.0.0.1:9/stripe/v1/payment_intents/{INTENT}", json=intent())
    made = StripeProofs(KEY, "http://127.0.0.1:9/stripe/", clock=CLOCK, http_session=session)
    assert made.proof(INTENT, ACCOUNT).intent_status == "requires_capture"
    assert wire.calls[0].request.headers["X-Test"] == "1"
    made.close()


def test_no_log_line_names_the_key_or_a_client_secret(
    wire: responses.RequestsMock, proofs: StripeProofs, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "stripe", "urllib3"):
        caplog.set_level(logging.DEBUG, name)
    wire.get(URL, json=intent(client_secret=f"{INTENT}_secret_x"))
    wire.get(URL, json={"error": {"message": f"Invalid API Key provided: {KEY}"}}, status=401)
    proofs.proof(INTENT, ACCOUNT)
    with pytest.raises(Refused):
        proofs.proof(INTENT, ACCOUNT)
    logging.getLogger("stripe").warning("heard")
    assert "heard" in caplog.text
    assert KEY not in caplog.text
    assert "_secret_" not in caplog.text


# Webhooks

SECRET = "whsec_test"
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def event(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.amount_capturable_updated",
        "account": ACCOUNT,
        "data": {"object": {"id": INTENT, "object": "payment_intent"}},
    }
    body.update(changes)
    return body


def signed(body: bytes, at: datetime = NOW, secret: str = SECRET) -> str:
    text = body.decode("utf-8", "surrogateescape")
    stamp = int(at.timestamp())
    return str(stripe.WebhookSignature.generate_signature_header(text, secret, stamp))


def receive(body: object) -> WebhookHint | None:
    raw = json.dumps(body).encode()
    return verify_webhook(raw, signed(raw), SECRET, NOW)


def test_a_signed_event_of_a_payment_is_a_hint() -> None:
    assert receive(event()) == WebhookHint("evt_1", "payment_intent.amount_capturable_updated", ACCOUNT, INTENT)


@pytest.mark.parametrize("payment", [INTENT, {"id": INTENT, "object": "payment_intent"}])
@pytest.mark.parametrize("kind", ["charge.captured", "charge.expired", "charge.dispute.created"])
def test_a_signed_event_of_a_charge_is_a_hint_about_its_payment(kind: str, payment: object) -> None:
    body = event(type=kind, data={"object": {"id": "ch_1", "payment_intent": payment}})
    assert receive(body) == WebhookHint("evt_1", kind, ACCOUNT, INTENT)


def test_an_event_of_the_platform_has_no_account() -> None:
    body = event()
    del body["account"]
    hint = receive(body)
    assert hint is not None
    assert hint.account is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        event(type=None),
        event(type="account.updated"),
        event(type="refund.created", data={"object": {"payment_intent": INTENT}}),
        event(type="payment_intentional.x"),
        event(type="payment_intent"),
        event(type="v1.payment_intent.succeeded", object="v2.core.event"),
        event(id=None),
        event(id="1"),
        event(id={"a": 1}),
        event(account=5),
        event(account="acct/.."),
        event(data=None),
        event(data=[]),
        event(data={}),
        event(data={"object": None}),
        event(data={"object": "pi_1"}),
        event(data={"object": {}}),
        event(data={"object": {"id": None}}),
        event(data={"object": {"id": "ch_1"}}),
        event(type="charge.captured"),
        event(type="charge.captured", data={"object": {"id": "ch_1", "payment_intent": None}}),
        event(type="charge.captured", data={"object": {"id": "ch_1", "payment_intent": {}}}),
    ],
)
def test_a_signed_event_about_no_payment_is_no_hint(body: object) -> None:
    assert receive(body) is None


@pytest.mark.parametrize("body", [[], [event()], None, 5, "x", True])
def test_a_signed_body_that_is_no_event_is_not_from_stripe(body: object) -> None:
    with pytest.raises(NotFromStripe):
        receive(body)


@pytest.mark.parametrize("raw", [b"", b"{", b"not json", b"[" * 100_000])
def test_a_signed_body_that_is_no_json_is_not_from_stripe(raw: bytes) -> None:
    with pytest.raises(NotFromStripe):
        verify_webhook(raw, signed(raw), SECRET, NOW)


RAW = json.dumps(event()).encode()
GOOD = signed(RAW)


@pytest.mark.parametrize(
    ("raw", "signature", "secret"),
    [
        (RAW, None, SECRET),
        (RAW, "", SECRET),
        (RAW, "nonsense", SECRET),
        (RAW, "t=,v1=", SECRET),
        (RAW, "t=abc,v1=abc", SECRET),
        (RAW, "t=" + "9" * 5000 + ",v1=abc", SECRET),
        (RAW, GOOD.split(",")[0], SECRET),
        (RAW, GOOD.split(",")[1], SECRET),
        (RAW, GOOD.replace("v1=", "v0="), SECRET),
        (RAW, GOOD + "0", SECRET),
        (RAW, GOOD[:-1] + "é", SECRET),
        (RAW, GOOD, ""),
        (RAW, GOOD, "whsec_other"),
        (RAW + b" ", GOOD, SECRET),
        (b"\xff\xfe", GOOD, SECRET),
    ],
)
def test_a_signature_that_does_not_hold_is_not_from_stripe(raw: bytes, signature: str | None, secret: str) -> None:
    with pytest.raises(NotFromStripe) as failed:
        verify_webhook(raw, signature, secret, NOW)
    assert_tells_nothing(failed.value, "whsec_")


@pytest.mark.parametrize(("off", "held"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_an_event_of_another_time_is_not_from_stripe(off: int, held: bool) -> None:
    signature = signed(RAW, NOW + timedelta(seconds=off))
    if held:
        assert verify_webhook(RAW, signature, SECRET, NOW) is not None
    else:
        with pytest.raises(NotFromStripe):
            verify_webhook(RAW, signature, SECRET, NOW)


def test_the_time_that_was_signed_counts_and_not_a_second_one() -> None:
    old = signed(RAW, NOW - timedelta(days=1))
    with pytest.raises(NotFromStripe):
        verify_webhook(RAW, f"{old},t={int(NOW.timestamp())}", SECRET, NOW)
    with pytest.raises(NotFromStripe):
        verify_webhook(RAW, f"t={int(NOW.timestamp())},{old}", SECRET, NOW)


def test_a_time_of_zero_is_not_from_stripe() -> None:
    with pytest.raises(NotFromStripe):
        verify_webhook(RAW, signed(RAW, datetime.fromtimestamp(0, UTC)), SECRET, NOW)


def test_while_secrets_are_rotated_either_signature_holds() -> None:
    both = signed(RAW, secret="whsec_new") + ",v1=" + GOOD.split("v1=")[1]
    assert verify_webhook(RAW, both, SECRET, NOW) is not None


@given(st.binary(max_size=80), st.none() | st.text(max_size=60))
def test_any_bytes_with_any_signature_raise_nothing_but_ours(raw: bytes, signature: str | None) -> None:
    with pytest.raises(NotFromStripe):
        verify_webhook(raw, signature, SECRET, NOW)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([INTENT, "evt_1", "charge.captured"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "type", "account", "data", "object", "payment_intent"]), inner)
        ),
    )
)
def test_any_signed_json_is_a_hint_or_nothing_or_not_from_stripe(body: object) -> None:
    try:
        hint = receive(body)
    except NotFromStripe:
        assert not isinstance(body, dict)
    else:
        assert hint is None or hint.intent_id.startswith("pi_")
