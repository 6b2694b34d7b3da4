"""Expected power in the words of people who look after a site: names of fuses, amperes, what was assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from kiosk.domain.charger import BayState, ChargerCard, Connector, bay_state
from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Place, Share
from kiosk.domain.fuses import Node, NodeKind

KINDS = {
    NodeKind.FUSE: "Fuse",
    NodeKind.STATION: "Charger",
    NodeKind.GROUP: "Group",
    NodeKind.METER: "Meter",
    NodeKind.UNKNOWN: "Part",
}
ASSUMED = {
    Assumption.NO_TREE: "there is no fuse tree",
    Assumption.NOT_IN_TREE: "the charger is not in the fuse tree",
    Assumption.TREE_INCOMPLETE: "a part of the fuse tree could not be read",
    Assumption.LIMIT_NOT_KNOWN: "a fuse above has no limit",
    Assumption.LOAD_NOT_KNOWN: "a building above has no figures",
    Assumption.PRIORITIES: "ChargePilot gives bays different priorities, and others may go first",
    Assumption.SHARED_OTHERWISE: "a meter shows more than an even share, so it is shared in another way",
    Assumption.LOAD_ASSUMED: "the building takes what its meter falls back to",
    Assumption.OFFLINE_RESERVED: "current is kept for chargers without contact",
    Assumption.USE_NOT_KNOWN: "bays whose use is not known count in the lower figure alone",
    Assumption.PHASES_NOT_KNOWN: "one-phase cars are on one phase each, and all on the same one in the lower figure",
    Assumption.SUPPLY_ASSUMED: "the connector was taken to have one phase",
}

OUTSIDE = "not of this kiosk"
"""A connector that only the tree knows. Nobody here sees whether it is used."""

_STATES = {
    BayState.FREE: "free",
    BayState.PLUGGED: "plugged in",
    BayState.STARTING: "starting",
    BayState.IN_USE: "in use",
    BayState.KEPT: "kept for somebody",
    BayState.OUT_OF_ORDER: "out of order",
    BayState.NOT_KNOWN: "not known",
}
_LOOKS = {
    "free": "free",
    "plugged in": "free",
    "out of order": "out",
    "no contact": "offline",
    "not known": "unknown",
    OUTSIDE: "unknown",
}


def state_word(card: ChargerCard, connector: Connector, now: datetime, *, claimed: bool) -> str:
    if card.online is False and not card.stale(now):
        return "no contact"
    return _STATES[bay_state(card, connector, now, claimed=claimed)]


def look(state: str) -> str:
    """The class of a connector's box: charging is what takes part in the sharing."""
    return _LOOKS.get(state, "charging")


def figure(value: Decimal) -> str:
    """At most three decimals, and none for a whole number."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def power(share: Share) -> str:
    if share.pauses:
        return "waits"
    return f"{figure(share.kw)} kW" if share.kw is not None else "\N{EN DASH}"


def called(node: Node) -> str:
    """Kind and name."""
    return f"{KINDS[node.kind]} {node.name}" if node.name else KINDS[node.kind]


def reason(bound: Bound) -> str:
    match bound.kind:
        case BoundKind.CONNECTOR:
            return "the connector itself"
        case BoundKind.OFFLINE:
            return "no contact with the charger"
        case BoundKind.OUT_OF_ORDER:
            return "out of order"
        case BoundKind.NOT_KNOWN:
            return "too little is known of the connector"
    kind = KINDS[bound.node_kind or NodeKind.UNKNOWN].lower()
    said = f"{kind} {bound.name}" if bound.name else kind
    if bound.limit_amperes is not None:
        said += f", {figure(bound.limit_amperes)} A"
    if bound.sharers > 1:
        said += f", shared by {bound.sharers}"
    if bound.reserved_amperes:
        said += f", {figure(bound.reserved_amperes)} A of it kept"
    return said


def assumed(expectation: Expectation) -> str:
    """What was assumed, in the order of the enumeration."""
    return "; ".join(text for kind, text in ASSUMED.items() if kind in expectation.assumptions)


def table(expectations: Mapping[Place, Expectation], labels: Mapping[Place, str]) -> list[str]:
    """Lines of a table, one for each bay; as wide as its longest words."""
    head = ("bay", "charger", "now", "all full", "what sets it", "assumed")
    rows: list[Sequence[str]] = [head]
    for place, one in expectations.items():
        name = labels.get(place, str(place.connector_id))
        lower = one.full if one.full.kw is not None and one.now.kw is not None and one.full.kw < one.now.kw else one.now
        most = "at most " if one.at_most and one.now.kw is not None and not one.now.pauses else ""
        why = reason(lower.bound)
        rows.append((name, place.code, most + power(one.now), power(one.full), why, assumed(one)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
