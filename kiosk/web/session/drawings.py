"""Drawings as facts: the bar of the hold in percent and the power curve as paths. No words, no colours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from kiosk.domain.money import Money
from kiosk.domain.trace import Trace

WIDTH, HEIGHT, GAP_FROM = 300, 60, 250


@dataclass(frozen=True, slots=True)
class Bar:
    """Percent of the hold as text for SVG attributes. `back`: the rest was given back, else it stays hatched but for
    what was `sent` back later, next to what is `used`.
    """

    used: str
    rest: str
    back: bool
    mark: str | None = None
    sent: str | None = None


@dataclass(frozen=True, slots=True)
class Spark:
    """Power over time in a box of 300 by 60. `gap`: no figures after that."""

    area: str
    curve: str
    gap: str | None
    since: datetime


def percent(part: int, whole: int) -> str:
    """`part` of `whole` as SVG percent digits with at most one decimal, from 0 to 100."""
    if whole <= 0:
        return "0"
    share = min(Decimal(100), max(Decimal(0), Decimal(part) * 100 / whole))
    return f"{share.quantize(Decimal('0.1'), ROUND_HALF_UP):f}".removesuffix(".0")


def bar_of(
    held: Money | None, used: Money | None, limit: Money | None, given_back: bool, sent_back: Money | None = None
) -> Bar | None:
    """The bar of a hold; None when no hold is known. A hold that was never placed is drawn by the page itself.

    Of what was `used` and `sent_back` later only the rest is solid: what is paid in the end.
    """
    if held is None or held.minor <= 0:
        return None
    spent = used.minor if used is not None else 0
    kept = max(0, spent - sent_back.minor) if sent_back is not None else spent
    mark = percent(limit.minor, held.minor) if limit is not None and limit.minor < held.minor else None
    share = percent(kept, held.minor)
    sent = f"{Decimal(percent(spent, held.minor)) - Decimal(share):f}" if kept < spent and not given_back else None
    return Bar(share, f"{Decimal(100) - Decimal(share):f}", given_back, mark, sent)


def spark_of(trace: Trace, *, lost: bool) -> Spark | None:
    """The curve of the power so far; None until it has two stretches."""
    powers = trace.powers()
    if len(powers) < 2:
        return None
    start, end = trace.points[0].at, powers[-1][0]
    width = GAP_FROM if lost else WIDTH
    most = max(power for _, power in powers)
    rows = [(start, powers[0][1]), *powers]
    curve = "L".join(f"{_x(at, start, end, width)} {_y(power, most)}" for at, power in rows)
    area = f"M{curve}V{HEIGHT}H0z"
    return Spark(area, f"M{curve}", f"M{width} 6V60M{width} 33H{WIDTH}" if lost else None, start)


def _x(at: datetime, start: datetime, end: datetime, width: int) -> str:
    share = Decimal((at - start) // timedelta(milliseconds=1)) / Decimal((end - start) // timedelta(milliseconds=1))
    return f"{(share * width).quantize(Decimal('0.1')):f}".removesuffix(".0")


def _y(power: Decimal, most: Decimal) -> str:
    share = power / most if most > 0 else Decimal(0)
    return f"{(58 - share * 52).quantize(Decimal('0.1')):f}".removesuffix(".0")
