"""A site's tablet: a browser of its own that is paired as people do it, and looks at the traces that drivers leave."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from typing import Any, Literal

import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from kiosk.store import Store
from tests.browser.garage import Edge
from tests.browser.phone import Phone

SITE = "marktplatz"
Way = Literal["landscape", "portrait"]
SIZES: dict[Way, tuple[int, int]] = {"landscape": (1280, 800), "portrait": (800, 1280)}
OWN = frozenset({"tablet", "__Host-tablet"})
"""The tablet's own cookie: it stays over every reset."""

NO_NETWORK = r"ERR_INTERNET_DISCONNECTED|Failed to (fetch|load)|ERR_FAILED|TimeoutError"
"""What a browser says when it has no connection."""

CONTROLLED = """() => Promise.race([
    navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null),
    new Promise((done) => setTimeout(() => done(false), 15000)),
])"""

LEFT_TO_THE_WORKER = r"ERR_FAILED GET \S+/tablet/s/"
"""A page that was left before it came, when the worker had asked for it."""

COUNT_TONES = """() => {
    const Real = window.AudioContext;
    window.tones = 0;
    window.AudioContext = class extends Real {
        createOscillator() { window.tones += 1; return super.createOscillator(); }
    };
}"""


class Tablet(Phone):
    """Its page is used like a phone's; `turn` rotates the screen."""

    def __init__(self, browser: Browser, address: str, edge: Edge | None, way: Way = "landscape", **more: Any) -> None:
        super().__init__(browser, address, edge, has_touch=True, **more)
        self.expects(LEFT_TO_THE_WORKER)
        self.turn(way)

    def turn(self, way: Way) -> None:
        width, height = SIZES[way]
        self.page.set_viewport_size({"width": width, "height": height})

    def pair(self, store: Store, now: datetime) -> None:
        """Type a fresh one-use code."""
        code = store.new_pairing(SITE, "Entrance", now, now + timedelta(minutes=10))
        self.open("/tablet/")
        self.page.locator("input[name=code]").fill(code)
        self.page.locator("form .btn.primary").click()
        self.board.wait_for()
        self.wait_for_scripts()

    @property
    def board(self) -> Locator:
        return self.page.locator("main.board")

    def stall(self, code: str, connector: int = 1) -> Locator:
        return self.page.locator(f"a[data-stall='{code}-{connector}']")

    def hears_of(self, code: str, connector: int = 1) -> None:
        """Wait until the board has heard from that bay, and that it is free."""
        expect(self.stall(code, connector)).to_have_class(re.compile("free"))

    def tap_bay(self, code: str, connector: int = 1) -> None:
        self.stall(code, connector).click()
        self.page.wait_for_url(f"**/tablet/bay/{code}/{connector}*")

    def is_kept(self) -> None:
        """Wait until the service worker stands between this page and the kiosk."""
        self.page.wait_for_load_state()
        if not self.page.evaluate(CONTROLLED):
            self.page.reload()
            assert self.page.evaluate(CONTROLLED)

    @property
    def outage(self) -> Locator:
        return self.page.locator(".outage h1")

    def code_on_screen(self) -> str | None:
        """What a phone's camera reads, anywhere on the screen; None when there is no code."""
        picture = self.page.screenshot(animations="disabled")
        with Image.open(io.BytesIO(picture)) as image:
            found = zxingcpp.read_barcodes(image.convert("RGB"))
        return found[0].text if found else None

    def cookie_names(self) -> set[str]:
        """Every cookie of the kiosk but the tablet's own."""
        return {cookie["name"] for cookie in self.context.cookies()} - OWN

    def stored(self) -> list[str]:
        """The names of everything in the browser's stores, but the time of the last contact."""
        names: list[str] = self.page.evaluate(
            """async () => [
                ...Object.keys(localStorage), ...Object.keys(sessionStorage),
                ...(await indexedDB.databases()).map((one) => one.name),
            ]"""
        )
        return [name for name in names if name != "tablet.seen"]
