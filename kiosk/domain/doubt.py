"""Figures that cannot be: one reading that no connector can have made since the one before it.

Such a reading is kept in mind, not shown, and nothing is decided by it. It is read again at once. It counts when the
meter goes on from there, or has said so for a while: then the back office bills it, and the money is real.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import hours

MOST_KW = Decimal(1000)
"""No public connector gives more; for one of which nothing is known."""
TOLERANCE = Decimal(2)
"""Plates and settings are often wrong by a size. What is looked for is wrong by far more."""
SLACK_KWH = Decimal("0.3")
"""What a first report may bring from before the charge was noticed, and what rounding makes of a small step."""
BELIEVED_AFTER = timedelta(minutes=10)
"""A figure that stands for so long is no slip of a moment, even if the meter does not go on."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """The figures that are not believed, and since when they, or others like them, are seen."""

    since: datetime
    energy_kwh: Decimal | None
    cost_minor: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    energy_kwh: Decimal | None
    cost_minor: int | None


def is_possible(
    before: Figures, after: Figures, passed: timedelta, most_kw: Decimal | None, tariff: Tariff | None
) -> bool:
    """Whether a connector of that power can have made the step within the time that `passed`. Falls are possible.

    What is not known on either side says nothing. The cost is looked at by itself: it may jump while the energy stands.
    """
    most = SLACK_KWH + (most_kw or MOST_KW) * TOLERANCE * hours(passed)
    if before.energy_kwh is not None and after.energy_kwh is not None and after.energy_kwh - before.energy_kwh > most:
        return False
    if before.cost_minor is None or after.cost_minor is None or tariff is None:
        return True
    # A rounded amount may be one off at both ends.
    return after.cost_minor - before.cost_minor <= tariff.energy_cost_exact(most) + 2


def weigh(
    doubt: Doubt | None,
    known: Figures,
    seen: Figures,
    *,
    since: datetime,
    now: datetime,
    most_kw: Decimal | None,
    tariff: Tariff | None,
) -> Doubt | None:
    """The doubt that is left after `seen`; None: what was seen counts.

    `since` is the earliest moment at which the meter can have come to the `known` figures.
    """
    if seen == Figures(None, None):
        return doubt
    if is_possible(known, seen, now - since, most_kw, tariff):
        return None
    fresh = Doubt(now, seen.energy_kwh, seen.cost_minor)
    if doubt is None:
        return fresh
    doubted = Figures(doubt.energy_kwh, doubt.cost_minor)
    if _below(seen, doubted):
        return fresh
    if now - doubt.since >= BELIEVED_AFTER:
        return None
    goes_on = is_possible(doubted, seen, now - doubt.since, most_kw, tariff)
    if goes_on and _higher(seen.energy_kwh, doubted.energy_kwh):
        return None
    return doubt if goes_on else replace(fresh, since=doubt.since)


def _higher(seen: Decimal | None, before: Decimal | None) -> bool:
    return seen is not None and before is not None and seen > before


def _below(seen: Figures, doubted: Figures) -> bool:
    """Something that was doubted is smaller now, or is not said any more."""
    less_energy = doubted.energy_kwh is not None and (seen.energy_kwh is None or seen.energy_kwh < doubted.energy_kwh)
    less_cost = doubted.cost_minor is not None and (seen.cost_minor is None or seen.cost_minor < doubted.cost_minor)
    return less_energy or less_cost
