"""A kiosk whose clock stands still and whose sessions are put into states by hand: every screen, quickly and always
the same. Prices, times and figures are those of one made-up afternoon at bay 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import httpx
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext

from kiosk.app import create_app, stop
from kiosk.clock import ManualClock
from kiosk.config.settings import build_settings
from kiosk.config.sites import load_site
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.commands import AskedBy, Kind, Refusal
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import HoldProof, Observation, PaymentContext, Session
from kiosk.domain.tariff import Tariff
from kiosk.engine.receipts import document_of
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.service.parts import Parts
from kiosk.store import Store
from tests.browser.garage import CODE, EXAMPLE, NEAR, SECRET_KEY, Edge, served, whole_files

TARIFF = Tariff("EUR", 49, 35)
HOLD = 3000
SCANNED = datetime(2026, 11, 20, 13, 2, 30, tzinfo=UTC)
"""14:02:30 at the charger."""


@dataclass
class Bell:
    """Stands in for the engine: nothing happens by itself."""

    up: bool = True

    def wake(self) -> None:
        pass

    def alive(self) -> bool:
        return self.up


class Stage:
    """One kiosk with a clean store. `readings` is how many a charge has had; 77 draw a fine curve and a power."""

    def __init__(self, folder: Path, assets: Path, *, readings: int = 7) -> None:
        self.readings = readings
        self._closers = ExitStack()
        self.clock = ManualClock(SCANNED)
        self.book = StripeBook(self.clock)
        self.site = load_site(EXAMPLE)
        settings = build_settings(
            secret_key=SECRET_KEY,
            data_dir=assets,
            database_url=f"sqlite:///{folder / 'stage.db'}",
            public_url="https://lindenau.example",
            plugchoice_url="http://127.0.0.1:9/api/v3",
            trusted_proxies=1,
        )
        self.app = create_app(settings, site=self.site, clock=self.clock)
        self._closers.callback(stop, self.app)
        self.app.config["PROPAGATE_EXCEPTIONS"] = False
        self.bell = Bell()
        parts: Parts = self.app.extensions["kiosk"]
        self.app.extensions["kiosk"] = replace(parts, engine=self.bell, patience=0.0)
        self.store = parts.store
        server = self._closers.enter_context(served(whole_files(self.app)))
        self.address = f"http://127.0.0.1:{server.server_port}"
        wire = httpx.WSGITransport(app=create_stripe_app(self.book))
        self.edge = Edge(self._closers.enter_context(httpx.Client(transport=wire)), set())
        self._addresses = 0

    def close(self) -> None:
        self._closers.close()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # --- browsers

    def driver(self) -> FlaskClient:
        """The driver's browser as the server sees it; its cookie can be handed to a real one."""
        client = self.app.test_client()
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
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

    def card(self, *statuses: str, code: str = CODE, **changes: Any) -> None:
        """The card as the engine would store it after a look of now."""
        connectors = tuple(
            Connector(number, status, "IEC 62196", "Socket", "AC_3_PHASE")
            for number, status in enumerate(statuses or ("Charging", "Preparing"), start=1)
        )
        card = ChargerCard(code, "Charger 2", True, connectors, TARIFF, HOLD, self.now)
        self.store.save_card(replace(card, **changes))

    def cards(self, *statuses: str, **changes: Any) -> None:
        """The card since a while, so that every state has its time, and a free bay nearby."""
        self.clock.advance(-1180)
        self.card(*statuses, **{name: value for name, value in changes.items() if name != "seen_at"})
        self.clock.advance(1177)
        self.card("Charging", "Available", code=NEAR)
        self.card(*statuses, **changes)
        self.clock.advance(3)

    # --- a session, step by step

    def start(self, client: FlaskClient, connector: int = 2, **form: str) -> str:
        self.cards()
        answer = client.post(f"/c/{CODE}/start", data={"connector": str(connector), **form})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return str(answer.headers["Location"]).removeprefix("/s/")

    def claim(self, key: str) -> int:
        """The start was sent."""
        (command,) = [one for one in self.store.commands(key) if one.kind is Kind.START]
        assert self.store.claim(command.id, self.now)
        return command.id

    def created(self, client: FlaskClient, **form: str) -> str:
        return self.answer_start(self.start(client, 2, **form))

    def answer_start(self, key: str) -> str:
        """The back office made the session."""
        command = self.claim(key)
        intent = self.book.create_intent(account="acct_sandbox", amount=HOLD, currency="eur")
        payment = PaymentContext(intent["client_secret"], "pk_test_sandbox", "acct_sandbox")
        seen = self.observation("created", payment=payment, created_at=self.now)
        self.store.start_done(command, f"token-{key}", seen, self.now)
        return key

    def observation(self, status: str | None, **seen: Any) -> Observation:
        usual = {"charger_online": True, "tariff": TARIFF, "charger_name": "Charger 2", "authorized_minor": HOLD}
        if status in {"created", "expired"}:
            del usual["authorized_minor"]
        return Observation(asked_at=self.now, seen_at=self.now, status=status, **{**usual, **seen})

    def observe(self, key: str, status: str | None, after: float = 1, **seen: Any) -> Session:
        self.clock.advance(after)
        return self.store.observe(key, self.observation(status, **seen), source="stage")[0]

    def held(self, client: FlaskClient, **form: str) -> str:
        return self.hold(self.created(client, **form))

    def hold(self, key: str) -> str:
        """It was paid."""
        self.clock.advance(40)
        self.observe(key, "authorized", authorized_at=self.now)
        return key

    def proven(self, key: str, status: str = "requires_capture", received: int = 0) -> None:
        """The payment provider's own word about the hold and its card."""
        rest = HOLD if status == "requires_capture" else 0
        ended = self.now if status == "canceled" else None
        self.store.set_proof(key, HoldProof(self.now, status, rest, received, ended, "visa", "4242"))

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

    def receipt(self, key: str) -> None:
        session = self.store.session(key)
        assert session is not None
        receipt = receipt_of(session)
        if receipt is not None:
            seller = self.site.seller(session.code, session.connector_id)
            self.store.issue_receipt(key, {"seller": seller, **document_of(session, receipt)}, self.now)

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

    def clear(self) -> None:
        """Every session gives its bay free, so that the next state can be shown."""
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
