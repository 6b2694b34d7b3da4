"""A refund is written down once, whoever else asks in the same moment, and has one end."""

from __future__ import annotations

import threading

import pytest

from kiosk.domain.money import Money
from kiosk.domain.refunding import RefundState
from kiosk.store import Store
from kiosk.store.errors import Missing, WrongState

from .build import later, queued

AMOUNT = Money(300, "EUR")


@pytest.fixture
def key(store: Store) -> str:
    session = queued()
    store.create(session, device="a phone", now=later(0))
    return session.key


def test_it_is_written_down_with_a_key_of_its_own_and_has_one_end(store: Store, key: str) -> None:
    first = store.ask_refund(key, AMOUNT, "kim", later(10), earlier=0)
    assert (first.state, first.amount, first.who, first.sent_at) == (RefundState.WAITING, AMOUNT, "kim", None)
    assert store.due_refunds(later(9)) == []
    assert store.due_refunds(later(10)) == [first]
    assert store.claim_refund(first, later(11))
    assert not store.claim_refund(first, later(12)), "somebody has it"
    (sent,) = store.refunds_of(key)
    assert (sent.state, sent.sent_at, sent.attempts) == (RefundState.SENT, later(11), 0)
    assert store.due_refunds(later(40)) == []
    assert store.due_refunds(later(41)) == [sent], "whoever sent it is gone"
    store.put_off_refund(sent, later(100), "no answer")
    assert store.due_refunds(later(99)) == []
    (again,) = store.due_refunds(later(100))
    assert store.claim_refund(again, later(101))
    (again,) = store.refunds_of(key)
    assert again.sent_at == later(11), "since the first sending"
    store.put_off_refund(again, later(200), "it works on it", "re_1")
    store.end_refund(again, RefundState.DONE, later(201), "sent back", "re_1")
    store.end_refund(again, RefundState.REFUSED, later(202), "late")
    store.put_off_refund(again, later(203), "late")
    (done,) = store.refunds_of(key)
    assert (done.state, done.ended_at, done.refund_id, done.said) == (
        RefundState.DONE,
        later(201),
        "re_1",
        "sent back",
    )
    second = store.ask_refund(key, AMOUNT, "kim", later(300), earlier=1)
    assert second.key != first.key
    store.end_refund(second, RefundState.REFUSED, later(301), "no")


def test_there_is_one_at_a_time_and_none_that_was_not_seen(store: Store, key: str) -> None:
    first = store.ask_refund(key, AMOUNT, "kim", later(10), earlier=0)
    for earlier in (0, 1):
        with pytest.raises(WrongState):
            store.ask_refund(key, AMOUNT, "ann", later(11), earlier=earlier)
    store.end_refund(first, RefundState.REFUSED, later(12), "no")
    with pytest.raises(WrongState):
        store.ask_refund(key, AMOUNT, "ann", later(13), earlier=0)
    with pytest.raises(Missing):
        store.ask_refund("nobody's", AMOUNT, "ann", later(13), earlier=0)


def test_of_two_desks_at_once_one_asks(store: Store, key: str) -> None:
    both, told = threading.Barrier(2), []

    def ask(who: str) -> None:
        both.wait()
        try:
            store.ask_refund(key, AMOUNT, who, later(10), earlier=0)
            told.append("asked")
        except WrongState:
            told.append("late")

    desks = [threading.Thread(target=ask, args=(who,)) for who in ("kim", "ann")]
    for desk in desks:
        desk.start()
    for desk in desks:
        desk.join()
    assert sorted(told) == ["asked", "late"]
    assert len(store.refunds_of(key)) == 1


def test_the_newest_of_each_session_is_told_with_its_charger_while_it_matters(store: Store, key: str) -> None:
    first = store.ask_refund(key, AMOUNT, "kim", later(10), earlier=0)
    assert store.newest_refunds(later(9000)) == [("ABC", first)]
    store.end_refund(first, RefundState.REFUSED, later(20), "no")
    second = store.ask_refund(key, AMOUNT, "kim", later(30), earlier=1)
    assert store.newest_refunds(later(0)) == [("ABC", second)]
    store.end_refund(second, RefundState.DONE, later(40), "sent back", "re_1")
    (done,) = store.newest_refunds(later(39))
    assert done[1].state is RefundState.DONE
    assert store.newest_refunds(later(40)) == []
    assert store.newest_refunds(later(40), {key, "another"}) == [done]
