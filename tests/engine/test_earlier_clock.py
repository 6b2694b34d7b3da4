"""Restarted with an earlier clock: the kiosk goes on as if its own had gone on, and nothing is held twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.session import Phase, age
from kiosk.domain.status import Status
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.engine.house import CODE, House, phone_of

pytestmark = pytest.mark.parametrize(
    "back", [120, 660, 3 * 3600, 365 * 86_400], ids=["2 min", "11 min", "3 h", "a year"]
)


def restart_earlier(house: House, back: float) -> None:
    """As after kill -9, and with a wall clock that was set back meanwhile. The world's own clock goes on."""
    house.kiosk_clock.by = timedelta(seconds=back)
    house.engine = house.new_engine()


def test_a_charge_is_read_at_once_and_goes_on_being_read(house: House, back: float) -> None:
    key = house.charging()
    house.run(60)
    restart_earlier(house, back)
    before = house.answered("session")
    house.run(2)
    assert house.engine.leading
    assert house.answered("session") > before
    assert house.store.hints() == {}
    version = house.session(key).version
    house.run(30)
    assert house.session(key).version > version


def test_the_driver_can_stop_and_gets_a_receipt(house: House, back: float) -> None:
    key = house.charging()
    house.run(60)
    restart_earlier(house, back)
    house.ask(key, Kind.STOP)
    house.run(2)
    assert house.states(key, Kind.STOP) == [CommandState.DONE]
    house.until(key, "captured")
    assert house.store.receipt(key) is not None


def test_a_stop_that_waited_for_another_attempt_is_sent(house: House, back: float) -> None:
    key = house.charging()
    house.faults.add(Rule(Fault.UNREACHABLE, "stop", times=4))
    house.ask(key, Kind.STOP)
    house.run(40)
    assert house.states(key, Kind.STOP) == [CommandState.WAITING]
    house.faults.clear()
    restart_earlier(house, back)
    house.run(90)
    assert house.states(key, Kind.STOP) == [CommandState.DONE]


def test_a_start_that_was_cut_off_is_not_sent_a_second_time(house: House, back: float) -> None:
    key = house.request()
    assert house.store.claim(house.last(key, Kind.START).id, house.kiosk_clock.now())
    restart_earlier(house, back)
    house.run(30)
    assert house.session(key).phase is Phase.NO_ANSWER
    assert house.upstream_sessions() == 0


def test_a_start_that_waits_is_sent_once(house: House, back: float) -> None:
    key = house.request()
    restart_earlier(house, back)
    house.until(key, "created")
    assert house.upstream_sessions() == 1
    assert house.answered("start") == 1


def test_the_budgets_are_obeyed(house: House, back: float) -> None:
    for number in (1, 2, 3):
        house.request(number)
    house.run(2)
    assert house.answered("start") == 3
    restart_earlier(house, back)
    fourth = house.request(4)
    house.run(55)
    assert house.budgets.free(Endpoint.START, house.kiosk_clock.now()) == 0
    assert house.session(fourth).phase is Phase.QUEUED
    house.run(40)  # whose end is not on record is counted from when it ended at the latest
    assert house.session(fourth).phase is Phase.OPEN


def test_while_nothing_can_be_read_the_figures_grow_older_from_where_they_were(house: House, back: float) -> None:
    key = house.charging()
    house.run(60)
    house.faults.add(Rule(Fault.SERVER_ERROR, "session", times=None))
    house.run(40)
    before = age(house.session(key), house.kiosk_clock.now())
    restart_earlier(house, back)
    house.run(30)
    after = age(house.session(key), house.kiosk_clock.now())
    assert before is not None
    assert after is not None
    # Up to the moment of the last stored time; for how long the kiosk was down nobody can know.
    assert after >= timedelta(seconds=30)
    assert after <= before + timedelta(seconds=31)


def test_a_limit_still_ends_the_charge_in_time(house: House, back: float) -> None:
    key = house.charging(limit=100)
    house.run(30)
    restart_earlier(house, back)
    house.watch(key)
    ended = house.until(key, "captured", seconds=1200)
    assert ended.captured_minor is not None
    assert 35 < ended.captured_minor <= 100


def test_a_deadline_that_was_running_runs_on(house: House, back: float) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    house.run(60)
    restart_earlier(house, back)
    house.until(key, "abandoned", seconds=90)


def test_an_ended_session_keeps_its_receipt_and_its_personal_data_for_their_time(house: House, back: float) -> None:
    key = house.charging()
    house.run(60)
    house.world.unplug(CODE, 1)
    house.until(key, "captured")
    house.run(5)
    receipt = house.store.receipt(key)
    restart_earlier(house, back)
    house.run(30)
    assert house.store.receipt(key) == receipt
    assert house.store.owns(key, phone_of(key))
    assert house.session(key).status == Status.CAPTURED
    house.clock.advance(31 * 86_400)
    house.run(5)
    assert not house.store.owns(key, phone_of(key))
