"""The tablets of the sites: one-use pairing codes, and the keys that they gave out. Both are stored as SHA-256 only."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from kiosk.domain.signs import in_signs
from kiosk.store.database import changed_one
from kiosk.store.errors import CannotWrite
from kiosk.store.records import Tablet
from kiosk.store.rows import Part, digest
from kiosk.store.tables import handoffs, pairing_codes, tablets
from kiosk.store.types import utc

CODE_SIGNS = 8
"""Of a pairing code: 8e11 of them, of which a handful is good for a quarter of an hour, and tries are limited."""
SEEN_EVERY = timedelta(minutes=1)
"""How often at most it is written that a tablet was seen."""

_TABLET = select(*[tablets.c[one.name] for one in fields(Tablet)])
_PAIRED = tablets.c.unpaired_at.is_(None)


class Tablets(Part):
    def new_pairing(self, site_id: str, name: str, now: datetime, expires_at: datetime) -> str:
        """A code that pairs one tablet with that site until then. Codes that are over are forgotten on the way."""
        code = in_signs(secrets.randbits(64), CODE_SIGNS)
        values = {"code_hash": digest(code), "site_id": site_id, "name": name, "expires_at": expires_at}
        over = or_(pairing_codes.c.used_at.is_not(None), pairing_codes.c.expires_at <= now)
        with self._database.write() as connection:
            connection.execute(delete(pairing_codes).where(over))
            connection.execute(insert(pairing_codes).values(**values))
        return code

    def pair(self, code: str, key: str, now: datetime, replaces: int | None = None) -> Tablet | None:
        """Spend the code: the screen that holds `key` is a tablet of the code's site from now on.

        None when the code was used, has expired or never was. `replaces` is the tablet that this screen was before.
        """
        usable = (pairing_codes.c.code_hash == digest(code)) & _usable(now)
        with self._database.write() as connection:
            if not changed_one(connection, update(pairing_codes).where(usable).values(used_at=now)):
                return None
            given = select(pairing_codes.c.site_id, pairing_codes.c.name)
            site_id, name = connection.execute(given.where(pairing_codes.c.code_hash == digest(code))).one()
            if replaces is not None:
                _unpair(connection, replaces, now)
            values = {"key_hash": digest(key), "name": name, "site_id": site_id, "paired_at": now, "last_seen_at": now}
            connection.execute(insert(tablets).values(**values))
            return _one(connection, tablets.c.key_hash == digest(key))

    def tablet_with(self, key: str) -> Tablet | None:
        """The tablet that holds this key, also when it is unpaired."""
        with self._database.read() as connection:
            return _one(connection, tablets.c.key_hash == digest(key))

    def tablets(self) -> list[Tablet]:
        """Those that are paired, in the order in which they were."""
        with self._database.read() as connection:
            return [
                Tablet(**row) for row in connection.execute(_TABLET.where(_PAIRED).order_by(tablets.c.id)).mappings()
            ]

    def waiting_names(self, now: datetime) -> list[str]:
        """The names that were given to pairing codes which nobody has used yet."""
        with self._database.read() as connection:
            return list(connection.execute(select(pairing_codes.c.name).where(_usable(now))).scalars())

    def seen(self, tablet: Tablet, now: datetime, version: str | None = None) -> None:
        """It asked; `version` when it opened a page. Written at most once a minute, and for a new version.

        Left undone when the store cannot write: the page is shown all the same.
        """
        if now - tablet.last_seen_at < SEEN_EVERY and version in {None, tablet.version}:
            return
        values = {"last_seen_at": utc(now), **({"version": version} if version is not None else {})}
        with suppress(CannotWrite), self._database.write_soon() as connection:
            connection.execute(update(tablets).where(tablets.c.id == tablet.id).values(**values))

    def unpair(self, tablet_id: int, now: datetime) -> bool:
        """From now on its key opens nothing, and what it was handing over can no longer be claimed.

        False when it is not paired.
        """
        with self._database.write() as connection:
            return _unpair(connection, tablet_id, now)


def _usable(now: datetime) -> ColumnElement[bool]:
    return pairing_codes.c.used_at.is_(None) & (pairing_codes.c.expires_at > now)


def _one(connection: Connection, wanted: ColumnElement[bool]) -> Tablet | None:
    row = connection.execute(_TABLET.where(wanted)).mappings().one_or_none()
    return None if row is None else Tablet(**row)


def _unpair(connection: Connection, tablet_id: int, now: datetime) -> bool:
    if not changed_one(connection, update(tablets).where(tablets.c.id == tablet_id, _PAIRED).values(unpaired_at=now)):
        return False
    open_ones = (handoffs.c.tablet_id == tablet_id) & handoffs.c.closed_at.is_(None)
    connection.execute(update(handoffs).where(open_ones).values(closed_at=now))
    return True
