"""What is known of a charger's make, as far as back office and operator, who know it better, do not contradict."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kiosk.config.sites import ChargerFacts
from kiosk.domain import lab
from kiosk.domain.charger import ChargerCard
from kiosk.web.shared.plugs import PLUGS, plug_named, plug_of
from kiosk.web.shared.power_words import kilowatts
from kiosk.web.shared.text import _

LONGEST = 60
"""Letters of a name that are shown. Makers' names are shorter; whatever is longer is no name."""


@dataclass(frozen=True, slots=True)
class About:
    """`rows` are names and values in the reader's language, to be shown as the maker's words. `picture` is our own
    address of one, if there is one.
    """

    rows: tuple[tuple[str, str], ...]
    picture: str | None = None


def about_of(
    card: ChargerCard, facts: ChargerFacts | None, make: lab.LabFacts | None, picture: str | None = None
) -> About | None:
    """None when nothing is left to say. Whatever the back office or kiosk.toml contradicts is left out."""
    if make is None:
        return None
    rows = (
        (_("Maker"), _name(make.vendor)),
        (_("Model"), _name(make.model)),
        (_("Plug"), _plug(card, facts, make.connector_type)),
        (_("Most power"), _power(card, facts, make.max_kw)),
    )
    known = tuple(row for row in rows if row[1])
    return About(known, picture) if known or picture is not None else None


def _name(text: str | None) -> str:
    name = " ".join((text or "").split())
    return name if len(name) <= LONGEST else ""


def _plug(card: ChargerCard, facts: ChargerFacts | None, said: str | None) -> str:
    """The maker's word, when it is one of the plugs that the charger is known to have, or none is known."""
    bays = facts.bays if facts is not None else {}
    known = {plug_of(one, bays.get(one.connector_id)) for one in card.connectors} - {None}
    plug = plug_named(said)
    if known and plug not in known:
        return ""
    return PLUGS[plug] if plug is not None else _name(said)


def _power(card: ChargerCard, facts: ChargerFacts | None, said: Decimal | None) -> str:
    """The whole charger's: at least what the operator says of one connector, at most what they say of all of them."""
    if said is None or said <= 0:
        return ""
    bays = facts.bays if facts is not None else {}
    numbers = {one.connector_id for one in card.connectors} | set(bays)
    each = facts.max_kw if facts is not None else None
    each_kw = [(bays[number].max_kw if number in bays else None) or each for number in numbers]
    known = [figure for figure in each_kw if figure is not None]
    too_much = len(known) == len(each_kw) and said > sum(known)
    return "" if too_much or said < max(known, default=Decimal(0)) else kilowatts(said)
