"""Who leads: the lease is held by one engine, given back for good, and counted with what was called before."""

from __future__ import annotations

from kiosk.engine.lead import LEASE
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.engine.house import House


def test_an_engine_that_has_stopped_does_not_take_the_lease_again(house: House) -> None:
    house.run(1)
    stopped, house.engine = house.engine, house.new_engine()
    stopped.stop()
    stopped.round()
    assert not stopped.leading
    house.engine.round()
    assert house.engine.leading


def test_a_lease_that_was_lost_and_taken_again_counts_no_call_twice(house: House) -> None:
    house.run(1)
    house.budgets.take(Endpoint.START, house.kiosk_clock.now())
    house.clock.advance(11)
    now, ttl = house.kiosk_clock.now(), house.engine._lead.ttl
    assert house.store.take_lease(LEASE, "another", now, ttl)
    house.engine.round()
    led = house.engine.leading
    house.store.note_call(Endpoint.START.value, now)
    house.store.release_lease(LEASE, "another")
    house.engine.round()
    assert (led, house.engine.leading) == (False, True)
    assert house.budgets.free(Endpoint.START, house.kiosk_clock.now()) == 1
