"""Whether the kiosk is set up well: what the doctor says, chargers, sites, stickers, and codes for tablets. For owners.

A page asks nobody. What goes outside is begun by a button, within the budgets, and its answers are shown as they come.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.config.settings import SettingsError
from kiosk.config.sites import Site
from kiosk.domain.desk import Role
from kiosk.domain.finding import Finding
from kiosk.domain.limits import ROUGH_AFTER
from kiosk.service.pairing import LONGEST_NAME, PairingCode, new_code
from kiosk.service.setup import chargers_of
from kiosk.stickers.order import Order, make
from kiosk.web.desk.access import needs, signed_in
from kiosk.web.desk.shell import Room, add_room, page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_setup", __name__)

add_room(45, Room("desk_setup.setup", lambda: _("Set-up"), Role.OWNER))

_LOUD = ("BAD", "note")


@bp.get("/setup")
@needs(Role.OWNER)
def setup() -> ResponseReturnValue:
    return _setup()


@bp.post("/setup")
@needs(Role.OWNER)
def ask() -> ResponseReturnValue:
    """Asks every system that is set, once; the page that follows shows what has come so far."""
    if parts().checkup.ask():
        parts().store.desk.log(signed_in().person.name, "asked_everybody", parts().clock.now())
    return redirect(url_for("desk_setup.setup") + "#asked", 303)


@bp.post("/setup/tablet")
@needs(Role.OWNER)
def tablet() -> ResponseReturnValue:
    """A code for one more screen, shown on this answer alone."""
    site = _site(request.form.get("site", ""))
    try:
        return _setup(code=new_code(parts(), signed_in().person, site, request.form.get("name", "")))
    except SettingsError as error:
        return _setup(problem=str(error), status=422)


@bp.get("/setup/stickers/<site_id>.pdf")
@needs(Role.OWNER)
def stickers(site_id: str) -> ResponseReturnValue:
    """Every charger of a site, one a page, in the usual size. `kiosk stickers` has sizes, sheets and cut marks."""
    site = _site(site_id)
    try:
        made = make(parts().site, parts().settings.public_url, Order(site=site.id, forms=("pdf",)))
    except SettingsError as error:
        return page("desk/not_made.html", 409, why=str(error))
    answer = Response(next(iter(made.files.values())), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="stickers-{site.id}.pdf"'
    return answer


def _setup(code: PairingCode | None = None, problem: str = "", status: int = 200) -> ResponseReturnValue:
    checkup = parts().checkup
    asked = checkup.asked()
    everything = [*checkup.now(), *(asked.findings if asked is not None else ())]
    seen = [site for site in parts().site.sites if signed_in().person.sees(site.id)]
    return page(
        "desk/setup.html",
        status,
        todo=sorted((one for one in everything if one.mark in _LOUD), key=lambda one: _LOUD.index(one.mark)),
        fine=_by_subject([one for one in everything if one.mark not in _LOUD]),
        now=parts().clock.now(),
        asked=asked,
        sites=seen,
        chargers={site.id: chargers_of(parts(), site) for site in seen},
        code=code,
        problem=problem,
        too_rare=ROUGH_AFTER,
        longest_name=LONGEST_NAME,
    )


def _by_subject(findings: list[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(one.about, []).append(one)
    return found


def _site(site_id: str) -> Site:
    site = parts().site.site(site_id)
    if site is None or not signed_in().person.sees(site.id):
        abort(404)
    return site
