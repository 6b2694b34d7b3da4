"""What one driver chose at a tablet: language, text size, light or dark. It lives in cookies that the reset takes away.

The tablet itself speaks the operator's default language, whatever its browser asks for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask import Response, g, request
from flask.blueprints import BlueprintSetupState

from kiosk.config.languages import named
from kiosk.web.shared.i18n import COOKIE as LANGUAGE
from kiosk.web.shared.i18n import wished
from kiosk.web.shared.parts import parts
from kiosk.web.shared.shown_where import on_tablet

OF_THE_TABLET = frozenset({"tablet", "__Host-tablet", "handoff"})
"""Cookies that say nothing about a driver."""
TEXT, THEME = "text", "theme"
CHOICES = {TEXT: ("normal", "large"), THEME: ("light", "dark")}


@dataclass(frozen=True, slots=True)
class Sight:
    """`large` text or not; `theme` is light, dark or None (as the system says). `chosen`: something is not as usual."""

    large: bool
    theme: str | None
    chosen: bool


def install(state: BlueprintSetupState) -> None:
    """For `Blueprint.record_once`."""
    state.app.before_request(_speak)
    state.app.after_request(_remember)
    state.app.jinja_env.globals.update(sight=sight)


def sight() -> Sight:
    """How this request wants to see the tablet's pages."""
    text, theme = _choice(TEXT), _choice(THEME)
    spoken = wished(request.args.get("lang")) is not None
    return Sight(text == "large", theme, chosen=text == "large" or theme is not None or spoken or _traces())


def _traces() -> bool:
    """The browser carries something besides what the tablet needs: a choice, or the rest of a visit."""
    return any(name not in OF_THE_TABLET for name in request.cookies)


def forget(response: Response, keep: Collection[str]) -> Response:
    """Expire every cookie but `keep`: the tablet's own is there, or the tablet would have to be paired again.

    That is why "cookies" is missing in Clear-Site-Data: the browser would take that one as well.
    """
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    secure = parts().settings.https
    for name in request.cookies:
        if name not in keep and name.isascii() and name.replace("-", "").replace("_", "").isalnum():
            response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
    return response


def forget_visit(response: Response, visit: str) -> Response:
    """Take the visit's cookie alone."""
    if visit in request.cookies:
        response.delete_cookie(visit, path="/", secure=parts().settings.https, httponly=True, samesite="Lax")
    return response


def _choice(name: str) -> str | None:
    asked = (request.args.get(name), request.cookies.get(name))
    return next((one for one in asked if one in CHOICES[name]), None)


def _speak() -> None:
    if not on_tablet():
        return
    asked = map(wished, (request.args.get("lang"), request.cookies.get(LANGUAGE)))
    tag = next((one for one in asked if one is not None), None)
    g.language = named(tag)[0] if tag is not None else parts().site.operator.default_language


def _remember(response: Response) -> Response:
    """Keep what was chosen by a link until the reset, or until the browser ends."""
    if not on_tablet():
        return response
    for name, values in CHOICES.items():
        chosen = request.args.get(name)
        if chosen in values and request.cookies.get(name) != chosen:
            response.set_cookie(name, chosen, secure=parts().settings.https, httponly=True, samesite="Lax", path="/")
    return response
