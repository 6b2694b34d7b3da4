"""Who asks: the bearer key of a request, what it may read, and how often.

There is no cookie and no other origin here: a browser of another site gets no answer that it could read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from kiosk.service.api_keys import Scope, whose_key
from kiosk.store.access import ApiKey
from kiosk.web.shared.limits import client_address, limiter
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import keep_private

V = TypeVar("V", bound=Callable[..., ResponseReturnValue])

_NO_KEY = 401
CHALLENGE = 'Bearer realm="kiosk"'


def key_or_network() -> str:
    """A key that opens something is counted by itself; everybody else by their network."""
    key = this_key()
    return client_address() if key is None else f"key {key.id}"


limit_api = limiter.shared_limit("300 per minute", scope="api", key_func=key_or_network)
limit_wrong_keys = limiter.shared_limit(
    "30 per minute",
    scope="api-wrong",
    key_func=key_or_network,
    deduct_when=lambda answer: answer.status_code == _NO_KEY,
)
"""What opens nothing. A key that does is never counted here, whatever others try from the same network."""


def needs_key(scope: Scope) -> Callable[[V], V]:
    """Marks a view that a key of that scope may ask for. Below the limits, so that they count what is refused."""

    def mark(view: V) -> V:
        @wraps(view)
        def guarded(*args: object, **path: object) -> ResponseReturnValue:
            return refused(scope) or view(*args, **path)

        guarded.__dict__.update(scope=scope)
        return cast("V", guarded)

    return mark


def this_key() -> ApiKey | None:
    """The key of this request; looked up once."""
    if "api_key" not in g:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        g.api_key = whose_key(parts(), key.strip()) if scheme.lower() == "bearer" else None
    found: ApiKey | None = g.api_key
    return found


def seen_codes() -> tuple[str, ...] | None:
    """The codes of the chargers that the key may see; None: all of them, listed or not."""
    key = this_key()
    sites = key.sites if key is not None else frozenset[str]()
    if sites is None:
        return None
    return tuple(one.code for site in parts().site.sites if site.id in sites for one in site.chargers)


def sees_code(code: str) -> bool:
    codes = seen_codes()
    return codes is None or code in codes


def problem(status: int, word: str, text: str) -> Response:
    """Why there is no answer: a word for the program, a sentence for whoever reads its log."""
    answer = jsonify(error=word, message=text)
    answer.status_code = status
    if status == _NO_KEY:
        answer.headers["WWW-Authenticate"] = CHALLENGE
    return keep_private(answer)


def refused(scope: Scope) -> Response | None:
    """Why this request is not answered; None: it is."""
    key = this_key()
    if key is None:
        return problem(_NO_KEY, "no_key", "Show a key that was made at the desk: Authorization: Bearer kiosk_…")
    if scope not in key.scopes:
        return problem(403, "not_allowed", f"This key may not read {scope.value}: make another one at the desk.")
    return None
