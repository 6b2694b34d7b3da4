"""Before the start: the box for the code, the card of a charger, and the form that starts a session."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from kiosk.domain import codes
from kiosk.domain.charger import AHEAD, BayState, ChargerCard
from kiosk.domain.commands import Refusal
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group
from kiosk.news.live import charger_topic
from kiosk.service.waiting import wait_for_card, wait_for_session
from kiosk.store.errors import BayTaken
from kiosk.store.records import Handoff
from kiosk.web.driver.about import about_of
from kiosk.web.driver.claim import claimed_here, phrase
from kiosk.web.driver.landing import BayRow, Landing, bay_row, landing_of, terms_of
from kiosk.web.driver.pictures import picture_url
from kiosk.web.session.reading import near_bays, where_of
from kiosk.web.shared import frame
from kiosk.web.shared.devices import current_device, ensure_device
from kiosk.web.shared.front import keep_for
from kiosk.web.shared.limits import limit_lookup, limit_start
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

FRESH = timedelta(seconds=30)
LONGEST_TERMS = timedelta(seconds=60)
"""Nobody starts by states or a price older than this."""
CARD_WAIT = 3.0
START_WAIT = 4.0
PROBLEM_COUNTS = timedelta(seconds=30)
OLD_SESSIONS = timedelta(days=8)
RECEIPT_NOTICE = timedelta(hours=24)
PAGE_LIVES = 1.0
"""Seconds that a card's page may be given out again: scripts count the age of its figures from when it was made."""

bp = Blueprint("driver", __name__)
bp.record_once(frame.install)


@bp.get("/")
@limit_lookup
def home() -> ResponseReturnValue:
    """Type the code; with one site configured its chargers are listed too."""
    typed = request.args.get("code")
    if typed is None:
        return render_template("driver/home.html", rows=_site_rows(), typed="", error="")
    code = codes.normalise(typed)
    if not code:
        return _wrong_code("", _("Please type the code from the charger."), 422)
    if not codes.possible(code):
        return _wrong_code(typed[: codes.LONGEST + 2], _impossible(code), 422)
    return redirect(url_for("driver.charger", code=code), 303)


@bp.get("/c/<code>")
@limit_lookup
def charger(code: str) -> ResponseReturnValue:
    """The landing page of every sticker."""
    plain = codes.normalise(code)
    if not codes.possible(plain):
        return _wrong_code(code[: codes.LONGEST + 2], _impossible(plain), 404)
    if plain != code:
        return redirect(url_for("driver.charger", code=plain) + _language(), 302)
    open_session, ended = _own_sessions(plain)
    if open_session is not None:
        return redirect(url_for("sessions.session_page", key=open_session.key), 303)
    return _charger_page(plain, ended=ended, handed=claimed_here(request.args.get("h"), plain))


@bp.post("/c/<code>/start")
@limit_start
def start(code: str) -> ResponseReturnValue:
    """Store the session and its start, then wait a moment for the engine."""
    if not codes.possible(code):
        abort(404)
    connector_id = _connector(request.form.get("connector"))
    if connector_id is None:
        return _charger_page(code, error=_("Please choose a bay."), status=422)
    begun = begin(code, connector_id, seen=request.form.get("seen"), limit=request.form.get("limit", ""))
    if isinstance(begun, NotBegun):
        return _charger_page(
            code,
            handed=claimed_here(request.form.get("h"), code),
            error=begun.error,
            limit_error=begun.limit_error,
            taken=connector_id if begun.taken else None,
            wish=None if begun.taken else connector_id,
            status=begun.status,
        )
    return redirect(url_for("sessions.session_page", key=begun), 303)


@dataclass(frozen=True, slots=True)
class NotBegun:
    """Why no session was made: `status` of the answer, a sentence about the form, or `taken` by somebody else.

    `again`: nothing is wrong with the wish, only the price could not be read again in time.
    """

    status: int
    error: str = ""
    limit_error: str = ""
    taken: bool = False
    again: bool = False


def begin(code: str, connector_id: int, *, seen: str | None, limit: str) -> str | NotBegun:
    """Store a session and its start for this browser, and wait a moment for the engine. Returns the session's key.

    `seen` are the terms that the driver read, `limit` is the text of one of the offered limits, or empty.
    """
    store, now = parts().store, parts().clock.now()
    device = current_device()
    held_by = store.session_at(code, connector_id)
    if held_by is not None and device is not None and store.owns(held_by.key, device):
        return held_by.key
    card = _card(code, LONGEST_TERMS)
    if card is None or card.stale(now) or card.tariff is None or not card.preauth_minor:
        return NotBegun(409)
    connector = card.connector(connector_id)
    if connector is None:
        return NotBegun(422, _("This charger does not have that bay. Please choose one."))
    row = bay_row(card, connector, now, book=parts().site, facts=None, claimed=held_by is not None)
    if not row.usable:
        return NotBegun(409, taken=True)
    if not _younger(card, LONGEST_TERMS):
        return NotBegun(409, _("We are asking for the price again. Please try once more in a moment."), again=True)
    landing = _landing(card, connector_id)
    if seen is not None and seen != terms_of(landing.tariff, landing.hold):
        return NotBegun(409, _("The price or the hold has just changed. Please read it again."))
    limit_ok, limit_minor = _limit(limit, landing)
    if not limit_ok:
        return NotBegun(422, limit_error=_("Please choose one of the limits on this page."))
    session = Session(
        key=secrets.token_urlsafe(16),
        code=code,
        connector_id=connector_id,
        phase=Phase.QUEUED,
        requested_at=now,
        charger_name=card.name,
        tariff=card.tariff,
        hold_minor=card.preauth_minor,
        limit_minor=limit_minor,
    )
    device = ensure_device()
    try:
        store.create(session, device=device, now=now)
    except BayTaken as taken:
        return taken.key if store.owns(taken.key, device) else NotBegun(409, taken=True)
    parts().live.wish(charger_topic(code))
    wait_for_session(parts(), session.key, lambda one: one.phase is not Phase.QUEUED, START_WAIT)
    return session.key


def _charger_page(
    code: str,
    *,
    ended: Session | None = None,
    handed: Handoff | None = None,
    error: str = "",
    limit_error: str = "",
    taken: int | None = None,
    wish: int | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """The card, or the page that says why there is none. `handed` is what a tablet gave to this phone."""
    card = _card(code, LONGEST_TERMS)
    problem = _problem(code)
    refused_later = problem is not None and (card is None or problem[1] > card.whole_at)
    if refused_later and problem is not None and problem[0] is Refusal.UNKNOWN_CHARGER:
        return _wrong_code(code, _not_found(code), 404)
    if card is None:
        if refused_later:
            return _retry(render_template("driver/unreachable.html", code=code), 503)
        return _retry(render_template("driver/looking.html", code=code), 503 if not parts().engine.alive() else 202)
    if status == 200 and _younger(card, FRESH) and "h" not in request.args:
        keep_for(PAGE_LIVES)
    landing = _landing(card, handed.connector_id if handed is not None and wish is None else wish)
    if handed is not None and status == 200:
        taken, error = _lost(landing, handed.connector_id)
    page = render_template(
        "driver/landing.html",
        card=landing,
        handed=handed,
        words=phrase(handed) if handed is not None else "",
        ended=ended,
        error=error,
        limit_error=limit_error,
        taken=parts().site.bay_label(code, taken) if taken is not None else None,
        now=parts().clock.now(),
    )
    return Response(page, status, {"Cache-Control": "no-store"}, mimetype="text/html")


def _lost(landing: Landing, connector_id: int) -> tuple[int | None, str]:
    """What became of the bay that was chosen on the tablet: taken since then, or not to be had for another reason."""
    row = next((bay for bay in landing.bays if bay.connector_id == connector_id), None)
    if row is not None and row.usable:
        return None, ""
    if row is not None and row.state in {BayState.IN_USE, BayState.STARTING}:
        return connector_id, ""
    if landing.trouble is not None:
        return None, ""
    return None, _("That bay cannot be used now. Please choose another one.")


def _card(code: str, longest: timedelta) -> ChargerCard | None:
    """The stored card. One older than 30 s is asked for behind the scenes; older than `longest`, or none: waits."""
    store, now = parts().store, parts().clock.now()
    card = store.card(code)
    if card is not None and _younger(card, FRESH):
        return card
    problem = _problem(code)
    if problem is not None and now - problem[1] <= PROBLEM_COUNTS:
        return card
    store.want_card(code, now)
    parts().live.wish()
    if card is not None and _younger(card, longest):
        return card

    def answered(one: ChargerCard | None) -> bool:
        if one is not None and _younger(one, FRESH):
            return True
        later = _problem(code)
        return later is not None and later[1] >= now

    return wait_for_card(parts(), code, answered, CARD_WAIT)


def _younger(card: ChargerCard, longest: timedelta) -> bool:
    """Neither states nor price are older than that, nor from before the clock was set back."""
    return card.fresh(parts().clock.now(), longest)


def _problem(code: str) -> tuple[Refusal | None, datetime] | None:
    """Why the last read failed, and when. One from before the clock was set back says nothing about now."""
    problem = parts().store.card_problem(code)
    return problem if problem is not None and problem[1] <= parts().clock.now() + AHEAD else None


def _landing(card: ChargerCard, wish: int | None) -> Landing:
    store, book, now = parts().store, parts().site, parts().clock.now()
    make = store.lab_facts([card.code]).get(card.code)
    name = card.name or (make.name if make is not None else None)
    where = where_of(book, card.code, card.connectors[0].connector_id if card.connectors else 1, name)
    landing = landing_of(
        card,
        now,
        book=book,
        where=where,
        occupied=store.occupied(card.code),
        wish=wish,
        powers=parts().powers.at(card, book),
        about=about_of(card, book.charger(card.code), make, picture_url(card.code, make)),
    )
    return landing if landing.trouble is None else replace(landing, near=near_bays(card.code, now))


def _own_sessions(code: str) -> tuple[Session | None, Session | None]:
    """This browser's running session here, and one that ended (or waits for the operator) within a day."""
    device = current_device()
    if device is None:
        return None, None
    now = parts().clock.now()
    ended: Session | None = None
    for one in parts().store.sessions_of(device, code=code, since=now - OLD_SESSIONS):
        going_on = one.phase is Phase.QUEUED or (one.phase is Phase.OPEN and not one.final)
        if going_on and one.facts.group is not Group.OPERATOR:
            return one, None
        worth_it = one.ever_held and (one.final or going_on or one.phase is Phase.GONE)
        last = one.completed_at or one.captured_at or one.observed_at or one.requested_at
        if ended is None and worth_it and now - last <= RECEIPT_NOTICE:
            ended = one
    return None, ended


def _site_rows() -> list[tuple[str, str, str | None, tuple[BayRow, ...], tuple[str, ...]]]:
    """Code, name, place, bays as last seen and the painted numbers of every charger of the only site."""
    site, book, store, now = parts().site.single_site, parts().site, parts().store, parts().clock.now()
    if site is None:
        return []
    cards = store.cards([one.code for one in site.chargers])
    rows: list[tuple[str, str, str | None, tuple[BayRow, ...], tuple[str, ...]]] = []
    for one in site.chargers:
        card = cards.get(one.code)
        taken = store.occupied(one.code) if card is not None else {}
        bays = (
            tuple(
                bay_row(card, plug, now, book=book, facts=one, claimed=plug.connector_id in taken)
                for plug in card.connectors
            )
            if card is not None and not card.stale(now)
            else ()
        )
        names = tuple(bay.label for bay in one.bays.values())
        rows.append((one.code, one.label or _("charger %(code)s", code=one.code), one.place, bays, names))
    return rows


def _wrong_code(typed: str, error: str, status: int) -> ResponseReturnValue:
    return render_template("driver/home.html", rows=[], typed=typed, error=error), status


def _impossible(code: str) -> str:
    if len(code) > codes.LONGEST:
        return _("That is too long for a code. It has at most %(most)s letters and digits.", most=codes.LONGEST)
    return _("A code has only letters and digits.")


def _not_found(code: str) -> str:
    other = codes.meant(code, parts().site.codes)
    if other is not None:
        return _("No charger has the code %(code)s. Did you mean %(other)s?", code=code, other=other)
    if codes.looks_alike(code):
        return _("No charger has the code %(code)s. O and 0, or I and 1, look alike: try the other one.", code=code)
    return _("No charger has the code %(code)s. Please compare it with the sticker.", code=code)


def _retry(page: str, status: int) -> Response:
    return Response(page, status, {"Retry-After": "5", "Cache-Control": "no-store"}, mimetype="text/html")


def _connector(text: str | None) -> int | None:
    """A connector number from 1 to 100, as upstream takes it."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 3:
        return None
    return int(text) if 1 <= int(text) <= 100 else None


def _limit(text: str, landing: Landing) -> tuple[bool, int | None]:
    """Whether the limit may be set, and to what. Only the offered ones may."""
    if text == "":
        return True, None
    offered = {str(money.minor): money.minor for money in landing.limits}
    return text in offered, offered.get(text)


def _language() -> str:
    """The wish for a language survives the redirect."""
    lang = request.args.get("lang", "")
    return f"?lang={lang}" if lang.isalpha() else ""
