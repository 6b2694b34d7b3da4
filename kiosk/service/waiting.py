"""Waiting a moment for the engine: until a session moves on or a charger's card is read. And the line of starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import TypeVar

from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import Kind
from kiosk.domain.line import RESERVED, STARTS_PER_MINUTE, WINDOW, LinePlace, fair_line, place_in_line
from kiosk.domain.session import Session
from kiosk.domain.unpaid import COUNTS, debts
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
    """Where the start of that session stands in the fair line; None when it is not waiting any more."""
    store = parts.store
    closed = store.full_chargers(now)
    waiting = store.waiting_starts()
    own = next((one for one in waiting if one.key == key), None)
    if own is None:
        return None
    ahead = [one for one in waiting if one.code not in closed or one.code == own.code]
    turns = fair_line(ahead, debts(store.origins(now - COUNTS), now) if len(ahead) > 1 else {})
    place, turn = next((number, one) for number, one in enumerate(turns, 1) if one.waiting.key == key)
    recent = [at for endpoint, at in store.calls_since(now - WINDOW) if endpoint == Kind.START]
    opens = max(filter(None, (store.closures(now).get(Kind.START), own.not_before)))
    per_minute = STARTS_PER_MINUTE if turn.first else STARTS_PER_MINUTE - RESERVED
    found = place_in_line(place, recent, now, per_minute, opens)
    return replace(found, closed=own.code in closed, unreachable=own.unreachable)


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
