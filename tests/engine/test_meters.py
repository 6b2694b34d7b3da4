"""Chargers that report rarely, with the engine and the back office: they can be sold, and limits are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.domain.commands import Kind
from kiosk.domain.status import Status
from tests.engine.house import CODE, House


@pytest.mark.parametrize("interval", [200, 300, 900])
def test_a_charge_at_a_charger_that_reports_rarely_goes_on(house: House, interval: float) -> None:
    house.world.set_meter_interval(CODE, interval)
    key = house.charging()
    house.run(interval + 60)
    assert house.session(key).status == Status.CHARGING
    assert house.states(key, Kind.STOP) == []


def test_a_charge_without_energy_figures_goes_on(house: House) -> None:
    house.world.hide_energy(CODE)
    key = house.charging()
    house.run(400)
    assert house.session(key).status == Status.CHARGING
    assert house.session(key).energy_kwh is None


def test_a_car_that_waits_for_its_timer_is_kept(house: House) -> None:
    key = house.charging(car="timer")
    house.run(400)
    assert house.session(key).status == Status.CHARGING
    assert house.states(key, Kind.STOP) == []


def test_how_often_a_charger_reports_is_learnt_and_survives_a_restart(house: House) -> None:
    key = house.charging()
    house.run(120)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.restart()
    pace = house.store.pace(CODE)
    assert pace is not None
    assert pace.interval is not None
    assert timedelta(seconds=10) <= pace.interval <= timedelta(seconds=40)


def test_a_cable_that_comes_in_late_and_a_slow_handshake_end_in_a_charge(house: House) -> None:
    house.world.come_late(CODE, 1, plug_after=112, handshake=15)
    key = house.paid()
    house.until(key, "charging", seconds=200)
    assert house.states(key, Kind.CANCEL) == []


def test_one_absurd_sample_ends_nothing_and_is_not_shown(house: House) -> None:
    key = house.charging()
    house.run(120)
    house.world.report_absurd(CODE, 1)
    house.run(60)
    session = house.session(key)
    assert session.status == Status.CHARGING
    assert session.energy_kwh is not None
    assert session.energy_kwh < 10
    assert house.states(key, Kind.STOP) == []
