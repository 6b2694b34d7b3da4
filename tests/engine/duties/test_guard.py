"""The guard: it judges each session by itself, and a wish that could not be stored is stored in the next round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from kiosk.domain.commands import Kind
from kiosk.engine.duties.guard import Guard
from kiosk.engine.open_sessions import OpenSessions
from kiosk.store.store import Store
from tests.engine.house import House


class Asked:
    """The store, with something done before each wish is stored."""

    def __init__(self, store: Store, first: Callable[[str], None]) -> None:
        self._store = store
        self._first = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def ask(self, key: str, *more: Any, **named: Any) -> Any:
        self._first(key)
        return self._store.ask(key, *more, **named)


def waiting_for_a_cable(house: House, connector_id: int) -> str:
    key = house.paid(connector_id)
    house.until(key, "starting")
    return key


def guard_of(house: House, first: Callable[[str], None]) -> Guard:
    context = replace(house.context, store=cast("Store", Asked(house.store, first)))
    sessions = OpenSessions(context)
    sessions.refresh()
    return Guard(context, sessions)


def test_a_session_that_cannot_be_judged_leaves_no_other_unguarded(house: House) -> None:
    house.world.auto_plug = False
    first, second = waiting_for_a_cable(house, 1), waiting_for_a_cable(house, 2)

    def breaks(key: str) -> None:
        if key == first:
            raise OSError("the disk is full")

    guard = guard_of(house, breaks)
    house.clock.advance(130)
    with pytest.raises(OSError, match="full"):
        guard.jobs(house.kiosk_clock.now())
    assert house.states(first, Kind.CANCEL) == []
    assert len(house.states(second, Kind.CANCEL)) == 1


def test_a_wish_that_could_not_be_stored_is_stored_in_the_next_round(house: House) -> None:
    house.world.auto_plug = False
    key = waiting_for_a_cable(house, 1)
    full = True

    def breaks(_key: str) -> None:
        if full:
            raise OSError("the disk is full")

    guard = guard_of(house, breaks)
    house.clock.advance(130)
    with pytest.raises(OSError, match="full"):
        guard.jobs(house.kiosk_clock.now())
    full = False
    guard.jobs(house.kiosk_clock.now())
    assert len(house.states(key, Kind.CANCEL)) == 1
