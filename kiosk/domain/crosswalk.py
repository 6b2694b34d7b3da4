"""The crosswalk: which site and charger of the kiosk is which one at Plugchoice and at ChargePilot, as far as it can be
told by their names and connectors.

A proposal is for a person to confirm. What fits two things alike is not guessed: it is told as unsure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Generic, TypeVar

from kiosk.domain.fuses import FuseTree, NodeKind, spots
from kiosk.domain.site_board import Location, SiteCharger

LEAST = 30
"""A score from 0 to 100 below which nothing is proposed."""
_SHORTEST_PART = 5
"""Signs of which a name must have as many to be found at the end of another one: `01` is at the end of many."""


class Reason(StrEnum):
    """Why two are taken for one; the last two speak of sites."""

    SAME_NAME = "same name"
    SAME_SIGNS = "same name but for blanks and signs"
    NAME_ENDS = "one name ends with the other"
    SAME_CONNECTORS = "same connectors"
    SOME_CONNECTORS = "some of the connectors"
    CHARGERS = "chargers that fit"


class Kind(StrEnum):
    """What is joined: a site of the kiosk with one of Plugchoice's or ChargePilot's, a charger with its station."""

    PLUGCHOICE_SITE = "plugchoice_site"
    CHARGEPILOT_SITE = "chargepilot_site"
    STATION = "station"


class Verdict(StrEnum):
    """What a person has said of a proposal."""

    OPEN = "open"  # nothing yet
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


_BY_NAME = {Reason.SAME_NAME: 80, Reason.SAME_SIGNS: 65, Reason.NAME_ENDS: 45}
_BY_CONNECTORS = {Reason.SAME_CONNECTORS: 20, Reason.SOME_CONNECTORS: 10}
_BY_NAME_OF_SITE = {Reason.SAME_NAME: 45, Reason.SAME_SIGNS: 30}
_BY_CHARGERS = 70
_MOST = 100


@dataclass(frozen=True, slots=True)
class Thing:
    """A charger or station. `names`: all that it is called there; `connectors`: OCPP's numbers, none: not known."""

    id: str
    names: tuple[str, ...]
    connectors: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """A site of any of the systems. `about` is what else people know it by. `whole` is False when it may have more."""

    id: str
    name: str | None
    things: tuple[Thing, ...] = ()
    about: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """Two that are taken for one, by their ids, and how surely: 100 at most."""

    left: str
    right: str
    score: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """`sure` has nothing twice, on either side. `unsure`: what fits best, and something else fits as well."""

    sure: tuple[Match, ...]
    unsure: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class OurSite:
    """A site of the kiosk with what is settled of it already, by kiosk.toml or by a person; `stations` by code."""

    place: Place
    plugchoice_site: str | None = None
    chargepilot_site: str | None = None
    stations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """`subject` is a site of kiosk.toml or a charger's code, `value` the id over there, `name` its name there."""

    kind: Kind
    subject: str
    value: str
    name: str | None
    score: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """`unsure` are those of which several fit alike: none of them is proposed."""

    proposals: tuple[Proposal, ...]
    unsure: tuple[Proposal, ...]


Joint = tuple[Kind, str, str]
"""What is joined with what: the kind, the subject here and the id over there."""


def place_of(site: Location, chargers: Iterable[SiteCharger], codes: Mapping[str, str], *, whole: bool) -> Place:
    """A site of Plugchoice. `codes` are public codes by the back office's uuid of a charger."""
    things = []
    for one in chargers:
        uuid = one.ref.uuid or ""
        names = (codes.get(uuid), one.ref.identity, one.ref.reference)
        numbers = frozenset(each.connector.connector_id for each in one.connectors or ())
        things.append(Thing(uuid, tuple(name for name in names if name), numbers))
    about = ", ".join(part for part in (site.address, site.country) if part)
    return Place(site.uuid, site.name, tuple(things), about, whole)


def place_of_tree(site_id: str, name: str | None, tree: FuseTree | None, about: str = "") -> Place:
    """A site of ChargePilot. A station is called by its id, and by the name of its node."""
    numbers: dict[str, set[int]] = {}
    names: dict[str, list[str]] = {}
    for spot in spots(tree) if tree is not None else ():
        for one in spot.node.connectors:
            if one.station_id is None:
                continue
            numbers.setdefault(one.station_id, set()).update(() if one.number is None else {one.number})
            called = [spot.node.name] if spot.node.kind is NodeKind.STATION and spot.node.name else []
            names.setdefault(one.station_id, [one.station_id]).extend(called)
    things = tuple(Thing(each, tuple(dict.fromkeys(names[each])), frozenset(numbers[each])) for each in names)
    return Place(site_id, name, things, about, tree is None or tree.complete)


def match_things(lefts: Sequence[Thing], rights: Sequence[Thing], never: Collection[tuple[str, str]] = ()) -> Matching:
    """Chargers with stations. In whatever order they come, the answer is the same. `never`: pairs that are none."""
    return _match(lefts, rights, _id_of_thing, _likeness, never)


def match_places(lefts: Sequence[Place], rights: Sequence[Place], never: Collection[tuple[str, str]] = ()) -> Matching:
    """Sites, by their chargers and their names."""
    return _match(lefts, rights, _id_of_place, _likeness_of_places, never)


def crosswalk(
    ours: Sequence[OurSite], plugchoice: Sequence[Place], pilot: Sequence[Place], rejected: Collection[Joint] = ()
) -> Crosswalk:
    """What can be proposed where nothing is settled. What is settled for one is proposed to nobody else, and what a
    person has rejected is not proposed again.
    """
    bag = _Bag()
    partner = bag.sites(
        Kind.PLUGCHOICE_SITE, ours, {one.place.id: one.plugchoice_site for one in ours}, plugchoice, rejected
    )
    there = {_folded(one.id): one for one in plugchoice}
    known = [_with_names_of(one, there.get(_folded(one.plugchoice_site or partner.get(one.place.id)))) for one in ours]
    partner = bag.sites(
        Kind.CHARGEPILOT_SITE, known, {one.place.id: one.chargepilot_site for one in known}, pilot, rejected
    )
    stands = {_folded(one.id): one for one in pilot}
    for one in known:
        place = stands.get(_folded(one.chargepilot_site or partner.get(one.place.id)))
        if place is not None:
            names = {each.id: (each.id, *each.names)[-1] for each in place.things}
            bag.add(Kind.STATION, _stations(one, place, rejected), names)
    return Crosswalk(tuple(bag.sure), tuple(bag.unsure))


def _stations(ours: OurSite, there: Place, rejected: Collection[Joint]) -> Matching:
    """Of those that are not found by themselves: a station that is called like the public code needs nobody's word."""
    called = {_folded(one.id) for one in there.things}
    taken = {_folded(name) for one in ours.place.things for name in ours.stations.get(one.id, (one.id,))}
    lefts = [one for one in ours.place.things if one.id not in ours.stations and _folded(one.id) not in called]
    rights = [one for one in there.things if _folded(one.id) not in taken]
    return match_things(lefts, rights, _pairs(Kind.STATION, rejected))


def _with_names_of(ours: OurSite, there: Place | None) -> OurSite:
    """Chargers are called here by their public codes; what Plugchoice calls them, ChargePilot may know."""
    if there is None:
        return ours
    others = {one.id: one for one in there.things}
    partner = {one.left: others[one.right] for one in match_things(ours.place.things, there.things).sure}
    things = []
    for one in ours.place.things:
        other = partner.get(one.id)
        if other is not None:
            names = tuple(dict.fromkeys((*one.names, *other.names)))
            one = replace(one, names=names, connectors=other.connectors or one.connectors)
        things.append(one)
    return replace(ours, place=replace(ours.place, things=tuple(things)))


@dataclass
class _Bag:
    sure: list[Proposal] = field(default_factory=list)
    unsure: list[Proposal] = field(default_factory=list)

    def sites(
        self,
        kind: Kind,
        ours: Sequence[OurSite],
        settled: Mapping[str, str | None],
        there: Sequence[Place],
        rejected: Collection[Joint],
    ) -> dict[str, str]:
        """Propose for those of which nothing is settled. Returns who would be whose partner."""
        taken = {_folded(each) for each in settled.values() if each is not None}
        free = [one.place for one in ours if settled[one.place.id] is None]
        rest = [one for one in there if _folded(one.id) not in taken]
        matching = match_places(free, rest, _pairs(kind, rejected))
        self.add(kind, matching, {one.id: one.name for one in there})
        return {one.left: one.right for one in matching.sure}

    def add(self, kind: Kind, matching: Matching, names: Mapping[str, str | None]) -> None:
        for kept, matches in ((self.sure, matching.sure), (self.unsure, matching.unsure)):
            for one in matches:
                kept.append(Proposal(kind, one.left, one.right, names[one.right], one.score, one.reasons))


def _pairs(kind: Kind, joints: Collection[Joint]) -> set[tuple[str, str]]:
    return {(subject, value) for each, subject, value in joints if each is kind}


def _folded(name: str | None) -> str:
    return (name or "").casefold()


# --- matching

_T = TypeVar("_T")
_Likeness = tuple[int, tuple[Reason, ...]]


def _id_of_thing(one: Thing) -> str:
    return one.id


def _id_of_place(one: Place) -> str:
    return one.id


@dataclass(slots=True)
class _Best(Generic[_T]):
    """The best partners of one side: more than one are a tie."""

    score: int = 0
    others: set[str] = field(default_factory=set)

    def hear(self, other: str, score: int) -> None:
        if score > self.score:
            self.score, self.others = score, set()
        if score == self.score:
            self.others.add(other)


def _match(
    lefts: Sequence[_T],
    rights: Sequence[_T],
    id_of: Callable[[_T], str],
    likeness: Callable[[_T, _T], _Likeness],
    never: Collection[tuple[str, str]],
) -> Matching:
    """Those who are each other's only best, again and again among the rest; the order of neither side counts."""
    scores: dict[tuple[str, str], _Likeness] = {}
    for left in {id_of(one): one for one in lefts}.values():
        for right in {id_of(one): one for one in rights}.values():
            told = likeness(left, right)
            if told[0] >= LEAST and (id_of(left), id_of(right)) not in never:
                scores[id_of(left), id_of(right)] = told
    sure: list[Match] = []
    while True:
        of_left: dict[str, _Best[_T]] = {}
        of_right: dict[str, _Best[_T]] = {}
        for (left_id, right_id), (score, _why) in scores.items():
            of_left.setdefault(left_id, _Best()).hear(right_id, score)
            of_right.setdefault(right_id, _Best()).hear(left_id, score)
        agreed = [
            (left_id, right_id)
            for left_id, right_id in scores
            if of_left[left_id].others == {right_id} and of_right[right_id].others == {left_id}
        ]
        if not agreed:
            break
        sure += [Match(*pair, *scores[pair]) for pair in agreed]
        gone_left, gone_right = ({pair[side] for pair in agreed} for side in (0, 1))
        scores = {pair: told for pair, told in scores.items() if pair[0] not in gone_left and pair[1] not in gone_right}
    unsure = [Match(*pair, *told) for pair, told in scores.items() if pair[1] in of_left[pair[0]].others]
    return Matching(tuple(sorted(sure, key=_place)), tuple(sorted(unsure, key=_place)))


def _place(match: Match) -> tuple[int, str, str]:
    return -match.score, match.left, match.right


def _likeness(left: Thing, right: Thing) -> _Likeness:
    """Connectors alone say nothing: most chargers have the same. Those that have none in common are two."""
    named = [found for one in left.names for other in right.names if (found := _same(one, other)) is not None]
    shared = left.connectors & right.connectors
    if not named or (left.connectors and right.connectors and not shared):
        return 0, ()
    reason = max(named, key=_BY_NAME.__getitem__)
    if not shared:
        return _BY_NAME[reason], (reason,)
    beside = Reason.SAME_CONNECTORS if left.connectors == right.connectors else Reason.SOME_CONNECTORS
    return _BY_NAME[reason] + _BY_CONNECTORS[beside], (reason, beside)


def _likeness_of_places(left: Place, right: Place) -> _Likeness:
    fitting, reasons = len(match_things(left.things, right.things).sure), []
    score = 0
    if fitting:
        score = _BY_CHARGERS * fitting // min(len(left.things), len(right.things))
        reasons.append(Reason.CHARGERS)
    named = _same(left.name or "", right.name or "")
    if named in _BY_NAME_OF_SITE:
        score += _BY_NAME_OF_SITE[named]
        reasons.append(named)
    return min(score, _MOST), tuple(reasons)


def _same(one: str, other: str) -> Reason | None:
    """How two names are alike. Names without any letter or figure say nothing."""
    (one, bare), (other, other_bare) = _folds(one), _folds(other)
    if not bare or not other_bare:
        return None
    if one == other:
        return Reason.SAME_NAME
    if bare == other_bare:
        return Reason.SAME_SIGNS
    short, long = sorted((bare, other_bare), key=len)
    if len(short) >= _SHORTEST_PART and long.endswith(short):
        return Reason.NAME_ENDS
    return None


@lru_cache(maxsize=20_000)
def _folds(name: str) -> tuple[str, str]:
    """In one case; and of that the letters and figures alone. Kept, because each name meets all those over there."""
    folded = name.strip().casefold()
    return folded, "".join(filter(str.isalnum, folded))
