"""After the start: one address for a session whatever its state, what its owner may ask, and its receipt."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.news.live import session_topic
from kiosk.service.waiting import wait_for_session
from kiosk.store.errors import Missing
from kiosk.web.session.present import page_of, shape_of, to_json
from kiosk.web.session.reading import Reading, read
from kiosk.web.session.screens import Action, Screen
from kiosk.web.session.view import SessionView
from kiosk.web.shared import surface
from kiosk.web.shared.assets import no_compress
from kiosk.web.shared.devices import ensure_device
from kiosk.web.shared.i18n import spoken
from kiosk.web.shared.limits import limit_lookup, limit_write
from kiosk.web.shared.near import near_bays
from kiosk.web.shared.parts import parts
from kiosk.web.shared.qr import qr_svg
from kiosk.web.shared.security import allow_payment, no_store
from kiosk.web.shared.stop_code import code_of, spaced
from kiosk.web.shared.text import _
from kiosk.web.tablet.rules import may_pay_here, turn_away

EMAIL_LONGEST = 255
LOOK_AGAIN_AFTER = timedelta(minutes=5)
TAKEOVER_LIFE = timedelta(minutes=5)
WAIT = 3.0
_EMAIL = re.compile(
    r"[^@\s\x00-\x1f<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z0-9-]{2,63}"
)
_CODE_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_ELSEWHERE = frozenset({Screen.REFUSED, Screen.NO_ANSWER, Screen.FAILED})
"""Screens that show where else a bay is free."""

bp = Blueprint("sessions", __name__)
"""Registered twice: for the driver's own device, and under `/tablet` for the screen on site."""
bp.before_request(turn_away)
bp.record_once(surface.install)


def _read(key: str) -> Reading:
    reading = read(key)
    if reading is None:
        abort(404)
    return reading


def _screen(reading: Reading, status: int = 200, error: str = "") -> ResponseReturnValue:
    """The page of the session's state. Only the payer's pay page may load Stripe's script."""
    view = reading.view() if may_pay_here() else _without_paying(reading.view())
    if Action.PAY in view.actions:
        allow_payment()
    page = page_of(view)
    near = near_bays(view.code, reading.now) if view.screen in _ELSEWHERE else ()
    receipt = reading.stored_receipt if view.receipt is not None else None
    html = render_template(
        f"session/{view.screen.value}.html",
        v=view,
        s=page,
        shape=shape_of(view, page),
        stored=receipt,
        near=near,
        error=error,
        stop_code=_stop_code(view),
        receipt_picture=lambda: _receipt_picture(view.key),
        now=reading.now,
    )
    return html, status


def _receipt_picture(key: str) -> Markup:
    """The receipt's address as a code, for whoever paid at a screen that keeps nothing."""
    address = parts().settings.public_url + url_for("sessions.receipt", key=key)
    return qr_svg(address, _("Code to open the receipt on your phone"))


def _without_paying(view: SessionView) -> SessionView:
    """The view for a screen that must not have a card form."""
    return replace(view, actions=view.actions - {Action.PAY})


def _stop_code(view: SessionView) -> str | None:
    """What its owner types at the site's tablet; None where there is no tablet or nothing to stop."""
    site = parts().site.site_of(view.code)
    if not view.owner or view.final or site is None:
        return None
    if not any(one.site_id == site.id for one in parts().store.tablets()):
        return None
    return spaced(code_of(view.key))


@bp.get("/s/<key>")
@no_store
def session_page(key: str) -> ResponseReturnValue:
    reading = _read(key)
    parts().live.glance(session_topic(key))
    _look_for_a_refund(reading)
    return _screen(reading)


def _look_for_a_refund(reading: Reading) -> None:
    """What was captured may be sent back later, and nothing tells us: whoever looks makes the engine look too."""
    session = reading.session
    seen = session.observed_at
    if session.known_status is Status.CAPTURED and seen is not None and reading.now - seen > LOOK_AGAIN_AFTER:
        parts().store.hint(session.key, reading.now)
        parts().live.wish()


@bp.get("/s/<key>/cancel")
@no_store
def cancel_page(key: str) -> ResponseReturnValue:
    """Cancel the start? A page of its own, so that it works without scripts."""
    reading = _read(key)
    view = reading.view()
    if Action.CANCEL not in view.actions:
        return redirect(url_for(".session_page", key=key), 303)
    return render_template("session/cancel.html", v=view, s=page_of(view), now=reading.now)


@bp.get("/s/<key>/payment")
@limit_write
@no_store
def payment(key: str) -> ResponseReturnValue:
    """What Stripe.js needs, for the owner alone and only while it can be paid. Never compressed, never kept."""
    reading = _read(key)
    if not reading.owner or not may_pay_here():
        return jsonify(error="not_owner"), 403
    context = parts().store.payment(key) if reading.session.known_status is Status.CREATED else None
    if context is None or reading.session.phase is not Phase.OPEN:
        return jsonify(error="not_payable", screen=reading.view().screen.value), 409
    parts().settings.check_publishable_key(context.publishable_key)
    answer = jsonify(
        publishable_key=context.publishable_key,
        client_secret=context.client_secret,
        account=context.stripe_account_id,
        return_url=parts().settings.public_url + url_for(".back_from_bank", key=key),
        locale=spoken().stripe,
    )
    return no_compress(answer)


@bp.get("/s/<key>/back")
@limit_write
@no_store
def back_from_bank(key: str) -> ResponseReturnValue:
    """The return from a bank, perhaps in another browser: the payment's own secret proves who paid, once."""
    store, now = parts().store, parts().clock.now()
    session = store.session(key)
    if session is None:
        abort(404)
    given = request.args.get("payment_intent_client_secret", "")
    context = store.payment(key)
    fits = context is not None and hmac.compare_digest(given.encode(), context.client_secret.encode())
    if fits:
        if store.use_bank_return(key, now):
            store.grant(key, ensure_device(), "bank", now)
            _tell(key)
        if session.known_status is Status.CREATED:
            store.ask(key, Kind.CONFIRM, AskedBy.DRIVER, now)
            _tell(key)
            wait_for_session(parts(), key, _moved_from(session), WAIT)
    return redirect(url_for(".session_page", key=key), 303)


@bp.post("/s/<key>/confirm")
@limit_write
@no_store
def confirm(key: str) -> ResponseReturnValue:
    """The browser says that it paid. Only the back office's word counts, so it is asked to look."""
    reading = _owned(key)
    if isinstance(reading, Reading):
        if reading.session.known_status is Status.CREATED:
            _ask(reading, Kind.CONFIRM)
        return _answer(key)
    return reading


@bp.post("/s/<key>/cancel")
@limit_write
@no_store
def cancel(key: str) -> ResponseReturnValue:
    """Give the start up; in the line it is the same as leaving."""
    reading = _owned(key)
    if not isinstance(reading, Reading):
        return reading
    if reading.session.phase is Phase.QUEUED and parts().store.withdraw_start(key, reading.now):
        _tell(key)
    elif Action.CANCEL in reading.view().actions:
        _ask(reading, Kind.CANCEL)
    return _answer(key)


@bp.post("/s/<key>/leave")
@limit_write
@no_store
def leave(key: str) -> ResponseReturnValue:
    """Leave the line before the start was sent."""
    reading = _owned(key)
    if not isinstance(reading, Reading):
        return reading
    if reading.session.phase is Phase.QUEUED and parts().store.withdraw_start(key, reading.now):
        _tell(key)
    return _answer(key)


@bp.post("/s/<key>/stop")
@limit_write
@no_store
def stop(key: str) -> ResponseReturnValue:
    reading = _owned(key)
    if not isinstance(reading, Reading):
        return reading
    if Action.STOP in reading.view().actions:
        _ask(reading, Kind.STOP)
    return _answer(key)


@bp.post("/s/<key>/limit")
@limit_write
@no_store
def limit(key: str) -> ResponseReturnValue:
    """Change the driver's own limit: one of the offered amounts, or none (then the hold is the limit)."""
    reading = _owned(key)
    if not isinstance(reading, Reading):
        return reading
    view = reading.view()
    chosen = request.form.get("limit", "")
    offered = {str(money.minor): money.minor for money in (*view.limits, *((view.limit,) if view.limit else ()))}
    if chosen != "" and chosen not in offered:
        return _refuse(reading, _("Please choose one of the limits on this page."), 422)
    if Action.LIMIT in view.actions and offered.get(chosen) != reading.session.limit_minor:
        parts().store.set_limit(key, offered.get(chosen))
        _tell(key)
    return _answer(key)


@bp.post("/s/<key>/receipt-email")
@limit_write
@no_store
def receipt_email(key: str) -> ResponseReturnValue:
    """Where else to send the receipt. Not needed, and never asked for before the charge."""
    reading = _owned(key)
    if not isinstance(reading, Reading):
        return reading
    email = request.form.get("email", "").strip()
    if len(email) > EMAIL_LONGEST or not _EMAIL.fullmatch(email):
        return _refuse(reading, _("That does not look like an e-mail address, for example anna@mail.example."), 422)
    if not reading.session.can_set_email():
        return _refuse(reading, _("It is too late for an e-mail. The receipt stays on this page."), 409)
    parts().store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, reading.now, email=email)
    _tell(key)
    return _answer(key)


@bp.get("/s/<key>/move")
@limit_write
@no_store
def move(key: str) -> ResponseReturnValue:
    """A one-use code that makes another device an owner too."""
    reading = _read(key)
    view = reading.view()
    if not reading.owner:
        return _stranger(reading)
    if Action.MOVE not in view.actions:
        return redirect(url_for(".session_page", key=key), 303)
    code = "".join(secrets.choice(_CODE_SIGNS) for _i in range(16))
    parts().store.new_takeover(key, code, reading.now + TAKEOVER_LIFE)
    address = parts().settings.public_url + url_for("sessions.takeover_page", code=code)
    picture = qr_svg(address, _("Code to open this session on another phone"))
    return render_template(
        "session/move.html",
        v=view,
        s=page_of(view),
        picture=picture,
        host=parts().settings.public_host,
        code=code,
        until=reading.now + TAKEOVER_LIFE,
        now=reading.now,
    )


@bp.get("/t/<code>")
@limit_lookup
@no_store
def takeover_page(code: str) -> ResponseReturnValue:
    """Says what will happen. Nothing is spent by looking, because previews of links look too."""
    key = parts().store.peek_takeover(code, parts().clock.now())
    if key is None:
        return render_template("session/takeover_gone.html"), 410
    reading = _read(key)
    return render_template("session/takeover.html", v=reading.view(), code=code)


@bp.post("/t/<code>")
@limit_write
@no_store
def takeover(code: str) -> ResponseReturnValue:
    key = parts().store.use_takeover(code, ensure_device(), parts().clock.now())
    if key is None:
        return render_template("session/takeover_gone.html"), 410
    _tell(key)
    return redirect(url_for(".session_page", key=key), 303)


@bp.get("/r/<key>")
@no_store
def receipt(key: str) -> ResponseReturnValue:
    """The receipt of a session that has ended; before that the session itself."""
    reading = _read(key)
    if not reading.view().final:
        return redirect(url_for(".session_page", key=key), 303)
    return _screen(reading)


@bp.get("/r/<key>.json")
@no_store
def receipt_json(key: str) -> ResponseReturnValue:
    stored = _read(key).stored_receipt
    if stored is None:
        abort(404)
    revised = stored.revised_at.isoformat() if stored.revised_at is not None else None
    return jsonify(number=stored.number, issued_at=stored.issued_at.isoformat(), revised_at=revised, **stored.document)


def _owned(key: str) -> Reading | ResponseReturnValue:
    """The session for its owner; for anybody else the answer that refuses."""
    reading = _read(key)
    return reading if reading.owner else _stranger(reading)


def _stranger(reading: Reading) -> ResponseReturnValue:
    if _wants_json():
        return jsonify(error="not_owner"), 403
    return render_template("session/stranger.html", v=reading.view()), 403


def _ask(reading: Reading, kind: Kind) -> None:
    """Store the wish, wake the engine and give it a moment, so that the answer is normally the next screen."""
    key = reading.session.key
    try:
        parts().store.ask(key, kind, AskedBy.DRIVER, parts().clock.now())
    except Missing:
        abort(404)
    _tell(key)
    wait_for_session(parts(), key, _moved_from(reading.session), WAIT)


def _moved_from(before: Session) -> Callable[[Session], bool]:
    return lambda now: now.status != before.status or now.phase is not before.phase


def _answer(key: str) -> ResponseReturnValue:
    if _wants_json():
        return jsonify(to_json(_read(key).view()))
    return redirect(url_for(".session_page", key=key), 303)


def _refuse(reading: Reading, sentence: str, status: int) -> ResponseReturnValue:
    if _wants_json():
        return jsonify(error="invalid", message=sentence), status
    return _screen(reading, status, sentence)


def _tell(key: str) -> None:
    """Something was written: the engine looks, and what was kept of this session's state is out of date."""
    parts().live.wish(session_topic(key))


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"
