"""The physical side of the stand-in world: chargers that are plugged, charge, lose their connection and break. It knows
nothing of money; it tells the back office what a real charger would tell it, and only while it has a connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from kiosk.sandbox.world.agenda import Agenda
from kiosk.sandbox.world.cars import Car
from kiosk.sandbox.world.chargers import (
    Charger,
    ChargerSpec,
    ChargerView,
    Connector,
    ConnectorView,
    Pricing,
    Transaction,
)
from kiosk.sandbox.world.fuse_plan import LEAST_A
from kiosk.sandbox.world.load_sharing import Wiring
from kiosk.sandbox.world.switches import Switches

LONGEST_STEP = timedelta(seconds=10)
KEPT_TRANSACTIONS = 1000


class NotPossible(Exception):
    """What was asked cannot be done with this charger now; the text says why."""


class Listener(Protocol):
    """What a charger tells the back office."""

    def transaction_started(self, transaction: Transaction) -> None: ...

    def transaction_sampled(self, transaction: Transaction) -> None: ...

    def transaction_stopped(self, transaction: Transaction) -> None: ...


class Site:
    """Not thread-safe: the world's one lock guards it."""

    def __init__(self, agenda: Agenda, switches: Switches) -> None:
        self._agenda = agenda
        self._switches = switches
        self._chargers: dict[str, Charger] = {}
        self._listener: Listener | None = None
        self._next_transaction = 1
        self._running: dict[int, tuple[Charger, Connector, Transaction]] = {}  # in the order in which they began
        self._wiring: Wiring | None = None
        self.transactions: deque[Transaction] = deque(maxlen=KEPT_TRANSACTIONS)

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    # --- what stands there

    def add(self, spec: ChargerSpec) -> None:
        if spec.code in self._chargers:
            raise ValueError(f"charger {spec.code} exists")
        connectors = {each.connector_id: Connector(each) for each in spec.connectors}
        self._chargers[spec.code] = Charger(
            spec,
            spec.pricing,
            connectors,
            seen_at=self._agenda.now,
            meter_interval=spec.meter_interval,
            anothers=spec.anothers,
        )
        self._wiring = None
        if self._running:
            self._share_out()

    def find(self, code: str) -> Charger | None:
        return self._chargers.get(code.upper())

    def charger(self, code: str) -> Charger:
        found = self.find(code)
        if found is None:
            raise NotPossible(f"there is no charger {code}")
        return found

    def connector(self, code: str, connector_id: int) -> Connector:
        found = self.charger(code).connectors.get(connector_id)
        if found is None:
            raise NotPossible(f"charger {code} has no connector {connector_id}")
        return found

    def views(self) -> Iterator[ChargerView]:
        for charger in self._chargers.values():
            yield self.view(charger)

    def view(self, charger: Charger) -> ChargerView:
        return ChargerView(
            spec=charger.spec,
            pricing=charger.pricing,
            online=charger.online,
            seen_at=self._agenda.now if charger.online else charger.seen_at,
            connectors=tuple(_view(each) for each in charger.connectors.values()),
            status=charger.status,
            blocked=charger.blocked,
            anothers=charger.anothers,
        )

    # --- hands

    def plug_in(self, code: str, connector_id: int, car: Car) -> None:
        charger, connector = self.charger(code), self.connector(code, connector_id)
        if connector.car is not None:
            raise NotPossible("a car is already plugged in")
        if not car.model.fits(connector.spec.supply):
            raise NotPossible("this car has no inlet for this plug")
        connector.car = car
        connector.finished = False
        self._notify(charger, connector)
        self._begin_soon(charger, connector)

    def unplug(self, code: str, connector_id: int) -> None:
        charger, connector = self.charger(code), self.connector(code, connector_id)
        if connector.car is None:
            raise NotPossible("no car is plugged in")
        self._end(charger, connector, "EVDisconnected")
        connector.car = None
        connector.finished = False
        self._notify(charger, connector)

    def stop_at_charger(self, code: str, connector_id: int) -> None:
        charger, connector = self.charger(code), self.connector(code, connector_id)
        if connector.transaction is None:
            raise NotPossible("nothing is charging")
        self._end(charger, connector, "Local")

    def start_with_card(self, code: str, connector_id: int, id_tag: str) -> None:
        """Another driver starts with a charging card: a transaction that no public session belongs to."""
        charger, connector = self.charger(code), self.connector(code, connector_id)
        if connector.status != "Preparing":
            raise NotPossible("the connector is not ready")
        self._begin(charger, connector, None, id_tag)

    def set_online(self, code: str, online: bool) -> None:
        charger = self.charger(code)
        if charger.online == online:
            return
        charger.online = online
        charger.seen_at = self._agenda.now
        self._share_out()
        if not online:
            return
        for connector in charger.connectors.values():
            connector.reported_status = connector.status
        waiting, charger.outbox = charger.outbox, []
        for tell in waiting:
            tell()

    def break_connector(self, code: str, connector_id: int) -> None:
        charger, connector = self.charger(code), self.connector(code, connector_id)
        self._end(charger, connector, "Other")
        connector.broken = True
        self._notify(charger, connector)

    def repair_connector(self, code: str, connector_id: int) -> None:
        charger, connector = self.charger(code), self.connector(code, connector_id)
        connector.broken = False
        connector.blocked = False
        self._notify(charger, connector)

    def block_connector(self, code: str, connector_id: int) -> None:
        """The operator takes it out of service: `Unavailable`, once nothing charges there."""
        charger, connector = self.charger(code), self.connector(code, connector_id)
        connector.blocked = True
        self._notify(charger, connector)

    def fill_car(self, code: str, connector_id: int) -> None:
        charger, connector = self.charger(code), self.connector(code, connector_id)
        if connector.car is None:
            raise NotPossible("no car is plugged in")
        if connector.transaction is not None:
            self._integrate(connector, connector.transaction)
        connector.car.fill()
        if connector.transaction is not None:
            self._report(charger, connector, connector.transaction)

    def turn_meter_back(self, code: str, connector_id: int) -> None:
        """The register falls to half of what was counted since the start, and goes on from there."""
        charger, connector = self.charger(code), self.connector(code, connector_id)
        if connector.transaction is None:
            raise NotPossible("nothing is charging")
        self._integrate(connector, connector.transaction)
        connector.transaction.energy_uj //= 2
        self._report(charger, connector, connector.transaction)

    def report_absurd(self, code: str, connector_id: int, energy_wh: int) -> None:
        """One sample that no charge can have made; the next one tells the truth again."""
        charger, connector = self.charger(code), self.connector(code, connector_id)
        if connector.transaction is None:
            raise NotPossible("nothing is charging")
        if charger.online:
            connector.transaction.reported_wh = energy_wh
            connector.transaction.reported_at = self._agenda.now
            self._heard().transaction_sampled(connector.transaction)

    def let_wait(self, code: str, connector_id: int, seconds: float) -> None:
        """The car that is plugged in takes nothing until its timer ends, so many seconds from now."""
        charger, connector = self.charger(code), self.connector(code, connector_id)
        car = connector.car
        if car is None:
            raise NotPossible("no car is plugged in")
        self._set_waiting(charger, connector, car, True)
        self._agenda.after(seconds, lambda: self._set_waiting(charger, connector, car, False))

    def _set_waiting(self, charger: Charger, connector: Connector, car: Car, waiting: bool) -> None:
        transaction = connector.transaction
        if transaction is not None and transaction.car is car:
            self._integrate(connector, transaction)
            car.waiting = waiting
            self._share_out()
            transaction.power_w = car.power_w(connector.spec.supply, transaction.most_w)
            self._notify(charger, connector)
        else:
            car.waiting = waiting

    def pause(self, code: str, connector_id: int, seconds: float) -> None:
        """Load management gives the connector nothing for so many seconds."""
        self.limit_power(code, connector_id, 0)
        self._agenda.after(seconds, lambda: self.limit_power(code, connector_id, None))

    def limit_power(self, code: str, connector_id: int, watts: int | None) -> None:
        """What the connector may give from now on, whoever charges there; None: all that it can."""
        if watts is not None and watts < 0:
            raise NotPossible("a limit is not below nothing")
        self.connector(code, connector_id).limit_w = watts
        self._share_out()

    def set_pricing(self, code: str, pricing: Pricing, preauth_amount: int | None = None) -> None:
        charger = self.charger(code)
        charger.pricing = pricing
        if preauth_amount is not None:
            charger.spec = replace(charger.spec, preauth_amount=preauth_amount)

    # --- what the back office asks of a charger

    def remote_start(self, code: str, connector_id: int, token: str, answer: Callable[[bool], None]) -> None:
        """`answer` is called with accepted or rejected; never, when the charger has no connection."""

        def arrive() -> None:
            charger, connector = self.charger(code), self.connector(code, connector_id)
            if not charger.online:
                return
            usable = charger.status == "Available" and not charger.blocked
            free = connector.transaction is None and connector.status in ("Available", "Preparing")
            if charger.reject_starts:
                charger.reject_starts -= 1
                answer(False)
            elif not (usable and free):
                answer(False)
            else:
                connector.reserved_for = token
                answer(True)
                self._begin_soon(charger, connector)

        self._agenda.after(self._switches.remote_start, arrive)

    def withdraw_start(self, code: str, connector_id: int, token: str) -> None:
        """Forget an accepted start that has not begun. A charger without a connection does not hear of it."""
        charger, connector = self.charger(code), self.connector(code, connector_id)
        if charger.online and connector.reserved_for == token:
            connector.reserved_for = None

    def remote_stop(self, transaction: Transaction, ignored: Callable[[], None] | None = None) -> None:
        """The charger ends the transaction after a moment, unless told to ignore it; then `ignored` is called later."""
        charger = self.charger(transaction.code)
        if charger.ignore_stops:
            charger.ignore_stops -= 1
            if ignored is not None and self._switches.ignored_stop_is_stopping:
                self._agenda.after(self._switches.stop_timeout, ignored)
            elif ignored is not None:
                ignored()
            return

        def arrive() -> None:
            connector = self.connector(transaction.code, transaction.connector_id)
            if connector.transaction is transaction:
                self._end(charger, connector, "Remote")

        self._agenda.after(self._switches.stop, arrive)

    # --- how a charge goes

    def _begin_soon(self, charger: Charger, connector: Connector) -> None:
        token, car = connector.reserved_for, connector.car
        if token is None or car is None:
            return

        def begin() -> None:
            if connector.reserved_for == token and connector.car is car and connector.status == "Preparing":
                connector.reserved_for = None
                self._begin(charger, connector, token, f"PUBLIC{self._next_transaction:06d}")

        handshake = self._switches.plug_to_charge if connector.handshake is None else connector.handshake
        connector.handshake = None
        self._agenda.after(handshake, begin)

    def _begin(self, charger: Charger, connector: Connector, token: str | None, id_tag: str) -> None:
        if connector.car is None or connector.transaction is not None:
            return
        now = self._agenda.now
        transaction = Transaction(
            id=self._next_transaction,
            code=charger.spec.code,
            connector_id=connector.spec.connector_id,
            car=connector.car,
            id_tag=id_tag,
            token=token,
            started_at=now,
            meter_start_wh=connector.meter_wh,
            integrated_to=now,
            reported_at=now,
        )
        self._next_transaction += 1
        self.transactions.append(transaction)
        connector.transaction = transaction
        self._running[transaction.id] = charger, connector, transaction
        self._share_out()
        self._notify(charger, connector)
        self._tell(charger, lambda: self._heard().transaction_started(transaction))
        self._watch_full(charger, connector, transaction)
        self._agenda.after(self._interval(charger), lambda: self._sample(charger, connector, transaction))
        self._agenda.after(
            self._switches.longest_charge, lambda: self._end_if(charger, connector, transaction, "Other")
        )

    def _share_out(self) -> None:
        """Tell every running charge what it may draw from this moment on. What it drew until now is counted first."""
        offered = self._fuse_shares() if self._switches.fuses_bind else {}
        for charger, connector, transaction in self._running.values():
            spec = connector.spec
            share = offered.get((charger.spec.code, spec.connector_id))
            model = transaction.car.model
            most_w = spec.max_power_w
            if connector.limit_w is not None:
                enough = connector.limit_w >= model.most_w(spec.supply, LEAST_A * 1000)
                most_w = min(most_w, connector.limit_w) if enough else 0
            if share is not None:
                most_w = min(most_w, model.most_w(spec.supply, share))
            transaction.offered_ma = share
            if most_w != transaction.most_w:
                self._integrate(connector, transaction)
                transaction.most_w = most_w
                transaction.power_w = transaction.car.power_w(spec.supply, most_w)
                self._notify(charger, connector)

    def _fuse_shares(self) -> dict[tuple[str, int], int]:
        if self._wiring is None:
            self._wiring = Wiring([charger.spec for charger in self._chargers.values()])
        needs = {
            (charger.spec.code, connector.spec.connector_id): transaction.car.need_ma(
                connector.spec.supply, connector.spec.max_power_w
            )
            for charger, connector, transaction in self._running.values()
        }
        offline = {charger.spec.code for charger in self._chargers.values() if not charger.online}
        return self._wiring.shares(list(needs), offline, self._switches.fuses_shared, needs)

    def _sample(self, charger: Charger, connector: Connector, transaction: Transaction) -> None:
        if connector.transaction is not transaction:
            return
        self._integrate(connector, transaction)
        self._report(charger, connector, transaction)
        self._agenda.after(self._interval(charger), lambda: self._sample(charger, connector, transaction))

    def _interval(self, charger: Charger) -> float:
        return self._switches.meter_interval if charger.meter_interval is None else charger.meter_interval

    def _report(self, charger: Charger, connector: Connector, transaction: Transaction) -> None:
        transaction.power_w = transaction.car.power_w(connector.spec.supply, transaction.most_w)
        self._notify(charger, connector)
        self._watch_full(charger, connector, transaction)
        if charger.online:
            transaction.reported_wh = transaction.energy_wh
            transaction.reported_at = self._agenda.now
            self._heard().transaction_sampled(transaction)

    def _watch_full(self, charger: Charger, connector: Connector, transaction: Transaction) -> None:
        if transaction.car.full and not transaction.full_noticed:
            transaction.full_noticed = True
            self._agenda.after(self._switches.full_end, lambda: self._end_if(charger, connector, transaction, "Other"))

    def _integrate(self, connector: Connector, transaction: Transaction) -> None:
        supply, most_w = connector.spec.supply, transaction.most_w
        while transaction.integrated_to < self._agenda.now:
            step = min(LONGEST_STEP, self._agenda.now - transaction.integrated_to)
            power = transaction.car.power_w(supply, most_w)
            transaction.energy_uj += transaction.car.take(supply, power, step // timedelta(microseconds=1))
            transaction.integrated_to += step

    def _end_if(self, charger: Charger, connector: Connector, transaction: Transaction, reason: str) -> None:
        if connector.transaction is transaction:
            self._end(charger, connector, reason)

    def _end(self, charger: Charger, connector: Connector, reason: str) -> None:
        transaction = connector.transaction
        if transaction is None:
            return
        self._integrate(connector, transaction)
        transaction.power_w = 0
        transaction.stopped_at = self._agenda.now
        transaction.stop_reason = reason
        connector.meter_wh = transaction.meter_start_wh + transaction.energy_wh
        connector.transaction = None
        connector.finished = True
        del self._running[transaction.id]
        self._share_out()
        self._notify(charger, connector)

        def tell() -> None:
            transaction.reported_wh = transaction.energy_wh
            transaction.reported_at = self._agenda.now
            self._heard().transaction_stopped(transaction)

        self._tell(charger, tell)

    def _notify(self, charger: Charger, connector: Connector) -> None:
        if charger.online:
            connector.reported_status = connector.status

    def _tell(self, charger: Charger, tell: Callable[[], None]) -> None:
        if charger.online:
            tell()
        else:
            charger.outbox.append(tell)

    def _heard(self) -> Listener:
        if self._listener is None:
            raise RuntimeError("no back office listens to this site")
        return self._listener


def _view(connector: Connector) -> ConnectorView:
    transaction = connector.transaction
    return ConnectorView(
        spec=connector.spec,
        status=connector.reported_status,
        real_status=connector.status,
        car=connector.car.model.name if connector.car else None,
        charge_percent=connector.car.charge_permille // 10 if connector.car else None,
        power_w=transaction.power_w if transaction else 0,
        energy_wh=transaction.reported_wh if transaction else None,
        transaction_id=transaction.id if transaction else None,
    )
