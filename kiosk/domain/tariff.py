"""The price of a session: its components in the legal order, worked examples, and how far a hold reaches.

Upstream knows a price per kWh and a start fee (no minute or idle price exists in its interface). What is computed
here is an example or an estimate and is called so on every screen; the bill is upstream's figure alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum

from kiosk.domain.money import Money, step_minor

EXAMPLE_KWH = Decimal(20)
"""The energy of the worked example that stands beside every price."""


class Component(StrEnum):
    """AFIR Art. 5(4), third subparagraph: kWh, then minute, then session, then any other.

    What does not apply is left out.
    """

    PER_KWH = "per_kwh"
    PER_SESSION = "per_session"


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices in minor units of `currency`, tax included. Frozen at the start of a session."""

    currency: str
    price_per_kwh_minor: int
    start_fee_minor: int = 0

    def __post_init__(self) -> None:
        Money(self.price_per_kwh_minor, self.currency)
        Money(self.start_fee_minor, self.currency)
        if self.price_per_kwh_minor < 0 or self.start_fee_minor < 0:
            raise ValueError("a price is not negative")

    @property
    def price_per_kwh(self) -> Money:
        return Money(self.price_per_kwh_minor, self.currency)

    @property
    def start_fee(self) -> Money:
        return Money(self.start_fee_minor, self.currency)

    @property
    def free(self) -> bool:
        return self.price_per_kwh_minor == 0 and self.start_fee_minor == 0

    def components(self) -> tuple[tuple[Component, Money], ...]:
        """The components that apply, in the legal order."""
        rows: list[tuple[Component, Money]] = []
        if self.price_per_kwh_minor:
            rows.append((Component.PER_KWH, self.price_per_kwh))
        if self.start_fee_minor:
            rows.append((Component.PER_SESSION, self.start_fee))
        return tuple(rows)

    def energy_cost_exact(self, energy_kwh: Decimal) -> Decimal:
        """Unrounded minor units for the energy alone."""
        return Decimal(self.price_per_kwh_minor) * energy_kwh

    def example(self, energy_kwh: Decimal) -> Money:
        """A worked example: start fee plus energy, rounded half up to an amount that can be taken. Never the bill."""
        step = step_minor(self.currency)
        steps = (self.start_fee_minor + self.energy_cost_exact(energy_kwh)) / step
        return Money(int(steps.quantize(Decimal(1), ROUND_HALF_UP)) * step, self.currency)

    def reach_kwh(self, amount_minor: int) -> Decimal | None:
        """Energy that `amount_minor` pays for, in kWh with one decimal, rounded down. None when energy is free."""
        if self.price_per_kwh_minor == 0:
            return None
        rest = max(0, Money(amount_minor, self.currency).minor - self.start_fee_minor)
        return (Decimal(rest) / self.price_per_kwh_minor).quantize(Decimal("0.1"), ROUND_DOWN)
