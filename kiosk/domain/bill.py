"""The lines of a bill, so that everybody who checks them with a pocket calculator comes to the same amounts.

Each line is its quantity times its unit price, rounded half up to what the currency is printed with. What was taken is
upstream's figure alone: where the lines come to another amount, the difference is a line of its own, with its reason.
Rules R-03 and DE-04: the names and the order of the price before the start, easy to re-trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from kiosk.domain.money import Money, shown_step, step_minor
from kiosk.domain.tariff import Component, Tariff


@dataclass(frozen=True, slots=True)
class Line:
    """`amount` is `quantity` (kWh, or how many times) times `unit_price`, rounded half up as it is printed."""

    component: Component
    quantity: Decimal
    unit_price: Money
    amount: Money


class Why(StrEnum):
    """Why less or more was taken than the lines come to."""

    HOLD = "hold"  # the bill was cut at the hold
    ROUNDING = "rounding"  # upstream rounds in another way, or to amounts that can be taken
    OTHER = "other"  # nothing that is known here explains it


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Lines + `amount` = what was taken. Below zero when less was taken."""

    why: Why
    amount: Money


def lines_of(tariff: Tariff, energy_kwh: Decimal) -> tuple[Line, ...]:
    """The bill by price and energy, before anything is cut."""
    step = shown_step(tariff.currency)
    lines: list[Line] = []
    for component, price in tariff.components():
        if component is Component.PER_KWH:
            steps = (tariff.energy_cost_exact(energy_kwh) / step).quantize(Decimal(1), ROUND_HALF_UP)
            lines.append(Line(component, energy_kwh, price, Money(int(steps) * step, tariff.currency)))
        else:
            lines.append(Line(component, Decimal(1), price, price))
    return tuple(lines)


def sum_of(lines: tuple[Line, ...], currency: str) -> Money:
    """What the lines come to."""
    return Money(sum(line.amount.minor for line in lines), currency)


def adjustment_of(tariff: Tariff, energy_kwh: Decimal, taken: Money, held: Money | None) -> Adjustment | None:
    """What stands between the lines and the amount that was taken; None when they come to it."""
    amount = taken - sum_of(lines_of(tariff, energy_kwh), tariff.currency)
    if amount.minor == 0:
        return None
    if amount.minor < 0 and taken == held:
        return Adjustment(Why.HOLD, amount)
    exact = tariff.energy_cost_exact(energy_kwh) + tariff.start_fee_minor
    # Upstream's rounding is not documented, so whatever is less than a step of what can be taken is one.
    rounded = abs(taken.minor - exact) < step_minor(tariff.currency)
    return Adjustment(Why.ROUNDING if rounded else Why.OTHER, amount)
