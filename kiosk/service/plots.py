"""What the desk draws of the last days, added up by `kiosk.domain.plots`. A day that is over is added up once and kept,
for as long as none of its sessions changes; the others are added up anew.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

from kiosk.config.sites import Site
from kiosk.domain.plots import (
    LONGEST_CHARGE,
    Bay,
    DaySums,
    DayTotal,
    Outcome,
    Step,
    Waits,
    added,
    begin_of,
    days_before,
    known_days,
    months,
    steps,
    sums_of_day,
    use,
    waits,
)
from kiosk.service.bays import connectors_of
from kiosk.service.parts import Parts
from kiosk.store.errors import CannotWrite
from kiosk.store.store import Store

SPANS = (7, 14, 31, 365)
"""Days that can be drawn."""
BY_DAY = 31
"""Of more days energy and money are drawn by month."""
AT_ONCE = 7
"""Days whose sessions are in memory together."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Plots:
    """Of the chargers of a site, or of all that somebody sees. `days` are months when `by_month`."""

    since: datetime
    days: tuple[DayTotal, ...]
    by_month: bool
    use: Mapping[Bay, tuple[Decimal | None, ...]]
    outcomes: Counter[Outcome]
    steps: Mapping[Step, int]
    waits: Waits


def plots_of(parts: Parts, site: Site | None, codes: tuple[str, ...] | None, zone: tzinfo, count: int) -> Plots:
    """`codes`: the chargers that count, None for all; the bays of `site` alone are drawn by hour."""
    now = parts.clock.now()
    days = days_before(now, zone, count)
    begin = begin_of(days[0], zone)
    first = parts.store.first_plotted_at(codes)
    known = max(begin, first) if first is not None else now
    sums = sums_of_days(parts.store, codes, zone, days, now)
    bays = _bays(parts, site) if site is not None else []
    totals = known_days(sums, zone, now, first)
    by_month = count > BY_DAY
    return Plots(
        since=known,
        days=months(totals) if by_month else totals,
        by_month=by_month,
        use=use(sums, bays, known, now, zone),
        outcomes=added(one.outcomes for one in sums),
        steps=steps(added(one.furthest for one in sums)),
        waits=waits(added(one.waits for one in sums)),
    )


def sums_of_days(
    store: Store, codes: tuple[str, ...] | None, zone: tzinfo, days: Sequence[date], now: datetime
) -> list[DaySums]:
    """Of these days, which follow each other. What was not kept, or has changed since, is read and kept.

    The changes are counted before anything is read: what changes meanwhile shows the next time.
    """
    since, until = begin_of(days[0], zone) - LONGEST_CHARGE, begin_of(days[-1] + _DAY, zone)
    changes = store.settled_changes(since.date(), until.date(), codes)
    unsettled = store.unsettled(since, until, codes)
    scope = scope_of(codes, zone)
    kept = store.kept_days(scope, days[0], days[-1])
    found: dict[date, DaySums] = {}
    new: dict[date, tuple[int, DaySums]] = {}
    missing: list[date] = []
    marks = {day: _mark(changes, day, zone) for day in days}
    over = {day for day in days if _is_over(day, zone, now, unsettled)}
    for day in days:
        mark, sums = kept.get(day, (-1, None))
        if sums is not None and mark == marks[day] and day in over:
            found[day] = sums
        else:
            missing.append(day)
    for some in _together(missing):
        begin, end = begin_of(some[0], zone), begin_of(some[-1] + _DAY, zone)
        rows = store.plotted(begin - LONGEST_CHARGE, end, codes, over_since=begin)
        for day in some:
            found[day] = sums_of_day(rows, day, zone, now)
            if day in over:
                new[day] = marks[day], found[day]
    if new:
        with suppress(CannotWrite):  # then they are added up once more the next time
            store.keep_days_of_plots(scope, new)
    return [found[day] for day in days]


def scope_of(codes: tuple[str, ...] | None, zone: tzinfo) -> str:
    """One word for these chargers by this clock."""
    words = "all" if codes is None else "\n".join(sorted(codes))
    return hashlib.sha256(f"{zone}\n{words}".encode()).hexdigest()[:32]


def _is_over(day: date, zone: tzinfo, now: datetime, unsettled: Sequence[datetime]) -> bool:
    """The day, and every session of which it may be made."""
    begin, end = begin_of(day, zone), begin_of(day + _DAY, zone)
    return end <= now and not any(begin - LONGEST_CHARGE <= at < end for at in unsettled)


def _mark(changes: Mapping[date, int], day: date, zone: tzinfo) -> int:
    """How often anything changed of which the day may be made."""
    at = (begin_of(day, zone) - LONGEST_CHARGE).astimezone(UTC).date()
    last = begin_of(day + _DAY, zone).astimezone(UTC).date()
    return sum(changes.get(at + _DAY * each, 0) for each in range((last - at).days + 1))


def _together(days: Sequence[date]) -> Iterator[list[date]]:
    """Days that follow each other, a few at once."""
    some: list[date] = []
    for day in days:
        if some and (day != some[-1] + _DAY or len(some) == AT_ONCE):
            yield some
            some = []
        some.append(day)
    if some:
        yield some


def _bays(parts: Parts, site: Site) -> list[Bay]:
    cards = parts.store.cards([one.code for one in site.chargers])
    return [(one.code, number) for one in site.chargers for number in connectors_of(one, cards.get(one.code))]
