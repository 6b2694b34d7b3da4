"""What a driver sees and presses on a real phone: what stands in the first view, and whether it can be read whatever
the finger does. Sizes are those that a browser leaves free between its own bars.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, expect

from tests.browser.conftest import NewPhone
from tests.browser.garage import CODE, EXAMPLE, Garage
from tests.browser.measures import controls_unreadable, unreadable
from tests.browser.phone import Phone
from tests.browser.screens import LANDING, SCREENS, settle
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser

VIEWS = ((390, 664), (375, 553), (360, 616), (320, 640))
"""An iPhone with its bars, the small one, an Android phone, and the narrowest that we promise."""
LANGUAGES = {"en": "en-GB", "de": "de-DE", "fr": "fr-FR", "nl": "nl-NL"}


@pytest.fixture(scope="module")
def stage(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("stage"), assets)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def long_named(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Names as long as real ones are."""
    folder = tmp_path_factory.mktemp("long")
    facts = EXAMPLE.read_text()
    for short, long in (
        ('"Lindenau Energie"', '"Stadtwerke Mühlhausen an der Unstrut GmbH"'),
        ('"Marktplatz garage"', '"Parkhaus Krankenhauszweckverband Süd"'),
        ('"Charger 2"', '"Schnellladesäule Haupteingang 12"'),
        ('label = "3"', 'label = "A-1203"'),
        ('label = "4"', 'label = "A-1204"'),
        ('side = "right"', 'side = "rechts neben der Einfahrt"'),
    ):
        assert short in facts
        facts = facts.replace(short, long)
    (folder / "site.toml").write_text(facts)
    stage = Stage(folder, assets, site=folder / "site.toml")
    yield stage
    stage.close()


def shown(browser: Browser, stage: Stage, name: str, **options: Any) -> Phone:
    """A phone that shows the screen of that name."""
    client = stage.driver()
    path = SCREENS[name](stage, client)
    phone = Phone(browser, stage.address, stage.edge, **options)
    stage.hand_over(client, phone.context)
    phone.open(path)
    settle(name, phone)
    return phone


# --- whatever the finger does


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_after_a_declined_card_the_button_can_be_read(new_phone: NewPhone, scheme: str) -> None:
    phone = new_phone(scheme=scheme, has_touch=True, is_mobile=True)
    phone.expects("status of 402")
    phone.start()
    phone.fill_card("4000000000000002")
    phone.pay_button.scroll_into_view_if_needed()
    phone.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    phone.pay_button.tap()
    expect(phone.page.get_by_role("alert")).to_contain_text("Your card was declined.")
    expect(phone.pay_button).to_be_enabled()
    assert unreadable(phone.page, "#payform button") == []


def test_the_measure_finds_what_cannot_be_read(browser: Browser, stage: Stage) -> None:
    phone = shown(browser, stage, "landing")
    phone.page.evaluate("() => { document.querySelector('#start button').style.color = '#0e181a'; }")
    found = controls_unreadable(phone.page)
    phone.close()
    stage.clear()
    assert [one for one in found if one.startswith("rest, light")] != []


def test_where_nothing_hovers_a_tap_leaves_no_colour_behind(browser: Browser, stage: Stage) -> None:
    phone = shown(browser, stage, "landing", has_touch=True, is_mobile=True)
    before = phone.page.locator("#start button").evaluate("(one) => getComputedStyle(one).backgroundColor")
    inside = phone.context.new_cdp_session(phone.page)
    inside.send("DOM.enable")
    inside.send("CSS.enable")
    root = inside.send("DOM.getDocument")["root"]["nodeId"]
    node = inside.send("DOM.querySelector", {"nodeId": root, "selector": "#start button"})["nodeId"]
    inside.send("CSS.forcePseudoState", {"nodeId": node, "forcedPseudoClasses": ["hover"]})
    after = phone.page.locator("#start button").evaluate("(one) => getComputedStyle(one).backgroundColor")
    phone.close()
    stage.clear()
    assert before == after


# --- the first view

BOXES = """() => {
  const box = (one) => { const { top, bottom } = one.getBoundingClientRect(); return [top, bottom]; };
  const dock = document.querySelector('#start');
  return {
    high: innerHeight, dock: dock.getBoundingClientRect().top, wide: document.documentElement.scrollWidth - innerWidth,
    above: [...document.querySelectorAll('.tag, .opt:has(.plate)')].map(box),
    within: [...dock.querySelectorAll('.ledger > div, button')].map(box),
  };
}"""


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("named", ["stage", "long_named"])
def test_code_bays_price_fee_hold_and_button_are_in_the_first_view(
    browser: Browser, request: pytest.FixtureRequest, named: str, lang: str
) -> None:
    """With two bays. With the longest names at least the price, the hold and the button never leave the view."""
    stage: Stage = request.getfixturevalue(named)
    phone = shown(browser, stage, "landing", locale=LANGUAGES[lang])
    wrong: list[str] = []
    for width, height in VIEWS:
        phone.page.set_viewport_size({"width": width, "height": height})
        seen = phone.page.evaluate(BOXES)
        assert len(seen["above"]) == 3
        assert len(seen["within"]) == 4
        inside = all(seen["dock"] <= top and bottom <= seen["high"] for top, bottom in seen["within"])
        over = all(top >= 0 and bottom <= seen["dock"] for top, bottom in seen["above"])
        if not inside or seen["wide"] > 0 or (named == "stage" and not over):
            wrong.append(f"{width}x{height}: {seen}")
    phone.close()
    stage.clear()
    assert wrong == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_price_hold_and_wallet_are_in_the_first_view_of_the_pay_page(browser: Browser, stage: Stage, lang: str) -> None:
    phone = shown(browser, stage, "pay", locale=LANGUAGES[lang])
    wrong: list[str] = []
    for width, height in VIEWS:
        phone.page.set_viewport_size({"width": width, "height": height})
        tops = phone.page.evaluate(
            """() => ['#pay .ledger', '#pay .bar', '#walletbox'].map((one) => {
                const { top, bottom } = document.querySelector(one).getBoundingClientRect();
                return [top, bottom];
            })"""
        )
        order = [edge for box in tops for edge in box]
        if order != sorted(order) or order[0] < 0 or order[-1] > height:
            wrong.append(f"{width}x{height}: {tops}")
    phone.close()
    stage.clear()
    assert wrong == []


def test_a_wallet_is_two_taps_from_the_scan_and_says_that_it_costs(garage: Garage, new_phone: NewPhone) -> None:
    del garage
    phone = new_phone(width=375, has_touch=True, is_mobile=True)
    phone.page.set_viewport_size({"width": 375, "height": 553})
    phone.scan()
    phone.page.locator("#start button").tap()
    phone.wait_for_screen("created")
    wallet = phone.wallet.get_by_role("button", name="Pay with Google Pay (sandbox)")
    expect(wallet).to_be_in_viewport(ratio=1)
    assert phone.page.evaluate("() => scrollY") == 0
    wallet.tap()
    expect(phone.wallet.get_by_role("button", name="Pay", exact=True)).to_be_visible()


WORDS_SEEN = """(above) => {
    const edge = above ? document.querySelector(above).getBoundingClientRect().top : innerHeight;
    const seen = [];
    const walk = document.createTreeWalker(document.getElementById('main'), NodeFilter.SHOW_TEXT);
    for (let text = walk.nextNode(); text; text = walk.nextNode()) {
        const one = text.parentElement;
        if (!one.checkVisibility() || one.closest('.vh, script, template, noscript, .until')) continue;
        for (const { 0: word, index } of text.textContent.matchAll(/\\S+/g)) {
            const range = document.createRange();
            range.setStart(text, index);
            range.setEnd(text, index + word.length);
            const { left, top, width, height } = range.getBoundingClientRect();
            const there = document.elementFromPoint(left + width / 2, top + height / 2);
            if (top + height <= edge && there && (one.contains(there) || there.contains(one))) seen.push(word);
        }
    }
    return seen;
}"""
"""What can be read now without scrolling, above an element or the screen's edge; what the sheet covers is not read."""
COUNT_TAPS = """addEventListener('click', (event) => {
    if (event.isTrusted) sessionStorage.setItem('taps', Number(sessionStorage.getItem('taps') ?? 0) + 1);
}, true);"""


@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "fr-FR", "nl-NL"])
def test_words_and_taps_before_the_payment_are_few(garage: Garage, new_phone: NewPhone, locale: str) -> None:
    del garage
    phone = new_phone(width=375, has_touch=True, is_mobile=True, locale=locale)
    phone.context.add_init_script(COUNT_TAPS)
    phone.page.set_viewport_size({"width": 375, "height": 553})
    phone.scan()
    first = phone.page.evaluate(WORDS_SEEN, None)
    phone.page.locator("#start button").tap()
    phone.wait_for_screen("created")
    expect(phone.pay_button).to_be_enabled()
    second = phone.page.evaluate(WORDS_SEEN, "#wallet")
    taps = phone.page.evaluate("() => Number(sessionStorage.getItem('taps'))")
    phone.page.goto("about:blank")
    assert 30 < len(first) <= 60, first
    assert 10 < len(second) <= 30, second
    assert taps == 1, "the second one is the wallet"


# --- the ring


def test_no_ring_is_drawn_round_the_heading_after_a_step_of_the_kiosk(garage: Garage, phone: Phone) -> None:
    phone.was_charging(garage)
    phone.page.keyboard.press("Tab")
    garage.world.unplug(CODE, 1)
    phone.wait_for_screen("captured", "no_charge")
    expect(phone.heading).to_be_focused()
    expect(phone.heading).to_have_css("outline-style", "none")


def test_keys_still_show_where_the_focus_is(browser: Browser, stage: Stage) -> None:
    phone = shown(browser, stage, "landing")
    button = phone.page.locator("#start button")
    for _ in range(30):
        phone.page.keyboard.press("Tab")
        if button.evaluate("(one) => one === document.activeElement"):
            break
    ring = button.evaluate("(one) => [getComputedStyle(one).outlineStyle, getComputedStyle(one).outlineWidth]")
    phone.close()
    stage.clear()
    assert ring == ["solid", "3px"]


# --- the first page


def test_the_first_page_tells_the_states_of_bays_that_nobody_has_opened(garage: Garage, phone: Phone) -> None:
    del garage
    phone.open("/")
    row = phone.page.locator(f".rows a[href='/c/{CODE}?bay=1']")
    expect(row).to_contain_text("Free")
    assert phone.page.locator(".rows a").count() >= 10


def test_what_is_typed_on_the_first_page_is_not_disturbed_by_its_renewal(garage: Garage, phone: Phone) -> None:
    del garage
    phone.open("/")
    box = phone.page.get_by_label("Code on the sticker")
    box.press_sequentially("7mk")
    same = box.evaluate_handle("(one) => one")
    phone.page.wait_for_timeout(4000)
    box.press_sequentially("4t")
    assert same.evaluate("(one) => one.isConnected && one === document.activeElement")
    expect(box).to_have_value("7mk4t")
    assert LANDING.endswith(CODE)


# --- a page that stays open


def test_an_answer_that_brings_the_old_card_is_asked_for_again_in_a_moment_and_then_at_the_usual_pace(
    browser: Browser, stage: Stage
) -> None:
    """The engine reads the new card meanwhile. By a fast clock the usual pace would come after the minute in which a
    bay may be called free.
    """
    stage.cards("Available", "Available")
    phone = Phone(browser, stage.address, stage.edge)
    page = phone.page
    page.clock.install(time=stage.now)
    phone.open(LANDING)
    asked: list[float] = []
    passed = 0.0

    def note(one: Request) -> None:
        if one.url.endswith(LANDING):
            asked.append(passed)

    page.on("request", note)
    for _ in range(110):
        page.clock.run_for(500)
        passed += 0.5
        page.evaluate("() => fetch('/healthz')")  # what was asked before it has been answered
    phone.close()
    stage.clear()
    first, second, third = asked[:3]
    assert second - first <= 4
    assert third - second >= 7
