"""Pages know how often they are renewed here: the engine tells it when it has changed, and not all the time."""

from __future__ import annotations

from datetime import timedelta

from kiosk.engine.schedule import Stretch, watched_every
from kiosk.upstream.plugchoice.budget import Endpoint

from .house import House


def told(house: House, key: str) -> timedelta | None:
    found = house.store.for_reader(key, None)
    assert found is not None
    return found.every


def test_with_few_charges_figures_come_as_often_as_ever(house: House) -> None:
    key = house.charging()
    house.run(10)
    assert told(house, key) == timedelta(seconds=10)


def test_the_time_is_told_in_whole_steps() -> None:
    assert watched_every(Stretch()) == timedelta(seconds=10)
    assert watched_every(Stretch(ordinary=8.3)) == timedelta(seconds=85)


def test_where_the_reads_are_short_it_is_told_that_figures_come_more_seldom(house: House) -> None:
    key = house.charging()
    house.run(150)
    budgets, now = house.context.budgets, house.clock.now()
    budgets.answered(budgets.take(Endpoint.GET_SESSION, now), now, 200, {"X-RateLimit-Limit": "4"})
    house.engine.round()
    house.clock.advance(25)
    house.engine.round()
    every = told(house, key)
    assert every is not None
    assert every >= timedelta(seconds=40)
