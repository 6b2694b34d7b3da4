"""Bays that a tablet hands over to a phone: open, claimed by one device, closed. Devices are stored as SHA-256 only."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from kiosk.store.database import changed_one
from kiosk.store.records import ClaimedHandoff, Handoff
from kiosk.store.rows import Part, digest
from kiosk.store.tables import grants, handoffs, sessions, tablets
from kiosk.store.types import utc

DEVICE_LIVES = timedelta(hours=3)
HANDOFF_LIVES = timedelta(days=1)
PATIENCE_OF_A_CODE = 1.0
"""Seconds that the page of a bay waits for its code, before it is shown without one."""

_HANDOFF = select(*[handoffs.c[one.name] for one in fields(Handoff)])


class Handoffs(Part):
    def open_handoff(self, handoff: Handoff) -> bool:
        """Keep it, and close what its tablet had open before: a screen hands over one bay at a time.

        False, and nothing kept, when the tablet is not paired any more. Raises CannotWrite soon: a page waits for it.
        """
        paired = select(tablets.c.id).where(tablets.c.id == handoff.tablet_id, tablets.c.unpaired_at.is_(None))
        with self._database.write_soon(PATIENCE_OF_A_CODE) as connection:
            if connection.execute(paired).first() is None:
                return False
            before = (handoffs.c.tablet_id == handoff.tablet_id) & handoffs.c.closed_at.is_(None)
            connection.execute(update(handoffs).where(before).values(closed_at=handoff.made_at))
            connection.execute(insert(handoffs).values(**asdict(handoff)))
            return True

    def handoff(self, handoff_id: str) -> Handoff | None:
        with self._database.read() as connection:
            return _one(connection, handoffs.c.id == handoff_id)

    def claim_handoff(self, handoff_id: str, device: str, now: datetime) -> bool:
        """True for the one device that comes first, while it is open. How long its code is good is decided before."""
        free = (handoffs.c.id == handoff_id) & handoffs.c.claimed_at.is_(None) & handoffs.c.closed_at.is_(None)
        with self._database.write() as connection:
            values = {"claimed_at": now, "device_hash": digest(device)}
            return changed_one(connection, update(handoffs).where(free).values(**values))

    def handoff_claimed_by(self, handoff_id: str, device: str) -> Handoff | None:
        """The hand-off, when this very device has claimed it."""
        with self._database.read() as connection:
            return _one(connection, (handoffs.c.id == handoff_id) & (handoffs.c.device_hash == digest(device)))

    def handoffs_to(self, key: str) -> list[ClaimedHandoff]:
        """The hand-offs of its bay that an owner of this session claimed before asking for it, earliest first.

        Known while the device of a claim is: DEVICE_LIVES.
        """
        same_bay = (handoffs.c.code == sessions.c.code) & (handoffs.c.connector_id == sessions.c.connector_id)
        query = (
            select(tablets.c.name.label("tablet"), handoffs.c.made_at, handoffs.c.claimed_at)
            .select_from(sessions)
            .join(grants, grants.c.session_key == sessions.c.key)
            .join(handoffs, same_bay & (handoffs.c.device_hash == grants.c.device_hash))
            .join(tablets, tablets.c.id == handoffs.c.tablet_id)
            .where(sessions.c.key == key, handoffs.c.claimed_at <= sessions.c.requested_at)
            .order_by(handoffs.c.claimed_at)
        )
        with self._database.read() as connection:
            return [ClaimedHandoff(**row) for row in connection.execute(query).mappings()]

    def close_handoff(self, handoff_id: str, now: datetime) -> None:
        """The screen shows its code no more, so nobody can claim it any more. Whoever has claimed it keeps it."""
        still_open = (handoffs.c.id == handoff_id) & handoffs.c.closed_at.is_(None)
        with self._database.write() as connection:
            connection.execute(update(handoffs).where(still_open).values(closed_at=now))

    def forget_handoffs(self, now: datetime) -> None:
        """Forget which device claimed one after three hours, and all of it after a day."""
        now = utc(now)
        done = handoffs.c.device_hash.is_not(None) & (handoffs.c.claimed_at <= now - DEVICE_LIVES)
        with self._database.write() as connection:
            connection.execute(delete(handoffs).where(handoffs.c.made_at <= now - HANDOFF_LIVES))
            connection.execute(update(handoffs).where(done).values(device_hash=None))


def _one(connection: Connection, wanted: ColumnElement[bool]) -> Handoff | None:
    row = connection.execute(_HANDOFF.where(wanted)).mappings().one_or_none()
    return None if row is None else Handoff(**row)
