"""A script of ours that does not arrive, or that a browser cannot read: after ten seconds the page itself says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import NewPhone, NewTablet
from tests.browser.phone import Phone
from tests.browser.screens import SCREENS
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser

NOT_ARRIVED = "Part of this page did not arrive. It may not renew itself."
NOT_LOADED = "The payment form did not load. Check your connection."
TEN_SECONDS_LATER = """() => {
  for (const one of document.getAnimations()) if (one.animationName === 'late') one.finish();
}"""
"""Style sheets keep a time of their own, which the clock of the tests does not move."""

PAY_PARTS = ("driver/pay.js", "driver/pay-looks.js", "shared/swap.js")
LIVE_PARTS = ("driver/live.js", "shared/swap.js", "shared/ages.js")
LANDING_PARTS = ("driver/landing.js", "shared/swap.js", "shared/ages.js")


def _lost(route: Route) -> None:
    route.abort("connectionreset")


def _unreadable(route: Route) -> None:
    route.fulfill(content_type="text/javascript", body="export const limit = () => ?? ;")


def _login_page(route: Route) -> None:
    route.fulfill(content_type="text/html", body="<h1>Welcome to our WLAN</h1>")


@pytest.fixture(scope="module")
def stage(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("stage"), assets)
    yield stage
    stage.close()


def _without(browser: Browser, stage: Stage, name: str, part: str, fails: Callable[[Route], None] = _lost) -> Phone:
    """A phone on that screen, for which one of our files fails."""
    stage.clear()
    client = stage.driver()
    path = SCREENS[name](stage, client)
    phone = Phone(browser, stage.address, stage.edge)
    stage.hand_over(client, phone.context)
    phone.page.route(f"**/static/*/{part}", fails)
    phone.open(path)
    return phone


def _said(page: Page) -> list[str]:
    """What the page says by itself about parts that are not there."""
    return [one.inner_text() for one in page.locator(".late").all() if one.is_visible()]


@pytest.mark.parametrize("part", PAY_PARTS)
@pytest.mark.parametrize("fails", [_lost, _unreadable, _login_page])
def test_a_payment_form_whose_script_is_lost_is_said_and_can_be_loaded_again(
    browser: Browser, stage: Stage, part: str, fails: Callable[[Route], None]
) -> None:
    phone = _without(browser, stage, "pay", part, fails)
    expect(phone.page.get_by_text("The payment form loads")).to_be_visible()
    assert _said(phone.page) == []
    phone.page.evaluate(TEN_SECONDS_LATER)
    expect(phone.page.get_by_text(NOT_LOADED)).to_be_visible()
    for waiting in ("The payment form loads", "Looking for a wallet on this phone"):
        expect(phone.page.get_by_text(waiting)).to_be_hidden()
    phone.page.unroute(f"**/static/*/{part}")
    phone.page.locator("#cardbox .late a").click()
    expect(phone.pay_button).to_be_enabled()
    expect(phone.page.get_by_text(NOT_LOADED)).to_have_count(0)
    phone.close()


@pytest.mark.parametrize("part", LIVE_PARTS)
def test_a_session_that_cannot_renew_itself_says_so(browser: Browser, stage: Stage, part: str) -> None:
    phone = _without(browser, stage, "charging", part)
    phone.page.evaluate(TEN_SECONDS_LATER)
    assert [text.split("\n")[0] for text in _said(phone.page)] == [f"{NOT_ARRIVED} Load it again"]
    phone.page.unroute(f"**/static/*/{part}")
    phone.page.get_by_role("link", name="Load it again").click()
    expect(phone.page.locator(".late")).to_have_count(0)
    phone.wait_for_screen("charging")
    phone.close()


@pytest.mark.parametrize("screen", ["landing", "looking", "service-down"])
@pytest.mark.parametrize("part", LANDING_PARTS)
def test_a_chargers_page_that_cannot_renew_itself_says_so(
    browser: Browser, stage: Stage, screen: str, part: str
) -> None:
    phone = _without(browser, stage, screen, part)
    phone.page.evaluate(TEN_SECONDS_LATER)
    assert len(_said(phone.page)) == 1
    phone.close()


@pytest.mark.parametrize("part", ["tablet/tablet.js", "tablet/board.js", "tablet/link.js"])
def test_a_board_that_cannot_renew_itself_says_so(new_tablet: NewTablet, part: str) -> None:
    tablet = new_tablet(service_workers="block")
    tablet.expects("Service Worker registration blocked|ERR_CONNECTION_RESET|Failed to load")
    tablet.page.route(f"**/static/*/{part}", _lost)
    tablet.page.reload()
    assert _said(tablet.page) == []
    tablet.page.evaluate(TEN_SECONDS_LATER)
    assert NOT_ARRIVED in _said(tablet.page)[0]
    tablet.page.unroute(f"**/static/*/{part}")
    tablet.page.get_by_role("link", name="Load it again").last.click()
    expect(tablet.page.locator(".late")).to_have_count(0)


def test_whoever_has_all_parts_reads_nothing_of_it(new_phone: NewPhone) -> None:
    phone = new_phone()
    phone.scan()
    expect(phone.page.locator(".late")).to_have_count(0)
    phone.choose(1)
    phone.go_on()
    expect(phone.pay_button).to_be_enabled()
    expect(phone.page.locator(".late")).to_have_count(0)
    phone.pay_with()
    phone.wait_for_screen("charging")
    expect(phone.page.locator(".late")).to_have_count(0)


def test_a_form_that_takes_more_than_ten_seconds_is_said_to_be_missing_until_it_comes(phone: Phone) -> None:
    held: list[Route] = []
    phone.context.route(re.compile(r"https://js\.stripe\.com/.*stripe\.js"), lambda route: held.append(route))
    phone.start()
    phone.page.evaluate(TEN_SECONDS_LATER)
    expect(phone.page.get_by_text(NOT_LOADED)).to_be_visible()
    phone.page.wait_for_timeout(50)
    held[0].fallback()
    expect(phone.pay_button).to_be_enabled()
    expect(phone.page.get_by_text(NOT_LOADED)).to_have_count(0)


def test_no_page_depends_on_a_script_without_saying_when_it_is_lost() -> None:
    """Where a page works as well without: what it does is a convenience. The desk has a link for it."""
    convenience = {"handoff", "pair", "keep", "now"}
    templates = Path(__file__).parents[2] / "templates"
    named = {
        (path.name, script)
        for path in templates.rglob("*.html")
        for script in re.findall(r"asset\('\w+/([\w-]+)\.js'\)", path.read_text())
    }
    said = {
        (path.name, script)
        for path in templates.rglob("*.html")
        for script in re.findall(r"edge\.late\('([\w-]+)'|data-late=\"([\w-]+)\"", path.read_text())
        for script in script
        if script
    }
    assert {row for row in named if row[1] not in convenience} == {row for row in said if row[0] != "edge.html"}
