"""A row that cannot be read keeps no other away, is named with its reason, and is tried again less and less often."""

from __future__ import annotations

from itertools import pairwise

from kiosk.domain.commands import AskedBy, Kind
from kiosk.store import Store
from kiosk.store.aside import SELDOM, Aside

from .build import NOW, later, opened, queued, stored


def spoil(store: Store, statement: str) -> None:
    with store._database.write() as connection:
        connection.exec_driver_sql(statement)


def two(store: Store) -> None:
    opened(store)
    opened(store, queued("key-2", connector_id=2), token="token-2")


def test_one_session_that_cannot_be_read_leaves_the_others_in_their_order(store: Store) -> None:
    two(store)
    opened(store, queued("key-3", connector_id=3), token="token-3")
    spoil(store, "UPDATE sessions SET phase = 'parked' WHERE key = 'key-2'")
    assert [one.key for one in store.sessions_to_watch()] == ["key-1", "key-3"]
    assert [(one.table, one.key, one.reason) for one in store.aside.all()] == [("sessions", "key-2", "ValueError")]


def test_it_is_whole_again_when_it_can_be_read(store: Store) -> None:
    two(store)
    spoil(store, "UPDATE sessions SET tariff_currency = 'XXX' WHERE key = 'key-1'")
    assert len(store.sessions_to_watch()) == 1
    spoil(store, "UPDATE sessions SET tariff_currency = 'EUR' WHERE key = 'key-1'")
    for _ in range(SELDOM + 1):
        found = store.sessions_to_watch()
    assert [one.key for one in found] == ["key-1", "key-2"]
    assert store.aside.all() == ()


def test_one_command_that_cannot_be_read_leaves_the_others_waiting(store: Store) -> None:
    two(store)
    store.ask("key-1", Kind.CONFIRM, AskedBy.DRIVER, later(10))
    store.ask("key-2", Kind.CANCEL, AskedBy.DRIVER, later(10))
    spoil(store, "UPDATE commands SET kind = 'pause' WHERE kind = 'confirm'")
    assert [one.kind for one in store.waiting(later(10))] == [Kind.CANCEL]
    (row,) = store.aside.all()
    assert (row.table, row.key) == ("commands", None)


def test_a_page_of_a_session_with_such_a_command_is_shown_with_the_others(store: Store) -> None:
    key = opened(store)
    store.ask(key, Kind.CONFIRM, AskedBy.DRIVER, later(10))
    spoil(store, "UPDATE commands SET asked_by = 'robot' WHERE kind = 'confirm'")
    found = store.for_reader(key, "phone")
    assert found is not None
    assert [one.kind for one in found.commands] == [Kind.START]


def test_a_wish_for_a_session_that_cannot_be_read_is_stored_all_the_same(store: Store) -> None:
    key = opened(store)
    spoil(store, "UPDATE sessions SET phase = 'parked'")
    stop = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(10))
    assert store.claim(stop.id, later(11))
    assert store.token(key) == "token-1"


def test_everything_that_cannot_be_read_is_found_when_somebody_looks(store: Store) -> None:
    stored(store)
    opened(store, queued("key-2", connector_id=2))
    spoil(store, "UPDATE sessions SET energy_kwh = 'much' WHERE key = 'key-1'")
    store.ask("key-2", Kind.CONFIRM, AskedBy.DRIVER, later(10))
    spoil(store, "UPDATE commands SET state = 'asleep' WHERE kind = 'confirm'")
    assert sorted(one.table for one in store.unreadable()) == ["commands", "sessions"]


def test_the_books_are_checked_without_what_cannot_be_read(store: Store) -> None:
    two(store)
    spoil(store, "UPDATE sessions SET phase = 'parked' WHERE key = 'key-2'")
    assert isinstance(store.offences(NOW), list)


def test_how_much_is_under_way_is_counted_whatever_its_phase(store: Store) -> None:
    two(store)
    spoil(store, "UPDATE sessions SET phase = 'parked' WHERE key = 'key-2'")
    assert sum(store.tally().live.values()) == 2


def test_a_row_is_left_out_of_more_and_more_reads() -> None:
    aside, tries = Aside(), []
    for read in range(300):
        if "7" not in aside.left_out("commands"):
            tries.append(read)
            aside.put("commands", 7, ValueError())
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps[:6] == [1, 2, 4, 8, 16, 32]
    assert max(gaps) == SELDOM


def test_the_list_for_a_person_goes_on_without_what_cannot_be_read(store: Store) -> None:
    two(store)
    spoil(store, "UPDATE sessions SET phase = 'parked' WHERE key = 'key-2'")
    assert {session.key for session, _ in store.exceptions(later(3600))} <= {"key-1"}
    assert [one.key for one in store.aside.all()] == ["key-2"]


def test_what_can_be_read_anew_outside_is_as_good_as_not_known(store: Store) -> None:
    spoil(store, "INSERT INTO chargers (code, card, pace, problems) VALUES ('ABC', '{', '[', 0)")
    spoil(store, "INSERT INTO site_trees (site_id, tree, seen_at) VALUES ('garage', '{', '2026-01-01')")
    spoil(store, "INSERT INTO lab_facts (code, facts, seen_at) VALUES ('ABC', '7', '2026-01-01')")
    assert (store.cards(["ABC"]), store.paces(["ABC"]), store.lab_facts(["ABC"])) == ({}, {}, {})
    assert store.tree("garage") is None
    assert store.aside.all() == ()
