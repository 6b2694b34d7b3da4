"""What plots are made of is read by time alone, in one statement, and no more of it than is asked for."""

from __future__ import annotations

from datetime import timedelta

from kiosk.domain.session import Phase
from kiosk.store import Store

from .build import NOW, later, queued, stored


def test_a_row_says_what_the_session_says(store: Store) -> None:
    assert store.plotted(NOW - timedelta(days=1), None, 10) == []
    assert store.first_plotted_at(None) is None
    session = queued()
    stored(store, session)
    (row,) = store.plotted(NOW - timedelta(days=1), None, 10)
    assert (row.phase, row.status, row.held_at, row.energy_kwh) == (Phase.QUEUED.value, None, None, None)
    assert row.requested_at == store.first_plotted_at(None) == session.requested_at


def test_only_what_is_young_enough_and_of_those_chargers_and_at_most_so_many(store: Store) -> None:
    first, second = queued(), queued("key-2", "OTHER")
    stored(store, first)
    stored(store, second)
    assert len(store.plotted(NOW - timedelta(days=1), None, 10)) == 2
    assert len(store.plotted(NOW - timedelta(days=1), None, 1)) == 1
    assert [one.code for one in store.plotted(NOW - timedelta(days=1), ["OTHER"], 10)] == ["OTHER"]
    assert store.plotted(NOW - timedelta(days=1), [], 10) == []
    assert store.plotted(later(1), None, 10) == []
    assert store.first_plotted_at(["ABC"]) == first.requested_at
    assert store.first_plotted_at(["NONE"]) is None
