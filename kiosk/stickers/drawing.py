"""A page as a list of shapes to fill, in the order of painting: what SVG and PDF have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kiosk.stickers.layout import Box, Paint
from kiosk.stickers.letters import Step, face
from kiosk.stickers.sheet import Page


@dataclass(frozen=True)
class Shape:
    """One path in millimetres on the page, filled by the non-zero rule, so that its parts meet without a seam."""

    paint: Paint
    steps: tuple[Step, ...]


def shapes(page: Page) -> Iterator[Shape]:
    for placed in page.placed:
        for fill in placed.sticker.fills:
            yield Shape(fill.paint, tuple(_bars([fill.with_bleed(page.bleed)], placed.x, placed.y)))
        yield Shape("ink", tuple(_bars(placed.sticker.code.dark(), placed.x, placed.y)))
        for line in placed.sticker.lines:
            outline = face(line.bold).outline(line.text, placed.x + line.x, placed.y + line.base, line.size)
            yield Shape(line.paint, tuple(outline))
    if page.marks:
        yield Shape("ink", tuple(_bars(page.marks, 0, 0)))


def _bars(boxes: Iterable[Box], x: float, y: float) -> Iterator[Step]:
    for box in boxes:
        left, top, right, bottom = (round(part, 3) for part in (x + box.x, y + box.y, x + box.right, y + box.bottom))
        yield "M", (left, top)
        for point in ((right, top), (right, bottom), (left, bottom)):
            yield "L", point
        yield "Z", ()
