"""What is sent to OCPPLAB: each command as it is documented, and targets that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from kiosk.upstream.ocpplab import commands as lab
from kiosk.upstream.ocpplab.commands import ChargerChange, LabCommand, NewCharger, Target


@pytest.mark.parametrize(
    ("command", "path", "event"),
    [
        (lab.plug_connector(1), "plug-connector", {"connector_id": 1}),
        (lab.unplug_connector(2, 1), "unplug-connector", {"evse_id": 1, "connector_id": 2}),
        (lab.ev_requests_energy(1), "ev-requests-energy", {"connector_id": 1}),
        (lab.stop_session(), "stop-session", {}),
        (lab.stop_session(2), "stop-session", {"connector_id": 2}),
    ],
)
def test_a_command_is_as_documented(command: LabCommand, path: str, event: dict[str, Any]) -> None:
    assert (command.path, command.event) == (path, event)


@pytest.mark.parametrize(
    ("target", "wire"),
    [
        (Target("dep-123"), {"charger_id": "dep-123"}),
        (Target(location_id="loc-456"), {"location_id": "loc-456"}),
        (
            Target(location_id="loc-456", charger_ids=("dep-1", "dep-2")),
            {"location_id": "loc-456", "charger_ids": ["dep-1", "dep-2"]},
        ),
    ],
)
def test_a_target_is_as_documented(target: Target, wire: dict[str, Any]) -> None:
    assert target.wire() == wire


@pytest.mark.parametrize("parts", [(), ("dep-1", "loc-1"), ("", ""), ("dep-1", None, ("dep-2",))])
def test_a_target_that_cannot_be_is_refused(parts: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="charger"):
        Target(*parts)


def test_an_address_with_a_password_is_not_in_a_repr() -> None:
    address = "wss://u:hunter2@office.example"
    assert "hunter2" not in repr(NewCharger("CP-1", "abb", "terra-184", "CCS2", address))
    assert "hunter2" not in repr(ChargerChange(ws_url=address))
