"""Before the start: the box for the code, the card of a charger, and the form that starts a session."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from kiosk.config.sites import ChargerFacts
from kiosk.domain import codes
from kiosk.domain.charger import BayState, ChargerCard
from kiosk.domain.offer import NoOffer
from kiosk.domain.ownership import Whose
from kiosk.domain.session import Session
from kiosk.domain.unpaid import UNPAID, NotYet, Wait, life_of
from kiosk.news.news import site_topic
from kiosk.service.bays import chargers_now, unpaid_bays
from kiosk.service.cards import FRESH, OwnSessions, card_now, is_known, look_at_site, nobody_knows, own_sessions
from kiosk.service.points import at_point
from kiosk.service.selling import whose_charger, whose_now
from kiosk.service.session import begin_instead
from kiosk.service.start import ends_with_a_start
from kiosk.store.records import Handoff
from kiosk.web.driver.about import about_of
from kiosk.web.driver.claim import claimed_here, phrase
from kiosk.web.driver.home import HomeGroup, home_groups
from kiosk.web.driver.landing import Landing, landing_of
from kiosk.web.driver.pictures import picture_url
from kiosk.web.shared import template_tools
from kiosk.web.shared.answers_kept import keep_for
from kiosk.web.shared.devices import current_device, ensure_device, gets_its_cookie, keep_device
from kiosk.web.shared.formats import duration
from kiosk.web.shared.i18n import wished
from kiosk.web.shared.limits import limit_lookup, limit_page, limit_start, too_many_codes
from kiosk.web.shared.near import near_bays
from kiosk.web.shared.network import this_network
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _
from kiosk.web.shared.where import where_of

LONGEST_TYPED = 120
"""Characters of what was typed into the box for the code that are shown again: a whole address fits in."""
LONGEST_AMOUNT = 12
"""Digits of an amount in a form."""
PAGE_LIVES = 1.0
"""Seconds that a card's page may be given out again: scripts count the age of its figures from when it was made."""

ANOTHER = "another"
"""In the address of the card, for the owner of a running session who wants to start a second car here."""

BACK = "back"
"""In the address of the card, for who comes back to it from the page to pay on: the bays, and the way to pay again."""

bp = Blueprint("driver", __name__)
bp.record_once(template_tools.install)


@bp.get("/")
@limit_page
@limit_lookup
def home() -> ResponseReturnValue:
    """Type the code; with one site configured its chargers are listed too."""
    typed = request.args.get("code")
    if typed is None:
        return _home("", groups=_site_groups())
    place = at_point(parts().site, typed)
    if place is not None:
        return redirect(url_for("driver.charger", code=place[0], bay=place[1]), 303)
    code = codes.in_address(typed, parts().settings.public_host) or codes.normalise(typed)
    if not code:
        return _wrong_code("", _("Please type the code from the charger."), 422)
    if not codes.possible(code):
        return _wrong_code(typed[:LONGEST_TYPED], _impossible(code), 422)
    return redirect(url_for("driver.charger", code=code), 303)


@bp.get("/c/<code>/")
@bp.get("/C/<code>")
@limit_lookup
def typed_by_hand(code: str) -> ResponseReturnValue:
    """The same page, as people type its address."""
    query = f"?{urlencode(request.args)}" if request.args else ""
    return redirect(url_for("driver.charger", code=code) + query, 302)


@bp.get("/<code>")
@limit_lookup
def code_alone(code: str) -> ResponseReturnValue:
    """A charger's code behind our name. Every other word is no page of ours."""
    plain = codes.normalise(code)
    if not codes.possible(plain) or not is_known(parts(), plain, parts().store.card(plain)):
        abort(404)
    return redirect(url_for("driver.charger", code=plain), 302)


@bp.get("/c/<code>")
@limit_page
@limit_lookup
def charger(code: str) -> ResponseReturnValue:
    """The landing page of every sticker."""
    plain = codes.normalise(code)
    if not codes.possible(plain):
        return _wrong_code(code[: codes.LONGEST + 2], _impossible(plain), 404)
    if plain != code:
        return redirect(url_for("driver.charger", code=plain) + _language(), 302)
    device = current_device()
    own = own_sessions(parts(), device, plain) if device is not None else OwnSessions()
    if own.running is not None and not _wants_bays(own.running):
        return redirect(url_for("sessions.session_page", key=own.running.key), 303)
    if nobody_knows(parts(), plain) and too_many_codes(plain):
        return _retry(_home(plain, _("Those were many codes. Please wait a minute, then try again.")), 429, 60)
    look_at_site(parts(), plain)
    bay = _connector(request.args.get("bay"))
    handed = claimed_here(request.args.get("h"), plain)
    return _charger_page(plain, ended=own.ended, own=own.running, elsewhere=own.elsewhere, handed=handed, wish=bay)


@bp.post("/c/<code>/start")
@limit_start
def start(code: str) -> ResponseReturnValue:
    """Store the session and its start, then wait a moment for the engine.

    Nothing is begun for a browser that owns nothing yet: it gets its cookie, and sends the same form again with it. So
    a lost answer never leaves a bay to nobody, and a browser that keeps no cookies is told why it cannot pay.
    """
    if not codes.possible(code):
        abort(404)
    device = current_device()
    if gets_its_cookie():
        if request.max_content_length is not None and (request.content_length or 0) > request.max_content_length:
            abort(413)  # what is too large is not asked for a second time
        ensure_device()
        again = redirect(url_for("driver.start", code=code, cookie=1), 307)
        again.headers["Cache-Control"] = "no-store"
        return again
    connector_id = _connector(request.form.get("connector"))
    if connector_id is None:
        return _charger_page(code, error=_("Please choose a bay."), status=422)
    if device is None:
        keeps_none = _("Your browser keeps no cookies, so this charger could not tell that you are the one who pays.")
        advice = _("Please allow cookies for this page, or open it in another browser.")
        return _charger_page(code, error=f"{keeps_none} {advice}", wish=connector_id, status=409)
    # Absent is "no limit": a bay may offer none, and none is removed by it. The page to pay on says which one stands.
    limit_minor = _limit(request.form.get("limit", ""))
    handed = claimed_here(request.form.get("h"), code)
    instead = request.form.get("instead", "")
    begun = begin_instead(
        parts(),
        instead,
        code,
        connector_id,
        device=device,
        network=this_network(),
        on_site=handed is not None,
        seen=request.form.get("seen"),
        limit_minor=limit_minor,
    )
    if isinstance(begun, NoOffer):
        return _not_started(code, connector_id, begun)
    if isinstance(begun, NotYet):
        return _not_yet(code, connector_id, begun)
    if begun.new:
        keep_device(device)
    return redirect(url_for("sessions.session_page", key=begun.key), 303)


def _not_started(code: str, connector_id: int, why: NoOffer) -> ResponseReturnValue:
    """The card again, with the reason where the driver looks for it."""
    error = limit_error = ""
    status = 409
    match why:
        case NoOffer.UNKNOWN_BAY:
            status, error = 422, _("This charger does not have that bay. Please choose one.")
        case NoOffer.NOT_USABLE:
            error = _("That bay cannot be used now. Please choose another one.")
        case NoOffer.PRICE_OLD:
            error = _("We are asking for the price again. Please try once more in a moment.")
        case NoOffer.TERMS_CHANGED:
            error = _("The price or the hold has just changed. Please read it again.")
        case NoOffer.LIMIT_NOT_OFFERED:
            status, limit_error = 422, _("Please choose one of the limits on this page.")
    taken = why is NoOffer.NOT_FREE
    return _charger_page(
        code,
        handed=claimed_here(request.form.get("h"), code),
        error=error,
        limit_error=limit_error,
        taken=connector_id if taken else None,
        wish=None if taken else connector_id,
        status=status,
    )


def _not_yet(code: str, connector_id: int, wait: NotYet) -> ResponseReturnValue:
    """The card again, with when to try again; or the way to the start that is still to be paid."""
    now = parts().clock.now()
    handed = claimed_here(request.form.get("h"), code)
    own = parts().store.session(wait.key) if wait.key is not None else None
    if own is not None:
        return _charger_page(code, own=own, handed=handed, wish=connector_id, status=409)
    minutes = timedelta(minutes=max(1, -int((now - wait.again_at).total_seconds() // 60)))
    if wait.why is Wait.CROWDED:
        error = _(
            "Several starts from your network wait to be paid. Please try again in %(wait)s.", wait=duration(minutes)
        )
    else:
        error = _(
            "Several starts from here were not paid. Please type the code of the charger again in %(wait)s.",
            wait=duration(minutes),
        )
    site = parts().site.site_of(code)
    if site is not None and any(one.site_id == site.id for one in parts().store.tablets()):
        error = f"{error} {_('At the screen on site you need not wait: choose your bay there and scan its code.')}"
    seconds = int(minutes.total_seconds())
    return _charger_page(code, error=error, handed=handed, wish=connector_id, status=429, retry_after=seconds)


def _charger_page(
    code: str,
    *,
    ended: Session | None = None,
    own: Session | None = None,
    elsewhere: Session | None = None,
    handed: Handoff | None = None,
    error: str = "",
    limit_error: str = "",
    taken: int | None = None,
    wish: int | None = None,
    status: int = 200,
    retry_after: int | None = None,
) -> ResponseReturnValue:
    """The card, or the page that says why there is none. `handed` is what a tablet gave to this phone, `own` a session
    of this device that goes on, `elsewhere` one at another charger.
    """
    if whose_charger(parts(), code) is Whose.ANOTHERS:
        known = parts().store.card(code)
        if known is not None:  # that it is a charger is all that must be known of it: nobody is asked
            return _foreign(known, ended)
    found = card_now(parts(), code)
    if found.unknown:
        return _home(code, _not_found(code), meant=_meant(code)), 404
    card, now = found.card, parts().clock.now()
    if card is None:
        again = _seconds_until(found.again_at)
        if found.failed:
            return _retry(render_template("driver/unreachable.html", code=code, again=again), 503, again)
        page = render_template("driver/looking.html", code=code, put_off=found.put_off)
        return _retry(page, 503 if found.put_off or not parts().engine.alive() else 202, again)
    owner = whose_now(parts(), code)
    if owner is Whose.ANOTHERS:
        return _foreign(card, ended)
    if owner is not Whose.OURS:
        return _whose(card, asking=owner is Whose.ASKING and parts().engine.alive())
    if status == 200 and card.fresh(now, FRESH) and "h" not in request.args and own is elsewhere is None:
        keep_for(PAGE_LIVES)
    interval = found.pace.interval if found.pace is not None else None
    landing = _landing(card, handed.connector_id if handed is not None and wish is None else wish, interval)
    landing = replace(landing, put_off=found.put_off and not found.failed)
    if handed is not None and status == 200:
        taken, error = _lost(landing, handed.connector_id)
    page = render_template(
        "driver/landing.html",
        card=landing,
        handed=handed,
        words=phrase(handed) if handed is not None else "",
        ended=ended,
        own=own,
        elsewhere=elsewhere,
        elsewhere_at=_place(elsewhere) if elsewhere is not None else "",
        elsewhere_hold=elsewhere.money(elsewhere.held_minor) if elsewhere is not None and elsewhere.ever_held else None,
        elsewhere_ends=elsewhere is not None and handed is None and ends_with_a_start(elsewhere, code),
        own_bay=parts().site.bay_label(own.code, own.connector_id) if own is not None else "",
        own_unpaid=own is not None and life_of(own) in UNPAID,
        error=error,
        limit_error=limit_error,
        taken=parts().site.bay_label(code, taken) if taken is not None else None,
        now=now,
    )
    answer = Response(page, status, {"Cache-Control": "no-store"}, mimetype="text/html")
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def _place(session: Session) -> str:
    """The charger of a session and its bay, as its driver knows them."""
    where = where_of(parts().site, session.code, session.connector_id, session.charger_name)
    return _("bay %(bay)s, %(charger)s", bay=where.bay, charger=where.charger)


def _wants_bays(own: Session) -> bool:
    """Whoever has a session here is led to it, unless they want a second one, or come back before they have paid."""
    return ANOTHER in request.args or (BACK in request.args and life_of(own) in UNPAID)


def _foreign(card: ChargerCard, ended: Session | None) -> Response:
    """Another operator's charger: what to do there. What this phone charged here before stays reachable."""
    page = render_template(
        "driver/foreign.html",
        code=card.code,
        name=card.name,
        theirs=parts().settings.unlisted_page(card.code),
        ended=ended,
    )
    return Response(page, 404, {"Cache-Control": "no-store"}, mimetype="text/html")


def _whose(card: ChargerCard, *, asking: bool) -> Response:
    """Nobody knows yet, or just now, whether the charger is the operator's: nothing is sold, and it is asked again."""
    again = 3 if asking else 30
    page = render_template("driver/whose.html", code=card.code, name=card.name, asking=asking, again=again)
    return _retry(page, 202 if asking else 503, again)


def _lost(landing: Landing, connector_id: int) -> tuple[int | None, str]:
    """What became of the bay that was chosen on the tablet: taken since then, or not to be had for another reason."""
    row = next((bay for bay in landing.bays if bay.connector_id == connector_id), None)
    if row is not None and row.usable:
        return None, ""
    if row is not None and row.state in {BayState.IN_USE, BayState.STARTING, BayState.KEPT}:
        return connector_id, ""
    if landing.trouble is not None:
        return None, ""
    return None, _("That bay cannot be used now. Please choose another one.")


def _landing(card: ChargerCard, wish: int | None, interval: timedelta | None) -> Landing:
    store, book, now = parts().store, parts().site, parts().clock.now()
    make = store.lab_facts([card.code]).get(card.code)
    name = card.name or (make.name if make is not None else None)
    where = where_of(book, card.code, card.connectors[0].connector_id if card.connectors else 1, name)
    occupied = store.occupied(card.code)
    landing = landing_of(
        card,
        now,
        book=book,
        where=where,
        occupied=occupied,
        free_by=unpaid_bays(parts(), occupied),
        wish=wish,
        powers=parts().powers.at(card, book),
        about=about_of(card, book.charger(card.code), make, picture_url(card.code, make)),
        interval=interval,
    )
    return landing if landing.trouble is None else replace(landing, near=near_bays(card.code, now))


def _site_groups() -> tuple[HomeGroup, ...]:
    """The bays of the only site as last seen. While somebody looks at them, the engine keeps them fresh."""
    site, book, now = parts().site.single_site, parts().site, parts().clock.now()
    if site is None:
        return ()
    chargers = chargers_now(parts(), site)
    parts().news.glance(site_topic(site.id))
    if any(one.card is None for one in chargers):
        parts().news.wish()
    return home_groups(chargers, now, book)


def _wrong_code(typed: str, error: str, status: int) -> ResponseReturnValue:
    return _home(typed, error), status


def _home(typed: str, error: str = "", *, groups: tuple[HomeGroup, ...] = (), meant: ChargerFacts | None = None) -> str:
    """The box for the code, with what was typed and why it leads nowhere. `meant`: that charger is offered instead."""
    site, now = parts().site, parts().clock.now()
    return render_template(
        "driver/home.html", groups=groups, typed=typed, error=error, meant=meant, now=now, zone=site.zone("")
    )


def _impossible(code: str) -> str:
    if len(code) > codes.LONGEST:
        return _("That is too long for a code. It has at most %(most)s letters and digits.", most=codes.LONGEST)
    return _("A code has only letters and digits.")


def _not_found(code: str) -> str:
    if parts().site.charger(code) is not None:
        return _("Charger %(code)s cannot be used at the moment. Please take another one.", code=code)
    other = _meant(code)
    if other is not None:
        return _("No charger has the code %(code)s. Did you mean %(other)s?", code=code, other=other.code)
    if codes.looks_alike(code):
        return _("No charger has the code %(code)s. O and 0, or I and 1, look alike: try the other one.", code=code)
    return _("No charger has the code %(code)s. Please compare it with the sticker.", code=code)


def _meant(code: str) -> ChargerFacts | None:
    """The charger of ours whose code is nearly the same; None for one of ours."""
    if parts().site.charger(code) is not None:
        return None
    other = codes.meant(code, parts().site.codes)
    return parts().site.charger(other) if other is not None else None


def _seconds_until(at: datetime | None) -> int:
    """Whole seconds until then, at least two; five when nobody knows."""
    return 5 if at is None else max(2, ceil((at - parts().clock.now()).total_seconds()))


def _retry(page: str, status: int, seconds: int) -> Response:
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store"}
    return Response(page, status, headers, mimetype="text/html")


def _connector(text: str | None) -> int | None:
    """A connector number from 1 to 100, as upstream takes it."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 3:
        return None
    return int(text) if 1 <= int(text) <= 100 else None


def _limit(text: str) -> int | None:
    """The amount in minor units, None when no limit is wished for. 0, which is never offered, for any other text."""
    if text == "":
        return None
    plain = text.isascii() and text.isdigit() and len(text) <= LONGEST_AMOUNT
    return int(text) if plain else 0


def _language() -> str:
    """The wish for a language survives the redirect."""
    lang = wished(request.args.get("lang"))
    return f"?lang={lang}" if lang is not None else ""
