"""What goes on in memory while the store cannot write, seen from the store's own functions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from kiosk.domain.commands import ENDS, AskedBy, CommandState, Kind, Refusal
from kiosk.store import Store
from kiosk.store.commands import MOST_SENDINGS
from kiosk.store.database import Database
from kiosk.store.errors import CannotWrite, Deposed, Missing, UnreadableSession, WrongState
from kiosk.store.records import Lease
from kiosk.store.unwritten import FIRST_ID, MOST_SAID, _Said, _thinned
from tests.worlds.refusing import full, locked

from .build import NOW, charging, later, opened, queued, seen, stored

TTL = timedelta(seconds=10)


def running(store: Store) -> str:
    key = opened(store)
    store.observe(key, charging(20), source="read")
    return key


def written(store: Store) -> None:
    """A write shows that it works again, and all of it is written."""
    store.note_call("stop", NOW)
    store.write_down()


def test_a_wish_in_memory_is_a_wish_for_everybody_who_asks(store: Store) -> None:
    key = running(store)
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
        assert store.unwritten(key)
        assert store.waiting(later(30)) == [asked]
        assert store.waiting(later(29)) == []
        assert store.next_command_at() == later(30)
        assert store.commands(key)[-1] == store.command(asked.id) == asked
        reader = store.for_reader(key, "phone")
        assert reader is not None
        assert reader.commands[-1] == asked
        (watched,) = store.sessions_to_watch()
        assert watched == reader.session == store.session(key)
        assert watched.wish is not None
        assert (watched.wish.kind, watched.wish.asked_at) == (Kind.STOP, later(30))


def test_it_has_the_same_content_when_it_is_written(store: Store) -> None:
    key = running(store)
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
        store.claim(asked.id, later(31))
        store.finish(asked.id, CommandState.REFUSED, later(32), refusal=Refusal.CHARGER_OFFLINE, detail="400")
        store.observe(key, charging(40, "2.5"), source="stop")
        store.mark_gone(key, later(50), later(51))
        session, commands = store.session(key), store.commands(key)
    written(store)
    assert not store.unwritten(key)
    assert store.session(key) == session
    (last,) = [one for one in store.commands(key) if one.kind is Kind.STOP]
    assert last.id < FIRST_ID
    assert commands[-1].id >= FIRST_ID
    assert store.command(asked.id) == last
    assert (last.state, last.refusal, last.detail, last.attempts) == (
        CommandState.REFUSED,
        Refusal.CHARGER_OFFLINE,
        "400",
        1,
    )
    assert (last.asked_at, last.sent_at, last.ended_at) == (later(30), later(31), later(32))
    assert [(one.source, one.seen.energy_kwh) for one in store.observations(key)][-1] == ("stop", Decimal("2.5"))


def test_a_command_that_is_under_way_ends_after_it_was_written(store: Store) -> None:
    key = running(store)
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
        assert store.claim(asked.id, later(31))
    written(store)
    assert [one.state for one in store.left_sent()] == [CommandState.SENT]
    store.finish(asked.id, CommandState.DONE, later(33))
    assert store.commands(key)[-1].state is CommandState.DONE


def test_one_that_is_stored_is_sent_once_from_memory(store: Store) -> None:
    key = running(store)
    asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
    with locked(store):
        assert store.claim(asked.id, later(31))
        assert not store.claim(asked.id, later(31))
        assert store.waiting(later(60)) == []
        assert [one.id for one in store.left_sent()] == [asked.id]
        assert store.sendings([key, "another"]) == {key: 1}
        store.finish(asked.id, CommandState.UNKNOWN, later(40))
        store.again(asked.id, later(50))
        assert store.waiting(later(50))[0].attempts == 1
    written(store)
    assert [one.id for one in store.waiting(later(50))] == [asked.id]


def test_a_wish_that_waits_or_is_being_sent_is_not_stored_twice(store: Store) -> None:
    key = running(store)
    with full(store):
        first = store.ask(key, Kind.STOP, AskedBy.LIMIT, later(30))
        theirs = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(31))
        assert (theirs.id, theirs.asked_by) == (first.id, AskedBy.DRIVER)
        store.claim(first.id, later(32))
        assert store.ask(key, Kind.STOP, AskedBy.DRIVER, later(33)).id == first.id
        store.finish(first.id, CommandState.DONE, later(34))
        second = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(60))
        assert second.id > first.id
    written(store)
    session = store.session(key)
    assert session is not None
    assert session.wish is not None
    assert session.wish.asked_at == later(31)
    assert [one.kind for one in store.commands(key)] == [Kind.START, Kind.STOP, Kind.STOP]


def test_a_look_is_answered_by_no_earlier_look_in_memory_either(store: Store) -> None:
    key = opened(store)
    with full(store):
        look = store.ask(key, Kind.CONFIRM, AskedBy.KIOSK, later(30))
        store.claim(look.id, later(31))
        assert store.ask(key, Kind.CONFIRM, AskedBy.KIOSK, later(32)).id == look.id
        assert store.ask(key, Kind.CONFIRM, AskedBy.DRIVER, later(32)).id != look.id


def test_what_the_kiosk_decided_itself_may_be_taken_back_and_a_drivers_wish_not(store: Store) -> None:
    key = running(store)
    with full(store):
        own = store.ask(key, Kind.STOP, AskedBy.LIMIT, later(30))
        assert store.withdraw(own.id, later(31))
        wish = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(32))
        assert not store.withdraw(wish.id, later(33))
    written(store)
    assert [one.state for one in store.commands(key)][1:] == [CommandState.WITHDRAWN, CommandState.WAITING]


def test_no_start_and_no_address_goes_on_in_memory(store: Store) -> None:
    key = running(store)
    asked = stored(store, queued("key-2", connector_id=2))
    with full(store):
        with pytest.raises(CannotWrite):
            store.claim(asked.id, later(1))
        with pytest.raises(CannotWrite):
            store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, later(1), email="anna@mail.example")
        store.ask(key, Kind.STOP, AskedBy.DRIVER, later(1))
        with pytest.raises(CannotWrite):
            store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, later(1), email="anna@mail.example")


def test_an_end_is_known_in_memory(store: Store) -> None:
    key = running(store)
    with full(store):
        session, events = store.observe(
            key, seen("captured", 60, captured_minor=525, captured_at=later(60), energy_kwh=Decimal(10)), source="read"
        )
        assert session.final
        assert events is not None
        assert store.sessions_to_watch() == []


@pytest.mark.parametrize("of", [0, 5])
def test_a_leader_that_another_one_replaced_sends_nothing_from_memory(store: Store, second: Store, of: int) -> None:
    key = running(store)
    lease = store.take_lease("engine", "one", NOW, TTL)
    assert lease is not None
    second.take_lease("engine", "two", later(11), TTL)
    mine = Lease("engine", "one", of, unbroken=False) if of == 0 else lease
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(12))
        with pytest.raises(Deposed):
            store.claim(asked.id, later(12), mine)
        if store.is_file:  # that one's has run out, and nobody can take another
            assert store.claim(asked.id, later(22), mine)
        else:  # but other machines cannot be asked who goes on
            with pytest.raises(Deposed):
                store.claim(asked.id, later(22), mine)


def test_of_two_processes_that_cannot_write_one_goes_on(store: Store, second: Store) -> None:
    lease = store.take_lease("engine", "one", NOW, TTL)
    assert lease is not None
    never = Lease("engine", "two", 0, unbroken=False)
    with full(store), full(second):
        assert store.holds_lease(lease, later(4))
        assert not second.holds_lease(never, later(9))
        assert not second.holds_lease(never, later(11))
        assert store.holds_lease(lease, later(12))
        store.close()  # its process ends
        assert second.holds_lease(never, later(12)) == store.is_file
        assert store.holds_lease(lease, later(12)) != store.is_file


def test_who_goes_on_without_writing_ends_when_another_one_could_write_its_lease(store: Store, second: Store) -> None:
    lease = store.take_lease("engine", "one", NOW, TTL)
    assert lease is not None
    with full(store):
        assert store.holds_lease(lease, later(11))
        assert second.take_lease("engine", "two", later(12), TTL)
        assert not store.holds_lease(lease, later(13))


def test_a_lease_that_was_never_written_sends_no_start(store: Store) -> None:
    asked = stored(store)
    lease = Lease("engine", "one", 0, unbroken=False)
    with pytest.raises(CannotWrite):
        store.claim(asked.id, later(1), lease)
    with pytest.raises(CannotWrite):
        store.note_call("start", later(1), lease)
    assert store.claim(asked.id, later(1))


def test_of_very_many_answers_the_newest_of_each_status_are_kept(store: Store) -> None:
    key = running(store)
    with full(store):
        for second in range(30, 30 + 2 * MOST_SAID):
            store.observe(key, charging(second, f"{second}"), source="read")
        store.observe(key, seen("settling", 500), source="read")
    written(store)
    kept = [one.seen for one in store.observations(key)][2:]
    assert len(kept) == MOST_SAID
    assert [one.status for one in kept] == ["charging"] * (MOST_SAID - 1) + ["settling"]
    assert kept[-2].energy_kwh == Decimal(30 + 2 * MOST_SAID - 1)


def test_what_nobody_knows_is_missing_in_memory_too(store: Store) -> None:
    with full(store):
        with pytest.raises(Missing):
            store.ask("nobody", Kind.STOP, AskedBy.DRIVER, NOW)
        with pytest.raises(Missing):
            store.observe("nobody", charging(20), source="read")
        with pytest.raises(Missing):
            store.mark_gone("nobody", NOW, NOW)
    assert not store.unwritten("nobody")


def test_no_command_ends_twice_in_memory(store: Store) -> None:
    key = running(store)
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
        with pytest.raises(WrongState):
            store.finish(asked.id, CommandState.DONE, later(31))
        with pytest.raises(WrongState):
            store.again(asked.id, later(31))
        store.claim(asked.id, later(31))
        store.finish(asked.id, CommandState.DONE, later(32))
        with pytest.raises(WrongState):
            store.finish(asked.id, CommandState.DONE, later(33))


def test_a_stop_of_a_row_that_cannot_be_read_goes_on_in_memory_too(store: Store) -> None:
    key = running(store)
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET phase = 'parked'")
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
        assert store.claim(asked.id, later(31))
    written(store)
    assert [one.state for one in store.commands(key)][1:] == [CommandState.SENT]
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET phase = 'open'")
    session = store.session(key)
    assert session is not None
    assert session.wish is not None
    assert asked.kind in ENDS


# --- the store takes something for a moment only, or something else than what is in memory


def room_for_a_moment(store: Store) -> None:
    """It has shown that it takes something, and what is in memory is not written yet."""
    store.note_call("stop", NOW)


def test_what_is_written_down_while_the_next_write_is_refused_goes_on_in_memory(store: Store) -> None:
    key = running(store)
    with full(store):
        store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
    room_for_a_moment(store)
    with full(store, after=1):
        store.observe(key, charging(40, "2.5"), source="read")
        assert [one.id < FIRST_ID for one in store.commands(key)] == [True, True]  # the wish has its row
        assert store.unwritten(key)
        session = store.session(key)
        assert session is not None
        assert session.energy_kwh == Decimal("2.5")
    written(store)
    assert store.session(key) == session


def test_it_is_written_with_the_next_thing_that_is_said_when_there_is_room(store: Store) -> None:
    key = running(store)
    with full(store):
        store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
    room_for_a_moment(store)
    session, _events = store.observe(key, charging(40, "2.5"), source="read")
    assert not store.unwritten(key)
    assert session.wish is not None
    assert session.energy_kwh == Decimal("2.5")


def test_a_command_goes_on_in_memory_when_only_its_row_found_room(store: Store) -> None:
    key = running(store)
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
    room_for_a_moment(store)
    with full(store, after=1):
        assert store.claim(asked.id, later(31))
        (sent,) = store.left_sent()
        assert sent.id < FIRST_ID
        assert store.unwritten(key)
        assert not store.claim(asked.id, later(31))
    written(store)
    assert [one.state for one in store.commands(key)][1:] == [CommandState.SENT]


def test_a_command_in_memory_is_written_and_claimed_when_there_is_room(store: Store) -> None:
    key = running(store)
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
    room_for_a_moment(store)
    assert store.claim(asked.id, later(31))
    assert not store.unwritten(key)
    assert [one.id < FIRST_ID for one in store.left_sent()] == [True]


def test_a_session_that_was_erased_meanwhile_takes_its_memory_along(store: Store) -> None:
    key = running(store)
    with full(store):
        asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
    others = Database(store._url, foreign_keys=False)
    with others.write() as by_hand:
        for table in ("observations", "commands", "grants", "origins", "sessions"):
            by_hand.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
    others.close()
    room_for_a_moment(store)
    with full(store, after=1), pytest.raises(Missing):
        store.claim(asked.id, later(31))
    assert not store.unwritten(key)
    assert store.session(key) is None
    with pytest.raises(Missing):
        store.command(asked.id)


def test_a_stop_that_was_sent_very_often_counts_in_its_last_row_in_memory_too(store: Store) -> None:
    key = running(store)
    with full(store):
        for number in range(MOST_SENDINGS + 5):
            asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30 + 60 * number))
            assert store.claim(asked.id, later(31 + 60 * number))
            store.finish(asked.id, CommandState.DONE, later(32 + 60 * number))
    written(store)
    stops = [one for one in store.commands(key) if one.kind is Kind.STOP]
    assert [one.attempts for one in stops] == [1] * (MOST_SENDINGS - 1) + [6]


def test_what_was_said_of_a_row_that_cannot_be_read_any_more_stays_as_evidence(store: Store, second: Store) -> None:
    key = running(store)
    with full(store):
        store.observe(key, charging(40, "2.5"), source="read")
        store.mark_gone(key, later(50), later(51))
    with second._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET phase = 'parked'")
    written(store)
    assert not store.unwritten(key)
    assert store.observations(key)[-1].seen.energy_kwh == Decimal("2.5")
    with second._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET phase = 'open'")
    session = store.session(key)
    assert session is not None
    assert session.gone_at is None


def test_a_reader_of_a_row_that_cannot_be_read_hears_so_though_its_stop_is_in_memory(store: Store) -> None:
    key = running(store)
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE sessions SET phase = 'parked'")
    with full(store):
        store.ask(key, Kind.STOP, AskedBy.DRIVER, later(30))
        with pytest.raises(UnreadableSession):
            store.for_reader(key, "phone")
        with store._database._engine.connect() as connection:  # somebody mends the row by hand
            connection.exec_driver_sql("UPDATE sessions SET phase = 'open'")
            connection.commit()
        reader = store.for_reader(key, "phone")
    assert reader is not None
    assert reader.session.key == key


def test_answers_that_change_each_time_go_oldest_first() -> None:
    said = [_Said(later(number), later(number), seen(f"word {number}", number)) for number in range(MOST_SAID + 1)]
    assert _thinned(said) == said[1:]
