"""What waits in the store, by one question: a round of the engine looks at all of it, and mostly nothing waits."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, literal, select
from sqlalchemy import exists as there_is

from kiosk.domain.commands import CommandState, Kind
from kiosk.store.tables import card_wishes, commands, full_chargers, hints, received_tokens, refunds


class Glance(NamedTuple):
    """`command_at`, `unused_at` and `refund_at`: when the first that waits is due. The others: whether there is any."""

    command_at: datetime | None
    unused_at: datetime | None
    refund_at: datetime | None
    starts: bool
    sent: bool
    hints: bool
    wishes: bool
    full: bool


_WAITS = commands.c.state == CommandState.WAITING
_GLANCE: Select[Any] = select(
    select(func.min(commands.c.not_before)).where(_WAITS).scalar_subquery(),
    select(func.min(received_tokens.c.next_at)).scalar_subquery(),
    select(func.min(refunds.c.next_at)).where(refunds.c.open_of.is_not(None)).scalar_subquery(),
    there_is(select(literal(1)).where(_WAITS, commands.c.kind == Kind.START)),
    there_is(select(literal(1)).where(commands.c.state == CommandState.SENT)),
    there_is(select(literal(1)).select_from(hints)),
    there_is(select(literal(1)).select_from(card_wishes)),
    there_is(select(literal(1)).select_from(full_chargers)),
)


def glance(connection: Connection) -> Glance:
    return Glance(*connection.execute(_GLANCE).one())
