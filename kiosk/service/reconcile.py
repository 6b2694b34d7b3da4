"""A site's days against the charger's own transactions, put together from what the store has and what was read.

Values only: command line and desk say them in their own words. The rules are those of `kiosk.domain.reconcile`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from kiosk.config.logs import session_mark
from kiosk.config.sites import Site
from kiosk.domain.desk import Person
from kiosk.domain.handling import LONGEST_NOTE
from kiosk.domain.reconcile import REACH, SLACK, Charge, Line, State, Sums, charge_of, reconcile, sums_of
from kiosk.domain.site_board import SiteTransaction
from kiosk.domain.site_days import SiteDay, ToldSum
from kiosk.news.news import News, site_topic
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

    def has(self, at: datetime) -> bool:
        return self.since <= at < self.until

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
        if line.at is None or days.has(line.at)
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


# --- from what is kept

ROUNDED = Decimal("0.01")
"""Each row's total is rounded to a hundredth of a kWh, so so much for each row is no difference."""


@dataclass(frozen=True, slots=True)
class Total:
    """The back office's own total above one list of days, and what its rows come to. `gap_kwh` is what they miss, zero
    when that is no more than rounding; None when it told none.
    """

    told: ToldSum
    gap_kwh: Decimal | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A site's days by what is kept. Of the days in `not_read` nothing is compared, because their transactions were
    never read whole; `came_later` are lines of charges that ended after their day was read. `site_days` has every day,
    in order.
    """

    found: Reconciled
    site_days: tuple[SiteDay, ...]
    not_read: tuple[SiteDay, ...]
    came_later: tuple[Line, ...]
    totals: tuple[Total, ...]

    @property
    def waits(self) -> bool:
        """Somebody has asked for days that were not read since."""
        return any(one.asked for one in self.site_days)


def compare(store: Store, site: Site, days: Days, *, records: bool) -> Compared:
    """The days of a site against the transactions that were read of them. Nobody outside is asked."""
    known = {one.day: one for one in store.site_days(site.id, days.first, days.last)}
    count = (days.last - days.first).days + 1
    all_days = [days.first + timedelta(days=each) for each in range(count)]
    listed = tuple(known.get(day, SiteDay(site.id, day)) for day in all_days)
    read_at = {one.day: one.read_at for one in listed if one.read_at is not None}
    charges = charges_of(store, {one.code for one in site.chargers}, days)
    rows, codes = store.transactions_over(site.id, days.since - longest_of(charges), days.until + MARGIN)
    totals = _totals(listed)
    whole = (
        totals[0]
        if len(totals) == 1
        and (totals[0].told.first, totals[0].told.last)
        == (
            days.first,
            days.last,
        )
        else None
    )
    told = Told(
        rows,
        codes,
        complete=len(read_at) == count,
        total_kwh=whole.told.total_kwh if whole is not None else None,
        reported_kwh=whole.told.rows_kwh if whole is not None else Decimal(0),
    )
    found = reconciled(charges, told, days, store.lines_aside().keys(), records=records)
    lines = [line for line in found.lines if line.at is None or days.day_of(line.at) in read_at]
    of_now = [line for line in lines if not _came_later(line, days, read_at)]
    return Compared(
        found=_only(found, of_now) if read_at else _only(found, ()),
        site_days=listed,
        not_read=tuple(one for one in listed if one.read_at is None),
        came_later=tuple(line for line in lines if _came_later(line, days, read_at)) if read_at else (),
        totals=totals,
    )


def part_of(compared: Compared, days: Days) -> Compared:
    """Some of the days of a comparison."""
    found = compared.found
    lines = [line for line in found.lines if line.at is None or days.has(line.at)]
    here = tuple(one for one in compared.site_days if days.first <= one.day <= days.last)
    return Compared(
        found=replace(_only(found, lines), days=days),
        site_days=here,
        not_read=tuple(one for one in here if one.read_at is None),
        came_later=tuple(line for line in compared.came_later if line.at is not None and days.has(line.at)),
        totals=_totals(here),
    )


def _came_later(line: Line, days: Days, read_at: Mapping[date, datetime]) -> bool:
    """It ended when the list of its day had been read, so nobody can say that its transaction is missing."""
    if line.state is not State.ONLY_HERE or line.at is None:
        return False
    return line.at > read_at[days.day_of(line.at)] - SLACK


def _only(found: Reconciled, lines: Sequence[Line]) -> Reconciled:
    by_day: dict[date, list[Line]] = {}
    for line in lines:
        if line.at is not None:
            by_day.setdefault(found.days.day_of(line.at), []).append(line)
    sums = {day: sums_of(ones) for day, ones in sorted(by_day.items())}
    return replace(found, lines=tuple(lines), sums=sums_of(lines), by_day=sums)


def _totals(days: Iterable[SiteDay]) -> tuple[Total, ...]:
    """Each list once, in the order of its days."""
    lists = dict.fromkeys(one.told for one in days if one.told is not None)
    return tuple(Total(told, _gap(told)) for told in lists)


def _gap(told: ToldSum) -> Decimal | None:
    if told.total_kwh is None:
        return None
    gap = told.total_kwh - told.rows_kwh
    return gap if abs(gap) > ROUNDED * told.rows else Decimal(0)


# --- what somebody does to a line


MOST_DAYS = 31
"""Days that are compared at once, and that somebody may ask for at once."""


def set_aside(store: Store, who: Person, line: Line, reason: str, now: datetime) -> bool:
    """Keep that a person has looked at it, and why it is right; False, and nothing kept, without a reason."""
    reason = " ".join(reason.split())[:LONGEST_NOTE]
    if not reason:
        return False
    store.desk.log(who.name, "line_aside", now, subject=line.id, reason=reason)
    store.set_line_aside(line.id, who.name, reason, now)
    return True


def bring_back(store: Store, who: Person, line: Line, now: datetime) -> None:
    """It counts again. What was said of it stays."""
    store.desk.log(who.name, "line_back", now, subject=line.id)
    store.set_line_aside(line.id, who.name, "", now, undone=True)


def own(store: Store, who: Person, line: Line, now: datetime, *, mine: bool) -> None:
    """They look at it from now on, or nobody does any more."""
    store.desk.log(who.name, "line_owned" if mine else "line_let_go", now, subject=line.id)
    store.own_line(line.id, who.name if mine else None, now)


def ask_to_read(store: Store, news: News, who: Person, site: Site, days: Days, now: datetime) -> None:
    """The engine reads these days of the site as soon as its budget allows."""
    count = (days.last - days.first).days + 1
    said = f"{days.first}" if count == 1 else f"{days.first} to {days.last}"
    store.desk.log(who.name, "days_read", now, subject=site.id, reason=said)
    store.ask_for_days(site.id, [days.first + timedelta(days=each) for each in range(min(count, MOST_DAYS))], now)
    news.wish(site_topic(site.id))
