"""The virtual chargers of OCPPLAB's stand-in: those of the world, and new ones that join it after a while.

A new charger joins when somebody asks OCPPLAB's stand-in for the first time after it is due: the world has no hand that
would let others do something at a moment of its own.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from kiosk.sandbox.world.chargers import CODE_ALPHABET, ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.curves import Supply
from kiosk.sandbox.world.world import World

LOCATION_ID = "loc-1"
OCPP_VERSION = "ocpp1.6"
NEW_PRICING = Pricing("EUR", price_per_kwh=49)


@dataclass(frozen=True)
class Model:
    """A kind of charger that can be created. `power_w` is that of each connector."""

    vendor: str
    name: str
    supply: Supply
    power_w: int
    connectors: int
    connector_types: tuple[str, ...]


CATALOGUE: dict[tuple[str, str], Model] = {
    ("abb", "terra-184"): Model("ABB", "Terra 184", "DC", 180_000, 2, ("CCS2", "CHAdeMO")),
    ("example", "post-22"): Model("Example", "Post 22", "AC_3_PHASE", 22_000, 2, ("Type2",)),
    ("example", "wall-7"): Model("Example", "Wall 7", "AC_1_PHASE", 7_400, 1, ("Type2", "Type1")),
}


@dataclass(frozen=True)
class LabSwitches:
    """Every question that the documents leave open, and timings; a default is what is safe for a client."""

    # Open: the success status of commands and of delete.
    command_status: int = 200
    delete_status: int = 204
    # Open: which id `target.charger_id` takes.
    target_id: Literal["deployment", "identity", "either"] = "deployment"
    # Open: whether a command for one charger is answered with the list for many, or with the command alone.
    single_answer: Literal["list", "command"] = "list"
    # Open: what becomes of a command that this charger cannot do now: queued without effect, or failed.
    impossible: Literal["queued", "failed"] = "queued"
    # Open: form of a log's message, order of a log, words for directions.
    message: Literal["array", "object", "null", "malformed"] = "array"
    newest_first: bool = True
    direction: str = "charger_to_csms"
    # Open: the status of chargers that were there before.
    status_of_old: Literal["READY"] | None = "READY"

    # Timings, and what goes wrong with the next new chargers.
    pending: float = 2
    provisioning: float = 6
    fails_with: str | None = None  # a code: the provisioning ends as FAILED
    fails_retryable: bool = True
    pricing: Pricing = NEW_PRICING


@dataclass(frozen=True)
class VirtualCharger(ChargerSpec):
    """A charger of the world that is not named by its public code. All stand-ins show this identity."""

    identity: str = ""


@dataclass
class Deployment:
    """`code` names the world's charger. `waiting` is the one that joins at `ready_at`; a failed one never does.

    Without `ready_at` it was there before.
    """

    id: str
    identity: str
    name: str
    vendor: str
    model: str
    power_w: int
    connectors: int
    connector_type: str
    created_at: datetime
    updated_at: datetime
    ocpp_version: str = OCPP_VERSION
    location_id: str | None = LOCATION_ID
    image_url: str | None = None
    code: str | None = None
    waiting: ChargerSpec | None = None
    ready_at: datetime | None = None
    fault: str | None = None
    fault_retryable: bool = True


class Fleet:
    """Thread-safe. Brought up to the present by `catch_up`."""

    def __init__(self, world: World, switches: LabSwitches) -> None:
        self._world = world
        self._switches = switches
        self._lock = threading.RLock()
        self._by_id: dict[str, Deployment] = {}
        self._deleted: set[str] = set()
        self._number = 100

    def catch_up(self) -> datetime:
        """Bring the world to the present, let new chargers join that are due, and take over the world's own."""
        now = self._world.tick()
        with self._lock:
            for each in self._by_id.values():
                if each.waiting is not None and each.ready_at is not None and each.ready_at <= now:
                    self._world.add_charger(each.waiting)
                    each.code, each.waiting = each.waiting.code, None
            known = {each.code for each in self._by_id.values()} | self._deleted
            for view in self._world.chargers():
                if view.spec.code not in known and not view.spec.anothers:
                    old = _old(view.spec, now)
                    self._by_id[old.id] = old
        return now

    def all(self, location_id: str | None = None) -> list[Deployment]:
        with self._lock:
            return [each for each in self._by_id.values() if location_id in (None, each.location_id)]

    def find(self, charger_id: str) -> Deployment | None:
        with self._lock:
            return self._by_id.get(charger_id)

    def target(self, charger_id: str) -> Deployment | None:
        """By the id that the switch says."""
        with self._lock:
            allowed = self._switches.target_id
            found = self._by_id.get(charger_id) if allowed != "identity" else None
            if found is None and allowed != "deployment":
                found = next((each for each in self._by_id.values() if each.identity == charger_id), None)
            return found

    def create(self, fields: dict[str, Any], model: Model, now: datetime) -> Deployment | None:
        """None when the identity is taken."""
        with self._lock:
            if any(each.identity == fields["identity"] for each in self._by_id.values()):
                return None
            self._number += 1
            made = Deployment(
                id=f"dep-{self._number}",
                identity=fields["identity"],
                name=fields.get("charge_point_name") or fields["identity"],
                vendor=model.vendor,
                model=model.name,
                power_w=model.power_w,
                connectors=model.connectors,
                connector_type=fields["connector_type"],
                created_at=now,
                updated_at=now,
                ocpp_version=fields.get("ocpp_version") or OCPP_VERSION,
                location_id=fields.get("location_id"),
                fault=self._switches.fails_with,
                fault_retryable=self._switches.fails_retryable,
                ready_at=now + timedelta(seconds=self._switches.provisioning),
            )
            if made.fault is None:
                made.waiting = self._spec(made, model)
            self._by_id[made.id] = made
            return made

    def delete(self, deployment: Deployment) -> None:
        """The virtual charger is gone; the back office keeps its record, without a connection."""
        with self._lock:
            self._by_id.pop(deployment.id, None)
            if deployment.code is not None:
                self._deleted.add(deployment.code)
                self._world.set_online(deployment.code, online=False)

    def status_data(self, each: Deployment, now: datetime) -> dict[str, Any]:
        status, done = self._stage(each, now)
        error = None
        if status == "FAILED":
            error = {
                "code": each.fault,
                "message": "The runtime did not come up.",
                "step": "charger-1",
                "param": None,
                "doc_url": None,
                "retryable": each.fault_retryable,
            }
        return {
            "charger_id": each.id,
            "status": status,
            "workflow_run_id": f"wfr-{each.id}" if each.ready_at else None,
            "error": error,
            "provisioned_at": timestamp(done) if status == "READY" else None,
        }

    def _stage(self, each: Deployment, now: datetime) -> tuple[str | None, datetime | None]:
        """The status, and when the provisioning ended."""
        if each.ready_at is None:
            return self._switches.status_of_old, each.created_at
        if now >= each.ready_at:
            return ("FAILED" if each.fault else "READY"), each.ready_at
        still = now < each.created_at + timedelta(seconds=self._switches.pending)
        return ("PENDING" if still else "PROVISIONING"), None

    def _spec(self, made: Deployment, model: Model) -> ChargerSpec:
        taken = {view.spec.code for view in self._world.chargers()}
        taken |= {each.waiting.code for each in self._by_id.values() if each.waiting is not None}
        draw = random.Random(f"ocpplab/{made.id}")  # noqa: S311 - a reproducible play, not a secret
        code = made.identity
        while len(code) != 5 or not set(code) <= set(CODE_ALPHABET) or code in taken:
            code = "".join(draw.choices(CODE_ALPHABET, k=5))
        plug = "Cable" if model.supply == "DC" else "Socket"
        bays = tuple(
            ConnectorSpec(number + 1, model.supply, model.power_w, format=plug) for number in range(model.connectors)
        )
        return VirtualCharger(code, made.name, bays, self._switches.pricing, identity=made.identity)


def _old(spec: ChargerSpec, now: datetime) -> Deployment:
    """What OCPPLAB would say of a charger that the world has had all along."""
    identity = str(getattr(spec, "identity", None) or spec.code)
    power_w = max((each.max_power_w for each in spec.connectors), default=0)
    fast = any(each.supply == "DC" for each in spec.connectors)
    return Deployment(
        id=f"dep-{spec.code.lower()}",
        identity=identity,
        name=spec.name,
        vendor="Example",
        model=f"{'Tower' if fast else 'Post'} {power_w // 1000}",
        power_w=power_w,
        connectors=len(spec.connectors),
        connector_type="CCS2" if fast else "Type2",
        created_at=now,
        updated_at=now,
        image_url=f"https://img.example/{'tower' if fast else 'post'}.svg",
        code=spec.code,
    )


def charger_data(each: Deployment) -> dict[str, Any]:
    return {
        "id": each.id,
        "identity": each.identity,
        "name": each.name,
        "vendor_name": each.vendor,
        "model": each.model,
        "image_url": each.image_url,
        "ocpp_version": each.ocpp_version,
        "number_of_connectors": each.connectors,
        "max_charging_power": each.power_w,
        "connector_type": each.connector_type,
        "location_id": each.location_id,
        "created_at": timestamp(each.created_at),
        "updated_at": timestamp(each.updated_at),
    }


def timestamp(moment: datetime | None) -> str | None:
    """To the millisecond, so that what happened within a second keeps its order."""
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
