"""A small stand-in garage with a clock that stands still, for the tests of the sandbox."""

from __future__ import annotations

from typing import Any

import httpx

from kiosk.clock import ManualClock
from kiosk.sandbox.plugchoice.public import create_plugchoice_app, session_data
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import Faults
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.sessions import Session
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World

AC = "7MK4T"
DC = "DCF4N"
PRICING = Pricing("EUR", price_per_kwh=49, start_fee=35)
VISA = "4242424242424242"
DECLINED = "4000000000000002"


class Garage:
    """An AC charger with two bays and a DC charger, the API in front, and a driver with a card."""

    def __init__(self, switches: Switches | None = None, seed: int = 1) -> None:
        self.clock = ManualClock()
        self.book = StripeBook(self.clock)
        self.world = World(self.clock, self.book, switches, seed)
        bays = (ConnectorSpec(1, "AC_3_PHASE", 22_000), ConnectorSpec(2, "AC_3_PHASE", 22_000))
        self.world.add_charger(ChargerSpec(AC, "Charger 2", bays, PRICING))
        fast = ConnectorSpec(1, "DC", 150_000, format="Cable")
        self.world.add_charger(ChargerSpec(DC, "Fast charger", (fast,), PRICING, preauth_amount=2000))
        self.faults = Faults()
        self.app = create_plugchoice_app(self.world, self.faults)
        self.http = httpx.Client(
            transport=httpx.WSGITransport(self.app), base_url="http://upstream/api/v3/public-charging"
        )

    def wait(self, seconds: float, step: float = 60) -> None:
        """Let time pass in steps, as a world that is looked at does."""
        while seconds > 0:
            self.clock.advance(min(step, seconds))
            self.world.tick()
            seconds -= step

    def begin(self, code: str = AC, connector_id: int = 1) -> str:
        return self.world.open_session(code, connector_id).session.token

    def pay(self, token: str, card: str = VISA) -> None:
        intent_id = self.session(token).intent_id
        self.book.confirm(ACCOUNT, intent_id, card_method(card, 12, 34, "123", self.clock.now()))

    def charging(self, code: str = AC, connector_id: int = 1, car: str = "family", charge_permille: int = 300) -> str:
        """A session that is charging that car."""
        self.world.plug_in(code, connector_id, car, charge_permille)
        token = self.begin(code, connector_id)
        self.pay(token)
        self.world.confirm(token)
        self.until(token, "charging")
        return token

    def session(self, token: str) -> Session:
        return self.world.session(token).session

    def status(self, token: str) -> str:
        return self.session(token).status

    def data(self, token: str) -> dict[str, Any]:
        return session_data(self.world.session(token), self.world.switches)

    def hold(self, token: str) -> str:
        """Stripe's status of the payment behind a session."""
        status: str = self.book.get_intent(ACCOUNT, self.session(token).intent_id)["status"]
        return status

    def connector_status(self, code: str = AC, connector_id: int = 1) -> str:
        charger = self.world.charger(code)
        assert charger is not None
        return next(each.status for each in charger.connectors if each.spec.connector_id == connector_id)

    def until(self, token: str, status: str, within: float = 300) -> None:
        """Let time pass, second by second, until the session has that status."""
        for _ in range(int(within)):
            if self.status(token) == status:
                return
            self.clock.advance(1)
        assert self.status(token) == status
