"""What a person of the operator should look at: the list that is kept, and tokens that no secret of ours opens.

A row is opened when its reason is seen, grows louder, and is closed when the reason is gone. Rows that are closed stay:
they are part of the session's story.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, bindparam, insert, or_, select, update

from kiosk.domain.attention import OF_REFUND, Attention, Level, Matter, attention, happened_again, level_of
from kiosk.domain.commands import Command, CommandState
from kiosk.domain.handling import Handling
from kiosk.domain.limits import Policy
from kiosk.domain.session import Phase, Session
from kiosk.store.aside import each
from kiosk.store.rows import SELECT_COMMAND, SELECT_SESSION, Part, command_from, session_from
from kiosk.store.tables import commands, exceptions, received_tokens, sessions
from kiosk.store.types import utc

LISTED_FOR = timedelta(days=90)
"""So long after its end a session stands in the list."""
MOST = 1000
"""The newest of a list that is read at once."""


_LATELY = SELECT_SESSION.where(
    or_(sessions.c.watch.is_(True), sessions.c.ended_at > bindparam("since", type_=sessions.c.ended_at.type))
).order_by(sessions.c.id.desc())
_UNANSWERED = SELECT_COMMAND.where(
    commands.c.state == CommandState.UNKNOWN,
    commands.c.session_key.in_(select(sessions.c.key).where(sessions.c.watch.is_(True))),
)
_REFUSING = select(sessions.c.code).where(
    sessions.c.phase == Phase.REFUSED, sessions.c.requested_at > bindparam("since", type_=sessions.c.requested_at.type)
)
_EVERY_OPEN = select(exceptions).where(exceptions.c.closed_at.is_(None))
_OPEN = _EVERY_OPEN.order_by(exceptions.c.since).limit(MOST)
"""Made once, like those above: the engine asks for them all day."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the list. `noticed_at` is when it was opened, `level_at` when it became as loud as it is."""

    id: int
    matter: Matter
    noticed_at: datetime
    level: Level
    level_at: datetime
    closed_at: datetime | None = None
    handling: Handling = field(default_factory=Handling)


@dataclass(frozen=True, slots=True)
class Changes:
    """What one look has changed."""

    opened: tuple[Listed, ...] = ()
    louder: tuple[Listed, ...] = ()
    closed: tuple[Listed, ...] = ()


class Exceptions(Part):
    def exceptions(self, now: datetime, policy: Policy | None = None) -> list[tuple[Session, tuple[Attention, ...]]]:
        """Every session that is open, or ended lately, of which something is odd now; newest first. Slow."""
        found = self.of_late(now - LISTED_FOR)
        return [(session, odd) for session in found if (odd := attention(session, now, policy))]

    def of_late(self, since: datetime) -> list[Session]:
        """Sessions that are open, or ended since then; newest first."""
        with self._database.read() as connection:
            return each(connection, _LATELY, sessions.c.key, session_from, self.aside, since=utc(since))

    def unanswered_of(self, keys: Collection[str]) -> list[Command]:
        """The commands of these sessions of which nobody knows what became."""
        with self._database.read() as connection:
            found = each(connection, _UNANSWERED, commands.c.id, command_from, self.aside)
        return [one for one in found if one.session_key in keys]

    def refusing_chargers(self, since: datetime) -> list[str]:
        """The codes of chargers at which a start was refused since then."""
        with self._database.read() as connection:
            return sorted(set(connection.execute(_REFUSING, {"since": utc(since)}).scalars()))

    def open_exceptions(self) -> list[Listed]:
        """The loudest and oldest first."""
        with self._database.read() as connection:
            found = [listed_from(row) for row in connection.execute(_OPEN).mappings()]
        return sorted(found, key=lambda one: (-_LOUDNESS.index(one.level), one.matter.since))

    def every_open_exception(self) -> list[Listed]:
        """However many there are: what was left out here would be opened a second time."""
        with self._database.read() as connection:
            rows = connection.execute(_EVERY_OPEN).mappings()
            return [listed_from(row) for row in rows]

    def exceptions_of(self, key: str) -> list[Listed]:
        """Of one session, with those that are closed; oldest first."""
        query = select(exceptions).where(exceptions.c.subject == key).order_by(exceptions.c.id)
        with self._database.read() as connection:
            return [listed_from(row) for row in connection.execute(query).mappings()]

    def keep_exceptions(
        self,
        found: Sequence[Matter],
        looked_at: Collection[str],
        now: datetime,
        others: Collection[tuple[Attention, str]] = (),
    ) -> Changes:
        """Write down what was found in one look at the sessions with these keys, and for these other reasons, each with
        its charger or the session of its refund: of them, what was not found any more is closed. What happened again is
        closed and opened anew. Everything else stays as it is.
        """
        wanted = {(one.kind, one.subject): one for one in found}
        known = {(one.matter.kind, one.matter.subject): one for one in self.every_open_exception()}
        sessions_looked_at, places = set(looked_at), set(others)
        again = {place for place in wanted.keys() & known if happened_again(known[place].matter, wanted[place])}
        opened = [one for place, one in wanted.items() if place not in known or place in again]
        louder = [
            (known[place], one, level)
            for place, one in wanted.items()
            if place in known and place not in again and (level := level_of(one, now)) is not known[place].level
        ]
        closed = [
            one
            for place, one in known.items()
            if place in again
            or (
                place not in wanted
                and (place in places if _apart(one.matter) else one.matter.subject in sessions_looked_at)
            )
        ]
        if not opened and not louder and not closed:
            return Changes()
        at = utc(now)
        with self._database.write() as connection:
            made = [number_of(connection.execute(insert(exceptions).values(**_values(one, at)))) for one in opened]
            for row, one, level in louder:
                changed = {"level": level, "level_at": at, "amount_minor": one.amount_minor, "currency": one.currency}
                connection.execute(update(exceptions).where(exceptions.c.id == row.id).values(**changed))
            for row in closed:
                connection.execute(update(exceptions).where(exceptions.c.id == row.id).values(closed_at=at))
        return Changes(
            tuple(Listed(number, one, at, level_of(one, now), at) for number, one in zip(made, opened, strict=True)),
            tuple(replace(row, matter=one, level=level, level_at=at) for row, one, level in louder),
            tuple(replace(row, closed_at=at) for row in closed),
        )

    def sealed_off(self) -> int:
        """How many sessions that may still hold money have a token that no secret of ours opens."""
        live = select(sessions.c.token).where(sessions.c.watch.is_(True), sessions.c.token.is_not(None))
        with self._database.read() as connection:
            sealed = [
                *connection.execute(live).scalars(),
                *connection.execute(select(received_tokens.c.token)).scalars(),
            ]
        return sum(self._cipher.decrypt(text) is None for text in sealed)


_LOUDNESS = list(Level)


def _apart(matter: Matter) -> bool:
    """A look at its session does not say whether it is over."""
    return matter.of_charger or matter.kind in OF_REFUND


def _values(one: Matter, at: datetime) -> dict[str, object]:
    return {
        "kind": one.kind,
        "subject": one.subject,
        "code": one.code,
        "since": utc(one.since),
        "act": one.act,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "noticed_at": at,
        "level": level_of(one, at),
        "level_at": at,
    }


def number_of(result: object) -> int:
    key = getattr(result, "inserted_primary_key", None)
    if key is None:
        raise LookupError("a row without a number")
    return int(key[0])


def listed_from(row: RowMapping) -> Listed:
    fields = ("kind", "subject", "code", "since", "act", "amount_minor", "currency")
    matter = Matter(**{name: row[name] for name in fields})
    handling = Handling(row["owner"], row["aside_until"], row["done_at"])
    return Listed(row["id"], matter, row["noticed_at"], row["level"], row["level_at"], row["closed_at"], handling)
