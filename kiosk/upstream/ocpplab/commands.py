"""What the kiosk asks of OCPPLAB: new and changed chargers, and those of the simulator's commands that a rehearsal
gives, with their targets.

Source: docs.ocpplab.com, gateway API, and the types of the vendor's Python package 0.2.1. What is None is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


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
    """One command, as it stands in the address, and what goes with it."""

    path: str
    event: Mapping[str, object] = field(default_factory=dict, repr=False)


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


# --- the cable, the car and the charge


def plug_connector(connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The connector goes to `Preparing`."""
    return LabCommand("plug-connector", _place(connector_id, evse_id))


def unplug_connector(connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The connector goes to `Available`."""
    return LabCommand("unplug-connector", _place(connector_id, evse_id))


def ev_requests_energy(connector_id: int, evse_id: int | None = None) -> LabCommand:
    """The connector goes to `Charging`."""
    return LabCommand("ev-requests-energy", _place(connector_id, evse_id))


def stop_session(connector_id: int | None = None) -> LabCommand:
    """Stop, then unplug."""
    return LabCommand("stop-session", _given(connector_id=connector_id))


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _place(connector_id: int, evse_id: int | None) -> dict[str, object]:
    return _given(evse_id=evse_id, connector_id=connector_id)


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
