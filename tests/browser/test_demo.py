"""The demo that a visitor starts: kiosk, chargers, back office and Stripe's stand-in in one process, on one origin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from kiosk.app import stop
from kiosk.demo import create_demo_app
from kiosk.sandbox.world.scene import FREE
from tests.browser.garage import served, whole_files
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running demo."""
    with served(Flask("nothing yet")) as server:
        app = create_demo_app(20, server.server_port, tmp_path_factory.mktemp("demo"))
        server.app = whole_files(app)
        yield f"http://127.0.0.1:{server.server_port}"
        stop(app)


@pytest.fixture
def visitor(browser: Browser, demo: str) -> Iterator[Phone]:
    phone = Phone(browser, demo, None)
    yield phone
    complaints = phone.unexpected()
    phone.close()
    assert complaints == []


def test_a_visitor_is_declined_pays_with_a_checked_card_stops_and_sees_where_the_hold_went(visitor: Phone) -> None:
    visitor.expects("status of 402")
    asked: set[str] = set()
    visitor.page.on("request", lambda request: asked.add(request.url.split("/")[2]))
    visitor.open("/")
    visitor.page.get_by_role("link", name="Charger 2").first.click()
    visitor.choose(2)
    visitor.go_on()
    visitor.wait_for_screen("created")
    visitor.pay_with("4000000000000002")
    expect(visitor.page.locator("#pay-err")).to_contain_text("Your card was declined.")
    visitor.pay_with("4000002500003155")
    visitor.challenge.get_by_role("button", name="Complete").click()
    visitor.wait_for_screen("charging")
    visitor.wait_for_energy()
    visitor.stop()
    visitor.wait_for_screen("captured")
    visitor.reads("What happened to your hold")
    assert asked == {visitor.address.removeprefix("http://")}


def test_a_visitor_plays_the_car_on_the_panel(visitor: Phone) -> None:
    visitor.charge(FREE, 1)
    panel = visitor.context.new_page()
    panel.goto(f"{visitor.address}/sandbox/")
    row = panel.locator(f"form[action$='/connector/{FREE}/1/unplug']")
    row.get_by_role("button").click()
    visitor.page.bring_to_front()
    visitor.wait_for_screen("captured", "no_charge")
