"""What a driver may do at the tablet itself: start and pay there, and find a running charge at its bay again."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from flask import Blueprint, abort, redirect, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from limits import RateLimitItemPerHour

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.news.live import session_topic
from kiosk.web.driver.charger import NotBegun, begin
from kiosk.web.driver.landing import terms_of
from kiosk.web.shared.devices import current_device, ensure_device
from kiosk.web.shared.limits import limit_start, limit_write, limiter
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import no_store
from kiosk.web.shared.stop_code import fits
from kiosk.web.shared.surface import bay_url
from kiosk.web.shared.text import _
from kiosk.web.tablet.pairing import own_code_or_404, tablet_only
from kiosk.web.tablet.rules import may_pay_here

TRIES = RateLimitItemPerHour(10)
"""At one bay, whoever types: a million codes and ten tries an hour."""
LONGEST_VISIT = timedelta(hours=8)

log = structlog.stdlib.get_logger(__name__)

bp = Blueprint("tablet_visit", __name__, url_prefix="/tablet")


def install(state: BlueprintSetupState) -> None:
    """For `Blueprint.record_once`: what the page of a bay may ask."""
    state.app.jinja_env.globals.update(may_pay_here=may_pay_here, findable=findable, said=said, terms_of=terms_of)


bp.record_once(install)


def findable(code: str, connector_id: int) -> Session | None:
    """The charge at that bay which its owner may find here again; None for any other use of the bay."""
    session = parts().store.session_at(code, connector_id)
    if session is None or session.phase is not Phase.OPEN or session.final or session.known_status is Status.CREATED:
        return None
    return session


def said(why: str | None) -> str:
    """The sentence for a refused wish, which comes back in the address of the bay's page."""
    return {
        "taken": _("This bay was taken a moment ago. Please choose another one."),
        "changed": _("The price or the hold has just changed. Please read it again."),
        "again": _("We are asking for the price again. Please try once more in a moment."),
        "not-now": _("Starting is not possible here just now. Nothing is held."),
        "code": _("That is not the code of this charge. You find it on the phone that started it."),
        "tries": _("Too many wrong codes at this bay. Please use your phone, or unplug the cable at the car."),
    }.get(why or "", "")


@bp.post("/bay/<code>/<int:connector_id>/start")
@limit_start
@tablet_only
@no_store
def start(code: str, connector_id: int) -> ResponseReturnValue:
    """Start here, to pay on this screen. Only where the operator has chosen that."""
    own_code_or_404(code)
    if not may_pay_here():
        abort(404)
    begun = begin(code, connector_id, seen=request.form.get("seen"), limit="")
    if isinstance(begun, NotBegun):
        return _back(code, connector_id, _why(begun))
    return redirect(url_for("tablet_sessions.session_page", key=begun), 303)


def _why(begun: NotBegun) -> str:
    if begun.taken:
        return "taken"
    if begun.again:
        return "again"
    return "changed" if begun.error else "not-now"


def _bay() -> str:
    values = request.view_args or {}
    return f"{values.get('code')}/{values.get('connector_id')}"


@bp.post("/bay/<code>/<int:connector_id>/owner")
@limit_write
@tablet_only
@no_store
def owner(code: str, connector_id: int) -> ResponseReturnValue:
    """Show the session at this bay to whoever knows its code."""
    own_code_or_404(code)
    if not limiter.limiter.hit(TRIES, "stop-code", _bay()):
        return _back(code, connector_id, "tries")
    session = findable(code, connector_id)
    if session is None or not fits(session.key, request.form.get("code", "")[:40]):
        return _back(code, connector_id, "code")
    limiter.limiter.clear(TRIES, "stop-code", _bay())
    parts().store.grant(session.key, ensure_device(), "code", parts().clock.now())
    return redirect(url_for("tablet_sessions.session_page", key=session.key), 303)


def end_visit() -> None:
    """What was begun here and not paid is given up, so that the bay is free for the next driver.

    What was paid goes on, and so does what may have been paid: then a charge may be running already. A failure is
    logged and keeps nobody from taking the visit's cookie away.
    """
    device = current_device()
    if device is None:
        return
    store, now = parts().store, parts().clock.now()
    try:
        for session in store.sessions_of(device, since=now - LONGEST_VISIT):
            if _give_up(session, now):
                parts().live.wish(session_topic(session.key))
    except Exception:
        log.exception("what was not paid at a tablet could not be given up")


def _give_up(session: Session, now: datetime) -> bool:
    """Withdraw a start that waits; cancel one that was sent, as soon as the back office has answered it."""
    store = parts().store
    if session.phase is Phase.QUEUED:
        if store.withdraw_start(session.key, now):
            return True
    elif session.phase is not Phase.OPEN or session.known_status is not Status.CREATED or not session.can_cancel():
        return False
    if any(command.kind in {Kind.CONFIRM, Kind.CANCEL} for command in store.commands(session.key)):
        return False
    store.ask(session.key, Kind.CANCEL, AskedBy.DRIVER, now)
    return True


def _back(code: str, connector_id: int, why: str) -> ResponseReturnValue:
    return redirect(f"{bay_url(code, connector_id)}?why={why}", 303)
