"""Plots as SVG in the look of the pages that they stand in: columns by day, a map of hours, rows, and a curve.

Each figure stands at its mark, so that nothing is told by colour alone. What is not known is a gap with a sign of its
own, and never a mark of no height. Words and figures come in ready to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from html import escape

from kiosk.charts.ink import plain

WIDE = 960
_LEFT = 44
NOT_KNOWN = "?"


@dataclass(frozen=True, slots=True)
class Mark:
    """One figure: `name` stands below or beside it, `shown` at it. `value` None: not known. `part`: it is not all yet,
    or at least that much.
    """

    name: str
    value: Decimal | None
    shown: str
    part: bool = False


def columns(marks: Sequence[Mark], told: str) -> str:
    """Side by side, one for each day."""
    high, base = 200, 226
    most = max((one.value for one in marks if one.value is not None), default=Decimal(0))
    step = Decimal(WIDE - 8) / max(1, len(marks))
    wide = step * Decimal("0.72")
    every = -(-len(marks) // 16)  # so many figures side by side are read without touching
    parts = [f'<line x1="0" x2="{WIDE}" y1="{base}" y2="{base}"/>']
    for at, one in enumerate(marks):
        x = step * at + 4
        middle = x + wide / 2
        labelled = (len(marks) - 1 - at) % every == 0
        if one.value is None:
            parts.append(_text(middle, base - 8, NOT_KNOWN, "ax") if labelled else "")
        else:
            tall = one.value / most * high if most else Decimal(0)
            look = "col soft" if one.part else "col"
            parts.append(_rect(look, x, base - tall, wide, tall))
            parts.append(_text(middle, base - tall - 6, one.shown) if labelled else "")
        parts.append(_text(middle, base + 20, one.name, "ax") if labelled else "")
    return _sheet(WIDE, base + 28, told, parts)


def hours(rows: Sequence[tuple[str, Sequence[Decimal | None]]], told: str) -> str:
    """A map: a row for each bay, a cell for each hour, with its per cent in it."""
    step, tall = Decimal(WIDE - _LEFT) / 24, 26
    parts = [_text(_LEFT + step * hour + step / 2, 16, f"{hour:02}", "ax") for hour in range(24)]
    for line, (name, shares) in enumerate(rows):
        y = 26 + line * tall
        parts.append(_text(_LEFT - 8, y + 17, name, end="end"))
        for hour, share in enumerate(shares):
            x = _LEFT + step * hour
            if share is None:
                parts.append(_text(x + step / 2, y + 17, NOT_KNOWN, "ax"))
                continue
            per_cent = round(share * 100)
            deep = "0.85" if share >= Decimal("0.5") else "0.26" if share >= Decimal("0.2") else "0.05"
            parts.append(_rect("cell", x, y, step - 2, tall - 2, f' fill-opacity="{deep}"'))
            parts.append(_text(x + step / 2 - 1, y + 17, str(per_cent), "on" if deep == "0.85" else ""))
    return _sheet(WIDE, 30 + len(rows) * tall, told, parts)


def rows(marks: Sequence[Mark], told: str) -> str:
    """One below the other, from the same edge; for few figures with long names."""
    left, tall = 250, 34
    most = max((one.value for one in marks if one.value is not None), default=Decimal(0))
    parts = []
    for at, one in enumerate(marks):
        y = at * tall + 4
        parts.append(_text(left - 12, y + 18, one.name, end="end"))
        long = one.value / most * (WIDE - left - 90) if one.value is not None and most else Decimal(0)
        look = "col soft" if one.part else "col"
        parts.append(_rect(look, left, y, long, tall - 8))
        parts.append(_text(left + long + 8, y + 18, one.shown if one.value is not None else NOT_KNOWN, end="start"))
    return _sheet(WIDE, len(marks) * tall + 8, told, parts)


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a line of a curve's scale stands, from 0 at the bottom or the left to 1, and what it is called."""

    at: Decimal
    name: str


def curve(points: Sequence[tuple[Decimal, Decimal]], up: Sequence[Scale], along: Sequence[Scale], told: str) -> str:
    """A line through points from 0 to 1 in both directions, with its scale on the left and below."""
    left, high, top = 70, 190, 14

    def x(share: Decimal) -> Decimal:
        return left + share * (WIDE - left - 12)

    def y(share: Decimal) -> Decimal:
        return top + (1 - share) * high

    parts = []
    for line in up:
        parts.append(f'<line x1="{left}" x2="{WIDE - 12}" y1="{y(line.at):.1f}" y2="{y(line.at):.1f}"/>')
        parts.append(_text(Decimal(left - 8), y(line.at) + 5, line.name, "ax", "end"))
    for number, mark in enumerate(along):
        end = "start" if number == 0 else "end" if number == len(along) - 1 else "middle"
        parts.append(_text(x(mark.at), Decimal(top + high + 22), mark.name, "ax", end))
    path = "L".join(f"{x(across):.1f} {y(height):.1f}" for across, height in points)
    parts.append(f'<path class="curve" fill="none" d="M{path}"/>')
    if points:
        parts.append(f'<circle class="dot" cx="{x(points[-1][0]):.1f}" cy="{y(points[-1][1]):.1f}" r="4"/>')
    return _sheet(WIDE, top + high + 30, told, parts)


def scale_of(most: Decimal, lines: int = 4) -> tuple[Decimal, ...]:
    """Round figures from 0 up to the first at or above `most`, a handful of them."""
    if most <= 0:
        return (Decimal(0), Decimal(1))
    rough = most / lines
    ten = Decimal(10) ** rough.adjusted()
    step = next(ten * one for one in (1, 2, 5, 10) if ten * one >= rough)
    count = (most / step).to_integral_value(ROUND_CEILING)
    return tuple(step * number for number in range(int(count) + 1))


def _text(x: Decimal | int, y: Decimal | int, words: str, look: str = "", end: str = "middle") -> str:
    kind = f' class="{look}"' if look else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{end}">{escape(plain(words))}</text>'


def _rect(look: str, x: Decimal | int, y: Decimal | int, wide: Decimal, high: Decimal | int, more: str = "") -> str:
    return f'<rect class="{look}"{more} x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"/>'


def _sheet(wide: int, high: int, told: str, parts: Sequence[str]) -> str:
    name = escape(plain(told), quote=True)
    return f'<svg class="plot" viewBox="0 0 {wide} {high}" role="img" aria-label="{name}">{"".join(parts)}</svg>'
