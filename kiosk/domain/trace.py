"""The course of one charge: energy over time, thinned so that it stays small, and the power that it implies.

Power is the slope of upstream's energy figures, so it is an estimate and lags by a meter interval or two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

MOST_POINTS = 64
POWER_WINDOW = timedelta(seconds=45)
"""Long enough to hold several meter samples of 10 s, so that reading between two of them does not show as a jump."""


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    energy_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Trace:
    """Points in time order. The newest minutes are kept finely, the past is thinned evenly."""

    points: tuple[Point, ...] = ()

    def add(self, at: datetime, energy_kwh: Decimal) -> Trace:
        """With one more reading; one that is not later than the last is left out."""
        if self.points and at <= self.points[-1].at:
            return self
        points = (*self.points, Point(at, energy_kwh))
        if len(points) > MOST_POINTS:
            fine = MOST_POINTS // 4
            old, recent = points[:-fine], points[-fine:]
            points = (*old[::2], *recent)
        return Trace(points)

    def power_kw(self) -> Decimal | None:
        """Power over the last POWER_WINDOW in kW with one decimal; None until two readings stand far enough apart."""
        if len(self.points) < 2:
            return None
        last = self.points[-1]
        first = next((p for p in reversed(self.points) if last.at - p.at >= POWER_WINDOW), self.points[0])
        return _slope(first, last)

    def powers(self) -> tuple[tuple[datetime, Decimal], ...]:
        """Power between neighbouring readings, for the picture: (end of the stretch, kW, never below zero)."""
        rows = []
        for before, after in zip(self.points, self.points[1:], strict=False):
            slope = _slope(before, after)
            if slope is not None:
                rows.append((after.at, slope))
        return tuple(rows)


def _slope(first: Point, last: Point) -> Decimal | None:
    seconds = Decimal((last.at - first.at) // timedelta(milliseconds=1)) / 1000
    if seconds < 5:
        return None
    kilowatts = (last.energy_kwh - first.energy_kwh) * 3600 / seconds
    return max(Decimal(0), kilowatts).quantize(Decimal("0.1"))
