"""What a charger's card shows before a start: its bays in words, price and hold, and why when nothing is free.

Facts come from the stored card; nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kiosk.domain.charger import STARTABLE, BayState, ChargerCard, Connector, bay_state
from kiosk.domain.money import Money
from kiosk.domain.tariff import Tariff
from kiosk.site import Bay, ChargerFacts, SiteBook
from kiosk.web.formats import number
from kiosk.web.screens import Where
from kiosk.web.text import _
from kiosk.web.view import limit_choices

EXAMPLE_KWH = Decimal(20)
MOST_NEAR = 3


class Trouble(StrEnum):
    """Why nothing can be started here."""

    BUSY = "busy"
    FAULT = "fault"
    OFFLINE = "offline"
    OLD = "old"
    UNPRICED = "unpriced"


@dataclass(frozen=True, slots=True)
class BayRow:
    """One bay: tone and icon of its state; `usable` bays can be chosen; `note` is the smaller line."""

    connector_id: int
    label: str
    side: str
    plug_icon: str
    kind: str
    state: BayState
    word: str
    tone: str
    icon: str
    since: datetime | None
    usable: bool


@dataclass(frozen=True, slots=True)
class NearBay:
    """A free bay of another charger of the same site."""

    code: str
    label: str
    charger: str
    plug_icon: str
    kind: str


@dataclass(frozen=True, slots=True)
class Landing:
    """The whole card. `reach_kwh` is about how far the hold goes. `trouble` is None when a bay can be started.

    `ahead`: seen before the clock was set back, so how old it is cannot be said.
    """

    code: str
    where: Where
    seen_at: datetime
    old: bool
    ahead: bool
    online: bool
    bays: tuple[BayRow, ...]
    chosen: int | None
    tariff: Tariff | None
    hold: Money | None
    example: Money | None
    reach_kwh: Decimal | None
    limits: tuple[Money, ...]
    trouble: Trouble | None
    near: tuple[NearBay, ...]

    @property
    def seen(self) -> str:
        """The terms on the page as one word. It comes back with the start, so that a change cannot slip in between."""
        return terms_of(self.tariff, self.hold)


def terms_of(tariff: Tariff | None, hold: Money | None) -> str:
    if tariff is None or hold is None:
        return ""
    return f"{tariff.currency}-{tariff.price_per_kwh_minor}-{tariff.start_fee_minor}-{hold.minor}"


def landing_of(
    card: ChargerCard,
    now: datetime,
    *,
    book: SiteBook,
    where: Where,
    occupied: Mapping[int, str],
    near: tuple[NearBay, ...] = (),
    wish: int | None = None,
) -> Landing:
    """`wish` is the bay that the driver chose before; else a plugged-in one, else the first free one is chosen."""
    facts = book.charger(card.code)
    bays = tuple(
        bay_row(card, connector, now, book=book, facts=facts, claimed=connector.connector_id in occupied)
        for connector in sorted(card.connectors, key=lambda c: c.connector_id)
    )
    hold = Money(card.preauth_minor, card.tariff.currency) if card.tariff and card.preauth_minor else None
    usable = [bay for bay in bays if bay.usable]
    plugged = [bay for bay in usable if bay.state is BayState.PLUGGED]
    wished = [bay for bay in usable if bay.connector_id == wish]
    chosen = next(iter(wished or plugged or usable), None)
    return Landing(
        code=card.code,
        where=where,
        seen_at=card.seen_at,
        old=card.stale(now),
        ahead=card.ahead(now),
        online=card.online is True,
        bays=bays,
        chosen=chosen.connector_id if chosen else None,
        tariff=card.tariff,
        hold=hold,
        example=card.tariff.example(EXAMPLE_KWH) if card.tariff else None,
        reach_kwh=card.tariff.reach_kwh(hold.minor) if card.tariff and hold else None,
        limits=limit_choices(hold.currency, hold.minor) if hold else (),
        trouble=_trouble(card, bays, now),
        near=near,
    )


def _trouble(card: ChargerCard, bays: tuple[BayRow, ...], now: datetime) -> Trouble | None:
    if card.online is False:
        return Trouble.OFFLINE
    if card.stale(now):
        return Trouble.OLD
    if card.online is None:
        return Trouble.OFFLINE
    if not card.sellable:
        return Trouble.UNPRICED
    if any(bay.usable for bay in bays):
        return None
    if any(bay.state is BayState.OUT_OF_ORDER for bay in bays):
        return Trouble.FAULT
    if any(bay.state in {BayState.IN_USE, BayState.STARTING} for bay in bays):
        return Trouble.BUSY
    return Trouble.OLD


def bay_row(
    card: ChargerCard,
    connector: Connector,
    now: datetime,
    *,
    book: SiteBook,
    facts: ChargerFacts | None,
    claimed: bool,
) -> BayRow:
    state = bay_state(card, connector, now, claimed=claimed)
    bay = book.bay(card.code, connector.connector_id)
    word, tone, icon = state_words(state, offline=card.online is False)
    usable = state in STARTABLE and card.sellable
    if state in STARTABLE and not usable:
        tone = "mute"  # free, but nothing is sold here now: not the green of an invitation
    plug_icon, kind = plug_words(connector, bay, facts)
    return BayRow(
        connector_id=connector.connector_id,
        label=book.bay_label(card.code, connector.connector_id),
        side=_side(bay) or _("Bay %(bay)s", bay=book.bay_label(card.code, connector.connector_id)),
        plug_icon=plug_icon,
        kind=kind,
        state=state,
        word=word,
        tone=tone,
        icon=icon,
        since=connector.since,
        usable=usable,
    )


def _side(bay: Bay | None) -> str:
    """Where the cable is, in the driver's words."""
    side = (bay.side or "") if bay is not None else ""
    return {"left": _("Left"), "right": _("Right")}.get(side.lower(), side)


def state_words(state: BayState, *, offline: bool = False) -> tuple[str, str, str]:
    """Word, tone and icon: no state is told by colour alone."""
    match state:
        case BayState.FREE | BayState.PLUGGED:
            return _("Free"), "ok", "ok"
        case BayState.STARTING:
            return _("Starting"), "warn", "clock"
        case BayState.IN_USE:
            return _("In use"), "mute", "busy"
        case BayState.OUT_OF_ORDER:
            return _("Out of order"), "bad", "warn"
    if offline:
        return _("No connection"), "mute", "off"
    return _("Not known"), "mute", "ask"


_PLUGS = {"type2": "Type 2", "ccs": "CCS", "chademo": "CHAdeMO", "schuko": "Schuko"}
_PLUG_ICONS = {"type2": "type2", "ccs": "ccs", "chademo": "chademo"}


def plug_words(connector: Connector, bay: Bay | None, facts: ChargerFacts | None) -> tuple[str, str]:
    """Icon and text of the socket or cable with its power, as far as it is known."""
    plug = bay.connector if bay is not None else None
    if plug is None and (connector.standard or "").startswith("IEC 62196"):
        plug = "ccs" if connector.power_type == "DC" else "type2"
    name = _PLUGS.get(plug or "", "")
    most = (bay.max_kw if bay is not None else None) or (facts.max_kw if facts is not None else None)
    power = f"{number(most, 0 if most == most.to_integral_value() else 1)}\N{NO-BREAK SPACE}kW" if most else ""
    return _PLUG_ICONS.get(plug or "", "plug"), ", ".join(part for part in (name, power) if part)


def free_near(
    cards: Mapping[str, ChargerCard],
    occupied: Mapping[str, Mapping[int, str]],
    now: datetime,
    *,
    book: SiteBook,
    order: tuple[str, ...],
) -> tuple[NearBay, ...]:
    """The free bays of other chargers, one each, in the order of the file. An old card is never called free."""
    rows: list[NearBay] = []
    for code in order:
        card = cards.get(code)
        if card is None or len(rows) == MOST_NEAR:
            continue
        facts = book.charger(code)
        taken = occupied.get(code, {})
        bays = [
            bay_row(card, one, now, book=book, facts=facts, claimed=one.connector_id in taken)
            for one in sorted(card.connectors, key=lambda c: c.connector_id)
        ]
        bay = next((bay for bay in bays if bay.usable), None)
        if bay is not None:
            label = (facts.label if facts else None) or card.name or _("charger %(code)s", code=code)
            place = facts.place if facts else None
            charger = _("%(charger)s, %(place)s", charger=label, place=place) if place else label
            rows.append(NearBay(code, bay.label, charger, bay.plug_icon, bay.kind))
    return tuple(rows)
