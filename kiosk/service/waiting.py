"""Waiting a moment for the engine: until a session moves on or a charger's card is read. And the line of starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import TypeVar

from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import Kind
from kiosk.domain.line import WINDOW, LinePlace, place_in_line
from kiosk.domain.session import Session
from kiosk.news.news import TooManyStreams, charger_topic, session_topic
from kiosk.service.parts import Parts

T = TypeVar("T")

_LOOK_EVERY = 1.0
"""Seconds between two reads of the store without news: another process may have written."""


def wait_for_session(parts: Parts, key: str, good: Callable[[Session], bool], seconds: float) -> Session | None:
    """The session as soon as it is `good`, or as it stands after `seconds` of the wall clock. None: there is none."""
    read = parts.store.session
    return _wait(parts, session_topic(key), lambda: read(key), lambda one: one is None or good(one), seconds)


def wait_for_card(
    parts: Parts, code: str, good: Callable[[ChargerCard | None], bool], seconds: float
) -> ChargerCard | None:
    """The charger's card as soon as it is `good`, or as it stands after `seconds` of the wall clock."""
    return _wait(parts, charger_topic(code), lambda: parts.store.card(code), good, seconds)


def line_place(parts: Parts, key: str, now: datetime) -> LinePlace | None:
    """Where the start of that session stands in the line; None when it is not waiting any more."""
    waiting = parts.store.queue()
    if key not in waiting:
        return None
    recent = [at for endpoint, at in parts.store.calls_since(now - WINDOW) if endpoint == Kind.START]
    return place_in_line(waiting.index(key) + 1, recent, now)


def _wait(parts: Parts, topic: str, read: Callable[[], T], good: Callable[[T], bool], seconds: float) -> T:
    """What `read` returns, as soon as it is `good`. Without a free subscription it is read once."""
    try:
        with parts.news.subscribe(topic) as news:
            end = monotonic() + seconds * parts.patience
            found = read()
            while not good(found) and (left := end - monotonic()) > 0 and not news.closing:
                news.wait(min(left, _LOOK_EVERY))
                found = read()
            return found
    except TooManyStreams:
        return read()
