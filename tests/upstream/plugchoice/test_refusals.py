"""What each refusal of the public endpoints means for the driver."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from kiosk.domain.commands import Refusal
from kiosk.upstream.errors import BudgetSpent, Refused, SessionGone
from kiosk.upstream.http import Outcome
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.upstream.support import (
    EMAIL,
    TOKEN,
)
from tests.upstream.wire_world import CALLS, OF_A_SESSION, every_endpoint, failure, world

DOCUMENTED = [
    (Endpoint.GET_CHARGER, 404, {}, Refusal.UNKNOWN_CHARGER),
    (Endpoint.GET_CHARGER, 422, {}, Refusal.INVALID),
    (Endpoint.START, 400, {}, Refusal.CHARGER_OFFLINE),
    (Endpoint.START, 404, {}, Refusal.UNKNOWN_CHARGER),
    (Endpoint.START, 409, {}, Refusal.CONNECTOR_BUSY),
    (Endpoint.START, 422, {}, Refusal.UNKNOWN_CONNECTOR),
    (Endpoint.START, 422, {"errors": {"connector_id": ["No."]}}, Refusal.UNKNOWN_CONNECTOR),
    (Endpoint.START, 422, {"errors": {"email": ["No."]}}, Refusal.INVALID),
    (Endpoint.START, 422, {"errors": {"connector_id": ["No."], "code": ["No."]}}, Refusal.INVALID),
    (Endpoint.CONFIRM, 409, {}, Refusal.NOT_NOW),
    (Endpoint.CONFIRM, 422, {}, Refusal.NOT_NOW),
    (Endpoint.STOP, 400, {}, Refusal.CHARGER_OFFLINE),
    (Endpoint.STOP, 409, {}, Refusal.NOT_NOW),
    (Endpoint.CANCEL, 409, {}, Refusal.NOT_NOW),
    (Endpoint.CANCEL, 400, {}, Refusal.NOT_NOW),
    (Endpoint.RECEIPT_EMAIL, 422, {"errors": {"email": ["No."]}}, Refusal.INVALID),
    (Endpoint.RECEIPT_EMAIL, 422, {}, Refusal.NOT_NOW),
    (Endpoint.RECEIPT_EMAIL, 422, {"errors": {"session": ["Too late."]}}, Refusal.NOT_NOW),
    (Endpoint.RECEIPT_EMAIL, 409, {}, Refusal.NOT_NOW),
    *((endpoint, status, {}, Refusal.INVALID) for endpoint in Endpoint for status in (401, 403, 405, 413, 451)),
]


@pytest.mark.parametrize(("endpoint", "status", "more", "reason"), DOCUMENTED)
def test_each_refusal_has_its_reason(endpoint: Endpoint, status: int, more: dict[str, Any], reason: Refusal) -> None:
    error = failure(endpoint, httpx.Response(status, json={"message": "Said no."} | more))
    assert isinstance(error, Refused)
    assert not isinstance(error, SessionGone)
    assert (error.reason, error.status, error.message, error.retry_after) == (reason, status, "Said no.", None)


@pytest.mark.parametrize("endpoint", OF_A_SESSION)
@pytest.mark.parametrize("status", [404, 410])
def test_a_session_that_is_not_found_is_gone(endpoint: Endpoint, status: int) -> None:
    error = failure(endpoint, httpx.Response(status, json={"message": "Not found."}))
    assert isinstance(error, SessionGone)
    assert (error.status, error.message) == (status, "Not found.")


@every_endpoint
@pytest.mark.parametrize("body", [b"", b"<html>blocked</html>", b"[]", b'{"message": ', b'{"message": {"a": 1}}'])
def test_a_refusal_with_an_unreadable_body_is_still_a_refusal(endpoint: Endpoint, body: bytes) -> None:
    error = failure(endpoint, httpx.Response(403, content=body))
    assert isinstance(error, Refused)
    assert (error.reason, error.message) == (Refusal.INVALID, "")


@pytest.mark.parametrize("endpoint", [each for each in Endpoint if each is not Endpoint.START])
@pytest.mark.parametrize(("header", "wait"), [({"Retry-After": "25"}, 25), ({}, 60), ({"Retry-After": "x"}, 60)])
def test_too_many_tells_how_long_and_closes_the_door(endpoint: Endpoint, header: dict[str, str], wait: int) -> None:
    with world(httpx.Response(429, json={"message": "Too Many Attempts."}, headers=header)) as w:
        with pytest.raises(Refused) as failed:
            CALLS[endpoint](w.api)
        with pytest.raises(BudgetSpent) as spent:
            CALLS[endpoint](w.api)
    assert (failed.value.reason, failed.value.retry_after) == (Refusal.TOO_MANY, timedelta(seconds=wait))
    assert spent.value.wait == timedelta(seconds=wait)
    assert len(w.sent) == 1
    assert w.counted == [
        (endpoint.value, Outcome.REFUSED, 429),
        (endpoint.value, Outcome.BUDGET_SPENT, None),
    ]


def test_the_hourly_limit_of_a_charger_is_told_in_full() -> None:
    error = failure(Endpoint.START, httpx.Response(429, json={}, headers={"Retry-After": "1800"}))
    assert isinstance(error, Refused)
    assert error.retry_after == timedelta(minutes=30)


@pytest.mark.parametrize("endpoint", [Endpoint.START, Endpoint.RECEIPT_EMAIL])
def test_upstream_repeating_the_email_does_not_spread_it(endpoint: Endpoint) -> None:
    error = failure(
        endpoint, httpx.Response(422, json={"message": f"{EMAIL.upper()} is wrong", "errors": {"email": []}})
    )
    assert isinstance(error, Refused)
    assert error.message == "[hidden] is wrong"


def test_upstream_repeating_the_token_does_not_spread_it() -> None:
    error = failure(Endpoint.STOP, httpx.Response(409, json={"message": f"session {TOKEN} is over"}))
    assert isinstance(error, Refused)
    assert error.message == "session [hidden] is over"
