"""The sandbox as the stage of a rehearsal: the demo's site on a clock that jumps, a card that pays, and bad luck.

The one module of this room that imports the sandbox; it is loaded for `--sandbox` only.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import httpx

from kiosk.clock import ManualClock, SystemClock
from kiosk.config.settings import build_settings
from kiosk.outside import Transports
from kiosk.rehearsal.faults import FAULTS
from kiosk.rehearsal.rides import OwnRide
from kiosk.rehearsal.steps import Step, StepFailed
from kiosk.sandbox.ocpplab.fleet import LabSwitches
from kiosk.sandbox.ocpplab.gateway import create_ocpplab_app
from kiosk.sandbox.plugchoice.public import create_plugchoice_app
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import card_method
from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.world.chargers import Pricing
from kiosk.sandbox.world.faults import Faults, FaultyTransport, Kind, Rule
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.scene import FREE, build_scene
from kiosk.sandbox.world.world import World
from kiosk.upstream.ocpplab.commands import NewCharger

HERE = "http://127.0.0.1"
"""Nothing listens there: every call goes into the sandbox, without a socket."""
USUAL_CODE = FREE
OTHER_CHARGER = "6JN3A"
EXAMPLE = NewCharger("REH22", "example", "post-22", "Type2", "wss://office.example/ws")
"""A virtual charger that the stand-in can make; its identity becomes its public code."""
_GOOD_CARD = "4242424242424242"
_DECLINED_CARD = "4000000000000002"


class SandboxStage:
    """A new world for one rehearsal. `fault` is one of `faults.FAULTS`."""

    def __init__(self, fault: str | None = None) -> None:
        self.clock = ManualClock(SystemClock().now())
        self.world = World(self.clock, StripeBook(self.clock))
        build_scene(self.world)
        self.world.auto_plug = False  # the rehearsal plays the driver
        self._fault = fault
        self.faults = Faults()
        self.lab_faults = Faults()
        self._card = _GOOD_CARD
        self.lab_token = secrets.token_urlsafe(32)
        switches = LabSwitches(
            message="null" if fault == "log-unreadable" else "array",
            fails_with="runtime_lost" if fault == "provisioning-fails" else None,
        )
        lab = create_ocpplab_app(self.world, self.lab_token, faults=self.lab_faults, switches=switches)
        office = create_plugchoice_app(self.world, self.faults)
        self.settings = build_settings(
            secret_key=secrets.token_urlsafe(48),
            plugchoice_url=f"{HERE}/api/v3",
            ocpplab_url=HERE,
            ocpplab_token=self.lab_token,
        )
        self.transports = Transports(
            public=FaultyTransport(httpx.WSGITransport(office), self.faults), lab=httpx.WSGITransport(lab)
        )
        self._place = USUAL_CODE, 1
        self._rules: list[Rule] = []
        self._price: Pricing | None = None
        self._injected = False
        self._plugged_meanwhile = False

    def set_place(self, code: str, connector_id: int) -> None:
        """Where the faults are to happen."""
        self._place = code, connector_id

    def pay(self, ride: OwnRide) -> None:
        """What Stripe.js does in a driver's browser."""
        payment = ride.payment
        if payment is None or payment.intent_id is None:
            raise StepFailed("no payment", "the start gave no payment to make")
        try:
            method = card_method(self._card, 12, 99, "123", self.clock.now())
            self.world.book.confirm(ACCOUNT, payment.intent_id, method)
        except StripeProblem as problem:
            raise StepFailed("the card was declined", str(problem.error["message"]).rstrip(".")) from None

    def before(self, step: Step) -> None:
        if self._fault is not None and FAULTS[self._fault].at is step:
            charger = self.world.charger(self.code)
            self._price = charger.pricing if charger is not None else None
            self._injected = True
            HANDS[self._fault](self)

    def take_back(self) -> None:
        """Undo what the fault did, used up or not, so that the next rehearsal finds the world as it was."""
        for rule in self._rules:
            self.faults.drop(rule)
            self.lab_faults.drop(rule)
        self._rules.clear()
        self._card = _GOOD_CARD
        if self._injected and self.world.charger(self.code) is not None:
            self._injected = False
            self.world.set_online(self.code, online=True)
            self.world.forgive(self.code)
            if self._price is not None:
                self.world.set_pricing(self.code, self._price)
            if self._fault in ("bay-broken", "unplug-stuck"):
                self.world.repair_connector(*self.place)
            if self._plugged_meanwhile:
                self.world.unplug(*self.place)
                self._plugged_meanwhile = False

    # --- bad luck

    def answer(self, kind: Kind, endpoint: str, *, times: int | None = None, after_effect: bool = False) -> None:
        rule = Rule(kind, endpoint, times, after_effect=after_effect)
        self._rules.append(rule)
        self.faults.add(rule)

    def silence_lab(self) -> None:
        rule = Rule(Kind.SERVER_ERROR, times=None)
        self._rules.append(rule)
        self.lab_faults.add(rule)

    def plug_meanwhile(self) -> None:
        """A moment later, so that the log has the two states in an order."""
        self.clock.advance(1)
        self.world.plug_in(*self.place)
        self._plugged_meanwhile = True

    def take_bad_card(self) -> None:
        self._card = _DECLINED_CARD

    @property
    def code(self) -> str:
        return self._place[0]

    @property
    def place(self) -> tuple[str, int]:
        return self._place


def _nothing(stage: SandboxStage) -> None:
    """Done when the stage was set."""
    del stage


HANDS: dict[str, Callable[[SandboxStage], None]] = {
    "ocpplab-down": lambda stage: stage.silence_lab(),
    "provisioning-fails": _nothing,
    "charger-offline": lambda stage: stage.world.set_online(stage.code, online=False),
    "bay-broken": lambda stage: stage.world.break_connector(*stage.place),
    "status-differs": lambda stage: stage.plug_meanwhile(),
    "start-lost": lambda stage: stage.answer(Kind.DROPPED, "start", times=1, after_effect=True),
    "price-changes": lambda stage: stage.world.set_pricing(stage.code, Pricing("EUR", 99)),
    "cancel-fails": lambda stage: stage.answer(Kind.SERVER_ERROR, "cancel"),
    "card-declined": lambda stage: stage.take_bad_card(),
    "wrong-charger": _nothing,
    "start-rejected": lambda stage: stage.world.reject_next_start(stage.code),
    "no-energy": lambda stage: stage.world.fill_car(*stage.place),
    "stop-refused": lambda stage: stage.world.refuse_next_stop(stage.code),
    "stop-ignored": lambda stage: stage.world.ignore_next_stop(stage.code),
    "connection-lost": lambda stage: stage.world.set_online(stage.code, online=False),
    "meter-falls": lambda stage: stage.world.turn_meter_back(*stage.place),
    "capture-fails": lambda stage: stage.world.fail_next_capture(stage.code),
    "unplug-stuck": lambda stage: stage.world.break_connector(*stage.place),
    "bill-too-low": lambda stage: stage.answer(Kind.ENERGY_FALLS, "session"),
    "log-unreadable": _nothing,
}
