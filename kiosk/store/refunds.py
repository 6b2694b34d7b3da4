"""Refunds that people at the desk have asked for: each written down with its own key before anything leaves."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, func, insert, or_, select, update

from kiosk.domain.money import Money
from kiosk.domain.refunding import OPEN_STATES, RefundState, RefundWish
from kiosk.store.database import changed_one
from kiosk.store.errors import WrongState
from kiosk.store.rows import Part, lock_session
from kiosk.store.tables import refunds, sessions
from kiosk.store.types import utc

MOST_DUE = 20
SENDING = timedelta(seconds=30)
"""No call lives for so long: whoever sent it has written down what became of it, or is gone."""

_DUE = (
    select(refunds)
    .where(refunds.c.open_of.is_not(None), refunds.c.next_at <= bindparam("now", type_=refunds.c.next_at.type))
    .order_by(refunds.c.next_at, refunds.c.id)
    .limit(MOST_DUE)
)
_NEWEST = (
    select(refunds, sessions.c.code)
    .join(sessions, sessions.c.key == refunds.c.session_key)
    .where(
        refunds.c.id.in_(select(func.max(refunds.c.id)).group_by(refunds.c.session_key)),
        or_(
            refunds.c.open_of.is_not(None),
            refunds.c.ended_at > bindparam("since", type_=refunds.c.ended_at.type),
            refunds.c.session_key.in_(bindparam("keys", expanding=True)),
        ),
    )
    .order_by(refunds.c.id)
)
"""Made once: the engine asks for them all day."""


class Refunds(Part):
    def ask_refund(self, key: str, amount: Money, who: str, now: datetime, *, earlier: int) -> RefundWish:
        """Write the wish down. `earlier`: how many of that session whoever asks has seen.

        Raises WrongState when there is another one since, or one that has not ended; Missing without a session.
        """
        with self._database.write() as connection:
            lock_session(connection, key)
            rows = connection.execute(select(refunds.c.state).where(refunds.c.session_key == key)).scalars().all()
            if len(rows) != earlier or OPEN_STATES.intersection(rows):
                raise WrongState("another refund of that session was asked for")
            values = {
                "session_key": key,
                "open_of": key,
                "amount_minor": amount.minor,
                "currency": amount.currency,
                "who": who,
                "call_key": f"kiosk-refund-{secrets.token_urlsafe(24)}",
                "state": RefundState.WAITING,
                "asked_at": utc(now),
                "next_at": utc(now),
                "attempts": 0,
            }
            connection.execute(insert(refunds).values(**values))
        return self.refunds_of(key)[-1]

    def refunds_of(self, key: str) -> list[RefundWish]:
        """The oldest first."""
        query = select(refunds).where(refunds.c.session_key == key).order_by(refunds.c.id)
        with self._database.read() as connection:
            return [_wish(row) for row in connection.execute(query).mappings()]

    def due_refunds(self, now: datetime) -> list[RefundWish]:
        """Those that have not ended and are to be looked at, the oldest first."""
        glance = self._glance()
        if glance is not None and (glance.refund_at is None or glance.refund_at > utc(now)):
            return []
        with self._database.read() as connection:
            rows = connection.execute(_DUE, {"now": utc(now)}).mappings().all()
        return [_wish(row) for row in rows]

    def newest_refunds(self, since: datetime, keys: Collection[str] = ()) -> list[tuple[str, RefundWish]]:
        """The newest refund of a session each, with the code of its charger: those without an end, those that ended
        since then, and those of the sessions with these keys, however old.
        """
        with self._database.read() as connection:
            rows = connection.execute(_NEWEST, {"since": utc(since), "keys": sorted(keys)}).mappings()
            return [(row["code"], _wish(row)) for row in rows]

    def claim_refund(self, wish: RefundWish, now: datetime) -> bool:
        """Whoever gets True sends it now: from here on it may have left. False: somebody else has it."""
        same = (refunds.c.id == wish.id) & (refunds.c.state == wish.state) & (refunds.c.next_at == utc(wish.next_at))
        values = {
            "state": RefundState.SENT,
            "next_at": utc(now) + SENDING,
            "sent_at": func.coalesce(refunds.c.sent_at, utc(now)),
        }
        with self._database.write() as connection:
            return changed_one(connection, update(refunds).where(same).values(**values))

    def put_off_refund(self, wish: RefundWish, next_at: datetime, said: str, refund_id: str | None = None) -> None:
        """It has no end yet. `refund_id`: Stripe has it."""
        values: dict[str, Any] = {"next_at": utc(next_at), "said": said, "attempts": refunds.c.attempts + 1}
        if refund_id is not None:
            values |= {"state": RefundState.PENDING, "refund_id": refund_id}
        self._change(wish, values)

    def end_refund(
        self, wish: RefundWish, state: RefundState, now: datetime, said: str, refund_id: str | None = None
    ) -> None:
        """DONE or REFUSED. Another refund of its session may be asked for from now on."""
        values: dict[str, Any] = {"state": state, "ended_at": utc(now), "said": said, "open_of": None}
        self._change(wish, values if refund_id is None else {**values, "refund_id": refund_id})

    def _change(self, wish: RefundWish, values: Mapping[str, Any]) -> None:
        with self._database.write() as connection:
            this = (refunds.c.id == wish.id) & refunds.c.open_of.is_not(None)
            connection.execute(update(refunds).where(this).values(**values))


def _wish(row: RowMapping) -> RefundWish:
    return RefundWish(
        id=row["id"],
        session_key=row["session_key"],
        amount=Money(row["amount_minor"], row["currency"]),
        who=row["who"],
        key=row["call_key"],
        state=row["state"],
        asked_at=row["asked_at"],
        next_at=row["next_at"],
        attempts=row["attempts"],
        sent_at=row["sent_at"],
        ended_at=row["ended_at"],
        refund_id=row["refund_id"],
        said=row["said"],
    )
