"""What the kiosk asks of OCPPLAB: new and changed chargers, and the simulator's commands with their targets.

Source: docs.ocpplab.com, gateway API, and the types of the vendor's Python package 0.2.1. What is None is not sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Target:
    """Who a command is for: one charger by its deployment id, or all of a location, or some of it."""

    charger_id: str | None = None
    location_id: str | None = None
    charger_ids: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if bool(self.charger_id) == bool(self.location_id):
            raise ValueError("a command is for one charger or for one location")
        if self.charger_ids is not None and not self.location_id:
            raise ValueError("some chargers can be chosen within a location only")

    def wire(self) -> dict[str, object]:
        chosen = None if self.charger_ids is None else list(self.charger_ids)
        return _given(charger_id=self.charger_id, location_id=self.location_id, charger_ids=chosen)


@dataclass(frozen=True, slots=True)
class LabCommand:
    """One command. `single`: for one charger only. `secrets` are never to be repeated in an error."""

    path: str
    event: Mapping[str, object] = field(default_factory=dict, repr=False)
    single: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class NewCharger:
    """`ws_url` is where the virtual charger connects to; it may contain a password."""

    identity: str
    brand_slug: str
    model_slug: str
    connector_type: str
    ws_url: str = field(repr=False)
    ocpp_version: str | None = None
    charge_point_name: str | None = None
    location_id: str | None = None
    location_name: str | None = None

    def wire(self) -> dict[str, object]:
        return _given(
            identity=self.identity,
            brand_slug=self.brand_slug,
            model_slug=self.model_slug,
            connector_type=self.connector_type,
            ws_url=self.ws_url,
            ocpp_version=self.ocpp_version,
            charge_point_name=self.charge_point_name,
            location_id=self.location_id,
            location_name=self.location_name,
        )


@dataclass(frozen=True, slots=True)
class ChargerChange:
    """What is None stays as it is."""

    name: str | None = None
    charge_point_name: str | None = None
    connector_type: str | None = None
    ocpp_version: str | None = None
    ws_url: str | None = field(default=None, repr=False)
    location_id: str | None = None
    location_name: str | None = None

    def wire(self) -> dict[str, object]:
        return _given(
            name=self.name,
            charge_point_name=self.charge_point_name,
            connector_type=self.connector_type,
            ocpp_version=self.ocpp_version,
            ws_url=self.ws_url,
            location_id=self.location_id,
            location_name=self.location_name,
        )


@dataclass(frozen=True, slots=True)
class LocalEntry:
    """A card that the charger itself knows."""

    id_tag: str = field(repr=False)
    expires_at: datetime | None = None
    parent_id_tag: str | None = field(default=None, repr=False)

    def wire(self) -> dict[str, object]:
        expiry = None if self.expires_at is None else timestamp(self.expires_at)
        return _given(id_tag=self.id_tag, expiry_date=expiry, parent_id_tag=self.parent_id_tag)


# --- the cable and the car


def plug_connector(connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The connector goes to `Preparing`."""
    return LabCommand("plug-connector", _place(connector_id, evse_id))


def unplug_connector(connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The connector goes to `Available`."""
    return LabCommand("unplug-connector", _place(connector_id, evse_id))


def unlock_connector(connector_id: int, evse_id: int | None = None) -> LabCommand:
    return LabCommand("unlock-connector", _place(connector_id, evse_id))


def ev_requests_energy(connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The connector goes to `Charging`."""
    return LabCommand("ev-requests-energy", _place(connector_id, evse_id))


def ev_stops_energy(connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The connector goes to `SuspendedEV`."""
    return LabCommand("ev-stops-energy", _place(connector_id, evse_id))


def power_update(power_w: int, connector_id: int, evse_id: int | None = None) -> LabCommand:
    """Changes the offered power."""
    return LabCommand("power-update", {"power_w": power_w, **_place(connector_id, evse_id)})


# --- cards and charges


def authorize_id_tag(id_tag: str) -> LabCommand:
    return LabCommand("authorize-id-tag", {"id_tag": id_tag}, secrets=(id_tag,))


def start_session(
    id_tag: str,
    connector_id: int | None = None,
    *,
    duration_seconds: int | None = None,
    target_energy_kwh: Decimal | None = None,
) -> LabCommand:
    """Plug, authorise and start in one; ends by itself at the time or the energy."""
    # A JSON number, as documented. The shortest text of this float has the same digits as the Decimal.
    energy = None if target_energy_kwh is None else float(target_energy_kwh)
    event = _given(
        id_tag=id_tag, connector_id=connector_id, duration_seconds=duration_seconds, target_energy_kwh=energy
    )
    return LabCommand("start-session", event, secrets=(id_tag,))


def stop_session(connector_id: int | None = None) -> LabCommand:
    """Stop, then unplug."""
    return LabCommand("stop-session", _given(connector_id=connector_id))


def start_transaction(id_tag: str, connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The bare message: plug and authorise first."""
    return LabCommand("start-transaction", {"id_tag": id_tag, **_place(connector_id, evse_id)}, secrets=(id_tag,))


def stop_transaction(transaction_id: str | None = None) -> LabCommand:
    return LabCommand("stop-transaction", _given(transaction_id=transaction_id))


# --- the charger itself; each for one charger only


def inject_fault(fault_type: str, connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The connector goes to `Faulted`. An example of a type is `OverCurrent`."""
    return LabCommand("inject-fault", {"fault_type": fault_type, **_place(connector_id, evse_id)}, single=True)


def clear_fault(connector_id: int, evse_id: int | None = None) -> LabCommand:
    return LabCommand("clear-fault", _place(connector_id, evse_id), single=True)


def proxy_message(action: str, ocpp_version: str, payload: Mapping[str, object]) -> LabCommand:
    """One raw message to the back office. `action` in snake_case; `ocpp_version` is `ocpp1.6` or `ocpp2.0.1`."""
    event = {"action": action, "ocpp_version": ocpp_version, "payload": dict(payload)}
    return LabCommand("proxy-message", event, single=True, secrets=tuple(_texts(payload.values())))


def configuration(values: Mapping[str, str]) -> LabCommand:
    return LabCommand("configuration", {"configuration": dict(values)}, single=True, secrets=tuple(values.values()))


def reset_auth_cache() -> LabCommand:
    return LabCommand("cache/reset", single=True)


def local_auth_list(list_version: int, entries: Iterable[LocalEntry]) -> LabCommand:
    known = [entry.wire() for entry in entries]
    event = {"list_version": list_version, "entries": known}
    return LabCommand("local-auth-list", event, single=True, secrets=tuple(_texts(known)))


def clear_local_auth_list() -> LabCommand:
    return LabCommand("clear-local-auth-list", single=True)


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _place(connector_id: int, evse_id: int | None) -> dict[str, object]:
    return _given(evse_id=evse_id, connector_id=connector_id)


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _texts(values: Iterable[object]) -> Iterable[str]:
    """Every text in them, however deep."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts(value.values())
        elif isinstance(value, list | tuple):
            yield from _texts(value)
