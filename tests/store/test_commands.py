"""Commands other than the start: asked once, claimed, ended, repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.domain.commands import AskedBy, Command, CommandState, Kind, Refusal, Wish
from kiosk.store import Missing, Store, WrongState
from kiosk.store.commands import MOST_SENDINGS

from .build import NOW, later, opened, queued, stored

ENDS = [CommandState.DONE, CommandState.REFUSED, CommandState.UNKNOWN]


def ask(store: Store, kind: Kind = Kind.STOP, at: float = 10, **more: str) -> Command:
    return store.ask("key-1", kind, AskedBy.DRIVER, later(at), **more)


def command(store: Store, command_id: int) -> Command:
    return next(one for one in store.commands("key-1") if one.id == command_id)


def test_a_wish_waits_until_it_is_claimed(store: Store) -> None:
    opened(store)
    asked = ask(store)
    assert asked == Command(
        asked.id, "key-1", Kind.STOP, AskedBy.DRIVER, later(10), CommandState.WAITING, not_before=later(10)
    )
    assert store.waiting(later(10)) == [asked]
    assert store.claim(asked.id, later(11))
    assert (store.waiting(later(12)), store.next_command_at()) == ([], None)


def test_the_same_wish_is_stored_once_while_it_waits_or_is_being_sent(store: Store) -> None:
    opened(store)
    asked = ask(store)
    assert ask(store, at=11).id == asked.id
    store.claim(asked.id, later(12))
    assert ask(store, at=13).id == asked.id
    store.finish(asked.id, CommandState.DONE, later(14))
    assert ask(store, at=15).id != asked.id


def test_wishes_of_different_kinds_and_sessions_stand_side_by_side(store: Store) -> None:
    opened(store)
    stored(store, queued("key-2", connector_id=2))
    ids = {ask(store).id, ask(store, Kind.CANCEL).id, store.ask("key-2", Kind.STOP, AskedBy.LIMIT, NOW).id}
    assert len(ids) == 3


def test_a_wish_needs_a_session(store: Store) -> None:
    with pytest.raises(Missing):
        ask(store)


def test_a_start_cannot_be_asked_for_alone(store: Store) -> None:
    opened(store)
    with pytest.raises(ValueError, match="together with its session"):
        ask(store, Kind.START)


def test_an_email_belongs_to_a_receipt_email_only(store: Store) -> None:
    opened(store)
    with pytest.raises(ValueError, match="e-mail"):
        ask(store, Kind.STOP, email="ada@example.org")
    with pytest.raises(ValueError, match="e-mail"):
        ask(store, Kind.RECEIPT_EMAIL)


def test_a_newer_email_replaces_that_of_the_waiting_wish(store: Store) -> None:
    opened(store)
    asked = ask(store, Kind.RECEIPT_EMAIL, email="ad@example.org")
    assert ask(store, Kind.RECEIPT_EMAIL, email="ada@example.org") == asked
    assert store.email_of(asked.id) == "ada@example.org"


def test_a_corrected_email_is_not_dropped_while_the_first_is_being_sent(store: Store) -> None:
    opened(store)
    asked = ask(store, Kind.RECEIPT_EMAIL, email="ad@example.org")
    store.claim(asked.id, later(11))
    assert ask(store, Kind.RECEIPT_EMAIL, email="ad@example.org").id == asked.id
    corrected = ask(store, Kind.RECEIPT_EMAIL, email="ada@example.org")
    assert corrected.id != asked.id
    assert (store.email_of(asked.id), store.email_of(corrected.id)) == ("ad@example.org", "ada@example.org")


def test_a_command_without_an_email_has_none(store: Store) -> None:
    opened(store)
    assert store.email_of(ask(store).id) is None
    assert store.email_of(99) is None


def test_commands_are_listed_in_the_order_of_asking(store: Store) -> None:
    opened(store)
    kinds = [Kind.CONFIRM, Kind.STOP, Kind.CANCEL]
    for kind in kinds:
        ask(store, kind)
    assert [one.kind for one in store.commands("key-1")] == [Kind.START, *kinds]
    assert [one.kind for one in store.waiting(later(10))] == kinds


@pytest.mark.parametrize("state", ENDS)
def test_a_sent_command_ends_once(store: Store, state: CommandState) -> None:
    opened(store)
    asked = ask(store)
    store.claim(asked.id, later(11))
    store.finish(asked.id, state, later(12), refusal=Refusal.NOT_NOW, detail="why")
    ended = command(store, asked.id)
    assert (ended.state, ended.ended_at, ended.refusal, ended.detail) == (state, later(12), Refusal.NOT_NOW, "why")
    with pytest.raises(WrongState):
        store.finish(asked.id, CommandState.DONE, later(13))
    assert command(store, asked.id) == ended


def test_a_command_that_waits_cannot_end(store: Store) -> None:
    opened(store)
    asked = ask(store)
    with pytest.raises(WrongState, match="stop"):
        store.finish(asked.id, CommandState.DONE, later(12))
    assert command(store, asked.id) == asked


@pytest.mark.parametrize("state", sorted(set(CommandState) - set(ENDS)))
def test_a_command_ends_in_an_end(store: Store, state: CommandState) -> None:
    opened(store)
    with pytest.raises(ValueError, match="not an end"):
        store.finish(ask(store).id, state, later(12))


def test_a_start_does_not_end_without_its_session(store: Store) -> None:
    asked = stored(store)
    store.claim(asked.id, NOW)
    with pytest.raises(ValueError, match="together with its session"):
        store.finish(asked.id, CommandState.UNKNOWN, later(12))
    assert store.left_sent()[0].id == asked.id


def test_a_command_that_does_not_exist_cannot_change(store: Store) -> None:
    with pytest.raises(Missing):
        store.finish(99, CommandState.DONE, NOW)
    with pytest.raises(Missing):
        store.again(99, NOW)
    assert store.claim(99, NOW) is False


@pytest.mark.parametrize("end", [None, CommandState.UNKNOWN, CommandState.REFUSED])
def test_a_repeatable_command_can_wait_again(store: Store, end: CommandState | None) -> None:
    opened(store)
    asked = ask(store)
    store.claim(asked.id, later(11))
    if end is not None:
        store.finish(asked.id, end, later(12), refusal=Refusal.TOO_MANY, detail="why")
    store.again(asked.id, later(60))
    waiting = command(store, asked.id)
    assert (waiting.state, waiting.not_before, waiting.attempts) == (CommandState.WAITING, later(60), 1)
    assert (waiting.ended_at, waiting.refusal, waiting.detail) == (None, None, None)
    assert (store.waiting(later(59)), store.next_command_at()) == ([], later(60))
    assert store.waiting(later(60)) == [waiting]
    assert store.claim(asked.id, later(61))
    assert command(store, asked.id).attempts == 2


def test_a_command_that_is_done_or_waits_does_not_wait_again(store: Store) -> None:
    opened(store)
    asked = ask(store)
    with pytest.raises(WrongState):
        store.again(asked.id, later(60))
    store.claim(asked.id, later(11))
    store.finish(asked.id, CommandState.DONE, later(12))
    with pytest.raises(WrongState):
        store.again(asked.id, later(60))
    assert command(store, asked.id).state is CommandState.DONE


def test_the_next_command_is_the_earliest_that_waits(store: Store) -> None:
    opened(store)
    first, other = ask(store, Kind.CONFIRM, 20), ask(store, Kind.STOP, 30)
    store.claim(first.id, later(31))
    store.again(first.id, later(90))
    assert store.next_command_at() == later(30)
    store.claim(other.id, later(31))
    assert store.next_command_at() == later(90)


def test_after_a_restart_what_was_sent_without_an_end_is_known(store: Store, second: Store) -> None:
    opened(store)
    asked = ask(store)
    store.claim(asked.id, later(11))
    assert [one.id for one in second.left_sent()] == [asked.id]


def looks(store: Store, at: float = 20) -> Command:
    """The kiosk looks by itself whether somebody has paid."""
    return store.ask("key-1", Kind.CONFIRM, AskedBy.KIOSK, later(at))


def test_a_look_that_waits_becomes_the_drivers_when_they_say_that_they_paid(store: Store) -> None:
    opened(store)
    look = looks(store)
    assert ask(store, Kind.CONFIRM, at=21).id == look.id
    assert command(store, look.id).asked_by is AskedBy.DRIVER
    assert looks(store, at=22).id == look.id
    assert command(store, look.id).asked_by is AskedBy.DRIVER


def test_a_look_that_is_being_sent_may_have_left_before_the_driver_paid(store: Store) -> None:
    opened(store)
    look = looks(store)
    store.claim(look.id, later(21))
    said = ask(store, Kind.CONFIRM, at=22)
    assert said.id != look.id
    assert looks(store, at=23).id == said.id


@pytest.mark.parametrize("kind", [Kind.STOP, Kind.CANCEL])
def test_a_drivers_stop_or_cancel_is_kept_with_the_session_the_first_one(store: Store, kind: Kind) -> None:
    key = opened(store)
    before = store.session(key)
    assert before is not None
    ask(store, kind)
    wished = store.session(key)
    assert wished == replace(before, wish=Wish(kind, AskedBy.DRIVER, later(10)), version=before.version + 1)
    ask(store, Kind.STOP, at=60)
    ask(store, Kind.CANCEL, at=61)
    assert store.session(key) == wished


@pytest.mark.parametrize("kind", [Kind.CONFIRM, Kind.RECEIPT_EMAIL])
def test_nothing_else_is_a_wish_to_end_it(store: Store, kind: Kind) -> None:
    key = opened(store)
    before = store.session(key)
    email = "anna@mail.example" if kind is Kind.RECEIPT_EMAIL else None
    store.ask("key-1", kind, AskedBy.DRIVER, later(10), email=email)
    store.ask(key, Kind.STOP, AskedBy.LIMIT, later(11))
    assert store.session(key) == before


def test_after_many_sendings_of_a_kind_the_later_ones_count_in_the_last_row(store: Store) -> None:
    opened(store)
    for number in range(MOST_SENDINGS + 5):
        stop = ask(store, at=100 * number)
        store.claim(stop.id, later(100 * number + 1))
        store.finish(stop.id, CommandState.REFUSED, later(100 * number + 2), refusal=Refusal.CHARGER_OFFLINE)
    stops = [one for one in store.commands("key-1") if one.kind is Kind.STOP]
    assert [one.attempts for one in stops] == [1] * (MOST_SENDINGS - 1) + [6]
    assert stops[-1].sent_at == later(100 * (MOST_SENDINGS + 4) + 1)


def test_how_often_an_end_was_sent_is_counted_by_session(store: Store) -> None:
    opened(store)
    stored(store, queued("key-2", connector_id=2))
    store.ask("key-2", Kind.STOP, AskedBy.LIMIT, NOW)
    for number in range(3):
        stop = ask(store, at=10 * number)
        store.claim(stop.id, later(10 * number + 1))
        store.finish(stop.id, CommandState.UNKNOWN, later(10 * number + 2))
    ask(store, Kind.CONFIRM, at=50)
    assert store.sendings(["key-1", "key-2"]) == {"key-1": 3}
