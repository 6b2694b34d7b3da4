"""The receipt on paper: what proves the payment is on it, on one sheet, whatever the phone's colours, and nothing that
can only be tapped.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Literal

import pypdfium2  # type: ignore[import-untyped]
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import NewPhone
from tests.browser.garage import Garage
from tests.browser.phone import Phone
from tests.browser.screens import SCREENS
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser
TAPPED = ".lang, .dock, .btns, .skip"
A4_POINTS = (595, 842)
WHITE, BLACK = 235, 90
"""From which brightness on something is paper, and up to which it is ink."""


def paid(garage: Garage, phone: Phone) -> str:
    key = phone.was_charging(garage)
    garage.skip(300)
    phone.wait_for_energy()
    phone.stop()
    phone.wait_for_screen("captured")
    return key


def test_a_printed_receipt_has_the_figures_and_nothing_to_tap(garage: Garage, phone: Phone) -> None:
    key = paid(garage, phone)
    expect(phone.page.locator("[data-print]")).to_be_visible()
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


def is_one_sheet(phone: Phone) -> None:
    for backgrounds in (False, True):
        sheets = pypdfium2.PdfDocument(BytesIO(phone.page.pdf(format="A4", print_background=backgrounds)))
        assert len(sheets) == 1
        assert all(abs(side - a4) < 2 for side, a4 in zip(sheets[0].get_size(), A4_POINTS, strict=True))
        picture = sheets[0].render(scale=1).to_pil().convert("L")
        shades = picture.histogram()
        assert sum(shades[WHITE:]) > 0.8 * sum(shades), "the paper is not white"
        assert sum(shades[:BLACK]) > 0.005 * sum(shades), "no dark ink"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["receipt-capped", "refunded-twice", "refund", "no-charge", "failed"])
def test_every_proof_is_one_sheet_of_what_stays_true(
    browser: Browser, assets: Path, tmp_path: Path, name: str, scheme: Literal["light", "dark"]
) -> None:
    """In the language with the longest words, an invoice with two refunds too."""
    stage = Stage(tmp_path, assets)
    client = stage.driver()
    path = SCREENS[name](stage, client)
    if name == "refunded-twice":
        company = {"name": "Kabelwerk Süd GmbH & Co. KG", "address": "Werkstraße 12\n04229 Leipzig", "country": "DE"}
        assert client.post(f"{path}/company", data=company).status_code == 303
    phone = Phone(browser, stage.address, stage.edge, scheme=scheme, locale="de-DE")
    stage.hand_over(client, phone.context)
    phone.open(path)
    expect(phone.heading).to_have_count(1)
    is_one_sheet(phone)
    phone.page.emulate_media(media="print")
    expect(phone.page.locator("[aria-labelledby=near]:visible")).to_have_count(0)
    phone.close()
    stage.close()


FILLS = """() => [...document.querySelectorAll('.bar rect')].map((part) => {
  const paint = document.createElement('canvas').getContext('2d');
  paint.fillStyle = getComputedStyle(part).fill;
  paint.fillRect(0, 0, 1, 1);
  return [part.getAttribute('class'), [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)]];
})"""
"""The parts of the bar with their colours as red, green and blue, in whatever way the browser writes colours."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_sheet_is_dark_on_white_and_its_bar_shows_what_was_taken(
    garage: Garage, new_phone: NewPhone, scheme: Literal["light", "dark"]
) -> None:
    phone = new_phone(scheme=scheme)
    paid(garage, phone)
    expect(phone.page.locator("[data-print]")).to_be_visible()
    is_one_sheet(phone)
    phone.page.emulate_media(media="print", color_scheme=scheme)
    shown = dict(phone.page.evaluate(FILLS))
    white = [255, 255, 255]
    assert shown["used"] != shown.get("back", white)
    assert _brightness(shown["used"]) < BLACK * 1.5
    assert _brightness(shown.get("back", white)) > WHITE


def _brightness(colour: list[int]) -> float:
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue
