"""Who may act on a session: devices that own it, one-use take-over codes, the one return from a bank, and rights that
were taken back.

Devices and codes are stored as SHA-256 only; both are long random words made by the web.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from kiosk.domain.rights import How, Right, may_be_taken_back
from kiosk.store.database import changed_one
from kiosk.store.records import Grant, TakenBack, TakeOver
from kiosk.store.rows import Part, digest
from kiosk.store.tables import grants, sessions, taken_back, takeovers


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

    def rights_of(self, key: str, device: str) -> tuple[Right | None, list[Right]]:
        """The device's own right, and those of all others; None and nothing when it has none."""
        query = select(grants.c.device_hash, grants.c.how, grants.c.granted_at).where(grants.c.session_key == key)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return _sorted_rights(rows, digest(device))

    def take_right_back(self, key: str, device: str, mark: str, now: datetime) -> bool:
        """Take that other device's right, when this one may. One-use codes that were shown before are void then.

        False when it may not, or when that device has no right any more.
        """
        query = select(grants.c.device_hash, grants.c.how, grants.c.granted_at).where(grants.c.session_key == key)
        with self._database.write() as connection:
            rows = connection.execute(query).all()
            mine, others = _sorted_rights(rows, digest(device))
            theirs = [one for one in may_be_taken_back(mine, others) if one.mark == mark] if mine is not None else []
            if len(theirs) != 1:
                return False
            gone = next(row.device_hash for row in rows if _mark(row.device_hash) == mark)
            connection.execute(delete(grants).where(grants.c.session_key == key, grants.c.device_hash == gone))
            said = {"how": theirs[0].how, "granted_at": theirs[0].granted_at, "taken_at": now}
            connection.execute(insert(taken_back).values(session_key=key, **said))
            open_codes = (takeovers.c.session_key == key) & takeovers.c.used_at.is_(None)
            still = open_codes & (takeovers.c.expires_at > now)
            connection.execute(update(takeovers).where(still).values(expires_at=now))
            return True

    def taken_back(self, key: str) -> list[TakenBack]:
        """The rights that were taken back, earliest first. Empty once personal data was erased."""
        columns = (taken_back.c.how, taken_back.c.granted_at, taken_back.c.taken_at)
        query = select(*columns).where(taken_back.c.session_key == key).order_by(taken_back.c.id)
        with self._database.read() as connection:
            return [TakenBack(**row) for row in connection.execute(query).mappings()]

    def times_taken_back(self, key: str) -> int:
        """How often that was; 0 once personal data was erased."""
        query = select(func.count()).select_from(taken_back).where(taken_back.c.session_key == key)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def takeovers_of(self, key: str) -> list[TakeOver]:
        """The one-use codes that were shown for it, without the codes. Empty once personal data was erased."""
        query = select(takeovers.c.expires_at, takeovers.c.used_at).where(takeovers.c.session_key == key)
        with self._database.read() as connection:
            return [TakeOver(**row) for row in connection.execute(query.order_by(takeovers.c.expires_at)).mappings()]

    def new_takeover(self, key: str, code: str, expires_at: datetime, *, on_screen: bool = False) -> None:
        """Let `code` make one device an owner until `expires_at`. `on_screen`: the screen on site shows it."""
        with self._database.write() as connection:
            values = {"code_hash": digest(code), "session_key": key, "expires_at": expires_at, "on_screen": on_screen}
            connection.execute(insert(takeovers).values(**values))

    def use_takeover(self, code: str, device: str, now: datetime) -> str | None:
        """Spend the code and grant; the session's key, or None when it was used, has expired or never was."""
        with self._database.write() as connection:
            if not changed_one(connection, update(takeovers).where(_usable(code, now)).values(used_at=now)):
                return None
            query = select(takeovers.c.session_key, takeovers.c.on_screen).where(takeovers.c.code_hash == digest(code))
            row = connection.execute(query).one()
            _grant(connection, row.session_key, device, How.SCREEN if row.on_screen else How.TAKEOVER, now)
            key: str = row.session_key
            return key

    def peek_takeover(self, code: str, now: datetime) -> str | None:
        """The session's key while the code can still be used. Nothing is spent."""
        with self._database.read() as connection:
            return connection.execute(select(takeovers.c.session_key).where(_usable(code, now))).scalar_one_or_none()

    def use_bank_return(self, key: str, device: str, now: datetime) -> bool:
        """Make the device an owner. True the first time only: a return from the bank proves ownership once."""
        unused = (sessions.c.key == key) & sessions.c.bank_return_at.is_(None)
        with self._database.write() as connection:
            if not changed_one(connection, update(sessions).where(unused).values(bank_return_at=now)):
                return False
            _grant(connection, key, device, How.BANK, now)
            return True


def _usable(code: str, now: datetime) -> ColumnElement[bool]:
    return (takeovers.c.code_hash == digest(code)) & takeovers.c.used_at.is_(None) & (takeovers.c.expires_at > now)


def _mark(device_hash: str) -> str:
    """The hash of a long random word, and only a part of it: nobody learns the word by it."""
    return device_hash[:16]


def _sorted_rights(rows: Sequence[Row[Any, Any, Any]], mine: str) -> tuple[Right | None, list[Right]]:
    rights = {row.device_hash: Right(_mark(row.device_hash), row.how, row.granted_at) for row in rows}
    own = rights.pop(mine, None)
    return own, list(rights.values()) if own is not None else []


def _grant(connection: Connection, key: str, device: str, how: str, now: datetime) -> None:
    device_hash = digest(device)
    there = (grants.c.session_key == key) & (grants.c.device_hash == device_hash)
    if connection.execute(select(grants.c.how).where(there)).first() is None:
        values = {"session_key": key, "device_hash": device_hash, "how": how, "granted_at": now}
        connection.execute(insert(grants).values(**values))
