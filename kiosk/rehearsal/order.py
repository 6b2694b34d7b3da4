"""An order for a rehearsal: what the command line asks for, what is refused, and the parts that play it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kiosk.clock import Clock, SystemClock
from kiosk.config.logs import session_mark
from kiosk.config.settings import Settings, SettingsError
from kiosk.outside import NETWORK, Outside, Transports, connect
from kiosk.rehearsal.faults import FAULTS
from kiosk.rehearsal.lab import Lab
from kiosk.rehearsal.play import PATIENCE, Cast, Plan, Player
from kiosk.rehearsal.report import closing_lines, opening, step_lines
from kiosk.rehearsal.rides import KioskRide, OwnRide
from kiosk.rehearsal.script import Script
from kiosk.rehearsal.steps import PAID, UNPAID, Outcome, Report
from kiosk.rehearsal.waiting import budgets
from kiosk.store import Cipher, Store
from kiosk.upstream.ocpplab.commands import NewCharger

if TYPE_CHECKING:
    from kiosk.rehearsal.stage import SandboxStage

INVITATION = "Now in a browser, within {minutes} min: open {address}, and pay. The rehearsal goes on by itself."
TAKE_OVER = "/t/"
"""Where the kiosk's pages take a one-use code."""
REAL_MONEY = "This is real money: it is held, captured and not given back by itself."


@dataclass(frozen=True, slots=True)
class Order:
    """As typed. `charger` is its identity or id at OCPPLAB (default: the code); `create` is `brand/model`."""

    code: str | None = None
    connector_id: int = 1
    charger: str | None = None
    create: str | None = None
    connector_type: str = "Type2"
    ws_url: str | None = field(default=None, repr=False)
    keep: bool = False
    unpaid: bool = False
    sandbox: bool = False
    fault: str | None = None


Say = Callable[[str], None]


def check(order: Order) -> None:
    """Raises SettingsError for what does not go together."""
    if order.fault is not None and not order.sandbox:
        raise SettingsError("--fault is for --sandbox only: nothing is broken on purpose in a real set-up.")
    if order.fault is not None and FAULTS[order.fault].breaks not in (UNPAID if order.unpaid else PAID):
        advice = "leave out --unpaid" if order.unpaid else "add --unpaid"
        raise SettingsError(f"The fault {order.fault} cannot happen in this rehearsal: {advice}.")
    if order.code is None and not order.sandbox:
        raise SettingsError("--code is missing: give the public code of the charger, as on its sticker.")
    if order.create is not None:
        brand, slash, model = order.create.partition("/")
        if not (brand and slash and model):
            raise SettingsError("--create wants a brand and a model of OCPPLAB's catalogue, such as abb/terra-184.")
        if order.ws_url is None and not order.sandbox:
            raise SettingsError("--create needs --ws-url: the address where the virtual charger connects to.")


def rehearse_sandbox(order: Order, *, say: Say, stage: SandboxStage | None = None) -> Report:
    """In a world of its own, within a moment. `stage` is the seam for tests."""
    from kiosk.rehearsal.stage import EXAMPLE, OTHER_CHARGER, USUAL_CODE, SandboxStage

    stage = stage or SandboxStage(order.fault)
    new = _new_charger(order, (order.code or EXAMPLE.identity).upper(), EXAMPLE.ws_url)
    identity = order.charger or order.code or USUAL_CODE
    if order.fault == "provisioning-fails":
        new = new or EXAMPLE
    if order.fault == "wrong-charger":
        identity = OTHER_CHARGER
    if new is not None:
        identity = new.identity
    code = (order.code or (new.identity if new is not None else USUAL_CODE)).upper()
    stage.set_place(code, order.connector_id)
    outside = connect(stage.settings, stage.clock, budgets(), stage.transports)
    ride = OwnRide(outside.public, stage.clock, code, order.connector_id)

    def pay() -> None:
        stage.pay(ride)
        ride.confirm()

    cast = Cast(
        clock=stage.clock,
        public=outside.public,
        ride=ride,
        lab=_lab(outside, stage.clock, identity, order, new),
        pay=pay,
        before=stage.before,
        secrets=(stage.lab_token,),
    )
    return _play(
        Plan(code, order.connector_id, "the sandbox", order.unpaid, order.keep), cast, say, outside, stage.take_back
    )


def rehearse_real(
    order: Order,
    settings: Settings,
    *,
    say: Say,
    invite: Say,
    clock: Clock | None = None,
    transports: Transports = NETWORK,
) -> Report:
    """Against what is configured. Unpaid, the rehearsal starts and cancels by itself; paid, it starts in the kiosk, a
    person takes over and pays there, and the rehearsal follows the kiosk's own store."""
    clock = clock or SystemClock()
    code = (order.code or "").upper()
    if settings.ocpplab_url is None and (order.create is not None or not order.unpaid):
        raise SettingsError("KIOSK_OCPPLAB_URL and KIOSK_OCPPLAB_TOKEN are missing: set both, or rehearse --unpaid.")
    new = _new_charger(order, order.charger or code, order.ws_url or "")
    store = _kiosk_store(settings, needed=not order.unpaid)
    outside = connect(settings, clock, budgets(), transports)
    ride: OwnRide | KioskRide = (
        OwnRide(outside.public, clock, code, order.connector_id)
        if order.unpaid or store is None
        else KioskRide(store, clock, code, order.connector_id, PATIENCE)
    )

    def ask_person() -> None:
        if isinstance(ride, KioskRide):
            address = f"{settings.public_url}{TAKE_OVER}{ride.code}"
            invite(INVITATION.format(address=address, minutes=PATIENCE // timedelta(minutes=1)))
        if settings.live_money:
            invite(REAL_MONEY)

    def keeper() -> str | None:
        found = store.session_at(code, order.connector_id) if store is not None else None
        return session_mark(found.key) if found is not None else None

    token = settings.ocpplab_token
    cast = Cast(
        clock=clock,
        public=outside.public,
        ride=ride,
        lab=_lab(outside, clock, order.charger or code, order, new),
        keeper=keeper,
        pay=ask_person,
        secrets=tuple(filter(None, (token.get_secret_value() if token is not None else None, order.ws_url))),
    )
    try:
        plan = Plan(code, order.connector_id, urlsplit(settings.plugchoice_url).netloc, order.unpaid, order.keep)
        return _play(plan, cast, say, outside)
    finally:
        if store is not None:
            store.close()


def _play(plan: Plan, cast: Cast, say: Say, outside: Outside, take_back: Callable[[], None] = lambda: None) -> Report:
    """`take_back` undoes what was made to go wrong on purpose; after the clean-up, which has to cope with it."""

    def after(outcome: Outcome) -> None:
        for line in step_lines(outcome):
            say(line)

    script = Script(plan, cast)
    try:
        say(opening(plan.code, plan.connector_id, plan.against, cast.clock.now()))
        report = Player(plan, cast, script.play, script.tidy, after).run()
    finally:
        take_back()
        outside.close()
    for line in closing_lines(report):
        say(line)
    return report


def _new_charger(order: Order, identity: str, ws_url: str) -> NewCharger | None:
    if order.create is None:
        return None
    brand, _, model = order.create.partition("/")
    return NewCharger(identity, brand, model, order.connector_type, order.ws_url or ws_url)


def _lab(outside: Outside, clock: Clock, identity: str, order: Order, new: NewCharger | None) -> Lab | None:
    if outside.lab is None:
        return None
    return Lab(outside.lab, clock, identity, order.connector_id, new)


def _kiosk_store(settings: Settings, *, needed: bool) -> Store | None:
    """The running kiosk's store; it is only followed here, so it is not made. None where there is none."""
    file = settings.database_file
    if not needed and not (settings.secret_keys and (file is None or file.exists())):
        return None
    store = Store(settings.database_url, Cipher(settings.secret_keys))
    if not store.healthy():
        store.close()
        if not needed:
            return None
        raise SettingsError(
            "A paid rehearsal follows the kiosk's own database, which is not there: run it where the kiosk runs, "
            "or use --unpaid."
        )
    return store
