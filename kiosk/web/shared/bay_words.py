"""A bay in the driver's words: its side, the word, tone and icon of its state, its plug and its power."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.config.sites import Bay, ChargerFacts, SiteBook
from kiosk.domain.charger import BayState, ChargerCard, Connector, bay_state
from kiosk.domain.offer import usable
from kiosk.web.shared.local_text import said
from kiosk.web.shared.plugs import PLUG_ICONS, PLUGS, plug_of
from kiosk.web.shared.power_words import PowerWords, kilowatts
from kiosk.web.shared.text import _, pgettext


@dataclass(frozen=True, slots=True)
class BayRow:
    """One bay: word, tone and icon of its state; `usable` bays can be chosen; `kind` is its plug with its power."""

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
    can_start = usable(card, state)
    word, tone, icon = state_words(state, offline=card.online is False, usable=can_start)
    power = power if can_start else None
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
        usable=can_start,
        power=power,
    )


def _side(bay: Bay | None) -> str:
    """Where the cable is, in the driver's words."""
    side = (bay.side or "") if bay is not None else ""
    return {"left": _("Left"), "right": _("Right")}.get(side.lower(), said(side))


def state_words(state: BayState, *, offline: bool, usable: bool) -> tuple[str, str, str]:
    """Word, tone and icon: no state is told by colour alone. A free bay where nothing is sold does not invite."""
    match state:
        case BayState.FREE | BayState.PLUGGED:
            return _("Free"), "ok" if usable else "mute", "ok"
        case BayState.STARTING:
            return _("Starting"), "warn", "clock"
        case BayState.IN_USE:
            return _("In use"), "mute", "busy"
        case BayState.KEPT:
            return _("Kept for somebody"), "mute", "clock"
        case BayState.OUT_OF_ORDER:
            return _("Out of order"), "bad", "warn"
    if offline:
        return _("No connection"), "mute", "off"
    return pgettext("a bay", "Not known"), "mute", "ask"


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
