"""What the engine and the webhooks remember across restarts: leases, calls that spent a budget, events seen once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, or_, select, update

from kiosk.domain.commands import CommandState
from kiosk.domain.session import Phase
from kiosk.domain.status import facts
from kiosk.store.database import changed_one, insert_once
from kiosk.store.records import Tally, Webhook
from kiosk.store.rows import Part
from kiosk.store.tables import calls, closures, commands, leases, sessions, webhooks
from kiosk.store.types import utc

_KEEP_CALLS = timedelta(minutes=10)
_KEEP_CLOSURES = timedelta(days=1)


class Machinery(Part):
    def take_lease(self, name: str, holder: str, now: datetime, ttl: timedelta) -> bool:
        """Take or renew. True when `holder` has it until `now + ttl`; False while another one has it."""
        until = utc(now) + ttl
        # Nobody holds it for longer than its time to live. One that ends much later was taken before the wall clock was
        # set back and this process began. Twice the time, because another process may read the clock a moment later.
        over = or_(leases.c.until <= now, leases.c.until > until + ttl)
        mine_or_over = or_(leases.c.holder == holder, over)
        take = update(leases).where(leases.c.name == name, mine_or_over).values(holder=holder, until=until)
        with self._database.write() as connection:
            if changed_one(connection, take):
                return True
            return insert_once(connection, leases, {"name": name, "holder": holder, "until": until})

    def release_lease(self, name: str, holder: str) -> None:
        """Give it back; nothing happens when another one has it."""
        with self._database.write() as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))

    def note_call(self, endpoint: str, at: datetime) -> None:
        """Remember a call for the budgets. Calls more than ten minutes older than this one are forgotten."""
        with self._database.write() as connection:
            connection.execute(insert(calls).values(endpoint=endpoint, called_at=at))
            connection.execute(delete(calls).where(calls.c.called_at < utc(at) - _KEEP_CALLS))

    def calls_since(self, at: datetime) -> list[tuple[str, datetime]]:
        """Endpoint and time of the calls at or after `at`, oldest first."""
        query = select(calls.c.endpoint, calls.c.called_at).where(calls.c.called_at >= at)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(calls.c.called_at, calls.c.id))
            return [(endpoint, called_at) for endpoint, called_at in rows]

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
        live = select(sessions.c.phase, sessions.c.status, func.count()).where(
            or_(sessions.c.watch.is_(True), sessions.c.phase == Phase.QUEUED)
        )
        waiting = select(func.count()).where(commands.c.state == CommandState.WAITING)
        unknown = (
            select(func.min(commands.c.ended_at))
            .join(sessions, sessions.c.key == commands.c.session_key)
            .where(commands.c.state == CommandState.UNKNOWN, sessions.c.watch.is_(True))
        )
        counted: Counter[str] = Counter()
        with self._database.read() as connection:
            for phase, status, count in connection.execute(live.group_by(sessions.c.phase, sessions.c.status)):
                counted["queued" if phase is Phase.QUEUED else facts(status).group.value] += count
            return Tally(
                dict(counted), connection.execute(waiting).scalar_one(), connection.execute(unknown).scalar_one()
            )

    def note_webhook(self, event_id: str, event_type: str, key: str | None, now: datetime) -> bool:
        """True the first time that this event is seen."""
        values = {"event_id": event_id, "event_type": event_type, "session_key": key, "received_at": now}
        with self._database.write() as connection:
            return insert_once(connection, webhooks, values)

    def webhooks_of(self, key: str) -> list[Webhook]:
        """The events that named the payment of this session, in the order in which they came."""
        query = select(webhooks.c.event_type, webhooks.c.received_at).where(webhooks.c.session_key == key)
        with self._database.read() as connection:
            return [Webhook(**row) for row in connection.execute(query.order_by(webhooks.c.received_at)).mappings()]
