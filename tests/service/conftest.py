"""The parts that service functions take, over a real store: no Flask, no engine, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kiosk.clock import ManualClock
from kiosk.config.settings import build_settings
from kiosk.config.sites import SiteBook
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.session import Observation, PaymentContext, Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.news.local import LocalNews
from kiosk.service.parts import Parts
from kiosk.service.power_kept import Powers
from kiosk.store import Store
from tests.worlds.once import migrated_store

KEY = "a-secret-key-that-is-long-enough-for-tests"
CODE = "7MK4T"
NEAR = "9QX6B"
FAR = "4WD8N"
TARIFF = Tariff("EUR", 49, 35)
HOLD = 3000

BOOK = {
    "sites": [
        {
            "id": "marktplatz",
            "name": "Marktplatz garage",
            "timezone": "Europe/Berlin",
            "chargers": [
                {"code": CODE, "bays": {1: {"label": "3"}, 2: {"label": "4"}}},
                {"code": NEAR, "bays": {1: {"label": "7"}}},
                {"code": FAR, "bays": {1: {"label": "9"}}},
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

    def unwell(self) -> list[str]:
        return []

    def alive(self) -> bool:
        return self.up

    def duties(self) -> list[dict[str, object]]:
        return []


@dataclass
class Desk:
    """Everything that a service function is given, and the hands of the world outside."""

    parts: Parts
    clock: ManualClock
    bell: Bell

    @property
    def store(self) -> Store:
        return self.parts.store

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def patient(self) -> Parts:
        """The same parts, with waits as long as in production."""
        return replace(self.parts, patience=1.0)

    def card(self, *statuses: str | None, code: str = CODE, **changes: Any) -> ChargerCard:
        """Store the charger's card as the engine would after a read of now."""
        words = statuses or ("Charging", "Preparing")
        connectors = tuple(Connector(number, status) for number, status in enumerate(words, start=1))
        card = ChargerCard(code, "Lindenau 2", True, connectors, TARIFF, HOLD, self.now)
        return self.store.save_card(replace(card, **changes))

    def start_answer(self, key: str) -> Session:
        """The back office made the session; its payment can be shown."""
        (command,) = [one for one in self.store.commands(key) if one.kind.value == "start"]
        assert self.store.claim(command.id, self.now)
        payment = PaymentContext("pi_3Kiosk_secret_abcdef", "pk_test_kiosk", "acct_kiosk")
        seen = self.observation("created", payment=payment, created_at=self.now)
        session, _ = self.store.start_done(command.id, f"token-{key}", seen, self.now)
        return session

    def observation(self, status: str | None, **seen: Any) -> Observation:
        return Observation(
            asked_at=self.now, seen_at=self.now, status=status, **{"charger_online": True, "tariff": TARIFF, **seen}
        )

    def observe(self, key: str, status: str | None, **seen: Any) -> Session:
        """One reading of the back office, a second after the last one."""
        self.clock.advance(1)
        return self.store.observe(key, self.observation(status, **seen), source="test")[0]

    def queued(self, connector_id: int = 2, *, code: str = CODE, device: str = "phone", key: str = "") -> str:
        """A session whose start waits; its key."""
        key = key or f"key-{code}-{connector_id}"
        session = Session(key, code, connector_id, Phase.QUEUED, self.now, tariff=TARIFF, hold_minor=HOLD)
        self.store.create(session, device=device, now=self.now)
        return key


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = build_settings(
        secret_key=KEY,
        data_dir=tmp_path,
        public_url="https://lindenau.example",
        plugchoice_url="http://127.0.0.1:9/api/v3",
    )
    store = migrated_store(tmp_path / "kiosk.db", KEY)
    clock, bell = ManualClock(), Bell()
    book = SiteBook.model_validate(BOOK)
    news = LocalNews()
    news.on_wish(bell.wake)
    powers = Powers(store, news, clock)
    yield Desk(Parts(settings, book, clock, store, news, bell, powers, patience=0.0), clock, bell)
    store.close()
