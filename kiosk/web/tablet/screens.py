"""The screens of a site's tablet: all bays, one bay with its code for the phone, the hand-off, and starting over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import ParamSpec
from zoneinfo import ZoneInfo

import structlog
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    json,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from kiosk.config.places import folder
from kiosk.config.sites import Site, TabletFacts
from kiosk.domain.charger import BayState
from kiosk.domain.expectation import Place
from kiosk.domain.tariff import Tariff
from kiosk.news.news import site_topic
from kiosk.service.bays import last_price
from kiosk.service.visit import Standing, close_handoff, end_visit, findable, handoff_of
from kiosk.store.records import Tablet
from kiosk.web.shared import shown_where
from kiosk.web.shared.devices import current_device, ensure_device, phone_cookie, visit_cookie
from kiosk.web.shared.limits import limiter
from kiosk.web.shared.parts import parts
from kiosk.web.shared.power_words import power_words
from kiosk.web.shared.security import keep_private, no_store
from kiosk.web.shared.shown_where import TABLET
from kiosk.web.shared.site_facts import site_facts
from kiosk.web.shared.template_tools import example, kiosk_now
from kiosk.web.tablet import choices
from kiosk.web.tablet.board import Board, Stall, near
from kiosk.web.tablet.boards_kept import Drawn, assets_version, drawn_board, layout_of
from kiosk.web.tablet.code import face_of, open_handoff
from kiosk.web.tablet.may_show import may_pay_here
from kiosk.web.tablet.pairing import cookie_name, current_tablet, pairing_page, standing, tablet_only

P = ParamSpec("P")

CONTINUE_SECONDS = 7
"""With a look every 1.5 s and a page to load the screen is free again within 10 s of the scan (K-08)."""
OPENED = "handoff"
"""The cookie that says which code this screen shows, so that it can be closed when the screen goes on."""
SHELL = (
    "app.css",
    "tablet/tablet.css",
    "tablet/tablet.js",
    "tablet/idle.js",
    "tablet/link.js",
    "tablet/offline.js",
    "shared/ages.js",
)
WORKER = folder("static") / "tablet/sw.js"

limit_tablet = limiter.shared_limit("3000 per minute", scope="tablet")
"""All tablets of a site may share one address."""

log = structlog.stdlib.get_logger(__name__)
bp = Blueprint("tablet", __name__, url_prefix=TABLET.rstrip("/"))


def install(state: BlueprintSetupState) -> None:
    """For `Blueprint.record_once`: what the templates of the tablet may ask."""
    state.app.jinja_env.globals.update(tablet_facts=tablet_facts, outage=outage, assets_version=assets_version)


bp.record_once(install)
bp.record_once(choices.install)
bp.record_once(shown_where.install)


@bp.after_request
def _tell_time(response: Response) -> Response:
    """Every answer says what time it is, also one without a body: a page that stays open for weeks needs that."""
    response.headers["Kiosk-Now"] = kiosk_now()
    return response


def only_if_changed(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
    """Marks JSON that is the same for a while: its ETag is compared here, and nothing on the way keeps it."""

    @wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Response:
        response = keep_private(make_response(view(*args, **kwargs)))
        response.make_conditional(request)
        return response

    return wrapped


# --- the site and what it shows


def paired() -> tuple[Tablet, Site]:
    """The tablet that asks, and its site. 404 for any other browser."""
    tablet = current_tablet()
    site = parts().site.site(tablet.site_id) if tablet is not None else None
    if tablet is None or site is None:
        abort(404)
    return tablet, site


def tablet_facts() -> TabletFacts:
    """How this tablet behaves; as usual before it is paired."""
    return paired()[1].tablet if current_tablet() is not None else TabletFacts()


@dataclass(frozen=True, slots=True)
class Outage:
    """What a screen can still say without a connection: the one price of the site, and when that was."""

    tariff: Tariff | None
    at: datetime
    zone: ZoneInfo


def outage() -> Outage:
    if current_tablet() is None:
        return Outage(None, parts().clock.now(), ZoneInfo("UTC"))
    _tablet, site = paired()
    last = last_price(parts(), site)
    return Outage(last.tariff, last.at, zone_of(site))


def zone_of(site: Site) -> ZoneInfo:
    return ZoneInfo(site.timezone)


def watched_board(site: Site) -> Drawn:
    """The board, for a screen that shows it: so the engine keeps it fresh."""
    parts().news.glance(site_topic(site.id))
    return drawn_board(site)


# --- all bays


@bp.get("/")
@limit_tablet
@no_store
def board() -> ResponseReturnValue:
    """Every bay of the site, without a touch. Before the tablet is paired: where one types the code for that."""
    if current_tablet() is None:
        return pairing_page()
    _tablet, site = paired()
    _end_visit()  # a driver who is back at the bays has left what they began
    drawn = watched_board(site)
    page = render_template(
        "tablet/board.html",
        site=site,
        board=drawn.board,
        drawn=drawn,
        layout=layout_of(drawn.board),
        zone=zone_of(site),
    )
    return choices.forget_visit(_put_away(make_response(page)), visit_cookie())


@bp.get("/board.json")
@limit_tablet
@tablet_only
@only_if_changed
def board_json() -> ResponseReturnValue:
    """What stands on the board now; "not modified" for a tablet that shows just that."""
    _tablet, site = paired()
    drawn = watched_board(site)
    answer = Response(drawn.body, mimetype="application/json")
    answer.headers["ETag"] = drawn.etag
    return answer


@bp.get("/alive.json")
@limit_tablet
@tablet_only
@only_if_changed
def alive_json() -> ResponseReturnValue:
    """For pages that ask for nothing else: the kiosk can be reached."""
    return {"assets": assets_version()}


# --- one bay


@bp.get("/bay/<code>/<int:connector_id>")
@limit_tablet
@tablet_only
@no_store
def bay(code: str, connector_id: int) -> ResponseReturnValue:
    """A bay that can be started: price, hold, expected power and the code for the phone. Else why not, and where."""
    tablet, site = paired()
    look = watched_board(site).board
    stall = stall_or_404(look, code, connector_id)
    handoff = open_handoff(tablet, code, connector_id) if stall.usable else None
    if stall.usable and may_pay_here():
        ensure_device()  # a second tap on "pay here" then finds what the first one began
    now = parts().clock.now()
    page = render_template(
        "tablet/bay.html",
        site=site,
        stall=stall,
        facts=site_facts(parts().site, code),
        zone=zone_of(site),
        power=power_words(parts().powers.of(site).get(Place(code, connector_id))),
        example=example(stall.tariff) if stall.tariff is not None else None,
        handoff=handoff,
        face=face_of(handoff, now) if handoff is not None else None,
        near=near(look, stall),
        why="unwritten" if stall.usable else why_not(stall),
        findable=not stall.usable and findable(parts(), code, connector_id) is not None,
        shape=shape_of(stall, writes=handoff is not None or not stall.usable),
        now=now,
    )
    response = make_response(page)
    if handoff is not None:
        secure = parts().settings.https
        response.set_cookie(OPENED, handoff.id, secure=secure, httponly=True, samesite="Strict", path="/")
    return response


@bp.get("/bay/<code>/<int:connector_id>/state.json")
@limit_tablet
@tablet_only
@no_store
def bay_state_json(code: str, connector_id: int) -> ResponseReturnValue:
    """Whether the bay can be started, and what its code looks like now. `?handoff=` names the one that is shown."""
    tablet, site = paired()
    look = watched_board(site).board
    stall = stall_or_404(look, code, connector_id)
    handoff = handoff_of(parts(), tablet, request.args.get("handoff", ""))
    if handoff is not None and (handoff.code, handoff.connector_id) != (code, connector_id):
        handoff = None
    answer: dict[str, object] = {
        "usable": stall.usable,
        "state": stall.state.value,
        "shape": shape_of(stall, writes=not stall.usable or parts().store.trouble is None),
        "near": [] if stall.usable else [one.key for one in near(look, stall)],
        "assets": assets_version(),
        "claimed": False,
        "closed": handoff is None,
    }
    if handoff is not None:
        face = face_of(handoff, parts().clock.now())
        answer |= {"claimed": face.claimed, "closed": face.closed}
        if not face.claimed and not face.closed and stall.usable:
            answer |= {"picture": face.picture, "phrase": face.phrase, "seconds_left": face.seconds_left}
    return answer


def stall_or_404(look: Board, code: str, connector_id: int) -> Stall:
    found = next((one for one in look.stalls if one.code == code and one.connector_id == connector_id), None)
    if found is None:
        abort(404)
    return found


def shape_of(stall: Stall, *, writes: bool) -> str:
    """What the bay's page is made of. When that changes the page is loaded again.

    Not `writes`: it could be started, but nothing can be written down just now, so there is no code for a phone.
    """
    tariff = stall.tariff
    terms = (tariff.price_per_kwh_minor, tariff.start_fee_minor, tariff.currency) if tariff is not None else ()
    hold = stall.hold.minor if stall.hold is not None else None
    return json.dumps((stall.usable, stall.word, terms, hold, writes))


def why_not(stall: Stall) -> str:
    """The reason for a bay that cannot be started, as the page tells it apart."""
    if stall.state in {BayState.FREE, BayState.PLUGGED}:
        return "costs_nothing" if stall.costs_nothing else "unpriced"
    return stall.state.value


@bp.get("/continue")
@limit_tablet
@tablet_only
@no_store
def carry_on() -> ResponseReturnValue:
    """The phone has taken over: this screen says so, knows nothing about the driver, and is free in a moment."""
    _tablet, site = paired()
    code, _dash, number = request.args.get("bay", "").rpartition("-")
    shown = next((one for one in drawn_board(site).board.stalls if one.key == f"{code}-{number}"), None)
    return render_template("tablet/continue.html", stall=shown, seconds=CONTINUE_SECONDS)


# --- starting over


@bp.route("/reset", methods=["GET", "POST"])
@no_store
def reset() -> ResponseReturnValue:
    """Nothing of the last driver is left in this browser; then the bays, in the site's own language."""
    if standing() is Standing.NEW:
        return redirect(url_for("tablet.board"), 303)  # a phone that was led here keeps what is its own
    _end_visit()
    kept = {cookie_name()}
    if parts().settings.stands_in_for_plugchoice:
        # People who try the demo have phone and tablet in one browser. On a real tablet a phone's cookie is a trace.
        kept.add(phone_cookie())
    return choices.forget(_put_away(make_response(redirect(url_for("tablet.board"), 303))), kept)


def _end_visit() -> None:
    device = current_device()
    if device is not None:
        end_visit(parts(), device)


def _put_away(response: Response) -> Response:
    """The code that this screen showed last cannot be claimed any more. A phone that has it keeps it."""
    opened, tablet = request.cookies.get(OPENED), current_tablet()
    if opened is None:
        return response
    try:
        if tablet is not None:
            close_handoff(parts(), tablet, opened)
    except Exception:
        log.exception("a hand-off could not be closed; its code ends by itself")
    response.delete_cookie(OPENED, path="/", secure=parts().settings.https, httponly=True, samesite="Strict")
    return response


@bp.get("/offline")
@limit_tablet
@no_store
def offline() -> ResponseReturnValue:
    """The page that is kept in the browser for a reload without a connection."""
    return render_template("tablet/offline.html")


@bp.get("/sw.js")
@limit_tablet
def worker() -> ResponseReturnValue:
    """The service worker, with the addresses that it keeps: a page without a driver, and what that page needs."""
    asset: Callable[[str], str] = current_app.extensions["asset"]
    kept = [url_for("tablet.offline"), *(asset(name) for name in SHELL)]
    script = f"self.KEPT = {json.dumps(kept)};\n{WORKER.read_text(encoding='utf-8')}"
    response = Response(script, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response
