"""The guard: it judges each session by itself, by figures of its own reign, and once more before a step leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.limits import guard
from kiosk.domain.status import Status
from kiosk.engine.duties.guard import Guard
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.reading import read_session
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.store.store import Store
from tests.engine.house import CODE, House


class Asked:
    """The store, with something done before each wish is stored."""

    def __init__(self, store: Store, first: Callable[[str], None]) -> None:
        self._store = store
        self._first = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def ask(self, key: str, *more: Any, **named: Any) -> Any:
        self._first(key)
        return self._store.ask(key, *more, **named)


def waiting_for_a_cable(house: House, connector_id: int) -> str:
    key = house.paid(connector_id)
    house.until(key, "starting")
    return key


def guard_of(house: House, first: Callable[[str], None]) -> Guard:
    context = replace(house.context, store=cast("Store", Asked(house.store, first)))
    sessions = OpenSessions(context)
    for session in house.store.sessions_to_watch():
        read_session(house.context, session.key)
    sessions.refresh()
    return Guard(context, sessions)


def test_a_session_that_cannot_be_judged_leaves_no_other_unguarded(house: House) -> None:
    house.world.auto_plug = False
    first, second = waiting_for_a_cable(house, 1), waiting_for_a_cable(house, 2)

    def breaks(key: str) -> None:
        if key == first:
            raise OSError("the disk is full")

    house.clock.advance(130)
    guard = guard_of(house, breaks)
    guard.jobs(house.kiosk_clock.now())
    assert house.states(first, Kind.CANCEL) == []
    assert len(house.states(second, Kind.CANCEL)) == 1


def test_a_wish_that_could_not_be_stored_is_stored_in_the_next_round(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.world.auto_plug = False
    key = waiting_for_a_cable(house, 1)
    full = True

    def breaks(_key: str) -> None:
        if full:
            raise OSError("the disk is full")

    house.clock.advance(130)
    guard = guard_of(house, breaks)
    with caplog.at_level(logging.INFO, "kiosk.engine.duties.guard"):
        for _ in range(3):
            guard.jobs(house.kiosk_clock.now())
    assert [one.message for one in caplog.records] == ["a session cannot be guarded"]
    full = False
    guard.jobs(house.kiosk_clock.now())
    assert len(house.states(key, Kind.CANCEL)) == 1


# --- what it decided is judged once more before it leaves


def charging_near_its_limit(house: House) -> str:
    """A van at 22 kW whose next report will bring it to its limit."""
    key = house.charging(car="van", limit=200)
    while guard_step(house, key) is None:
        house.run(10)
    return key


def guard_step(house: House, key: str) -> object:
    return guard(house.session(key), house.context.policy, house.kiosk_clock.now(), timedelta(seconds=30))


def guard_that_leads(house: House) -> Guard:
    """A guard of its own, that leads since just before the last reading."""
    sessions = OpenSessions(house.context)
    sessions.refresh()
    made = Guard(house.context, sessions)
    made.take_over(house.kiosk_clock.now() - timedelta(minutes=5))
    return made


def test_a_stop_that_is_still_right_leaves(house: House) -> None:
    key = charging_near_its_limit(house)
    asked = house.store.ask(key, Kind.STOP, AskedBy.LIMIT, house.kiosk_clock.now())
    house.clock.advance(30)
    assert guard_that_leads(house).still_right(asked)
    assert house.states(key, Kind.STOP) == [CommandState.WAITING]
    house.run(60)


def test_a_stop_that_a_fresh_reading_belies_is_withdrawn(house: House) -> None:
    key = charging_near_its_limit(house)
    house.world.pause(CODE, 1, 3600)
    asked = house.store.ask(key, Kind.STOP, AskedBy.LIMIT, house.kiosk_clock.now())
    house.clock.advance(600)
    assert not guard_that_leads(house).still_right(asked)
    assert house.states(key, Kind.STOP) == [CommandState.WITHDRAWN]


def test_a_stop_whose_limit_was_raised_meanwhile_is_withdrawn(house: House) -> None:
    key = charging_near_its_limit(house)
    asked = house.store.ask(key, Kind.STOP, AskedBy.LIMIT, house.kiosk_clock.now())
    house.store.set_limit(key, 1500)
    assert not guard_that_leads(house).still_right(asked)
    assert house.states(key, Kind.STOP) == [CommandState.WITHDRAWN]
    house.run(60)


def test_what_a_driver_asks_for_is_never_judged(house: House) -> None:
    key = house.charging()
    own = house.store.ask(key, Kind.STOP, AskedBy.LIMIT, house.kiosk_clock.now())
    asked = house.store.ask(key, Kind.STOP, AskedBy.DRIVER, house.kiosk_clock.now())
    assert (asked.id, asked.asked_by) == (own.id, AskedBy.DRIVER)
    assert guard_that_leads(house).still_right(asked)
    assert not house.store.withdraw(asked.id, house.kiosk_clock.now())


def test_after_two_hours_down_a_charge_that_was_paused_goes_on(house: House) -> None:
    key = house.charging(car="van", limit=1500)
    house.run(300)
    house.world.pause(CODE, 1, 3 * 3600)
    house.clock.advance(2 * 3600)
    house.restart()
    house.run(120)
    assert house.session(key).status == Status.CHARGING
    assert house.states(key, Kind.STOP) == []


def test_while_nothing_can_be_read_after_a_restart_nothing_is_done_to_a_session(house: House) -> None:
    key = house.charging(car="van", limit=200)
    house.run(100)
    house.faults.add(Rule(Fault.SERVER_ERROR, "session", times=None))
    house.restart()
    house.run(600)
    assert house.states(key, Kind.STOP) == []
    house.faults.clear()
    house.run(60)
    assert house.states(key, Kind.STOP) == [CommandState.DONE]


def test_an_outage_of_the_reads_ends_no_charge_that_was_paused_meanwhile(house: House) -> None:
    key = charging_near_its_limit(house)
    house.store.set_limit(key, 300)
    house.run(2)
    house.world.pause(CODE, 1, 3600)
    house.faults.add(Rule(Fault.UNREACHABLE, None, times=None))
    house.run(400)
    house.faults.clear()
    house.run(120)
    assert house.session(key).status == Status.CHARGING
    assert CommandState.DONE not in house.states(key, Kind.STOP)


def test_a_machine_that_stalls_stops_earlier(house: House) -> None:
    key = charging_near_its_limit(house)
    house.store.set_limit(key, 210)
    quick, slow = guard_that_leads(house), guard_that_leads(house)
    now = house.kiosk_clock.now()
    for made, ago in ((quick, 1), (slow, 55)):
        made.jobs(now - timedelta(seconds=ago))
    assert quick._late_by(now) == timedelta(0)
    slow.jobs(now)
    assert slow._late_by(now) == timedelta(seconds=55)


def test_a_stop_that_the_driver_wants_too_is_not_judged_again(house: House) -> None:
    key = house.charging()
    asked = house.store.ask(key, Kind.STOP, AskedBy.LIMIT, house.kiosk_clock.now())
    house.store.ask(key, Kind.CANCEL, AskedBy.DRIVER, house.kiosk_clock.now())
    assert guard_that_leads(house).still_right(asked)
    house.until(key, "captured")


def test_a_stop_that_has_left_meanwhile_is_not_taken_back(house: House) -> None:
    key = house.charging()
    asked = house.store.ask(key, Kind.STOP, AskedBy.LIMIT, house.kiosk_clock.now())
    assert house.store.claim(asked.id, house.kiosk_clock.now())
    assert guard_that_leads(house).still_right(asked)
    assert house.states(key, Kind.STOP) == [CommandState.SENT]
