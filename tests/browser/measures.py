"""What can be measured of a page, all at once: how wide it is at each size, whether its words can be read and touched,
and what of it stands in the first view. `measures.js` draws it anew in a frame of each size, without its scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

LIMITS = {"readable": 7.0, "text": 16, "caption": 14, "target": 44}
"""Contrast to one as the look promises it of every word, in rain and sun; the others in pixels."""
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
CONTROLS = "main :is(a[href], button, summary, label.opt), header :is(a[href], summary), footer a[href]"
STATES = ((), ("hover",), ("focus", "focus-visible"), ("hover", "active"))

Sizes = Sequence[tuple[int, int]]

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def _measure(page: Page, name: str, given: object) -> list[str]:
    """What a function of `measures.js` finds; the script is brought into a page that does not have it yet."""
    found: list[str] = page.evaluate(
        f"""([name, given, limits]) => {{
            window.measures ??= ({_SCRIPT.strip()})(limits);
            return window.measures[name](given);
        }}""",
        [name, given, LIMITS],
    )
    return found


def of_phone(page: Page, path: str, languages: Sequence[str], sizes: Sizes) -> list[str]:
    """What is wrong with the page at that path. In English: what is too small to read or to touch at the first size, or
    cannot be read in light or in dark. In every language, at each size: where it is wider than the phone, cuts words
    off, or breaks an age; with the usual text, with text twice as large by the page's own zoom, and by the browser's
    setting.
    """
    found = _measure(page, "phone", [path, languages, sizes])
    with _large_by_default(page):
        found += [f"by default {one}" for one in _measure(page, "byDefault", [languages, sizes])]
    return found


@contextmanager
def _large_by_default(page: Page) -> Iterator[None]:
    """A browser that was told to make all text twice as large: what a style sheet asks in em follows."""
    inside = page.context.new_cdp_session(page)
    inside.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    try:
        yield
    finally:
        inside.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
        inside.detach()


def of_tablet(
    page: Page, path: str, languages: Sequence[str], sizes: Iterable[tuple[str, tuple[int, int]]], first: Sequence[str]
) -> list[str]:
    """What is wrong with the page of a site's screen at that path, both ways and in every language: its width, its
    targets, its text, what of `first` is not in the first view, and what lies over something else; in English also its
    colours in both schemes.
    """
    return _measure(page, "screen", [path, languages, dict(sizes), first])


def in_frame(page: Page, script: str) -> Any:
    """What a script says of the frame that was measured last; it gets the frame's document."""
    return page.evaluate(f"() => ({script})(window.measured.contentDocument)")


def violations(page: Page) -> list[str]:
    """What the rules find on this page, one line for each element: all of them in light, in dark what colours break.

    The sheet with the main button is put where it stands when one has scrolled to the end: until then it covers what
    happens to be under it.
    """
    page.evaluate("document.querySelectorAll('.dock').forEach((one) => { one.style.position = 'static' })")
    light = _broken_rules(page, {"type": "tag", "values": list(RULES)})
    page.emulate_media(color_scheme="dark")
    dark = _broken_rules(page, {"type": "rule", "values": ["color-contrast", "link-in-text-block"]})
    page.emulate_media(color_scheme="light")
    page.evaluate("document.querySelectorAll('.dock').forEach((one) => { one.style.position = '' })")
    return light + [f"dark: {one}" for one in dark]


def _broken_rules(page: Page, only: dict[str, object]) -> list[str]:
    """The rules are brought into a page once. They need to read no style sheet: no page here has a sound or a film."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"runOnly": only, "resultTypes": ["violations"], "preload": {"assets": ["media"]}}
    found: list[dict[str, Any]] = page.evaluate("async (options) => (await axe.run(options)).violations", options)
    return [
        f"{one['id']}: {' '.join(node['target'])}: {node['failureSummary']}" for one in found for node in one["nodes"]
    ]


def controls_unreadable(page: Page) -> list[str]:
    """Controls whose words cannot be read well, in each state that a browser can be told to show, and switched off; in
    both schemes. Measured anew when the page renews itself meanwhile.
    """
    for _ in range(3):
        try:
            return _unreadable_in_each_state(page)
        except PlaywrightError as error:
            if "Could not find node" not in str(error):
                raise
    return _unreadable_in_each_state(page)


def _unreadable_in_each_state(page: Page) -> list[str]:
    inside = page.context.new_cdp_session(page)
    inside.send("DOM.enable")
    inside.send("CSS.enable")
    root = inside.send("DOM.getDocument")["root"]["nodeId"]
    nodes = inside.send("DOM.querySelectorAll", {"nodeId": root, "selector": CONTROLS})["nodeIds"]
    found: list[str] = []
    for state in STATES:
        for node in nodes if state else ():
            inside.send("CSS.forcePseudoState", {"nodeId": node, "forcedPseudoClasses": list(state)})
        found += [f"{'+'.join(state) or 'rest'}, {one}" for one in unreadable(page, CONTROLS)]
    inside.detach()
    page.evaluate("() => { for (const one of document.querySelectorAll('button')) one.disabled = true; }")
    return found + [f"disabled, {one}" for one in unreadable(page, CONTROLS)]


def unreadable(page: Page, wanted: str) -> list[str]:
    """Which of these elements, and of the words in them, cannot be read well as they are now, in light and in dark."""
    return _measure(page, "now", wanted)
