"""What a driver may do at the tablet itself: start and pay there, and find a running charge at its bay again."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from limits import RateLimitItemPerMinute

from kiosk.domain.offer import NoOffer
from kiosk.domain.unpaid import NotYet
from kiosk.service.start import begin
from kiosk.service.visit import findable, prove_owner
from kiosk.web.shared.devices import current_device, ensure_device, keep_device, new_device
from kiosk.web.shared.limits import limiter
from kiosk.web.shared.network import this_network
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import no_store
from kiosk.web.shared.shown_where import bay_url
from kiosk.web.shared.text import _
from kiosk.web.tablet.may_show import may_pay_here
from kiosk.web.tablet.pairing import own_code_or_404, tablet_only, this_tablet
from kiosk.web.tablet.screens import paired, stall_or_404, watched_board

TRIES = RateLimitItemPerMinute(3)
"""Wrong codes at one bay, by all who type there together. Nobody guesses one of a million at that pace while a car
charges, and who mistyped, or comes after somebody who played with it, waits a minute at most."""
limit_visit_start = limiter.shared_limit("10 per minute; 100 per hour", scope="start", key_func=this_tablet)
limit_visit = limiter.shared_limit("60 per minute", scope="visit", key_func=this_tablet)
"""By tablet, so that nobody else behind the site's address uses up what its screen may ask."""
WHY = {
    NoOffer.NOT_OURS: "anothers",
    NoOffer.OWNER_UNKNOWN: "whose",
    NoOffer.NO_CARD: "unread",
    NoOffer.OLD: "unread",
    NoOffer.UNPRICED: "unpriced",
    NoOffer.UNKNOWN_BAY: "no-bay",
    NoOffer.NOT_FREE: "taken",
    NoOffer.NOT_USABLE: "unusable",
    NoOffer.PRICE_OLD: "again",
    NoOffer.TERMS_CHANGED: "changed",
}
"""Reasons with a sentence of their own on the bay's page. Every other one is "not now"."""
WRONG = ("code", "tries")
"""Why typed digits were not taken."""

bp = Blueprint("tablet_visit", __name__, url_prefix="/tablet")


def install(state: BlueprintSetupState) -> None:
    """For `Blueprint.record_once`: what the page of a bay may ask."""
    state.app.jinja_env.globals.update(may_pay_here=may_pay_here, said=said)


bp.record_once(install)


def said(why: str | None) -> str:
    """The sentence for a refused wish, which comes back in the address of the bay's page."""
    return {
        "anothers": _("This charger belongs to another operator. Its label says how to pay there. Nothing is held."),
        "whose": _("We cannot find out just now whether this charger is one of ours. Nothing is held."),
        "unread": _("We cannot ask this charger just now. Nothing is held. Please try once more in a moment."),
        "unpriced": _("The price of this bay cannot be read, so nothing is sold here. Nothing is held."),
        "no-bay": _("This charger does not have that bay. Please choose one."),
        "taken": _("This bay was taken a moment ago. Please choose another one."),
        "unusable": _("That bay cannot be used now. Please choose another one."),
        "changed": _("The price or the hold has just changed. Please read it again."),
        "again": _("We are asking for the price again. Please try once more in a moment."),
        "not-now": _("Starting is not possible here just now. Nothing is held."),
        "code": _("That is not the code of this charge. You find it on the phone that started it."),
        "tries": _("Too many wrong codes at this bay. Wait a minute, use your phone, or unplug the cable at the car."),
    }.get(why or "", "")


@bp.post("/bay/<code>/<int:connector_id>/start")
@limit_visit_start
@tablet_only
@no_store
def start(code: str, connector_id: int) -> ResponseReturnValue:
    """Start here, to pay on this screen. Only where the operator has chosen that."""
    own_code_or_404(code)
    if not may_pay_here():
        abort(404)
    device = current_device() or new_device()
    seen = request.form.get("seen")
    begun = begin(parts(), code, connector_id, device=device, network=this_network(), on_site=True, seen=seen)
    if isinstance(begun, NoOffer):
        return _back(code, connector_id, WHY.get(begun, "not-now"))
    if isinstance(begun, NotYet):
        return _back(code, connector_id, "not-now")
    if begun.new:
        keep_device(device)
    return redirect(url_for("tablet_sessions.session_page", key=begun.key), 303)


@bp.get("/bay/<code>/<int:connector_id>/owner")
@limit_visit
@tablet_only
@no_store
def find(code: str, connector_id: int) -> ResponseReturnValue:
    """Where a driver types the six digits of the charge at this bay; the bay itself when none can be found that way."""
    own_code_or_404(code)
    stall = stall_or_404(watched_board(paired()[1]).board, code, connector_id)
    if stall.usable or findable(parts(), code, connector_id) is None:
        why = request.args.get("why")
        return _back(code, connector_id, why) if why in WRONG else redirect(bay_url(code, connector_id), 303)
    return render_template("tablet/find.html", stall=stall)


def _bay() -> str:
    values = request.view_args or {}
    return f"{values.get('code')}/{values.get('connector_id')}"


@bp.post("/bay/<code>/<int:connector_id>/owner")
@limit_visit
@tablet_only
@no_store
def owner(code: str, connector_id: int) -> ResponseReturnValue:
    """Show the session at this bay to a driver who knows its code."""
    own_code_or_404(code)
    typed = request.form.get("code", "")[:40]
    if not typed.strip():  # nothing was typed, or nothing could be read: that is no wrong code
        return _find_again("code")
    if not limiter.limiter.test(TRIES, "stop-code", _bay()):
        return _find_again("tries")
    key = prove_owner(parts(), code, connector_id, typed, ensure_device)
    if key is None:
        limiter.limiter.hit(TRIES, "stop-code", _bay())
        return _find_again("code")
    return redirect(url_for("tablet_sessions.session_page", key=key), 303)


def _back(code: str, connector_id: int, why: str) -> ResponseReturnValue:
    return redirect(f"{bay_url(code, connector_id)}?why={why}", 303)


def _find_again(why: str) -> ResponseReturnValue:
    return redirect(f"{request.path}?why={why}", 303)
