"""Faults on demand: which call goes wrong next, and how. Production never imports this.

Rule              what goes wrong, at which endpoint, how often
Faults            the rules in force; each call takes the first that matches
FaultyTransport   for clients without a socket: plays the cuts that an app in the same process cannot play
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import httpx


class Kind(StrEnum):
    LATENCY = "latency"  # the request arrives late
    LATE_ANSWER = "late_answer"  # the work is done in time, the answer comes late
    SERVER_ERROR = "server_error"  # 500, JSON
    BAD_GATEWAY = "bad_gateway"  # 502, HTML
    CHARGER_TIMEOUT = "charger_timeout"  # 504, which may come after the effect
    TOO_MANY = "too_many"  # 429
    UNAUTHORIZED = "unauthorized"  # 401, as for a key that was withdrawn
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - 404, as for a token that was never known
    UNREACHABLE = "unreachable"  # no connection
    DROPPED = "dropped"  # the connection is cut instead of an answer
    TIMEOUT = "timeout"  # no answer in the client's time
    TRUNCATED = "truncated"  # half of the JSON
    HTML = "html"  # 200 with a page instead of JSON
    EMPTY = "empty"  # 200 without a body
    NULLS = "nulls"  # fields that are null
    MISSING = "missing"  # fields that are not there
    STRANGE_STATUS = "strange_status"  # a session status that nobody knows
    STRANGE_CONNECTOR = "strange_connector"  # a connector status that nobody knows
    ENERGY_FALLS = "energy_falls"  # half of the energy and the cost
    ENERGY_ABSURD = "energy_absurd"  # one answer with an energy that no charge can have made, and the cost of the hold
    CURRENCY_CASE = "currency_case"  # the other casing of the currency


CUTS = frozenset({Kind.UNREACHABLE, Kind.DROPPED, Kind.TIMEOUT})
ENDPOINTS = ("charger", "start", "session", "confirm", "stop", "cancel", "receipt_email")

_PATHS = (
    ("GET", "charger", re.compile(r"/public-charging/chargers/[^/]+/?$")),
    ("POST", "start", re.compile(r"/public-charging/sessions/?$")),
    ("GET", "session", re.compile(r"/public-charging/sessions/[^/]+/?$")),
    ("POST", "confirm", re.compile(r"/public-charging/sessions/[^/]+/confirm/?$")),
    ("POST", "stop", re.compile(r"/public-charging/sessions/[^/]+/stop/?$")),
    ("POST", "cancel", re.compile(r"/public-charging/sessions/[^/]+/cancel/?$")),
    ("POST", "receipt_email", re.compile(r"/public-charging/sessions/[^/]+/receipt-email/?$")),
)


def endpoint_of(method: str, path: str) -> str | None:
    """The endpoint's name in `ENDPOINTS`, or None for a path that is none of the seven."""
    for known_method, name, pattern in _PATHS:
        if method == known_method and pattern.search(path):
            return name
    return None


@dataclass(frozen=True)
class Rule:
    """`endpoint` is one of `ENDPOINTS`, or None for every one. `times` is how often it is played, None for ever.

    `after_effect`: the upstream does the work first, and only its answer is lost or wrong. It counts for answers with
    an error status and for cuts; an unreachable server never does the work. `seconds` belongs to `LATENCY` and
    `LATE_ANSWER`, `retry_after` to `TOO_MANY`, `word` to the strange statuses, `fields` to `NULLS` and `MISSING`: names
    within `data` or beside it, with a dot for what is inside another (`payment.client_secret`).
    """

    kind: Kind
    endpoint: str | None = None
    times: int | None = 1
    probability: float = 1.0
    after_effect: bool = False
    seconds: float = 5.0
    retry_after: int | None = 30
    fields: tuple[str, ...] = ("energy_kwh", "cost_amount", "connector_status", "name", "connectors")
    word: str = "recalibrating"

    def __post_init__(self) -> None:
        if self.endpoint is not None and self.endpoint not in ENDPOINTS:
            raise ValueError(f"no such endpoint: {self.endpoint}")
        if self.times is not None and self.times < 1:
            raise ValueError("a rule is played at least once")
        if not 0 < self.probability <= 1:
            raise ValueError("a probability is above 0 and at most 1")


class Faults:
    """Thread-safe. With a seed, the same calls in the same order meet the same faults."""

    def __init__(self, seed: int = 1) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(f"{seed}/faults")  # noqa: S311 - a reproducible play, not a secret
        self._rules: list[tuple[Rule, int | None]] = []

    def add(self, rule: Rule) -> None:
        with self._lock:
            self._rules.append((rule, rule.times))

    def drop(self, rule: Rule) -> None:
        """Take back what is left of this very rule."""
        with self._lock:
            self._rules = [(each, left) for each, left in self._rules if each is not rule]

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def waiting(self) -> tuple[tuple[Rule, int | None], ...]:
        """The rules in force, each with how often it is still played."""
        with self._lock:
            return tuple(self._rules)

    def take(self, endpoint: str, kinds: frozenset[Kind]) -> Rule | None:
        """The fault for this call, of the kinds that the caller can play; a counted rule is used up by it."""
        with self._lock:
            for place, (rule, left) in enumerate(self._rules):
                if rule.kind not in kinds or rule.endpoint not in (None, endpoint):
                    continue
                if rule.probability < 1 and self._random.random() >= rule.probability:
                    continue
                if left is not None:
                    if left == 1:
                        del self._rules[place]
                    else:
                        self._rules[place] = (rule, left - 1)
                return rule
        return None


class FaultyTransport(httpx.BaseTransport):
    """Wraps another transport. `name` says which endpoint a method and path belong to, or None for a stranger."""

    def __init__(
        self,
        inner: httpx.BaseTransport,
        faults: Faults,
        name: Callable[[str, str], str | None] = endpoint_of,
    ) -> None:
        self._inner = inner
        self._faults = faults
        self._name = name

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        endpoint = self._name(request.method, request.url.path)
        rule = self._faults.take(endpoint, CUTS) if endpoint else None
        if rule is None:
            return self._inner.handle_request(request)
        if rule.after_effect and rule.kind is not Kind.UNREACHABLE:
            answer = self._inner.handle_request(request)
            answer.read()
            answer.close()
        raise _problem(rule, request)

    def close(self) -> None:
        self._inner.close()


def _problem(rule: Rule, request: httpx.Request) -> httpx.TransportError:
    if rule.kind is Kind.UNREACHABLE:
        return httpx.ConnectError("sandbox: no connection", request=request)
    if rule.kind is Kind.TIMEOUT:
        return httpx.ReadTimeout("sandbox: no answer", request=request)
    return httpx.RemoteProtocolError("sandbox: connection cut", request=request)
