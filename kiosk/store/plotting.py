"""What plots are made of: a few columns of the sessions of some days, found by their time alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, func, select, type_coerce

from kiosk.domain.plots import Row
from kiosk.store.rows import Part
from kiosk.store.tables import sessions
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
    def plotted(self, since: datetime, codes: Sequence[str] | None, most: int) -> list[Row]:
        """Sessions asked for since then, the newest `most` of them, at those chargers; None: at all."""
        query = select(*_COLUMNS).where(_C.requested_at >= utc(since))
        if codes is not None:
            query = query.where(_C.code.in_(codes))
        query = query.order_by(_C.requested_at.desc(), _C.id.desc()).limit(most)
        with self._database.read() as connection:
            return [Row(*row) for row in connection.execute(query)]

    def first_plotted_at(self, codes: Sequence[str] | None) -> datetime | None:
        """When the oldest session that is kept was asked for."""
        query = select(func.min(_C.requested_at))
        if codes is not None:
            query = query.where(_C.code.in_(codes))
        with self._database.read() as connection:
            first: datetime | None = connection.execute(query).scalar_one()
        return first
