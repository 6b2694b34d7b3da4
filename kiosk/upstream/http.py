"""One attempt over HTTP: time limits, size limit, JSON. Never repeats, never follows, never logs an address."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import httpx

from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused, UpstreamError
from kiosk.upstream.wire import DeadlineTransport, deadline

LARGEST_BODY = 1024 * 1024
"""Bytes of an answer, unless a client of much larger ones says otherwise."""
MOST_CONNECTIONS = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds of the wall clock. `total` bounds a whole call, however slowly the other side speaks.

    Looking up a name is the operating system's business and is not bounded by any of these.
    """

    connect: float = 3.0
    write: float = 5.0
    read: float = 15.0
    pool: float = 2.0
    total: float = 20.0


DEFAULT_TIME_LIMITS = TimeLimits()


class Outcome(StrEnum):
    OK = "ok"
    BUDGET_SPENT = "budget_spent"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


def outcome_of(error: UpstreamError | None) -> Outcome:
    """The word under which an end is counted."""
    match error:
        case None:
            return Outcome.OK
        case BudgetSpent():
            return Outcome.BUDGET_SPENT
        case NotSent():
            return Outcome.NOT_SENT
        case Refused():
            return Outcome.REFUSED
        case _:
            return Outcome.NO_ANSWER


OnCall = Callable[[str, Outcome, int | None, float], None]
"""Told of every call: endpoint name, outcome, HTTP status if one arrived, seconds. Never an address."""
OnHead = Callable[[int, Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `body` is the decoded JSON, or None when it is not JSON."""

    status: int
    headers: Mapping[str, str]
    body: object


class _WarningsOnly(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


_warnings_only = _WarningsOnly()


def mute(library: str) -> None:
    """Keep a library's logger from writing addresses (which carry session tokens) or bodies, at whatever level.

    A filter, because a level would be undone by the next logging configuration.
    """
    logging.getLogger(library).addFilter(_warnings_only)


class Http:
    """A shared, thread-safe client of one outside system. `exchange` is one attempt."""

    def __init__(
        self,
        base_url: str,
        *,
        limits: TimeLimits | None = None,
        transport: httpx.BaseTransport | None = None,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        self._base = _checked(base_url)
        self._largest_body = largest_body
        self._limits = limits or DEFAULT_TIME_LIMITS
        mute("httpx")
        self._client = httpx.Client(
            transport=transport or DeadlineTransport(MOST_CONNECTIONS),
            timeout=httpx.Timeout(
                connect=self._limits.connect,
                read=self._limits.read,
                write=self._limits.write,
                pool=self._limits.pool,
            ),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # the size limit then bounds memory too
                "User-Agent": _user_agent(),
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # drivers must not be linked by one jar
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def exchange(
        self,
        method: str,
        path: str,
        *,
        json_body: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        content: Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        on_head: OnHead | None = None,
    ) -> Answer:
        """Send once and read the whole answer, whatever its status. `path` is already percent-encoded.

        `content` is a body bit by bit, whose length stands in `headers`.

        `on_head` hears status and headers before the body is read. Raises NotSent or NoAnswer.
        """
        failure: UpstreamError
        try:
            with deadline(self._limits.total) as left:
                request = self._client.build_request(
                    method, self._base + path, json=json_body, data=form, content=content, headers=headers
                )
                response = self._client.send(request, stream=True)
                try:
                    if on_head is not None:
                        on_head(response.status_code, response.headers)
                    return _answer(response, left, self._largest_body)
                finally:
                    response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            failure = NotSent(f"not sent: {type(error).__name__}")
        except UpstreamError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - callers are promised our tree alone; unknown is the safe end
            closed = self._client.is_closed and isinstance(error, RuntimeError)
            failure = NotSent("not sent: closed") if closed else NoAnswer(f"no answer: {type(error).__name__}")
        # Outside of the handler, so that the library's error, which knows the address, is not carried along.
        raise failure


class Call:
    """One call under way. Given as `on_head`, it remembers the status, and passes the head on to `then`."""

    def __init__(self, then: OnHead | None) -> None:
        self._then = then
        self.status: int | None = None

    def __call__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        if self._then is not None:
            self._then(status, headers)


@contextmanager
def reported(on_call: OnCall | None, endpoint: str, then: OnHead | None = None) -> Iterator[Call]:
    """The length of one call: afterwards `on_call` is told how it ended and how long it took."""
    began = time.monotonic()
    call = Call(then)
    error: UpstreamError | None = None
    try:
        yield call
    except UpstreamError as ours:
        error = ours
        raise
    finally:
        report(on_call, endpoint, error, call.status, began)


def report(
    on_call: OnCall | None, endpoint: str, error: UpstreamError | None, status: int | None, since: float
) -> None:
    """Tell `on_call`; `since` is of `time.monotonic`. Its own failure must not cost the answer of a start."""
    if on_call is None:
        return
    try:
        on_call(endpoint, outcome_of(error), status, time.monotonic() - since)
    except Exception as broken:  # noqa: BLE001
        _log.warning("the call observer failed: %s", type(broken).__name__)


def _answer(response: httpx.Response, left: Callable[[], float], largest_body: int) -> Answer:
    status = response.status_code
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise NoAnswer("an encoding that was not asked for", status)
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > largest_body:
            raise NoAnswer("the answer is too large", status)
        if left() <= 0:
            raise NoAnswer("the answer took too long", status)
    return Answer(status, response.headers, decode(bytes(body)))


def decode(body: bytes) -> object:
    """JSON with exact decimals; None when it is not JSON. NaN and Infinity, which JSON does not have, are null."""
    try:
        decoded: Any = json.loads(body, parse_float=_exact, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return decoded


def _exact(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _checked(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
        usable = url.scheme in {"http", "https"} and bool(url.host) and not url.query and not url.fragment
    except (httpx.InvalidURL, TypeError):
        usable = False
    if not usable:
        raise ValueError("the base address of an outside system must be an http or https address without a query")
    return base_url.rstrip("/")


def _user_agent() -> str:
    try:
        return f"charge-kiosk/{version('charge-kiosk')}"
    except PackageNotFoundError:
        return "charge-kiosk/0"
