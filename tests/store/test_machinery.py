"""Leases, calls and webhook events."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.domain.commands import AskedBy, Kind
from kiosk.store import Store
from kiosk.store.errors import Deposed

from .build import NOW, at_once, later, opened

TTL = timedelta(seconds=10)


def test_a_lease_has_one_holder_who_may_renew_it(store: Store, second: Store) -> None:
    assert store.take_lease("engine", "one", NOW, TTL)
    assert not second.take_lease("engine", "two", later(9), TTL)
    assert store.take_lease("engine", "one", later(9), TTL)
    assert not second.take_lease("engine", "two", later(18), TTL)
    assert second.take_lease("engine", "two", later(19), TTL)
    assert not store.take_lease("engine", "one", later(20), TTL)


def test_a_lease_that_was_taken_before_the_clock_was_set_back_is_over(store: Store, second: Store) -> None:
    assert store.take_lease("engine", "one", later(3600), TTL)
    assert second.take_lease("engine", "two", NOW, TTL)
    assert not store.take_lease("engine", "one", later(1), TTL)


def test_a_lease_that_was_renewed_a_moment_after_the_clock_was_read_is_not_taken_away(
    store: Store, second: Store
) -> None:
    assert store.take_lease("engine", "one", later(0.5), TTL)
    assert not second.take_lease("engine", "two", NOW, TTL)


def test_of_twenty_who_want_a_lease_one_gets_it(store: Store, second: Store) -> None:
    taken = at_once(20, lambda n: (store, second)[n % 2].take_lease("engine", f"holder-{n}", NOW, TTL))
    assert sorted(map(bool, taken)) == [False] * 19 + [True]


def test_a_lease_is_given_back_by_its_holder_only(store: Store) -> None:
    store.take_lease("engine", "one", NOW, TTL)
    store.release_lease("engine", "two")
    assert not store.take_lease("engine", "two", NOW, TTL)
    store.release_lease("engine", "one")
    assert store.take_lease("engine", "two", NOW, TTL)


def test_leases_of_different_names_do_not_meet(store: Store) -> None:
    assert store.take_lease("engine", "one", NOW, TTL)
    assert store.take_lease("erasure", "two", NOW, TTL)


def test_calls_are_remembered_across_a_restart(store: Store, second: Store) -> None:
    for at, endpoint in ((0, "start"), (30, "session"), (20, "charger")):
        store.note_call(endpoint, later(at))
    assert second.calls_since(later(20)) == [("charger", later(20)), ("session", later(30))]


def test_calls_older_than_ten_minutes_are_forgotten(store: Store) -> None:
    store.note_call("start", NOW)
    store.note_call("start", later(600))
    assert len(store.calls_since(NOW)) == 2
    store.note_call("start", later(660))
    assert store.calls_since(NOW) == [("start", later(600)), ("start", later(660))]


def test_a_webhook_event_is_new_once(store: Store, second: Store) -> None:
    news = at_once(10, lambda n: (store, second)[n % 2].note_webhook("evt_1", "payment_intent.succeeded", "key-1", NOW))
    assert sorted(news, key=bool) == [False] * 9 + [True]
    assert store.note_webhook("evt_2", "account.updated", None, NOW)


def test_a_closed_door_is_remembered_until_it_opens(store: Store, second: Store) -> None:
    store.note_closure("get_session", later(30))
    store.note_closure("get_session", later(90))
    store.note_closure("start", later(60))
    assert second.closures(later(59)) == {"get_session": later(90), "start": later(60)}
    assert second.closures(later(60)) == {"get_session": later(90)}


def test_doors_that_opened_long_ago_are_forgotten(store: Store) -> None:
    store.note_closure("start", later(60))
    store.note_closure("stop", later(86_461))
    assert list(store.closures(NOW)) == ["stop"]


def test_a_lease_says_whether_it_was_held_all_the_time(store: Store, second: Store) -> None:
    first = store.take_lease("engine", "one", NOW, TTL)
    again = store.take_lease("engine", "one", later(9), TTL)
    assert first is not None
    assert again is not None
    assert [(lease.number, lease.unbroken) for lease in (first, again)] == [(1, False), (1, True)]
    late = store.take_lease("engine", "one", later(19), TTL)
    assert late is not None
    assert (late.number, late.unbroken) == (2, False)
    other = second.take_lease("engine", "two", later(60), TTL)
    assert other is not None
    assert (other.number, other.unbroken) == (3, False)


def test_a_number_comes_never_twice_not_even_after_the_lease_was_given_back(store: Store) -> None:
    first = store.take_lease("engine", "one", NOW, TTL)
    store.release_lease("engine", "one")
    assert not store.lease_lives("engine", NOW)
    second = store.take_lease("engine", "one", NOW, TTL)
    assert first is not None
    assert second is not None
    assert second.number > first.number


def test_what_leaves_is_written_down_only_while_the_lease_is_held(store: Store, second: Store) -> None:
    mine = store.take_lease("engine", "one", NOW, TTL)
    store.note_call("start", later(1), mine)
    store.note_call("start", later(30), mine)
    second.take_lease("engine", "two", later(31), TTL)
    with pytest.raises(Deposed):
        store.note_call("start", later(32), mine)
    assert len(store.calls_since(NOW)) == 2


def test_nothing_is_claimed_by_whoever_has_lost_the_lease(store: Store, second: Store) -> None:
    opened(store)
    mine = store.take_lease("engine", "one", NOW, TTL)
    stop = store.ask("key-1", Kind.STOP, AskedBy.DRIVER, later(5))
    second.take_lease("engine", "two", later(11), TTL)
    with pytest.raises(Deposed):
        store.claim(stop.id, later(12), mine)
    assert [one.id for one in store.waiting(later(12))] == [stop.id]


def test_a_lease_lives_until_it_runs_out(store: Store) -> None:
    assert not store.lease_lives("engine", NOW)
    store.take_lease("engine", "one", NOW, TTL)
    assert store.lease_lives("engine", later(9))
    assert not store.lease_lives("engine", later(10))
