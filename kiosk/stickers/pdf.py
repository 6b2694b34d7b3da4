"""Pages as PDF: outlines only, black as pure black, with the boxes that a print shop reads (trim and bleed)."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]
from reportlab.pdfbase.pdfmetrics import registerFont  # type: ignore[import-untyped]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import FILL_NON_ZERO, Canvas  # type: ignore[import-untyped]

from kiosk.stickers.drawing import Shape, shapes
from kiosk.stickers.layout import Box
from kiosk.stickers.sheet import Page

POINT = 72 / 25.4
"""Points in a millimetre."""

_UNUSED_FONT = "Vera"


def pdf(pages: Sequence[Page], brand: str, title: str) -> bytes:
    """The same pages give the same bytes. `brand` is `#rrggbb`."""
    file = BytesIO()
    # The library puts its first font into every file, unless that font is one it would embed and nothing is set in it.
    # A print shop refuses a file with a font that is not embedded.
    registerFont(TTFont(_UNUSED_FONT, "Vera.ttf"))
    canvas = Canvas(file, pageCompression=1, invariant=1, initialFontName=_UNUSED_FONT)
    canvas.setTitle(title)
    canvas.setCreator("charge-kiosk")
    for page in pages:
        canvas.setPageSize((page.width * POINT, page.height * POINT))
        if len(page.placed) == 1:
            trim = page.placed[0].trim
            canvas.setTrimBox(_corners(trim, page))
            canvas.setBleedBox(_corners(trim.grown(page.bleed), page))
        canvas.transform(POINT, 0, 0, -POINT, 0, page.height * POINT)
        for shape in shapes(page):
            _paint(canvas, shape, brand)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _paint(canvas: Canvas, shape: Shape, brand: str) -> None:
    if shape.paint == "brand":
        canvas.setFillColor(HexColor(brand))
    else:
        canvas.setFillGray(shape.paint == "white")
    path = canvas.beginPath()
    draw = {"M": path.moveTo, "L": path.lineTo, "C": path.curveTo, "Z": path.close}
    for kind, figures in shape.steps:
        draw[kind](*figures)
    canvas.drawPath(path, stroke=0, fill=1, fillMode=FILL_NON_ZERO)


def _corners(box: Box, page: Page) -> tuple[float, float, float, float]:
    """Left, bottom, right, top, from the lower left corner as PDF counts."""
    return box.x * POINT, (page.height - box.bottom) * POINT, box.right * POINT, (page.height - box.y) * POINT
