"""Which chargers are the operator's own, by what their token sees; how the reading of that list goes; and in front of
which chargers somebody waits to hear whose they are.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, select, update

from kiosk.domain.ownership import ListProblem, OwnCharger, OwnList
from kiosk.store.database import changed_one, insert_once
from kiosk.store.errors import CannotWrite
from kiosk.store.rows import Part
from kiosk.store.tables import own_asks, own_chargers, own_list
from kiosk.store.types import utc

ASK_LIVES = timedelta(seconds=30)
"""The page that waits asks again every few seconds."""
MOST_ASKS = 20
"""Beyond it nobody's charger is preferred; all are learnt in their turn."""
_THE_LIST = 1

_OWN = select(own_chargers.c.uuid).where(own_chargers.c.code == bindparam("code")).limit(1)
"""Made once, because it is asked for every page of a charger."""


class OwnChargers(Part):
    def is_own_charger(self, code: str) -> bool:
        """The operator's token sees, or saw until a short time ago, the charger with that public code."""
        with self._database.read() as connection:
            return connection.execute(_OWN, {"code": code}).one_or_none() is not None

    def own_chargers(self) -> list[OwnCharger]:
        query = select(own_chargers).order_by(own_chargers.c.uuid)
        with self._database.read() as connection:
            return [OwnCharger(**row) for row in connection.execute(query).mappings()]

    def own_list(self) -> OwnList:
        """How the reading of the list goes; all None while it was never tried."""
        with self._database.read() as connection:
            row = connection.execute(select(own_list)).one_or_none()
        if row is None:
            return OwnList()
        return OwnList(row.whole_at, row.learnt_at, _problem_of(row.problem), row.problem_since)

    def own_list_was_read(self, uuids: Collection[str], at: datetime, *, whole: bool) -> None:
        """These stand on the list as it was asked for at `at`. What a `whole` one lacks is noted as missing; a part of
        one takes nothing away.
        """
        there, known = own_chargers.c.uuid, own_chargers.c
        with self._database.write() as connection:
            before = set(connection.execute(select(there)).scalars())
            for uuid in set(uuids) - before:
                insert_once(connection, own_chargers, {"uuid": uuid})
            for uuid in before & set(uuids):
                connection.execute(update(own_chargers).where(there == uuid).values(missing_since=None))
            if not whole:
                return
            for uuid in before - set(uuids):
                connection.execute(
                    update(own_chargers).where(there == uuid, known.missing_since.is_(None)).values(missing_since=at)
                )
            problem = _problem(connection)
            of_list = problem is not None and not problem.of_settings
            _put(connection, {"whole_at": at, **({"problem": None, "problem_since": None} if of_list else {})})

    def own_list_learnt(self, at: datetime) -> None:
        """Every charger of the list of that moment was asked for its code."""
        with self._database.write() as connection:
            _put(connection, {"learnt_at": at})

    def own_list_failed(self, problem: ListProblem, now: datetime) -> None:
        """It could not be read, or not what stands on it, which counts less. What is known stays; problems count from
        the first one in a row.
        """
        with self._database.write() as connection:
            before = _problem(connection)
            if before is not None and problem.of_settings and not before.of_settings:
                return
            since = {} if before is not None else {"problem_since": now}
            _put(connection, {"problem": problem, **since})

    def own_charger_told(self, uuid: str, code: str | None, at: datetime) -> None:
        """Its settings were answered, so it is the operator's. One that is closed to the public keeps its code."""
        values = {"asked_at": at, "refused": False, "missing_since": None, **({} if code is None else {"code": code})}
        with self._database.write() as connection:
            connection.execute(update(own_chargers).where(own_chargers.c.uuid == uuid).values(**values))
            before = _problem(connection)
            if before is not None and before.of_settings:
                _put(connection, {"problem": None, "problem_since": None})

    def own_charger_refused(self, uuid: str, at: datetime) -> bool:
        """Its settings were refused. True when it is therefore forgotten, because lists lack it for long, too."""
        mine = own_chargers.c.uuid == uuid
        with self._database.write() as connection:
            connection.execute(update(own_chargers).where(mine).values(asked_at=at, refused=True))
            row = connection.execute(select(own_chargers).where(mine)).mappings().one_or_none()
            if row is None or not OwnCharger(**row).let_go:
                return False
            connection.execute(delete(own_chargers).where(mine))
            return True

    def ask_whose(self, code: str, now: datetime) -> bool:
        """Somebody waits to hear whose charger that is. False when too many wait already, or it cannot be written."""
        over = own_asks.c.asked_at <= utc(now) - ASK_LIVES
        try:
            with self._database.write_soon() as connection:
                connection.execute(delete(own_asks).where(over))
                if changed_one(connection, update(own_asks).where(own_asks.c.code == code).values(asked_at=now)):
                    return True
                if connection.execute(select(func.count()).select_from(own_asks)).scalar_one() >= MOST_ASKS:
                    return False
                return insert_once(connection, own_asks, {"code": code, "asked_at": now})
        except CannotWrite:
            return False

    def asked_whose(self, now: datetime) -> list[str]:
        """The codes of chargers in front of which somebody waits, those first who asked last."""
        alive = own_asks.c.asked_at > utc(now) - ASK_LIVES
        with self._database.read() as connection:
            return list(
                connection.execute(select(own_asks.c.code).where(alive).order_by(own_asks.c.asked_at.desc())).scalars()
            )


def _problem(connection: Connection) -> ListProblem | None:
    return _problem_of(connection.execute(select(own_list.c.problem)).scalar_one_or_none())


def _problem_of(word: str | None) -> ListProblem | None:
    """Another release's word is a problem, too."""
    return None if word is None else next((each for each in ListProblem if each.value == word), ListProblem.REFUSED)


def _put(connection: Connection, values: dict[str, datetime | ListProblem | None]) -> None:
    if not changed_one(connection, update(own_list).where(own_list.c.id == _THE_LIST).values(**values)):
        insert_once(connection, own_list, {"id": _THE_LIST, **values})
