"""Every screen, measured: the rules of accessibility, colours in both schemes and in each state of a control, sizes of
words and targets, and no page wider than its screen, in every language, with large text and the longest real names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from flask import template_rendered
from jinja2 import Template
from playwright.sync_api import Browser, Page, expect

from tests.browser.garage import EXAMPLE
from tests.browser.measures import controls_unreadable, in_frame, of_phone, of_tablet, violations
from tests.browser.phone import STRIPE, Phone, at_the_edge
from tests.browser.screens import SCREENS, settle
from tests.browser.stage import Stage
from tests.browser.tablet import SIZES, Tablet
from tests.browser.tablet_screens import TABLET_SCREENS, hand_over

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "de", "fr", "nl")
PHONES = ((390, 664), (375, 553), (360, 616), (320, 640))
"""What browsers leave free between their own bars; 320 is the narrowest that we promise."""
LONG_NAMES = {
    '"Lindenau Energie"': '"Stadtwerke Mühlhausen an der Unstrut GmbH"',
    '"Marktplatz garage"': '"Parkhaus Krankenhauszweckverband Süd"',
    '"Charger 2"': '"Schnellladesäule Haupteingang 12"',
    'label = "3"': 'label = "A-1203"',
    'label = "4"': 'label = "A-1204"',
    'side = "right"': 'side = "rechts neben der Einfahrt"',
}
IN_THE_FIRST_VIEW: dict[str, tuple[str, ...]] = {
    "tablet-pair": ("form .btn.primary",),
    "tablet-board": (".stall", ".lane h1", "#price-note", ".tariffs > div", ".langs a", ".sight"),
    "tablet-bay": (".matrix", ".how .note", ".how .small", ".ledger .lead", ".bar", ".strip form .btn", ".langs a"),
    "tablet-bay-in-use": (".place", ".say", ".rows a"),
    "tablet-bay-fault": (".place", ".say", ".rows a"),
    "tablet-bay-owner": (".place", ".calm > .btn", ".rows a"),
    "tablet-find": (".place", ".digits", ".keypad .btn"),
    "tablet-continue": ("h1", ".strip .btn"),
    "tablet-pay": (".band", "section .ledger > div", ".bar", "#paybtn", ".strip .btn"),
    "tablet-charging": (".band", ".meter", ".dock .btn", ".digits", ".away .btn.primary"),
    "tablet-move": (".matrix", ".qr b"),
    "tablet-receipt": (".band", ".matrix", ".bar"),
}
"""What nobody should have to look for below the edge, both ways and in every language."""


@pytest.fixture(scope="module")
def phone(browser: Browser, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Phone, Stage]]:
    """One phone for all screens, at a site whose names are as long as real ones are."""
    folder = tmp_path_factory.mktemp("every-phone")
    facts = EXAMPLE.read_text()
    for short, long in LONG_NAMES.items():
        assert short in facts
        facts = facts.replace(short, long)
    (folder / "site.toml").write_text(facts)
    with ExitStack() as closers:
        stage = Stage(folder, assets, site=folder / "site.toml")
        closers.callback(stage.close)
        phone = Phone(browser, stage.address, stage.edge)
        closers.callback(phone.close)
        yield phone, stage


@contextmanager
def measured(seen: Phone, address: str) -> Iterator[Page]:
    """Another page of the same browser, whose own content never changes: there the screens are drawn."""
    page = seen.context.new_page()
    page.goto(f"{address}/healthz")
    yield page
    page.close()


@pytest.fixture(scope="module")
def drawing(phone: tuple[Phone, Stage]) -> Iterator[Page]:
    """Where one screen of the phone after the other is drawn, see `measured`."""
    seen, stage = phone
    with measured(seen, stage.address) as page:
        yield page


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_of_the_phone_can_be_read_and_pressed_and_fits_in_every_language(
    phone: tuple[Phone, Stage], drawing: Page, name: str
) -> None:
    seen, stage = phone
    client = stage.driver()
    path = SCREENS[name](stage, client)
    stage.hand_over(client, seen.context)
    seen.open(path)
    expect(seen.heading).to_have_count(1)
    expect(seen.heading).to_have_attribute("tabindex", "-1")
    expect(seen.page.locator("header .call")).to_be_visible()
    expect(seen.page.locator("main > p[role=status]")).to_have_count(1)
    settle(name, seen)
    found = [f"rules: {one}" for one in violations(seen.page)]
    seen.page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
    found += controls_unreadable(seen.page)
    seen.context.set_offline(False)
    seen.open("/healthz")  # another site would need a new process, which compiles every script again
    found += of_phone(drawing, path, LANGUAGES, PHONES)
    stage.clear()
    assert not found, "\n".join(found)


TEMPLATES = Path(__file__).parents[2] / "templates"
MEASURED_ELSEWHERE = {
    "session/stranger.html": "answers a form that only its owner has: tests/browser/test_accessibility.py",
    "driver/whose.html": "stands for the seconds in which the back office is asked: words and button of looking.html",
}


def test_every_page_of_a_driver_is_among_the_screens(tmp_path: Path, assets: Path) -> None:
    """What is not among them is measured by nobody. None has an icon twice in its band."""
    drawn: set[str] = set()
    twice: dict[str, list[str]] = {}

    def note(_sender: object, template: Template, **_more: object) -> None:
        drawn.add(str(template.name))

    stage = Stage(tmp_path, assets)
    for name, show in SCREENS.items():
        client = stage.driver()
        path = show(stage, client)
        with template_rendered.connected_to(note, stage.app):
            page = client.get(path).text
        band = re.search(r'<div class="band.*?</div>', page, re.S)
        icons = re.findall(r'href="#(i-[a-z-]+)"', band[0]) if band is not None else []
        if len(icons) > len(set(icons)):
            twice[name] = icons
        stage.clear()
    stage.close()
    pages = {
        str(file.relative_to(TEMPLATES)) for wing in ("driver", "session") for file in (TEMPLATES / wing).glob("[!_]*")
    }
    assert twice == {}
    assert pages - drawn == set(MEASURED_ELSEWHERE)


@pytest.fixture(scope="module")
def tablet(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tablet, Path]]:
    """One tablet's browser that goes from kiosk to kiosk; the folder for them."""
    tablet = Tablet(browser, "", None)
    yield tablet, tmp_path_factory.mktemp("every-tablet")
    tablet.close()


@pytest.mark.parametrize("name", IN_THE_FIRST_VIEW)
def test_a_screen_of_the_tablet_shows_what_matters_without_scrolling_both_ways_in_every_language(
    tablet: tuple[Tablet, Path], assets: Path, name: str
) -> None:
    seen, folder = tablet
    stage = Stage(folder / name, assets)
    client = stage.driver()
    path = TABLET_SCREENS[name](stage, client)
    seen.context.clear_cookies()
    hand_over(stage, client, seen.context)
    seen.context.route(STRIPE, at_the_edge(stage.edge))
    seen.page.goto(stage.address + path)
    expect(seen.heading).to_have_count(1)
    expect(seen.page.locator("header .call")).to_be_visible()
    expect(seen.page.locator("a[href^='tel:'], a[href^='mailto:'], a[target], input[type=file]")).to_have_count(0)
    if name == "tablet-pay":
        expect(seen.pay_button).to_be_enabled()
    found = [f"rules: {one}" for one in violations(seen.page)]
    seen.page.goto("about:blank")
    with measured(seen, stage.address) as page:
        found += of_tablet(page, path, LANGUAGES, SIZES.items(), IN_THE_FIRST_VIEW[name])
        if name in {"tablet-bay", "tablet-move"}:
            assert in_frame(page, CODE_WIDTH) >= 300
        if name == "tablet-board":
            assert in_frame(page, WORD_SIZES) == [True, True]
            assert in_frame(page, "(page) => page.querySelector('.board').innerText.split(/\\s+/).length") <= MOST_WORDS
    seen.context.unroute_all()
    stage.close()
    assert not found, "\n".join(found)


FADED = "() => Number(getComputedStyle(document.querySelector('.strip'), '::before').opacity)"


def test_what_goes_on_below_the_strip_fades_out_until_one_has_scrolled_to_the_end(
    tablet: tuple[Tablet, Path], assets: Path
) -> None:
    """A line that is cut looks like the end of the page."""
    seen, folder = tablet
    stage = Stage(folder / "faded", assets)
    client = stage.driver()
    path = TABLET_SCREENS["tablet-receipt"](stage, client)
    seen.context.clear_cookies()
    hand_over(stage, client, seen.context)
    seen.turn("landscape")
    seen.page.goto(stage.address + path)
    expect(seen.heading).to_have_count(1)
    at_first = seen.page.evaluate(FADED)
    seen.page.locator("#main").evaluate("(one) => one.scrollTo(0, one.scrollHeight)")
    seen.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    at_the_end = seen.page.evaluate(FADED)
    stage.close()
    assert (at_first, at_the_end) == (1, 0)


CODE_WIDTH = """(page) => {
    const box = page.querySelector('.matrix path').getBBox();
    const matrix = page.querySelector('.matrix');
    return (box.width / matrix.viewBox.baseVal.width) * matrix.getBoundingClientRect().width;
}"""
"""Of the dark part alone, without its white margin."""
WORD_SIZES = """(page) => {
    const size = (one) => parseFloat(getComputedStyle(one).fontSize);
    const all = [...page.querySelectorAll('.stall .word')].map(size);
    const free = [...page.querySelectorAll('.stall.free .word')].map(size);
    return [Math.min(...all) >= 24 && Math.max(...all) <= 40, Math.min(...free) >= 30];
}"""
"""The state is read from three metres."""


MOST_WORDS = 121
"""On the board of fifteen bays."""


def test_the_measures_find_what_is_wrong(phone: tuple[Phone, Stage], drawing: Page) -> None:
    """Each of them fails on a page that was made to break it."""
    seen, stage = phone
    client = stage.driver()
    seen.open(SCREENS["home"](stage, client))
    sheet = seen.page.locator("link[rel=stylesheet]").first.get_attribute("href")
    body = f"""<!doctype html><html lang="en"><head><link rel="stylesheet" href="{sheet}"></head>
        <body class="phone"><main id="main"><p class="nb">{"w" * 90}</p><p><a href="/">to</a></p>
        <p><small class="xs">fine print</small></p><p><font color="#999999">cannot be read</font></p>
        <table width="90"><tr><td><button class="btn">navigateur</button></td></tr></table>
        <p class="age" data-age="2026-11-20T13:00:00Z" data-fresh="{"long words " * 9}" data-old="">x</p>
        </main></body></html>"""
    seen.context.route("**/broken*", lambda route: route.fulfill(content_type="text/html", body=body))
    found = of_phone(drawing, "/broken", ["en"], PHONES[:1])
    seen.context.unroute("**/broken*")
    for words in ("px wide", "target of", "14 px high", "two lines", "to one", "a word in two lines: navigateur"):
        assert any(words in one for one in found), found
