"""Which tablet asks: pairing with a one-use code, the signed cookie with its key, and views for paired tablets only.

The newest secret key signs the cookie. One that an older key signed, or that is a day old, is given anew with the
answer, so that a tablet stays paired for as long as it is in use.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import ParamSpec

from flask import Blueprint, Flask, Response, abort, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer

from kiosk.domain import codes
from kiosk.service.visit import Standing, belongs_to, identify
from kiosk.store.records import Tablet
from kiosk.web.shared.errors import refusal, wants_json
from kiosk.web.shared.i18n import write_as_in
from kiosk.web.shared.limits import client_address, limit_pairing
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import keep_private, no_store
from kiosk.web.shared.shown_where import TABLET, on_tablet
from kiosk.web.shared.text import _

P = ParamSpec("P")

COOKIE_SECONDS = 400 * 24 * 3600
"""The longest that browsers keep a cookie."""
RENEW_SECONDS = 24 * 3600
_KEY_BYTES = 32
_SALT = "kiosk.tablet"

bp = Blueprint("tablets", __name__)


def init_tablets(app: Flask) -> None:
    """Hook every request of the app: what stands under `/tablet/` comes from blueprints of three wings.

    A request for anything else passes through: `_load_again_from_here` asks for the address first, and only what a
    tablet asked has a cookie to give or to take.
    """
    app.before_request(_load_again_from_here)
    app.after_request(_give)


def cookie_name() -> str:
    """The `__Host-` form makes browsers insist on TLS and on this very host."""
    return "__Host-tablet" if parts().settings.https else "tablet"


def current_tablet() -> Tablet | None:
    """The tablet that asks; None for any other browser, and for one that was unpaired or whose site is gone."""
    return _known()[0]


def standing() -> Standing:
    return _known()[1]


def tablet_only(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Marks a view for paired tablets. Any other browser is led to the pairing page, a script gets 401."""

    @wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if current_tablet() is not None:
            return view(*args, **kwargs)
        if wants_json():
            return keep_private(refusal("not_paired", 401))
        return keep_private(make_response(redirect(TABLET, 303)))

    return wrapped


def this_tablet() -> str:
    """What limits count for: the tablet that asks, or the network of a browser that is none."""
    tablet = current_tablet()
    return client_address() if tablet is None else f"tablet {tablet.id}"


def own_code_or_404(code: str) -> str:
    """The code, when that charger belongs to the site of the tablet that asks. A tablet sees only its site."""
    tablet = current_tablet()
    if tablet is None or not belongs_to(parts(), tablet, code):
        abort(404)
    return code


def pairing_page(error: str = "", status: int = 200) -> Response:
    """The form for the one-use code. A tablet that was unpaired reads so once, and forgets its key."""
    now = standing()
    page = render_template("tablet/pair.html", standing=now.value, error=error)
    if now is Standing.UNPAIRED:
        g.take_tablet = True
    return keep_private(make_response(page, status))


@bp.get("/tablet/pair")
@no_store
def pair_page() -> ResponseReturnValue:
    """Where the form's own address leads when it is loaded again."""
    return redirect(TABLET, 303) if current_tablet() is not None else pairing_page()


@bp.post("/tablet/pair")
@limit_pairing
@no_store
def pair() -> ResponseReturnValue:
    """Spend the code and give this browser a key of its own. What it was before, it is no longer."""
    typed = codes.normalise(request.form.get("code", ""))
    if not typed:
        return pairing_page(_("Please type the pairing code."), 422)
    before, key = current_tablet(), secrets.token_urlsafe(_KEY_BYTES)
    now = parts().clock.now()
    tablet = parts().store.pair(typed, key, now, replaces=before.id if before is not None else None)
    if tablet is None:
        return pairing_page(_("This code is wrong, used or too old. Make a new one and type it here."), 422)
    g.tablet, g.tablet_key, g.give_tablet = (tablet, Standing.PAIRED), key, True
    return redirect(TABLET, 303)


def _load_again_from_here() -> ResponseReturnValue | None:
    """A browser that comes from another site, such as a bank's, keeps a strict cookie back: so the page loads itself
    once more, and then it is the kiosk's own page that asks.
    """
    from_elsewhere = request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}
    navigates = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if not (on_tablet() and navigates and from_elsewhere) or cookie_name() in request.cookies:
        return None
    return keep_private(make_response(render_template("tablet/again.html")))


def _known() -> tuple[Tablet | None, Standing]:
    if "tablet" not in g:
        g.tablet = _look_up()
    known: tuple[Tablet | None, Standing] = g.tablet
    return known


def _look_up() -> tuple[Tablet | None, Standing]:
    opens_a_page = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and not wants_json()
    key = _read(request.cookies.get(cookie_name()))
    found = identify(parts(), key, version("charge-kiosk") if opens_a_page else None)
    site = parts().site.site(found[0].site_id) if found[0] is not None else None
    if site is not None:
        write_as_in(site.country)
    return found


def _read(cookie: str | None) -> str | None:
    """The key in the cookie. It is given anew when it is a day old or signed with an older secret."""
    if not cookie:
        return None
    secret_keys = parts().settings.secret_keys
    for newest, secret in zip((True, *(False for _key in secret_keys)), secret_keys, strict=False):
        try:
            content = _serializer(secret).loads(cookie)
        except BadData:
            continue
        match content:
            case {"tablet": str(key), "issued": int(issued)}:
                g.tablet_key = key
                g.give_tablet = not newest or not 0 <= _now() - issued < RENEW_SECONDS * parts().clock.rate
                return key
    return None


def _give(response: Response) -> Response:
    if g.get("take_tablet", False):
        response.delete_cookie(cookie_name(), secure=parts().settings.https, httponly=True, samesite="Strict")
    elif g.get("give_tablet", False):
        response.set_cookie(
            cookie_name(),
            _serializer(parts().settings.secret_keys[0]).dumps({"tablet": g.tablet_key, "issued": _now()}),
            COOKIE_SECONDS,
            secure=parts().settings.https,
            httponly=True,
            samesite="Strict",
            path="/",
        )
    return response


def _now() -> int:
    return int(parts().clock.now().timestamp())


def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=_SALT)
