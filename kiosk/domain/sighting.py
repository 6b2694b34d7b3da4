"""What the operator's view says of a charger, and how it changes the card that drivers see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from kiosk.domain.charger import DRAWN_LASTS, ChargerCard, Connector, Drawn, merge
from kiosk.domain.site_board import PowerUsage
from kiosk.domain.tariff import Tariff

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a price was seen that was never seen."""
MOST_DRAWN_KW = 1000
"""No car draws more; a meter that counts in watts seems to."""
CLOCKS_DIFFER = timedelta(seconds=5)
"""A charger's clock may be so far ahead."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a charge costs there, as seen at `at`. Without `tariff` or `preauth_minor` nothing is sold."""

    tariff: Tariff | None
    preauth_minor: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """The states of one charger, none of them older than `at`. What a list does not speak of is not gone.

    `price` is None when this view does not know it, `out` whether the charger as a whole is out of order.
    """

    code: str
    online: bool | None
    connectors: tuple[Connector, ...]
    price: Price | None
    at: datetime
    out: bool | None = None

    def out_at(self, before: datetime | None) -> datetime | None:
        """When the charger as a whole was last said to be out of order, after this."""
        return before if self.out is None else (self.at if self.out else None)


def drawn_of(usage: PowerUsage, asked_at: datetime) -> Drawn | None:
    """What flows at a bay, as asked for at `asked_at`. None when it is not told, not of now, or can be of no car."""
    at, kw = usage.measured_at, usage.kw
    if at is None or kw is None or not 0 <= kw <= MOST_DRAWN_KW:
        return None
    if not -CLOCKS_DIFFER <= asked_at - at <= DRAWN_LASTS:
        return None
    phases = [one for one in (usage.l1_amperes, usage.l2_amperes, usage.l3_amperes) if one is not None and one >= 0]
    return Drawn(kw, max(phases, default=None), min(at, asked_at))


def card_with(previous: ChargerCard | None, seen: Sighting) -> ChargerCard | None:
    """The card with these states, and with the younger of both prices. None when the card knows better already, or
    when it was not seen whether the charger is online: the card then grows old.

    A connector that was not seen stays, in a state that is not known. One that was seen without a state keeps its own
    for as long as that may be shown. `name` and what is known of a plug stay too.
    """
    if seen.online is None:
        return None
    told = {connector.connector_id: connector for connector in seen.connectors}
    if previous is None:
        price = seen.price or Price(None, None, NEVER)
        connectors = _in_order(told.values())
        return ChargerCard(
            seen.code,
            None,
            seen.online,
            connectors,
            price.tariff,
            price.preauth_minor,
            seen.at,
            price.at,
            seen.out_at(None),
        )
    if seen.at < previous.seen_at:
        return None
    known = {connector.connector_id: connector for connector in previous.connectors}
    left_out = {number: _left_out(one, previous.seen_at) for number, one in known.items()}
    unseen = [replace(one, status=None) for number, one in left_out.items() if number not in told]
    described = [_described(one, left_out.get(number), seen.at) for number, one in told.items()]
    priced_at = previous.priced_at or previous.seen_at
    card = replace(
        previous,
        online=seen.online,
        connectors=_in_order([*unseen, *described]),
        seen_at=seen.at,
        priced_at=priced_at,
    )
    if seen.price is not None and priced_at < seen.price.at:
        price = seen.price
        card = replace(card, tariff=price.tariff, preauth_minor=price.preauth_minor, priced_at=price.at)
    return replace(merge(previous, card), out_at=seen.out_at(previous.out_at))


def same_but_for_time(before: ChargerCard | None, after: ChargerCard) -> bool:
    """A reader of the card sees the same words and figures. What flows at a bay changes all the time, and no page shows
    it: what it means for others is worked out when they look.
    """
    return before is not None and _timeless(before) == _timeless(after)


def _timeless(card: ChargerCard) -> ChargerCard:
    connectors = tuple(replace(one, last=None, last_at=None, last_since=None, drawn=None) for one in card.connectors)
    return replace(card, connectors=connectors, seen_at=NEVER, priced_at=None, out_at=card.out_at and NEVER)


def _left_out(known: Connector, said_at: datetime) -> Connector:
    """What becomes of a connector of which nothing is said: it remembers its last word."""
    if known.status is None or known.last_at is not None:
        return known
    return replace(known, last=known.status, last_at=said_at, last_since=known.since)


def _described(seen: Connector, known: Connector | None, at: datetime) -> Connector:
    if known is None:
        return seen
    if seen.status is None:
        status = known.status if known.remembers(at) else None
        seen = replace(seen, status=status, last=known.last, last_at=known.last_at, last_since=known.last_since)
    return replace(
        seen,
        standard=seen.standard or known.standard,
        format=seen.format or known.format,
        power_type=seen.power_type or known.power_type,
        phase_rotation=seen.phase_rotation or known.phase_rotation,
    )


def _in_order(connectors: Iterable[Connector]) -> tuple[Connector, ...]:
    return tuple(sorted(connectors, key=lambda each: each.connector_id))
