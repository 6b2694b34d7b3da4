"""A kiosk with a real store and a clock that stands still, and no engine: tests put sessions into states themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kiosk.app import create_app, stop
from kiosk.clock import ManualClock
from kiosk.config.settings import Settings, build_settings
from kiosk.config.sites import SiteBook
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.session import HoldProof, Observation, PaymentContext, Session
from kiosk.domain.tariff import Tariff
from kiosk.service.parts import Parts
from kiosk.store import Store
from tests.worlds.once import migrated_database, static_files

KEY = "a-secret-key-that-is-long-enough-for-tests"
CODE = "7MK4T"
NEAR = "9QX6B"
TARIFF = Tariff("EUR", 49, 35)
HOLD = 3000
SECRET = "pi_3Kiosk_secret_abcdef"
PAYMENT = PaymentContext(SECRET, "pk_test_kiosk", "acct_kiosk")

BOOK = {
    "operator": {
        "name": "Lindenau Energie",
        "legal_name": "Stadtwerke Lindenau GmbH",
        "address": "Uferstraße 4, 04229 Lindenau",
        "vat_number": "DE 123 456 789",
        "vat_percent": 19,
        "helpline": {"text": "0800 555 0142", "tel": "+498005550142"},
        "helpline_free": True,
    },
    "sites": [
        {
            "id": "marktplatz",
            "name": "Marktplatz garage",
            "timezone": "Europe/Berlin",
            "chargers": [
                {
                    "code": CODE,
                    "label": "Charger 2",
                    "place": "level -1",
                    "max_kw": 22,
                    "bays": {
                        1: {"label": "3", "side": "left", "connector": "type2"},
                        2: {"label": "4", "side": "right", "connector": "type2", "point_id": "DE*LND*E000204"},
                    },
                },
                {
                    "code": NEAR,
                    "label": "Charger 4",
                    "place": "20 m away",
                    "bays": {1: {"label": "7", "connector": "type2", "max_kw": 22}},
                },
            ],
        }
    ],
}


@dataclass
class Bell:
    """Stands in for the engine: `act` is what the engine would do when a wish wakes it."""

    act: Callable[[], object] | None = None
    rings: int = 0
    up: bool = True

    def wake(self) -> None:
        self.rings += 1
        if self.act is not None:
            self.act()

    def alive(self) -> bool:
        return self.up


@dataclass
class Kiosk:
    """The kiosk under test, and the hands of the world outside."""

    app: Flask
    clock: ManualClock
    store: Store
    bell: Bell
    book: SiteBook
    settings: Settings
    drivers: list[FlaskClient] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def phone(self) -> FlaskClient:
        """A browser of its own, that says where its requests come from as browsers do."""
        client = self.app.test_client()
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client

    def card(self, *statuses: str, code: str = CODE, **changes: Any) -> ChargerCard:
        """Store the charger's card as the engine would after a read of now."""
        connectors = tuple(
            Connector(number, status, "IEC 62196", "Socket", "AC_3_PHASE")
            for number, status in enumerate(statuses or ("Charging", "Preparing"), start=1)
        )
        card = ChargerCard(code, "Lindenau 2", True, connectors, TARIFF, HOLD, self.now)
        return self.store.save_card(replace(card, **changes))

    def start(self, phone: FlaskClient, connector: int = 2, code: str = CODE, **form: str) -> str:
        """Start from the landing page; the session's key. The engine has not looked yet."""
        answer = phone.post(f"/c/{code}/start", data={"connector": str(connector), **form})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        address = str(answer.headers["Location"])
        assert address.startswith("/s/")
        return address.removeprefix("/s/")

    def start_answer(self, key: str, **seen: Any) -> Session:
        """The back office made the session."""
        (command,) = [c for c in self.store.commands(key) if c.kind.value == "start"]
        if command.state.value == "waiting":
            assert self.store.claim(command.id, self.now)
        observation = self.observation("created", payment=PAYMENT, created_at=self.now, **seen)
        return self.store.start_done(command.id, f"token-{key}", observation, self.now)

    def observation(self, status: str | None, **seen: Any) -> Observation:
        return Observation(
            asked_at=self.now,
            seen_at=self.now,
            status=status,
            **{"charger_online": True, "tariff": TARIFF, "charger_name": "Lindenau 2", **seen},
        )

    def observe(self, key: str, status: str | None, **seen: Any) -> Session:
        """One reading of the back office, a second after the last one."""
        self.clock.advance(1)
        session, _ = self.store.observe(key, self.observation(status, **seen), source="test")
        return session

    def held(self, phone: FlaskClient, limit: str = "") -> str:
        """A session whose hold was just placed."""
        self.card()
        key = self.start(phone, limit=limit)
        self.start_answer(key)
        self.observe(key, "authorized", authorized_minor=HOLD, authorized_at=self.now)
        return key

    def charging(
        self, phone: FlaskClient, energy: str = "13.90", cost: int = 716, steps: int = 6, limit: str = ""
    ) -> str:
        """A session that has charged for a while, with a curve."""
        key = self.held(phone, limit)
        started = self.observe(key, "starting", authorized_minor=HOLD).authorized_at
        begun = (started or self.now) + timedelta(seconds=29)
        whole = Decimal(energy)
        for part in range(1, steps + 1):
            self.clock.advance(4560 // steps)
            self.observe(
                key,
                "charging",
                authorized_minor=HOLD,
                charging_started_at=begun,
                connector_status="Charging",
                energy_kwh=(whole * part / steps).quantize(Decimal("0.001")),
                cost_minor=cost * part // steps,
            )
        return key

    def ended(self, key: str, status: str, **seen: Any) -> Session:
        """The end, with its receipt as the engine issues it."""
        from kiosk.domain.receipt import receipt_of
        from kiosk.engine.receipts import document_of

        session = self.observe(key, status, authorized_minor=seen.pop("authorized_minor", HOLD), **seen)
        receipt = receipt_of(session)
        if receipt is not None:
            seller = self.book.seller(session.code, session.connector_id)
            self.store.issue_receipt(key, {"seller": seller, **document_of(session, receipt)}, self.now)
        return session

    def captured(self, key: str, *, energy: str = "18.62", minor: int = 947, **seen: Any) -> Session:
        self.clock.advance(5)
        return self.ended(
            key,
            "captured",
            energy_kwh=Decimal(energy),
            cost_minor=minor,
            captured_minor=minor,
            tax_minor=151,
            completed_at=self.now - timedelta(seconds=45),
            captured_at=self.now,
            **seen,
        )

    def proven(self, key: str, *, status: str = "succeeded", received: int = 0) -> Session:
        """The payment provider's own word that the hold has ended."""
        proof = HoldProof(self.now, status, 0, received, self.now if status == "canceled" else None, "visa", "4242")
        return self.store.set_proof(key, proof)


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    settings = build_settings(
        secret_key=KEY,
        data_dir=static_files(),
        database_url=migrated_database(tmp_path / "kiosk.db"),
        public_url="https://lindenau.example",
        plugchoice_url="http://127.0.0.1:9/api/v3",
    )
    clock = ManualClock()
    book = SiteBook.model_validate(BOOK)
    app = create_app(settings, site=book, clock=clock)
    app.testing = True
    parts: Parts = app.extensions["kiosk"]
    bell = Bell()
    parts.live.on_wish(bell.wake)
    app.extensions["kiosk"] = replace(parts, engine=bell, patience=0.0)
    yield Kiosk(app, clock, parts.store, bell, book, settings)
    stop(app)


@pytest.fixture
def phone(kiosk: Kiosk) -> FlaskClient:
    return kiosk.phone()
