"""`kiosk session`: one session's timeline in sentences that an operator understands at night, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from kiosk.config.logs import session_mark
from kiosk.config.settings import Settings, SettingsError
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
from kiosk.service.timeline import find, timeline
from kiosk.store import Cipher, Store

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


def existing(settings: Settings) -> Store:
    """The store that is there already: telling a story never makes or changes a database. Raises SettingsError."""
    file = settings.database_file
    if file is not None and not file.is_file():
        raise SettingsError(f"There is no database at {file}: set KIOSK_DATA_DIR as for `kiosk serve`.")
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    if not store.healthy():
        store.close()
        raise SettingsError(f"The database {settings.database} lacks its tables: `kiosk migrate`.")
    return store


def report(store: Store, book: SiteBook, wanted: str, now: datetime, *, as_json: bool) -> str:
    """The timeline of the session meant by a mark, a receipt number or a charger's code; of several, their list.

    Raises SettingsError when nothing is found.
    """
    found = find(store, wanted)
    if not found:
        raise SettingsError(f"There is no session for {wanted!r}: give a mark, a receipt number or a charger's code.")
    if len(found) > 1:
        return _dump(as_list(found, book)) if as_json else "\n".join(listing(found, book))
    (session,) = found
    told = timeline(store, session.key, now)
    if told is None:
        raise SettingsError(f"The session for {wanted!r} was removed meanwhile.")
    return _dump(as_object(told, book)) if as_json else "\n".join(lines(told, book))


def listing(sessions: Sequence[Session], book: SiteBook) -> Iterator[str]:
    """The latest sessions of a charger, one a line, newest first."""
    yield f"The last {len(sessions)} sessions of {sessions[0].code}; `kiosk session MARK` tells one of them:"
    for one in sessions:
        bay = book.bay_label(one.code, one.connector_id)
        taken = _money(_taken(one))
        at = _time(one.requested_at, book.zone(one.code))
        yield f"{session_mark(one.key)}  {at}  bay {bay}  {_status(one)}, taken {taken}"


def lines(told: Timeline, book: SiteBook) -> Iterator[str]:
    """The whole timeline: what it comes to first, then one line for each thing that happened."""
    session = told.session
    zone = book.zone(session.code)
    site = book.site_of(session.code)
    where = f"charger {session.code}, connector {session.connector_id}"
    if book.bay(session.code, session.connector_id) is not None:
        where += f", bay {book.bay_label(session.code, session.connector_id)}"
    yield f"Session   {told.mark}" + (f", receipt {told.receipt_number}" if told.receipt_number else ", no receipt")
    yield f"Where     {where}" + (f", {site.name}" if site is not None else "") + f" (times of {zone.key})"
    yield f"Status    {_status(session)}" + (f", ended {_time(told.ended_at, zone)}" if told.ended_at else "")
    yield f"Why       {why(told.ending, zone)}"
    held, taken = session.money(session.authorized_minor), _taken(session)
    yield f"Money     held {_money(held)}, cost {_money(session.money(session.cost_minor))}, taken {_money(taken)}"
    yield f"Energy    {_energy(session.energy_kwh)}"
    yield f"Limit     {_money(told.limit) if told.limit else 'none'} (as it stands; earlier ones are not kept)"
    yield f"Payment   {told.intent_id or UNKNOWN}"
    gone = told.readings == 0 and session.status is not None
    yield f"Readings  {'erased, because it ended long ago' if gone else told.readings}"
    yield ""
    for entry in told.entries:
        yield f"{_time(entry.at, zone)}  {sentence(entry, zone)}"


def _taken(session: Session) -> Money | None:
    """What was captured, else what the receipt says of an end without payment; None while nobody has said."""
    receipt = receipt_of(session)
    if session.captured_minor is None and receipt is not None:
        return receipt.taken
    return session.money(session.captured_minor)


def why(ending: Ending, zone: ZoneInfo) -> str:
    """One line on why the session was stopped, or how else it ended."""
    said = f" The back office gives as reason: {ending.said}." if ending.said else ""
    command = ending.command
    match ending.outcome:
        case Outcome.GOES_ON:
            return f"It goes on.{said}"
        case Outcome.LEFT:
            return "The driver left the line before the start was sent."
        case Outcome.START_REFUSED:
            return f"The start was refused{_refusal(command)}; nothing was held."
        case Outcome.START_NOT_ANSWERED:
            return "The start got no answer and was not sent again; no payment was ever shown, so nothing was held."
        case Outcome.LOST:
            return f"The back office no longer knows it and never said that it ended: look at the payment.{said}"
        case Outcome.ASKED if command is not None:
            seen = f"; the end was seen {_time(ending.seen_at, zone)}" if ending.seen_at else ""
            return f"At {_time(command.at, zone)} {_who(command)}, and {_answered(command)}{seen}.{said}"
        case Outcome.NEVER_PAID:
            seen = f", seen {_time(ending.seen_at, zone)}" if ending.seen_at else ""
            return f"Nobody paid: it ended before a hold was seen and before any charge{seen}.{said}"
        case _:
            seen = f", seen {_time(ending.seen_at, zone)}" if ending.seen_at else ""
            tried = "" if command is None else f" ({_who(command)}, but that did not end it: {_answered(command)})"
            others = "the car, the cable, the charger or the back office did"
            return f"No stop of this kiosk ended it{tried}: {others}{seen}.{said}"


def sentence(entry: Entry, zone: ZoneInfo) -> str:
    """What happened, in one sentence."""
    match entry:
        case Requested():
            return (
                f"A driver asked for connector {entry.connector_id} of {entry.code}; "
                f"the hold that was shown is {_money(entry.hold)}."
            )
        case HandedOver():
            shown = _time(entry.shown_at, zone)
            return f"A phone took over the bay from the tablet {entry.tablet}, which had shown it since {shown}."
        case Asked():
            who = _who(entry)
            return f"{who[0].upper()}{who[1:]}: {_answered(entry)}{_took(entry)}."
        case Changed():
            told = [_change(change, zone) for change in entry.changes]
            told += [_EVENTS[event] for event in entry.events if event in _EVENTS]
            told += _silent(entry)
            return f"Seen ({entry.source}): {'; '.join(told)}."
        case Metered():
            return (
                f"The meter went on ({entry.readings} changed since {_time(entry.since, zone)}): energy "
                f"{_energy(entry.energy_before)} -> {_energy(entry.energy_kwh)}, cost {_money(entry.cost_before)} -> "
                f"{_money(entry.cost)}."
            )
        case NotFound():
            more = "and again later: it counts as lost" if entry.lost else "which may be a slip"
            return f"The back office answered that it does not know this session (404), {more}."
        case Issued():
            proven = (
                f"proven {_time(entry.given_back_at, zone)}" if entry.given_back_at else "the release is not proven"
            )
            return (
                f"Receipt {entry.number} was issued ({entry.status or UNKNOWN}): held {_money(entry.held)}, taken "
                f"{_money(entry.taken)}, given back {_money(entry.given_back)} ({proven})."
            )
        case Revised():
            return f"Receipt {entry.number} was revised: {'; '.join(_change(one, zone) for one in entry.changes)}."
        case Proven():
            state = "the hold has ended" if entry.ended else "the hold has not ended"
            released = f", released {_time(entry.canceled_at, zone)}" if entry.canceled_at else ""
            return (
                f"Stripe said {entry.intent_status}: still held {_money(entry.capturable)}, taken "
                f"{_money(entry.received)}{released}; {state}."
            )
        case Measured():
            because = f", stopped as {entry.stop_reason}" if entry.stop_reason else ""
            kwh = Decimal(entry.stop_wh - entry.start_wh) / 1000
            return (
                f"The charger's own transaction {entry.number}, begun {_time(entry.started_at, zone)}: its meter went "
                f"from {entry.start_wh} to {entry.stop_wh} Wh ({_energy(kwh)}){because}. Nobody has signed that."
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
        case Noticed():
            stake = f" ({_money(entry.amount)} at stake)" if entry.amount is not None else ""
            return f"A person should look at it: {WHAT[entry.why]}{stake}. What to do: {DO[entry.act]}."
        case SeenTo():
            until = f" until {_time(entry.until, zone)}" if entry.until is not None else ""
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


def _change(change: Change, zone: ZoneInfo) -> str:
    name = _FACTS.get(change.what, change.what)
    after = _value(change.after, zone)
    return f"{name} {after}" if change.before is None else f"{name} {_value(change.before, zone)} -> {after}"


def _value(value: Value, zone: ZoneInfo) -> str:
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "yes" if value else "no"
        case Money():
            return _money(value)
        case Tariff():
            return f"{_money(value.price_per_kwh)} per kWh and {_money(value.start_fee)} per session"
        case Decimal():
            return _energy(value)
        case datetime():
            return _time(value, zone)
        case _:
            return str(value)


def _status(session: Session) -> str:
    return session.status if session.status is not None else session.phase.value


def _money(money: Money | None) -> str:
    return f"{money.major:f} {money.currency}" if money is not None else UNKNOWN


def _energy(energy: Decimal | None) -> str:
    return f"{energy:f} kWh" if energy is not None else UNKNOWN


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    if at is None:
        return UNKNOWN
    return at.astimezone(zone).isoformat(sep=" ", timespec="seconds")


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.1f} s"


def as_list(sessions: Sequence[Session], book: SiteBook) -> dict[str, Any]:
    """The latest sessions of a charger as JSON has them."""
    return {"sessions": [_facts(session_mark(one.key), one, book) for one in sessions]}


def as_object(told: Timeline, book: SiteBook) -> dict[str, Any]:
    """The same as `lines`, as JSON has it. The shape stands in docs/evidence.md."""
    zone = book.zone(told.session.code)
    return {
        "session": {
            **_facts(told.mark, told.session, book),
            "ended_at": _plain(told.ended_at, zone),
            "limit": _plain(told.limit, zone),
            "receipt": told.receipt_number,
            "payment": told.intent_id,
            "readings": told.readings,
        },
        "ending": {**_object(told.ending, zone), "sentence": why(told.ending, zone)},
        "entries": [_object(entry, zone) | {"sentence": sentence(entry, zone)} for entry in told.entries],
    }


def _facts(mark: str, session: Session, book: SiteBook) -> dict[str, Any]:
    zone = book.zone(session.code)
    site = book.site_of(session.code)
    return {
        "mark": mark,
        "code": session.code,
        "connector_id": session.connector_id,
        "bay": book.bay_label(session.code, session.connector_id),
        "site": site.name if site is not None else None,
        "timezone": zone.key,
        "phase": session.phase.value,
        "status": session.status,
        "requested_at": _plain(session.requested_at, zone),
        "held": _plain(session.money(session.authorized_minor), zone),
        "cost": _plain(session.money(session.cost_minor), zone),
        "taken": _plain(_taken(session), zone),
        "energy_kwh": _plain(session.energy_kwh, zone),
    }


def _object(value: Any, zone: ZoneInfo) -> dict[str, Any]:
    """A value of the timeline with its fields; its `type` is the name of what happened."""
    shown = {one.name: _plain(getattr(value, one.name), zone) for one in fields(value)}
    return {"type": _name(value), **shown}


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """Money as minor units with currency, energy as text, times as ISO 8601 with the site's offset."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item, zone) for item in value]
    if isinstance(value, Money | Tariff | Change):
        return {one.name: _plain(getattr(value, one.name), zone) for one in fields(value)}
    return _object(value, zone) if is_dataclass(value) else value


def _name(value: object) -> str:
    """`TakeOverLapsed` becomes `take_over_lapsed`."""
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in type(value).__name__).lstrip("_")


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
