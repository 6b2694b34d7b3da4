"""What people do about what needs them: nothing is lost, everything can be taken back, and no page skips a row."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.domain.attention import Act, Attention, Level, Matter
from kiosk.domain.handling import LONGEST_ASIDE, CannotHandle, Did, Handling
from kiosk.store import Store
from kiosk.store.exceptions import Listed
from kiosk.store.handlings import State, Wanted, place_of

from .build import later

NOW = later(100)


def listed(store: Store, kind: Attention = Attention.REVIEW, subject: str = "key-1", code: str = "7MK4T") -> Listed:
    matter = Matter(kind, subject, code, later(0), Act.ASK_BACK_OFFICE, 5000, "EUR")
    (row,) = store.keep_exceptions([matter], (), later(60)).opened
    return row


def test_it_gets_an_owner_a_note_and_a_time_until_which_it_is_set_aside(store: Store) -> None:
    row = listed(store)
    assert store.handle(row.id, Did.OWNED, "Kim", NOW).handling.owner == "Kim"
    store.handle(row.id, Did.NOTED, "Ali", later(110), note="asked them")
    until = later(10_000)
    aside = store.handle(row.id, Did.SET_ASIDE, "Kim", later(120), until=until)
    assert aside.handling == Handling("Kim", until, None)
    assert (aside.handling.waits(later(9_999)), aside.handling.waits(until)) == (False, True)
    assert [one.id for one in store.waiting_for_people(Wanted(State.ASIDE, owner="Kim"), later(200), 5)] == [row.id]
    told = store.handlings_of([row.id])[row.id]
    assert [(one.who, one.did, one.note, one.until) for one in told] == [
        ("Kim", Did.OWNED, None, None),
        ("Ali", Did.NOTED, "asked them", None),
        ("Kim", Did.SET_ASIDE, None, until),
    ]


def test_the_last_thing_is_taken_back_and_brought_back_and_a_note_stays(store: Store) -> None:
    row = listed(store, Attention.OTHER_PRICE)
    store.handle(row.id, Did.OWNED, "Kim", NOW)
    store.handle(row.id, Did.DONE, "Kim", later(110))
    store.handle(row.id, Did.NOTED, "Kim", later(111), note="x")
    assert store.undo(row.id, "Ali", later(120)).handling == Handling("Kim")
    assert store.undo(row.id, "Ali", later(130)).handling == Handling("Kim", None, later(110))
    assert [one.did for one in store.handlings_of([row.id])[row.id]][-2:] == [Did.UNDONE, Did.UNDONE]


def test_what_was_set_aside_or_seen_to_is_taken_up_again(store: Store) -> None:
    row = listed(store, Attention.OTHER_PRICE)
    store.handle(row.id, Did.SET_ASIDE, "Kim", NOW, until=later(5000))
    store.handle(row.id, Did.DONE, "Kim", NOW)
    assert store.handle(row.id, Did.TAKEN_UP, "Ali", later(110)).handling == Handling()


def test_nobody_takes_back_what_they_have_not_seen(store: Store) -> None:
    row = listed(store)
    store.handle(row.id, Did.OWNED, "Kim", NOW)
    (seen,) = store.handlings_of([row.id])[row.id]
    store.handle(row.id, Did.LET_GO, "Ali", later(110))
    with pytest.raises(CannotHandle, match="newer"):
        store.undo(row.id, "Kim", later(120), seen.id)
    assert store.exception(row.id).handling == Handling()


@pytest.mark.parametrize(
    ("kind", "did", "after", "reason"),
    [
        (Attention.REVIEW, Did.SET_ASIDE, timedelta(0), "past"),
        (Attention.REVIEW, Did.SET_ASIDE, LONGEST_ASIDE + timedelta(seconds=1), "too_long"),
        (Attention.HOLD_LAPSES, Did.SET_ASIDE, timedelta(hours=24), "lapses"),
        (Attention.HOLD_OVERDUE, Did.DONE, None, "not_by_people"),
    ],
)
def test_what_cannot_be_done_about_it_says_why_and_changes_nothing(
    store: Store, kind: Attention, did: Did, after: timedelta | None, reason: str
) -> None:
    row = listed(store, kind)
    with pytest.raises(CannotHandle, match=reason):
        store.handle(row.id, did, "Kim", NOW, until=NOW + after if after is not None else None)
    assert store.exception(row.id) == row
    assert store.handlings_of([row.id]) == {row.id: []}


def test_a_row_that_is_closed_or_never_was_is_gone_for_people(store: Store) -> None:
    row = listed(store)
    store.keep_exceptions([], {"key-1"}, later(90))
    for number in (row.id, 4711):
        with pytest.raises(CannotHandle, match="gone"):
            store.handle(number, Did.OWNED, "Kim", NOW)
        with pytest.raises(CannotHandle, match="gone"):
            store.undo(number, "Kim", NOW)


def test_a_row_without_anything_done_has_nothing_to_take_back(store: Store) -> None:
    with pytest.raises(CannotHandle, match="nothing"):
        store.undo(listed(store).id, "Kim", NOW)


def test_what_is_seen_to_is_closed_when_its_cause_is_gone_and_opens_anew_with_a_new_one(store: Store) -> None:
    row = listed(store, Attention.OTHER_PRICE)
    store.handle(row.id, Did.DONE, "Kim", NOW)
    store.keep_exceptions([], {"key-1"}, later(200))
    assert store.exception(row.id).closed_at == later(200)
    again = listed(store, Attention.OTHER_PRICE)
    assert (again.id != row.id, again.handling) == (True, Handling())


def test_every_row_stands_in_one_state_and_pages_skip_and_repeat_none(store: Store) -> None:
    matters = [
        Matter(kind, f"key-{number}", "7MK4T" if number % 2 else "9QX6B", later(-3600 * (number % 30)), Act.READ)
        for number, kind in enumerate([Attention.REVIEW, Attention.OTHER_PRICE, Attention.HOLD_OVERDUE] * 9)
    ]
    rows = store.keep_exceptions(matters, (), NOW).opened
    for one in rows[:3]:
        store.handle(one.id, Did.SET_ASIDE, "Kim", NOW, until=later(5000))
    store.handle(next(one.id for one in rows[3:] if one.matter.kind is Attention.OTHER_PRICE), Did.DONE, "Kim", NOW)
    store.keep_exceptions([], {f"key-{number}" for number in range(20, 27)}, later(150))
    seen: dict[State, list[Listed]] = {}
    for state in State:
        after = None
        while page := store.waiting_for_people(Wanted(state), later(200), 4, after):
            seen.setdefault(state, []).extend(page)
            after = place_of(page[-1])
    numbers = [one.id for found in seen.values() for one in found]
    assert sorted(numbers) == [one.id for one in rows]
    assert {state: len(found) for state, found in seen.items()} == {
        State.WAITS: 16,
        State.ASIDE: 3,
        State.DONE: 1,
        State.CLOSED: 7,
    }
    order = [Level.ALARM, Level.LOUD, Level.NOTED]
    waits = [(order.index(one.level), one.matter.since, one.id) for one in seen[State.WAITS]]
    assert waits == sorted(waits)
    counts = store.how_many_wait(Wanted(), later(200))
    assert counts == {State.WAITS: 16, State.ASIDE: 3, State.DONE: 1}
    some = Wanted(State.WAITS, {Attention.REVIEW}, {"7MK4T"})
    found = store.waiting_for_people(some, later(200), 100)
    assert found
    assert {(one.matter.kind, one.matter.code) for one in found} == {(Attention.REVIEW, "7MK4T")}


def test_notes_are_erased_with_other_personal_data_once_their_row_is_closed(store: Store) -> None:
    row, other = listed(store), listed(store, subject="key-2")
    for one in (row, other):
        store.handle(one.id, Did.OWNED, "Kim", NOW)
        store.handle(one.id, Did.NOTED, "Kim", NOW, note="Mr Miller called")
    store.keep_exceptions([], {"key-1"}, later(200))
    assert store.forget_notes(later(200)) == 0
    assert store.forget_notes(later(201)) == 1
    told = store.handlings_of([row.id, other.id])
    assert [one.did for one in told[row.id]] == [Did.OWNED]
    assert [one.did for one in told[other.id]] == [Did.OWNED, Did.NOTED]
