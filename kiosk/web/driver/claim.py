"""The phone's side of a hand-off: the page behind the tablet's square code, and the bay given to this phone."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from kiosk.service import visit
from kiosk.store.records import Handoff
from kiosk.web.shared.check_words import phrase_of
from kiosk.web.shared.devices import current_device, ensure_device, keep_device, new_device
from kiosk.web.shared.limits import limit_lookup, limit_write
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import no_store

bp = Blueprint("handoff", __name__)


def claimed_here(handoff_id: str | None, code: str) -> Handoff | None:
    """The hand-off of that charger, when this very browser claimed it a few minutes ago."""
    return visit.claimed_by(parts(), current_device(), handoff_id, code)


def phrase(handoff: Handoff) -> str:
    """The two check words, in the tablet's language."""
    return phrase_of(visit.check_number(parts(), handoff), handoff.language)


@bp.get("/h/<token>")
@limit_lookup
@no_store
def claim_page(token: str) -> ResponseReturnValue:
    """Says what will happen, with the button for it; a script presses it at once. Looking spends nothing."""
    found = visit.scanned(parts(), token, current_device())
    if found is None:
        return _too_old()
    handoff = found.handoff
    if found.mine:
        return _landing(handoff)
    ensure_device()  # with its cookie, the form is accepted also from browsers that hide where it came from
    bay = parts().site.bay_label(handoff.code, handoff.connector_id)
    return render_template(
        "driver/handoff.html", token=token, bay=bay, phrase=phrase(handoff), said_in=handoff.language
    )


@bp.post("/h/<token>")
@limit_write
@no_store
def claim(token: str) -> ResponseReturnValue:
    """Give the bay on the tablet to this phone. One wins; the same one may come again."""
    device = current_device() or new_device()
    handoff = visit.claim(parts(), token, device)
    if handoff is None:
        return _too_old()
    keep_device(device)
    return _landing(handoff)


def _landing(handoff: Handoff) -> ResponseReturnValue:
    return redirect(url_for("driver.charger", code=handoff.code, h=handoff.id), 303)


def _too_old() -> ResponseReturnValue:
    return render_template("driver/handoff_gone.html"), 410
