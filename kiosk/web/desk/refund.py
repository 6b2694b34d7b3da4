"""Sending a part of what was taken back, from a session's page: previewed, with a reason, once. For owners."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.domain.money import shown_decimals
from kiosk.domain.refunding import RefundState, RefundWish
from kiosk.service.desk_refunds import Outcome, Refundable, ask, is_set_up, refundable
from kiosk.service.desk_sessions import LONGEST_REASON, Whole, whole
from kiosk.web.desk.access import confirmed, needs, sees_code, signed_in
from kiosk.web.desk.shell import page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_refund", __name__)


@bp.get("/sessions/<int:number>/refund")
@needs(Role.OWNER)
def preview(number: int) -> ResponseReturnValue:
    """What will happen, and what can go wrong. Nothing has been done."""
    return _preview(_whole(number))


@bp.post("/sessions/<int:number>/refund")
@needs(Role.OWNER)
def refund(number: int) -> ResponseReturnValue:
    shown, form = _whole(number), request.form
    if not confirmed():
        return redirect(url_for("desk_account.confirm_page", after=request.path), 303)
    outcome = ask(
        parts(), signed_in().person, shown, form.get("amount", ""), form.get("reason", ""), form.get("seen", "")
    )
    if outcome is Outcome.ASKED:
        return redirect(url_for("desk_sessions.session", number=number) + "#money", 303)
    again = outcome in {Outcome.NO_AMOUNT, Outcome.TOO_MUCH, Outcome.NO_REASON}
    return _preview(_whole(number), _refused(outcome), 422 if again else 409)


def refund_words(wish: RefundWish) -> str:
    """Where a refund stands, for the page of its session."""
    match wish.state:
        case RefundState.WAITING:
            return _("waits to be sent to Stripe")
        case RefundState.SENT:
            return _("sent to Stripe; it is not known yet whether it worked, and Stripe is asked until it is")
        case RefundState.PENDING:
            return _("Stripe has it; its end is not known yet")
        case RefundState.DONE:
            return _("sent back")
        case RefundState.REFUSED:
            return _("nothing was sent back")


def _refused(outcome: Outcome) -> str:
    match outcome:
        case Outcome.NO_REASON:
            return _("Say why: it stands in the log.")
        case Outcome.NO_AMOUNT:
            return _("Type an amount above zero, such as 4.50.")
        case Outcome.TOO_MUCH:
            return _("That is more than what is left to send back.")
        case Outcome.CHANGED:
            return _("Something was sent back or asked for since you looked, so nothing was done. Look once more.")
        case _:
            return _("Nothing can be sent back of this session now. Nothing was done.")


def _preview(shown: Whole, problem: str = "", status: int = 200) -> ResponseReturnValue:
    found = refundable(parts(), shown)
    session = shown.told.session
    return page(
        "desk/refund.html",
        status,
        shown=shown,
        found=found,
        amount=request.form.get("amount", _as_typed(found))[:20],
        reason=request.form.get("reason", "")[:LONGEST_REASON],
        problem=problem,
        refund_words=refund_words,
        set_up=is_set_up(parts()),
        bay=parts().site.bay_label(session.code, session.connector_id),
        asks_password=not confirmed(),
        confirm_address=url_for("desk_account.confirm_page", after=request.path),
    )


def _as_typed(found: Refundable) -> str:
    left = found.left
    return f"{left.major:.{shown_decimals(left.currency)}f}" if left is not None else ""


def _whole(number: int) -> Whole:
    found = whole(parts(), number, sees_code)
    if found is None:
        abort(404)
    return found
