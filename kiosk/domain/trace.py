"""The course of one charge: energy over time, thinned so that it stays small, and the power that it implies.

Upstream's energy stands still between two meter samples and then jumps, and nobody says when a sample was taken: only
that it came after the last reading that lacked it and before the first that had it. So power is known within bounds
that close as the charge goes on, and is not said before they are close.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate, pairwise

MOST_POINTS = 64
POWER_WINDOW = timedelta(seconds=45)
"""A picture's stretch, and the shortest standstill that counts as no power: several meter samples of 10 s."""

CLOSE_ENOUGH = Decimal("0.1")
"""Power is said when its bounds lie no further than this share from the middle."""
EXACT_ENOUGH = Decimal("0.02")
"""Bounds this close need no older readings, so that the figure follows the charge."""
FEWEST_RISES = 3
ROUGH_STRETCH = timedelta(seconds=5)
_FINEST_KWH = Decimal("0.001")
_FOREVER = Decimal(10**9)  # seconds for a kWh: no upper bound yet


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    energy_kwh: Decimal


@dataclass(frozen=True, slots=True)
class _Rise:
    """The meter came to `energy_kwh` at some moment later than `after` and not later than `by`."""

    after: datetime
    by: datetime
    energy_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Trace:
    """Points in time order. The newest minutes are kept finely, the past is thinned evenly."""

    points: tuple[Point, ...] = ()

    def add(self, at: datetime, energy_kwh: Decimal) -> Trace:
        """With one more reading; one that is not later than the last is left out.

        Of a standstill only the first and the last reading are kept: those between say nothing more.
        """
        if self.points and at <= self.points[-1].at:
            return self
        kept = self.points
        if len(kept) > 1 and kept[-2].energy_kwh == kept[-1].energy_kwh == energy_kwh:
            kept = kept[:-1]
        points = (*kept, Point(at, energy_kwh))
        if len(points) > MOST_POINTS:
            fine = MOST_POINTS // 4
            old, recent = points[:-fine], points[-fine:]
            points = (*old[::2], *recent)
        return Trace(points)

    def moved_back(self, by: timedelta) -> Trace:
        """The same course, earlier by that much."""
        return Trace(tuple(Point(point.at - by, point.energy_kwh) for point in self.points))

    def power_kw(self) -> Decimal | None:
        """The present power in kW with one decimal, within CLOSE_ENOUGH for a steady charge.

        Zero when the energy has stood still for clearly longer than it did between its last rises. None when it cannot
        be said: too few rises, or the power changed a short while ago.
        """
        return _power_kw(self.points)

    def steepest_kw(self) -> Decimal | None:
        """The steepest rise in the last POWER_WINDOW over ROUGH_STRETCH or more, in kW: to stop in time, never shown.

        It is there long before `power_kw` and is rough: up to one meter sample too high, seldom a little too low. What
        only comes back to a figure that was there before a fall is no power. None until two readings stand far enough
        apart.
        """
        if not self.points:
            return None
        since = self.points[-1].at - POWER_WINDOW
        start = max((i for i, point in enumerate(self.points) if point.at <= since), default=0)
        recent, peaks = self.points[start:], _peaks(self.points)[start:]
        slopes = [
            _slope(_without_return(before, peak, after), after)
            for i, (before, peak) in enumerate(zip(recent, peaks, strict=True))
            for after in recent[i + 1 :]
            if after.at - before.at >= ROUGH_STRETCH
        ]
        return max(slopes, default=None)

    def powers(self) -> tuple[tuple[datetime, Decimal], ...]:
        """Power over stretches of POWER_WINDOW or more, for the picture: (end of the stretch, kW, never below zero)."""
        rows: list[tuple[datetime, Decimal]] = []
        first: Point | None = None
        for point in self.points:
            if first is None:
                first = point
            elif point.at - first.at >= POWER_WINDOW:
                rows.append((point.at, _slope(first, point)))
                first = point
        return tuple(rows)


@lru_cache(maxsize=2048)
def _power_kw(points: tuple[Point, ...]) -> Decimal | None:
    """Kept, because every round of the engine and every page asks for the power of the same points."""
    rises = _rises(points)
    if len(rises) < FEWEST_RISES:
        return None
    usual = max(after.by - before.by for before, after in pairwise(rises[-5:]))
    if points[-1].at - rises[-1].by > max(POWER_WINDOW, 2 * usual):
        return Decimal("0.0")
    return _steady_power(rises)


def _rises(points: tuple[Point, ...]) -> list[_Rise]:
    """The rises since the energy last fell: a corrected meter starts afresh."""
    rises: list[_Rise] = []
    for before, after in pairwise(points):
        if after.energy_kwh > before.energy_kwh:
            rises.append(_Rise(before.at, after.at, after.energy_kwh))
        elif after.energy_kwh < before.energy_kwh:
            rises = []
    return rises


def _steady_power(rises: list[_Rise]) -> Decimal | None:
    """The power of the newest rises that one steady power explains, or None when its bounds stay too wide.

    The time between two rises bounds the seconds that one kWh takes, give or take the last digit; a steady charge
    keeps within the bounds of every pair.
    """
    digit = max(_FINEST_KWH, min(_last_digit(rise.energy_kwh) for rise in rises))
    steady: list[_Rise] = []
    slowest, fastest = _FOREVER, Decimal(0)
    for older in reversed(rises):
        slow, fast = slowest, fastest
        for newer in steady:
            energy = newer.energy_kwh - older.energy_kwh
            if energy > digit:
                slow = min(slow, _seconds(older.after, newer.by) / (energy - digit))
            fast = max(fast, _seconds(older.by, newer.after) / (energy + digit))
        if slow < fast:
            break
        steady.append(older)
        slowest, fastest = slow, fast
        if len(steady) >= FEWEST_RISES and _spread(slowest, fastest) <= EXACT_ENOUGH:
            break
    if len(steady) < FEWEST_RISES or _spread(slowest, fastest) > CLOSE_ENOUGH:
        return None
    return (7200 / (slowest + fastest)).quantize(Decimal("0.1"))


def _spread(slow: Decimal, fast: Decimal) -> Decimal:
    return (slow - fast) / (slow + fast)


def _last_digit(energy: Decimal) -> Decimal:
    exponent = energy.as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else _FINEST_KWH


def _peaks(points: tuple[Point, ...]) -> list[Point]:
    """The last point with the highest figure, up to each point."""
    return list(accumulate(points, _higher))


def _higher(peak: Point, point: Point) -> Point:
    return point if point.energy_kwh >= peak.energy_kwh else peak


def _without_return(before: Point, peak: Point, after: Point) -> Point:
    """Where a rise to `after` begins: at the highest figure before it, once that is there again."""
    return peak if after.energy_kwh >= peak.energy_kwh else before


def _slope(first: Point, last: Point) -> Decimal:
    kilowatts = (last.energy_kwh - first.energy_kwh) * 3600 / _seconds(first.at, last.at)
    return max(Decimal(0), kilowatts).quantize(Decimal("0.1"))


def _seconds(start: datetime, end: datetime) -> Decimal:
    return Decimal((end - start) // timedelta(microseconds=1)) / 1_000_000
