"""What is sent to OCPPLAB: every command as it is documented, and targets that cannot be."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kiosk.upstream.ocpplab import commands as lab
from kiosk.upstream.ocpplab.commands import ChargerChange, LabCommand, LocalEntry, NewCharger, Target


@pytest.mark.parametrize(
    ("command", "path", "event"),
    [
        (lab.plug_connector(1), "plug-connector", {"connector_id": 1}),
        (lab.unplug_connector(2, 1), "unplug-connector", {"evse_id": 1, "connector_id": 2}),
        (lab.unlock_connector(1), "unlock-connector", {"connector_id": 1}),
        (lab.ev_requests_energy(1), "ev-requests-energy", {"connector_id": 1}),
        (lab.ev_stops_energy(1), "ev-stops-energy", {"connector_id": 1}),
        (lab.power_update(7400, 1), "power-update", {"power_w": 7400, "connector_id": 1}),
        (lab.authorize_id_tag("CARD7"), "authorize-id-tag", {"id_tag": "CARD7"}),
        (lab.start_session("CARD7"), "start-session", {"id_tag": "CARD7"}),
        (
            lab.start_session("CARD7", 1, duration_seconds=600, target_energy_kwh=Decimal("7.5")),
            "start-session",
            {"id_tag": "CARD7", "connector_id": 1, "duration_seconds": 600, "target_energy_kwh": 7.5},
        ),
        (lab.stop_session(), "stop-session", {}),
        (lab.stop_session(2), "stop-session", {"connector_id": 2}),
        (
            lab.start_transaction("CARD7", 1, 1),
            "start-transaction",
            {"id_tag": "CARD7", "evse_id": 1, "connector_id": 1},
        ),
        (lab.stop_transaction("42"), "stop-transaction", {"transaction_id": "42"}),
        (lab.inject_fault("OverCurrent", 1), "inject-fault", {"fault_type": "OverCurrent", "connector_id": 1}),
        (lab.clear_fault(1), "clear-fault", {"connector_id": 1}),
        (
            lab.proxy_message("boot_notification", "ocpp1.6", {"a": 1}),
            "proxy-message",
            {"action": "boot_notification", "ocpp_version": "ocpp1.6", "payload": {"a": 1}},
        ),
        (lab.configuration({"Key": "word"}), "configuration", {"configuration": {"Key": "word"}}),
        (lab.reset_auth_cache(), "cache/reset", {}),
        (
            lab.local_auth_list(3, [LocalEntry("CARD7", datetime(2027, 1, 1, tzinfo=UTC)), LocalEntry("CARD8")]),
            "local-auth-list",
            {
                "list_version": 3,
                "entries": [{"id_tag": "CARD7", "expiry_date": "2027-01-01T00:00:00.000Z"}, {"id_tag": "CARD8"}],
            },
        ),
        (lab.clear_local_auth_list(), "clear-local-auth-list", {}),
    ],
)
def test_a_command_is_as_documented(command: LabCommand, path: str, event: dict[str, Any]) -> None:
    assert (command.path, command.event) == (path, event)
    assert "CARD7" not in repr(command)


def test_a_card_or_a_value_of_a_configuration_is_a_secret() -> None:
    assert lab.start_session("CARD7").secrets == ("CARD7",)
    assert lab.configuration({"Key": "word"}).secrets == ("word",)
    assert lab.local_auth_list(1, [LocalEntry("CARD7", parent_id_tag="CARD0")]).secrets == ("CARD7", "CARD0")


def test_every_text_of_a_raw_message_is_a_secret() -> None:
    assert lab.proxy_message("x", "ocpp1.6", {"a": ["b", {"c": "d"}], "e": 5}).secrets == ("b", "d")


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
