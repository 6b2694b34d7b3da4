"""The board of a site in words: every bay as a stall of the car park seen from above, and the lanes they stand at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from kiosk.config.sites import Bay, ChargerFacts
from kiosk.domain.charger import BayState, Connector
from kiosk.domain.expectation import Expectation
from kiosk.domain.money import Money
from kiosk.domain.offer import Offer
from kiosk.domain.tariff import Tariff
from kiosk.service.bays import TAKEN, BayNow, SiteNow, nearest_free
from kiosk.web.shared.bay_words import plug_words, state_words
from kiosk.web.shared.formats import NBSP, number
from kiosk.web.shared.power_words import power_words
from kiosk.web.shared.text import _

MOST_IN_LOT = 16
"""More bays than fit on the screen get a lane of their own, further down."""
FEWEST_FOR_TWO_ROWS = 4
LONG_LABEL = 3
MOST_TARIFFS = 4
"""More prices than find room below the bays stand at each bay."""
FEWEST_IN_A_RUN = 3
"""Bays one after the other are told by the first and the last of them; two are told one by one."""


@dataclass(frozen=True, slots=True)
class Stall:
    """One bay. `kind` is its look: free, use, fault or off. `plug` and `power` are words, "" when not known.

    `offer` is what is sold there; None when nothing is. `since`, `free_about` and `free_by` are said of bays that
    cannot be used now. `tariff` and `hold` are None when they are not known well enough to be shown.
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
    free_by: datetime | None
    seen_at: datetime | None
    tariff: Tariff | None
    hold: Money | None
    costs_nothing: bool

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
        return self.state in TAKEN

    @property
    def long(self) -> bool:
        return len(self.label) > LONG_LABEL


@dataclass(frozen=True, slots=True)
class TariffGroup:
    """The bays of one price. `plug` and its icon are those of all of them, "" where they differ. `bays` are words, ""
    when these are all bays of the site.
    """

    tariff: Tariff
    plug_icon: str
    plug: str
    bays: str


@dataclass(frozen=True, slots=True)
class Lot:
    """One lane with bays on both sides of it; with few bays on one side only. `columns` is the longer side."""

    rows: tuple[tuple[Stall, ...], ...]

    @property
    def columns(self) -> int:
        return max(len(row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Board:
    """All bays of a site. `tariffs`: each price that is known, with its bays.

    `as_of` is the oldest look at a bay that still counts; None when there is none. `until`: when the next one, or the
    next price, is old.
    """

    lots: tuple[Lot, ...]
    tariffs: tuple[TariffGroup, ...]
    as_of: datetime | None
    until: datetime | None

    @property
    def stalls(self) -> Iterator[Stall]:
        return (stall for lot in self.lots for row in lot.rows for stall in row)

    @property
    def own_prices(self) -> bool:
        """Each bay shows its own price."""
        return len(self.tariffs) > MOST_TARIFFS

    @property
    def fees(self) -> bool:
        """Somewhere a session costs something besides its energy."""
        return any(one.tariff.price_per_kwh_minor and one.tariff.start_fee_minor for one in self.tariffs)


def board_of(site: SiteNow) -> Board:
    stalls = [stall_of(bay) for bay in site.bays]
    return Board(_lots(stalls), _tariffs(stalls), site.as_of, site.until)


def stall_of(now: BayNow) -> Stall:
    facts, connector_id = now.charger, now.connector_id
    bay = facts.bays.get(connector_id)
    word, tone, icon = state_words(now.state, offline=now.offline, usable=now.offer is not None)
    plug_icon, plug = _plug(now.connector or Connector(connector_id, None), bay)
    return Stall(
        code=facts.code,
        connector_id=connector_id,
        label=label_of(facts, connector_id),
        kind=_kind(now.state, now.offer is not None),
        state=now.state,
        word=word,
        tone=tone,
        icon=icon,
        offer=now.offer,
        plug_icon=plug_icon,
        plug=plug,
        power=_power(now.expected, bay, facts),
        tight=_power(now.expected, bay, facts, tight=True),
        since=now.since,
        free_about=now.free_about,
        free_by=now.free_by,
        seen_at=now.seen_at,
        tariff=now.tariff,
        hold=now.hold,
        costs_nothing=now.costs_nothing,
    )


def _kind(state: BayState, usable: bool) -> str:
    if usable:
        return "free"
    if state in TAKEN:
        return "use"
    return "fault" if state is BayState.OUT_OF_ORDER else "off"


def label_of(facts: ChargerFacts, connector_id: int) -> str:
    """What is painted on the ground; else what the sticker says, so that no two bays are called the same."""
    bay = facts.bays.get(connector_id)
    if bay is not None:
        return bay.label
    return facts.code if connector_id == 1 else f"{facts.code}/{connector_id}"


def near(board: Board, asked: Stall) -> tuple[Stall, ...]:
    """The free bays that are named to a driver who asked for that one."""
    stalls = tuple(board.stalls)
    found = nearest_free([(one.plug, one.usable) for one in stalls], stalls.index(asked))
    return tuple(stalls[index] for index in found)


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


def _tariffs(stalls: Sequence[Stall]) -> tuple[TariffGroup, ...]:
    """The known prices in the order of their first bays."""
    known = dict.fromkeys(one.tariff for one in stalls if one.tariff is not None)
    return tuple(_tariff_group(tariff, stalls) for tariff in known)


def _tariff_group(tariff: Tariff, stalls: Sequence[Stall]) -> TariffGroup:
    own = [one for one in stalls if one.tariff == tariff]
    plugs = {(one.plug_icon, one.plug) for one in own}
    plug_icon, plug = plugs.pop() if len(plugs) == 1 else ("", "")
    if len(own) == len(stalls):
        return TariffGroup(tariff, plug_icon, plug, "")
    if len(own) == 1:
        return TariffGroup(tariff, plug_icon, plug, _("bay %(bay)s", bay=own[0].label))
    parts = ", ".join(_run(run) for run in _runs(stalls, tariff))
    return TariffGroup(tariff, plug_icon, plug, _("bays %(bays)s", bays=parts))


def _runs(stalls: Sequence[Stall], tariff: Tariff) -> list[list[str]]:
    """The labels of the bays of that price; those that stand side by side belong together."""
    runs: list[list[str]] = [[]]
    for one in stalls:
        if one.tariff == tariff:
            runs[-1].append(one.label)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _run(labels: Sequence[str]) -> str:
    if len(labels) < FEWEST_IN_A_RUN:
        return ", ".join(labels)
    return _("%(first)s to %(last)s", first=labels[0], last=labels[-1])
