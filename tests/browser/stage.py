"""A kiosk whose clock stands still and whose sessions are put into states by hand: every screen, quickly and always
the same. Prices, times and figures are those of one made-up afternoon at bay 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import httpx
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext

from kiosk.clock import ManualClock
from kiosk.config.sites import load_site
from kiosk.domain.commands import AskedBy, Kind, Refusal
from kiosk.domain.session import Observation, PaymentContext
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.cards import CARDS
from kiosk.sandbox.stripe.methods import PaymentMethod
from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.service.parts import Parts
from kiosk.store import Store
from tests.browser.garage import EXAMPLE, SECRET_KEY, Edge, served, whole_files
from tests.worlds.by_hand import CODE, HOLD, NEAR, ByHand

SCANNED = datetime(2026, 11, 20, 13, 2, 30, tzinfo=UTC)
"""14:02:30 at the charger."""


class Stage(ByHand):
    """One kiosk with a clean store. `readings` is how many a charge has had; 77 draw a fine curve and a power.

    `site` is the file with the facts of operator and chargers.
    """

    charger_name = "Charger 2"
    source = "stage"

    def __init__(self, folder: Path, assets: Path, *, readings: int = 7, site: Path = EXAMPLE) -> None:
        super().__init__(
            folder,
            load_site(site),
            ManualClock(SCANNED),
            secret_key=SECRET_KEY,
            data_dir=assets,
            trusted_proxies=1,
        )
        self.readings = readings
        self._closers = ExitStack()
        self._closers.callback(super().close)
        self.bank = StripeBook(self.clock)
        self.app.config["PROPAGATE_EXCEPTIONS"] = False
        server = self._closers.enter_context(served(whole_files(self.app)))
        self.address = f"http://127.0.0.1:{server.server_port}"
        wire = httpx.WSGITransport(app=create_stripe_app(self.bank))
        self.edge = Edge(self._closers.enter_context(httpx.Client(transport=wire)), set())
        self._addresses = 0
        self._intents: dict[str, str] = {}
        self._damaged = False

    def close(self) -> None:
        self._closers.close()

    # --- browsers

    def driver(self) -> FlaskClient:
        """The driver's browser as the server sees it; its cookie can be handed to a real one."""
        client = self.browser()
        self._addresses += 1
        client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.{self._addresses // 250}.{self._addresses % 250 + 1}"
        return client

    def hand_over(self, client: FlaskClient, context: BrowserContext) -> None:
        """The real browser becomes the one that started the session."""
        cookie = client.get_cookie("__Host-driver", domain="localhost")
        if cookie is not None:
            secure = self.address.replace("http:", "https:")
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": secure, "sameSite": "Lax"}])

    # --- the charger's card

    def cards(self, *statuses: str, **changes: Any) -> None:
        """The card since a while, so that every state has its time, and a free bay nearby."""
        self.clock.advance(-1180)
        self.card(*statuses, **{name: value for name, value in changes.items() if name != "seen_at"})
        self.clock.advance(1177)
        self.card("Charging", "Available", code=NEAR)
        self.card(*statuses, **changes)
        self.clock.advance(3)

    # --- a session, step by step

    def start(self, phone: FlaskClient, connector: int = 2, code: str = CODE, **form: str) -> str:
        self.cards()
        return super().start(phone, connector, code, **form)

    def created(self, client: FlaskClient, **form: str) -> str:
        return self.answer_start(self.start(client, 2, **form))

    def answer_start(self, key: str) -> str:
        """The back office made the session."""
        intent = self.bank.create_intent(account="acct_sandbox", amount=HOLD, currency="eur")
        self.made(key, PaymentContext(intent["client_secret"], "pk_test_sandbox", "acct_sandbox"))
        self._intents[key] = str(intent["id"])
        return key

    def decline(self, key: str) -> None:
        """The bank said no to a card."""
        with suppress(StripeProblem):
            method = PaymentMethod("pm_declined", "card", CARDS["4000000000000002"])
            self.bank.confirm("acct_sandbox", self._intents[key], method)

    def observation(self, status: str | None, **seen: Any) -> Observation:
        held = {} if status in {"created", "expired"} else {"authorized_minor": HOLD}
        return super().observation(status, **{**held, **seen})

    def held(self, client: FlaskClient, **form: str) -> str:
        return self.hold(self.created(client, **form))

    def hold(self, key: str) -> str:
        """It was paid."""
        self.clock.advance(40)
        self.observe(key, "authorized", authorized_at=self.now)
        return key

    def proven(self, key: str, status: str = "requires_capture", received: int = 0) -> None:
        """The payment provider's own word about the hold and its card."""
        self.prove(key, status, capturable=HOLD if status == "requires_capture" else 0, received=received)

    def starting(self, client: FlaskClient, **form: str) -> str:
        return self.begin(self.held(client, **form))

    def begin(self, key: str) -> str:
        """The charger gets ready."""
        self.proven(key)
        self.observe(key, "starting", connector_status="Preparing")
        return key

    def charging(self, client: FlaskClient, energy: str = "13.90", cost: int = 716, **form: str) -> str:
        return self.run(self.starting(client, **form), energy, cost)

    def run(self, key: str, energy: str = "13.90", cost: int = 716) -> str:
        """Charging for 77 minutes at nearly the same power."""
        begun = self.now + timedelta(seconds=20)
        whole, every = Decimal(energy), 77 // self.readings
        for minute in range(every, 78, every):
            slow = max(0, 3 - minute) + (2 if minute in range(48, 54) else 0)
            share = Decimal(minute * 10 - slow) / 770
            self.observe(
                key,
                "charging",
                after=60 * every,
                charging_started_at=begun,
                connector_status="Charging",
                energy_kwh=(whole * share).quantize(Decimal("0.001")),
                cost_minor=35 + int((cost - 35) * share),
            )
        self.clock.advance(3)
        return key

    def ended(self, key: str, status: str, after: float = 5, **seen: Any) -> None:
        """The end, with its receipt as the engine issues it."""
        self.observe(key, status, after, **seen)
        self.receipt(key)

    def captured(self, client: FlaskClient, status: str = "captured", **seen: Any) -> str:
        return self.capture(self.charging(client, "18.60", 946), status, **seen)

    def capture(self, key: str, status: str = "captured", **seen: Any) -> str:
        """The end of a charge of 18.60 kWh and 9.46 euros, with its last meter reading."""
        done = self.now + timedelta(seconds=5)
        figures: dict[str, Any] = {
            "energy_kwh": Decimal("18.62"),
            "cost_minor": 947,
            "captured_minor": 947,
            "tax_minor": 151,
            "completed_at": done - timedelta(seconds=45),
            "captured_at": done,
        }
        self.ended(key, status, **{**figures, **seen})
        return key

    def back(self, key: str) -> None:
        """The hold was given back, and the payment provider says so."""
        self.proven(key, "canceled")
        self.receipt(key)

    def damage(self) -> None:
        """No session's row can be read any more, until `clear`."""
        self.write_energy("much")
        self._damaged = True

    def write_energy(self, text: str) -> None:
        """Into the rows of all sessions, whatever it is."""
        with self.store._database.write() as connection:
            connection.exec_driver_sql("UPDATE sessions SET energy_kwh = ? WHERE energy_kwh IS NOT NULL", (text,))

    def clear(self) -> None:
        """Every session gives its bay free, so that the next state can be shown."""
        if self._damaged:
            self.write_energy("13.9")
            self._damaged = False
        for session in self.store.sessions_to_watch():
            self.observe(session.key, "written_off", captured_minor=0)
        for key in self.store.queue():
            self.store.withdraw_start(key, self.now)
        self.bell.up = True
        self.store.note_card_problem(CODE, None, self.now)

    @contextmanager
    def broken(self) -> Iterator[None]:
        """The store cannot be read: what every page then answers is a fault of ours."""
        parts: Parts = self.app.extensions["kiosk"]
        self.app.extensions["kiosk"] = replace(parts, store=cast("Store", None))
        try:
            yield
        finally:
            self.app.extensions["kiosk"] = parts

    # --- words of the engine

    def refuse(self, client: FlaskClient, refusal: Refusal, **more: Any) -> str:
        key = self.start(client)
        self.store.start_refused(self.claim(key), refusal, self.now, **more)
        return key

    def ask(self, key: str, kind: Kind) -> int:
        return self.store.ask(key, kind, AskedBy.DRIVER, self.now).id


Show = Callable[[Stage, FlaskClient], str]
"""Puts the stage into a state and gives the path of its page."""
