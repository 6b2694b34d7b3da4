"""What upstream last said of each charger, why it could not be read, and which ones somebody waits for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from kiosk.domain.charger import ChargerCard, merge
from kiosk.domain.commands import Refusal
from kiosk.domain.sighting import Sighting, card_with, same_but_for_time
from kiosk.store.database import changed_one, insert_once
from kiosk.store.rows import Part
from kiosk.store.tables import chargers
from kiosk.store.types import utc

_FORGET_UNKNOWN_AFTER = timedelta(days=1)


class Chargers(Part):
    def card(self, code: str) -> ChargerCard | None:
        return self.cards([code]).get(code)

    def cards(self, codes: Sequence[str]) -> dict[str, ChargerCard]:
        """The known ones of these."""
        query = select(chargers.c.code, chargers.c.card).where(chargers.c.code.in_(codes), chargers.c.card.is_not(None))
        with self._database.read() as connection:
            return dict(connection.execute(query).all())

    def save_card(self, card: ChargerCard) -> ChargerCard:
        """Keep the card, merged with the previous one; clears the problem and the wish. An older card is not kept."""
        with self._database.write() as connection:
            query = select(chargers.c.card).where(chargers.c.code == card.code).with_for_update()
            previous: ChargerCard | None = connection.execute(query).scalar_one_or_none()
            kept = merge(previous, card)
            if previous is not None and previous.seen_at > card.seen_at:
                kept = previous
            cleared = {"problem": None, "problem_at": None, "wanted_at": None}
            _put(connection, card.code, {"card": kept, **cleared})
            return kept

    def save_sightings(self, sightings: Sequence[Sighting], now: datetime) -> list[str]:
        """Bring the cards of these chargers up to what the operator's view says, all of them at once.

        Wishes and problems stay: they are about the public card. Returns the codes whose card reads differently now,
        or was too old to be shown before.
        """
        changed = []
        with self._database.write() as connection:
            codes = [seen.code for seen in sightings]
            query = select(chargers.c.code, chargers.c.card).where(chargers.c.code.in_(codes)).with_for_update()
            known: dict[str, ChargerCard | None] = dict(connection.execute(query).all())
            for seen in sightings:
                before = known.get(seen.code)
                card = card_with(before, seen)
                if card is None:
                    continue
                _put(connection, seen.code, {"card": card})
                known[seen.code] = card
                if before is None or before.stale(now) or not same_but_for_time(before, card):
                    changed.append(seen.code)
        return changed

    def note_card_problem(self, code: str, refusal: Refusal | None, at: datetime) -> None:
        """It could not be read: refused, or (None) no answer. The last card stays; the wish is answered.

        Codes that were never a charger are forgotten after a day, because anybody can type one.
        """
        never = chargers.c.card.is_(None) & chargers.c.wanted_at.is_(None)
        with self._database.write() as connection:
            _put(connection, code, {"problem": refusal, "problem_at": at, "wanted_at": None})
            stale = chargers.c.problem_at < utc(at) - _FORGET_UNKNOWN_AFTER
            connection.execute(delete(chargers).where(never, stale))

    def card_problem(self, code: str) -> tuple[Refusal | None, datetime] | None:
        """Why the last read failed, and when; None when it did not."""
        query = select(chargers.c.problem, chargers.c.problem_at).where(
            chargers.c.code == code, chargers.c.problem_at.is_not(None)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.problem, row.problem_at)

    def card_and_problem(self, code: str) -> tuple[ChargerCard | None, tuple[Refusal | None, datetime] | None]:
        """`card` and `card_problem` in one read."""
        with self._database.read() as connection:
            row = connection.execute(_CARD_AND_PROBLEM, {"code": code}).one_or_none()
        if row is None:
            return None, None
        return row.card, None if row.problem_at is None else (row.problem, row.problem_at)

    def want_card(self, code: str, now: datetime) -> None:
        """Somebody waits for a fresh card. The oldest wish counts."""
        unwanted = (chargers.c.code == code) & chargers.c.wanted_at.is_(None)
        with self._database.write() as connection:
            if not changed_one(connection, update(chargers).where(unwanted).values(wanted_at=now)):
                insert_once(connection, chargers, {"code": code, "wanted_at": now})

    def wanted_cards(self) -> list[tuple[str, datetime]]:
        """Codes and since when they are wanted, oldest wish first."""
        query = select(chargers.c.code, chargers.c.wanted_at).where(chargers.c.wanted_at.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(chargers.c.wanted_at, chargers.c.code))
            return [(code, at) for code, at in rows]


_CARD_AND_PROBLEM = select(chargers.c.card, chargers.c.problem, chargers.c.problem_at).where(
    chargers.c.code == bindparam("code")
)
"""Made once, because it is asked for every page of a charger."""


def _put(connection: Connection, code: str, values: dict[str, Any]) -> None:
    if not changed_one(connection, update(chargers).where(chargers.c.code == code).values(**values)):
        insert_once(connection, chargers, {"code": code, **values})
