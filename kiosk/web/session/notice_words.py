"""The words for each notice of a view: what needs attention now, above the figures."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.web.session.screens import Notice
from kiosk.web.session.view import SessionView
from kiosk.web.session.words import amount
from kiosk.web.shared.text import _


@dataclass(frozen=True, slots=True)
class Said:
    """A notice: tone, icon, a short title and one or two sentences."""

    tone: str
    icon: str
    title: str
    text: str


def notice(kind: Notice, view: SessionView) -> Said:
    match kind:
        case Notice.STOP_ASKED:
            return Said("live", "stop", _("We pass on your stop"), _("This takes a few seconds."))
        case Notice.STOP_NO_ANSWER:
            return Said(
                "warn",
                "ask",
                _("We asked to stop and got no answer"),
                _("Unplug the cable at the car. That always works."),
            )
        case Notice.STOP_REFUSED:
            return Said(
                "warn",
                "warn",
                _("The charger did not take the stop"),
                _("Unplug the cable at the car. That always works."),
            )
        case Notice.CANCEL_ASKED:
            return Said("live", "back", _("We pass on your cancel"), _("This takes a few seconds."))
        case Notice.CANCEL_NO_ANSWER:
            return Said(
                "warn",
                "ask",
                _("We asked to cancel and got no answer"),
                _("We ask again. You do not have to do anything."),
            )
        case Notice.CANCEL_REFUSED:
            return Said(
                "warn",
                "warn",
                _("It cannot be cancelled any more"),
                _("Unplug the cable at the car to stop the charge."),
            )
        case Notice.CHARGER_PAUSES:
            return Said(
                "warn", "clock", _("The charger pauses the power"), _("It goes on by itself. The session stays open.")
            )
        case Notice.NOT_PLUGGED_IN:
            return Said("live", "plug", _("Plug the cable in"), _("Push the plug in until it stops."))
        case Notice.HOLD_CHANGED:
            held, shown = amount(view.hold.amount), amount(view.shown_hold)
            text = _("It is %(amount)s. Before the start we showed %(shown)s.", amount=held, shown=shown)
            return Said("warn", "hold", _("The hold has changed"), text)
    return Said(
        "warn",
        "car",
        _("The car takes no power now"),
        _("It may be full or wait for a timer. The session goes on until you stop it."),
    )
