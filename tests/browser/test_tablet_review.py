"""A tablet in trouble: long outages, a dead kiosk behind a live proxy, impatient taps, and ways out of a payment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import APIResponse, Browser, Route, expect

from tests.browser.garage import CODE, NEAR, RATE, Garage, served
from tests.browser.phone import GONE
from tests.browser.tablet import NO_NETWORK, Tablet

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.browser


@pytest.fixture
def garage(tmp_path: Path, assets: Path, request: pytest.FixtureRequest) -> Iterator[Garage]:
    """A garage whose operator takes cards on the tablet."""
    garage = Garage(tmp_path, assets, rate=getattr(request, "param", RATE), tablet_card_entry=True)
    yield garage
    garage.close()


def starts(tablet: Tablet) -> None:
    """From the board to the card fields."""
    tablet.tap_bay(CODE, 1)
    tablet.page.locator("form[action$='/start'] button").click()
    tablet.wait_for_screen("created")


def refusing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A proxy whose kiosk is gone."""
    del environ
    start_response("503 Service Unavailable", [("Content-Type", "text/html")])
    return [b"<h1>503</h1>"]


class Half:
    """A kiosk that can be reached, and whose pages are broken. Notes when the board was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path in {"/tablet/alive.json", "/tablet/reset"}:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [b"{}"]
        if path == "/tablet/":
            self.asked.append(monotonic())
        return refusing(environ, start_response)


# --- no connection


def test_a_short_outage_keeps_the_drivers_page_and_a_long_one_leads_back_to_the_bays(tablet: Tablet) -> None:
    tablet.expects(NO_NETWORK)
    tablet.page.clock.install()
    starts(tablet)
    tablet.pay_with()
    tablet.wait_for_screen("charging")
    main = tablet.page.locator("#main")
    for seconds, back in ((20, True), (1800, False)):
        tablet.context.set_offline(True)
        expect(tablet.outage).to_be_visible()
        expect(main).to_be_hidden()
        tablet.page.clock.fast_forward(seconds * 1000)
        tablet.context.set_offline(False)
        expect(tablet.outage).to_have_count(0)
        if back:
            expect(main).to_be_visible()
            assert tablet.screen == "charging"
    tablet.board.wait_for()
    assert tablet.cookie_names() == set()


def test_news_of_a_session_do_not_come_to_light_while_the_screen_says_that_it_has_no_connection(
    garage: Garage, tablet: Tablet
) -> None:
    tablet.expects(NO_NETWORK)
    starts(tablet)
    tablet.pay_with()
    tablet.wait_for_screen("charging")
    tablet.page.route("**/tablet/alive.json", lambda route: route.abort())
    tablet.page.evaluate("dispatchEvent(new Event('offline'))")
    expect(tablet.outage).to_be_visible()
    garage.world.unplug(CODE, 1)
    garage.until(lambda: garage.session(tablet.key).final, "the end of the charge")
    tablet.page.wait_for_timeout(500)
    expect(tablet.page.locator("#main")).to_be_hidden()
    tablet.page.unroute("**/tablet/alive.json")
    tablet.page.evaluate("dispatchEvent(new Event('online'))")
    tablet.wait_for_screen("captured")


def test_a_form_that_is_sent_to_a_kiosk_that_is_gone_ends_on_the_kept_page_which_comes_back(
    garage: Garage, tablet: Tablet
) -> None:
    tablet.expects(NO_NETWORK, GONE)
    tablet.is_kept()
    tablet.tap_bay(CODE, 1)
    tablet.is_kept()
    start = tablet.page.locator("form[action$='/start'] button")
    start.wait_for()
    garage.shut()
    tablet.page.evaluate("document.querySelector(\"form[action$='/start'] button\").click()")
    tablet.page.wait_for_url("**/start")
    expect(tablet.outage).to_be_visible()
    garage.open()
    tablet.board.wait_for()


def test_a_page_that_a_proxy_cannot_fetch_is_replaced_by_the_kept_one_which_comes_back(
    garage: Garage, tablet: Tablet
) -> None:
    tablet.expects(NO_NETWORK, GONE)
    tablet.is_kept()
    garage.shut()
    with served(refusing, garage.port):
        tablet.page.reload()
        expect(tablet.outage).to_be_visible()
        assert tablet.page.evaluate("getComputedStyle(document.querySelector('.outage')).display") == "grid"
    garage.open()
    tablet.board.wait_for()


def test_the_kept_page_asks_more_rarely_for_bays_that_do_not_come(garage: Garage, tablet: Tablet) -> None:
    tablet.expects(NO_NETWORK, GONE)
    tablet.is_kept()
    garage.shut()
    half = Half()
    with served(half, garage.port):
        tablet.page.reload()
        garage.until(lambda: len(half.asked) >= 5, "five questions for the board")
    gaps = [after - before for before, after in zip(half.asked, half.asked[1:], strict=False)]
    assert gaps[-1] > 1.5 * gaps[0], gaps
    garage.open()
    tablet.board.wait_for()


# --- impatient taps

COUNT_SENT = """() => {
    window.sent = 0;
    window.addEventListener('submit', (event) => {
        if (!event.defaultPrevented) window.sent += 1;
        event.preventDefault();
    });
}"""
"""Notes the forms that the browser would send, and keeps it from that."""


def test_a_form_is_sent_once_however_often_it_is_tapped_and_can_be_sent_again_when_nothing_came(
    tablet: Tablet,
) -> None:
    page = tablet.page
    page.clock.install()
    tablet.tap_bay(CODE, 1)
    button = page.locator("form[action$='/start'] button")
    words = button.inner_text()
    page.wait_for_load_state()
    page.evaluate(COUNT_SENT)
    button.click()
    page.evaluate("document.querySelector(\"form[action$='/start']\").requestSubmit()")
    expect(button).to_be_disabled()
    expect(button).to_have_text("One moment")
    assert page.evaluate("window.sent") == 1
    page.clock.fast_forward(10_500)
    expect(button).to_be_enabled()
    expect(button).to_have_text(words)
    button.click()
    assert page.evaluate("window.sent") == 2


# --- paying


def test_a_way_of_paying_that_needs_the_drivers_own_device_is_refused_on_the_screen(
    garage: Garage, tablet: Tablet
) -> None:
    starts(tablet)
    here = tablet.page.url
    error = tablet.page.locator("#pay-err")
    tablet.look_at_the_fields()
    tablet.fields.get_by_label("Revolut Pay (sandbox)").check()
    expect(error).to_have_text("Please use your phone for this way of paying.")
    tablet.press_pay()
    tablet.page.wait_for_timeout(500)
    assert tablet.page.url == here
    expect(error).to_be_visible()
    assert garage.intent_of() == "requires_payment_method"
    tablet.fields.get_by_label("Card", exact=True).check()
    expect(error).to_be_hidden()
    tablet.pay_with()
    tablet.wait_for_screen("charging")


NOTE_OPTIONS = """() => {
    let made;
    Object.defineProperty(window, 'Stripe', {
        get: () => made,
        set: (real) => {
            made = (...given) => {
                const stripe = real(...given);
                const elements = stripe.elements;
                stripe.elements = (options) => {
                    const group = elements(options);
                    const create = group.create;
                    group.create = (type, more) => { window.asked = { type, more }; return create(type, more); };
                    return group;
                };
                return stripe;
            };
        },
    });
}"""
"""Keeps what the page asks Stripe's script for."""


def test_the_screen_asks_for_card_fields_without_any_wallet(tablet: Tablet) -> None:
    tablet.context.add_init_script(f"({NOTE_OPTIONS})()")
    starts(tablet)
    tablet.fields.locator("#number").wait_for()
    asked: dict[str, Any] = tablet.page.evaluate("window.asked")
    assert asked["type"] == "payment"
    assert asked["more"]["wallets"] == {"applePay": "never", "googlePay": "never", "link": "never"}
    assert asked["more"]["paymentMethodOrder"] == ["card"]


IN_A_HURRY = """() => {
    const real = window.setTimeout;
    window.setTimeout = (act, wait, ...more) => real(act, Math.min(wait ?? 0, 100), ...more);
}"""
"""Whatever the page does later it does at once: it asks about its bay, and lets its button be tapped again."""

LOSES_CONTACT = "() => addEventListener('submit', () => setTimeout(() => dispatchEvent(new Event('offline'))))"


@pytest.mark.parametrize("meanwhile", ["() => {}", LOSES_CONTACT], ids=["the bay has changed", "contact was lost"])
def test_a_slow_answer_to_the_start_is_waited_for_whatever_the_page_hears_meanwhile(
    garage: Garage, tablet: Tablet, meanwhile: str
) -> None:
    """What happens meanwhile is told to the page before: Chromium keeps from it what comes while a form is sent."""
    tablet.expects(NO_NETWORK)
    held: list[tuple[Route, APIResponse]] = []
    told: list[str] = []
    tablet.page.on("response", lambda answer: told.append(answer.url) if "/state.json" in answer.url else None)
    tablet.context.route("**/start", lambda route: held.append((route, route.fetch(max_redirects=0))))
    tablet.tap_bay(CODE, 1)
    tablet.page.evaluate(IN_A_HURRY)
    tablet.page.evaluate(meanwhile)
    tablet.page.locator("form[action$='/start'] button").click(no_wait_after=True)
    garage.until(lambda: bool(held), "the answer of the kiosk")
    told.clear()
    garage.until(lambda: len(told) > 3, "answers about the bay")
    ((route, answer),) = held
    route.fulfill(response=answer)
    tablet.wait_for_screen("created")


COUNT_SIGNS = """() => document.addEventListener('kiosk:alive', () => {
    const seen = document.documentElement.dataset;
    seen.signs = String(Number(seen.signs ?? 0) + 1);
})"""
"""Signs of a driver in Stripe's fields come as messages of another frame: later than what was typed there."""


def test_a_driver_who_looks_for_a_card_with_the_caret_in_the_fields_is_asked_after_five_minutes(tablet: Tablet) -> None:
    tablet.page.clock.install()
    starts(tablet)
    dialog = tablet.page.locator("dialog#idle")
    tablet.fields.locator("#number").wait_for()
    tablet.page.evaluate(COUNT_SIGNS)
    tablet.fields.locator("#number").fill("4")
    expect(tablet.page.locator("html[data-typing]")).to_have_attribute("data-signs", "2")  # the caret, and the figure
    tablet.page.clock.fast_forward(121_000)  # what is due meanwhile has happened when this returns
    expect(dialog).to_be_hidden()
    tablet.page.clock.fast_forward(120_000)
    expect(dialog).to_be_hidden()
    tablet.page.clock.fast_forward(60_000)
    expect(dialog).to_be_visible()


def test_whoever_has_left_the_card_fields_is_asked_as_on_any_page(tablet: Tablet) -> None:
    tablet.page.clock.install()
    starts(tablet)
    tablet.fields.locator("#number").fill("4")
    expect(tablet.page.locator("html[data-typing]")).to_be_attached()
    tablet.page.locator(".band").click()
    expect(tablet.page.locator("html:not([data-typing])")).to_be_attached()
    tablet.page.clock.fast_forward(121_000)
    expect(tablet.page.locator("dialog#idle")).to_be_visible()


def test_a_payment_under_way_cannot_be_left_by_the_strip(tablet: Tablet) -> None:
    starts(tablet)
    tablet.pay_with("4000002500003155")
    yes = tablet.challenge.get_by_role("button", name="Complete")
    yes.wait_for()
    key, strip = tablet.key, tablet.page.locator(".strip")
    expect(strip.locator("a[href='/tablet/reset']")).to_be_hidden()
    expect(strip.locator(".langs a").first).to_be_hidden()
    tablet.page.evaluate("document.querySelector('.strip a').click()")
    tablet.page.wait_for_timeout(500)
    assert tablet.key == key
    yes.click()
    tablet.wait_for_screen("charging")
    expect(strip.get_by_role("link", name="Leave this screen")).to_be_visible()


# --- free near you


def test_the_free_bays_nearby_follow_their_state_while_the_rest_of_the_page_stays(
    garage: Garage, tablet: Tablet
) -> None:
    near = tablet.page.locator(f".near a[href='/tablet/bay/{NEAR}/1']")
    garage.world.break_connector(CODE, 1)
    tablet.hears_of(NEAR)
    expect(tablet.stall(CODE)).to_contain_text("Out of order")
    tablet.tap_bay(CODE, 1)
    expect(near).to_be_visible()
    tablet.page.evaluate("window.stays = true")
    garage.world.break_connector(NEAR, 1)
    expect(near).to_have_count(0)
    expect(tablet.page.locator(".near a")).not_to_have_count(0)
    assert tablet.page.evaluate("window.stays")


def test_no_bay_nearby_is_called_free_without_news_for_a_minute(garage: Garage, tablet: Tablet) -> None:
    garage.world.break_connector(CODE, 1)
    tablet.hears_of(NEAR)
    expect(tablet.stall(CODE)).to_contain_text("Out of order")
    tablet.tap_bay(CODE, 1)
    near = tablet.page.locator(".near a")
    expect(near).not_to_have_count(0)
    tablet.page.route("**/state.json", lambda route: route.fulfill(status=304))
    expect(near).to_have_count(0)
    tablet.page.unroute("**/state.json")
    expect(near).not_to_have_count(0)


# --- other browsers, and other screens


def test_a_browser_without_ready_made_time_limits_hears_news(garage: Garage, tablet: Tablet) -> None:
    tablet.context.add_init_script("delete AbortSignal.timeout")
    tablet.page.reload()
    tablet.hears_of(CODE)
    garage.world.break_connector(CODE, 1)
    expect(tablet.stall(CODE, 1)).to_contain_text("Out of order")


def test_a_screen_that_waits_for_its_code_looks_each_minute_whether_it_is_paired(
    browser: Browser, garage: Garage
) -> None:
    screen = Tablet(browser, garage.address, garage.edge)
    page = screen.page
    page.clock.install()
    screen.open("/tablet/")
    field = page.locator("input[name=code]")
    page.evaluate("window.stays = true")
    field.fill("AB")
    page.clock.fast_forward(61_000)
    page.wait_for_timeout(300)
    assert page.evaluate("window.stays")
    assert field.input_value() == "AB"
    field.fill("")
    field.blur()
    with page.expect_navigation():
        page.clock.fast_forward(61_000)
    expect(field).to_be_visible()
    assert screen.unexpected() == []
    screen.close()
