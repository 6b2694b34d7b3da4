"""Which days of a site are read from the back office's list of transactions, when, and when once more.

A day is read when it is over, and again while it can still change: totals come late, a charge goes over midnight, one
runs on for days. A read that failed is tried again later and later; nothing is read for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

FIRST = timedelta(hours=1)
"""So long after its midnight a day is read: the last charges have been billed by then."""
ONCE_MORE = FIRST + timedelta(days=1)
"""Then every day is read a second time: a total may be corrected a day late."""
WHILE_OPEN = (FIRST + timedelta(days=3), FIRST + timedelta(days=7))
"""And then only one in which something had not ended, or had no figures."""
PATIENCE: tuple[timedelta, ...] = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 120, 240, 480, 720))
"""From one attempt that failed to the next; after the last one somebody has to ask for it."""
BACK = 40
"""Days: so far back a kiosk reads by itself, this month and the one before as good as always."""
MOST_IN_ONE = 31
LEAST_IN_ONE = 4
"""Fewer days are read each by itself, so that the back office's own total is that of the one day."""


class ListTrouble(StrEnum):
    """Why a day could not be read whole."""

    TOKEN = "token"  # noqa: S105 - a word for a refusal, no secret
    NOT_ALLOWED = "not_allowed"
    NO_SITE = "no_site"
    TOO_MANY = "too_many"
    NO_ANSWER = "no_answer"
    CUT = "cut"  # the list ended before its end


_BY_STATUS = {
    401: ListTrouble.TOKEN,
    403: ListTrouble.NOT_ALLOWED,
    404: ListTrouble.NO_SITE,
    429: ListTrouble.TOO_MANY,
}


def trouble_of(status: int | None) -> ListTrouble:
    """By the HTTP status of the answer, None when none came."""
    return _BY_STATUS.get(status or 0, ListTrouble.NO_ANSWER)


@dataclass(frozen=True, slots=True)
class ToldSum:
    """What stood above the list of the days from `first` to `last`, and what its rows come to by their own totals.
    `total_kwh` is None when the back office told none.
    """

    first: date
    last: date
    total_kwh: Decimal | None
    rows_kwh: Decimal
    rows: int


@dataclass(frozen=True, slots=True)
class SiteDay:
    """How the reading of one day goes. `read_at` is when it was last read whole; `next_at` when it is read by itself,
    None: not any more. `tries` failed since then, the last one with `trouble`. `asked_at`: somebody wants it now.
    """

    site_id: str
    day: date
    read_at: datetime | None = None
    next_at: datetime | None = None
    asked_at: datetime | None = None
    tries: int = 0
    tried_at: datetime | None = None
    trouble: ListTrouble | None = None
    told: ToldSum | None = None

    @property
    def asked(self) -> bool:
        """Somebody asked for it, and it was not tried since."""
        return self.asked_at is not None and (self.tried_at is None or self.tried_at < self.asked_at)

    def due(self, now: datetime) -> bool:
        return self.asked or (self.next_at is not None and self.next_at <= now)


def next_read(ends: datetime, read_at: datetime | None, *, open_rows: bool) -> datetime | None:
    """When a day that ends at `ends` is read by itself, after it was read at `read_at`; None: no more."""
    if read_at is None:
        return ends + FIRST
    stages: tuple[timedelta, ...] = (FIRST, ONCE_MORE, *(WHILE_OPEN if open_rows else ()))
    return next((ends + each for each in stages if ends + each > read_at), None)


def next_try(now: datetime, tries: int) -> datetime | None:
    """After `tries` that failed, this one included; None: not by itself."""
    if tries > len(PATIENCE):
        return None
    return now + PATIENCE[tries - 1]


def wanted_days(first: date | None, today: date) -> list[date]:
    """The days that are over and that are read by themselves; `first`: when the kiosk had its first session there."""
    if first is None:
        return []
    since = max(first, today - timedelta(days=BACK))
    return [since + timedelta(days=each) for each in range(max(0, (today - since).days))]


def to_read(days: Iterable[SiteDay], now: datetime) -> tuple[SiteDay, ...]:
    """What is read next by one list: what somebody asked for, else the newest day that is due. A long row of days of
    which none has failed goes into one list; one that has failed is read alone, so that it keeps no other one away.
    """
    due = sorted((one for one in days if one.due(now)), key=lambda one: (one.asked, one.day), reverse=True)
    if not due:
        return ()
    row = [due[0]]
    for one in due[1:]:
        alike = one.asked == row[-1].asked and one.tries == row[-1].tries == 0
        if not alike or row[-1].day - one.day != timedelta(days=1) or len(row) == MOST_IN_ONE:
            break
        row.append(one)
    return tuple(reversed(row)) if len(row) >= LEAST_IN_ONE else (due[0],)
