"""The screens of a driver without a phone against the accessibility rules: both ways of the screen, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.stage import Stage
from tests.browser.tablet import SIZES, Tablet
from tests.browser.tablet_screens import TABLET_SCREENS, hand_over, settle
from tests.browser.test_accessibility import SMALL, violations

pytestmark = pytest.mark.browser

OF_A_VISIT = ("tablet-bay-owner", "tablet-find", "tablet-pay", "tablet-charging", "tablet-move", "tablet-receipt")
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def shown(browser: Browser, assets: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Tablet]:
    """A tablet that shows the screen of that name."""
    name = str(request.param)
    stage = Stage(tmp_path, assets)
    tablet = Tablet(browser, stage.address, stage.edge)
    client = stage.driver()
    path = TABLET_SCREENS[name](stage, client)
    hand_over(stage, client, tablet.context)
    tablet.page.clock.install(time=stage.now - timedelta(seconds=1))
    tablet.page.clock.resume()  # the rules are looked through with timers
    tablet.open(path)
    settle(name, tablet.page)
    yield tablet
    assert tablet.unexpected() == []
    tablet.close()
    stage.close()


@pytest.mark.parametrize("shown", OF_A_VISIT, indirect=True)
def test_a_screen_of_a_visit_keeps_the_rules_both_ways_in_light_and_dark(shown: Tablet) -> None:
    page = shown.page
    expect(shown.heading).to_have_count(1)
    expect(page.locator("header .call")).to_be_visible()
    expect(page.locator("a[href^='tel:'], a[href^='mailto:'], a[target], input[type=file]")).to_have_count(0)
    problems: list[str] = []
    for way in SIZES:
        shown.turn(way)
        problems += [f"{way} wider than the screen"] if page.evaluate(SIDEWAYS) > 0 else []
        for scheme in ("light", "dark"):
            page.evaluate(f"() => document.documentElement.dataset.theme = '{scheme}'")
            problems += [f"{way} {scheme}: {one}" for one in violations(shown)]
    problems += [f"too small to touch: {one}" for one in page.evaluate(SMALL)]
    assert problems == []
