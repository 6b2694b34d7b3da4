"""Fuse trees, makes and what the operator's view saw: what goes in comes out exactly, and the younger word wins."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from kiosk.domain.asking import CardWish, Problem
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.commands import Refusal
from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind
from kiosk.domain.lab import LabFacts
from kiosk.domain.sighting import NEVER, Price, Sighting
from kiosk.store import NaiveTime, Store
from kiosk.store.fuse_codec import tree_from, tree_to
from kiosk.store.records import SeenTree
from kiosk.store.tables import chargers
from kiosk.store.types import dump
from tests.examples import at_most
from tests.worlds.once import migrated_store

from .build import NOW, TARIFF, later

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MAYBE_TEXT = st.none() | TEXT
AMPERES = st.none() | st.decimals(allow_nan=False, allow_infinity=False)
METERS = st.builds(Meter, st.booleans(), MAYBE_TEXT, AMPERES, AMPERES, st.booleans(), MAYBE_TEXT, AMPERES)
CONNECTORS = st.builds(
    FuseConnector,
    MAYBE_TEXT,
    st.none() | st.integers(0, 10_000),
    MAYBE_TEXT,
    AMPERES,
    AMPERES,
    st.none() | st.integers(1, 3),
    st.none() | st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True).map(tuple),
    AMPERES,
)


def nodes(children: st.SearchStrategy[tuple[Node, ...]]) -> st.SearchStrategy[Node]:
    return st.builds(
        Node,
        st.sampled_from(NodeKind),
        MAYBE_TEXT,
        AMPERES,
        AMPERES,
        AMPERES,
        AMPERES,
        st.none() | METERS,
        st.lists(CONNECTORS, max_size=3).map(tuple),
        children,
    )


TREES = st.builds(
    FuseTree,
    st.lists(
        st.recursive(nodes(st.just(())), lambda each: nodes(st.lists(each, max_size=3).map(tuple)), max_leaves=12),
        max_size=3,
    ).map(tuple),
    st.booleans(),
)
FACTS = st.builds(LabFacts, MAYBE_TEXT, MAYBE_TEXT, MAYBE_TEXT, MAYBE_TEXT, AMPERES, MAYBE_TEXT)
NUMBERS = itertools.count()
PRICE = Price(TARIFF, 5000, NOW)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many examples."""
    store = migrated_store(tmp_path_factory.mktemp("store") / "kiosk.db")
    yield store
    store.close()


# --- trees and makes


@settings(deadline=None, max_examples=at_most(120))
@given(tree=TREES)
def test_a_fuse_tree_comes_back_exactly(lasting: Store, tree: FuseTree) -> None:
    site = f"site-{next(NUMBERS)}"
    lasting.save_tree(site, tree, NOW)
    assert lasting.tree(site) == SeenTree(tree, NOW)


@settings(deadline=None, max_examples=at_most(60))
@given(facts=FACTS)
def test_facts_of_a_charger_come_back_exactly(lasting: Store, facts: LabFacts) -> None:
    code = f"code-{next(NUMBERS)}"
    lasting.save_lab_facts(code, facts, NOW)
    assert lasting.lab_facts([code, "other"]) == {code: facts}


def test_no_depth_of_a_tree_is_too_deep() -> None:
    node = Node(NodeKind.STATION, "the lowest")
    for depth in range(5000):
        node = Node(NodeKind.FUSE, str(depth), children=(node,))
    back = tree_from(json.loads(dump(tree_to(FuseTree((node,), complete=False)))))
    assert not back.complete
    (here,) = back.roots
    names = [here.name]
    while here.children:
        (here,) = here.children
        names.append(here.name)
    assert names == [*map(str, range(4999, -1, -1)), "the lowest"]


def test_a_node_that_stands_in_two_places_comes_back_in_both() -> None:
    twice = Node(NodeKind.STATION, "twice")
    tree = FuseTree((Node(NodeKind.FUSE, children=(twice, twice)), twice))
    assert tree_from(tree_to(tree)) == tree


def test_a_newer_tree_takes_the_place_of_the_old_one(store: Store) -> None:
    assert store.tree("garage") is None
    for seconds in (0, 60):
        store.save_tree("garage", FuseTree((Node(NodeKind.FUSE, str(seconds)),)), later(seconds))
    assert store.tree("garage") == SeenTree(FuseTree((Node(NodeKind.FUSE, "60"),)), later(60))


def test_newer_facts_take_the_place_of_the_old_ones(store: Store) -> None:
    assert store.lab_facts(["A"]) == {}
    for name in ("old", "new"):
        store.save_lab_facts("A", LabFacts(name=name, max_kw=Decimal("22.0")), NOW)
    assert store.lab_facts(["A"]) == {"A": LabFacts(name="new", max_kw=Decimal("22.0"))}


def test_a_tree_known_to_be_of_another_site_is_forgotten(store: Store) -> None:
    for site, source in (("ours", "cp-1"), ("moved", "cp-2"), ("unsaid", None), ("left", "cp-3")):
        store.save_tree(site, FuseTree(), NOW, source)
    for site in ("ours", "moved", "unsaid"):
        store.forget_tree_of_another(site, "cp-1")
    store.forget_tree_of_another("left", None)
    assert [store.tree(site) is not None for site in ("ours", "moved", "unsaid", "left")] == [True, False, True, False]
    store.save_tree("ours", FuseTree(), NOW, "cp-9")
    store.forget_tree_of_another("ours", "cp-1")
    assert store.tree("ours") is None


@pytest.mark.parametrize("kept", [[], ["B"], ["A", "C"]])
def test_facts_of_chargers_that_are_not_kept_are_forgotten(store: Store, kept: list[str]) -> None:
    for each in ("A", "B"):
        store.save_lab_facts(each, LabFacts(name=each), NOW)
    store.keep_lab_facts(kept)
    assert store.lab_facts(["A", "B"]).keys() == {"A", "B"} & set(kept)


# --- sightings


def sighting(at: float = 10, *connectors: Connector, price: Price | None = PRICE, code: str = "ABC") -> Sighting:
    return Sighting(code, True, connectors or (Connector(1, "Available"),), price, later(at))


def public_card(at: float = 0, **more: object) -> ChargerCard:
    plug = Connector(1, "Available", "IEC 62196", "Socket", "AC_3_PHASE")
    card = ChargerCard("ABC", "Charger 1", True, (plug,), TARIFF, 5000, later(at))
    return replace(card, **more)  # type: ignore[arg-type]


def card_of(store: Store) -> ChargerCard:
    card = store.card("ABC")
    assert card is not None
    return card


def test_a_charger_that_was_never_seen_gets_a_card_without_a_name(store: Store) -> None:
    assert store.save_sightings([sighting()], later(11)) == ["ABC"]
    assert card_of(store) == ChargerCard(
        "ABC", None, True, (Connector(1, "Available"),), TARIFF, 5000, later(10), priced_at=NOW
    )


def test_a_price_that_was_never_seen_is_as_old_as_can_be(store: Store) -> None:
    store.save_sightings([sighting(price=None)], later(11))
    assert (card_of(store).tariff, card_of(store).priced_at) == (None, NEVER)
    store.save_sightings([sighting(12)], later(13))
    assert (card_of(store).tariff, card_of(store).priced_at) == (TARIFF, NOW)


def test_new_states_leave_name_price_and_plug_as_they_were(store: Store) -> None:
    store.save_card(public_card())
    store.save_sightings([sighting(10, Connector(1, "Charging"), price=None)], later(11))
    assert card_of(store) == public_card(
        connectors=(Connector(1, "Charging", "IEC 62196", "Socket", "AC_3_PHASE", since=later(10)),),
        seen_at=later(10),
        priced_at=NOW,
    )


@pytest.mark.parametrize(("at", "hold"), [(-30, 5000), (0, 5000), (5, 9900)])
def test_of_two_prices_the_younger_is_kept(store: Store, at: float, hold: int) -> None:
    store.save_card(public_card())
    store.save_sightings([sighting(10, price=Price(TARIFF, 9900, later(at)))], later(11))
    assert card_of(store).preauth_minor == hold
    assert card_of(store).priced_at == later(max(at, 0))


def test_older_states_than_the_cards_are_left_alone(store: Store) -> None:
    store.save_card(public_card(20))
    assert store.save_sightings([sighting(10, Connector(1, "Charging"))], later(21)) == []
    assert card_of(store) == public_card(20)


def test_a_connector_that_was_not_seen_stays_and_is_not_known(store: Store) -> None:
    store.save_card(public_card(connectors=(Connector(2, "Available"), Connector(3, "Charging"))))
    assert store.save_sightings([sighting(10, Connector(3, "Charging"), Connector(1, "Faulted"))], later(11)) == ["ABC"]
    assert [(each.connector_id, each.status) for each in card_of(store).connectors] == [
        (1, "Faulted"),
        (2, None),
        (3, "Charging"),
    ]


def test_only_what_reads_differently_or_was_too_old_to_be_shown_is_named(store: Store) -> None:
    both = [sighting(10), sighting(10, code="XYZ")]
    assert store.save_sightings(both, later(11)) == ["ABC", "XYZ"]
    assert store.save_sightings([sighting(20), sighting(20, Connector(1, "Charging"), code="XYZ")], later(21)) == [
        "XYZ"
    ]
    assert store.save_sightings([sighting(30)], later(31)) == []
    assert store.save_sightings([sighting(200)], later(201)) == ["ABC"]
    assert store.save_sightings([], later(300)) == []


def test_a_charger_that_is_seen_twice_in_one_go_is_written_twice(store: Store) -> None:
    twice = [sighting(10, Connector(1, "Charging")), sighting(10, Connector(1, "Finishing"))]
    assert store.save_sightings(twice, later(11)) == ["ABC", "ABC"]
    assert [each.status for each in card_of(store).connectors] == ["Finishing"]


def test_wishes_and_problems_are_about_the_public_card_and_stay(store: Store) -> None:
    store.note_card_problem("ABC", Refusal.UNKNOWN_CHARGER, NOW)
    store.want_card("ABC", later(1))
    store.save_sightings([sighting(10)], later(11))
    assert store.card_problem("ABC") == Problem(Refusal.UNKNOWN_CHARGER, NOW)
    assert store.wanted_cards() == [CardWish("ABC", later(1))]


def test_a_card_that_was_stored_before_prices_had_an_age_still_reads(store: Store) -> None:
    with store._database.write() as connection:
        connection.execute(insert(chargers).values(code="ABC", card=public_card()))
        stored = connection.execute(text("SELECT card FROM chargers")).scalar_one()
    assert "priced_at" not in stored
    assert card_of(store) == public_card()
    assert card_of(store).whole_at == NOW


def test_a_word_that_was_left_out_is_remembered_in_the_store(store: Store) -> None:
    store.save_sightings([sighting(0, Connector(1, "Available"), Connector(2, "Available"))], NOW)
    store.save_sightings([sighting(10, Connector(1, "Charging"), Connector(2, "Available"))], later(11))
    store.save_sightings([sighting(20, Connector(2, "Available"))], later(21))
    assert card_of(store).connectors[0] == Connector(
        1, None, since=later(20), last="Charging", last_at=later(10), last_since=later(10)
    )
    store.save_sightings([sighting(30, Connector(1, "Charging"), Connector(2, "Available"))], later(31))
    assert card_of(store).connectors[0] == Connector(1, "Charging", since=later(10))


NAIVE = NOW.replace(tzinfo=None)
CALLS_WITH_A_NAIVE_TIME: dict[str, Callable[[Store], object]] = {
    "save_tree": lambda store: store.save_tree("garage", FuseTree(), NAIVE),
    "save_lab_facts": lambda store: store.save_lab_facts("ABC", LabFacts(), NAIVE),
    "save_sightings": lambda store: store.save_sightings([replace(sighting(), at=NAIVE)], NOW),
}


@pytest.mark.parametrize("call", CALLS_WITH_A_NAIVE_TIME.values(), ids=CALLS_WITH_A_NAIVE_TIME)
def test_a_time_without_a_zone_is_refused(store: Store, call: Callable[[Store], object]) -> None:
    with pytest.raises(NaiveTime, match="zone"):
        call(store)


def test_a_card_is_fresh_only_when_price_and_states_are() -> None:
    card = public_card(100, priced_at=later(70))
    assert card.whole_at == later(70)
    assert card.fresh(later(100), timedelta(seconds=30))
    assert not card.fresh(later(101), timedelta(seconds=30))
    assert not card.stale(later(150))
    assert public_card(100).fresh(later(110), timedelta(seconds=10))
