"""What the operator's view says of a charger, and how it changes the card that drivers see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kiosk.domain.charger import AHEAD, ChargerCard, Connector, merge
from kiosk.domain.tariff import Tariff

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a price was seen that was never seen."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a charge costs there, as seen at `at`. Without `tariff` or `preauth_minor` nothing is sold."""

    tariff: Tariff | None
    preauth_minor: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """The states of one charger, none of them older than `at`. What a list does not speak of is not gone.

    `price` is None when this view does not know it.
    """

    code: str
    online: bool | None
    connectors: tuple[Connector, ...]
    price: Price | None
    at: datetime


def sighted(previous: ChargerCard | None, seen: Sighting, now: datetime) -> ChargerCard | None:
    """The card with these states, and with the younger of both prices. None when the card knows better already.

    A connector that was not seen stays, in a state that is not known. `name` and what is known of a plug stay too.
    """
    told = {connector.connector_id: connector for connector in seen.connectors}
    if previous is None:
        price = seen.price or Price(None, None, NEVER)
        connectors = _in_order(told.values())
        return ChargerCard(
            seen.code, None, seen.online, connectors, price.tariff, price.preauth_minor, seen.at, price.at
        )
    if seen.at < previous.seen_at <= now + AHEAD:
        return None
    known = {connector.connector_id: connector for connector in previous.connectors}
    unseen = [replace(one, status=None) for number, one in known.items() if number not in told]
    described = [_described(one, known.get(number)) for number, one in told.items()]
    priced_at = previous.priced_at or previous.seen_at
    card = replace(
        previous,
        online=seen.online,
        connectors=_in_order([*unseen, *described]),
        seen_at=seen.at,
        priced_at=priced_at,
    )
    if seen.price is not None and (priced_at < seen.price.at or priced_at > now + AHEAD):
        price = seen.price
        card = replace(card, tariff=price.tariff, preauth_minor=price.preauth_minor, priced_at=price.at)
    return merge(previous, card)


def same_but_for_time(before: ChargerCard | None, after: ChargerCard) -> bool:
    """A reader of the card sees the same words and figures."""
    return before is not None and replace(before, seen_at=after.seen_at, priced_at=after.priced_at) == after


def _described(seen: Connector, known: Connector | None) -> Connector:
    if known is None:
        return seen
    return replace(
        seen,
        standard=seen.standard or known.standard,
        format=seen.format or known.format,
        power_type=seen.power_type or known.power_type,
    )


def _in_order(connectors: Iterable[Connector]) -> tuple[Connector, ...]:
    return tuple(sorted(connectors, key=lambda each: each.connector_id))
