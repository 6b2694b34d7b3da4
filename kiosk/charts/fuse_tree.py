"""A site's fuse tree as a picture: every part with its limit, every connector with what a driver can expect there.

The parts whose limit sets somebody's power are marked. Chargers that differ in nothing but their names are drawn once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kiosk.charts import ink, words
from kiosk.domain.expectation import Bound, BoundKind, Expectation, Place, PoweredCharger
from kiosk.domain.fuses import FuseConnector, FuseTree, Node, NodeKind, Spot, spots

WIDTH = 960
_EDGE, _STEP, _ROW, _GAP = 16, 26, 18, 10
_BOX, _CHIP, _CHIP_HIGH = 268, 190, 46
_DEEPEST = 10
"""Below this depth the drawing moves no further to the right."""
_FOLD = 3
"""So many equal chargers side by side are drawn as one."""
_BOX_LETTERS = 36
_CHIP_LETTERS = 25


@dataclass(frozen=True, slots=True)
class Chip:
    """A connector: its name, its state in words, and both figures."""

    name: str
    state: str
    now: str
    full: str


@dataclass(slots=True)
class _Row:
    """One node with its connectors, or several equal ones (`twins`)."""

    node: Node
    depth: int
    parent: int | None
    chips: list[Chip]
    binds: set[Place] = field(default_factory=set)
    kept: str = ""
    twins: list[tuple[str, list[Chip]]] = field(default_factory=list)

    @property
    def look(self) -> tuple[object, ...]:
        """What two chargers must share to be drawn as one; names are left out."""
        node = self.node
        limits = (node.kind, node.limit, node.inbound_limit, node.fallback, node.meter, self.kept, bool(self.binds))
        return self.depth, self.parent, limits, tuple((chip.state, chip.now, chip.full) for chip in self.chips)


def draw(
    tree: FuseTree,
    chargers: Sequence[PoweredCharger],
    expectations: Mapping[Place, Expectation],
    now: datetime,
    *,
    labels: Mapping[Place, str] | None = None,
    title: str = "Fuse tree and expected power",
) -> str:
    """A whole SVG file. `labels` are what is painted on the bays; else the station's name and number are used."""
    rows, strangers = _rows(tree, chargers, expectations, now, labels or {})
    parts = [ink.text(_EDGE, 30, ink.fitted(title, 90), "b")]
    y = 44.0
    for line in _legend(tree):
        y += _ROW
        parts.append(ink.text(_EDGE, y, line, "s"))
    y += _GAP
    tops: dict[int, float] = {}
    last: dict[int, float] = {}
    for index, row in rows.items():
        y += _GAP
        drawn, high = _drawn(row, y)
        parts.append(drawn)
        if row.parent is not None and row.parent in tops:
            from_y = last.get(row.parent, tops[row.parent])
            x = _x(rows[row.parent].depth) + 10
            parts.append(ink.wire(x, from_y, y + 16, _x(row.depth) if _x(row.depth) > x else x))
            last[row.parent] = y + 16
        tops[index] = y + _box_high(_lines(row))
        y += high
    if strangers:
        y += 2 * _GAP + _ROW
        parts.append(ink.text(_EDGE, y, "Not in the fuse tree", "b"))
        y += _GAP
        chips, high = _chips(strangers, _EDGE, y, WIDTH - 2 * _EDGE)
        parts.extend(chips)
        y += high
    return ink.sheet(WIDTH, y + _EDGE, title, parts)


def _legend(tree: FuseTree) -> Iterable[str]:
    yield "now: with the cars that charge now.  full: when all free bays fill up as well.  Both are estimates."
    yield "A thick frame: this limit sets somebody's power."
    if not tree.complete:
        yield "A part of the tree could not be read: every figure is an upper bound."
    if not tree.roots:
        yield "The tree is empty."


# --- what is drawn


def _rows(
    tree: FuseTree,
    chargers: Sequence[PoweredCharger],
    expectations: Mapping[Place, Expectation],
    now: datetime,
    labels: Mapping[Place, str],
) -> tuple[dict[int, _Row], list[Chip]]:
    """Rows by spot, equal ones folded, and the connectors that hang nowhere."""
    found = spots(tree)
    known = {
        (name.casefold(), own.connector_id): (charger, Place(charger.card.code, own.connector_id))
        for charger in chargers
        for own in charger.card.connectors
        for name in (charger.station_ids or (charger.card.code,))
    }
    rows: dict[int, _Row] = {}
    holders: dict[Place, int] = {}
    homes: dict[str, int] = {}
    for here, spot in enumerate(found):
        row = _Row(spot.node, spot.depth, spot.parent, [])
        for connector in spot.node.connectors:
            name = (connector.station_id or "").casefold()
            homes.setdefault(name, spot.station)
            mine = known.get((name, connector.number)) if connector.number is not None else None
            if mine is None:
                row.chips.append(_foreign(connector))
            else:
                row.chips.append(_chip(*mine, expectations, now, labels))
                holders.setdefault(mine[1], here)
        rows[here] = row
    strangers: list[Chip] = []
    for (name, _), (charger, place) in known.items():
        if place in holders:
            continue
        home = homes.get(name)
        chip = _chip(charger, place, expectations, now, labels)
        if home is not None:
            rows[home].chips.append(chip)
            holders[place] = home
        elif chip not in strangers:
            strangers.append(chip)
    _mark(rows, found, holders, expectations)
    return _folded(rows, found), strangers


def _chip(
    charger: PoweredCharger,
    place: Place,
    expectations: Mapping[Place, Expectation],
    now: datetime,
    labels: Mapping[Place, str],
) -> Chip:
    own = charger.card.connector(place.connector_id)
    claimed = place.connector_id in charger.claimed
    state = words.state_word(charger.card, own, now, claimed=claimed) if own is not None else "not known"
    one = expectations.get(place)
    label = f"Bay {labels[place]}" if place in labels else f"{place.code}/{place.connector_id}"
    if one is None:
        return Chip(label, state, "\N{EN DASH}", "\N{EN DASH}")
    return Chip(label, state, words.power(one.now), words.power(one.full))


def _foreign(connector: FuseConnector) -> Chip:
    number = connector.number if connector.number is not None else "?"
    name = connector.name or f"{connector.station_id or '?'}/{number}"
    return Chip(name, words.OUTSIDE, "", "")


def _mark(
    rows: Mapping[int, _Row],
    found: Sequence[Spot],
    holders: Mapping[Place, int],
    expectations: Mapping[Place, Expectation],
) -> None:
    """At which node each figure was set: the nearest one above the connector that fits what the figure says."""
    for place, one in expectations.items():
        for bound in (one.now.bound, one.full.bound):
            at = holders.get(place) if bound.kind is BoundKind.NODE else None
            while at is not None and not _is(found[at].node, bound):
                at = found[at].parent
            if at is not None:
                rows[at].binds.add(place)
                meter = found[at].node.meter
                if bound.reserved_amperes and (meter is None or meter.load != bound.reserved_amperes):
                    rows[at].kept = f"{words.figure(bound.reserved_amperes)} A of it kept for others"


def _is(node: Node, bound: Bound) -> bool:
    return (node.kind, node.name, node.most_amperes) == (bound.node_kind, bound.name, bound.limit_amperes)


def _folded(rows: Mapping[int, _Row], found: Sequence[Spot]) -> dict[int, _Row]:
    parents = {spot.parent for spot in found}
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, row in rows.items():
        if index not in parents and row.chips:
            alike[row.look].append(index)
    gone: set[int] = set()
    for indices in alike.values():
        if len(indices) >= _FOLD:
            rows[indices[0]].twins = [(words.called(rows[each].node), rows[each].chips) for each in indices]
            gone.update(indices[1:])
    return {index: row for index, row in rows.items() if index not in gone}


# --- how it is drawn


def _x(depth: int) -> float:
    return float(_EDGE + min(depth, _DEEPEST) * _STEP)


def _lines(row: _Row) -> list[tuple[str, str]]:
    """The lines in a node's box and how each looks."""
    node = row.node
    if row.twins:
        kind = words.KINDS[node.kind].lower()
        lines = [(f"{len(row.twins)} equal {kind}s", "b")]
    else:
        lines = [(ink.fitted(words.called(node), _BOX_LETTERS), "b")]
    if node.most_amperes is not None:
        lines.append((f"{words.figure(node.most_amperes)} A per phase{' each' if row.twins else ''}", "s"))
    elif node.kind is NodeKind.FUSE:
        lines.append(("limit not known", "s"))
    meter = node.meter
    if meter is not None and meter.consumer:
        load = f"keeps {words.figure(meter.load)} A" if meter.load is not None else "takes nobody knows how much"
        lines.append((ink.fitted(f"{meter.consumer_name or 'building'} {load}", _BOX_LETTERS), "s"))
    if meter is not None and meter.producer:
        lines.append((ink.fitted(f"{meter.producer_name or 'producer'}, not counted on", _BOX_LETTERS), "s"))
    if node.fallback is not None:
        lines.append((f"{words.figure(node.fallback)} A a bay without contact", "s"))
    if row.kept:
        lines.append((row.kept, "s"))
    if row.twins and row.binds:
        lines.append(("sets the power of its bays", "bind"))
    elif row.binds:
        lines.append((f"sets the power of {len(row.binds)} bay{'s' if len(row.binds) > 1 else ''}", "bind"))
    return lines


def _box_high(lines: Sequence[object]) -> float:
    return float(_ROW * len(lines) + 12)


def _drawn(row: _Row, y: float) -> tuple[str, float]:
    """The node with its connectors beside it; the height that it takes."""
    x, lines = _x(row.depth), _lines(row)
    high = _box_high(lines)
    parts = [ink.box(x, y, _BOX, high, "box binds" if row.binds else "box")]
    parts.extend(
        ink.text(x + 10, y + 4 + _ROW * number, line, look) for number, (line, look) in enumerate(lines, start=1)
    )
    beside = x + _BOX + _GAP
    shown = (
        [Chip(f"{len(row.twins)} \N{MULTIPLICATION SIGN}", c.state, c.now, c.full) for c in row.chips]
        if row.twins
        else row.chips
    )
    chips, chips_high = _chips(shown, beside, y, WIDTH - _EDGE - beside)
    parts.extend(chips)
    below = y + max(high, chips_high)
    if row.twins:
        names = ", ".join(f"{name} ({', '.join(chip.name for chip in chips)})" for name, chips in row.twins)
        for line in ink.wrapped(names, int((WIDTH - _EDGE - x) / ink.LETTER)):
            below += _ROW
            parts.append(ink.text(x + 10, below, line, "s"))
    return ink.group(parts, words.called(row.node)), below - y


def _chips(chips: Sequence[Chip], x: float, y: float, wide: float) -> tuple[list[str], float]:
    """Boxes from left to right, as many in a line as there is room for."""
    if not chips:
        return [], 0.0
    in_line = max(1, int(wide // (_CHIP + _GAP)))
    drawn: list[str] = []
    for number, chip in enumerate(chips):
        left = x + number % in_line * (_CHIP + _GAP)
        top = y + number // in_line * (_CHIP_HIGH + _GAP)
        ours = chip.state != words.OUTSIDE
        figures = f"now {chip.now}, full {chip.full}" if ours else "not ours, taken as in use"
        state = f", {chip.state}" if ours else ""
        head = ink.fitted(chip.name, max(4, _CHIP_LETTERS - len(state)))
        drawn.append(
            ink.group(
                [
                    ink.box(left, top, _CHIP, _CHIP_HIGH, f"chip {words.look(chip.state)}"),
                    ink.text(left + 10, top + 19, f"{head}{state}", "b"),
                    ink.text(left + 10, top + 37, figures, "s"),
                ],
                f"{chip.name}: {chip.state}",
            )
        )
    lines = (len(chips) + in_line - 1) // in_line
    return drawn, float(lines * (_CHIP_HIGH + _GAP) - _GAP)
