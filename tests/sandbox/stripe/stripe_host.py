"""A small page of our own around the Stripe stand-in, under a strict policy, and the hands of a driver on it.

`edge` answers Stripe's own addresses from the sandbox, as for the production page; `mounted` has it under a path of
the page's own origin, as in the demo.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask, Response, send_file
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect, sync_playwright
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from kiosk.clock import ManualClock
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.faults import StripeFaults
from tests.browser.browsers import CHROMIUM_ARGS, chromium

ACCOUNT = "acct_site"
SOURCES = {
    "edge": (
        "script-src 'self' https://js.stripe.com; frame-src https://js.stripe.com https://hooks.stripe.com; "
        "connect-src 'self' https://api.stripe.com"
    ),
    "mounted": "script-src 'self'; frame-src 'self'; connect-src 'self'",
}

PATIENCE = 60.0
"""Seconds of the wall clock for every wait: it is for a state, and costs nothing when that comes."""

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Pay</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<script src="{script}"></script><script type="module" src="/page.js"></script></head>
<body><main><h1>Pay</h1><form id="form"><div id="express"></div><div id="payment"></div>
<button id="pay">Pay</button></form><p role="status" id="result"></p><p id="events"></p></main></body></html>"""


@dataclass
class Shop:
    """One host page over one book, and where both are."""

    mode: str
    book: StripeBook
    faults: StripeFaults
    address: str
    edge: httpx.Client | None
    console: list[str] = field(default_factory=list)

    def open(self, page: Page, **options: Any) -> str:
        """Open the page on a new intent and wait until both elements are ready; return the intent's id."""
        intent = self.book.create_intent(account=ACCOUNT, amount=2500, currency="eur")
        self.goto(page, secret=intent["client_secret"], options=json.dumps(options))
        expect(page.locator("#events")).to_contain_text('"name":"ready","elementType":"payment"')
        expect(page.locator("#events")).to_contain_text('"name":"ready","elementType":"expressCheckout"')
        return str(intent["id"])

    def goto(self, page: Page, **query: str) -> None:
        page.goto(str(httpx.URL(self.address, params=query)))

    def status(self, intent_id: str) -> str:
        return str(self.book.get_intent(ACCOUNT, intent_id)["status"])


def host_page(mode: str) -> Flask:
    app = Flask("host_page", static_folder=None)
    script = "https://js.stripe.com/endive/stripe.js" if mode == "edge" else "/sandbox-stripe/endive/stripe.js"

    @app.get("/")
    def pay() -> str:
        return PAGE.format(script=script)

    @app.get("/page.js")
    def page_script() -> Response:
        return send_file(Path(__file__).parent / "stripe_host_page.js", mimetype="text/javascript", max_age=0)

    @app.after_request
    def policy(answer: Response) -> Response:
        common = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'"
        answer.headers["Content-Security-Policy"] = f"{common}; {SOURCES[mode]}"
        return answer

    return app


@contextmanager
def open_shop(mode: str) -> Iterator[Shop]:
    book, faults = StripeBook(ManualClock()), StripeFaults()
    sandbox = create_stripe_app(book, faults=faults)
    page = host_page(mode)
    app = page if mode == "edge" else DispatcherMiddleware(page, {"/sandbox-stripe": sandbox})
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    edge = httpx.Client(transport=httpx.WSGITransport(app=sandbox)) if mode == "edge" else None
    try:
        yield Shop(mode, book, faults, f"http://127.0.0.1:{server.server_port}/", edge)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        if edge is not None:
            edge.close()


@contextmanager
def open_browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGS)
        expect.set_options(timeout=PATIENCE * 1000)
        yield browser
        expect.set_options(timeout=5_000)
        browser.close()


@contextmanager
def open_page(browser: Browser, shop: Shop) -> Iterator[Page]:
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        shop.console.clear()
        shop.faults.clear()
        page.on("console", lambda message: shop.console.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: shop.console.append(str(error)))
        if shop.edge is not None:
            page.route(lambda url: ".stripe.com/" in url, at_the_edge(shop.edge))
        yield page


def at_the_edge(web: httpx.Client) -> Callable[[Route], None]:
    """Answer a request to *.stripe.com from the sandbox in this process, under the host name that was asked."""

    def answer(route: Route) -> None:
        asked = route.request
        kept = ("content-type", "origin", "accept-language")
        headers = {name: value for name, value in asked.headers.items() if name in kept}
        given = web.request(asked.method, asked.url, headers=headers, content=asked.post_data_buffer)
        route.fulfill(status=given.status_code, headers=dict(given.headers), body=given.content)

    return answer


def fields(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title='Secure payment input frame']")


def wallet(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title='Secure express checkout frame']")


def challenge(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title='Verification challenge']")


def pay_with(page: Page, number: str, expiry: str = "12 / 34", cvc: str = "123") -> None:
    fields(page).get_by_label("Card number").fill(number)
    fields(page).get_by_label("Expiration date").fill(expiry)
    fields(page).get_by_label("Security code").fill(cvc)
    page.get_by_role("button", name="Pay", exact=True).click()


def expect_result(page: Page, text: str) -> None:
    expect(page.locator("#result")).to_have_text(text)


def thrown(page: Page, expression: str) -> str:
    """The name and message of what `expression` throws; empty when it does not."""
    attempt = "async () => { try { await (%s); return '' } catch (e) { return `${e.name}: ${e.message}` } }"
    return str(page.evaluate(attempt % expression))
