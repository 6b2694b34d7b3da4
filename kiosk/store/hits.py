"""How often somebody has asked lately: the counts of inbound limits that all instances of a fleet keep together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from kiosk.store.database import changed_one
from kiosk.store.rows import Part, digest
from kiosk.store.tables import hits
from kiosk.store.types import utc

_TIMES = select(hits.c.times).where(
    hits.c.who_hash == bindparam("who"), hits.c.until > bindparam("now", type_=hits.c.until.type)
)


class Hits(Part):
    """`who` may name a session or a device, so only a digest of it is kept."""

    def hits(self, who: str, now: datetime) -> int:
        """How often, as long as that still counts."""
        with self._database.read() as connection:
            times: int | None = connection.execute(_TIMES, {"who": digest(who), "now": utc(now)}).scalar_one_or_none()
        return times or 0

    def hit(self, who: str, times: int, until: datetime, now: datetime) -> int:
        """So many times more (or less, when it is below zero); how often by now. It counts until then.

        Raises CannotWrite.
        """
        mine = hits.c.who_hash == digest(who)
        with self._database.write_soon() as connection:
            more = update(hits).where(mine, hits.c.until > utc(now)).values(times=hits.c.times + times)
            if not changed_one(connection, more):
                connection.execute(delete(hits).where(hits.c.until <= utc(now)))
                connection.execute(insert(hits).values(who_hash=digest(who), times=times, until=until))
            counted: int = connection.execute(select(hits.c.times).where(mine)).scalar_one()
            return counted
