"""The load management of the stand-in world: what each car may draw, so that no fuse ever carries more than its limit.

No document says how ChargePilot shares, so there are three rules, which a switch chooses. Even: what is left at a fuse
is split evenly among those who charge behind it, who can use less leaves the rest to the others at that fuse, and a car
gets the least over its path. Needed: all rise together, step by step, until a car has what it takes or a fuse of its
path is full. In turn: who came first has all that it can use. None of it is the kiosk's own estimate, which can so turn
out to be wrong.

A car that has stopped by itself keeps its part, or the least, until its charge ends, as it may go on at any moment. Who
comes when there is less than 6 A for everybody waits.

A charger without a connection goes by its fallback, and the fallback of each of its connectors is kept for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kiosk.sandbox.world.chargers import ChargerSpec
from kiosk.sandbox.world.fuse_plan import LEAST_A, Fuse, plan_fuses

Place = tuple[str, int]
Rule = Literal["even", "needed", "in_turn"]
_NO_BOUND = 10**9
_LEAST_MA = LEAST_A * 1000
_STEP_MA = 500


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

    def shares(
        self,
        charging: Sequence[Place],
        offline: Collection[str] = (),
        rule: Rule = "even",
        needs: Mapping[Place, int] | None = None,
    ) -> dict[Place, int]:
        """Milliamperes per phase for each that is `charging`, in the order in which they came; 0: it has to wait.

        `offline` are codes of chargers, `needs` the milliamperes that a car takes at most now, where that is known.
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
        if rule == "needed":
            return shares | self._rise_together(admitted, left, needs or {})
        if rule == "in_turn":
            return shares | self._in_turn(admitted, left)
        parts = [_even_part(*each) for each in zip(left, wanted, strict=True)]
        for place in admitted:
            point = self._points[place]
            shares[place] = min(point.most_ma, *(parts[fuse] for fuse in point.path))
        return shares

    def _rise_together(
        self, admitted: Sequence[Place], left: list[int], needs: Mapping[Place, int]
    ) -> dict[Place, int]:
        most = {
            place: min(self._points[place].most_ma, max(needs.get(place, _NO_BOUND), _LEAST_MA)) for place in admitted
        }
        shares = dict.fromkeys(admitted, 0)
        rising, step = list(admitted), _LEAST_MA
        while rising:
            still: list[Place] = []
            for place in rising:
                path = self._points[place].path
                more = min(step, most[place] - shares[place], *(left[fuse] for fuse in path))
                shares[place] += more
                for fuse in path:
                    left[fuse] -= more
                if more == step:
                    still.append(place)
            rising, step = still, _STEP_MA
        return shares

    def _in_turn(self, admitted: Sequence[Place], left: list[int]) -> dict[Place, int]:
        """Each keeps the least for those who came later and were let in."""
        shares: dict[Place, int] = {}
        for place in admitted:
            for fuse in self._points[place].path:
                left[fuse] -= _LEAST_MA
        for place in admitted:
            point = self._points[place]
            more = max(0, min(point.most_ma - _LEAST_MA, *(left[fuse] for fuse in point.path)))
            shares[place] = min(point.most_ma, _LEAST_MA + more)
            for fuse in point.path:
                left[fuse] -= more
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
