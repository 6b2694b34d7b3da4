"""Languages, looks and accessibility of the stand-in's frames and pages, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.sandbox.stripe.stripe_host import (
    Shop,
    challenge,
    expect_result,
    fields,
    open_browser,
    open_page,
    open_shop,
    pay_with,
    wallet,
)

pytestmark = pytest.mark.browser
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with open_shop(str(getattr(request, "param", "edge"))) as shop:
        yield shop


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    with open_page(browser, shop) as page:
        yield page


# Language and looks


@pytest.mark.parametrize(
    ("locale", "label", "error"),
    [
        ("nl", "Kaartnummer", "Je kaartnummer is onvolledig."),
        ("de", "Kartennummer", "Ihre Kartennummer ist unvollständig."),
        ("fr", "Numéro de carte", "Votre numéro de carte est incomplet."),
    ],
)
def test_labels_and_errors_follow_the_locale(page: Page, shop: Shop, locale: str, label: str, error: str) -> None:
    shop.open(page, locale=locale)
    fields(page).get_by_label(label).fill("42")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(fields(page).locator("#number-error")).to_have_text(error)


def test_an_update_changes_looks_and_language_and_keeps_what_was_typed(page: Page, shop: Shop) -> None:
    shop.open(page)
    fields(page).get_by_label("Card number").fill("4242")
    done = (
        "async () => { let n = 0; elements.on('update-end', () => { n += 1; }); await elements.update(%s); return n; }"
    )
    change = "{locale: 'nl', appearance: {theme: 'night', variables: {colorText: '#ffeedd', fontSizeBase: '20px'}}}"
    assert page.evaluate(done % change) == 1
    number = fields(page).get_by_label("Kaartnummer")
    expect(number).to_have_value("4242")
    expect(number).to_have_css("color", "rgb(255, 238, 221)")
    expect(number).to_have_css("font-size", "20px")
    assert page.evaluate("async () => Object.keys(await elements.fetchUpdates()).length") == 0


# Accessibility


def violations(page: Page, frame_index: int) -> list[str]:
    """What axe finds in one frame; axe itself is put in by the debugger, so the frame's own policy stands."""
    frame = page.frames[frame_index]
    frame.evaluate(Axe().axe_script)
    found = frame.evaluate("(rules) => axe.run(document, rules)", RULES)
    return [f"{frame.url}: {each['id']} {each['nodes'][0]['html']}" for each in found["violations"]]


def all_violations(page: Page) -> list[str]:
    return [each for index in range(len(page.frames)) for each in violations(page, index)]


LOOKS = [
    {},
    {"theme": "night"},
    {
        "variables": {
            "colorPrimary": "#005862",
            "colorBackground": "#fff",
            "colorText": "#0e181a",
            "borderRadius": "10px",
        }
    },
    {"theme": "night", "variables": {"colorBackground": "#131b1e", "colorText": "#eef3f4", "colorDanger": "#ffb5ac"}},
]


@pytest.mark.parametrize("appearance", LOOKS)
def test_every_frame_is_clean_with_an_error_and_an_open_wallet(
    page: Page, shop: Shop, appearance: dict[str, Any]
) -> None:
    shop.open(page, appearance=appearance)
    wallet(page).get_by_role("button", name="Google Pay (sandbox)").click()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect_result(page, "validation_error/incomplete_number")
    assert len(page.frames) == 3
    assert all_violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_challenge_is_clean_in_light_and_dark(page: Page, shop: Shop, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    shop.open(page)
    pay_with(page, "4000002500003155")
    expect(challenge(page).get_by_role("button", name="Complete")).to_be_visible()
    assert len(page.frames) == 4
    assert all_violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_redirect_page_is_clean_in_light_and_dark(page: Page, shop: Shop, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    shop.open(page)
    fields(page).get_by_label("Revolut Pay (sandbox)").check()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("button", name="Complete")).to_be_visible()
    assert all_violations(page) == []
