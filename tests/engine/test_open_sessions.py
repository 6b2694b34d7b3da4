"""The list of open sessions: what other threads bring while the store is read is not lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from kiosk.domain.progress import Progress
from kiosk.domain.session import Phase, Session
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.schedule import ENDED_TARGET
from kiosk.store.store import Store
from tests.engine.house import CODE, House


class Meanwhile:
    """The store, of which something happens after it was read and before the answer is used."""

    def __init__(self, store: Store, happens: Callable[[], None]) -> None:
        self._store = store
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def sessions_to_watch(self) -> list[Session]:
        found = self._store.sessions_to_watch()
        self._happens()
        return found


def known_by(house: House, happens: Callable[[], None]) -> OpenSessions:
    return OpenSessions(replace(house.context, store=cast("Store", Meanwhile(house.store, happens))))


def test_an_older_state_never_replaces_a_newer_one(house: House) -> None:
    key = house.charging()
    known = OpenSessions(house.context)
    known.refresh()
    newer = house.session(key)
    older = Session(key, CODE, 1, Phase.OPEN, newer.requested_at, version=1, status="created")
    known.keep(older)
    assert known.all() == [newer]
    assert known.needs(house.clock.now(), {key}) == []


def test_what_is_kept_while_the_store_is_read_is_not_replaced_by_what_was_read(house: House) -> None:
    read = house.session(house.charging())
    newer = replace(read, version=read.version + 1, status="stopping")
    known = known_by(house, lambda: known.keep(newer))
    known.refresh()
    assert known.all() == [newer]


def test_what_ends_while_the_store_is_read_is_not_open_again(house: House) -> None:
    read = house.session(house.charging())
    ended = replace(read, version=read.version + 1, status="captured")
    known = known_by(house, lambda: known.keep(ended))
    known.refresh()
    assert known.all() == []


def test_a_wish_outlives_a_store_that_could_not_be_read(house: House) -> None:
    def broken() -> None:
        raise OSError("the disk is away")

    known = known_by(house, broken)
    with pytest.raises(OSError, match="away"):
        known.refresh()
    assert known.stale


def test_what_was_told_of_charges_that_run_no_more_is_forgotten(house: House) -> None:
    key = house.charging()
    known = OpenSessions(house.context)
    known.refresh()
    now = house.kiosk_clock.now()
    told = Progress(7, Decimal("1.5"), now, now)
    known.know_progress({key: told, "over": told})
    assert known.forget_progress() == {"over"}
    assert (known.progress(key), known.progress("over")) == (told, None)


def test_a_hint_about_an_end_that_was_told_whole_takes_nothing_from_others_whatever_word_came_after_it(
    house: House,
) -> None:
    """Whoever repeats old news, however often, makes nobody read it in a hurry."""
    read, now = house.session(house.charging()), house.kiosk_clock.now()
    told = replace(
        read,
        status="archived",
        last_known="captured",
        incomplete=True,
        captured_minor=500,
        captured_at=now,
        asked_at=now,
    )
    known = OpenSessions(house.context)
    known.keep(replace(told, version=read.version + 1))
    assert known.needs(now, set()) == []
    house.store.hint(read.key, now)
    hinted = known.needs(now, set())
    assert [(need.key, need.ended, need.urgent) for need in hinted] == [(read.key, True, False)]
    house.store.clear_hint(read.key, now + timedelta(seconds=1))
    assert [need.ended for need in known.needs(now + timedelta(seconds=ENDED_TARGET), set())] == [True]
