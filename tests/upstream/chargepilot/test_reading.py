"""ChargePilot's sites out of JSON that cannot be trusted: the documented tree, odd fields, depth, size and loops."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.fuses import FuseConnector, FuseTree, Meter, Node, NodeKind, spots
from kiosk.upstream.chargepilot.reading import (
    MOST_DEPTH,
    MOST_NODES,
    MOST_SITES,
    PilotSite,
    read_site,
    read_sites,
    read_timezone,
    read_tree,
)
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.http import decode

DOCUMENTED = {
    "id": "site-41",
    "name": "Yard South",
    "timezone": "Europe/Amsterdam",
    "local_controller": {"id": "lc-3", "name": "Box", "serial_no": "S-1", "device_id": "d-1"},
    "fuse_tree": [
        {
            "type": "fuse",
            "parameters": {
                "name": "Grid",
                "limit": 200,
                "inbound_limit": 180.5,
                "outbound_limit": 60,
                "order": 0,
                "depth": "0",
                "fuse_id": "f-1",
                "meter": {
                    "is_producer": True,
                    "producer_name": "Roof",
                    "producer_current": 12.5,
                    "is_consumer": True,
                    "consumer_name": "Office",
                    "max_possible_current": 300,
                    "fallback_value": 70,
                    "primary_transformer_ratio": 300,
                    "secondary_transformer_ratio": 5,
                },
            },
            "children": [
                {
                    "type": "charging station",
                    "parameters": {
                        "name": "Post 1",
                        "limit": 32,
                        "fallback": 6,
                        "pending_fallback_value": 8,
                        "fallback_status": "active",
                        "order": 0,
                        "depth": "1",
                        "firmware_version": "2.0",
                        "additional_comments": "beside the gate",
                        "connectors": [
                            {
                                "id": "c-9",
                                "name": "Left",
                                "connector_id": "1",
                                "charging_station_id": "CP-9",
                                "priority": 1,
                                "charging_capability": [6, 32],
                                "discharge_capability": [],
                            }
                        ],
                    },
                    "children": [],
                }
            ],
        }
    ],
}


def tree_of(*roots: object) -> FuseTree:
    tree = read_tree(list(roots))
    assert tree is not None
    return tree


def node_of(kind: object = "fuse", children: object = None, **parameters: object) -> Node:
    return tree_of({"type": kind, "parameters": parameters, "children": children}).roots[0]


def connector_of(**fields: object) -> FuseConnector:
    return node_of("charging station", connectors=[fields]).connectors[0]


# --- the documented form


def test_the_documented_tree_is_read_whole() -> None:
    left = FuseConnector("CP-9", 1, "Left", Decimal(6), Decimal(32), priority=Decimal(1))
    post = Node(NodeKind.STATION, "Post 1", Decimal(32), fallback=Decimal(8), connectors=(left,))
    meter = Meter(True, "Office", Decimal(300), Decimal(70), True, "Roof", Decimal("12.5"))
    grid = Node(NodeKind.FUSE, "Grid", Decimal(200), Decimal("180.5"), Decimal(60), meter=meter, children=(post,))
    expected = PilotSite("site-41", "Yard South", "Europe/Amsterdam", FuseTree((grid,)))
    body = decode(json.dumps(DOCUMENTED).encode())
    assert read_site(body, "site-41") == expected
    assert read_sites([body]) == (expected,)


@pytest.mark.parametrize(
    "body",
    [
        [DOCUMENTED],
        {"data": [DOCUMENTED]},
        {"sites": [DOCUMENTED]},
        {"data": {"sites": [DOCUMENTED]}},
        {"data": [DOCUMENTED, DOCUMENTED, None, 5, {"name": "without an id"}], "meta": {}},
    ],
)
def test_a_list_of_sites_may_be_wrapped(body: object) -> None:
    assert [site.id for site in read_sites(body)] == ["site-41"]


@pytest.mark.parametrize("body", [[], {"data": []}, {"sites": []}])
def test_no_sites_are_no_sites(body: object) -> None:
    assert read_sites(body) == ()


@pytest.mark.parametrize(
    "body", [None, 5, "x", {}, {"data": None}, {"data": {"data": {"data": []}}}, {"message": "no"}]
)
def test_what_has_no_list_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_sites(body)


def test_of_very_many_sites_the_first_are_read() -> None:
    assert len(read_sites([{"id": str(number)} for number in range(MOST_SITES + 5)])) == MOST_SITES


@pytest.mark.parametrize(
    "body", [DOCUMENTED, {"data": DOCUMENTED}, {"site": DOCUMENTED}, {"data": [DOCUMENTED]}, [DOCUMENTED]]
)
def test_one_site_may_be_wrapped(body: object) -> None:
    assert read_site(body, "site-41").name == "Yard South"


@pytest.mark.parametrize("body", [None, 5, [], [5], {}, {"data": None}, {"data": {}}, {"site": []}, {"name": "x"}])
def test_what_has_no_site_is_no_answer(body: object) -> None:
    with pytest.raises(NoAnswer):
        read_site(body, "site-41")


def test_an_answer_about_another_site_is_no_answer() -> None:
    with pytest.raises(NoAnswer):
        read_site(DOCUMENTED, "site-42")


def test_a_site_without_an_id_is_the_one_that_was_asked_for() -> None:
    assert read_site({"fuse_tree": None}, "s") == PilotSite("s", None, None, None)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Europe/Amsterdam", "Europe/Amsterdam"),
        (" UTC ", "UTC"),
        ("Europe/Atlantis", None),
        ("CEST+2", None),
        ("../../etc/passwd", None),
        ("Europe", None),
        ("", None),
        (None, None),
        (2, None),
        ("ä\ud800", None),
    ],
)
def test_a_time_zone_is_one_that_exists_or_none(said: object, read: str | None) -> None:
    assert read_timezone(said) == read


# --- nodes


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("fuse", NodeKind.FUSE),
        ("FUSE", NodeKind.FUSE),
        ("Sub-Fuse", NodeKind.FUSE),
        ("MainFuse", NodeKind.FUSE),
        ("circuit_breaker", NodeKind.FUSE),
        ("charging station", NodeKind.STATION),
        ("ChargingStation", NodeKind.STATION),
        ("CHARGING_STATION", NodeKind.STATION),
        ("charge point", NodeKind.STATION),
        ("EVSE", NodeKind.STATION),
        ("connector group", NodeKind.GROUP),
        ("connectorGroup", NodeKind.GROUP),
        ("connectors", NodeKind.GROUP),
        ("meter", NodeKind.METER),
        ("confused", NodeKind.UNKNOWN),
        ("", NodeKind.UNKNOWN),
        (None, NodeKind.UNKNOWN),
        (7, NodeKind.UNKNOWN),
    ],
)
def test_the_type_is_recognised_by_its_words(word: object, kind: NodeKind) -> None:
    assert node_of(word).kind is kind


def test_without_a_known_type_connectors_or_a_meter_tell_what_it_is() -> None:
    assert node_of("thing", connectors=[{}]).kind is NodeKind.STATION
    assert node_of(None, meter={}).kind is NodeKind.METER


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (63, Decimal(63)),
        ("63", Decimal(63)),
        ("62.5", Decimal("62.5")),
        (0, Decimal(0)),
        (-1, None),
        (10**6, None),
        ("63 A", None),
        (True, None),
        ([63], None),
        (None, None),
    ],
)
def test_a_limit_is_a_sensible_number_or_not_known(said: object, read: Decimal | None) -> None:
    assert node_of(limit=said).limit == read


@pytest.mark.parametrize(
    ("parameters", "read"),
    [
        ({"fallback": 6}, 6),
        ({"fallback": 6, "pending_fallback_value": 10}, 10),
        ({"fallback": 6, "pending_fallback_value": 0, "fallback_status": "ACTIVE"}, 6),
        ({"fallback": 0}, 0),
        ({"fallback": 6, "fallback_status": "inactive"}, None),
        ({"fallback": 6, "fallback_status": "NOT_SET"}, None),
        ({"fallback": 6, "fallback_status": 5}, 6),
        ({"pending_fallback_value": 6}, None),
        ({}, None),
    ],
)
def test_a_fallback_counts_when_it_is_in_force(parameters: dict[str, Any], read: int | None) -> None:
    assert node_of("charging station", **parameters).fallback == read


@pytest.mark.parametrize(
    ("said", "consumer", "load"),
    [
        ({"is_consumer": True, "max_possible_current": 400, "fallback_value": 80}, True, 80),
        ({"is_consumer": "true", "max_possible_current": "50"}, True, None),
        ({"is_consumer": True, "max_possible_current": 100, "fallback_value": 0}, True, 0),
        ({"is_consumer": True, "max_possible_current": 40, "fallback_value": 80}, True, 80),
        ({"is_consumer": True}, True, None),
        ({"max_possible_current": 30}, True, None),
        ({"fallback_value": 30}, True, 30),
        ({"is_producer": True, "fallback_value": 30}, False, None),
        ({"is_consumer": False, "fallback_value": 30}, False, None),
        ({}, False, None),
    ],
)
def test_a_meter_tells_what_the_building_keeps(said: dict[str, Any], consumer: bool, load: int | None) -> None:
    meter = node_of(meter=said).meter
    assert meter is not None
    assert (meter.consumer, meter.load) == (consumer, load)


@pytest.mark.parametrize("said", [None, 5, "meter", []])
def test_what_is_no_meter_is_none(said: object) -> None:
    assert node_of(meter=said).meter is None


# --- connectors


@pytest.mark.parametrize(("said", "number"), [("1", 1), (2, 2), ("2.0", 2), ("one", None), (None, None), (-1, None)])
def test_the_connectors_number_is_a_text_of_digits(said: object, number: int | None) -> None:
    assert connector_of(connector_id=said).number == number


@pytest.mark.parametrize(
    ("said", "least", "most", "phases"),
    [
        ([6, 32], 6, 32, None),
        ([32, 6], 6, 32, None),
        (["6", "16"], 6, 16, None),
        ([6, 8, 10, 13, 16], 6, 16, None),
        ([6, 16, 32], 6, 32, None),
        ([16, 16, 16], None, 16, 3),
        ([32, 0, 0], None, 32, 1),
        ([0, 0, 0], 0, 0, None),
        ([16], None, 16, None),
        (16, None, 16, None),
        ([None, 16], None, 16, None),
        ([], None, None, None),
        ([None, "x", -3], None, None, None),
        (None, None, None, None),
        ({"max": 3}, None, None, None),
    ],
)
def test_a_capability_is_a_range_or_a_figure_for_each_phase(
    said: object, least: int | None, most: int | None, phases: int | None
) -> None:
    connector = connector_of(charging_capability=said)
    assert (connector.least_amperes, connector.most_amperes, connector.phases) == (least, most, phases)


@pytest.mark.parametrize(
    ("said", "lines"),
    [([32, 0, 0], (1,)), ([0, 32, 0], (2,)), ([0, 0, 16], (3,)), ([16, 0, 16], (1, 3)), ([6, 32], None)],
)
def test_a_figure_for_each_phase_says_which_they_are(said: object, lines: tuple[int, ...] | None) -> None:
    assert connector_of(charging_capability=said).lines == lines


@pytest.mark.parametrize(("said", "priority"), [(2, 2), ("3", 3), (0, 0), (None, None), ("high", None)])
def test_the_priority_of_a_connector_is_read(said: object, priority: int | None) -> None:
    assert connector_of(priority=said).priority == priority


@pytest.mark.parametrize("said", [None, 5, "1", {}, {"0": {}}, [None, 5, []]])
def test_what_is_no_list_of_connectors_is_none(said: object) -> None:
    assert node_of("charging station", connectors=said).connectors == ()


# --- trees that nobody should believe


@pytest.mark.parametrize("value", [None, 5, "tree", [], [None, 5, "fuse", []]])
def test_what_has_no_node_is_no_tree(value: object) -> None:
    assert read_tree(value) is None


def test_one_root_may_stand_where_a_list_belongs() -> None:
    assert read_tree({"type": "fuse"}) == FuseTree((Node(NodeKind.FUSE),))


@pytest.mark.parametrize("children", [None, 5, {}, "x", [None, 5, "x", []]])
def test_missing_children_are_none(children: object) -> None:
    assert node_of(children=children).children == ()


@pytest.mark.parametrize("parameters", [None, 5, [], "x"])
def test_missing_parameters_leave_a_bare_node(parameters: object) -> None:
    assert tree_of({"type": "fuse", "parameters": parameters}).roots == (Node(NodeKind.FUSE),)


def test_children_keep_their_order() -> None:
    inner = [{"type": "fuse", "parameters": {"name": name}} for name in "abc"]
    tree = tree_of({"children": inner}, {"parameters": {"name": "z"}})
    assert [spot.node.name for spot in spots(tree)] == [None, "a", "b", "c", "z"]


def test_a_tree_that_is_too_deep_is_cut_and_says_so() -> None:
    deep: dict[str, Any] = {"type": "fuse"}
    for _ in range(MOST_DEPTH - 1):
        deep = {"children": [deep]}
    assert (tree_of(deep).complete, len(spots(tree_of(deep)))) == (True, MOST_DEPTH)
    deeper = tree_of({"children": [deep]})
    assert (deeper.complete, len(spots(deeper))) == (False, MOST_DEPTH)


def test_a_tree_that_is_too_large_is_cut_and_says_so() -> None:
    wide = tree_of({"children": [{} for _ in range(MOST_NODES - 1)]})
    assert (wide.complete, len(spots(wide))) == (True, MOST_NODES)
    wider = tree_of({"children": [{} for _ in range(MOST_NODES)]})
    assert (wider.complete, len(spots(wider))) == (False, MOST_NODES)


def test_a_list_of_connectors_that_is_too_large_is_cut_and_says_so() -> None:
    full = tree_of({"parameters": {"connectors": [{}] * (MOST_NODES - 1)}})
    assert (full.complete, len(full.roots[0].connectors)) == (True, MOST_NODES - 1)
    over = tree_of({"parameters": {"connectors": [{}] * MOST_NODES}})
    assert (over.complete, len(over.roots[0].connectors)) == (False, MOST_NODES - 1)


def test_a_loop_ends() -> None:
    loop: dict[str, Any] = {"type": "fuse", "parameters": {"name": "Loop"}}
    loop["children"] = [loop, {"type": "fuse", "children": [loop]}]
    assert [spot.node.name for spot in spots(tree_of(loop))] == ["Loop", None]


def test_a_node_that_stands_below_itself_is_that_node() -> None:
    again = {
        "parameters": {
            "fuse_id": "f-1",
            "limit": 5,
            "meter": {"fallback_value": 9},
            "connectors": [{"connector_id": 2}],
        },
        "children": [{"parameters": {"name": "Leaf"}}],
    }
    middle = {"type": "station", "parameters": {"fuse_id": "f-2"}, "children": [again]}
    tree = tree_of({"parameters": {"fuse_id": "f-1", "limit": 63}, "children": [middle]})
    found = [(spot.node.limit, spot.node.name, spot.depth, len(spot.node.connectors)) for spot in spots(tree)]
    assert found == [(Decimal(63), None, 0, 0), (None, None, 1, 1), (None, "Leaf", 2, 0)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "type",
                    "parameters",
                    "children",
                    "connectors",
                    "meter",
                    "limit",
                    "fuse_id",
                    "charging_capability",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_whatever_json_comes_it_is_a_tree_or_none(value: object) -> None:
    tree = read_tree(decode(json.dumps(value).encode()))
    assert tree is None or len(spots(tree)) >= 1


@given(json_values)
def test_whatever_json_comes_it_is_sites_or_no_answer(value: object) -> None:
    for read in (read_sites, lambda body: read_site(body, "s")):
        try:
            read(decode(json.dumps(value).encode()))
        except NoAnswer:
            continue
