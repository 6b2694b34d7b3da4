"""The Stripe stand-in's side in the browser: its script, the frames with the card fields, challenge and redirect pages.

Pages carry no inline script or style, follow the host page's appearance and language, and always say "Sandbox".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    send_from_directory,
)

from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.stripe.records import CustomerAction
from kiosk.sandbox.stripe.rules import plain_amount
from kiosk.sandbox.stripe.wire import desk, language
from kiosk.sandbox.stripe.words import LANGUAGES, language_of, words

_ASSETS = Path(__file__).parents[1] / "assets" / "stripe"
_ELEMENTS = {"payment": "payment.html", "expressCheckout": "express.html"}

pages = Blueprint("stripe_pages", __name__)


def _at_stripe() -> bool:
    return request.host.endswith(".stripe.com")


def hooks_base() -> str:
    """Where challenge and redirect pages stand, without a slash at the end."""
    return "https://hooks.stripe.com" if _at_stripe() else request.url_root.rstrip("/")


def _api_base() -> str:
    return "https://api.stripe.com" if _at_stripe() else request.url_root.rstrip("/")


@pages.get("/endive/stripe.js")
@pages.get("/v3/")
def script() -> Response:
    return send_file(_ASSETS / "stripe.js", mimetype="text/javascript", max_age=0)


@pages.get("/sandbox/assets/<name>")
def asset(name: str) -> Response:
    return send_from_directory(_ASSETS, name, max_age=0)


@pages.get("/sandbox/element")
def element() -> Response:
    """The frame of one element. `host` is the origin of the page that holds it; the frame speaks to no other."""
    template = _ELEMENTS.get(request.args.get("type", ""))
    host = request.args.get("host", "")
    if template is None or not _is_origin(host):
        abort(404)
    sources = f"connect-src {_origin_of(_api_base())}"
    return _page(template, sources, host=host, api=_api_base(), **_spoken())


@pages.get("/sandbox/challenge/<token>")
def challenge(token: str) -> Response:
    host = request.args.get("host", "")
    if not _is_origin(host):
        abort(404)
    action = _action(token)
    sources = "connect-src 'self'; form-action 'none'"
    return _page("challenge.html", sources, host=host, amount=_amount(action), open=action.open, **_spoken())


@pages.post("/sandbox/challenge/<token>")
def answer_challenge(token: str) -> Response:
    _action(token)
    desk().book.answer_action(token, complete=_is_complete())
    return Response(status=204)


@pages.get("/sandbox/redirect/<token>")
def leave(token: str) -> Response:
    action = _action(token)
    if not action.open:
        return _back(action)
    # The answer redirects to the shop, and browsers hold redirects of a form against form-action too.
    sources = f"form-action 'self' {_origin_of(action.return_url or '')}; frame-ancestors 'none'"
    return _page("redirect.html", sources, amount=_amount(action), **_spoken())


@pages.post("/sandbox/redirect/<token>")
def answer_redirect(token: str) -> Response:
    _action(token)
    return _back(desk().book.answer_action(token, complete=_is_complete()))


def _action(token: str) -> CustomerAction:
    try:
        return desk().book.customer_action(token)
    except StripeProblem:
        abort(404)


def _is_complete() -> bool:
    outcome = request.form.get("outcome")
    if outcome not in ("complete", "fail"):
        abort(400)
    return outcome == "complete"


def _back(action: CustomerAction) -> Response:
    """To the shop's own page, with the three parameters that Stripe adds."""
    paid = action.intent["status"] in ("requires_capture", "succeeded", "processing")
    parts = urlsplit(action.return_url or "")
    query = [
        *parse_qsl(parts.query, keep_blank_values=True),
        ("payment_intent", action.intent["id"]),
        ("payment_intent_client_secret", action.intent["client_secret"]),
        ("redirect_status", "succeeded" if paid else "failed"),
    ]
    answer = make_response(redirect(urlunsplit(parts._replace(query=urlencode(query))), 303))
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _amount(action: CustomerAction) -> str:
    return plain_amount(action.intent["amount"], action.intent["currency"])


def _spoken() -> dict[str, Any]:
    wanted = request.args.get("locale", "auto")
    chosen = language() if wanted == "auto" else language_of(wanted)
    return {"lang": chosen, "say": words(chosen), "every_word": {each: words(each) for each in LANGUAGES}}


def _page(template: str, sources: str, **values: Any) -> Response:
    answer = make_response(render_template(template, **values))
    policy = f"default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; {sources}"
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and text == _origin_of(text) and not set(parts.netloc) & set(" ;,'\"<>")
