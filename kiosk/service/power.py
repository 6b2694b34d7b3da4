"""What the kiosk knows of a site, put together for the question what power each bay can expect.

The pages and the command line both ask it, so that they cannot disagree. Nothing here asks anybody outside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from kiosk.config.sites import ChargerFacts, Site
from kiosk.domain import lab
from kiosk.domain.charger import ChargerCard, Drawn
from kiosk.domain.expectation import Assumption, Bound, BoundKind, Expectation, Place, PoweredCharger, Share
from kiosk.domain.freshness import Freshness, freshness_of
from kiosk.domain.fuses import FuseTree
from kiosk.domain.power import expected_power
from kiosk.domain.rating import VOLTS, Rating, Supply, floored_amperes, floored_kw
from kiosk.domain.session import Session
from kiosk.store.records import SeenTree

TREE_LASTS = timedelta(hours=24)
"""Limits change when electricians come. Older ones may be anybody's guess, so nothing is promised by them."""

_SUPPLIES = {"ccs": Supply.DC, "chademo": Supply.DC, "schuko": Supply.AC_1_PHASE}
"""What the plug alone says. A Type 2 socket may have one phase or three: the back office says which."""


class TreeState(StrEnum):
    """Whether the stored fuse tree counts, and why not."""

    USED = "used"
    NONE = "none"  # never read, or the site has none by its settings
    OLD = "old"


class Shelf(Protocol):
    """The store, as far as it is needed here."""

    def tree(self, site_id: str) -> SeenTree | None: ...

    def cards(self, codes: Sequence[str]) -> dict[str, ChargerCard]: ...

    def occupied_at(self, codes: Sequence[str]) -> dict[str, dict[int, str]]: ...

    def lab_facts(self, codes: Sequence[str]) -> dict[str, lab.LabFacts]: ...

    def charging_at(self, codes: Sequence[str]) -> Sequence[Session]: ...


@dataclass(frozen=True, slots=True)
class SitePower:
    """Everything that the answer depends on, but the time. `seen_at` is that of the tree, also of one not used.

    `wholes` by code: the kW that a charger gives in all by its maker's word, where it is not known how its connectors
    share them.
    """

    tree: FuseTree | None
    state: TreeState
    seen_at: datetime | None
    chargers: tuple[PoweredCharger, ...]
    wholes: Mapping[str, Decimal] = field(default_factory=dict)

    def expectations(self, now: datetime) -> dict[Place, Expectation]:
        found = expected_power(self.tree, self.chargers, now)
        for charger in self.chargers:
            whole = self.wholes.get(charger.card.code)
            if whole is not None:
                places = [Place(charger.card.code, each.connector_id) for each in charger.card.connectors]
                found |= _within({place: found[place] for place in places}, whole)
        return found

    def facts(self, now: datetime) -> tuple[object, ...]:
        """As long as these stay the same, so do the expectations."""
        cards = tuple(
            (
                one.card.code,
                one.card.online,
                one.card.stale(now),
                tuple((c.connector_id, c.status, c.power_type) for c in one.card.connectors),
                one.claimed,
                tuple(one.measured.items()),
                tuple(one.amperes.items()),
                tuple(one.ratings.items()),
                self.wholes.get(one.card.code),
            )
            for one in self.chargers
        )
        return self.state, self.seen_at if self.state is TreeState.USED else None, cards


def site_power(site: Site, shelf: Shelf, now: datetime) -> SitePower:
    """The site as it is stored. Chargers that were never seen are left out."""
    codes = [charger.code for charger in site.chargers]
    seen = shelf.tree(site.id) if site.chargepilot_site is not None else None
    state = tree_state(seen, now)
    cards, claims, makes = shelf.cards(codes), shelf.occupied_at(codes), shelf.lab_facts(codes)
    # Without a tree nobody's power depends on what the others take.
    measured = _measured(shelf.charging_at(codes), now) if state is TreeState.USED else {}
    drawn = _drawn(cards.values(), claims, now) if state is TreeState.USED else {}
    return SitePower(
        tree=seen.tree if seen is not None and state is TreeState.USED else None,
        state=state,
        seen_at=seen.seen_at if seen is not None else None,
        chargers=tuple(
            powered(
                cards[one.code],
                one,
                makes.get(one.code),
                claims.get(one.code, {}),
                measured.get(one.code, {}),
                drawn.get(one.code, {}),
                volts=site.volts,
            )
            for one in site.chargers
            if one.code in cards
        ),
        wholes={
            one.code: whole
            for one in site.chargers
            if one.code in cards and (whole := _whole(cards[one.code], one, makes.get(one.code))) is not None
        },
    )


def tree_state(seen: SeenTree | None, now: datetime) -> TreeState:
    if seen is None:
        return TreeState.NONE
    return TreeState.OLD if now - seen.seen_at > TREE_LASTS else TreeState.USED


def _measured(charging: Sequence[Session], now: datetime) -> dict[str, dict[int, Decimal]]:
    """What cars draw by the meter, where that is known and young enough to be of now."""
    found: dict[str, dict[int, Decimal]] = {}
    for session in charging:
        kw = session.power_kw if freshness_of(session, now) is not Freshness.LOST else None
        if kw is not None:
            found.setdefault(session.code, {})[session.connector_id] = kw
    return found


def _drawn(
    cards: Iterable[ChargerCard], claims: Mapping[str, Collection[int]], now: datetime
) -> dict[str, dict[int, Drawn]]:
    """What cars draw at bays that no session of this kiosk keeps, by what the back office shows of their meters."""
    found: dict[str, dict[int, Drawn]] = {}
    for card in cards:
        ours = claims.get(card.code, ())
        for connector in card.connectors:
            drawn = connector.drawn_by(now) if connector.connector_id not in ours else None
            if drawn is not None:
                found.setdefault(card.code, {})[connector.connector_id] = drawn
    return found


def powered(
    card: ChargerCard,
    facts: ChargerFacts | None,
    make: lab.LabFacts | None,
    claimed: Collection[int],
    measured: Mapping[int, Decimal] | None = None,
    drawn: Mapping[int, Drawn] | None = None,
    *,
    volts: int = VOLTS,
) -> PoweredCharger:
    """The charger with what operator (`facts`) and maker (`make`) say of it; the operator's word goes first. Its site
    has so many `volts` between phase and neutral.
    """
    return PoweredCharger(
        card=card,
        ratings=_ratings(card, facts, make, volts),
        claimed=frozenset(claimed),
        station_ids=facts.station_ids if facts is not None else (),
        measured={number: one.kw for number, one in (drawn or {}).items()} | dict(measured or {}),
        amperes={number: one.amperes for number, one in (drawn or {}).items() if one.amperes is not None},
    )


def _ratings(
    card: ChargerCard, facts: ChargerFacts | None, make: lab.LabFacts | None, volts: int
) -> Mapping[int, Rating]:
    """The operator speaks of each connector, the maker of the whole charger: that is the same where it has but one."""
    alone = make.max_kw if make is not None and len(_numbers(card, facts)) == 1 else None
    ratings: dict[int, Rating] = {}
    for connector in card.connectors:
        bay = facts.bays.get(connector.connector_id) if facts is not None else None
        supply = _SUPPLIES.get(bay.connector or "") if bay is not None else None
        most = _told(facts, connector.connector_id) or alone
        phase = bay.phase if bay is not None else None
        kilovolts = Decimal(volts) / 1000
        ratings[connector.connector_id] = Rating(
            supply, max_kw=most, phase=phase, rotation=connector.phase_rotation, kilovolts=kilovolts
        )
    return ratings


def _numbers(card: ChargerCard, facts: ChargerFacts | None) -> set[int]:
    return {each.connector_id for each in card.connectors} | set(facts.bays if facts is not None else ())


def _told(facts: ChargerFacts | None, connector_id: int) -> Decimal | None:
    """What the operator says that the connector can do."""
    bay = facts.bays.get(connector_id) if facts is not None else None
    return (bay.max_kw if bay is not None else None) or (facts.max_kw if facts is not None else None)


def _whole(card: ChargerCard, facts: ChargerFacts | None, make: lab.LabFacts | None) -> Decimal | None:
    """The maker's figure for all connectors together, unless the operator says what each of them can do."""
    numbers = _numbers(card, facts)
    if make is None or len(numbers) == 1 or all(_told(facts, each) is not None for each in numbers):
        return None
    return make.max_kw


def _within(found: Mapping[Place, Expectation], whole: Decimal) -> dict[Place, Expectation]:
    """The connectors of one charger, none of which gives more than all of them. How they share it is not known, so
    that the figures are upper bounds, unless the charger has enough for all of them at once.
    """
    most = [each.most_kw for each in found.values()]
    if sum((each for each in most if each is not None), Decimal(0)) <= whole and None not in most:
        return dict(found)
    return {place: _capped(each, whole) for place, each in found.items()}


def _capped(expectation: Expectation, whole: Decimal) -> Expectation:
    def share(one: Share) -> Share:
        if one.kw is None or one.amperes is None or one.kw <= whole:
            return one
        return Share(Bound(BoundKind.CONNECTOR), floored_amperes(one.amperes * whole / one.kw), floored_kw(whole))

    return replace(
        expectation,
        now=share(expectation.now),
        full=share(expectation.full),
        most_kw=None if expectation.most_kw is None else min(expectation.most_kw, floored_kw(whole)),
        assumptions=expectation.assumptions | {Assumption.LIMIT_NOT_KNOWN},
    )
