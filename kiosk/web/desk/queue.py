"""Things that need a person: one queue of everything that the kiosk cannot settle by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TypeVar

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.config.sites import Site
from kiosk.domain.attention import Attention, Level
from kiosk.domain.desk import Role
from kiosk.domain.handling import LONGEST_NOTE, CannotHandle, Did
from kiosk.service.queue import Case, act, case_of, is_place, page_of, read_again
from kiosk.service.queue_words import ACTS, CANNOT, DID, TITLES, ago
from kiosk.store.handlings import State, Wanted
from kiosk.tables.table import Column, Kind, Table, Value
from kiosk.web.desk.access import needs, seen_codes, sees_code, signed_in
from kiosk.web.desk.download import download, links, words
from kiosk.web.desk.shell import Room, add_room, leave_out, page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

bp = Blueprint("desk_queue", __name__)

W = TypeVar("W", State, Attention)
_SPANS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "3d": timedelta(days=3), "7d": timedelta(days=7)}
_MORNING = time(8)
ROWS_OF_A_READ = 500
"""Of a file: no read of the store lasts as long as its reader takes."""
LOUDNESS = {
    Level.NOTED: lambda: _("noted"),
    Level.LOUD: lambda: _("loud"),
    Level.ALARM: lambda: _("alarm"),
}


def waiting() -> int:
    """How many wait, of those that the person may see."""
    return parts().store.how_many_wait(Wanted(codes=seen_codes()), parts().clock.now())[State.WAITS]


add_room(20, Room("desk_queue.queue", lambda: _("Needs a person"), count=waiting))


@dataclass(frozen=True, slots=True)
class Listing:
    """What of the queue is asked for: `state`, `kind`, `site` and `mine` stand in the address."""

    wanted: Wanted
    sites: Sequence[Site]
    chosen: Mapping[str, str | None]


@bp.get("/queue")
@needs(Role.VIEWER)
def queue() -> ResponseReturnValue:
    """`after` in the address is where the page before ended."""
    kiosk, now, asked = parts(), parts().clock.now(), _listing()
    wanted, state = asked.wanted, asked.wanted.state
    told = {name: value for name, value in asked.chosen.items() if value}
    after = request.args.get("after", "")
    if after and not is_place(after, state):
        leave_out(_("Where to go on"), after)
    return page(
        "desk/queue.html",
        found=page_of(kiosk.store, kiosk.site, wanted, now, after),
        counts=kiosk.store.how_many_wait(Wanted(kinds=wanted.kinds, codes=wanted.codes, owner=wanted.owner), now),
        state=state.value,
        chosen=asked.chosen,
        files=links(".queue_file", **told, **({"state": state.value} if state is not State.WAITS else {})),
        kinds=sorted(TITLES.items(), key=lambda one: one[1]),
        sites=asked.sites,
        acts=ACTS,
        ago=ago,
    )


@bp.get("/queue.<any(csv, xlsx):form>")
@needs(Role.VIEWER)
def queue_file(form: str) -> ResponseReturnValue:
    """All rows of that state, every page of them, as a file."""
    asked = _listing()
    told = {"state": asked.wanted.state.value, **asked.chosen}
    chosen = " ".join(f"{name}={value}" for name, value in told.items() if value)
    return download(Table("queue", queue_columns(), _rows(asked.wanted), words()), form, chosen)


def queue_columns() -> list[Column]:
    """What a row says, with the moment since when instead of its age, which would be over as soon as it is read."""
    return [
        Column(_("Number"), Kind.COUNT),
        Column(_("What")),
        Column(_("How loud")),
        Column(_("Bay")),
        Column(_("Charger")),
        Column(_("Site")),
        Column(_("Session")),
        Column(_("At stake"), Kind.MONEY),
        Column(_("Since"), Kind.TIME),
        Column(_("Whose")),
        Column(_("What to do")),
    ]


def _rows(wanted: Wanted) -> Iterator[Sequence[Value]]:
    kiosk, now = parts(), parts().clock.now()
    after: str | None = None
    while True:
        found = page_of(kiosk.store, kiosk.site, wanted, now, after, ROWS_OF_A_READ)
        for case in found.cases:
            matter = case.row.matter
            yield (
                case.id,
                _(case.title),
                LOUDNESS[case.row.level](),
                case.bay,
                matter.code,
                case.site,
                case.mark,
                case.amount,
                matter.since.astimezone(kiosk.site.zone(matter.code)),
                case.row.handling.owner,
                _(ACTS[matter.act]),
            )
        after = found.after
        if after is None:
            return


def _listing() -> Listing:
    kiosk, seen = parts(), seen_codes()
    kind = _one_of(Attention, "kind", _("What"))
    sites = [site for site in kiosk.site.sites if seen is None or {one.code for one in site.chargers} & set(seen)]
    site = next((each for each in sites if each.id == request.args.get("site")), None)
    if site is None and request.args.get("site"):
        leave_out(_("Site"), request.args["site"])
    codes = seen if site is None else tuple(one.code for one in site.chargers)
    mine = signed_in().person.name if request.args.get("mine") else None
    wanted = Wanted(_one_of(State, "state", _("State")) or State.WAITS, None if kind is None else (kind,), codes, mine)
    chosen = {"kind": kind.value if kind else None, "site": site.id if site else None, "mine": "1" if mine else None}
    return Listing(wanted, sites, chosen)


@bp.get("/queue/<int:number>")
@needs(Role.VIEWER)
def case(number: int) -> ResponseReturnValue:
    return _case(_seen(number))


@bp.post("/queue/<int:number>")
@needs(Role.SUPPORT)
def handle(number: int) -> ResponseReturnValue:
    """Does the one thing that the form names, then shows the row as it stands."""
    kiosk, now = parts(), parts().clock.now()
    found, who = _seen(number), signed_in().person.name
    wanted, form = request.form.get("did", ""), request.form
    if wanted == "read":
        read_again(kiosk, found.row, who)
        return redirect(url_for(".case", number=number, read=1), 303)
    try:
        did = Did(wanted)
    except ValueError:
        return _case(found, _("Nothing was done: choose what to do."), 422)
    until = _until(form.get("until", ""), found, now) if did is Did.SET_ASIDE else None
    try:
        act(kiosk.store, number, did, who, now, note=form.get("note"), until=until, seen=_number(form.get("seen")))
    except CannotHandle as error:
        again = case_of(kiosk.store, kiosk.site, number, now) or found
        return _case(again, _("Nothing was done: %(why)s.", why=_(CANNOT[error.reason])), 409)
    return redirect(url_for(".case", number=number), 303)


def _case(found: Case, problem: str | None = None, status: int = 200) -> ResponseReturnValue:
    zone = parts().site.zone(found.row.matter.code)
    words = {"acts": ACTS, "did": DID, "ago": ago, "longest_note": LONGEST_NOTE, "zone": zone}
    matter = found.row.matter
    session = None if matter.of_charger else parts().store.finding.number_of(matter.subject)
    return page(
        "desk/case.html",
        status,
        case=found,
        problem=problem,
        read=bool(request.args.get("read")),
        session=session,
        **words,
    )


def _seen(number: int) -> Case:
    """The row, if there is one and the person may see its charger; else the same answer for both."""
    kiosk = parts()
    found = case_of(kiosk.store, kiosk.site, number, kiosk.clock.now()) if number < 2**31 else None
    if found is None or not sees_code(found.row.matter.code):
        abort(404)
    return found


def _one_of(words: type[W], name: str, told: str) -> W | None:
    """`told`: what the page calls it, where it says that a word of the address means nothing."""
    word = request.args.get(name, "")
    try:
        return words(word)
    except ValueError:
        if word:
            leave_out(told, word)
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None


def _until(text: str, found: Case, now: datetime) -> datetime | None:
    if text == "morning":
        zone = parts().site.zone(found.row.matter.code)
        return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), _MORNING, zone)
    span = _SPANS.get(text)
    return now + span if span is not None else None
