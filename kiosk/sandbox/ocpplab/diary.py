"""The OCPP logs of OCPPLAB's stand-in, written from what can be seen of the world whenever somebody looks.

The world tells nobody what its chargers say. So a status that came and went between two looks is not in the log, a
status has the time of the look, and of several meter values only the last is there. Charges have their own times.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kiosk.sandbox.ocpplab.fleet import LabSwitches, timestamp
from kiosk.sandbox.world.chargers import ChargerView, Transaction
from kiosk.sandbox.world.world import World

KEPT_ENTRIES = 5000


@dataclass(frozen=True)
class Entry:
    at: datetime
    number: int
    action: str
    payload: dict[str, Any]


class Diary:
    """Thread-safe."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._entries: dict[str, deque[Entry]] = {}
        self._number = 0
        self._told: dict[tuple[str, int], str] = {}
        self._booted: set[str] = set()
        self._charges: dict[int, tuple[datetime | None, bool]] = {}
        self._faults: dict[tuple[str, int], str] = {}

    def fault(self, code: str, connector_id: int, fault_type: str) -> None:
        """The error code that a connector sends with `Faulted`."""
        with self._lock:
            self._faults[code, connector_id] = fault_type

    def write(self, now: datetime) -> None:
        """Everything that is new since the last look. A charger without a connection says nothing until it is back."""
        charges = self._world.transactions()
        with self._lock:
            online = set()
            for view in self._world.chargers():
                if view.online:
                    online.add(view.spec.code)
                    self._look(view, now)
            self._booted &= online
            for charge in charges:
                if charge.code in online:
                    self._charge(charge)
            kept = {charge.id for charge in charges}
            self._charges = {number: seen for number, seen in self._charges.items() if number in kept}

    def read(self, code: str, wanted: Callable[[Entry], bool], newest_first: bool) -> list[Entry]:
        with self._lock:
            found = [each for each in self._entries.get(code, ()) if wanted(each)]
        return sorted(found, key=lambda each: (each.at, each.number), reverse=newest_first)

    def _look(self, view: ChargerView, now: datetime) -> None:
        code = view.spec.code
        if code not in self._booted:
            self._booted.add(code)
            self._add(code, now, "BootNotification", {"chargePointVendor": "Example", "chargePointModel": "Stand-in"})
            self._told = {place: word for place, word in self._told.items() if place[0] != code}
        for each in view.connectors:
            place = code, each.spec.connector_id
            if self._told.get(place) == each.real_status:
                continue
            self._told[place] = each.real_status
            if each.real_status != "Faulted":
                self._faults.pop(place, None)
            problem = self._faults.get(place, "OtherError") if each.real_status == "Faulted" else "NoError"
            payload = {"connectorId": place[1], "errorCode": problem, "status": each.real_status}
            self._add(code, now, "StatusNotification", payload | {"timestamp": timestamp(now)})

    def _charge(self, charge: Transaction) -> None:
        reported_at, ended = self._charges.get(charge.id, (None, False))
        if charge.id not in self._charges:
            started = {
                "connectorId": charge.connector_id,
                "idTag": charge.id_tag,
                "meterStart": charge.meter_start_wh,
                "timestamp": timestamp(charge.started_at),
            }
            self._add(charge.code, charge.started_at, "StartTransaction", started)
        at = charge.reported_at
        if at is not None and at != reported_at and charge.active:
            self._add(charge.code, at, "MeterValues", _meter_values(charge, at))
        if charge.stopped_at is not None and not ended:
            stopped = {
                "transactionId": charge.id,
                "meterStop": charge.meter_start_wh + charge.energy_wh,
                "timestamp": timestamp(charge.stopped_at),
                "reason": charge.stop_reason,
            }
            self._add(charge.code, charge.stopped_at, "StopTransaction", stopped)
        self._charges[charge.id] = at, not charge.active

    def _add(self, code: str, at: datetime, action: str, payload: dict[str, Any]) -> None:
        self._number += 1
        self._entries.setdefault(code, deque(maxlen=KEPT_ENTRIES)).append(Entry(at, self._number, action, payload))


def _meter_values(charge: Transaction, at: datetime) -> dict[str, Any]:
    register = {
        "value": str(charge.meter_start_wh + charge.reported_wh),
        "measurand": "Energy.Active.Import.Register",
        "unit": "Wh",
    }
    power = {"value": str(charge.power_w), "measurand": "Power.Active.Import", "unit": "W"}
    return {
        "connectorId": charge.connector_id,
        "transactionId": charge.id,
        "meterValue": [{"timestamp": timestamp(at), "sampledValue": [register, power]}],
    }


def entry_data(entry: Entry, switches: LabSwitches) -> dict[str, Any]:
    call = json.dumps([2, f"m-{entry.number}", entry.action, entry.payload])
    message = {
        "array": call,
        "object": json.dumps(entry.payload),
        "null": None,
        "malformed": call[: len(call) // 2],
    }[switches.message]
    return {
        "direction": switches.direction,
        "action": entry.action,
        "message": message,
        "timestamp": timestamp(entry.at),
    }
