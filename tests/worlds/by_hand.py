"""Pages without an engine: the test itself says what the back office, the charger and the bank did.

A real kiosk, a real store and a clock that stands still. `bell` stands where the engine would be, so nothing happens
between two lines of a test that the test does not do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

from flask import Flask
from flask.testing import FlaskClient

from kiosk.app import create_app, stop
from kiosk.clock import ManualClock
from kiosk.config.settings import Settings, build_settings
from kiosk.config.sites import SiteBook
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import HoldProof, Observation, PaymentContext, Session
from kiosk.domain.tariff import Tariff
from kiosk.engine.receipts import document_of
from kiosk.service.parts import Parts
from kiosk.store import Store
from tests.worlds.once import migrated_database

CODE = "7MK4T"
NEAR = "9QX6B"
TARIFF = Tariff("EUR", 49, 35)
HOLD = 3000
"""Minor units that a start holds."""


@dataclass
class Bell:
    """Stands where the engine would be: `act` is what it would do when a wish wakes it."""

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


class Browser(FlaskClient):
    """Sends a form once more where it is told to, as browsers do by themselves."""

    def open(self, *args: Any, **more: Any) -> Any:
        answer = super().open(*args, **more)
        if answer.status_code != HTTPStatus.TEMPORARY_REDIRECT or not isinstance(args[0], str):
            return answer
        return super().open(answer.headers["Location"], *args[1:], **more)


class ByHand:
    """A kiosk over the database in `folder`, and the hands of the world outside. More settings by field name.

    A second one in the same folder, with the clock of the first, is the kiosk after its process was started anew.
    """

    charger_name: ClassVar[str] = "Lindenau 2"
    source: ClassVar[str] = "test"
    """Which read the observations are said to come from."""

    def __init__(self, folder: Path, book: SiteBook, clock: ManualClock, **more: Any) -> None:
        self.folder = folder
        self.clock = clock
        self.book = book
        self.settings: Settings = build_settings(
            database_url=more.pop("database_url", None) or migrated_database(folder / "kiosk.db"),
            public_url="https://lindenau.example",
            plugchoice_url="http://127.0.0.1:9/api/v3",
            **more,
        )
        self.app: Flask = create_app(self.settings, site=book, clock=clock)
        self.app.test_client_class = Browser
        self.bell = Bell()
        parts: Parts = self.app.extensions["kiosk"]
        parts.news.on_wish(self.bell.wake)
        self.app.extensions["kiosk"] = replace(parts, engine=self.bell, patience=0.0)
        self.store: Store = parts.store

    def close(self) -> None:
        stop(self.app)

    def set(self, **settings: Any) -> None:
        """Settings of this kiosk from now on, by field name, without a look at whether they fit together."""
        parts: Parts = self.app.extensions["kiosk"]
        self.settings = parts.settings.model_copy(update=settings)
        self.app.extensions["kiosk"] = replace(parts, settings=self.settings)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # --- browsers

    def browser(self) -> FlaskClient:
        """One of its own, with its own cookies, that says where its requests come from as browsers do."""
        client = self.app.test_client()
        client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
        return client

    def start(self, phone: FlaskClient, connector: int = 2, code: str = CODE, **form: str) -> str:
        """Start from the landing page; the session's key. Nothing was sent yet."""
        answer = phone.post(f"/c/{code}/start", data={"connector": str(connector), **form})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        address = str(answer.headers["Location"])
        assert address.startswith("/s/")
        return address.removeprefix("/s/")

    # --- what the engine would store

    def card(self, *statuses: str, code: str = CODE, **changes: Any) -> ChargerCard:
        """The charger's card, as after a read of now."""
        connectors = tuple(
            Connector(number, status, "IEC 62196", "Socket", "AC_3_PHASE")
            for number, status in enumerate(statuses or ("Charging", "Preparing"), start=1)
        )
        card = ChargerCard(code, self.charger_name, True, connectors, TARIFF, HOLD, self.now)
        return self.store.save_card(replace(card, **changes))

    def claim(self, key: str) -> int:
        """The start was sent: its command. Nothing is changed when it was sent before."""
        (command,) = [each for each in self.store.commands(key) if each.kind is Kind.START]
        if command.state is CommandState.WAITING:
            assert self.store.claim(command.id, self.now)
        return command.id

    def made(self, key: str, payment: PaymentContext, **seen: Any) -> Session:
        """The back office made the session, to be paid with `payment`."""
        command = self.claim(key)
        observation = self.observation("created", payment=payment, created_at=self.now, **seen)
        session, _ = self.store.start_done(command, f"token-{key}", observation, self.now)
        return session

    def observation(self, status: str | None, **seen: Any) -> Observation:
        usual = {"charger_online": True, "tariff": TARIFF, "charger_name": self.charger_name}
        return Observation(asked_at=self.now, seen_at=self.now, status=status, **{**usual, **seen})

    def observe(self, key: str, status: str | None, after: float = 1, **seen: Any) -> Session:
        """One reading of the back office, `after` seconds later."""
        self.clock.advance(after)
        return self.store.observe(key, self.observation(status, **seen), source=self.source)[0]

    def prove(self, key: str, status: str, *, capturable: int = 0, received: int = 0) -> Session:
        """The payment provider's own word about the hold and its card."""
        ended = self.now if status == "canceled" else None
        return self.store.set_proof(key, HoldProof(self.now, status, capturable, received, ended, "visa", "4242"))

    def receipt(self, key: str) -> None:
        """Issued as the engine issues it, when the session is one that gets a receipt."""
        session = self.store.session(key)
        assert session is not None
        receipt = receipt_of(session)
        if receipt is not None:
            seller = self.book.seller(session.code, session.connector_id)
            self.store.issue_receipt(key, {"seller": seller, **document_of(session, receipt)}, self.now)
