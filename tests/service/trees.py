"""Fuse trees for tests: two chargers of a site on one fuse."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind

CODE = "7MK4T"
NEAR = "9QX6B"


def a_station(code: str, points: int) -> Node:
    listed = tuple(FuseConnector(code, number, most_amperes=Decimal(32), phases=3) for number in range(1, points + 1))
    return Node(NodeKind.STATION, code, connectors=listed)


def a_tree(limit: int | None = 63, **more: Any) -> FuseTree:
    cabinet = Node(NodeKind.FUSE, "Cabinet", limit=None if limit is None else Decimal(limit), **more)
    return FuseTree((replace(cabinet, children=(a_station(CODE, 1), a_station(NEAR, 1))),))


def shops(amperes: int) -> Meter:
    return Meter(consumer=True, consumer_name="Shops", fallback_amperes=Decimal(amperes))
