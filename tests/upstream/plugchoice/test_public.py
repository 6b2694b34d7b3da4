"""The seven public endpoints at the wire: what is sent, what is read, and when nobody answered."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.clock import ManualClock
from kiosk.domain.commands import Refusal
from kiosk.domain.session import Observation
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused, SessionGone, UpstreamError
from kiosk.upstream.http import Outcome, TimeLimits
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint, Limits
from kiosk.upstream.plugchoice.public import PlugchoicePublic, Started
from tests.upstream.support import (
    EMAIL,
    SECRET,
    TOKEN,
    assert_tells_nothing,
    hear,
    loopback,
    say,
    session_body,
    started_body,
)
from tests.upstream.wire_world import BASE, CALLS, OF_A_SESSION, every_endpoint, failure, good, world

# What is sent


@pytest.mark.parametrize(
    ("endpoint", "method", "path", "body"),
    [
        (Endpoint.GET_CHARGER, "GET", "/chargers/ab12cd", None),
        (Endpoint.START, "POST", "/sessions", {"code": "ab12cd", "connector_id": 1, "email": EMAIL}),
        (Endpoint.GET_SESSION, "GET", f"/sessions/{TOKEN}", None),
        (Endpoint.CONFIRM, "POST", f"/sessions/{TOKEN}/confirm", None),
        (Endpoint.STOP, "POST", f"/sessions/{TOKEN}/stop", None),
        (Endpoint.CANCEL, "POST", f"/sessions/{TOKEN}/cancel", None),
        (Endpoint.RECEIPT_EMAIL, "POST", f"/sessions/{TOKEN}/receipt-email", {"email": EMAIL}),
    ],
)
def test_each_call_sends_the_documented_request_once(
    endpoint: Endpoint, method: str, path: str, body: dict[str, Any] | None
) -> None:
    with world(good(endpoint)) as w:
        CALLS[endpoint](w.api)
    (request,) = w.sent
    assert (request.method, str(request.url)) == (method, f"{BASE}/public-charging{path}")
    assert (json.loads(request.content) if request.content else None) == body
    assert w.counted == [(endpoint.value, Outcome.OK, 201 if endpoint is Endpoint.START else 200)]


def test_a_start_without_an_email_sends_none() -> None:
    with world(good(Endpoint.START)) as w:
        w.api.start("AB12CD", 2)
    assert json.loads(w.sent[0].content) == {"code": "AB12CD", "connector_id": 2}


@pytest.mark.parametrize(
    "part", ["../x", "a/b", "a?b=c", "a#b", "%2e%2e", "a b", "é", "\ud800", "a\r\nHost: evil", "http://evil/", "..;/"]
)
def test_a_hostile_code_or_token_stays_one_part_of_the_path(part: str) -> None:
    with world(httpx.Response(404, json={})) as w:
        with pytest.raises(Refused):
            w.api.get_charger(part)
        with pytest.raises(SessionGone):
            w.api.stop(part)
    charger, stop = (request.url.raw_path.split(b"/") for request in w.sent)
    assert charger[:5] == [b"", b"api", b"v3", b"public-charging", b"chargers"]
    assert stop[:5] == [b"", b"api", b"v3", b"public-charging", b"sessions"]
    assert (len(charger), len(stop), stop[6]) == (6, 7, b"stop")
    assert b"?" not in b"/".join(charger + stop)
    assert {request.url.host for request in w.sent} == {"upstream.example"}


@given(st.text(max_size=30))
def test_any_code_is_asked_for_as_one_part_or_refused(code: str) -> None:
    with world(httpx.Response(404, json={})) as w, pytest.raises(Refused) as failed:
        w.api.get_charger(code)
    assert failed.value.reason is Refusal.UNKNOWN_CHARGER
    assert all(len(request.url.raw_path.split(b"/")) == 6 for request in w.sent)


@pytest.mark.parametrize("part", ["", " ", ".", "..", "...", "\t\n", "x" * 513])
def test_what_cannot_be_a_part_of_a_path_is_refused_without_asking(part: str) -> None:
    with world(httpx.Response(200, json=session_body())) as w:
        with pytest.raises(Refused) as charger:
            w.api.get_charger(part)
        with pytest.raises(SessionGone) as session:
            w.api.get_session(part)
    assert (charger.value.reason, charger.value.status) == (Refusal.UNKNOWN_CHARGER, 0)
    assert session.value.status == 0
    assert w.sent == []
    assert w.budgets.free(Endpoint.GET_SESSION, w.clock.now()) == 30


# What is read


def test_a_card_is_read_whatever_the_case_of_the_code() -> None:
    with world(good(Endpoint.GET_CHARGER)) as w:
        found = w.api.get_charger("aB12cD")
    assert (found.code, found.preauth_minor, found.seen_at) == ("AB12CD", 5000, w.clock.now())


@pytest.mark.parametrize("status", [200, 201])
def test_a_start_gives_a_token_and_a_payment(status: int) -> None:
    with world(httpx.Response(status, json=started_body())) as w:
        started = w.api.start("ab12cd", 1)
    assert started.token == TOKEN
    assert started.observation.status == "created"
    assert started.observation.payment is not None
    assert started.observation.payment.client_secret == SECRET


def test_a_started_session_shows_neither_token_nor_secret() -> None:
    with world(good(Endpoint.START)) as w:
        started = w.api.start("ab12cd", 1)
    assert TOKEN not in repr(started)
    assert SECRET not in repr(started)


@pytest.mark.parametrize("endpoint", [Endpoint.START, *OF_A_SESSION])
def test_an_observation_knows_when_it_was_asked_for_and_when_it_was_read(endpoint: Endpoint) -> None:
    def slow(_request: httpx.Request) -> httpx.Response:
        w.clock.advance(2)
        return good(endpoint)

    with world(slow) as w:
        began = w.clock.now()
        result = CALLS[endpoint](w.api)
    seen = result.observation if isinstance(result, Started) else result
    assert isinstance(seen, Observation)
    assert (seen.asked_at, seen.seen_at) == (began, began + timedelta(seconds=2))


@pytest.mark.parametrize(
    "change",
    [
        {"session_token": None},
        {"session_token": ""},
        {"session_token": "with blank"},
        {"payment": None},
        {"payment": {}},
        {"payment": {"client_secret": SECRET, "publishable_key": "pk_1", "stripe_account_id": None}},
        {"data": None},
        {"data": {}},
    ],
)
def test_a_start_that_cannot_be_paid_is_no_answer(change: dict[str, Any]) -> None:
    assert isinstance(failure(Endpoint.START, httpx.Response(201, json=started_body(**change))), NoAnswer)


# No answer, not sent


@every_endpoint
@pytest.mark.parametrize("status", [202, 204, 206, 301, 302, 304, 307, 408, 500, 502, 503, 504, 520, 599])
def test_any_other_status_is_no_answer(endpoint: Endpoint, status: int) -> None:
    error = failure(endpoint, httpx.Response(status, json=session_body(), headers={"Location": "/"}))
    assert isinstance(error, NoAnswer)
    assert error.status == status


@every_endpoint
@pytest.mark.parametrize(
    "body",
    [b"", b"<!doctype html><title>x</title>", b'{"data": {"sta', b"[]", b"null", b'"ok"', b'{"data": []}', b"{}"],
)
def test_a_success_without_a_readable_body_is_no_answer(endpoint: Endpoint, body: bytes) -> None:
    assert isinstance(failure(endpoint, httpx.Response(200, content=body)), NoAnswer)


@every_endpoint
def test_a_refused_connection_was_not_sent_and_stays_counted(endpoint: Endpoint) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"refused at {request.url}", request=request)

    with world(refuse) as w:
        room = w.budgets.free(endpoint, w.clock.now())
        with pytest.raises(NotSent) as failed:
            CALLS[endpoint](w.api)
        assert_tells_nothing(failed.value)
        assert w.budgets.free(endpoint, w.clock.now()) == room - 1
    assert w.counted == [(endpoint.value, Outcome.NOT_SENT, None)]


@every_endpoint
def test_a_lost_answer_is_no_answer_and_is_not_asked_again(endpoint: Endpoint) -> None:
    def lose(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout(f"at {request.url}", request=request)

    with world(lose) as w, pytest.raises(NoAnswer) as failed:
        CALLS[endpoint](w.api)
    assert_tells_nothing(failed.value)
    assert len(w.sent) == 1
    assert w.counted == [(endpoint.value, Outcome.NO_ANSWER, None)]


def test_a_start_that_is_dropped_after_it_arrived_is_no_answer_and_arrives_once() -> None:
    arrived: list[bytes] = []

    def script(connection: socket.socket, _number: int) -> None:
        arrived.append(hear(connection))

    limits = TimeLimits(connect=0.5, write=0.5, read=0.5, pool=0.5, total=1)
    with loopback(script) as server:
        api = PlugchoicePublic(server.url, clock=ManualClock(), budgets=Budgets(), limits=limits)
        with pytest.raises(NoAnswer) as failed:
            api.start("AB12CD", 1, EMAIL)
        api.close()
    assert_tells_nothing(failed.value)
    assert len(arrived) == 1


def test_a_door_is_closed_by_the_head_of_an_answer_whose_body_never_comes() -> None:
    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(b"HTTP/1.1 429 Too Many\r\nRetry-After: 33\r\nContent-Length: 50\r\n\r\n")

    clock, budgets = ManualClock(), Budgets()
    with loopback(script) as server:
        api = PlugchoicePublic(server.url, clock=clock, budgets=budgets)
        with pytest.raises(NoAnswer):
            api.stop(TOKEN)
        api.close()
    assert budgets.wait(Endpoint.STOP, clock.now()) == timedelta(seconds=33)


# Budgets


@every_endpoint
def test_without_budget_nothing_is_sent(endpoint: Endpoint) -> None:
    with world(lambda _: good(endpoint), Limits(**{e.value: 2 for e in Endpoint})) as w:
        for _ in range(2):
            CALLS[endpoint](w.api)
        with pytest.raises(BudgetSpent) as spent:
            CALLS[endpoint](w.api)
        assert len(w.sent) == 2
        w.clock.advance(spent.value.wait.total_seconds())
        CALLS[endpoint](w.api)
    assert len(w.sent) == 3


def test_another_user_of_the_address_is_noticed() -> None:
    headers = {"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "3"}
    with world(httpx.Response(200, json=session_body(), headers=headers)) as w:
        w.api.get_session(TOKEN)
        assert w.budgets.free(Endpoint.GET_SESSION, w.clock.now()) == 3


@pytest.mark.parametrize("endpoint", [Endpoint.START, Endpoint.GET_SESSION, Endpoint.CONFIRM])
def test_a_grant_that_cannot_be_recorded_sends_nothing(endpoint: Endpoint) -> None:
    with recording_nothing() as (api, sent):
        with pytest.raises(NotSent):
            CALLS[endpoint](api)
        assert sent == []


@pytest.mark.parametrize("endpoint", [Endpoint.STOP, Endpoint.CANCEL])
def test_what_ends_a_charge_is_sent_although_it_cannot_be_recorded(endpoint: Endpoint) -> None:
    with recording_nothing() as (api, sent):
        CALLS[endpoint](api)
        assert len(sent) == 1


@contextmanager
def recording_nothing() -> Iterator[tuple[PlugchoicePublic, list[httpx.Request]]]:
    """A client whose budgets cannot be written down, and what it has sent."""

    def broken(_endpoint: Endpoint, _at: object) -> None:
        raise OSError("disk full")

    sent: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return good(Endpoint.STOP)

    transport = httpx.MockTransport(record)
    api = PlugchoicePublic(BASE, clock=ManualClock(), budgets=Budgets(on_take=broken), transport=transport)
    yield api, sent
    api.close()


def test_a_429_to_a_start_says_whether_the_minute_or_the_charger_is_full() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        del request
        return httpx.Response(429, json={"message": "Too Many Attempts."}, headers=next(told))

    told = iter(({"X-RateLimit-Remaining": "2"}, {"Retry-After": "7", "X-RateLimit-Remaining": "0"}))
    with world(answer) as w:
        with pytest.raises(Refused) as charger:
            w.api.start("AB12CD", 1)
        with pytest.raises(Refused) as minute:
            w.api.start("AB12CD", 1)
    assert (charger.value.of_the_minute, charger.value.retry_after) == (False, None)
    assert (minute.value.of_the_minute, minute.value.retry_after) == (True, timedelta(seconds=7))


def test_many_threads_never_send_more_than_the_budget() -> None:
    with world(lambda _: good(Endpoint.GET_SESSION)) as w:
        ends: list[bool] = []

        def work() -> None:
            for _ in range(10):
                try:
                    w.api.get_session(TOKEN)
                except BudgetSpent:
                    ends.append(False)
                else:
                    ends.append(True)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(ends), sum(ends), len(w.sent)) == (80, 30, 30)


def test_without_an_observer_calls_work_too() -> None:
    with loopback(lambda connection, _: connection.sendall(hear(connection) and say(session_body()))) as server:
        api = PlugchoicePublic(server.url, clock=ManualClock(), budgets=Budgets())
        assert api.confirm(TOKEN).status == "charging"
        api.close()


# Anything at all

BODIES = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["data", "payment", "session_token", "status", "message", "errors", "connectors"]),
                inner,
            )
        ),
    ).map(lambda value: json.dumps(value).encode()),
)


@given(
    endpoint=st.sampled_from(list(Endpoint)),
    status=st.integers(200, 599),
    body=BODIES,
    headers=st.dictionaries(
        st.sampled_from(["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "Content-Type"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
    ),
)
def test_whatever_comes_back_only_our_errors_leave(
    endpoint: Endpoint, status: int, body: bytes, headers: dict[str, str]
) -> None:
    with world(lambda _: httpx.Response(status, content=body, headers=headers)) as w:
        end: object = None
        try:
            end = CALLS[endpoint](w.api)
        except UpstreamError as error:
            end = error
            assert_tells_nothing(error)
    if isinstance(end, UpstreamError):
        assert isinstance(end, NoAnswer) or (isinstance(end, Refused) and 400 <= status < 500)
    else:
        assert status in {200, 201}
    assert len(w.sent) == len(w.counted) == 1
