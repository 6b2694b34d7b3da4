"""The state of one session, pushed (server-sent events) and polled (JSON with ETag): the same bytes for both.

One rendering serves every listener of the same session, language and role.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from flask import Blueprint, Response, abort, current_app, request, stream_with_context

from kiosk.domain.session import Phase
from kiosk.news.news import Subscription, TooManyStreams, session_topic
from kiosk.store.errors import Unavailable, UnreadableSession
from kiosk.web.session.in_words import to_json
from kiosk.web.session.snapshot import Snapshot, read
from kiosk.web.session.view import next_change
from kiosk.web.shared.answers_kept import keep_for
from kiosk.web.shared.errors import refusal
from kiosk.web.shared.i18n import locale
from kiosk.web.shared.limits import limit_poll, limiter
from kiosk.web.shared.network import this_network
from kiosk.web.shared.parts import parts
from kiosk.web.shared.security import keep_private, no_store
from kiosk.web.shared.streams import open_streams
from kiosk.web.shared.template_tools import exact
from kiosk.web.tablet.may_show import turn_away

bp = Blueprint("events", __name__)
bp.before_request(turn_away)


@bp.errorhandler(UnreadableSession)
def unreadable(_error: UnreadableSession) -> Response:
    return keep_private(refusal("unreadable", 503))


@dataclass(frozen=True, slots=True)
class Body:
    """One rendering: `stamp` names it, `json` is the object without its opening brace."""

    stamp: str
    json: str


class Renderings:
    """The latest renderings, so that many listeners cost one. Safe to use from many threads."""

    def __init__(self, most: int = 1024) -> None:
        self._most = most
        self._lock = Lock()
        self._bodies: OrderedDict[tuple[object, ...], Body] = OrderedDict()
        self.made = 0

    def of(self, snapshot: Snapshot, lang: str) -> Body:
        key = (snapshot.session.key, snapshot.facts, lang)
        with self._lock:
            body = self._bodies.get(key)
            if body is not None:
                self._bodies.move_to_end(key)
                return body
        body = Body(stamp_of(snapshot, lang), json.dumps(to_json(snapshot.view()), ensure_ascii=False)[1:])
        with self._lock:
            self.made += 1
            self._bodies[key] = body
            while len(self._bodies) > self._most:
                self._bodies.popitem(last=False)
        return body


def stamp_of(snapshot: Snapshot, lang: str) -> str:
    """The version and what else the reader sees: commands, role, freshness, place in line and language."""
    digest = hashlib.sha256(repr((snapshot.facts, lang)).encode()).hexdigest()[:10]
    return f"{snapshot.session.version}-{digest}"


renderings = Renderings()


AGAIN_SECONDS = 2.0
"""Until a store that could not be read is asked again, for a page that is open."""


@bp.get("/s/<key>.json")
@limit_poll
@no_store
def session_json(key: str) -> Response:
    snapshot = read(key)
    if snapshot is None:
        abort(404)
    parts().news.glance(session_topic(key))
    if snapshot.session.phase is not Phase.QUEUED:  # a place in line moves with other drivers
        keep_for(_patience(snapshot) * parts().clock.rate)
    body = renderings.of(snapshot, locale().tag)
    response = Response(_with_time(snapshot, body), mimetype="application/json")
    response.set_etag(body.stamp, weak=True)
    response.make_conditional(request)
    return response


@bp.get("/s/<key>/events")
@limiter.exempt
def session_events(key: str) -> Response:
    first = read(key)
    if first is None:
        abort(404)
    context = ExitStack()
    try:
        own = first.owner and not first.session.final
        most = parts().settings.max_streams
        context.enter_context(open_streams.one_more(this_network(), key, most, owner=own))
        subscription = context.enter_context(parts().news.subscribe(session_topic(key)))
    except TooManyStreams:
        context.close()
        busy = Response("", 503, mimetype="text/plain")
        busy.headers["Retry-After"] = "5"
        return keep_private(busy)

    def news() -> Iterator[str]:
        yield from _news(key, subscription, request.headers.get("Last-Event-ID", ""), locale().tag)

    response = Response(stream_with_context(news()), mimetype="text/event-stream")
    # Leaves the topic when the reader does, and also when the stream was never begun.
    response.call_on_close(context.close)
    response.headers["X-Accel-Buffering"] = "no"
    return keep_private(response)


def _news(key: str, subscription: Subscription, seen: str, lang: str) -> Iterator[str]:
    """Events until the server closes. The store is read again at every ping: another process may have news."""
    yield "retry: 3000\n\n"
    while not subscription.closing:
        try:
            snapshot = read(key)
        except Unavailable:  # the page keeps its last figures and says how old they are
            yield ": still here\n\n"
            subscription.wait(AGAIN_SECONDS)
            continue
        if snapshot is None:
            return
        body = renderings.of(snapshot, lang)
        if body.stamp != seen:
            seen = body.stamp
            yield f"id: {body.stamp}\ndata: {_with_time(snapshot, body)}\n\n"
        else:
            yield ": still here\n\n"
        subscription.wait(_patience(snapshot))


def _patience(snapshot: Snapshot) -> float:
    """Seconds of the wall clock until the next ping, or earlier when time alone changes what is shown."""
    ping = float(current_app.config["PING_SECONDS"])
    change = next_change(snapshot.session, snapshot.now, snapshot.every)
    if change is None:
        return ping
    return max(0.2, min(ping, change / timedelta(seconds=1) / parts().clock.rate))


def _with_time(snapshot: Snapshot, body: Body) -> str:
    """The server's time goes in front, outside of what is cached and compared."""
    return f'{{"now": "{exact(snapshot.now)}", {body.json}'
