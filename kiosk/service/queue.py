"""Things that need a person: the list as desk and command line show it, and what people may do about a row.

Everything that somebody does is in the desk's log before it happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kiosk.config.logs import session_mark
from kiosk.config.sites import SiteBook
from kiosk.domain.attention import OF_CHARGER, Level
from kiosk.domain.handling import LONGEST_NAME, LONGEST_NOTE, MAY_BE_DONE, CannotHandle, Did
from kiosk.domain.money import Money
from kiosk.news.news import session_topic
from kiosk.service.parts import Parts
from kiosk.service.queue_words import ABOUT_IT, DO, TITLES, WHAT
from kiosk.store.exceptions import Listed
from kiosk.store.handlings import Handled, Place, State, Wanted, place_of
from kiosk.store.store import Store

PAGE = 25


@dataclass(frozen=True, slots=True)
class Case:
    """One row for a reader. `mark` and `bay` are those of its session, None of a charger's or an unreadable one.

    `history`: what people did, oldest first; `last` the number of what *undo* would take back.
    """

    row: Listed
    title: str
    what: str
    do: str
    about: str
    amount: Money | None
    age: timedelta
    site: str | None
    bay: str | None
    mark: str | None
    waits: bool
    history: tuple[Handled, ...]

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def may_be_done(self) -> bool:
        return self.row.matter.kind in MAY_BE_DONE

    @property
    def last(self) -> int | None:
        done = [one.id for one in self.history if one.did is not Did.NOTED]
        return done[-1] if done else None

    @property
    def notes(self) -> int:
        return sum(one.did is Did.NOTED for one in self.history)

    @property
    def alarm(self) -> bool:
        return self.row.level is Level.ALARM


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is the place where the next page goes on, as text for an address; None: this is the last one."""

    cases: Sequence[Case]
    after: str | None


def page_of(
    store: Store, book: SiteBook, wanted: Wanted, now: datetime, after: str | None = None, most: int = PAGE
) -> Page:
    """The rows that are wanted, the loudest and oldest first. A place that is none begins at the beginning."""
    rows = store.waiting_for_people(wanted, now, most + 1, _place(after, wanted.state))
    shown = rows[:most]
    more = _text(place_of(shown[-1])) if len(rows) > most else None
    return Page(cases_of(store, book, shown, now), more)


def is_place(text: str, state: State) -> bool:
    """That text is where a page of that state ended."""
    return _place(text, state) is not None


def case_of(store: Store, book: SiteBook, number: int, now: datetime) -> Case | None:
    """One row, open or closed; None: there is none of that number."""
    try:
        (case,) = cases_of(store, book, [store.exception(number)], now)
    except CannotHandle:
        return None
    return case


def cases_of(store: Store, book: SiteBook, rows: Sequence[Listed], now: datetime) -> list[Case]:
    sessions = {one.key: one for one in store.readable([one.matter.subject for one in rows])}
    histories = store.handlings_of([one.id for one in rows])
    found = []
    for row in rows:
        matter, session = row.matter, sessions.get(row.matter.subject)
        site = book.site_of(matter.code)
        known = bool(matter.amount_minor) and matter.currency is not None
        found.append(
            Case(
                row=row,
                title=TITLES[matter.kind],
                what=WHAT[matter.kind],
                do=DO[matter.act],
                about=ABOUT_IT[matter.kind],
                amount=Money(matter.amount_minor or 0, matter.currency or "") if known else None,
                age=max(timedelta(0), now - matter.since),
                site=str(site.name) if site is not None else None,
                bay=book.bay_label(matter.code, session.connector_id) if session is not None else None,
                mark=None if matter.kind in OF_CHARGER else session_mark(matter.subject),
                waits=row.closed_at is None and row.handling.waits(now),
                history=tuple(histories[row.id]),
            )
        )
    return found


def act(
    store: Store,
    number: int,
    did: Did,
    who: str,
    now: datetime,
    *,
    note: str | None = None,
    until: datetime | None = None,
    seen: int | None = None,
) -> Listed:
    """Do one thing about a row, and write it into the log first. `seen`: the last that whoever takes it back has seen.

    Raises CannotHandle: what the store raises, or `no_note`, `no_time` and `too_much`.
    """
    text = (note or "").strip()
    if did is Did.NOTED and not text:
        raise CannotHandle("no_note")
    if did is Did.SET_ASIDE and until is None:
        raise CannotHandle("no_time")
    if len(text) > LONGEST_NOTE or len(who) > LONGEST_NAME:
        raise CannotHandle("too_much")
    row = store.exception(number)
    subject = row.matter.code if row.matter.of_charger else session_mark(row.matter.subject)
    store.desk.log(who, f"queue_{did.value}", now, subject=subject)
    if did is Did.UNDONE:
        return store.undo(number, who, now, seen)
    return store.handle(number, did, who, now, note=text or None, until=until)


def read_again(parts: Parts, row: Listed, who: str) -> None:
    """Have the session of a row read once more: nothing is sent that changes anything. Of a charger there is none."""
    if row.matter.of_charger:
        return
    key, now = row.matter.subject, parts.clock.now()
    parts.store.desk.log(who, "queue_read", now, subject=session_mark(key))
    parts.store.hint(key, now)
    parts.news.wish(session_topic(key))


def _text(place: Place) -> str:
    return f"{place[0]}~{place[1].timestamp():.6f}~{place[2]}"


def _place(text: str | None, state: State) -> Place | None:
    """The place that stands in an address; None for anything that is none of a row in that state."""
    parts = (text or "").split("~")
    if len(parts) != 3:
        return None
    first, at, number = parts
    try:
        if state is not State.CLOSED:
            first = Level(first).value
        elif datetime.fromisoformat(first).tzinfo is None:
            return None
        place = (first, datetime.fromtimestamp(float(at), UTC), int(number))
    except (ValueError, OverflowError, OSError):
        return None
    return place if 0 <= place[2] < 2**31 else None
