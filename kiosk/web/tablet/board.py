"""The board of a site: every bay as a stall of the car park seen from above. Nothing here asks anybody.

The order is that of kiosk.toml. What is not known, or older than a minute, is never free. A price that is older than
five minutes is not shown, and nothing is sold by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from kiosk.config.sites import Bay, ChargerFacts, Site, SiteBook
from kiosk.domain.charger import STALE_AFTER, BayState, ChargerCard, Connector
from kiosk.domain.expectation import Expectation, Place
from kiosk.domain.freeing import expected_free_at
from kiosk.domain.money import Money
from kiosk.domain.offer import NoOffer, Offer, hold_of, offer_at
from kiosk.domain.session import Session
from kiosk.domain.tariff import Tariff
from kiosk.web.shared.bay_words import bay_row, plug_words, state_words
from kiosk.web.shared.formats import NBSP, number
from kiosk.web.shared.power_words import power_words
from kiosk.web.shared.text import _

MOST_IN_LOT = 16
"""More bays than fit on the screen get a lane of their own, further down."""
FEWEST_FOR_TWO_ROWS = 4
LONG_LABEL = 3
PRICE_LASTS = timedelta(minutes=5)
"""Prices are read less often than states. Where an older one stands, its reading has failed for some time."""

_TAKEN = frozenset({BayState.IN_USE, BayState.STARTING})
_HAS_SINCE = _TAKEN | {BayState.OUT_OF_ORDER}


@dataclass(frozen=True, slots=True)
class Stall:
    """One bay. `kind` is its look: free, use, fault or off. `plug` and `power` are words, "" when not known.

    `offer` is what is sold there; None when nothing is. `since` and `free_about` are said of bays that cannot be used
    now. `tariff` and `hold` are None when they are not known well enough to be shown.
    """

    code: str
    connector_id: int
    label: str
    kind: str
    state: BayState
    word: str
    tone: str
    icon: str
    offer: Offer | None
    plug_icon: str
    plug: str
    power: str
    tight: str
    since: datetime | None
    free_about: datetime | None
    seen_at: datetime | None
    tariff: Tariff | None
    hold: Money | None

    @property
    def usable(self) -> bool:
        """A driver can start there now."""
        return self.offer is not None

    @property
    def key(self) -> str:
        return f"{self.code}-{self.connector_id}"

    @property
    def taken(self) -> bool:
        """A car stands there, as far as anybody knows."""
        return self.state in _TAKEN

    @property
    def long(self) -> bool:
        return len(self.label) > LONG_LABEL


@dataclass(frozen=True, slots=True)
class Lot:
    """One lane with bays on both sides of it; with few bays on one side only. `columns` is the longer side."""

    rows: tuple[tuple[Stall, ...], ...]

    @property
    def columns(self) -> int:
        return max(len(row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Board:
    """All bays of a site. `tariff` is the one price of all of them; None when they differ or none is known.

    `as_of` is the oldest look at a bay that still counts; None when there is none. `until`: when the next one, or the
    next price, is old.
    """

    lots: tuple[Lot, ...]
    tariff: Tariff | None
    priced: bool
    as_of: datetime | None
    until: datetime | None

    @property
    def stalls(self) -> Iterator[Stall]:
        return (stall for lot in self.lots for row in lot.rows for stall in row)

    @property
    def own_prices(self) -> bool:
        """Each bay shows its own price."""
        return self.priced and self.tariff is None


def board_of(
    site: Site,
    now: datetime,
    *,
    book: SiteBook,
    cards: Mapping[str, ChargerCard],
    occupied: Mapping[str, Mapping[int, str]],
    running: Mapping[str, Session],
    powers: Mapping[Place, Expectation],
) -> Board:
    """`occupied`: by charger and connector the key of the session that keeps the bay. `running`: sessions by key."""
    stalls = [
        stall_of(
            facts,
            connector_id,
            now,
            book=book,
            card=cards.get(facts.code),
            keeper=occupied.get(facts.code, {}).get(connector_id),
            running=running,
            powers=powers,
        )
        for facts in site.chargers
        for connector_id in connectors_of(facts, cards.get(facts.code))
    ]
    young = [card for card in (cards.get(one.code) for one in site.chargers) if card and not card.stale(now)]
    counted = [card.seen_at for card in young]
    ends = [seen + STALE_AFTER for seen in counted]
    ends += [priced_at(card) + PRICE_LASTS for card in young if price_counts(card, now)]
    known = {stall.tariff for stall in stalls} - {None}
    return Board(
        lots=_lots(stalls),
        tariff=next(iter(known)) if len(known) == 1 else None,
        priced=bool(known),
        as_of=min(counted, default=None),
        until=min(ends, default=None),
    )


def priced_at(card: ChargerCard) -> datetime:
    return card.priced_at or card.seen_at


def price_counts(card: ChargerCard, now: datetime) -> bool:
    """The price is young enough to be shown as the one of now."""
    return now - priced_at(card) <= PRICE_LASTS


def connectors_of(facts: ChargerFacts, card: ChargerCard | None) -> tuple[int, ...]:
    """The painted bays in the order of the file, then what the charger has besides; one, when nothing is known."""
    seen = sorted(one.connector_id for one in card.connectors) if card is not None else []
    return tuple(dict.fromkeys((*facts.bays, *seen))) or (1,)


def stall_of(
    facts: ChargerFacts,
    connector_id: int,
    now: datetime,
    *,
    book: SiteBook,
    card: ChargerCard | None,
    keeper: str | None,
    running: Mapping[str, Session],
    powers: Mapping[Place, Expectation],
) -> Stall:
    """One bay as it stands now; "not known" without a card, or with one that does not have it."""
    if card is not None and not price_counts(card, now):
        card = replace(card, tariff=None, preauth_minor=None)
    place, bay = Place(facts.code, connector_id), facts.bays.get(connector_id)
    connector = card.connector(connector_id) if card is not None else None
    session = running.get(keeper) if keeper is not None else None
    word, tone, icon = state_words(BayState.NOT_KNOWN, offline=card is not None and card.online is False)
    state, since = BayState.NOT_KNOWN, None
    offer: Offer | NoOffer | None = None
    if card is not None and connector is not None:
        row = bay_row(card, connector, now, book=book, facts=facts, claimed=keeper is not None)
        state, word, tone, icon = row.state, row.word, row.tone, row.icon
        offer = offer_at(card, connector_id, now, claimed=keeper is not None, longest=None)
        since = row.since if state in _HAS_SINCE else None
    priced = card if card is not None and not card.stale(now) else None
    plug_icon, plug = _plug(connector or Connector(connector_id, None), bay)
    return Stall(
        code=facts.code,
        connector_id=connector_id,
        label=label_of(facts, connector_id),
        kind=_kind(state, isinstance(offer, Offer)),
        state=state,
        word=word,
        tone=tone,
        icon=icon,
        offer=offer if isinstance(offer, Offer) else None,
        plug_icon=plug_icon,
        plug=plug,
        power=_power(powers.get(place), bay, facts),
        tight=_power(powers.get(place), bay, facts, tight=True),
        since=since,
        free_about=expected_free_at(session, now) if session is not None and state is BayState.IN_USE else None,
        seen_at=card.seen_at if card is not None else None,
        tariff=priced.tariff if priced is not None else None,
        hold=hold_of(priced) if priced is not None else None,
    )


def _kind(state: BayState, usable: bool) -> str:
    if usable:
        return "free"
    if state in _TAKEN:
        return "use"
    return "fault" if state is BayState.OUT_OF_ORDER else "off"


def label_of(facts: ChargerFacts, connector_id: int) -> str:
    """What is painted on the ground; else what the sticker says, so that no two bays are called the same."""
    bay = facts.bays.get(connector_id)
    if bay is not None:
        return bay.label
    return facts.code if connector_id == 1 else f"{facts.code}/{connector_id}"


def nearest_free(stalls: Sequence[Stall], asked: Stall, most: int = 3) -> tuple[Stall, ...]:
    """The free bays that stand nearest in the order of the file; those with the same plug come first."""
    place = {stall.key: index for index, stall in enumerate(stalls)}
    here = place.get(asked.key, 0)
    free = [stall for stall in stalls if stall.usable and stall.key != asked.key]
    free.sort(key=lambda stall: (stall.plug != asked.plug, abs(place[stall.key] - here)))
    return tuple(free[:most])


def _plug(connector: Connector, bay: Bay | None) -> tuple[str, str]:
    """Icon and name of the socket or cable alone."""
    return plug_words(connector, bay.model_copy(update={"max_kw": None}) if bay is not None else None, None)


def _power(expectation: Expectation | None, bay: Bay | None, facts: ChargerFacts, *, tight: bool = False) -> str:
    """What a driver can expect there; else what the bay can do at most, as far as it is known."""
    words = power_words(expectation)
    if words is not None:
        return words.tight if tight else words.short
    most = (bay.max_kw if bay is not None else None) or facts.max_kw
    if most is None:
        return ""
    return _("up to %(power)s", power=f"{number(most, 0 if most == most.to_integral_value() else 1)}{NBSP}kW")


def _lots(stalls: Sequence[Stall]) -> tuple[Lot, ...]:
    """Lanes of nearly the same length, so that no bay stands alone at the end."""
    count = ceil(len(stalls) / MOST_IN_LOT)
    lots: list[Lot] = []
    for index in range(count):
        part = tuple(stalls[len(stalls) * index // count : len(stalls) * (index + 1) // count])
        half = ceil(len(part) / 2) if len(part) >= FEWEST_FOR_TWO_ROWS else len(part)
        lots.append(Lot(tuple(row for row in (part[:half], part[half:]) if row)))
    return tuple(lots)
