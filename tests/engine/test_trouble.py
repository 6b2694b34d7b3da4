"""A store that cannot write, for minutes or hours: what ends a charge goes on, what begins one waits."""

from __future__ import annotations

import json
import logging
from io import StringIO

import pytest
import structlog

from kiosk.config.logs import configure_logs
from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.session import Phase
from kiosk.store import Cipher, Store
from kiosk.store.errors import CannotWrite
from tests.engine.house import CODE, SMALL, House
from tests.worlds.once import SECRET
from tests.worlds.refusing import EVERY, Switch, full, locked

every_trouble = pytest.mark.parametrize("trouble", EVERY.values(), ids=EVERY)


def written(house: House) -> Store:
    """What another process finds in the file."""
    return Store(str(house.store._database._engine.url), Cipher([SECRET]))


@every_trouble
def test_a_drivers_stop_is_sent_and_all_of_it_is_written_afterwards(house: House, trouble: Switch) -> None:
    key = house.charging(1)
    with trouble(house.store):
        house.run(30)
        house.ask(key, Kind.STOP)
        assert house.store.unwritten(key)
        house.until(key, "captured", seconds=90)
        before = written(house)
        stored = before.session(key)
        assert stored is not None
        assert (stored.status, before.receipt(key)) == ("charging", None)
        before.close()
    house.run(8)
    assert not house.store.unwritten(key)
    after = written(house)
    stored = after.session(key)
    assert stored is not None
    assert (stored.status, stored.wish is not None) == ("captured", True)
    assert after.receipt(key) is not None
    assert [(one.kind, one.state) for one in after.commands(key)][-1] == (Kind.STOP, CommandState.DONE)
    assert [one.seen.status for one in after.observations(key)][-1] == "captured"
    after.close()


@every_trouble
def test_a_limit_is_kept(house: House, trouble: Switch) -> None:
    key = house.charging(1, code=SMALL, limit=100)
    with trouble(house.store):
        house.until(key, "captured", seconds=1500)
    assert (house.session(key).captured_minor or 999) <= 105
    assert house.last(key, Kind.STOP).asked_by is AskedBy.LIMIT
    house.run(8)
    assert house.store.receipt(key) is not None


@every_trouble
def test_a_stop_that_was_stored_before_is_sent(house: House, trouble: Switch) -> None:
    key = house.charging(1)
    asked = house.ask(key, Kind.STOP)
    with trouble(house.store):
        house.until(key, "captured", seconds=90)
    house.run(3)
    assert [(one.id, one.state) for one in house.store.commands(key) if one.kind is Kind.STOP] == [
        (asked.id, CommandState.DONE)
    ]


@every_trouble
def test_a_start_that_waits_is_not_sent_and_goes_on_afterwards(house: House, trouble: Switch) -> None:
    house.charging(2)
    sessions = house.upstream_sessions()
    key = house.request(1)
    with trouble(house.store):
        with pytest.raises(CannotWrite):
            house.request(3)
        house.run(60)
        assert house.upstream_sessions() == sessions
        assert house.session(key).phase is Phase.QUEUED
    house.until(key, "created", seconds=90)
    assert house.upstream_sessions() == sessions + 1


@every_trouble
def test_a_process_that_begins_in_trouble_ends_charges_and_begins_none(house: House, trouble: Switch) -> None:
    stopped, limited = house.charging(1), house.charging(1, code=SMALL, limit=100)
    waits = house.request(2)
    house.ask(stopped, Kind.STOP)
    with trouble(house.store):
        house.restart()
        house.until(stopped, "captured", seconds=120)
        house.until(limited, "captured", seconds=1500)
        assert house.engine.leading
        assert not house.engine.alive()
        assert house.session(waits).phase is Phase.QUEUED
    assert (house.session(limited).captured_minor or 999) <= 105
    house.run(10)
    assert house.engine.alive()


def test_what_is_only_in_memory_is_lost_with_the_process_and_seen_anew(house: House) -> None:
    key = house.charging(1)
    with full(house.store):
        house.ask(key, Kind.STOP)
        house.until(key, "captured", seconds=90)
        house.store._memory.clear()
        house.restart()
        assert house.session(key).status == "charging"
    house.until(key, "captured", seconds=90)
    house.run(8)
    assert house.store.receipt(key) is not None


@pytest.mark.parametrize("at_second", range(0, 40, 6))
def test_a_store_that_is_locked_at_any_moment_of_a_stop_loses_nothing(house: House, at_second: int) -> None:
    key = house.charging(1)
    house.ask(key, Kind.STOP)
    house.run(at_second, step=1)
    with locked(house.store):
        house.run(6, step=1)
    house.until(key, "captured", seconds=90)
    house.run(8)
    assert house.store.receipt(key) is not None
    assert not house.store.unwritten(key)


def test_a_stop_that_is_refused_is_pursued_from_memory(house: House) -> None:
    key = house.charging(1)
    house.world.refuse_next_stop(CODE)
    with full(house.store):
        house.ask(key, Kind.STOP)
        house.until(key, "captured", seconds=120)
    house.run(3)
    assert house.states(key, Kind.STOP) == [CommandState.REFUSED, CommandState.DONE]


def test_it_is_not_ready_meanwhile_and_says_once_why(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.charging(1)
    with caplog.at_level(logging.INFO, "kiosk.engine.lead"):
        with full(house.store):
            house.run(30)
            assert not house.engine.alive()
            assert house.engine.leading
        house.run(3)
        assert house.engine.alive()
    assert [(one.message, getattr(one, "trouble", None)) for one in caplog.records] == [
        ("the store cannot write; charges are still ended, and nothing is begun", "full"),
        ("the store can write again", None),
    ]


def test_an_engine_that_another_one_replaced_meanwhile_ends_nothing(house: House) -> None:
    house.charging(1)
    other = house.new_engine()
    house.clock.advance(11)
    other.round()
    assert other.leading
    with full(house.store):
        house.engine.round()
        assert not house.engine.leading


def test_while_it_is_in_trouble_the_budget_is_kept(house: House) -> None:
    keys = [house.charging(number) for number in (1, 2, 3, 4)]
    with full(house.store):
        house.run(300, step=1)
    assert all(house.session(key).status == "charging" for key in keys)
    assert house.world.traffic.total(status=429) == 0


@every_trouble
def test_what_waits_for_the_store_fills_no_log_and_is_no_word_against_the_back_office(
    house: House, trouble: Switch
) -> None:
    """A charger that somebody looks at cannot be read, because that is not written down. Nobody asked upstream."""
    house.charging(1)
    said = StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        configure_logs("json", stream=said)
        house.store.want_card(SMALL, house.clock.now())
        with trouble(house.store):
            house.run(20)
    finally:
        root.handlers[:], root.level = before, level
        structlog.reset_defaults()
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    assert lines
    assert [line for line in lines if "exception" in line] == []
    assert [line["event"] for line in lines if "does not answer" in line["event"]] == []
    assert not house.context.health.resting(house.clock.now())
