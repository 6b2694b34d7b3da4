"""Headers on every answer, and the refusal of writes that another site sent. Stripe's sources only on the pay page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Response, g, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Forbidden

from kiosk.config.addresses import is_loopback
from kiosk.config.settings import Settings
from kiosk.web.shared.devices import current_device
from kiosk.web.shared.parts import parts

P = ParamSpec("P")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
EXEMPT = "/webhooks/"
"""Signed by their sender, and never from a browser."""

FOR_MACHINES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by an address or a name of the operator's network, whatever that is."""
ANY_HOST = "*"

HSTS = "max-age=63072000"

_POLICY = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "connect-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
}
_STRIPE = {
    "script-src": ("https://js.stripe.com", "https://*.js.stripe.com"),
    "frame-src": ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
    "connect-src": ("https://api.stripe.com",),
    "img-src": ("https://*.stripe.com",),
}
"""Stripe's security guide. Its maps host serves an element that the kiosk does not use."""


def init_security(app: Flask, settings: Settings) -> None:
    """Refuse foreign writes, and put the headers on every answer. After `init_assets`."""
    sheet: str = app.extensions["sheet_hash"]
    ordinary, paying = headers_of(settings, payment=False), headers_of(settings, payment=True, sheet=sheet)

    def protect(response: Response) -> Response:
        for name, value in paying if g.get("payment", False) else ordinary:
            response.headers[name] = value
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return stay_here(response)

    app.before_request(refuse_foreign_host)
    app.before_request(refuse_foreign_write)
    app.after_request(protect)


def stay_here(response: Response) -> Response:
    """Where the router leads to another spelling of a path, it names the host as the client wrote it. It becomes a path
    alone, kept by no cache: so nobody is led to a host that somebody else named."""
    wanted = urlsplit(response.headers.get("Location", ""))
    if wanted.netloc and wanted.netloc == request.host:
        path = "/" + wanted.path.lstrip("/\\")
        response.headers["Location"] = urlunsplit(("", "", path, wanted.query, wanted.fragment))
        response.headers["Cache-Control"] = "no-store"
    return response


def allow_payment() -> None:
    """Call while rendering the pay page: this answer may load Stripe's script and frames, and bring its sheet along."""
    g.payment = True


def no_store(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
    """Marks a view whose answer holds session data: kept by no cache, and its address told to nobody."""

    @wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Response:
        return keep_private(make_response(view(*args, **kwargs)))

    return wrapped


def keep_private(response: Response) -> Response:
    """What `no_store` does, for an answer in hand."""
    response.headers["Cache-Control"] = "no-store, no-transform" if response.cache_control.no_transform else "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def headers_of(settings: Settings, *, payment: bool, sheet: str = "") -> tuple[tuple[str, str], ...]:
    """The headers of every answer, by name and value; `payment`: of one that may load Stripe's script. `sheet` is the
    hash of the style sheet that such a page may bring along."""
    rows = [
        ("Content-Security-Policy", content_policy(settings, payment=payment, sheet=sheet)),
        ("Permissions-Policy", permissions_policy(settings, payment=payment)),
        ("Cross-Origin-Opener-Policy", "same-origin-allow-popups"),  # banks and wallets open windows
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return (*rows, ("Strict-Transport-Security", HSTS)) if settings.https else tuple(rows)


def content_policy(settings: Settings, *, payment: bool, sheet: str = "") -> str:
    """The Content-Security-Policy of an ordinary page, or of the pay page."""
    sources: dict[str, tuple[str, ...]] = dict(_POLICY)
    if sheet:
        sources["style-src"] = ("'self'", f"'sha256-{sheet}'")
    if payment:
        for name, more in _payment_sources(settings).items():
            sources[name] = (*sources.get(name, ()), *more)
    return "; ".join(f"{name} {' '.join(values)}" for name, values in sources.items())


def permissions_policy(settings: Settings, *, payment: bool) -> str:
    """Nothing is granted but payment, on the pay page, to Stripe's frames."""
    if not payment:
        return "camera=(), geolocation=(), microphone=(), payment=()"
    others = f' "{settings.stripe_js_origin}"' if settings.stripe_js_origin else ""
    return f"camera=(), geolocation=(), microphone=(), payment=(self{others})"


def refuse_foreign_host() -> None:
    """A browser asks under a name of ours. So nothing that is built from the name leads anywhere else, and a page of
    another site whose name was pointed here reads nothing. Raises BadRequest."""
    hosts = parts().settings.hosts
    name = urlsplit(f"//{request.host}").hostname or ""
    if ANY_HOST in hosts or name in hosts or is_loopback(name) or request.path in FOR_MACHINES:
        return
    raise BadRequest


def refuse_foreign_write() -> None:
    """A write must come from a page of the kiosk. Raises Forbidden."""
    if request.method in SAFE_METHODS or request.path.startswith(EXEMPT):
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise Forbidden
        return
    origin = request.headers.get("Origin")
    if origin == "null":
        # An older Safari hides the origin when a form is sent from a page with `no-referrer`. Our own cookie is
        # SameSite=Lax, so a write that carries it was not sent by another site.
        if current_device() is None:
            raise Forbidden
    elif origin not in {parts().settings.public_url, _origin(request.host_url)}:
        raise Forbidden


def _payment_sources(settings: Settings) -> dict[str, tuple[str, ...]]:
    if settings.real_stripe_js:
        return _STRIPE
    if not settings.stripe_js_origin:
        return {"frame-src": ("'self'",)}
    return dict.fromkeys(("script-src", "frame-src", "connect-src"), (settings.stripe_js_origin,))


def _origin(url: str) -> str:
    parsed = urlsplit(url)
    return f"{parsed.scheme}://{parsed.netloc}"
