"""A site's tablet in a real browser: board, hand-off to a phone, idle, and no traces of a driver."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from kiosk.web.tablet.screens import CONTINUE_SECONDS
from tests.browser.conftest import NewPhone, NewTablet, in_real_time
from tests.browser.garage import CODE, NEAR, Garage
from tests.browser.measures import violations
from tests.browser.tablet import NO_NETWORK, SIZES, Tablet, Way

pytestmark = pytest.mark.browser
WAYS: list[Way] = ["landscape", "portrait"]


# --- the board


@pytest.mark.parametrize("way", WAYS)
def test_the_board_fills_the_screen_and_a_bay_changes_in_its_place(
    garage: Garage, new_tablet: NewTablet, way: Way
) -> None:
    screen = new_tablet(way)
    screen.hears_of(CODE)
    high = SIZES[way][1]
    assert screen.page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]") == [
        high,
        SIZES[way][0],
    ]
    stall = screen.stall(CODE, 1)
    stall.focus()
    stall.evaluate("(one) => { one.same = true; }")
    garage.world.break_connector(CODE, 1)
    expect(stall).to_contain_text("Out of order")
    assert stall.evaluate("(one) => one.same === true && document.activeElement === one")


def test_a_bay_that_is_taken_by_a_phone_turns_on_the_board_without_a_reload(
    garage: Garage, tablet: Tablet, new_phone: NewPhone
) -> None:
    tablet.hears_of(CODE)
    tablet.page.evaluate("window.stays = true")
    with garage.clock.unhurried():  # a start whose page nobody has open keeps its bay for two minutes
        new_phone().was_started(garage, CODE, 1)
        expect(tablet.stall(CODE, 1)).to_have_class(re.compile("use"))
        expect(tablet.stall(CODE, 1)).to_contain_text("Starting")
    assert tablet.page.evaluate("window.stays")


def test_a_bay_without_news_for_a_minute_is_not_free_any_more_even_when_the_kiosk_says_nothing(tablet: Tablet) -> None:
    tablet.hears_of(CODE)
    tablet.page.route("**/tablet/board.json", lambda route: route.fulfill(status=304))
    expect(tablet.stall(CODE, 1)).to_contain_text("Not known")
    expect(tablet.stall(CODE, 1)).to_have_class("stall off")
    expect(tablet.page.locator(".stall.free")).to_have_count(0)
    tablet.page.unroute("**/tablet/board.json")
    tablet.hears_of(CODE)


# --- the hand-off


@in_real_time
def test_a_phone_scans_the_screen_takes_over_and_the_screen_is_free_within_ten_seconds(
    garage: Garage, tablet: Tablet, new_phone: NewPhone
) -> None:
    """By the page's own clock: it asks every 1.5 s whether a phone has come, and then counts down."""
    assert 1.5 * 1.1 + CONTINUE_SECONDS < 10
    tablet.page.clock.install()
    tablet.hears_of(CODE)
    tablet.tap_bay(CODE, 1)
    expect(tablet.heading).to_have_text("Bay 3")
    words = tablet.page.locator("[data-phrase]").inner_text()
    address = tablet.code_on_screen()
    assert address is not None
    assert address.startswith(garage.address + "/h/")
    phone = new_phone()
    phone.page.goto(address)
    phone.page.wait_for_url(f"**/c/{CODE}*")
    expect(phone.page.locator("main")).to_contain_text(words)
    expect(tablet.heading).to_have_text("Continue on your phone")
    tablet.wait_for_scripts()
    assert tablet.code_on_screen() is None
    tablet.page.clock.fast_forward(1000 * CONTINUE_SECONDS)
    tablet.board.wait_for()
    assert tablet.cookie_names() == set()
    assert tablet.page.evaluate("history.length") <= 3


@in_real_time
def test_the_code_on_the_screen_changes_and_the_words_stay(garage: Garage, tablet: Tablet) -> None:
    tablet.hears_of(CODE)
    tablet.tap_bay(CODE, 1)
    first, words = tablet.code_on_screen(), tablet.page.locator("[data-phrase]").inner_text()
    garage.skip(46)
    expect(tablet.page.locator("[data-seconds]")).to_have_text(re.compile("4[0-5]"))
    garage.until(lambda: tablet.code_on_screen() not in {first, None}, "the next code")
    assert tablet.page.locator("[data-phrase]").inner_text() == words


@in_real_time
def test_a_bay_that_is_taken_between_the_tap_and_the_scan_loses_its_code(
    garage: Garage, tablet: Tablet, new_phone: NewPhone
) -> None:
    tablet.hears_of(CODE)
    tablet.tap_bay(CODE, 1)
    assert tablet.code_on_screen() is not None
    new_phone().was_started(garage, CODE, 1)
    tablet.reads(re.compile("Another driver starts a charge here just now|Somebody is about to pay"))
    assert tablet.code_on_screen() is None
    tablet.page.locator(".strip").get_by_role("link", name="All bays").click()
    tablet.board.wait_for()


def test_the_screen_is_turned_in_the_middle_of_a_hand_off_and_the_code_can_still_be_read(tablet: Tablet) -> None:
    tablet.hears_of(CODE)
    tablet.tap_bay(CODE, 1)
    tablet.turn("portrait")
    assert tablet.code_on_screen() is not None
    tablet.page.goto(tablet.page.url.partition("?")[0] + "?text=large")
    tablet.page.locator(".picture").scroll_into_view_if_needed()
    assert tablet.code_on_screen() is not None
    tablet.turn("landscape")
    tablet.page.locator(".picture").scroll_into_view_if_needed()
    assert tablet.code_on_screen() is not None


# --- is somebody there


QUIET = 121_000
"""Milliseconds of the page's own clock without a touch: then it asks whether somebody is still there."""


@in_real_time
def test_the_warning_is_seen_and_heard_and_can_be_put_off_ten_times(new_tablet: NewTablet) -> None:
    screen = new_tablet(tones=True)
    screen.page.clock.install()
    screen.hears_of(CODE)
    screen.tap_bay(CODE, 1)
    dialog = screen.page.locator("#idle")
    for turn in range(1, 11):
        screen.page.clock.fast_forward(QUIET)
        expect(dialog).to_be_visible()
        more = dialog.get_by_role("button", name="I need more time")
        expect(more).to_be_focused()
        assert int(dialog.locator("[data-left]").inner_text()) >= 20
        assert screen.page.evaluate("window.tones") == turn
        more.click()
        expect(dialog).to_be_hidden()
        expect(screen.heading).to_have_text("Bay 3")
    expect(dialog).to_have_attribute("role", "alertdialog")


@in_real_time
def test_a_touch_beside_the_button_does_not_answer_for_a_driver(new_tablet: NewTablet) -> None:
    screen = new_tablet()
    screen.page.clock.install()
    screen.hears_of(CODE)
    screen.tap_bay(CODE, 1)
    screen.page.clock.fast_forward(QUIET)
    expect(screen.page.locator("#idle")).to_be_visible()
    screen.page.mouse.click(640, 30)
    screen.page.wait_for_timeout(400)
    expect(screen.page.locator("#idle")).to_be_visible()
    screen.page.keyboard.press("Escape")
    expect(screen.page.locator("#idle")).to_be_hidden()


def test_after_the_warning_nothing_of_the_last_driver_is_left(garage: Garage, tablet: Tablet) -> None:
    tablet.hears_of(CODE)
    page = tablet.page
    page.locator(".langs").get_by_role("link", name="Deutsch").click()
    page.wait_for_url("**/tablet/?lang=de")
    page.locator("summary").click()
    page.get_by_role("link", name="Größere Schrift").click()
    page.wait_for_url("**text=large")
    page.evaluate("() => { sessionStorage.me = 1; localStorage.me = 1; document.cookie = 'me=1'; }")
    page.evaluate("() => new Promise((done) => { indexedDB.open('me').onsuccess = done; })")
    tablet.tap_bay(CODE, 1)
    expect(page.locator("html")).to_have_attribute("data-text", "large")
    assert {"lang", "text", "handoff"} <= tablet.cookie_names()
    with page.expect_request("**/tablet/reset"):
        page.evaluate("() => { document.querySelector('[data-over]').click(); }")
    tablet.board.wait_for()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.locator("html").get_attribute("data-text") is None
    assert tablet.cookie_names() == set()
    assert tablet.stored() == []
    assert "handoff" not in page.content()
    page.go_back()
    page.wait_for_timeout(500)
    page.wait_for_url(re.compile("/tablet/(pair)?$|about:blank"))
    assert page.locator("[data-handoff]").count() == 0
    page.goto(garage.address + "/tablet/")
    tablet.board.wait_for()
    assert page.locator("html").get_attribute("lang") == "en"


def test_ten_thousand_idle_resets_leave_no_state(tablet: Tablet) -> None:
    module = tablet.page.evaluate(
        "() => document.querySelector('script[src*=tablet]').src.replace('tablet-board', 'tablet')"
    ).replace("tablet/tablet.js", "tablet/idle.js")
    found = tablet.page.evaluate(
        """async (address) => {
            const { begin, touched, extended, look } = await import(address);
            const times = { quiet: 60000, warning: 30000 };
            let now = 0;
            const ends = new Set();
            for (let round = 0; round < 10000; round += 1) {
                let idle = touched(begin(now), now);
                for (let more = 0; more < 3; more += 1) {
                    now += 60000;
                    const warned = look(idle, times, now, 0);
                    if (warned.phase !== 'warned' || warned.left !== 30 || !warned.sound) return 'no warning';
                    const beside = touched(warned.idle, now + 10);
                    if (look(beside, times, now + 29000, 2).phase !== 'warned') return 'too short';
                    idle = extended(beside, now + 29000);
                    now += 29000;
                    if (look(idle, times, now, 0).phase !== 'quiet') return 'not extended';
                }
                now += 3600000;
                const late = look(idle, times, now, 0);
                if (late.phase !== 'warned') return 'over without a warning';
                let tones = 0;
                for (let second = 1, left = late.left; second < 30; second += 0.25) {
                    const seen = look(late.idle, times, now + second * 1000, left);
                    left = seen.left;
                    tones += seen.sound ? 1 : 0;
                }
                if (tones !== 5) return `${tones} tones at the end`;
                if (look(late.idle, times, now + 30000, 1).phase !== 'over') return 'not over';
                now += 30000;
                ends.add(JSON.stringify(begin(0)) + Object.keys(begin(now)));
            }
            return [...ends];
        }""",
        module,
    )
    assert found == ['{"since":0,"warned":null,"more":0}since,warned,more']


# --- the rules


@pytest.mark.parametrize("large", [False, True], ids=["normal", "large"])
def test_every_screen_keeps_the_rules_both_ways_in_light_and_dark(
    garage: Garage, new_tablet: NewTablet, large: bool
) -> None:
    screen = new_tablet()
    screen.expects(NO_NETWORK)
    screen.hears_of(CODE)
    page = screen.page
    problems: list[str] = []
    if large:
        page.goto(garage.address + "/tablet/?text=large")

    def look(name: str) -> None:
        for way in WAYS:
            screen.turn(way)
            problems.extend(f"{name}, {way}: {one}" for one in violations(page))
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                problems.append(f"{name}, {way}: wider than the screen")

    look("board")
    page.locator("summary").click()
    look("sight")
    page.locator("summary").click()
    screen.tap_bay(CODE, 1)
    look("bay")
    page.evaluate("() => document.getElementById('idle').showModal()")
    look("idle")
    page.goto(f"{garage.address}/tablet/continue?bay={CODE}-1")
    look("continue")
    page.route("**/alive.json", lambda route: route.abort())
    page.goto(f"{garage.address}/tablet/offline")
    look("offline")
    garage.world.set_online(NEAR, online=False)
    page.goto(f"{garage.address}/tablet/bay/3HW9P/1")
    look("not known")
    assert problems == []
