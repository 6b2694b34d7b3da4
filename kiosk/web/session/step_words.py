"""The words of the steps of a wait: what is done, what runs now, what is still to come and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.domain.commands import AskedBy
from kiosk.domain.hold import HoldState
from kiosk.web.session.steps import Step, StepName, StepState
from kiosk.web.session.view import SessionView
from kiosk.web.session.words import amount, has_begun, reason
from kiosk.web.shared.formats import clock_s
from kiosk.web.shared.text import _

_ICONS = {StepState.DONE: "ok", StepState.FAIL: "fail", StepState.WARN: "ask"}


@dataclass(frozen=True, slots=True)
class StepSaid:
    """`at` is the time of day when done; `since` runs; `note` is a smaller line below."""

    state: str
    icon: str
    label: str
    at: str
    since: datetime | None
    note: str


def said(step: Step, view: SessionView) -> StepSaid:
    icon = "back" if step.name is StepName.HOLD_BACK else _ICONS.get(step.state, "ring")
    at = clock_s(step.at, view.where.zone, view.beside) if step.at is not None else ""
    since = step.since if step.state is StepState.NOW else None
    return StepSaid(step.state.value, icon, _label(step, view), at, since, _note(step, view))


def _label(step: Step, view: SessionView) -> str:
    held = amount(view.hold.amount)
    match step.name:
        case StepName.HOLD_PLACED if view.hold.amount is None:
            return _("Hold placed")
        case StepName.HOLD_PLACED:
            return _("Hold placed: %(amount)s", amount=held)
        case StepName.ASKING:
            return _("We ask the charger to start")
        case StepName.ASKED:
            return _("Charger asked to start")
        case StepName.WAITING:
            return _("Waiting for the charger") if step.state is StepState.NOW else _("The charger answers")
        case StepName.POWER:
            return _("Car draws power")
        case StepName.YOU_STOPPED:
            return _("You asked to stop")
        case StepName.LIMIT_STOPPED:
            return _("We asked to stop, to keep your limit")
        case StepName.HOLD_STOPPED:
            return _("We asked to stop, so that your hold covers the cost")
        case StepName.KIOSK_STOPPED if view.ended_by is AskedBy.POWER_DEADLINE:
            return _("We saw no power, so we asked to stop")
        case StepName.KIOSK_STOPPED if view.ended_by is AskedBy.WAITED:
            return _("Nothing had flowed for long, so we asked to stop")
        case StepName.KIOSK_STOPPED:
            return _("We asked the charger to stop")
        case StepName.CHARGER_STOPS:
            return _("The charger stops")
        case StepName.CHARGER_STOPPED:
            return _("Charger stopped")
        case StepName.LAST_READING:
            return _("Last meter reading")
        case StepName.SETTLE:
            return _("We take the cost and give back the rest")
        case StepName.DID_NOT_START if has_begun(view):
            return _("It ended early")
        case StepName.DID_NOT_START:
            return _("It did not start")
        case StepName.HOLD_BACK if view.hold.amount is None:
            return _("Your hold goes back")
        case StepName.HOLD_BACK if view.hold.state is HoldState.GIVEN_BACK:
            return _("Hold given back: %(amount)s", amount=held)
        case StepName.HOLD_BACK:
            return _("Hold goes back: %(amount)s", amount=held)
        case StepName.ASKED_FOR_BAY:
            return _("We asked for bay %(bay)s", bay=view.where.bay)
        case StepName.UNUSABLE:
            return _("The answer could not be used")
    return _("No answer came")


def _note(step: Step, view: SessionView) -> str:
    # A deadline that has passed is nothing to wait for.
    shown = step.until if view.start_by is not None else None
    until = clock_s(shown, view.where.zone, view.beside) if shown is not None else ""
    match step.name:
        case StepName.HOLD_PLACED:
            return card(view)
        case StepName.WAITING if step.state is StepState.NOW and until:
            return _("Most chargers answer within 20\N{NO-BREAK SPACE}s. We wait until %(time)s.", time=until)
        case StepName.WAITING if until:
            return _("At the latest at %(time)s", time=until)
        case StepName.CHARGER_STOPS:
            return _("Usually a few seconds. You can also unplug the cable at the car.")
        case StepName.CHARGER_STOPPED:
            return _("You can unplug now.")
        case StepName.LAST_READING if step.state is StepState.NOW:
            return _("Usually under 1 minute")
        case StepName.DID_NOT_START:
            return reason(view)
        case StepName.HOLD_BACK if not view.was_taken:
            return _("You paid nothing.")
        case StepName.NO_ANSWER:
            return _("We do not ask twice by ourselves: it could block the bay.")
    return ""


def card(view: SessionView) -> str:
    """`Visa ending 4242`, only when the payment provider said so."""
    if not view.card_last4:
        return ""
    brand = _BRANDS.get(view.card_brand or "", view.card_brand or _("Card"))
    return _("%(brand)s ending %(digits)s", brand=brand, digits=view.card_last4)


_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "cartes_bancaires": "Cartes Bancaires",
    "girocard": "girocard",
    "eftpos_au": "eftpos",
    "link": "Link",
}
