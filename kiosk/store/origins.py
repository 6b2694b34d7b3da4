"""Who asked for each start, by marks that name nobody, and what became of it: by these the line is fair."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import RowMapping, bindparam, delete, select

from kiosk.domain.commands import CommandState, Kind, Refusal
from kiosk.domain.line import Waiting
from kiosk.domain.unpaid import Origin, life_of
from kiosk.store.aside import each
from kiosk.store.rows import SELECT_SESSION, Part, digest, session_from, slot_of
from kiosk.store.tables import commands, origins, sessions

_START_WAITS = (commands.c.state == CommandState.WAITING) & (commands.c.kind == Kind.START)
_SINCE = (
    SELECT_SESSION.add_columns(
        origins.c.device_hash, origins.c.network_hash, origins.c.on_site, origins.c.asked_at.label("wished_at")
    )
    .join(origins, origins.c.session_key == sessions.c.key)
    .where(origins.c.asked_at >= bindparam("since", type_=origins.c.asked_at.type))
    .order_by(origins.c.asked_at)
)
_STARTS = (
    select(
        commands.c.id,
        commands.c.session_key,
        commands.c.asked_at,
        commands.c.not_before,
        commands.c.refusal,
        sessions.c.code,
        sessions.c.connector_id,
        origins.c.device_hash,
        origins.c.network_hash,
        origins.c.on_site,
    )
    .join(sessions, sessions.c.key == commands.c.session_key)
    .outerjoin(origins, origins.c.session_key == commands.c.session_key)
    .where(_START_WAITS)
    .order_by(commands.c.id)
)
"""Made once: whenever a start waits they are asked for in each round."""


class Origins(Part):
    def origins(self, since: datetime, *, device: str | None = None) -> list[Origin]:
        """The starts that were asked for since then, by anybody or by that device, oldest first."""
        query, values = _SINCE, {"since": since}
        if device is not None:
            query = query.where(origins.c.device_hash == digest(device))
        with self._database.read() as connection:
            return each(connection, query, sessions.c.key, _origin, self.aside, **values)

    def waiting_starts(self) -> list[Waiting]:
        """Every start that waits, first come first. One from before origins were kept is a device of its own."""
        glance = self._glance()
        if glance is not None and not glance.starts:
            return []
        return list(self._unless_changed("waiting starts", self._waiting_starts))

    def _waiting_starts(self) -> list[Waiting]:
        with self._database.read() as connection:
            return each(connection, _STARTS, commands.c.id, _waiting, self.aside)

    def forget_origins(self, before: datetime) -> None:
        """Erase who asked for what before then: nobody counts it any more. Of a start that still waits it stays."""
        waiting = select(commands.c.session_key).where(_START_WAITS)
        with self._database.write() as connection:
            connection.execute(
                delete(origins).where(origins.c.asked_at < before, origins.c.session_key.not_in(waiting))
            )


def _origin(row: RowMapping) -> Origin:
    return Origin(
        key=row["key"],
        code=row["code"],
        device=row["device_hash"],
        network=row["network_hash"],
        on_site=row["on_site"],
        asked_at=row["wished_at"],
        life=life_of(session_from(row)),
    )


def _waiting(row: RowMapping) -> Waiting:
    return Waiting(
        command_id=row["id"],
        key=row["session_key"],
        code=row["code"],
        bay=slot_of(row["code"], row["connector_id"]),
        asked_at=row["asked_at"],
        not_before=row["not_before"],
        device=row["device_hash"] or row["session_key"],
        network=row["network_hash"],
        on_site=bool(row["on_site"]),
        unreachable=row["refusal"] is Refusal.UPSTREAM_DOWN,
    )
