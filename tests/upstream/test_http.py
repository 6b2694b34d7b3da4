"""One attempt: how every end is mapped, counted and kept quiet, and how JSON is decoded."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import PackageNotFoundError

import httpx
import pytest

from kiosk.domain.commands import Refusal
from kiosk.upstream import http as http_module
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused
from kiosk.upstream.http import Http, Outcome, decode, outcome_of, report

from .support import TOKEN, assert_tells_nothing, hear, loopback, say

PATH = f"/public-charging/sessions/{TOKEN}"


@contextlib.contextmanager
def client(url: str, transport: httpx.BaseTransport | None = None) -> Iterator[Http]:
    http = Http(url, transport=transport)
    try:
        yield http
    finally:
        http.close()


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.ReadError,
        httpx.WriteError,
        httpx.CloseError,
        httpx.RemoteProtocolError,
        httpx.LocalProtocolError,
        httpx.ProxyError,
        httpx.DecodingError,
        httpx.TooManyRedirects,
        httpx.InvalidURL,
        httpx.StreamClosed,
        httpx.CookieConflict,
        RuntimeError,
        ValueError,
        OSError,
        RecursionError,
        MemoryError,
    ],
)
def test_whatever_else_goes_wrong_while_sending_is_unknown(error: type[Exception]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error() if error is httpx.StreamClosed else error(f"at {request.url}")

    with (
        client("http://127.0.0.1", transport=httpx.MockTransport(handler)) as http,
        pytest.raises(NoAnswer, match=error.__name__) as failed,
    ):
        http.exchange("POST", PATH)
    assert_tells_nothing(failed.value)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol]
)
def test_whatever_goes_wrong_before_sending_was_not_sent(error: type[httpx.TransportError]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error(f"at {request.url}", request=request)

    with (
        client("http://127.0.0.1", transport=httpx.MockTransport(handler)) as http,
        pytest.raises(NotSent) as failed,
    ):
        http.exchange("POST", PATH)
    assert_tells_nothing(failed.value)


def test_an_observer_of_the_head_that_fails_makes_it_unknown() -> None:
    def on_head(_status: int, _headers: object) -> None:
        raise KeyError(TOKEN)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    with client("http://127.0.0.1", transport=transport) as http, pytest.raises(NoAnswer) as failed:
        http.exchange("GET", PATH, on_head=on_head)
    assert_tells_nothing(failed.value)


def test_status_and_headers_are_told_before_the_body() -> None:
    told: list[tuple[int, str]] = []

    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\n")

    with loopback(script) as server, client(server.url) as http, pytest.raises(NoAnswer):
        http.exchange("GET", PATH, on_head=lambda status, headers: told.append((status, headers["retry-after"])))
    assert told == [(429, "7")]


def test_no_log_line_of_any_library_names_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, name)

    def script(connection: socket.socket, _number: int) -> None:
        hear(connection)
        connection.sendall(say({}))

    with loopback(script) as server, client(server.url) as http:
        http.exchange("GET", PATH)
    assert caplog.records
    assert TOKEN not in caplog.text


def test_a_warning_of_the_http_library_is_still_heard(caplog: pytest.LogCaptureFixture) -> None:
    with client("http://127.0.0.1"):
        logging.getLogger("httpx").warning("heard")
    assert "heard" in caplog.text


@pytest.mark.parametrize(
    "url", ["", "plugchoice", "ftp://x/", "http://", "http://x/?a=b", "http://x/#a", "http://x:port/", None]
)
def test_an_unusable_base_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="base address") as failed:
        Http(url)
    assert not url or url not in str(failed.value)


def test_without_an_installed_package_the_user_agent_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(http_module, "version", missing)
    heard: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        heard.append(request.headers["user-agent"])
        return httpx.Response(200)

    with client("http://127.0.0.1", transport=httpx.MockTransport(handler)) as http:
        http.exchange("GET", "/")
    assert heard == ["charge-kiosk/0"]


# JSON


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"", None),
        (b"<html><body>502</body></html>", None),
        (b'{"data": {"status"', None),
        (b"\xff\xfe\xfa", None),
        (b"[" * 200_000, None),
        (b"1" * 5000, None),
        (b"[]", []),
        (b"\xef\xbb\xbf{}", {}),
        (b"[NaN, Infinity, -Infinity]", [None, None, None]),
        (b"[1.10, 1e2, 1e999999999999999999999]", [Decimal("1.10"), Decimal("1e2"), None]),
    ],
)
def test_json_is_decoded_exactly_or_not_at_all(body: bytes, value: object) -> None:
    assert decode(body) == value


# Counting


def test_each_end_has_its_word() -> None:
    assert outcome_of(None) is Outcome.OK
    assert outcome_of(BudgetSpent(dt.timedelta(seconds=1))) is Outcome.BUDGET_SPENT
    assert outcome_of(NotSent("x")) is Outcome.NOT_SENT
    assert outcome_of(Refused(Refusal.INVALID)) is Outcome.REFUSED
    assert outcome_of(NoAnswer("x")) is Outcome.NO_ANSWER


def test_an_observer_is_told_the_seconds_that_a_call_took() -> None:
    told: list[float] = []
    report(lambda _endpoint, _outcome, _status, seconds: told.append(seconds), "stop", None, 200, time.monotonic() - 3)
    assert 3 <= told[0] < 8


def test_an_observer_that_fails_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_endpoint: str, _outcome: Outcome, _status: int | None, _seconds: float) -> None:
        raise OSError(TOKEN)

    report(broken, "start", None, 201, time.monotonic())
    assert "the call observer failed: OSError" in caplog.text
    assert TOKEN not in caplog.text
