"""Expected power in words: who asks, what a connector gets, what sets that figure and what had to be assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from kiosk.domain.charger import ChargerCard
from kiosk.domain.fuses import NodeKind
from kiosk.domain.rating import Rating


class Place(NamedTuple):
    code: str
    connector_id: int


@dataclass(frozen=True, slots=True)
class PoweredCharger:
    """A charger of the kiosk. `station_ids` are its names in the fuse tree; without any it is its public code.

    `claimed` are the connectors that a session of this kiosk keeps, `measured` the kW that its meter says a car there
    draws now, `amperes` those of the fullest phase where a meter tells them.
    """

    card: ChargerCard
    ratings: Mapping[int, Rating] = field(default_factory=dict)
    claimed: frozenset[int] = frozenset()
    station_ids: tuple[str, ...] = ()
    measured: Mapping[int, Decimal] = field(default_factory=dict)
    amperes: Mapping[int, Decimal] = field(default_factory=dict)


class BoundKind(StrEnum):
    CONNECTOR = "connector"  # it is the connector itself that gives no more
    NODE = "node"  # a fuse, or another part of the installation
    OFFLINE = "offline"  # the charger cannot be reached: nothing can be promised
    OUT_OF_ORDER = "out_of_order"
    NOT_KNOWN = "not_known"  # too little is known of the connector


@dataclass(frozen=True, slots=True)
class Bound:
    """What sets the figure. For NODE: its kind, name and limit in amperes per phase, and how many share it.

    `reserved_amperes` of that limit are kept for a building (`building_amperes` of them) and for chargers that cannot
    be reached.
    """

    kind: BoundKind
    node_kind: NodeKind | None = None
    name: str | None = None
    limit_amperes: Decimal | None = None
    reserved_amperes: Decimal | None = None
    building_amperes: Decimal | None = None
    sharers: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """What a connector gets. `kw` has one decimal, rounded down; None when nothing can be said.

    `pauses`: there is not enough for every car, so this one has to wait for its turn; both figures are zero.
    """

    bound: Bound
    amperes: Decimal | None = None
    kw: Decimal | None = None
    pauses: bool = False


class Assumption(StrEnum):
    """What had to be assumed. The first seven leave something out, so that the figure is an upper bound."""

    NO_TREE = "no_tree"
    NOT_IN_TREE = "not_in_tree"
    TREE_INCOMPLETE = "tree_incomplete"
    LIMIT_NOT_KNOWN = "limit_not_known"  # a fuse above without a limit
    LOAD_NOT_KNOWN = "load_not_known"  # a building behind a meter without figures
    PRIORITIES = "priorities"  # other cars may go first, and nobody says by how much
    SHARED_OTHERWISE = "shared_otherwise"  # a meter there shows more than an even share: it is not shared like that
    LOAD_ASSUMED = "load_assumed"  # the building takes what its meter's fallback says
    OFFLINE_RESERVED = "offline_reserved"  # current is kept for chargers that cannot be reached
    USE_NOT_KNOWN = "use_not_known"  # connectors that may charge or not: the truth lies between `full` and `now`
    PHASES_NOT_KNOWN = "phases_not_known"  # one-phase charging, on which phase nobody says: likewise
    SUPPLY_ASSUMED = "supply_assumed"  # the connector was taken to have one phase


_LEAVES_OUT = frozenset(
    {
        Assumption.NO_TREE,
        Assumption.NOT_IN_TREE,
        Assumption.TREE_INCOMPLETE,
        Assumption.LIMIT_NOT_KNOWN,
        Assumption.LOAD_NOT_KNOWN,
        Assumption.PRIORITIES,
        Assumption.SHARED_OTHERWISE,
    }
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """`full` <= `now` <= `most_kw`. `now`: with those who are known to charge now. `full`: when all bays are taken.

    `most_kw` is what the connector itself can do.
    """

    now: Share
    full: Share
    most_kw: Decimal | None
    assumptions: frozenset[Assumption] = frozenset()

    @property
    def at_most(self) -> bool:
        """The figures are upper bounds: something that may take power could not be counted."""
        return bool(self.assumptions & _LEAVES_OUT)

    @property
    def between(self) -> bool:
        """It is not known how many share now: the truth lies anywhere from `full` to `now`."""
        return bool(self.assumptions & {Assumption.USE_NOT_KNOWN, Assumption.PHASES_NOT_KNOWN})
