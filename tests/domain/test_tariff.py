"""The price: the legal order, worked examples and the reach of a hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kiosk.domain.money import Money, UnknownCurrency, step_minor
from kiosk.domain.tariff import Component, Tariff

from .made import energies, minors, tariffs

LEGAL_ORDER = [Component.PER_KWH, Component.PER_SESSION]


@given(tariffs)
def test_components_stand_in_the_legal_order_and_what_does_not_apply_is_left_out(tariff: Tariff) -> None:
    rows = tariff.components()
    assert [name for name, _ in rows] == [name for name in LEGAL_ORDER if name in dict(rows)]
    expected = {Component.PER_KWH: tariff.price_per_kwh, Component.PER_SESSION: tariff.start_fee}
    assert dict(rows) == {name: price for name, price in expected.items() if price.minor > 0}
    assert tariff.free == (not rows)


@given(tariffs, energies, energies)
def test_more_energy_never_costs_less(tariff: Tariff, one: Decimal, two: Decimal) -> None:
    less, more = sorted((one, two))
    assert tariff.example(less) <= tariff.example(more)


@given(tariffs, energies)
def test_an_example_lies_within_half_a_step_of_the_exact_cost_and_can_be_taken(tariff: Tariff, energy: Decimal) -> None:
    example, step = tariff.example(energy).minor, step_minor(tariff.currency)
    exact = tariff.start_fee_minor + tariff.energy_cost_exact(energy)
    assert example % step == 0
    assert abs(example - exact) * 2 <= step


@pytest.mark.parametrize(
    ("tariff", "energy", "minor"),
    [
        (Tariff("EUR", 49, 100), "20", 1080),
        (Tariff("EUR", 49, 100), "0", 100),
        (Tariff("EUR", 50), "0.01", 1),
        (Tariff("EUR", 50), "0.009", 0),
        (Tariff("JPY", 45, 0), "10.1", 455),
        (Tariff("KWD", 123, 0), "1", 120),
        (Tariff("ISK", 4950, 0), "1", 5000),
        (Tariff("EUR", 0, 150), "12.3", 150),
        (Tariff("EUR", 0, 0), "12.3", 0),
    ],
)
def test_a_worked_example(tariff: Tariff, energy: str, minor: int) -> None:
    assert tariff.example(Decimal(energy)) == Money(minor, tariff.currency)


@given(tariffs, minors)
def test_the_reach_never_costs_more_than_the_hold(tariff: Tariff, amount: int) -> None:
    assume(amount >= tariff.start_fee_minor)
    reach = tariff.reach_kwh(amount)
    if reach is None:
        assert tariff.price_per_kwh_minor == 0
    else:
        assert tariff.start_fee_minor + tariff.energy_cost_exact(reach) <= amount
        assert tariff.start_fee_minor + tariff.energy_cost_exact(reach + Decimal("0.1")) > amount


@given(tariffs, minors)
def test_a_hold_below_the_start_fee_reaches_nowhere(tariff: Tariff, amount: int) -> None:
    assume(amount <= tariff.start_fee_minor and tariff.price_per_kwh_minor > 0)
    assert tariff.reach_kwh(amount) == 0


def test_free_energy_has_no_reach() -> None:
    assert Tariff("EUR", 0, 100).reach_kwh(5000) is None


@pytest.mark.parametrize("price", [0.49, Decimal("0.49"), "49", None, True])
def test_a_price_is_an_integer_of_minor_units(price: Any) -> None:
    with pytest.raises(TypeError):
        Tariff("EUR", price)
    with pytest.raises(TypeError):
        Tariff("EUR", 1, price)


def test_a_float_gets_neither_into_the_energy_nor_into_the_hold() -> None:
    tariff: Any = Tariff("EUR", 49)
    with pytest.raises(TypeError):
        tariff.example(20.0)
    with pytest.raises(TypeError):
        tariff.reach_kwh(50.0)


@given(st.integers(max_value=-1))
def test_a_price_is_not_negative(price: int) -> None:
    for prices in ((price, 0), (0, price)):
        with pytest.raises(ValueError, match="not negative"):
            Tariff("EUR", *prices)


def test_a_price_has_a_known_currency() -> None:
    with pytest.raises(UnknownCurrency):
        Tariff("eur", 49)
