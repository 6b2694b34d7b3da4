"""What the desk draws of the last days: read once, added up by `kiosk.domain.plots`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from kiosk.config.sites import Site
from kiosk.domain.plots import (
    Bay,
    DayTotal,
    Outcome,
    Step,
    Waits,
    begin_of,
    days_before,
    outcomes,
    steps,
    totals,
    use,
    waits,
)
from kiosk.service.bays import connectors_of
from kiosk.service.parts import Parts

SPANS = (7, 14, 31)
"""Days that can be drawn."""
MOST_ROWS = 40_000
"""Sessions that are read for one page. Of more, the days before them are not known here."""
LONGEST_CHARGE = timedelta(days=2)
"""What ended on the first day was asked for at most so long before it."""


@dataclass(frozen=True, slots=True)
class Plots:
    """Of the chargers of a site, or of all that somebody sees. `cut`: there were more sessions than are read, so the
    days before `since` are not known here.
    """

    since: datetime
    days: tuple[DayTotal, ...]
    use: Mapping[Bay, tuple[Decimal | None, ...]]
    outcomes: Counter[Outcome]
    steps: Mapping[Step, int]
    waits: Waits
    cut: bool


def plots_of(
    parts: Parts, site: Site | None, codes: tuple[str, ...] | None, zone: tzinfo, count: int, most: int = MOST_ROWS
) -> Plots:
    """`codes`: the chargers that count, None for all; the bays of `site` alone are drawn by hour."""
    now = parts.clock.now()
    days = days_before(now, zone, count)
    begin = begin_of(days[0], zone)
    rows = parts.store.plotted(begin - LONGEST_CHARGE, codes, most)
    first = parts.store.first_plotted_at(codes)
    cut = len(rows) >= most
    if cut:
        first = rows[-1].requested_at + LONGEST_CHARGE
    known = max(begin, first) if first is not None else now
    started = [row for row in rows if row.requested_at >= begin]
    bays = _bays(parts, site) if site is not None else []
    return Plots(
        since=known,
        days=totals(rows, days, zone, now, first),
        use=use(rows, bays, known, now, zone),
        outcomes=outcomes(started),
        steps=steps(started),
        waits=waits(started),
        cut=cut,
    )


def _bays(parts: Parts, site: Site) -> list[Bay]:
    cards = parts.store.cards([one.code for one in site.chargers])
    return [(one.code, number) for one in site.chargers for number in connectors_of(one, cards.get(one.code))]
