"""A tablet that runs for weeks: drivers who want out, updates without end, new releases, and no connection."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewTablet, in_real_time
from tests.browser.garage import CODE, Garage
from tests.browser.tablet import NO_NETWORK, Tablet

pytestmark = pytest.mark.browser

# --- staying inside, and for weeks


def test_a_driver_cannot_leave_the_tablets_pages(tablet: Tablet) -> None:
    tablet.hears_of(CODE)
    here = tablet.page.url
    tablet.page.evaluate(
        """() => {
            for (const address of ['https://elsewhere.example/', '/', 'tel:112', '/c/7MK4T', 'javascript:alert(1)']) {
                const link = document.createElement('a');
                link.href = address;
                document.body.append(link);
                link.click();
            }
        }"""
    )
    tablet.page.wait_for_timeout(300)
    assert tablet.page.url == here
    stopped = tablet.page.evaluate(
        """() => ['contextmenu', 'dragstart', 'selectstart'].map((name) =>
            !document.querySelector('h1').dispatchEvent(new Event(name, { bubbles: true, cancelable: true })))"""
    )
    assert stopped == [True, True, True]


def test_the_page_moves_by_a_few_pixels_and_nothing_on_it_moves_against_the_rest(tablet: Tablet) -> None:
    tablet.hears_of(CODE)
    tablet.page.clock.install()
    tablet.page.reload()
    seen = set()
    for _ in range(8):
        tablet.page.clock.run_for(60_000)
        seen.add(tablet.page.evaluate("document.body.style.translate"))
    assert len(seen) == 8
    size = "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    assert tablet.page.evaluate(size) == [800, 1280]


ANSWERS = """() => {
    const real = window.fetch;
    window.rounds = 0;
    window.fetch = async (url, options) => {
        const told = window.told;
        if (!told || !String(url).endsWith('/board.json')) return real(url, options);
        window.rounds += 1;
        const now = new Date().toISOString();
        for (const [key, [kind, text]] of Object.entries(told.stalls)) {
            told.seen[key] = now;
            const next = kind === 'use' ? 'free' : 'use';
            const words = next === 'free' ? ['In use', 'Free'] : ['Free', 'In use'];
            told.stalls[key] = [next, text.replace(...words)];
        }
        return new Response(JSON.stringify({ ...told, as_of: now }), { headers: { 'Kiosk-Now': now } });
    };
}"""
"""A kiosk in the page itself, in which every bay changes with every answer."""


@in_real_time
def test_a_thousand_updates_leave_nothing_behind(garage: Garage, new_tablet: NewTablet) -> None:
    screen = new_tablet(service_workers="block")
    screen.expects("registration blocked")
    screen.hears_of(CODE)
    page = screen.page
    told = page.evaluate("async () => (await fetch('/tablet/board.json')).json()")
    page.add_init_script(f"({ANSWERS})()")
    page.clock.install()
    page.reload()
    page.evaluate("(told) => { window.told = told; }", told)
    tools = screen.context.new_cdp_session(page)

    def held() -> dict[str, float]:
        for _ in range(3):
            tools.send("HeapProfiler.collectGarbage")
        return tools.send("Memory.getDOMCounters") | tools.send("Runtime.getHeapUsage")

    def updates(number: int) -> None:
        """Time passes until there were so many more: on a busy machine an answer takes more of the page's time."""
        wanted = page.evaluate("window.rounds") + number
        for _ in range(number):
            if page.evaluate("window.rounds") >= wanted:
                return
            page.clock.run_for(100_000)
        raise AssertionError(f"{page.evaluate('window.rounds')} updates of {wanted}")

    updates(100)
    before = held()
    updates(1000)

    def clean() -> bool:
        """What an update that is under way still holds is let go at its end."""
        after = held()
        listeners = after["jsEventListeners"] - before["jsEventListeners"]
        nodes, size = after["nodes"] - before["nodes"], after["usedSize"] - before["usedSize"]
        return listeners <= 0 and nodes < 100 and size < 100_000

    garage.until(clean, "no more listeners, nodes and memory than after a hundred updates")


@in_real_time
def test_a_new_release_is_loaded_when_nobody_touches_the_screen(new_tablet: NewTablet) -> None:
    screen = new_tablet(service_workers="block")
    screen.expects("registration blocked")
    page = screen.page
    screen.hears_of(CODE)
    page.clock.install()
    page.reload()
    told = page.evaluate("async () => (await fetch('/tablet/board.json')).json()")
    page.route(
        "**/tablet/board.json", lambda route: route.fulfill(json=told | {"assets": "/static/new/tablet/tablet.js"})
    )
    page.evaluate("window.stays = true")
    page.clock.run_for(40_000)
    page.wait_for_timeout(300)
    assert page.evaluate("window.stays")
    with page.expect_navigation():
        for _ in range(6):
            page.clock.run_for(6_000)
            page.wait_for_timeout(50)
    assert page.evaluate("window.stays") is None


# --- no connection


@in_real_time
def test_without_a_connection_the_code_goes_at_once_and_the_screen_comes_back_by_itself(
    garage: Garage, tablet: Tablet
) -> None:
    tablet.expects(NO_NETWORK)
    tablet.hears_of(CODE)
    tablet.tap_bay(CODE, 1)
    assert tablet.code_on_screen() is not None
    tablet.context.set_offline(True)
    expect(tablet.page.locator(".outage h1")).to_have_text("Paying is not possible here at the moment")
    assert tablet.code_on_screen() is None
    expect(tablet.page.locator(".outage")).to_contain_text(re.compile(r"no connection since \d\d? \w+, \d\d:\d\d"))
    expect(tablet.page.locator(".outage")).to_contain_text("€0.49 per kWh")
    tablet.context.set_offline(False)
    expect(tablet.heading).to_have_text("Bay 3")
    garage.until(lambda: tablet.code_on_screen() is not None, "the code")


@in_real_time
def test_a_kiosk_that_does_not_answer_twice_counts_as_no_connection(tablet: Tablet) -> None:
    tablet.expects(NO_NETWORK, "503")
    tablet.hears_of(CODE)
    tablet.page.route("**/tablet/board.json", lambda route: route.fulfill(status=503, body=""))
    expect(tablet.page.locator(".outage")).to_be_visible()
    tablet.page.unroute("**/tablet/board.json")
    expect(tablet.board).to_be_visible()


@in_real_time
def test_a_reload_without_a_connection_shows_the_kept_page(tablet: Tablet) -> None:
    tablet.expects(NO_NETWORK)
    tablet.hears_of(CODE)
    tablet.is_kept()
    tablet.context.set_offline(True)
    tablet.page.reload()
    expect(tablet.page.locator(".outage h1")).to_be_visible()
    expect(tablet.page.locator(".outage")).to_contain_text("no connection since")
    assert tablet.page.evaluate("document.documentElement.scrollWidth") == 1280
    tablet.context.set_offline(False)
    tablet.board.wait_for()


def test_a_tablet_that_was_unpaired_asks_for_a_new_code(garage: Garage, tablet: Tablet) -> None:
    tablet.expects("401")
    tablet.hears_of(CODE)
    (paired,) = garage.store.tablets()
    garage.store.unpair(paired.id, garage.clock.now())
    expect(tablet.page.locator("input[name=code]")).to_be_visible()


def test_starting_over_by_its_address_comes_back_also_when_the_worker_stands_in_between(tablet: Tablet) -> None:
    for _ in range(3):
        tablet.is_kept()
        tablet.open("/tablet/reset")
        tablet.board.wait_for()
