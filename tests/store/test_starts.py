"""A start: stored with its session and owner, claimed once, ended once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.session import Event, Phase, Session
from kiosk.store import BayTaken, Missing, Store, WrongState

from .build import NOW, PAYMENT, at_once, later, opened, queued, seen, stored


def found(store: Store, key: str = "key-1") -> Session:
    session = store.session(key)
    assert session is not None
    return session


def test_a_new_session_has_its_start_and_its_owner(store: Store) -> None:
    asked = stored(store)
    assert (asked.kind, asked.state, asked.asked_by, asked.attempts) == (
        Kind.START,
        CommandState.WAITING,
        AskedBy.DRIVER,
        0,
    )
    assert store.session("key-1") == queued()
    assert store.commands("key-1") == [asked] == store.waiting(NOW)
    assert store.owns("key-1", "phone")
    assert not store.owns("key-1", "another phone")


def test_an_unknown_key_has_no_session(store: Store) -> None:
    assert store.session("key-1") is None


def test_only_a_queued_session_can_be_new(store: Store) -> None:
    with pytest.raises(ValueError, match="queued"):
        store.create(Session("key-1", "ABC", 1, Phase.OPEN, NOW), device="phone", now=NOW)


def test_a_bay_that_is_kept_is_taken(store: Store) -> None:
    stored(store)
    with pytest.raises(BayTaken) as taken:
        stored(store, queued("key-2"))
    assert taken.value.key == "key-1"
    assert "key-1" not in str(taken.value)
    assert store.session("key-2") is None


def test_another_connector_and_another_charger_are_other_bays(store: Store) -> None:
    for number, (code, connector) in enumerate(
        [("ABC", 1), ("ABC", 2), ("ABD", 1), ("1/ABC", 1), ("AB", 11), ("AB1", 1)]
    ):
        stored(store, queued(f"key-{number}", code, connector))
    assert store.occupied("ABC") == {1: "key-0", 2: "key-1"}
    assert store.occupied_at(["ABC", "ABD", "FREE"]) == {"ABC": {1: "key-0", 2: "key-1"}, "ABD": {1: "key-2"}}
    assert store.occupied_at([]) == {}


def test_a_key_is_used_once_and_the_error_does_not_tell_it(store: Store) -> None:
    stored(store)
    with pytest.raises(IntegrityError) as refused:
        stored(store, queued(connector_id=2))
    assert "key-1" not in str(refused.value)


def test_of_twenty_starts_at_one_bay_one_wins(store: Store, second: Store) -> None:
    outcomes = at_once(20, lambda n: stored((store, second)[n % 2], queued(f"key-{n}"), f"phone-{n}").session_key)
    winners = [outcome for outcome in outcomes if isinstance(outcome, str)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, BayTaken)]
    assert len(winners) == 1
    assert [loser.key for loser in losers] == winners * 19
    assert store.queue() == winners


def test_of_twenty_who_claim_one_gets_it(store: Store, second: Store) -> None:
    asked = stored(store)
    claimed = at_once(20, lambda n: (store, second)[n % 2].claim(asked.id, later(n)))
    assert sorted(claimed, key=bool) == [False] * 19 + [True]
    (sent,) = store.left_sent()
    assert (sent.state, sent.attempts) == (CommandState.SENT, 1)
    assert sent.sent_at == later(claimed.index(True))


def test_a_start_that_was_answered_opens_the_session(store: Store) -> None:
    key = opened(store)
    session = found(store)
    assert (session.phase, session.status, session.version) == (Phase.OPEN, "created", 2)
    assert (store.token(key), store.payment(key), store.session_by_intent("pi_3Abc")) == ("token-1", PAYMENT, key)
    assert [command.state for command in store.commands(key)] == [CommandState.DONE]
    assert [(one.source, one.seen.status) for one in store.observations(key)] == [("start", "created")]
    assert store.sessions_to_watch() == [session] == [store.session_at("ABC", 1)]


def test_a_start_without_a_payment_context_is_stored_all_the_same(store: Store) -> None:
    asked = stored(store)
    store.claim(asked.id, NOW)
    _, events = store.start_done(asked.id, "token-1", seen("created"), later(11))
    assert Event.STATUS in events
    assert (store.token("key-1"), store.payment("key-1")) == ("token-1", None)
    assert store.session_by_intent("pi_3Abc") is None


def test_a_refused_start_frees_the_bay(store: Store) -> None:
    asked = stored(store)
    store.claim(asked.id, NOW)
    session = store.start_refused(asked.id, Refusal.TOO_MANY, later(1), retry_at=later(30), detail="status 429")
    assert session == found(store)
    assert (session.phase, session.refusal, session.retry_at) == (Phase.REFUSED, Refusal.TOO_MANY, later(30))
    (ended,) = store.commands("key-1")
    assert (ended.state, ended.refusal, ended.detail, ended.ended_at) == (
        CommandState.REFUSED,
        Refusal.TOO_MANY,
        "status 429",
        later(1),
    )
    assert (store.session_at("ABC", 1), store.sessions_to_watch()) == (None, [])
    stored(store, queued("key-2"))


def test_a_start_may_be_refused_before_it_is_sent(store: Store) -> None:
    asked = stored(store)
    assert store.start_refused(asked.id, Refusal.CHARGER_OFFLINE, NOW).phase is Phase.REFUSED
    assert store.claim(asked.id, NOW) is False


def test_a_start_without_an_answer_frees_the_bay_and_is_never_sent_again(store: Store) -> None:
    asked = stored(store)
    store.claim(asked.id, NOW)
    assert store.start_unanswered(asked.id, later(20), "no answer").phase is Phase.NO_ANSWER
    assert [command.state for command in store.commands("key-1")] == [CommandState.UNKNOWN]
    assert store.occupied("ABC") == {}
    with pytest.raises(ValueError, match="never sent twice"):
        store.again(asked.id, later(30))
    assert store.claim(asked.id, later(30)) is False


def test_a_start_that_was_not_sent_can_be_neither_done_nor_unanswered(store: Store) -> None:
    asked = stored(store)
    with pytest.raises(WrongState):
        store.start_done(asked.id, "token-1", seen("created"), NOW)
    with pytest.raises(WrongState):
        store.start_unanswered(asked.id, NOW, "no answer")
    assert found(store) == queued()


def test_a_start_ends_once(store: Store) -> None:
    opened(store)
    (ended,) = store.commands("key-1")
    with pytest.raises(WrongState):
        store.start_refused(ended.id, Refusal.NOT_NOW, NOW)
    with pytest.raises(WrongState):
        store.start_unanswered(ended.id, NOW, "no answer")
    assert found(store).phase is Phase.OPEN


def test_only_a_start_is_ended_as_a_start(store: Store) -> None:
    stop = store.ask(opened(store), Kind.STOP, AskedBy.DRIVER, NOW)
    with pytest.raises(ValueError, match="not a start"):
        store.start_refused(stop.id, Refusal.NOT_NOW, NOW)
    with pytest.raises(Missing):
        store.start_refused(99, Refusal.NOT_NOW, NOW)


def test_a_waiting_start_can_be_withdrawn_once(store: Store) -> None:
    asked = stored(store)
    assert store.withdraw_start("key-1", later(5)) is True
    assert store.withdraw_start("key-1", later(6)) is False
    assert (found(store).phase, found(store).version) == (Phase.LEFT, 2)
    assert store.commands("key-1")[0].state is CommandState.WITHDRAWN
    assert (store.occupied("ABC"), store.queue(), store.claim(asked.id, later(6))) == ({}, [], False)


def test_a_start_that_was_sent_cannot_be_withdrawn(store: Store) -> None:
    store.claim(stored(store).id, NOW)
    assert store.withdraw_start("key-1", later(5)) is False
    assert found(store) == queued()


@pytest.mark.parametrize("attempt", range(5))
def test_a_start_is_either_withdrawn_or_sent(store: Store, second: Store, attempt: int) -> None:
    asked = stored(store)
    both = [lambda: store.claim(asked.id, later(attempt)), lambda: second.withdraw_start("key-1", later(attempt))]
    assert sorted(at_once(2, lambda n: both[n]()), key=bool) == [False, True]


def test_the_line_is_in_the_order_of_asking(store: Store) -> None:
    for number in (3, 1, 2):
        stored(store, queued(f"key-{number}", connector_id=number))
    assert store.queue() == ["key-3", "key-1", "key-2"]
    store.claim(store.waiting(NOW)[0].id, NOW)
    assert store.queue() == ["key-1", "key-2"]


def aside(store: Store, key: str = "key-1") -> Session:
    """A start that was put aside."""
    asked = stored(store, queued(key))
    session = store.put_aside(asked.id, later(5), Refusal.NOBODY_WATCHED)
    assert session is not None
    return session


def test_only_a_start_is_put_aside_or_put_back(store: Store) -> None:
    opened(store)
    stop = store.ask("key-1", Kind.STOP, AskedBy.DRIVER, later(5))
    with pytest.raises(ValueError, match="not a start"):
        store.put_aside(stop.id, later(6), Refusal.NOBODY_WATCHED)
    with pytest.raises(ValueError, match="not a start"):
        store.put_back(stop.id, later(6), Refusal.TOO_MANY)


def test_a_start_that_does_not_wait_is_not_put_aside(store: Store) -> None:
    asked = stored(store)
    store.withdraw_start("key-1", later(1))
    assert store.put_aside(asked.id, later(2), Refusal.NOBODY_WATCHED) is None


def test_a_start_that_was_put_aside_waits_again_once(store: Store) -> None:
    session = aside(store)
    assert store.take_up_again(session, later(10))
    assert [one.state for one in store.commands("key-1")] == [CommandState.WAITING]
    assert not store.take_up_again(session, later(11))


def test_a_start_that_changed_underneath_is_not_taken_up(store: Store) -> None:
    session = aside(store)
    with pytest.raises(WrongState):
        store.take_up_again(replace(session, version=session.version + 1), later(10))


def test_a_start_is_not_taken_up_at_a_bay_that_somebody_else_has(store: Store) -> None:
    session = aside(store)
    store.create(queued("key-2"), device="another phone", now=later(8))
    with pytest.raises(BayTaken):
        store.take_up_again(session, later(10))
