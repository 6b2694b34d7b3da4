"""Answers that are still true, kept in front of everything else: a charger's page, and "not modified" for a page that
polls.

An answer is kept only when its view allows it with `keep_for`, under everything of the request that it depends on,
and is dropped as soon as news of its topic is published. Nothing here decides what is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from flask import request

from kiosk.clock import Clock
from kiosk.news.live import charger_topic, session_topic
from kiosk.news.news import News

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
class Kept:
    """One answer. With an `etag` only "not modified" is kept, for whoever names that tag; else the whole page.

    It ends when the kiosk's clock leaves `made` to `until`, in either direction, and at the latest at `ends` of a
    counter that nobody can set.
    """

    version: int
    made: datetime
    until: datetime
    ends: float
    status: str
    headers: Headers
    body: bytes
    etag: str | None


class Front:
    """WSGI middleware, outermost. Safe to use from many threads."""

    def __init__(
        self, app: WSGIApplication, live: News, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._live = live
        self._clock = clock
        self._monotonic = monotonic
        self._lock = Lock()
        self._kept: dict[Key, Kept] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        topic = _topic(environ)
        if topic is None:
            return self._app(environ, start_response)
        key = _key(environ)
        # The version is read before the answer is made: news that comes meanwhile makes it out of date at once.
        version = self._live.version(topic)
        kept = self._kept.get(key)
        if kept is not None and kept.version == version and self._lasts(kept):
            if kept.etag is None:
                start_response(kept.status, list(kept.headers))
                return [kept.body]
            if environ.get("HTTP_IF_NONE_MATCH") == kept.etag:
                self._live.glance(topic)
                start_response(kept.status, list(kept.headers))
                return []
        return self._fresh(environ, start_response, key, version)

    def _lasts(self, kept: Kept) -> bool:
        return kept.made <= self._clock.now() < kept.until and self._monotonic() < kept.ends

    def _fresh(
        self, environ: WSGIEnvironment, start_response: StartResponse, key: Key, version: int
    ) -> Iterable[bytes]:
        head: list[tuple[str, Headers]] = []

        def begin(status: str, headers: Headers, exc_info: Any = None, /) -> Any:
            head[:] = [(status, headers)]
            return start_response(status, headers, exc_info)

        environ.pop(KEEP, None)
        made, began = self._clock.now(), self._monotonic()
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
        form = _worth_keeping(*head[0], body)
        if form is not None:
            until, ends = made + timedelta(seconds=seconds), began + seconds / self._clock.rate
            kept = Kept(version, made, until, ends, *form)
            with self._lock:
                if len(self._kept) >= MOST:
                    for old in list(self._kept)[: MOST // 2]:
                        del self._kept[old]
                self._kept[key] = kept
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


def _worth_keeping(status: str, headers: Headers, body: bytes) -> tuple[str, Headers, bytes, str | None] | None:
    """Status, headers, body and tag as they are given out again; None for an answer that is made anew each time."""
    names = {name.lower(): value for name, value in headers}
    if "set-cookie" in names:
        return None
    etag = names.get("etag")
    left_out = _OF_ONE_ANSWER | _OF_A_BODY if etag else _OF_ONE_ANSWER
    rest = [(name, value) for name, value in headers if name.lower() not in left_out]
    if etag and status[:3] in {"200", "304"}:
        return "304 NOT MODIFIED", rest, b"", etag
    if not etag and status.startswith("200"):
        return status, rest, body, None
    return None
