"""The VAT in an amount, as upstream said it. A rate stands beside it only when it makes that very figure.

The rate is the operator's (`vat_percent` of the operator or of the site), the figure is upstream's `tax_amount`, which
may be missing, zero or of another rate. Rule R-01: gross, rate and amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from kiosk.domain.money import Money, shown_step


@dataclass(frozen=True, slots=True)
class Vat:
    """`net` + `tax` = the amount; both None when nobody said the tax. `percent`: the rate, when it fits the tax."""

    net: Money | None = None
    tax: Money | None = None
    percent: Decimal | None = None


def vat_of(gross: Money, tax: Money | None, percent: Decimal | None) -> Vat:
    """A tax that cannot be, below zero or above the amount, is one that nobody said."""
    if tax is None or not 0 <= tax.minor <= gross.minor:
        return Vat()
    return Vat(gross - tax, tax, percent if percent is not None and _fits(gross, tax, percent) else None)


def vat_in(amount: Money, whole: Vat) -> Vat:
    """The VAT in a part of the amount of `whole`, or in what is left of it. Without its rate it is not known, unless it
    is all or nothing.
    """
    if whole.tax is None or whole.net is None:
        return Vat()
    if amount == whole.net + whole.tax:
        return whole
    if whole.percent is None and amount.minor:
        return Vat()
    step = shown_step(amount.currency)
    steps = (_exact(amount, whole.percent or Decimal(0)) / step).quantize(Decimal(1), ROUND_HALF_UP)
    tax = Money(int(steps) * step, amount.currency)
    return Vat(amount - tax, tax, whole.percent)


def part_of(before: Vat, after: Vat) -> Vat:
    """What lies between two amounts of one bill, of which the second is what is left of the first: taken apart, parts
    and rest add up to the whole. Unknown when either is.
    """
    if before.net is None or before.tax is None or after.net is None or after.tax is None:
        return Vat()
    return Vat(before.net - after.net, before.tax - after.tax, before.percent)


def net_parts(amounts: Sequence[Money], whole: Vat) -> tuple[Money, ...]:
    """The net of each amount, all of them together the net of `whole`, whose rate must be known: the first one takes
    what rounding leaves.
    """
    if whole.net is None or whole.percent is None:
        raise ValueError("without a rate nobody knows the parts")
    currency, step = whole.net.currency, shown_step(whole.net.currency)
    rest = [
        Money(
            int((amount.minor * 100 / (100 + whole.percent) / step).quantize(Decimal(1), ROUND_HALF_UP)) * step,
            currency,
        )
        for amount in amounts[1:]
    ]
    return Money(whole.net.minor - sum(one.minor for one in rest), currency), *rest


def _exact(gross: Money, percent: Decimal) -> Decimal:
    return gross.minor * percent / (100 + percent)


def _fits(gross: Money, tax: Money, percent: Decimal) -> bool:
    """Upstream's rounding is not documented, so it may be up or down."""
    return abs(tax.minor - _exact(gross, percent)) < shown_step(gross.currency)
