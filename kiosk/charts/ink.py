"""The few pieces of SVG that a drawing is made of: text that fits and cannot break out, boxes, lines, the sheet."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable
from html import escape

LETTER = 6.9
"""The width of an average letter at the size of the small text. Fonts differ: what must fit is given some room."""

_STYLE = """
svg { color: #1d232b; --line: #8a94a0; --bind: #b3261e; --free: #1a7f37; --off: #8a94a0; --paper: #fff }
@media (prefers-color-scheme: dark) {
  svg { color: #e8ebef; --line: #7d8792; --bind: #ff8f85; --free: #56d364; --off: #7d8792; --paper: #14181d }
}
text { fill: currentColor; font: 13px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
.paper { fill: var(--paper) }
.b { font-weight: 600 } .s { opacity: .85 } .bind { fill: var(--bind); font-weight: 600 }
.box { fill: none; stroke: var(--line) } .box.binds { stroke: var(--bind); stroke-width: 3 }
.chip { fill: none; stroke: var(--off) } .chip.free { stroke: var(--free); stroke-width: 2 }
.chip.charging { fill: currentColor; fill-opacity: .1; stroke: currentColor }
.chip.out, .chip.offline, .chip.unknown { stroke-dasharray: 4 3 }
.wire { fill: none; stroke: var(--line) }
"""


def plain(text: str) -> str:
    """The text as XML can carry it: controls, halves of letters and marks that turn the direction become spaces."""
    clean = "".join(" " if unicodedata.category(each)[0] == "C" else each for each in text)
    return " ".join(clean.split())


def fitted(text: str, letters: int) -> str:
    """At most so many letters; what was longer ends in an ellipsis."""
    clean = plain(text)
    return clean if len(clean) <= letters else f"{clean[: letters - 1].rstrip()}…"


def wrapped(text: str, letters: int) -> list[str]:
    return textwrap.wrap(plain(text), max(8, letters), break_on_hyphens=False)


def text(x: float, y: float, words: str, kind: str = "") -> str:
    look = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{look}>{escape(plain(words))}</text>'


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'


def wire(x: float, top: float, y: float, to: float) -> str:
    """Down from `top` to `y`, then to the right."""
    return f'<path class="wire" d="M{x:g} {top:g}V{y:g}H{to:g}"/>'


def group(parts: Iterable[str], title: str) -> str:
    """Parts that belong together; `title` is what a pointer resting there is told, and a reader of the source."""
    return f"<g><title>{escape(plain(title))}</title>{''.join(parts)}</g>"


def sheet(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole drawing that needs nothing from anywhere, for light and dark surroundings."""
    name = escape(plain(title))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
    return "\n".join(
        [
            f'{head}height="{height:g}" role="img" aria-label="{name}">',
            f"<title>{name}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{width:g}" height="{height:g}"/>',
            *parts,
            "</svg>\n",
        ]
    )
