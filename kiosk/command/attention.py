"""`kiosk attention`: what needs a person, and what people do about it, without the desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from kiosk.config.settings import SettingsError
from kiosk.config.sites import SiteBook
from kiosk.domain.attention import Attention, Level
from kiosk.domain.handling import CannotHandle, Did
from kiosk.service.queue import Case, act, case_of, page_of
from kiosk.service.queue_words import CANNOT, DID, ago
from kiosk.store.handlings import State, Wanted
from kiosk.store.store import Store

MOST = 200
_SPAN = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def listing(
    store: Store, book: SiteBook, now: datetime, state: str, kind: str | None, site: str | None
) -> Iterator[str]:
    """The rows of one state, the loudest and oldest first. Raises SettingsError."""
    codes = None
    if site is not None:
        codes = [one.code for one in book.chosen_site(site).chargers]
    wanted = Wanted(State(state), None if kind is None else {Attention(kind)}, codes)
    found = page_of(store, book, wanted, now, most=MOST)
    counts = store.how_many_wait(Wanted(kinds=wanted.kinds, codes=codes), now)
    yield f"{counts[State.WAITS]} wait for a person, {counts[State.ASIDE]} are set aside, {counts[State.DONE]} seen to."
    for case in found.cases:
        yield from _lines(case)
    if found.after is not None:
        yield f"These are the first {MOST}."


def handle(
    store: Store,
    book: SiteBook,
    now: datetime,
    who: str,
    number: int,
    did: Did,
    note: str | None,
    until: str | None,
) -> list[str]:
    """Do it, and show the row as it stands then. Raises SettingsError with the reason when it cannot be done."""
    case = case_of(store, book, number, now)
    if case is None:
        raise SettingsError(f"There is no number {number}: `kiosk attention` lists them.")
    try:
        moment = _until(until, now, book, case) if until is not None else None
        act(store, number, did, who, now, note=note, until=moment)
    except CannotHandle as error:
        raise SettingsError(f"Nothing was done: {CANNOT[error.reason]}.") from None
    after = case_of(store, book, number, now)
    return list(_lines(after)) if after is not None else []


def _until(text: str, now: datetime, book: SiteBook, case: Case) -> datetime:
    """`8h`, `3d`, or a time such as 2026-12-01T08:00 on the clock of the site. Raises SettingsError."""
    span = _SPAN.fullmatch(text)
    if span is not None:
        return now + timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no time: write 8h, 3d or 2026-12-01T08:00.") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=book.zone(case.row.matter.code))


def _lines(case: Case) -> Iterator[str]:
    matter, handling = case.row.matter, case.row.handling
    stake = f"  {case.amount.major} {case.amount.currency}" if case.amount is not None else ""
    loud = "" if case.row.level is Level.NOTED else f"  {case.row.level.value.upper()}"
    where = f"bay {case.bay}, charger {matter.code}" if case.bay is not None else f"charger {matter.code}"
    yield f"{case.id:5}  {case.title}{loud}  {ago(case.age)}{stake}  {handling.owner or 'nobody'}"
    session = f" See `kiosk session {case.mark}`." if case.mark is not None else ""
    yield f"       {where}: {case.what}. What to do: {case.do}.{session}"
    if handling.aside_until is not None and not case.waits:
        yield f"       set aside until {handling.aside_until:%Y-%m-%d %H:%M} UTC"
    if handling.done_at is not None:
        yield f"       seen to at {handling.done_at:%Y-%m-%d %H:%M} UTC"
    for one in case.history:
        yield f"       {one.at:%Y-%m-%d %H:%M} UTC  {one.who} {DID[one.did]}{f': {one.note}' if one.note else ''}"
