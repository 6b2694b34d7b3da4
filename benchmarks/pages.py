"""How soon a page is there on a poor line: 400 kbit/s and 400 ms for each request, in Chromium, with an empty cache."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from socketserver import ThreadingMixIn
from statistics import median
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.report import Figure, at_most, say
from benchmarks.scene import CODE, HOLD, Scene
from benchmarks.server import serve
from benchmarks.site_scene import SiteScene
from kiosk.clock import SystemClock
from kiosk.domain.session import PaymentContext
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from tests.browser.browsers import CHROMIUM_ARGS, chromium

NAME = "pages"
ADDRESS = "http://127.0.0.1"
ACCOUNT = "acct_bench"
LINE = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
"""Bytes a second."""
ROUNDS = 3
MOST_PAINT, MOST_FORM, MOST_ADDED, MOST_SHIFT = 1.6, 4.0, 1.0, 0.001
SETTLED = 3000
"""Milliseconds after which nothing moves any more."""

PHONE = {"width": 390, "height": 664}
SCREEN = {"width": 1280, "height": 800}

WATCH = """
window.seen = { paint: 0, shift: 0, form: 0 };
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.seen.paint = one.startTime;
}).observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.seen.shift += one.value;
}).observe({ type: 'layout-shift', buffered: true });
setInterval(() => {
  const button = document.getElementById('paybtn');
  if (button && !button.disabled && !window.seen.form) window.seen.form = performance.now();
}, 20);
"""
ALONE = """<!doctype html><meta charset="utf-8"><title>Alone</title><div id="wallet"></div><div id="card"></div>
<button id="paybtn" disabled>Pay</button>
<script src="{js}"></script><script>
  const provider = Stripe('{key}', {{ stripeAccount: '{account}' }});
  const fields = provider.elements({{ clientSecret: '{secret}' }});
  const card = fields.create('payment');
  card.on('ready', () => {{ document.getElementById('paybtn').disabled = false; }});
  fields.create('expressCheckout').mount('#wallet');
  card.mount('#card');
</script>"""
"""The least that a page with the provider's fields can be."""


@dataclass(frozen=True)
class Seen:
    """Seconds until the largest part is painted and until the payment form can be used; how much moved after it."""

    paint: float
    form: float
    shift: float


def run() -> list[Figure]:
    program = chromium()
    if program is None:
        say(f"{NAME} is left out: there is no Chromium on this machine")
        return []
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGS)
        try:
            return [*_phone(browser, Path(name)), *_board(browser, Path(name))]
        finally:
            browser.close()


def _phone(browser: Browser, folder: Path) -> list[Figure]:
    clock = SystemClock()
    book = StripeBook(clock)
    intent = book.create_intent(account=ACCOUNT, amount=HOLD, currency="eur")
    payment = PaymentContext(intent["client_secret"], "pk_test_sandbox", ACCOUNT)
    own = folder / "phone"
    own.mkdir()
    with ExitStack() as stack:
        provider = stack.enter_context(_in_a_thread(create_stripe_app(book)))
        script = f"{provider}/endive/stripe.js"
        scene = stack.enter_context(closing(Scene(own, clock, public=ADDRESS, stripe_js=script, payment=payment)))
        bare = stack.enter_context(_in_a_thread(_bare(script, payment)))
        server = stack.enter_context(serve("benchmarks.pages_app:app", scene.environment, own))
        kiosk = f"{ADDRESS}:{server.port}"
        scene.card()
        figures = _paints("bare page", _load(browser, f"{bare}/page"), judged=False)
        figures += _paints("first page", _load(browser, f"{kiosk}/"))
        scene.card()
        figures += _paints("charger page", _load(browser, f"{kiosk}/c/{CODE}"))
        narrow = {"width": 320, "height": 640}
        for language in ("de", "fr"):
            scene.card()
            seen = _load(browser, f"{kiosk}/c/{CODE}?lang={language}", view=narrow)
            figures += _paints(f"charger page, {language}, 320 px", seen)
        phone = scene.phone()
        key = scene.started(phone)
        alone = _load(browser, f"{bare}/alone", form=True)
        pay = _load(browser, f"{kiosk}/s/{key}", cookie=_cookie(phone), form=True)
        came = _load(
            browser, f"{kiosk}/s/{key}", cookie=_cookie(phone), form=True, before=f"{kiosk}/c/{CODE}?another=1"
        )
        figures += _paints("pay page", pay)
        figures += _paints("pay page, from the charger's page", came)
        figures.append(Figure(NAME, "payment form alone, on a bare page, s until usable", f"{alone.form:.1f}"))
        figures.append(at_most(NAME, "payment form, s until usable", pay.form, MOST_FORM, "{:.1f}"))
        figures.append(
            at_most(NAME, "payment form, s beside the provider's own", pay.form - alone.form, MOST_ADDED, "{:.1f}")
        )
        figures.append(at_most(NAME, "the same, from the charger's page", came.form - alone.form, MOST_ADDED, "{:.1f}"))
        scene.charge(key, Decimal(5))
        figures += _paints("session page", _load(browser, f"{kiosk}/s/{key}", cookie=_cookie(phone)))
        scene.capture(key, Decimal(6))
        figures += _paints("receipt", _load(browser, f"{kiosk}/r/{key}", cookie=_cookie(phone)))
        return figures


def _board(browser: Browser, folder: Path) -> list[Figure]:
    own = folder / "board"
    own.mkdir()
    with closing(SiteScene(own, SystemClock(), None, public=ADDRESS)) as scene:
        scene.fill()
        with serve("benchmarks.board_app:app", scene.environment, own) as server:
            address = f"{ADDRESS}:{server.port}/tablet/"
            seen = _load(browser, address, cookie=scene.key_of(scene.tablet()), view=SCREEN)
            return _paints("board of a tablet", seen)


def _paints(page: str, seen: Seen, *, judged: bool = True) -> list[Figure]:
    if not judged:
        return [Figure(NAME, f"{page}, s until painted", f"{seen.paint:.2f}")]
    return [
        at_most(NAME, f"{page}, s until painted", seen.paint, MOST_PAINT),
        at_most(NAME, f"{page}, what moved after it was painted", seen.shift, MOST_SHIFT, "{:.3f}"),
    ]


def _load(
    browser: Browser,
    address: str,
    *,
    cookie: tuple[str, str] | None = None,
    view: dict[str, int] | None = None,
    form: bool = False,
    before: str | None = None,
) -> Seen:
    """The middle of a few loads, each in a browser that has nothing of the kiosk but what the page `before` brought."""
    rounds = [_load_once(browser, address, cookie, view or PHONE, form=form, before=before) for _ in range(ROUNDS)]
    return Seen(
        median(one.paint for one in rounds), median(one.form for one in rounds), max(one.shift for one in rounds)
    )


def _load_once(
    browser: Browser,
    address: str,
    cookie: tuple[str, str] | None,
    view: dict[str, int],
    *,
    form: bool,
    before: str | None,
) -> Seen:
    context = browser.new_context(locale="en-GB", viewport={"width": view["width"], "height": view["height"]})
    try:
        if cookie is not None:
            context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": address}])
        context.add_init_script(WATCH)
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        if before is not None:
            page.goto(before, wait_until="networkidle")
        wire.send("Network.emulateNetworkConditions", LINE)
        page.goto(address, wait_until="load")
        if form:
            page.wait_for_function("window.seen.form > 0") if "/alone" in address else _wait_for_form(page)
        page.wait_for_timeout(SETTLED)
        seen = page.evaluate("window.seen")
        return Seen(seen["paint"] / 1000, seen["form"] / 1000, seen["shift"])
    finally:
        context.close()


def _wait_for_form(page: Page) -> None:
    """The kiosk's content policy lets no text become a script, so that the page cannot be asked in that way."""
    page.wait_for_selector("#paybtn:enabled", timeout=30_000)
    page.wait_for_timeout(50)


def _cookie(phone: FlaskClient) -> tuple[str, str]:
    found = phone.get_cookie("driver", domain="localhost")
    if found is None:
        raise LookupError("the phone has no cookie")
    return found.key, found.value


def _bare(script: str, payment: PaymentContext) -> Flask:
    """The baselines: a page of one paragraph, and the provider's form with nothing around it."""
    app = Flask("bare", static_folder=None)

    @app.get("/page")
    def page() -> str:
        return "<!doctype html><title>Bare</title><p>A price of 0.49 and a hold of 50.00 are on this page."

    @app.get("/alone")
    def alone() -> str:
        return ALONE.format(
            js=script,
            key=payment.publishable_key,
            account=payment.stripe_account_id,
            secret=payment.client_secret,
        )

    return app


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass


@contextmanager
def _in_a_thread(app: Flask) -> Iterator[str]:
    """Served at the address that is yielded."""
    server = make_server("127.0.0.1", 0, app, _Threaded, _Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"{ADDRESS}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
