"""The VAT in an amount: a rate only beside the tax that it makes, and no figure that nobody said."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.money import Money, shown_step
from kiosk.domain.vat import Vat, net_parts, vat_in, vat_of

from .made import currencies, minors

rates = st.sampled_from([Decimal(text) for text in ("0", "2.1", "5", "7.7", "8.1", "19", "20", "21", "25", "27")])


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


@given(currencies, minors, st.none() | st.integers(-10, 10**9), st.none() | rates)
def test_net_and_tax_are_the_amount_or_both_unknown(
    currency: str, gross: int, tax: int | None, rate: Decimal | None
) -> None:
    made = vat_of(Money(gross, currency), None if tax is None else Money(tax, currency), rate)
    if made.net is None or made.tax is None:
        assert made == Vat()
        assert tax is None or not 0 <= tax <= gross
    else:
        assert made.net + made.tax == Money(gross, currency)
        assert made.tax.minor == tax


@given(currencies, minors, rates, st.sampled_from([ROUND_HALF_UP, ROUND_FLOOR, ROUND_CEILING]))
def test_the_tax_of_the_rate_has_the_rate_beside_it(currency: str, gross: int, rate: Decimal, rounding: str) -> None:
    step = shown_step(currency)
    gross = gross // step * step
    tax = int((gross * rate / (100 + rate) / step).quantize(Decimal(1), rounding)) * step
    assert vat_of(Money(gross, currency), Money(tax, currency), rate).percent == rate


@pytest.mark.parametrize(
    ("tax", "rate", "percent"),
    [
        (151, "19", Decimal(19)),
        (164, "19", None),  # it is 21 %
        (164, "21", Decimal(21)),
        (0, "19", None),
        (0, "0", Decimal(0)),
        (0, None, None),
        (151, None, None),
        (151, "0", None),
    ],
)
def test_a_rate_stands_there_only_when_it_fits_the_tax(tax: int, rate: str | None, percent: Decimal | None) -> None:
    made = vat_of(euros(947), euros(tax), None if rate is None else Decimal(rate))
    assert (made.net, made.tax, made.percent) == (euros(947 - tax), euros(tax), percent)


@pytest.mark.parametrize("tax", [None, euros(-1), euros(948)])
def test_a_tax_that_nobody_said_or_that_cannot_be_is_unknown(tax: Money | None) -> None:
    assert vat_of(euros(947), tax, Decimal(19)) == Vat()


def test_what_is_left_after_a_refund_has_the_same_rate() -> None:
    whole = vat_of(euros(947), euros(151), Decimal(19))
    assert vat_in(euros(520), whole) == Vat(euros(437), euros(83), Decimal(19))
    assert vat_in(euros(947), whole) == whole
    assert vat_in(euros(0), whole) == Vat(euros(0), euros(0), Decimal(19))


def test_what_is_left_of_an_amount_without_a_rate_is_known_only_when_it_is_all_or_nothing() -> None:
    whole = vat_of(euros(947), euros(164), Decimal(19))
    assert vat_in(euros(520), whole) == Vat()
    assert vat_in(euros(947), whole) == whole
    assert vat_in(euros(0), whole) == Vat(euros(0), euros(0))
    assert vat_in(euros(520), Vat()) == Vat()


@given(currencies, minors, minors, rates)
def test_the_tax_of_a_part_is_never_more_than_the_part(currency: str, gross: int, part: int, rate: Decimal) -> None:
    amount = Money(gross, currency)
    tax = int((gross * rate / (100 + rate)).quantize(Decimal(1), ROUND_HALF_UP))
    made = vat_in(Money(min(part, gross), currency), vat_of(amount, Money(tax, currency), rate))
    if made.net is not None and made.tax is not None:
        assert made.net + made.tax == Money(min(part, gross), currency)
        assert min(made.net.minor, made.tax.minor) >= 0 or shown_step(currency) > 1


@given(st.lists(minors, min_size=1, max_size=5), currencies, rates)
def test_the_nets_of_all_lines_are_the_net_of_the_whole(lines: list[int], currency: str, rate: Decimal) -> None:
    amounts = [Money(minor, currency) for minor in lines]
    gross = Money(sum(lines), currency)
    tax = int((gross.minor * rate / (100 + rate)).quantize(Decimal(1), ROUND_HALF_UP))
    parts = net_parts(amounts, Vat(gross - Money(tax, currency), Money(tax, currency), rate))
    assert len(parts) == len(amounts)
    assert sum(one.minor for one in parts) == gross.minor - tax


def test_without_a_rate_nobody_knows_the_nets_of_the_lines() -> None:
    with pytest.raises(ValueError, match="rate"):
        net_parts([euros(947)], Vat(euros(796), euros(151), None))
