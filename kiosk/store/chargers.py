"""What upstream last said of each charger, why it could not be read, and which ones somebody waits for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, func, select, update

from kiosk.domain.asking import MOST_WISHES, WISH_LIVES, CardWish, Lane, Problem
from kiosk.domain.charger import ChargerCard, merge
from kiosk.domain.commands import Refusal
from kiosk.domain.pace import Pace
from kiosk.domain.sighting import Sighting, card_with, same_but_for_time
from kiosk.store.aside import each
from kiosk.store.database import changed_one, insert_once
from kiosk.store.errors import CannotWrite
from kiosk.store.prices import note_price
from kiosk.store.records import StoredCard
from kiosk.store.rows import Part
from kiosk.store.tables import card_wishes, chargers
from kiosk.store.types import utc

_FORGET_UNKNOWN_AFTER = timedelta(days=1)
_IN_A_ROW = timedelta(minutes=30)
"""Two failures that are further apart than this have nothing to do with each other."""


def _card_wish(row: RowMapping) -> CardWish:
    return CardWish(row["code"], row["wanted_at"], Lane(row["lane"]), row["put_off"])


class Chargers(Part):
    def card(self, code: str) -> ChargerCard | None:
        return self.cards([code]).get(code)

    def cards(self, codes: Sequence[str]) -> dict[str, ChargerCard]:
        """The known ones of these."""
        with self._database.read() as connection:
            found = connection.execute(_CARDS, {"codes": codes})
            return {code: card for code, card in found if card is not None}

    def save_card(self, card: ChargerCard) -> ChargerCard:
        """Keep the card, merged with the previous one; clears the problem and the wish. An older card is not kept."""
        with self._database.write() as connection:
            previous: ChargerCard | None = connection.execute(_CARD_LOCKED, {"code": card.code}).scalar_one_or_none()
            kept = merge(previous, card)
            if previous is not None and previous.seen_at > card.seen_at:
                kept = previous
            cleared = {"problem": None, "problem_at": None, "problems": 0}
            _put(connection, card.code, {"card": kept, **cleared})
            note_price(connection, previous, kept)
            _fulfil(connection, card.code)
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
                note_price(connection, before, card)
                known[seen.code] = card
                if before is None or before.stale(now) or not same_but_for_time(before, card):
                    changed.append(seen.code)
        return changed

    def note_card_problem(self, code: str, refusal: Refusal | None, at: datetime) -> None:
        """It could not be read: refused, or (None) no answer. The last card stays; the wish is answered.

        Codes that were never a charger are forgotten after a day, because anybody can type one.
        """
        with self._database.write() as connection:
            query = select(chargers.c.problem_at, chargers.c.problems).where(chargers.c.code == code)
            before = connection.execute(query.with_for_update()).one_or_none()
            goes_on = before is not None and before.problem_at is not None and at - before.problem_at <= _IN_A_ROW
            times = before.problems + 1 if before is not None and goes_on else 1
            _put(connection, code, {"problem": refusal, "problem_at": at, "problems": times})
            _fulfil(connection, code)
            stale = chargers.c.problem_at < utc(at) - _FORGET_UNKNOWN_AFTER
            connection.execute(delete(chargers).where(chargers.c.card.is_(None), chargers.c.pace.is_(None), stale))

    def card_problem(self, code: str) -> Problem | None:
        """Why the last read failed; None when it did not."""
        return self.card_problems([code]).get(code)

    def card_problems(self, codes: Sequence[str]) -> dict[str, Problem]:
        """Those of these whose last read failed."""
        with self._database.read() as connection:
            rows = each(
                connection,
                _PROBLEMS,
                chargers.c.code,
                lambda row: (row["code"], Problem(row["problem"], row["problem_at"], row["problems"])),
                self.aside,
                codes=list(codes),
            )
            return dict(rows)

    def card_and_problem(self, code: str) -> StoredCard:
        """`card`, `card_problem` and `pace` in one read."""
        with self._database.read() as connection:
            row = connection.execute(_CARD_AND_PROBLEM, {"code": code}).one_or_none()
        if row is None:
            return StoredCard(None, None)
        problem = None if row.problem_at is None else Problem(row.problem, row.problem_at, row.problems)
        return StoredCard(row.card, problem, row.pace)

    def pace(self, code: str) -> Pace | None:
        """How often the charger reports its meter, as far as it was seen."""
        return self.paces([code]).get(code)

    def paces(self, codes: Sequence[str]) -> dict[str, Pace]:
        """The known ones of these."""
        query = select(chargers.c.code, chargers.c.pace).where(chargers.c.code.in_(codes), chargers.c.pace.is_not(None))
        with self._database.read() as connection:
            return {code: pace for code, pace in connection.execute(query) if pace is not None}

    def want_card(self, code: str, now: datetime, lane: Lane = Lane.DRIVER) -> bool:
        """Somebody waits for a fresh card. A wish that is made again counts from the first time that still counts.

        False when too many of that lane wait already, or when the store cannot write: then nobody will be asked.
        """
        over = card_wishes.c.wanted_at <= utc(now) - WISH_LIVES
        waits = select(func.count()).select_from(card_wishes).where(card_wishes.c.lane == lane, ~over)
        try:
            with self._database.write_soon() as connection:
                connection.execute(delete(card_wishes).where(over))
                mine = card_wishes.c.code == code
                if connection.execute(select(card_wishes.c.code).where(mine)).one_or_none() is not None:
                    better = and_(mine, card_wishes.c.lane > lane)
                    connection.execute(update(card_wishes).where(better).values(lane=lane))
                    return True
                if connection.execute(waits).scalar_one() >= MOST_WISHES[lane]:
                    return False
                return insert_once(connection, card_wishes, {"code": code, "wanted_at": now, "lane": lane})
        except CannotWrite:
            return False

    def wanted_cards(self) -> list[CardWish]:
        """The wishes, the oldest first; also those that are over."""
        glance = self._glance()
        if glance is not None and not glance.wishes:
            return []
        return list(self._unless_changed("wishes for cards", self._wanted_cards))

    def _wanted_cards(self) -> list[CardWish]:
        with self._database.read() as connection:
            return each(connection, _WISHES, card_wishes.c.code, _card_wish, self.aside)

    def put_off(self, code: str) -> bool:
        """Whether the wish for that card waits, and cannot be served just now."""
        query = select(card_wishes.c.put_off).where(card_wishes.c.code == code)
        with self._database.read() as connection:
            return bool(connection.execute(query).scalar_one_or_none())

    def put_off_cards(self, codes: Sequence[str]) -> None:
        """These are wished for, and cannot be asked about just now."""
        with self._database.write() as connection:
            connection.execute(update(card_wishes).where(card_wishes.c.code.in_(codes)).values(put_off=True))

    def forget_wishes(self) -> None:
        """Nobody waits any more who asked a process that has ended."""
        with self._database.write() as connection:
            connection.execute(delete(card_wishes))


_WISHES = select(card_wishes).order_by(card_wishes.c.wanted_at, card_wishes.c.code)
_PROBLEM = (chargers.c.problem, chargers.c.problem_at, chargers.c.problems)
_CARD_AND_PROBLEM = select(chargers.c.card, *_PROBLEM, chargers.c.pace).where(chargers.c.code == bindparam("code"))
"""Made once, because it is asked for every page of a charger; those below for every card that is read."""
_CARDS = select(chargers.c.code, chargers.c.card).where(
    chargers.c.code.in_(bindparam("codes", expanding=True)), chargers.c.card.is_not(None)
)
_CARD_LOCKED = select(chargers.c.card).where(chargers.c.code == bindparam("code")).with_for_update()
_PROBLEMS = select(chargers.c.code, *_PROBLEM).where(
    chargers.c.code.in_(bindparam("codes", expanding=True)), chargers.c.problem_at.is_not(None)
)
_FULFIL = delete(card_wishes).where(card_wishes.c.code == bindparam("code"))
_PUT = update(chargers).where(chargers.c.code == bindparam("of_code"))


def _fulfil(connection: Connection, code: str) -> None:
    connection.execute(_FULFIL, {"code": code})


def learn_pace(connection: Connection, code: str, interval: timedelta, surely: timedelta | None = None) -> None:
    """One charge at that charger has shown how often it reports: at most and at least so far apart."""
    query = select(chargers.c.pace).where(chargers.c.code == code).with_for_update()
    known: Pace | None = connection.execute(query).scalar_one_or_none()
    _put(connection, code, {"pace": (known or Pace()).with_charge(interval, surely)})


def _put(connection: Connection, code: str, values: dict[str, Any]) -> None:
    if not changed_one(connection, _PUT, {"of_code": code, **values}):
        insert_once(connection, chargers, {"code": code, **values})
