"""What a table is: columns of a kind, and rows that are made while they are written.

Whoever makes a table gives a value for each column: text, `Money`, energy as Decimal, a time in the zone of its place,
a whole number. None is unknown, and stays an empty cell: never zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kiosk.domain.money import Money, shown_decimals, stripe_exponent

Value = str | Money | Decimal | datetime | int | None


class Kind(StrEnum):
    """How the values of a column are written."""

    TEXT = "text"
    MONEY = "money"  # a number; the currency stands in a column of its own
    ENERGY = "energy"  # kWh as it was told, a number
    TIME = "time"  # by the clock of its place; a column beside it says which one that is
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is what stands above it."""

    name: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Words:
    """What the columns beside money and times are called, in the reader's language."""

    currency: str = "Currency"
    zone: str = "Time zone"
    full: str = "This sheet holds no more rows. Take the table as CSV: it has all of them."


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is that of the file and of its sheet. `rows` is gone through once, while the table is written."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]
    words: Words = Words()


Cell = str | Decimal | datetime | int | None
"""As it stands in a file: text, a number, a time without zone, or nothing."""

_SPACE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")
FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]")
"""Spreadsheets take a text that begins so for a formula, the wide forms of East Asia too (OWASP, CSV injection)."""
_AFTER_A_SIGN = re.compile(r"([;|])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def expanded(columns: Sequence[Column], words: Words) -> list[Column]:
    """The columns as they are written: behind each time its zone, behind the last amount the currency."""
    last_money = _last_money(columns)
    found: list[Column] = []
    for place, column in enumerate(columns):
        found.append(column)
        if column.kind is Kind.TIME:
            found.append(Column(f"{column.name}, {words.zone.lower()}"))
        if place == last_money:
            found.append(Column(words.currency))
    return found


def cells(columns: Sequence[Column], row: Sequence[Value]) -> Iterator[Cell]:
    """One row as it is written, as long as `expanded(columns)`.

    Amounts of a row have one currency. One of another currency becomes text with its own code, so that nobody adds it
    up. Raises ValueError when the row has not one value for each column.
    """
    last_money = _last_money(columns)
    currency = next((value.currency for value in row if isinstance(value, Money)), None)
    for place, (column, value) in enumerate(zip(columns, row, strict=True)):
        yield _cell(value, currency)
        if column.kind is Kind.TIME:
            yield zone_of(value) if isinstance(value, datetime) else None
        if place == last_money:
            yield currency


def _cell(value: Value, currency: str | None) -> Cell:
    if isinstance(value, Money):
        amount = amount_of(value)
        return amount if value.currency == currency else f"{amount} {value.currency}"
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=0)
    return one_line(value) if isinstance(value, str) else value


def amount_of(money: Money) -> Decimal:
    """With as many decimals as the currency has; a smaller part that Stripe counts is kept."""
    exact, decimals = money.major, shown_decimals(money.currency)
    shown = round(exact, decimals)
    return shown if shown == exact else round(exact, stripe_exponent(money.currency))


def zone_of(moment: datetime) -> str:
    """`Europe/Berlin (UTC+02:00)`: the offset too, because one hour a year comes twice."""
    offset = moment.isoformat()[-6:] if moment.utcoffset() else "+00:00"
    name = getattr(moment.tzinfo, "key", None)
    return f"{name} (UTC{offset})" if name and name != "UTC" else f"UTC{'' if offset == '+00:00' else offset}"


def one_line(text: str) -> str:
    """Without what no cell can hold, or what would begin a new one: line ends, tabs, control characters."""
    return _SPACE.sub(" ", text).strip(" ")


def is_formula(text: str) -> bool:
    """A spreadsheet would compute it."""
    return FORMULA.match(text) is not None


def defused(text: str) -> str:
    """Behind an apostrophe where a spreadsheet would compute it, also after a sign at which some take lines apart."""
    safe = _AFTER_A_SIGN.sub(r"\1\2'", text)
    return f"'{safe}" if is_formula(safe) else safe


def _last_money(columns: Sequence[Column]) -> int:
    return max((place for place, column in enumerate(columns) if column.kind is Kind.MONEY), default=-1)
