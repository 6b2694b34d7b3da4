"""The fuses of the stand-in world: they bind, they are the ones that ChargePilot tells of, and energy stays exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.clock import ManualClock
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.expectation import Assumption, Expectation, Place, PoweredCharger
from kiosk.domain.power import expected_power
from kiosk.domain.rating import Rating
from kiosk.sandbox.chargepilot.gateway import fuse_tree
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.cars import MICROJOULES_PER_WH, MODELS
from kiosk.sandbox.world.chargers import ChargerSpec, ChargerView, ConnectorSpec, Pricing
from kiosk.sandbox.world.fuse_plan import LEAST_A, Fuse, plan_fuses
from kiosk.sandbox.world.load_sharing import Rule, Wiring
from kiosk.sandbox.world.scene import CHARGERS, FREE, build_scene
from kiosk.sandbox.world.site import NotPossible
from kiosk.sandbox.world.switches import Switches
from kiosk.sandbox.world.world import World
from kiosk.upstream.chargepilot.reading import read_tree
from tests.examples import at_most
from tests.sandbox.sandbox_garage import AC, Garage

BINDING = Switches(fuses_bind=True)
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
KINDS: tuple[tuple[ConnectorSpec, ...], ...] = (
    (ConnectorSpec(1, "AC_3_PHASE", 22_000), ConnectorSpec(2, "AC_3_PHASE", 22_000)),
    (ConnectorSpec(1, "AC_3_PHASE", 11_000),),
    (ConnectorSpec(1, "AC_1_PHASE", 7_400),),
    tuple(ConnectorSpec(number, "AC_3_PHASE", 22_000) for number in range(1, 9)),
    (ConnectorSpec(1, "DC", 50_000),),
    (ConnectorSpec(1, "DC", 150_000), ConnectorSpec(2, "DC", 150_000)),
)
sites = st.lists(st.sampled_from(KINDS), min_size=1, max_size=50).map(
    lambda kinds: [
        ChargerSpec(f"A{LETTERS[n // 32]}{LETTERS[n % 32]}22", f"Charger {n}", kind, Pricing("EUR", 49))
        for n, kind in enumerate(kinds)
    ]
)


def places(chargers: Sequence[ChargerSpec]) -> list[tuple[str, int]]:
    return [(spec.code, each.connector_id) for spec in chargers for each in spec.connectors]


def fuses(top: Fuse) -> Iterator[Fuse]:
    yield top
    for each in top.fuses:
        yield from fuses(each)


def behind(fuse: Fuse) -> set[tuple[str, int]]:
    return set(places([station.spec for station in fuse.all_stations()]))


RULES: tuple[Rule, ...] = ("even", "needed", "in_turn")


@given(sites, st.data(), st.sampled_from(RULES))
def test_no_fuse_carries_more_than_its_limit(chargers: list[ChargerSpec], data: st.DataObject, rule: Rule) -> None:
    charging = data.draw(st.permutations(places(chargers)))
    charging = charging[: data.draw(st.integers(0, len(charging)))]
    offline = data.draw(st.sets(st.sampled_from([spec.code for spec in chargers])))
    needs = {place: data.draw(st.integers(0, 300_000)) for place in charging}
    shares = Wiring(chargers).shares(charging, offline, rule, needs)
    assert set(shares) == set(charging)
    assert all(share == 0 or share >= LEAST_A * 1000 for share in shares.values())
    for fuse in fuses(plan_fuses(chargers)):
        here = behind(fuse)
        carried = sum(share for place, share in shares.items() if place in here)
        assert carried + fuse.building_a * 1000 <= fuse.limit_a * 1000


@given(sites, st.data())
def test_a_newcomer_never_gives_more_to_those_who_were_there(chargers: list[ChargerSpec], data: st.DataObject) -> None:
    charging = data.draw(st.permutations(places(chargers)))
    offline = data.draw(st.sets(st.sampled_from([spec.code for spec in chargers])))
    wiring = Wiring(chargers)
    before: dict[tuple[str, int], int] = {}
    for count in range(1, len(charging) + 1):
        shares = wiring.shares(charging[:count], offline)
        assert all(shares[place] <= share for place, share in before.items())
        before = shares


@given(sites, st.data())
def test_a_charger_without_a_connection_has_its_fallback_and_nothing_else_changes_that(
    chargers: list[ChargerSpec], data: st.DataObject
) -> None:
    plan = plan_fuses(chargers)
    station = data.draw(st.sampled_from(list(plan.all_stations())))
    shares = Wiring(chargers).shares(places(chargers), {station.spec.code})
    for connector, amperes in zip(station.spec.connectors, station.amperes, strict=True):
        expected = min(station.fallback_a, amperes)
        assert shares[station.spec.code, connector.connector_id] == (expected * 1000 if expected >= LEAST_A else 0)


@given(sites)
def test_every_point_can_fall_back_at_once(chargers: list[ChargerSpec]) -> None:
    for fuse in fuses(plan_fuses(chargers)):
        kept = sum(station.fallback_a * len(station.amperes) for station in fuse.all_stations())
        assert kept + fuse.building_a <= fuse.limit_a


@given(sites)
def test_chargepilot_tells_of_the_fuses_that_bind(chargers: list[ChargerSpec]) -> None:
    told: dict[str, tuple[int, set[tuple[str, int]]]] = {}

    def walk(node: dict[str, Any]) -> set[tuple[str, int]]:
        parameters = node["parameters"]
        here = {
            (each["charging_station_id"], int(each["connector_id"])) for each in parameters.get("connectors", ())
        }.union(*map(walk, node["children"]))
        if node["type"] == "fuse":
            told[parameters["fuse_id"]] = parameters["limit"], here
        return here

    walk(fuse_tree(chargers, ManualClock().now()))
    assert told == {fuse.id: (fuse.limit_a, behind(fuse)) for fuse in fuses(plan_fuses(chargers))}


def test_who_comes_when_there_is_less_than_six_amperes_for_everybody_waits() -> None:
    crowd = tuple(ConnectorSpec(number, "AC_3_PHASE", 22_000) for number in range(1, 13))
    spec = ChargerSpec(AC, "Charger 1", crowd, Pricing("EUR", 49))
    shares = Wiring([spec]).shares(places([spec]))
    assert list(shares.values()) == [6300] * 10 + [0, 0]


def test_spare_current_of_a_smaller_connector_goes_to_its_neighbours() -> None:
    """Cabinet B of the demo: 63 A for two of 32 A, one of 16 A; and one of 32 A on one phase stands elsewhere."""
    shares = Wiring(CHARGERS).shares([("2PL7S", 1), ("2PL7S", 2), ("6JN3A", 1)])
    assert shares == {("2PL7S", 1): 23_500, ("2PL7S", 2): 23_500, ("6JN3A", 1): 16_000}


def test_all_rise_together_until_each_has_what_its_car_takes() -> None:
    row = ("2PL7S", 1), ("2PL7S", 2), ("6JN3A", 1)
    shares = Wiring(CHARGERS).shares(row, rule="needed", needs={row[0]: 8_000, row[1]: 40_000, row[2]: 40_000})
    assert shares == {row[0]: 8_000, row[1]: 32_000, row[2]: 16_000}


def test_who_came_first_has_all_and_leaves_the_least_to_others() -> None:
    row = ("2PL7S", 1), ("2PL7S", 2), ("6JN3A", 1)
    assert Wiring(CHARGERS).shares(row, rule="in_turn") == {row[0]: 32_000, row[1]: 25_000, row[2]: 6_000}


# --- in the world


def powers(world: World) -> dict[tuple[str, int], int]:
    return {(each.code, each.connector_id): each.power_w for each in world.transactions() if each.active}


def test_without_the_switch_nobody_shares() -> None:
    garage = Garage()
    for number in (1, 2):
        garage.world.plug_in(AC, number, "van", 300)
        garage.world.start_with_card(AC, number, "CARD7")
    assert powers(garage.world) == {(AC, 1): 22_000, (AC, 2): 22_000}


def test_energy_is_exact_over_every_change_of_a_share() -> None:
    garage = Garage(Switches(fuses_bind=True, meter_interval=45))
    world = garage.world
    world.plug_in(AC, 1, "van", 100)
    world.plug_in(AC, 2, "van", 100)
    world.start_with_card(AC, 1, "CARD7")
    garage.wait(1003)
    world.start_with_card(AC, 2, "CARD8")
    assert powers(world) == {(AC, 1): 21_735, (AC, 2): 21_735}
    garage.wait(507)
    world.set_online(AC, online=False)
    assert powers(world) == {(AC, 1): 4_140, (AC, 2): 4_140}
    garage.wait(301)
    world.set_online(AC, online=True)
    garage.wait(11)
    world.stop_at_charger(AC, 2)
    garage.wait(29)
    world.stop_at_charger(AC, 1)
    first, second = world.transactions()
    shared = 21_735 * (507 + 11) + 4_140 * 301
    assert first.energy_uj == (22_000 * (1003 + 29) + shared) * 1_000_000
    assert second.energy_uj == shared * 1_000_000
    assert first.energy_wh == first.energy_uj // MICROJOULES_PER_WH


def test_a_car_on_one_phase_has_the_power_of_one_phase() -> None:
    garage = Garage(BINDING)
    for number, car in ((1, "hatchback"), (2, "van")):
        garage.world.plug_in(AC, number, car, 300)
        garage.world.start_with_card(AC, number, "CARD7")
    assert powers(garage.world) == {(AC, 1): 31_500 * 230 // 1000, (AC, 2): 21_735}


def test_a_car_that_waits_for_current_is_suspended_by_the_charger() -> None:
    garage = Garage(BINDING)
    crowd = tuple(ConnectorSpec(number, "AC_3_PHASE", 22_000) for number in range(1, 13))
    garage.world.add_charger(ChargerSpec("CR2WD", "Charger 9", crowd, Pricing("EUR", 49)))
    for number in range(1, 13):
        garage.world.plug_in("CR2WD", number, "van", 300)
        garage.world.start_with_card("CR2WD", number, "CARD7")
    assert garage.connector_status("CR2WD", 1) == "Charging"
    assert garage.connector_status("CR2WD", 12) == "SuspendedEVSE"
    for number in (1, 2, 3):
        garage.world.unplug("CR2WD", number)
    assert garage.connector_status("CR2WD", 12) == "Charging"


# --- random scenes in the demo's garage

DEMO_PLACES = places(CHARGERS)
place = st.sampled_from(DEMO_PLACES)
CODES = [spec.code for spec in CHARGERS]
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), place, st.sampled_from(sorted(MODELS)), st.integers(50, 1000)),
        st.tuples(st.just("charge"), place, st.sampled_from(sorted(MODELS)), st.integers(50, 1000)),
        st.tuples(st.just("charge"), place, st.just("van"), st.integers(50, 500)),
        st.tuples(st.just("leave"), place),
        st.tuples(st.sampled_from(["break", "repair", "fill"]), place),
        st.tuples(st.sampled_from(["lose", "find"]), place),
        st.tuples(st.just("wait"), st.integers(1, 1500)),
    ),
    min_size=8,
    max_size=40,
)


def scene(switches: Switches = BINDING) -> tuple[World, ManualClock]:
    clock = ManualClock()
    world = World(clock, StripeBook(clock), switches)
    for spec in CHARGERS:
        world.add_charger(spec)
    return world, clock


def play(world: World, clock: ManualClock, action: tuple[Any, ...]) -> None:
    """One action; a car leaves as soon as its charge is over, and what is not possible changes nothing."""
    name, *rest = action
    try:
        if name == "wait":
            clock.advance(rest[0])
        elif name == "charge":
            world.plug_in(*rest[0], *rest[1:])
            code, number = rest[0]
            world.start_with_card(code, number, "CARD7")
        elif name in ("lose", "find"):
            world.set_online(rest[0][0], online=name == "find")
        else:
            hands = {
                "leave": world.unplug,
                "break": world.break_connector,
                "repair": world.repair_connector,
                "fill": world.fill_car,
            }
            hands[name](*rest[0])
    except NotPossible:
        return


def carried(world: World, fuse: Fuse) -> Decimal:
    """Amperes per phase of all that charges behind it, from the power that the cars draw."""
    here = behind(fuse)
    supplies = {(spec.code, each.connector_id): each.supply for spec in CHARGERS for each in spec.connectors}
    total = Decimal(fuse.building_a)
    for each in world.transactions():
        at = (each.code, each.connector_id)
        if each.active and at in here:
            three = supplies[at] == "AC_3_PHASE" and each.car.model.key not in ("hatchback", "hybrid")
            arrives = Decimal("641.7") if supplies[at] == "DC" else Decimal(690 if three else 230)
            total += each.power_w / arrives
    return total


@settings(max_examples=at_most(60), deadline=None)
@given(ACTIONS)
def test_the_cars_of_the_world_never_overload_a_fuse(actions: list[tuple[Any, ...]]) -> None:
    world, clock = scene()
    every = list(fuses(plan_fuses(CHARGERS)))
    for action in actions:
        play(world, clock, action)
        for fuse in every:
            assert carried(world, fuse) <= fuse.limit_a


@settings(max_examples=at_most(30), deadline=None)
@given(ACTIONS)
def test_energy_does_not_depend_on_how_often_somebody_looks(actions: list[tuple[Any, ...]]) -> None:
    (seldom, slow), (often, quick) = scene(), scene()
    for action in actions:
        play(seldom, slow, action)
        if action[0] == "wait":
            for _ in range(action[1] // 7):
                quick.advance(7)
                often.tick()
            quick.advance(action[1] % 7)
        else:
            play(often, quick, action)
    assert [each.energy_uj for each in seldom.transactions()] == [each.energy_uj for each in often.transactions()]


def card(view: ChargerView, clock: ManualClock) -> ChargerCard:
    bays = tuple(
        Connector(each.spec.connector_id, each.status, power_type=each.spec.supply if each.spec.described else None)
        for each in view.connectors
    )
    return ChargerCard(view.spec.code, view.spec.name, view.online, bays, None, None, clock.now())


def estimates(world: World, clock: ManualClock, *, plates: bool, measured: bool = False) -> dict[Place, Expectation]:
    """What the kiosk tells drivers, with what is written on every charger or only where nothing else is known.

    `measured`: as if each charge were sold by the kiosk, whose meter says what it draws.
    """
    drawn = powers(world) if measured else {}
    tree = read_tree([fuse_tree(CHARGERS, clock.now())])
    powered = [
        PoweredCharger(
            card(view, clock),
            {
                each.spec.connector_id: Rating(max_kw=Decimal(each.spec.max_power_w) / 1000)
                for each in view.connectors
                if plates or not each.spec.described
            },
            measured={
                number: Decimal(watts) / 1000 for (code, number), watts in drawn.items() if code == view.spec.code
            },
        )
        for view in world.chargers()
    ]
    return expected_power(tree, powered, clock.now())


@settings(max_examples=at_most(60), deadline=None)
@given(ACTIONS, place, st.sampled_from(["van", "saloon", "hatchback"]), st.booleans())
def test_a_newly_started_car_gets_no_more_than_the_kiosk_told_its_driver(
    actions: list[tuple[Any, ...]], at: tuple[str, int], car: str, plates: bool
) -> None:
    """In scenes without a charge that is over while its car still stands there: the kiosk counts that bay as busy."""
    world, clock = scene()
    for action in actions:
        play(world, clock, action)
        for view in world.chargers():
            for each in view.connectors:
                if each.real_status == "Finishing":
                    world.unplug(view.spec.code, each.spec.connector_id)
    world.set_online(at[0], online=True)
    world.repair_connector(*at)
    chosen = world.charger(at[0])
    if chosen is not None and chosen.connectors[at[1] - 1].car is not None:
        world.unplug(*at)
    told = estimates(world, clock, plates=plates)[Place(*at)]
    model = MODELS[car] if MODELS[car].dc_curve or at[0] not in ("DCF4N", "4KD8V", "XC3ZU") else MODELS["van"]
    world.plug_in(*at, model.key, 200)
    world.start_with_card(at[0], at[1], "CARD9")
    assert told.now.kw is not None
    assert powers(world)[at] < (told.now.kw + Decimal("0.1")) * 1000  # what is told is rounded down


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_the_demos_garage_a_strong_car_gets_what_its_driver_was_told(seed: int) -> None:
    """Between the figure for a full site and the one for now, for hours of other drivers coming and going."""
    clock = ManualClock()
    world = World(clock, StripeBook(clock), BINDING, seed)
    build_scene(world)
    shared = 0
    for _ in range(60):
        clock.advance(300)
        for code, car in ((FREE, "van"), ("DCF4N", "saloon")):
            told = estimates(world, clock, plates=True)[Place(code, 1)]
            world.plug_in(code, 1, car, 200)
            world.start_with_card(code, 1, "CARD9")
            given = Decimal(powers(world)[code, 1]) / 1000
            world.unplug(code, 1)
            assert told.now.kw is not None
            assert told.full.kw is not None
            assert told.full.kw <= given < told.now.kw + Decimal("0.1")
            shared += told.most_kw is not None and given < told.most_kw
    assert shared > 30


# --- where the site shares by a rule that the kiosk does not know


@settings(max_examples=at_most(40), deadline=None)
@given(ACTIONS, st.sampled_from(RULES))
def test_by_whatever_rule_a_site_shares_no_estimate_is_below_what_is_measured(
    actions: list[tuple[Any, ...]], rule: Rule
) -> None:
    world, clock = scene(Switches(fuses_bind=True, fuses_shared=rule))
    for action in actions:
        play(world, clock, action)
    found = estimates(world, clock, plates=True, measured=True)
    for place, watts in powers(world).items():
        now = found[Place(*place)].now
        assert now.kw is None or now.kw * 1000 > watts - 100  # what is told is rounded down


def test_a_world_that_shares_by_need_gives_more_than_was_told_until_the_meters_are_believed() -> None:
    """Three cars at the 63 A of a cabinet, one of which takes little."""
    world, clock = scene(Switches(fuses_bind=True, fuses_shared="needed"))
    for at, car in ((("3HW9P", 1), "hybrid"), (("3HW9P", 2), "family"), (("7MK4T", 1), "van")):
        world.plug_in(*at, car, 200)
        world.start_with_card(*at, "CARD7")
    given_w = powers(world)["7MK4T", 1]
    blind = estimates(world, clock, plates=True)[Place("7MK4T", 1)].now.kw
    told = estimates(world, clock, plates=True, measured=True)[Place("7MK4T", 1)].now.kw
    assert blind is not None
    assert told is not None
    assert blind * 1000 < given_w <= told * 1000 + 100


def test_a_world_that_serves_in_turn_gives_the_last_less_than_an_even_share_and_nothing_is_promised_then() -> None:
    world, clock = scene(Switches(fuses_bind=True, fuses_shared="in_turn"))
    for at in (("3HW9P", 1), ("3HW9P", 2), ("7MK4T", 1)):
        world.plug_in(*at, "van", 200)
        world.start_with_card(*at, "CARD7")
    assert powers(world)["7MK4T", 1] == 6 * 690
    found = estimates(world, clock, plates=True, measured=True)
    assert found[Place("3HW9P", 1)].now.kw == Decimal("22.0")
    assert found[Place("7MK4T", 2)].at_most
    assert Assumption.SHARED_OTHERWISE in found[Place("7MK4T", 2)].assumptions
