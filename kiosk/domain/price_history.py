"""Prices of a charger as upstream has had them: since when each was read, and what it changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.domain.charger import ChargerCard
from kiosk.domain.money import Money
from kiosk.domain.tariff import Tariff


class Part(StrEnum):
    """What of a price is another one than before."""

    FIRST = "first"  # nothing was known before
    KWH = "kwh"
    START_FEE = "start_fee"
    HOLD = "hold"
    CURRENCY = "currency"
    GONE = "gone"  # there is none that can be read any more
    BACK = "back"  # there was none


@dataclass(frozen=True, slots=True)
class PriceRead:
    """One price, or (`tariff` None) that there was none. It was read first at `since`; the one before it was read last
    at `before_at`, so the change lies between the two. None: it is the first that was read.
    """

    code: str
    tariff: Tariff | None
    hold_minor: int | None
    since: datetime
    before_at: datetime | None = None

    @property
    def hold(self) -> Money | None:
        if self.tariff is None or self.hold_minor is None:
            return None
        return Money(self.hold_minor, self.tariff.currency)


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A price with the one before it, and which parts differ."""

    read: PriceRead
    before: PriceRead | None
    parts: tuple[Part, ...]


def price_read(before: ChargerCard | None, after: ChargerCard) -> PriceRead | None:
    """What to write down when a card replaces another one. None: its price reads as it did, or was not read anew."""
    hold = after.preauth_minor if after.tariff is not None else None
    now = PriceRead(after.code, after.tariff, hold, after.price_seen_at)
    if before is None:
        return now if after.tariff is not None else None
    known = before.preauth_minor if before.tariff is not None else None
    if (before.tariff, known) == (now.tariff, now.hold_minor) or after.price_seen_at <= before.price_seen_at:
        return None
    return PriceRead(after.code, after.tariff, hold, after.price_seen_at, before.price_seen_at)


def changes(reads: Iterable[PriceRead]) -> list[PriceChange]:
    """The newest first, whatever order they come in; of several chargers each is compared with its own."""
    found: list[PriceChange] = []
    last: dict[str, PriceRead] = {}
    for one in sorted(reads, key=lambda each: each.since):
        before = last.get(one.code)
        found.append(PriceChange(one, before, _parts(before, one)))
        last[one.code] = one
    return found[::-1]


def _parts(before: PriceRead | None, now: PriceRead) -> tuple[Part, ...]:
    if before is None:
        return (Part.FIRST,)
    old, new = before.tariff, now.tariff
    if old is None or new is None:
        return () if old is new else (Part.GONE,) if new is None else (Part.BACK,)
    told = (
        (Part.CURRENCY, old.currency, new.currency),
        (Part.KWH, old.price_per_kwh_minor, new.price_per_kwh_minor),
        (Part.START_FEE, old.start_fee_minor, new.start_fee_minor),
        (Part.HOLD, before.hold_minor, now.hold_minor),
    )
    return tuple(part for part, was, is_now in told if was != is_now)
