"""What the engine and the webhooks remember across restarts: leases, calls that spent a budget, events seen once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, String, bindparam, delete, func, insert, or_, select, type_coerce, update

from kiosk.domain.commands import CommandState
from kiosk.domain.session import Phase
from kiosk.domain.status import Status, facts
from kiosk.store.aside import each
from kiosk.store.cipher import Cipher
from kiosk.store.database import Database, changed_one, insert_once
from kiosk.store.records import Lease, Tally, Webhook
from kiosk.store.rows import Part, held
from kiosk.store.tables import calls, closures, commands, exceptions, leases, progress, sessions, webhooks
from kiosk.store.types import utc

_KEEP_CALLS = timedelta(minutes=10)
_FORGET_CALLS_EVERY = timedelta(minutes=1)
_KEEP_CLOSURES = timedelta(days=1)
_TRIED = "tried"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


# Put together once, because the engine runs them with every call and every few seconds.
_LEASE = select(leases.c.holder, leases.c.until).where(leases.c.name == bindparam("of_name"))
_LEASE_LOCKED = (
    select(leases.c.holder, leases.c.until, leases.c.number)
    .where(leases.c.name == bindparam("of_name"))
    .with_for_update()
)
_RENEW_LEASE = (
    update(leases)
    .where(
        leases.c.name == bindparam("of_name"),
        leases.c.holder == bindparam("of_holder"),
        leases.c.number.is_not(None),
        leases.c.until > bindparam("now", type_=leases.c.until.type),
        leases.c.until <= bindparam("at_most", type_=leases.c.until.type),
    )
    .values(until=bindparam("renewed", type_=leases.c.until.type))
    .returning(leases.c.number)
)
_TAKE_LEASE = update(leases).where(leases.c.name == bindparam("of_name"))
_RELEASE_LEASE = (
    update(leases)
    .where(leases.c.name == bindparam("of_name"), leases.c.holder == bindparam("of_holder"))
    .values(holder="", until=_LONG_AGO)
)
_NOTE_CALL = insert(calls)
_NEWEST_WEBHOOKS = (
    select(webhooks.c.session_key, func.max(webhooks.c.received_at))
    .where(webhooks.c.received_at > bindparam("after", type_=webhooks.c.received_at.type))
    .where(webhooks.c.session_key.is_not(None))
    .group_by(webhooks.c.session_key)
)
_HOLDS = select(func.count(), func.min(sessions.c.held_seen_at)).where(
    sessions.c.held_seen_at.is_not(None), sessions.c.watch.is_(True)
)
_FIGURES = (
    select(sessions.c.fresh_at, progress.c.rose_at)
    .join(progress, (progress.c.session_key == sessions.c.key) & progress.c.agreed_at.is_not(None), isouter=True)
    .where(sessions.c.watch.is_(True), sessions.c.status == Status.CHARGING.value)
)
"""Of a charge that an operator's list tells of too, the newer of the two: as its page does."""
_LEVEL = type_coerce(exceptions.c.level, String)
_ATTENTION = (
    select(_LEVEL, func.count(), func.min(exceptions.c.since)).where(exceptions.c.closed_at.is_(None)).group_by(_LEVEL)
)
_FORGET_CALLS = delete(calls).where(calls.c.called_at < bindparam("before", type_=calls.c.called_at.type))


class Machinery(Part):
    def __init__(self, database: Database, cipher: Cipher) -> None:
        super().__init__(database, cipher)
        self._held: set[tuple[str, str]] = set()
        """Leases that were taken, and by whom, the last time that this process asked for them."""
        self._forgot_calls = _LONG_AGO

    leases_by_server = False
    """Leases are counted by the database server's clock, and not by the time that is handed in: the clocks of several
    machines are never quite the same.
    """

    def _by_clock(self, connection: Connection, now: datetime) -> datetime:
        return self._database.time_of(connection, utc(now)) if self.leases_by_server else utc(now)

    def take_lease(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        """Take or renew it until `now + ttl`; None while another one has it.

        Unless an unbroken hold is renewed its number rises: another one may have held it in between, or may not.
        """
        self.alone.prepare()
        if (name, holder) not in self._held and self._another_leads(name, holder, now, ttl):
            return None
        self._held.discard((name, holder))
        lease = self._take_lease(name, holder, now, ttl)
        if lease is not None:
            self._held.add((name, holder))
        return lease

    def _take_lease(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        with self._database.write() as connection:
            now = self._by_clock(connection, now)
            until = now + ttl
            mine = {"of_name": name, "of_holder": holder, "now": now, "at_most": until + ttl, "renewed": until}
            kept = connection.execute(_RENEW_LEASE, mine).scalar_one_or_none()
            if kept is not None:
                return Lease(name, holder, kept, unbroken=True)
            row = connection.execute(_LEASE_LOCKED, {"of_name": name}).one_or_none()
            if row is None:
                first = {"name": name, "holder": holder, "until": until, "number": 1}
                return Lease(name, holder, 1, unbroken=False) if insert_once(connection, leases, first) else None
            # Nobody holds it for longer than its time to live. One that ends much later was taken before the wall clock
            # was set back and this process began. Twice the time, because another process may read the clock a moment
            # later.
            over = row.until <= now or row.until > until + ttl
            if row.holder != holder and not over:
                return None
            unbroken = row.holder == holder and not over
            number = (row.number or 0) + (0 if unbroken else 1)
            taken = {"holder": holder, "until": until, "number": number}
            connection.execute(_TAKE_LEASE, {"of_name": name, **taken})
            return Lease(name, holder, number, unbroken)

    def _another_leads(self, name: str, holder: str, now: datetime, ttl: timedelta) -> bool:
        """Asked before a write: all who stand by ask every second, and writes wait for each other."""
        if self.leases_by_server:
            with self._database.read() as connection:
                row = connection.execute(_LEASE, {"of_name": name}).one_or_none()
                return row is not None and row.holder != holder and row.until > self._by_clock(connection, now)
        found = self._unless_changed(f"lease {name}", lambda: self._lease_row(name))
        return found is not None and found[0] != holder and utc(now) < found[1] <= utc(now) + 2 * ttl

    def _lease_row(self, name: str) -> tuple[str, datetime] | None:
        with self._database.read() as connection:
            row = connection.execute(_LEASE, {"of_name": name}).one_or_none()
            return None if row is None else (row.holder, row.until)

    def release_lease(self, name: str, holder: str) -> None:
        """Give it back; nothing happens when another one has it. Its number is kept, so that none comes twice."""
        with self._database.write() as connection:
            connection.execute(_RELEASE_LEASE, {"of_name": name, "of_holder": holder})

    def holds_lease(self, lease: Lease, now: datetime) -> bool:
        """Who cannot write leads with that lease, or without one that was ever written: nobody else has one that lives,
        and of the processes that work with this file this one goes on alone. Reads only.
        """
        with self._database.read() as connection:
            return self._goes_on(connection, lease, self._by_clock(connection, now))

    def lease_lives(self, name: str, now: datetime) -> bool:
        """Somebody took or renewed it not longer ago than it lives. Whoever did could write to this store."""
        return self.who_holds(name, now) is not None

    def who_holds(self, name: str, now: datetime) -> str | None:
        """Whose lease lives; None when nobody's does."""
        with self._database.read() as connection:
            row = connection.execute(_LEASE, {"of_name": name}).one_or_none()
            return row.holder if row is not None and row.until > self._by_clock(connection, now) else None

    def try_write(self, now: datetime) -> None:
        """Write something and take it away again, as far as the disk. Raises CannotWrite."""
        with self._database.write() as connection:
            values = {"door": _TRIED, "until": utc(now)}
            connection.execute(delete(closures).where(closures.c.door == _TRIED))
            connection.execute(insert(closures).values(**values))
            connection.execute(delete(closures).where(closures.c.door == _TRIED))

    def note_call(self, endpoint: str, at: datetime, lease: Lease | None = None) -> None:
        """Remember a call for the budgets. Calls more than ten minutes older than this one are forgotten, soon.

        With `lease` only while it is held. Raises Deposed: then nothing may be sent.
        """
        self._under(lease)
        with self._database.write() as connection:
            if lease is not None:
                held(connection, lease)
            connection.execute(_NOTE_CALL, {"endpoint": endpoint, "called_at": at})
            if not timedelta(0) <= utc(at) - self._forgot_calls < _FORGET_CALLS_EVERY:
                connection.execute(_FORGET_CALLS, {"before": utc(at) - _KEEP_CALLS})
                self._forgot_calls = utc(at)

    def calls_since(self, at: datetime) -> list[tuple[str, datetime]]:
        """Endpoint and time of the calls at or after `at`, oldest first; also of those that were only noted."""
        query = select(calls.c.id, calls.c.endpoint, calls.c.called_at).where(calls.c.called_at >= at)
        query = query.order_by(calls.c.called_at, calls.c.id)
        with self._database.read() as connection:
            written = each(connection, query, calls.c.id, lambda row: (row["endpoint"], row["called_at"]), self.aside)
        return sorted([*written, *self.alone.calls_since(utc(at))], key=lambda call: call[1])

    def note_closure(self, door: str, until: datetime) -> None:
        """Upstream asked to be left alone at that door (an endpoint's name) until then."""
        with self._database.write() as connection:
            if not changed_one(connection, update(closures).where(closures.c.door == door).values(until=until)):
                insert_once(connection, closures, {"door": door, "until": until})
            connection.execute(delete(closures).where(closures.c.until < utc(until) - _KEEP_CLOSURES))

    def closures(self, now: datetime) -> dict[str, datetime]:
        """The doors that are still closed, and until when."""
        query = select(closures.c.door, closures.c.until).where(closures.c.until > now)
        with self._database.read() as connection:
            return dict(connection.execute(query).all())

    def tally(self) -> Tally:
        """Counted in the database, without reading one session whole."""
        phase = type_coerce(sessions.c.phase, String)  # also one that this version does not know
        live = select(phase, sessions.c.status, func.count()).where(
            or_(sessions.c.watch.is_(True), sessions.c.phase == Phase.QUEUED)
        )
        waiting = select(func.count(), func.min(commands.c.asked_at)).where(commands.c.state == CommandState.WAITING)
        unknown = (
            select(func.min(commands.c.ended_at))
            .join(sessions, sessions.c.key == commands.c.session_key)
            .where(commands.c.state == CommandState.UNKNOWN, sessions.c.watch.is_(True))
        )
        counted: Counter[str] = Counter()
        with self._database.read() as connection:
            for found, status, count in connection.execute(live.group_by(phase, sessions.c.status)):
                counted["queued" if found == Phase.QUEUED.value else facts(status).group.value] += count
            wait, oldest_waiting = connection.execute(waiting).one()
            holds, oldest_hold = connection.execute(_HOLDS).one()
            loud = connection.execute(_ATTENTION).all()
            return Tally(
                live=dict(counted),
                waiting=wait,
                oldest_waiting_at=oldest_waiting,
                oldest_unknown_at=connection.execute(unknown).scalar_one(),
                holds=holds,
                oldest_hold_at=oldest_hold,
                figures_of=tuple(max(known) for row in connection.execute(_FIGURES) if (known := [*filter(None, row)])),
                attention={level: count for level, count, _ in loud},
                attention_since=min((since for _, _, since in loud), default=None),
            )

    def note_webhook(self, event_id: str, event_type: str, key: str | None, now: datetime) -> bool:
        """True the first time that this event is seen."""
        values = {"event_id": event_id, "event_type": event_type, "session_key": key, "received_at": now}
        with self._database.write() as connection:
            return insert_once(connection, webhooks, values)

    def webhooks_after(self, at: datetime) -> dict[str, datetime]:
        """The sessions whose payment an event has named after then, and when the last one came."""
        with self._database.read() as connection:
            return dict(connection.execute(_NEWEST_WEBHOOKS, {"after": at}).all())

    def webhooks_of(self, key: str) -> list[Webhook]:
        """The events that named the payment of this session, in the order in which they came."""
        query = select(webhooks.c.event_type, webhooks.c.received_at).where(webhooks.c.session_key == key)
        with self._database.read() as connection:
            return [Webhook(**row) for row in connection.execute(query.order_by(webhooks.c.received_at)).mappings()]
