"""The demo's garage: what it shows at once, and that it stays alive for hours by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.clock import ManualClock
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.chargers import CODE_ALPHABET
from kiosk.sandbox.world.scene import BUSY, CHARGERS, FAULTED, FREE, OFFLINE, PLUGGED, build_scene
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def scene(clock: ManualClock, seed: int = 1, switches: Switches | None = None) -> World:
    world = World(clock, StripeBook(clock), switches, seed)
    build_scene(world)
    return world


def statuses(world: World, code: str) -> list[str]:
    charger = world.charger(code)
    assert charger is not None
    return [each.status for each in charger.connectors]


@pytest.mark.parametrize("seed", range(1, 8))
def test_the_garage_opens_with_a_charger_for_every_story(clock: ManualClock, seed: int) -> None:
    world = scene(clock, seed)
    free = world.charger(FREE)
    assert free is not None
    assert free.spec.name == "Charger 2"
    assert statuses(world, FREE) == ["Available", "Available"]
    assert set(statuses(world, BUSY)) <= {"Charging", "SuspendedEV"}
    assert statuses(world, FAULTED) == ["Faulted"]
    assert statuses(world, PLUGGED)[0] == "Preparing"
    offline = world.charger(OFFLINE)
    assert offline is not None
    assert (offline.online, offline.seen_at) == (False, clock.now() - timedelta(minutes=12))


def test_there_are_enough_chargers_of_different_kinds() -> None:
    powers = {(each.supply, each.max_power_w) for spec in CHARGERS for each in spec.connectors}
    assert len(CHARGERS) >= 8
    assert powers >= {("AC_3_PHASE", 22_000), ("AC_3_PHASE", 11_000), ("DC", 150_000), ("DC", 40_000)}
    assert any(spec.pricing.start_fee == 0 for spec in CHARGERS)
    assert any(spec.preauth_amount == 1000 for spec in CHARGERS)
    assert {spec.pricing.currency for spec in CHARGERS} == {"EUR"}
    assert all(set(spec.code) <= set(CODE_ALPHABET) for spec in CHARGERS)


def test_other_drivers_have_charged_for_a_while_when_the_demo_opens(clock: ManualClock) -> None:
    charges = [each for each in scene(clock).transactions() if each.code == BUSY and each.active]
    assert len(charges) == 2
    for each in charges:
        assert each.started_at < clock.now() - timedelta(minutes=10)
        assert each.reported_wh > 1000
        assert each.token is None


def test_other_drivers_come_and_go_for_hours(clock: ManualClock) -> None:
    world = scene(clock)
    for _ in range(12 * 60):
        clock.advance(60)
        world.tick()
    finished = [each for each in world.transactions() if not each.active]
    assert len(finished) > 15
    assert {each.code for each in finished} >= {BUSY, PLUGGED, "XC3ZU"}
    assert len({each.id_tag for each in finished}) > 10
    assert any(each.active for each in world.transactions())
    assert statuses(world, FREE) == ["Available", "Available"]
    meters = [(each.meter_start_wh, each.energy_wh) for each in world.transactions() if each.code == BUSY]
    assert all(energy < 70_000 for _, energy in meters)


def test_other_drivers_never_take_a_connector_that_a_session_keeps(clock: ManualClock) -> None:
    world = scene(clock, switches=Switches(unpaid_expiry=6 * 3600))
    world.unplug(BUSY, 1)
    token = world.open_session(BUSY, 1).session.token
    for _ in range(5 * 60):  # longer than any driver stays away
        clock.advance(60)
        assert statuses(world, BUSY)[0] == "Available"
    assert world.session(token).session.status == "created"


def test_the_same_seed_opens_the_same_garage() -> None:
    def opened(seed: int) -> object:
        world = scene(ManualClock(), seed)
        return world.chargers()

    assert opened(3) == opened(3)
    assert opened(3) != opened(4)


def test_a_world_that_has_begun_cannot_begin_again(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="has begun"):
        build_scene(scene(clock))
