"""What plots are made of: a few columns of the sessions of some days, found by their time alone, and the sums of days
that are over, which are true for as long as none of their sessions changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, String, delete, func, insert, or_, select, true, type_coerce

from kiosk.domain.plots import DaySums, Row
from kiosk.store.rows import Part
from kiosk.store.tables import plot_days, sessions, settled
from kiosk.store.types import utc

_C = sessions.c
_COLUMNS = (
    _C.code,
    _C.connector_id,
    type_coerce(_C.phase, String),  # also one that this version does not know
    _C.status,
    _C.requested_at,
    _C.authorized_at,
    _C.charging_started_at,
    _C.completed_at,
    _C.ended_at,
    _C.energy_kwh,
    _C.captured_minor,
    _C.tariff_currency,
)


class Plotting(Part):
    def plotted(
        self, since: datetime, until: datetime, codes: Sequence[str] | None, over_since: datetime | None = None
    ) -> list[Row]:
        """Sessions asked for in that time at those chargers; None: at all. `over_since`: without those that were over
        before then."""
        within = [_C.requested_at >= utc(since), _C.requested_at < utc(until), _at(_C.code, codes)]
        if over_since is not None:
            ends = (_C.completed_at >= utc(over_since), _C.ended_at.is_(None), _C.ended_at >= utc(over_since))
            within.append(or_(_C.requested_at >= utc(over_since), *ends))
        with self._database.read() as connection:
            return [Row(*row) for row in connection.execute(select(*_COLUMNS).where(*within))]

    def first_plotted_at(self, codes: Sequence[str] | None) -> datetime | None:
        """When the oldest session that is kept was asked for."""
        query = select(func.min(_C.requested_at))
        queries = (
            [query] if codes is None else [query.where(_C.code == code) for code in codes]
        )  # a look at an index each
        with self._database.read() as connection:
            firsts = [connection.execute(one).scalar_one() for one in queries]
        return min((first for first in firsts if first is not None), default=None)

    def settled_changes(self, since: date, until: date, codes: Sequence[str] | None) -> Counter[date]:
        """How often sessions that have ended were changed, by the day (UTC) on which they were asked for. Both days are
        included."""
        c = settled.c
        query = select(c.day, func.sum(c.changes)).where(c.day >= since, c.day <= until, _at(c.code, codes))
        with self._database.read() as connection:
            return Counter({day: int(count) for day, count in connection.execute(query.group_by(c.day))})

    def unsettled(self, since: datetime, until: datetime, codes: Sequence[str] | None) -> list[datetime]:
        """When those were asked for, in that time, that have not ended."""
        query = select(_C.requested_at, _C.code).where(_C.ended_at.is_(None))  # few: no index but theirs is worth it
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [at for at, code in rows if since <= at < until and (codes is None or code in codes)]

    def kept_days(self, scope: str, since: date, until: date) -> dict[date, tuple[int, DaySums]]:
        """The sums of these days, both included, each with the number of changes that it was made after. What this
        version cannot read is left out."""
        c = plot_days.c
        query = select(c.day, c.changes, c.sums).where(c.scope == scope, c.day >= since, c.day <= until)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {day: (changes, sums) for day, changes, sums in rows if sums is not None}

    def keep_days_of_plots(self, scope: str, days: Mapping[date, tuple[int, DaySums]]) -> None:
        """In place of what was kept of them. Raises CannotWrite."""
        c = plot_days.c
        rows = [{"scope": scope, "day": day, "changes": changes, "sums": sums} for day, (changes, sums) in days.items()]
        with self._database.write() as connection:
            connection.execute(delete(plot_days).where(c.scope == scope, c.day.in_(days)))
            connection.execute(insert(plot_days), rows)


def _at(column: ColumnElement[str], codes: Sequence[str] | None) -> ColumnElement[bool]:
    return true() if codes is None else column.in_(codes)
