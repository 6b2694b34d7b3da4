"""Stickers on pages: one on each page at its own size, or as many as fit on A4; with bleed and cut marks on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kiosk.config.settings import SettingsError
from kiosk.stickers.layout import Box, Sticker

A4 = (210.0, 297.0)
UNPRINTED = 8.0
"""Millimetres at the edge of a sheet that an office printer leaves white."""
MARK = 4.0
"""Length of a cut mark."""
HAIR = 0.1
"""Its width."""
AWAY = 1.0
"""From the bleed to a mark, so that no mark lies on the sticker after a bad cut."""


@dataclass(frozen=True)
class Placed:
    sticker: Sticker
    x: float
    y: float

    @property
    def trim(self) -> Box:
        """Where the sticker is cut."""
        return Box(self.x, self.y, self.sticker.size.width, self.sticker.size.height)


@dataclass(frozen=True)
class Page:
    """`name` is the stem of a file name."""

    name: str
    width: float
    height: float
    bleed: float
    placed: tuple[Placed, ...]
    marks: tuple[Box, ...] = ()


def single(sticker: Sticker, name: str, bleed: float = 0, marks: bool = False) -> Page:
    edge = _edge(bleed, marks)
    placed = Placed(sticker, edge, edge)
    around = _marks(placed.trim, bleed) if marks else ()
    return Page(name, placed.trim.width + 2 * edge, placed.trim.height + 2 * edge, bleed, (placed,), around)


def sheets(stickers: Sequence[Sticker], bleed: float = 0, marks: bool = False) -> tuple[Page, ...]:
    """A4 pages, upright or lying, whichever holds more. All stickers have one size. Raises SettingsError."""
    if not stickers:
        return ()
    edge = max(_edge(bleed, marks), AWAY)
    width, height = stickers[0].size.width + 2 * edge, stickers[0].size.height + 2 * edge
    across, down, paper = max(
        ((_count(side, width), _count(length, height), (side, length)) for side, length in (A4, A4[::-1])),
        key=lambda choice: choice[0] * choice[1],
    )
    many = across * down
    if not many:
        raise SettingsError("The stickers do not fit on A4: use a smaller size or less bleed.")
    left, top = (paper[0] - across * width) / 2 + edge, (paper[1] - down * height) / 2 + edge
    pages = []
    for start in range(0, len(stickers), many):
        placed = tuple(
            Placed(sticker, left + number % across * width, top + number // across * height)
            for number, sticker in enumerate(stickers[start : start + many])
        )
        around = tuple(mark for each in placed for mark in _marks(each.trim, bleed)) if marks else ()
        pages.append(Page(f"sheet-{start // many + 1}", *paper, bleed, placed, around))
    return tuple(pages)


def _count(paper: float, cell: float) -> int:
    return int((paper - 2 * UNPRINTED) // cell)


def _edge(bleed: float, marks: bool) -> float:
    return bleed + (AWAY + MARK if marks else 0)


def _marks(trim: Box, bleed: float) -> tuple[Box, ...]:
    """Two at each corner, in line with the cut and outside the bleed."""
    gap = bleed + AWAY
    marks = []
    for x in (trim.x, trim.right):
        marks += [Box(x - HAIR / 2, y, HAIR, MARK) for y in (trim.y - gap - MARK, trim.bottom + gap)]
    for y in (trim.y, trim.bottom):
        marks += [Box(x, y - HAIR / 2, MARK, HAIR) for x in (trim.x - gap - MARK, trim.right + gap)]
    return tuple(marks)
