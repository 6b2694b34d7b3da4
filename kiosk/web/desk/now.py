"""What happens at this moment: bays, charges, holds, starts that wait, budgets, systems, duties, tablets.

The page renews itself: a stream says that there is something newer, and the page fetches itself once more. Neither
keeps anybody signed in; the stream ends when nobody is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from flask import Blueprint, Response, current_app, stream_with_context
from flask.typing import ResponseReturnValue

from kiosk.domain.desk import Role
from kiosk.news.news import EVERYTHING, Subscription, TooManyStreams
from kiosk.service.desk_now import MOST_SHOWN, BayAtDesk, now_at
from kiosk.service.story import status_word
from kiosk.store.errors import Unavailable
from kiosk.web.desk.access import needs, seen_codes, signed_in, still_signed_in
from kiosk.web.desk.sessions import tone
from kiosk.web.desk.shell import Room, add_room, page
from kiosk.web.desk.words import BUDGETS, SYSTEMS, bad_answer
from kiosk.web.shared.bay_words import state_words
from kiosk.web.shared.limits import limiter
from kiosk.web.shared.network import this_network
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import keep_private
from kiosk.web.shared.streams import open_streams
from kiosk.web.shared.text import _

bp = Blueprint("desk_now", __name__)

REST = 1.0
"""Seconds of the wall clock in which much news becomes one word to the page."""

add_room(10, Room("desk_now.now", lambda: _("Now")))


@bp.get("/")
@needs(Role.VIEWER)
def now() -> ResponseReturnValue:
    return _now()


@bp.get("/now")
@needs(Role.VIEWER, by_itself=True)
def renewed() -> ResponseReturnValue:
    """The same page, as its script fetches it."""
    return _now()


@bp.get("/now/events")
@needs(Role.VIEWER, by_itself=True)
@limiter.exempt
def events() -> Response:
    """`data: newer` whenever anything is; `event: over` when nobody is signed in here any more."""
    context = ExitStack()
    try:
        mine = f"desk {signed_in().person.id}"
        context.enter_context(open_streams.one_more(this_network(), mine, parts().settings.max_streams, owner=True))
        subscription = context.enter_context(parts().news.subscribe(EVERYTHING))
    except TooManyStreams:
        context.close()
        busy = Response("", 503, mimetype="text/plain")
        busy.headers["Retry-After"] = "15"
        return busy
    response = Response(stream_with_context(_news(subscription)), mimetype="text/event-stream")
    response.call_on_close(context.close)
    response.headers["X-Accel-Buffering"] = "no"
    return keep_private(response)


def _news(subscription: Subscription) -> Iterator[str]:
    """Says nothing of what is newer: the page asks for that, and then only what its person may see is told."""
    yield "retry: 5000\n\n"
    while not subscription.closing:
        try:
            here = still_signed_in()
        except Unavailable:  # the page goes on with what it has, and says how old that is
            here = True
        if not here:
            yield "event: over\ndata: signed out\n\n"
            return
        heard = subscription.wait(float(current_app.config["PING_SECONDS"]))
        yield "data: newer\n\n" if heard else ": still here\n\n"
        if heard:
            subscription.rest(REST)


def _now() -> ResponseReturnValue:
    book = parts().site
    return page(
        "desk/now.html",
        it=now_at(parts(), seen_codes(), signed_in().person.sites),
        most=MOST_SHOWN,
        zone_of=lambda session: book.zone(session.code),
        bay_of=lambda session: book.bay_label(session.code, session.connector_id),
        label_of=lambda at: book.bay_label(at.bay.charger.code, at.bay.connector_id),
        state_of=_state,
        status_word=status_word,
        tone=tone,
        system_name=lambda name: SYSTEMS[name]() if name in SYSTEMS else name,
        budget_name=lambda name: BUDGETS[name]() if name in BUDGETS else name,
        bad_answer=bad_answer,
    )


def _state(at: BayAtDesk) -> tuple[str, str, str]:
    """Word, tone and icon of a bay, as drivers read it."""
    return state_words(at.bay.state, offline=at.bay.offline, usable=at.bay.offer is not None)
