"""Views of the sessions list that people keep under a name: their own, or for everybody."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.store.access import View
from kiosk.web.desk.access import may_do, needs, signed_in
from kiosk.web.shared.parts import parts

bp = Blueprint("desk_views", __name__)

FILTERS = ("q", "site", "from", "to", "view")
LONGEST_NAME = 40
LONGEST_FILTER = 200


@bp.post("/views")
@needs(Role.VIEWER)
def keep() -> ResponseReturnValue:
    """An address of a driver is never kept. Whoever only reads shares nothing; what is shared is in the log before."""
    form, who = request.form, signed_in().person.name
    chosen = {name: form.get(name, "").strip()[:LONGEST_FILTER] for name in FILTERS}
    chosen = {name: value for name, value in chosen.items() if value}
    name = " ".join(form.get("name", "").split())[:LONGEST_NAME]
    if name and chosen and "@" not in chosen.get("q", ""):
        shared, kept = bool(form.get("shared")) and may_do(Role.SUPPORT), parts().store.access.views_of(who)
        if shared and not any(view.who == who and view.name == name for view in kept):
            parts().store.desk.log(who, "shared_view", parts().clock.now(), subject=name)
        parts().store.access.keep_view(who, name, chosen, shared=shared)
    return redirect(address(chosen), 303)


@bp.post("/views/<int:number>/drop")
@needs(Role.VIEWER)
def drop(number: int) -> ResponseReturnValue:
    who, access = signed_in().person.name, parts().store.access
    theirs = next((view for view in access.views_of(who) if (view.id, view.who) == (number, who)), None)
    if theirs is not None:
        if theirs.shared:
            parts().store.desk.log(who, "dropped_shared_view", parts().clock.now(), subject=theirs.name)
        access.drop_view(number, who)
    return redirect(url_for("desk_sessions.sessions"), 303)


def kept_views() -> list[tuple[View, str, bool]]:
    """For the list: each view, where it leads, and whether it is theirs to drop."""
    who = signed_in().person.name
    return [(view, address(view.chosen), view.who == who) for view in parts().store.access.views_of(who)]


def address(chosen: object) -> str:
    """The list with those filters."""
    known = {name: value for name, value in dict(chosen).items() if name in FILTERS}  # type: ignore[call-overload]
    return url_for("desk_sessions.sessions") + (f"?{urlencode(known)}" if known else "")
