"""Sessions found by what is known of them, page by page, the newest first: never by looking at all of them.

Each search is led by one index: a card's last figures, an amount (taken or held), a bay, a status, or the time alone.
A page goes on from the last row of the one before, so that the thousandth is as quick as the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_, type_coerce, union_all

from kiosk.domain.session import Session
from kiosk.domain.status import Status
from kiosk.store.aside import each
from kiosk.store.rows import SELECT_SESSION, Part, session_from
from kiosk.store.tables import commands, receipts, sessions
from kiosk.store.types import utc

MOST_NUMBER = 2**63
MOST_LED = 200
"""So many values of one column are looked up one by one; of more, the time leads."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the next one has what is older. Raises ValueError or OverflowError for what can be no row."""

    at: datetime
    id: int

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None or not 0 <= self.id < MOST_NUMBER:
            raise ValueError("no row of any table")
        self.at.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """All of it has to be true. None: anything. `codes` is where somebody may look, `bays` where they want to."""

    codes: tuple[str, ...] | None = None
    bays: tuple[tuple[str, int | None], ...] | None = None
    statuses: tuple[str, ...] | None = None
    phases: tuple[str, ...] | None = None
    open: bool = False
    mark: str | None = None
    receipt: str | None = None
    email: str | None = field(default=None, repr=False)
    last4: str | None = None
    amount_minor: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session and its number, which names it at the desk and opens nothing."""

    number: int
    session: Session
    ended_at: datetime | None

    @property
    def place(self) -> Place:
        return Place(self.session.requested_at, self.number)


class Finding(Part):
    def number_of(self, key: str) -> int | None:
        with self._database.read() as connection:
            return connection.execute(select(sessions.c.id).where(sessions.c.key == key)).scalar_one_or_none()

    def by_number(self, number: int) -> FoundSession | None:
        """None also for one that this version cannot read, and for a number that no row can have."""
        if number >= MOST_NUMBER:
            return None
        found = self._read(_ROWS.where(sessions.c.id == number))
        return found[0] if found else None

    def page(self, wanted: Wanted, now: datetime, after: Place | None = None, most: int = 50) -> list[FoundSession]:
        """The newest `most` that are older than `after`."""
        return self._read(self.query(wanted, now, after, most))

    def query(self, wanted: Wanted, now: datetime, after: Place | None, most: int) -> Select[Any]:
        """The statement of `page`, for whoever asks a database how it would go about it."""
        until = wanted.until if wanted.until is not None else now + timedelta(days=1)
        conditions = self._conditions(wanted)
        older: list[ColumnElement[bool]] = [sessions.c.requested_at < utc(until)]
        if after is not None:
            at = type_coerce(utc(after.at), sessions.c.requested_at.type)
            older.append(tuple_(sessions.c.requested_at, sessions.c.id) < tuple_(at, after.id))
        if wanted.since is not None:
            older.append(sessions.c.requested_at >= utc(wanted.since))
        leading, rest = _led(wanted)
        branches = [
            select(sessions.c.id)
            .where(lead, *conditions, *rest, *older)
            .order_by(sessions.c.requested_at.desc(), sessions.c.id.desc())
            .limit(most)
            .subquery()
            for lead in leading
        ]
        if not branches:
            plain = _ROWS.where(*conditions, *rest, *older)
            return plain.order_by(sessions.c.requested_at.desc(), sessions.c.id.desc()).limit(most)
        ids = union_all(*(select(one.c.id) for one in branches)).subquery()
        these = _ROWS.where(sessions.c.id.in_(select(ids.c.id)))
        return these.order_by(sessions.c.requested_at.desc(), sessions.c.id.desc()).limit(most)

    def _conditions(self, wanted: Wanted) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if wanted.mark is not None:
            found.append(sessions.c.mark == wanted.mark)
        if wanted.receipt is not None:
            number = select(receipts.c.session_key).where(receipts.c.number == wanted.receipt)
            found.append(sessions.c.key.in_(number))
        if wanted.email is not None:
            marks = self._cipher.marks(wanted.email)
            mailed = select(commands.c.session_key).where(commands.c.email_mark.in_(marks))
            found.append(sessions.c.key.in_(mailed))
        return found

    def _read(self, query: Select[Any]) -> list[FoundSession]:
        with self._database.read() as connection:
            return each(
                connection,
                query,
                sessions.c.key,
                lambda row: FoundSession(row["id"], session_from(row), row["ended_at"]),
                self.aside,
            )


_ROWS = SELECT_SESSION.add_columns(sessions.c.id, sessions.c.ended_at)


def _led(wanted: Wanted) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """The searches that one index each can answer, and what narrows all of them further."""
    statuses = [sessions.c.status == status for status in wanted.statuses or ()]
    amount = [sessions.c.captured_minor == wanted.amount_minor, sessions.c.authorized_minor == wanted.amount_minor]
    bays = [_at(code, connector, sessions.c.code) for code, connector in wanted.bays or ()]
    codes = [sessions.c.code == code for code in wanted.codes or ()]
    many = wanted.statuses is not None and Status.CAPTURED in wanted.statuses
    # What few sessions are leads, so that it is not looked for among many.
    wishes: list[tuple[bool, list[ColumnElement[bool]]]] = [
        (wanted.last4 is not None, [sessions.c.card_last4 == wanted.last4]),
        (wanted.open, [sessions.c.watch.is_(True)]),
        (wanted.phases is not None, [sessions.c.phase == phase for phase in wanted.phases or ()]),
        (wanted.statuses is not None and not many, statuses),
        (wanted.amount_minor is not None, amount),
        (wanted.bays is not None, bays),
        (many, statuses),
        (wanted.codes is not None, codes),
    ]
    ways = [way for is_wanted, way in wishes if is_wanted]
    known = wanted.mark is not None or wanted.receipt is not None or wanted.email is not None
    # Beside another lead no index of chargers is wanted, which a database may take for the better one.
    somewhere = func.coalesce(sessions.c.code, "")
    beside = {
        id(bays): [_at(code, connector, somewhere) for code, connector in wanted.bays or ()],
        id(codes): [somewhere == code for code in wanted.codes or ()],
    }
    rest = [_any(beside.get(id(way), way)) for way in ways]
    leading = [] if known else next((way for way in ways if 0 < len(way) <= MOST_LED), [])
    return leading, [one for one, way in zip(rest, ways, strict=True) if way is not leading]


def _at(code: str, connector: int | None, of_row: ColumnElement[str]) -> ColumnElement[bool]:
    there = of_row == code
    return there if connector is None else and_(there, sessions.c.connector_id == connector)


def _any(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """None of them: nothing is found."""
    return or_(*conditions) if conditions else sessions.c.id.is_(None)
