"""A fuse tree and the lab's facts as JSON and back. A tree is stored flat, each node with the place of its parent, so
that no depth of it is too deep for JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind
from kiosk.domain.lab import LabFacts
from kiosk.store.codec import Json, plain

_NODE_FIGURES = ("limit", "inbound_limit", "outbound_limit", "fallback")
_METER_FIGURES = ("most_amperes", "fallback_amperes", "producer_amperes")
_CONNECTOR_FIGURES = ("least_amperes", "most_amperes", "priority")


def tree_to(value: FuseTree) -> Json:
    rows: list[Json] = []
    waiting: list[tuple[Node, int | None]] = [(root, None) for root in reversed(value.roots)]
    while waiting:
        node, parent = waiting.pop()
        here = len(rows)
        rows.append(_row(node, parent))
        waiting.extend((child, here) for child in reversed(node.children))
    return {"nodes": rows, "complete": value.complete}


def tree_from(value: Json) -> FuseTree:
    rows: list[Json] = value["nodes"]
    children: list[list[Node]] = [[] for _ in rows]
    roots: list[Node] = []
    for here in range(len(rows) - 1, -1, -1):  # parents stand before their children
        parent = rows[here].get("parent")
        (roots if parent is None else children[parent]).append(_node(rows[here], _in_order(children[here])))
    return FuseTree(_in_order(roots), value["complete"])


def facts_to(value: LabFacts) -> Json:
    return plain(value)


def facts_from(value: Json) -> LabFacts:
    return LabFacts(**_with_figures(value, ("max_kw",)))


def _in_order(nodes: list[Node]) -> tuple[Node, ...]:
    return tuple(reversed(nodes))


def _row(node: Node, parent: int | None) -> Json:
    row: Json = {"kind": node.kind.value}
    if parent is not None:
        row["parent"] = parent
    if node.name is not None:
        row["name"] = node.name
    row.update((name, str(figure)) for name in _NODE_FIGURES if (figure := getattr(node, name)) is not None)
    if node.meter is not None:
        row["meter"] = plain(node.meter)
    if node.connectors:
        row["connectors"] = [plain(connector) for connector in node.connectors]
    return row


def _node(row: Json, children: tuple[Node, ...]) -> Node:
    meter = row.get("meter")
    figures = {name: Decimal(row[name]) for name in _NODE_FIGURES if name in row}
    return Node(
        kind=NodeKind(row["kind"]),
        name=row.get("name"),
        meter=None if meter is None else Meter(**_with_figures(meter, _METER_FIGURES)),
        connectors=tuple(_connector(each) for each in row.get("connectors", ())),
        children=children,
        **figures,
    )


def _connector(row: Json) -> FuseConnector:
    fields = _with_figures(row, _CONNECTOR_FIGURES)
    if "lines" in fields:
        fields["lines"] = tuple(fields["lines"])
    return FuseConnector(**fields)


def _with_figures(value: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    return {name: Decimal(content) if name in names else content for name, content in value.items()}
