"""Refunds at Stripe, faked under the library: what is asked, under which key, and what each answer means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses

from kiosk.clock import ManualClock
from kiosk.domain.commands import Refusal
from kiosk.domain.money import Money
from kiosk.domain.refunding import Sent
from kiosk.upstream.errors import NoAnswer, Refused
from kiosk.upstream.http import Outcome
from kiosk.upstream.stripe.refunds import StripeRefunds
from tests.upstream.support import assert_tells_nothing

KEY = "rk_test_Kiosk4f9c2d1e8b7a"
INTENT, ACCOUNT = "pi_3Q1", "acct_1Q2"
URL = "https://api.stripe.com/v1/refunds"
AMOUNT = Money(300, "EUR")


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def counted() -> list[tuple[str, Outcome, int | None]]:
    return []


@pytest.fixture
def refunds(counted: list[tuple[str, Outcome, int | None]]) -> Iterator[StripeRefunds]:
    made = StripeRefunds(
        KEY,
        clock=ManualClock(),
        on_call=lambda endpoint, outcome, status, _: counted.append((endpoint, outcome, status)),
    )
    yield made
    made.close()


def refund(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"id": "re_1", "object": "refund", "amount": 300, "status": "succeeded", "metadata": {}}
    return {**body, **changes}


def test_it_is_sent_with_its_key_to_the_connected_account(
    wire: responses.RequestsMock, refunds: StripeRefunds, counted: list[tuple[str, Outcome, int | None]]
) -> None:
    wire.post(URL, json=refund(metadata={"kiosk_refund": "key-1"}))
    assert refunds.send(INTENT, ACCOUNT, AMOUNT, "key-1") == Sent("re_1", 300, "succeeded", "key-1")
    (call,) = wire.calls
    assert call.request.headers["Idempotency-Key"] == "key-1"
    assert call.request.headers["Stripe-Account"] == ACCOUNT
    fields = parse_qs(str(call.request.body))
    assert fields == {"payment_intent": [INTENT], "amount": ["300"], "metadata[kiosk_refund]": ["key-1"]}
    assert counted == [("stripe_refund", Outcome.OK, 200)]


def test_all_refunds_of_a_payment_are_read(wire: responses.RequestsMock, refunds: StripeRefunds) -> None:
    rows = [refund(), refund(id="re_2", status="failed", metadata={"kiosk_refund": "key-2"})]
    wire.get(URL, json={"object": "list", "data": rows, "has_more": False})
    assert refunds.of(INTENT, None) == [
        Sent("re_1", 300, "succeeded", None),
        Sent("re_2", 300, "failed", "key-2"),
    ]
    assert "Stripe-Account" not in wire.calls[0].request.headers


@pytest.mark.parametrize(
    "answer",
    [
        {"object": "list", "data": [refund()], "has_more": True},
        {"object": "list", "data": [{"object": "refund"}], "has_more": False},
        {"object": "list", "data": None},
        {},
    ],
)
def test_a_list_that_is_not_whole_is_no_answer(
    wire: responses.RequestsMock, refunds: StripeRefunds, answer: dict[str, Any]
) -> None:
    wire.get(URL, json=answer)
    with pytest.raises(NoAnswer):
        refunds.of(INTENT, ACCOUNT)


@pytest.mark.parametrize("status", [500, 503, 409])
def test_what_may_have_had_an_effect_is_no_answer_and_is_not_repeated(
    wire: responses.RequestsMock, refunds: StripeRefunds, status: int
) -> None:
    wire.post(URL, json={"error": {"type": "api_error", "message": "oops"}}, status=status)
    with pytest.raises(NoAnswer):
        refunds.send(INTENT, ACCOUNT, AMOUNT, "key-1")
    assert len(wire.calls) == 1


def test_a_line_that_breaks_is_no_answer_and_is_not_repeated(
    wire: responses.RequestsMock, refunds: StripeRefunds
) -> None:
    wire.post(URL, body=requests.ConnectionError("gone"))
    with pytest.raises(NoAnswer):
        refunds.send(INTENT, ACCOUNT, AMOUNT, "key-1")
    assert len(wire.calls) == 1


def test_a_refusal_says_why_without_a_secret(wire: responses.RequestsMock, refunds: StripeRefunds) -> None:
    wire.post(URL, json={"error": {"type": "invalid_request_error", "message": f"no {KEY}"}}, status=400)
    with pytest.raises(Refused) as refused:
        refunds.send(INTENT, ACCOUNT, AMOUNT, "key-1")
    assert (refused.value.reason, refused.value.status) == (Refusal.INVALID, 400)
    assert_tells_nothing(refused.value, KEY)
    assert KEY not in refused.value.message


def test_too_many_is_a_refusal_of_the_moment(wire: responses.RequestsMock, refunds: StripeRefunds) -> None:
    wire.post(URL, json={"error": {"type": "rate_limit_error", "message": "slow"}}, status=429)
    with pytest.raises(Refused) as refused:
        refunds.send(INTENT, ACCOUNT, AMOUNT, "key-1")
    assert refused.value.reason is Refusal.TOO_MANY


@pytest.mark.parametrize(("intent", "account"), [("pi_1/../x", ACCOUNT), (INTENT, "acct 1"), ("", None)])
def test_what_is_no_id_is_never_asked_for(refunds: StripeRefunds, intent: str, account: str | None) -> None:
    with pytest.raises(Refused):
        refunds.of(intent, account)
    with pytest.raises(Refused):
        refunds.send(intent, account, AMOUNT, "key-1")


def test_whatever_else_breaks_is_no_answer(refunds: StripeRefunds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.upstream.stripe.refunds._sent", lambda _row: 1 / 0)
    with responses.RequestsMock() as wire:
        wire.post(URL, json=refund())
        with pytest.raises(NoAnswer, match="ZeroDivisionError"):
            refunds.send(INTENT, ACCOUNT, AMOUNT, "key-1")
