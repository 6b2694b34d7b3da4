"""Single values out of JSON that cannot be trusted: the value in our terms, or None for anything unreadable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

MOST_MINOR = 10**9
MOST_KWH = Decimal(10**5)
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_FINEST_KWH = Decimal("1e-9")
_SPACE_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Zs"})
_DROPPED_CATEGORIES = frozenset({"Cs", "Co", "Cn"})
_UNSEEN = frozenset("\u200b\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CREDENTIAL = re.compile(r"[!-~]{1,512}", re.ASCII)
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


def as_object(value: object) -> Mapping[str, object] | None:
    return value if isinstance(value, dict) else None


def as_text(value: object, most: int = 200) -> str | None:
    """One line of at most `most` visible characters: no controls, no direction marks. None when nothing is left."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else None
    if not isinstance(value, str):
        return None
    kept = []
    for char in value[: most * 4]:
        category = unicodedata.category(char)
        if category in _SPACE_CATEGORIES:
            kept.append(" ")
        elif category not in _DROPPED_CATEGORIES and char not in _UNSEEN:
            kept.append(char)
    return " ".join("".join(kept).split())[:most].strip() or None


def as_word(value: object) -> str | None:
    """A word of an enumeration, known or not; raw, because a later version may know it."""
    return as_text(value, 40) if isinstance(value, str) else None


def as_credential(value: object) -> str | None:
    """A token, key or secret exactly as given; None unless it is printable ASCII without blanks, at most 512 long."""
    return value if isinstance(value, str) and _CREDENTIAL.fullmatch(value) else None


def as_flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    return True if word in _TRUE else False if word in _FALSE else None


def as_number(value: object) -> Decimal | None:
    """A finite number that was a JSON number or a numeric string. Never through float."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return value if value.is_finite() and -40 < value.adjusted() < 40 else None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < 10**40 else None
    if isinstance(value, str):
        text = value.strip(" \t")
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    return None


def as_count(value: object, most: int) -> int | None:
    """A whole number from 0 to `most`; `4900`, `"4900"` and `4900.0` are the same."""
    number = as_number(value)
    if number is None or not 0 <= number <= most or number != number.to_integral_value():
        return None
    return int(number)


def as_minor(value: object) -> int | None:
    """An amount in minor units."""
    return as_count(value, MOST_MINOR)


def as_kwh(value: object) -> Decimal | None:
    number = as_number(value)
    if number is None or not 0 <= number <= MOST_KWH:
        return None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -9:
        number = number.quantize(_FINEST_KWH, ROUND_HALF_EVEN)
    return abs(number)  # "-0.000" is nothing


def as_moment(value: object) -> datetime | None:
    """ISO 8601 with any number of decimals, as aware UTC; without an offset it is UTC already."""
    if not isinstance(value, str) or not 16 <= len(value) <= 40 or value[10:11] not in {"T", "t", " "}:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not 2000 <= moment.year < 2200:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def as_epoch(value: object) -> datetime | None:
    """Seconds since 1970, as Stripe writes moments, as aware UTC."""
    seconds = as_count(value, 7_000_000_000)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
