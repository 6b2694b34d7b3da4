"""Reconciliations and reports that were made already, for as long as nothing that they were made of changes.

A month of a busy site is seconds of work, and is looked at page by page. What it is made of is asked for before it is
made, so that what changes meanwhile shows the next time. Kept in memory, the last few: they are made anew from what is
stored.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from kiosk.config.sites import Site, SiteBook
from kiosk.domain.reconcile import Line, State, Sums, sums_of
from kiosk.service.period_report import PeriodReport, report_of
from kiosk.service.reconcile import MARGIN, Compared, Days, compare
from kiosk.store.store import Store

T = TypeVar("T")

MOST_LINES = 40_000
"""Of all runs that are kept; one alone may have more."""
MOST_REPORTS = 20

Rank = tuple[bool, float, str]


def rank(line: Line) -> Rank:
    """What needs somebody first, then the newest first."""
    return (line.explained, -line.at.timestamp() if line.at is not None else 0.0, line.id)


@dataclass(eq=False, slots=True)
class Run:
    """A reconciliation, and what was found out about all of its lines."""

    compared: Compared
    _known: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, name: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made the first time that anybody asks for it by that name."""
        if name not in self._known:
            self._known[name] = make()
        return cast("T", self._known[name])

    def of_state(self, state: State | None) -> list[Line]:
        """Those lines in the order in which they are shown; None: all."""

        def make() -> list[Line]:
            return sorted((one for one in self.compared.found.lines if state in {None, one.state}), key=rank)

        return self.once(("lines", state), make)

    def after(self, state: State | None, place: Rank | None, most: int) -> list[Line]:
        """At most so many of them, from that place on."""
        lines = self.of_state(state)
        ranks = self.once(("ranks", state), lambda: [rank(line) for line in lines])
        first = bisect_right(ranks, place) if place is not None else 0
        return lines[first : first + most]

    def line(self, line_id: str) -> Line | None:
        return self.once("by id", lambda: {line.id: line for line in self.compared.found.lines}).get(line_id)

    @property
    def explained(self) -> Sums:
        """Of the lines that need nobody."""
        return self.once("explained", lambda: sums_of(line for line in self.compared.found.lines if line.explained))


@dataclass(eq=False, slots=True)
class _Kept:
    runs: OrderedDict[Hashable, tuple[Hashable, Run]] = field(default_factory=OrderedDict)
    reports: OrderedDict[Hashable, tuple[Hashable, PeriodReport]] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)


_kept: WeakKeyDictionary[Store, _Kept] = WeakKeyDictionary()


def run_of(store: Store, site: Site, days: Days, *, records: bool) -> Run:
    """`kiosk.service.reconcile.compare`, made anew only when something of it has changed."""
    kept, what = _of(store), (site.id, days.first, days.last, days.zone.key, records)
    stand = _stand(store, site, days)
    known = kept.runs.get(what)
    if known is not None and known[0] == stand:
        return known[1]
    run = Run(compare(store, site, days, records=records))
    with kept.lock:
        kept.runs[what] = stand, run
        kept.runs.move_to_end(what)
        while len(kept.runs) > 1 and _lines(kept) > MOST_LINES:
            kept.runs.popitem(last=False)
    return run


def kept_report(store: Store, book: SiteBook, site: Site, days: Days, now: datetime) -> PeriodReport:
    """`kiosk.service.period_report.report_of`, made anew only when a session of it has changed."""
    kept, what = _of(store), (site.id, days.first, days.last, days.zone.key)
    codes = tuple(one.code for one in site.chargers)
    stand = codes, book.operator.vat_percent, site.vat_percent, store.sessions_stand(codes, days.until + MARGIN)
    known = kept.reports.get(what)
    if known is not None and known[0] == stand:
        return known[1]
    report = report_of(store, book, site, days, now)
    with kept.lock:
        kept.reports[what] = stand, report
        kept.reports.move_to_end(what)
        while len(kept.reports) > MOST_REPORTS:
            kept.reports.popitem(last=False)
    return report


def _lines(kept: _Kept) -> int:
    return sum(len(run.compared.found.lines) for _stand, run in kept.runs.values())


def _of(store: Store) -> _Kept:
    return _kept.setdefault(store, _Kept())


def _stand(store: Store, site: Site, days: Days) -> Hashable:
    """What a run is made of. Sessions that were asked for after the last day that was read stand on none of its lines,
    so that those of today do not count.
    """
    codes = tuple(one.code for one in site.chargers)
    read = [one.day for one in store.site_days(site.id, days.first, days.last) if one.read_at is not None]
    until = Days(days.first, max(read, default=days.first), days.zone).until + MARGIN
    transactions = store.transactions_stand(site.id, days.first, days.last)
    return codes, store.sessions_stand(codes, until), transactions
