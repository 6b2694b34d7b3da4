"""Rows to domain values and back, and the one way in which a session row changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, RowMapping, Select, bindparam, exists, insert, select, update

from kiosk.domain.commands import Command
from kiosk.domain.session import Observation, PaymentContext, Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.store import codec
from kiosk.store.alone import Alone
from kiosk.store.aside import Aside
from kiosk.store.cipher import Cipher
from kiosk.store.database import Database, changed_one, insert_once
from kiosk.store.errors import CannotWrite, Deposed, Missing, Trouble, WrongState
from kiosk.store.glance import Glance, glance
from kiosk.store.records import Lease
from kiosk.store.tables import commands, leases, observations, sessions, settled
from kiosk.store.types import dump

T = TypeVar("T")

MOST_KNOWN = 1000
"""So much is kept of what was read in one state of the database."""
_UNREAD = object()

_OWN_COLUMNS = tuple(one.name for one in fields(Session) if one.name != "tariff")
_SESSION = [sessions.c[name] for name in (*_OWN_COLUMNS, "tariff_currency", "price_per_kwh_minor", "start_fee_minor")]
_COMMAND_COLUMNS = tuple(one.name for one in fields(Command))
SELECT_SESSION = select(*_SESSION)
SELECT_COMMAND = select(*[commands.c[name] for name in _COMMAND_COLUMNS])


class Part:
    """What every part of the store works with."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self.aside = Aside()
        self._as_read: tuple[int, dict[object, object]] = (0, {})
        file = database.file
        beside = None if file is None else file.with_name(file.name + "-alone")
        self.alone = Alone(beside, whoever_asks=not database.shared)

    def _unless_changed(self, what: object, read: Callable[[], T]) -> T:
        """What was read under that name, for as long as nobody has committed anything since; else read anew. It must be
        the same whatever the time, and nobody may change it.

        The state is asked for first: what is committed while it is read shows in the next state.
        """
        state = self._database.state()
        if state is None or self.aside:  # what cannot be read is tried again now and then
            return read()
        of_state, known = self._as_read
        if of_state != state or len(known) >= MOST_KNOWN:
            known = {}
            self._as_read = state, known
        found = known.get(what, _UNREAD)
        if found is _UNREAD:
            found = known[what] = read()
        return cast("T", found)

    def _glance(self) -> Glance | None:
        """What waits, by one question for all of it, for as long as nobody has committed anything since. None where
        nobody can tell: then each is asked for.
        """
        if self.aside or self._database.state() is None:
            return None
        return self._unless_changed("glance", self._look)

    def _look(self) -> Glance:
        with self._database.read() as connection:
            return glance(connection)

    def _under(self, lease: Lease | None) -> None:
        """Raises CannotWrite when the lease was never written: then nothing may be written under it."""
        if lease is not None and not lease.written:
            raise CannotWrite(self._database.trouble or Trouble.LOCKED)

    def _goes_on(self, connection: Connection, lease: Lease, now: datetime) -> bool:
        """Whether who cannot write leads with that lease: while it lives. Afterwards as long as nobody else has one
        that lives, and of the processes that work with this file this one goes on alone.

        On a server other machines cannot be asked: there whoever had the lease last goes on, and nobody begins.
        """
        query = select(leases.c.holder, leases.c.number, leases.c.until).where(leases.c.name == lease.name)
        row = connection.execute(query).one_or_none()
        mine = row is not None and (row.holder, row.number) == (lease.holder, lease.number)
        if row is not None and row.until > now:
            if mine:
                self.alone.take()  # before anybody else can, who finds that it has run out
            else:
                self.alone.let_go()
            return mine
        if self._database.shared:
            return mine
        return self.alone.take()


MARK_SIGNS = 10
"""Of a session's digest: its name in logs."""


def digest(text: str) -> str:
    """SHA-256 in hex: devices and codes are compared, never read back."""
    return hashlib.sha256(text.encode()).hexdigest()


def slot_of(code: str, connector_id: int) -> str:
    """The bay as one word. The number comes first, so that no charger code can be mistaken for another bay."""
    return f"{connector_id}/{code}"


def session_from(row: RowMapping) -> Session:
    currency = row["tariff_currency"]
    tariff = None if currency is None else Tariff(currency, row["price_per_kwh_minor"], row["start_fee_minor"])
    return Session(**{name: row[name] for name in _OWN_COLUMNS}, tariff=tariff)


def session_values(session: Session) -> dict[str, Any]:
    """All columns that follow from the session itself."""
    tariff = session.tariff
    return {
        **{name: getattr(session, name) for name in _OWN_COLUMNS},
        "tariff_currency": tariff.currency if tariff else None,
        "price_per_kwh_minor": tariff.price_per_kwh_minor if tariff else None,
        "start_fee_minor": tariff.start_fee_minor if tariff else None,
        "watch": session.watchable and not session.final,
        "unproven": _unproven(session),
        "mark": digest(session.key)[:MARK_SIGNS],
        "card_last4": session.proof.card_last4 if session.proof is not None else None,
    }


def _unproven(session: Session) -> bool:
    """It has ended, and what became of its hold, or of a payment that came late, is not proven."""
    payable = session.ever_held or session.payment_shown_at is not None
    return session.end is not None and payable and not (session.proof is not None and session.proof.ended)


def command_from(row: RowMapping) -> Command:
    return Command(**{name: row[name] for name in _COMMAND_COLUMNS})


# Made once, because putting a statement together costs as much as running it.
_BY_KEY = SELECT_SESSION.where(sessions.c.key == bindparam("key"))
_BY_KEY_LOCKED = _BY_KEY.with_for_update()
_SAVE = update(sessions).where(sessions.c.key == bindparam("of_key"), sessions.c.version == bindparam("of_version"))
_SETTLE = (
    update(settled)
    .where(settled.c.code == bindparam("of_code"), settled.c.day == bindparam("of_day"))
    .values(changes=settled.c.changes + 1)
)
_OTHER = sessions.alias()
_TAKE_BACK_SLOT = (
    update(sessions)
    .where(
        sessions.c.key == bindparam("of_key"),
        sessions.c.slot.is_(None),
        ~exists(select(_OTHER.c.id).where(_OTHER.c.slot == bindparam("of_slot"))),
    )
    .values(slot=bindparam("of_slot"))
)
_HELD = (
    select(leases.c.name)
    .where(
        leases.c.name == bindparam("name"),
        leases.c.holder == bindparam("holder"),
        leases.c.number == bindparam("number"),
    )
    .with_for_update()
)
_KEEP_OBSERVATION = insert(observations)
_COMMAND_LOCKED = SELECT_COMMAND.where(commands.c.id == bindparam("id")).with_for_update()


def read_session(connection: Connection, key: str) -> Session | None:
    row = connection.execute(_BY_KEY, {"key": key}).mappings().one_or_none()
    return None if row is None else session_from(row)


def lock_session(connection: Connection, key: str) -> Session:
    """The session, kept from other writers until the transaction ends. Raises Missing."""
    row = connection.execute(_BY_KEY_LOCKED, {"key": key}).mappings().one_or_none()
    if row is None:
        raise Missing("no such session")
    return session_from(row)


def save_session(connection: Connection, before: Session, after: Session, at: datetime, **extra: Any) -> Session:
    """Store `after` with the next version, keep or release its bay; nothing happens when it equals `before`.

    `extra` are columns that are not part of the domain's session. `at` becomes the end when the session ends here.
    """
    if after == before:
        return before
    after = replace(after, version=before.version + 1)
    values = {**session_values(after), **extra}
    if not _ended(after):
        values["ended_at"] = None
    elif not _ended(before):
        values["ended_at"] = at
    if not after.occupies:
        values["slot"] = None
    if not changed_one(connection, _SAVE, {**values, "of_key": before.key, "of_version": before.version}):
        raise WrongState("the session changed underneath")
    if _ended(before) or _ended(after):
        count_settled(connection, after)
    if after.occupies:
        _take_back_slot(connection, after)
    return after


def count_settled(connection: Connection, session: Session) -> None:
    """Something of a session that has ended changed: what was kept of its days is not true any more."""
    code, day = session.code, session.requested_at.astimezone(UTC).date()
    while not changed_one(connection, _SETTLE, {"of_code": code, "of_day": day}):
        insert_once(connection, settled, {"code": code, "day": day, "changes": 0})


def _ended(session: Session) -> bool:
    return session.final or session.phase is Phase.GONE


def _take_back_slot(connection: Connection, session: Session) -> None:
    """A session that came back (from 404, or from an end) takes its bay again, unless another one has it by now."""
    slot = slot_of(session.code, session.connector_id)
    connection.execute(_TAKE_BACK_SLOT, {"of_key": session.key, "of_slot": slot})


def held(connection: Connection, lease: Lease) -> None:
    """Nothing happens while that holder has the lease of that number, also when it has run out. Raises Deposed."""
    same = {"name": lease.name, "holder": lease.holder, "number": lease.number}
    if connection.execute(_HELD, same).one_or_none() is None:
        raise Deposed("another one leads now")


def append_observation(connection: Connection, key: str, source: str, seen: Observation) -> None:
    connection.execute(_KEEP_OBSERVATION, {"session_key": key, "source": source, "seen": seen})


def read_command(connection: Connection, command_id: int) -> Command:
    """The command, kept from other writers until the transaction ends. Raises Missing."""
    return found_command(connection, _COMMAND_LOCKED, id=command_id)


def found_command(connection: Connection, query: Select[Any], **values: object) -> Command:
    """The one command of a query. Raises Missing."""
    found = connection.execute(query, values).mappings().one_or_none()
    if found is None:
        raise Missing("no such command")
    return command_from(found)


def payment_values(cipher: Cipher, payment: PaymentContext | None) -> dict[str, Any]:
    """The columns of a payment context."""
    if payment is None:
        return {}
    return {"payment": cipher.encrypt(dump(codec.payment_to(payment))), "intent_id": payment.intent_id}


def payment_from(cipher: Cipher, stored: str | None) -> PaymentContext | None:
    text = None if stored is None else cipher.decrypt(stored)
    return None if text is None else codec.payment_from(json.loads(text))
