"""The words for each notice of a view: what needs attention now, above the figures."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.domain.commands import AskedBy, CommandState
from kiosk.web.session.screen_names import Notice, Screen
from kiosk.web.session.view import SessionView
from kiosk.web.session.words import amount, at
from kiosk.web.shared.formats import clock_s
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
        case Notice.UNWRITTEN:
            return Said("warn", "warn", _("We cannot write this down just now"), unwritten_text())
        case Notice.STOP_ASKED if view.ending_by is AskedBy.DRIVER:
            return Said("live", "stop", _("We pass on your stop"), _("This takes a few seconds."))
        case Notice.STOP_ASKED:
            return Said("live", "stop", _("We ask the charger to stop"), _("This takes a few seconds."))
        case Notice.STOP_TRIED:
            return _stop_tried(view)
        case Notice.CANCEL_ASKED if view.ending_by is AskedBy.DRIVER:
            return Said("live", "back", _("We pass on your cancel"), _("This takes a few seconds."))
        case Notice.CANCEL_ASKED:
            return Said("live", "back", _("We cancel the start"), _("This takes a few seconds."))
        case Notice.CANCEL_TRIED:
            no_answer = view.tried is not None and view.tried.outcome is CommandState.UNKNOWN
            title = _("We asked to cancel and got no answer") if no_answer else _("The cancel has not gone through yet")
            text = _("We keep asking. Should charging begin, we stop it. You do not have to do anything.")
            return Said("warn", "ask", title, text)
        case Notice.CANCEL_TOO_LATE:
            text = _("So we ask the charger to stop. To stop now, unplug the cable at the car.")
            return Said("live", "stop", _("Charging began before your cancel"), text)
        case Notice.CHARGER_PAUSES:
            return Said("warn", "clock", _("The charger pauses the power"), _paused(view))
        case Notice.METER_STANDS_STILL:
            return Said("warn", "car", _("No power flows now"), _waits(view))
        case Notice.CHARGER_FAULT:
            return Said("warn", "warn", _("The charger reports a fault"), _fault(view))
        case Notice.CHARGER_RESERVED:
            return Said("warn", "clock", _("The charger keeps this bay for somebody"), _may_not_start(view))
        case Notice.CHARGE_OVER:
            text = _("You can unplug the cable at the car. What it cost comes here after the last meter reading.")
            return Said("live", "clock", _("The charger says that charging has stopped"), text)
        case Notice.NOT_PLUGGED_IN:
            return Said("live", "plug", _("Plug the cable in"), _("Push the plug in until it stops."))
        case Notice.LISTED if view.listed_at is not None:
            since = at(view, view.listed_at)
            text = _(
                "It is on the operator's list since %(time)s. You never pay more than the hold, and a hold that nobody "
                "takes ends by itself, at the latest after 7 days.",
                time=since,
            )
            return Said("warn", "clock", _("This takes longer than it should"), text)
        case Notice.HOLD_CHANGED:
            held, shown = amount(view.hold.amount), amount(view.shown_hold)
            text = _("It is %(amount)s. Before the start we showed %(shown)s.", amount=held, shown=shown)
            return Said("warn", "hold", _("The hold has changed"), text)
        case Notice.PRICE_CHANGED:
            text = _("You pay by the price that you agreed to. If the receipt says otherwise, call us.")
            return Said("warn", "ask", _("The charging service now names another price"), text)
    return Said(
        "warn",
        "car",
        _("The car takes no power now"),
        _waits(view),
    )


def unwritten_text() -> str:
    """It is sent, again and again; only a restart of the server would forget it."""
    return _(
        "We send your wish all the same, again and again; only a restart of our server would forget it. If this page "
        "does not show within a minute that charging ends, unplug the cable at the car or press stop at the charger."
    )


def _paused(view: SessionView) -> str:
    if view.waits_until is None:
        return _("It goes on by itself. The session stays open.")
    until = at(view, view.waits_until)
    return _("It goes on by itself. The session stays open, at the latest until %(time)s.", time=until)


def _waits(view: SessionView) -> str:
    if view.waits_until is None:
        return _("It may be full or wait for a timer. You can stop, or let it wait: the session stays open.")
    until = at(view, view.waits_until)
    return _(
        "It may be full or wait for a timer. You can stop, or let it wait: the session stays open until %(time)s.",
        time=until,
    )


def _fault(view: SessionView) -> str:
    """Before a charge and during it, what a driver can do is not the same."""
    if view.screen is not Screen.CHARGING:
        return _may_not_start(view)
    return _("Does your car take no power? Stop here, unplug the cable at the car, and take another bay.")


def _may_not_start(view: SessionView) -> str:
    if view.start_by is None:
        return _("It may not start. Then your hold goes back.")
    return _(
        "It may not start. We cancel at %(time)s by ourselves. Then your hold goes back.", time=at(view, view.start_by)
    )


def _stop_tried(view: SessionView) -> Said:
    """What became of it, what goes on by itself, and what whoever stands there can do meanwhile."""
    tried = view.tried
    if view.offline:
        title = _("The charger has no connection now")
    elif tried is not None and tried.outcome is CommandState.UNKNOWN:
        title = _("We asked to stop and got no answer")
    elif tried is not None and tried.outcome is CommandState.REFUSED:
        title = _("The stop was not accepted")
    else:
        title = _("The charger has not stopped yet")
    if tried is None or tried.times == 1:
        text = _("We keep asking, at least every minute. To stop now, unplug the cable at the car.")
    else:
        text = _(
            "Asked %(count)s times, last at %(time)s. We keep asking. To stop now, unplug the cable at the car.",
            count=tried.times,
            time=clock_s(tried.last_at, view.where.zone, view.beside),
        )
    return Said("warn", "warn", title, text)
