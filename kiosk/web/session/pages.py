"""After the start: one address for a session whatever its state, what its owner may ask, and its receipt."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from kiosk.domain.actions import Action
from kiosk.domain.buyer import buyer_from
from kiosk.domain.offer import NoOffer
from kiosk.domain.stop_code import spaced
from kiosk.domain.terms import read_terms
from kiosk.domain.unpaid import NotYet, Wait
from kiosk.news.news import session_topic
from kiosk.service import session as service
from kiosk.service.session import Reply
from kiosk.service.visit import stop_code_of
from kiosk.store.errors import UnreadableSession
from kiosk.store.records import StoredReceipt
from kiosk.web.session.in_words import page_of, shape_of, to_json
from kiosk.web.session.invoice import invoice_of
from kiosk.web.session.notice_words import unwritten_text
from kiosk.web.session.paper import Paper, paper_of
from kiosk.web.session.refund import RefundPaper, refund_of, refund_sheet, sentence_of
from kiosk.web.session.screen_names import Screen
from kiosk.web.session.sheet import mail_of, sheet_of
from kiosk.web.session.snapshot import Snapshot, read
from kiosk.web.session.view import SessionView
from kiosk.web.shared import shown_where
from kiosk.web.shared.assets import no_compress
from kiosk.web.shared.devices import current_device, ensure_device
from kiosk.web.shared.documents import document
from kiosk.web.shared.errors import UNWRITTEN_SECONDS, refusal, wants_json
from kiosk.web.shared.i18n import spoken
from kiosk.web.shared.limits import PAYMENT_SECRET, limit_poll, limit_takeover, limit_write
from kiosk.web.shared.near import near_bays
from kiosk.web.shared.parts import parts
from kiosk.web.shared.qr import qr_svg
from kiosk.web.shared.security import allow_payment, keep_private, no_store
from kiosk.web.shared.text import _
from kiosk.web.tablet.may_show import may_pay_here, turn_away

UNREADABLE = -1
"""A limit that nobody offers."""
AMOUNT_LONGEST = 12
"""Digits of an amount in minor units."""
_REFUSED = {Reply.WRONG_LIMIT: 422, Reply.WRONG_EMAIL: 422, Reply.WRONG_COMPANY: 422, Reply.TOO_LATE: 409}
"""Wishes that are answered with a sentence on the session's page, and with which status."""
_ELSEWHERE = frozenset({Screen.REFUSED, Screen.NO_ANSWER, Screen.FAILED, Screen.LEFT})
"""Screens that show where else a bay is free."""

bp = Blueprint("sessions", __name__)
"""Registered twice: for the driver's own device, and under `/tablet` for the screen on site."""
bp.before_request(turn_away)
bp.record_once(shown_where.install)


@bp.errorhandler(UnreadableSession)
def unreadable(error: UnreadableSession) -> ResponseReturnValue:
    """What is true of a session that cannot be shown, and a stop that works."""
    if wants_json():
        return refusal(
            "unreadable", 503, message=_("We cannot show this charge. To stop, unplug the cable at the car.")
        )
    return keep_private(make_response(render_template("session/unreadable.html", session=error), 503))


def _read(key: str) -> Snapshot:
    snapshot = read(key)
    if snapshot is None:
        abort(404)
    return snapshot


def _screen(snapshot: Snapshot, status: int = 200, error: str = "") -> ResponseReturnValue:
    """The page of the session's state. Only the payer's pay page may load Stripe's script."""
    view = snapshot.view() if may_pay_here() else _without_paying(snapshot.view())
    if Action.PAY in view.actions:
        allow_payment()
    page = page_of(view)
    stop_code = stop_code_of(parts(), snapshot.session) if snapshot.owner else None
    full = view.queue is not None and view.queue.closed
    near = near_bays(view.code, snapshot.now) if view.screen in _ELSEWHERE or full else ()
    stored = snapshot.stored_receipt if view.receipt is not None else None
    again = service.terms_to_take_up(parts(), snapshot.session) if Action.TAKE_UP in view.actions else None
    html = render_template(
        "session/by_record.html" if view.by_record else f"session/{view.screen.value}.html",
        v=view,
        s=page,
        shape=shape_of(view, page),
        own_mail=_own_mail(view),
        paper=paper_of(view.receipt, stored, view.code, view.where.zone, parts().store.meter_stand(view.key))
        if view.receipt is not None
        else None,
        near=near,
        again_on=again,
        read_before=read_terms(snapshot.session.agreed) if again is not None else None,
        error=error,
        stop_code=spaced(stop_code) if stop_code is not None else None,
        receipt_picture=lambda: _receipt_picture(view.key),
        now=snapshot.now,
    )
    return html, status


def _own_mail(view: SessionView) -> str | None:
    """Where the mail of our own stands: `open` before there is one; None where nobody may ask for one."""
    if not view.owner or view.number is None or parts().settings.smtp_host is None or shown_where.on_tablet():
        return None
    newest = parts().store.newest_mail(view.key)
    return newest.state.value if newest is not None else "open"


def _receipt_picture(key: str) -> Markup:
    """The receipt's address as a code, for whoever paid at a screen that keeps nothing."""
    address = parts().settings.public_url + url_for("sessions.receipt", key=key)
    return qr_svg(address, _("Code to open the receipt on your phone"))


def _without_paying(view: SessionView) -> SessionView:
    """The view for a screen that must not have a card form."""
    return replace(view, actions=view.actions - {Action.PAY})


@bp.get("/s/<key>")
@no_store
def session_page(key: str) -> ResponseReturnValue:
    snapshot = _read(key)
    parts().news.glance(session_topic(key))
    service.look_for_a_refund(parts(), snapshot.session)
    return _screen(snapshot)


@bp.get("/s/<key>/cancel")
@no_store
def cancel_page(key: str) -> ResponseReturnValue:
    """Cancel the start? A page of its own, so that it works without scripts."""
    snapshot = _read(key)
    view = snapshot.view()
    if Action.CANCEL not in view.actions:
        return redirect(url_for(".session_page", key=key), 303)
    return render_template("session/cancel.html", v=view, s=page_of(view), now=snapshot.now)


@bp.get("/s/<key>/payment")
@limit_write
@no_store
def payment(key: str) -> ResponseReturnValue:
    """What Stripe.js needs, for the owner alone and only while it can be paid. Never compressed, never kept."""
    found = service.payment_of(parts(), key, current_device())
    if found is Reply.NO_SESSION:
        abort(404)
    if found is Reply.NOT_OWNER or not may_pay_here():
        return refusal("not_owner", 403)
    if isinstance(found, Reply):
        return refusal("not_payable", 409, screen=_read(key).view().screen.value)
    context, hold = found.context, found.hold
    parts().settings.check_publishable_key(context.publishable_key)
    answer = jsonify(
        publishable_key=context.publishable_key,
        client_secret=context.client_secret,
        account=context.stripe_account_id,
        amount=hold.minor if hold is not None else None,
        currency=hold.currency if hold is not None else None,
        return_url=parts().settings.public_url + url_for(".back_from_bank", key=key),
        locale=spoken().stripe,
    )
    return no_compress(answer)


@bp.get("/s/<key>/back")
@limit_write
@no_store
def back_from_bank(key: str) -> ResponseReturnValue:
    """The return from a bank, perhaps in another browser: the payment's own secret proves who paid, once."""
    secret = request.args.get(PAYMENT_SECRET, "")
    if service.return_from_bank(parts(), key, secret, ensure_device) is Reply.NO_SESSION:
        abort(404)
    return redirect(url_for(".session_page", key=key), 303)


@bp.post("/s/<key>/confirm")
@limit_write
@no_store
def confirm(key: str) -> ResponseReturnValue:
    """The browser says that it paid. Only the back office's word counts, so it is asked to look."""
    return _answer(key, service.confirm(parts(), key, current_device()))


@bp.post("/s/<key>/cancel")
@limit_write
@no_store
def cancel(key: str) -> ResponseReturnValue:
    """Give the start up; in the line it is the same as leaving."""
    return _answer(key, service.cancel(parts(), key, current_device()))


@bp.post("/s/<key>/leave")
@limit_write
@no_store
def leave(key: str) -> ResponseReturnValue:
    """Leave the line before the start was sent."""
    return _answer(key, service.leave(parts(), key, current_device()))


@bp.post("/s/<key>/again")
@limit_write
@no_store
def take_up(key: str) -> ResponseReturnValue:
    """Take up a start that was put aside: one tap, on the terms that stand beside the button."""
    reply = service.take_up(parts(), key, current_device(), request.form.get("seen"))
    if isinstance(reply, NotYet):
        unpaid = _("You have not paid another start yet. Pay it or cancel it, then you can go on here.")
        often = _("Several starts from here were not paid. Please type the code of the charger again in a few minutes.")
        return _screen(_read(key), 409, unpaid if reply.why is Wait.OWN_UNPAID else often)
    if isinstance(reply, NoOffer):
        return _screen(_read(key), 409, _NOT_TAKEN_UP.get(reply, _not_now)())
    return _answer(key, reply)


@bp.post("/s/<key>/agree")
@limit_write
@no_store
def agree(key: str) -> ResponseReturnValue:
    """The driver has read the new price and hold, and goes on."""
    return _answer(key, service.agree(parts(), key, current_device(), request.form.get("seen", "")))


@bp.post("/s/<key>/stop")
@limit_write
@no_store
def stop(key: str) -> ResponseReturnValue:
    return _answer(key, service.stop(parts(), key, current_device()))


@bp.post("/s/<key>/limit")
@limit_write
@no_store
def limit(key: str) -> ResponseReturnValue:
    """Change the driver's own limit: one of the offered amounts, or none (then the hold is the limit)."""
    chosen = request.form.get("limit")
    # What arrived without the field was not read: it is no wish to have no limit.
    amount = UNREADABLE if chosen is None else _amount(chosen)
    return _answer(key, service.set_limit(parts(), key, current_device(), amount))


@bp.post("/s/<key>/receipt-email")
@limit_write
@no_store
def receipt_email(key: str) -> ResponseReturnValue:
    """Where else to send the receipt. Not needed, and never asked for before the charge."""
    email = request.form.get("email", "")
    reply = service.send_receipt_to(parts(), key, current_device(), email)
    if reply is Reply.TOO_LATE:  # for upstream; perhaps not for our own mail server
        reply = _mail_receipt(key, email)
    return _answer(key, reply)


def _mail_receipt(key: str, email: str) -> Reply:
    snapshot = _read(key)
    view, stored = snapshot.view(), snapshot.stored_receipt
    if stored is None or view.receipt is None:
        return Reply.TOO_LATE
    address = parts().settings.public_url + url_for("sessions.receipt", key=key)
    mail = mail_of(paper_of(view.receipt, stored, view.code, view.where.zone), page_of(view), address)
    return service.mail_receipt(parts(), key, current_device(), email, mail)


@bp.get("/s/<key>/move")
@limit_write
@no_store
def move(key: str) -> ResponseReturnValue:
    """A one-use code that makes another device an owner too."""
    made = service.new_take_over(parts(), key, current_device(), on_screen=shown_where.on_tablet())
    if isinstance(made, Reply):
        return _answer(key, made)
    snapshot = _read(key)
    address = parts().settings.public_url + url_for("sessions.takeover_page", code=made.code)
    return render_template(
        "session/move.html",
        v=snapshot.view(),
        s=page_of(snapshot.view()),
        picture=qr_svg(address, _("Code to open this session on another phone")),
        host=parts().settings.public_host,
        address=address,
        code=made.code,
        until=made.until,
        now=snapshot.now,
    )


@bp.get("/s/<key>/owners")
@limit_write
@no_store
def owners(key: str) -> ResponseReturnValue:
    """Which other devices may act on it by a right that was handed over, and taking it back. Not on a shared screen."""
    others = service.handed_over(parts(), key, current_device())
    if isinstance(others, Reply):
        return _answer(key, others)
    snapshot = _read(key)
    return render_template("session/owners.html", v=snapshot.view(), s=page_of(snapshot.view()), others=others)


@bp.post("/s/<key>/owners")
@limit_write
@no_store
def take_right_back(key: str) -> ResponseReturnValue:
    """That other device may only watch from now on."""
    reply = service.take_right_back(parts(), key, current_device(), request.form.get("mark", ""))
    if reply is not Reply.DONE or wants_json():
        return _answer(key, reply)
    return redirect(url_for(".owners", key=key), 303)


@bp.get("/t/<code>")
@limit_takeover
@no_store
def takeover_page(code: str) -> ResponseReturnValue:
    """Says what will happen. Nothing is spent by looking, because previews of links look too."""
    key = service.session_behind(parts(), code)
    if key is None:
        return render_template("session/takeover_gone.html"), 410
    snapshot = _read(key)
    return render_template("session/takeover.html", v=snapshot.view(), code=code)


@bp.post("/t/<code>")
@limit_takeover
@no_store
def takeover(code: str) -> ResponseReturnValue:
    key = service.take_over(parts(), code, ensure_device())
    if key is None:
        return render_template("session/takeover_gone.html"), 410
    return redirect(url_for(".session_page", key=key), 303)


@bp.get("/r/<key>")
@no_store
def receipt(key: str) -> ResponseReturnValue:
    """The receipt of a session that has ended; before that the session itself."""
    snapshot = _read(key)
    view = snapshot.view()
    if not view.final and (view.receipt is None or snapshot.stored_receipt is None):
        return redirect(url_for(".session_page", key=key), 303)
    service.look_for_a_refund(parts(), snapshot.session)
    return _screen(snapshot)


@bp.get("/r/<key>.json")
@no_store
def receipt_json(key: str) -> ResponseReturnValue:
    stored = _read(key).stored_receipt
    if stored is None:
        abort(404)
    revised = stored.revised_at.isoformat() if stored.revised_at is not None else None
    return jsonify(number=stored.number, issued_at=stored.issued_at.isoformat(), revised_at=revised, **stored.document)


@bp.post("/s/<key>/company")
@limit_write
@no_store
def company(key: str) -> ResponseReturnValue:
    """Make the receipt out to a company: afterwards, by its owner, without an account."""
    said = (request.form.get(name, "") for name in ("name", "address", "vat_number", "country"))
    return _answer(key, service.make_out_to(parts(), key, current_device(), buyer_from(*said)))


@bp.get("/r/<key>.pdf")
@limit_poll
@no_store
def receipt_pdf(key: str) -> ResponseReturnValue:
    """The receipt as a document, the same bytes each time. Before it is written there is none."""
    snapshot = _read(key)
    stored, view = snapshot.stored_receipt, snapshot.view()
    if stored is None or view.receipt is None:
        abort(404)
    address = parts().settings.public_url + url_for("sessions.receipt", key=key)
    paper = paper_of(view.receipt, stored, view.code, view.where.zone, parts().store.meter_stand(key))
    sheet = sheet_of(view, page_of(view), paper, stored, address)
    return _pdf(document(sheet, invoice_of(view.receipt, stored, view.where.zone)), stored.number)


@bp.get("/r/<key>/refund/<int:count>")
@no_store
def refund(key: str, count: int) -> ResponseReturnValue:
    """One refund as a page of its own, for whoever must show what was sent back and of what."""
    found = _refund(key, count)
    view = found.view
    said = sentence_of(found.refund)
    return render_template(
        "session/refund.html", v=view, s=page_of(view), r=found.refund, count=count, paper=found.paper, say=said
    )


@bp.get("/r/<key>/refund/<int:count>.pdf")
@limit_poll
@no_store
def refund_pdf(key: str, count: int) -> ResponseReturnValue:
    """The same as a document, the same bytes each time."""
    found = _refund(key, count)
    address = parts().settings.public_url + url_for("sessions.refund", key=key, count=count)
    return _pdf(document(refund_sheet(found.refund, found.paper, found.stored, address), None), found.refund.number)


class _Refunded(NamedTuple):
    view: SessionView
    stored: StoredReceipt
    paper: Paper
    refund: RefundPaper


def _refund(key: str, count: int) -> _Refunded:
    snapshot = _read(key)
    stored, view = snapshot.stored_receipt, snapshot.view()
    if stored is None or view.receipt is None:
        abort(404)
    found = refund_of(view.receipt, stored, count, view.where.zone)
    if found is None:
        abort(404)
    return _Refunded(view, stored, paper_of(view.receipt, stored, view.code, view.where.zone), found)


def _pdf(made: bytes, name: str) -> Response:
    answer = make_response(made)
    answer.mimetype = "application/pdf"
    answer.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return no_compress(answer)


def _answer(key: str, reply: Reply) -> ResponseReturnValue:
    """What follows a wish: the session as it is now, or why nothing was stored, in the form that the caller reads."""
    if reply is Reply.UNWRITTEN:
        return _unwritten(_read(key))
    if reply in _REFUSED:
        return _refuse(_read(key), reply)
    if reply is Reply.NO_SESSION:
        abort(404)
    if reply is Reply.NOT_OWNER:
        if wants_json():
            return refusal("not_owner", 403)
        return render_template("session/stranger.html", v=_read(key).view()), 403
    if wants_json():
        return jsonify(to_json(_read(key).view()))
    return redirect(url_for(".session_page", key=key), 303)


def _refuse(snapshot: Snapshot, reply: Reply) -> ResponseReturnValue:
    status, sentence = _REFUSED[reply], _sentence(reply)
    if wants_json():
        return refusal("invalid", status, message=sentence)
    return _screen(snapshot, status, sentence)


def _unwritten(snapshot: Snapshot) -> ResponseReturnValue:
    """The session's page as it stands, with the notice that says so: it is done, and could be forgotten."""
    if wants_json():
        response = refusal("unwritten", 503, message=unwritten_text())
    else:
        response = make_response(_screen(snapshot, 503))
    response.headers["Retry-After"] = str(UNWRITTEN_SECONDS)
    return response


def _sentence(reply: Reply) -> str:
    return {
        Reply.WRONG_LIMIT: _("Please choose one of the limits on this page."),
        Reply.WRONG_EMAIL: _("That does not look like an e-mail address, for example anna@mail.example."),
        Reply.WRONG_COMPANY: _(
            "Please give a name and an address of at most three lines. A VAT number begins with letters."
        ),
        Reply.TOO_LATE: _("It is too late for an e-mail. The receipt stays on this page."),
    }[reply]


def _not_now() -> str:
    return _("This start cannot go on now. Please go back to the charger.")


_NOT_TAKEN_UP = {
    NoOffer.NOT_OURS: lambda: _(
        "This charger belongs to another operator. Its label says how to pay there. Nothing is held."
    ),
    NoOffer.OWNER_UNKNOWN: lambda: _(
        "We cannot find out just now whether this charger is one of ours. Nothing is held."
    ),
    NoOffer.NOT_USABLE: lambda: _("That bay cannot be used now. Please choose another one."),
    NoOffer.NOT_FREE: lambda: _("This bay was taken a moment ago. Please choose another one."),
    NoOffer.TERMS_CHANGED: lambda: _("The price or the hold has just changed. Please read it again."),
    NoOffer.LIMIT_NOT_OFFERED: lambda: _("Your limit cannot be kept at this price. Please go back to the charger."),
    NoOffer.PRICE_OLD: lambda: _("We are asking for the price again. Please try once more in a moment."),
}
"""Why a start that was put aside cannot be taken up."""


def _amount(text: str) -> int | None:
    """The amount of a limit in minor units, None for no limit. What is no amount is UNREADABLE."""
    if text == "":
        return None
    plain = text.isascii() and text.isdigit() and len(text) <= AMOUNT_LONGEST and str(int(text)) == text
    return int(text) if plain else UNREADABLE
