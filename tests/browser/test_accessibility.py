"""What no rule of accessibility finds by itself, and the pages that say no. All other screens are measured in
`test_every_screen`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from kiosk.sandbox.world.faults import Kind
from tests.browser.conftest import NewPhone, in_real_time
from tests.browser.garage import CODE, Garage
from tests.browser.measures import violations
from tests.browser.phone import Phone
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stage(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("stage"), assets)
    yield stage
    stage.close()


@pytest.mark.parametrize("status", [403, 429, 500])
def test_the_pages_that_say_no_keep_the_rules(stage: Stage, browser: Browser, status: int) -> None:
    phone = Phone(browser, stage.address, stage.edge)
    if status == 403:
        key = stage.charging(stage.driver())
        phone.open(f"/s/{key}")
        phone.page.evaluate(
            """(address) => {
                const form = Object.assign(document.createElement('form'), { method: 'post', action: address });
                document.body.append(form);
                form.submit();
            }""",
            f"/s/{key}/stop",
        )
        phone.reads("Only the phone that paid can do this.")
    elif status == 429:
        for _ in range(121):
            phone.context.request.get(f"{stage.address}/?code=%20", max_redirects=0)
        phone.open("/")
        phone.reads("Try again in")
    else:
        with stage.broken():
            phone.open(f"/c/{CODE}")
        phone.reads("A running charge goes on")
    found = violations(phone.page)
    phone.close()
    stage.clear()
    assert found == []


def test_after_a_change_of_screen_focus_is_on_the_heading_and_the_change_is_spoken(
    garage: Garage, phone: Phone
) -> None:
    phone.was_charging(garage)
    garage.world.unplug(CODE, 1)
    phone.wait_for_screen("captured", "no_charge")
    expect(phone.heading).to_be_focused()
    spoken = phone.page.locator("main > p[role=status]")
    expect(spoken).to_contain_text(phone.heading.inner_text().strip())


@in_real_time
def test_ticking_figures_are_not_spoken_and_do_not_move_the_focus(garage: Garage, phone: Phone) -> None:
    """In real time, because figures that come late are another screen, whose heading then has the focus."""
    phone.was_charging(garage)
    stop = phone.page.locator("form[action$='/stop'] button")
    stop.focus()
    before = phone.figure("energy")
    garage.until(lambda: phone.figure("energy") != before, "a new figure")
    expect(stop).to_be_focused()
    assert phone.page.locator("main > p[role=status]").inner_text() == ""


@in_real_time
def test_figures_that_grow_old_are_spoken(garage: Garage, phone: Phone) -> None:
    """In real time, so that they are not old already on the page that is loaded."""
    phone.was_charging(garage)
    garage.fault(Kind.UNREACHABLE, "session")
    garage.skip(90)
    phone.wait_for_screen("stale")
    expect(phone.page.locator("main > p[role=status]")).to_contain_text("No new figures")


def test_an_error_at_the_payment_is_an_alert_and_the_button_can_be_used_again(phone: Phone) -> None:
    phone.expects("status of 402")
    phone.start()
    phone.pay_with("4000000000000002")
    alert = phone.page.get_by_role("alert")
    expect(alert).to_contain_text("Your card was declined.")
    expect(phone.pay_button).to_be_enabled()


def test_the_whole_way_to_the_payment_works_with_the_keyboard_alone(phone: Phone) -> None:
    phone.scan()
    keys = phone.page.keyboard
    keys.press("Tab")
    expect(phone.page.locator(".skip")).to_be_focused()
    keys.press("Enter")
    for _ in range(12):
        keys.press("Tab")
        if phone.page.evaluate("() => document.activeElement?.name === 'connector'"):
            break
    keys.press("ArrowDown")
    expect(phone.page.locator("input[name=connector][value='2']")).to_be_checked()
    for _ in range(12):
        keys.press("Tab")
        if phone.page.evaluate("() => document.activeElement?.matches('#start button') ?? false"):
            break
    keys.press("Enter")
    phone.wait_for_screen("created")


def test_focus_is_never_hidden_by_what_sticks_to_the_edge(garage: Garage, new_phone: NewPhone) -> None:
    phone = new_phone(width=320)
    phone.was_charging(garage)
    for _ in range(25):
        phone.page.keyboard.press("Tab")
        hidden = phone.page.evaluate(
            """() => {
                const one = document.activeElement;
                const dock = document.querySelector('.dock')?.getBoundingClientRect();
                if (!one || !dock || one === document.body || one.closest('.dock')) return '';
                const box = one.getBoundingClientRect();
                return box.top >= dock.top && box.bottom <= dock.bottom ? one.outerHTML.slice(0, 80) : '';
            }"""
        )
        assert hidden == ""


@pytest.mark.parametrize("reduced", ["reduce", "no-preference"])
def test_motion_ends_when_the_driver_asks_for_less(garage: Garage, new_phone: NewPhone, reduced: str) -> None:
    phone = new_phone(reduced_motion=reduced)
    garage.world.auto_plug = False
    key = phone.was_paid(garage)
    phone.open(f"/s/{key}")
    phone.wait_for_screen("starting")
    moving = phone.page.evaluate(
        "() => document.getAnimations().filter((one) => one.effect.getComputedTiming().duration > 1).length"
    )
    assert (moving > 0) is (reduced == "no-preference")


def test_with_forced_colours_the_hold_and_the_choice_can_still_be_seen(garage: Garage, new_phone: NewPhone) -> None:
    del garage
    phone = new_phone(forced_colors="active")
    phone.scan()
    phone.choose(1)
    bar = phone.page.locator("svg.bar").first
    assert bar.evaluate("(one) => getComputedStyle(one).forcedColorAdjust") == "none"
    button = phone.page.locator("#start button")
    assert button.evaluate("(one) => getComputedStyle(one).borderTopWidth") != "0px"
