"""What the back office told of every charge at a site, and how the reading of each day goes.

A transaction is kept as it was told last; one that has ended is not taken for a running one again. The card that began
it is kept as a keyed word: it can be compared with others and not be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, RowMapping, String, bindparam, delete, func, insert, or_, select, update

from kiosk.domain.site_board import ChargerRef, SiteTransaction
from kiosk.domain.site_days import SiteDay, ToldSum
from kiosk.store.cipher import Cipher
from kiosk.store.rows import Part
from kiosk.store.tables import own_chargers, sessions, site_days, site_transactions
from kiosk.store.types import utc

AT_ONCE = 500
"""Rows of one short transaction, so that nobody who writes waits for it."""
MOST_AT_A_TIME = 50
"""Transactions of one run of forgetting. What is left over is for the next one."""

_T = site_transactions.c
_KEEP = (
    update(site_transactions)
    .where(
        _T.site_id == bindparam("of_site"),
        _T.number == bindparam("of_number"),
        or_(_T.active, bindparam("ended", type_=Boolean)),
    )
    .values(
        {
            name: bindparam(name)
            for name in (
                *("charger_uuid", "connector_id", "tag", "active", "meter_start_wh", "meter_stop_wh", "reported_kwh"),
                *("started_at", "stopped_at", "stop_reason", "is_valid", "at", "seen_at"),
            )
        }
        | {"code": func.coalesce(bindparam("new_code", type_=String), _T.code)}
    )
)
_OVER = (
    select(site_transactions)
    .where(
        _T.site_id == bindparam("site_id"),
        or_(
            (_T.at >= bindparam("since", type_=_T.at.type)) & (_T.at < bindparam("until", type_=_T.at.type)),
            _T.at.is_(None),
        ),
    )
    .order_by(_T.id)
)
_RUNNING = (
    select(site_transactions)
    .where(_T.site_id == bindparam("site_id"), _T.active, _T.at < bindparam("since", type_=_T.at.type))
    .order_by(_T.id)
)


class SiteDays(Part):
    def keep_transactions(
        self, site_id: str, told: Sequence[SiteTransaction], codes: Mapping[str, str], now: datetime
    ) -> None:
        """Keep what one page told. `codes`: public codes by the uuid of a charger; one that is known already stays."""
        for start in range(0, len(told), AT_ONCE):
            self._keep_some(site_id, told[start : start + AT_ONCE], codes, now)

    def _keep_some(
        self, site_id: str, told: Sequence[SiteTransaction], codes: Mapping[str, str], now: datetime
    ) -> None:
        rows = {one.id: _told_values(self._cipher, one, codes, now) for one in told}
        known = select(_T.number).where(_T.site_id == site_id, _T.number.in_(rows))
        with self._database.write() as connection:
            there = set(connection.execute(known).scalars())
            new = [{**row, "site_id": site_id, "number": number} for number, row in rows.items() if number not in there]
            changed = [
                {name: value for name, value in row.items() if name != "code"}
                | {"of_site": site_id, "of_number": number, "ended": not row["active"], "new_code": row["code"]}
                for number, row in rows.items()
                if number in there
            ]
            if new:
                connection.execute(insert(site_transactions), new)
            if changed:
                connection.execute(_KEEP, changed)

    def transactions_over(
        self, site_id: str, since: datetime, until: datetime
    ) -> tuple[list[SiteTransaction], dict[str, str]]:
        """Those that ended (or, while they run, began) in that time, those of no time at all, and those that began
        before and run on; and the public codes of their chargers by uuid.
        """
        span = {"site_id": site_id, "since": utc(since), "until": utc(until)}
        with self._database.read() as connection:
            rows = connection.execute(_OVER, span).mappings().all()
            rows = [*rows, *connection.execute(_RUNNING, {"site_id": site_id, "since": utc(since)}).mappings()]
            own = select(own_chargers.c.uuid, own_chargers.c.code).where(own_chargers.c.code.is_not(None))
            codes = {row.uuid: row.code for row in connection.execute(own)}
        codes |= {row["charger_uuid"]: row["code"] for row in rows if row["code"] is not None}
        return [_transaction(row) for row in rows], codes

    def count_transactions(self, site_id: str, since: datetime, until: datetime) -> int:
        """How many ended, or began and run on, in that time."""
        query = select(func.count()).where(_T.site_id == site_id, _T.at >= utc(since), _T.at < utc(until))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def has_open_transactions(self, site_id: str, since: datetime, until: datetime) -> bool:
        """Something of that time runs on, or has no meter stand or total at its end."""
        open_row = or_(_T.active, _T.meter_stop_wh.is_(None), _T.reported_kwh.is_(None))
        query = select(_T.id).where(_T.site_id == site_id, _T.at >= utc(since), _T.at < utc(until), open_row).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).one_or_none() is not None

    def oldest_running(self, site_id: str) -> datetime | None:
        """When the first of those began that run on, as they were told last."""
        query = select(func.min(_T.started_at)).where(_T.site_id == site_id, _T.active)
        with self._database.read() as connection:
            found: datetime | None = connection.execute(query).scalar_one()
        return found

    def forget_transactions(self, before: datetime) -> int:
        """Those that ended before then, or were of no time and told before then; and the days that are over since."""
        old = select(_T.id).where(_T.seen_at < utc(before), or_(_T.at < utc(before), _T.at.is_(None))).limit(AT_ONCE)
        forgotten = 0
        for _ in range(MOST_AT_A_TIME):
            with self._database.write() as connection:
                gone = connection.execute(delete(site_transactions).where(_T.id.in_(old))).rowcount
            if gone == 0:
                break
            forgotten += gone
        with self._database.write() as connection:
            connection.execute(delete(site_days).where(site_days.c.day < utc(before).date()))
        return forgotten

    # --- days

    def first_session_at(self, codes: Collection[str]) -> datetime | None:
        """When somebody first asked for a charge at one of these chargers."""
        query = select(func.min(sessions.c.requested_at)).where(sessions.c.code.in_(codes))
        with self._database.read() as connection:
            found: datetime | None = connection.execute(query).scalar_one()
        return found

    def site_days(self, site_id: str, first: date, last: date) -> list[SiteDay]:
        """What is known of the reading of these days, in their order; a day that was never due has no row."""
        query = (
            select(site_days)
            .where(site_days.c.site_id == site_id, site_days.c.day >= first, site_days.c.day <= last)
            .order_by(site_days.c.day)
        )
        with self._database.read() as connection:
            return [_day(row) for row in connection.execute(query).mappings()]

    def days_to_read(self, site_id: str, now: datetime) -> list[SiteDay]:
        """Those that are due or that somebody has asked for."""
        c = site_days.c
        due = or_(c.next_at <= utc(now), c.asked_at.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(select(site_days).where(c.site_id == site_id, due)).mappings().all()
        return [_day(row) for row in rows]

    def plan_days(self, days: Iterable[SiteDay]) -> None:
        """Days that nobody knew of yet are due from now on. What is known of a day stays."""
        rows = [_day_values(one) for one in days]
        with self._database.write() as connection:
            for row in rows:
                known = select(site_days.c.day).where(
                    site_days.c.site_id == row["site_id"], site_days.c.day == row["day"]
                )
                if connection.execute(known).one_or_none() is None:
                    connection.execute(insert(site_days).values(row))

    def ask_for_days(self, site_id: str, wanted: Collection[date], now: datetime) -> None:
        """Somebody wants these days to be read now."""
        self.plan_days(SiteDay(site_id, day) for day in wanted)
        with self._database.write() as connection:
            of_days = (site_days.c.site_id == site_id) & site_days.c.day.in_(wanted)
            connection.execute(update(site_days).where(of_days).values(asked_at=utc(now)))

    def keep_days(self, days: Iterable[SiteDay]) -> None:
        """How the reading went. What somebody asked for meanwhile stays asked for."""
        with self._database.write() as connection:
            for one in days:
                row = _day_values(one)
                key = {"site_id": row.pop("site_id"), "day": row.pop("day")}
                row.pop("asked_at")
                of_day = (site_days.c.site_id == key["site_id"]) & (site_days.c.day == key["day"])
                connection.execute(update(site_days).where(of_day).values(**row))
                if one.tried_at is not None:
                    met = of_day & (site_days.c.asked_at <= utc(one.tried_at))
                    connection.execute(update(site_days).where(met).values(asked_at=None))


def _told_values(cipher: Cipher, one: SiteTransaction, codes: Mapping[str, str], now: datetime) -> dict[str, Any]:
    uuid = one.charger.uuid if one.charger is not None else None
    at = one.stopped_at or one.started_at
    return {
        "code": codes.get(uuid) if uuid is not None else None,
        "charger_uuid": uuid,
        "connector_id": one.connector_id,
        "tag": cipher.marks(one.id_tag)[0] if one.id_tag is not None else None,
        "active": one.active,
        "meter_start_wh": one.meter_start_wh,
        "meter_stop_wh": one.meter_stop_wh,
        "reported_kwh": one.reported_kwh,
        "started_at": one.started_at,
        "stopped_at": one.stopped_at,
        "stop_reason": one.stop_reason,
        "is_valid": one.is_valid,
        "at": at,
        "seen_at": utc(now),
    }


def _transaction(row: RowMapping) -> SiteTransaction:
    uuid = row["charger_uuid"]
    return SiteTransaction(
        id=row["number"],
        charger=ChargerRef(uuid, None, None) if uuid is not None else None,
        charger_connector_id=None,
        connector_id=row["connector_id"],
        id_tag=row["tag"],
        active=row["active"],
        meter_start_wh=row["meter_start_wh"],
        meter_stop_wh=row["meter_stop_wh"],
        reported_kwh=row["reported_kwh"],
        started_at=row["started_at"],
        stopped_at=row["stopped_at"],
        stop_reason=row["stop_reason"],
        is_valid=row["is_valid"],
    )


def _day(row: RowMapping) -> SiteDay:
    told = None
    if row["told_first"] is not None:
        told = ToldSum(row["told_first"], row["told_last"], row["total_kwh"], row["rows_kwh"], row["rows"])
    names = ("site_id", "day", "read_at", "next_at", "asked_at", "tries", "tried_at", "trouble")
    return SiteDay(**{name: row[name] for name in names}, told=told)


def _day_values(one: SiteDay) -> dict[str, Any]:
    told = one.told
    return {
        "site_id": one.site_id,
        "day": one.day,
        "read_at": one.read_at,
        "next_at": one.next_at,
        "asked_at": one.asked_at,
        "tries": one.tries,
        "tried_at": one.tried_at,
        "trouble": one.trouble,
        "told_first": told.first if told is not None else None,
        "told_last": told.last if told is not None else None,
        "total_kwh": told.total_kwh if told is not None else None,
        "rows_kwh": told.rows_kwh if told is not None else None,
        "rows": told.rows if told is not None else None,
    }
