"""Every bay of a site as it stands now: its state, what is sold there, and until when that is true. Nobody is asked.

The order is that of kiosk.toml. What is not known, or older than a minute, is never free. A price that is older than
five minutes is not shown, and nothing is sold by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kiosk.config.sites import ChargerFacts, Site
from kiosk.domain.charger import PRICE_LASTS, STALE_AFTER, BayState, ChargerCard, Connector, bay_state
from kiosk.domain.expectation import Expectation, Place
from kiosk.domain.freeing import expected_free_at
from kiosk.domain.money import Money
from kiosk.domain.offer import NoOffer, Offer, hold_of, offer_at
from kiosk.domain.session import Session
from kiosk.domain.tariff import Tariff
from kiosk.domain.unpaid import free_again_by
from kiosk.service.parts import Parts

TAKEN = frozenset({BayState.IN_USE, BayState.STARTING})
"""A car stands there, as far as anybody knows."""
_HAS_SINCE = TAKEN | {BayState.KEPT, BayState.OUT_OF_ORDER}


@dataclass(frozen=True, slots=True)
class BayNow:
    """One bay. `offer` is what is sold there; None when nothing is.

    `connector` is None when the card does not have it. `since`, `free_about` and `free_by` are said of bays that cannot
    be used now; `free_by` is when one that somebody is about to pay is free again at the latest. `tariff` and `hold`
    are None when they are not known well enough to be shown, also of a bay in use. `costs_nothing`: there is nothing to
    sell.
    """

    charger: ChargerFacts
    connector_id: int
    connector: Connector | None
    state: BayState
    offline: bool
    offer: Offer | None
    since: datetime | None
    free_about: datetime | None
    free_by: datetime | None
    seen_at: datetime | None
    tariff: Tariff | None
    hold: Money | None
    expected: Expectation | None
    costs_nothing: bool = False


@dataclass(frozen=True, slots=True)
class SiteNow:
    """All bays of a site. `as_of` is the oldest look at a bay that still counts; None when there is none. `until`: when
    the next one, or the next price, is old.
    """

    bays: tuple[BayNow, ...]
    as_of: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class LastPrice:
    """The one price of a site as it was read last, however old; None when bays differ. `at`: nothing in it is older."""

    tariff: Tariff | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ChargerNow:
    """One charger of a site with the states of its connectors; `card` is None when nothing counts any more."""

    facts: ChargerFacts
    card: ChargerCard | None
    claimed: frozenset[int]


def read_site(parts: Parts, site: Site) -> SiteNow:
    """What the store says of the site now."""
    codes = [one.code for one in site.chargers]
    occupied = parts.store.occupied_at(codes)
    keys = {key for bays in occupied.values() for key in bays.values()}
    return site_now(
        site,
        parts.clock.now(),
        cards=parts.store.cards(codes),
        occupied=occupied,
        running={one.key: one for one in parts.store.sessions_to_watch() if one.key in keys} if keys else {},
        powers=parts.powers.of(site),
    )


def site_now(
    site: Site,
    now: datetime,
    *,
    cards: Mapping[str, ChargerCard],
    occupied: Mapping[str, Mapping[int, str]],
    running: Mapping[str, Session],
    powers: Mapping[Place, Expectation],
) -> SiteNow:
    """`occupied`: by charger and connector the key of the session that keeps the bay. `running`: sessions by key."""
    bays = tuple(
        _bay_now(
            facts,
            connector_id,
            now,
            card=cards.get(facts.code),
            keeper=occupied.get(facts.code, {}).get(connector_id),
            running=running,
            expected=powers.get(Place(facts.code, connector_id)),
        )
        for facts in site.chargers
        for connector_id in connectors_of(facts, cards.get(facts.code))
    )
    young = [card for card in (cards.get(one.code) for one in site.chargers) if card and not card.stale(now)]
    ends = [card.seen_at + STALE_AFTER for card in young]
    ends += [card.price_seen_at + PRICE_LASTS for card in young if card.price_counts(now)]
    return SiteNow(
        bays,
        as_of=min((card.seen_at for card in young), default=None),
        until=min(ends, default=None),
    )


def connectors_of(facts: ChargerFacts, card: ChargerCard | None) -> tuple[int, ...]:
    """The painted bays in the order of the file, then what the charger has besides; one, when nothing is known."""
    seen = sorted(one.connector_id for one in card.connectors) if card is not None else []
    return tuple(dict.fromkeys((*facts.bays, *seen))) or (1,)


def nearest_free(bays: Sequence[tuple[str, bool]], asked: int, most: int = 3) -> tuple[int, ...]:
    """Which bays to name to a driver who asked for the one at index `asked`: the free ones that stand nearest in the
    order of the file; those with the same plug come first. `bays`: the plug of each, and whether it can be started.
    """
    plug = bays[asked][0]
    free = [index for index, (_plug, usable) in enumerate(bays) if usable and index != asked]
    free.sort(key=lambda index: (bays[index][0] != plug, abs(index - asked)))
    return tuple(free[:most])


def last_price(parts: Parts, site: Site) -> LastPrice:
    """For a screen that has lost its connection and says what it knew."""
    cards = parts.store.cards([one.code for one in site.chargers]).values()
    known = {(card.tariff, card.price_seen_at) for card in cards if card.tariff is not None}
    tariffs = {tariff for tariff, _at in known}
    at = min((at for _tariff, at in known), default=parts.clock.now())
    return LastPrice(next(iter(tariffs)) if len(tariffs) == 1 else None, at)


def chargers_now(parts: Parts, site: Site) -> tuple[ChargerNow, ...]:
    """The chargers of the site in the order of the file. States older than a minute say nothing about a bay."""
    now, codes = parts.clock.now(), [one.code for one in site.chargers]
    cards, claims = parts.store.cards(codes), parts.store.occupied_at(codes)
    young = {code: card for code, card in cards.items() if not card.stale(now)}
    return tuple(ChargerNow(one, young.get(one.code), frozenset(claims.get(one.code, {}))) for one in site.chargers)


def unpaid_bays(parts: Parts, occupied: Mapping[int, str]) -> dict[int, datetime]:
    """Of the occupied bays of a charger those that somebody is about to pay, and when each is free at the latest."""
    now = parts.clock.now()
    ends = {session.key: _unpaid_until(session, now) for session in parts.store.readable(occupied.values())}
    return {number: at for number, key in occupied.items() if (at := ends.get(key)) is not None}


def _unpaid_until(session: Session, now: datetime) -> datetime | None:
    """A time that has passed is no promise any more."""
    at = free_again_by(session)
    return at if at is not None and at > now else None


def _bay_now(
    facts: ChargerFacts,
    connector_id: int,
    now: datetime,
    *,
    card: ChargerCard | None,
    keeper: str | None,
    running: Mapping[str, Session],
    expected: Expectation | None,
) -> BayNow:
    """One bay as it stands now; "not known" without a card, or with one that does not have it."""
    if card is not None and not card.price_counts(now):
        card = replace(card, tariff=None, preauth_minor=None)
    connector = card.connector(connector_id) if card is not None else None
    session = running.get(keeper) if keeper is not None else None
    state, offer, since = BayState.NOT_KNOWN, None, None
    if card is not None and connector is not None:
        state = bay_state(card, connector, now, claimed=keeper is not None)
        found: Offer | NoOffer = offer_at(card, connector_id, now, claimed=keeper is not None, longest=None)
        offer = found if isinstance(found, Offer) else None
        since = connector.since if state in _HAS_SINCE else None
    priced = card if card is not None and not card.stale(now) else None
    return BayNow(
        charger=facts,
        connector_id=connector_id,
        connector=connector,
        state=state,
        offline=card is not None and card.online is False,
        offer=offer,
        since=since,
        free_about=expected_free_at(session, now) if session is not None and state is BayState.IN_USE else None,
        free_by=_unpaid_until(session, now) if session is not None else None,
        seen_at=card.seen_at if card is not None else None,
        tariff=priced.tariff if priced is not None else None,
        hold=hold_of(priced) if priced is not None else None,
        expected=expected,
        costs_nothing=priced is not None and priced.costs_nothing,
    )
