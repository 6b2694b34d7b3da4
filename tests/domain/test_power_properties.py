"""Expected power on random sites: no limit is passed on any phase, order does not matter, shares rise and fall as told.

A site is drawn as nested fuses with stations; each connector has a number, a word of OCPP, and a supply.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.expectation import Assumption, BoundKind, Expectation, Place, PoweredCharger
from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind
from kiosk.domain.power import expected_power
from kiosk.domain.rating import LEAST_AMPERES, Rating

from .made import T0

FREE, CHARGING = "Available", "Charging"
WORDS = (FREE, "Preparing", CHARGING, "SuspendedEV", "Faulted", None)
SUPPLIES = ("AC_1_PHASE", "AC_3_PHASE", "DC", None)
amperes = st.decimals(0, 120, places=1)
unsure = st.none() | amperes


@dataclass(frozen=True)
class Drawn:
    tree: FuseTree
    chargers: tuple[PoweredCharger, ...]

    def answers(self) -> dict[Place, Expectation]:
        return expected_power(self.tree, self.chargers, T0)

    def word(self, place: Place) -> str | None:
        return next(c.status for each in self.chargers for c in each.card.connectors if of(each, c) == place)

    def with_word(self, place: Place, word: str | None) -> Drawn:
        return replace(self, chargers=tuple(_with_word(each, place, word) for each in self.chargers))

    def with_measured(self, place: Place, kw: Decimal) -> Drawn:
        """The meter at that place says so."""
        chargers = [
            replace(each, measured={place.connector_id: kw}) if each.card.code == place.code else each
            for each in self.chargers
        ]
        return replace(self, chargers=tuple(chargers))


def of(charger: PoweredCharger, connector: Connector) -> Place:
    return Place(charger.card.code, connector.connector_id)


def _with_word(charger: PoweredCharger, place: Place, word: str | None) -> PoweredCharger:
    connectors = tuple(replace(c, status=word) if of(charger, c) == place else c for c in charger.card.connectors)
    return replace(charger, card=replace(charger.card, connectors=connectors))


@st.composite
def sites(draw: st.DrawFn) -> Drawn:
    codes = (f"C{number}" for number in count())
    ranks = draw(st.sampled_from([st.none(), st.none(), st.sampled_from([None, Decimal(1), Decimal(2)])]))
    chargers: list[PoweredCharger] = []

    def meter() -> Meter | None:
        return draw(
            st.none() | st.builds(Meter, st.booleans(), st.none(), unsure, unsure, st.booleans(), st.none(), unsure)
        )

    def a_station() -> Node:
        code = next(codes)
        online = draw(st.sampled_from([True, True, True, False, None]))
        listed, own = [], []
        for number in range(1, draw(st.integers(1, 3)) + 1):
            if draw(st.integers(0, 5)):
                own.append(Connector(number, draw(st.sampled_from(WORDS)), power_type=draw(st.sampled_from(SUPPLIES))))
            if draw(st.integers(0, 5)):
                phases = draw(st.sampled_from([None, None, 1, 3]))
                lines = draw(st.sampled_from([None, (1,), (2,), (3,)])) if phases == 1 else None
                rank = draw(ranks)
                listed.append(FuseConnector(code, number, None, draw(unsure), draw(unsure), phases, lines, rank))
        ratings = {c.connector_id: Rating(max_kw=draw(st.none() | st.decimals(0, 60, places=1))) for c in own}
        card = ChargerCard(code, None, online, tuple(own), None, None, T0)
        chargers.append(PoweredCharger(card, ratings))
        return Node(
            draw(st.sampled_from([NodeKind.STATION, NodeKind.STATION, NodeKind.UNKNOWN])),
            code,
            draw(unsure),
            fallback=draw(unsure),
            connectors=tuple(listed),
        )

    def a_node(depth: int) -> Node:
        kinds = st.sampled_from([NodeKind.FUSE, NodeKind.FUSE, NodeKind.GROUP, NodeKind.METER, NodeKind.UNKNOWN])
        few = draw(st.integers(0, 3))
        children = [a_station() if depth == 0 or draw(st.booleans()) else a_node(depth - 1) for _ in range(few)]
        return Node(
            draw(kinds),
            next(codes),
            draw(unsure),
            draw(unsure),
            draw(unsure),
            meter=meter(),
            children=tuple(children),
        )

    roots = tuple(a_node(2) for _ in range(draw(st.integers(1, 2))))
    return Drawn(FuseTree(roots, draw(st.booleans())), tuple(chargers))


def nodes(tree: FuseTree) -> Iterator[Node]:
    waiting = list(tree.roots)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def codes_under(node: Node) -> set[str]:
    return {c.station_id for each in nodes(FuseTree((node,))) for c in each.connectors if c.station_id is not None}


def one_phase_places(site: Drawn) -> set[Place]:
    """By their charger's card, or by the tree: where the two say different things, the fewer phases are wired."""
    listed = {
        Place(each.station_id or "", each.number or 0)
        for node in nodes(site.tree)
        for each in node.connectors
        if each.phases == 1
    }
    return listed | {
        of(each, c) for each in site.chargers for c in each.card.connectors if c.power_type == "AC_1_PHASE"
    }


def assert_within_limits(site: Drawn, drawn_amperes: dict[Place, Decimal], phase_of: dict[Place, int]) -> None:
    """On no phase of any node flows more than its limit. One-phase connectors are on the phase that they are given."""
    single = one_phase_places(site)
    for node in nodes(site.tree):
        limits = [limit for limit in (node.limit, node.inbound_limit) if limit is not None]
        codes = codes_under(node)
        for phase in range(3):
            flows = sum(
                flow
                for place, flow in drawn_amperes.items()
                if place.code in codes and (place not in single or phase_of[place] == phase)
            )
            assert not limits or flows <= min(limits)


@given(sites(), st.randoms(use_true_random=False))
def test_when_all_bays_are_full_no_limit_is_passed_on_any_phase(site: Drawn, dice: random.Random) -> None:
    found = site.answers()
    lines = known_lines(site)
    phases = {place: lines.get(place, dice.randrange(3)) for place in found}
    everybody = {place: each.full.amperes for place, each in found.items() if each.full.amperes is not None}
    assert_within_limits(site, everybody, phases)


def known_lines(site: Drawn) -> dict[Place, int]:
    """The phases (from 0) of the connectors that the tree says them of."""
    return {
        Place(each.station_id or "", each.number or 0): each.lines[0] - 1
        for node in nodes(site.tree)
        for each in node.connectors
        if each.lines is not None
    }


@given(sites())
def test_those_who_charge_now_pass_no_limit_where_it_is_known_who_and_on_which_phase(site: Drawn) -> None:
    """What each is told comes true for all at once, unless some may go first: then it is an upper bound."""
    found = site.answers()
    lines = known_lines(site)
    charging = {
        place: each.now.amperes
        for place, each in found.items()
        if each.now.amperes is not None
        and site.word(place) in {CHARGING, "SuspendedEV"}
        and Assumption.PRIORITIES not in each.assumptions
        and (place not in one_phase_places(site) or place in lines)
    }
    assert_within_limits(site, charging, lines)


@given(sites(), st.data())
def test_what_a_driver_was_promised_is_what_the_driver_gets(site: Drawn, data: st.DataObject) -> None:
    """Starting at a free bay gives no less than was told before, when nothing else changes."""
    found = site.answers()
    free = [place for place in found if site.word(place) in {FREE, "Preparing"}]
    if free:
        place = data.draw(st.sampled_from(free))
        after = site.with_word(place, CHARGING).answers()[place]
        assert_not_above(found[place], after)
        assert after.full == found[place].full


@given(sites(), st.data())
def test_one_more_charging_car_never_raises_anothers_share(site: Drawn, data: st.DataObject) -> None:
    before = site.answers()
    free = [place for place in before if site.word(place) == FREE]
    if free:
        place = data.draw(st.sampled_from(free))
        after = site.with_word(place, CHARGING).answers()
        for other in before.keys() - {place}:
            assert_not_above(after[other], before[other])


@given(sites(), st.data(), st.decimals(0, 60, places=1))
def test_no_estimate_is_ever_below_what_is_measured(site: Drawn, data: st.DataObject, kw: Decimal) -> None:
    charging = [place for place in site.answers() if site.word(place) in {CHARGING, "SuspendedEV"}]
    if charging:
        place = data.draw(st.sampled_from(charging))
        found = site.with_measured(place, kw).answers()[place]
        if found.now.kw is not None:
            assert found.now.kw >= kw
            assert found.most_kw is not None
            assert found.full.kw is not None
            assert found.full.kw <= found.now.kw <= found.most_kw


@given(sites(), st.data(), st.decimals(0, 60, places=1))
def test_a_measured_car_takes_nothing_from_what_is_promised_for_a_full_site(
    site: Drawn, data: st.DataObject, kw: Decimal
) -> None:
    """What is said of now may fall for somebody: a car that leaves more on one phase behind a fuse lets its neighbour
    there take more on all three, from those behind the fuse above.

    At a charger of which is not known whether it is online a car is left out until it is measured: then it counts.
    """
    before = site.answers()
    online = {of(each, c) for each in site.chargers for c in each.card.connectors if each.card.online}
    charging = [place for place in before if site.word(place) == CHARGING and place in online]
    if charging:
        place = data.draw(st.sampled_from(charging))
        after = site.with_measured(place, kw).answers()
        for other in before.keys() - {place}:
            assert after[other].full == before[other].full


@given(sites(), st.data())
def test_a_bay_of_which_nothing_is_heard_any_more_makes_nobodys_estimate_a_worst_case(
    site: Drawn, data: st.DataObject
) -> None:
    """The figure for now is not lowered by what is not known, and the one for a full site stays the same."""
    before = site.answers()
    charging = [place for place in before if site.word(place) == CHARGING]
    if charging:
        place = data.draw(st.sampled_from(charging))
        after = site.with_word(place, None).answers()
        for other in before.keys() - {place}:
            assert_not_above(before[other], after[other])
            assert after[other].full == before[other].full


def assert_not_above(lower: Expectation, upper: Expectation) -> None:
    for one, two in ((lower.now, upper.now), (lower.full, upper.full)):
        assert (one.amperes is None) == (two.amperes is None)
        if one.amperes is not None and two.amperes is not None and one.kw is not None and two.kw is not None:
            assert one.amperes <= two.amperes
            assert one.kw <= two.kw


@given(sites(), st.data(), st.sampled_from(["limit", "inbound_limit"]), st.decimals(0, 200, places=1))
def test_raising_a_limit_never_lowers_what_anybody_gets_when_all_bays_are_full(
    site: Drawn, data: st.DataObject, which: str, more: Decimal
) -> None:
    """Whose limit it is does not matter, unless it is what is kept for a charger out of reach, or lets a bay share
    that had nothing: then the others have less.
    """
    lost = {each.card.code for each in site.chargers if each.card.online is False}
    raisable = [n for n in nodes(site.tree) if getattr(n, which) is not None and n.name not in lost]
    if raisable:
        chosen = data.draw(st.sampled_from(raisable))
        raised = replace(chosen, **{which: getattr(chosen, which) + more})
        tree = replace(site.tree, roots=tuple(_replaced(root, chosen, raised) for root in site.tree.roots))
        before, after = site.answers(), replace(site, tree=tree).answers()
        below = codes_under(chosen)
        if any(each.full.amperes == 0 for place, each in before.items() if place.code in below):
            return
        for place in before:
            lower, upper = before[place].full, after[place].full
            assert lower.amperes is None or (upper.amperes is not None and lower.amperes <= upper.amperes)


def _replaced(node: Node, old: Node, new: Node) -> Node:
    if node.name == old.name:
        return new
    return replace(node, children=tuple(_replaced(child, old, new) for child in node.children))


@given(sites())
def test_the_range_is_in_order(site: Drawn) -> None:
    for each in site.answers().values():
        if each.now.kw is not None:
            assert each.full.kw is not None
            assert each.most_kw is not None
            assert 0 <= each.full.kw <= each.now.kw <= each.most_kw
            for share in (each.now, each.full):
                assert share.amperes is not None
                assert share.pauses == (share.amperes == 0)
                assert share.pauses or share.amperes >= LEAST_AMPERES


@given(sites())
def test_a_reason_is_always_given_and_fits_the_figure(site: Drawn) -> None:
    names = {node.name: node for node in nodes(site.tree)}
    for each in site.answers().values():
        for share in (each.now, each.full):
            if share.bound.kind is BoundKind.NODE:
                assert share.bound.name is not None
                node = names[share.bound.name]
                assert share.bound.limit_amperes == node.most_amperes
                assert share.bound.sharers >= 1
                assert share.amperes is not None
                assert share.bound.limit_amperes is not None
                assert share.bound.reserved_amperes is not None
                assert share.amperes + share.bound.reserved_amperes <= share.bound.limit_amperes
            else:
                assert (share.amperes is None) == (share.bound.kind is not BoundKind.CONNECTOR)


@given(sites(), st.randoms(use_true_random=False))
def test_the_order_of_children_and_chargers_does_not_matter(site: Drawn, dice: random.Random) -> None:
    def shuffled(node: Node) -> Node:
        children, connectors = [shuffled(child) for child in node.children], list(node.connectors)
        dice.shuffle(children)
        dice.shuffle(connectors)
        return replace(node, children=tuple(children), connectors=tuple(connectors))

    roots, chargers = [shuffled(root) for root in site.tree.roots], list(site.chargers)
    dice.shuffle(roots)
    dice.shuffle(chargers)
    assert expected_power(replace(site.tree, roots=tuple(roots)), chargers, T0) == site.answers()


@given(sites())
def test_a_tree_never_makes_a_connector_abler_than_its_rating(site: Drawn) -> None:
    without = expected_power(None, site.chargers, T0)
    for place, each in site.answers().items():
        rated = without[place].most_kw
        assert rated is None or (each.most_kw is not None and each.most_kw <= rated)


@given(sites(), st.integers(1, 40))
def test_the_callers_decimal_context_changes_nothing(site: Drawn, precision: int) -> None:
    expected = site.answers()
    with localcontext() as context:
        context.prec = precision
        assert site.answers() == expected


@pytest.mark.parametrize("different", [False, True], ids=["alike", "all different"])
def test_the_work_grows_with_the_site_and_not_with_its_square(different: bool) -> None:
    """Counted in calls, not in seconds: ten times the connectors, about ten times the work."""

    def work(connectors: int) -> int:
        numbers = count()
        cabinets: list[Node] = []
        chargers: list[PoweredCharger] = []
        for _ in range(connectors // 20):
            row = []
            for code in (f"S{number}" for number in islice(numbers, 10)):
                can = [Decimal(32) + (Decimal(int(code[1:]) + n) / 1000 if different else 0) for n in (1, 2)]
                points = tuple(FuseConnector(code, n, None, None, can[n - 1], 3) for n in (1, 2))
                row.append(Node(NodeKind.STATION, code, Decimal(63), connectors=points))
                card = ChargerCard(code, None, True, (Connector(1, FREE), Connector(2, CHARGING)), None, None, T0)
                chargers.append(PoweredCharger(card))
            cabinets.append(Node(NodeKind.FUSE, f"F{len(cabinets)}", Decimal(250), children=tuple(row)))
        tree = FuseTree((Node(NodeKind.FUSE, "Main", Decimal(1000), children=tuple(cabinets)),))
        counted = 0

        def count_call(_frame: object, event: str, _argument: object) -> None:
            nonlocal counted
            counted += event in {"call", "c_call"}

        sys.setprofile(count_call)
        try:
            assert len(expected_power(tree, chargers, T0)) == connectors
        finally:
            sys.setprofile(None)
        return counted

    assert work(2000) < 12 * work(200)
