"""What the pages' scripts do when Stripe thinks or stalls, when an answer is lost, and when a phone sleeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import NewPhone
from tests.browser.garage import CODE, Garage
from tests.browser.phone import Phone
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser
UNSURE = "We are checking. We do not know yet whether the hold was placed. Please do not pay again."
NOT_LOADED = "The payment form did not load. Check your connection."
INTENT = re.compile(r"https://api\.stripe\.com/v1/payment_intents/")
CARD_FRAME = "**/sandbox/element?type=payment**"


# --- paying


@dataclass
class Bank:
    """Stripe's answers about the payment say `says` instead of the truth, and no confirm arrives, while it is set."""

    says: str | None = "processing"

    def __call__(self, route: Route) -> None:
        if self.says is None:
            route.fallback()
            return
        intent = {"id": "pi_1", "object": "payment_intent", "status": self.says}
        route.fulfill(status=200, headers={"Access-Control-Allow-Origin": "*"}, body=json.dumps(intent))


def _thinking(phone: Phone) -> Bank:
    bank = Bank()
    phone.context.route(INTENT, bank)
    return bank


def test_a_payment_that_the_bank_still_thinks_about_is_not_called_paid(garage: Garage, phone: Phone) -> None:
    key = phone.start()
    expect(phone.pay_button).to_be_enabled()
    bank = _thinking(phone)
    with phone.page.expect_request(f"**/s/{key}/confirm"):
        phone.pay_with()
    expect(phone.page.locator("#pay-err")).to_contain_text(UNSURE)
    with phone.page.expect_request(INTENT):
        pass
    expect(phone.page.locator("#paysay")).not_to_contain_text("Your bank said yes")
    expect(phone.pay_button).to_be_disabled()
    bank.says = None
    garage.pay(key)
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_a_bank_that_says_no_after_thinking_leaves_the_form_to_pay_again(garage: Garage, phone: Phone) -> None:
    phone.start()
    expect(phone.pay_button).to_be_enabled()
    bank = _thinking(phone)
    phone.page.reload()
    expect(phone.page.locator("#pay-err")).to_contain_text(UNSURE)
    expect(phone.page.locator("#card")).to_be_hidden()
    bank.says = None
    expect(phone.heading).to_have_text("Nothing is held")
    expect(phone.band).not_to_contain_text("connection")
    phone.pay_with()
    phone.wait_for_screen("charging")
    assert garage.confirms() == 1


def test_a_script_of_stripe_that_throws_is_told_and_can_be_loaded_again(garage: Garage, phone: Phone) -> None:
    def broken_once(route: Route) -> None:
        whole = garage.edge.client.get(route.request.url)
        once = """;{ const real = window.Stripe; let calls = 0; window.Stripe = (...given) => {
          const made = real(...given); calls += 1;
          if (calls > 1) return made;
          return { retrievePaymentIntent: made.retrievePaymentIntent, elements() { throw new Error('broken'); } };
        }; }"""
        route.fulfill(status=200, content_type="text/javascript", body=whole.text + once)

    phone.context.route(re.compile(r"https://js\.stripe\.com/.*stripe\.js"), broken_once)
    phone.start()
    expect(phone.page.locator("#pay-err")).to_contain_text(NOT_LOADED)
    phone.press("Load the payment form again")
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_card_fields_that_never_come_are_told_and_can_be_loaded_again(phone: Phone) -> None:
    phone.context.route(CARD_FRAME, lambda _: None)
    phone.page.clock.install()
    phone.start()
    expect(phone.page.locator("#card iframe")).to_be_attached()
    expect(phone.page.locator("#pay-err")).to_be_hidden()
    phone.page.clock.run_for(16_000)
    expect(phone.page.locator("#pay-err")).to_contain_text(NOT_LOADED)
    expect(phone.pay_button).to_be_disabled()
    phone.context.unroute(CARD_FRAME)
    phone.press("Load the payment form again")
    expect(phone.pay_button).to_be_enabled()
    expect(phone.page.locator("#pay-err")).to_be_hidden()
    phone.pay_with()
    phone.wait_for_screen("charging")


def test_a_payment_that_cannot_be_read_at_first_does_not_keep_the_page_waiting(phone: Phone) -> None:
    phone.context.route(INTENT, lambda _: None)
    phone.page.clock.install()
    with phone.page.expect_request(INTENT):
        phone.start()
    phone.page.clock.run_for(16_000)
    expect(phone.page.locator("#pay-err")).to_contain_text(NOT_LOADED)
    expect(phone.page.get_by_role("button", name="Load the payment form again")).to_be_visible()


def test_card_fields_that_come_during_a_wallet_payment_do_not_offer_a_second_one(garage: Garage, phone: Phone) -> None:
    frames: list[Route] = []
    confirms: list[Route] = []
    phone.context.route(CARD_FRAME, lambda route: frames.append(route))
    phone.context.route(re.compile(rf"{INTENT.pattern}.*/confirm"), lambda route: confirms.append(route))
    phone.start()
    phone.open_wallet()
    phone.wallet.get_by_role("button", name="Pay", exact=True).click()
    garage.until(lambda: bool(confirms), "the confirm of the wallet")
    frames[0].fallback()
    expect(phone.page.locator("#cardbox.on")).to_be_attached()
    expect(phone.pay_button).to_be_disabled()
    expect(phone.pay_button).to_have_text("One moment. Please keep this page open.")
    confirms[0].fallback()
    phone.wait_for_screen("charging")
    assert len(confirms) == 1
    assert garage.confirms() == 1


# --- pages that keep themselves up to date


@pytest.fixture
def stage(tmp_path: Path, assets: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, assets)
    yield stage
    stage.close()


@pytest.fixture
def watcher(browser: Browser, stage: Stage) -> Iterator[Phone]:
    """A phone without a cookie, with a clock that can be put forward."""
    phone = Phone(browser, stage.address, stage.edge)
    phone.page.clock.install()
    yield phone
    phone.close()
    assert phone.unexpected() == []


def _lost(route: Route) -> None:
    route.abort("connectionfailed")


def _our_error_page(route: Route) -> None:
    body = "<title>Sorry</title><main id=main><h1>Something broke on our side</h1></main>"
    route.fulfill(status=500, content_type="text/html", body=body)


def _a_strangers_page(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<h1>Welcome to our WLAN</h1>")


@pytest.mark.parametrize("fails", [_lost, _our_error_page, _a_strangers_page])
def test_a_page_that_could_not_be_fetched_again_is_fetched_later(
    stage: Stage, watcher: Phone, fails: Callable[[Route], None]
) -> None:
    watcher.expects("ERR_CONNECTION_FAILED", "status of 50")
    key = stage.charging(stage.driver())
    failed: list[str] = []

    def fetched(route: Route) -> None:
        if route.request.resource_type == "fetch" and len(failed) < 2:
            failed.append(route.request.url)
            fails(route)
        else:
            route.fallback()

    watcher.context.route("**/events", lambda route: route.fulfill(status=503))
    watcher.open(f"/s/{key}")
    watcher.wait_for_screen("charging")
    before = watcher.heading.inner_text()
    watcher.page.evaluate("window.neverLoadedAgain = true")
    watcher.page.context.route(f"**/s/{key}", fetched)
    stage.ended(key, "captured", captured_minor=716, cost_minor=716)
    for tries in (1, 2):
        for _ in range(40):
            if len(failed) >= tries:
                break
            watcher.page.clock.run_for(1000)
            watcher.idle()
        assert len(failed) == tries
        assert watcher.heading.inner_text() == before
    for _ in range(40):
        watcher.page.clock.run_for(1000)
        watcher.idle()
        if watcher.screen == "captured":
            break
    assert watcher.screen == "captured"
    assert watcher.page.evaluate("window.neverLoadedAgain") is True


def test_a_stream_that_died_without_a_word_is_opened_again(stage: Stage, watcher: Phone) -> None:
    watcher.page.add_init_script(
        """window.opened = 0;
        window.EventSource = class {
          static CLOSED = 2;
          readyState = 1;
          constructor() { window.opened += 1; }
          close() {}
        };"""
    )
    key = stage.charging(stage.driver())
    watcher.open(f"/s/{key}")
    watcher.wait_for_screen("charging")
    stage.ended(key, "captured", captured_minor=716, cost_minor=716)
    watcher.page.clock.run_for(30_000)
    watcher.idle()
    assert watcher.screen == "charging"
    assert watcher.page.evaluate("window.opened") == 1
    watcher.page.clock.run_for(20_000)
    watcher.wait_for_screen("captured")


def test_a_figure_ages_also_while_the_phone_sleeps(stage: Stage, watcher: Phone) -> None:
    watcher.page.add_init_script("performance.now = () => 1000")
    key = stage.charging(stage.driver())
    watcher.context.route(f"**/s/{key}/events", lambda _: None)
    watcher.open(f"/s/{key}")
    watcher.wait_for_screen("charging")
    expect(watcher.page.locator(".meter.old")).to_have_count(0)
    watcher.page.clock.fast_forward(120_000)
    expect(watcher.page.locator(".meter.old")).to_be_visible()


def test_a_charger_page_is_fetched_again_after_the_phone_slept(garage: Garage, new_phone: NewPhone) -> None:
    phone = new_phone()
    phone.page.add_init_script("performance.now = () => 1000")
    phone.scan()
    garage.world.set_online(CODE, False)
    garage.skip(90)
    phone.reads("No connection to this charger")


def test_a_page_that_brings_its_style_sheet_along_is_read_without_a_complaint(phone: Phone) -> None:
    """Its own policy allows the sheet; that of the page into which it is read does not."""
    phone.scan()
    read = """async () => {
        const loaded = performance.getEntriesByType('resource').map((one) => one.name);
        const { parse } = await import(loaded.find((name) => name.endsWith('/shared/swap.js')));
        const html = '<html data-now="2026"><head><style>p { top: 0 }</style></head><body><main id="main">it</main>';
        return parse(html)?.getElementById('main')?.textContent;
    }"""
    assert phone.page.evaluate(read) == "it"
