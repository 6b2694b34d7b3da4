"""Who leads: the lease is held by one engine, given back for good, and counted with what was called before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.domain.commands import AskedBy
from kiosk.domain.commands import Kind as Command
from kiosk.domain.session import Phase
from kiosk.engine.lead import _REPEATED, LEASE
from kiosk.sandbox.world.faults import Kind, Rule
from kiosk.store.errors import CannotWrite, Trouble
from kiosk.store.store import Store
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.engine.house import House
from tests.worlds.refusing import full
from tests.worlds.spent import spend


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
    spend(house.budgets, Endpoint.START, house.kiosk_clock.now())
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


def test_an_engine_that_begins_to_lead_obeys_what_upstream_told_the_one_before(house: House) -> None:
    key = house.charging()
    house.faults.add(Rule(Kind.TOO_MANY, "session", retry_after=1800))
    house.run(90)
    assert house.budgets.wait(Endpoint.GET_SESSION, house.kiosk_clock.now()) > timedelta(minutes=25)
    read = house.answered("session")
    house.restart()
    house.run(60)
    assert house.answered("session") == read
    assert house.session(key).phase is Phase.OPEN


def test_times_that_cannot_be_put_right_keep_nobody_from_being_served(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_asked: object) -> None:
        raise ValueError("not a time")

    monkeypatch.setattr(Store, "pull_back", breaks)
    house.engine = house.new_engine()
    house.run(1)
    assert house.engine.leading


@pytest.mark.parametrize("endpoint", [Endpoint.START, Endpoint.RECEIPT_EMAIL])
def test_what_leaves_once_waits_until_its_call_can_be_written_down(house: House, endpoint: Endpoint) -> None:
    house.run(1)
    with full(house.store), pytest.raises(CannotWrite):
        house.engine._lead.note_call(endpoint, house.kiosk_clock.now())


@pytest.mark.parametrize("endpoint", sorted(_REPEATED))
def test_what_keeps_a_limit_leaves_although_its_call_cannot_be_written_down(house: House, endpoint: Endpoint) -> None:
    house.run(1)
    with full(house.store):
        house.engine._lead.note_call(endpoint, house.kiosk_clock.now())
    assert house.engine.leading


def away(*_asked: object) -> None:
    raise CannotWrite(Trouble.AWAY)


def test_a_database_server_that_is_away_may_be_away_for_us_alone_so_nobody_leads_by_memory(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(1)
    lead = house.engine._lead
    monkeypatch.setattr(Store, "take_lease", away)
    house.clock.advance(4)
    house.engine.round()
    assert not house.engine.leading
    monkeypatch.setattr(Store, "note_call", away)
    with pytest.raises(CannotWrite):
        lead.note_call(Endpoint.STOP, house.kiosk_clock.now())
    monkeypatch.undo()
    house.engine.round()
    assert house.engine.leading


def test_after_a_commit_without_an_answer_everything_is_read_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(1)
    began: list[bool] = []
    monkeypatch.setattr(house.engine, "_begin", lambda: began.append(True))
    house.clock.advance(4)
    house.engine.round()
    assert began == []
    house.store._database._doubts += 1
    for _ in range(2):
        house.clock.advance(4)
        house.engine.round()
    assert began == [True]
    assert house.engine.leading


def test_who_was_frozen_calls_nobody_until_the_lease_is_renewed(house: House) -> None:
    house.run(1)
    lead = house.engine._lead
    assert lead.still_leads()
    house.clock.advance(11)
    assert not lead.still_leads()
    house.engine.round()
    assert lead.still_leads()


def test_who_stands_by_writes_down_what_was_asked_for_at_their_pages(house: House) -> None:
    key = house.charging()
    house.engine.stop()
    now, ttl = house.kiosk_clock.now(), house.engine._lead.ttl
    assert house.store.take_lease(LEASE, "another", now, ttl)
    with full(house.store):
        house.store.ask(key, Command.STOP, AskedBy.DRIVER, now)
    assert house.store.unwritten(key)
    house.store.try_write(now)
    standby = house.new_engine()
    standby.round()
    assert not standby.leading
    assert not house.store.unwritten(key)
