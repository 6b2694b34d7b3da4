"""How a call reaches the stand-in: keys, accounts, form fields, languages, and answers kept for idempotency keys."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from flask import Response, current_app, g, jsonify, request

from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.faults import StripeFaults
from kiosk.sandbox.stripe.objects import PLATFORM, browser_view
from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.stripe.rules import check_parameters
from kiosk.sandbox.stripe.words import has_refusal, language_of, refusal_text

_LIVE_KEY = re.compile(r"^(sk|pk|rk)_live_")


@dataclass(frozen=True)
class Desk:
    """What every handler of one app shares."""

    book: StripeBook
    faults: StripeFaults
    replays: Replays = field(default_factory=lambda: Replays())


def desk() -> Desk:
    return cast(Desk, current_app.extensions["stripe_sandbox"])


@dataclass(frozen=True)
class Call:
    """A checked call. `browser` means that it came with the publishable key."""

    account: str
    fields: Mapping[str, Any] = field(repr=False)
    browser: bool

    @property
    def expand(self) -> list[str]:
        return [str(name) for name in self.fields.get("expand", [])]

    def text(self, name: str) -> str | None:
        """A plain field; None when it was not sent or is empty."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise StripeProblem(400, f"Invalid string: {name}", param=name)
        return value or None

    def table(self, name: str) -> dict[str, Any]:
        """A nested field such as `metadata[...]`."""
        value = self.fields.get(name) or {}
        if not isinstance(value, dict):
            raise StripeProblem(400, "Invalid object", code="parameter_invalid_object", param=name)
        return value


def read_call(name: str, *, browser_may: bool = False) -> Call:
    """Check key, account and parameter names of the request at hand. Raises StripeProblem."""
    raw = request.args if request.method == "GET" else request.form
    pairs = [(key, value) for key, values in raw.lists() for value in values]
    browser = _is_browser(browser_may, name)
    fields = unflatten(pairs)
    check_parameters(name, fields, browser=browser)
    account = request.headers.get("Stripe-Account")
    if browser:
        account = account or cast(str | None, fields.get("_stripe_account"))
    return Call(account or PLATFORM, fields, browser)


_REFUND_KEY_MAY = frozenset({"refund.create", "refund.retrieve", "refund.list", "intent.retrieve", "charge.retrieve"})
"""What the second, restricted key was made for."""


def _is_browser(browser_may: bool, name: str) -> bool:
    header = request.headers.get("Authorization", "")
    key = header.removeprefix("Bearer ") if header.startswith("Bearer ") else request.values.get("key", "")
    if not key:
        raise StripeProblem(401, "You did not provide an API key.")
    if _LIVE_KEY.match(key):
        message = "This is a sandbox. It refuses live keys: nothing here may touch real money."
        raise StripeProblem(401, message, code="sandbox_live_key")
    if secrets.compare_digest(key.encode(), desk().book.secret_key.encode()):
        return False
    if secrets.compare_digest(key.encode(), desk().book.refund_key.encode()):
        if name not in _REFUND_KEY_MAY:
            message = f"The provided key '{key[:8]}****' does not have the required permissions for this endpoint."
            raise StripeProblem(403, message, code="more_permissions_required")
        return False
    if not secrets.compare_digest(key.encode(), desk().book.publishable_key.encode()):
        raise StripeProblem(401, f"Invalid API Key provided: {key[:8]}****", code="api_key_invalid")
    g.by_browser = True
    if not browser_may:
        message = "This API call cannot be made with a publishable API key. Please use a secret API key."
        raise StripeProblem(401, message, code="secret_key_required")
    return True


def unflatten(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b]=1` and `a[0]=1` as nested dictionaries and lists."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        if not re.fullmatch(r"[^\[\]]+(\[[^\[\]]*\]){0,6}", name):
            raise StripeProblem(400, "Invalid parameter name", code="parameter_unknown", param=name[:60])
        steps = name.replace("]", "").split("[")
        place: Any = root
        for step in steps[:-1]:
            place = place.setdefault(step, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict) or isinstance(place.get(steps[-1]), dict):
            raise StripeProblem(400, f"Invalid object: {name[:60]}", param=name[:60])
        place[str(len(place)) if steps[-1] == "" else steps[-1]] = value
    return {name: _lists(value) for name, value in root.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(item) for name, item in value.items()}
    return [*inner.values()] if inner and all(name.isdigit() for name in inner) else inner


def language() -> str:
    return language_of(request.accept_languages.best or "en")


def intent_view(intent: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The intent as this caller may see it; a browser reads its last error in its own language."""
    if not call.browser:
        return dict(intent)
    view = browser_view(intent)
    if view["last_payment_error"]:
        view["last_payment_error"] = _spoken(view["last_payment_error"])
    return view


def _spoken(error: Mapping[str, Any]) -> dict[str, Any]:
    code = error.get("code")
    if code is None or not has_refusal(code):
        return dict(error)
    return {**error, "message": refusal_text(language(), code, error.get("decline_code"))}


def problem_answer(problem: StripeProblem) -> tuple[Response, int]:
    """Stripe's error body. A browser gets the reduced intent and its own language."""
    browser = bool(g.get("by_browser"))
    error = _spoken(problem.error) if browser else dict(problem.error)
    if problem.intent is not None:
        error["payment_intent"] = intent_view(problem.intent, Call(PLATFORM, {}, browser))
    return jsonify(error=error), problem.status


def broken_answer() -> Response:
    """An answer that ends before its announced length, as when the connection is lost on the way."""
    answer = Response(b"", content_type="application/json")
    answer.automatically_set_content_length = False
    answer.headers["Content-Length"] = "4096"
    return answer


class Replays:
    """Answers kept for idempotency keys, for each account: the same key and fields give the same answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[str, tuple[bytes, int] | None]] = {}

    def begin(self, account: str, key: str) -> tuple[bytes, int] | None:
        """The kept answer, or None when the caller must now find one and `end` or `forget` it."""
        print_ = _fingerprint()
        with self._lock:
            if (account, key) not in self._kept:
                self._kept[account, key] = (print_, None)
                return None
            earlier, answer = self._kept[account, key]
        if earlier != print_:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            raise StripeProblem(400, message, kind="idempotency_error")
        if answer is None:
            message = "There is currently another in-progress request using this Idempotency Key."
            raise StripeProblem(409, message, kind="idempotency_error", code="idempotency_key_in_use")
        return answer

    def end(self, account: str, key: str, body: bytes, status: int) -> None:
        with self._lock:
            self._kept[account, key] = (self._kept[account, key][0], (body, status))

    def forget(self, account: str, key: str) -> None:
        with self._lock:
            self._kept.pop((account, key), None)


def _fingerprint() -> str:
    fields = sorted((name, values) for name, values in request.form.lists())
    return hashlib.sha256(json.dumps([request.path, fields]).encode()).hexdigest()
