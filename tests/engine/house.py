"""An engine with a whole sandbox behind it, on one clock that stands still: no sockets, no threads, no sleeping."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import httpx

from kiosk.domain.commands import AskedBy, Command, CommandState, Kind
from kiosk.domain.session import HoldProof, Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.engine.context import Context
from kiosk.news.news import session_topic
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import Faults, FaultyTransport
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.switches import Switches
from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.stripe.refunds import StripeRefunds
from tests.worlds.engine import EngineWorld, Gate

CODE = "7MK4T"
SMALL = "SMALL"
"""A charger with a hold of three euros."""
GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
SELLER = {"name": "Stadtwerke Lindenau GmbH", "address": "Uferstraße 4, 04229 Lindenau"}


def phone_of(key: str) -> str:
    """The device that asked for the session with that key."""
    return f"the phone of {key}"


class BookProofs:
    """Reads the sandbox's own book of payments, as the Stripe client reads Stripe."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.fails_with: UpstreamError | None = None
        self.status: str | None = None
        """Said instead of what stands in the book."""
        self.reads = 0
        self.breaks = False

    def proof(self, intent_id: str, account: str) -> HoldProof:
        self.reads += 1
        if self.breaks:
            raise RuntimeError("not even an error of the provider")
        if self.fails_with is not None:
            raise self.fails_with
        intent = self._house.book.get_intent(account, intent_id)
        name = intent["latest_charge"]
        charge = self._house.book.get_charge(account, name) if name else {"captured": False}
        sent_back = None
        if charge["captured"]:
            sent_back = charge["amount_refunded"] - (charge["amount"] - charge["amount_captured"])
        return HoldProof(
            checked_at=self._house.clock.now(),
            intent_status=self.status or intent["status"],
            capturable_minor=intent["amount_capturable"],
            received_minor=intent["amount_received"],
            canceled_at=self._house.clock.now() if intent["status"] == "canceled" else None,
            card_brand="visa",
            card_last4="4242",
            refunded_minor=sent_back,
            amount_minor=intent["amount"],
        )


class House(EngineWorld):
    """A charger with four bays and one with a small hold, and drivers who start, pay, stop and cancel."""

    def __init__(self, folder: Path, switches: Switches | None = None, *, proofs: bool = False) -> None:
        super().__init__(folder, switches or Switches(unpaid_expiry=180, settle=25))
        bays = tuple(ConnectorSpec(number, "AC_3_PHASE", 22_000) for number in range(1, 5))
        self.world.add_charger(ChargerSpec(CODE, "Charger 2", bays, Pricing("EUR", price_per_kwh=49, start_fee=35)))
        small = (ConnectorSpec(1, "AC_3_PHASE", 22_000),)
        self.world.add_charger(ChargerSpec(SMALL, "Charger 3", small, Pricing("EUR", 49, 35), preauth_amount=300))
        self.faults = Faults()
        inner = httpx.WSGITransport(create_plugchoice_app(self.world, self.faults))
        self.transport = Gate(FaultyTransport(inner, self.faults))
        self.proofs: BookProofs | None = BookProofs(self) if proofs else None
        self.refunds: StripeRefunds | None = None
        self.seller_breaks = False
        self.breaks_price_rule: Mapping[str, bool | None] = {}
        self.engine = self.new_engine()

    def made_context(self) -> Context:
        return Context(
            clock=self.kiosk_clock,
            store=self.store,
            news=self.news,
            public=self.public_client("http://upstream/api/v3", self.transport),
            budgets=self.budgets,
            seller=self._seller,
            proofs=self.proofs,
            refunds=self.refunds,
            breaks_price_rule=lambda: self.breaks_price_rule,
        )

    def _seller(self, _session: Session) -> dict[str, str]:
        if self.seller_breaks:
            raise RuntimeError("the operator's facts cannot be read")
        return SELLER

    def watch(self, key: str) -> None:
        """Somebody opens the page of this session and keeps it open."""
        self.open_page(session_topic(key))

    def request(self, connector_id: int = 1, *, code: str = CODE, limit: int | None = None) -> str:
        """A driver with a phone of their own asks for a bay; nothing is sent yet."""
        session = Session(
            key=secrets.token_urlsafe(16),
            code=code,
            connector_id=connector_id,
            phase=Phase.QUEUED,
            requested_at=self.kiosk_clock.now(),
            tariff=Tariff("EUR", 49, 35),
            hold_minor=300 if code == SMALL else 5000,
            limit_minor=limit,
        )
        self.store.create(session, device=phone_of(session.key), now=self.kiosk_clock.now())
        self.engine.wake()
        return session.key

    def until(self, key: str, status: str, seconds: float = 300) -> Session:
        for _ in self.steps(seconds):
            if self.session(key).status == status:
                return self.session(key)
        raise AssertionError(f"never became {status}: {self.session(key).status}")

    def pay(self, key: str, card: str = GOOD_CARD) -> None:
        """What Stripe.js does in the driver's browser."""
        payment = self.store.payment(key)
        assert payment is not None
        assert payment.intent_id is not None
        self.book.confirm(ACCOUNT, payment.intent_id, card_method(card, 12, 34, "123", self.clock.now()))

    def ask(self, key: str, kind: Kind, *, email: str | None = None) -> Command:
        command = self.store.ask(key, kind, AskedBy.DRIVER, self.kiosk_clock.now(), email=email)
        self.engine.wake()
        return command

    def paid(self, connector_id: int = 1, *, code: str = CODE, limit: int | None = None) -> str:
        """A session that was started and paid, and upstream has been told."""
        key = self.request(connector_id, code=code, limit=limit)
        self.until(key, "created")
        self.pay(key)
        self.ask(key, Kind.CONFIRM)
        return key

    def charging(
        self, connector_id: int = 1, *, code: str = CODE, limit: int | None = None, car: str = "family"
    ) -> str:
        self.world.plug_in(code, connector_id, car, 200)
        key = self.paid(connector_id, code=code, limit=limit)
        self.watch(key)
        self.until(key, "charging")
        return key

    def session(self, key: str) -> Session:
        session = self.store.session(key)
        assert session is not None
        return session

    def last(self, key: str, kind: Kind) -> Command:
        return [command for command in self.store.commands(key) if command.kind is kind][-1]

    def states(self, key: str, kind: Kind) -> list[CommandState]:
        return [command.state for command in self.store.commands(key) if command.kind is kind]

    def answered(self, route: str, status: int | None = None) -> int:
        """How many answers the back office gave to such requests; 0 is an answer that was cut."""
        return self.world.traffic.total(route=route, status=status)

    def upstream_sessions(self) -> int:
        return len(self.world.sessions())

    def intent(self, key: str) -> dict[str, object]:
        payment = self.store.payment(key)
        assert payment is not None
        assert payment.intent_id is not None
        return self.book.get_intent(payment.stripe_account_id, payment.intent_id)
