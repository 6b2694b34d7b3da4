"""A driver without a phone: starts, pays, comes back and stops at the tablet, and leaves nothing there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.garage import CODE, RATE, Garage
from tests.browser.phone import Phone
from tests.browser.tablet import Tablet

pytestmark = pytest.mark.browser


@pytest.fixture
def cards(tmp_path: Path, assets: Path, request: pytest.FixtureRequest) -> Iterator[Garage]:
    """A garage whose operator takes cards on the tablet."""
    garage = Garage(tmp_path, assets, rate=getattr(request, "param", RATE), tablet_card_entry=True)
    yield garage
    garage.close()


@pytest.fixture
def tablet(browser: Browser, cards: Garage) -> Iterator[Tablet]:
    tablet = Tablet(browser, cards.address, cards.edge)
    cards.pause = tablet.idle
    tablet.pair(cards.store, cards.clock.now())
    yield tablet
    assert tablet.unexpected() == []
    tablet.close()


def starts(tablet: Tablet, connector: int = 1) -> str:
    """From the board to the card fields."""
    tablet.tap_bay(CODE, connector)
    tablet.page.locator("form[action$='/start'] button").click()
    tablet.wait_for_screen("created")
    return tablet.key


def digits(tablet: Tablet) -> str:
    return re.sub(r"\D", "", tablet.page.locator(".stop-code").inner_text())


def types(tablet: Tablet, code: str) -> None:
    """On the keypad of the screen."""
    for digit in code:
        tablet.page.locator(f".keypad [data-key='{digit}']").click()
    assert re.sub(r"\s", "", tablet.page.locator(".digits").inner_text()) == code
    tablet.page.get_by_role("button", name="OK").click()


def test_a_driver_pays_leaves_comes_back_with_the_code_stops_and_takes_the_receipt_along(
    cards: Garage, tablet: Tablet, browser: Browser
) -> None:
    key = starts(tablet)
    assert tablet.page.locator("#wallet").count() == 0
    tablet.pay_with()
    tablet.wait_for_screen("charging")
    code = digits(tablet)
    tablet.page.get_by_role("link", name="Leave this screen").click()
    tablet.board.wait_for()
    assert tablet.cookie_names() == set()
    tablet.open(f"/tablet/s/{key}")
    tablet.board.wait_for()

    cards.until(lambda: bool(cards.session(key).energy_kwh), "the first energy")
    tablet.tap_bay(CODE, 1)
    tablet.page.get_by_role("link", name="Is this your charge?").click()
    types(tablet, "000000" if code != "000000" else "000001")
    expect(tablet.page.get_by_role("alert")).to_contain_text("not the code of this charge")
    types(tablet, code)
    tablet.wait_for_screen("charging")
    tablet.stop()
    tablet.wait_for_screen("captured")
    assert cards.intent_of() == "succeeded"

    address = tablet.code_on_screen()
    assert address == f"{cards.address}/r/{key}"
    phone = Phone(browser, cards.address, cards.edge)
    phone.page.goto(address)
    phone.reads("Given back")
    phone.close()


def test_the_charge_moves_from_the_screen_to_a_phone_that_can_stop_it(
    cards: Garage, tablet: Tablet, browser: Browser
) -> None:
    starts(tablet)
    tablet.pay_with()
    tablet.wait_for_screen("charging")
    tablet.page.get_by_role("link", name="Take it to your phone").click()
    expect(tablet.page.locator("svg.matrix")).to_be_visible()
    address = tablet.code_on_screen()
    assert address is not None
    assert address.startswith(f"{cards.address}/t/")
    phone = Phone(browser, cards.address, cards.edge)
    phone.page.goto(address)
    phone.press("Go on with this phone")
    phone.wait_for_screen("charging")
    phone.stop()
    phone.wait_for_screen("captured")
    phone.close()


def test_a_bank_that_asks_back_is_answered_on_the_screen(cards: Garage, tablet: Tablet) -> None:
    starts(tablet)
    tablet.pay_with("4000002500003155")
    tablet.challenge.get_by_role("button", name="Complete").click()
    tablet.wait_for_screen("charging")
    assert cards.confirms() == 1


def test_a_driver_who_walks_away_from_the_card_fields_holds_neither_money_nor_the_bay(
    cards: Garage, tablet: Tablet
) -> None:
    key = starts(tablet)
    tablet.page.get_by_role("link", name="Give up and show all bays").click()
    tablet.board.wait_for()
    cards.until(lambda: cards.session(key).final, "the end of the session")
    assert cards.confirms() == 0
    assert cards.store.session_at(CODE, 1) is None
    tablet.page.go_back()
    assert tablet.page.locator("#card").count() == 0


@pytest.mark.parametrize("cards", [1.0], indirect=True, ids=["in real time"])
def test_whoever_types_a_card_is_not_asked_whether_he_is_still_there(cards: Garage, tablet: Tablet) -> None:
    """Time passes when the fields have come: before that it would be the time limit of their loading that is over."""
    tablet.page.clock.install()
    starts(tablet)
    expect(tablet.page.locator("#cardbox")).to_have_class(re.compile(r"\bon\b"))
    dialog = tablet.page.locator("dialog#idle")
    tablet.page.evaluate("document.addEventListener('kiosk:alive', () => { window.signs = (window.signs ?? 0) + 1; })")

    def signs() -> int:
        """How often the frame of the card fields has told the page that somebody is there."""
        found: int = tablet.page.evaluate("window.signs ?? 0")
        return found

    def types_on(number: str) -> None:
        before = signs()
        tablet.fields.locator("#number").fill(number)
        cards.until(lambda: signs() > before, "a sign of the typing")

    for number in ("4", "42", "424", "4242"):
        types_on(number)
        tablet.page.clock.fast_forward(150_000)
        expect(dialog).to_be_hidden()
    tablet.page.clock.fast_forward(151_000)
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Nothing is held.")
