"""Keys of the JSON interface: owners make them here, see them once, and revoke them."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.service.api_keys import LONGEST_NAME, CannotMake, Scope, make_key, revoke_key
from kiosk.store.access import ApiKey
from kiosk.web.desk.access import confirmed, needs, signed_in
from kiosk.web.desk.shell import page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_keys", __name__)

_WHY = {
    "no_name": lambda: _("Give it a name: what it is for."),
    "no_scope": lambda: _("Choose what it may read."),
}


@bp.get("/keys")
@needs(Role.OWNER)
def keys() -> ResponseReturnValue:
    return _keys()


@bp.post("/keys")
@needs(Role.OWNER)
def make() -> ResponseReturnValue:
    """Whoever is limited to sites makes keys for these alone."""
    if not confirmed():
        return redirect(url_for("desk_account.confirm_page", after=url_for(".keys")), 303)
    form, own = request.form, signed_in().person.sites
    scopes = {scope for scope in Scope if scope.value in form.getlist("scope")}
    chosen = {site.id for site in parts().site.sites if site.id in form.getlist("site")}
    sites = chosen or None if own is None else chosen & own or own
    try:
        key = make_key(parts(), signed_in().person.name, form.get("name", ""), scopes, sites)
    except CannotMake as error:
        return _keys(_WHY[error.why](), 422)
    return page("desk/key.html", key=key)


@bp.post("/keys/<int:number>/revoke")
@needs(Role.OWNER)
def revoke(number: int) -> ResponseReturnValue:
    """No password again: whoever has lost a key is in a hurry."""
    if number < 2**31 and any(one.id == number for one in _seen()):
        revoke_key(parts(), signed_in().person.name, number)
    return redirect(url_for(".keys"), 303)


def _seen() -> list[ApiKey]:
    """Those of the sites that the person sees."""
    own = signed_in().person.sites
    return [
        one for one in parts().store.access.all_keys() if own is None or (one.sites is not None and one.sites <= own)
    ]


def _keys(problem: str = "", status: int = 200) -> ResponseReturnValue:
    own = signed_in().person.sites
    return page(
        "desk/keys.html",
        status,
        keys=_seen(),
        scopes=[scope.value for scope in Scope],
        sites=[site for site in parts().site.sites if own is None or site.id in own],
        limited=own is not None,
        problem=problem,
        longest=LONGEST_NAME,
        now=parts().clock.now(),
        zone=parts().site.zone(""),
        asks_password=not confirmed(),
        confirm_address=url_for("desk_account.confirm_page", after=request.path),
    )
