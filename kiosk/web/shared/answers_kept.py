"""Answers that are still true, kept in front of everything else: a charger's page, and "not modified" for a page that
polls.

An answer is kept only when its view allows it with `keep_for`, under everything of the request that it depends on,
and is dropped as soon as news of its topic is published. Nothing here decides what is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request

from kiosk.clock import Clock
from kiosk.news.kept import Kept, Moment
from kiosk.news.news import News, charger_topic, session_topic

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEEP = "kiosk.keep_for"
MOST = 4096
_OF_ONE_ANSWER = frozenset({"x-request-id", "date"})
_OF_A_BODY = frozenset({"content-type", "content-length", "content-encoding"})

Headers = list[tuple[str, str]]
Key = tuple[str, str, str, str, str]


def keep_for(seconds: float) -> None:
    """Called by a view: this answer stays true for so long, unless there is news. In seconds of the kiosk's clock."""
    request.environ[KEEP] = seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. With an `etag` only "not modified" is kept, for the browser that names that tag; else the page."""

    status: str
    headers: Headers
    body: bytes
    etag: str | None


class Front:
    """WSGI middleware, outermost. Safe to use from many threads."""

    def __init__(
        self, app: WSGIApplication, news: News, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._news = news
        self._answers: Kept[Key, Answer] = Kept(news, clock, most=MOST, monotonic=monotonic)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        topic = _topic(environ)
        if topic is None:
            return self._app(environ, start_response)
        key, before = _key(environ), self._answers.moment((topic,))
        kept = self._answers.get(key, before)
        if kept is not None:
            if kept.etag is None:
                start_response(kept.status, list(kept.headers))
                return [kept.body]
            if environ.get("HTTP_IF_NONE_MATCH") == kept.etag:
                self._news.glance(topic)
                start_response(kept.status, list(kept.headers))
                return []
        return self._fresh(environ, start_response, key, before)

    def _fresh(
        self, environ: WSGIEnvironment, start_response: StartResponse, key: Key, before: Moment
    ) -> Iterable[bytes]:
        head: list[tuple[str, Headers]] = []

        def begin(status: str, headers: Headers, exc_info: Any = None, /) -> Any:
            head[:] = [(status, headers)]
            return start_response(status, headers, exc_info)

        environ.pop(KEEP, None)
        answer = self._app(environ, begin)
        seconds = environ.get(KEEP)
        if seconds is None or not head or seconds <= 0:
            return answer
        try:
            body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        again = _to_give_again(*head[0], body)
        if again is not None:
            self._answers.put(key, again, before, seconds)
        return [body]


def _topic(environ: WSGIEnvironment) -> str | None:
    """The topic of a charger's page or of a session's polled state; None for everything else."""
    if environ["REQUEST_METHOD"] != "GET":
        return None
    path: str = environ["PATH_INFO"]
    if path.startswith("/c/"):
        return charger_topic(path[3:])
    if path.startswith("/s/") and path.endswith(".json"):
        return session_topic(path[3:-5])
    return None


def _key(environ: WSGIEnvironment) -> Key:
    """Everything of a request that its answer may depend on."""
    return (
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_COOKIE", ""),
        environ.get("HTTP_ACCEPT_LANGUAGE", ""),
        environ.get("HTTP_ACCEPT_ENCODING", ""),
    )


def _to_give_again(status: str, headers: Headers, body: bytes) -> Answer | None:
    """The answer as it is given out again; None for one that is made anew each time."""
    names = {name.lower(): value for name, value in headers}
    if "set-cookie" in names:
        return None
    etag = names.get("etag")
    left_out = _OF_ONE_ANSWER | _OF_A_BODY if etag else _OF_ONE_ANSWER
    rest = [(name, value) for name, value in headers if name.lower() not in left_out]
    if etag and status[:3] in {"200", "304"}:
        return Answer("304 NOT MODIFIED", rest, b"", etag)
    if not etag and status.startswith("200"):
        return Answer(status, rest, body, None)
    return None
