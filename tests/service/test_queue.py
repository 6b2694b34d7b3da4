"""The queue as people see it: every row once, what they do is logged first, and nothing odd in an address breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config.logs import session_mark
from kiosk.config.sites import SiteBook
from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.handling import LONGEST_NOTE, CannotHandle, Did
from kiosk.domain.money import Money
from kiosk.service.queue import _place, act, case_of, page_of
from kiosk.service.queue_words import ABOUT_IT, ACTS, CANNOT, DID, TITLES
from kiosk.store import Store
from kiosk.store.handlings import State, Wanted
from tests.store.build import later, opened
from tests.worlds.once import migrated_store

CODE = "7MK4T"
BAYS = {1: {"label": "A1"}}
SITE = {"id": "g", "name": "Garage", "timezone": "Europe/Berlin", "chargers": [{"code": CODE, "bays": BAYS}]}
BOOK = SiteBook.model_validate({"sites": [SITE]})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = migrated_store(tmp_path / "kiosk.db")
    yield made
    made.close()


def listed(store: Store, key: str, kind: Attention = Attention.OTHER_PRICE) -> int:
    matter = Matter(kind, key, CODE, later(0), Act.ASK_BACK_OFFICE, 5000, "EUR")
    (row,) = store.keep_exceptions([matter], (), later(60)).opened
    return row.id


def test_a_row_is_shown_with_its_bay_amount_age_and_words(store: Store) -> None:
    key = opened(store)
    number = listed(store, key)
    case = case_of(store, BOOK, number, later(3600))
    assert case is not None
    assert (case.bay, case.site, case.mark) == ("A1", "Garage", session_mark(key))
    assert (case.amount, case.age, case.waits) == (Money(5000, "EUR"), later(3600) - later(0), True)
    assert case_of(store, BOOK, 4711, later(3600)) is None


def test_pages_show_every_row_once(store: Store) -> None:
    matters = [Matter(Attention.REVIEW, f"k{number}", CODE, later(number % 3), Act.READ) for number in range(11)]
    store.keep_exceptions(matters, (), later(60))
    seen, after = [], None
    while True:
        page = page_of(store, BOOK, Wanted(), later(100), after, most=4)
        seen += [case.id for case in page.cases]
        after = page.after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 11


@given(
    st.text() | st.from_regex(r"(loud|2026-11-20|2026-11-20T13:00:00\+00:00|)~[0-9.einf-]*~[0-9-]*", fullmatch=True),
    st.sampled_from(State),
)
def test_whatever_stands_in_an_address_is_a_place_or_none(text: str, state: State) -> None:
    place = _place(text, state)
    if place is not None:
        assert place[2] >= 0
        assert (place[0] == "loud") == (state is not State.CLOSED)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("after", ["~1~1", "loud~1~1", "2026-11-20T13:00:00+00:00~1~1", "2026-11-20~1~1", "x~y~z"])
def test_a_place_of_another_list_is_no_error(store: Store, state: State, after: str) -> None:
    listed(store, opened(store))
    assert len(page_of(store, BOOK, Wanted(state), later(100), after).cases) <= 1


def test_what_is_done_stands_in_the_log_and_names_the_session_by_its_mark(store: Store) -> None:
    key = opened(store)
    number = listed(store, key)
    act(store, number, Did.OWNED, "kim", later(100))
    act(store, number, Did.NOTED, "kim", later(101), note=" called them ")
    act(store, number, Did.DONE, "kim", later(102))
    case = case_of(store, BOOK, number, later(103))
    assert case is not None
    assert (case.row.handling.owner, case.waits, case.notes) == ("kim", False, 1)
    act(store, number, Did.UNDONE, "ann", later(104), seen=case.last)
    logged = store.desk.log_entries()
    assert [(one.who, one.did, one.subject) for one in logged[::-1]] == [
        (who, f"queue_{did}", session_mark(key))
        for who, did in [("kim", "owned"), ("kim", "noted"), ("kim", "done"), ("ann", "undone")]
    ]
    assert [one.note for one in case.history if one.note] == ["called them"]


@pytest.mark.parametrize(
    ("did", "note", "reason"),
    [(Did.NOTED, "  ", "no_note"), (Did.NOTED, "x" * (LONGEST_NOTE + 1), "too_much"), (Did.SET_ASIDE, None, "no_time")],
)
def test_what_lacks_something_is_not_done_and_not_logged(store: Store, did: Did, note: str | None, reason: str) -> None:
    number = listed(store, opened(store))
    with pytest.raises(CannotHandle, match=reason):
        act(store, number, did, "kim", later(100), note=note)
    assert store.desk.log_entries() == []


def test_everything_has_its_words() -> None:
    assert set(TITLES) == set(ABOUT_IT) == set(Attention)
    assert set(ACTS) == set(Act)
    assert set(DID) == set(Did)
    reasons = {"gone", "past", "too_long", "lapses", "not_by_people", "nothing", "newer"}
    assert set(CANNOT) == reasons | {"no_note", "no_time", "too_much"}
