"""A real kiosk behind a real server, with the whole world behind it in this process: chargers, cars, back office, bank.

The kiosk is set as for production: Stripe's own addresses, its content policy, a proxy in front. Only the browser's
edge answers *.stripe.com from the sandbox (see `phone`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import httpx
from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from kiosk.app import create_app, running, start, stop
from kiosk.clock import SystemClock
from kiosk.config.settings import Settings, build_settings
from kiosk.config.sites import load_site
from kiosk.domain.session import Session
from kiosk.engine.duties.guard import Guard
from kiosk.outside import Transports
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.faults import StripeFaults
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world import sessions as states
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import Faults, FaultyTransport, Kind, Rule
from kiosk.sandbox.world.sessions import Session as Upstream
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.store import Store
from kiosk.store.checks import Promise
from tests.sound import assert_nothing_broken
from tests.worlds.once import migrated_database

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CODE = "7MK4T"
"""Two bays, painted 3 and 4, with a hold of 30.00 euros."""
NEAR = "9QX6B"
SMALL = "8YE5G"
"""One bay, painted 11, with a hold of 3.00 euros."""
RATE = 15.0
QUICK = Switches(
    sessions_per_charger_per_hour=1000,
    remote_start=1,
    plug_to_charge=1,
    auto_plug=1,
    meter_interval=5,
    stop=1,
    settle=3,
    plug_in_seconds=7200,
)
EXAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.example.toml"
START_DEADLINE = 1800.0
"""Seconds of the kiosk's clock for a charge to begin: two minutes of them are eight seconds of a busy machine."""
SECRET_KEY = "a-secret-key-of-the-browser-tests-0123456789"
PATIENCE = 60.0
"""Seconds of the wall clock for every wait of a browser test. It is for a state, and costs nothing when that comes."""


class Hurry(SystemClock):
    """Faster than the wall, and it can be put forward, so that nobody waits for a deadline."""

    def __init__(self, rate: float = RATE) -> None:
        super().__init__(rate)
        self._turn = threading.Lock()
        self._forward = timedelta(0)
        self._slow_since: datetime | None = None

    def now(self) -> datetime:
        with self._turn:
            return self._slowed(super().now()) + self._forward

    def skip(self, seconds: float) -> None:
        with self._turn:
            self._forward += timedelta(seconds=seconds)

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """As fast as the wall, for steps for which a driver has minutes: hurried ones pass while a machine is busy."""
        with self._turn:
            self._slow_since = super().now()
        try:
            yield
        finally:
            with self._turn:
                fast = super().now()
                self._forward -= fast - self._slowed(fast)
                self._slow_since = None

    def _slowed(self, fast: datetime) -> datetime:
        since = self._slow_since
        return fast if since is None else since + (fast - since) / self.rate


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name is werkzeug's
        pass


@contextmanager
def served(app: WSGIApplication, port: int = 0) -> Iterator[BaseWSGIServer]:
    """A threaded server on this machine, in a thread of its own."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def whole_files(app: WSGIApplication) -> WSGIApplication:
    """Static files are read and closed before they are sent: werkzeug leaves one open whose reader has gone."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = app(environ, start_response)
        if not environ["PATH_INFO"].startswith("/static/"):
            return answer
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return [body]

    return serve


def chargers() -> tuple[ChargerSpec, ...]:
    two = (ConnectorSpec(1, "AC_3_PHASE", 22_000), ConnectorSpec(2, "AC_3_PHASE", 22_000))
    price = Pricing("EUR", price_per_kwh=49, start_fee=35)
    return (
        ChargerSpec(CODE, "Charger 2", two, price, preauth_amount=3000),
        ChargerSpec(NEAR, "Charger 4", two, price, preauth_amount=3000),
        ChargerSpec(SMALL, "Charger 7", (ConnectorSpec(1, "AC_1_PHASE", 7_400),), price, preauth_amount=300),
    )


@dataclass(frozen=True)
class Edge:
    """What the browser's edge asks for *.stripe.com. `shut` lists hosts that cannot be reached."""

    client: httpx.Client
    shut: set[str]


class Garage:
    """The world and one kiosk in front of it. `address` stays the same over restarts of the kiosk."""

    def __init__(
        self, folder: Path, assets: Path, switches: Switches | None = None, *, rate: float = RATE, **settings: object
    ) -> None:
        """`settings` are more of the kiosk's own, by their names."""
        self._more = settings
        self._folder = folder
        self._assets = assets
        self.clock = Hurry(rate)
        self.book = StripeBook(self.clock)
        self.world = World(self.clock, self.book, switches or QUICK)
        for spec in chargers():
            self.world.add_charger(spec)
        self.faults = Faults()
        self.stripe_faults = StripeFaults()
        self.stripe = create_stripe_app(self.book, faults=self.stripe_faults)
        self.edge = Edge(httpx.Client(transport=httpx.WSGITransport(app=self.stripe)), set())
        self.address = ""
        self.port = 0
        self.pause: Callable[[], object] = lambda: sleep(0.05)
        self._app: Flask | None = None
        self._closers: list[Callable[[], object]] = [self.edge.client.close]
        bank = self._enter(served(self.stripe))
        self._bank = f"http://127.0.0.1:{bank.server_port}"
        self._close_server: Callable[[], object] = lambda: None
        self.open()

    def open(self) -> None:
        """Start the kiosk's process; after a stop on the same port and the same data."""
        server = served(_nothing, self.port)
        entered = server.__enter__()
        self._close_server = lambda: server.__exit__(None, None, None)
        self.port = entered.server_port
        self.address = f"http://127.0.0.1:{self.port}"
        inner = httpx.WSGITransport(create_plugchoice_app(self.world, self.faults))
        app = create_app(
            self.settings(),
            site=load_site(EXAMPLE),
            clock=self.clock,
            transports=Transports(public=FaultyTransport(inner, self.faults)),
        )
        self._app = app
        entered.app = whole_files(app)
        start(app)

    def settings(self) -> Settings:
        return build_settings(
            secret_key=SECRET_KEY,
            data_dir=self._assets,
            database_url=migrated_database(self._folder / "kiosk.db"),
            port=self.port,
            public_url=self.address,
            config=EXAMPLE,
            plugchoice_url="http://127.0.0.1:9/api/v3",
            stripe_api_url=self._bank,
            stripe_api_key="sk_test_sandbox",
            trusted_proxies=1,
            start_deadline_seconds=int(START_DEADLINE),
            **self._more,
        )

    def shut(self) -> None:
        """The kiosk's process ends; the world goes on."""
        if self._app is not None:
            stop(self._app)
            self._app = None
        self._close_server()
        self._close_server = lambda: None

    def restart(self) -> None:
        self.shut()
        self.open()

    def close(self) -> None:
        """The end of a test, which the invariants of the store outlive: deadlines do not, because time was skipped."""
        try:
            if self._app is not None:
                assert_nothing_broken(running(self._app).store, self.clock.now(), [Promise.STORE])
        finally:
            self.shut()
            for close in self._closers:
                close()

    # --- time

    def skip(self, seconds: float) -> None:
        """Time passes at once, and the engine looks."""
        self.clock.skip(seconds)
        self.world.tick()
        self.wake()

    def wake(self) -> None:
        if self._app is not None:
            running(self._app).engine.wake()

    def guarded_after(self, moment: datetime) -> bool:
        """The engine has looked at the running charges, and judged them, since that moment."""
        assert self._app is not None
        last = next(one["last_run"] for one in running(self._app).engine.duties() if one["name"] == Guard.name)
        return last is not None and datetime.fromisoformat(last) > moment

    def until(self, good: Callable[[], bool], what: str) -> None:
        """Wait for something that no page shows."""
        end = monotonic() + PATIENCE
        while not good():
            assert monotonic() < end, f"did not come: {what}"
            self.pause()

    # --- facts

    @property
    def store(self) -> Store:
        assert self._app is not None
        return running(self._app).store

    def session(self, key: str) -> Session:
        found = self.store.session(key)
        assert found is not None
        return found

    def upstream(self) -> list[Upstream]:
        """All sessions that the back office made, oldest first."""
        return list(self.world.sessions())

    def confirms(self) -> int:
        """How many intents are held or taken."""
        paid = {"requires_capture", "succeeded"}
        return sum(self.book.get_intent("acct_sandbox", one.intent_id)["status"] in paid for one in self.upstream())

    def intent_of(self, number: int = -1) -> str:
        """The state of the payment of one session of the back office."""
        return str(self.book.get_intent("acct_sandbox", self.upstream()[number].intent_id)["status"])

    def open_upstream(self) -> int:
        return sum(one.status not in states.ENDED for one in self.upstream())

    # --- hands

    def fault(self, kind: Kind, endpoint: str | None = None, times: int | None = None, **more: object) -> None:
        """What the back office does wrong from now on; for ever, unless `times` is given."""
        self.faults.add(Rule(kind, endpoint, times, **more))  # type: ignore[arg-type]

    def pay(self, key: str, number: str = "4242424242424242") -> None:
        """What Stripe's script does in the driver's browser."""
        payment = self.store.payment(key)
        assert payment is not None
        assert payment.intent_id is not None
        card = card_method(number, 12, 34, "123", self.clock.now())
        self.book.confirm(payment.stripe_account_id, payment.intent_id, card)

    def _enter(self, context: object) -> BaseWSGIServer:
        server: BaseWSGIServer = context.__enter__()  # type: ignore[attr-defined]
        self._closers.append(lambda: context.__exit__(None, None, None))  # type: ignore[attr-defined]
        return server


def _nothing(environ: object, start_response: Callable[..., object]) -> list[bytes]:
    """Answers while the kiosk is being made."""
    del environ
    start_response("503 Service Unavailable", [("Retry-After", "1")])
    return [b""]
