"""A page as SVG in true size: outlines only, no font, no script, no outside file."""

from __future__ import annotations

from html import escape

from kiosk.stickers.drawing import Shape, shapes
from kiosk.stickers.sheet import Page


def svg(page: Page, brand: str) -> str:
    """`brand` is `#rrggbb`."""
    colours = {"brand": brand, "ink": "#000000", "white": "#ffffff"}
    addresses = dict.fromkeys(placed.sticker.facts.address for placed in page.placed)
    size = f'width="{page.width:g}mm" height="{page.height:g}mm" viewBox="0 0 {page.width:g} {page.height:g}"'
    paths = [f'<path fill="{colours[shape.paint]}" d="{_path(shape)}"/>' for shape in shapes(page)]
    paper = f'<path fill="#ffffff" d="M0 0H{page.width:g}V{page.height:g}H0Z"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, f"<title>{escape(', '.join(addresses))}</title>", paper, *paths, "</svg>", ""])


def _path(shape: Shape) -> str:
    return "".join(
        kind + " ".join(f"{figure:.3f}".rstrip("0").rstrip(".") for figure in figures) for kind, figures in shape.steps
    )
