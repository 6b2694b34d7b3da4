"""Leases, calls and webhook events."""

from __future__ import annotations

from datetime import timedelta

from kiosk.store import Store

from .build import NOW, at_once, later

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
    assert sorted(taken, key=bool) == [False] * 19 + [True]


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
    store.note_call("start", later(601))
    assert store.calls_since(NOW) == [("start", later(600)), ("start", later(601))]


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
