"""Reconciliation at the desk: a site's day or month against the charger's own transactions, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.config.sites import Site
from kiosk.domain.desk import Role
from kiosk.domain.handling import LONGEST_NOTE
from kiosk.domain.money import Money
from kiosk.domain.reconcile import Line, State
from kiosk.domain.site_days import SiteDay
from kiosk.service.queue_words import ago
from kiosk.service.reconcile import (
    Compared,
    Days,
    Total,
    ask_to_read,
    bring_back,
    own,
    part_of,
    set_aside,
)
from kiosk.service.reconcile_kept import Rank, Run, rank, run_of
from kiosk.service.reconcile_words import SENTENCES, STATES, TROUBLES
from kiosk.store.reconciling import LineAside
from kiosk.tables.table import Column, Kind, Table, Value
from kiosk.web.desk.access import needs, signed_in
from kiosk.web.desk.download import download, links, words
from kiosk.web.desk.shell import Room, add_room, leave_out, page
from kiosk.web.shared.formats import money, number, short_day
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_reconcile", __name__)

ROWS = 50
"""Lines of one page."""
STRIP = 14
"""Days beside each other above the lines of one day."""
MOST_FOR_STRIP = 1500
"""Transactions of these days: with more of them the strip says no amounts, because each page would compare them all."""
_TONES = {
    State.DIFFERS: "bad",
    State.ONLY_HERE: "bad",
    State.ONLY_THERE: "bad",
    State.AGREES: "ok",
    State.GOES_ON: "live",
    State.SET_ASIDE: "mute",
}
_ICONS = {
    State.DIFFERS: "differ",
    State.ONLY_HERE: "flag",
    State.ONLY_THERE: "ask",
    State.AGREES: "same",
    State.GOES_ON: "bolt",
    State.SET_ASIDE: "clock",
}

add_room(40, Room("desk_reconcile.reconciliation", lambda: _("Reconcile")))


@dataclass(frozen=True, slots=True)
class Asked:
    """What of it is asked for: `site`, `day` or `month`, and `state` stand in the address. `today` is the site's."""

    site: Site
    days: Days
    month: bool
    state: State | None
    today: date

    @property
    def chosen(self) -> Mapping[str, str]:
        """The address without its state."""
        return {"site": self.site.id, "month" if self.month else "day": self.said}

    @property
    def said(self) -> str:
        """`2026-11-20` or `2026-11`."""
        return self.days.first.isoformat()[: 7 if self.month else 10]

    @property
    def strip(self) -> Days:
        """The days around the one that is shown; of a month none but its own."""
        if self.month:
            return self.days
        last = min(self.days.last + timedelta(days=STRIP // 2 - 1), max(self.today, self.days.last))
        return Days(last - timedelta(days=STRIP - 1), last, self.days.zone)


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as its row says it."""

    line: Line
    tone: str
    icon: str
    state: str
    bay: str
    session: int | None
    there: Decimal | None
    here: Decimal | None
    tariff: Money | None
    taken: Money | None
    why: str
    owner: str | None
    said: LineAside | None
    age: str


@bp.get("/reconcile")
@needs(Role.VIEWER)
def reconciliation() -> ResponseReturnValue:
    """`after` in the address is where the page before ended."""
    asked = asked_for()
    if asked is None:
        return page("desk/reconcile_none.html")
    run, strip = _run(asked)
    compared, explained = run.compared, run.explained
    sums = compared.found.sums
    rest = run.after(asked.state, _place(request.args.get("after", "")), ROWS + 1)
    rows, people = rest[:ROWS], _people()
    state = {"state": asked.state.value} if asked.state is not None else {}
    return page(
        "desk/reconcile.html",
        asked=asked,
        compared=compared,
        sums=sums,
        explained_money=amounts(explained.taken, sums.taken),
        open_money=amounts(sums.unexplained, sums.taken),
        explained_kwh=explained.energy_here,
        rows=[_shown(line, people) for line in rows],
        count=len(run.of_state(asked.state)),
        next_address=_address(asked, **state, after=_text(rank(rows[-1]))) if len(rest) > ROWS else "",
        views=[
            (STATES[one], sums.lines.get(one, 0), _address(asked, state=one.value), one is asked.state)
            for one in State
            if sums.lines.get(one) or one is asked.state
        ],
        all_address=_address(asked),
        strip=[_of_strip(one, asked, strip) for one in strip.site_days] if not asked.month else [],
        by_day=[(one, compared.found.by_day.get(one.day)) for one in compared.site_days] if asked.month else [],
        amounts=amounts,
        taken_there=run.once("by tariff", lambda: _by_tariff(compared)),
        totals=run.once("totals", lambda: _totals(compared)),
        apart=[one for one in compared.totals if one.gap_kwh],
        unread=[_unread(one, asked) for one in compared.not_read if one.day <= asked.today],
        older=[one for one in compared.site_days if one.read_at is not None and one.trouble is not None],
        troubles=TROUBLES,
        records=records_are_read(),
        sites=_sites(),
        files=links(".lines_file", **{**asked.chosen, **state}),
        report=url_for("desk_report.report", **asked.chosen),  # type: ignore[arg-type]
        can_read=parts().settings.plugchoice_token is not None and asked.site.plugchoice_site is not None,
        address=_address,
        zone=asked.days.zone,
    )


@bp.post("/reconcile")
@needs(Role.SUPPORT)
def read_again() -> ResponseReturnValue:
    """Ask the engine for the days that the form names."""
    asked = asked_for(request.form)
    if asked is None:
        abort(404)
    ask_to_read(parts().store, parts().news, signed_in().person, asked.site, asked.days, parts().clock.now())
    return redirect(_address(asked), 303)


@bp.get("/reconcile.<any(csv, xlsx):form>")
@needs(Role.VIEWER)
def lines_file(form: str) -> ResponseReturnValue:
    """All lines of the day or month and state, as a file."""
    asked = asked_for()
    if asked is None:
        abort(404)
    told = {**asked.chosen, "state": asked.state.value if asked.state is not None else ""}
    chosen = " ".join(f"{name}={value}" for name, value in told.items() if value)
    run, people = _run(asked)[0], _people()
    rows = (_file_row(_shown(line, people), asked) for line in run.of_state(asked.state))
    return download(Table("reconcile", columns(), rows, words()), form, chosen)


@bp.get("/reconcile/line/<line_id>")
@needs(Role.VIEWER)
def line(line_id: str) -> ResponseReturnValue:
    asked, found = _found(line_id)
    return _line_page(asked, found)


@bp.post("/reconcile/line/<line_id>")
@needs(Role.SUPPORT)
def handle(line_id: str) -> ResponseReturnValue:
    """Does the one thing that the form names, then shows the line as it stands."""
    asked, found = _found(line_id)
    store, who, now = parts().store, signed_in().person, parts().clock.now()
    did, is_aside = request.form.get("did"), found.state is State.SET_ASIDE
    match did:
        case "aside" if not found.explained or is_aside:
            if not set_aside(store, who, found, request.form.get("reason", ""), now):
                return _line_page(
                    asked, found, _("Say why it is right: it stands beside the line and in the log."), 422
                )
        case "back" if is_aside:
            bring_back(store, who, found, now)
        case "owned" | "let_go":
            own(store, who, found, now, mine=did == "owned")
        case _:
            return _line_page(
                asked,
                found,
                _("The line has changed since you looked, so nothing was done. Look at it once more."),
                409,
            )
    return redirect(_line_address(line_id, asked), 303)


def columns() -> list[Column]:
    return [
        Column(_("State")),
        Column(_("Line")),
        Column(_("Session"), Kind.COUNT),
        Column(_("Charger")),
        Column(_("Bay")),
        Column(_("Ended"), Kind.TIME),
        Column(_("kWh there"), Kind.ENERGY),
        Column(_("kWh there, by its total"), Kind.ENERGY),
        Column(_("kWh here"), Kind.ENERGY),
        Column(_("By tariff"), Kind.MONEY),
        Column(_("Taken"), Kind.MONEY),
        Column(_("Sent back"), Kind.MONEY),
        Column(_("Unexplained"), Kind.MONEY),
        Column(_("kWh unexplained"), Kind.ENERGY),
        Column(_("Reason")),
        Column(_("Whose")),
        Column(_("Set aside because")),
        Column(_("Payment")),
    ]


def _file_row(row: Shown, asked: Asked) -> Sequence[Value]:
    line, charge, transaction = row.line, row.line.charge, row.line.transaction
    explained = line.explained
    return (
        row.state,
        line.id,
        row.session,
        line.code,
        row.bay,
        line.at.astimezone(asked.days.zone) if line.at is not None else None,
        row.there,
        transaction.reported_kwh if transaction is not None else None,
        row.here,
        row.tariff,
        row.taken,
        charge.sent_back if charge is not None else None,
        None if explained else line.amount,
        Decimal(0) if explained else line.energy_kwh,
        row.why,
        row.owner,
        row.said.note if row.said is not None and line.state is State.SET_ASIDE else None,
        charge.intent_id if charge is not None else None,
    )


# --- what is asked for


def asked_for(source: Mapping[str, str] | None = None) -> Asked | None:
    """None when the person sees no site. What makes no sense in the address is left out, and the page says so."""
    told = request.args if source is None else source
    sites = _sites()
    if not sites:
        return None
    wanted = told.get("site")
    site = next((one for one in sites if one.id == wanted), None)
    if site is None:
        if wanted:
            abort(404)
        site = sites[0]
    zone = ZoneInfo(site.timezone)
    today = parts().clock.now().astimezone(zone).date()
    month = _month(told.get("month", ""), zone, today)
    days = month or _one_day(told.get("day", ""), zone, today)
    state = told.get("state", "")
    for name, called, good in (
        ("month", _("Month"), month is not None),
        ("day", _("Day"), month is not None or _is(told.get("day", ""), days.first)),
        ("state", _("State"), state in set(State)),
    ):
        if told.get(name) and not good:
            leave_out(called, told[name])
    return Asked(site, days, month is not None, State(state) if state in set(State) else None, today)


def _sites() -> list[Site]:
    """Those that the person sees."""
    return [one for one in parts().site.sites if signed_in().person.sees(one.id)]


def _one_day(text: str, zone: ZoneInfo, today: date) -> Days:
    """That day; yesterday for anything that is none, or that is still to come."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = today - timedelta(days=1)
    if not date(2000, 1, 1) <= day <= today:
        day = today - timedelta(days=1)
    return Days(day, day, zone)


def _is(text: str, day: date) -> bool:
    try:
        return date.fromisoformat(text) == day
    except ValueError:
        return False


def _month(text: str, zone: ZoneInfo, today: date) -> Days | None:
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    if not date(2000, 1, 1) <= first <= today:
        return None
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Days(first, min(last, today), zone)


def records_are_read() -> bool:
    """Payments are read at Stripe."""
    return parts().settings.stripe_api_key is not None


def _run(asked: Asked) -> tuple[Run, Compared]:
    """What is shown, and the days around it. A day is compared together with those around it when they are few enough,
    so that a card of the site itself is known by more than one day."""
    kiosk, strip = parts(), asked.strip
    if asked.month or kiosk.store.count_transactions(asked.site.id, strip.since, strip.until) > MOST_FOR_STRIP:
        run = run_of(kiosk.store, asked.site, asked.days, records=records_are_read())
        if asked.month:
            return run, run.compared
        known = kiosk.store.site_days(asked.site.id, strip.first, strip.last)
        return run, Compared(run.compared.found, tuple(known), (), (), ())
    around = run_of(kiosk.store, asked.site, strip, records=records_are_read())
    return around.once(asked.days, lambda: Run(part_of(around.compared, asked.days))), around.compared


def compared_of(asked: Asked) -> Compared:
    """These days alone, however many."""
    return _run(asked)[0].compared


def _found(line_id: str) -> tuple[Asked, Line]:
    """The line, if there is one on that day of a site that the person sees; else the same answer for all."""
    asked = asked_for()
    found = _run(asked)[0].line(line_id) if asked is not None else None
    if asked is None or found is None:
        abort(404)
    return asked, found


def _text(rank: Rank) -> str:
    return f"{int(rank[0])}_{rank[1]!r}_{rank[2]}"


def _place(text: str) -> Rank | None:
    explained, _sign, rest = text.partition("_")
    at, _sign, line_id = rest.partition("_")
    try:
        place = (explained == "1", float(at), line_id) if explained in {"0", "1"} and line_id else None
    except ValueError:
        place = None
    if text and place is None:
        leave_out(_("Where to go on"), text)
    return place


def _address(asked: Asked, **more: str) -> str:
    return url_for("desk_reconcile.reconciliation", **asked.chosen, **more)  # type: ignore[arg-type]


def _line_address(line_id: str, asked: Asked) -> str:
    return url_for("desk_reconcile.line", line_id=line_id, **asked.chosen)  # type: ignore[arg-type]


# --- in words


@dataclass(frozen=True, slots=True)
class People:
    """Who looks at which line, and what was said of those that are set aside."""

    owners: Mapping[str, str]
    said: Mapping[str, LineAside]


def _people() -> People:
    return People(parts().store.line_owners(), parts().store.lines_aside())


def _shown(line: Line, people: People) -> Shown:
    kiosk, charge, transaction = parts(), line.charge, line.transaction
    there = transaction.energy_kwh() if transaction is not None else None
    connector = charge.connector_id if charge is not None else transaction.connector_id if transaction else None
    bay = kiosk.site.bay_label(line.code, connector) if line.code is not None and connector is not None else ""
    tariff = charge.tariff if charge is not None else None
    return Shown(
        line=line,
        tone="mute" if line.explained and line.state is State.ONLY_THERE else _TONES[line.state],
        icon=_ICONS[line.state],
        state=_(STATES[line.state]),
        bay=bay,
        session=kiosk.store.finding.number_of(charge.key) if charge is not None else None,
        there=there,
        here=charge.energy_kwh if charge is not None else None,
        tariff=tariff.example(there) if tariff is not None and there is not None else None,
        taken=charge.taken if charge is not None else None,
        why="; ".join(_(SENTENCES[reason]) for reason in line.reasons),
        owner=people.owners.get(line.id),
        said=people.said.get(line.id),
        age=ago(kiosk.clock.now() - line.at) if line.at is not None else "",
    )


def _line_page(asked: Asked, found: Line, problem: str = "", status: int = 200) -> ResponseReturnValue:
    return page(
        "desk/reconcile_line.html",
        status,
        asked=asked,
        line=found,
        row=_shown(found, _people()),
        history=parts().store.said_of_line(found.id),
        problem=problem,
        reason=request.form.get("reason", "")[:LONGEST_NOTE],
        longest_note=LONGEST_NOTE,
        back=_address(asked),
        zone=asked.days.zone,
        is_aside=found.state is State.SET_ASIDE,
        usual=[
            _("Card of our own staff"),
            _("Test by an electrician"),
            _("Asked Plugchoice to correct it"),
            _("Sent back at Stripe"),
            _("Written off"),
        ],
    )


def amounts(sums: Mapping[str, int], beside: Mapping[str, int] | None = None) -> str:
    """All currencies of it; zero is said in the one that there is, of its own or of what stands `beside` it."""
    sums = sums or dict.fromkeys(beside or {}, 0)
    told = [money(Money(minor, currency)) for currency, minor in sorted(sums.items()) if minor or len(sums) == 1]
    return " + ".join(told) or "0.00"


def _totals(compared: Compared) -> list[str]:
    return [total_words(one, compared) for one in compared.totals] if len(compared.totals) < 4 else []


def _by_tariff(compared: Compared) -> str:
    sums: dict[str, int] = {}
    for line in compared.found.lines:
        there = line.transaction.energy_kwh() if line.transaction is not None else None
        if line.charge is not None and line.charge.tariff is not None and there is not None:
            bill = line.charge.tariff.example(there)
            sums[bill.currency] = sums.get(bill.currency, 0) + bill.minor
    return amounts(sums)


def _of_strip(one: SiteDay, asked: Asked, strip: Compared) -> Mapping[str, object]:
    """A day of the strip: its address, and what is unexplained of it, or why nothing can be said."""
    sums = strip.found.by_day.get(one.day)
    told = {
        "name": short_day(one.day),
        "day": one.day,
        "address": url_for(".reconciliation", site=asked.site.id, day=one.day.isoformat()),
        "here": one.day == asked.days.first,
    }
    if one.read_at is None:
        words = _("today") if one.day == asked.today else _("not read")
        return {**told, "tone": "warn" if one.trouble else "mute", "icon": "clock", "text": words}
    if not strip.found.days.first <= one.day <= strip.found.days.last:
        return {**told, "tone": "ok", "icon": "ok", "text": _("read")}
    if sums is None or not sums.open_lines:
        return {**told, "tone": "ok", "icon": "ok", "text": "0.00"}
    return {**told, "tone": "bad", "icon": "differ", "text": amounts(sums.unexplained)}


def _unread(one: SiteDay, asked: Asked) -> Mapping[str, object]:
    return {
        "day": one.day,
        "trouble": _(TROUBLES[one.trouble]) if one.trouble is not None else "",
        "again": one.next_at,
        "asked": one.asked,
        "tries": one.tries,
        "today": one.day == asked.today,
    }


def total_words(total: Total, compared: Compared) -> str:
    """The back office's own total beside what its rows come to, and where the difference may lie."""
    told = total.told
    span = f"{told.first}" if told.first == told.last else f"{told.first} to {told.last}"
    if told.total_kwh is None:
        return _(
            "%(span)s: Plugchoice told no total of its own; its %(rows)s rows come to %(kwh)s kWh.",
            span=span,
            rows=told.rows,
            kwh=number(told.rows_kwh, 3),
        )
    said = {"span": span, "total": number(told.total_kwh, 3), "rows": number(told.rows_kwh, 3)}
    if not total.gap_kwh:
        return _("%(span)s: Plugchoice's own total is %(total)s kWh, which its rows come to as well.", **said)
    gap = total.gap_kwh
    said["gap"] = number(abs(gap), 3)
    if gap > 0:
        head = _("%(span)s: Plugchoice's own total is %(total)s kWh; its rows come to %(rows)s: %(gap)s less.", **said)
    else:
        head = _("%(span)s: Plugchoice's own total is %(total)s kWh; its rows come to %(rows)s: %(gap)s more.", **said)
    return " ".join([head, *_parts_of_gap(total, compared)])


def _parts_of_gap(total: Total, compared: Compared) -> Iterator[str]:
    rows = [line.transaction for line in compared.found.lines if line.transaction is not None]
    running = [one for one in rows if one.active]
    invalid = [one for one in rows if one.is_valid is False]
    untold = [one for one in rows if one.reported_kwh is None]
    own_days = sum((one.reported_kwh or Decimal(0) for one in rows), Decimal(0))
    others = total.told.rows_kwh - own_days
    if running:
        yield _("%(count)s of them run on.", count=len(running))
    if invalid:
        kwh = number(sum((one.reported_kwh or Decimal(0) for one in invalid), Decimal(0)), 3)
        yield _("%(count)s it calls invalid: %(kwh)s kWh.", count=len(invalid), kwh=kwh)
    if untold:
        yield _("Of %(count)s it told no total.", count=len(untold))
    if others:
        yield _("%(kwh)s kWh are of rows of the days before and after.", kwh=number(others, 3))
    counted = [(one.energy_kwh(), one.reported_kwh) for one in rows]
    apart = sum((meter - told for meter, told in counted if meter is not None and told is not None), Decimal(0))
    if abs(apart) > Decimal("0.01") * len(rows):
        yield _("By their meter stands the rows come to %(kwh)s kWh more than by their totals.", kwh=number(apart, 3))
