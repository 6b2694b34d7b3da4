"""A driver's phone: a browser context of its own that notes all complaints. Its steps are what drivers do."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic, sleep
from typing import Any, Literal

import httpx
from playwright.sync_api import (
    APIResponse,
    Browser,
    ConsoleMessage,
    FrameLocator,
    Locator,
    Page,
    Request,
    Route,
    WebError,
    expect,
)
from playwright.sync_api import (
    Error as PlaywrightError,
)
from playwright.sync_api import (
    TimeoutError as PlaywrightTimeout,
)

from tests.browser.garage import CODE, PATIENCE, Edge, Garage

GOOD_CARD = "4242424242424242"
ADDRESSES = (f"10.{a}.{b}.{c}" for a, b, c in itertools.product(range(250), range(250), range(1, 250)))
"""Each phone has its own, as behind the proxy of a real site."""
GONE = r"ERR_CONNECTION|ERR_SOCKET_NOT_CONNECTED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|503"
"""What a browser says of a kiosk that has ended."""
STRIPE = re.compile(r"\.stripe\.com/")
"""Hosts that the browser's edge answers. As a pattern it is told to the browser's driver, which asks nobody about all
other requests.
"""
LEFT = re.compile(r"net::ERR_ABORTED")
"""The browser itself drops what a page still waited for when the driver leaves it."""


class Phone:
    """One driver's browser. Steps are methods; `page` is there for the rest."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        edge: Edge | None,
        *,
        locale: str = "en-GB",
        scripts: bool = True,
        scheme: Literal["light", "dark"] = "light",
        width: int = 390,
        **more: Any,
    ) -> None:
        self.address = address
        self._scripts = scripts
        self.context = browser.new_context(
            locale=locale,
            java_script_enabled=scripts,
            color_scheme=scheme,
            viewport={"width": width, "height": 844},
            reduced_motion=more.pop("reduced_motion", "reduce"),
            extra_http_headers={"X-Forwarded-For": next(ADDRESSES)} if edge is not None else {},
            timezone_id="Europe/Berlin",
            **more,
        )
        self.context.set_default_timeout(PATIENCE * 1000)
        self.wrong: list[str] = []
        self._expected: list[re.Pattern[str]] = [LEFT]
        self.context.on("console", self._said)
        self.context.on("weberror", self._broke)
        self.context.on("requestfailed", self._failed)
        if edge is not None:
            self.context.route(STRIPE, at_the_edge(edge))
        self.page: Page = self.context.new_page()

    # --- what went wrong

    def expects(self, *patterns: str) -> None:
        """Complaints of the browser that belong to this test."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def unexpected(self) -> list[str]:
        return [one for one in self.wrong if not any(pattern.search(one) for pattern in self._expected)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _broke(self, error: WebError) -> None:
        self.wrong.append(f"script: {error.error}")

    def _failed(self, request: Request) -> None:
        self.wrong.append(f"request: {request.failure} {request.method} {request.url}")

    # --- before the payment

    def open(self, path: str = "/") -> None:
        self.page.goto(self.address + path)

    def scan(self, code: str = CODE) -> None:
        """Scan the code on the charger."""
        self.open(f"/c/{code}")

    def type_code(self, text: str) -> None:
        """Type the code on the first page."""
        self.open("/")
        self.page.get_by_label("Code on the sticker").fill(text)
        self.page.get_by_role("button", name="Find the charger").click()

    def choose(self, connector: int) -> None:
        """Tap the row of a bay."""
        self.page.locator("label.opt", has=self.page.locator(f"input[name=connector][value='{connector}']")).click()

    def press(self, name: str) -> None:
        """Tap a button or a link that looks like one. Scrolled to, and drawn: see `press_pay`."""
        button = self.page.get_by_role("button", name=name, exact=True)
        wanted = button.or_(self.page.get_by_role("link", name=name, exact=True)).first
        self._scroll_to(wanted)
        self._let_it_draw()
        wanted.click()

    def _scroll_to(self, wanted: Locator) -> None:
        """The page may be renewed in that moment, and soon once more; then it is looked for again."""
        end = monotonic() + PATIENCE
        while True:
            try:
                wanted.scroll_into_view_if_needed()
            except PlaywrightError as error:
                if "not attached" not in str(error) or monotonic() > end:
                    raise
            else:
                return

    def go_on(self) -> None:
        self.page.locator("#start button").click()

    def start(self, code: str = CODE, connector: int = 1) -> str:
        """From the code to the payment page; returns the session's key."""
        self.scan(code)
        self.choose(connector)
        self.go_on()
        self.wait_for_screen("created")
        return self.key

    # --- paying

    @property
    def fields(self) -> FrameLocator:
        return self.page.frame_locator("iframe[title='Secure payment input frame']")

    @property
    def wallet(self) -> FrameLocator:
        return self.page.frame_locator("iframe[title='Secure express checkout frame']")

    @property
    def challenge(self) -> FrameLocator:
        return self.page.frame_locator("iframe[title='Verification challenge']")

    @property
    def pay_button(self) -> Locator:
        return self.page.locator("#paybtn")

    def fill_card(self, number: str = GOOD_CARD, expiry: str = "12 / 34", cvc: str = "123") -> None:
        self.fields.locator("#number").fill(number)
        self.fields.locator("#expiry").fill(expiry)
        self.fields.locator("#cvc").fill(cvc)

    def look_at_the_fields(self) -> None:
        """Scroll to them: Chromium lets a frame of another site rest while it is out of sight."""
        self._scroll_to(self.page.locator("iframe[title='Secure payment input frame']"))

    def pay_with(self, number: str = GOOD_CARD) -> None:
        self.fill_card(number)
        self.press_pay()

    def press_pay(self) -> None:
        """Scrolled to, and drawn: right after a scroll Chromium still sends a click to the frame that was there."""
        self.page.bring_to_front()
        self._scroll_to(self.pay_button)
        self._let_it_draw()
        self.pay_button.click()

    def _let_it_draw(self) -> None:
        drawn = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        if self._scripts:
            self.page.evaluate(drawn)

    def open_wallet(self) -> None:
        """A click right after a scroll may still go to the frame that stood there before: then it is made again."""
        choice = self.wallet.get_by_role("button", name="Google Pay (sandbox)")
        pay = self.wallet.get_by_role("button", name="Pay", exact=True)
        for _ in range(4):
            self.page.bring_to_front()
            choice.scroll_into_view_if_needed()
            self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            choice.click()
            try:
                pay.wait_for(timeout=3000)
            except PlaywrightTimeout:
                continue
            return
        raise AssertionError("the wallet did not open")

    # --- the session

    @property
    def key(self) -> str:
        found = re.search(r"/[sr]/([\w-]{20,})", self.page.url)
        assert found is not None, self.page.url
        return found[1]

    def charge(self, code: str = CODE, connector: int = 1) -> str:
        """From the code to a running charge; returns the session's key."""
        key = self.start(code, connector)
        self.pay_with()
        self.wait_for_screen("charging")
        return key

    def was_started(self, garage: Garage, code: str = CODE, connector: int = 1, **form: str) -> str:
        """This phone started a session earlier, which has not been paid; returns its key."""
        begun: list[APIResponse] = []

        def starts() -> bool:
            """On a busy machine the charger's card may not be there in time: then one tries again."""
            begun[:] = [self.send(f"/c/{code}/start", connector=str(connector), **form)]
            return begun[0].status == HTTPStatus.SEE_OTHER

        garage.until(starts, "the start")
        key = str(begun[0].headers["location"]).removeprefix("/s/")
        garage.until(lambda: garage.session(key).status == "created", "the session of the back office")
        return key

    def was_paid(self, garage: Garage, code: str = CODE, connector: int = 1, **form: str) -> str:
        """The hold was placed earlier."""
        key = self.was_started(garage, code, connector, **form)
        garage.pay(key)
        self.send(f"/s/{key}/confirm")
        return key

    def was_charging(self, garage: Garage, code: str = CODE, connector: int = 1, **form: str) -> str:
        """The charge was started earlier; now its page is opened."""
        key = self.was_paid(garage, code, connector, **form)
        garage.until(lambda: bool(garage.session(key).energy_kwh), "the first energy")
        self.open(f"/s/{key}")
        self.wait_for_screen("charging")
        return key

    def send(self, path: str, **form: str) -> APIResponse:
        """What a form of the page would send, from this browser, without showing the answer."""
        headers = {"Origin": self.address}
        answer = self.context.request.post(self.address + path, form={**form}, headers=headers, max_redirects=0)
        if answer.status != HTTPStatus.TEMPORARY_REDIRECT:
            return answer
        again = self.address + answer.headers["location"]
        return self.context.request.post(again, form={**form}, headers=headers, max_redirects=0)

    def wait_for_screen(self, *names: str) -> None:
        """Wait until the session's page shows one of these states."""
        expect(self.page.locator(", ".join(f"main[data-screen='{name}']" for name in names))).to_be_attached()
        self.wait_for_scripts()

    def wait_for_scripts(self) -> None:
        """Wait until the page's own scripts run: what happens before is not noticed, and an end of the kiosk takes them
        away. A payment form has its own time.
        """
        if self._scripts:
            expect(self.page.locator("[data-late]:not([data-late=pay])")).to_have_count(0)

    @property
    def screen(self) -> str | None:
        main = self.page.locator("main")
        return main.get_attribute("data-screen")

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def band(self) -> Locator:
        """The state, first thing on a session's page."""
        return self.page.locator("#main > .band")

    def reads(self, text: str | re.Pattern[str]) -> None:
        """The driver can read this on the page."""
        expect(self.page.locator("main")).to_contain_text(text)

    def checks_no_form(self) -> None:
        """As an old browser: what was typed is sent as it is, also from a form that came with a renewed page."""
        self.page.evaluate(
            """() => document.addEventListener('click', ({ target }) => {
                const form = target instanceof Element ? target.closest('form') : null;
                if (form) form.noValidate = true;
            }, { capture: true })"""
        )

    def stop(self) -> None:
        self.page.locator("form[action$='/stop'] button").click()

    def figure(self, name: str) -> str:
        return self.page.locator(f"[data-f='{name}']").first.inner_text()

    def wait_for_energy(self) -> None:
        """Wait until the meter shows more than nothing."""
        expect(self.page.locator("[data-f='energy']")).to_have_text(re.compile(r"[1-9]"))

    def idle(self) -> None:
        """A short wait in which the browser's edge goes on answering."""
        for page in self.context.pages:
            page.wait_for_timeout(50)
            return
        sleep(0.05)

    def close(self) -> None:
        self.context.close()


def at_the_edge(edge: Edge) -> Callable[[Route], None]:
    """Answer a request to *.stripe.com from the sandbox in this process, under the host name that was asked."""

    def answer(route: Route) -> None:
        asked = route.request
        if httpx.URL(asked.url).host in edge.shut:
            route.abort("connectionfailed")
            return
        kept = ("content-type", "origin", "accept-language")
        headers = {name: value for name, value in asked.headers.items() if name in kept}
        given = edge.client.request(asked.method, asked.url, headers=headers, content=asked.post_data_buffer)
        route.fulfill(status=given.status_code, headers=dict(given.headers), body=given.content)

    return answer
