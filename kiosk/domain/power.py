"""The power that a driver can expect at each connector: a fair share under every fuse above it.

At each node the current that is left is divided evenly; who needs less than an even part leaves the rest to the others
at that node. A connector gets the least that any node above it leaves. What a sub-fuse keeps somebody from using is not
handed on to its neighbours: so nobody's share falls when a limit is raised, and the figure errs on the low side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Context, Decimal, localcontext
from enum import StrEnum

from kiosk.domain.charger import STARTABLE, BayState, Connector, bay_state
from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Place, PoweredCharger, Share
from kiosk.domain.fuses import FuseConnector, FuseTree, NodeKind, spots
from kiosk.domain.rating import Ability, Rating, ability, floored_amperes

FULL_CAPACITY = Decimal(32)
"""Amperes kept for a charging point that cannot be reached when neither its fallback nor its own figures are known."""


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
    """A connector of the kiosk, or (`place` is None) one that only the tree knows. `holders`: the spots it hangs on."""

    place: Place | None
    ability: Ability
    use: _Use
    use_known: bool
    holders: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Part:
    """What a node leaves to each of those who share it, and what had to be assumed for that."""

    amperes: Decimal
    bound: Bound
    depth: int
    flags: frozenset[Assumption]

    @property
    def order(self) -> tuple[Decimal, int, str]:
        """The least part is the reason; of equal ones that of the node nearest to the connector."""
        return self.amperes, -self.depth, repr((self.bound, sorted(self.flags)))


@dataclass(slots=True)
class _Level:
    """A node's limit, what is `left` of it, and the parts of that: None where everybody gets all they can use."""

    bound: Bound
    depth: int
    left: Decimal
    flags: set[Assumption]
    charging: list[Decimal | None] = field(default_factory=list)
    free: list[Decimal | None] = field(default_factory=list)
    one_phase: bool = False
    now: _Part | None = None
    joining: _Part | None = None
    full: _Part | None = None

    def enter(self, point: _Point) -> None:
        if point.use is _Use.OFFLINE:
            self.flags.add(Assumption.OFFLINE_RESERVED)
        if point.use is _Use.CHARGING:
            self.charging.append(point.ability.amperes)
        elif point.use is _Use.FREE:
            self.free.append(point.ability.amperes)
        else:
            return
        self.one_phase = self.one_phase or point.ability.phases < 3
        if not point.use_known:
            self.flags.add(Assumption.USE_ASSUMED)

    def settle(self) -> None:
        """When everybody has entered. A newcomer's part is that of somebody who takes whatever there is."""
        if self.one_phase:
            self.flags.add(Assumption.PHASES_ASSUMED)
        self.now = self._part(self.charging)
        self.joining = self._part([*self.charging, None])
        self.full = self._part([*self.charging, *self.free])

    def _part(self, wanted: Sequence[Decimal | None]) -> _Part | None:
        amperes = _even_part(self.left, wanted)
        if amperes is None:
            return None
        return _Part(amperes, replace(self.bound, sharers=len(wanted)), self.depth, frozenset(self.flags))


def expected_power(
    tree: FuseTree | None, chargers: Iterable[PoweredCharger], now: datetime
) -> dict[Place, Expectation]:
    """What each connector of `chargers` can expect; the order of chargers and of nodes does not matter.

    Connectors of the tree that belong to none of `chargers`, and those whose state is not known, count as charging.
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
        self._points = self._find_points(chargers, now)
        self._crowd = self._count_stations()
        self._levels = self._measure()
        self._gaps = self._find_gaps()

    def expectations(self) -> dict[Place, Expectation]:
        return {point.place: self._expectation(point) for point in self._points if point.place is not None}

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
                points.append(_Point(None, can, _Use.CHARGING, False, frozenset(entry.holders)))
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
        levels: dict[int, _Level] = {}
        for here, spot in enumerate(self._spots):
            limit = spot.node.most_amperes
            if limit is not None:
                kept = min(limit, reserved[here])
                bound = Bound(BoundKind.NODE, spot.node.kind, spot.node.name, limit, kept)
                flags = {Assumption.LOAD_ASSUMED} if loads[here] else set()
                levels[here] = _Level(bound, spot.depth, limit - kept, flags)
        for point in self._points:
            for here in self._path(point):
                if here in levels:
                    levels[here].enter(point)
        for level in levels.values():
            level.settle()
        return levels

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

    def _expectation(self, point: _Point) -> Expectation:
        can = self._within_station(point)
        path = [self._levels[here] for here in self._path(point) if here in self._levels]
        joins = point.use is not _Use.CHARGING
        now, now_flags = _share(point, can, [level.joining if joins else level.now for level in path])
        full, full_flags = _share(point, can, [level.full for level in path])
        flags = self._everywhere.union(now_flags, full_flags, *(self._gaps[holder] for holder in point.holders))
        if not point.holders:
            flags |= {self._outside}
        if not can.supply_known:
            flags |= {Assumption.SUPPLY_ASSUMED}
        return Expectation(now, full, can.most_kw, flags)

    def _within_station(self, point: _Point) -> Ability:
        """The point's ability; its station's limit stands in when nothing is known of the connector itself."""
        can = point.ability
        if can.amperes is not None:
            return can
        limits = [self._spots[self._spots[holder].station].node.most_amperes for holder in point.holders]
        known = [limit for limit in limits if limit is not None]
        if not known:
            return can
        return replace(can, amperes=min(known), most_kw=can.kw(min(known)))


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
    return _Point(
        place=Place(card.code, number),
        ability=ability(charger.ratings.get(number, _NOTHING_KNOWN), connector.power_type, named),
        use=use,
        use_known=state is not BayState.NOT_KNOWN,
        holders=frozenset().union(*(entry.holders for entry in listed)) if listed else frozenset(beside),
    )


def _even_part(left: Decimal, wanted: Sequence[Decimal | None]) -> Decimal | None:
    """The even part at which all of `left` is used, in amperes rounded down; None when there is enough for everybody.

    `wanted` is what each can use, None for one that takes whatever there is.
    """
    sharers = len(wanted)
    for amperes in sorted(each for each in wanted if each is not None):
        if amperes * sharers > left:
            break
        left -= amperes
        sharers -= 1
    return floored_amperes(left / sharers) if sharers else None


def _share(point: _Point, can: Ability, parts: Sequence[_Part | None]) -> tuple[Share, frozenset[Assumption]]:
    """The share, and what was assumed at the node that sets it."""
    if point.use is _Use.OFFLINE or point.use is _Use.OUT:
        kind = BoundKind.OFFLINE if point.use is _Use.OFFLINE else BoundKind.OUT_OF_ORDER
        return Share(Bound(kind)), frozenset()
    if can.amperes is None or can.most_kw is None:
        return Share(Bound(BoundKind.NOT_KNOWN)), frozenset()
    tight = [part for part in parts if part is not None and part.amperes < can.amperes]
    if tight:
        least = min(tight, key=lambda part: part.order)
        share, flags = Share(least.bound, least.amperes, can.kw(least.amperes)), least.flags
    else:
        share, flags = Share(Bound(BoundKind.CONNECTOR), can.amperes, can.most_kw), frozenset()
    if share.amperes is not None and share.amperes < can.least_amperes:
        share = replace(share, amperes=Decimal(0), kw=Decimal("0.0"), pauses=True)
    return share, flags
