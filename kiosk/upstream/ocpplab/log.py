"""A charger's log at OCPPLAB, the only place where its status can be read: entries, pages, and the last status.

Open: the order of a log, its words for directions, and the form of a message, which is a text that may be null, may be
no JSON, or may be an OCPP array or an object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kiosk.upstream.http import decode
from kiosk.upstream.ocpplab.reading import MOST_LISTED, listed_in
from kiosk.upstream.values import as_count, as_moment, as_object, as_word

_LONGEST_MESSAGE = 65_536
_CALL = 2
_STATUS_NOTIFICATION = "statusnotification"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """`payload` is that of an OCPP call, or None for anything else; it may contain the number of a driver's card."""

    direction: str | None
    action: str | None
    payload: Mapping[str, object] | None = field(repr=False)
    at: datetime | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """`next_offset` is None when this was the last."""

    entries: tuple[LogEntry, ...]
    total: int | None
    next_offset: int | None

    @property
    def newest_at(self) -> datetime | None:
        return max((entry.at for entry in self.entries if entry.at is not None), default=None)


@dataclass(frozen=True, slots=True)
class LastStatus:
    """The raw OCPP word, and when it was logged (None: not said)."""

    word: str
    at: datetime | None


def read_logs(body: object, offset: int, limit: int) -> LogPage:
    """In the given order. Raises NoAnswer when there is no list in it."""
    listed, fields = listed_in(body, "logs")
    total = as_count(fields.get("total"), 10**9)
    end = offset + len(listed)
    more = len(listed) >= limit if total is None else end < total
    entries = tuple(_entry(fields) for fields in map(as_object, listed[:MOST_LISTED]) if fields is not None)
    return LogPage(entries, total, end if listed and more else None)


def last_status(entries: Iterable[LogEntry], connector_id: int, evse_id: int | None = None) -> LastStatus | None:
    """The newest StatusNotification of a connector, in whatever order the entries are.

    None ("unknown") when there is none, when those that could be the newest contradict each other, or when connectors
    of several EVSEs have that number and `evse_id` does not choose.
    """
    told: list[tuple[str, datetime | None]] = []
    evses: set[int | None] = set()
    for entry in entries:
        if _plain(entry.action or "") != _STATUS_NOTIFICATION or entry.payload is None:
            continue
        payload = {_plain(name): value for name, value in entry.payload.items()}
        evse = as_count(payload.get("evseid"), 10_000)
        word = as_word(payload.get("status")) or as_word(payload.get("connectorstatus"))
        if word is None or as_count(payload.get("connectorid"), 10_000) != connector_id:
            continue
        if evse_id is not None and evse not in {None, evse_id}:
            continue
        evses.add(evse)
        told.append((word, entry.at or as_moment(payload.get("timestamp"))))
    if not told or len(evses) > 1:
        return None
    newest = max((at for _, at in told if at is not None), default=None)
    words = {word for word, at in told if at in {None, newest}}
    return LastStatus(words.pop(), newest) if len(words) == 1 else None


def _entry(fields: Mapping[str, object]) -> LogEntry:
    action, payload = _call(fields.get("message"))
    return LogEntry(
        direction=as_word(fields.get("direction")),
        action=as_word(fields.get("action")) or action,
        payload=payload,
        at=as_moment(fields.get("timestamp")),
    )


def _call(message: object) -> tuple[str | None, Mapping[str, object] | None]:
    """Action and payload of `[2, id, action, payload]`, or of an object that is the payload or has one."""
    for _ in range(2):  # JSON within a JSON text
        if isinstance(message, str):
            message = decode(message.encode(errors="replace")) if len(message) <= _LONGEST_MESSAGE else None
    if isinstance(message, list):
        if len(message) < 4 or as_count(message[0], 9) != _CALL:
            return None, None
        return as_word(message[2]), as_object(message[3])
    fields = as_object(message)
    if fields is None:
        return None, None
    return as_word(fields.get("action")), as_object(fields.get("payload")) or fields


def _plain(name: str) -> str:
    """`connector_id` and `connectorId` are the same."""
    return name.replace("_", "").replace("-", "").lower()
