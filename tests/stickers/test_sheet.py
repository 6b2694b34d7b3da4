"""Pages: true size, bleed beyond the cut, marks beyond the bleed, and as many as fit on A4."""

from __future__ import annotations

from itertools import combinations

import pytest

from kiosk.config.settings import SettingsError
from kiosk.stickers.drawing import shapes
from kiosk.stickers.layout import Box, Sticker, lay_out
from kiosk.stickers.sheet import UNPRINTED, Page, sheets, single
from kiosk.stickers.sizes import SIZES
from tests.stickers.facts import FACTS, apart, inside

each_size = pytest.mark.parametrize("size", SIZES)


def sticker(size: str) -> Sticker:
    return lay_out(FACTS, SIZES[size])


def extent(page: Page, paint: str) -> Box:
    """Around the first shape of a paint."""
    steps = next(shape.steps for shape in shapes(page) if shape.paint == paint)
    across = [x for _, figures in steps for x in figures[::2]]
    down = [y for _, figures in steps for y in figures[1::2]]
    return Box(min(across), min(down), max(across) - min(across), max(down) - min(down))


@each_size
def test_a_page_of_its_own_has_the_size_of_the_sticker(size: str) -> None:
    page = single(sticker(size), "7MK4T")
    assert f"{page.width:g}x{page.height:g}" == size
    assert page.marks == ()


def test_the_colour_runs_on_into_the_bleed_on_three_sides() -> None:
    page = single(sticker("60x80"), "7MK4T", bleed=3)
    assert (page.width, page.height) == (66, 86)
    assert extent(page, "white") == Box(0, 0, 66, 86)
    assert extent(page, "brand") == Box(0, 0, 66, 13.4)


@pytest.mark.parametrize("bleed", [0, 3])
def test_marks_are_in_line_with_the_cut_and_outside_the_bleed(bleed: int) -> None:
    page = single(sticker("60x80"), "7MK4T", bleed, marks=True)
    trim = page.placed[0].trim
    assert len(page.marks) == 8
    for mark in page.marks:
        assert inside(mark, Box(0, 0, page.width, page.height))
        assert apart(mark, trim.grown(bleed))
        middle = (mark.x + mark.width / 2, mark.y + mark.height / 2)
        assert middle[0] in {trim.x, trim.right} or middle[1] in {trim.y, trim.bottom}


@pytest.mark.parametrize(
    ("size", "bleed", "marks", "many"),
    [
        ("60x80", 0, False, 9),
        ("60x80", 3, True, 6),
        ("80x110", 0, False, 4),
        ("80x110", 3, True, 4),
        ("105x148", 0, False, 2),
    ],
)
def test_a_sheet_holds_as_many_as_fit(size: str, bleed: int, marks: bool, many: int) -> None:
    pages = sheets([sticker(size)] * (many + 1), bleed, marks)
    assert [len(page.placed) for page in pages] == [many, 1]
    assert [page.name for page in pages] == ["sheet-1", "sheet-2"]
    assert {page.width for page in pages} | {page.height for page in pages} == {210, 297}


@each_size
@pytest.mark.parametrize(("bleed", "marks"), [(0, False), (0, True), (3, False), (3, True)])
def test_nothing_on_a_sheet_overlaps_or_lies_where_no_printer_prints(size: str, bleed: int, marks: bool) -> None:
    (page,) = sheets([sticker(size)] * 2, bleed, marks)
    paper = Box(0, 0, page.width, page.height).grown(-UNPRINTED)
    cuts = [placed.trim.grown(bleed) for placed in page.placed]
    assert all(inside(box, paper) for box in [*cuts, *page.marks])
    assert all(apart(one, other) for one, other in combinations(cuts, 2))
    assert all(apart(mark, cut) for mark in page.marks for cut in cuts)
    assert bool(page.marks) == marks


def test_no_sticker_makes_no_sheet() -> None:
    assert sheets([]) == ()


def test_a_bleed_that_leaves_no_room_on_a4_is_refused() -> None:
    with pytest.raises(SettingsError, match="do not fit on A4"):
        sheets([sticker("105x148")], bleed=60)
