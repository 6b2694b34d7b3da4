"""`kiosk reconcile`: a site's day or month against the charger's own transactions, line by line, and what is open."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from kiosk.config.settings import SettingsError
from kiosk.config.sites import Site, SiteBook
from kiosk.domain.money import Money
from kiosk.domain.reconcile import Line, State, Sums
from kiosk.service.reconcile import MARGIN, Days, Reconciled, Told, charges_of, longest_of, reconciled
from kiosk.service.reconcile_words import SENTENCES
from kiosk.service.story import energy_text, exactly, money_text, time_text
from kiosk.store.reconciling import LineAside
from kiosk.store.store import Store
from kiosk.upstream.errors import NoAnswer, Refused, UpstreamError
from kiosk.upstream.plugchoice.codes import read_codes
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from kiosk.upstream.plugchoice.period import read_period

LONGEST = 31
"""Days that are reconciled at once."""
_LINE = re.compile(r"(?:s-[0-9a-f]{10}(?:-t-\d+)?|t-\d+)")
_STATES = {
    State.AGREES: "agrees",
    State.DIFFERS: "DIFFERS",
    State.ONLY_HERE: "ONLY HERE",
    State.ONLY_THERE: "ONLY THERE",
    State.GOES_ON: "goes on",
    State.SET_ASIDE: "set aside",
}
_TROUBLE = {
    401: "is KIOSK_PLUGCHOICE_TOKEN right?",
    403: "the token may not read them",
    404: "is plugchoice_site right?",
}


def days_of(zone: ZoneInfo, now: datetime, day: str | None, month: str | None) -> Days:
    """The day (2026-11-30), the month (2026-11), or else yesterday. Raises SettingsError."""
    today = now.astimezone(zone).date()
    try:
        if month is not None:
            first = date.fromisoformat(f"{month}-01")
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        else:
            first = last = date.fromisoformat(day) if day is not None else today - timedelta(days=1)
    except ValueError:
        raise SettingsError("That is no day and no month: --day 2026-11-30, or --month 2026-11.") from None
    if first > today:
        raise SettingsError("That is still to come.")
    return Days(first, min(last, today), zone)


def reconcile_site(
    store: Store, operator: PlugchoiceOperator | None, site: Site, days: Days, *, records: bool
) -> Reconciled:
    """Read what both sides have and compare it. Raises SettingsError with what to do."""
    if operator is None:
        raise SettingsError("The charger's transactions need the operator's token: set KIOSK_PLUGCHOICE_TOKEN.")
    if site.plugchoice_site is None:
        raise SettingsError(f"Site {site.id!r} has no plugchoice_site in kiosk.toml: its id in Plugchoice is needed.")
    ours = charges_of(store, {one.code for one in site.chargers}, days)
    try:
        # A transaction may end a moment after its session, and after midnight: its partner is looked for there too.
        since, until = days.since - MARGIN, days.until + MARGIN
        period = read_period(operator, site.plugchoice_site, since, until, longest_of(ours))
        uuids = {one.charger.uuid for one in period.transactions if one.charger is not None and one.charger.uuid}
        codes = _codes(store, operator, uuids)
    except UpstreamError as error:
        raise SettingsError(f"The transactions could not be read, so nothing was compared: {_why(error)}") from error
    told = Told(period.transactions, codes, period.complete, period.total_kwh, period.reported_kwh)
    return reconciled(ours, told, days, store.lines_aside(), records=records)


def _codes(store: Store, operator: PlugchoiceOperator, uuids: Collection[str]) -> dict[str, str]:
    """The public codes of these chargers. One that was never opened to the public has none."""
    known = {one.uuid: one.code for one in store.own_chargers() if one.code is not None}
    told = read_codes(operator, sorted(set(uuids) - known.keys()), misses=1)
    if told.ended is not None:
        raise told.ended
    return known | told.found


def _why(error: UpstreamError) -> str:
    if isinstance(error, Refused):
        return f"Plugchoice refused ({error.status or 'not sent'}): {_TROUBLE.get(error.status, 'try again later')}."
    return "Plugchoice gave no usable answer. Try again later." if isinstance(error, NoAnswer) else "try again later."


def lines(
    found: Reconciled, site: Site, book: SiteBook, aside: Mapping[str, LineAside], *, every: bool
) -> Iterator[str]:
    """The head line, the sums, and each line that is open; with `every`, those that are explained too."""
    sums, zone = found.sums, found.days.zone
    yield f"{site.name}, {_span(found.days)} (times of {zone.key})"
    yield headline(sums)
    yield ""
    yield f"Lines     {_counts(sums)}"
    yield f"Taken     {_money(sums.taken)}, sent back {_money(sums.sent_back)}"
    missing = f", {sums.without_meter} without meter stands" if sums.without_meter else ""
    yield f"Energy    billed {sums.energy_here:f} kWh, by the meters {sums.by_meter:f} kWh{missing}"
    yield f"Totals    {_totals(found)}"
    if not found.complete:
        yield "          The back office's list was CUT OFF: transactions may be missing here."
    shown = found.lines if every else found.open_lines
    if shown:
        yield ""
    for line in shown:
        yield _row(line, book, zone)
        said = aside.get(line.id)
        if line.state is State.SET_ASIDE and said is not None:
            yield f"    {said.who}, {time_text(said.at, exactly(zone))}: {said.note}"
    if len(found.by_day) > 1:
        yield ""
        for day, each in found.by_day.items():
            yield f"{day}  {_counts(each)}; taken {_money(each.taken)}; {headline(each)}"


def headline(sums: Sums) -> str:
    """How much of it is explained, and what is not."""
    count = sum(sums.lines.values())
    head = f"Explained {count - sums.open_lines} of {count}; unexplained {_money(sums.unexplained)}"
    head += f" and {sums.unexplained_kwh:.3f} kWh"
    unknown = [
        f"{count} line{'s' if count > 1 else ''} of unknown {what}"
        for count, what in ((sums.unknown_amounts, "amount"), (sums.unknown_energies, "energy"))
        if count
    ]
    return f"{head}, and {' and '.join(unknown)}" if unknown else head


def _span(days: Days) -> str:
    return f"{days.first}" if days.first == days.last else f"{days.first} to {days.last}"


def _counts(sums: Sums) -> str:
    told = [f"{sums.lines[state]} {word.lower()}" for state, word in _STATES.items() if sums.lines.get(state)]
    return ", ".join(told) or "none"


def _totals(found: Reconciled) -> str:
    reported = f"the back office's rows come to {found.sums.reported:f} kWh"
    if found.total_kwh is None:
        return f"{reported}; it told no sum of its own for this time"
    # Each row is rounded to a hundredth of a kWh.
    rounding = Decimal("0.01") * sum(found.sums.lines.values())
    gap = "which its rows come to as well"
    if found.gap_kwh is not None and abs(found.gap_kwh) > rounding:
        gap = f"which its rows miss by {found.gap_kwh:f} kWh (rows rounded, invalid, running or of other days)"
    return f"{reported}; its own sum is {found.total_kwh:f} kWh, {gap}"


def _row(line: Line, book: SiteBook, zone: ZoneInfo) -> str:
    at = time_text(line.at, exactly(zone)) if line.at is not None else "no time"
    charge, transaction = line.charge, line.transaction
    connector = charge.connector_id if charge is not None else transaction.connector_id if transaction else None
    where = "unknown bay"
    if line.code is not None and connector is not None:
        where = f"{line.code} bay {book.bay_label(line.code, connector)}"
    parts = [f"{at}  {_STATES[line.state]:<10}  {where}  {line.id}"]
    if charge is not None:
        taken = _one(charge.taken)
        energy = energy_text(charge.energy_kwh) if charge.energy_kwh is not None else "unknown energy"
        parts.append(f"here {energy}, {taken}")
    if transaction is not None:
        counted = transaction.energy_kwh()
        parts.append(f"there {energy_text(counted)}" if counted is not None else "there unknown energy")
    why = "; ".join(SENTENCES[reason] for reason in line.reasons)
    if why:
        parts.append(why)
    if not line.explained:
        energy = energy_text(line.energy_kwh) if line.energy_kwh is not None else "unknown energy"
        parts.append(f"open: {_one(line.amount)}, {energy}")
    return "\n    ".join(parts)


def _one(money: Money | None) -> str:
    return money_text(money) if money is not None else "unknown amount"


def _money(sums: Mapping[str, int]) -> str:
    told = [_one(Money(minor, currency)) for currency, minor in sorted(sums.items()) if minor or len(sums) == 1]
    return " + ".join(told) or "0.00"


def as_json(found: Reconciled, site: Site, book: SiteBook) -> str:
    """The same as `lines`, every line of it. Amounts are minor units with a currency, energies text, times ISO 8601."""
    shown = {
        "site": site.id,
        "timezone": found.days.zone.key,
        "first_day": found.days.first.isoformat(),
        "last_day": found.days.last.isoformat(),
        "complete": found.complete,
        "total_kwh": _text(found.total_kwh),
        "gap_kwh": _text(found.gap_kwh),
        "sums": _sums(found.sums),
        "days": {day.isoformat(): _sums(each) for day, each in found.by_day.items()},
        "lines": [_line(line, book, found.days.zone) for line in found.lines],
    }
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "lines": {state.value: count for state, count in sorted(sums.lines.items())},
        "taken": dict(sums.taken),
        "sent_back": dict(sums.sent_back),
        "unexplained": dict(sums.unexplained),
        "unexplained_kwh": _text(sums.unexplained_kwh),
        "unknown_amounts": sums.unknown_amounts,
        "unknown_energies": sums.unknown_energies,
        "energy_here_kwh": _text(sums.energy_here),
        "by_meter_kwh": _text(sums.by_meter),
        "without_meter": sums.without_meter,
        "reported_kwh": _text(sums.reported),
        "not_reported": sums.not_reported,
    }


def _line(line: Line, book: SiteBook, zone: ZoneInfo) -> dict[str, Any]:
    charge, transaction = line.charge, line.transaction
    connector = charge.connector_id if charge is not None else transaction.connector_id if transaction else None
    return {
        "id": line.id,
        "at": _time(line.at, zone),
        "state": line.state.value,
        "reasons": [reason.value for reason in line.reasons],
        "score": line.score,
        "explained": line.explained,
        "code": line.code,
        "bay": book.bay_label(line.code, connector) if line.code is not None and connector is not None else None,
        "open": {"amount": _plain(line.amount), "energy_kwh": _text(line.energy_kwh)},
        "session": None
        if charge is None
        else {
            "mark": charge.mark,
            "began_at": _time(charge.begun_at, zone),
            "ended_at": _time(charge.ended_at, zone),
            "energy_kwh": _text(charge.energy_kwh),
            "taken": _plain(charge.taken),
            "sent_back": _plain(charge.sent_back),
            "payment": charge.intent_id,
        },
        "transaction": None
        if transaction is None
        else {
            "number": transaction.id,
            "began_at": _time(transaction.started_at, zone),
            "ended_at": _time(transaction.stopped_at, zone),
            "meter_start_wh": transaction.meter_start_wh,
            "meter_stop_wh": transaction.meter_stop_wh,
            "energy_kwh": _text(transaction.energy_kwh()),
            "reported_kwh": _text(transaction.reported_kwh),
            "stop_reason": transaction.stop_reason,
        },
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def _time(at: datetime | None, zone: ZoneInfo) -> str | None:
    return None if at is None else at.astimezone(zone).isoformat()


def _plain(money: Money | None) -> dict[str, Any] | None:
    return None if money is None else {"minor": money.minor, "currency": money.currency}


def said(store: Store, line: str, who: str, note: str | None, now: datetime, *, undone: bool) -> str:
    """Set a line aside, or take that back; the sentence that says so. Raises SettingsError."""
    if not _LINE.fullmatch(line):
        raise SettingsError(f"{line!r} is no line: its id stands in the list, like s-0123456789-t-7.")
    if undone:
        if line not in store.lines_aside():
            raise SettingsError(f"{line} is not set aside.")
        store.set_line_aside(line, who, note or "", now, undone=True)
        return f"{line} counts again."
    if not note or not note.strip():
        raise SettingsError("Say why, for whoever reads it later: --note TEXT.")
    store.set_line_aside(line, who, note.strip(), now)
    return f"{line} is set aside. Take it back with --undo {line}."
