"""Fast chargers: what the law asks of a point of 50 kW and more, beyond what it asks of every other one.

Rules EU-03 and EU-05 (AFIR, Regulation (EU) 2023/1804, Article 5).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from kiosk.domain.tariff import Tariff

FAST_KW = Decimal(50)
BINDING_FROM = date(2024, 4, 13)
"""The price rule holds for points that were installed from this day on."""


def is_fast(most_kw: Decimal | None) -> bool | None:
    """None: nobody says what the point can give."""
    return None if most_kw is None else most_kw >= FAST_KW


def breaks_price_rule(tariff: Tariff, most_kw: Decimal | None, installed_on: date | None) -> bool | None:
    """Whether a start fee stands beside the price per kWh where only that price may stand. None: it would at a fast
    point, and nobody says whether this is one. A point of unknown age counts as a new one.
    """
    if tariff.start_fee_minor == 0 or (installed_on is not None and installed_on < BINDING_FROM):
        return False
    return is_fast(most_kw)
