"""The tables of each month, written to a place of the operator's each night: which months are due, what their files are
called, and when one that was not written is tried again.

A night begins at NIGHT by the clock of the site. The running month is written each night; the month before as well for
LATE_DAYS days, because amounts come late, and until it was written once after it was over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

NIGHT = time(2)
LATE_DAYS = 7
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
"""After a failure it is tried again so late, then twice as late, and so on."""
TOLD_AFTER = timedelta(days=1)
"""Months that could not be written for so long are a person's affair."""
TABLES = ("charges", "days", "vat")
FORMS = ("csv", "xlsx")
_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)


class NotWritten(StrEnum):
    """Why a month is not where it should be."""

    AWAY = "away"  # nobody answers there
    DENIED = "denied"  # it lets the kiosk do nothing, or not this
    NO_PLACE = "no_place"  # the folder or bucket is not there
    FULL = "full"
    REFUSED = "refused"  # for another reason
    UNKNOWN = "unknown"  # no usable answer: it may be there or not
    NOT_MADE = "not_made"  # the tables could not be made here


@dataclass(frozen=True, slots=True)
class MonthWritten:
    """How the writing of one month of one site goes. `month` is its first day. `tries` failed since it was written
    last, the first of them at `failing_since`.
    """

    site_id: str
    month: date
    written_at: datetime | None = None
    tried_at: datetime | None = None
    tries: int = 0
    trouble: NotWritten | None = None
    failing_since: datetime | None = None


def night_of(now: datetime, zone: ZoneInfo) -> datetime:
    """When the last night began there."""
    local = now.astimezone(zone)
    day = local.date() if local.time() >= NIGHT else local.date() - timedelta(days=1)
    return datetime.combine(day, NIGHT, zone)


def months_due(known: Mapping[date, MonthWritten], now: datetime, zone: ZoneInfo) -> list[date]:
    """The first days of the months of a site that are to be written now, the older one first. `known`: by month."""
    night = night_of(now, zone)
    running = night.date().replace(day=1)
    before = (running - timedelta(days=1)).replace(day=1)
    found = []
    if night.date().day <= LATE_DAYS:
        found = [before] if _is_due(known.get(before), night, now) else []
    elif before in known:
        over = datetime.combine(running, NIGHT, zone)
        found = [before] if _is_due(known[before], over, now) else []
    return [*found, running] if _is_due(known.get(running), night, now) else found


def _is_due(known: MonthWritten | None, night: datetime, now: datetime) -> bool:
    if known is None:
        return True
    if known.written_at is not None and known.written_at >= night:
        return False
    return known.tried_at is None or now >= known.tried_at + wait_after(known.tries)


def wait_after(tries: int) -> timedelta:
    """How long after so many failures in a row it is tried again."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(tries - 1, 10)) if tries else timedelta(0)


def month_of(text: str) -> date | None:
    """The first day of `2026-11`; None for anything else."""
    try:
        return date.fromisoformat(f"{text}-01") if _MONTH.fullmatch(text) else None
    except ValueError:
        return None


def file_name(site_id: str, month: date, table: str, form: str) -> str:
    """`lindenau-2026-11-charges.csv`: the same each night, so that the newer one takes the place of the older one.

    A site whose id could not stand in the name of a file everywhere has a word instead that is its own.
    """
    plain = site_id if _PLAIN.fullmatch(site_id) else f"site-{hashlib.sha256(site_id.encode()).hexdigest()[:10]}"
    return f"{plain}-{month:%Y-%m}-{table}.{form}"
