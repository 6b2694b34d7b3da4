"""How the writing of each month's tables goes: when it was done last, and since when it fails."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import RowMapping, insert, select, update

from kiosk.domain.nightly import MonthWritten, NotWritten
from kiosk.store.database import changed_one
from kiosk.store.rows import Part
from kiosk.store.tables import months_written
from kiosk.store.types import utc

_T = months_written.c


class Nightly(Part):
    def months(self, site_id: str | None = None) -> list[MonthWritten]:
        """Of a site, or of all: the newest month first."""
        query = select(months_written).order_by(_T.month.desc(), _T.site_id)
        if site_id is not None:
            query = query.where(_T.site_id == site_id)
        with self._database.read() as connection:
            return [_month(row) for row in connection.execute(query).mappings()]

    def note_written(self, site_id: str, month: date, now: datetime) -> None:
        """All of its files are there, as of `now`."""
        done = {"written_at": utc(now), "tried_at": utc(now), "tries": 0, "trouble": None, "failing_since": None}
        self._keep(site_id, month, done)

    def note_failed(self, site_id: str, month: date, why: NotWritten, now: datetime) -> None:
        """Once more it was not written."""
        known = next((one for one in self.months(site_id) if one.month == month), MonthWritten(site_id, month))
        failed = {
            "tried_at": utc(now),
            "tries": known.tries + 1,
            "trouble": why,
            "failing_since": utc(known.failing_since or now),
        }
        self._keep(site_id, month, failed)

    def _keep(self, site_id: str, month: date, values: dict[str, object]) -> None:
        this = (_T.site_id == site_id) & (_T.month == month)
        with self._database.write() as connection:
            if not changed_one(connection, update(months_written).where(this).values(values)):
                connection.execute(insert(months_written).values(site_id=site_id, month=month, **values))


def _month(row: RowMapping) -> MonthWritten:
    return MonthWritten(
        site_id=row["site_id"],
        month=row["month"],
        written_at=row["written_at"],
        tried_at=row["tried_at"],
        tries=row["tries"],
        trouble=row["trouble"],
        failing_since=row["failing_since"],
    )
