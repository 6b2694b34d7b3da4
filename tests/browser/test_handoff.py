"""A scanned code in a real browser: the page goes on by itself, for somebody who looks at it, and without scripts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from kiosk.domain.handoff import Target, token_of
from kiosk.store.records import Handoff
from tests.browser.conftest import NewPhone
from tests.browser.garage import CODE, SECRET_KEY, Garage
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser

LANDING = re.compile(rf"/c/{CODE}\?h=")


def scanned(garage: Garage, connector: int = 2) -> tuple[Handoff, str]:
    """The first code that a screen shows for a bay, and where it leads."""
    store, now = garage.store, garage.clock.now()
    site = "marktplatz"
    later = now + timedelta(minutes=15)
    tablet = store.pair(store.new_pairing(site, "gate", now, later), "the key of the screen", now)
    assert tablet is not None
    handoff = Handoff("ABCDEFGHJKMN", tablet.id, CODE, connector, "de", now)
    assert store.open_handoff(handoff)
    return handoff, f"/h/{token_of([SECRET_KEY], Target(handoff.id, CODE, connector, now), 0)}"


def claimed(garage: Garage, handoff: Handoff) -> bool:
    known = garage.store.handoff(handoff.id)
    assert known is not None
    return known.claimed_at is not None


def test_a_scan_goes_on_to_the_bay_by_itself_and_stays_there(garage: Garage, phone: Phone) -> None:
    handoff, path = scanned(garage)
    phone.open(path)
    phone.page.wait_for_url(LANDING)
    expect(phone.page.locator("input[name=connector][value='2']")).to_be_checked()
    words = phone.page.locator("b[lang=de]")
    first = words.inner_text()
    assert claimed(garage, handoff)
    with phone.page.expect_response(LANDING):
        pass  # the page fetches itself again before its figures are old
    expect(words).to_have_text(first)
    phone.open(path)
    phone.page.wait_for_url(LANDING)
    phone.go_on()
    phone.wait_for_screen("created")
    assert garage.session(phone.key).connector_id == 2


def test_a_screen_that_comes_back_from_another_site_is_still_paired(garage: Garage, new_phone: NewPhone) -> None:
    """Without its service worker, which would still be fetching when the screen leaves."""
    phone = new_phone(service_workers="block")
    phone.expects("registration blocked")
    now = garage.clock.now()
    code = garage.store.new_pairing("marktplatz", "gate", now, now + timedelta(minutes=15))
    phone.open("/tablet/")
    phone.page.get_by_label("Pairing code").fill(f"{code[:4].lower()}-{code[4:]}")
    phone.press("Pair this screen")
    expect(phone.page.locator(".stall").first).to_be_visible()
    phone.page.goto(f"http://localhost:{garage.port}/healthz")
    phone.page.evaluate("(address) => { setTimeout(() => { location.href = address; }); }", f"{garage.address}/tablet/")
    expect(phone.page.locator(".stall").first).to_be_visible()


def test_a_page_that_nobody_looks_at_claims_nothing(garage: Garage, phone: Phone) -> None:
    handoff, path = scanned(garage)
    phone.page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => !window.looked})")
    with phone.page.expect_response(re.compile(r"/handoff\.js")):
        phone.open(path)
    phone.page.wait_for_load_state("networkidle")
    assert not claimed(garage, handoff)
    phone.page.evaluate("window.looked = true; document.dispatchEvent(new Event('visibilitychange'))")
    phone.page.wait_for_url(LANDING)
    assert claimed(garage, handoff)


def test_a_page_that_is_made_in_advance_claims_nothing(garage: Garage, phone: Phone) -> None:
    handoff, path = scanned(garage)
    phone.page.add_init_script("Object.defineProperty(document, 'prerendering', {get: () => !window.shown})")
    with phone.page.expect_response(re.compile(r"/handoff\.js")):
        phone.open(path)
    phone.page.wait_for_load_state("networkidle")
    assert not claimed(garage, handoff)
    phone.page.evaluate("window.shown = true; document.dispatchEvent(new Event('prerenderingchange'))")
    phone.page.wait_for_url(LANDING)
    assert claimed(garage, handoff)


def test_without_scripts_one_press_goes_on(garage: Garage, new_phone: NewPhone) -> None:
    handoff, path = scanned(garage)
    phone = new_phone(scripts=False)
    phone.open(path)
    assert not claimed(garage, handoff)
    phone.press("Continue on this phone")
    phone.page.wait_for_url(LANDING)
    assert claimed(garage, handoff)


def test_a_late_scan_offers_the_chargers_code(garage: Garage, phone: Phone) -> None:
    phone.expects("410")
    _handoff, path = scanned(garage)
    garage.skip(90 * garage.clock.rate)
    phone.open(path)
    phone.reads("Scan it again")
    phone.page.get_by_label("Or type the code from the charger").fill("7mk-4t")
    phone.press("Find the charger")
    phone.page.wait_for_url(re.compile(rf"/c/{CODE}$"))
