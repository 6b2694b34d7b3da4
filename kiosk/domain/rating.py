"""What a connector can do at most, in amperes per phase and in kW, from whatever is known of it.

Voltage is that between phase and neutral: the European nominal 230 V, unless the site says another one. For DC the
amperes are those that the charger takes from the grid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from kiosk.domain.fuses import FuseConnector

VOLTS = 230
KILOVOLTS = Decimal(VOLTS) / 1000
DC_EFFICIENCY = Decimal("0.93")
"""From the grid to the car. Chargers are somewhat better at full power, so that the figure errs on the low side."""
LEAST_AMPERES = Decimal(6)
"""IEC 61851-1: a car is not offered less; below it charging pauses."""
ONE_PHASE_KW = Decimal("7.4")
THREE_PHASE_KW = Decimal(44)
"""The most that connectors of one and of three phases usually have (32 A and 63 A)."""
ROUNDED = Decimal("0.98")
"""Plates round up: 32 A on one phase are 7.36 kW and sold as 7.4."""
_MOST = Decimal(10**6)
_FINEST_AMPERES = Decimal("0.001")
_FINEST_KW = Decimal("0.1")
_PHASES_IN_WORDS = re.compile(r"AC\D*([123])", re.ASCII)


class Supply(StrEnum):
    """OCPI's words, which Plugchoice uses in `power_type`."""

    AC_1_PHASE = "AC_1_PHASE"
    AC_2_PHASE = "AC_2_PHASE"
    AC_3_PHASE = "AC_3_PHASE"
    DC = "DC"


PHASES = (1, 2, 3)
_LETTERS = {"R": 1, "S": 2, "T": 3}
_AS_DELIVERED = "RST"
_WIDTHS = {Supply.AC_1_PHASE: 1, Supply.AC_2_PHASE: 2, Supply.AC_3_PHASE: 3, Supply.DC: 3}


@dataclass(frozen=True, slots=True)
class Rating:
    """What operator and maker say of one connector. None: not known. `max_amperes` are per phase, from the grid.

    `phase` is the one (1, 2 or 3) that a connector of one phase hangs on. `rotation` is the back office's word for how
    its phases hang on the grid's (OCPP's R, S and T are 1, 2 and 3). `kilovolts` are those of its site.
    """

    supply: Supply | None = None
    max_amperes: Decimal | None = None
    max_kw: Decimal | None = None
    phase: int | None = None
    rotation: str | None = None
    kilovolts: Decimal = KILOVOLTS


@dataclass(frozen=True, slots=True)
class Ability:
    """`amperes` and `most_kw` are None when nothing bounds them. `supply_known` is False when one phase was assumed.

    `lines` says which phases it uses; None when that is not known. `dc`: amperes are those from the grid.
    """

    amperes: Decimal | None
    most_kw: Decimal | None
    least_amperes: Decimal
    kw_per_ampere: Decimal
    phases: int
    supply_known: bool = True
    lines: tuple[int, ...] | None = PHASES
    dc: bool = False

    def kw(self, amperes: Decimal) -> Decimal:
        """The power of that current, with one decimal, rounded down."""
        power = floored_kw(amperes * self.kw_per_ampere)
        return power if self.most_kw is None else min(power, self.most_kw)


def supply_of(power_type: str | None) -> Supply | None:
    """The supply that a word of upstream names, however it is written; None when it names none."""
    word = (power_type or "").upper()
    if "DC" in word:
        return Supply.DC
    found = _PHASES_IN_WORDS.search(word)
    return Supply(f"AC_{found[1]}_PHASE") if found else None


def ability(rating: Rating, power_type: str | None, listed: Sequence[FuseConnector]) -> Ability:
    """The least of everything that is said. `listed`: how the fuse tree has the connector, also more than once."""
    figures = [each.most_amperes for each in listed] + [rating.max_amperes]
    stated = min((figure for figure in figures if figure is not None), default=None)
    supply = rating.supply or supply_of(power_type)
    wired = min((each.phases for each in listed if each.phases is not None), default=None)
    turned = _turned(rating.rotation)
    if supply is None and wired is None and 0 < len(turned) < len(PHASES):
        wired = len(turned)
    if supply is None and wired is None:
        supply = _guessed(rating, stated)
    phases = min(_WIDTHS[supply] if supply is not None else 3, wired or 3)
    if supply is None and wired is None:
        phases = 1
    known = supply is not None or wired is not None or rating.phase is not None
    per_ampere = rating.kilovolts * phases * (DC_EFFICIENCY if supply is Supply.DC else 1)
    bounds = [stated] if stated is not None else []
    powers = [stated * per_ampere] if stated is not None else []
    if rating.max_kw is not None:
        bounds.append(rating.max_kw / per_ampere)
        powers = [rating.max_kw] if not powers or powers[0] >= rating.max_kw * ROUNDED else powers
    return Ability(
        amperes=floored_amperes(min(bounds)) if bounds else None,
        most_kw=floored_kw(min(powers)) if powers else None,
        least_amperes=max([LEAST_AMPERES, *(each.least_amperes for each in listed if each.least_amperes is not None)]),
        kw_per_ampere=per_ampere,
        phases=phases,
        supply_known=known,
        lines=_lines(phases, rating.phase, listed, turned) if known else None,
        dc=supply is Supply.DC,
    )


def _lines(
    phases: int, phase: int | None, listed: Sequence[FuseConnector], turned: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The phases of a connector that uses so many of them; None when they are not known, or two say different ones.

    How it is turned counts where neither operator nor fuse tree says a phase.
    """
    if phases == len(PHASES):
        return PHASES
    told = {each.lines for each in listed if each.lines is not None and len(each.lines) == phases}
    if phase is not None and phases == 1:
        told.add((phase,))
    if not told and len(turned) >= phases:
        told.add(tuple(sorted(turned[:phases])))
    return told.pop() if len(told) == 1 else None


def _turned(rotation: str | None) -> tuple[int, ...]:
    """The grid's phases in the order in which they arrive; none where that is not told.

    `RST` is what a charger says that nobody has told how it hangs: it is no news of the first phase.
    """
    word = (rotation or "").strip().upper()
    letters = [_LETTERS.get(letter, 0) for letter in word]
    if not letters or word == _AS_DELIVERED or 0 in letters or len(set(letters)) < len(letters):
        return ()
    return tuple(letters)


def floored_amperes(amperes: Decimal) -> Decimal:
    return min(max(amperes, Decimal(0)), _MOST).quantize(_FINEST_AMPERES, ROUND_FLOOR)


def floored_kw(kilowatts: Decimal) -> Decimal:
    return min(max(kilowatts, Decimal(0)), _MOST).quantize(_FINEST_KW, ROUND_FLOOR)


def _guessed(rating: Rating, amperes: Decimal | None) -> Supply | None:
    """The supply that the power fits to; None when no power is known."""
    max_kw = rating.max_kw
    if max_kw is None:
        return None
    one_phase = ONE_PHASE_KW if amperes is None else amperes * rating.kilovolts * Decimal("1.05")
    if max_kw <= one_phase:
        return Supply.AC_1_PHASE
    return Supply.AC_3_PHASE if max_kw <= THREE_PHASE_KW else Supply.DC
