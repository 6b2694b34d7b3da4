"""A site's days against the charger's own transactions, put together from what the store has and what was read.

Values only: command line and desk say them in their own words. The rules are those of `kiosk.domain.reconcile`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from kiosk.config.logs import session_mark
from kiosk.domain.reconcile import REACH, Charge, Line, Sums, charge_of, reconcile, sums_of
from kiosk.domain.site_board import SiteTransaction
from kiosk.store.store import Store

USUAL = timedelta(days=1)
"""Nobody's charge is taken to be shorter than this when one looks for those that began before the day."""
MARGIN = REACH + timedelta(hours=1)
"""So far around the days rows are read, so that each finds its partner; only lines of the days themselves are told."""


@dataclass(frozen=True, slots=True)
class Days:
    """From the first day to the last, both included, as the site's clock counts them."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Told:
    """What the back office told of the site, see `kiosk.upstream.plugchoice.period`. `codes` are the public codes by
    the uuid of a charger.
    """

    transactions: Sequence[SiteTransaction]
    codes: Mapping[str, str]
    complete: bool
    total_kwh: Decimal | None
    reported_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`sums` is of all lines, `by_day` of each day that has one. `gap_kwh` is the back office's own total less what its
    rows come to, None when it told no total.
    """

    days: Days
    lines: tuple[Line, ...]
    sums: Sums
    by_day: Mapping[date, Sums]
    complete: bool
    total_kwh: Decimal | None
    gap_kwh: Decimal | None

    @property
    def open_lines(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if not line.explained)


def charges_of(store: Store, codes: Collection[str], days: Days) -> list[Charge]:
    """The charges of these chargers that ended in the days, or close to them, or that go on."""
    found = []
    for session, intent in store.sessions_over(days.since - MARGIN, days.until + MARGIN):
        if session.code in codes:
            charge = charge_of(session, session_mark(session.key), intent)
            if charge is not None:
                found.append(charge)
    return found


def longest_of(charges: Iterable[Charge]) -> timedelta:
    """How long before the days one must look for transactions that end in them."""
    lasted = (one.ended_at - one.begun_at for one in charges if one.ended_at is not None)
    return max([USUAL, *(each + REACH for each in lasted)])


def reconciled(
    charges: Sequence[Charge], told: Told, days: Days, aside: Collection[str] = (), *, records: bool
) -> Reconciled:
    """Every line whose time is in the days; one of no time at all is told too."""
    lines = tuple(
        line
        for line in reconcile(charges, told.transactions, told.codes, aside, records=records)
        if line.at is None or days.since <= line.at < days.until
    )
    by_day: dict[date, list[Line]] = {}
    for line in lines:
        if line.at is not None:
            by_day.setdefault(days.day_of(line.at), []).append(line)
    return Reconciled(
        days=days,
        lines=lines,
        sums=sums_of(lines),
        by_day={day: sums_of(ones) for day, ones in sorted(by_day.items())},
        complete=told.complete,
        total_kwh=told.total_kwh,
        gap_kwh=None if told.total_kwh is None else told.total_kwh - told.reported_kwh,
    )
