"""Who is at the desk: the cookies of a browser, and what each view asks of the person in front of it.

Everything under `/desk` is closed unless its view says what it needs, by `needs` or `open_to_strangers`. Whoever is not
signed in is led to the sign-in, whoever may too little gets a 403 that says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer

from kiosk.domain.desk import Person, Role, SignedIn, is_confirmed, may
from kiosk.service.desk_people import who_is
from kiosk.web.shared.errors import refusal, wants_json
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import keep_private
from kiosk.web.shared.shown_where import DESK, on_desk

V = TypeVar("V", bound=Callable[..., ResponseReturnValue])

BROWSER_SECONDS = 180 * 24 * 3600
"""So long a browser is known in which somebody has signed in."""
_MOST_NAMES = 8
_SALT = "kiosk.desk.browser"


def init_desk(app: Flask) -> None:
    app.before_request(_guard)
    app.after_request(_private)
    app.jinja_env.globals.update(
        demo_sign_in=None,
        demo_support=None,
        person=person,
        may_do=may_do,
        desk_directory=lambda: parts().directory is not None,
        desk_passwords=lambda: parts().settings.desk_passwords,
    )


def needs(role: Role, *, by_itself: bool = False) -> Callable[[V], V]:
    """Marks a view of the desk for people of at least that role. `by_itself`: pages ask for it without a person."""

    def mark(view: V) -> V:
        view.__dict__.update(needed=role, by_itself=by_itself)
        return view

    return mark


def open_to_strangers(view: V) -> V:
    """Marks a view of the desk that needs nobody: the sign-in."""
    view.__dict__.update(needed=None)
    return view


def signed_in() -> SignedIn:
    """Whoever is signed in here. Only for views that need somebody."""
    found: SignedIn = g.signed_in
    return found


def still_signed_in() -> bool:
    """The person of this request may still be here: asked again by what stays open longer than a page takes."""
    token = request.cookies.get(_token_cookie())
    return token is not None and who_is(parts(), token, asked_for=False) is not None


def whoever() -> SignedIn | None:
    """Whoever is signed in here, if anybody is: for views that are open to strangers."""
    found: SignedIn | None = g.get("signed_in")
    return found


def person() -> Person | None:
    """Whoever is signed in, for templates; None on a page for strangers."""
    found: SignedIn | None = g.get("signed_in")
    return found.person if found is not None else None


def may_do(role: str) -> bool:
    """Whether whoever is signed in has that role or more."""
    who = person()
    return who is not None and may(who.role, Role(role))


def sees_code(code: str) -> bool:
    """The person may see what happens at the charger of that code."""
    site = parts().site.site_of(code)
    return signed_in().person.sees(site.id if site is not None else None)


def seen_codes() -> tuple[str, ...] | None:
    """The codes of the chargers that the person may see; None: all of them, listed or not."""
    sites = signed_in().person.sites
    if sites is None:
        return None
    return tuple(one.code for site in parts().site.sites if site.id in sites for one in site.chargers)


def confirmed() -> bool:
    """The password was typed here a moment ago."""
    return is_confirmed(signed_in(), parts().clock.now(), parts().clock.rate)


def keep_token(response: Response, token: str) -> Response:
    """This browser is signed in from now on. The store says for how long."""
    return _set(response, _token_cookie(), token)


def forget_token(response: Response) -> Response:
    response.delete_cookie(_token_cookie(), path="/", secure=parts().settings.https, httponly=True, samesite="Lax")
    return response


def known_browser(name: str) -> str | None:
    """What this browser is known by when the person of that name has signed in here before."""
    browser, names = _browser()
    return browser if browser is not None and name.strip().lower() in names else None


def remember_browser(response: Response, name: str) -> Response:
    """From now on wrong tries elsewhere do not keep that person out of this browser."""
    browser, names = _browser()
    names = [name, *(one for one in names if one != name)][:_MOST_NAMES]
    content = {"browser": browser or secrets.token_urlsafe(16), "names": names}
    return _set(response, _browser_cookie(), _serializer().dumps(content), BROWSER_SECONDS)


def own_path(wanted: str) -> str:
    """The page of the desk that somebody wanted before they signed in; the first page for anything else."""
    parsed = urlsplit(wanted)
    ours = wanted.startswith(DESK) and not parsed.netloc and not parsed.scheme and "\\" not in wanted
    return wanted if ours and wanted.isprintable() else DESK


def _guard() -> ResponseReturnValue | None:
    """Nothing under `/desk` is seen by whoever may not see it."""
    if not on_desk():
        return None
    view = current_app.view_functions.get(request.endpoint or "")
    token = request.cookies.get(_token_cookie())
    if view is None:  # there is no such page; the error page says so, in the frame of whoever asks
        g.signed_in = who_is(parts(), token, asked_for=False) if token else None
        return None
    marks = view.__dict__
    if "needed" not in marks:
        abort(404)
    needed: Role | None = marks["needed"]
    found = who_is(parts(), token, asked_for=not marks.get("by_itself", False)) if token else None
    g.signed_in = found
    if needed is None or (found is not None and may(found.person.role, needed)):
        return None
    if found is not None:
        return _too_little(needed)
    if wants_json():
        return refusal("not_signed_in", 401)
    after = request.full_path.rstrip("?") if request.method == "GET" else DESK
    return redirect(url_for("desk.sign_in_page", after=after), 303)


def _too_little(needed: Role) -> Response:
    if wants_json():
        return refusal("not_allowed", 403)
    return make_response(render_template("desk/not_allowed.html", needed=needed.value), 403)


def _private(response: Response) -> Response:
    return keep_private(response) if on_desk() else response


def _browser() -> tuple[str | None, list[str]]:
    try:
        content = _serializer().loads(request.cookies.get(_browser_cookie(), ""))
    except BadData:
        return None, []
    match content:
        case {"browser": str(browser), "names": list(names)}:
            return browser, [str(name) for name in names]
    return None, []


def _serializer() -> URLSafeSerializer:
    # itsdangerous signs with the last key of its list.
    return URLSafeSerializer(list(reversed(parts().settings.secret_keys)), salt=_SALT)


def _token_cookie() -> str:
    """The `__Host-` form makes browsers insist on TLS and on this very host."""
    return "__Host-desk" if parts().settings.https else "desk"


def _browser_cookie() -> str:
    return "__Host-desk-browser" if parts().settings.https else "desk-browser"


def _set(response: Response, name: str, value: str, seconds: int | None = None) -> Response:
    secure = parts().settings.https
    response.set_cookie(name, value, seconds, secure=secure, httponly=True, samesite="Lax", path="/")
    return response
