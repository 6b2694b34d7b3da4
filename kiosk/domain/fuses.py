"""The fuse tree of a site: what lies between the grid and the connectors, and how much current each part may carry.

Currents are amperes per phase. None always means "not known"; it is never read as "without a limit".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class NodeKind(StrEnum):
    FUSE = "fuse"
    STATION = "station"
    GROUP = "group"
    METER = "meter"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meter:
    """What a meter at a node sees besides the charging: a building that consumes, a roof that produces.

    `most_amperes` is the largest current that the meter can handle, which says nothing of the building.
    `fallback_amperes` is what ChargePilot assumes for the building when the meter cannot be read; nothing is a figure,
    too. `producer_amperes` is a reading of unknown age: shown, never counted on.
    """

    consumer: bool = False
    consumer_name: str | None = None
    most_amperes: Decimal | None = None
    fallback_amperes: Decimal | None = None
    producer: bool = False
    producer_name: str | None = None
    producer_amperes: Decimal | None = None

    @property
    def load(self) -> Decimal | None:
        """The current to keep for the building, as its present one is never known. None: nothing is said of it."""
        return self.fallback_amperes if self.consumer else None


@dataclass(frozen=True, slots=True)
class FuseConnector:
    """A connector as the tree has it. `station_id` and `number` (OCPP) say which one it is.

    `phases` is 1, 2 or 3, `lines` says which they are. Below `least_amperes` it does not charge. `priority` is relative
    to other connectors; whether a higher figure goes first is not documented.
    """

    station_id: str | None = None
    number: int | None = None
    name: str | None = None
    least_amperes: Decimal | None = None
    most_amperes: Decimal | None = None
    phases: int | None = None
    lines: tuple[int, ...] | None = None
    priority: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One part of the tree. `fallback` is the current of each of its charging points while it cannot be reached.

    `outbound_limit` bounds what cars give back, and so nothing here.
    """

    kind: NodeKind
    name: str | None = None
    limit: Decimal | None = None
    inbound_limit: Decimal | None = None
    outbound_limit: Decimal | None = None
    fallback: Decimal | None = None
    meter: Meter | None = None
    connectors: tuple[FuseConnector, ...] = ()
    children: tuple[Node, ...] = ()

    @property
    def most_amperes(self) -> Decimal | None:
        """What may flow towards the cars through this node."""
        limits = [limit for limit in (self.limit, self.inbound_limit) if limit is not None]
        return min(limits) if limits else None


@dataclass(frozen=True, slots=True)
class FuseTree:
    """`complete` is False when a part of it could not be read: then every figure from it is an upper bound."""

    roots: tuple[Node, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Spot:
    """A node with its surroundings. `parent` and `station` are places in the list of `spots`; `depth` is 0 for a root.

    `station` is the charging station that it belongs to, or itself. `fallback` is the nearest one within that station.
    """

    node: Node
    parent: int | None
    depth: int
    station: int
    fallback: Decimal | None


def spots(tree: FuseTree) -> list[Spot]:
    """Every node once, parents before children. A node object that stands in two places counts at one of them."""
    found: list[Spot] = []
    seen: set[int] = set()
    waiting: list[tuple[Node, int | None]] = [(root, None) for root in reversed(tree.roots)]
    while waiting:
        node, parent = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        here = len(found)
        above = found[parent] if parent is not None else None
        inside = above is not None and node.kind is not NodeKind.STATION and _is_station(found[above.station])
        found.append(
            Spot(
                node=node,
                parent=parent,
                depth=above.depth + 1 if above is not None else 0,
                station=above.station if above is not None and inside else here,
                fallback=above.fallback if above is not None and inside and node.fallback is None else node.fallback,
            )
        )
        waiting.extend((child, here) for child in reversed(node.children))
    return found


def _is_station(spot: Spot) -> bool:
    return spot.node.kind is NodeKind.STATION
