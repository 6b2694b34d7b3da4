"""What a charger's card shows before a start: its bays in words, price and hold, and why when nothing is free.

Facts come from the stored card; nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kiosk.config.sites import SiteBook
from kiosk.domain.charger import STALE_AFTER, BayState, ChargerCard
from kiosk.domain.expectation import Expectation
from kiosk.domain.limits import rough_by
from kiosk.domain.money import Money
from kiosk.domain.offer import Offer, Trouble, offer_at, trouble_at
from kiosk.domain.tariff import EXAMPLE_KWH, Tariff
from kiosk.web.driver.about import About
from kiosk.web.shared.bay_words import BayRow, bay_row
from kiosk.web.shared.meter_words import rough_limit
from kiosk.web.shared.near import NearBay
from kiosk.web.shared.power_words import PowerWords, power_words
from kiosk.web.shared.site_facts import SiteFacts, site_facts
from kiosk.web.shared.text import _
from kiosk.web.shared.where import Where


@dataclass(frozen=True, slots=True)
class Landing:
    """The whole card. `offer` is what is sold at the chosen bay; None, with the `trouble`, when nothing can be started.

    `free_by` is when a bay that somebody is about to pay is free again at the latest. `tariff` and `example` are shown
    also then. `put_off`: the card is old, and nobody can be asked just now. `power_lines` are sentences on where the
    expected power comes from; `power_waits`: they tell of a wait.
    """

    code: str
    where: Where
    seen_at: datetime
    old: bool
    bays: tuple[BayRow, ...]
    offer: Offer | None
    tariff: Tariff | None
    example: Money | None
    trouble: Trouble | None
    near: tuple[NearBay, ...]
    put_off: bool = False
    power_lines: tuple[str, ...] = ()
    power_waits: bool = False
    about: About | None = None
    site: SiteFacts = field(default_factory=SiteFacts)
    limit_note: str = ""
    free_by: Mapping[int, datetime] = field(default_factory=dict)


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
    interval: timedelta | None = None,
    free_by: Mapping[int, datetime] | None = None,
) -> Landing:
    """`wish` is the bay that the driver chose before; else a plugged-in one, else the first free one is chosen.

    `powers` by connector, `about` and `interval` (at most so far apart does the meter report) are extras: the card
    sells without them.
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
    # One age stands on the page, so it is that of the price when the states are younger.
    seen_at = card.whole_at if card.tariff is not None else card.seen_at
    offer = _chosen(card, bays, now, wish, powers or {})
    return Landing(
        code=card.code,
        where=where,
        seen_at=seen_at,
        old=card.stale(now) or now - seen_at > STALE_AFTER,
        bays=bays,
        offer=offer,
        tariff=card.tariff,
        example=card.tariff.example(EXAMPLE_KWH) if card.tariff else None,
        trouble=trouble_at(card, (bay.state for bay in bays), now),
        near=near,
        power_lines=_power_lines([bay for bay in bays if bay.usable]),
        power_waits=any(bay.power.waits or bay.power.pauses for bay in bays if bay.usable and bay.power is not None),
        about=about,
        site=site_facts(book, card.code),
        limit_note=_limit_note(offer, interval),
        free_by=free_by or {},
    )


def _limit_note(offer: Offer | None, interval: timedelta | None) -> str:
    """How exactly a limit can be kept at the chosen bay."""
    if offer is None:
        return ""
    return rough_limit(rough_by(offer.tariff, offer.most_kw, interval), interval)


def _chosen(
    card: ChargerCard, bays: Sequence[BayRow], now: datetime, wish: int | None, powers: Mapping[int, Expectation]
) -> Offer | None:
    """What is sold at the bay that the page chooses for the driver. How old its price may be is asked at the start."""
    usable = [bay for bay in bays if bay.usable]
    plugged = [bay for bay in usable if bay.state is BayState.PLUGGED]
    wished = [bay for bay in usable if bay.connector_id == wish]
    bay = next(iter(wished or plugged or usable), None)
    if bay is None:
        return None
    power = powers.get(bay.connector_id)
    most_kw = power.most_kw if power is not None else None
    offer = offer_at(card, bay.connector_id, now, claimed=False, longest=None, most_kw=most_kw)
    return offer if isinstance(offer, Offer) else None


def _power_lines(bays: Sequence[BayRow]) -> tuple[str, ...]:
    """Which power holds when, and what sets it, bay by bay where that differs. Short: the price must stay in sight."""
    said = [(bay.label, bay.power) for bay in bays if bay.power is not None]
    texts = {label: _text_of(power) for label, power in said}
    if len(set(texts.values())) == 1:
        (text,) = set(texts.values())
        waits = any(power.waits for _label, power in said)
        lines = (
            [f"{text}." if waits else _("Estimate, if your car can take it: %(power)s.", power=text)] if text else []
        )
    else:
        rows = {label: text for label, text in texts.items() if text}
        lines = [
            _("Estimate for bay %(bay)s, if your car can take it: %(power)s.", bay=label, power=text)
            for label, text in rows.items()
        ]
    return (*lines, *dict.fromkeys(power.note for _label, power in said if power.note))


def _text_of(power: PowerWords) -> str:
    """The sentence with its reason, without what stands beside the plug already."""
    if power.waits:
        return power.sentence
    sentence = "" if power.at_most and not power.pauses and not power.limited else power.sentence
    why = power.reason if power.limited else ""
    said = ": ".join(part for part in (sentence, why) if part)
    return f"{said} ({power.detail})" if said and power.detail else said
