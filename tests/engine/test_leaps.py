"""The machine's clock is set while the kiosk runs: nobody loses a start, a charge or a place in the line by it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest

from kiosk.clock import SystemClock
from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.session import Phase, Session
from kiosk.domain.unpaid import UNSEEN_LIVES
from kiosk.engine.leaps import FURTHEST, waits_for_a_time
from kiosk.store.errors import Trouble, Unavailable
from tests.engine.house import CODE, House, phone_of
from tests.worlds.engine import Behind

HOUR = 3600
DAY = 24 * HOUR
every_leap = pytest.mark.parametrize("seconds", [2 * HOUR, 20 * HOUR, 400 * DAY, -2 * HOUR], ids="{:+}".format)


class Machine(Behind):
    """The kiosk's real clock on a machine whose wall clock somebody sets. The world's time goes on as ever."""

    def __init__(self, house: House) -> None:
        super().__init__(house.clock)
        self._set_by = timedelta(0)
        begun = house.clock.now()
        self._own = SystemClock(
            wall=lambda: house.clock.now() + self._set_by,
            monotonic=lambda: (house.clock.now() - begun).total_seconds(),
        )
        house.kiosk_clock = self
        house.engine = house.new_engine()
        house.run(1)

    def leap(self, seconds: float) -> None:
        self._set_by += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self._own.now()

    def wall(self) -> datetime:
        return self._own.wall()

    def behind(self) -> timedelta:
        return self._own.behind()

    def follow(self) -> None:
        self._own.follow()


@pytest.fixture
def machine(house: House) -> Machine:
    return Machine(house)


@every_leap
def test_an_unpaid_start_has_all_of_its_time(house: House, machine: Machine, seconds: float) -> None:
    key = house.request()
    house.until(key, "created")
    machine.leap(seconds)
    house.run(UNSEEN_LIVES.total_seconds() - 20)
    assert (house.session(key).status, house.session(key).given_up_at) == ("created", None)
    house.pay(key)
    house.until(key, "charging")


@every_leap
def test_an_unpaid_start_ends_when_its_time_has_really_passed(house: House, machine: Machine, seconds: float) -> None:
    key = house.request()
    house.until(key, "created")
    machine.leap(seconds)
    house.run(UNSEEN_LIVES.total_seconds() + 20)
    assert house.last(key, Kind.CANCEL).asked_by is AskedBy.UNPAID


@every_leap
def test_a_charger_has_its_time_to_answer(house: House, machine: Machine, seconds: float) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    house.run(30)
    machine.leap(seconds)
    house.run(60)
    assert house.session(key).status == "starting"
    assert house.states(key, Kind.CANCEL) == []
    house.until(key, "abandoned", seconds=90)


@every_leap
def test_a_car_that_waits_goes_on_waiting(house: House, machine: Machine, seconds: float) -> None:
    key = house.charging()
    house.world.pause(CODE, 1, HOUR)
    house.run(60)
    assert house.session(key).connector_status == "SuspendedEVSE"
    machine.leap(seconds)
    house.run(120)
    assert house.session(key).status == "charging"
    assert house.states(key, Kind.STOP) == []


@every_leap
def test_a_limit_ends_the_charge_where_it_would_have_ended(house: House, machine: Machine, seconds: float) -> None:
    key = house.charging(limit=100)
    house.watch(key)
    house.run(30)
    machine.leap(seconds)
    ended = house.until(key, "captured", seconds=1200)
    assert ended.captured_minor is not None
    assert 90 <= ended.captured_minor <= 100


@every_leap
def test_a_minute_of_upstreams_is_a_minute(house: House, machine: Machine, seconds: float) -> None:
    """Three starts a minute. By a leap none of them is forgotten, and the fourth waits in the line, not for ever."""
    for number in (1, 2, 3):
        house.request(number)
    house.run(2)
    assert house.answered("start") == 3
    machine.leap(seconds)
    fourth = house.request(4)
    house.run(40)
    assert (house.session(fourth).phase, house.answered("start")) == (Phase.QUEUED, 3)
    house.run(25)
    assert (house.session(fourth).phase, house.answered("start", 429)) == (Phase.OPEN, 0)


@every_leap
def test_whoever_leads_goes_on_leading(house: House, machine: Machine, seconds: float) -> None:
    key = house.charging()
    before = house.engine._lead.lease
    machine.leap(seconds)
    house.run(30)
    assert (house.engine.alive(), house.engine._lead.lease) == (True, before)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    assert house.store.receipt(key) is not None


def test_the_time_is_taken_over_when_nothing_waits_for_one(
    house: House, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    key = house.charging()
    with caplog.at_level(logging.INFO):
        machine.leap(2 * HOUR)
        house.run(60)
        assert machine.behind() == timedelta(hours=2)
        house.ask(key, Kind.STOP)
        house.until(key, "captured")
        house.run(10)
    assert machine.behind() == timedelta(0)
    told = [record for record in caplog.records if "clock" in record.getMessage()]
    assert [vars(record).get("seconds") for record in told] == [2 * HOUR, None]
    after = house.charging(2)
    assert house.session(after).status == "charging"
    assert house.engine.alive()


def test_everything_waits_for_a_time_that_is_not_over_or_left_to_a_person(house: House, machine: Machine) -> None:
    now, long_after = machine.now(), machine.now() + timedelta(days=2)
    start = house.session(house.request())
    charge = house.session(house.charging(2))
    ended = house.ask(house.charging(3), Kind.STOP).session_key
    settling = house.until(ended, "settling")
    over = house.until(ended, "captured")
    assert waits_for_a_time(start, long_after)
    assert waits_for_a_time(charge, long_after)
    assert waits_for_a_time(settling, now)
    assert not waits_for_a_time(settling, long_after)
    assert not waits_for_a_time(over, now)


def test_a_leap_of_weeks_is_left_to_a_person_and_erases_nothing(
    house: House, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    key = house.charging()
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    machine.leap(60 * DAY)
    with caplog.at_level(logging.INFO):
        house.run(600)
    assert machine.behind() == timedelta(days=60) > FURTHEST
    assert [record.levelname for record in caplog.records if "leapt ahead" in record.getMessage()] == ["ERROR"]
    assert house.store.owns(key, phone_of(key))
    machine.leap(-60 * DAY)
    house.run(10)
    assert machine.behind() == timedelta(0)


def test_a_store_that_cannot_be_read_puts_it_off(
    house: House, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> list[Session]:
        raise Unavailable(Trouble.AWAY)

    machine.leap(2 * HOUR)
    with monkeypatch.context() as patched:
        patched.setattr(house.store, "sessions_to_watch", away)
        house.run(10)
        assert machine.behind() == timedelta(hours=2)
    house.run(10)
    assert machine.behind() == timedelta(0)
