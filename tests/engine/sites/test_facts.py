"""Fuse trees and makes: asked for seldom, kept when nothing comes, told when something changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kiosk.clock import ManualClock
from kiosk.domain.fuses import FuseTree, spots
from kiosk.domain.lab import LabFacts
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import site_topic
from kiosk.sandbox.chargepilot.gateway import SITE_ID, PilotSwitches
from kiosk.sandbox.world.faults import Kind, Rule
from kiosk.store.records import SeenTree
from tests.engine.site_house import MAKES, SITE, TREE, SiteHouse, code

TOPIC = site_topic(SITE)


class Houses:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made: list[SiteHouse] = []

    def build(self, chargers: int = 2, **more: Any) -> SiteHouse:
        folder = self._folder / str(len(self.made))
        folder.mkdir()
        self.made.append(SiteHouse(folder, chargers, operator=False, bays=1, **more))
        return self.made[-1]


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Houses]:
    houses = Houses(tmp_path)
    yield houses
    for house in houses.made:
        house.close()


def tree(house: SiteHouse) -> SeenTree:
    seen = house.store.tree(SITE)
    assert seen is not None
    return seen


def only_connectors(found: FuseTree) -> set[str | None]:
    return {each.station_id for spot in spots(found) for each in spot.node.connectors}


# --- fuse trees


def test_a_tree_is_read_every_15_minutes_and_once_a_minute_while_somebody_looks(houses: Houses) -> None:
    house = houses.build(pilot=True)
    house.run(3590, every=30)
    assert house.asked(TREE) == 4
    assert only_connectors(tree(house).tree) == set(house.codes)
    house.watch()
    with house.count(TREE) as reads:
        house.run(300)
    assert reads[0] in {5, 6}
    house.leave()
    with house.count(TREE) as reads:
        house.run(840, every=30)
    assert reads == [0]


def test_a_site_that_chargepilot_does_not_know_of_is_not_asked_for(houses: Houses) -> None:
    house = houses.build(pilot=True, plans=[SitePlan(SITE, (code(0),))])
    house.watch()
    house.run(200)
    assert house.asked(TREE) == 0


def test_a_tree_is_told_when_it_changed_and_only_then(houses: Houses) -> None:
    house = houses.build(pilot=True)
    before = house.version_of(TOPIC)
    house.run(2)
    first = house.version_of(TOPIC)
    assert first != before
    seen_at = tree(house).seen_at
    house.watch()
    house.run(200)
    assert tree(house).seen_at > seen_at
    assert house.version_of(TOPIC) == first
    house.world.add_charger(house.world.chargers()[0].spec.__class__("ZZZZ9", "New", _plugs(house), _pricing(house)))
    house.run(65)
    assert house.version_of(TOPIC) != first


def _plugs(house: SiteHouse) -> Any:
    return house.world.chargers()[0].spec.connectors


def _pricing(house: SiteHouse) -> Any:
    return house.world.chargers()[0].spec.pricing


def test_a_restart_goes_on_from_the_stored_tree(houses: Houses) -> None:
    house = houses.build(pilot=True)
    house.run(300)
    known = house.version_of(TOPIC)
    house.restart()
    with house.count(TREE) as reads:
        house.run(500, every=30)
    assert reads == [0]
    house.run(120)
    assert house.asked(TREE) == 2
    assert house.version_of(TOPIC) == known


@pytest.mark.parametrize("kind", [Kind.UNREACHABLE, Kind.TIMEOUT, Kind.SERVER_ERROR, Kind.HTML, Kind.EMPTY])
def test_while_chargepilot_gives_nothing_usable_the_last_good_tree_stays(
    houses: Houses, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    house = houses.build(pilot=True)
    house.watch()
    house.run(5)
    good, news = tree(house), house.version_of(TOPIC)
    house.faults["pilot"].add(Rule(kind, times=None))
    house.run(7200, every=30)
    assert tree(house) == good
    assert house.version_of(TOPIC) == news
    assert house.asked(TREE) <= 14
    house.faults["pilot"].clear()
    house.run(905, every=30)
    assert tree(house).seen_at > good.seen_at
    assert [r.getMessage() for r in caplog.records if "ChargePilot" in r.getMessage()] == [
        "ChargePilot (site garage) does not answer",
        "ChargePilot (site garage) answers again",
    ]


def test_a_wrong_clock_is_named_in_the_log(houses: Houses, caplog: pytest.LogCaptureFixture) -> None:
    house = houses.build(pilot=True)
    house.pilot_clock = ManualClock(house.clock.now() - timedelta(hours=1))
    house.engine = house.new_engine()
    house.clock.advance(11)
    house.run(60)
    assert house.store.tree(SITE) is None
    (line,) = [record for record in caplog.records if "ChargePilot" in record.getMessage()]
    assert line.__dict__["reason"] == (
        "refused: invalid (status 401); the clock, the key, the secret or KIOSK_CHARGEPILOT_PATH is wrong"
    )


def test_what_chargepilot_says_of_waiting_is_obeyed(houses: Houses) -> None:
    house = houses.build(pilot=True)
    house.watch()
    house.faults["pilot"].add(Rule(Kind.TOO_MANY, retry_after=600))
    house.run(590, every=30)
    assert house.asked(TREE) == 1
    house.run(30)
    assert house.asked(TREE) == 2


def answers(fuse_tree: object) -> Any:
    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.url.host != "pilot":
            return None
        return httpx.Response(200, json={"id": SITE_ID, "name": "x", "fuse_tree": fuse_tree})

    return answer


@pytest.mark.parametrize("garbage", [None, [], "tree", [{"type": "fuse", "parameters": {"name": "alone"}}]])
def test_a_tree_that_says_less_than_the_last_is_not_believed_for_a_day(houses: Houses, garbage: object) -> None:
    house = houses.build(pilot=True)
    house.run(5)
    good = tree(house)
    house.instead = answers(garbage)
    house.run(3600, every=30)
    assert tree(house) == good
    house.clock.advance(24 * 3600)
    house.run(5)
    assert (tree(house) == good) is (not isinstance(garbage, list) or not garbage)


def test_a_tree_of_which_only_a_part_could_be_read_replaces_no_whole_one(houses: Houses) -> None:
    house = houses.build(pilot=True)
    house.run(5)
    good = tree(house)
    assert good.tree.complete
    deep = houses.build(pilot=True, pilot_switches=PilotSwitches(oddity="deep"))
    deep.run(5)
    assert not tree(deep).tree.complete
    deep.store.save_tree(SITE, good.tree, deep.clock.now())
    deep.restart()
    deep.run(1000)
    assert deep.asked(TREE) > 1
    assert tree(deep).tree == good.tree


def at_another_site(house: SiteHouse, site: str | None) -> None:
    """The kiosk is told another name for its site at ChargePilot."""
    house.plans = (replace(house.plans[0], chargepilot_site=site),)
    house.restart()


@pytest.mark.parametrize("garbage", [None, []])
def test_the_tree_of_another_site_over_there_counts_no_more(houses: Houses, garbage: object) -> None:
    house = houses.build(pilot=True)
    house.run(5)
    at_another_site(house, "another")
    house.instead = answers(garbage)
    house.run(5)
    assert house.store.tree(SITE) is None
    at_another_site(house, SITE_ID)
    house.instead = lambda _request: None
    house.run(5)
    good = tree(house)
    house.restart()
    house.run(5)
    assert tree(house) == good


def test_a_tree_is_forgotten_too_when_its_site_is_changed_and_chargepilot_is_not_asked(houses: Houses) -> None:
    house = houses.build(pilot=True)
    house.run(5)
    house._has["pilot"] = False
    at_another_site(house, "another")
    house.run(5)
    assert house.store.tree(SITE) is None


def test_a_strange_tree_is_kept_as_far_as_it_can_be_read(houses: Houses) -> None:
    house = houses.build(5, pilot=True, pilot_switches=PilotSwitches(oddity="strange"))
    house.run(5)
    assert set(house.codes) <= only_connectors(tree(house).tree)


def test_restarted_with_an_earlier_clock_the_tree_is_read_again(houses: Houses) -> None:
    house = houses.build(pilot=True)
    house.run(5)
    house.clock.advance(-7200)
    house.restart()
    house.run(10)
    assert house.asked(TREE) == 2
    assert tree(house).seen_at <= house.clock.now()


def test_a_slow_chargepilot_keeps_the_board_of_no_site_waiting(houses: Houses) -> None:
    house = houses.build(pilot=True)
    engine = house.new_engine(inline=False)
    house.gates["pilot"].open.clear()
    house.watch()
    try:
        for _ in range(500):
            engine.round()
            if len(house.store.cards(house.codes)) == 2:
                break
            house.gates["public"].open.wait()
            house.gates["pilot"].open.wait(0.01)
        assert len(house.store.cards(house.codes)) == 2
        assert house.asked(TREE) == 0
    finally:
        house.gates["pilot"].open.set()
        engine.stop()


# --- makes


def test_makes_are_read_at_the_start_and_once_a_day(houses: Houses) -> None:
    house = houses.build(lab=True)
    house.run(10)
    facts = house.store.lab_facts(house.codes)
    assert facts[code(0)].vendor == "Example"
    assert facts[code(1)].max_kw == 22
    assert house.asked(MAKES) == 1
    news = house.version_of(TOPIC)
    house.clock.advance(23 * 3600)
    house.run(10)
    assert house.asked(MAKES) == 1
    house.clock.advance(3600)
    house.run(10)
    assert house.asked(MAKES) == 2
    assert house.version_of(TOPIC) == news


def test_a_charger_is_found_by_its_id_or_identity_over_there_and_else_by_its_code(houses: Houses) -> None:
    plan = SitePlan(SITE, ("BAY22", "BAY33", code(2)), lab_ids={"BAY22": f"dep-{code(0).lower()}", "BAY33": code(1)})
    lost = SitePlan("lost", ("BAY44", code(0)), lab_ids={code(0): "no such id"})
    house = houses.build(3, lab=True, plans=[plan, lost])
    before = house.version_of(site_topic("lost"))
    house.run(5)
    facts = house.store.lab_facts([*plan.codes, *lost.codes])
    assert {each: one.name for each, one in facts.items()} == {
        "BAY22": "Charger 0",
        "BAY33": "Charger 1",
        code(2): "Charger 2",
    }
    assert house.version_of(site_topic("lost")) == before


def test_a_change_over_there_is_told(houses: Houses) -> None:
    house = houses.build(lab=True)
    house.store.save_lab_facts(code(0), LabFacts(name="Old name"), house.clock.now())
    before = house.version_of(TOPIC)
    house.run(5)
    assert house.store.lab_facts([code(0)])[code(0)].name == "Charger 0"
    assert house.version_of(TOPIC) != before


def test_what_is_not_listed_over_there_any_more_is_forgotten_and_told(houses: Houses) -> None:
    house = houses.build(lab=True)
    house.store.save_lab_facts("GONE2", LabFacts(name="Taken down"), house.clock.now())
    house.run(5)
    assert house.store.lab_facts([*house.codes, "GONE2"]).keys() == set(house.codes)
    house.plans = (replace(house.plans[0], lab_ids={code(0): "corrected"}),)
    before = house.version_of(TOPIC)
    house.restart()
    house.run(5)
    assert house.store.lab_facts(house.codes).keys() == {code(1)}
    assert house.version_of(TOPIC) != before


def test_a_kiosk_that_has_no_lab_any_more_forgets_what_it_was_told(houses: Houses) -> None:
    house = houses.build(lab=True)
    house.run(5)
    house._has["lab"] = False
    house.restart()
    house.run(1)
    assert house.store.lab_facts(house.codes) == {}


def test_a_lab_that_is_down_is_tried_less_and_less_and_the_last_facts_stay(
    houses: Houses, caplog: pytest.LogCaptureFixture
) -> None:
    house = houses.build(lab=True)
    house.store.save_lab_facts(code(0), LabFacts(name="Known"), house.clock.now())
    house.faults["lab"].add(Rule(Kind.UNREACHABLE, times=None))
    house.run(3 * 3600, every=30)
    assert house.store.lab_facts([code(0)]) == {code(0): LabFacts(name="Known")}
    assert [r.getMessage() for r in caplog.records if "OCPPLAB" in r.getMessage()] == ["OCPPLAB does not answer"]
    house.faults["lab"].clear()
    house.run(6 * 3600, every=30)
    assert house.store.lab_facts([code(0)])[code(0)].name == "Charger 0"
    assert house.asked(MAKES) == 1


def test_a_kiosk_without_chargers_asks_no_lab(houses: Houses) -> None:
    house = houses.build(1, lab=True, plans=[SitePlan(SITE, ())])
    house.run(100)
    assert house.asked(MAKES) == 0


def test_restarted_with_an_earlier_clock_the_makes_are_read_again(houses: Houses) -> None:
    house = houses.build(lab=True)
    house.run(5)
    house.clock.advance(-7200)
    house.restart()
    house.run(10)
    assert house.asked(MAKES) == 2
