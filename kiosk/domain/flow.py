"""Whether power flows in a running charge, as far as anybody has said: by the connector's word and by the meter."""

from __future__ import annotations

from enum import StrEnum

from kiosk.domain.session import Session


class Flow(StrEnum):
    FLOWS = "flows"  # the connector says that it charges, or the meter rises
    CAR_WAITS = "car_waits"  # the car takes nothing: it is full, or waits for a timer
    PAUSED = "paused"  # the charger gives nothing for now
    STILL = "still"  # nobody says why, and the meter stands still
    FAULT = "fault"  # the charger says that it does not work
    OVER = "over"  # the charger says that the charge has stopped, or that no cable is in
    UNSAID = "unsaid"  # nothing that tells


NO_POWER = frozenset({Flow.CAR_WAITS, Flow.PAUSED, Flow.STILL, Flow.FAULT, Flow.OVER})
"""Nothing flows by the newest word. A power that the meter told before it is no power of now."""

_BY_CONNECTOR = {
    "SuspendedEV": Flow.CAR_WAITS,
    "SuspendedEVSE": Flow.PAUSED,
    "Faulted": Flow.FAULT,
    "Unavailable": Flow.FAULT,
    "Finishing": Flow.OVER,
    "Available": Flow.OVER,
}
"""OCPP 1.6, table of connector states."""


def flow_of(session: Session) -> Flow:
    """Of a session that runs. The connector's word is of the newest reading; the meter's figures are older."""
    told = _BY_CONNECTOR.get(session.connector_status or "")
    if told is not None:
        return told
    power = session.power_kw
    if power is not None:
        return Flow.FLOWS if power > 0 else Flow.STILL
    return Flow.FLOWS if session.connector_status == "Charging" else Flow.UNSAID
