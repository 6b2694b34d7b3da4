"""A store that cannot write: nothing is changed, nobody waits long, and it is told in one word why."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kiosk.domain.asking import Lane
from kiosk.domain.commands import AskedBy, Kind
from kiosk.store import Store
from kiosk.store.database import LONGEST_TURN, PATIENCE_AFTERWARDS, PATIENCE_SECONDS
from kiosk.store.errors import CannotWrite, Trouble, Unavailable
from kiosk.store.records import Handoff
from kiosk.store.tables import calls
from tests.worlds.refusing import EVERY, Switch, full, locked

from .build import NOW, later, opened


@pytest.mark.parametrize(("word", "switch"), EVERY.items(), ids=EVERY)
def test_a_write_is_refused_with_the_reason_and_works_again_afterwards(store: Store, word: str, switch: Switch) -> None:
    key = opened(store)
    before = store.session(key)
    with switch(store):
        with pytest.raises(CannotWrite) as refused:
            store.set_limit(key, 2000)
        assert refused.value.trouble.value == word
        assert store.trouble is refused.value.trouble
        assert store.session(key) == before
    assert store.set_limit(key, 2000).limit_minor == 2000
    assert store.trouble is None


@pytest.mark.sqlite
def test_a_file_that_may_not_grow_is_a_full_disk(store: Store) -> None:
    def may_have(pages: int) -> None:
        with store._database.read() as connection:  # there is one, and the next write gets it
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    may_have(1)
    long = [{"endpoint": "x" * 1000, "called_at": later(number)} for number in range(1000)]
    with pytest.raises(CannotWrite) as refused, store._database.write() as connection:
        connection.execute(insert(calls), long)
    assert refused.value.trouble is Trouble.FULL
    assert store.calls_since(NOW) == []
    may_have(100_000)
    store.note_call("start", NOW)
    assert len(store.calls_since(NOW)) == 1


def test_a_mistake_of_ours_is_no_trouble_of_the_disk(store: Store) -> None:
    with pytest.raises(DBAPIError, match=r"no such table|does not exist"), store._database.write() as connection:
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")
    assert store.trouble is None


@pytest.mark.sqlite
def test_a_write_that_changed_nothing_does_not_show_that_there_is_space_again(store: Store) -> None:
    with full(store), pytest.raises(CannotWrite):
        store.note_call("start", NOW)
    store.release_lease("engine", "nobody")
    assert store.trouble is Trouble.FULL


LOOKS: dict[str, Callable[[Store, str], object]] = {
    "a card is wished for": lambda store, _key: store.want_card("ABC", NOW, Lane.DRIVER),
    "it is asked whose a charger is": lambda store, _key: store.ask_whose("ABC", NOW),
    "an old receipt is looked at": lambda store, key: store.look_again(key, NOW, later(1) - NOW),
}


@pytest.mark.parametrize("switch", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_may_as_well_be_left_undone_is_left_undone(
    store: Store, look: Callable[[Store, str], object], switch: Switch
) -> None:
    key = opened(store)
    with switch(store):
        assert look(store, key) is False
    assert look(store, key) is True


@pytest.mark.parametrize("switch", EVERY.values(), ids=EVERY)
def test_a_tablet_is_shown_its_page_though_nobody_can_note_it(store: Store, switch: Switch) -> None:
    tablet = store.pair(store.new_pairing("site", "door", NOW, later(60)), "key", NOW)
    assert tablet is not None
    with switch(store):
        store.seen(tablet, later(120))
        with pytest.raises(CannotWrite):
            store.open_handoff(Handoff("1", tablet.id, "ABC", 1, "en", NOW))
    assert store.tablet_with("key") == tablet
    store.seen(tablet, later(120))
    assert store.tablet_with("key") != tablet


def test_nobody_waits_long_and_after_the_first_one_hardly_at_all() -> None:
    assert PATIENCE_SECONDS <= 3
    assert PATIENCE_AFTERWARDS <= 0.1
    assert LONGEST_TURN <= 10


def noted_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each write would wait for other processes. In the test none of them does."""
    waits: list[float] = []
    shortened = store._database._shortened

    def noted(patience: float) -> float:
        waits.append(shortened(patience))
        return 0.0

    monkeypatch.setattr(store._database, "_shortened", noted)
    return waits


def test_only_the_first_write_waits_for_the_other_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = noted_waits(store, monkeypatch)
    with locked(store):
        store._database._patience = PATIENCE_SECONDS
        for _ in range(3):
            with pytest.raises(CannotWrite):
                store.note_call("start", NOW)
    store.note_call("start", NOW)
    store.note_call("start", NOW)
    assert waits == [PATIENCE_SECONDS, 0.1, 0.1, 0.1, PATIENCE_SECONDS]


def test_who_waits_behind_a_write_that_gives_up_does_not_wait_as_long_once_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four drivers at a locked store: the fourth one had its answer after four times three seconds."""
    waits = noted_waits(store, monkeypatch)
    database = store._database
    with locked(store), ThreadPoolExecutor(1) as driver:
        database._patience = PATIENCE_SECONDS
        with database._turn:
            behind = driver.submit(store.note_call, "start", NOW)
            database._trouble = Trouble.LOCKED
        with pytest.raises(CannotWrite):
            behind.result(20)
    assert waits == [0.1] or waits == []


def test_nobody_waits_for_their_turn_once_the_store_takes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.store.database.LONGEST_TURN", 3600.0)
    database = store._database
    with ThreadPoolExecutor(1) as driver, database._turn:
        behind = driver.submit(store.note_call, "start", NOW)
        database._trouble = Trouble.FULL
        with pytest.raises(CannotWrite) as refused:
            behind.result(60)
    assert refused.value.trouble is Trouble.FULL


def test_a_thread_waits_for_its_turn_only_so_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.store.database.LONGEST_TURN", 0.0)
    with store._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM calls")
        with pytest.raises(CannotWrite) as refused:
            store.note_call("start", NOW)
    assert refused.value.trouble is Trouble.LOCKED


@pytest.mark.sqlite
def test_a_file_that_somebody_keeps_for_themselves_cannot_even_be_read(store: Store) -> None:
    key = opened(store)
    store.close()
    store._database._usual = store._database._patience = 0.0
    other = sqlite3.connect(store._database._engine.url.database or "", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("DELETE FROM calls")
    other.execute("COMMIT")
    with pytest.raises(Unavailable) as refused:
        store.session(key)
    assert refused.value.trouble is Trouble.LOCKED
    assert store.healthy() is False
    other.close()
    assert store.session(key) is not None


def test_pages_are_read_while_another_process_writes(store: Store) -> None:
    key = opened(store)
    store.ask(key, Kind.STOP, AskedBy.DRIVER, NOW)
    with locked(store):
        found = store.for_reader(key, "phone")
    assert found is not None
    assert (found.owner, [command.kind for command in found.commands]) == (True, [Kind.START, Kind.STOP])


def test_a_pool_without_a_free_connection_counts_as_locked_and_a_strange_error_as_no_trouble_of_the_disk() -> None:
    assert Trouble.of(PoolTimeout("all are in use")) is Trouble.LOCKED
    assert Trouble.of(DBAPIError("SELECT", {}, ValueError("no error of any database"))) is None
