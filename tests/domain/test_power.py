"""Expected power in the situations of a real site: shared fuses, buildings, chargers out of reach, gaps in the tree."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kiosk.domain.charger import STALE_AFTER, ChargerCard, Connector
from kiosk.domain.expectation import Assumption, BoundKind, Expectation, Place, PoweredCharger, Share
from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind, spots
from kiosk.domain.power import expected_power
from kiosk.domain.rating import Rating

from .made import T0

FREE, BUSY, BROKEN = "Available", "Charging", "Faulted"
FIGURES = frozenset({"limit", "inbound_limit", "outbound_limit", "fallback"})


def fuse(name: str, limit: int | None, *children: Node, **more: Any) -> Node:
    return Node(NodeKind.FUSE, name, _d(limit), children=children, **_exact(more))


def station(code: str, limit: int | None = None, points: int = 1, can: int | None = 32, **more: Any) -> Node:
    listed = tuple(FuseConnector(code, number, None, None, _d(can)) for number in range(1, points + 1))
    return Node(NodeKind.STATION, code, _d(limit), connectors=listed, **_exact(more))


def charger(code: str, *words: str | None, supply: str | None = "AC_3_PHASE", online: bool = True) -> PoweredCharger:
    connectors = tuple(Connector(n, word, power_type=supply) for n, word in enumerate(words, 1))
    return PoweredCharger(ChargerCard(code, None, online, connectors, None, None, T0))


def answers(tree: Node | FuseTree | None, *chargers: PoweredCharger) -> dict[Place, Expectation]:
    return expected_power(FuseTree((tree,)) if isinstance(tree, Node) else tree, chargers, T0)


def first(tree: Node | FuseTree | None, *chargers: PoweredCharger) -> Expectation:
    return answers(tree, *chargers)[Place(chargers[0].card.code, 1)]


def told(share: Share) -> tuple[str, str, str | None, int]:
    """The figures and the reason: amperes, kW, the name of the node, how many share it."""
    return str(share.amperes), str(share.kw), share.bound.name, share.bound.sharers


def only(*assumed: Assumption) -> frozenset[Assumption]:
    return frozenset(assumed)


def _d(figure: int | None) -> Decimal | None:
    return None if figure is None else Decimal(figure)


def _exact(more: dict[str, Any]) -> dict[str, Any]:
    return {name: _d(value) if name in FIGURES else value for name, value in more.items()}


# --- sharing


def test_without_a_tree_the_connector_can_do_what_it_can_do() -> None:
    one = replace(charger("A", FREE), ratings={1: Rating(max_kw=Decimal(22))})
    found = first(None, one)
    assert (found.now.kw, found.full.kw, found.most_kw) == (Decimal("22.0"), Decimal("22.0"), Decimal("22.0"))
    assert found.now.bound.kind is BoundKind.CONNECTOR
    assert found.assumptions == only(Assumption.NO_TREE)
    assert found.at_most


def test_a_cabinet_is_shared_by_those_who_charge_and_the_driver() -> None:
    tree = fuse("Main", 250, fuse("Cabinet", 63, *(station(code) for code in "ABCD")))
    found = first(tree, charger("A", FREE), charger("B", BUSY), charger("C", BUSY), charger("D", FREE))
    assert told(found.now) == ("21.000", "14.4", "Cabinet", 3)
    assert told(found.full) == ("15.750", "10.8", "Cabinet", 4)
    assert found.most_kw == Decimal("22.0")
    assert (found.now.bound.kind, found.now.bound.limit_amperes) == (BoundKind.NODE, Decimal(63))
    assert (found.assumptions, found.at_most) == (frozenset(), False)


def test_alone_the_connector_itself_is_the_bound() -> None:
    found = first(fuse("Main", 63, station("A"), station("B")), charger("A", FREE), charger("B", BROKEN))
    assert (found.now.kw, found.now.bound.kind, found.now.amperes) == (
        Decimal("22.0"),
        BoundKind.CONNECTOR,
        Decimal(32),
    )


def test_a_car_that_charges_is_told_its_share_among_those_who_charge() -> None:
    tree = fuse("Main", 60, station("A"), station("B"), station("C"))
    found = first(tree, charger("A", BUSY), charger("B", BUSY), charger("C", FREE))
    assert told(found.now) == ("30.000", "20.7", "Main", 2)
    assert told(found.full) == ("20.000", "13.8", "Main", 3)


def test_who_needs_less_leaves_the_rest_to_the_others() -> None:
    tree = fuse("Main", 60, station("A"), station("B", can=10), station("C", can=10))
    assert told(first(tree, charger("A", FREE), charger("B", BUSY), charger("C", BUSY)).now)[0] == "32.000"
    tree = replace(tree, limit=Decimal(50))
    assert told(first(tree, charger("A", FREE), charger("B", BUSY), charger("C", BUSY)).now)[0] == "30.000"


def test_of_equal_reasons_the_nearest_node_is_named() -> None:
    tree = fuse("Main", 20, fuse("Middle", 20, station("A", 20)))
    assert first(tree, charger("A", FREE)).now.bound.name == "A"


def test_a_session_of_the_kiosk_keeps_its_share_before_the_charger_says_so() -> None:
    tree = fuse("Main", 40, station("A"), station("B"))
    claimed = replace(charger("B", FREE), claimed=frozenset({1}))
    assert told(first(tree, charger("A", FREE), claimed).now)[0] == "20.000"


def test_below_six_amperes_a_car_has_to_wait() -> None:
    tree = fuse("Main", 17, station("A"), station("B"), station("C"))
    found = first(tree, charger("A", FREE), charger("B", BUSY), charger("C", FREE))
    assert told(found.now) == ("8.500", "5.8", "Main", 2)
    assert told(found.full) == ("0", "0.0", "Main", 3)
    assert (found.now.pauses, found.full.pauses) == (False, True)


def test_a_connector_that_cannot_give_six_amperes_pauses_by_itself() -> None:
    found = first(fuse("Main", 63, station("A", can=5)), charger("A", FREE))
    assert (found.now.pauses, found.now.bound.kind) == (True, BoundKind.CONNECTOR)


@pytest.mark.parametrize(("limit", "inbound"), [(30, 20), (20, 30), (None, 20), (20, None)])
def test_the_lower_of_limit_and_inbound_limit_counts(limit: int | None, inbound: int | None) -> None:
    found = first(fuse("Main", limit, station("A"), inbound_limit=inbound), charger("A", FREE))
    assert told(found.now)[0] == "20.000"


def test_what_cars_may_give_back_bounds_nothing() -> None:
    found = first(fuse("Main", 63, station("A"), outbound_limit=1), charger("A", FREE))
    assert found.now.bound.kind is BoundKind.CONNECTOR


def test_a_fast_charger_counts_with_what_it_takes_from_the_grid() -> None:
    dc = replace(charger("A", FREE, supply="DC"), ratings={1: Rating(max_kw=Decimal(150))})
    tree = fuse("Main", 250, station("A", can=None), station("B"), station("C"))
    found = first(tree, dc, charger("B", BUSY), charger("C", FREE))
    assert told(found.now) == ("218.000", "139.8", "Main", 2)
    assert told(found.full) == ("186.000", "119.3", "Main", 3)


def one_phase(*words: str) -> list[PoweredCharger]:
    return [charger(code, word, supply="AC_1_PHASE") for code, word in zip("ABCD", words, strict=False)]


def test_one_phase_bays_of_unknown_phase_may_share_one_or_not() -> None:
    tree = fuse("Main", 60, station("A"), station("B"), station("C"))
    found = first(tree, *one_phase(FREE, BUSY, BUSY))
    assert (found.now.kw, found.now.bound.kind) == (Decimal("7.3"), BoundKind.CONNECTOR)
    assert told(found.full) == ("20.000", "4.6", "Main", 3)
    assert (found.assumptions, found.between) == (only(Assumption.PHASES_NOT_KNOWN), True)


def on_phase(code: str, phase: int) -> Node:
    listed = FuseConnector(code, 1, None, None, Decimal(32), 1, (phase,))
    return Node(NodeKind.STATION, code, connectors=(listed,))


def test_one_phase_bays_on_three_phases_do_not_share_any() -> None:
    tree = fuse("Main", 32, *(on_phase(code, phase) for phase, code in enumerate("ABC", 1)))
    found = first(tree, *one_phase(FREE, BUSY, BUSY))
    assert (found.now.kw, found.full.kw, found.assumptions) == (Decimal("7.3"), Decimal("7.3"), frozenset())
    four = replace(tree, children=(*tree.children, on_phase("D", 1)))
    everybody = answers(four, *one_phase(FREE, BUSY, BUSY, BUSY))
    assert told(everybody[Place("A", 1)].now) == ("16.000", "3.6", "Main", 2)
    assert told(everybody[Place("B", 1)].now)[0] == "32.000"


def test_a_three_phase_car_gets_what_its_fullest_phase_leaves() -> None:
    tree = fuse("Main", 32, on_phase("A", 2), station("B"))
    found = answers(tree, *one_phase(BUSY), charger("B", FREE))
    assert told(found[Place("B", 1)].now) == ("16.000", "11.0", "Main", 2)


def test_what_the_operator_says_of_a_phase_counts() -> None:
    tree = fuse("Main", 32, station("A"), station("B"))
    cars = [
        replace(one, ratings={1: Rating(phase=phase)}) for one, phase in zip(one_phase(FREE, BUSY), (1, 3), strict=True)
    ]
    assert first(tree, *cars).full.kw == Decimal("7.3")


def test_one_phase_bays_that_are_turned_do_not_share_any() -> None:
    tree = fuse("Main", 32, station("A"), station("B"), station("C"))
    turned = [
        replace(one, ratings={1: Rating(rotation=word)})
        for one, word in zip(one_phase(FREE, BUSY, BUSY), ("R", "STR", "TRS"), strict=True)
    ]
    found = first(tree, *turned)
    assert (found.now.kw, found.full.kw, found.assumptions) == (Decimal("7.3"), Decimal("7.3"), frozenset())


# --- what is measured, and who goes first


def measured(code: str, kw: str, word: str = BUSY, **more: Any) -> PoweredCharger:
    return replace(charger(code, word, **more), measured={1: Decimal(kw)})


def test_what_a_sub_fuse_keeps_somebody_from_using_goes_to_the_neighbours_now() -> None:
    tree = fuse("Main", 40, fuse("Small", 10, station("A")), station("B"))
    found = answers(tree, charger("A", BUSY), charger("B", FREE))[Place("B", 1)]
    assert told(found.now) == ("30.000", "20.7", "Main", 2)
    assert told(found.full) == ("20.000", "13.8", "Main", 2)


def test_a_car_that_is_measured_needs_what_it_takes() -> None:
    tree = fuse("Main", 40, station("A"), station("B"))
    found = first(tree, charger("A", FREE), measured("B", "2"))
    assert told(found.now)[0] == "30.000"  # 2 kW on one phase are 8.7 A, and a little more
    assert told(found.full)[0] == "20.000"
    assert told(first(tree, charger("A", FREE), measured("B", "13.8")).now)[0] == "20.000"


@pytest.mark.parametrize(
    ("kw", "amperes", "left"),
    [
        ("11", "16", "22.000"),  # all three phases: 17.6 A, and rounded up
        ("11", None, "20.000"),  # all of it on one phase would be more than there is
        ("3.6", "16", "22.000"),  # one phase
        ("11", "2", "20.000"),  # amperes that cannot be those of that power
    ],
)
def test_amperes_of_the_fullest_phase_say_what_a_car_needs(kw: str, amperes: str | None, left: str) -> None:
    tree = fuse("Main", 40, station("A"), station("B"))
    told_by_phase = {} if amperes is None else {1: Decimal(amperes)}
    found = first(tree, charger("A", FREE), replace(measured("B", kw), amperes=told_by_phase))
    assert (told(found.now)[0], told(found.full)[0]) == (left, "20.000")


def test_amperes_of_a_dc_meter_are_not_those_of_the_grid() -> None:
    tree = fuse("Main", 160, station("A", can=None), station("B", can=None))
    dc = replace(charger("A", FREE, supply="DC"), ratings={1: Rating(max_kw=Decimal(150))})
    other = replace(measured("B", "20", supply="DC"), ratings={1: Rating(max_kw=Decimal(150))})
    assert first(tree, dc, replace(other, amperes={1: Decimal(50)})) == first(tree, dc, other)


def test_a_car_that_takes_nothing_now_keeps_what_it_begins_with() -> None:
    tree = fuse("Main", 32, station("A"), station("B"))
    assert told(first(tree, charger("A", FREE), measured("B", "0", "SuspendedEV")).now)[0] == "26.000"


def test_a_fast_charger_needs_from_the_grid_what_arrives_and_more() -> None:
    tree = fuse("Main", 160, station("A", can=None), station("B", can=None))
    dc = replace(charger("A", FREE, supply="DC"), ratings={1: Rating(max_kw=Decimal(150))})
    other = replace(measured("B", "50", supply="DC"), ratings={1: Rating(max_kw=Decimal(150))})
    assert told(first(tree, dc, other).now)[0] == "80.000"
    weak = replace(other, measured={1: Decimal(20)})
    assert told(first(tree, dc, weak).now)[0] == "124.000"


def test_a_car_that_takes_little_could_have_all_that_the_others_leave() -> None:
    tree = fuse("Main", 40, station("A"), station("B"))
    assert told(first(tree, measured("A", "2"), charger("B", BUSY)).now)[0] == "20.000"
    assert told(first(tree, measured("A", "2"), measured("B", "2")).now)[0] == "30.000"


def test_no_estimate_is_below_what_was_measured() -> None:
    tree = fuse("Main", 32, station("A"), station("B"))
    found = first(tree, measured("A", "11.1"), charger("B", BUSY))
    assert (found.now.kw, found.now.bound.name, found.at_most) == (Decimal("11.1"), "Main", False)


def test_where_a_meter_shows_more_than_an_even_share_none_is_promised() -> None:
    tree = fuse("Main", 64, fuse("Cabinet", 32, station("A"), station("B"), station("C")), station("D"))
    cars = measured("A", "15"), charger("B", BUSY), charger("C", FREE), charger("D", FREE)
    found = answers(tree, *cars)
    assert (found[Place("A", 1)].now.kw, found[Place("C", 1)].at_most) == (Decimal("15.0"), True)
    assert Assumption.SHARED_OTHERWISE in found[Place("C", 1)].assumptions
    assert not found[Place("C", 1)].now.pauses


def ranked(code: str, priority: int | None) -> Node:
    rank = None if priority is None else Decimal(priority)
    return replace(station(code), connectors=(FuseConnector(code, 1, None, None, Decimal(32), priority=rank),))


def test_where_others_may_go_first_no_share_is_promised() -> None:
    tree = fuse("Main", 32, ranked("A", 2), ranked("B", 1))
    found = first(tree, charger("A", FREE), charger("B", BUSY))
    assert (found.now.kw, found.at_most) == (Decimal("22.0"), True)
    assert found.assumptions == only(Assumption.PRIORITIES)


@pytest.mark.parametrize(("limit", "ranks"), [(32, (1, 1)), (32, (None, None)), (64, (1, 2))])
def test_an_equal_priority_or_enough_for_all_is_shared_as_ever(
    limit: int, ranks: tuple[int | None, int | None]
) -> None:
    tree = fuse("Main", limit, ranked("A", ranks[0]), ranked("B", ranks[1]))
    found = first(tree, charger("A", FREE), charger("B", BUSY))
    assert (found.now.amperes, found.at_most) == (Decimal(limit) / 2, False)


def test_those_of_the_same_priority_share_among_themselves() -> None:
    tree = fuse("Main", 32, ranked("A", 2), ranked("B", 1), ranked("C", 2))
    found = first(tree, charger("A", FREE), charger("B", BUSY), charger("C", BUSY))
    assert (told(found.now)[0], told(found.now)[3]) == ("16.000", 2)


# --- what is kept for others


def building(*, most_amperes: int | None = None, fallback_amperes: int | None = None) -> Meter:
    return Meter(True, "Building", _d(most_amperes), _d(fallback_amperes))


def test_the_building_keeps_what_its_meter_falls_back_to() -> None:
    tree = fuse("Main", 100, station("A"), meter=building(most_amperes=400, fallback_amperes=80))
    found = first(tree, charger("A", FREE))
    assert told(found.now)[0] == "20.000"
    assert found.now.bound.reserved_amperes == Decimal(80)
    assert (found.assumptions, found.at_most) == (only(Assumption.LOAD_ASSUMED), False)


@pytest.mark.parametrize("most", [70, 100, 400])
def test_what_a_meter_can_handle_says_nothing_of_the_building(most: int) -> None:
    found = first(fuse("Main", 63, station("A"), meter=building(most_amperes=most)), charger("A", FREE))
    assert (found.now.kw, found.now.pauses) == (Decimal("22.0"), False)
    assert (found.assumptions, found.at_most) == (only(Assumption.LOAD_NOT_KNOWN), True)


def test_a_fallback_of_nothing_is_a_figure() -> None:
    tree = fuse("Main", 20, station("A"), meter=building(most_amperes=100, fallback_amperes=0))
    found = first(tree, charger("A", FREE))
    assert (told(found.now)[0], found.at_most) == ("20.000", False)
    assert found.assumptions == only(Assumption.LOAD_ASSUMED)


def test_what_is_kept_for_the_building_is_told_from_what_is_kept_for_bays_out_of_reach() -> None:
    lost = charger("B", FREE, online=False)
    tree = fuse("Main", 40, station("A"), fuse("Shop", 63, meter=building(fallback_amperes=10)))
    both = replace(tree, children=(*tree.children, station("B", fallback=6)))
    found = first(both, charger("A", FREE), lost).now.bound
    assert (found.reserved_amperes, found.building_amperes) == (Decimal(16), Decimal(10))


def test_a_building_without_figures_makes_the_figure_an_upper_bound() -> None:
    found = first(fuse("Main", 100, station("A"), meter=building()), charger("A", FREE))
    assert (found.assumptions, found.at_most) == (only(Assumption.LOAD_NOT_KNOWN), True)


def test_a_building_behind_a_sub_fuse_is_carried_by_the_fuses_above() -> None:
    canteen = fuse("Canteen", 63, meter=building(fallback_amperes=40))
    found = first(fuse("Main", 60, canteen, station("A")), charger("A", FREE))
    assert (told(found.now)[0], found.assumptions) == ("20.000", only(Assumption.LOAD_ASSUMED))


def test_what_a_roof_produces_is_never_counted_on() -> None:
    roof = Meter(producer=True, producer_amperes=Decimal(100), most_amperes=Decimal(90), fallback_amperes=Decimal(5))
    with_roof = fuse("Main", 40, Node(NodeKind.METER, "Roof", meter=roof), station("A"), station("B"))
    without = fuse("Main", 40, station("A"), station("B"))
    cars = charger("A", FREE), charger("B", BUSY)
    assert answers(with_roof, *cars) == answers(without, *cars)


def test_a_charger_out_of_reach_keeps_its_fallback_whether_or_not_it_charges() -> None:
    tree = fuse("Main", 38, station("A"), station("B", fallback=6, points=2, limit=32))
    for words in ((FREE, FREE), (BUSY, BROKEN)):
        found = first(tree, charger("A", FREE), charger("B", *words, online=False))
        assert told(found.now)[0] == "26.000"
        assert found.assumptions == only(Assumption.OFFLINE_RESERVED)


@pytest.mark.parametrize(
    ("lost", "left"),
    [
        (station("B", points=2), "36.000"),
        (station("B", points=2, limit=32), "63.000"),
        (station("B", points=2, can=None, limit=50), "50.000"),
        (station("B", can=None), "63.000"),
    ],
)
def test_without_a_fallback_a_charger_out_of_reach_keeps_its_full_capacity(lost: Node, left: str) -> None:
    tree = fuse("Main", 100, station("A", can=63), lost)
    words = [FREE] * len(lost.connectors)
    found = first(tree, charger("A", FREE), charger("B", *words, online=False))
    assert str(found.now.amperes) == left


def test_behind_a_metered_building_nothing_is_kept_twice() -> None:
    lost = charger("B", FREE, online=False)
    part = fuse("Part", 63, station("B", fallback=6), meter=building(fallback_amperes=10))
    assert told(first(fuse("Main", 40, station("A"), part), charger("A", FREE), lost).now)[0] == "30.000"
    small = replace(part, meter=building(fallback_amperes=4))
    assert told(first(fuse("Main", 30, station("A"), small), charger("A", FREE), lost).now)[0] == "24.000"


@pytest.mark.parametrize(
    ("other", "kind"),
    [(charger("A", FREE, online=False), BoundKind.OFFLINE), (charger("A", BROKEN), BoundKind.OUT_OF_ORDER)],
)
def test_at_a_charger_that_cannot_be_used_nothing_is_promised(other: PoweredCharger, kind: BoundKind) -> None:
    found = first(fuse("Main", 63, station("A")), other)
    assert (found.now.bound.kind, found.now.kw, found.full.amperes) == (kind, None, None)
    assert found.most_kw == Decimal("22.0")


# --- what is not known


def test_a_charger_of_unknown_use_may_charge_or_not() -> None:
    tree = fuse("Main", 40, station("A"), station("B"))
    found = first(tree, charger("A", FREE), charger("B", None))
    assert (found.now.amperes, told(found.full)[0]) == (Decimal(32), "20.000")
    assert (found.assumptions, found.between) == (only(Assumption.USE_NOT_KNOWN), True)


def test_unknown_use_where_there_is_enough_for_all_changes_nothing() -> None:
    tree = fuse("Main", 64, station("A"), station("B"))
    found = first(tree, charger("A", FREE), charger("B", None))
    assert (found.full.amperes, found.assumptions, found.between) == (Decimal(32), frozenset(), False)


def test_a_bay_of_unknown_use_that_is_measured_charges() -> None:
    tree = fuse("Main", 40, station("A"), station("B"))
    silent = replace(charger("B", None), measured={1: Decimal("13.8")})
    found = first(tree, charger("A", FREE), silent)
    assert (told(found.now)[0], found.assumptions) == ("20.000", frozenset())


def test_old_data_on_a_neighbour_says_nothing_of_its_use() -> None:
    tree = fuse("Main", 40, station("A"), station("B", fallback=6))
    neighbour = charger("B", FREE, online=False)
    old = replace(neighbour, card=replace(neighbour.card, seen_at=T0 - 2 * STALE_AFTER))
    found = first(tree, charger("A", FREE), old)
    assert (found.now.amperes, told(found.full)[0]) == (Decimal(32), "20.000")
    assert found.assumptions == only(Assumption.USE_NOT_KNOWN)


def test_connectors_that_only_the_tree_knows_may_charge_or_not() -> None:
    stranger = Node(NodeKind.STATION, "X", connectors=(FuseConnector(None, 1), FuseConnector("A", None)))
    found = first(fuse("Main", 60, station("A"), stranger), charger("A", FREE))
    assert (found.now.amperes, told(found.full)[0], told(found.full)[3]) == (Decimal(32), "20.000", 3)
    assert found.assumptions == only(Assumption.USE_NOT_KNOWN, Assumption.PHASES_NOT_KNOWN)


def test_a_charger_on_no_map_can_do_what_it_can_do() -> None:
    lonely = replace(charger("Z", FREE), ratings={1: Rating(max_amperes=Decimal(16))})
    found = first(fuse("Main", 10, station("A")), lonely)
    assert (found.now.kw, found.assumptions, found.at_most) == (Decimal("11.0"), only(Assumption.NOT_IN_TREE), True)


def test_a_connector_that_the_tree_forgot_hangs_on_its_chargers_station() -> None:
    tree = fuse("Main", 250, station("A", limit=32))
    found = answers(tree, charger("A", FREE, BUSY))
    can = replace(charger("A", FREE, BUSY), ratings={2: Rating(max_amperes=Decimal(32))})
    assert told(answers(tree, can)[Place("A", 2)].full)[:3] == ("16.000", "11.0", "A")
    assert told(found[Place("A", 1)].now)[:3] == ("16.000", "11.0", "A")


def test_names_of_the_tree_may_differ_from_the_code() -> None:
    tree = fuse("Main", 40, station("cp-one"), station("CP-TWO"))
    found = first(
        tree,
        replace(charger("A", FREE), station_ids=("CP-One",)),
        replace(charger("B", BUSY), station_ids=("cp-two", "unused")),
    )
    assert (told(found.now)[0], found.assumptions) == ("20.000", frozenset())


def test_a_fuse_without_a_limit_widens_nothing() -> None:
    tree = fuse("Main", 20, fuse("Lost", None, station("A")))
    found = first(tree, charger("A", FREE))
    assert told(found.now)[0] == "20.000"
    assert (found.assumptions, found.at_most) == (only(Assumption.LIMIT_NOT_KNOWN), True)
    alone = first(fuse("Lost", None, station("A")), charger("A", FREE))
    assert (alone.now.kw, alone.at_most) == (Decimal("22.0"), True)


def test_a_group_without_a_limit_is_normal() -> None:
    tree = fuse("Main", 20, Node(NodeKind.GROUP, "Row", children=(station("A"),)))
    assert first(tree, charger("A", FREE)).assumptions == frozenset()


def test_a_tree_that_could_not_be_read_to_the_end_gives_upper_bounds() -> None:
    found = first(FuseTree((fuse("Main", 63, station("A")),), complete=False), charger("A", FREE))
    assert (found.assumptions, found.at_most) == (only(Assumption.TREE_INCOMPLETE), True)


def test_a_stations_limit_stands_in_for_a_connector_that_nobody_describes() -> None:
    tree = fuse("Main", 250, station("A", limit=16, can=None))
    found = first(tree, charger("A", FREE))
    assert (found.now.kw, found.most_kw) == (Decimal("11.0"), Decimal("11.0"))
    found = first(tree, charger("A", FREE, supply=None))
    assert (found.now.kw, found.assumptions) == (Decimal("3.6"), only(Assumption.SUPPLY_ASSUMED))


def test_of_a_connector_that_nobody_describes_nothing_is_said() -> None:
    found = first(fuse("Main", 63, station("A", can=None)), charger("A", FREE))
    assert (found.now.bound.kind, found.now.kw, found.most_kw) == (BoundKind.NOT_KNOWN, None, None)
    assert first(None, charger("A", FREE)).now.bound.kind is BoundKind.NOT_KNOWN


def test_a_connector_that_is_listed_twice_counts_once_under_every_limit_above_it() -> None:
    group = Node(NodeKind.GROUP, "Row", Decimal(18), connectors=station("A").connectors)
    twice = replace(station("A", limit=32), children=(group,))
    tree = fuse("Main", 60, twice, station("B"))
    found = first(tree, charger("A", BUSY), charger("B", BUSY))
    assert told(found.now) == ("18.000", "12.4", "Row", 1)
    other = answers(tree, charger("A", BUSY), charger("B", BUSY))[Place("B", 1)]
    assert (told(other.now)[0], told(other.full)[0]) == ("32.000", "30.000")


def test_a_listed_twice_connector_out_of_reach_keeps_its_fallback_once() -> None:
    group = Node(NodeKind.GROUP, "Row", connectors=station("B").connectors)
    twice = replace(station("B", fallback=6), children=(group,))
    found = first(fuse("Main", 30, station("A"), twice), charger("A", FREE), charger("B", FREE, online=False))
    assert told(found.now)[0] == "24.000"


def test_a_node_object_in_two_places_is_walked_once() -> None:
    shared = fuse("Leaf", 10)
    for _ in range(64):
        shared = fuse("Pair", 10, shared, shared)
    assert len(spots(FuseTree((shared, shared)))) == 65


def test_a_tree_that_is_deeper_than_any_stack_is_walked() -> None:
    deep = station("A")
    for _ in range(5000):
        deep = fuse("Deep", 10, deep)
    assert told(first(deep, charger("A", FREE)).now)[0] == "10.000"


def test_nothing_in_gives_nothing_out() -> None:
    assert answers(None) == {}
    assert answers(FuseTree()) == {}
    assert first(FuseTree(), charger("A", FREE)).assumptions == only(Assumption.NOT_IN_TREE)
