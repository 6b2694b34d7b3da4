"""Each fault, as the kiosk's client meets it: in-process through a transport, and over a real socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from werkzeug.serving import make_server

from kiosk.sandbox.world.faults import CUTS, Faults, FaultyTransport, Kind, Rule
from kiosk.sandbox.world.sessions import STATUSES
from tests.sandbox.sandbox_garage import AC, Garage

BODY = {"code": AC, "connector_id": 1}
BASE = "http://upstream/api/v3/public-charging"


@pytest.fixture
def http(garage: Garage) -> httpx.Client:
    transport = FaultyTransport(httpx.WSGITransport(garage.app), garage.faults)
    return httpx.Client(transport=transport, base_url=BASE)


@pytest.fixture
def socket_url(garage: Garage) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, garage.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/v3/public-charging"
    server.shutdown()
    thread.join()
    server.server_close()


# --- connections


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (Kind.UNREACHABLE, httpx.ConnectError),
        (Kind.DROPPED, httpx.RemoteProtocolError),
        (Kind.TIMEOUT, httpx.ReadTimeout),
    ],
)
def test_a_connection_that_is_lost_before_the_effect_leaves_nothing_behind(
    garage: Garage, http: httpx.Client, kind: Kind, problem: type[Exception]
) -> None:
    garage.faults.add(Rule(kind, "start"))
    with pytest.raises(problem):
        http.post("sessions", json=BODY)
    assert garage.world.sessions() == ()
    assert http.post("sessions", json=BODY).status_code == 201


@pytest.mark.parametrize(
    ("kind", "problem"), [(Kind.DROPPED, httpx.RemoteProtocolError), (Kind.TIMEOUT, httpx.ReadTimeout)]
)
def test_a_connection_that_is_lost_after_the_effect_leaves_the_session_behind(
    garage: Garage, http: httpx.Client, kind: Kind, problem: type[Exception]
) -> None:
    garage.faults.add(Rule(kind, "start", after_effect=True))
    with pytest.raises(problem):
        http.post("sessions", json=BODY)
    assert len(garage.world.sessions()) == 1
    assert http.post("sessions", json=BODY).status_code == 409


def test_an_unreachable_server_never_does_the_work(garage: Garage, http: httpx.Client) -> None:
    garage.faults.add(Rule(Kind.UNREACHABLE, "start", after_effect=True))
    with pytest.raises(httpx.ConnectError):
        http.post("sessions", json=BODY)
    assert garage.world.sessions() == ()


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_real_server_cuts_the_connection(garage: Garage, socket_url: str, after_effect: bool) -> None:
    garage.faults.add(Rule(Kind.DROPPED, "start", after_effect=after_effect))
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{socket_url}/sessions", json=BODY, timeout=5)
    assert len(garage.world.sessions()) == int(after_effect)
    assert garage.world.traffic.counts() == {("start", 0): 1}
    again = httpx.post(f"{socket_url}/sessions", json=BODY, timeout=5)
    assert again.status_code == (409 if after_effect else 201)


# --- answers


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        (Kind.SERVER_ERROR, 500, "application/json"),
        (Kind.BAD_GATEWAY, 502, "text/html"),
        (Kind.CHARGER_TIMEOUT, 504, "application/json"),
        (Kind.TOO_MANY, 429, "application/json"),
        (Kind.UNAUTHORIZED, 401, "application/json"),
        (Kind.TOKEN_EXPIRED, 404, "application/json"),
    ],
)
@pytest.mark.parametrize("after_effect", [False, True])
def test_an_error_answer_comes_before_or_after_the_effect(
    garage: Garage, kind: Kind, status: int, content_type: str, after_effect: bool
) -> None:
    token = garage.begin()
    garage.faults.add(Rule(kind, "cancel", after_effect=after_effect))
    answer = garage.http.post(f"sessions/{token}/cancel")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith(content_type)
    assert garage.status(token) == ("abandoned" if after_effect else "created")


def test_a_429_on_demand_says_how_long_to_wait_or_does_not(garage: Garage) -> None:
    garage.faults.add(Rule(Kind.TOO_MANY, retry_after=17))
    garage.faults.add(Rule(Kind.TOO_MANY, retry_after=None))
    told, untold = garage.http.get(f"chargers/{AC}"), garage.http.get(f"chargers/{AC}")
    assert told.json() == {"message": "Too Many Attempts."}
    assert told.headers["Retry-After"] == "17"
    assert "Retry-After" not in untold.headers


def test_latency_lets_the_worlds_time_pass(garage: Garage) -> None:
    garage.faults.add(Rule(Kind.LATENCY, seconds=12))
    before = garage.clock.now()
    assert garage.http.get(f"chargers/{AC}").status_code == 200
    assert (garage.clock.now() - before).total_seconds() == 12


def test_truncated_html_and_empty_bodies_are_not_json(garage: Garage) -> None:
    for kind in (Kind.TRUNCATED, Kind.HTML, Kind.EMPTY):
        garage.faults.add(Rule(kind))
        answer = garage.http.get(f"chargers/{AC}")
        assert answer.status_code == 200
        with pytest.raises(ValueError):  # noqa: PT011 - whatever a JSON parser says
            answer.json()


def test_a_spoiled_start_has_had_its_effect(garage: Garage) -> None:
    garage.faults.add(Rule(Kind.TRUNCATED, "start"))
    assert garage.http.post("sessions", json=BODY).status_code == 201
    assert len(garage.world.sessions()) == 1


def test_an_error_answer_is_not_spoiled(garage: Garage) -> None:
    garage.faults.add(Rule(Kind.NULLS))
    assert garage.http.get("chargers/ZZZZZ").json() == {"message": "Not Found."}


def test_fields_can_be_null(garage: Garage) -> None:
    token = garage.charging()
    garage.faults.add(Rule(Kind.NULLS, fields=("energy_kwh", "status", "charger")))
    data = garage.http.get(f"sessions/{token}").json()["data"]
    assert (data["energy_kwh"], data["status"], data["charger"]) == (None, None, None)


def test_fields_can_be_missing(garage: Garage) -> None:
    garage.faults.add(Rule(Kind.MISSING, fields=("pricing", "connectors")))
    data = garage.http.get(f"chargers/{AC}").json()["data"]
    assert set(data) == {"public_code", "name", "online", "preauth_amount"}


def test_a_status_can_be_one_that_nobody_knows(garage: Garage) -> None:
    token = garage.begin()
    garage.faults.add(Rule(Kind.STRANGE_STATUS))
    assert garage.http.get(f"sessions/{token}").json()["data"]["status"] not in STATUSES
    assert garage.http.get(f"sessions/{token}").json()["data"]["status"] == "created"


def test_a_connector_status_can_be_one_that_nobody_knows(garage: Garage) -> None:
    token = garage.begin()
    garage.faults.add(Rule(Kind.STRANGE_CONNECTOR, times=2, word="Dreaming"))
    assert garage.http.get(f"sessions/{token}").json()["data"]["connector_status"] == "Dreaming"
    connectors = garage.http.get(f"chargers/{AC}").json()["data"]["connectors"]
    assert {each["status"] for each in connectors} == {"Dreaming"}


def test_energy_can_fall_between_two_reads(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    before = garage.http.get(f"sessions/{token}").json()["data"]
    garage.faults.add(Rule(Kind.ENERGY_FALLS))
    after = garage.http.get(f"sessions/{token}").json()["data"]
    assert float(after["energy_kwh"]) < float(before["energy_kwh"])
    assert after["cost_amount"] < before["cost_amount"]


def test_the_currency_can_come_in_the_other_case(garage: Garage) -> None:
    garage.faults.add(Rule(Kind.CURRENCY_CASE))
    assert garage.http.get(f"chargers/{AC}").json()["data"]["pricing"]["currency"] == "eur"


@pytest.mark.parametrize("kind", sorted(set(Kind) - CUTS))
def test_every_kind_of_answer_is_counted_with_its_fault(garage: Garage, kind: Kind) -> None:
    garage.faults.add(Rule(kind))
    answer = garage.http.get(f"chargers/{AC}")
    request = garage.world.traffic.recent()[0]
    assert (request.status, request.fault) == (answer.status_code, kind)


# --- rules


def test_a_rule_is_played_as_often_as_it_says_and_at_its_endpoint_only(garage: Garage) -> None:
    token = garage.begin()
    garage.faults.add(Rule(Kind.SERVER_ERROR, "session", times=2))
    assert garage.http.get(f"chargers/{AC}").status_code == 200
    assert [garage.http.get(f"sessions/{token}").status_code for _ in range(3)] == [500, 500, 200]
    assert garage.faults.waiting() == ()


def test_a_rule_without_end_is_played_until_it_is_cleared(garage: Garage) -> None:
    garage.faults.add(Rule(Kind.SERVER_ERROR, times=None))
    assert {garage.http.get(f"chargers/{AC}").status_code for _ in range(10)} == {500}
    garage.faults.clear()
    assert garage.http.get(f"chargers/{AC}").status_code == 200


def test_a_probability_is_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Rule(Kind.SERVER_ERROR, times=None, probability=0.3))
        return [faults.take("session", frozenset(Kind)) is not None for _ in range(200)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 30 < sum(run(1)) < 90


@pytest.mark.parametrize("wrong", [{"endpoint": "sites"}, {"times": 0}, {"probability": 0.0}, {"probability": 1.1}])
def test_a_rule_that_could_never_be_played_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"endpoint|once|probability"):
        Rule(Kind.EMPTY, **wrong)  # type: ignore[arg-type]
