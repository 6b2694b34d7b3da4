"""The bays of the only site for its first page: one row each, in groups that have one kind of plug and one price.

Facts come from the stored cards; nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kiosk.config.sites import ChargerFacts, SiteBook
from kiosk.domain.charger import BayState, ChargerCard, Connector
from kiosk.domain.tariff import Tariff
from kiosk.service.bays import ChargerNow, connectors_of
from kiosk.web.shared.bay_words import BayRow, bay_row, plug_words, state_words
from kiosk.web.shared.local_text import said
from kiosk.web.shared.plugs import PLUGS, plug_of
from kiosk.web.shared.text import _

_FAST = frozenset({"ccs", "chademo"})


@dataclass(frozen=True, slots=True)
class HomeRow:
    """One bay with the name of its place. `tariff` is None when it is not known well enough to be shown."""

    code: str
    name: str
    bay: BayRow
    plug: str
    fast: bool
    tariff: Tariff | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class HomeGroup:
    """Bays of one kind. `tariff` is the price of all whose price is known; None when there are several or none: then
    each row has its own. `as_of` is the oldest look at one of them that still counts; None when there is none.
    """

    title: str
    rows: tuple[HomeRow, ...]
    tariff: Tariff | None
    as_of: datetime | None

    @property
    def own_prices(self) -> bool:
        return self.tariff is None


def home_groups(chargers: Iterable[ChargerNow], now: datetime, book: SiteBook) -> tuple[HomeGroup, ...]:
    """The groups in the order of the file; fast bays stand apart from the others."""
    rows = [
        _row(one, connector_id, now, book) for one in chargers for connector_id in connectors_of(one.facts, one.card)
    ]
    kinds = dict.fromkeys(row.fast for row in rows)
    return tuple(_group([row for row in rows if row.fast is fast], alone=len(kinds) == 1) for fast in kinds)


def _group(rows: list[HomeRow], *, alone: bool) -> HomeGroup:
    plugs = {row.plug for row in rows}
    if alone:
        title = _("Bays here")
    elif rows[0].fast:
        title = _("Fast")
    else:
        title = PLUGS.get(rows[0].plug, "") if len(plugs) == 1 else ""
    tariffs = {row.tariff for row in rows} - {None}
    return HomeGroup(
        title or _("Other bays"),
        tuple(rows),
        next(iter(tariffs)) if len(tariffs) == 1 else None,
        min((row.seen_at for row in rows if row.seen_at is not None), default=None),
    )


def _row(one: ChargerNow, connector_id: int, now: datetime, book: SiteBook) -> HomeRow:
    facts, card = one.facts, one.card
    connector = card.connector(connector_id) if card is not None else None
    plug = plug_of(connector or Connector(connector_id, None), facts.bays.get(connector_id)) or ""
    return HomeRow(
        code=facts.code,
        name=_name(facts, connector_id),
        bay=_bay(one, connector_id, now, book),
        plug=plug,
        fast=plug in _FAST,
        tariff=card.tariff if card is not None and card.price_counts(now) else None,
        seen_at=card.seen_at if card is not None else None,
    )


def _bay(one: ChargerNow, connector_id: int, now: datetime, book: SiteBook) -> BayRow:
    facts, card = one.facts, one.card
    connector = card.connector(connector_id) if card is not None else None
    if card is not None and connector is not None:
        return bay_row(card, connector, now, book=book, facts=facts, claimed=connector_id in one.claimed)
    return _unseen(facts, connector_id, card, book)


def _unseen(facts: ChargerFacts, connector_id: int, card: ChargerCard | None, book: SiteBook) -> BayRow:
    """A bay that stands in the file, and of which nobody said anything a short time ago."""
    offline = card is not None and card.online is False
    word, tone, icon = state_words(BayState.NOT_KNOWN, offline=offline, usable=False)
    plug_icon, kind = plug_words(Connector(connector_id, None), facts.bays.get(connector_id), facts)
    return BayRow(
        connector_id=connector_id,
        label=book.bay_label(facts.code, connector_id),
        side="",
        plug_icon=plug_icon,
        kind=kind,
        state=BayState.NOT_KNOWN,
        word=word,
        tone=tone,
        icon=icon,
        since=None,
        usable=False,
    )


def _name(facts: ChargerFacts, connector_id: int) -> str:
    """The charger, and which of its sides where it has two."""
    charger = said(facts.label) or _("charger %(code)s", code=facts.code)
    bay = facts.bays.get(connector_id)
    side = (bay.side or "") if bay is not None else ""
    match side.lower():
        case "left":
            return _("%(charger)s, left", charger=charger)
        case "right":
            return _("%(charger)s, right", charger=charger)
    return f"{charger}, {said(side)}" if side else charger
