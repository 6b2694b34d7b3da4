"""Money: integers only, Stripe's minor unit, one currency at a time."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.money import (
    ISO_EXPONENTS,
    CurrencyMismatch,
    Money,
    UnknownCurrency,
    currency_code,
    step_minor,
    stripe_exponent,
)

from .made import currencies

whole = st.integers(min_value=-(10**15), max_value=10**15)

STRIPE_ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
STRIPE_THREE = "BHD JOD KWD OMR TND"
STRIPE_ALWAYS_00 = "ISK UGX"

_NO_CENTS_IN_SHOPS = "CLDR shows what shops use: the hundredth exists but is not paid"
BABEL_DIFFERS = {
    "AFN": (2, 0, _NO_CENTS_IN_SHOPS),
    "ALL": (2, 0, _NO_CENTS_IN_SHOPS),
    "IRR": (2, 0, _NO_CENTS_IN_SHOPS),
    "KPW": (2, 0, _NO_CENTS_IN_SHOPS),
    "LAK": (2, 0, _NO_CENTS_IN_SHOPS),
    "LBP": (2, 0, _NO_CENTS_IN_SHOPS),
    "MMK": (2, 0, _NO_CENTS_IN_SHOPS),
    "RSD": (2, 0, _NO_CENTS_IN_SHOPS),
    "SOS": (2, 0, _NO_CENTS_IN_SHOPS),
    "SYP": (2, 0, _NO_CENTS_IN_SHOPS),
    "YER": (2, 0, _NO_CENTS_IN_SHOPS),
    "IQD": (3, 0, _NO_CENTS_IN_SHOPS),
    "ISK": (2, 0, "ISO has none; Stripe counts hundredths that are always 00"),
    "UGX": (2, 0, "ISO has none; Stripe counts hundredths that are always 00"),
}


def test_babel_and_stripe_agree_but_for_the_listed_currencies() -> None:
    differences = {
        code: (stripe_exponent(code), get_currency_precision(code))
        for code in ISO_EXPONENTS
        if stripe_exponent(code) != get_currency_precision(code)
    }
    assert differences == {code: (ours, babels) for code, (ours, babels, _) in BABEL_DIFFERS.items()}


def test_iso_and_stripe_agree_but_for_three_currencies() -> None:
    differences = {code: (iso, stripe_exponent(code)) for code, iso in ISO_EXPONENTS.items()}
    assert {code: pair for code, pair in differences.items() if pair[0] != pair[1]} == {
        "ISK": (0, 2),
        "UGX": (0, 2),
        "MGA": (2, 0),
    }


@pytest.mark.parametrize("code", STRIPE_ZERO.split())
def test_a_zero_decimal_currency_of_stripe_counts_whole_units(code: str) -> None:
    assert (stripe_exponent(code), step_minor(code)) == (0, 1)


@pytest.mark.parametrize("code", STRIPE_THREE.split())
def test_a_three_decimal_currency_of_stripe_goes_in_steps_of_ten(code: str) -> None:
    assert (stripe_exponent(code), step_minor(code)) == (3, 10)


@pytest.mark.parametrize("code", STRIPE_ALWAYS_00.split())
def test_a_currency_whose_hundredths_are_always_00_goes_in_steps_of_a_hundred(code: str) -> None:
    assert (stripe_exponent(code), step_minor(code)) == (2, 100)


@pytest.mark.parametrize(
    ("minor", "code", "written"),
    [
        (500, "ISK", "5.00"),
        (500, "UGX", "5.00"),
        (500, "MGA", "500"),
        (500, "JPY", "500"),
        (5120, "KWD", "5.120"),
        (1999, "EUR", "19.99"),
        (-1, "USD", "-0.01"),
        (12345, "CLF", "1.2345"),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_minor_unit(minor: int, code: str, written: str) -> None:
    assert str(Money(minor, code).major) == written


@given(whole, currencies)
def test_major_and_minor_say_the_same_amount(minor: int, code: str) -> None:
    major = Money(minor, code).major
    assert Fraction(major) * 10 ** stripe_exponent(code) == minor
    assert -cast(int, major.as_tuple().exponent) == stripe_exponent(code)


@given(whole, whole, currencies)
def test_what_is_added_can_be_taken_away(one: int, two: int, code: str) -> None:
    left, right = Money(one, code), Money(two, code)
    assert left + right == right + left
    assert (left + right) - right == left


@given(whole, whole, currencies)
def test_amounts_order_like_their_integers(one: int, two: int, code: str) -> None:
    left, right = Money(one, code), Money(two, code)
    assert (left < right, left <= right, left > right, left >= right) == (one < two, one <= two, one > two, one >= two)


@given(whole, currencies, currencies)
def test_currencies_never_mix(minor: int, one: str, two: str) -> None:
    if one == two:
        two = next(code for code in ISO_EXPONENTS if code != one)
    left, right = Money(minor, one), Money(minor, two)
    assert left != right
    for mixed in (
        lambda: left + right,
        lambda: left - right,
        lambda: left < right,
        lambda: left <= right,
        lambda: left > right,
    ):
        with pytest.raises(CurrencyMismatch):
            mixed()


@pytest.mark.parametrize("amount", [1.0, 0.1, float("nan"), Decimal(1), "1", True, None, Fraction(1)])
def test_nothing_but_an_integer_is_money(amount: Any) -> None:
    with pytest.raises(TypeError):
        Money(amount, "EUR")


@pytest.mark.parametrize("code", ["", "eur", "EURO", "XXX", "XAU", "XTS", "HRK", " EUR", "€"])
def test_money_needs_an_upper_case_currency_of_the_list(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        Money(1, code)


@given(currencies)
def test_a_currency_is_read_in_any_case(code: str) -> None:
    assert currency_code(code.lower()) == currency_code(f" {code.title()}\n") == code


@pytest.mark.parametrize("text", ["", "XXX", "EU R", "978", "gold"])
def test_an_unknown_currency_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UnknownCurrency) as refused:
        currency_code(text)
    assert str(refused.value) == "not an ISO 4217 currency"


def test_no_currency_is_listed_twice() -> None:
    from kiosk.domain import money

    lists = (money._TWO, money._ZERO, money._THREE, money._FOUR)
    assert len(ISO_EXPONENTS) == sum(len(codes.split()) for codes in lists)
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in ISO_EXPONENTS)
