"""The receipt on paper: what proves the payment is on it, and nothing that can only be tapped."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.garage import Garage
from tests.browser.phone import Phone

pytestmark = pytest.mark.browser
TAPPED = ".lang, .dock, .btns, .skip"


def test_a_printed_receipt_has_the_figures_and_nothing_to_tap(garage: Garage, phone: Phone) -> None:
    key = phone.was_charging(garage)
    garage.skip(300)
    phone.wait_for_energy()
    phone.stop()
    phone.wait_for_screen("captured")
    document = phone.context.request.get(f"{phone.address}/r/{key}.json").json()
    tapped = phone.page.locator(TAPPED)
    on_screen = [place for place in range(tapped.count()) if tapped.nth(place).is_visible()]
    assert on_screen
    phone.page.emulate_media(media="print")
    for place in on_screen:
        expect(tapped.nth(place)).to_be_hidden()
    paper = phone.page.locator("main").inner_text()
    assert document["number"] in paper
    assert document["seller"]["legal_name"] in paper
    assert f"€{document['taken']['minor'] / 100:.2f}" in paper
    assert f"€{document['held']['minor'] / 100:.2f}" in paper
    wide = phone.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
