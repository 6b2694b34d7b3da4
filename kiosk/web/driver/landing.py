"""What a charger's card shows before a start: its bays in words, price and hold, and why when nothing is free.

Facts come from the stored card; nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kiosk.config.sites import Bay, ChargerFacts, SiteBook
from kiosk.domain.charger import STALE_AFTER, STARTABLE, BayState, ChargerCard, Connector, bay_state
from kiosk.domain.expectation import Expectation
from kiosk.domain.money import Money
from kiosk.domain.tariff import Tariff
from kiosk.web.driver.about import About
from kiosk.web.session.screens import Where
from kiosk.web.session.view import limit_choices
from kiosk.web.shared.plugs import PLUG_ICONS, PLUGS, plug_of
from kiosk.web.shared.power_words import PowerWords, kilowatts, power_words
from kiosk.web.shared.text import _

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
    power: PowerWords | None = None


@dataclass(frozen=True, slots=True)
class NearBay:
    """A free bay of another charger of the same site."""

    code: str
    connector_id: int
    label: str
    charger: str
    plug_icon: str
    kind: str


@dataclass(frozen=True, slots=True)
class Landing:
    """The whole card. `reach_kwh` is about how far the hold goes. `trouble` is None when a bay can be started.

    `ahead`: seen before the clock was set back, so how old it is cannot be said. `power_lines` are sentences on where
    the expected power comes from.
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
    power_lines: tuple[str, ...] = ()
    about: About | None = None

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
    powers: Mapping[int, Expectation] | None = None,
    about: About | None = None,
) -> Landing:
    """`wish` is the bay that the driver chose before; else a plugged-in one, else the first free one is chosen.

    `powers` by connector and `about` are extras: the card sells without them.
    """
    facts = book.charger(card.code)
    bays = tuple(
        bay_row(
            card,
            connector,
            now,
            book=book,
            facts=facts,
            claimed=connector.connector_id in occupied,
            power=power_words((powers or {}).get(connector.connector_id)),
        )
        for connector in sorted(card.connectors, key=lambda c: c.connector_id)
    )
    hold = Money(card.preauth_minor, card.tariff.currency) if card.tariff and card.preauth_minor else None
    # One age stands on the page, so it is that of the price when the states are younger.
    seen_at = card.whole_at if card.tariff is not None else card.seen_at
    usable = [bay for bay in bays if bay.usable]
    plugged = [bay for bay in usable if bay.state is BayState.PLUGGED]
    wished = [bay for bay in usable if bay.connector_id == wish]
    chosen = next(iter(wished or plugged or usable), None)
    return Landing(
        code=card.code,
        where=where,
        seen_at=seen_at,
        old=card.stale(now) or now - seen_at > STALE_AFTER,
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
        power_lines=_power_lines(usable),
        about=about,
    )


def _power_lines(bays: Sequence[BayRow]) -> tuple[str, ...]:
    """Which power holds when, and what sets it, bay by bay where that differs. Short: the price must stay in sight."""
    said = [(bay.label, bay.power) for bay in bays if bay.power is not None]
    told = {label: _told(power) for label, power in said}
    if len(set(told.values())) == 1:
        (text,) = set(told.values())
        waits = any(power.waits for _label, power in said)
        lines = [f"{text}." if waits else _("Estimate: %(power)s.", power=text)] if text else []
    else:
        rows = {label: text for label, text in told.items() if text}
        lines = [_("Estimate for bay %(bay)s: %(power)s.", bay=label, power=text) for label, text in rows.items()]
    # An upper bound has to say so, and so has a wait. What was assumed on the safe side is told where there is room.
    grave = [power for _label, power in said if power.at_most or power.pauses]
    return (*lines, *dict.fromkeys(power.note for power in grave if power.note))


def _told(power: PowerWords) -> str:
    """The sentence with its reason, without what stands beside the plug already."""
    if power.waits:
        return power.sentence
    sentence = "" if power.at_most and not power.pauses else power.sentence
    return ": ".join(part for part in (sentence, power.reason if power.limited else "") if part)


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
    power: PowerWords | None = None,
) -> BayRow:
    state = bay_state(card, connector, now, claimed=claimed)
    bay = book.bay(card.code, connector.connector_id)
    word, tone, icon = state_words(state, offline=card.online is False)
    usable = state in STARTABLE and card.sellable
    if state in STARTABLE and not usable:
        tone = "mute"  # free, but nothing is sold here now: not the green of an invitation
    power = power if usable else None
    plug_icon, kind = plug_words(connector, bay, facts, power)
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
        power=power,
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


def plug_words(
    connector: Connector, bay: Bay | None, facts: ChargerFacts | None, power: PowerWords | None = None
) -> tuple[str, str]:
    """Icon and text of the socket or cable with its power, as far as it is known."""
    plug = plug_of(connector, bay)
    name = PLUGS.get(plug or "", "")
    most = (bay.max_kw if bay is not None else None) or (facts.max_kw if facts is not None else None)
    said = kilowatts(most) if most else ""
    if power is not None and not power.waits:
        said = power.short
    return PLUG_ICONS.get(plug or "", "plug"), ", ".join(part for part in (name, said) if part)


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
            rows.append(NearBay(code, bay.connector_id, bay.label, charger, bay.plug_icon, bay.kind))
    return tuple(rows)
