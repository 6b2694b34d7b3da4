"""`kiosk session`: one session's timeline in sentences, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from kiosk.config.logs import session_mark
from kiosk.config.settings import Settings, SettingsError
from kiosk.config.sites import SiteBook
from kiosk.domain.money import Money
from kiosk.domain.session import Session
from kiosk.domain.tariff import Tariff
from kiosk.service.entries import Change, Timeline
from kiosk.service.story import exactly, lines, money_text, sentence, status_word, taken_of, time_text, why
from kiosk.service.timeline import find, timeline
from kiosk.store import Cipher, Store


def existing(settings: Settings) -> Store:
    """The store that is there already: telling a story never makes or changes a database. Raises SettingsError."""
    file = settings.database_file
    if file is not None and not file.is_file():
        raise SettingsError(f"There is no database at {file}: set KIOSK_DATA_DIR as for `kiosk serve`.")
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    if not store.healthy():
        store.close()
        raise SettingsError(f"The database {settings.database} lacks its tables: `kiosk migrate`.")
    return store


def report(store: Store, book: SiteBook, wanted: str, now: datetime, *, as_json: bool) -> str:
    """The timeline of the session meant by a mark, a receipt number or a charger's code; of several, their list.

    Raises SettingsError when nothing is found.
    """
    found = find(store, wanted)
    if not found:
        raise SettingsError(f"There is no session for {wanted!r}: give a mark, a receipt number or a charger's code.")
    if len(found) > 1:
        return _dump(as_list(found, book)) if as_json else "\n".join(listing(found, book))
    (session,) = found
    told = timeline(store, session.key, now)
    if told is None:
        raise SettingsError(f"The session for {wanted!r} was removed meanwhile.")
    return _dump(as_object(told, book)) if as_json else "\n".join(lines(told, book))


def listing(sessions: Sequence[Session], book: SiteBook) -> Iterator[str]:
    """The latest sessions of a charger, one a line, newest first."""
    yield f"The last {len(sessions)} sessions of {sessions[0].code}; `kiosk session MARK` tells one of them:"
    for one in sessions:
        bay = book.bay_label(one.code, one.connector_id)
        taken = money_text(taken_of(one))
        at = time_text(one.requested_at, exactly(book.zone(one.code)))
        yield f"{session_mark(one.key)}  {at}  bay {bay}  {status_word(one)}, taken {taken}"


def as_list(sessions: Sequence[Session], book: SiteBook) -> dict[str, Any]:
    """The latest sessions of a charger as JSON has them."""
    return {"sessions": [_facts(session_mark(one.key), one, book) for one in sessions]}


def as_object(told: Timeline, book: SiteBook) -> dict[str, Any]:
    """The same as `lines`, as JSON has it. The shape stands in docs/evidence.md."""
    zone = book.zone(told.session.code)
    return {
        "session": {
            **_facts(told.mark, told.session, book),
            "ended_at": _plain(told.ended_at, zone),
            "limit": _plain(told.limit, zone),
            "receipt": told.receipt_number,
            "payment": told.intent_id,
            "readings": told.readings,
        },
        "ending": {**_object(told.ending, zone), "sentence": why(told.ending, exactly(zone))},
        "entries": [_object(entry, zone) | {"sentence": sentence(entry, exactly(zone))} for entry in told.entries],
    }


def _facts(mark: str, session: Session, book: SiteBook) -> dict[str, Any]:
    zone = book.zone(session.code)
    site = book.site_of(session.code)
    return {
        "mark": mark,
        "code": session.code,
        "connector_id": session.connector_id,
        "bay": book.bay_label(session.code, session.connector_id),
        "site": site.name if site is not None else None,
        "timezone": zone.key,
        "phase": session.phase.value,
        "status": session.status,
        "requested_at": _plain(session.requested_at, zone),
        "held": _plain(session.money(session.authorized_minor), zone),
        "cost": _plain(session.money(session.cost_minor), zone),
        "taken": _plain(taken_of(session), zone),
        "energy_kwh": _plain(session.energy_kwh, zone),
    }


def _object(value: Any, zone: ZoneInfo) -> dict[str, Any]:
    """A value of the timeline with its fields; its `type` is the name of what happened."""
    shown = {one.name: _plain(getattr(value, one.name), zone) for one in fields(value)}
    return {"type": _name(value), **shown}


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """Money as minor units with currency, energy as text, times as ISO 8601 with the site's offset."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item, zone) for item in value]
    if isinstance(value, Money | Tariff | Change):
        return {one.name: _plain(getattr(value, one.name), zone) for one in fields(value)}
    return _object(value, zone) if is_dataclass(value) else value


def _name(value: object) -> str:
    """`TakeOverLapsed` becomes `take_over_lapsed`."""
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in type(value).__name__).lstrip("_")


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
