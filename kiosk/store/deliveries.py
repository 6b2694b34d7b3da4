"""The messages that tell of what needs a person: of what, to whom, how often tried, and how that ended.

No text and no address stands here: a message is written when it leaves, of what is open then.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from kiosk.domain.attention import Level
from kiosk.domain.telling import DeliveryState, Why
from kiosk.store.database import changed_one, insert_once
from kiosk.store.exceptions import Listed, listed_from, number_of
from kiosk.store.rows import Part
from kiosk.store.tables import deliveries, exceptions, told
from kiosk.store.types import utc

MOST_IN_ONE = 1000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one receiver. `said`: how the last attempt ended, without an address."""

    id: int
    receiver: str
    why: Why
    state: DeliveryState
    asked_at: datetime
    attempts: int
    next_at: datetime
    tried_at: datetime | None = None
    ended_at: datetime | None = None
    said: str | None = None


_ROW = select(deliveries)


class Deliveries(Part):
    def tell(self, receiver: str, rows: Collection[tuple[int, Level]], now: datetime) -> bool:
        """Make one message about these rows, those left out of which this receiver was told at that level before.
        False: there are none.
        """
        with self._database.write() as connection:
            values = {"receiver": receiver, "why": Why.AT_ONCE, "state": DeliveryState.WAITING, "attempts": 0}
            number = number_of(connection.execute(insert(deliveries).values(**values, **_times(now))))
            new = [
                insert_once(
                    connection,
                    told,
                    {"receiver": receiver, "exception_id": row, "level": level, "delivery_id": number},
                )
                for row, level in rows
            ]
            if not any(new):
                connection.execute(delete(deliveries).where(deliveries.c.id == number))
            return any(new)

    def tell_digest(self, receiver: str, now: datetime) -> None:
        with self._database.write() as connection:
            values = {"receiver": receiver, "why": Why.DIGEST, "state": DeliveryState.WAITING, "attempts": 0}
            connection.execute(insert(deliveries).values(**values, **_times(now)))

    def told_to(self, receiver: str) -> set[tuple[int, Level]]:
        """Of what is still open, what this receiver was told, or will be as soon as it can be delivered."""
        query = select(told.c.exception_id, told.c.level).join(exceptions, exceptions.c.id == told.c.exception_id)
        with self._database.read() as connection:
            found = connection.execute(query.where(told.c.receiver == receiver, exceptions.c.closed_at.is_(None)))
            return {(number, level) for number, level in found}

    def last_made(self, receiver: str, why: Why) -> datetime | None:
        query = select(func.max(deliveries.c.asked_at)).where(
            deliveries.c.receiver == receiver, deliveries.c.why == why
        )
        with self._database.read() as connection:
            found: datetime | None = connection.execute(query).scalar_one_or_none()
            return found

    def due_deliveries(self, now: datetime) -> list[Delivery]:
        """The oldest one of each receiver: what waits for one of them keeps no other from hearing."""
        due = (deliveries.c.state == DeliveryState.WAITING) & (deliveries.c.next_at <= utc(now))
        first = select(func.min(deliveries.c.id)).where(due).group_by(deliveries.c.receiver)
        with self._database.read() as connection:
            rows = connection.execute(_ROW.where(deliveries.c.id.in_(first)).order_by(deliveries.c.id)).mappings()
            return [Delivery(**row) for row in rows]

    def newest_deliveries(self, limit: int) -> list[Delivery]:
        with self._database.read() as connection:
            rows = connection.execute(_ROW.order_by(deliveries.c.id.desc()).limit(limit)).mappings()
            return [Delivery(**row) for row in rows]

    def claim_delivery(self, number: int, now: datetime) -> bool:
        """Whoever gets True sends it now."""
        with self._database.write() as connection:
            waiting = (deliveries.c.id == number) & (deliveries.c.state == DeliveryState.WAITING)
            values = {"state": DeliveryState.SENDING, "attempts": deliveries.c.attempts + 1, "tried_at": utc(now)}
            return changed_one(connection, update(deliveries).where(waiting).values(**values))

    def what_it_tells(self, number: int) -> list[Listed]:
        """The rows of a message, open or closed, the loudest and oldest first."""
        query = select(exceptions).join(told, told.c.exception_id == exceptions.c.id)
        query = query.where(told.c.delivery_id == number).order_by(exceptions.c.level, exceptions.c.since)
        with self._database.read() as connection:
            return [listed_from(row) for row in connection.execute(query.limit(MOST_IN_ONE)).mappings()]

    def put_off_delivery(self, number: int, next_at: datetime, said: str) -> None:
        """It did not arrive, as far as anybody knows, and is tried again then."""
        self._sending(number, {"state": DeliveryState.WAITING, "next_at": utc(next_at), "said": said})

    def end_delivery(self, number: int, state: DeliveryState, now: datetime, said: str) -> None:
        self._sending(number, {"state": state, "ended_at": utc(now), "said": said})

    def take_up_deliveries(self, now: datetime) -> int:
        """Those that an earlier leader was sending are tried again: told twice is better than not at all."""
        with self._database.write() as connection:
            sending = deliveries.c.state == DeliveryState.SENDING
            values = {"state": DeliveryState.WAITING, "next_at": utc(now), "said": "cut off"}
            return connection.execute(update(deliveries).where(sending).values(**values)).rowcount

    def forget_deliveries(self, before: datetime) -> int:
        """Messages that ended before then, and what they told. What is open and was told long ago is kept."""
        old = select(deliveries.c.id).where(deliveries.c.ended_at < utc(before))
        kept = select(told.c.delivery_id).join(exceptions, exceptions.c.id == told.c.exception_id)
        old = old.where(deliveries.c.id.not_in(kept.where(exceptions.c.closed_at.is_(None))))
        with self._database.write() as connection:
            numbers = connection.execute(old.limit(MOST_IN_ONE)).scalars().all()
            connection.execute(delete(told).where(told.c.delivery_id.in_(numbers)))
            connection.execute(delete(deliveries).where(deliveries.c.id.in_(numbers)))
        return len(numbers)

    def _sending(self, number: int, values: dict[str, object]) -> None:
        with self._database.write() as connection:
            sending = (deliveries.c.id == number) & (deliveries.c.state == DeliveryState.SENDING)
            connection.execute(update(deliveries).where(sending).values(**values))


def _times(now: datetime) -> dict[str, datetime]:
    return {"asked_at": utc(now), "next_at": utc(now)}
