"""Who leads: the lease is held by one engine, given back for good, and counted with what was called before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.domain.commands import AskedBy
from kiosk.domain.commands import Kind as Command
from kiosk.domain.session import Phase
from kiosk.engine.engine import Engine
from kiosk.engine.lead import _REPEATED, LEASE
from kiosk.sandbox.world.faults import Kind, Rule
from kiosk.store.alone import Alone
from kiosk.store.database import Database
from kiosk.store.errors import CannotWrite, Deposed, Trouble
from kiosk.store.store import Store
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint
from tests.engine.house import House
from tests.worlds.once import migrated_store
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
    standby = house.new_engine()
    standby.round()
    assert not standby.leading
    assert house.store.trouble is None
    assert not house.store.unwritten(key)


def test_who_stands_by_while_nothing_can_be_written_keeps_what_was_asked_for(house: House) -> None:
    key = house.charging()
    house.engine.stop()
    now, ttl = house.kiosk_clock.now(), house.engine._lead.ttl
    assert house.store.take_lease(LEASE, "another", now, ttl)
    with full(house.store):
        house.store.ask(key, Command.STOP, AskedBy.DRIVER, now)
        house.new_engine().round()
        assert house.store.unwritten(key)
    assert house.store.trouble is Trouble.FULL


def cannot_write(*_asked: object) -> None:
    raise CannotWrite(Trouble.FULL)


def another_process(house: House) -> tuple[Engine, Budgets]:
    """With a store of its own on the same file, and what it may send."""
    budgets = Budgets()
    made = replace(house.made_context(), store=migrated_store(house.file), budgets=budgets)
    return Engine(made, inline=True), budgets


def test_of_two_engines_on_a_full_disk_one_leads_for_as_long_as_it_lasts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(1)
    first, (second, _) = house.engine, another_process(house)
    monkeypatch.setattr(Database, "_transaction", cannot_write)
    for _ in range(20):
        house.clock.advance(3)
        first.round()
        second.round()
        assert (first.leading, second.leading) == (True, False)


def test_when_the_one_who_leads_on_a_full_disk_ends_the_other_one_begins_and_knows_its_calls(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(1)
    second, theirs = another_process(house)
    monkeypatch.setattr(Database, "_transaction", cannot_write)
    house.clock.advance(12)
    house.engine.round()
    now = house.kiosk_clock.now()
    for _ in range(5):
        house.engine._lead.note_call(Endpoint.GET_SESSION, now)
    led = []
    for _ in range(2):
        second.round()
        led.append(second.leading)
        house.store.close()  # the first one's process ends
    assert led == [False, True]
    assert theirs.free(Endpoint.GET_SESSION, now) == 25


def test_who_led_on_a_full_disk_sends_nothing_once_another_one_could_write(house: House) -> None:
    house.run(1)
    other = migrated_store(house.file)
    house.clock.advance(12)
    with full(house.store):
        house.engine.round()
        assert house.engine.leading
        now = house.kiosk_clock.now()
        assert other.take_lease(LEASE, "another", now, house.engine._lead.ttl)
        with pytest.raises(Deposed):
            house.engine._lead.note_call(Endpoint.STOP, now)
        assert not house.engine._lead.still_leads()
        house.engine.round()
    other.close()
    assert not house.engine.leading


def test_who_cannot_know_what_was_sent_on_a_full_disk_waits_for_a_minute(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Alone, "remembers", False)
    engine, fresh = another_process(house)
    monkeypatch.setattr(Database, "_transaction", cannot_write)
    house.clock.advance(12)
    engine.round()
    now = house.kiosk_clock.now()
    assert engine.leading
    assert fresh.free(Endpoint.STOP, now) == 0
    assert fresh.free(Endpoint.STOP, now + timedelta(seconds=60)) == 10


def test_who_does_not_lead_yet_does_not_lead_still(house: House) -> None:
    assert not house.engine._lead.still_leads()


def test_who_cannot_even_read_whether_they_lead_sends_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run(1)
    house.clock.advance(12)
    with full(house.store):
        house.engine.round()
        lead = house.engine._lead
        assert lead.still_leads()

        def broken(*_: object) -> bool:
            raise RuntimeError("the file cannot be read")

        monkeypatch.setattr(Store, "holds_lease", broken)
        assert not lead.still_leads()
        monkeypatch.undo()


def test_a_call_that_cannot_be_noted_is_not_made_when_another_one_leads(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(1)
    with full(house.store):
        monkeypatch.setattr(Store, "holds_lease", lambda *_: False)
        with pytest.raises(Deposed):
            house.engine._lead.note_call(Endpoint.STOP, house.kiosk_clock.now())
        monkeypatch.undo()
