"""Plugchoice public charging ("Scan to Pay"): the seven endpoints that need no operator token.

Source: developer.plugchoice.com, API reference, public-charging. Rate limits count per IP address, so every call takes
its place in the `Budgets` first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import httpx

from kiosk.clock import Clock
from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import Refusal
from kiosk.domain.session import Observation
from kiosk.upstream.errors import NoAnswer, Refused, SessionGone, UnusableStart, UpstreamError, redact
from kiosk.upstream.http import DEFAULT_TIME_LIMITS, Answer, Http, OnCall, TimeLimits, reported
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint
from kiosk.upstream.plugchoice.public_reading import read_card, read_observation, read_token
from kiosk.upstream.problems import DEFAULT_RETRY, read_problem, retry_after

T = TypeVar("T")

_SESSION = frozenset({Endpoint.GET_SESSION, Endpoint.CONFIRM, Endpoint.STOP, Endpoint.CANCEL, Endpoint.RECEIPT_EMAIL})
_REASONS: dict[Endpoint, dict[int, Refusal]] = {
    Endpoint.GET_CHARGER: {404: Refusal.UNKNOWN_CHARGER},
    Endpoint.START: {400: Refusal.CHARGER_OFFLINE, 404: Refusal.UNKNOWN_CHARGER, 409: Refusal.CONNECTOR_BUSY},
    Endpoint.GET_SESSION: {},
    Endpoint.CONFIRM: {400: Refusal.NOT_NOW, 409: Refusal.NOT_NOW, 422: Refusal.NOT_NOW},
    Endpoint.STOP: {400: Refusal.CHARGER_OFFLINE, 409: Refusal.NOT_NOW, 422: Refusal.NOT_NOW},
    Endpoint.CANCEL: {400: Refusal.NOT_NOW, 409: Refusal.NOT_NOW, 422: Refusal.NOT_NOW},
    Endpoint.RECEIPT_EMAIL: {409: Refusal.NOT_NOW},
}
"""What a status means at each endpoint; what is not here is INVALID. 422 of start and receipt-email, 404 and 410 of a
session and 429 are looked at more closely. Unknown: what confirm, and stop out of turn, answer besides 404 and 429.
"""
_LONGEST_PART = 512


@dataclass(frozen=True, slots=True)
class Started:
    """A session that exists now. `token` is its only credential. `observation.payment` is always set."""

    token: str = field(repr=False)
    observation: Observation = field()


class PlugchoicePublic:
    """Thread-safe; one attempt a call; raises nothing but `UpstreamError`. `transport` is the seam for tests."""

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        budgets: Budgets,
        limits: TimeLimits = DEFAULT_TIME_LIMITS,
        transport: httpx.BaseTransport | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self._http = Http(base_url, limits=limits, transport=transport)
        self._clock = clock
        self._budgets = budgets
        self._on_call = on_call

    def close(self) -> None:
        self._http.close()

    def get_charger(self, code: str) -> ChargerCard:
        """The card of a charger. Refused UNKNOWN_CHARGER also when it has no public charging."""

        def read(answer: Answer, _asked: datetime, seen: datetime) -> ChargerCard:
            return read_card(answer.body, code, seen)

        path = f"/public-charging/chargers/{_part(code, Refused(Refusal.UNKNOWN_CHARGER))}"
        return self._call(Endpoint.GET_CHARGER, "GET", path, read)

    def start(self, code: str, connector_id: int, email: str | None = None) -> Started:
        """Create a session and its payment. After NoAnswer one may exist: never send it again.

        UnusableStart, a NoAnswer: one does exist, and can only be cancelled.
        """
        body: dict[str, object] = {"code": code, "connector_id": connector_id}
        if email is not None:
            body["email"] = email

        def read(answer: Answer, asked: datetime, seen: datetime) -> Started:
            token = read_token(answer.body)
            try:
                observation = read_observation(answer.body, asked, seen)
            except NoAnswer as error:
                raise UnusableStart(str(error), answer.status, token) from None
            if observation.payment is None:
                raise UnusableStart("a start without a usable payment", answer.status, token)
            return Started(token, observation)

        return self._call(
            Endpoint.START,
            "POST",
            "/public-charging/sessions",
            read,
            body=body,
            secrets=(email or "",),
            whose=code.upper(),
        )

    def get_session(self, token: str) -> Observation:
        return self._session(Endpoint.GET_SESSION, token)

    def confirm(self, token: str) -> Observation:
        """Ask upstream to look at the payment now. Repeatable."""
        return self._session(Endpoint.CONFIRM, token, "/confirm")

    def stop(self, token: str) -> Observation:
        """Ask the charger to stop. Refused CHARGER_OFFLINE: unplugging ends the session."""
        return self._session(Endpoint.STOP, token, "/stop")

    def cancel(self, token: str) -> Observation:
        """Give up before charging and release the hold. Refused NOT_NOW once it charges."""
        return self._session(Endpoint.CANCEL, token, "/cancel")

    def set_receipt_email(self, token: str, email: str) -> Observation:
        """Refused INVALID for the address itself, NOT_NOW when it is too late."""
        return self._session(Endpoint.RECEIPT_EMAIL, token, "/receipt-email", body={"email": email}, secrets=(email,))

    def _session(
        self,
        endpoint: Endpoint,
        token: str,
        action: str = "",
        body: Mapping[str, object] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> Observation:
        path = f"/public-charging/sessions/{_part(token, SessionGone(status=0))}{action}"

        def read(answer: Answer, asked: datetime, seen: datetime) -> Observation:
            return read_observation(answer.body, asked, seen)

        method = "POST" if action else "GET"
        return self._call(endpoint, method, path, read, body=body, secrets=(token, *secrets))

    def _call(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        read: Callable[[Answer, datetime, datetime], T],
        *,
        body: Mapping[str, object] | None = None,
        secrets: tuple[str, ...] = (),
        whose: str = "",
    ) -> T:
        of_the_minute = False

        def count(code: int, headers: Mapping[str, str]) -> None:
            nonlocal of_the_minute
            of_the_minute = self._budgets.answered(grant, self._clock.now(), code, headers)

        with reported(self._on_call, endpoint.value, count) as call:
            asked = self._clock.now()
            grant = self._budgets.take(endpoint, asked, whose)
            try:
                answer = self._http.exchange(method, path, json_body=body, on_head=call)
            finally:
                seen = self._clock.now()
                self._budgets.ended(grant, seen)
            problem = _problem(endpoint, answer, seen, secrets, of_the_minute=of_the_minute)
            if problem is not None:
                raise problem
            return read(answer, asked, seen)


def _problem(
    endpoint: Endpoint, answer: Answer, now: datetime, secrets: tuple[str, ...], *, of_the_minute: bool
) -> UpstreamError | None:
    """What an answer's status means; None when it is a success whose body is worth reading."""
    status = answer.status
    if status in {200, 201}:
        return None
    if not 400 <= status < 500 or status == 408:
        return NoAnswer("no usable answer", status)
    said, fields = read_problem(answer.body)
    message = redact(said, secrets)
    if status == 429:
        wait = retry_after(answer.headers, now) or (DEFAULT_RETRY if of_the_minute else None)
        return Refused(Refusal.TOO_MANY, message, wait, status, of_the_minute=of_the_minute)
    if status in {404, 410} and endpoint in _SESSION:
        return SessionGone(message, status)
    if status == 422 and endpoint is Endpoint.START:
        reason = Refusal.INVALID if fields - {"connector_id"} else Refusal.UNKNOWN_CONNECTOR
    elif status == 422 and endpoint is Endpoint.RECEIPT_EMAIL:
        reason = Refusal.INVALID if "email" in fields else Refusal.NOT_NOW
    else:
        reason = _REASONS[endpoint].get(status, Refusal.INVALID)
    return Refused(reason, message, None, status)


def _part(text: str, hopeless: Refused) -> str:
    """`text` as exactly one part of a path. Raises `hopeless` for what no server could understand as one."""
    if not text.strip(". \t\r\n") or len(text) > _LONGEST_PART:
        raise hopeless
    return quote(text, safe="", errors="replace")
