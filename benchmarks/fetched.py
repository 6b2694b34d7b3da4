"""What a browser fetches by itself because of a page, a style sheet or a module: the addresses that stand in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_FETCHING_RELS = frozenset(
    {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "manifest", "apple-touch-icon"}
)
_SOURCES = {
    "script": ("src",),
    "img": ("src",),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "source": ("src",),
    "track": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
    "input": ("src",),
}
_URL = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)""")
_CSS_IMPORT = re.compile(r"""@import\s+["']([^"']+)["']""")
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(
    r"""\b(?:import\b|export\b[^;"'()=]*\bfrom\b)[^;"'()=]*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']"""
)
"""An `export` names another module only with `from`; else its text is a value."""


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._style = tag == "style"
        if tag == "link" and _FETCHING_RELS & set(given.get("rel", "").lower().split()):
            self.found.append(given.get("href", ""))
        self.found += [given[name] for name in _SOURCES.get(tag, ()) if given.get(name)]
        for part in given.get("srcset", "").split(","):
            self.found += part.split()[:1]
        self.found += from_css(given.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        self._style = self._style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._style:
            self.found += from_css(data)


def from_html(text: str) -> list[str]:
    page = _Page()
    page.feed(text)
    page.close()
    return _fetched(page.found)


def from_css(text: str) -> list[str]:
    text = _COMMENT.sub("", text)
    return _fetched([*_URL.findall(text), *_CSS_IMPORT.findall(text)])


def from_script(text: str) -> list[str]:
    """Modules that a module imports, at once or later."""
    return _fetched([first or later for first, later in _IMPORT.findall(_COMMENT.sub("", text))])


def _fetched(found: list[str]) -> list[str]:
    """In order, each once. An address within the page is not fetched."""
    return list(dict.fromkeys(each for each in found if each and not each.startswith("#")))
