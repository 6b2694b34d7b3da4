"""Parts of a price that the kiosk does not know. What it cannot show, it does not sell.

Plugchoice documents a price per kWh and a start fee, tax included. Another part may come any day: a price per minute,
an idle fee, a tax on top. A driver would be charged by it without having read it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kiosk.upstream.values import as_number, as_object

PRICING = frozenset({"currency", "price_per_kwh", "start_fee"})
"""Every field of `pricing` that is documented."""
CHARGER = frozenset({"public_code", "name", "online", "connectors", "pricing", "preauth_amount"})
CONNECTOR = frozenset({"connector_id", "status", "standard", "format", "power_type"})
SETTINGS = PRICING | {
    *("enabled", "billing_plan", "public_code", "public_url", "preauth_amount", "limits", "connect", "billing"),
}

_PRICE_WORDS = re.compile(
    r"price|fee|cost|tariff|rate|tax|vat|surcharge|idle|minute|hour|parking|blocking|minimum", re.I
)
_NO_PRICE = re.compile(r"^(id|uuid|version|decimals|exponent|precision)$|_(id|uuid|at)$", re.I)
_INCLUDED = re.compile(r"incl", re.I)


def unshown_parts(data: Mapping[str, object]) -> tuple[str, ...]:
    """Names of price parts in a public charger's data that the kiosk cannot show, in the order in which they came."""
    found = unknown_prices(as_object(data.get("pricing")) or {}, PRICING)
    found += worded_prices(data, CHARGER)
    connectors = data.get("connectors")
    for entry in connectors if isinstance(connectors, list) else ():
        found += worded_prices(as_object(entry) or {}, CONNECTOR)
    return tuple(dict.fromkeys(found))


def unknown_prices(fields: Mapping[str, object], known: frozenset[str]) -> list[str]:
    """Where prices stand, every further number counts as one, whatever its name; a text only when it sounds like it."""
    return [
        name
        for name, value in fields.items()
        if name not in known and not _NO_PRICE.search(name) and (_sums(value) or _sounds(name, value))
    ]


def worded_prices(fields: Mapping[str, object], known: frozenset[str]) -> list[str]:
    """Where anything may stand, only what sounds like a price counts."""
    return [
        name
        for name, value in fields.items()
        if name not in known and _PRICE_WORDS.search(name) and (_sums(value) or _sounds(name, value))
    ]


def _sums(value: object) -> bool:
    """There is a number in it that is not nothing."""
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, list):
        return any(map(_sums, value))
    inner = as_object(value)
    if inner is not None:
        return any(_sums(each) for name, each in inner.items() if not _NO_PRICE.search(name))
    number = as_number(value)
    return number is not None and number != 0


def _sounds(name: str, value: object) -> bool:
    """A word about money that is no number: `"tax": "on top"`, and a price that says it does not include something."""
    if not _PRICE_WORDS.search(name):
        return False
    if _INCLUDED.search(name):
        return value is False
    return value is True or (isinstance(value, str) and bool(value.strip()) and as_number(value) is None)
