"""A person's own page at the desk: password, one-time codes, other browsers; the password again before money moves."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.service.desk_people import (
    change_password,
    confirm_password,
    new_secret,
    secret_uri,
    turn_off_codes,
    turn_on_codes,
)
from kiosk.web.desk.access import confirmed, forget_token, needs, own_path, signed_in
from kiosk.web.desk.shell import page
from kiosk.web.shared.formats import duration
from kiosk.web.shared.parts import parts
from kiosk.web.shared.qr import qr_svg
from kiosk.web.shared.shown_where import DESK
from kiosk.web.shared.text import _

bp = Blueprint("desk_account", __name__)


@bp.get("/account")
@needs(Role.VIEWER)
def own() -> ResponseReturnValue:
    return _own()


@bp.post("/account/password")
@needs(Role.VIEWER)
def new_password() -> ResponseReturnValue:
    form = request.form
    if form.get("new", "") != form.get("again", ""):
        return _own(_("The two new passwords are not the same: nothing was changed."))
    problem = change_password(parts(), signed_in(), form.get("old", ""), form.get("new", ""))
    if problem is not None:
        return _own(problem)
    return forget_token(make_response(redirect(DESK, 303)))


@bp.post("/account/codes")
@needs(Role.VIEWER)
def codes_page() -> ResponseReturnValue:
    """A new secret for an app, to be proven by a first code. Nothing has changed yet."""
    if not confirmed():
        return redirect(url_for("desk_account.confirm_page", after=url_for("desk_account.own")), 303)
    return _codes(new_secret())


@bp.post("/account/codes/on")
@needs(Role.VIEWER)
def codes_on() -> ResponseReturnValue:
    if not confirmed():
        return redirect(url_for("desk_account.confirm_page", after=url_for("desk_account.own")), 303)
    secret = request.form.get("secret", "")
    if not _is_secret(secret):
        return _own(_("That took too long: begin again."))
    recovery = turn_on_codes(parts(), signed_in(), secret, request.form.get("code", ""))
    if recovery is None:
        return _codes(
            secret, _("That is not the code of this moment. Look at your app, and at the clock of your phone.")
        )
    return page("desk/recovery.html", codes=recovery)


@bp.post("/account/codes/off")
@needs(Role.VIEWER)
def codes_off() -> ResponseReturnValue:
    if not confirmed():
        return redirect(url_for("desk_account.confirm_page", after=url_for("desk_account.own")), 303)
    turn_off_codes(parts(), signed_in())
    return redirect(url_for("desk_account.own"), 303)


@bp.get("/confirm")
@needs(Role.VIEWER)
def confirm_page() -> ResponseReturnValue:
    """The password once more. Where it leads afterwards, the act is previewed anew."""
    return page("desk/confirm.html", after=own_path(request.args.get("after", DESK)), problem="")


@bp.post("/confirm")
@needs(Role.VIEWER)
def confirm() -> ResponseReturnValue:
    after = own_path(request.form.get("after", DESK))
    right = confirm_password(parts(), signed_in(), request.form.get("password", ""))
    if right is True:
        return redirect(after, 303)
    if isinstance(right, datetime):
        wait = duration((right - parts().clock.now()) / parts().clock.rate + timedelta(seconds=1))
        said = _("Too many wrong tries. The next one is taken in %(wait)s.", wait=wait)
        return page("desk/confirm.html", 429, after=after, problem=said)
    return page("desk/confirm.html", 422, after=after, problem=_("That is not your password."))


def _own(problem: str = "") -> ResponseReturnValue:
    who = signed_in().person
    left = parts().store.desk.recovery_left(who.id) if who.second else 0
    browsers = parts().store.desk.browsers_of(who.id)
    status = 422 if problem else 200
    return page("desk/account.html", status, me=who, problem=problem, recovery_left=left, browsers=browsers)


def _codes(secret: str, problem: str = "") -> ResponseReturnValue:
    name = f"{parts().site.operator.name} desk"
    picture = qr_svg(secret_uri(secret, signed_in().person.name, name), _("Square code for your app"))
    return page("desk/codes.html", 422 if problem else 200, secret=secret, picture=picture, problem=problem)


def _is_secret(text: str) -> bool:
    """One that this page has made: 160 bits in base32."""
    return len(text) == 32 and all(sign in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for sign in text)
