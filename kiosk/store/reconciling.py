"""What a reconciliation reads, and which of its lines a person has set aside. What a person did is only ever added."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import RowMapping, bindparam, func, insert, or_, select

from kiosk.domain.session import Session
from kiosk.store.aside import each
from kiosk.store.rows import SELECT_SESSION, Part, session_from
from kiosk.store.tables import line_owners, lines_aside, own_chargers, sessions, settled, site_days, site_transactions
from kiosk.store.types import utc

AT_ONCE = 500
_OVER = (
    SELECT_SESSION.add_columns(sessions.c.id, sessions.c.intent_id)
    .where(
        sessions.c.id > bindparam("after"),
        sessions.c.requested_at < bindparam("until", type_=sessions.c.requested_at.type),
        or_(sessions.c.ended_at.is_(None), sessions.c.ended_at >= bindparam("since", type_=sessions.c.ended_at.type)),
    )
    .order_by(sessions.c.id)
    .limit(AT_ONCE)
)


@dataclass(frozen=True, slots=True)
class LineAside:
    """What a person last said of a line: that it is set aside (or, when `undone`, that it is not any more)."""

    line: str
    undone: bool
    who: str
    note: str
    at: datetime


class Reconciling(Part):
    def sessions_over(self, since: datetime, until: datetime) -> Iterator[tuple[Session, str | None]]:
        """Sessions asked for before `until` that go on or ended after `since`, with their payment's id; oldest first.

        One that cannot be read is put aside and left out. No transaction is held from one part to the next.
        """
        after = 0
        while True:
            span = {"after": after, "since": utc(since), "until": utc(until)}
            with self._database.read() as connection:
                ids = connection.execute(_OVER.with_only_columns(sessions.c.id), span).scalars().all()
                rows = each(connection, _OVER, sessions.c.key, _with_intent, self.aside, **span)
            yield from rows
            if len(ids) < AT_ONCE:
                return
            after = ids[-1]

    def sessions_stand(self, codes: Collection[str], until: datetime) -> Hashable:
        """Another value as soon as a session changes that was asked for at these chargers up to the end of that day
        (UTC)."""
        c, last = settled.c, utc(until).date()
        changes = select(func.sum(c.changes)).where(c.code.in_(codes), c.day <= last)
        going_on = select(sessions.c.id, sessions.c.version, sessions.c.code, sessions.c.requested_at)
        with self._database.read() as connection:
            count = connection.execute(changes).scalar_one()
            rows = connection.execute(going_on.where(sessions.c.ended_at.is_(None))).all()
        open_ones = {(row.id, row.version) for row in rows if row.code in codes and row.requested_at.date() <= last}
        return int(count or 0), frozenset(open_ones)

    def transactions_stand(self, site_id: str, first: date, last: date) -> Hashable:
        """Another value as soon as any transaction is told or told anew, the reading of one of these days goes on, or
        a line is set aside. It is found out without looking at the transactions.
        """
        t, d = site_transactions.c, site_days.c
        days = select(site_days).where(d.site_id == site_id, d.day >= first, d.day <= last).order_by(d.day)
        newest = [select(func.max(one)) for one in (t.id, t.seen_at, lines_aside.c.id)]
        own = select(own_chargers.c.uuid, own_chargers.c.code)
        with self._database.read() as connection:
            return (
                *(connection.execute(one).scalar_one() for one in newest),
                *(tuple(row) for row in connection.execute(days)),
                frozenset(tuple(row) for row in connection.execute(own)),
            )

    def set_line_aside(self, line: str, who: str, note: str, now: datetime, *, undone: bool = False) -> None:
        """Add what a person said of this line; what was said before stays."""
        with self._database.write() as connection:
            row = {"line": line, "undone": undone, "who": who, "note": note, "at": utc(now)}
            connection.execute(insert(lines_aside).values(row))

    def lines_aside(self) -> dict[str, LineAside]:
        """The lines that are set aside now, by their id."""
        newest = select(func.max(lines_aside.c.id)).group_by(lines_aside.c.line)
        query = select(lines_aside).where(lines_aside.c.id.in_(newest), lines_aside.c.undone.is_(False))
        with self._database.read() as connection:
            return {
                row.line: LineAside(row.line, row.undone, row.who, row.note, row.at)
                for row in connection.execute(query)
            }

    def said_of_line(self, line: str) -> list[LineAside]:
        """Everything that was said of it, oldest first."""
        query = select(lines_aside).where(lines_aside.c.line == line).order_by(lines_aside.c.id)
        with self._database.read() as connection:
            return [LineAside(row.line, row.undone, row.who, row.note, row.at) for row in connection.execute(query)]

    def own_line(self, line: str, owner: str | None, now: datetime) -> None:
        """Who looks at it from now on; None: nobody."""
        with self._database.write() as connection:
            connection.execute(insert(line_owners).values(line=line, owner=owner, at=utc(now)))

    def line_owners(self) -> dict[str, str]:
        """Who looks at which line, by the id of the line."""
        newest = select(func.max(line_owners.c.id)).group_by(line_owners.c.line)
        query = select(line_owners).where(line_owners.c.id.in_(newest), line_owners.c.owner.is_not(None))
        with self._database.read() as connection:
            return {row.line: row.owner for row in connection.execute(query)}


def _with_intent(row: RowMapping) -> tuple[Session, str | None]:
    return session_from(row), row["intent_id"]
