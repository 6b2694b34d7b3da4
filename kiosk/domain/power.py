"""The power that a driver can expect at each connector: a fair share under every fuse above it.

At each node the current that is left is divided evenly on each phase; who needs less than an even part leaves the rest
to the others there. A connector gets the least that any node above it leaves.

`now` is the best estimate by what is known: bays whose use is not known are left out, who is measured needs what was
measured, and what a sub-fuse keeps somebody from using goes to its neighbours. `full` is the least: everybody takes all
that they can, one-phase cars of unknown phase are all on the same one, and nothing is handed on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from enum import StrEnum
from itertools import accumulate

from kiosk.domain.charger import STARTABLE, BayState, Connector, bay_state
from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Place, PoweredCharger, Share
from kiosk.domain.fuses import FuseConnector, FuseTree, NodeKind, spots
from kiosk.domain.rating import PHASES, Ability, Rating, ability, floored_amperes, floored_kw

FULL_CAPACITY = Decimal(32)
"""Amperes kept for a charging point that cannot be reached when neither its fallback nor its own figures are known."""
HEADROOM, STEP = Decimal("1.1"), Decimal(2)
"""A car that was measured is given so many times that, in whole steps of so many amperes: its power moves a little, a
meter is read now and then, and the figures of its neighbours shall not flicker."""
CONTRADICTS_BY, CONTRADICTS_BY_KW = Decimal("0.05"), Decimal("0.3")
"""A meter says more than an estimate when it does so by this part of it, and at least by so many kW."""
_ALL = Decimal(10**6)
"""Amperes of one that takes whatever there is."""


class _Use(StrEnum):
    CHARGING = "charging"
    FREE = "free"
    OUT = "out"
    OFFLINE = "offline"


@dataclass(slots=True)
class _Listed:
    """A connector as the tree lists it, also when it does so in several places."""

    connectors: list[FuseConnector] = field(default_factory=list)
    holders: set[int] = field(default_factory=set)


_Key = tuple[str, int]
_NOTHING_KNOWN = Rating()


@dataclass(frozen=True, slots=True)
class _Point:
    """A connector of the kiosk, or (`place` is None) one that only the tree knows. `holders`: the spots it hangs on.

    `lines` are its phases as far as they are known, `spread` those that it is taken to use when they are not.
    `need` is in amperes per phase: what it takes now, if that is known to be less than it can.
    """

    place: Place | None
    ability: Ability
    use: _Use
    use_known: bool
    holders: frozenset[int]
    priorities: frozenset[Decimal | None] = frozenset({None})
    lines: tuple[int, ...] = PHASES
    spread: tuple[int, ...] = PHASES
    need: Decimal = _ALL
    measured_kw: Decimal | None = None

    @property
    def charges(self) -> bool:
        """It is known to charge."""
        return self.use is _Use.CHARGING and self.use_known

    @property
    def shares(self) -> bool:
        """It charges, or may come to do so."""
        return self.use is _Use.CHARGING or self.use is _Use.FREE

    @property
    def wants(self) -> Decimal:
        """The most that it can take."""
        return _ALL if self.ability.amperes is None else self.ability.amperes


@dataclass(frozen=True, slots=True)
class _Part:
    """What a node leaves to one of those who share it, and what had to be assumed for that."""

    amperes: Decimal
    bound: Bound
    depth: int
    flags: frozenset[Assumption]

    @property
    def order(self) -> tuple[Decimal, int, str]:
        """The least part is the reason; of equal ones that of the node nearest to the connector."""
        return self.amperes, -self.depth, repr((self.bound, sorted(self.flags)))


class _Crowd:
    """Those who share one phase of one node, by what each of them can use."""

    def __init__(self, wanted: Iterable[Decimal]) -> None:
        self._wanted = sorted(wanted)
        self._sums = [Decimal(0), *accumulate(self._wanted)]
        self._parts: dict[tuple[Decimal, Decimal | None], Decimal] = {}

    def __len__(self) -> int:
        return len(self._wanted)

    def part(self, left: Decimal, own: Decimal | None) -> Decimal:
        """What one gets of `left` who takes whatever there is, beside the others. `own`: what stands here for them, if
        they are among those here; else they come as one more.
        """
        if (left, own) not in self._parts:
            self._parts[left, own] = self._fill(left, own)
        return self._parts[left, own]

    def _fill(self, left: Decimal, own: Decimal | None) -> Decimal:
        others = len(self._wanted) - (own is not None)
        gap = bisect_left(self._wanted, own) if own is not None else others
        passed = own or Decimal(0)

        def taken(number: int) -> Decimal:
            """What the least demanding `number` of the others want."""
            return self._sums[number] if number <= gap else self._sums[number + 1] - passed

        def unmet(number: int) -> bool:
            wanted = self._wanted[number if number < gap else number + 1]
            return wanted * (others - number + 1) > left - taken(number)

        met = bisect_left(range(others), True, key=unmet)
        return floored_amperes((left - taken(met)) / (others - met + 1))


@dataclass(slots=True)
class _Level:
    """A node's limit, what is `left` of it, and who shares that, now and when all bays are full, phase by phase."""

    bound: Bound
    depth: int
    left: Decimal
    flags: set[Assumption]
    points: list[int] = field(default_factory=list)
    priorities: set[Decimal | None] = field(default_factory=set)
    guessed_use: bool = False
    guessed_phases: bool = False
    uneven: bool = False
    now: dict[frozenset[Decimal | None], dict[int, _Crowd]] = field(default_factory=dict)
    full: dict[int, _Crowd] = field(default_factory=dict)

    def enter(self, number: int, point: _Point) -> None:
        if point.use is _Use.OFFLINE:
            self.flags.add(Assumption.OFFLINE_RESERVED)
        self.points.append(number)
        if not point.shares:
            return
        self.priorities |= point.priorities
        self.guessed_use = self.guessed_use or not point.use_known
        self.guessed_phases = self.guessed_phases or len(point.lines) > len(point.spread)

    @property
    def ranked(self) -> bool:
        """Somebody may go before somebody else here, and nobody says by how much."""
        return len(self.priorities) > 1

    def fill(self, points: Sequence[_Point], needs: Sequence[Decimal]) -> None:
        """When everybody has entered. `needs`: what each takes of what the nodes below leave to them."""
        sharing = [(points[number], needs[number]) for number in self.points if points[number].shares]
        self.full = _by_phase([(point.lines, point.wants) for point, _need in sharing])
        ranks = {point.priorities for point, _need in sharing} if self.ranked else {frozenset(self.priorities)}
        for rank in ranks:
            alike = [(p.spread, need) for p, need in sharing if p.charges and (not self.ranked or p.priorities == rank)]
            self.now[rank] = _by_phase(alike)

    def now_of(self, point: _Point, need: Decimal) -> _Part:
        """`point` may be one that comes, or one whose part cannot be told by what it takes. With ranks, the others of
        another rank are left out: then it is an upper bound.
        """
        rank = point.priorities if self.ranked else frozenset(self.priorities)
        crowds = self.now.get(rank) or _by_phase([])
        return self._part([crowds[line] for line in point.spread], need if point.charges else None)

    def full_of(self, point: _Point) -> _Part:
        return self._part([self.full[line] for line in point.lines], point.wants if point.shares else None)

    def _part(self, crowds: Sequence[_Crowd], own: Decimal | None) -> _Part:
        amperes, crowd = min(((each.part(self.left, own), each) for each in crowds), key=lambda pair: pair[0])
        sharers = len(crowd) + (own is None)
        return _Part(amperes, replace(self.bound, sharers=sharers), self.depth, frozenset(self.flags))


def _by_phase(wanted: Sequence[tuple[tuple[int, ...], Decimal]]) -> dict[int, _Crowd]:
    """One crowd for all phases where they carry the same."""
    if all(lines == PHASES for lines, _amperes in wanted):
        return dict.fromkeys(PHASES, _Crowd(amperes for _lines, amperes in wanted))
    return {line: _Crowd(amperes for lines, amperes in wanted if line in lines) for line in PHASES}


def expected_power(
    tree: FuseTree | None, chargers: Iterable[PoweredCharger], now: datetime
) -> dict[Place, Expectation]:
    """What each connector of `chargers` can expect; the order of chargers and of nodes does not matter.

    Connectors of the tree that belong to none of `chargers`, and those whose state is not known, may charge or not:
    they are left out of `now` and count in `full`.
    """
    with localcontext(Context(prec=28)):
        return _Site(tree, chargers, now).expectations()


class _Site:
    """One computation. Every connector counts at every node above every spot that lists it."""

    def __init__(self, tree: FuseTree | None, chargers: Iterable[PoweredCharger], now: datetime) -> None:
        self._spots = spots(tree or FuseTree())
        self._outside = Assumption.NO_TREE if tree is None else Assumption.NOT_IN_TREE
        self._everywhere = frozenset() if tree is None or tree.complete else frozenset({Assumption.TREE_INCOMPLETE})
        self._above: dict[int, tuple[int, ...]] = {}
        self._points = [self._within_station(point) for point in _spread(self._find_points(chargers, now))]
        self._crowd = self._count_stations()
        self._now: list[list[_Part]] = [[] for _ in self._points]
        self._levels = self._measure()
        self._gaps = self._find_gaps()

    def expectations(self) -> dict[Place, Expectation]:
        shares = [_share(point, self._now[number]) for number, point in enumerate(self._points)]
        for point, (share, _flags) in zip(self._points, shares, strict=True):
            if share.bound.kind is BoundKind.NODE and contradicts(point.measured_kw, share.kw):
                for level in self._over(point):
                    level.uneven = True
        return {
            point.place: self._expectation(point, *shares[number])
            for number, point in enumerate(self._points)
            if point.place is not None
        }

    # --- who hangs where

    def _find_points(self, chargers: Iterable[PoweredCharger], now: datetime) -> list[_Point]:
        listed: dict[_Key, _Listed] = defaultdict(_Listed)
        stations: dict[str, set[int]] = defaultdict(set)
        for here, spot in enumerate(self._spots):
            for connector in spot.node.connectors:
                name = (connector.station_id or "").casefold()
                number = connector.number if name else None
                entry = listed["", -1 - len(listed)] if number is None else listed[name, number]
                entry.connectors.append(connector)
                entry.holders.add(here)
                if name:
                    stations[name].add(spot.station)
        points: list[_Point] = []
        taken: set[_Key] = set()
        for charger in chargers:
            names = [name.casefold() for name in charger.station_ids or (charger.card.code,)]
            beside = set().union(*(stations.get(name, ()) for name in names))
            for own in charger.card.connectors:
                keys = [(name, own.connector_id) for name in names if (name, own.connector_id) in listed]
                taken.update(keys)
                points.append(_kiosk_point(charger, own, now, [listed[key] for key in keys], beside))
        for key, entry in listed.items():
            if key not in taken:
                can = ability(_NOTHING_KNOWN, None, entry.connectors)
                ranks = frozenset(each.priority for each in entry.connectors)
                lines = can.lines or PHASES
                points.append(_Point(None, can, _Use.CHARGING, False, frozenset(entry.holders), ranks, lines, lines))
        return points

    def _path(self, point: _Point) -> Iterable[int]:
        """The spots that carry the point's current, each once."""
        if len(point.holders) == 1:
            return self._up(next(iter(point.holders)))
        return set().union(*map(self._up, point.holders))

    def _up(self, place: int) -> tuple[int, ...]:
        if place not in self._above:
            path: list[int] = []
            at: int | None = place
            while at is not None:
                path.append(at)
                at = self._spots[at].parent
            self._above[place] = tuple(path)
        return self._above[place]

    def _count_stations(self) -> dict[int, int]:
        """How many points each station has."""
        crowd: dict[int, int] = defaultdict(int)
        for point in self._points:
            for station in {self._spots[holder].station for holder in point.holders}:
                crowd[station] += 1
        return crowd

    # --- what is kept for others

    def _reserve(self) -> tuple[list[Decimal], list[Decimal]]:
        """For each spot: what it keeps for buildings, and what it keeps in all, for points out of reach as well.

        Both add up towards the root. A metered building covers the points behind it as far as its figure goes,
        because its meter sees them too: nothing is kept twice.
        """
        loads = [Decimal(0)] * len(self._spots)
        lost: list[dict[int, Decimal]] = [{} for _ in self._spots]
        for number, point in enumerate(self._points):
            if point.use is _Use.OFFLINE:
                kept = self._kept_for(point)
                for holder in point.holders:
                    lost[holder][number] = kept
        reserved = list(loads)
        for here in range(len(self._spots) - 1, -1, -1):
            spot = self._spots[here]
            load = spot.node.meter.load if spot.node.meter is not None else None
            if load is not None:
                loads[here] += load
                rest = sum(lost[here].values(), Decimal(0)) - load
                lost[here] = {-1 - here: rest} if rest > 0 else {}
            reserved[here] = loads[here] + sum(lost[here].values(), Decimal(0))
            if spot.parent is not None:
                loads[spot.parent] += loads[here]
                lost[spot.parent].update(lost[here])
        return loads, reserved

    def _kept_for(self, point: _Point) -> Decimal:
        """ChargePilot's rule for a point that is out of reach: its fallback, and without one its full capacity.

        Raising the limit of such a station is the one change of a limit that leaves less to its neighbours.
        """
        figures = [Decimal(0)]
        for holder in point.holders:
            spot = self._spots[holder]
            limit = self._spots[spot.station].node.most_amperes
            even = limit / self._crowd[spot.station] if limit is not None else None
            full = min((each for each in (point.ability.amperes, even) if each is not None), default=FULL_CAPACITY)
            figures.append(full if spot.fallback is None else spot.fallback)
        return max(figures)

    # --- what is left

    def _measure(self) -> dict[int, _Level]:
        """The levels of all nodes that have a limit, by spot."""
        loads, reserved = self._reserve()
        metered = self._with_buildings()
        levels: dict[int, _Level] = {}
        for here, spot in enumerate(self._spots):
            limit = spot.node.most_amperes
            if limit is not None:
                kept = min(limit, reserved[here])
                building = min(limit, loads[here])
                bound = Bound(BoundKind.NODE, spot.node.kind, spot.node.name, limit, kept, building)
                flags = {Assumption.LOAD_ASSUMED} if metered[here] else set()
                levels[here] = _Level(bound, spot.depth, limit - kept, flags)
        for number, point in enumerate(self._points):
            for here in self._path(point):
                if here in levels:
                    levels[here].enter(number, point)
        needs = [min(point.need, point.wants) for point in self._points]
        for here in sorted(levels, reverse=True):  # children come after their parents
            level = levels[here]
            level.fill(self._points, needs)
            parts = {number: level.now_of(self._points[number], needs[number]) for number in level.points}
            for number, part in parts.items():
                self._now[number].append(part)
                if not level.ranked:
                    needs[number] = min(needs[number], part.amperes)
        return levels

    def _with_buildings(self) -> list[bool]:
        """Of each spot, whether a building with a known figure is fed through it. Nothing is a figure, too."""
        found = [spot.node.meter is not None and spot.node.meter.load is not None for spot in self._spots]
        for here in range(len(self._spots) - 1, -1, -1):
            parent = self._spots[here].parent
            if parent is not None and found[here]:
                found[parent] = True
        return found

    def _find_gaps(self) -> list[frozenset[Assumption]]:
        """What is left out at each spot or above it because it is not known."""
        gaps: list[frozenset[Assumption]] = []
        for spot in self._spots:
            missing = set(gaps[spot.parent]) if spot.parent is not None else set()
            if spot.node.kind is NodeKind.FUSE and spot.node.most_amperes is None:
                missing.add(Assumption.LIMIT_NOT_KNOWN)
            if spot.node.meter is not None and spot.node.meter.consumer and spot.node.meter.load is None:
                missing.add(Assumption.LOAD_NOT_KNOWN)
            gaps.append(frozenset(missing))
        return gaps

    # --- the answer

    def _over(self, point: _Point) -> list[_Level]:
        return [self._levels[here] for here in self._path(point) if here in self._levels]

    def _expectation(self, point: _Point, now: Share, now_flags: frozenset[Assumption]) -> Expectation:
        can, over = point.ability, self._over(point)
        parts = [level.full_of(point) for level in over]
        full, full_flags = _share(point, parts)
        flags = self._everywhere.union(now_flags, full_flags, *(self._gaps[holder] for holder in point.holders))
        for level, part in zip(over, parts, strict=True):
            flags |= _doubts(level, part, point, now)
        if not point.holders:
            flags |= {self._outside}
        if not can.supply_known:
            flags |= {Assumption.SUPPLY_ASSUMED}
        return _no_less_than_measured(Expectation(now, full, can.most_kw, flags), point)

    def _within_station(self, point: _Point) -> _Point:
        """Its station's limit stands in when nothing is known of the connector itself."""
        can = point.ability
        if can.amperes is not None:
            return point
        limits = [self._spots[self._spots[holder].station].node.most_amperes for holder in point.holders]
        known = [limit for limit in limits if limit is not None]
        if not known:
            return point
        return replace(point, ability=replace(can, amperes=min(known), most_kw=can.kw(min(known))))


def _kiosk_point(
    charger: PoweredCharger, connector: Connector, now: datetime, listed: Sequence[_Listed], beside: set[int]
) -> _Point:
    """A connector that the tree does not list hangs on its charger's stations, if the tree has those."""
    number = connector.connector_id
    card = charger.card
    state = bay_state(card, connector, now, claimed=number in charger.claimed)
    if card.online is False and not card.stale(now):
        use = _Use.OFFLINE
    elif state is BayState.OUT_OF_ORDER:
        use = _Use.OUT
    else:
        use = _Use.FREE if state in STARTABLE else _Use.CHARGING
    named = [connector for entry in listed for connector in entry.connectors]
    can = ability(charger.ratings.get(number, _NOTHING_KNOWN), connector.power_type, named)
    measured = charger.measured.get(number) if use is _Use.CHARGING else None
    return _Point(
        place=Place(card.code, number),
        ability=can,
        use=use,
        use_known=state is not BayState.NOT_KNOWN or measured is not None,
        holders=frozenset().union(*(entry.holders for entry in listed)) if listed else frozenset(beside),
        priorities=frozenset(each.priority for each in named) or frozenset({None}),
        lines=can.lines or PHASES,
        spread=can.lines or PHASES,
        need=_ALL if measured is None else _need(can, measured, charger.amperes.get(number)),
        measured_kw=measured,
    )


def _need(can: Ability, measured_kw: Decimal, measured_amperes: Decimal | None) -> Decimal:
    """The most amperes per phase that a car of that power takes, and never less than it may begin with.

    A car at a connector of several phases may use one of them alone, unless the meter tells the amperes of its fullest
    one, and these can be those of that power. What a DC charger takes from the grid is not what its meter shows.
    """
    per_ampere = can.kw_per_ampere if can.dc else can.kw_per_ampere / can.phases
    wanted = measured_kw * HEADROOM / per_ampere
    if measured_amperes is not None and not can.dc and measured_amperes * can.kw_per_ampere * HEADROOM >= measured_kw:
        wanted = min(wanted, measured_amperes * HEADROOM)
    return max(can.least_amperes, (wanted / STEP).to_integral_value(ROUND_CEILING) * STEP)


def _spread(points: Sequence[_Point]) -> list[_Point]:
    """Those whose phases are not known get one after the other, as electricians connect them, in a fixed order."""
    unsure = [n for n, each in enumerate(points) if each.ability.lines is None and each.ability.phases < len(PHASES)]
    unsure.sort(key=lambda n: (points[n].place or Place("", 0), points[n].wants, sorted(points[n].holders)))
    found = list(points)
    for turn, number in enumerate(unsure):
        wide = points[number].ability.phases
        found[number] = replace(points[number], spread=tuple(PHASES[(turn + each) % 3] for each in range(wide)))
    return found


def _doubts(level: _Level, full: _Part, point: _Point, now: Share) -> frozenset[Assumption]:
    """What is not known at that node and may change the figure of `now`."""
    doubts: set[Assumption] = set()
    if now.amperes is not None and full.amperes < now.amperes:
        if level.guessed_use:
            doubts.add(Assumption.USE_NOT_KNOWN)
        if level.guessed_phases:
            doubts.add(Assumption.PHASES_NOT_KNOWN)
    if now.amperes is not None and full.amperes < point.wants:
        if level.ranked:
            doubts.add(Assumption.PRIORITIES)
        if level.uneven:
            doubts.add(Assumption.SHARED_OTHERWISE)
    return frozenset(doubts)


def contradicts(measured_kw: Decimal | None, estimate_kw: Decimal | None) -> bool:
    """Whether a meter says clearly more than the estimate."""
    if measured_kw is None or estimate_kw is None:
        return False
    return measured_kw > estimate_kw + max(estimate_kw * CONTRADICTS_BY, CONTRADICTS_BY_KW)


def _no_less_than_measured(found: Expectation, point: _Point) -> Expectation:
    """What a charge has drawn, its connector gives."""
    measured = point.measured_kw
    if measured is None or found.now.kw is None or found.now.kw >= measured:
        return found
    per_ampere = point.ability.kw_per_ampere
    amperes = max(found.now.amperes or Decimal(0), floored_amperes(measured / per_ampere))
    now = replace(found.now, amperes=amperes, kw=floored_kw(measured), pauses=False)
    most = found.most_kw if found.most_kw is None else max(found.most_kw, floored_kw(measured))
    return replace(found, now=now, most_kw=most)


def _share(point: _Point, parts: Sequence[_Part]) -> tuple[Share, frozenset[Assumption]]:
    """The share, and what was assumed at the node that sets it."""
    can = point.ability
    if point.use is _Use.OFFLINE or point.use is _Use.OUT:
        kind = BoundKind.OFFLINE if point.use is _Use.OFFLINE else BoundKind.OUT_OF_ORDER
        return Share(Bound(kind)), frozenset()
    if can.amperes is None or can.most_kw is None:
        return Share(Bound(BoundKind.NOT_KNOWN)), frozenset()
    tight = [part for part in parts if part.amperes < can.amperes]
    if tight:
        least = min(tight, key=lambda part: part.order)
        share, flags = Share(least.bound, least.amperes, can.kw(least.amperes)), least.flags
    else:
        share, flags = Share(Bound(BoundKind.CONNECTOR), can.amperes, can.most_kw), frozenset()
    if share.amperes is not None and share.amperes < can.least_amperes:
        share = replace(share, amperes=Decimal(0), kw=Decimal("0.0"), pauses=True)
    return share, flags
