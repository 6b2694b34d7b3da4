"""All of a site's transactions of a time, however many: a list that is cut off is asked for again in halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.domain.site_board import SiteTransaction
from kiosk.upstream.plugchoice.operator import MOST_TRANSACTIONS, PlugchoiceOperator

SHORTEST = timedelta(minutes=30)
"""A shorter time is not cut in two any more: then the list stays incomplete."""


@dataclass(frozen=True, slots=True)
class Period:
    """What the back office told of one site. `total_kwh` is its own sum, None when it told none or told it in parts;
    `reported_kwh` what its rows come to, those that run included, because its sum is that of the location. Not
    `complete`: rows may be missing.
    """

    transactions: tuple[SiteTransaction, ...]
    complete: bool
    total_kwh: Decimal | None
    reported_kwh: Decimal
    lists: int


Keep = Callable[[Sequence[SiteTransaction]], None]
"""Is given the transactions of each page as soon as it was read."""


def read_period(
    operator: PlugchoiceOperator,
    site: str,
    since: datetime,
    until: datetime,
    longest: timedelta,
    keep: Keep = lambda _page: None,
) -> Period:
    """Transactions that ended from `since` to `until`, and those that go on. `longest` is how long one may have run.

    Each row once. Raises UpstreamError when any page fails: half of a month is no month. What `keep` was given by then
    it has.
    """
    found: dict[int, SiteTransaction] = {}
    whole, totals, lists = _read(operator, site, since, until, longest, found, keep)
    running = operator.site_transactions(site, "active", limit=MOST_TRANSACTIONS)
    keep([one for one in running.entries if one.id not in found])
    for one in running.entries:
        found.setdefault(one.id, one)
    reported = sum((one.reported_kwh or Decimal(0) for one in found.values()), Decimal(0))
    total = totals[0] if len(totals) == 1 else None
    return Period(tuple(found.values()), whole and running.complete, total, reported, lists + 1)


def _read(
    operator: PlugchoiceOperator,
    site: str,
    since: datetime,
    until: datetime,
    longest: timedelta,
    found: dict[int, SiteTransaction],
    keep: Keep,
) -> tuple[bool, list[Decimal | None], int]:
    complete, total = False, None
    for leaf in operator.transaction_pages(site, "finished", started_from=since - longest, stopped_until=until):
        keep([one for one in leaf.entries if one.id not in found])
        found.update((one.id, one) for one in leaf.entries)
        complete, total = leaf.complete, leaf.total_kwh
    if complete or until - since <= SHORTEST:
        return complete, [total], 1
    middle = since + (until - since) / 2
    first = _read(operator, site, since, middle, longest, found, keep)
    second = _read(operator, site, middle, until, longest, found, keep)
    return first[0] and second[0], first[1] + second[1], first[2] + second[2] + 1
