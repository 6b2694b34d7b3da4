"""What the charger's own meter said of a charge, once its transaction was found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, select

from kiosk.domain.matching import MeterStand
from kiosk.domain.session import Session
from kiosk.domain.status import Status
from kiosk.store.aside import each
from kiosk.store.database import insert_once
from kiosk.store.rows import SELECT_SESSION, Part, session_from
from kiosk.store.tables import meter_stands, sessions
from kiosk.store.types import utc

_FIELDS = (
    meter_stands.c.number,
    meter_stands.c.started_at,
    meter_stands.c.stopped_at,
    meter_stands.c.start_wh,
    meter_stands.c.stop_wh,
    meter_stands.c.stop_reason,
)
_STAND = select(*_FIELDS).where(meter_stands.c.session_key == bindparam("key"))
_MEASURED = (Status.CAPTURED, Status.NO_CHARGE, Status.REFUNDED, Status.WRITTEN_OFF)
_WITHOUT = (
    SELECT_SESSION.where(
        sessions.c.ended_at > bindparam("since"),
        sessions.c.energy_kwh.is_not(None),
        sessions.c.status.in_(_MEASURED),
        sessions.c.key.not_in(select(meter_stands.c.session_key)),
    )
    .order_by(sessions.c.id.desc())
    .limit(200)
)


class MeterStands(Part):
    def meter_stand(self, key: str) -> MeterStand | None:
        with self._database.read() as connection:
            row = connection.execute(_STAND, {"key": key}).one_or_none()
        return None if row is None else MeterStand(*row)

    def without_meter_stand(self, since: datetime) -> list[Session]:
        """Sessions that ended after `since` with an energy that is known, newest first; at most 200, so
        that those that are never found keep no new one waiting."""
        with self._database.read() as connection:
            query = _WITHOUT.params(since=utc(since))
            return each(connection, query, sessions.c.key, session_from, self.aside)

    def taken_transactions(self, numbers: list[int]) -> set[int]:
        """Those of these transactions that belong to a session already."""
        query = select(meter_stands.c.number).where(meter_stands.c.number.in_(numbers))
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def save_meter_stands(self, found: Mapping[str, MeterStand], now: datetime) -> list[str]:
        """Keep them; what is there stays. A transaction belongs to one session. Returns the keys that are new."""
        with self._database.write() as connection:
            return [
                key
                for key, one in found.items()
                if insert_once(
                    connection,
                    meter_stands,
                    {
                        "session_key": key,
                        "number": one.number,
                        "started_at": utc(one.started_at),
                        "stopped_at": utc(one.stopped_at),
                        "start_wh": one.start_wh,
                        "stop_wh": one.stop_wh,
                        "stop_reason": one.stop_reason,
                        "seen_at": utc(now),
                    },
                )
            ]
