"""ChargePilot's sites as the domain's fuse trees. Any field may be missing, null, strange or absurd.

What cannot be read is None; a part that is too deep or too large is left out and the tree says that it is not complete.
Documented: field names and types. Open: tokens of `type`, the wrapper of the list, whether connectors repeat as
children, and what the numbers of `charging_capability` stand for; each is read in the way that promises less.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.values import as_count, as_flag, as_number, as_object, as_text, as_word

MOST_SITES = 1000
MOST_DEPTH = 64
MOST_NODES = 20_000
"""Of one site, its connectors included."""
_MOST_AMPERES = 100_000
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_KINDS = (
    ({"group"}, NodeKind.GROUP),
    ({"station", "charger", "chargepoint", "evse", "point"}, NodeKind.STATION),
    ({"fuse", "subfuse", "breaker"}, NodeKind.FUSE),
    ({"meter"}, NodeKind.METER),
    ({"connector"}, NodeKind.GROUP),
)
"""In this order: a "connector group" is a group, and a "station fuse" belongs to its station."""
_DENIALS = frozenset({"inactive", "disabled", "failed", "error", "rejected", "unsupported", "none", "off", "not", "no"})


@dataclass(frozen=True, slots=True)
class PilotSite:
    """A site of ChargePilot. `timezone` is an IANA name that this machine knows. `tree` is None when there is none."""

    id: str
    name: str | None
    timezone: str | None
    tree: FuseTree | None


def read_sites(body: object) -> tuple[PilotSite, ...]:
    """Each site once; an entry without an id is left out. Raises NoAnswer when there is no list in it."""
    listed = _list(body)
    if listed is None:
        raise NoAnswer("an answer without sites")
    found: dict[str, PilotSite] = {}
    for entry in listed[:MOST_SITES]:
        fields = as_object(entry) or {}
        site_id = as_text(fields.get("id"))
        if site_id is not None and site_id not in found:
            found[site_id] = _site(site_id, fields)
    return tuple(found.values())


def read_site(body: object, asked_id: str) -> PilotSite:
    """Raises NoAnswer when it says nothing of a site, or speaks of another one than was asked for."""
    fields = as_object(_only(body))
    for wrapper in ("data", "site"):
        if fields is not None and wrapper in fields:
            fields = as_object(_only(fields[wrapper]))
    if fields is None or not ("id" in fields or "fuse_tree" in fields):
        raise NoAnswer("an answer without a site")
    site_id = as_text(fields.get("id"))
    if site_id is not None and site_id != asked_id:
        raise NoAnswer("an answer about another site")
    return _site(asked_id, fields)


def _only(value: object) -> object:
    """The entry of a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _list(body: object) -> Sequence[object] | None:
    for _ in range(3):
        if isinstance(body, list):
            return body
        fields = as_object(body) or {}
        body = fields.get("data", fields.get("sites"))
    return None


def _site(site_id: str, fields: Mapping[str, object]) -> PilotSite:
    return PilotSite(
        id=site_id,
        name=as_text(fields.get("name")),
        timezone=read_timezone(fields.get("timezone")),
        tree=read_tree(fields.get("fuse_tree")),
    )


def read_timezone(value: object) -> str | None:
    name = as_text(value, 60) if isinstance(value, str) else None
    if name is None:
        return None
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError
        return None


@dataclass(slots=True)
class _Draft:
    """A node that waits for its children. `lineage` are the fuse ids above it and its own."""

    fields: Mapping[str, object]
    parameters: Mapping[str, object]
    depth: int
    lineage: tuple[str, ...]
    connectors: tuple[FuseConnector, ...] = ()
    parent: _Draft | None = None
    children: list[Node] = field(default_factory=list)


def read_tree(value: object) -> FuseTree | None:
    """None when there is no node in it. One root may stand where the list of roots belongs."""
    roots = value if isinstance(value, list) else [value]
    drafts, complete = _walk([root for root in roots if as_object(root) is not None])
    if not drafts:
        return None
    top: list[Node] = []
    for draft in reversed(drafts):  # children come after their parents
        draft.children.reverse()
        (draft.parent.children if draft.parent is not None else top).append(_node(draft))
    top.reverse()
    return FuseTree(tuple(top), complete)


def _walk(roots: list[object]) -> tuple[list[_Draft], bool]:
    """Drafts in the given order, parents first, and whether everything could be taken.

    A node with the fuse id of one above it is that node again: what hangs under it is taken to hang there.
    """
    drafts: list[_Draft] = []
    seen: set[int] = set()
    room, complete = MOST_NODES, True
    waiting: list[tuple[object, _Draft | None, int]] = [(root, None, 0) for root in reversed(roots)]
    while waiting:
        value, parent, depth = waiting.pop()
        fields = as_object(value)
        if fields is None or id(fields) in seen:
            continue
        seen.add(id(fields))
        if depth >= MOST_DEPTH or room <= 0:
            complete = False
            continue
        parameters = as_object(fields.get("parameters")) or {}
        fuse_id = as_text(parameters.get("fuse_id"))
        lineage = parent.lineage if parent is not None else ()
        connectors, whole = _connectors(parameters.get("connectors"), room)
        complete = complete and whole
        room -= 1 + len(connectors)
        here = parent
        if parent is None or fuse_id is None or fuse_id not in lineage:
            here = _Draft(fields, parameters, depth, (*lineage, fuse_id) if fuse_id else lineage, connectors, parent)
            drafts.append(here)
        else:
            parent.connectors += connectors
        children = fields.get("children")
        if isinstance(children, list):
            waiting.extend((child, here, depth + 1) for child in reversed(children))
    return drafts, complete


def _node(draft: _Draft) -> Node:
    parameters = draft.parameters
    meter = _meter(parameters.get("meter"))
    return Node(
        kind=_kind(draft.fields.get("type"), bool(draft.connectors), meter is not None),
        name=as_text(parameters.get("name")),
        limit=_amperes(parameters.get("limit")),
        inbound_limit=_amperes(parameters.get("inbound_limit")),
        outbound_limit=_amperes(parameters.get("outbound_limit")),
        fallback=_fallback(parameters),
        meter=meter,
        connectors=draft.connectors,
        children=tuple(draft.children),
    )


def _kind(value: object, has_connectors: bool, has_meter: bool) -> NodeKind:
    words = {word.lower().removesuffix("s") for word in _WORDS.findall(as_word(value) or "")}
    for names, kind in _KINDS:
        if words & names:
            return kind
    if has_connectors:
        return NodeKind.STATION
    return NodeKind.METER if has_meter else NodeKind.UNKNOWN


def _fallback(parameters: Mapping[str, object]) -> Decimal | None:
    """The higher of the present and the coming one. None when it is not in force: then full capacity is kept."""
    status = {word.lower() for word in _WORDS.findall(as_word(parameters.get("fallback_status")) or "")}
    figures = [_amperes(parameters.get(name)) for name in ("fallback", "pending_fallback_value")]
    if figures[0] is None or status & _DENIALS:
        return None
    return max(figure for figure in figures if figure is not None)


def _meter(value: object) -> Meter | None:
    fields = as_object(value)
    if fields is None:
        return None
    most, fallback = _amperes(fields.get("max_possible_current")), _amperes(fields.get("fallback_value"))
    consumer, producer = as_flag(fields.get("is_consumer")), as_flag(fields.get("is_producer")) is True
    if consumer is None:  # not said: figures without a producer can only be those of a consumer
        consumer = not producer and (most is not None or fallback is not None)
    return Meter(
        consumer=consumer,
        consumer_name=as_text(fields.get("consumer_name")),
        most_amperes=most,
        fallback_amperes=fallback,
        producer=producer,
        producer_name=as_text(fields.get("producer_name")),
        producer_amperes=_amperes(fields.get("producer_current")),
    )


def _connectors(value: object, room: int) -> tuple[tuple[FuseConnector, ...], bool]:
    """The connectors, as many as there is room for, and whether that was all."""
    entries = value if isinstance(value, list) else []
    kept = [fields for fields in map(as_object, entries[: max(0, room - 1)]) if fields is not None]
    return tuple(_connector(fields) for fields in kept), len(entries) < room


def _connector(fields: Mapping[str, object]) -> FuseConnector:
    least, most, lines = _capability(fields.get("charging_capability"))
    return FuseConnector(
        station_id=as_text(fields.get("charging_station_id")),
        number=as_count(fields.get("connector_id"), 10_000),
        name=as_text(fields.get("name")),
        least_amperes=least,
        most_amperes=most,
        phases=len(lines) if lines is not None else None,
        lines=lines,
        priority=as_number(fields.get("priority")),
    )


def _capability(value: object) -> tuple[Decimal | None, Decimal | None, tuple[int, ...] | None]:
    """Least and most amperes, and which phases if they can be told.

    Three figures that are alike where they are not zero are one for each phase; otherwise they are a range or steps.
    """
    entries = value if isinstance(value, list) else [value]
    figures = [figure for figure in map(_amperes, entries[:100]) if figure is not None]
    used = {figure for figure in figures if figure > 0}
    if len(figures) == 3 and len(used) == 1:
        return None, max(used), tuple(phase for phase, figure in enumerate(figures, 1) if figure > 0)
    if not figures:
        return None, None, None
    return (min(figures) if len(figures) > 1 else None), max(figures), None


def _amperes(value: object) -> Decimal | None:
    number = as_number(value)
    return number if number is not None and 0 <= number <= _MOST_AMPERES else None
