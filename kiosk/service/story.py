"""One session's timeline in sentences that an operator understands at night: for `kiosk session` and the desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from kiosk.config.sites import SiteBook
from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.money import Money
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import Event, Session
from kiosk.domain.status import Group, facts
from kiosk.domain.tariff import Tariff
from kiosk.service.entries import (
    Asked,
    Change,
    Changed,
    Ending,
    Entry,
    HandedOver,
    Hinted,
    Issued,
    Measured,
    Metered,
    NotFound,
    Noticed,
    Outcome,
    Owned,
    Proven,
    Reason,
    RefundAsked,
    RefundEnded,
    RefundSent,
    Requested,
    Revised,
    SeenTo,
    Settled,
    TakenBack,
    TakeOverLapsed,
    Timeline,
    Value,
)
from kiosk.service.queue_words import DID, DO, WHAT

Tell = Callable[[datetime], str]
"""How a moment is told where the sentence stands: at the desk as on all its pages, in a shell `exactly`."""
UNKNOWN = "unknown"
WORTH_SAYING = timedelta(seconds=1)
"""A command that took less than this is not said to have taken any time."""

_WISHES = {
    Kind.START: "to start the charge",
    Kind.CONFIRM: "to have the payment checked",
    Kind.CANCEL: "to cancel",
    Kind.STOP: "to stop the charge",
    Kind.RECEIPT_EMAIL: "for the receipt by e-mail",
}
_BECAUSE = {
    Reason.START_DEADLINE: "because the charger had not taken up the start in time",
    Reason.POWER_DEADLINE: "because no energy had flowed in time",
    Reason.LIMIT: "because the cost was about to reach the driver's limit",
    Reason.HOLD: "because the cost was about to reach the hold",
    Reason.HOLD_AGE: "because the hold was about to lapse",
    Reason.PROVIDER: "because Stripe says that it was paid",
    Reason.WAITED: "because car or bay had waited for too long",
    Reason.UNPAID: "because nobody paid it or looked at it any more",
    Reason.KIOSK: "by itself",
}
_EVENTS = {
    Event.CAME_ONLINE: "the charger is in contact again",
    Event.WENT_OFFLINE: "the charger lost contact",
    Event.CAME_BACK: "the session answers again",
    Event.STRANGE_STATUS: "this version does not know that status",
    Event.ENERGY_FELL: "the energy figure FELL",
    Event.TARIFF_CHANGED: "the back office names ANOTHER PRICE, and that of the start stays",
    Event.CAPTURED_ABOVE_HOLD: "MORE was taken than was held",
    Event.DOUBTFUL_FIGURES: "figures that CANNOT be, read again",
    Event.DOUBT_CONFIRMED: "the figures in doubt were confirmed",
    Event.STATUS_WENT_BACK: "the status went back",
    Event.OTHER_CURRENCY: "the answer speaks of ANOTHER CURRENCY, so its amounts were not believed",
    Event.REFUNDED: "something was sent back",
    Event.END_INCOMPLETE: "the end was told WITHOUT ALL OF ITS FIGURES, so it was read on",
}
_FACTS = {
    "charger_online": "charger in contact",
    "connector_status": "connector",
    "energy_kwh": "energy",
    "failure_reason": "reason given by the back office",
    "authorized_at": "held at",
    "charging_started_at": "charging since",
    "completed_at": "charging until",
    "captured_at": "taken at",
}
_WAYS = {
    "takeover": "with a one-use code",
    "screen": "with a one-use code of the tablet",
    "bank": "by coming back from the bank",
    "code": "with the six digits at the tablet",
}


def lines(told: Timeline, book: SiteBook) -> Iterator[str]:
    """The whole timeline: what it comes to first, then one line for each thing that happened."""
    session = told.session
    zone = book.zone(session.code)
    tell = exactly(zone)
    site = book.site_of(session.code)
    where = f"charger {session.code}, connector {session.connector_id}"
    if book.bay(session.code, session.connector_id) is not None:
        where += f", bay {book.bay_label(session.code, session.connector_id)}"
    yield f"Session   {told.mark}" + (f", receipt {told.receipt_number}" if told.receipt_number else ", no receipt")
    yield f"Where     {where}" + (f", {site.name}" if site is not None else "") + f" (times of {zone.key})"
    yield f"Status    {status_word(session)}" + (f", ended {time_text(told.ended_at, tell)}" if told.ended_at else "")
    yield f"Why       {why(told.ending, tell)}"
    held, taken = session.money(session.authorized_minor), taken_of(session)
    cost = session.money(session.cost_minor)
    yield f"Money     held {money_text(held)}, cost {money_text(cost)}, taken {money_text(taken)}"
    yield f"Energy    {energy_text(session.energy_kwh)}"
    yield f"Limit     {money_text(told.limit) if told.limit else 'none'} (as it stands; earlier ones are not kept)"
    yield f"Payment   {told.intent_id or UNKNOWN}"
    gone = told.readings == 0 and session.status is not None
    yield f"Readings  {'erased, because it ended long ago' if gone else told.readings}"
    yield ""
    for entry in told.entries:
        yield f"{time_text(entry.at, tell)}  {sentence(entry, tell)}"


def taken_of(session: Session) -> Money | None:
    """What was captured, else what the receipt says of an end without payment; None while nobody has said."""
    receipt = receipt_of(session)
    if session.captured_minor is None and receipt is not None:
        return receipt.taken
    return session.money(session.captured_minor)


def why(ending: Ending, tell: Tell) -> str:
    """One line on why the session was stopped, or how else it ended."""
    said = f" The back office gives as reason: {ending.said}." if ending.said else ""
    command = ending.command
    match ending.outcome:
        case Outcome.GOES_ON:
            return f"It has not ended yet.{said}"
        case Outcome.LEFT:
            return "The driver left the line before the start was sent."
        case Outcome.START_REFUSED:
            return f"The start was refused{_refusal(command)}; nothing was held."
        case Outcome.START_NOT_ANSWERED:
            return "The start got no answer and was not sent again; no payment was ever shown, so nothing was held."
        case Outcome.LOST:
            return f"The back office no longer knows it and never said that it ended: look at the payment.{said}"
        case Outcome.ASKED if command is not None:
            seen = f"; the end was seen {time_text(ending.seen_at, tell)}" if ending.seen_at else ""
            return f"At {time_text(command.at, tell)} {_who(command)}, and {_answered(command)}{seen}.{said}"
        case Outcome.NEVER_PAID:
            seen = f", seen {time_text(ending.seen_at, tell)}" if ending.seen_at else ""
            return f"Nobody paid: it ended before a hold was seen and before any charge{seen}.{said}"
        case _:
            seen = f", seen {time_text(ending.seen_at, tell)}" if ending.seen_at else ""
            tried = "" if command is None else f" ({_who(command)}, but that did not end it: {_answered(command)})"
            others = "the car, the cable, the charger or the back office did"
            return f"No stop of this kiosk ended it{tried}: {others}{seen}.{said}"


def sentence(entry: Entry, tell: Tell) -> str:
    """What happened, in one sentence."""
    match entry:
        case Requested():
            return (
                f"A driver asked for connector {entry.connector_id} of {entry.code}; "
                f"the hold that was shown is {money_text(entry.hold)}."
            )
        case HandedOver():
            shown = time_text(entry.shown_at, tell)
            return f"A phone took over the bay from the tablet {entry.tablet}, which had shown it since {shown}."
        case Asked():
            who = _who(entry)
            return f"{who[0].upper()}{who[1:]}: {_answered(entry)}{_took(entry)}."
        case Changed():
            told = [_change(change, tell) for change in entry.changes]
            told += [_EVENTS[event] for event in entry.events if event in _EVENTS]
            told += _silent(entry)
            return f"Seen ({entry.source}): {'; '.join(told)}."
        case Metered():
            return (
                f"The meter went on ({entry.readings} changed since {time_text(entry.since, tell)}): energy "
                f"{energy_text(entry.energy_before)} -> {energy_text(entry.energy_kwh)}, "
                f"cost {money_text(entry.cost_before)} -> {money_text(entry.cost)}."
            )
        case NotFound():
            more = "and again later: it counts as lost" if entry.lost else "which may be a slip"
            return f"The back office answered that it does not know this session (404), {more}."
        case Issued():
            proven = (
                f"proven {time_text(entry.given_back_at, tell)}" if entry.given_back_at else "the release is not proven"
            )
            return (
                f"Receipt {entry.number} was issued ({entry.status or UNKNOWN}): held {money_text(entry.held)}, taken "
                f"{money_text(entry.taken)}, given back {money_text(entry.given_back)} ({proven})."
            )
        case Revised():
            return f"Receipt {entry.number} was revised: {'; '.join(_change(one, tell) for one in entry.changes)}."
        case Proven():
            state = "the hold has ended" if entry.ended else "the hold has not ended"
            released = f", released {time_text(entry.canceled_at, tell)}" if entry.canceled_at else ""
            return (
                f"Stripe said {entry.intent_status}: still held {money_text(entry.capturable)}, taken "
                f"{money_text(entry.received)}{released}; {state}."
            )
        case Measured():
            because = f", stopped as {entry.stop_reason}" if entry.stop_reason else ""
            kwh = Decimal(entry.stop_wh - entry.start_wh) / 1000
            return (
                f"The charger's own transaction {entry.number}, begun {time_text(entry.started_at, tell)}: "
                f"its meter went from {entry.start_wh} to {entry.stop_wh} Wh ({energy_text(kwh)}){because}. "
                "Nobody has signed that."
            )
        case Hinted(webhook=None):
            return "A hint that something changed waits for the next read."
        case Hinted():
            return f"Stripe's webhook said {entry.webhook}; the back office was then asked."
        case Owned():
            return f"One more device may act on it, {_WAYS.get(entry.how, entry.how)}."
        case TakenBack():
            return f"The right that a device had got {_WAYS.get(entry.how, entry.how)} was taken back."
        case TakeOverLapsed():
            return "A one-use code to take it over had been shown; nobody used it in time."
        case RefundAsked():
            return f"{entry.who} asked at the desk to send {money_text(entry.amount)} back."
        case RefundSent():
            return f"The refund of {money_text(entry.amount)} was sent to Stripe for the first time."
        case RefundEnded(done=True):
            return (
                f"The refund of {money_text(entry.amount)} is done: Stripe's record of the payment was read after it."
            )
        case RefundEnded():
            because = f": {entry.said}" if entry.said else ""
            return f"The refund of {money_text(entry.amount)} came to nothing{because}."
        case Noticed():
            stake = f" ({money_text(entry.amount)} at stake)" if entry.amount is not None else ""
            return f"A person should look at it: {WHAT[entry.why]}{stake}. What to do: {DO[entry.act]}."
        case SeenTo():
            until = f" until {time_text(entry.until, tell)}" if entry.until is not None else ""
            said = f", and wrote: {entry.said}" if entry.said else ""
            return f"{entry.who} {DID[entry.did]}{until}{said}. It was about this: {WHAT[entry.why]}."
        case Settled():
            return f"That is over, and nobody need look because of it any more: {WHAT[entry.why]}."


def _silent(entry: Changed) -> list[str]:
    """Figures that nobody has said yet although the charge has begun: they are unknown, not zero."""
    if facts(entry.status).group in {Group.UNPAID, Group.PREPARING}:
        return []
    energy = [] if entry.energy_kwh is not None else [f"energy {UNKNOWN}"]
    return energy if entry.cost is not None else [*energy, f"cost {UNKNOWN}"]


def _who(asked: Asked) -> str:
    wish = _WISHES[asked.kind]
    if asked.reason is Reason.OPERATOR:
        return f"somebody at the desk asked {wish}"
    if asked.reason is Reason.DRIVER:
        return f"the driver asked {wish}"
    return f"the kiosk asked {wish}, {_BECAUSE[asked.reason]}"


def _answered(asked: Asked) -> str:
    match asked.state:
        case CommandState.WAITING:
            return "it waits to be sent" + (f" again, after {asked.attempts}" if asked.attempts else "")
        case CommandState.SENT:
            return "it was sent and has no answer yet"
        case CommandState.DONE:
            return "the back office accepted it"
        case CommandState.REFUSED:
            return f"it was refused{_refusal(asked)}"
        case CommandState.UNKNOWN:
            reason = f" ({asked.said})" if asked.said else ""
            return f"no answer came, so nobody knows whether it worked{reason}"
        case CommandState.WITHDRAWN:
            return "it was withdrawn" + (" before it was sent" if not asked.attempts else "")


def _refusal(asked: Asked | None) -> str:
    if asked is None or asked.refusal is None:
        return ""
    return f" as {asked.refusal.value}" + (f" ({asked.said})" if asked.said else "")


def _took(asked: Asked) -> str:
    """How often it was sent, and how long it took from the wish to its end."""
    told = [f"sent {asked.attempts} times"] if asked.attempts > 1 else []
    if asked.ended_at is not None and asked.ended_at - asked.at >= WORTH_SAYING:
        told.append(f"{_seconds(asked.ended_at - asked.at)} after it was asked for")
    return f" ({', '.join(told)})" if told else ""


def _change(change: Change, tell: Tell) -> str:
    name = _FACTS.get(change.what, change.what)
    after = _value(change.after, tell)
    return f"{name} {after}" if change.before is None else f"{name} {_value(change.before, tell)} -> {after}"


def _value(value: Value, tell: Tell) -> str:
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "yes" if value else "no"
        case Money():
            return money_text(value)
        case Tariff():
            return f"{money_text(value.price_per_kwh)} per kWh and {money_text(value.start_fee)} per session"
        case Decimal():
            return energy_text(value)
        case datetime():
            return time_text(value, tell)
        case _:
            return str(value)


def status_word(session: Session) -> str:
    return session.status if session.status is not None else session.phase.value


def money_text(money: Money | None) -> str:
    return f"{money.major:f} {money.currency}" if money is not None else UNKNOWN


def energy_text(energy: Decimal | None) -> str:
    return f"{energy:f} kWh" if energy is not None else UNKNOWN


def time_text(at: datetime | None, tell: Tell) -> str:
    return tell(at) if at is not None else UNKNOWN


def exactly(zone: ZoneInfo) -> Tell:
    """Times as a shell and a program want them: `2026-11-20 14:00:00+01:00`."""
    return lambda at: at.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.1f} s"
