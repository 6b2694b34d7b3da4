"""A charger as a driver sees it: its connectors, its price, its hold, and which bay can be started now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from kiosk.domain.tariff import Tariff

STALE_AFTER = timedelta(seconds=60)
"""Regulation (EU) 2025/655 Art. 2: availability within one minute. Older data is never shown as "free"."""
PRICE_LASTS = timedelta(minutes=5)
"""Prices are read less often than states. Where an older one stands, its reading has failed for some time."""
DRAWN_LASTS = timedelta(seconds=150)
"""A car's power changes slowly once it has settled; older, it says nothing of now."""
DRAWN_SETTLES = timedelta(seconds=60)
"""A car that has just begun may draw more in a moment."""


class BayState(StrEnum):
    """Fault, use and reservation are separate facts (2025/655 table F, EU-12): neither is folded into IN_USE."""

    FREE = "free"
    PLUGGED = "plugged"
    STARTING = "starting"
    IN_USE = "in_use"
    KEPT = "kept"  # for somebody, by the charger's own word; no car need stand there
    OUT_OF_ORDER = "out_of_order"
    NOT_KNOWN = "not_known"


OUT_LASTS = timedelta(minutes=10)
"""So long it counts that the operator's view called the charger as a whole out of order, when it says nothing more."""

_BY_CONNECTOR_STATUS = {
    "Available": BayState.FREE,
    "Preparing": BayState.PLUGGED,
    "Charging": BayState.IN_USE,
    "SuspendedEV": BayState.IN_USE,
    "SuspendedEVSE": BayState.IN_USE,
    "Finishing": BayState.IN_USE,
    "Reserved": BayState.KEPT,
    "Occupied": BayState.IN_USE,  # of OCPP 2: a cable is in, or somebody charges. Upstream starts nothing there
    "Unavailable": BayState.OUT_OF_ORDER,
    "Faulted": BayState.OUT_OF_ORDER,
}
_WORDS = {word.lower(): word for word in _BY_CONNECTOR_STATUS}
STARTABLE = frozenset({BayState.FREE, BayState.PLUGGED})


@dataclass(frozen=True, slots=True)
class Drawn:
    """What flowed at a connector at `at`: `amperes` are those of its fullest phase, from the grid; None: not told."""

    kw: Decimal
    amperes: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Connector:
    """`status` is the raw OCPP word or None; `since` is when this kiosk first saw that word (None: not known).

    While upstream leaves the word out, `last` is the one it said before, at `last_at`, first seen at `last_since`.
    `phase_rotation` is the back office's word for how its phases hang on the grid's, `drawn` what its meter has shown:
    the operator's view alone tells them.
    """

    connector_id: int
    status: str | None
    standard: str | None = None
    format: str | None = None
    power_type: str | None = None
    since: datetime | None = None
    last: str | None = None
    last_at: datetime | None = None
    last_since: datetime | None = None
    phase_rotation: str | None = None
    drawn: Drawn | None = None

    def remembers(self, at: datetime) -> bool:
        """The last word is young enough at that time to count."""
        return self.last_at is not None and at - self.last_at <= STALE_AFTER

    def drawn_by(self, now: datetime) -> Drawn | None:
        """What a car there draws, if that is of now and of a car that has been charging for a while."""
        drawn = self.drawn
        if drawn is None or self.status != "Charging" or not timedelta(0) <= now - drawn.at <= DRAWN_LASTS:
            return None
        settled = self.since is None or drawn.at - self.since >= DRAWN_SETTLES
        return drawn if settled else None


@dataclass(frozen=True, slots=True)
class ChargerCard:
    """What upstream last said of one charger.

    `tariff` and `preauth_minor` are None when they could not be read: then nothing is sold. `seen_at` is the age of the
    states, `priced_at` that of the name, price and hold; None: they were seen together. `out_at` is when the charger as
    a whole was last said to be out of order, whatever its connectors say; None: nobody says so.
    """

    code: str
    name: str | None
    online: bool | None
    connectors: tuple[Connector, ...]
    tariff: Tariff | None
    preauth_minor: int | None
    seen_at: datetime
    priced_at: datetime | None = None
    out_at: datetime | None = None
    unshown: tuple[str, ...] = ()
    """Upstream's names of price parts that the kiosk cannot show. `tariff` is None then."""

    def out_of_order(self, now: datetime) -> bool:
        """Its own word is Faulted or Unavailable, or its operator has blocked it."""
        return self.out_at is not None and now - self.out_at <= OUT_LASTS

    @property
    def whole_at(self) -> datetime:
        """Nothing in it, price and states alike, is older than this."""
        return self.seen_at if self.priced_at is None else min(self.seen_at, self.priced_at)

    @property
    def price_seen_at(self) -> datetime:
        return self.priced_at or self.seen_at

    def price_counts(self, now: datetime) -> bool:
        """The price is young enough to be shown as the one of now."""
        return now - self.price_seen_at <= PRICE_LASTS

    def connector(self, connector_id: int) -> Connector | None:
        return next((c for c in self.connectors if c.connector_id == connector_id), None)

    @property
    def sellable(self) -> bool:
        return self.tariff is not None and self.preauth_minor is not None and self.preauth_minor > 0

    @property
    def costs_nothing(self) -> bool:
        """Energy and session are free, and no hold is asked for: there is nothing to sell."""
        return self.tariff is not None and not self.tariff.components() and self.preauth_minor == 0

    def stale(self, now: datetime) -> bool:
        return now - self.seen_at > STALE_AFTER

    def fresh(self, now: datetime, longest: timedelta) -> bool:
        """Price and states alike are not older than that."""
        return now - self.whole_at <= longest


def bay_state(card: ChargerCard, connector: Connector, now: datetime, *, claimed: bool = False) -> BayState:
    """The state of one bay. `claimed`: a session of this kiosk keeps it, which upstream's word may not show yet."""
    left_out = connector.last_at is not None and not connector.remembers(now)
    if card.stale(now) or card.online is not True or left_out:
        return BayState.NOT_KNOWN
    state = _BY_CONNECTOR_STATUS.get(connector.status or "", BayState.NOT_KNOWN)
    if state in STARTABLE and card.out_of_order(now):
        return BayState.OUT_OF_ORDER
    return BayState.STARTING if claimed and state in STARTABLE else state


def connector_word(text: str | None) -> str | None:
    """OCPP's word in OCPP's spelling, whatever its case; a word that OCPP does not have stays as it is."""
    return text if text is None else _WORDS.get(text.lower(), text)


def charger_is_out(status: str | None, *, blocked: bool | None) -> bool | None:
    """Whether the charger as a whole is out of order, by its own word and by its operator; None: nobody says."""
    state = _BY_CONNECTOR_STATUS.get(connector_word(status) or "")
    if blocked or state is BayState.OUT_OF_ORDER:
        return True
    if status is None:
        return None if blocked is None else False
    return None if state is None else False


def merge(previous: ChargerCard | None, fresh: ChargerCard) -> ChargerCard:
    """`fresh` with `since` filled in: kept while the word stays the same, set when we saw it change.

    A word that was left out and came back within the minute has stayed the same. That the charger as a whole is out of
    order stays too, and how its phases hang and what it has drawn: the public card never speaks of that.
    """
    if previous is None:
        return fresh
    old = {c.connector_id: c for c in previous.connectors}

    def since(before: Connector, connector: Connector) -> datetime | None:
        if before.status == connector.status:
            return before.since
        came_back = before.status is None and before.last == connector.status and before.remembers(fresh.seen_at)
        return before.last_since if came_back else fresh.seen_at

    def known(connector: Connector) -> Connector:
        before = old.get(connector.connector_id)
        if before is None:
            return replace(connector, since=None)
        rotation, drawn = connector.phase_rotation or before.phase_rotation, connector.drawn or before.drawn
        return replace(connector, since=since(before, connector), phase_rotation=rotation, drawn=drawn)

    connectors = tuple(known(c) for c in fresh.connectors)
    return replace(fresh, connectors=connectors, out_at=fresh.out_at or previous.out_at)
