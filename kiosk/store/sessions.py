"""Reading sessions, and every change of one that is not its start: observations, limit, proof, hints, erasure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import exists as there_is

from kiosk.domain.attention import Level
from kiosk.domain.commands import ENDS, PEOPLE, CommandState, Kind
from kiosk.domain.pace import learnt_interval
from kiosk.domain.progress import joined
from kiosk.domain.session import Event, HoldProof, Observation, PaymentContext, Phase, Session, fold, gone, with_proof
from kiosk.domain.status import Status
from kiosk.store.aside import UNREADABLE, each
from kiosk.store.chargers import learn_pace
from kiosk.store.cipher import Cipher
from kiosk.store.database import changed_one, insert_once
from kiosk.store.errors import CannotWrite, UnreadableSession
from kiosk.store.progress import BESIDE, progress_beside
from kiosk.store.records import ForReader, Issued, Margin, StoredObservation
from kiosk.store.rows import (
    SELECT_COMMAND,
    SELECT_SESSION,
    Part,
    append_observation,
    command_from,
    digest,
    lock_session,
    payment_from,
    payment_values,
    read_session,
    save_session,
    session_from,
    slot_of,
)
from kiosk.store.tables import (
    commands,
    desk_notes,
    exceptions,
    grants,
    hints,
    mails,
    observations,
    progress,
    receipts,
    rhythm,
    sessions,
    taken_back,
    takeovers,
)
from kiosk.store.types import utc

_ERASE_AT_ONCE = 200
"""Sessions in one transaction: short enough that a start does not wait for the erasure."""


_BESIDE_SESSIONS = sessions.outerjoin(progress, progress.c.session_key == sessions.c.key)
_WITH_PROGRESS = SELECT_SESSION.add_columns(*BESIDE).select_from(_BESIDE_SESSIONS)


def _as_shown(row: RowMapping) -> Session:
    session = session_from(row)
    return joined(session, progress_beside(row, session))


_FOR_READER = (
    SELECT_SESSION.add_columns(
        *BESIDE,
        there_is()
        .where(grants.c.session_key == sessions.c.key, grants.c.device_hash == bindparam("device_hash"))
        .correlate(sessions)
        .label("owner"),
        select(func.count())
        .select_from(grants)
        .where(grants.c.session_key == sessions.c.key)
        .correlate(sessions)
        .scalar_subquery()
        .label("owners"),
        *(
            select(column)
            .where(receipts.c.session_key == sessions.c.key)
            .correlate(sessions)
            .scalar_subquery()
            .label(name)
            for name, column in (("receipt_number", receipts.c.number), ("receipt_revised_at", receipts.c.revised_at))
        ),
        select(func.max(rhythm.c.every_seconds)).scalar_subquery().label("every_seconds"),
        select(func.min(exceptions.c.noticed_at))
        .where(
            exceptions.c.subject == sessions.c.key,
            exceptions.c.closed_at.is_(None),
            exceptions.c.level.in_((Level.LOUD, Level.ALARM)),
        )
        .correlate(sessions)
        .scalar_subquery()
        .label("listed_at"),
    )
    .select_from(_BESIDE_SESSIONS)
    .where(sessions.c.key == bindparam("key"))
)
_COMMANDS_OF = SELECT_COMMAND.where(commands.c.session_key == bindparam("key")).order_by(commands.c.id)


def _of(key: str) -> Select[Any]:
    return SELECT_COMMAND.where(commands.c.session_key == key).order_by(commands.c.id)


# What the engine asks in every round is put together once.
_IN_ORDER = SELECT_SESSION.order_by(sessions.c.id)
_TO_WATCH = _IN_ORDER.where(sessions.c.watch.is_(True))
_GIVEN_UP = _TO_WATCH.where(sessions.c.given_up_at.is_not(None))
_WITHOUT_RECEIPT = _IN_ORDER.where(
    sessions.c.watch.is_(False),
    sessions.c.phase.in_((Phase.OPEN, Phase.GONE)),
    sessions.c.tariff_currency.is_not(None),
    ~there_is().where(receipts.c.session_key == sessions.c.key),
)
_TOLD = or_(
    sessions.c.authorized_minor.is_not(None),
    sessions.c.held_seen_at.is_not(None),
    sessions.c.authorized_at.is_not(None),
    sessions.c.proof.is_not(None),
    sessions.c.ended_at.is_(None),
)
"""Of a payment that upstream or the provider has seen, or that may still be seen."""
_UNPROVEN = _IN_ORDER.where(
    sessions.c.unproven.is_(True),
    sessions.c.payment.is_not(None),
    or_(_TOLD, sessions.c.ended_at > bindparam("late", type_=sessions.c.ended_at.type)),
)
_HINTS = select(hints.c.session_key, hints.c.hinted_at).order_by(hints.c.hinted_at)
_FORGET_HINT = delete(hints).where(
    hints.c.session_key == bindparam("key"), hints.c.hinted_at <= bindparam("before", type_=hints.c.hinted_at.type)
)
_TOKEN = select(sessions.c.token).where(sessions.c.key == bindparam("key"))
_OCCUPIED = select(sessions.c.connector_id, sessions.c.key).where(
    sessions.c.code == bindparam("code"), sessions.c.slot.is_not(None)
)


def fold_in(
    connection: Connection, cipher: Cipher, before: Session, seen: Observation, source: str
) -> tuple[Session, tuple[Event, ...]]:
    """Keep an observation, and what it makes of the locked session `before`."""
    append_observation(connection, before.key, source, seen)
    after, events = fold(before, seen)
    saved = save_session(connection, before, after, seen.seen_at)
    interval = learnt_interval(before, after)
    if interval is not None:
        learn_pace(connection, after.code, interval, after.trace.surely_apart())
    payment = None if after == before or after.final else seen.payment
    if payment is not None:
        this = sessions.c.key == before.key
        stored = connection.execute(select(sessions.c.payment).where(this)).scalar_one()
        if payment_from(cipher, stored) != payment:
            connection.execute(update(sessions).where(this).values(**payment_values(cipher, payment)))
    return saved, events


class Sessions(Part):
    def session(self, key: str) -> Session | None:
        return self._unless_changed(("session", key), lambda: self._session(key))

    def _session(self, key: str) -> Session | None:
        with self._database.read() as connection:
            return read_session(connection, key)

    def for_reader(self, key: str, device: str | None) -> ForReader | None:
        """The session as that device may see it, in one consistent view; None when there is no session of that key.

        Raises UnreadableSession.
        """
        with self._database.read() as connection:
            values = {"key": key, "device_hash": digest(device) if device is not None else ""}
            try:
                row = connection.execute(_FOR_READER, values).mappings().one_or_none()
                session = session_from(row) if row is not None else None
            except UNREADABLE as error:
                self.aside.put("sessions", key, error)
                raise self._unreadable_to(connection, key, values["device_hash"]) from error
            if row is None or session is None:
                return None
            try:
                asked = [command_from(one) for one in connection.execute(_COMMANDS_OF, {"key": key}).mappings()]
            except UNREADABLE:
                asked = each(connection, _of(key), commands.c.id, command_from, self.aside)
            issued = Issued(row["receipt_number"], row["receipt_revised_at"]) if row["receipt_number"] else None
            beside = progress_beside(row, session)
            every = timedelta(seconds=row["every_seconds"]) if row["every_seconds"] is not None else None
            return ForReader(
                session, tuple(asked), row["owner"], row["owners"], issued, beside, every, row["listed_at"]
            )

    def _unreadable_to(self, connection: Connection, key: str, device_hash: str) -> UnreadableSession:
        own = select(grants.c.session_key).where(grants.c.session_key == key, grants.c.device_hash == device_hash)
        asked = each(connection, _of(key), commands.c.id, command_from, self.aside)
        wishes = [one.asked_at for one in asked if one.kind in ENDS and one.asked_by in PEOPLE]
        owner = connection.execute(own).first() is not None
        return UnreadableSession(key, owner=owner, wished_at=max(wishes, default=None))

    def sessions_to_watch(self) -> list[Session]:
        """Upstream can still say something new about them; oldest first."""
        return list(self._unless_changed("sessions to watch", lambda: self._read(_TO_WATCH)))

    def sessions_of(self, device: str, *, code: str | None = None, since: datetime | None = None) -> list[Session]:
        """The sessions that this device owns, newest first. `since` counts from the request, and is included."""
        owned = select(grants.c.session_key).where(grants.c.device_hash == digest(device))
        wanted: list[ColumnElement[bool]] = [sessions.c.key.in_(owned)]
        if code is not None:
            wanted.append(sessions.c.code == code)
        if since is not None:
            wanted.append(sessions.c.requested_at >= since)
        return self._sessions(*wanted)[::-1]

    def latest_at(self, code: str, limit: int) -> list[Session]:
        """The last `limit` sessions of this charger, newest first."""
        query = SELECT_SESSION.where(sessions.c.code == code).order_by(sessions.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return each(connection, query, sessions.c.key, session_from, self.aside)

    def find_key(self, wanted: Callable[[str], bool]) -> str | None:
        """The newest key of which `wanted` is true. Every key is tried, the newest first: see `session_mark`."""
        with self._database.read() as connection:
            keys = connection.execute(select(sessions.c.key).order_by(sessions.c.id.desc())).scalars()
            return next((key for key in keys if wanted(key)), None)

    def margin(self, key: str) -> Margin | None:
        """What is kept beside the session; None when there is no such session."""
        query = select(sessions.c.ended_at, sessions.c.intent_id, sessions.c.bank_return_at)
        with self._database.read() as connection:
            row = connection.execute(query.where(sessions.c.key == key)).mappings().one_or_none()
        return None if row is None else Margin(**row)

    def session_at(self, code: str, connector_id: int) -> Session | None:
        """The session that keeps this bay from other drivers."""
        found = self._sessions(sessions.c.slot == slot_of(code, connector_id))
        return found[0] if found else None

    def occupied(self, code: str) -> dict[int, str]:
        """Connector id to the key of the session that keeps it."""
        with self._database.read() as connection:
            return dict(connection.execute(_OCCUPIED, {"code": code}).all())

    def occupied_at(self, codes: Sequence[str]) -> dict[str, dict[int, str]]:
        """The same for many chargers at once; those without such a session are left out."""
        query = select(sessions.c.code, sessions.c.connector_id, sessions.c.key)
        found: dict[str, dict[int, str]] = {}
        with self._database.read() as connection:
            rows = connection.execute(query.where(sessions.c.code.in_(codes), sessions.c.slot.is_not(None)))
            for code, connector_id, key in rows:
                found.setdefault(code, {})[connector_id] = key
        return found

    def charging_at(self, codes: Sequence[str]) -> list[Session]:
        """The sessions that charge at these chargers by upstream's word, but for those whose row cannot be read; with
        the figures of the operator's view, where they count and are newer.
        """
        here = sessions.c.code.in_(codes), sessions.c.slot.is_not(None), sessions.c.status == Status.CHARGING
        query = _WITH_PROGRESS.where(*here).order_by(sessions.c.id)
        with self._database.read() as connection:
            return each(connection, query, sessions.c.key, _as_shown, self.aside) if codes else []

    def readable(self, keys: Collection[str]) -> list[Session]:
        """The sessions with these keys, but for those whose row cannot be read."""
        return self._sessions(sessions.c.key.in_(keys)) if keys else []

    def session_by_intent(self, intent_id: str) -> str | None:
        query = select(sessions.c.key).where(sessions.c.intent_id == intent_id).order_by(sessions.c.id.desc()).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def without_receipt(self) -> list[Session]:
        """Ended sessions whose receipt is still to be written; oldest first."""
        return list(self._unless_changed("sessions without receipt", lambda: self._read(_WITHOUT_RECEIPT)))

    def unproven(self, late: datetime) -> list[Session]:
        """Ended sessions that had a hold whose end is not proven, while the payment can still be looked up. Those that
        upstream never saw paid only when they ended after `late`.
        """
        return self._read(_UNPROVEN, late=late)

    def observe(self, key: str, seen: Observation, *, source: str) -> tuple[Session, tuple[Event, ...]]:
        """Fold what was seen into the session and keep both, in one transaction. Raises Missing.

        An answer to an older question is kept as an observation and changes nothing else.
        """
        with self._database.write() as connection:
            return fold_in(connection, self._cipher, lock_session(connection, key), seen, source)

    def keep_reading(self, key: str, seen: Observation, source: str) -> None:
        """As evidence, of a session whose own row cannot be read: nothing is folded."""
        with self._database.write() as connection:
            append_observation(connection, key, source, seen)

    def mark_gone(self, key: str, asked_at: datetime, now: datetime) -> Session:
        """Upstream answered 404. An answer to an older question changes nothing. Raises Missing."""
        with self._database.write() as connection:
            before = lock_session(connection, key)
            return save_session(connection, before, gone(before, utc(asked_at), utc(now)), now)

    def give_up(self, key: str, now: datetime) -> Session:
        """Its driver cancelled before paying: the bay is free, and upstream's session is kept for a while."""
        with self._database.write() as connection:
            before = lock_session(connection, key)
            return save_session(connection, before, replace(before, given_up_at=now), now)

    def take_back(self, key: str, now: datetime, limit_minor: int | None) -> bool:
        """Its driver starts there again: it is theirs as before. False when the bay or the session is gone."""
        with self._database.write() as connection:
            before = lock_session(connection, key)
            held = select(sessions.c.key).where(sessions.c.slot == slot_of(before.code, before.connector_id))
            if not before.given_up or before.wish is not None or connection.execute(held).first() is not None:
                return False
            cancels = (
                (commands.c.session_key == key)
                & (commands.c.kind == Kind.CANCEL)
                & (commands.c.state != CommandState.WITHDRAWN)
            )
            if connection.execute(select(commands.c.id).where(cancels)).first() is not None:
                return False
            again = replace(before, given_up_at=None, limit_minor=limit_minor, status_since=now)
            save_session(connection, before, again, now)
            return True

    def given_up(self) -> list[Session]:
        """Those that upstream still keeps for drivers who cancelled; oldest first."""
        found = self._unless_changed("sessions given up", lambda: self._read(_GIVEN_UP))
        return [session for session in found if session.given_up]

    def agree(self, key: str, word: str, now: datetime) -> Session:
        """Its driver has read these terms and agreed to them."""
        with self._database.write() as connection:
            before = lock_session(connection, key)
            return save_session(connection, before, replace(before, agreed=word), now)

    def set_limit(self, key: str, limit_minor: int | None) -> Session:
        with self._database.write() as connection:
            before = lock_session(connection, key)
            return save_session(connection, before, replace(before, limit_minor=limit_minor), before.requested_at)

    def show_payment(self, key: str, now: datetime) -> Session:
        """The payment form is about to be handed out. The first time counts. Raises Missing."""
        with self._database.write() as connection:
            before = lock_session(connection, key)
            if before.payment_shown_at is not None:
                return before
            return save_session(connection, before, replace(before, payment_shown_at=utc(now)), now)

    def set_proof(self, key: str, proof: HoldProof) -> Session:
        with self._database.write() as connection:
            before = lock_session(connection, key)
            return save_session(connection, before, with_proof(before, proof), proof.checked_at)

    def token(self, key: str) -> str | None:
        """The upstream session token; None when there is none, or no key of ours fits any more."""
        with self._database.read() as connection:
            stored = connection.execute(_TOKEN, {"key": key}).scalar_one_or_none()
        return None if stored is None else self._cipher.decrypt(stored)

    def payment(self, key: str) -> PaymentContext | None:
        with self._database.read() as connection:
            stored = connection.execute(select(sessions.c.payment).where(sessions.c.key == key)).scalar_one_or_none()
        return payment_from(self._cipher, stored)

    def hint(self, key: str, now: datetime) -> None:
        """Something outside says that it changed. The latest hint counts; one for an unknown session is dropped."""
        with self._database.write() as connection:
            if read_session(connection, key) is None:
                return
            known = connection.execute(select(hints.c.hinted_at).where(hints.c.session_key == key)).scalar_one_or_none()
            if known is None:
                connection.execute(insert(hints).values(session_key=key, hinted_at=now))
            elif known < now:
                connection.execute(update(hints).where(hints.c.session_key == key).values(hinted_at=now))

    def look_again(self, key: str, now: datetime, after: timedelta) -> bool:
        """A hint about a session that has ended, by a reader. False when there was one less than `after` ago, or when
        the store cannot write.
        """
        long_ago = or_(sessions.c.looked_at.is_(None), sessions.c.looked_at <= utc(now) - after)
        look = update(sessions).where(sessions.c.key == key, long_ago).values(looked_at=now)
        try:
            with self._database.write_soon() as connection:
                if not changed_one(connection, look):
                    return False
                insert_once(connection, hints, {"session_key": key, "hinted_at": now})
        except CannotWrite:
            return False
        return True

    def hints(self) -> dict[str, datetime]:
        glance = self._glance()
        if glance is not None and not glance.hints:
            return {}
        return dict(self._unless_changed("hints", self._hints))

    def _hints(self) -> list[tuple[str, datetime]]:
        with self._database.read() as connection:
            return each(
                connection, _HINTS, hints.c.session_key, lambda row: (row["session_key"], row["hinted_at"]), self.aside
            )

    def clear_hint(self, key: str, before: datetime) -> None:
        """Forget the hint unless it is later than `before`, the time at which the answering question was asked."""
        before = utc(before)
        if self._glance() is not None and key not in self.hints():
            return  # nothing is written for nothing; one that comes now is later than the question
        with self._database.write() as connection:
            connection.execute(_FORGET_HINT, {"key": key, "before": before})

    def observations(self, key: str, limit: int | None = None) -> list[StoredObservation]:
        """All of them, or the newest `limit`, in the order in which they were made."""
        query = select(observations).where(observations.c.session_key == key)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(observations.c.id.desc()).limit(limit)).mappings().all()
        return [StoredObservation(**row) for row in reversed(rows)]

    def erase_personal(self, before: datetime, refunds_before: datetime | None = None) -> int:
        """Erase e-mails, device hashes, notes, tokens and payment secrets of sessions that ended (or were lost) before
        then.

        A lost session that may still come back keeps its token: its hold has to be seen to an end. One of which money
        was taken keeps token and payment until `refunds_before`: a refund may still be seen by them. Receipts, figures
        and observations stay: they name nobody. Returns the number of sessions that had anything to erase.
        """
        mailed = there_is().where(commands.c.session_key == sessions.c.key, commands.c.email.is_not(None))
        owned = there_is().where(grants.c.session_key == sessions.c.key)
        mailed_by_us = there_is().where(mails.c.session_key == sessions.c.key)
        noted = there_is().where(desk_notes.c.session_key == sessions.c.key)
        unwatched = sessions.c.watch.is_(False)
        taken = or_(sessions.c.captured_minor > 0, sessions.c.status.in_((Status.CAPTURED, Status.REFUNDED)))
        no_refund = or_(taken.is_not(True), sessions.c.ended_at < (refunds_before or before))
        secret = unwatched & no_refund & or_(sessions.c.token.is_not(None), sessions.c.payment.is_not(None))
        over = sessions.c.ended_at < before
        query = (
            select(sessions.c.key)
            .where(over, or_(secret, mailed, owned, mailed_by_us, noted))
            .order_by(sessions.c.ended_at)
        )
        erased = 0
        while True:
            with self._database.write() as connection:
                keys = connection.execute(query.limit(_ERASE_AT_ONCE)).scalars().all()
                if not keys:
                    return erased
                those = sessions.c.key.in_(keys)
                connection.execute(update(sessions).where(those, secret).values(token=None, payment=None))
                mailed_to = update(commands).where(commands.c.session_key.in_(keys))
                connection.execute(mailed_to.values(email=None, email_mark=None))
                connection.execute(delete(grants).where(grants.c.session_key.in_(keys)))
                connection.execute(delete(takeovers).where(takeovers.c.session_key.in_(keys)))
                connection.execute(delete(taken_back).where(taken_back.c.session_key.in_(keys)))
                connection.execute(delete(mails).where(mails.c.session_key.in_(keys)))
                connection.execute(delete(desk_notes).where(desk_notes.c.session_key.in_(keys)))
            erased += len(keys)

    def _sessions(self, *wanted: ColumnElement[bool]) -> list[Session]:
        return self._read(_IN_ORDER.where(*wanted))

    def _read(self, query: Select[Any], **values: object) -> list[Session]:
        with self._database.read() as connection:
            return each(connection, query, sessions.c.key, session_from, self.aside, **values)
