"""Counts that instances keep together."""

from __future__ import annotations

from kiosk.store import Store
from kiosk.store.errors import CannotWrite
from kiosk.store.tables import hits

from .build import NOW, at_once, later


def test_hits_are_counted_until_they_are_over(store: Store, second: Store) -> None:
    assert store.hits("phone", NOW) == 0
    assert store.hit("phone", 1, later(60), NOW) == 1
    assert second.hit("phone", 2, later(90), later(1)) == 3
    assert second.hit("phone", -1, later(90), later(1)) == 2
    assert store.hits("phone", later(59)) == 2
    assert store.hits("phone", later(60)) == 0
    assert store.hits("another", NOW) == 0
    assert store.hit("phone", 1, later(120), later(60)) == 1


def test_none_is_lost_when_all_come_at_once(store: Store, second: Store) -> None:
    """Who would have to wait for long is counted by their own instance alone."""
    outcomes = at_once(20, lambda n: (store, second)[n % 2].hit("phone", 1, later(60), NOW))
    counted = [one for one in outcomes if not isinstance(one, CannotWrite)]
    assert sorted(counted, key=str) == sorted(range(1, len(counted) + 1), key=str)
    assert store.hits("phone", NOW) == len(counted)


def test_what_is_over_is_thrown_away_and_nobody_is_named(store: Store) -> None:
    store.hit("session Sesame", 1, later(60), NOW)
    store.hit("phone", 1, later(61), later(60))
    with store._database.read() as connection:
        rows = connection.execute(hits.select()).all()
    assert len(rows) == 1
    assert "Sesame" not in str(rows)
