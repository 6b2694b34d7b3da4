"""Signing in at the desk, and out of it."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.service.desk_people import NotEntered, Refused, sign_in, sign_out
from kiosk.web.desk.access import (
    forget_token,
    keep_token,
    known_browser,
    needs,
    open_to_strangers,
    own_path,
    person,
    remember_browser,
    signed_in,
)
from kiosk.web.shared.formats import duration
from kiosk.web.shared.limits import client_address
from kiosk.web.shared.parts import parts
from kiosk.web.shared.shown_where import DESK
from kiosk.web.shared.text import _

bp = Blueprint("desk", __name__)


@bp.get("/sign-in")
@open_to_strangers
def sign_in_page() -> ResponseReturnValue:
    after = own_path(request.args.get("after", DESK))
    if person() is not None:
        return redirect(after, 303)
    return render_template("desk/sign_in.html", after=after, name="", problem="", wants_code=False)


@bp.post("/sign-in")
@open_to_strangers
def enter() -> ResponseReturnValue:
    form = request.form
    name, after = form.get("name", ""), own_path(form.get("after", DESK))
    found = sign_in(
        parts(),
        name,
        form.get("password", ""),
        form.get("code", ""),
        network=client_address(),
        browser=known_browser(name),
    )
    if isinstance(found, NotEntered):
        wants_code = found.why is Refused.CODE or bool(form.get("code"))
        page = render_template(
            "desk/sign_in.html", after=after, name=name[:100], problem=_said(found), wants_code=wants_code
        )
        return make_response(page, {Refused.WAIT: 429, Refused.OFF: 403}.get(found.why, 422))
    return remember_browser(keep_token(make_response(redirect(after, 303)), found.token), found.person.name)


@bp.post("/sign-out")
@needs(Role.VIEWER)
def leave() -> ResponseReturnValue:
    sign_out(parts(), signed_in(), everywhere=bool(request.form.get("everywhere")))
    return forget_token(make_response(redirect(DESK, 303)))


def _said(found: NotEntered) -> str:
    """Why nobody was let in. Never whether there is anybody of that name."""
    match found.why:
        case Refused.CODE:
            return _("Now type the code that your app shows, or a recovery code, and your password again.")
        case Refused.WAIT:
            left = found.until - parts().clock.now() if found.until is not None else timedelta(0)
            wait = duration(left / parts().clock.rate + timedelta(seconds=1))
            return _("Too many wrong tries from here. The next one is taken in %(wait)s.", wait=wait)
        case Refused.OFF:
            return _("Nobody signs in with a password here: sign in with your directory.")
        case Refused.BUSY:
            return _("Many people try to sign in just now. Try again in a moment.")
        case Refused.WRONG:
            return _("Name, password or code is wrong.")
