"""The browser as the owner of a session: one signed cookie with a random id, nothing else about it.

On a site's tablet the id stands for one visit, not for the device: its cookie is another one, ends with the browser and
is taken away when the next driver's turn comes.

The newest secret key signs, every key in the list verifies. A cookie that no key verifies counts as no cookie. The
time of issue is inside and may lie ahead: a kiosk that starts with an earlier clock must not part drivers from their
sessions.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import lru_cache

from flask import Flask, Response, g, request
from itsdangerous import BadData, URLSafeSerializer

from kiosk.web.shared.parts import parts
from kiosk.web.shared.shown_where import on_tablet

COOKIE_SECONDS = 30 * 24 * 3600
WITH_COOKIE = "cookie"
"""In the address of a request that is asked again with the cookie: `url_for(…, cookie=1)`."""
_ID_BYTES = 32
_SALT = "kiosk.device"
_VISIT = "kiosk.visit"


def init_devices(app: Flask) -> None:
    app.after_request(_give)


def cookie_name() -> str:
    """The `__Host-` form makes browsers insist on TLS and on this very host."""
    return visit_cookie() if on_tablet() else phone_cookie()


def phone_cookie() -> str:
    """The cookie of the driver's own device, whatever asks."""
    return _hosted("driver")


def visit_cookie() -> str:
    """The cookie of a visit at a tablet."""
    return _hosted("visit")


def _hosted(name: str) -> str:
    return f"__Host-{name}" if parts().settings.https else name


def current_device() -> str | None:
    """The id in this browser's cookie; None without one, or with one that is forged, too old or of a removed key."""
    if "device" not in g:
        g.device = _read(request.cookies.get(cookie_name()))
    device: str | None = g.device
    return device


def gets_its_cookie() -> bool:
    """A first start of a browser: it is answered with a cookie, and asked again.

    What only its owner may have later is not begun before the browser has shown that it keeps its cookie.
    """
    own_start = request.endpoint == "driver.start"
    return own_start and current_device() is None and WITH_COOKIE not in request.args


def new_device() -> str:
    """An id for a browser that has none. It is the browser's only once `keep_device` was called."""
    return secrets.token_urlsafe(_ID_BYTES)


def keep_device(device: str) -> None:
    """This browser has that id from now on: its cookie comes with the answer and lives its full time."""
    g.device = device
    g.give_device = True


def ensure_device() -> str:
    """The id of this browser, given to it with the answer when it has none. The cookie then lives its full time."""
    device = current_device() or new_device()
    keep_device(device)
    return device


def _read(cookie: str | None) -> str | None:
    if not cookie:
        return None
    signed = _signed(cookie, tuple(parts().settings.secret_keys), _salt())
    if signed is None:
        return None
    device, issued = signed
    return device if _now() - issued <= COOKIE_SECONDS * parts().clock.rate else None


@lru_cache(maxsize=4096)
def _signed(cookie: str, keys: tuple[str, ...], salt: str) -> tuple[str, int] | None:
    """Device and time of issue, as one of the keys signed them; kept, because a page that polls sends it every time."""
    try:
        content = _serializer(keys, salt).loads(cookie)
    except BadData:
        return None
    match content:
        case {"device": str(device), "issued": int(issued)}:
            return device, issued
    return None


def _salt() -> str:
    return _VISIT if on_tablet() else _SALT


def _now() -> int:
    """Seconds of the kiosk's clock. In the demo they are shorter than those in which a browser counts."""
    return int(parts().clock.now().timestamp())


def _give(response: Response) -> Response:
    if g.get("give_device", False):
        response.set_cookie(
            cookie_name(),
            _serializer(parts().settings.secret_keys, _VISIT if on_tablet() else _SALT).dumps(
                {"device": g.device, "issued": _now()}
            ),
            None if on_tablet() else COOKIE_SECONDS,
            secure=parts().settings.https,
            httponly=True,
            samesite="Lax",
            path="/",
        )
    return response


def _serializer(keys: Sequence[str], salt: str) -> URLSafeSerializer:
    # itsdangerous signs with the last key of its list.
    return URLSafeSerializer(list(reversed(keys)), salt=salt)
