"""A board without an operator's token: public cards one by one, and a third of their budget for the drivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.domain.charger import STALE_AFTER
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import site_topic
from kiosk.sandbox.world.faults import Kind, Rule
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.counting import statements_of
from tests.engine.site_house import PUBLIC, SITE, SiteHouse, code


def house_of(folder: Path, chargers: int, **more: object) -> SiteHouse:
    """In it a round comes every second, as in a kiosk: one card is read in a round."""
    house = SiteHouse(folder, chargers, operator=False, bays=1, **more)  # type: ignore[arg-type]
    house.longest_step = 1.0
    return house


@pytest.mark.parametrize(("chargers", "age"), [(1, 60), (8, 60), (30, 190)])
def test_cards_that_nobody_watches_are_read_at_a_slow_beat(tmp_path: Path, chargers: int, age: int) -> None:
    """A small site is known to whoever looks first; of a large one every charger has its turn."""
    house = house_of(tmp_path, chargers)
    house.run(300)
    with house.count(PUBLIC) as reads:
        house.run(120)
    assert reads[0] <= min(20, 3 * chargers) + 1
    assert max(house.ages()) <= age
    house.close()


def test_cards_of_which_none_is_due_are_not_looked_through_in_every_round(tmp_path: Path) -> None:
    house = house_of(tmp_path, 2)
    house.run(300)
    with statements_of(house.store) as sent:
        house.run(60)
    looks = sum("chargers.card" in one and " IN " in one for one in sent)
    assert 10 <= looks <= 21
    house.close()


def test_the_slow_beat_waits_while_half_of_the_budget_is_in_use(tmp_path: Path) -> None:
    house = house_of(tmp_path, 40)
    for number in range(16):
        house.store.want_card(code(number), house.clock.now())
    house.run(5)
    with house.count(PUBLIC) as reads:
        house.run(45)
    assert reads[0] == 0
    house.close()


def test_a_watched_site_comes_before_one_that_nobody_watches(tmp_path: Path) -> None:
    plans = [
        SitePlan(SITE, tuple(code(at) for at in range(15))),
        SitePlan("other", tuple(code(at) for at in range(15, 20))),
    ]
    house = house_of(tmp_path, 20, plans=plans)
    house.watch()
    house.run(65)
    for _ in range(40):
        house.run(3)
        assert max(house.ages()[:15]) < STALE_AFTER.total_seconds()
    house.close()


def test_a_small_site_is_there_at_once_and_stays_fresh(tmp_path: Path) -> None:
    house = house_of(tmp_path, 5)
    house.watch()
    house.run(1)
    assert max(house.ages()) <= 2
    for _ in range(50):
        house.run(3)
        assert max(house.ages()) <= 32
    assert house.world.traffic.total(status=429) == 0
    house.close()


@pytest.mark.parametrize("chargers", [12, 19])
def test_up_to_twenty_chargers_never_grow_old(tmp_path: Path, chargers: int) -> None:
    house = house_of(tmp_path, chargers)
    house.watch()
    house.run(65)
    for _ in range(60):
        house.run(3)
        assert max(house.ages()) < STALE_AFTER.total_seconds()
    assert house.world.traffic.total(status=429) == 0
    house.close()


def test_of_a_large_site_every_card_has_its_turn(tmp_path: Path) -> None:
    house = house_of(tmp_path, 50)
    house.watch()
    house.run(200)
    with house.count(PUBLIC) as reads:
        house.run(300)
    assert 95 <= reads[0] <= 101
    assert max(house.ages()) <= 50 / 20 * 61 + 5
    house.close()


def test_a_third_of_the_budget_is_always_left_for_drivers(tmp_path: Path) -> None:
    house = house_of(tmp_path, 200)
    house.watch()
    least = 30
    for _ in range(200):
        house.run(1)
        least = min(least, house.budgets.free(Endpoint.GET_CHARGER, house.clock.now()))
    assert 10 <= least <= 12
    house.close()


def test_the_board_waits_while_drivers_use_their_third_and_more(tmp_path: Path) -> None:
    house = house_of(tmp_path, 40)
    house.watch()
    house.run(70)
    for _ in range(6):
        wanted = [code(100 + number) for number in range(2)]
        for each in wanted:
            house.store.want_card(each, house.clock.now())
        house.run(5)
        assert house.store.wanted_cards() == []
    house.close()


def test_twenty_tablets_cost_the_same_as_two(tmp_path: Path) -> None:
    cost = []
    for tablets in (2, 20):
        folder = tmp_path / str(tablets)
        folder.mkdir()
        house = house_of(folder, 8)
        for _ in range(tablets):
            house.watch()
            house.news.glance(site_topic(SITE))
        house.run(120)
        cost.append(house.all_asked())
        house.close()
    assert cost[0] == cost[1] > 0


def test_a_charger_of_ours_that_is_closed_is_asked_for_less_and_less(tmp_path: Path) -> None:
    house = house_of(tmp_path, 1, plans=[SitePlan(SITE, (code(0), "NOSUCH"))])
    house.watch()
    house.run(1500, step=5)
    assert house.world.traffic.total(route=PUBLIC, status=404) == 7
    assert max(house.ages()) <= 32
    house.close()


def test_a_charger_that_gives_no_answer_takes_its_place_at_the_end(tmp_path: Path) -> None:
    house = house_of(tmp_path, 19)
    house.watch()
    house.run(70)
    house.faults["public"].add(Rule(Kind.SERVER_ERROR, times=2))
    house.run(70)
    assert max(house.ages()) < STALE_AFTER.total_seconds() + 5
    house.close()


def test_a_back_office_that_is_down_rests_the_board_too(tmp_path: Path) -> None:
    house = house_of(tmp_path, 5)
    house.watch()
    house.faults["public"].add(Rule(Kind.UNREACHABLE, times=None))
    house.run(120)
    assert house.asked(PUBLIC) == 0
    spent = 30 - house.budgets.free(Endpoint.GET_CHARGER, house.clock.now())
    assert 0 < spent <= 20
    house.faults["public"].clear()
    house.run(45)
    assert max(house.ages()) <= 45
    house.close()


def test_a_limit_of_one_read_a_minute_is_left_to_the_drivers(tmp_path: Path) -> None:
    house = house_of(tmp_path, 2)
    now = house.clock.now()
    first = house.budgets.take(Endpoint.GET_CHARGER, now)
    house.budgets.answered(first, now, 200, {"X-RateLimit-Limit": "1"})
    house.watch()
    house.run(130)
    assert house.asked(PUBLIC) == 0
    house.close()


def test_restarted_with_an_earlier_clock_every_card_is_due(tmp_path: Path) -> None:
    house = house_of(tmp_path, 3)
    house.watch()
    house.run(20)
    house.clock.advance(-7200)
    house.restart()
    house.run(30)
    assert all(0 <= age <= 32 for age in house.ages())
    house.close()


def test_at_most_two_cards_of_a_board_are_under_way_at_once(tmp_path: Path) -> None:
    house = house_of(tmp_path, 10)
    engine = house.new_engine(inline=False)
    house.gates["public"].open.clear()
    house.watch()
    try:
        for _ in range(5):
            engine.round()
        assert engine._crew.under_way("board:") == set(house.codes[:2])
    finally:
        house.gates["public"].open.set()
        engine.stop()
        house.close()
