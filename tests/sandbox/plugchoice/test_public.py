"""The seven public endpoints as their documents describe them: bodies, errors, limits."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import endpoint_of
from kiosk.sandbox.world.switches import Switches
from tests.sandbox.sandbox_garage import AC, Garage

NOT_FOUND = {"message": "Not Found."}


def start(garage: Garage, **body: Any) -> httpx.Response:
    return garage.http.post("sessions", json={"code": AC, "connector_id": 1} | body)


# --- the charger


def test_a_charger_shows_connectors_price_and_hold(garage: Garage) -> None:
    answer = garage.http.get(f"chargers/{AC.lower()}")
    connector = {
        "status": "Available",
        "standard": "IEC 62196",
        "format": "Socket",
        "power_type": "AC_3_PHASE",
    }
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "public_code": AC,
            "name": "Charger 2",
            "online": True,
            "connectors": [{"connector_id": 1} | connector, {"connector_id": 2} | connector],
            "pricing": {"currency": "EUR", "price_per_kwh": 49, "start_fee": 35},
            "preauth_amount": 5000,
        }
    }


def test_an_unknown_code_is_not_found(garage: Garage) -> None:
    answer = garage.http.get("chargers/ZZZZZ")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_charger_without_public_charging_is_not_found(garage: Garage) -> None:
    bay = ConnectorSpec(1, "AC_3_PHASE", 11_000)
    garage.world.add_charger(ChargerSpec("ABCDE", "Staff only", (bay,), Pricing("EUR", 49), public=False))
    assert garage.http.get("chargers/ABCDE").status_code == 404
    assert start(garage, code="ABCDE").status_code == 404


def test_a_connector_that_nobody_described_has_null_strings(garage: Garage) -> None:
    bay = ConnectorSpec(1, "AC_3_PHASE", 11_000, described=False)
    garage.world.add_charger(ChargerSpec("ABCDE", "Old one", (bay,), Pricing("EUR", 49)))
    connector = garage.http.get("chargers/ABCDE").json()["data"]["connectors"][0]
    assert (connector["standard"], connector["format"], connector["power_type"]) == (None, None, None)


def test_an_offline_charger_keeps_its_last_connector_statuses(garage: Garage) -> None:
    garage.world.set_online(AC, False)
    garage.world.plug_in(AC, 1)
    data = garage.http.get(f"chargers/{AC}").json()["data"]
    assert data["online"] is False
    assert data["connectors"][0]["status"] == "Available"
    garage.world.set_online(AC, True)
    assert garage.http.get(f"chargers/{AC}").json()["data"]["connectors"][0]["status"] == "Preparing"


def test_the_currency_may_come_in_lower_case() -> None:
    garage = Garage(Switches(currency_upper_case=False))
    assert garage.http.get(f"chargers/{AC}").json()["data"]["pricing"]["currency"] == "eur"


# --- the start


def test_a_start_answers_201_with_token_session_and_payment(garage: Garage) -> None:
    answer = start(garage, code=AC.lower(), email="driver@example.org")
    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {"session_token", "data", "payment"}
    assert body["data"]["status"] == "created"
    assert body["data"]["charger"] == {"public_code": AC, "name": "Charger 2", "online": True}
    assert body["data"]["driver_email"] == "driver@example.org"
    assert body["payment"]["publishable_key"] == "pk_test_sandbox"
    assert body["payment"]["stripe_account_id"].startswith("acct_")
    assert "_secret_" in body["payment"]["client_secret"]


def test_the_session_object_has_exactly_the_documented_fields(garage: Garage) -> None:
    assert set(start(garage).json()["data"]) == {
        "status",
        "failure_reason",
        "connector_id",
        "connector_status",
        "charger",
        "pricing",
        "amount_authorized",
        "energy_kwh",
        "cost_amount",
        "amount_captured",
        "tax_amount",
        "driver_email",
        "created_at",
        "authorized_at",
        "charging_started_at",
        "completed_at",
        "captured_at",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"code": None}, "code"),
        ({"code": ""}, "code"),
        ({"code": 7}, "code"),
        ({"code": "X" * 11}, "code"),
        ({"connector_id": None}, "connector_id"),
        ({"connector_id": "one"}, "connector_id"),
        ({"connector_id": True}, "connector_id"),
        ({"connector_id": 0}, "connector_id"),
        ({"connector_id": 101}, "connector_id"),
        ({"email": "nobody"}, "email"),
        ({"email": f"{'x' * 250}@example.org"}, "email"),
    ],
)
def test_a_wrong_field_is_422_with_its_name_in_errors(garage: Garage, body: dict[str, Any], field: str) -> None:
    answer = start(garage, **body)
    assert answer.status_code == 422
    assert answer.json()["message"] == "The given data was invalid."
    assert list(answer.json()["errors"]) == [field]
    assert all(isinstance(line, str) for line in answer.json()["errors"][field])


def test_a_body_that_is_not_json_is_malformed(garage: Garage) -> None:
    assert garage.http.post("sessions", content=b"{oops").status_code == 400


def test_no_body_at_all_lacks_its_fields(garage: Garage) -> None:
    answer = garage.http.post("sessions")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"code", "connector_id"}


def test_an_unknown_connector_is_422_without_errors_or_with(garage: Garage) -> None:
    answer = start(garage, connector_id=9)
    assert answer.status_code == 422
    assert set(answer.json()) == {"message"}
    other = Garage(Switches(unknown_connector_lists_errors=True))
    assert "connector_id" in start(other, connector_id=9).json()["errors"]


def test_an_offline_charger_refuses_the_start_with_400(garage: Garage) -> None:
    garage.world.set_online(AC, False)
    answer = start(garage)
    assert answer.status_code == 400
    assert set(answer.json()) == {"message"}


def test_an_unknown_charger_refuses_the_start_with_404(garage: Garage) -> None:
    assert start(garage, code="ZZZZZ").status_code == 404


def test_a_connector_with_an_open_session_refuses_another_with_409(garage: Garage) -> None:
    assert start(garage).status_code == 201
    assert start(garage).status_code == 409
    assert start(garage, connector_id=2).status_code == 201


def test_a_broken_connector_refuses_the_start_with_409(garage: Garage) -> None:
    garage.world.break_connector(AC, 1)
    assert start(garage).status_code == 409


def test_a_plugged_connector_may_be_started(garage: Garage) -> None:
    garage.world.plug_in(AC, 1)
    assert start(garage).status_code == 201


def test_the_start_may_need_the_cable_first() -> None:
    garage = Garage(Switches(start_needs_cable=True))
    assert start(garage).status_code == 409
    garage.world.plug_in(AC, 1)
    assert start(garage).status_code == 201


# --- the session's calls


def test_the_payment_is_beside_the_data_only_while_created(garage: Garage) -> None:
    token = start(garage).json()["session_token"]
    assert garage.http.get(f"sessions/{token}").json()["payment"]["client_secret"]
    garage.pay(token)
    confirmed = garage.http.post(f"sessions/{token}/confirm").json()
    assert confirmed["data"]["status"] == "authorized"
    assert set(confirmed) == {"data"}
    body = garage.http.get(f"sessions/{token}").json()
    assert "payment" in body
    assert body["payment"] is None


@pytest.mark.parametrize("call", ["confirm", "stop", "cancel", "receipt-email"])
def test_an_unknown_token_is_not_found(garage: Garage, call: str) -> None:
    answer = garage.http.post(f"sessions/unknown/{call}", json={"email": "driver@example.org"})
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert garage.http.get("sessions/unknown").status_code == 404


def test_a_cancel_after_the_start_of_charging_is_409(garage: Garage) -> None:
    token = garage.charging()
    answer = garage.http.post(f"sessions/{token}/cancel")
    assert answer.status_code == 409
    assert set(answer.json()) == {"message"}


def test_a_stop_answers_with_the_stopping_session(garage: Garage) -> None:
    token = garage.charging()
    answer = garage.http.post(f"sessions/{token}/stop")
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "stopping")


def test_a_receipt_email_is_checked_and_set(garage: Garage) -> None:
    token = start(garage).json()["session_token"]
    assert garage.http.post(f"sessions/{token}/receipt-email", json={}).status_code == 422
    assert garage.http.post(f"sessions/{token}/receipt-email", json={"email": "no"}).status_code == 422
    answer = garage.http.post(f"sessions/{token}/receipt-email", json={"email": "driver@example.org"})
    assert (answer.status_code, answer.json()["data"]["driver_email"]) == (200, "driver@example.org")


def test_a_receipt_email_after_the_end_is_422_without_errors(garage: Garage) -> None:
    token = start(garage).json()["session_token"]
    garage.http.post(f"sessions/{token}/cancel")
    answer = garage.http.post(f"sessions/{token}/receipt-email", json={"email": "driver@example.org"})
    assert answer.status_code == 422
    assert set(answer.json()) == {"message"}


def test_an_address_outside_the_api_is_a_json_404(garage: Garage) -> None:
    answer = garage.http.get("http://upstream/api/v3/elsewhere")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


# --- limits


LIMITS = [
    ("GET", f"chargers/{AC}", 30),
    ("POST", "sessions", 3),
    ("GET", "sessions/unknown", 30),
    ("POST", "sessions/unknown/confirm", 10),
    ("POST", "sessions/unknown/stop", 10),
    ("POST", "sessions/unknown/cancel", 10),
    ("POST", "sessions/unknown/receipt-email", 10),
]


@pytest.mark.parametrize(("method", "path", "limit"), LIMITS)
def test_each_route_has_its_own_limit_a_minute(garage: Garage, method: str, path: str, limit: int) -> None:
    for left in range(limit - 1, -1, -1):
        answer = garage.http.request(method, path)
        assert answer.status_code != 429
        assert answer.headers["X-RateLimit-Limit"] == str(limit)
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
        assert "Retry-After" not in answer.headers
    refused = garage.http.request(method, path)
    assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    for other_method, other_path, _ in LIMITS:
        if other_path != path:
            assert garage.http.request(other_method, other_path).status_code != 429


def test_the_limit_slides_and_retry_after_is_honest(garage: Garage) -> None:
    for _ in range(2):
        start(garage, connector_id=2)
    garage.clock.advance(30)
    start(garage)
    refused = start(garage)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    garage.clock.advance(30)
    assert [start(garage).status_code for _ in range(3)] == [409, 409, 429]


def test_the_address_is_that_of_the_connection_and_not_of_a_header(garage: Garage) -> None:
    for _ in range(3):
        start(garage, connector_id=9)
    spoofed = garage.http.post(
        "sessions", json={"code": AC, "connector_id": 1}, headers={"X-Forwarded-For": "203.0.113.9"}
    )
    assert spoofed.status_code == 429
    other = httpx.Client(
        transport=httpx.WSGITransport(garage.app, remote_addr="203.0.113.9"),
        base_url="http://upstream/api/v3/public-charging",
    )
    assert other.post("sessions", json={"code": AC, "connector_id": 1}).status_code == 201


def test_the_header_of_a_proxy_may_be_believed() -> None:
    garage = Garage(Switches(believes_forwarded_for=True, starts_per_minute=1))
    assert start(garage).status_code == 201
    answer = garage.http.post(
        "sessions", json={"code": AC, "connector_id": 2}, headers={"X-Forwarded-For": "203.0.113.9"}
    )
    assert answer.status_code == 201


def test_session_reads_may_be_limited_per_token() -> None:
    garage = Garage(Switches(limit_scope="token", session_reads_per_minute=2))
    tokens = [start(garage, connector_id=number).json()["session_token"] for number in (1, 2)]
    answers = [garage.http.get(f"sessions/{token}").status_code for token in tokens * 3]
    assert answers == [200, 200, 200, 200, 429, 429]


@pytest.mark.parametrize("told", [False, True])
def test_a_charger_takes_a_limited_number_of_sessions_an_hour(told: bool) -> None:
    garage = Garage(Switches(sessions_per_charger_per_hour=2, hourly_limit_sends_retry_after=told))
    for _ in range(2):
        garage.world.cancel(start(garage).json()["session_token"])
    refused = start(garage)
    assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
    assert refused.headers.get("Retry-After") == ("3600" if told else None)
    garage.wait(3600)
    assert start(garage).status_code == 201


def test_every_answer_is_counted_by_route_and_status(garage: Garage) -> None:
    start(garage)
    start(garage)
    garage.http.get(f"chargers/{AC}")
    traffic = garage.world.traffic
    assert traffic.counts() == {("start", 201): 1, ("start", 409): 1, ("charger", 200): 1}
    assert traffic.total(status=429) == 0
    assert traffic.recent()[0].route == "charger"


def test_browsers_of_other_origins_are_let_in_only_by_a_switch(garage: Garage) -> None:
    assert "Access-Control-Allow-Origin" not in garage.http.get(f"chargers/{AC}").headers
    open_garage = Garage(Switches(cors_allow_origin="*"))
    assert open_garage.http.get(f"chargers/{AC}").headers["Access-Control-Allow-Origin"] == "*"
    asked = open_garage.http.options("sessions")
    assert (asked.status_code, asked.headers["Access-Control-Allow-Headers"]) == (200, "Accept, Content-Type")


def test_the_hold_may_differ_from_what_the_charger_shows() -> None:
    garage = Garage(Switches(hold_difference=150))
    token = start(garage).json()["session_token"]
    garage.pay(token)
    assert garage.http.post(f"sessions/{token}/confirm").json()["data"]["amount_authorized"] == 5150


def test_endpoints_are_named_by_method_and_path() -> None:
    base = "/plugchoice/api/v3/public-charging"
    assert endpoint_of("GET", f"{base}/chargers/{AC}") == "charger"
    assert endpoint_of("POST", f"{base}/sessions") == "start"
    assert endpoint_of("GET", f"{base}/sessions/abc") == "session"
    assert endpoint_of("POST", f"{base}/sessions/abc/receipt-email") == "receipt_email"
    assert endpoint_of("GET", f"{base}/sessions/abc/stop") is None
    assert endpoint_of("GET", "/api/v3/sites") is None
