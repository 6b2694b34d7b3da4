"""Batteries, charging curves, and the energy that goes through the meter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sandbox.world.cars import MICROJOULES_PER_WH, MODELS, Car
from kiosk.sandbox.world.curves import ac_power_w, dc_power_w

HOUR = 3600 * 1_000_000


def test_a_curve_is_linear_between_its_points_and_flat_beyond() -> None:
    curve = ((100, 50_000), (500, 90_000), (1000, 10_000))
    assert [dc_power_w(curve, at) for at in (0, 100, 300, 500, 750, 1000)] == [
        50_000,
        50_000,
        70_000,
        90_000,
        50_000,
        10_000,
    ]


def test_a_car_without_an_inlet_takes_nothing_from_a_fast_charger() -> None:
    assert dc_power_w((), 500) == 0
    assert not MODELS["hybrid"].fits("DC")


def test_alternating_current_tapers_over_the_last_percent() -> None:
    assert ac_power_w(11_000, 960) == 11_000
    assert ac_power_w(11_000, 980) == 6_600
    assert ac_power_w(11_000, 1000) == 2_200


@pytest.mark.parametrize(("supply", "power"), [("AC_1_PHASE", 7_400), ("AC_3_PHASE", 11_000), ("DC", 118_800)])
def test_a_car_takes_what_its_own_limits_allow(supply: str, power: int) -> None:
    assert Car(MODELS["family"], 300).power_w(supply, 150_000) == power  # type: ignore[arg-type]


def test_a_connector_limits_the_car() -> None:
    assert Car(MODELS["family"], 300).power_w("DC", 40_000) == 40_000


def test_a_car_with_a_timer_draws_nothing() -> None:
    assert Car(MODELS["timer"], 100).power_w("AC_3_PHASE", 22_000) == 0


def test_the_battery_gets_less_than_the_meter_counts() -> None:
    car = Car(MODELS["family"], 300)
    before = car.stored_uj
    metered = car.take("AC_3_PHASE", 11_000, HOUR)
    assert metered == 11_000 * MICROJOULES_PER_WH
    assert car.stored_uj - before == metered * 90 // 100


@given(st.sampled_from(sorted(MODELS)), st.integers(0, 1000), st.integers(1, 200_000), st.integers(1, 20 * HOUR))
def test_a_battery_never_holds_more_than_the_car_allows(model: str, charge: int, power: int, time: int) -> None:
    car = Car(MODELS[model], charge)
    before = car.stored_uj
    most = max(before, MODELS[model].battery_wh * MICROJOULES_PER_WH * MODELS[model].charge_limit_permille // 1000)
    metered = car.take("AC_3_PHASE", power, time)
    assert before <= car.stored_uj <= most
    assert 0 <= metered <= power * time
    assert car.stored_uj - before <= metered


def test_a_full_car_takes_nothing_more() -> None:
    car = Car(MODELS["saloon"], 300)
    car.fill()
    assert car.full
    assert car.charge_permille == 800
    assert car.power_w("DC", 150_000) == 0
    assert car.take("DC", 150_000, HOUR) == 0
