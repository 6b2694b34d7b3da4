"""Makes docs/screens: every screen of phone and tablet, light and dark, the first ones in every language; the desk."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import structlog
from playwright.sync_api import Browser, sync_playwright

from tests.browser.browsers import CHROMIUM_ARGS, chromium
from tests.browser.desk_pictures import DESK_PICTURES, take_desk
from tests.browser.phone import Phone
from tests.browser.png import with_palette
from tests.browser.screens import PAYING, SCREENS, SPOKEN
from tests.browser.screens import settle as settle_phone
from tests.browser.stage import Stage
from tests.browser.tablet import Tablet, Way
from tests.browser.tablet_screens import TABLET_SCREENS, hand_over, settle

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
LANGUAGES = {"en": "en-GB", "nl": "nl-NL", "de": "de-DE", "fr": "fr-FR"}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SPOKEN_ON_THE_TABLET = ("tablet-board", "tablet-bay")


def wanted(names: list[str]) -> Iterator[tuple[str, str, Scheme]]:
    """Name, language and scheme of each picture."""
    for name in SCREENS:
        if names and name not in names:
            continue
        for language in LANGUAGES if name in SPOKEN else ("en",):
            for scheme in SCHEMES if language == "en" else SCHEMES[:1]:
                yield name, language, scheme


def take(browser: Browser, assets: Path, name: str, language: str, scheme: Scheme, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        stage = Stage(Path(made), assets, readings=77)
        phone = Phone(browser, stage.address, stage.edge, locale=LANGUAGES[language], scheme=scheme)
        try:
            client = stage.driver()
            path = SCREENS[name](stage, client)
            stage.hand_over(client, phone.context)
            phone.page.clock.install(
                time=stage.now - timedelta(minutes=10)
            )  # a busy machine may take its time until the next line
            phone.page.clock.pause_at(stage.now)
            phone.open(path)
            if name in PAYING:
                phone.page.clock.resume()
                phone.fields.locator("#cvc").wait_for()
            settle_phone(name, phone)
            # As high as the page: what sticks to the screen's edge then stands where it belongs.
            for _ in range(3):
                high = int(phone.page.evaluate("() => document.documentElement.scrollHeight"))
                phone.page.set_viewport_size({"width": 390, "height": high})
                phone.page.wait_for_timeout(50 if name not in PAYING else 300)
            picture = phone.page.screenshot(animations="disabled")
            blank = phone.context.new_page()
            (folder / f"{name}-{language}-{scheme}.png").write_bytes(with_palette(blank, picture))
        finally:
            phone.close()
            stage.close()


def wanted_of_tablet(names: list[str]) -> Iterator[tuple[str, Way, str, Scheme]]:
    """Name, way of the screen, language and scheme: dark in landscape alone, other languages for the first screens."""
    for name in TABLET_SCREENS:
        if names and name not in names:
            continue
        yield name, "landscape", "en", "light"
        yield name, "landscape", "en", "dark"
        yield name, "portrait", "en", "light"
        for language in LANGUAGES if name in SPOKEN_ON_THE_TABLET else ():
            if language != "en":
                yield name, "landscape", language, "light"


def take_tablet(
    browser: Browser, assets: Path, name: str, way: Way, language: str, scheme: Scheme, folder: Path
) -> str:
    """One picture of exactly the screen; its name."""
    with tempfile.TemporaryDirectory() as made:
        stage = Stage(Path(made), assets, readings=77)
        tablet = Tablet(browser, stage.address, stage.edge, way, locale=LANGUAGES[language], scheme=scheme)
        try:
            client = stage.driver()
            path = TABLET_SCREENS[name](stage, client)
            hand_over(stage, client, tablet.context)
            tablet.page.clock.install(
                time=stage.now - timedelta(minutes=10)
            )  # a busy machine may take its time until the next line
            tablet.page.clock.pause_at(stage.now)
            tablet.open(path + (f"?lang={language}" if language != "en" else ""))
            settle(name, tablet.page)
            tablet.page.wait_for_timeout(100)
            picture = tablet.page.screenshot(animations="disabled")
            if name == "tablet-offline":
                tablet.context.set_offline(False)
            blank = tablet.context.new_page()
            file = f"{name}-{way}-{language}-{scheme}.png"
            (folder / file).write_bytes(with_palette(blank, picture))
        finally:
            tablet.close()
            stage.close()
    return file


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/screens", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help=f"only these: {', '.join((*SCREENS, *TABLET_SCREENS, *DESK_PICTURES))}"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    unknown = set(chosen.names) - {*SCREENS, *TABLET_SCREENS, *DESK_PICTURES}
    if unknown:
        parser.error(f"there is no screen {', '.join(sorted(unknown))}")
    program = chromium()
    if program is None:
        sys.stderr.write("The pictures need Chromium: on Debian and Ubuntu, apt-get install chromium.\n")
        return 1
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    chosen.folder.mkdir(parents=True, exist_ok=True)
    taken: list[str] = []
    with tempfile.TemporaryDirectory() as assets, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGS)
        for name, language, scheme in wanted(chosen.names):
            take(browser, Path(assets), name, language, scheme, chosen.folder)
            taken.append(f"{name}-{language}-{scheme}.png")
        for screen, way, language, scheme in wanted_of_tablet(chosen.names):
            taken.append(take_tablet(browser, Path(assets), screen, way, language, scheme, chosen.folder))
        taken += take_desk(browser, Path(assets), chosen.names, chosen.folder)
        browser.close()
    if not chosen.names:
        for old in set(chosen.folder.glob("*.png")) - {chosen.folder / name for name in taken}:
            old.unlink()
    sys.stdout.write(f"{len(taken)} pictures in {chosen.folder}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
