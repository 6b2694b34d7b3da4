"""Commands of the documents that the kiosk does not give, for the stand-in that must take them all the same."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk.upstream.ocpplab.commands import LabCommand


def order(path: str, connector_id: int | None = None, **event: object) -> LabCommand:
    """What is None is not sent."""
    given = {**event, "connector_id": connector_id}
    return LabCommand(path, {name: value for name, value in given.items() if value is not None})


def ev_stops_energy(connector_id: int) -> LabCommand:
    return order("ev-stops-energy", connector_id)


def unlock_connector(connector_id: int) -> LabCommand:
    return order("unlock-connector", connector_id)


def power_update(power_w: int, connector_id: int) -> LabCommand:
    return order("power-update", connector_id, power_w=power_w)


def authorize_id_tag(id_tag: str) -> LabCommand:
    return order("authorize-id-tag", id_tag=id_tag)


def start_session(id_tag: str, connector_id: int, *, duration_seconds: int | None = None) -> LabCommand:
    return order("start-session", connector_id, id_tag=id_tag, duration_seconds=duration_seconds)


def start_transaction(id_tag: str, connector_id: int) -> LabCommand:
    return order("start-transaction", connector_id, id_tag=id_tag)


def stop_transaction(transaction_id: str | None = None) -> LabCommand:
    return order("stop-transaction", transaction_id=transaction_id)


def inject_fault(fault_type: str, connector_id: int) -> LabCommand:
    return order("inject-fault", connector_id, fault_type=fault_type)


def clear_fault(connector_id: int) -> LabCommand:
    return order("clear-fault", connector_id)


def proxy_message(action: str, ocpp_version: str, payload: Mapping[str, object]) -> LabCommand:
    return order("proxy-message", action=action, ocpp_version=ocpp_version, payload=dict(payload))


def configuration(values: Mapping[str, str]) -> LabCommand:
    return order("configuration", configuration=dict(values))


def reset_auth_cache() -> LabCommand:
    return order("cache/reset")


def local_auth_list(list_version: int) -> LabCommand:
    return order("local-auth-list", list_version=list_version, entries=[])


def clear_local_auth_list() -> LabCommand:
    return order("clear-local-auth-list")
