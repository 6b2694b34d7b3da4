"""A kiosk with a real store and a clock that stands still, and no engine: tests put sessions into states themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import time
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

from kiosk.clock import ManualClock
from kiosk.config.sites import SiteBook
from kiosk.domain.session import PaymentContext, Session
from tests.worlds.by_hand import CODE, HOLD, NEAR, TARIFF, Bell, ByHand
from tests.worlds.once import static_files

__all__ = ["BOOK", "CODE", "HOLD", "KEY", "NEAR", "PAYMENT", "SECRET", "TARIFF", "Bell", "Kiosk"]

KEY = "a-secret-key-that-is-long-enough-for-tests"
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


@pytest.fixture(autouse=True)
def standing_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still for what counts the requests: however slow the machine is, all of them fall into one minute."""
    count_at(monkeypatch, time())


def count_at(monkeypatch: pytest.MonkeyPatch, moment: float) -> None:
    """From now on it is that time for what counts the requests."""
    for module in ("limits.strategies", "limits.storage.memory", "flask_limiter._extension"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(time=lambda: moment))


class Kiosk(ByHand):
    """The kiosk under test: two chargers on one site."""

    def __init__(
        self,
        folder: Path,
        clock: ManualClock | None = None,
        book: SiteBook | None = None,
        secret_key: str = KEY,
        **more: Any,
    ) -> None:
        super().__init__(
            folder,
            book or SiteBook.model_validate(BOOK),
            clock or ManualClock(),
            secret_key=secret_key,
            data_dir=static_files(),
            **more,
        )
        self.app.testing = True

    def phone(self) -> FlaskClient:
        """A browser of its own that asks for pages."""
        client = self.browser()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client

    def start_answer(self, key: str, **seen: Any) -> Session:
        """The back office made the session."""
        return self.made(key, PAYMENT, **seen)

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
        session = self.observe(key, status, authorized_minor=seen.pop("authorized_minor", HOLD), **seen)
        self.receipt(key)
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
        return self.prove(key, status, received=received)


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(tmp_path)
    yield kiosk
    kiosk.close()


@pytest.fixture
def phone(kiosk: Kiosk) -> FlaskClient:
    return kiosk.phone()
