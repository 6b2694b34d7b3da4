"""Who may act on a session: devices that own it, one-use take-over codes, the one return from a bank.

Devices and codes are stored as SHA-256 only; both are long random words made by the web.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select, update

from kiosk.store.database import changed_one
from kiosk.store.records import Grant, TakeOver
from kiosk.store.rows import Part, digest
from kiosk.store.tables import grants, sessions, takeovers


class Keys(Part):
    def owns(self, key: str, device: str) -> bool:
        query = select(grants.c.session_key).where(grants.c.session_key == key, grants.c.device_hash == digest(device))
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def grant(self, key: str, device: str, how: str, now: datetime) -> None:
        """Make the device an owner; the first way in which it became one is kept."""
        with self._database.write() as connection:
            _grant(connection, key, device, how, now)

    def grants_of(self, key: str) -> list[Grant]:
        """How and when devices became owners, earliest first. Empty once personal data was erased."""
        query = select(grants.c.how, grants.c.granted_at).where(grants.c.session_key == key)
        with self._database.read() as connection:
            return [Grant(**row) for row in connection.execute(query.order_by(grants.c.granted_at)).mappings()]

    def takeovers_of(self, key: str) -> list[TakeOver]:
        """The one-use codes that were shown for it, without the codes. Empty once personal data was erased."""
        query = select(takeovers.c.expires_at, takeovers.c.used_at).where(takeovers.c.session_key == key)
        with self._database.read() as connection:
            return [TakeOver(**row) for row in connection.execute(query.order_by(takeovers.c.expires_at)).mappings()]

    def new_takeover(self, key: str, code: str, expires_at: datetime) -> None:
        """Let `code` make one device an owner of the session until `expires_at`."""
        with self._database.write() as connection:
            values = {"code_hash": digest(code), "session_key": key, "expires_at": expires_at}
            connection.execute(insert(takeovers).values(**values))

    def use_takeover(self, code: str, device: str, now: datetime) -> str | None:
        """Spend the code and grant; the session's key, or None when it was used, has expired or never was."""
        with self._database.write() as connection:
            if not changed_one(connection, update(takeovers).where(_usable(code, now)).values(used_at=now)):
                return None
            query = select(takeovers.c.session_key).where(takeovers.c.code_hash == digest(code))
            key: str = connection.execute(query).scalar_one()
            _grant(connection, key, device, "takeover", now)
            return key

    def peek_takeover(self, code: str, now: datetime) -> str | None:
        """The session's key while the code can still be used. Nothing is spent."""
        with self._database.read() as connection:
            return connection.execute(select(takeovers.c.session_key).where(_usable(code, now))).scalar_one_or_none()

    def use_bank_return(self, key: str, now: datetime) -> bool:
        """True the first time only: a return from the bank proves ownership once."""
        unused = (sessions.c.key == key) & sessions.c.bank_return_at.is_(None)
        with self._database.write() as connection:
            return changed_one(connection, update(sessions).where(unused).values(bank_return_at=now))


def _usable(code: str, now: datetime) -> ColumnElement[bool]:
    return (takeovers.c.code_hash == digest(code)) & takeovers.c.used_at.is_(None) & (takeovers.c.expires_at > now)


def _grant(connection: Connection, key: str, device: str, how: str, now: datetime) -> None:
    device_hash = digest(device)
    there = (grants.c.session_key == key) & (grants.c.device_hash == device_hash)
    if connection.execute(select(grants.c.how).where(there)).first() is None:
        values = {"session_key": key, "device_hash": device_hash, "how": how, "granted_at": now}
        connection.execute(insert(grants).values(**values))
