"""The kiosk of these tests with a fuse tree: both chargers of its site hang on one fuse."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

from kiosk.config.sites import SiteBook
from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind

from .conftest import BOOK, CODE, NEAR, Kiosk

SITE = "marktplatz"


def a_station(code: str, points: int) -> Node:
    listed = tuple(FuseConnector(code, number, most_amperes=Decimal(32), phases=3) for number in range(1, points + 1))
    return Node(NodeKind.STATION, code, connectors=listed)


def a_tree(limit: int | None = 63, **more: Any) -> FuseTree:
    cabinet = Node(NodeKind.FUSE, "Cabinet", limit=None if limit is None else Decimal(limit), **more)
    return FuseTree((replace(cabinet, children=(a_station(CODE, 1), a_station(NEAR, 1))),))


def shops(amperes: int) -> Meter:
    return Meter(consumer=True, consumer_name="Shops", fallback_amperes=Decimal(amperes))


def with_pilot(kiosk: Kiosk, tree: FuseTree | None = None, **charger: Any) -> Kiosk:
    """From now on the site has a fuse tree, `tree` when one was read. `charger` changes what is said of the first."""
    book = deepcopy(BOOK)
    book["sites"][0]["chargepilot_site"] = "42"  # type: ignore[index]
    book["sites"][0]["chargers"][0].update(charger)  # type: ignore[index]
    kiosk.book = SiteBook.model_validate(book)
    kiosk.app.extensions["kiosk"] = replace(kiosk.app.extensions["kiosk"], site=kiosk.book)
    if tree is not None:
        kiosk.store.save_tree(SITE, tree, kiosk.now)
    return kiosk
