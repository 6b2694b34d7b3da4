"""Fixtures of the browser tests: one browser for all of them, a garage and fresh phones for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.browsers import CHROMIUM_ARGS, chromium
from tests.browser.garage import PATIENCE, RATE, Garage
from tests.browser.phone import Phone
from tests.browser.tablet import COUNT_TONES, Tablet, Way

NewPhone = Callable[..., Phone]
NewTablet = Callable[..., Tablet]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with this folder's last test, because two of Playwright's loops do not fit into one thread."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine")
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGS)
        yield browser
        browser.close()
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="package")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compressed static files, made once."""
    return tmp_path_factory.mktemp("assets")


in_real_time = pytest.mark.parametrize("garage", [1.0], indirect=True, ids=["in real time"])
"""For what the kiosk does by the wall clock: a request waits at most seconds for the engine."""


@pytest.fixture
def garage(tmp_path: Path, assets: Path, request: pytest.FixtureRequest) -> Iterator[Garage]:
    garage = Garage(tmp_path, assets, rate=getattr(request, "param", RATE))
    yield garage
    garage.close()


@pytest.fixture
def new_phone(browser: Browser, garage: Garage) -> Iterator[NewPhone]:
    """Makes phones; afterwards none of them may have complained about anything that the test did not expect."""
    phones: list[Phone] = []

    def make(**options: Any) -> Phone:
        phones.append(Phone(browser, garage.address, garage.edge, **options))
        garage.pause = phones[-1].idle
        return phones[-1]

    yield make
    complaints = [one for phone in phones for one in phone.unexpected()]
    for phone in phones:
        phone.close()
    assert complaints == []


@pytest.fixture
def phone(new_phone: NewPhone) -> Phone:
    return new_phone()


@pytest.fixture
def new_tablet(browser: Browser, garage: Garage) -> Iterator[NewTablet]:
    """Makes paired tablets; none of them may have complained about anything that the test did not expect."""
    made: list[Tablet] = []

    def make(way: Way = "landscape", *, tones: bool = False, **options: Any) -> Tablet:
        screen = Tablet(browser, garage.address, garage.edge, way, **options)
        made.append(screen)
        garage.pause = screen.idle
        if tones:
            screen.context.add_init_script(f"({COUNT_TONES})()")
        screen.pair(garage.store, garage.clock.now())
        return screen

    yield make
    complaints = [one for screen in made for one in screen.unexpected()]
    for screen in made:
        screen.close()
    assert complaints == []


@pytest.fixture
def tablet(new_tablet: NewTablet) -> Tablet:
    return new_tablet()
