"""Messages about what needs a person: each is sent once at a time, tried again, and told once to each at each level."""

from __future__ import annotations

from datetime import timedelta

from kiosk.domain.attention import Act, Attention, Level, Matter
from kiosk.domain.telling import DeliveryState, Why
from kiosk.store import Store

from .build import later

REVIEW = Matter(Attention.REVIEW, "key-1", "7MK4T", later(0), Act.READ)


def test_a_receiver_is_told_of_a_row_once_at_each_level(store: Store) -> None:
    (row,) = store.keep_exceptions([REVIEW], (), later(60)).opened
    assert store.tell("kim", [(row.id, Level.NOTED)], later(61))
    assert not store.tell("kim", [(row.id, Level.NOTED)], later(62))
    assert store.tell("kim", [(row.id, Level.LOUD)], later(3600))
    assert store.tell("ali", [(row.id, Level.NOTED)], later(3601))
    assert store.told_to("kim") == {(row.id, Level.NOTED), (row.id, Level.LOUD)}
    assert [one.receiver for one in store.due_deliveries(later(4000))] == ["kim", "ali"]
    store.keep_exceptions([], {"key-1"}, later(5000))
    assert store.told_to("kim") == set()


def test_one_at_a_time_sends_it_and_what_did_not_arrive_is_tried_again(store: Store) -> None:
    store.keep_exceptions([REVIEW], (), later(60))
    (row,) = store.open_exceptions()
    store.tell("kim", [(row.id, row.level)], later(61))
    (due,) = store.due_deliveries(later(61))
    assert store.claim_delivery(due.id, later(62))
    assert not store.claim_delivery(due.id, later(62))
    assert [one.id for one in store.what_it_tells(due.id)] == [row.id]
    store.put_off_delivery(due.id, later(100), "no answer")
    assert store.due_deliveries(later(99)) == []
    (again,) = store.due_deliveries(later(100))
    assert (again.attempts, again.said, again.tried_at) == (1, "no answer", later(62))
    assert store.claim_delivery(due.id, later(101))
    store.end_delivery(due.id, DeliveryState.SENT, later(102), "taken")
    (ended,) = store.newest_deliveries(5)
    assert (ended.state, ended.ended_at, ended.attempts) == (DeliveryState.SENT, later(102), 2)


def test_what_a_killed_engine_was_sending_is_sent_again(store: Store) -> None:
    store.tell_digest("kim", later(60))
    (due,) = store.due_deliveries(later(60))
    assert store.claim_delivery(due.id, later(61))
    assert store.take_up_deliveries(later(90)) == 1
    assert [one.id for one in store.due_deliveries(later(90))] == [due.id]
    assert store.last_made("kim", Why.DIGEST) == later(60)
    assert store.last_made("kim", Why.AT_ONCE) is None


def test_old_messages_are_forgotten_but_for_those_of_what_is_still_open(store: Store) -> None:
    other = Matter(Attention.REVIEW, "key-2", "7MK4T", later(0), Act.READ)
    rows = store.keep_exceptions([REVIEW, other], (), later(60)).opened
    for row in rows:
        store.tell("kim", [(row.id, Level.NOTED)], later(61))
    while due := store.due_deliveries(later(61)):
        store.claim_delivery(due[0].id, later(62))
        store.end_delivery(due[0].id, DeliveryState.SENT, later(63), "taken")
    store.keep_exceptions([], {"key-2"}, later(100))
    assert store.forget_deliveries(later(63)) == 0
    assert store.forget_deliveries(later(63) + timedelta(days=1)) == 1
    assert store.told_to("kim") == {(rows[0].id, Level.NOTED)}
