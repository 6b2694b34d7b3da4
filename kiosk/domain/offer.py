"""What is sold at a bay now: price, hold and limits; else why nothing is. Pure: card, claims and time come in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from kiosk.domain.charger import STARTABLE, BayState, ChargerCard, bay_state
from kiosk.domain.money import Money
from kiosk.domain.tariff import Tariff
from kiosk.domain.terms import terms_of

LEAST_KWH = Decimal(1)
"""The least that is worth a start: a limit that pays for less is not offered."""
_TAKEN = frozenset({BayState.IN_USE, BayState.STARTING, BayState.KEPT})
"""Somebody else has the bay, or is about to have it."""
_SIXTHS = (2, 3, 4)
"""The limits that are offered, as parts of the hold: a third, a half, two thirds."""


class NoOffer(StrEnum):
    """Why a driver cannot start at a bay now, or not on the terms that they read."""

    NOT_OURS = "not_ours"  # the charger is another operator's
    OWNER_UNKNOWN = "owner_unknown"  # it is not known yet, or just now, whose the charger is
    NO_CARD = "no_card"  # nothing is known of the charger
    OLD = "old"  # its states are older than a minute
    UNPRICED = "unpriced"  # its price or its hold could not be read
    UNKNOWN_BAY = "unknown_bay"  # the charger has no such connector
    NOT_FREE = "not_free"  # in use, or claimed a moment ago
    NOT_USABLE = "not_usable"  # out of order, without connection, or its state is not known
    PRICE_OLD = "price_old"  # the price could not be read again in time
    TERMS_CHANGED = "terms_changed"  # price or hold are not those that the driver read
    LIMIT_NOT_OFFERED = "limit_not_offered"


class Trouble(StrEnum):
    """Why nothing can be started at a charger, whatever the bay."""

    BUSY = "busy"
    FAULT = "fault"
    OFFLINE = "offline"
    OLD = "old"
    UNPRICED = "unpriced"
    COSTS_NOTHING = "costs_nothing"


@dataclass(frozen=True, slots=True)
class Offer:
    """One free bay with its price and the hold that a start places. `most_kw` is what it can give, when known."""

    connector_id: int
    tariff: Tariff
    hold: Money
    most_kw: Decimal | None = None

    @property
    def terms(self) -> str:
        """Price and hold as one word. It comes back with the start, so that a change cannot slip in between."""
        return terms_of(self.tariff, self.hold)

    @property
    def limits(self) -> tuple[Money, ...]:
        """The amounts at which a driver may let the charge end, all below the hold."""
        return limit_choices(self.tariff, self.hold.minor, most_kw=self.most_kw)

    @property
    def reach_kwh(self) -> Decimal | None:
        """About how far the hold goes; None when energy is free."""
        return self.tariff.reach_kwh(self.hold.minor)

    def limit_kept(self, limit_minor: int | None) -> int | NoOffer | None:
        """What becomes of a limit that was chosen on other terms: the same, or none where the hold is not above it.

        LIMIT_NOT_OFFERED: it is too low to be kept now. It is never dropped for that.
        """
        if limit_minor is None or limit_minor >= self.hold.minor:
            return None
        enough = limit_minor >= _least_minor(self.tariff, self.most_kw)
        return limit_minor if enough else NoOffer.LIMIT_NOT_OFFERED

    def refusal(self, seen: str | None, limit_minor: int | None) -> NoOffer | None:
        """Why it cannot be taken on those terms with that limit; None when it can. `seen` None: they were not read."""
        if seen is not None and seen != self.terms:
            return NoOffer.TERMS_CHANGED
        if limit_minor is not None and limit_minor not in {money.minor for money in self.limits}:
            return NoOffer.LIMIT_NOT_OFFERED
        return None


def offer_at(
    card: ChargerCard,
    connector_id: int,
    now: datetime,
    *,
    claimed: bool,
    longest: timedelta | None,
    most_kw: Decimal | None = None,
) -> Offer | NoOffer:
    """What is sold at that bay. `claimed`: a session of this kiosk keeps it, which upstream's word may not show yet.

    Nothing is sold by a price older than `longest`; None is for pages that only show the price, with its age. `most_kw`
    is what the connector can give.
    """
    if card.stale(now):
        return NoOffer.OLD
    hold = hold_of(card)
    if card.tariff is None or hold is None:
        return NoOffer.UNPRICED
    connector = card.connector(connector_id)
    if connector is None:
        return NoOffer.UNKNOWN_BAY
    state = bay_state(card, connector, now, claimed=claimed)
    if state not in STARTABLE:
        return NoOffer.NOT_FREE if claimed or state in _TAKEN else NoOffer.NOT_USABLE
    if longest is not None and not card.fresh(now, longest):
        return NoOffer.PRICE_OLD
    return Offer(connector_id, card.tariff, hold, most_kw)


def hold_of(card: ChargerCard) -> Money | None:
    """The hold that a start places; None when it, or its currency, is not known."""
    if card.tariff is None or card.preauth_minor is None or not card.sellable:
        return None
    return Money(card.preauth_minor, card.tariff.currency)


def usable(card: ChargerCard, state: BayState) -> bool:
    """A bay in that state can be chosen: it is free, and the charger has a price and a hold."""
    return state in STARTABLE and card.sellable


def trouble_at(card: ChargerCard, states: Iterable[BayState], now: datetime) -> Trouble | None:
    """Why nothing can be started there, given the states of all its bays; None when a bay is free."""
    if card.online is False:
        return Trouble.OFFLINE
    if card.stale(now):
        return Trouble.OLD
    if card.online is None:
        return Trouble.OFFLINE
    if not card.sellable:
        return Trouble.COSTS_NOTHING if card.costs_nothing else Trouble.UNPRICED
    known = set(states)
    if known & STARTABLE:
        return None
    if BayState.OUT_OF_ORDER in known:
        return Trouble.FAULT
    return Trouble.BUSY if known & _TAKEN else Trouble.OLD


def limit_choices(
    tariff: Tariff | None, hold_minor: int | None, *, used_minor: int = 0, most_kw: Decimal | None = None
) -> tuple[Money, ...]:
    """The limits that are offered below the hold, in round figures: those that can be kept.

    Above the start fee there must be room for a sensible charge, and for what the connector gives in a minute: a stop
    needs its time. What `used_minor` has reached is left out.
    """
    if tariff is None or hold_minor is None:
        return ()
    least = max(used_minor + 1, _least_minor(tariff, most_kw))
    step = _round_step(hold_minor)
    rows = sorted({(hold_minor * sixths // 6) // step * step for sixths in _SIXTHS})
    return tuple(Money(minor, tariff.currency) for minor in rows if least <= minor < hold_minor)


def _least_minor(tariff: Tariff, most_kw: Decimal | None) -> int:
    """The lowest limit, in minor units, that can be kept."""
    energy = max(LEAST_KWH, (most_kw or Decimal(0)) / 60)
    return max(1, math.ceil(tariff.start_fee_minor + tariff.energy_cost_exact(energy)))


def _round_step(hold_minor: int) -> int:
    """The largest of 1, 5, 10, 50 and so on that cuts the hold into at least six pieces."""
    best, step, factor = 1, 1, 5
    while hold_minor // step >= 6:
        best, step, factor = step, step * factor, 7 - factor
    return best
