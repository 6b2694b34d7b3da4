"""Which is which at Plugchoice and ChargePilot: proposed by names and connectors, never twice, never by guessing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import Connector
from kiosk.domain.crosswalk import (
    LEAST,
    Kind,
    Matching,
    OurSite,
    Place,
    Reason,
    Thing,
    crosswalk,
    match_places,
    match_things,
    place_of,
    place_of_tree,
)
from kiosk.domain.fuses import FuseConnector, FuseTree, Node, NodeKind
from kiosk.domain.site_board import ChargerRef, Location, SiteCharger, SiteConnector, Trouble

NAMES = st.sampled_from(
    ["CP-1", "cp 1", "NL*ABC*00001", "ABC00001", "00001", "Gate", "gate ", "-", "", "CP-2", "7MK4T"]
)
NUMBERS = st.frozensets(st.integers(1, 3), max_size=3)


@st.composite
def things(draw: st.DrawFn, prefix: str) -> list[Thing]:
    told = draw(st.lists(st.tuples(st.lists(NAMES, max_size=3), NUMBERS), max_size=6))
    return [Thing(f"{prefix}{number}", tuple(names), bays) for number, (names, bays) in enumerate(told)]


@st.composite
def places(draw: st.DrawFn, prefix: str) -> list[Place]:
    count = draw(st.integers(0, 3))
    return [
        Place(f"{prefix}{number}", draw(st.none() | NAMES), tuple(draw(things(f"{prefix}{number}-"))))
        for number in range(count)
    ]


def once(found: Matching) -> bool:
    lefts, rights = [one.left for one in found.sure], [one.right for one in found.sure]
    return len(lefts) == len(set(lefts)) and len(rights) == len(set(rights))


@given(things("a"), things("b"), st.randoms())
def test_the_order_of_neither_side_counts(lefts: list[Thing], rights: list[Thing], luck: object) -> None:
    before = match_things(lefts, rights)
    luck.shuffle(lefts)  # type: ignore[attr-defined]
    luck.shuffle(rights)  # type: ignore[attr-defined]
    assert match_things(lefts, rights) == before


@given(things("a"), things("b"))
def test_the_same_is_found_from_the_other_side(lefts: list[Thing], rights: list[Thing]) -> None:
    there, back = match_things(lefts, rights), match_things(rights, lefts)
    assert {(one.left, one.right, one.score) for one in there.sure} == {
        (one.right, one.left, one.score) for one in back.sure
    }


@given(things("a"), things("b"))
def test_nothing_is_used_twice_and_every_pair_has_a_reason(lefts: list[Thing], rights: list[Thing]) -> None:
    found = match_things(lefts, rights)
    assert once(found)
    assert all(LEAST <= one.score <= 100 and one.reasons for one in (*found.sure, *found.unsure))


@given(things("a"), things("b"))
def test_a_twin_takes_every_proposal_away_that_fitted_the_one(lefts: list[Thing], rights: list[Thing]) -> None:
    found = match_things(lefts, rights)
    for one in found.sure:
        (original,) = (each for each in rights if each.id == one.right)
        twin = Thing("twin", original.names, original.connectors)
        assert one.right not in {
            each.right for each in match_things(lefts, [*rights, twin]).sure if each.left == one.left
        }


@given(places("a"), places("b"), st.randoms())
def test_sites_are_found_in_any_order_and_once(lefts: list[Place], rights: list[Place], luck: object) -> None:
    before = match_places(lefts, rights)
    assert once(before)
    assert all(LEAST <= one.score <= 100 for one in before.sure)
    luck.shuffle(lefts)  # type: ignore[attr-defined]
    luck.shuffle(rights)  # type: ignore[attr-defined]
    assert match_places(lefts, rights) == before


@given(places("a"), places("b"), places("c"))
def test_a_walk_joins_nothing_twice_and_nothing_that_is_settled(
    ours: list[Place], plugchoice: list[Place], pilot: list[Place]
) -> None:
    settled = [
        OurSite(place, plugchoice_site=plugchoice[0].id if number == 0 and plugchoice else None)
        for number, place in enumerate(ours)
    ]
    walk = crosswalk(settled, plugchoice, pilot)
    for side in ("subject", "value"):
        pairs = [(one.kind, getattr(one, side)) for one in walk.proposals]
        assert len(pairs) == len(set(pairs))
    if ours and plugchoice:
        of_sites = [one for one in walk.proposals if one.kind is Kind.PLUGCHOICE_SITE]
        assert all((one.subject, one.value) != (ours[0].id, plugchoice[0].id) for one in of_sites)
        assert plugchoice[0].id not in {one.value for one in of_sites}


@pytest.mark.parametrize(
    ("one", "other", "score", "reasons"),
    [
        (Thing("a", ("CP-1",)), Thing("b", ("cp-1 ",)), 80, (Reason.SAME_NAME,)),
        (Thing("a", ("CP-1",)), Thing("b", ("CP 1",)), 65, (Reason.SAME_SIGNS,)),
        (Thing("a", ("NL*ABC*00001",)), Thing("b", ("abc-00001",)), 45, (Reason.NAME_ENDS,)),
        (
            Thing("a", ("CP-1",), frozenset({1, 2})),
            Thing("b", ("CP-1",), frozenset({1, 2})),
            100,
            (Reason.SAME_NAME, Reason.SAME_CONNECTORS),
        ),
        (
            Thing("a", ("CP-1",), frozenset({1, 2})),
            Thing("b", ("CP-1",), frozenset({1})),
            90,
            (Reason.SAME_NAME, Reason.SOME_CONNECTORS),
        ),
    ],
)
def test_the_better_two_names_fit_the_surer(one: Thing, other: Thing, score: int, reasons: tuple[Reason, ...]) -> None:
    (found,) = match_things([one], [other]).sure
    assert (found.score, found.reasons) == (score, reasons)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Thing("a", ("CP-1",)), Thing("b", ("CP-2",))),
        (Thing("a", ("0001",)), Thing("b", ("ABC0001",))),  # too short to say anything at the end of another
        (Thing("a", ("-",)), Thing("b", ("-",))),
        (Thing("a", (), frozenset({1, 2})), Thing("b", (), frozenset({1, 2}))),
        (Thing("a", ("CP-1",), frozenset({1})), Thing("b", ("CP-1",), frozenset({2}))),
    ],
)
def test_what_does_not_fit_is_not_proposed(one: Thing, other: Thing) -> None:
    assert match_things([one], [other]) == Matching((), ())


def test_of_two_that_fit_alike_neither_is_proposed_and_both_are_told() -> None:
    found = match_things([Thing("a", ("Gate",))], [Thing("b", ("gate",)), Thing("c", ("Gate",))])
    assert found.sure == ()
    assert [(one.left, one.right) for one in found.unsure] == [("a", "b"), ("a", "c")]


def test_who_is_left_when_the_surer_ones_are_joined_is_joined_too() -> None:
    lefts = [Thing("a", ("ABC00001",)), Thing("b", ("X-ABC00001",))]
    rights = [Thing("c", ("ABC00001",)), Thing("d", ("Y-ABC00001", "ABC-00001"))]
    assert [(one.left, one.right) for one in match_things(lefts, rights).sure] == [("a", "c"), ("b", "d")]


# --- the whole walk


def garage(**settled: object) -> OurSite:
    bays = frozenset({1, 2})
    things = (Thing("7MK4T", ("7MK4T",), bays), Thing("9QX6B", ("9QX6B",), bays))
    return OurSite(Place("garage", "Garage", things), **settled)  # type: ignore[arg-type]


AT_PLUGCHOICE = Place(
    "uuid-1",
    "Garage",
    (
        Thing("u1", ("7MK4T", "CP-0001"), frozenset({1, 2})),
        Thing("u2", ("9QX6B", "CP-0002"), frozenset({1, 2})),
        Thing("u3", ("CP-0003",)),
    ),
)
AT_PILOT = Place("42", "GARAGE", (Thing("cp_0001", ("cp_0001",), frozenset({1, 2})), Thing("cp_0002", ("cp_0002",))))


def test_a_charger_is_found_at_chargepilot_by_what_plugchoice_calls_it() -> None:
    found = crosswalk([garage()], [AT_PLUGCHOICE], [AT_PILOT])
    assert [(one.kind, one.subject, one.value, one.name, one.score) for one in found.proposals] == [
        (Kind.PLUGCHOICE_SITE, "garage", "uuid-1", "Garage", 100),
        (Kind.CHARGEPILOT_SITE, "garage", "42", "GARAGE", 100),
        (Kind.STATION, "7MK4T", "cp_0001", "cp_0001", 85),
        (Kind.STATION, "9QX6B", "cp_0002", "cp_0002", 65),
    ]
    assert found.proposals[0].reasons == (Reason.CHARGERS, Reason.SAME_NAME)
    assert found.unsure == ()


def test_what_is_settled_is_not_proposed_again_and_not_to_others() -> None:
    settled = garage(plugchoice_site="uuid-1", chargepilot_site="42", stations={"7MK4T": ("CP_0001",)})
    other = OurSite(Place("yard", "Garage"))
    found = crosswalk([settled, other], [AT_PLUGCHOICE], [AT_PILOT])
    assert [(one.subject, one.value) for one in found.proposals] == [("9QX6B", "cp_0002")]


def test_a_station_that_is_called_like_the_public_code_needs_nobodys_word() -> None:
    there = Place("42", None, (Thing("7mk4t", ("7mk4t",)), Thing("9QX6B-X", ("9QX6B-X",))))
    found = crosswalk([garage(chargepilot_site="42")], [], [there])
    assert found.proposals == found.unsure == ()


def test_of_two_sites_that_fit_alike_neither_is_proposed() -> None:
    twin = Place("uuid-2", "Garage", AT_PLUGCHOICE.things)
    found = crosswalk([garage()], [AT_PLUGCHOICE, twin], [])
    assert found.proposals == ()
    assert [(one.kind, one.value) for one in found.unsure] == [
        (Kind.PLUGCHOICE_SITE, "uuid-1"),
        (Kind.PLUGCHOICE_SITE, "uuid-2"),
    ]


def test_what_a_person_has_rejected_is_not_proposed_again_and_makes_room_for_the_next() -> None:
    yard = Place("uuid-2", "Garage.")
    first = crosswalk([garage()], [AT_PLUGCHOICE, yard], [AT_PILOT])
    rejected = {(one.kind, one.subject, one.value) for one in first.proposals if one.kind is not Kind.STATION}
    second = crosswalk([garage()], [AT_PLUGCHOICE, yard], [AT_PILOT], rejected)
    assert [(one.kind, one.value) for one in second.proposals] == [(Kind.PLUGCHOICE_SITE, "uuid-2")]


def test_a_site_without_chargers_is_found_by_its_name_alone() -> None:
    found = crosswalk([OurSite(Place("yard", "Yard"))], [], [Place("y-1", "the yard"), Place("y-2", "YARD.")])
    assert [(one.value, one.score, one.reasons) for one in found.proposals] == [("y-2", 30, (Reason.SAME_SIGNS,))]
    assert crosswalk([OurSite(Place("yard", None))], [], [Place("y-1", None)]).proposals == ()


# --- what both systems say, as places


def connector(number: int) -> SiteConnector:
    ref = ChargerRef("u1", 1, "CP-1")
    return SiteConnector(ref, Connector(number, "Available"), number, None, None, Trouble())


def charger(connectors: tuple[SiteConnector, ...] | None, identity: str | None = "CP-1") -> SiteCharger:
    ref = ChargerRef("u1", 1, identity, reference="by the gate")
    at = datetime(2026, 12, 1, tzinfo=UTC)
    return SiteCharger(ref, Trouble(), None, None, None, None, at, None, at, connectors)


def test_a_site_of_plugchoice_has_chargers_by_code_identity_and_reference() -> None:
    site = Location("uuid-1", 1, "Garage", "Market 1", "DE", 1)
    found = place_of(site, [charger((connector(1), connector(2)))], {"u1": "7MK4T"}, whole=True)
    assert found.things == (Thing("u1", ("7MK4T", "CP-1", "by the gate"), frozenset({1, 2})),)
    assert (found.id, found.name, found.about, found.whole) == ("uuid-1", "Garage", "Market 1, DE", True)
    bare = place_of(Location("uuid-2", None, None, None, None, None), [charger(None, None)], {}, whole=False)
    assert bare == Place("uuid-2", None, (Thing("u1", ("by the gate",)),), "", whole=False)


def test_a_site_of_chargepilot_has_the_stations_of_its_tree() -> None:
    station = Node(NodeKind.STATION, "By the gate", connectors=(FuseConnector("CP-1", 1), FuseConnector("CP-1", 2)))
    loose = Node(NodeKind.GROUP, "Group", connectors=(FuseConnector("CP-2", None), FuseConnector(None, 7)))
    nameless = Node(NodeKind.STATION, connectors=(FuseConnector("CP-3", 1),))
    tree = FuseTree((Node(NodeKind.FUSE, "Main", children=(station, loose, nameless)),), complete=False)
    found = place_of_tree("42", "Garage", tree, "Europe/Berlin")
    assert found.things == (
        Thing("CP-1", ("CP-1", "By the gate"), frozenset({1, 2})),
        Thing("CP-2", ("CP-2",)),
        Thing("CP-3", ("CP-3",), frozenset({1})),
    )
    assert (found.about, found.whole) == ("Europe/Berlin", False)
    assert place_of_tree("43", None, None) == Place("43", None)
