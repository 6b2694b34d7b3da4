"""Icons: only the symbols that a page used go into it, once, from static/shared/icons.svg."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from flask import g
from markupsafe import Markup

from kiosk.config.places import folder

FILE = folder("static") / "shared/icons.svg"
_SYMBOL = re.compile(r'<symbol id="i-([a-z0-9]+)".*?</symbol>', re.DOTALL)


@cache
def symbols() -> dict[str, str]:
    """Every symbol of the file by its name."""
    return {match[1]: match[0] for match in _SYMBOL.finditer(FILE.read_text(encoding="utf-8"))}


def _used() -> dict[str, None]:
    used: dict[str, None] | None = g.get("icons")
    if used is None:
        used = g.icons = {}
    return used


def icon(name: str, *, flip: bool = False) -> Markup:
    """One icon, decorative: the word beside it carries the meaning. Raises KeyError for a name that does not exist."""
    markup = _reference(name, flip)
    _used()[name] = None
    return markup


@cache
def _reference(name: str, flip: bool) -> Markup:
    if name not in symbols():
        raise KeyError(name)
    return Markup('<svg class="i{}" aria-hidden="true"><use href="#i-{}"/></svg>').format(" flip" if flip else "", name)


def icon_sheet() -> Markup:
    """The used symbols, hidden. Placed after the content, when all of it has been rendered."""
    return _sheet(tuple(_used()))


@lru_cache(maxsize=256)
def _sheet(names: tuple[str, ...]) -> Markup:
    """Kept, because the pages of one kind use the same icons in the same order."""
    rows = "".join(symbols()[name] for name in names)
    return Markup('<svg hidden xmlns="http://www.w3.org/2000/svg">{}</svg>').format(Markup(rows))  # noqa: S704
