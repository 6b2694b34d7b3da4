"""Sessions at the desk: one search for everything that a caller can say, one session with its whole story, its acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from kiosk.charts.plots import Scale, scale_of
from kiosk.charts.plots import curve as draw_curve
from kiosk.domain.desk import Role
from kiosk.domain.desk_search import Said, whole_day
from kiosk.domain.money import Money
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import Session
from kiosk.service.desk_refunds import is_set_up, refundable
from kiosk.service.desk_sessions import (
    LONGEST_REASON,
    MOVES_MONEY,
    Act,
    Done,
    Group,
    Whole,
    add_note,
    perform,
    search,
    understood,
    whole,
)
from kiosk.service.entries import Outcome, Timeline
from kiosk.service.story import Tell, sentence, status_word, why
from kiosk.store.finding import FoundSession, Place
from kiosk.store.records import StoredReceipt
from kiosk.tables.table import Column, Kind, Table, Value
from kiosk.web.desk.access import confirmed, needs, seen_codes, sees_code, signed_in
from kiosk.web.desk.download import download, links, words
from kiosk.web.desk.refund import refund_words
from kiosk.web.desk.shell import Room, add_room, leave_out, page
from kiosk.web.desk.views import kept_views
from kiosk.web.desk.words import ACTS, GROUPS, act_refused, did_words
from kiosk.web.shared.formats import clock, clock_s, day, money, number
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_sessions", __name__)

ROWS = 50
"""Sessions of one page."""
ROWS_OF_A_READ = 500
"""Of a file: no read of the store lasts as long as its reader takes."""
LONGEST_SEARCH = 200

add_room(30, Room("desk_sessions.sessions", lambda: _("Sessions")))


@dataclass(frozen=True, slots=True)
class Listing:
    """What of the list is asked for: everything stands in the address. `q`, `view`, `site`, `from`, `to`."""

    text: str
    said: Said
    codes: tuple[str, ...] | None
    view: Group | None
    between: tuple[datetime | None, datetime | None]
    chosen: Mapping[str, str]

    def find(self, after: Place | None, most: int) -> list[FoundSession]:
        return search(
            parts(), self.said, codes=self.codes, group=self.view, between=self.between, after=after, most=most
        )


@bp.get("/sessions")
@needs(Role.VIEWER)
def sessions() -> ResponseReturnValue:
    """`after` in the address is where the page before ended."""
    asked = _listing()
    found = asked.find(_after(request.args.get("after", "")), ROWS + 1)
    shown = found[:ROWS]
    kept = {name: value for name, value in asked.chosen.items() if name != "view"}
    after = _place(shown[-1]) if len(found) > ROWS else ""
    return page(
        "desk/sessions.html",
        found=shown,
        text=asked.text,
        strange=asked.said.strange,
        kept=kept,
        views=[(each, GROUPS[each](), _address(**kept, view=each.value), each is asked.view) for each in Group],
        all_address=_address(**kept),
        any_view=asked.view is None,
        view=asked.chosen["view"],
        next_address=_address(**asked.chosen, after=after) if after else "",
        kept_views=kept_views(),
        files=links(".sessions_file", **{name: value for name, value in asked.chosen.items() if value}),
        sites=[site for site in parts().site.sites if signed_in().person.sees(site.id)],
        zone_of=lambda session: parts().site.zone(session.code),
        bay_of=_bay,
        money_of=money_of,
        status_word=status_word,
        tone=tone,
    )


@bp.get("/sessions.<any(csv, xlsx):form>")
@needs(Role.VIEWER)
def sessions_file(form: str) -> ResponseReturnValue:
    """All that the list finds, every page of it, as a file."""
    asked = _listing()
    return download(Table("sessions", session_columns(), _rows(asked), words()), form, _told_in_log(asked))


def session_columns() -> list[Column]:
    """Those of the screen, the charger's code in a column of its own."""
    return [
        Column(_("Asked for"), Kind.TIME),
        Column(_("Bay")),
        Column(_("Charger")),
        Column(_("Session"), Kind.COUNT),
        Column(_("State")),
        Column("kWh", Kind.ENERGY),
        Column(_("Cost"), Kind.MONEY),
        Column(_("Held"), Kind.MONEY),
        Column(_("Taken"), Kind.MONEY),
        Column(_("Given back"), Kind.MONEY),
        Column(_("Card")),
    ]


def _rows(asked: Listing) -> Iterator[Sequence[Value]]:
    after: Place | None = None
    while found := asked.find(after, ROWS_OF_A_READ):
        for one in found:
            yield session_row(one)
        after = found[-1].place
        if len(found) < ROWS_OF_A_READ:
            return


def session_row(found: FoundSession) -> Sequence[Value]:
    """One line of the list."""
    one = found.session
    held, taken, back = money_of(one)
    return (
        one.requested_at.astimezone(parts().site.zone(one.code)),
        _bay(one),
        one.code,
        found.number,
        status_word(one),
        one.energy_kwh,
        one.money(one.cost_minor),
        held,
        taken,
        back,
        one.proof.card_last4 if one.proof is not None else None,
    )


def _listing() -> Listing:
    """As the address says. A search for an e-mail address is a look at personal data, and logged as one."""
    args = request.args
    text, site_id, view = args.get("q", "").strip()[:LONGEST_SEARCH], args.get("site") or None, _view()
    codes, zone = _codes(site_id), _zone(site_id)
    since, until = _day("from", _("From"), zone), _day("to", _("To"), zone)
    said = understood(parts(), text, codes, zone)
    if said.email is not None:
        parts().store.desk.log(signed_in().person.name, "searched_email", parts().clock.now())
    chosen = {
        "q": text,
        "site": site_id or "",
        "from": args.get("from", "") if since else "",
        "to": args.get("to", "") if until else "",
        "view": view.value if view else "",
    }
    return Listing(text, said, codes, view, (since[0] if since else None, until[1] if until else None), chosen)


def _told_in_log(asked: Listing) -> str:
    """The filters as the log may keep them for ever: without the address of a driver."""
    said = {**asked.chosen, "q": " ".join("(e-mail)" if "@" in word else word for word in asked.text.split())}
    return " ".join(f"{name}={value}" for name, value in said.items() if value)[:LONGEST_REASON]


@bp.get("/sessions/<int:number>")
@needs(Role.VIEWER)
def session(number: int) -> ResponseReturnValue:
    shown = _whole(number)
    return _session(shown)


@bp.get("/sessions/<int:number>/receipt")
@needs(Role.SUPPORT)
def receipt(number: int) -> ResponseReturnValue:
    """The receipt as its driver sees it, at its own address, which lets whoever has it watch: so that is logged."""
    shown = _whole(number)
    if shown.receipt is None:
        abort(404)
    parts().store.desk.log(signed_in().person.name, "opened_receipt", parts().clock.now(), subject=str(number))
    return redirect(f"/r/{shown.told.session.key}", 303)


@bp.post("/sessions/<int:number>/note")
@needs(Role.SUPPORT)
def note(number: int) -> ResponseReturnValue:
    add_note(parts(), signed_in().person, _whole(number), request.form.get("text", ""))
    return redirect(url_for("desk_sessions.session", number=number) + "#notes", 303)


@bp.get("/sessions/<int:number>/<act>")
@needs(Role.SUPPORT)
def preview(number: int, act: str) -> ResponseReturnValue:
    """What will happen, and what can go wrong. Nothing has been done."""
    return _preview(_whole(number), _act(act))


@bp.post("/sessions/<int:number>/<act>")
@needs(Role.SUPPORT)
def do(number: int, act: str) -> ResponseReturnValue:
    shown, wanted = _whole(number), _act(act)
    if wanted in MOVES_MONEY and not confirmed():
        return redirect(url_for("desk_account.confirm_page", after=request.path), 303)
    form = request.form
    done = perform(parts(), signed_in().person, shown, wanted, form.get("reason", ""), form.get("seen", ""))
    if done is Done.DONE:
        return redirect(url_for("desk_sessions.session", number=number), 303)
    return _preview(_whole(number), wanted, act_refused(done), 409 if done is not Done.NO_REASON else 422)


def _preview(shown: Whole, act: Act, problem: str = "", status: int = 200) -> ResponseReturnValue:
    words = ACTS[act]
    return page(
        "desk/act.html",
        status,
        shown=shown,
        act=act.value,
        words=words,
        offered=act in shown.acts,
        problem=problem,
        reason=request.form.get("reason", "")[:500],
        bay=_bay(shown.told.session),
        asks_password=act in MOVES_MONEY and not confirmed(),
        confirm_address=url_for("desk_account.confirm_page", after=request.path),
    )


def _session(shown: Whole) -> ResponseReturnValue:
    told, zone = shown.told, parts().site.zone(shown.told.session.code)
    site = parts().site.site_of(told.session.code)
    stand = parts().store.meter_stand(told.session.key)
    bay = parts().site.bay(told.session.code, told.session.connector_id)
    return page(
        "desk/session.html",
        shown=shown,
        told=told,
        one=told.session,
        zone=zone,
        site=site,
        stand=stand,
        point=bay.point_id if bay is not None else None,
        bay=_bay(told.session),
        money=money_of(told.session),
        checks=checks_of(shown),
        curve=_curve(told.session, zone),
        points=told.session.trace.points,
        head=_head(told, zone),
        days=_story(told, zone),
        status_word=status_word,
        tone=tone(told.session),
        refunds=refundable(parts(), shown),
        refund_words=refund_words,
        may_refund=is_set_up(parts()),
        act_words=[(act.value, ACTS[act].name()) for act in shown.acts],
        did_words=did_words,
        log=parts().store.desk.log_entries(subject=str(shown.number), most=50),
    )


class Told(NamedTuple):
    """One line of the timeline."""

    at: datetime
    text: str


def _head(told: Timeline, zone: tzinfo) -> str:
    """Why it ended; of one that has not, what it does and since when, as far as that is known."""
    session = told.session
    if told.ending.outcome is not Outcome.GOES_ON:
        return why(told.ending, _telling(zone))
    state = status_word(session)
    since = told.session.status_since
    doing = _("%(state)s since %(time)s", state=state, time=clock(since, zone)) if since is not None else state
    seen = session.observed_at
    answer = (
        _("The last answer about it came at %(time)s.", time=clock_s(seen, zone))
        if seen is not None
        else _("No answer about it has come.")
    )
    return _("It has not ended yet: %(doing)s. %(answer)s", doing=doing, answer=answer)


def _story(told: Timeline, zone: tzinfo) -> list[tuple[str, list[Told]]]:
    """What happened, by day: a line tells the time alone, and another day only where it speaks of one."""
    days: dict[str, list[Told]] = {}
    for entry in told.entries:
        lines = days.setdefault(day(entry.at, zone), [])
        lines.append(Told(entry.at, sentence(entry, _telling(zone, entry.at))))
    return list(days.items())


def _telling(zone: tzinfo, beside: datetime | None = None) -> Tell:
    return lambda at: clock_s(at, zone, beside)


class Sums(NamedTuple):
    """None is unknown, which is not zero."""

    held: Money | None
    taken: Money | None
    back: Money | None


def _curve(session: Session, zone: tzinfo) -> Markup | None:
    """The energy over time, as the meter told it; None where it told less than twice."""
    points = session.trace.points
    if len(points) < 2:
        return None
    first, last = points[0], points[-1]
    length, steps = last.at - first.at, scale_of(max(one.energy_kwh for one in points))
    most = steps[-1]
    up = [Scale(one / most, f"{number(one, max(0, -int(steps[1].as_tuple().exponent)))} kWh") for one in steps]
    along = [Scale(Decimal(part) / 4, clock(first.at + length * part / 4, zone, last.at)) for part in range(5)]
    placed = [(Decimal((one.at - first.at) / length), one.energy_kwh / most) for one in points]
    told = _(
        "Energy from %(start)s to %(end)s: %(energy)s at the last reading",
        start=clock(first.at, zone, last.at),
        end=clock(last.at, zone),
        energy=f"{number(last.energy_kwh, 3)} kWh",
    )
    return Markup(draw_curve(placed, up, along, told))  # noqa: S704 - its words are escaped where it is drawn


def money_of(session: Session) -> Sums:
    """Held, taken and given back, as the receipt says it once there is one."""
    receipt = receipt_of(session)
    if receipt is not None:
        return Sums(receipt.held, receipt.taken, receipt.given_back)
    return Sums(session.money(session.authorized_minor), session.money(session.captured_minor), None)


def checks_of(shown: Whole) -> list[tuple[str, str, bool | None]]:
    """What ought to be equal: its name, the two sides, and whether they are; None: one side is not known."""
    session, stand = shown.told.session, parts().store.meter_stand(shown.told.session.key)
    proof = session.proof
    rows = [
        (_("On the receipt = taken"), _told_on(shown.receipt), session.money(session.captured_minor)),
        (
            _("Stripe received = taken"),
            session.money(proof.received_minor) if proof is not None and proof.ended else None,
            session.money(session.captured_minor),
        ),
        (_("Meter = energy"), stand.stop_wh - stand.start_wh if stand is not None else None, _wh(session)),
    ]
    return [
        (name, _sides(one, other), one == other if one is not None and other is not None else None)
        for name, one, other in rows
    ]


def tone(session: Session) -> str:
    """How loud its state is on the page."""
    status = session.known_status
    if status is None:
        return "mute" if session.status is None else "warn"
    if status.value in {"capture_failed", "requires_review"}:
        return "bad"
    if status.value in {"captured", "refunded"}:
        return "ok"
    return "mute" if session.final else "live"


def _told_on(receipt: StoredReceipt | None) -> Money | None:
    """What the receipt says was taken."""
    taken = receipt.document.get("taken") if receipt is not None else None
    return Money(taken["minor"], taken["currency"]) if isinstance(taken, dict) and "minor" in taken else None


def _wh(session: Session) -> int | None:
    wh = session.energy_kwh * 1000 if session.energy_kwh is not None else None
    return int(wh) if wh is not None and wh == int(wh) else None


def _sides(one: Money | int | None, other: Money | int | None) -> str:
    """What stands on each side, as far as it is known."""
    if one is None and other is None:
        return _("neither side yet")
    if one is None or other is None:
        known = one if one is not None else other
        return _("one side only: %(known)s", known=_text(known))
    return f"{_text(one)} = {_text(other)}" if one == other else f"{_text(one)} ≠ {_text(other)}"


def _text(value: Money | int | None) -> str:
    return money(value) if isinstance(value, Money) else f"{value} Wh"


def _whole(number: int) -> Whole:
    found = whole(parts(), number, sees_code)
    if found is None:
        abort(404)
    return found


def _act(word: str) -> Act:
    if word not in {act.value for act in Act}:
        abort(404)
    return Act(word)


def _view() -> Group | None:
    word = request.args.get("view", "")
    if word in {each.value for each in Group}:
        return Group(word)
    if word:
        leave_out(_("View"), word)
    return None


def _codes(site_id: str | None) -> tuple[str, ...] | None:
    """Where the search looks: all that the person may see, or one site of it."""
    codes = seen_codes()
    site = parts().site.site(site_id) if site_id is not None else None
    if site_id is None:
        return codes
    wanted = tuple(one.code for one in site.chargers) if site is not None else ()
    return wanted if codes is None else tuple(code for code in wanted if code in codes)


def _zone(site_id: str | None) -> tzinfo:
    """Of the site that is chosen, else of the first one that the person sees."""
    sites = [one for one in parts().site.sites if signed_in().person.sees(one.id) and site_id in {None, one.id}]
    return ZoneInfo(sites[0].timezone if sites else "UTC")


def _day(name: str, words: str, zone: tzinfo) -> tuple[datetime, datetime] | None:
    text = request.args.get(name, "")
    try:
        return whole_day(date.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        if text:
            leave_out(words, text)
        return None


def _bay(session: Session) -> str:
    return parts().site.bay_label(session.code, session.connector_id)


def _place(found: FoundSession) -> str:
    return f"{found.place.at.isoformat()}_{found.place.id}"


def _after(text: str) -> Place | None:
    at, _sign, number = text.replace(" ", "+").partition("_")
    try:
        place: Place | None = Place(datetime.fromisoformat(at), int(number))
    except (ValueError, OverflowError):
        place = None
    if text and place is None:
        leave_out(_("Where to go on"), text)
    return place


def _address(**more: str) -> str:
    query = urlencode({name: value for name, value in more.items() if value})
    return url_for("desk_sessions.sessions") + (f"?{query}" if query else "")
