"""The course of one charge: energy over time, thinned so that it stays small, and the power that it implies.

Upstream's energy stands still between two meter samples and then jumps, and nobody says when a sample was taken: only
that it came after the last reading that lacked it and before the first that had it. So power is known within bounds
that close as the charge goes on, and is not said before they are close. How old a read is says nothing about how old
the meter's figure is: a meter may report every 10 s or every 15 minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Any, TypeVar

T = TypeVar("T")

MOST_POINTS = 64
POWER_WINDOW = timedelta(seconds=45)
"""A picture's stretch, and the shortest standstill that counts as no power: several meter samples of 10 s."""

CLOSE_ENOUGH = Decimal("0.1")
"""Power is said when its bounds lie no further than this share from the middle."""
EXACT_ENOUGH = Decimal("0.02")
"""Bounds this close need no older readings, so that the figure follows the charge."""
FEWEST_RISES = 3
FEWEST_GAPS = 3
"""Distances between rises that are needed before anything is said of how often a meter reports."""
_NEWEST_GAPS = 6
ZERO = timedelta(0)
_FINEST_KWH = Decimal("0.001")
_FOREVER = Decimal(10**9)  # seconds for a kWh: no upper bound yet


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    energy_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Rise:
    """The meter came to `energy_kwh` at some moment later than `after` and not later than `by`."""

    after: datetime
    by: datetime
    energy_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Bounds:
    """The power of a steady charge lies between `least` and `most` kW; `most` is None when nothing bounds it yet.

    `rises` are those that it explains, the newest first.
    """

    least: Decimal
    most: Decimal | None
    rises: tuple[Rise, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Points in time order. The newest minutes are kept finely, the past is thinned evenly."""

    points: tuple[Point, ...] = ()
    _known: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out of these points. Every round of the engine asks, and only to hash them takes its time."""

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

    def power_kw(self, most_kw: Decimal | None = None) -> Decimal | None:
        """The present power in kW with one decimal, within CLOSE_ENOUGH for a steady charge.

        `most_kw` is what the connector can give; it counts unless the meter shows more. Zero when the energy has stood
        still for clearly longer than it did between its last rises. None when it cannot be said: too few rises, or the
        power changed a short while ago.
        """
        return self._once(("power", most_kw), lambda: _power_kw(self.points, most_kw))

    def bounds(self) -> Bounds | None:
        """What is known of the last steady power, from two rises on; None before. For deciding, never shown."""
        return self._once("bounds", lambda: _bounds(self.points))

    def last_rise(self) -> Rise | None:
        """When the newest figure came; None while the energy was never seen to rise since it last fell."""
        rises = self._rises()
        return rises[-1] if rises else None

    def still_since(self) -> datetime | None:
        """The first reading that had the newest figure; None without a reading."""
        if not self.points:
            return None
        newest = self.points[-1].energy_kwh
        return min(point.at for point in takewhile(lambda one: one.energy_kwh == newest, reversed(self.points)))

    def usual_gap(self) -> timedelta | None:
        """At most so much usually lies between two rises. One pause, or one stretch without reads, changes nothing."""
        gaps = sorted(_gaps(self._rises())[-_NEWEST_GAPS:])
        return gaps[len(gaps) // 2] if len(gaps) >= FEWEST_GAPS else None

    def reporting_interval(self) -> timedelta | None:
        """At most so far apart does this meter report, by what was seen; None before enough rises.

        Two rises are one interval apart, or more when the car paused or nobody looked: so the shortest distances tell.
        The very shortest does not count, because a charger may report once more when something happens.
        """
        gaps = sorted(_gaps(self._rises()))
        return gaps[1] if len(gaps) >= FEWEST_GAPS else None

    def surely_apart(self) -> timedelta | None:
        """At least so far apart does this meter report, by what was seen; None before enough rises.

        Zero where each reading has shown a rise: then it says how often somebody looked, and nothing of the meter.
        """
        gaps = sorted(max(newer.after - older.by, ZERO) for older, newer in pairwise(self._rises()))
        return gaps[1] if len(gaps) >= FEWEST_GAPS else None

    def _rises(self) -> tuple[Rise, ...]:
        return self._once("rises", lambda: _rises(self.points))

    def _once(self, what: object, work_out: Callable[[], T]) -> T:
        if what not in self._known:
            self._known[what] = work_out()
        found: T = self._known[what]
        return found

    def powers(self) -> tuple[tuple[datetime, Decimal], ...]:
        """Power over stretches of POWER_WINDOW or more, for the picture: (end of the stretch, kW, never below zero).

        A stretch ends where the energy rises: between two reports of a slow meter nothing is known to change. Only a
        standstill that is clearly longer than the distance of the rises before it is a stretch without power.
        """
        rows: list[tuple[datetime, Decimal]] = []
        if not self.points:
            return ()
        first = risen = self.points[0]
        usual, paused = timedelta(0), False
        for before, point in pairwise(self.points):
            if point.energy_kwh > before.energy_kwh:
                if paused:
                    # Some of it may have come before the standstill was noticed.
                    first, paused = point, False
                else:
                    usual = max(usual, point.at - risen.at)
                risen = point
                ends = True
            else:
                ends = point.energy_kwh < before.energy_kwh or (usual > ZERO and point.at - risen.at >= 2 * usual)
                paused = paused or ends
            if ends and point.at - first.at >= POWER_WINDOW:
                rows.append((point.at, _slope(first, point)))
                first = point
        return tuple(rows)


@lru_cache(maxsize=2048)
def _power_kw(points: tuple[Point, ...], most_kw: Decimal | None) -> Decimal | None:
    """Kept, because every round of the engine and every page asks for the power of the same points."""
    rises = _rises(points)
    if len(rises) < FEWEST_RISES:
        return None
    usual = max(after.by - before.by for before, after in pairwise(rises[-5:]))
    if points[-1].at - rises[-1].by > max(POWER_WINDOW, 2 * usual):
        return Decimal("0.0")
    steady, slowest, fastest = _steady(rises, most_kw)
    bounded = _no_faster(slowest, fastest, most_kw)
    if len(steady) < FEWEST_RISES or _spread(slowest, bounded) > CLOSE_ENOUGH:
        return None
    # The middle of what the meter alone says: one bound of a car that takes all that its connector gives is that very
    # figure, and the middle of both bounds would always lie below it.
    return min(7200 / (slowest + fastest), 3600 / bounded).quantize(Decimal("0.1"))


@lru_cache(maxsize=2048)
def _bounds(points: tuple[Point, ...]) -> Bounds | None:
    rises = _rises(points)
    steady, slowest, fastest = _steady(rises, None)
    if len(steady) < 2:
        return None
    return Bounds(3600 / slowest, 3600 / fastest if fastest > 0 else None, tuple(steady))


@lru_cache(maxsize=2048)
def _rises(points: tuple[Point, ...]) -> tuple[Rise, ...]:
    """The rises since the energy fell for good: a corrected meter starts afresh, a slip that came back is left out."""
    return tuple(
        Rise(before.at, after.at, after.energy_kwh)
        for before, after in pairwise(_without_slips(points))
        if after.energy_kwh > before.energy_kwh
    )


def _gaps(rises: tuple[Rise, ...]) -> list[timedelta]:
    """At most how far each rise came after the one before it."""
    return [newer.by - older.after for older, newer in pairwise(rises)]


def _without_slips(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Figures that never fall: without those below an earlier one that was reached again, and without everything
    before a fall that was not made good.
    """
    kept: list[Point] = []
    fallen: list[Point] = []
    for point in points:
        if not kept or point.energy_kwh >= kept[-1].energy_kwh:
            kept.append(point)
            fallen = []
        else:
            fallen.append(point)
    return _without_slips(tuple(fallen)) if fallen else tuple(kept)


def _steady(rises: tuple[Rise, ...], most_kw: Decimal | None) -> tuple[list[Rise], Decimal, Decimal]:
    """The newest rises that one steady power explains, and at most and at least how many seconds a kWh takes by them.

    The time between two rises bounds the seconds that one kWh takes, give or take the last digit; a steady charge
    keeps within the bounds of every pair. With `most_kw` fewer rises are enough.
    """
    slowest, fastest = _FOREVER, Decimal(0)
    steady: list[Rise] = []
    if not rises:
        return steady, slowest, fastest
    digit = max(_FINEST_KWH, min(_last_digit(rise.energy_kwh) for rise in rises))
    begin = rises[0].after
    newer: list[tuple[Decimal, Decimal, Decimal]] = []  # the seconds after which it came at the earliest, at the latest
    for older in reversed(rises):
        slow, fast = slowest, fastest
        after, by, reached = _seconds(begin, older.after), _seconds(begin, older.by), older.energy_kwh
        for newer_after, newer_by, newer_energy in newer:
            energy = newer_energy - reached
            if energy > digit:
                slow = min(slow, (newer_by - after) / (energy - digit))
            fast = max(fast, (newer_after - by) / (energy + digit))
        if slow < fast:
            break
        steady.append(older)
        newer.append((after, by, reached))
        slowest, fastest = slow, fast
        if len(steady) >= FEWEST_RISES and _spread(slowest, _no_faster(slowest, fastest, most_kw)) <= EXACT_ENOUGH:
            break
    return steady, slowest, fastest


def _no_faster(slowest: Decimal, fastest: Decimal, most_kw: Decimal | None) -> Decimal:
    """What the connector can give bounds the power too, unless the meter shows more."""
    at_least = 3600 / most_kw if most_kw else Decimal(0)
    return max(fastest, at_least) if at_least <= slowest else fastest


def _spread(slow: Decimal, fast: Decimal) -> Decimal:
    return (slow - fast) / (slow + fast)


def _last_digit(energy: Decimal) -> Decimal:
    exponent = energy.as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else _FINEST_KWH


def _slope(first: Point, last: Point) -> Decimal:
    kilowatts = (last.energy_kwh - first.energy_kwh) * 3600 / _seconds(first.at, last.at)
    return max(Decimal(0), kilowatts).quantize(Decimal("0.1"))


def hours(passed: timedelta) -> Decimal:
    """Hours of a stretch of time, to the millisecond; never below zero."""
    return Decimal(max(passed, timedelta(0)) // timedelta(milliseconds=1)) / 3_600_000


def _seconds(start: datetime, end: datetime) -> Decimal:
    return Decimal((end - start) // timedelta(microseconds=1)) / 1_000_000
