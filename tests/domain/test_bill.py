"""The lines of a bill: what is printed can be checked with a pocket calculator, in every currency."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.bill import Adjustment, Why, adjustment_of, lines_of, sum_of
from kiosk.domain.money import ISO_EXPONENTS, Money, shown_decimals, shown_step, step_minor
from kiosk.domain.tariff import Component, Tariff

from .made import EURO, energies, minors, tariffs

ROUNDINGS = [ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING]


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


@given(tariffs, energies)
def test_quantity_times_unit_price_rounded_as_printed_is_the_amount(tariff: Tariff, energy: Decimal) -> None:
    for line in lines_of(tariff, energy):
        exact = line.quantity * line.unit_price.major
        if line.component is Component.PER_KWH:
            exact = exact.quantize(Decimal(1).scaleb(-shown_decimals(tariff.currency)), ROUND_HALF_UP)
        assert line.amount.major == exact


@given(tariffs, energies, minors, st.none() | minors)
def test_lines_and_difference_come_to_what_was_taken(
    tariff: Tariff, energy: Decimal, taken: int, held: int | None
) -> None:
    amount = Money(taken, tariff.currency)
    hold = None if held is None else Money(held, tariff.currency)
    adjustment = adjustment_of(tariff, energy, amount, hold)
    total = sum_of(lines_of(tariff, energy), tariff.currency)
    assert total + (adjustment.amount if adjustment else Money(0, tariff.currency)) == amount


@given(tariffs, energies, st.sampled_from(ROUNDINGS))
def test_every_way_of_rounding_to_what_can_be_taken_is_at_most_a_rounding(
    tariff: Tariff, energy: Decimal, rounding: str
) -> None:
    step = step_minor(tariff.currency)
    exact = tariff.energy_cost_exact(energy) + tariff.start_fee_minor
    taken = Money(int((exact / step).quantize(Decimal(1), rounding)) * step, tariff.currency)
    adjustment = adjustment_of(tariff, energy, taken, None)
    assert adjustment is None or adjustment.why is Why.ROUNDING


@pytest.mark.parametrize("currency", sorted(ISO_EXPONENTS))
def test_half_up_to_the_cent_needs_no_rounding_line_unless_stripe_takes_coarser_amounts(currency: str) -> None:
    tariff = Tariff(currency, 49 * shown_step(currency), 35 * shown_step(currency))
    (energy, session) = lines_of(tariff, Decimal("18.617"))
    taken = energy.amount + session.amount
    assert taken.minor % shown_step(currency) == 0
    assert adjustment_of(tariff, Decimal("18.617"), taken, None) is None


@pytest.mark.parametrize(
    ("taken", "held", "expected"),
    [
        (1080, 5000, None),
        (1079, 5000, Adjustment(Why.OTHER, euros(-1))),
        (1000, 1000, Adjustment(Why.HOLD, euros(-80))),
        (1079, 1079, Adjustment(Why.HOLD, euros(-1))),
        (1000, None, Adjustment(Why.OTHER, euros(-80))),
        (5000, 5000, Adjustment(Why.OTHER, euros(3920))),
    ],
)
def test_a_difference_has_the_reason_that_fits(taken: int, held: int | None, expected: Adjustment | None) -> None:
    hold = None if held is None else euros(held)
    assert adjustment_of(EURO, Decimal("20.000"), euros(taken), hold) == expected


def test_energy_of_three_decimals_is_billed_as_a_calculator_does() -> None:
    tariff = Tariff("EUR", 49, 35)
    assert [(x.quantity, x.amount) for x in lines_of(tariff, Decimal("18.617"))] == [
        (Decimal("18.617"), euros(912)),
        (Decimal(1), euros(35)),
    ]
    assert adjustment_of(tariff, Decimal("18.617"), euros(948), None) == Adjustment(Why.ROUNDING, euros(1))
