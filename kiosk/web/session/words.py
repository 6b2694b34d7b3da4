"""The words of each screen in the reader's language: headings, titles, sentences and the live figures as text.

Whole sentences with named places only. First what happened to the money, then why, then what to do.
"""

from __future__ import annotations

from datetime import datetime

from kiosk.domain.actions import Action
from kiosk.domain.commands import AskedBy, Kind, Refusal
from kiosk.domain.flow import NO_POWER, Flow
from kiosk.domain.hold import Hold, HoldState
from kiosk.domain.money import Money
from kiosk.web.session.screen_names import Screen
from kiosk.web.session.view import SessionView, names_its_day
from kiosk.web.shared.formats import clock, clock_s, day, duration, kw, kwh, money, number
from kiosk.web.shared.meter_words import about_every, rough_limit
from kiosk.web.shared.power_words import ceiling_words
from kiosk.web.shared.text import DASH, _


def amount(value: Money | None) -> str:
    """Money as text; a dash when the figure is not known."""
    return money(value) if value is not None else DASH


def at(view: SessionView, moment: datetime) -> str:
    """The time of day at the charger, with its day when it is another one."""
    return clock(moment, view.where.zone, view.beside)


def heading(view: SessionView) -> str:
    """The state in two to four words."""
    paid = view.hold.taken
    if view.by_record:
        if not view.was_taken:
            return _("You paid nothing")
        return _("You paid %(amount)s", amount=money(paid)) if paid is not None else _("Paid")
    match view.screen:
        case Screen.QUEUED:
            return _("Please wait")
        case Screen.REFUSED:
            if view.refusal is Refusal.CHARGER_OFFLINE:
                return _("No connection")
            return _("Please wait") if view.refusal is Refusal.TOO_MANY else _("Not possible now")
        case Screen.NO_ANSWER:
            return _("The answer could not be used") if view.unusable else _("We got no answer")
        case Screen.LEFT if view.refusal is Refusal.NOBODY_WATCHED:
            return _("Still there?")
        case Screen.LEFT if view.refusal is Refusal.TERMS_CHANGED:
            return _("Price or hold changed")
        case Screen.LEFT:
            return _("You left the line")
        case Screen.CREATED if view.asked is not None:
            same_price = view.read is not None and view.read.tariff == view.asked.tariff
            return _("New hold") if same_price else _("New price")
        case Screen.CREATED if view.hold.state is HoldState.UNKNOWN:
            return _("We are checking")
        case Screen.CREATED if view.bank_said_no:
            return _("Nothing is held")
        case Screen.CREATED:
            return _("Pay and start") if view.owner else _("Being paid")
        case Screen.AUTHORIZED:
            return _("Hold placed")
        case Screen.STARTING:
            return _("Starting")
        case Screen.CHARGING if view.flow in _FLOW_HEADINGS:
            return _FLOW_HEADINGS[view.flow]()
        case Screen.CHARGING:
            return _("Charging")
        case Screen.STALE:
            return _("No new figures")
        case Screen.STOPPING:
            return _("Stopping")
        case Screen.SETTLING:
            return _("Finishing")
        case Screen.CAPTURED | Screen.REFUNDED if view.hold.sent_back:
            return _("%(amount)s sent back", amount=money(_sent_back(view)))
        case Screen.CAPTURED if paid is not None:
            return _("You paid %(amount)s", amount=money(paid))
        case Screen.CAPTURED:
            return _("Paid")
        case Screen.NO_CHARGE | Screen.WRITTEN_OFF if view.was_taken:
            return _("You paid %(amount)s", amount=money(paid)) if paid is not None else _("Paid")
        case Screen.NO_CHARGE:
            return _("You paid nothing")
        case Screen.EXPIRED:
            return _("Time is up")
        case Screen.FAILED if has_begun(view):
            return _("It ended early")
        case Screen.FAILED:
            return _("It did not start")
        case Screen.ABANDONED:
            return _("Cancelled")
        case Screen.CAPTURE_FAILED if not view.was_taken:
            return _("Not paid yet")
        case Screen.REQUIRES_REVIEW:
            return _("We are checking")
        case Screen.REFUNDED:
            return _("Money sent back")
        case Screen.WRITTEN_OFF:
            return _("Nothing to pay")
        case Screen.GONE:
            return _("No more news")
    return _("Being processed")


def title(view: SessionView) -> str:
    """The title of the page: it carries the state, because a phone shows it in its list of open pages."""
    bay = view.where.bay
    if view.by_record:
        return _("Bay %(bay)s: %(state)s", bay=bay, state=heading(view))
    match view.screen:
        case Screen.QUEUED if view.queue is not None:
            return _("Number %(number)s in line for bay %(bay)s", number=view.queue.number, bay=bay)
        case Screen.NO_ANSWER if not view.unusable:
            return _("No answer for bay %(bay)s", bay=bay)
        case Screen.CREATED if view.owner and view.hold.state is not HoldState.UNKNOWN and not view.bank_said_no:
            return _("Pay and start at bay %(bay)s", bay=bay)
        case Screen.AUTHORIZED | Screen.STARTING:
            return _("Starting at bay %(bay)s", bay=bay)
        case Screen.CHARGING if view.flow in _FLOW_HEADINGS:
            pass
        case Screen.CHARGING if view.energy_kwh is not None and view.cost is not None:
            energy, cost = kwh(view.energy_kwh), money(view.cost)
            return _("Charging at bay %(bay)s: %(energy)s, %(cost)s", bay=bay, energy=energy, cost=cost)
        case Screen.CHARGING:
            return _("Charging at bay %(bay)s", bay=bay)
        case Screen.STALE if view.fresh_at is not None:
            return _("Bay %(bay)s: no new figures since %(time)s", bay=bay, time=at(view, view.fresh_at))
        case Screen.STOPPING | Screen.SETTLING:
            return _("Finishing at bay %(bay)s", bay=bay)
        case Screen.CAPTURED if view.hold.taken is not None and not view.hold.sent_back:
            return _(
                "Receipt: %(amount)s, bay %(bay)s, %(day)s",
                amount=money(view.hold.taken),
                bay=bay,
                day=day(view.day, view.where.zone),
            )
        case Screen.EXPIRED:
            return _("Time is over for bay %(bay)s", bay=bay)
        case Screen.FAILED if not has_begun(view):
            return _("Bay %(bay)s did not start", bay=bay)
        case Screen.ABANDONED:
            return _("Cancelled at bay %(bay)s", bay=bay)
    return _("Bay %(bay)s: %(state)s", bay=bay, state=heading(view))


def under(view: SessionView) -> str:
    """The line below the heading: where, and since when."""
    bay, charger = view.where.bay, view.where.charger
    if view.bank_said_no:
        return _("Your bank said no. Pay another way, or take another bay.")
    if view.screen is Screen.CHARGING and view.since is not None:
        return _(
            "Bay %(bay)s, %(charger)s, since %(time)s",
            bay=bay,
            charger=charger,
            time=at(view, view.since),
        )
    if view.screen is Screen.STALE and view.since is not None:
        return _("Bay %(bay)s, charging since %(time)s", bay=bay, time=at(view, view.since))
    if names_its_day(view.final, view.hold):
        return _("Bay %(bay)s, %(day)s", bay=bay, day=day(view.day, view.where.zone))
    return _("Bay %(bay)s, %(charger)s", bay=bay, charger=charger)


def sentence(view: SessionView) -> str:
    """What is the case, in one or two short sentences. The first says what happened to the money where it matters."""
    bay, held = view.where.bay, amount(view.hold.amount)
    if view.by_record:
        return _("How it ended for your card is known from the payment itself. The charging service has told no end.")
    match view.screen:
        case Screen.QUEUED if view.queue is not None and view.queue.closed:
            return _("This charger takes no new starts just now. Nothing is held yet.")
        case Screen.QUEUED if view.queue is not None and view.queue.unreachable:
            return _("We cannot reach the charging service just now, and try again by ourselves. Nothing is held yet.")
        case Screen.QUEUED:
            return _("Nothing is held yet. Your turn comes by itself.")
        case Screen.REFUSED:
            return refusal(view)
        case Screen.NO_ANSWER if view.unusable:
            return _("We are giving bay %(bay)s back. You paid nothing, and nothing is held.", bay=bay)
        case Screen.NO_ANSWER:
            return _("We asked for bay %(bay)s and heard nothing. You paid nothing, and nothing is held.", bay=bay)
        case Screen.LEFT if view.refusal is Refusal.NOBODY_WATCHED:
            return _("Your start waited, and nobody had this page open. You paid nothing and nothing is held.")
        case Screen.LEFT if view.refusal is Refusal.TERMS_CHANGED:
            return _("Price or hold changed while you waited. You paid nothing and nothing is held.")
        case Screen.LEFT:
            return _("You paid nothing and nothing is held.")
        case Screen.CREATED if view.asked is not None:
            return _("Please read what is different. Nothing is held, and nothing is paid.")
        case Screen.CREATED if view.hold.state is HoldState.UNKNOWN:
            return _("We are checking whether the hold was placed.")
        case Screen.CREATED if view.bank_said_no:
            return _("Your bank said no. Nothing is held.")
        case Screen.CREATED if view.owner:
            return _("Bay %(bay)s is kept for you. Nothing is held yet.", bay=bay)
        case Screen.CREATED:
            return _("Bay %(bay)s is being paid on another phone. Nothing is held yet.", bay=bay)
        case Screen.AUTHORIZED if view.hold.amount is None:
            return _("The hold is on your card. Now we ask the charger to start.")
        case Screen.AUTHORIZED:
            return _("%(amount)s is held on your card. Now we ask the charger to start.", amount=held)
        case Screen.STARTING if view.start_by is not None and view.hold.amount is not None:
            by = at(view, view.start_by)
            return _(
                "The charger gets ready. No start by %(time)s? Then all %(amount)s goes back.", time=by, amount=held
            )
        case Screen.STARTING:
            return _("The charger gets ready.")
        case Screen.CHARGING:
            return _FLOW_SENTENCES[view.flow or Flow.UNSAID]()
        case Screen.STALE if view.flow in NO_POWER or view.ending_by is not None:
            return _("We do not know whether your car charges. The figures catch up when contact is back.")
        case Screen.STALE:
            return _("Your car most likely goes on charging. The figures catch up when contact is back.")
        case Screen.STOPPING:
            return _("We asked the charger to stop. This takes a few seconds.")
        case Screen.SETTLING:
            return _("Charging is over. We wait for the last meter reading.")
        case Screen.CAPTURED | Screen.NO_CHARGE | Screen.EXPIRED | Screen.FAILED | Screen.ABANDONED:
            return _ended(view)
        case Screen.CAPTURE_FAILED if view.was_taken:
            return _("We are working on it. You never pay more than the hold.")
        case Screen.CAPTURE_FAILED if view.cost is not None:
            cost = money(view.cost)
            return _(
                "Your charge costs %(amount)s, but we could not take it yet. You never pay more than that.", amount=cost
            )
        case Screen.CAPTURE_FAILED:
            return _("We could not take the cost yet. You never pay more than the hold.")
        case Screen.REQUIRES_REVIEW:
            return _("A person checks the meter figures. You never pay more than the hold.")
        case Screen.REFUNDED if view.hold.sent_back:
            return _refunded(view)
        case Screen.REFUNDED:
            return _("We sent your money back.")
        case Screen.WRITTEN_OFF:
            return _written_off(view)
        case Screen.GONE:
            return _gone(view)
        case Screen.STRANGE if view.hold.state is HoldState.UNKNOWN:
            return _("We are working on it. We do not know yet whether a hold was placed.")
    return _("We are working on it. You never pay more than the hold.")


_FLOW_HEADINGS = {
    Flow.CAR_WAITS: lambda: _("Your car is waiting"),
    Flow.PAUSED: lambda: _("Waiting for power"),
    Flow.STILL: lambda: _("No power now"),
    Flow.FAULT: lambda: _("Fault at the charger"),
    Flow.OVER: lambda: _("Charging has stopped"),
}
_FLOW_SENTENCES = {
    Flow.FLOWS: lambda: _("Your car is charging. Every figure shows its age."),
    Flow.CAR_WAITS: lambda: _("Your car takes no power now. Nothing has ended."),
    Flow.PAUSED: lambda: _("The charger gives no power now. Nothing has ended."),
    Flow.STILL: lambda: _("The meter stands still now. Nothing has ended."),
    Flow.FAULT: lambda: _("The charger reports a fault. We do not know whether your car charges."),
    Flow.OVER: lambda: _("The charger says that charging has stopped. What it cost comes here."),
    Flow.UNSAID: lambda: _("Charging has begun. Every figure shows its age."),
}


def has_begun(view: SessionView) -> bool:
    """Energy flowed, or somebody said when charging began."""
    return view.since is not None or bool(view.energy_kwh)


def _ended(view: SessionView) -> str:
    """What became of the money in an end: "went back" only when the release is proven."""
    hold = view.hold
    held = amount(hold.amount)
    if view.screen is Screen.CAPTURED:
        taken, rest = amount(hold.taken), amount(hold.rest)
        if hold.over is not None:
            over = money(hold.over)
            return _(
                "%(taken)s was taken. That is %(over)s more than your hold. Please call us.", taken=taken, over=over
            )
        if hold.taken is None:
            return _("We were not told yet how much was taken from your hold.")
        if hold.sent_back:
            return _refunded(view)
        if hold.rest is None:
            return _("We took the cost of your charge from your hold.")
        if hold.rest.minor <= 0:
            return _("We took %(taken)s. That was your whole hold.", taken=taken)
        if hold.state is HoldState.GIVEN_BACK:
            return _("We took %(taken)s and gave back %(rest)s of your hold.", taken=taken, rest=rest)
        return _("We took %(taken)s. The rest of your hold, %(rest)s, goes back.", taken=taken, rest=rest)
    if hold.state is HoldState.HELD:
        return _("%(amount)s is held on your card, although this charge costs nothing. Please call us.", amount=held)
    if view.was_taken and hold.taken is None:
        return _("An amount was taken, although this charge costs nothing. Please call us.")
    if view.was_taken:
        taken = amount(hold.taken)
        return _("%(taken)s was taken, although this charge costs nothing. Please call us.", taken=taken)
    if hold.state is HoldState.NONE:
        if view.screen is Screen.EXPIRED:
            return _("The start was not paid in time. Nothing is held.")
        return _("You paid nothing and nothing is held.")
    if hold.amount is None:
        return _("You paid nothing. The hold goes back.")
    if view.screen is Screen.NO_CHARGE and view.energy_kwh == 0:
        if hold.state is HoldState.GIVEN_BACK:
            return _("Your car took no power. All %(amount)s went back.", amount=held)
        return _("Your car took no power. All %(amount)s goes back.", amount=held)
    if hold.state is HoldState.GIVEN_BACK:
        return _("You paid nothing. All %(amount)s of your hold went back.", amount=held)
    return _("You paid nothing. All %(amount)s of your hold goes back.", amount=held)


def _sent_back(view: SessionView) -> Money:
    """All that was sent back of what was taken. Only for a view in which something was."""
    first, *more = (one.amount for one in view.hold.sent_back)
    return sum(more, first)


def _refunded(view: SessionView) -> str:
    """That all or a part was sent back, and what the driver paid in the end."""
    taken, back = view.hold.taken, _sent_back(view)
    if taken is None or back == taken:
        return _("%(amount)s was sent back. You paid nothing in the end.", amount=money(back))
    left = money(taken - back)
    return _(
        "%(back)s of %(taken)s was sent back. You paid %(left)s in the end.",
        back=money(back),
        taken=money(taken),
        left=left,
    )


def _written_off(view: SessionView) -> str:
    hold = view.hold
    if view.was_taken and hold.taken is None:
        return _("The bill was closed, although an amount was taken. Please call us.")
    if view.was_taken:
        taken = amount(hold.taken)
        return _("The bill was closed, although %(taken)s was taken. Please call us.", taken=taken)
    if hold.state is HoldState.HELD:
        held = amount(hold.amount)
        return _("The bill is closed, and %(amount)s is still held on your card. Please call us.", amount=held)
    if view.hold.state is HoldState.GIVEN_BACK:
        return _("We could not take the cost and closed the bill. The hold is gone.")
    return _("We could not take the cost and closed the bill. You pay nothing.")


def _gone(view: SessionView) -> str:
    """The back office forgot the session before it ended: only what was known, and never more than the hold."""
    if view.hold.state is HoldState.UNKNOWN:
        return _("The charging service no longer knows this session. We do not know whether a hold was placed.")
    if view.hold.amount is None:
        return _("The charging service no longer answers for this session. You never pay more than the hold.")
    return _(
        "The charging service no longer answers for this session. You never pay more than %(amount)s.",
        amount=money(view.hold.amount),
    )


def refusal(view: SessionView) -> str:
    """Why a start was refused, and that nothing is held."""
    bay = view.where.bay
    match view.refusal:
        case Refusal.CHARGER_OFFLINE:
            return _("We have no contact with this charger. You cannot pay here now. Nothing is held.")
        case Refusal.CONNECTOR_BUSY:
            return _("Bay %(bay)s is in use. Nothing is held.", bay=bay)
        case Refusal.UNKNOWN_CONNECTOR:
            return _("The charger does not know bay %(bay)s. Nothing is held.", bay=bay)
        case Refusal.UNKNOWN_CHARGER:
            return _("Paying by phone is switched off at this charger. Nothing is held.")
        case Refusal.TOO_MANY if view.retry_at is not None:
            time = clock_s(view.retry_at, view.where.zone, view.beside)
            return _("Many drivers are starting right now. Try again at %(time)s. Nothing is held.", time=time)
        case Refusal.TOO_MANY:
            return _("Many drivers are starting right now. Try again in a few minutes. Nothing is held.")
        case Refusal.CHARGER_FULL:
            return _("This charger takes no new starts just now. Nothing is held.")
        case Refusal.UPSTREAM_DOWN:
            return _("We cannot reach the charging service. Nothing is held.")
    return _("The charging service said no to this start. Nothing is held.")


_REASONS = {
    "cancelled_by_driver": lambda: _("You cancelled the start."),
    "not_plugged_in": lambda: _("No cable was plugged in, in time."),
    "payment_canceled": lambda: _("The payment was cancelled."),
    "payment_expired": lambda: _("The payment was not made in time."),
    "payment_failed": lambda: _("The payment did not go through."),
    "start_rejected": lambda: _("The charger said no."),
    "start_timeout": lambda: _("The charger did not answer in time."),
}


def reason(view: SessionView) -> str:
    """Why a session ended, in our words: who asked for the end, as far as anybody did. Upstream's own are never shown.

    What failed says why itself, because a cancel does not make it fail.
    """
    known = _REASONS.get((view.reason or "").strip().lower()) if not has_begun(view) else None
    if view.screen is Screen.FAILED and known is not None:
        return known()
    if view.ended_kind is not None and view.ended_by is not None:
        if view.ended_kind is Kind.CANCEL and view.ended_by is AskedBy.DRIVER and has_begun(view):
            return _("You asked to cancel the start.")
        asked = _ASKED.get((view.ended_kind, view.ended_by))
        if asked is not None:
            return asked()
    if known is not None and view.screen in {Screen.ABANDONED, Screen.NO_CHARGE}:
        return known()
    return _("It gave no reason that we know.") if view.screen is Screen.FAILED else ""


_ASKED = {
    (Kind.CANCEL, AskedBy.DRIVER): lambda: _("You cancelled the start."),
    (Kind.CANCEL, AskedBy.START_DEADLINE): lambda: _("The charger had not started in time, so we asked to cancel."),
    (Kind.CANCEL, AskedBy.UNPAID): lambda: _("It was not paid in time, so we gave the bay free."),
    (Kind.STOP, AskedBy.DRIVER): lambda: _("You asked to stop."),
    (Kind.CANCEL, AskedBy.OPERATOR): lambda: _("The operator cancelled the start."),
    (Kind.STOP, AskedBy.OPERATOR): lambda: _("The operator asked the charger to stop."),
    (Kind.STOP, AskedBy.LIMIT): lambda: _("We asked the charger to stop, to keep your limit."),
    (Kind.STOP, AskedBy.HOLD): lambda: _("We asked the charger to stop, so that your hold covers the cost."),
    (Kind.STOP, AskedBy.POWER_DEADLINE): lambda: _("We saw no power in time, so we asked the charger to stop."),
    (Kind.STOP, AskedBy.WAITED): lambda: _("Nothing had flowed for long, so we asked the charger to stop."),
    (Kind.STOP, AskedBy.START_DEADLINE): lambda: _("We asked the charger to stop, because it had started too late."),
}
"""What this kiosk asked for, and why."""


def bar_label(view: SessionView) -> str:
    """The bar of the hold in words."""
    hold = view.hold
    held, taken, rest = amount(hold.amount), amount(hold.taken), amount(hold.rest)
    match hold.state:
        case HoldState.NONE:
            return _("No hold was placed.")
        case HoldState.UNKNOWN:
            return _("We do not know whether a hold was placed.")
        case _known if hold.amount is None:
            return _("A hold was placed. We do not know its amount.")
        case _untold if hold.taken is None and (view.was_taken or view.screen in {Screen.CAPTURED, Screen.REFUNDED}):
            return _("%(held)s was held. We were not told yet how much of it was taken.", held=held)
        case _more if hold.over is not None or _past_hold(hold):
            return _("%(taken)s was taken, more than the %(held)s that was held.", held=held, taken=taken)
        case _sent if hold.sent_back and hold.kept is not None and hold.rest is not None:
            sent = hold.all_sent_back
            if hold.state is HoldState.GIVEN_BACK:
                back = amount(hold.rest + sent if sent is not None else hold.rest)
                return _(
                    "Of %(held)s held, you paid %(left)s in the end. %(back)s was given back.",
                    held=held,
                    left=amount(hold.kept),
                    back=back,
                )
            return _(
                "Of %(held)s held, you paid %(left)s in the end. %(back)s was sent back, and %(rest)s goes back.",
                held=held,
                left=amount(hold.kept),
                back=amount(sent),
                rest=rest,
            )
        case HoldState.SHOWN:
            return _("%(amount)s will be held. Nothing is taken yet.", amount=held)
        case HoldState.GIVEN_BACK if hold.taken is None or hold.taken.minor == 0:
            return _("%(held)s was held and all of it was given back.", held=held)
        case HoldState.GIVEN_BACK:
            return _(
                "Of %(held)s held, %(taken)s was taken and %(rest)s was given back.", held=held, taken=taken, rest=rest
            )
        case HoldState.GOES_BACK if hold.taken is None or hold.taken.minor == 0:
            return _("%(held)s was held and all of it goes back.", held=held)
        case HoldState.GOES_BACK:
            return _("Of %(held)s held, %(taken)s was taken and %(rest)s goes back.", held=held, taken=taken, rest=rest)
    if hold.taken is None:
        return _("%(held)s held, nothing taken", held=held)
    if view.limit is not None and view.bar is not None and view.bar.mark is not None:
        limit = money(view.limit)
        return _("%(used)s used. Charging stops at %(limit)s. %(held)s is held.", used=taken, limit=limit, held=held)
    return _("%(used)s used so far of %(held)s held", used=taken, held=held)


def _past_hold(hold: Hold) -> bool:
    """More is said to be taken than was held, and nobody says that it was taken at the end."""
    known = hold.taken is not None and hold.amount is not None
    return known and hold.state in {HoldState.GOES_BACK, HoldState.GIVEN_BACK} and hold.rest is None


def figures(view: SessionView) -> dict[str, str]:
    """The texts that change while a screen stays the same. Each goes into the element with that `data-f`."""
    rows: dict[str, str] = {}
    if view.screen is Screen.QUEUED and view.queue is not None:
        rows["number"] = str(view.queue.number)
        if view.queue.seconds > 0 and view.queue.timed:
            rows["seconds"] = str(view.queue.seconds)
    if view.screen in {Screen.CHARGING, Screen.STALE, Screen.STOPPING, Screen.SETTLING, Screen.GONE}:
        rows["energy"] = number(view.energy_kwh, 2) if view.energy_kwh is not None else DASH
        rows["cost"] = amount(view.cost)
        rows["used"] = _("%(amount)s used", amount=money(view.cost)) if view.cost is not None else ""
        if view.hold.rest is not None:
            rows["rest"] = _("%(amount)s only held", amount=money(view.hold.rest))
            rows["back"] = _("about %(amount)s goes back", amount=money(view.hold.rest))
    if view.screen in {Screen.STOPPING, Screen.SETTLING}:
        rows["adds"] = _last_reading(view)
    if view.screen in {Screen.CHARGING, Screen.STALE, Screen.STOPPING}:
        rows["power"] = kw(view.power_kw) if view.power_kw is not None else DASH
        if view.screen is Screen.CHARGING:
            rows["estimate"] = _estimate(view)
            rows["source"] = _source(view)
            limited = view.limit is not None or Action.LIMIT in view.actions
            rows["rough"] = rough_limit(view.rough, view.slow_meter) if limited else ""
            rows["meter"] = _meter(view, said=bool(rows["rough"]))
            rows["ceiling"] = ceiling_words(view.ceiling)
    return rows


def _last_reading(view: SessionView) -> str:
    """What the bill can differ by from the last live cost."""
    if view.last_adds is None:
        return _("The last reading can still add to the cost.")
    if view.last_adds.minor == 0:
        return ""
    return _("The last reading can add up to about %(amount)s.", amount=money(view.last_adds))


def _meter(view: SessionView, *, said: bool) -> str:
    """How old the meter's own figures may be: a read of ours does not make them newer. `said`: how often the charger
    reports stands on the page already.
    """
    if view.slow_meter is None:
        return ""
    every = about_every(view.slow_meter)
    if view.first_report_by is not None:
        words = _("This charger reports about every %(every)s. The first figures come by %(time)s.")
        return words % {"every": every, "time": at(view, view.first_report_by)}
    if said:
        return _("The figures move in steps, as the charger reports them.")
    return _("This charger reports about every %(every)s, so the figures move in steps.", every=every)


def _source(view: SessionView) -> str:
    """Where the figures come from, when not from the session itself; and how often they come, when it is seldom."""
    if view.estimated:
        return _("Estimate from the list of this site. The bill is made from the meter at the end.")
    if view.every is not None:
        every = duration(view.every)
        return _("Many cars charge here now: your figures are renewed about every %(every)s.", every=every)
    return ""


def _estimate(view: SessionView) -> str:
    if view.limit_about is None or Action.STOP not in view.actions:
        return ""
    time = at(view, view.limit_about)
    if view.limit is not None:
        return _("At this power you reach your limit at about %(time)s. This is an estimate.", time=time)
    return _(
        "At this power you reach your hold at about %(time)s. Charging stops before. This is an estimate.", time=time
    )


def spark_label(view: SessionView) -> str:
    if view.spark is None:
        return ""
    since = at(view, view.spark.since)
    if view.spark.gap is not None and view.fresh_at is not None:
        return _(
            "Power from %(since)s to %(until)s. No figures after that.",
            since=since,
            until=at(view, view.fresh_at),
        )
    if view.power_kw is None:
        return _("Power since %(since)s", since=since)
    return _("Power since %(since)s, now %(power)s", since=since, power=kw(view.power_kw))
