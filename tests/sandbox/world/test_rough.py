"""What a rough site does, each switch as it looks at the wire."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sandbox.plugchoice.office import charger_uuid
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import Kind, Rule
from kiosk.sandbox.world.line import Delays
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.traffic import WINDOW, Limits, Window
from tests.sandbox.sandbox_garage import AC, DC, PRICING, Garage

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def read(garage: Garage, token: str) -> dict[str, Any]:
    answer = garage.http.get(f"sessions/{token}")
    assert answer.status_code == 200
    data: dict[str, Any] = answer.json()["data"]
    return data


def start(garage: Garage, code: str = AC) -> httpx.Response:
    return garage.http.post("sessions", json={"code": code, "connector_id": 1})


def roomy() -> Garage:
    return Garage(Switches(session_reads_per_minute=10_000, stops_per_minute=1000, starts_per_minute=1000))


# --- meters


def readings(garage: Garage, token: str, seconds: int) -> list[int]:
    """After how many seconds the energy that is told changed."""
    seen, moments = garage.data(token)["energy_kwh"], []
    for second in range(1, seconds + 1):
        garage.clock.advance(1)
        if (now := garage.data(token)["energy_kwh"]) != seen:
            seen = now
            moments.append(second)
    return moments


def test_a_charger_tells_its_meter_as_often_as_it_does(garage: Garage) -> None:
    garage.world.set_meter_interval(AC, 300)
    slow, usual = garage.charging(AC), garage.charging(DC)
    assert readings(garage, usual, 60) == [10, 20, 30, 40, 50, 60]
    assert len(readings(garage, slow, 1200)) == 4
    garage.world.set_meter_interval(AC, None)
    garage.wait(300)
    assert len(readings(garage, slow, 60)) == 6


def test_a_charger_may_be_built_with_a_rare_meter(garage: Garage) -> None:
    bay = ConnectorSpec(1, "AC_3_PHASE", 22_000)
    garage.world.add_charger(ChargerSpec("ABCDE", "Rare", (bay,), PRICING, meter_interval=900))
    token = garage.charging("ABCDE")
    assert readings(garage, token, 1800) == [900, 1800]
    with pytest.raises(NotPossible):
        garage.world.set_meter_interval("ABCDE", 0)


def test_the_energy_can_be_null_while_the_cost_rises(garage: Garage) -> None:
    token = garage.charging()
    garage.world.hide_energy(AC)
    garage.wait(600)
    first = read(garage, token)
    garage.wait(600)
    second = read(garage, token)
    assert (first["energy_kwh"], second["energy_kwh"]) == (None, None)
    assert second["cost_amount"] > first["cost_amount"] > 35
    garage.world.stop_at_charger(AC, 1)
    garage.wait(60)
    assert read(garage, token)["energy_kwh"] is not None


def test_nothing_may_be_known_before_the_first_sample() -> None:
    garage = Garage(Switches(nothing_known_before_first_sample=True))
    token = garage.charging()
    data = read(garage, token)
    assert (data["status"], data["energy_kwh"], data["cost_amount"]) == ("charging", None, None)
    garage.wait(20)
    assert read(garage, token)["cost_amount"] is not None


def test_one_absurd_sample_stands_until_the_next_one(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    before = read(garage, token)
    garage.world.report_absurd(AC, 1)
    for _ in range(2):
        data = read(garage, token)
        assert (data["energy_kwh"], data["cost_amount"]) == ("4076.400", data["amount_authorized"])
    garage.wait(10)
    after = read(garage, token)
    assert float(before["energy_kwh"]) < float(after["energy_kwh"]) < float(before["energy_kwh"]) + 0.1


def test_one_absurd_answer_is_gone_at_the_next_read(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.faults.add(Rule(Kind.ENERGY_ABSURD, "session"))
    assert read(garage, token)["energy_kwh"] == "4076.400"
    assert float(read(garage, token)["energy_kwh"]) < 3


# --- the line


def test_a_slow_line_delays_the_request_and_the_answer(garage: Garage) -> None:
    garage.world.line.delays = Delays(before=(2, 2), after=(5, 5))
    before = garage.clock.now()
    assert start(garage).status_code == 201
    assert garage.clock.now() - before == timedelta(seconds=7)
    assert garage.world.sessions()[0].created_at == before + timedelta(seconds=2)


def test_the_same_seed_gives_the_same_delays() -> None:
    def run(seed: int) -> list[float]:
        garage = Garage(seed=seed)
        garage.world.line.delays = Delays(before=(0, 3), after=(0, 3), often=0.6)
        moments = [garage.clock.now()]
        for _ in range(20):
            garage.http.get(f"chargers/{AC}")
            moments.append(garage.clock.now())
        return [(b - a).total_seconds() for a, b in itertools.pairwise(moments)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 0 in run(1)
    assert max(run(1)) > 2


@pytest.mark.parametrize("wrong", [{"before": (2, 1)}, {"after": (-1, 0)}, {"often": 1.5}])
def test_delays_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"delay|share"):
        Delays(**wrong)


def test_a_late_request_is_worked_late_and_a_late_answer_in_time(garage: Garage) -> None:
    begun = garage.clock.now()
    garage.faults.add(Rule(Kind.LATE_ANSWER, "start", seconds=20))
    start(garage)
    assert garage.clock.now() - begun == timedelta(seconds=20)
    garage.faults.add(Rule(Kind.LATENCY, "start", seconds=20))
    start(garage, DC)
    assert [each.created_at - begun for each in garage.world.sessions()] == [timedelta(0), timedelta(seconds=40)]


def test_the_operators_view_is_on_the_same_line(garage: Garage) -> None:
    http = operator(garage)
    garage.world.line.delays = Delays(after=(3, 3))
    before = garage.clock.now()
    assert http.get(f"chargers/{charger_uuid(AC)}").status_code == 200
    assert garage.clock.now() - before == timedelta(seconds=3)


# --- limits


def operator(garage: Garage) -> httpx.Client:
    return httpx.Client(
        transport=httpx.WSGITransport(create_operator_app(garage.world, "key")),
        base_url="http://upstream/api/v3",
        headers={"Authorization": "Bearer key"},
    )


@pytest.mark.parametrize(("window", "told"), [("sliding", [None, 9, 8, 7]), ("fixed", [None, None, None, 57])])
def test_a_window_slides_or_is_fixed(window: Window, told: list[int | None]) -> None:
    """Three starts at 0, 10 and 20 s: a sliding window gives them back one by one, a fixed one all at 60 s."""
    limits = Limits(window=window)
    for second in (0, 10, 20):
        assert limits.spend("start", "us", 3, NOON + timedelta(seconds=second)).retry_after is None
    assert limits.spend("start", "us", 3, NOON + timedelta(seconds=59)).retry_after == 1
    later = [NOON + timedelta(seconds=60.5 + each) for each in range(4)]
    assert [limits.spend("start", "us", 3, moment).retry_after for moment in later] == told


@given(st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=60), st.sampled_from(["sliding", "fixed"]))
def test_however_one_asks_a_refused_request_is_told_when_there_is_room(pauses: list[float], window: Window) -> None:
    limits, now = Limits(window=window), NOON
    for pause in pauses:
        now += timedelta(seconds=pause)
        wait = limits.spend("start", "us", 3, now).retry_after
        if wait is not None:
            now += timedelta(seconds=wait)
            assert limits.spend("start", "us", 3, now).retry_after is None


def test_others_at_the_address_take_their_share_of_every_limit() -> None:
    garage = Garage(Switches(foreign_share=0.5))
    garage.wait(120)
    left = garage.http.get(f"chargers/{AC}").headers["X-RateLimit-Remaining"]
    assert 5 <= int(left) <= 22  # of 29 without others
    assert operator(garage).get(f"chargers/{charger_uuid(AC)}").headers["X-RateLimit-Remaining"] == "499"


def test_others_do_not_share_a_limit_of_our_own_token() -> None:
    garage = Garage(Switches(foreign_share=0.9, limit_scope="token"))
    garage.wait(120)
    token = garage.begin()
    assert garage.http.get(f"sessions/{token}").headers["X-RateLimit-Remaining"] == "29"


@given(st.integers(1, 9), st.integers(0, 600), st.lists(st.integers(1, 90), max_size=10))
def test_when_others_come_does_not_depend_on_how_often_one_looks(share: int, offset: int, steps: list[int]) -> None:
    limits = Limits(seed=7, foreign_share=share / 10)
    begin = NOON + timedelta(seconds=offset)
    moments = [begin]
    for step in steps:
        moments.append(moments[-1] + timedelta(seconds=step))
    seen = [each for a, b in itertools.pairwise(moments) for each in limits.foreign("session", 30, a, b)]
    assert seen == limits.foreign("session", 30, begin, moments[-1])
    hour = limits.foreign("session", 30, NOON, NOON + timedelta(hours=1))
    assert abs(len(hour) - 60 * 30 * share / 10) <= 60
    assert all(a <= b for a, b in itertools.pairwise(hour))


def test_a_limit_is_kept_with_others_in_it() -> None:
    limits, allowed = Limits(foreign_share=0.4), []
    for second in range(0, 600, 2):
        now = NOON + timedelta(seconds=second)
        if limits.spend("session", "us", 30, now, shared=True).retry_after is None:
            allowed.append(now)
    for moment in allowed:
        assert sum(moment <= other < moment + WINDOW for other in allowed) <= 30
    assert 140 < len(allowed) < 280  # of 300 that would fit if nobody else came


def test_the_sessions_of_an_hour_can_be_used_up_by_others() -> None:
    garage = roomy()
    garage.world.use_up_hour(AC, free_in=600)
    answer = start(garage)
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, False)
    assert start(garage, DC).status_code == 201
    garage.clock.advance(599)
    assert start(garage).status_code == 429
    garage.clock.advance(1)
    assert start(garage).status_code == 201


def test_an_hour_that_is_used_up_may_say_how_long_to_wait() -> None:
    garage = Garage(Switches(hourly_limit_sends_retry_after=True))
    garage.world.use_up_hour(AC, free_in=777)
    assert start(garage).headers["Retry-After"] == "777"


@pytest.mark.parametrize("endpoint", ["session", "stop", "confirm", "cancel"])
def test_any_endpoint_can_ask_for_a_very_long_wait(garage: Garage, endpoint: str) -> None:
    token = garage.charging()
    garage.faults.add(Rule(Kind.TOO_MANY, endpoint, retry_after=3600))
    path = f"sessions/{token}"
    answer = garage.http.get(path) if endpoint == "session" else garage.http.post(f"{path}/{endpoint}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")


# --- stops


def test_an_ignored_stop_may_never_have_been_stopping() -> None:
    garage = Garage(Switches(ignored_stop_is_stopping=False))
    token = garage.charging()
    garage.world.ignore_next_stop(AC)
    answer = garage.http.post(f"sessions/{token}/stop")
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "charging")
    garage.wait(300)
    assert garage.status(token) == "charging"
    assert garage.http.post(f"sessions/{token}/stop").json()["data"]["status"] == "stopping"


def test_a_stop_and_reads_can_slip_with_404_and_be_there_again(garage: Garage) -> None:
    token = garage.charging()
    garage.faults.add(Rule(Kind.TOKEN_EXPIRED, "stop"))
    garage.faults.add(Rule(Kind.TOKEN_EXPIRED, "session", times=2))
    assert garage.http.post(f"sessions/{token}/stop").status_code == 404
    assert [garage.http.get(f"sessions/{token}").status_code for _ in range(3)] == [404, 404, 200]
    assert garage.status(token) == "charging"


# --- half answers and strange words


@pytest.fixture
def settled(garage: Garage) -> str:
    token = garage.charging()
    garage.wait(600)
    return token


def test_a_last_word_can_come_before_its_amounts(garage: Garage, settled: str) -> None:
    garage.world.hold_back_amounts(AC, 30)
    garage.world.stop_at_charger(AC, 1)
    garage.until(settled, "captured")
    data = read(garage, settled)
    assert (data["amount_captured"], data["tax_amount"], data["captured_at"]) == (None, None, None)
    assert data["amount_authorized"] == 5000
    garage.clock.advance(30)
    assert read(garage, settled)["amount_captured"] == read(garage, settled)["cost_amount"] > 0


def test_the_amounts_of_a_last_word_may_never_come(garage: Garage, settled: str) -> None:
    garage.world.hold_back_amounts(AC, math.inf)
    garage.world.stop_at_charger(AC, 1)
    garage.until(settled, "captured")
    garage.wait(20 * 3600, step=3600)
    assert read(garage, settled)["amount_captured"] is None
    garage.world.hold_back_amounts(AC, None)
    assert read(garage, settled)["amount_captured"] is not None


def test_another_word_can_stand_for_a_status(garage: Garage) -> None:
    token = garage.charging()
    garage.world.say_instead(AC, "charging", "optimising")
    garage.world.say_instead(AC, "captured", "archived")
    assert read(garage, token)["status"] == "optimising"
    assert read(garage, token)["cost_amount"] == 35
    garage.world.say_instead(AC, "charging", None)
    assert read(garage, token)["status"] == "charging"
    garage.wait(600)
    garage.world.stop_at_charger(AC, 1)
    garage.wait(60)
    assert read(garage, token)["status"] == "archived"
    assert read(garage, token)["amount_captured"] > 35


@pytest.mark.parametrize("kind", [Kind.MISSING, Kind.NULLS])
def test_a_start_can_be_answered_with_a_payment_that_is_no_use(garage: Garage, kind: Kind) -> None:
    garage.faults.add(Rule(kind, "start", fields=("payment.client_secret", "pricing.price_per_kwh")))
    body = start(garage).json()
    assert body["session_token"]
    assert body["payment"].get("client_secret") is None
    assert body["payment"]["stripe_account_id"]
    assert body["data"]["pricing"].get("price_per_kwh") is None
    assert ("client_secret" in body["payment"]) == (kind is Kind.NULLS)


def test_whole_parts_beside_the_data_can_be_missing(garage: Garage) -> None:
    garage.faults.add(Rule(Kind.MISSING, "start", fields=("payment", "data")))
    assert set(start(garage).json()) == {"session_token"}


def test_price_parts_can_be_told_that_nobody_knows(garage: Garage) -> None:
    garage.world.set_pricing(AC, Pricing("EUR", 49, 35, more=(("price_per_minute", 10),)))
    assert garage.http.get(f"chargers/{AC}").json()["data"]["pricing"]["price_per_minute"] == 10
    assert start(garage).json()["data"]["pricing"]["price_per_minute"] == 10
    settings = operator(garage).get(f"chargers/{charger_uuid(AC)}/settings/public-charging").json()
    assert settings["price_per_minute"] == 10


# --- cars, load management, chargers


def test_a_car_can_wait_for_its_timer(garage: Garage) -> None:
    garage.world.auto_plug = False
    garage.world.plug_in(AC, 1, "family", 300, waits=1800)
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "charging")
    garage.wait(1700)
    assert (read(garage, token)["connector_status"], read(garage, token)["energy_kwh"]) == ("SuspendedEV", "0.000")
    garage.wait(300)
    assert read(garage, token)["connector_status"] == "Charging"
    assert float(read(garage, token)["energy_kwh"]) > 0


def test_a_car_can_begin_to_wait_while_it_charges(garage: Garage) -> None:
    token = garage.charging()
    garage.wait(600)
    garage.world.let_wait(AC, 1, 900)
    garage.wait(20)
    before = read(garage, token)
    garage.wait(600)
    assert read(garage, token)["energy_kwh"] == before["energy_kwh"]
    assert before["connector_status"] == "SuspendedEV"
    garage.wait(600)
    assert read(garage, token)["connector_status"] == "Charging"


def test_load_management_can_pause_a_bay(garage: Garage) -> None:
    token = garage.charging()
    garage.world.pause(AC, 1, 600)
    assert read(garage, token)["connector_status"] == "SuspendedEVSE"
    garage.wait(599)
    assert float(read(garage, token)["energy_kwh"]) < 0.01  # of the moment before
    garage.wait(60)
    assert read(garage, token)["connector_status"] == "Charging"
    assert float(read(garage, token)["energy_kwh"]) > 0.1


def test_a_driver_can_plug_in_late_and_the_handshake_take_its_time(garage: Garage) -> None:
    garage.world.come_late(AC, 1, plug_after=110, handshake=15)
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "starting")
    begun = garage.clock.now()
    while garage.connector_status() == "Available":
        garage.clock.advance(1)
    assert round((garage.clock.now() - begun).total_seconds()) == 110
    garage.until(token, "charging")
    assert round((garage.clock.now() - begun).total_seconds()) == 125
    garage.world.stop_at_charger(AC, 1)
    garage.wait(120)
    again = garage.begin()
    garage.pay(again)
    garage.world.confirm(again)
    garage.until(again, "charging", within=20)  # only the next driver was late


@pytest.mark.parametrize(("status", "blocked"), [("Faulted", False), ("Unavailable", False), ("Available", True)])
def test_a_charger_that_is_out_of_order_as_a_whole_starts_nothing(garage: Garage, status: str, blocked: bool) -> None:
    garage.world.set_charger_status(AC, status, blocked=blocked)
    told = operator(garage).get(f"chargers/{charger_uuid(AC)}").json()["data"]
    assert (told["status"], told["blocked"]) == (status, blocked)
    assert garage.http.get(f"chargers/{AC}").json()["data"]["connectors"][0]["status"] == "Available"
    token = garage.begin()
    garage.pay(token)
    garage.world.confirm(token)
    garage.until(token, "failed")


def test_price_and_hold_can_change_between_the_card_and_the_start(garage: Garage) -> None:
    seen = garage.http.get(f"chargers/{AC}").json()["data"]
    garage.world.set_pricing(AC, Pricing("EUR", 88, 200), preauth_amount=6000)
    data = start(garage).json()["data"]
    assert (seen["pricing"]["price_per_kwh"], data["pricing"]["price_per_kwh"]) == (49, 88)
    garage.clock.advance(1)
    token = garage.world.sessions()[0].token
    garage.pay(token)
    garage.world.confirm(token)
    assert read(garage, token)["amount_authorized"] == 6000
