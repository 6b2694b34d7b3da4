"""An operator's client on a faked wire, every call that it has, and the documented bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kiosk.upstream.errors import UpstreamError
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from tests.worlds.faked_wire import Answers, FakedWire

from .support import assert_tells_nothing

BASE = "https://upstream.example/api/v3"
BEARER = "12|pat-9d8c7b6a5f4e3d2c1b0a"
SITE = "a5c1e6f2-1111-4222-8333-944455566677"
CHARGER = "445bd3f6-8f2c-38cb-aa04-2f4e1edb32bb"

CALLS: dict[str, Callable[[PlugchoiceOperator], object]] = {
    "operator_sites": lambda api: api.sites(),
    "operator_site_chargers": lambda api: api.site_chargers(SITE),
    "operator_site_connectors": lambda api: api.site_connectors(SITE),
    "operator_chargers": lambda api: api.chargers(),
    "operator_charger": lambda api: api.charger(CHARGER),
    "operator_public_charging": lambda api: api.public_charging(CHARGER),
    "operator_site_transactions": lambda api: api.site_transactions(SITE, "active"),
    "operator_charger_transactions": lambda api: api.charger_transactions(CHARGER),
    "operator_power_usage": lambda api: api.power_usage(CHARGER, 1),
    "operator_latest_meter": lambda api: api.latest_meter(CHARGER, 1),
}


class Wire(FakedWire):
    """A client of the operator endpoints on a faked wire."""

    def __init__(self, answer: Answers, **more: Any) -> None:
        super().__init__(answer)
        self.api = PlugchoiceOperator(BASE, BEARER, **self.wired, **more)


@contextmanager
def wire(answer: Answers, **more: Any) -> Iterator[Wire]:
    made = Wire(answer, **more)
    try:
        yield made
    finally:
        made.api.close()


def failure(name: str, answer: Answers) -> UpstreamError:
    with wire(answer) as w, pytest.raises(UpstreamError) as failed:
        CALLS[name](w.api)
    assert_tells_nothing(failed.value, BEARER, "pat-9d8c", "upstream.example")
    return failed.value


def connector(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A connector as the examples show it: its capabilities are all null."""
    body: dict[str, Any] = {
        "id": 10 + number,
        "charger_id": 596411,
        "connector_id": number,
        "status": "Available",
        "max_amperage": None,
        "max_voltage": None,
        "standard": None,
        "format": None,
        "power_type": None,
        "phase_rotation": None,
    }
    return {**body, **changes}


def charger(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "uuid": CHARGER,
        "id": 596411,
        "identity": "VTT_0001",
        "reference": "Bay 1",
        "connection_status": "online",
        "status": "Available",
        "error": "NoError",
        "error_info": None,
        "vendor_id": None,
        "vendor_error_code": None,
        "firmware_version": "ACME 1.2.3+5",
        "parsed_firmware_version": "1.2.3",
        "server": None,
        "last_connection_at": "2026-01-10T01:14:32.000000Z",
        "last_disconnection_at": None,
        "last_heartbeat_at": "2026-01-10T02:14:32.500000Z",
        "setup_pending": False,
        "setup_completed": True,
        "blocked": False,
        "max_current": 32,
        "licenses": {"smart": True, "pro": False},
        "connectors": [connector(1), connector(2, status=None)],
        "created_at": "2026-01-01T00:00:00.000000Z",
        "updated_at": "2026-01-10T01:14:32.000000Z",
    }
    return {**body, **changes}


def site_connector(number: int = 1, **changes: Any) -> dict[str, Any]:
    owner = {
        "uuid": CHARGER,
        "id": 596411,
        "identity": "VTT_0001",
        "connection_status": "online",
        "status": "Available",
    }
    return connector(number, error="NoError", error_info=None, vendor_id=None, charger=owner, **changes)


def transaction(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": 1,
        "charger_id": 596411,
        "charger_connector_id": 11,
        "reservation_id": 7432,
        "id_tag": "DLJN5625",
        "meter_start": 29317,
        "meter_stop": 37253,
        "total_kwh": "7.00",
        "started_at": "2026-01-10T01:14:32.000000Z",
        "stopped_at": "2026-01-10T03:14:32.000000Z",
        "stop_reason": "EVDisconnected",
        "is_valid": True,
        "charger": {"uuid": CHARGER, "identity": "VTT_0001", "reference": "Bay 1"},
        "connector": {"connector_id": 1},
        "created_at": "2026-01-10T01:14:33.000000Z",
        "updated_at": "2026-01-10T03:14:33.000000Z",
    }
    return {**body, **changes}


def running(**changes: Any) -> dict[str, Any]:
    return transaction(**{"meter_stop": None, "stopped_at": None, "stop_reason": None, "total_kwh": "0.00", **changes})


def settings(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "enabled": True,
        "price_per_kwh": 45,
        "start_fee": 100,
        "currency": "eur",
        "public_code": "AB12CD",
        "public_url": "https://scan.example/AB12CD",
        "preauth_amount": 5000,
        "limits": {"max_price_per_kwh": 500, "max_start_fee": 2000},
        "connect": {"has_account": True, "onboarding_complete": False, "team_name": "Main"},
        "billing": {"plan": "transaction", "fee_percent": 3.5, "subscription_active": False},
    }
    return {**body, **changes}


POWER = {"timestamp": "2025-10-28T16:26:14.628Z", "L1": "16.0", "L2": "-", "L3": " 0.0", "kW": "3.68"}
METER = {
    "connectorId": 1,
    "meterValue": [
        {
            "timestamp": "2026-01-10T01:14:32.000000Z",
            "sampledValue": [{"value": "30317", "context": "Sample.Periodic", "format": "Raw"}],
        }
    ],
}
GOOD: dict[str, object] = {
    "operator_sites": {"data": [{"uuid": SITE, "id": 1, "name": "Main Office"}]},
    "operator_site_chargers": {"data": [charger()]},
    "operator_site_connectors": {"data": [site_connector()]},
    "operator_chargers": {"data": [charger()]},
    "operator_charger": {"data": charger()},
    "operator_public_charging": settings(),
    "operator_site_transactions": {"data": [running()]},
    "operator_charger_transactions": {"data": [transaction()]},
    "operator_power_usage": POWER,
    "operator_latest_meter": METER,
}
