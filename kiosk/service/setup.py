"""The chargers of a site as the kiosk has them: what was read last, and how well. Nobody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.config.sites import ChargerFacts, Site
from kiosk.domain.money import Money
from kiosk.domain.offer import hold_of
from kiosk.domain.price_history import PriceChange, changes
from kiosk.domain.tariff import Tariff
from kiosk.service.fast import price_problem
from kiosk.service.parts import Parts


@dataclass(frozen=True, slots=True)
class ChargerAtDesk:
    """`tariff` and `hold` are None when they could not be read. `every` is how often it reports its meter at the most,
    as charges have shown; None: not known yet. `states`: the words of its connectors, None for one that says none.
    """

    facts: ChargerFacts
    online: bool | None
    states: tuple[tuple[int, str | None], ...]
    tariff: Tariff | None
    hold: Money | None
    seen_at: datetime | None
    priced_at: datetime | None
    every: timedelta | None
    """Its meter reports so often or more often."""
    surely: timedelta | None
    """And not more often than that."""
    make: str | None


def chargers_of(parts: Parts, site: Site) -> tuple[ChargerAtDesk, ...]:
    """In the order of kiosk.toml."""
    codes = [one.code for one in site.chargers]
    cards, paces, makes = parts.store.cards(codes), parts.store.paces(codes), parts.store.lab_facts(codes)
    found = []
    for one in site.chargers:
        card, pace, make = cards.get(one.code), paces.get(one.code), makes.get(one.code)
        found.append(
            ChargerAtDesk(
                facts=one,
                online=card.online if card is not None else None,
                states=tuple((each.connector_id, each.status) for each in card.connectors) if card is not None else (),
                tariff=card.tariff if card is not None else None,
                hold=hold_of(card) if card is not None else None,
                seen_at=card.seen_at if card is not None else None,
                priced_at=card.price_seen_at if card is not None else None,
                every=pace.interval if pace is not None else None,
                surely=pace.surely if pace is not None else None,
                make=make.make if make is not None else None,
            )
        )
    return tuple(found)


def prices_at(parts: Parts, site: Site) -> list[PriceChange]:
    """Every price of its chargers that was read, the newest first."""
    return changes(parts.store.prices_of([one.code for one in site.chargers]))


def price_problems(parts: Parts, site: Site) -> list[str]:
    """What of the prices that hold now breaks a rule, or may break one, each with what to do."""
    codes = [one.code for one in site.chargers]
    cards, makes = parts.store.cards(codes), parts.store.lab_facts(codes)
    found = (price_problem(cards[code], parts.site, makes.get(code)) for code in codes if code in cards)
    return [one.text for one in found if one is not None]
