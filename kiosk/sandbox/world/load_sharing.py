"""The load management of the stand-in world: what each car may draw, so that no fuse ever carries more than its limit.

What is left at a fuse is split evenly among those who charge behind it; who can use less leaves the rest to the others
at that fuse. A car gets the least over its path. A car that has stopped by itself keeps its part until its charge ends,
as it may go on at any moment. Who comes when there is less than 6 A for everybody waits.

A charger without a connection goes by its fallback, and the fallback of each of its connectors is kept for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kiosk.sandbox.world.chargers import ChargerSpec
from kiosk.sandbox.world.fuse_plan import LEAST_A, Fuse, plan_fuses

Place = tuple[str, int]
_LEAST_MA = LEAST_A * 1000


@dataclass(frozen=True)
class _Point:
    """`path`: the numbers of the fuses above. Currents in milliamperes."""

    path: tuple[int, ...]
    most_ma: int
    fallback_ma: int


class Wiring:
    """Where the connectors of these chargers hang. Whole milliamperes, so that every run is exact."""

    def __init__(self, chargers: Sequence[ChargerSpec]) -> None:
        self._left: list[int] = []
        self._points: dict[Place, _Point] = {}
        self._places: dict[str, list[Place]] = {}
        self._lay(plan_fuses(chargers), ())

    def shares(self, charging: Sequence[Place], offline: Collection[str] = ()) -> dict[Place, int]:
        """Milliamperes per phase for each that is `charging`, in the order in which they came; 0: it has to wait.

        `offline` are codes of chargers.
        """
        left = list(self._left)
        for code in offline:
            for place in self._places.get(code, ()):
                for fuse in self._points[place].path:
                    left[fuse] -= self._points[place].fallback_ma
        shares: dict[Place, int] = {}
        admitted: list[Place] = []
        wanted: list[list[int]] = [[] for _ in left]
        for place in charging:
            point = self._points[place]
            if place[0] in offline:
                share = min(point.most_ma, point.fallback_ma)
                shares[place] = share if share >= _LEAST_MA else 0
                continue
            shares[place] = 0
            fits = all((len(wanted[fuse]) + 1) * _LEAST_MA <= left[fuse] for fuse in point.path)
            if fits:
                admitted.append(place)
                for fuse in point.path:
                    wanted[fuse].append(point.most_ma)
        parts = [_even_part(*each) for each in zip(left, wanted, strict=True)]
        for place in admitted:
            point = self._points[place]
            shares[place] = min(point.most_ma, *(parts[fuse] for fuse in point.path))
        return shares

    def _lay(self, fuse: Fuse, above: tuple[int, ...]) -> None:
        path = (*above, len(self._left))
        self._left.append((fuse.limit_a - fuse.building_a) * 1000)
        for station in fuse.stations:
            code = station.spec.code
            for spec, amperes in zip(station.spec.connectors, station.amperes, strict=True):
                place = code, spec.connector_id
                self._points[place] = _Point(path, amperes * 1000, station.fallback_a * 1000)
                self._places.setdefault(code, []).append(place)
        for part in fuse.fuses:
            self._lay(part, path)


def _even_part(left: int, wanted: Sequence[int]) -> int:
    """The most for one at which all of `left` is used; what anybody wants, when there is enough."""
    sharers = len(wanted)
    for each in sorted(wanted):
        if each * sharers > left:
            return left // sharers
        left -= each
        sharers -= 1
    return max(wanted, default=0)
