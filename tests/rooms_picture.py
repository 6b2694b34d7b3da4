"""Draws docs/rooms.svg: the rooms of the kiosk with their wings, and who uses whom, read from today's imports.

`scripts/rooms` writes it. Where a room stands is said in `PLACES`; what stands in it and every arrow is read. An arrow
is left out where a longer way says the same (web uses store, but web uses service and service uses store).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from tests.imports import HOME, MODULES, imports, imports_at_start, module_name, room_of

PICTURE = HOME / "docs" / "rooms.svg"
COMMAND = "scripts/rooms"


@dataclass(frozen=True)
class Place:
    """Columns from `left` up to `right` of 12, on `row`, and as far down as `rows` rows. `does`: what goes on there."""

    row: int
    left: float
    right: float
    does: str
    rows: int = 1


PLACES: dict[str, Place] = {
    "command": Place(0, 2.3, 9.7, "what an operator types"),
    "rehearsal": Place(1, 7.2, 9.7, "a charge before opening day"),
    "simulation": Place(1, 2.3, 4.6, "many charges at once"),
    "demo": Place(1, 4.8, 7.0, "all of it in one process"),
    "app": Place(2, 2.3, 7.0, "wires the parts together"),
    "web": Place(3, 2.3, 5.0, "HTTP and words"),
    "engine": Place(3, 5.2, 7.4, "alone calls outside"),
    "outside": Place(4, 7.75, 9.7, "clients, from settings"),
    "doctor": Place(3, 7.6, 9.7, "is all well?"),
    "service": Place(4, 2.3, 5.0, "what people may ask, no HTTP"),
    "serving": Place(2, 0, 1.9, "the server's threads"),
    "charts": Place(5, 0, 1.9, "drawings and plots"),
    "eyes": Place(3, 0, 1.9, "traces and faults"),
    "stickers": Place(4, 0, 1.9, "QR codes to print"),
    "paper": Place(6, 0, 1.9, "documents on A4"),
    "tables": Place(5, 5.7, 7.0, "CSV and XLSX"),
    "store": Place(5, 2.3, 3.7, "remembers"),
    "news": Place(5, 3.9, 5.5, "what is newer"),
    "upstream": Place(5, 7.45, 9.7, "a wing for each system"),
    "sandbox": Place(3, 10.0, 12, "a stand-in world", rows=3),
    "config": Place(7, 0, 1.9, "settings, languages"),
    "domain": Place(6, 2.3, 7.0, "decides: plain Python that is told the time"),
    "metrics": Place(6, 7.45, 9.7, "counts"),
    "clock": Place(6, 10.0, 12, "reads the time"),
}

WIDTH, EDGE, UNIT = 1000.0, 20.0, 80.0
LETTER = 6.6
LINE, CHIP = 17.0, 23.0
TRACK = 9.0
BESIDE, APART = 5.0, 7.0
"""How far an arrow keeps from a room, and from another arrow that runs beside it."""

STYLE = """
svg { --ink: #1d232b; --soft: #57606a; --paper: #ffffff; --room: #f6f8fa; --edge: #d0d7de; --wing: #ffffff;
  --a: #0969da; --b: #bc4c00; --c: #1a7f37; --d: #8250df; --e: #bf3989; --f: #57606a }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e6edf3; --soft: #9da7b3; --paper: #0d1117; --room: #161b22; --edge: #3d444d; --wing: #0d1117;
    --a: #58a6ff; --b: #f0883e; --c: #56d364; --d: #bc8cff; --e: #f778ba; --f: #9da7b3 }
}
text { fill: var(--ink); font: 12.5px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
.name { font-size: 15px; font-weight: 650 } .does { fill: var(--soft) } .wing { font-size: 12px }
.paper { fill: var(--paper) } .room { fill: var(--room); stroke-width: 1.6 }
.chip { fill: var(--wing); stroke: var(--edge) }
.arrow { fill: none; stroke-width: 1.6 } .later { stroke-dasharray: 5 4 }
.head { stroke: none }
"""
COLOURS = "abcdef"


@dataclass(frozen=True)
class Arrow:
    """`user` uses `used`. `later`: only inside a function or for the type checker, so not when a kiosk starts."""

    user: str
    used: str
    later: bool = False


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


@cache
def arrows() -> tuple[Arrow, ...]:
    """Every use of one room by another."""
    found: dict[tuple[str, str], bool] = {}
    for path in MODULES:
        room = room_of(module_name(path))
        at_start = {room_of(name) for name in imports_at_start(path) if name.startswith("kiosk.")}
        for used in {room_of(name) for name in imports(path) if name.startswith("kiosk.")} - {room, ""}:
            if room:
                found[room, used] = found.get((room, used), True) and used not in at_start
    return tuple(Arrow(user, used, later) for (user, used), later in sorted(found.items()))


def drawn(all_arrows: Sequence[Arrow]) -> list[Arrow]:
    """Those that do not follow from others."""
    uses: dict[str, set[str]] = {}
    for arrow in all_arrows:
        uses.setdefault(arrow.user, set()).add(arrow.used)

    def reach(room: str) -> set[str]:
        below = uses.get(room, set())
        return below.union(*(reach(each) for each in below))

    return [
        arrow
        for arrow in all_arrows
        if not any(arrow.used in reach(other) for other in uses[arrow.user] - {arrow.used})
    ]


def rooms() -> dict[str, list[str]]:
    """Each room with its wings; a module at the top of the package has none."""
    found: dict[str, list[str]] = {}
    for path in MODULES:
        _, *parts = module_name(path).split(".")
        if not parts:
            continue
        wings = found.setdefault(parts[0], [])
        if len(parts) == 2 and path.name == "__init__.py" and parts[1] != "migrations":
            wings.append(parts[1])
    return found


def title(room: str) -> str:
    return room if (HOME / "kiosk" / room).is_dir() else f"{room}.py"


def picture() -> str:
    """The whole SVG. Raises LookupError for a room that has no place, or an arrow that would point upwards."""
    standing = rooms()
    if homeless := sorted(set(standing) - set(PLACES)):
        raise LookupError(f"{', '.join(homeless)}: say in PLACES of tests/rooms_picture.py where it stands")
    lines = drawn(arrows())
    for arrow in lines:
        if _last_row(arrow.user) >= PLACES[arrow.used].row:
            raise LookupError(f"{arrow.user} uses {arrow.used}: it must stand above it in PLACES")
    sides = {room: (EDGE + PLACES[room].left * UNIT, EDGE + PLACES[room].right * UNIT) for room in standing}
    moves = _moves(lines, sides)
    strips, height = _strips(standing, moves)
    boxes = {room: _box(room, sides[room], strips) for room in standing}
    colours = _colours(lines)
    parts = [_arrow(arrow, points, colours) for arrow, points in _ways(lines, boxes, moves, strips)]
    parts += [_room(room, boxes[room], standing[room], colours.get(room, "edge")) for room in sorted(boxes)]
    parts.append(_text(EDGE, height - 14, _LEGEND, "does"))
    return _sheet(height, parts)


_LEGEND = (
    "An arrow leads from a room to one that it uses; dashed: only when asked for. What follows from other arrows is "
    "not drawn. Inside: wings."
)


@dataclass(frozen=True)
class Strip:
    """A row of rooms, which begins at `top`, and the free strip below it."""

    top: float
    begins: float
    ends: float


@dataclass(frozen=True)
class Move:
    """In the strip below a row an arrow comes down at `x` and leaves at `to`."""

    arrow: Arrow
    x: float
    to: float

    @property
    def sideways(self) -> bool:
        return abs(self.x - self.to) > 0.5


def _strips(standing: Mapping[str, list[str]], moves: Mapping[int, list[Move]]) -> tuple[dict[int, Strip], float]:
    """Every row, and the height of the sheet. A strip is as high as the arrows that turn in it need."""
    strips: dict[int, Strip] = {}
    y = EDGE
    for row in sorted({PLACES[room].row for room in standing}):
        here = [room for room in standing if PLACES[room].row == row and PLACES[room].rows == 1]
        tall = max((_height(room, standing[room]) for room in here), default=40.0)
        turns = sum(move.sideways for move in moves.get(row, ()))
        strips[row] = Strip(y, y + tall, y + tall + 20 + TRACK * max(turns, 1))
        y = strips[row].ends
    return strips, strips[max(strips)].begins + 44


def _box(room: str, sides: tuple[float, float], strips: Mapping[int, Strip]) -> Box:
    top = strips[PLACES[room].row].top
    bottom = max(strip.begins for row, strip in strips.items() if row <= _last_row(room))
    return Box(sides[0], top, sides[1] - sides[0], bottom - top)


def _height(room: str, wings: Sequence[str]) -> float:
    inside = (PLACES[room].right - PLACES[room].left) * UNIT - 24
    return 30 + LINE + (CHIP + 3) * len(_chip_rows(wings, inside))


def _chip_rows(wings: Iterable[str], inside: float) -> list[list[str]]:
    rows: list[list[str]] = []
    used = 0.0
    for wing in wings:
        wide = _chip_width(wing) + 6
        if not rows or used + wide > inside + 6:
            rows.append([])
            used = 0.0
        rows[-1].append(wing)
        used += wide
    return rows


def _chip_width(wing: str) -> float:
    return len(wing) * LETTER + 14


def _colours(lines: Sequence[Arrow]) -> dict[str, str]:
    users = sorted({arrow.user for arrow in lines}, key=lambda room: (PLACES[room].row, PLACES[room].left))
    return {room: COLOURS[number % len(COLOURS)] for number, room in enumerate(users)}


Point = tuple[float, float]
Sides = Mapping[str, tuple[float, float]]


def _moves(lines: Sequence[Arrow], sides: Sides) -> dict[int, list[Move]]:
    """For each row what happens in the strip below it, in the order from above to below that crosses least."""
    lanes = _lanes(lines, sides)
    starts = _ports(lines, sides, lanes, at_user=True)
    ends = _ports(lines, sides, lanes, at_user=False)
    moves: dict[int, list[Move]] = {}
    for arrow in lines:
        here, there = _last_row(arrow.user), PLACES[arrow.used].row - 1
        lane = lanes.get(arrow, ends[arrow])
        moves.setdefault(here, []).append(Move(arrow, starts[arrow], lane))
        if here != there:
            moves.setdefault(there, []).append(Move(arrow, lane, ends[arrow]))
    for row in moves:
        moves[row].sort(key=lambda move: (move.to < move.x, -move.x if move.to > move.x else move.x))
    return moves


def _ways(
    lines: Sequence[Arrow], boxes: Mapping[str, Box], moves: Mapping[int, list[Move]], strips: Mapping[int, Strip]
) -> list[tuple[Arrow, list[Point]]]:
    """Each arrow with the corners of its way: down, along the strip below a row, down a free lane, and so on."""
    turns: dict[Arrow, list[Point]] = {arrow: [] for arrow in lines}
    begins: dict[Arrow, float] = {}
    for row in sorted(moves):
        strip = strips[row]
        sideways = [move for move in moves[row] if move.sideways]
        step = (strip.ends - strip.begins - 12) / (len(sideways) + 1)
        for move in moves[row]:
            begins.setdefault(move.arrow, move.x)
            if move.sideways:
                y = strip.begins + 2 + step * (sideways.index(move) + 1)
                turns[move.arrow] += [(move.x, y), (move.to, y)]
    ways = []
    for arrow in lines:
        x = turns[arrow][-1][0] if turns[arrow] else begins[arrow]
        ways.append((arrow, [(begins[arrow], boxes[arrow.user].bottom), *turns[arrow], (x, boxes[arrow.used].top)]))
    return ways


def _last_row(room: str) -> int:
    return PLACES[room].row + PLACES[room].rows - 1


def _lanes(lines: Sequence[Arrow], sides: Sides) -> dict[Arrow, float]:
    """For an arrow over several rows: where it may run down without touching a room, near both of its ends."""
    taken: list[tuple[float, int, int]] = []
    lanes: dict[Arrow, float] = {}
    for arrow in lines:
        first, last = _last_row(arrow.user) + 1, PLACES[arrow.used].row - 1
        if first > last:
            continue
        between = [sides[room] for room in sides if PLACES[room].row <= last and _last_row(room) >= first]
        free = [
            x
            for x in (EDGE / 2 + step / 2 for step in range(int((WIDTH - EDGE) * 2)))
            if all(x < left - BESIDE or x > right + BESIDE for left, right in between)
            and all(abs(x - other) >= APART or till < first - 1 or since > last for other, since, till in taken)
        ]
        if not free:
            raise LookupError(f"no free way from {arrow.user} down to {arrow.used}: move a room in PLACES")
        lanes[arrow] = min(free, key=lambda x: (_away(x, sides[arrow.user]) + _away(x, sides[arrow.used]), x))
        taken.append((lanes[arrow], first - 1, last))
    return lanes


def _away(x: float, sides: tuple[float, float]) -> float:
    return max(sides[0] + 14 - x, 0.0, x - sides[1] + 14)


def _ports(lines: Sequence[Arrow], sides: Sides, lanes: Mapping[Arrow, float], *, at_user: bool) -> dict[Arrow, float]:
    """Where on the edge of a room each of its arrows begins or ends, in the order of where it goes."""
    ports: dict[Arrow, float] = {}
    rim = 14.0 if at_user else 23.0  # so that what ends above a room's edge does not run into what begins there

    def aim(arrow: Arrow) -> float:
        return lanes.get(arrow, sum(sides[arrow.used if at_user else arrow.user]) / 2)

    for room, (left, right) in sides.items():
        mine = [arrow for arrow in lines if (arrow.user if at_user else arrow.used) == room]
        mine.sort(key=lambda arrow: (aim(arrow), arrow.user, arrow.used))
        apart = min(18.0, (right - left - 2 * rim) / max(len(mine) - 1, 1))
        last = left + rim - apart
        for number, arrow in enumerate(mine):
            most = right - rim - apart * (len(mine) - 1 - number)
            last = max(min(max(aim(arrow), left + rim), most), last + apart)
            ports[arrow] = last
    return ports


def _arrow(arrow: Arrow, points: Sequence[Point], colours: Mapping[str, str]) -> str:
    colour = f"var(--{colours[arrow.user]})"
    (x, y) = points[-1]
    kind = "arrow later" if arrow.later else "arrow"
    end = [*points[:-1], (x, y - 6)]
    return (
        f'<g><title>{arrow.user} uses {arrow.used}</title><path class="{kind}" style="stroke:{colour}" '
        f'd="{_path(end)}"/><path class="head" style="fill:{colour}" d="M{x:g} {y:g}l-4.5 -8h9z"/></g>'
    )


def _path(points: Sequence[Point]) -> str:
    """Straight pieces with round corners."""
    text = f"M{points[0][0]:g} {points[0][1]:g}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near = min(5.0, _length(before, corner) / 2, _length(corner, after) / 2)
        a, b = _towards(corner, before, near), _towards(corner, after, near)
        text += f"L{a[0]:.1f} {a[1]:.1f}Q{corner[0]:.1f} {corner[1]:.1f} {b[0]:.1f} {b[1]:.1f}"
    return text + f"L{points[-1][0]:.1f} {points[-1][1]:.1f}"


def _length(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(point: Point, other: Point, by: float) -> Point:
    whole = _length(point, other) or 1.0
    return (point[0] + (other[0] - point[0]) * by / whole, point[1] + (other[1] - point[1]) * by / whole)


def _room(room: str, box: Box, wings: Sequence[str], colour: str) -> str:
    parts = [
        f'<rect class="room" style="stroke:var(--{colour})" x="{box.left:g}" y="{box.top:g}" '
        f'width="{box.width:g}" height="{box.height:g}" rx="8"/>',
        _text(box.left + 12, box.top + 21, title(room), "name"),
        _text(box.left + 12, box.top + 38, PLACES[room].does, "does"),
    ]
    y = box.top + 30 + LINE
    for row in _chip_rows(wings, box.width - 24):
        x = box.left + 12
        for wing in row:
            wide = _chip_width(wing)
            parts.append(f'<rect class="chip" x="{x:g}" y="{y:g}" width="{wide:g}" height="20" rx="5"/>')
            parts.append(_text(x + 7, y + 14, wing, "wing"))
            x += wide + 6
        y += CHIP + 3
    return f"<g>{''.join(parts)}</g>"


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


def _sheet(height: float, parts: Iterable[str]) -> str:
    name = "The rooms of the kiosk and who uses whom"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" '
            f'height="{height:g}" role="img" aria-label="{name}">',
            f"<title>{name}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH:g}" height="{height:g}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def main(where: Path = PICTURE) -> int:
    """Write the picture; the exit code says whether it could be drawn."""
    try:
        where.write_text(picture(), encoding="utf-8")
    except LookupError as problem:
        sys.stderr.write(f"{COMMAND}: {problem.args[0]}.\n")
        return 1
    sys.stdout.write(f"{where}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
