"""How much power a car takes at a given state of charge. Whole watts and thousandths, so that every run is exact."""

from __future__ import annotations

from typing import Literal

Supply = Literal["AC_1_PHASE", "AC_3_PHASE", "DC"]

AC_TAPER_FROM = 960  # thousandths of a full battery
AC_TAPER_FLOOR = 200  # thousandths of full power, reached when full
EFFICIENCY_PERCENT: dict[Supply, int] = {"AC_1_PHASE": 88, "AC_3_PHASE": 90, "DC": 95}

WATTS_PER_PHASE_AMPERE = 230
DC_ARRIVES_PERCENT = 93  # of what a charger takes from three phases

Curve = tuple[tuple[int, int], ...]


def dc_power_w(curve: Curve, charge_permille: int) -> int:
    """Linear between the points (thousandths of a full battery, watts); the first and last point hold beyond."""
    if not curve:
        return 0
    before = curve[0]
    for point in curve:
        if point[0] >= charge_permille:
            if point[0] == before[0]:
                return point[1]
            share = charge_permille - before[0]
            return before[1] + (point[1] - before[1]) * share // (point[0] - before[0])
        before = point
    return before[1]


def ac_power_w(limit_w: int, charge_permille: int) -> int:
    """Flat, then falling in a straight line over the last few percent."""
    if charge_permille <= AC_TAPER_FROM:
        return limit_w
    span = 1000 - AC_TAPER_FROM
    left = max(0, 1000 - charge_permille)
    return limit_w * (AC_TAPER_FLOOR + (1000 - AC_TAPER_FLOOR) * left // span) // 1000
