"""Killed at any moment, the engine takes up where the store says it was."""

from __future__ import annotations

from datetime import timedelta

from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.session import Phase
from kiosk.engine.lead import LEASE
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from tests.engine.house import CODE, House


def test_a_waiting_start_is_sent_after_a_restart(house: House) -> None:
    key = house.request()
    house.restart()
    house.until(key, "created")
    assert house.upstream_sessions() == 1


def test_a_start_that_was_cut_off_by_a_kill_is_never_sent_again(house: House) -> None:
    key = house.request()
    start = house.last(key, Kind.START)
    assert house.store.claim(start.id, house.clock.now())
    house.restart()
    house.run(120)
    assert house.session(key).phase is Phase.NO_ANSWER
    assert house.upstream_sessions() == 0


def test_a_stop_that_was_cut_off_by_a_kill_is_sent_again_when_it_had_no_effect(house: House) -> None:
    key = house.charging()
    command = house.ask(key, Kind.STOP)
    assert house.store.claim(command.id, house.clock.now())
    house.restart()
    house.until(key, "captured")
    assert house.states(key, Kind.STOP) == [CommandState.UNKNOWN, CommandState.DONE]


def test_a_receipt_that_was_not_written_before_the_kill_is_written_afterwards(house: House) -> None:
    key = house.charging()
    house.run(60)
    house.world.unplug(CODE, 1)
    house.until(key, "settling")
    token = house.store.token(key)
    assert token is not None
    house.clock.advance(60)
    seen = house.context.public.get_session(token)
    house.store.observe(key, seen, source="read")
    assert house.store.receipt(key) is None
    house.restart()
    house.run(1)
    assert house.store.receipt(key) is not None


def test_restarts_in_a_row_never_overspend_the_budget(house: House) -> None:
    keys = []
    for number in (1, 2, 3, 4):
        keys.append(house.request(number))
        house.run(1)
        house.engine = house.new_engine()
        house.clock.advance(11)
        house.run(1)
    house.run(80)
    assert house.answered("start", 429) == 0
    assert all(house.session(key).phase is Phase.OPEN for key in keys)


def test_only_the_holder_of_the_lease_acts(house: House) -> None:
    house.run(1)
    second = house.new_engine()
    key = house.request()
    second.round()
    assert not second.leading
    assert house.session(key).phase is Phase.QUEUED
    house.run(2)
    assert house.session(key).phase is Phase.OPEN


def test_a_standby_takes_over_within_seconds_when_the_leader_dies(house: House) -> None:
    house.run(1)
    second = house.new_engine()
    second.round()
    house.clock.advance(11)
    second.round()
    assert second.leading


def test_a_leader_that_stops_in_order_gives_the_lease_back_at_once(house: House) -> None:
    house.run(1)
    house.engine.stop()
    assert house.store.take_lease(LEASE, "somebody", house.clock.now(), timedelta(seconds=5))


def test_a_leader_that_lost_its_lease_stands_back(house: House) -> None:
    house.run(1)
    house.clock.advance(60)
    assert house.store.take_lease(LEASE, "somebody", house.clock.now(), timedelta(seconds=10))
    key = house.request()
    house.run(8)
    assert not house.engine.leading
    assert house.states(key, Kind.START) == [CommandState.WAITING]


def test_a_stop_without_an_answer_is_still_followed_up_after_a_restart(house: House) -> None:
    key = house.charging()
    house.faults.add(Rule(Fault.TIMEOUT, "stop"))
    house.faults.add(Rule(Fault.TIMEOUT, "session", times=3))
    house.ask(key, Kind.STOP)
    house.engine.round()
    assert house.states(key, Kind.STOP) == [CommandState.UNKNOWN]
    house.restart()
    house.until(key, "captured")


def test_one_receipt_that_cannot_be_written_keeps_nobody_else_waiting(house: House) -> None:
    key = house.charging()
    house.run(60)
    house.world.unplug(CODE, 1)
    house.until(key, "settling")
    token = house.store.token(key)
    assert token is not None
    house.clock.advance(60)
    house.store.observe(key, house.context.public.get_session(token), source="read")
    house.seller_breaks = True
    house.restart()
    other = house.request(2)
    house.until(other, "created")
    assert house.store.receipt(key) is None
    house.seller_breaks = False
    house.run(10)
    assert house.store.receipt(key) is not None


def test_a_refund_is_seen_when_something_hints_at_it(house: House) -> None:
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    token = house.store.token(key)
    assert token is not None
    house.world.refund(token)
    house.run(60)
    assert house.session(key).status == "captured"
    house.store.hint(key, house.clock.now())
    house.run(5)
    assert house.session(key).status == "refunded"
    assert house.store.hints() == {}


def test_a_hint_about_a_session_that_cannot_be_read_does_not_stay(house: House) -> None:
    key = house.request()
    house.watch(key)
    house.until(key, "expired")
    house.store.erase_personal(house.clock.now() + timedelta(days=1))
    house.store.hint(key, house.clock.now())
    house.run(5)
    assert house.store.hints() == {}
