"""A day at the desk of the demo, from a driver's call to the end of the month: engine, back office and bank run on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from kiosk.app import stop
from kiosk.command.demo_month import DAYS, PLANTED, history_of_demo
from kiosk.config.sites import load_site
from kiosk.demo import EXAMPLE, create_demo_app
from kiosk.domain.desk import Role
from kiosk.sandbox.world.scene import FREE
from kiosk.service.desk_people import add_person
from kiosk.service.parts import Parts
from tests.browser.garage import PATIENCE, served, whole_files
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser

PASSWORD = "three plain words"
ZONE = ZoneInfo(load_site(EXAMPLE).sites[0].timezone)


class Demo:
    def __init__(self, app: Flask, address: str) -> None:
        parts: Parts = app.extensions["kiosk"]
        self.address, self.store, self.clock = address, parts.store, parts.clock


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with served(Flask("nothing yet")) as server:
        app = create_demo_app(20, server.server_port, tmp_path_factory.mktemp("demo"), history=history_of_demo)
        server.app = whole_files(app)
        made = Demo(app, f"http://127.0.0.1:{server.server_port}")
        add_person(made.store, "kim", PASSWORD, Role.OWNER, None, made.clock.now(), "command line")
        yield made
        stop(app)


@pytest.fixture
def desk(browser: Browser, demo: Demo) -> Iterator[Page]:
    phone = Phone(browser, demo.address, None, width=1280)
    phone.open("/desk/sign-in")
    phone.page.get_by_label("Name").fill("kim")
    phone.page.get_by_label("Password").fill(PASSWORD)
    phone.page.get_by_role("button", name="Sign in").click()
    phone.page.get_by_role("heading", name="Now", exact=True).wait_for()
    yield phone.page
    complaints = phone.unexpected()
    phone.close()
    assert complaints == []


def charge(browser: Browser, demo: Demo) -> tuple[str, str, str]:
    """A driver charges, stops and sees the receipt. The session's key, the minute of its start on the site's clock, and
    what was taken.
    """
    driver = Phone(browser, demo.address, None)
    key = driver.charge(FREE, 1)
    driver.wait_for_energy()
    driver.stop()
    driver.wait_for_screen("captured")
    session = demo.store.session(key)
    assert session is not None
    assert session.captured_minor is not None
    driver.close()
    taken = f"{session.captured_minor // 100}.{session.captured_minor % 100:02}"
    return key, session.requested_at.astimezone(ZONE).strftime("%H:%M"), taken


def test_a_call_is_answered_a_part_is_sent_back_and_nothing_happens_twice(
    browser: Browser, demo: Demo, desk: Page
) -> None:
    key, at, taken = charge(browser, demo)
    desk.get_by_role("link", name="Sessions").first.click()
    desk.get_by_role("searchbox").fill(f"4242 {at}")
    desk.keyboard.press("Enter")
    desk.locator("main table a, main .rows a").first.click()
    proof = desk.locator("main")
    expect(proof).to_contain_text("4242")
    expect(proof).to_contain_text(f"€{taken}")

    desk.get_by_role("link", name=re.compile("Send money back")).click()
    preview = desk.url
    desk.get_by_label("Amount").fill("0.10")
    desk.get_by_label("Why").fill("the cable was stuck")
    desk.get_by_role("button", name="Send back").dblclick()
    desk.get_by_role("heading", name="Send money back").or_(desk.get_by_text("4242").first).first.wait_for()
    desk.go_back()  # whoever goes back and presses again sends nothing more
    desk.goto(preview)
    expect(desk.locator("main")).to_contain_text("€0.10")
    end = monotonic() + PATIENCE
    while any(wish.ended_at is None for wish in demo.store.refunds_of(key)):
        assert monotonic() < end
        desk.wait_for_timeout(200)
    wishes = demo.store.refunds_of(key)
    assert [(wish.amount.minor, wish.state.value) for wish in wishes] == [(10, "done")]
    desk.goto(preview)
    expect(desk.locator("main li").filter(has_text="€0.10")).to_contain_text("sent back")


def test_what_needs_a_person_is_taken_noted_and_seen_to(demo: Demo, desk: Page) -> None:
    desk.goto(f"{demo.address}/desk/queue")
    rows = desk.locator("main a[href*='/desk/queue/']")
    expect(rows.first).to_be_visible()
    rows.first.click()
    case = desk.url
    desk.get_by_role("button", name="I take it").click()
    expect(desk.locator("#people")).to_have_text("Owner: kim")
    desk.get_by_label("Note").fill("Asked Plugchoice; they will send it anew.")
    desk.get_by_role("button", name="Write it down").click()
    expect(desk.locator("main")).to_contain_text("they will send it anew")
    desk.get_by_role("button", name="Seen to").click()
    expect(desk.locator("main")).to_contain_text("Seen to")
    desk.goto(f"{demo.address}/desk/queue")
    assert case not in [row.evaluate("(one) => one.href") for row in rows.all()]
    desk.goto(case)
    desk.get_by_role("button", name="Take the last step back").click()
    desk.goto(f"{demo.address}/desk/queue")
    assert case in [row.evaluate("(one) => one.href") for row in rows.all()]


def test_the_month_shows_every_planted_difference_and_none_that_was_not(demo: Demo, desk: Page) -> None:
    """Which is which is held by tests/command/test_demo_month.py: here each has its line, its reason and its act."""
    today = demo.clock.now().astimezone(ZONE).date()
    months = {(today - timedelta(days=ago)).strftime("%Y-%m") for ago in range(1, DAYS + 1)}
    end = monotonic() + PATIENCE
    while len(found := [one for month in sorted(months) for one in open_lines(demo, desk, month)]) < len(PLANTED):
        assert monotonic() < end, found
    assert len(found) == len(PLANTED) >= 12
    assert all(found)


def open_lines(demo: Demo, desk: Page, month: str) -> list[str]:
    """The reason of each line of that month that nobody has explained."""
    desk.goto(f"{demo.address}/desk/reconcile?month={month}")
    reasons: list[str] = []
    while True:
        rows = desk.locator("section[aria-labelledby=lines] tbody tr", has=desk.get_by_role("link", name="Look at it"))
        reasons += rows.locator("td.wrap").all_inner_texts()
        more = desk.get_by_role("link", name="More")
        if more.count() == 0:
            return reasons
        more.click()
