"""A day or a month of a site in sums: what was charged, taken and sent back on each day, and the VAT by rate.

A session counts on the day on which it ended, by the site's clock, and its VAT at the rate of the day on which its
receipt was issued. What nobody has told is counted apart and never as zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice

from kiosk.config.sites import Site, SiteBook
from kiosk.domain.money import Money
from kiosk.domain.receipt import Receipt, receipt_of
from kiosk.domain.session import Phase, Session
from kiosk.domain.vat import Vat, vat_in, vat_of
from kiosk.service.reconcile import Days
from kiosk.store.store import Store

EVER = timedelta(days=1)
"""So long before and after some days sessions are read that may have ended in them."""
_AT_ONCE = 500
"""Receipts of one read of the store."""


Rated = tuple[Session, Decimal | None]


@dataclass(slots=True)
class Sum:
    """What sessions come to; amounts in minor units by currency. `kept` is `taken` less `sent_back`. The counts tell of
    how many the energy or the amount was never told.
    """

    ended: int = 0
    paid: int = 0
    energy_kwh: Decimal = Decimal(0)
    unknown_energies: int = 0
    unknown_amounts: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    sent_back: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class VatSum:
    """What was kept at one rate. `told` is False for amounts of which nobody said the tax: then both are None; with a
    tax and without `percent` no known rate makes it.
    """

    percent: Decimal | None
    told: bool
    gross: Money
    net: Money | None
    tax: Money | None


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """`going_on`: sessions that had not ended when it was made, which are in no sum."""

    days: Days
    by_day: Mapping[date, Sum]
    total: Sum
    vat: tuple[VatSum, ...]
    going_on: int
    made_at: datetime


def report_of(store: Store, book: SiteBook, site: Site, days: Days, now: datetime) -> PeriodReport:
    """From what is stored. Sessions that never came to one (refused, left in the line) are in no report."""
    codes = {one.code for one in site.chargers}
    found = store.sessions_over(days.since - EVER, days.until + EVER)
    sessions = (session for session, _intent in found if session.code in codes)
    return report(with_rates(store, book, sessions), days, now)


def ended_at(session: Session) -> datetime:
    """By which a session that has ended counts on a day."""
    return session.completed_at or session.status_since or session.requested_at


def with_rates(store: Store, book: SiteBook, sessions: Iterable[Session]) -> Iterator[Rated]:
    """Each with the rate on its receipt; without a receipt the rate of today, at which it would be issued."""
    rows = iter(sessions)
    while some := list(islice(rows, _AT_ONCE)):
        rates = store.rates_of([one.key for one in some])
        for one in some:
            yield one, rates[one.key] if one.key in rates else book.vat_percent(one.code)


def report(sessions: Iterable[Rated], days: Days, now: datetime) -> PeriodReport:
    """The sums of these sessions, each with its rate of VAT in per cent, None when none is set."""
    first, count = days.first, (days.last - days.first).days + 1
    by_day = {first + timedelta(days=each): Sum() for each in range(count)}
    total, going_on = Sum(), 0
    rates: dict[tuple[str, bool, Decimal | None], Counter[str]] = {}
    for session, percent in sessions:
        if session.phase not in {Phase.OPEN, Phase.GONE}:
            continue
        if session.end is None:
            going_on += session.requested_at < days.until
            continue
        at = ended_at(session)
        if not days.has(at):
            continue
        receipt = receipt_of(session)
        for each in (by_day[days.day_of(at)], total):
            _add(each, session, receipt)
        if receipt is not None and receipt.taken is not None and receipt.kept is not None and receipt.kept.minor:
            vat = vat_in(receipt.kept, vat_of(receipt.taken, receipt.tax, percent))
            key = (receipt.kept.currency, vat.tax is not None, vat.percent)
            _add_vat(rates.setdefault(key, Counter()), receipt.kept, vat)
    vat_sums = tuple(_vat_sum(key, sums) for key, sums in sorted(rates.items(), key=_rate_order))
    return PeriodReport(days, by_day, total, vat_sums, going_on, now)


def _add(to: Sum, session: Session, receipt: Receipt | None) -> None:
    to.ended += 1
    moved = bool(session.energy_kwh) or session.charging_started_at is not None
    to.energy_kwh += session.energy_kwh or 0
    to.unknown_energies += session.energy_kwh is None and moved
    taken = receipt.taken if receipt is not None else None
    if taken is None or receipt is None or receipt.kept is None:
        to.unknown_amounts += 1
        return
    to.paid += taken.minor > 0
    to.taken[taken.currency] += taken.minor
    to.kept[taken.currency] += receipt.kept.minor
    to.sent_back[taken.currency] += taken.minor - receipt.kept.minor


def _add_vat(to: Counter[str], kept: Money, vat: Vat) -> None:
    to["gross"] += kept.minor
    to["net"] += vat.net.minor if vat.net is not None else 0
    to["tax"] += vat.tax.minor if vat.tax is not None else 0


def _vat_sum(key: tuple[str, bool, Decimal | None], sums: Mapping[str, int]) -> VatSum:
    currency, told, percent = key
    gross = Money(sums["gross"], currency)
    if not told:
        return VatSum(None, False, gross, None, None)
    return VatSum(percent, True, gross, Money(sums["net"], currency), Money(sums["tax"], currency))


def _rate_order(row: tuple[tuple[str, bool, Decimal | None], object]) -> tuple[str, bool, bool, Decimal]:
    currency, told, percent = row[0]
    return (currency, not told, percent is None, percent or Decimal(0))
