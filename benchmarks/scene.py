"""A kiosk of its own in a folder, with sessions in the states that the benchmarks look at. No engine, no outside call.

States come into the store by the same calls as in production; only the back office's answers are made up.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from kiosk.app import create_app, running, stop
from kiosk.clock import Clock
from kiosk.config.settings import STRIPE_JS_URL, build_settings
from kiosk.config.sites import load_site
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import Observation, PaymentContext, Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.engine.receipts import document_of
from kiosk.service.parts import Parts

HOME = Path(__file__).parent.parent
CODE = "7MK4T"
TARIFF = Tariff("EUR", 49, 35)
HOLD = 5000
PUBLIC = "https://charge.example"
PAYMENT = PaymentContext("pi_3Bench_secret_0123456789abcdefghijklmn", "pk_test_bench", "acct_bench")
_SECRET = "only-for-benchmarks-" + "b" * 32
_UPSTREAM = "http://127.0.0.1:9/api/v3"
_EXAMPLE = HOME / "docs" / "kiosk.example.toml"


class Scene:
    """`folder` holds the database; a server with `environment` works on the same one. `stripe_js` is where pages load
    the payment provider's script from, and `payment` what it is given.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        public: str = PUBLIC,
        stripe_js: str = STRIPE_JS_URL,
        payment: PaymentContext = PAYMENT,
    ) -> None:
        self.clock = clock
        self._payment = payment
        self.settings = build_settings(
            secret_key=_SECRET,
            data_dir=folder,
            public_url=public,
            plugchoice_url=_UPSTREAM,
            config=_EXAMPLE,
            stripe_js_url=stripe_js,
        )
        self.environment = {
            "KIOSK_SECRET_KEY": _SECRET,
            "KIOSK_DATA_DIR": str(folder),
            "KIOSK_PUBLIC_URL": public,
            "KIOSK_PLUGCHOICE_URL": _UPSTREAM,
            "KIOSK_CONFIG": str(_EXAMPLE),
            "KIOSK_STRIPE_JS_URL": stripe_js,
        }
        self.site = load_site(_EXAMPLE)
        self.app = create_app(self.settings, site=self.site, clock=clock)
        parts: Parts = self.app.extensions["kiosk"]
        self.app.extensions["kiosk"] = replace(parts, patience=0.0)  # there is no engine to wait for
        self.store = running(self.app).store

    def close(self) -> None:
        stop(self.app)

    def phone(self) -> FlaskClient:
        client = self.app.test_client()
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client

    def card(self) -> None:
        """The charger as read just now: one bay free, the other plugged in."""
        connectors = tuple(
            Connector(number, status, "IEC 62196", "Socket", "AC_3_PHASE")
            for number, status in enumerate(("Available", "Preparing"), start=1)
        )
        self.store.save_card(ChargerCard(CODE, "Charger 2", True, connectors, TARIFF, HOLD, self.clock.now()))

    def started(self, phone: FlaskClient) -> str:
        """The key of a session that this phone owns and can pay."""
        self.card()
        answer = phone.post(f"/c/{CODE}/start", data={"connector": "1"})
        if answer.status_code == 307:  # a new browser is given its cookie first
            answer = phone.post(answer.headers["Location"], data={"connector": "1"})
        if answer.status_code != 303:
            raise RuntimeError(f"the start was answered with {answer.status_code}")
        key = answer.headers["Location"].rpartition("/")[2]
        self._answer_start(key)
        return key

    def of_nobody(self, code: str, connector_id: int) -> str:
        """The key of a charging session that was not started by a browser of ours."""
        now = self.clock.now()
        session = Session(
            key=secrets.token_urlsafe(16),
            code=code,
            connector_id=connector_id,
            phase=Phase.QUEUED,
            requested_at=now,
            tariff=TARIFF,
            hold_minor=HOLD,
        )
        self.store.create(session, device=secrets.token_urlsafe(16), now=now)
        self._answer_start(session.key)
        self.charge(session.key, Decimal("4.2"))
        return session.key

    def charge(self, key: str, energy: Decimal) -> Session:
        cost = TARIFF.example(energy).minor
        now = self.clock.now()
        return self._observe(key, "charging", energy_kwh=energy, cost_minor=cost, charging_started_at=now)

    def capture(self, key: str, energy: Decimal) -> None:
        """The end, with its receipt as the engine writes it."""
        cost, now = TARIFF.example(energy).minor, self.clock.now()
        session = self._observe(
            key,
            "captured",
            energy_kwh=energy,
            cost_minor=cost,
            captured_minor=cost,
            tax_minor=cost * 19 // 119,
            completed_at=now - timedelta(seconds=30),
            captured_at=now,
        )
        receipt = receipt_of(session)
        if receipt is None:
            raise RuntimeError("a captured session has no receipt")
        seller = self.site.seller(session.code, session.connector_id)
        self.store.issue_receipt(key, {"seller": seller, **document_of(session, receipt)}, now)

    def _answer_start(self, key: str) -> None:
        now = self.clock.now()
        (command,) = self.store.commands(key)
        if not self.store.claim(command.id, now):
            raise RuntimeError("another engine took the start")
        self.store.start_done(
            command.id, f"token-{key}", self._seen("created", payment=self._payment, created_at=now), now
        )

    def _observe(self, key: str, status: str, **seen: Any) -> Session:
        now = self.clock.now()
        more = {"authorized_minor": HOLD, "authorized_at": now - timedelta(minutes=1), **seen}
        session, _ = self.store.observe(key, self._seen(status, **more), source="read")
        return session

    def _seen(self, status: str, **seen: Any) -> Observation:
        now = self.clock.now()
        plain = Observation(now, now, status, charger_name="Charger 2", charger_online=True, tariff=TARIFF)
        return replace(plain, connector_status="Charging" if status == "charging" else None, **seen)
