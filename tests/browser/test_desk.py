"""Every page of the desk in a real browser: the rules of accessibility, colours in both schemes and where a system sets
them itself, and no page wider than its screen, from a small phone to a desk, and with text twice as large.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import request, template_rendered
from jinja2 import Template
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk_screens import DESK_SCREENS
from tests.browser.desk_world import DeskWorld
from tests.browser.measures import violations
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 768, 1280)
TEMPLATES = Path(__file__).parents[2] / "templates" / "desk"
NOT_PAGES = {
    "desk_directory.back": "leads on; needs a directory",
    "desk_directory.go": "leads to the directory",
    "desk_directory.go_again": "leads to the directory",
    "desk_now.events": "a stream",
    "desk_now.renewed": "the first page once more, for its script",
    "desk_queue.queue_file": "a file",
    "desk_reconcile.lines_file": "a file",
    "desk_report.report_file": "a file",
    "desk_report.report_paper": "a file",
    "desk_setup.prices": "a file",
    "desk_sessions.receipt": "leads to the driver's receipt",
}
"""What is read at the desk and is no page of its own."""


class People:
    """One browser, and in it a page for each person who is signed in."""

    def __init__(self, browser: Browser, world: DeskWorld) -> None:
        self._browser, self.world = browser, world
        self._known: dict[str | None, Phone] = {}

    def page(self, who: str | None) -> Page:
        if who not in self._known:
            self._known[who] = Phone(self._browser, self.world.address, self.world.edge, width=1280)
            if who is not None:
                self.world.sign_in(self._known[who].page, who)
        return self._known[who].page

    def close(self) -> None:
        for phone in self._known.values():
            phone.close()


@pytest.fixture(scope="module")
def people(browser: Browser, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    world = DeskWorld(tmp_path_factory.mktemp("desk"), assets)
    people = People(browser, world)
    yield people
    people.close()
    world.close()


@contextmanager
def drawn(world: DeskWorld) -> Iterator[list[tuple[str, str]]]:
    """Template and endpoint of each page that is drawn meanwhile."""
    found: list[tuple[str, str]] = []

    def note(_sender: object, template: Template, **_more: object) -> None:
        found.append((str(template.name), str(request.endpoint)))

    with template_rendered.connected_to(note, world.app):
        yield found


WIDE = """() => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const out = [...document.body.querySelectorAll('*')].filter((one) => one.checkVisibility()
        && !one.closest('svg, .scroll > *, .top nav > *, .days > *')
        && one.getBoundingClientRect().right > root.clientWidth + 0.5);
    const named = (one) => `${one.localName}.${one.className} "${one.textContent.trim().slice(0, 30)}"`;
    return [`${root.scrollWidth} px wide: ${out.slice(-2).map(named).join(', ')}`];
}"""
TABLES = """() => [...document.querySelectorAll('.scroll')]
    .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)
    .map((one) => `scrolls by ${one.scrollWidth - one.clientWidth} px: ${one.textContent.trim().slice(0, 40)}`)"""
"""At a desk no table has to be pushed aside."""
UNFOLD = "() => { for (const one of document.querySelectorAll('details')) one.open = true; }"
LOST = """() => [...document.querySelectorAll('.btn, .panel, .plate, .scroll, input[id], select, textarea')]
    .filter((one) => one.checkVisibility() && parseFloat(getComputedStyle(one).borderTopWidth) === 0
        && !one.matches('.bare'))
    .map((one) => `no border: ${one.localName}.${one.className}`)"""
"""Where a system sets the colours, a ground of our own is not drawn: an edge has to say where a thing ends."""
TARGETS = """() => [...document.querySelectorAll('a[href], button, summary, select, textarea, input[id]')]
    .filter((one) => one.checkVisibility() && !one.closest('.skip') && !one.matches('.check input, label input'))
    .map((one) => [one, one.getBoundingClientRect()])
    .filter(([one, { height }]) => height < 43.5 && getComputedStyle(one).display !== 'inline')
    .map(([one, { width, height }]) => `target of ${Math.round(width)} x ${Math.round(height)}: ${one.textContent.trim()
        .slice(0, 30) || one.id}`)"""


def wrong_at_each_size(page: Page) -> list[str]:
    found = []
    page.evaluate(UNFOLD)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{width} px: {one}" for one in page.evaluate(WIDE)]
        if width == WIDTHS[0]:
            found += page.evaluate(TARGETS)
    found += [f"at a desk: {one}" for one in page.evaluate(TABLES)]
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    for width in WIDTHS[1:]:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"text twice as large, {width} px: {one}" for one in page.evaluate(WIDE)]
    page.evaluate("() => { document.documentElement.style.fontSize = ''; }")
    page.set_viewport_size({"width": 1280, "height": 800})
    return found


@pytest.mark.parametrize("name", DESK_SCREENS)
def test_a_page_of_the_desk_keeps_the_rules_and_fits_every_screen(people: People, name: str) -> None:
    screen, world = DESK_SCREENS[name], people.world
    page = people.page(screen.who)
    try:
        with drawn(world) as pages:
            screen.come(world, page)
            expect(page.locator("h1")).to_have_count(1)
            page.wait_for_load_state()  # with its style sheet: a page may have its words before
    finally:
        screen.settled(world)
    assert pages[-1] == (f"desk/{screen.template}.html", screen.endpoint)
    found = [f"rules: {one}" for one in violations(page)]
    page.emulate_media(forced_colors="active")
    found += [f"forced colours: {one}" for one in page.evaluate(LOST)]
    page.emulate_media(forced_colors="none")
    found += wrong_at_each_size(page)
    page.goto(f"{world.address}/healthz")  # what was measured leaves nothing open behind
    assert not found, "\n".join(found)


def test_every_page_of_the_desk_is_among_the_screens(people: People) -> None:
    """What is not among them is measured by nobody."""
    read = {
        rule.endpoint
        for rule in people.world.app.url_map.iter_rules()
        if f"{rule.rule}/".startswith("/desk/") and "GET" in (rule.methods or set())
    }
    assert read - {one.endpoint for one in DESK_SCREENS.values()} == set(NOT_PAGES)
    drawings = {file.stem for file in TEMPLATES.glob("*.html")} - {"frame"}
    assert drawings - {one.template for one in DESK_SCREENS.values()} == set()
