"""The picture of a fuse tree: well-formed whatever is in it, complete, and true to the figures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.charts.fuse_tree import draw
from kiosk.charts.words import figure, table
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.expectation import Place, PoweredCharger
from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind
from kiosk.domain.power import expected_power
from kiosk.domain.rating import Rating
from tests.examples import at_most

T0 = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</text><script>alert(1)</script>&"\x00\x1b\ud800\u202e\ufffe'


def fuse(name: str | None, limit: int | None, *children: Node, **more: Any) -> Node:
    return Node(NodeKind.FUSE, name, None if limit is None else Decimal(limit), children=children, **more)


def station(code: str, points: int = 1, **more: Any) -> Node:
    listed = tuple(FuseConnector(code, number, None, None, Decimal(32), 3) for number in range(1, points + 1))
    return Node(NodeKind.STATION, code, connectors=listed, **more)


def charger(code: str, *words: str, online: bool = True) -> PoweredCharger:
    connectors = tuple(Connector(number, word, power_type="AC_3_PHASE") for number, word in enumerate(words, 1))
    return PoweredCharger(ChargerCard(code, None, online, connectors, None, None, T0))


def drawn(tree: FuseTree | Node, *chargers: PoweredCharger, **more: Any) -> str:
    whole = FuseTree((tree,)) if isinstance(tree, Node) else tree
    return draw(whole, chargers, expected_power(whole, chargers, T0), T0, **more)


def texts(picture: str) -> list[str]:
    return ["".join(one.itertext()) for one in ET.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314 - our own


def titles(picture: str) -> str:
    return " ".join("".join(one.itertext()) for one in ET.fromstring(picture).iter(f"{SVG}title"))  # noqa: S314


def high(picture: str) -> float:
    return float(ET.fromstring(picture).attrib["height"])  # noqa: S314 - our own


def test_every_part_is_drawn_with_its_kind_its_name_and_its_limit() -> None:
    yard = Node(NodeKind.GROUP, "Yard", children=(station("S1"),))
    said = texts(drawn(fuse("Main", 63, yard), charger("S1", "Available")))
    for words in ("Fuse Main", "63 A per phase", "Group Yard", "Charger S1", "S1/1, free", "now 22 kW, full 22 kW"):
        assert words in said


def test_the_limit_that_binds_is_marked_and_others_are_not() -> None:
    tree = fuse("Main", 250, fuse("Cabinet", 40, station("S1"), station("S2")))
    picture = drawn(tree, charger("S1", "Charging"), charger("S2", "Available"))
    assert texts(picture).count("sets the power of 2 bays") == 1
    assert picture.count('class="box binds"') == 1
    assert texts(picture).index("Fuse Cabinet") < texts(picture).index("sets the power of 2 bays")


def test_of_two_alike_the_one_above_the_connector_is_marked() -> None:
    tree = fuse("Main", 250, fuse("Cabinet", 40, station("S1")), fuse("Cabinet", 40, station("S2"), station("S3")))
    chargers = [charger("S1", "Available"), charger("S2", "Charging"), charger("S3", "Charging")]
    said = texts(drawn(tree, *chargers))
    first, second = (place for place, words in enumerate(said) if words == "Fuse Cabinet")
    assert "sets the power of 2 bays" not in said[first:second]
    assert "sets the power of 2 bays" in said[second:]


def test_what_buildings_and_lost_chargers_keep_is_said() -> None:
    meter = Meter(consumer=True, consumer_name="Shops", fallback_amperes=Decimal(20), producer=True)
    tree = fuse("Main", 63, station("S1"), station("S2", fallback=Decimal(6)), meter=meter)
    said = texts(drawn(tree, charger("S1", "Available"), charger("S2", "Available", online=False)))
    for words in ("Shops keeps 20 A", "producer, not counted on", "6 A a bay without contact", "S2/1, no contact"):
        assert words in said


def test_limits_and_loads_that_are_not_known_are_called_so() -> None:
    said = texts(drawn(fuse(None, None, station("S1"), meter=Meter(consumer=True))))
    assert "limit not known" in said
    assert "building takes nobody knows how much" in said


def test_painted_names_replace_codes() -> None:
    said = texts(drawn(fuse("Main", 63, station("S1")), charger("S1", "Charging"), labels={Place("S1", 1): "12"}))
    assert "Bay 12, in use" in said


def test_connectors_of_others_are_drawn_as_taken() -> None:
    said = texts(drawn(fuse("Main", 63, station("S1"))))
    assert "S1/1" in said
    assert "not ours, taken as in use" in said


def test_a_charger_that_is_not_in_the_tree_stands_beside_it() -> None:
    said = texts(drawn(fuse("Main", 63, station("S1")), charger("FAR", "Available")))
    assert said.index("Not in the fuse tree") < said.index("FAR/1, free")


def test_a_connector_that_the_tree_forgot_stands_at_its_charger() -> None:
    said = texts(drawn(fuse("Main", 63, station("S1")), charger("S1", "Available", "Charging")))
    assert "S1/2, in use" in said
    assert "Not in the fuse tree" not in said


def test_equal_chargers_are_drawn_once_and_all_named() -> None:
    codes = [f"CP{number:03}" for number in range(200)]
    tree = fuse("Main", 63, *(station(code, 2) for code in codes))
    picture = drawn(tree, *(charger(code, "Available", "Available") for code in codes))
    said = texts(picture)
    assert "200 equal chargers" in said
    assert high(picture) < 1500
    joined = " ".join(said)
    assert all(f"{code}/1" in joined and f"{code}/2" in joined for code in codes)


def test_chargers_that_differ_are_not_folded() -> None:
    tree = fuse("Main", 630, *(station(code) for code in ("S1", "S2", "S3")))
    said = texts(drawn(tree, charger("S1", "Available"), charger("S2", "Charging"), charger("S3", "Faulted")))
    assert [words for words in said if words.startswith("Charger ")] == ["Charger S1", "Charger S2", "Charger S3"]


def test_many_connectors_of_one_charger_wrap() -> None:
    picture = drawn(fuse("Main", 63, station("S1", 40)), charger("S1", *["Available"] * 40))
    for one in ET.fromstring(picture).iter(f"{SVG}rect"):  # noqa: S314 - our own
        assert float(one.attrib.get("x", 0)) + float(one.attrib["width"]) <= 960


def test_hostile_names_stay_text() -> None:
    tree = Node(NodeKind.FUSE, HOSTILE, Decimal(63), children=(station(HOSTILE),))
    picture = drawn(tree, charger(HOSTILE, "Available"), labels={Place(HOSTILE, 1): HOSTILE}, title=HOSTILE)
    root = ET.fromstring(picture)  # noqa: S314 - our own
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {"svg", "title", "style", "rect", "g", "text", "path"}
    assert "alert(1)" in titles(picture)


def test_a_tree_that_is_deeper_than_any_stack_is_drawn() -> None:
    node = station("S1")
    for depth in range(3000):
        node = fuse(f"F{depth}", 63, node)
    assert len(texts(drawn(node))) > 6000


def test_nothing_to_draw_is_said() -> None:
    assert "The tree is empty." in texts(drawn(FuseTree()))
    assert any("upper bound" in words for words in texts(drawn(FuseTree(complete=False))))


def test_the_picture_needs_nothing_from_anywhere() -> None:
    picture = drawn(fuse("Main", 63, station("S1")), charger("S1", "Available"))
    assert "http" not in picture.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "prefers-color-scheme: dark" in picture


names = st.text(max_size=30)
amperes = st.none() | st.integers(0, 400).map(Decimal)
points = st.builds(FuseConnector, st.none() | names, st.none() | st.integers(1, 3), st.none() | names, amperes, amperes)
leaves = st.builds(
    Node, st.sampled_from(NodeKind), st.none() | names, amperes, connectors=st.lists(points, max_size=4).map(tuple)
)
meters = st.none() | st.builds(Meter, st.booleans(), st.none() | names, amperes, amperes)


def nodes(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(
        Node,
        st.sampled_from(NodeKind),
        st.none() | names,
        amperes,
        fallback=amperes,
        meter=meters,
        connectors=st.lists(points, max_size=4).map(tuple),
        children=st.lists(children, max_size=4).map(tuple),
    )


@settings(deadline=None, max_examples=at_most(60))
@given(st.lists(st.recursive(leaves, nodes, max_leaves=12), max_size=2), st.data())
def test_any_tree_gives_a_whole_picture_with_every_connector(roots: list[Node], data: st.DataObject) -> None:
    tree = FuseTree(tuple(roots))
    codes = data.draw(st.lists(names.filter(bool), max_size=4, unique_by=str.casefold))
    chargers = [
        charger(code, *data.draw(st.lists(st.sampled_from(["Available", "Charging"]), max_size=3))) for code in codes
    ]
    expectations = expected_power(tree, chargers, T0)
    labels = {place: f"<{number}>" for number, place in enumerate(expectations)}
    picture = draw(tree, chargers, expectations, T0, labels=labels)
    everything = " ".join(texts(picture)) + titles(picture)
    assert all(f"Bay {label}" in everything for label in labels.values())


def test_the_table_says_what_the_picture_shows() -> None:
    tree = FuseTree((fuse("Main", 40, station("S1"), station("S2")),))
    chargers = [charger("S1", "Available"), charger("S2", "Charging")]
    lines = table(expected_power(tree, chargers, T0), {Place("S1", 1): "12"})
    assert lines[0].split("  ")[0] == "bay"
    assert lines[1].split() == [
        "12",
        "S1",
        "13.8",
        "kW",
        "13.8",
        "kW",
        "fuse",
        "Main,",
        "40",
        "A,",
        "shared",
        "by",
        "2",
    ]


def test_the_table_says_what_was_assumed_and_what_is_an_upper_bound() -> None:
    one = charger("S1", "Available")
    one = replace(one, ratings={1: Rating(max_kw=Decimal(22))})
    (_head, line) = table(expected_power(None, [one], T0), {})
    assert "at most 22 kW" in line
    assert line.endswith("there is no fuse tree")


@pytest.mark.parametrize(
    ("value", "text"), [("63", "63"), ("63.0", "63"), ("1E+2", "100"), ("15.75", "15.75"), ("0", "0")]
)
def test_figures_are_short(value: str, text: str) -> None:
    assert figure(Decimal(value)) == text
