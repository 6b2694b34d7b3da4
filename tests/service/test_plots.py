"""Days that are over are added up once, and what was kept of them is always what adding them up anew would come to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from kiosk.domain.plots import DaySums, days_before
from kiosk.domain.session import Phase
from kiosk.service.plots import sums_of_days
from kiosk.store import Store
from kiosk.store.errors import CannotWrite, Trouble
from kiosk.store.rows import lock_session, save_session
from kiosk.store.tables import plot_days
from tests.store.build import NOW, TARIFF, later, queued, stored
from tests.worlds.once import migrated_store

BERLIN = ZoneInfo("Europe/Berlin")
CODES = ("ABCD2", "XYZ34")
LATER = NOW + timedelta(days=6)
ENDED: dict[str, Any] = {"phase": Phase.OPEN, "status": "captured", "tariff": TARIFF, "captured_minor": 525}


@contextmanager
def a_store() -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        store = migrated_store(Path(folder) / "kiosk.db")
        try:
            yield store
        finally:
            store.close()


def change(store: Store, key: str, at: datetime, **facts: Any) -> None:
    with store._database.write() as connection:
        before = lock_session(connection, key)
        save_session(connection, before, replace(before, **facts), at)


def sums(store: Store, now: datetime = LATER, codes: tuple[str, ...] | None = CODES) -> list[DaySums]:
    return sums_of_days(store, codes, BERLIN, days_before(now, BERLIN, 10), now)


def forget(store: Store) -> None:
    with store._database.write() as connection:
        connection.execute(plot_days.delete())


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["charging", "captured", "no_charge", "refunded", "requires_review"]),
        "phase": st.sampled_from([Phase.OPEN, Phase.GONE, Phase.REFUSED, Phase.QUEUED]),
        "energy_kwh": st.sampled_from([None, Decimal("1.25"), Decimal("7.5")]),
        "captured_minor": st.sampled_from([None, 0, 525]),
        "authorized_at": st.sampled_from([None, later(10), later(86_400)]),
        "charging_started_at": st.sampled_from([None, later(50), later(86_400 * 2)]),
        "completed_at": st.sampled_from([None, later(3600), later(86_400 + 60), later(86_400 * 3)]),
    },
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(-2 * 24, 5 * 24), st.sampled_from(CODES)),
        st.tuples(st.just("change"), st.integers(0, 5), CHANGES),
        st.tuples(st.just("look"), st.integers(0, 6 * 24), st.sampled_from([None, CODES, CODES[:1]])),
    ),
    max_size=15,
)


@settings(max_examples=25)
@given(steps=STEPS)
def test_what_is_kept_is_what_adding_up_anew_comes_to(steps: list[tuple[str, int, Any]]) -> None:
    """Whatever changes, in whatever order, and whenever somebody looks."""
    with a_store() as store:
        keys: list[str] = []
        for what, number, more in steps:
            if what == "start":
                keys.append(f"key-{len(keys)}")
                at = NOW + timedelta(hours=number)
                stored(store, replace(queued(keys[-1], more, 1 + len(keys)), requested_at=at))
            elif what == "change" and keys:
                change(store, keys[number % len(keys)], LATER, **more)
            elif what == "look":
                sums(store, NOW + timedelta(hours=number), more)
        for codes in (None, CODES, CODES[:1]):
            kept = sums(store, codes=codes)
            forget(store)
            assert kept == sums(store, codes=codes)


@pytest.fixture
def store() -> Iterator[Store]:
    with a_store() as made:
        stored(made, queued("key", "ABCD2"))
        change(made, "key", later(3600), **ENDED)
        yield made


@contextmanager
def reads_of_sessions(store: Store) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "energy_kwh" in statement:
            asked.append(statement)

    event.listen(store._database._engine, "before_cursor_execute", note)
    yield asked
    event.remove(store._database._engine, "before_cursor_execute", note)


def test_of_days_that_are_over_no_session_is_read_again(store: Store) -> None:
    sums(store)
    with reads_of_sessions(store) as asked:
        sums(store)
    assert len(asked) == 1, "today is not over"


def test_where_every_day_is_over_and_kept_nothing_is_read(store: Store) -> None:
    days = days_before(LATER, BERLIN, 3)
    first = sums_of_days(store, CODES, BERLIN, days, LATER + timedelta(days=2))
    with reads_of_sessions(store) as asked:
        assert sums_of_days(store, CODES, BERLIN, days, LATER + timedelta(days=2)) == first
    assert asked == []


def test_a_day_whose_session_goes_on_is_added_up_anew(store: Store) -> None:
    stored(store, queued("running", "ABCD2", 2))
    sums(store)
    with reads_of_sessions(store) as asked:
        sums(store)
    assert len(asked) == 2, "the days of the session, and today"


def test_where_nothing_can_be_written_it_is_added_up_each_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_words: object) -> None:
        raise CannotWrite(Trouble.FULL)

    monkeypatch.setattr(store, "keep_days_of_plots", full)
    assert sums(store) == sums(store)
    assert store.kept_days("here", NOW.date(), NOW.date()) == {}
