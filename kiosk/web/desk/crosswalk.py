"""Which site and charger is which one at Plugchoice and at ChargePilot: proposed here, confirmed by an owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from flask import Blueprint, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.domain.crosswalk import Kind, Verdict
from kiosk.domain.desk import Role
from kiosk.service.crosswalk import Crosswalking, Where, decide, look, rows, settled_by_file
from kiosk.web.desk.access import needs, signed_in
from kiosk.web.desk.shell import page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_crosswalk", __name__)

_KINDS: dict[Kind, Callable[[], str]] = {
    Kind.PLUGCHOICE_SITE: lambda: _("Site at Plugchoice"),
    Kind.CHARGEPILOT_SITE: lambda: _("Site at ChargePilot"),
    Kind.STATION: lambda: _("Station at ChargePilot"),
}
_WHERE: dict[Where, Callable[[], str]] = {
    Where.USED: lambda: _("in use"),
    Where.LATER: lambda: _("from the next start of the kiosk on"),
    Where.STILL: lambda: _("in use until the next start of the kiosk"),
    Where.OVERRULED: lambda: _("not used: kiosk.toml says something itself, and goes before it"),
    Where.NOT: lambda: _("rejected, and not proposed again"),
}
_VERDICTS = {"confirm": Verdict.CONFIRMED, "reject": Verdict.REJECTED, "undo": Verdict.OPEN}


@bp.get("/setup/crosswalk")
@needs(Role.OWNER)
def crosswalk() -> ResponseReturnValue:
    """Nobody is asked by it."""
    return _page()


@bp.post("/setup/crosswalk")
@needs(Role.OWNER)
def ask() -> ResponseReturnValue:
    """Looks at both systems once; what is found stands on the page that follows, as soon as it is there."""
    look(parts(), _walking(), signed_in().person)
    return redirect(url_for(".crosswalk"), 303)


@bp.post("/setup/crosswalk/<int:number>")
@needs(Role.OWNER)
def say(number: int) -> ResponseReturnValue:
    verdict = _VERDICTS.get(request.form.get("say", ""))
    if verdict is None or number >= 2**31:
        abort(404)
    try:
        done = decide(parts(), _walking(), signed_in().person, number, verdict)
    except LookupError:
        abort(404)
    if not done:
        return _page(_("Nothing was changed: somebody was quicker, or one of the two is joined otherwise."), 409)
    return redirect(url_for(".crosswalk"), 303)


def _page(problem: str = "", status: int = 200) -> ResponseReturnValue:
    walking, who = _walking(), signed_in().person
    found = rows(parts(), walking, who)
    last = walking.lookout.last()
    return page(
        "desk/crosswalk.html",
        status,
        open_rows=[one for one in found if one.entry.verdict is Verdict.OPEN],
        decided=[one for one in found if one.entry.verdict is not Verdict.OPEN],
        by_file=[
            (subject, _KINDS[Kind(kind)](), value) for subject, kind, value in settled_by_file(walking.configured, who)
        ],
        last=last,
        unsure=[one for one in last.unsure if _seen(one.kind, one.subject)] if last is not None else [],
        kinds={kind: words() for kind, words in _KINDS.items()},
        where={where: words() for where, words in _WHERE.items()},
        problem=problem,
        now=parts().clock.now(),
        zone=parts().site.zone(""),
    )


def _seen(kind: Kind, subject: str) -> bool:
    book, who = parts().site, signed_in().person
    site = book.site_of(subject) if kind is Kind.STATION else book.site(subject)
    return site is not None and who.sees(site.id)


def _walking() -> Crosswalking:
    return cast(Crosswalking, current_app.extensions["kiosk.crosswalk"])
