"""The company that a receipt is made out to: what its owner added afterwards. Rule R-02."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_NAME = 100
LONGEST_ADDRESS = 300
MOST_LINES = 3
_VAT_NUMBER = re.compile(r"[A-Z]{2,3}[A-Z0-9+*]{2,15}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_OTHER_PREFIXES = {"EL": "GR", "XI": "GB"}
"""Prefixes of VAT numbers that are no country codes: Greece, and Northern Ireland."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """`address` are up to three lines, `country` two letters; None when they were not given."""

    name: str
    address: tuple[str, ...]
    vat_number: str | None = None
    country: str | None = None


def buyer_from(name: str, address: str, vat_number: str, country: str) -> Buyer | None:
    """What a person typed; None when it cannot stand on an invoice. Spaces and points in the number do not count."""
    lines = tuple(line for line in (_plain(part) for part in address.splitlines()) if line)
    called, number, place = _plain(name), re.sub(r"[\s.\-]", "", vat_number).upper(), country.strip().upper()
    good = (
        0 < len(called) <= LONGEST_NAME
        and 0 < len(lines) <= MOST_LINES
        and sum(map(len, lines)) <= LONGEST_ADDRESS
        and (not number or _VAT_NUMBER.fullmatch(number))
        and (not place or _COUNTRY.fullmatch(place))
    )
    return Buyer(called, lines, number or None, place or country_of(number)) if good else None


def country_of(vat_number: str | None) -> str | None:
    """The country whose VAT number that is: its first two letters, in capitals, unless they stand for another one."""
    head = (vat_number or "").strip()[:2].upper()
    return _OTHER_PREFIXES.get(head, head) if _COUNTRY.fullmatch(head) else None


def _plain(text: str) -> str:
    """Without what cannot be seen, and with single spaces."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
