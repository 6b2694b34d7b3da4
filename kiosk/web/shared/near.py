"""Free bays of the other chargers of a site, in words, for a driver who finds nothing free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.config.sites import SiteBook
from kiosk.domain.charger import ChargerCard
from kiosk.service.cards import near_offers
from kiosk.web.shared.bay_words import plug_words
from kiosk.web.shared.local_text import said
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _


@dataclass(frozen=True, slots=True)
class NearBay:
    """A free bay of another charger of the same site."""

    code: str
    connector_id: int
    label: str
    charger: str
    plug_icon: str
    kind: str


def near_bays(code: str, now: datetime) -> tuple[NearBay, ...]:
    """One bay each of a few other chargers, by what is stored and fresh."""
    return tuple(_near(parts().site, card, offer.connector_id) for card, offer in near_offers(parts(), code, now))


def _near(book: SiteBook, card: ChargerCard, connector_id: int) -> NearBay:
    facts, connector = book.charger(card.code), card.connector(connector_id)
    label = (said(facts.label) if facts else "") or card.name or _("charger %(code)s", code=card.code)
    place = said(facts.place) if facts else ""
    charger = _("%(charger)s, %(place)s", charger=label, place=place) if place else label
    icon, kind = plug_words(connector, book.bay(card.code, connector_id), facts) if connector else ("plug", "")
    return NearBay(card.code, connector_id, book.bay_label(card.code, connector_id), charger, icon, kind)
