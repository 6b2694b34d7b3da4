"""Column types: times that are always aware UTC, exact decimals as text, words of an enumeration, compact JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator

from kiosk.store.aside import UNREADABLE
from kiosk.store.errors import NaiveTime

MOST_READ = 2000
"""So many different texts of one column are known by what they mean."""


def utc(value: datetime) -> datetime:
    """The same moment in UTC. Raises NaiveTime for a time without a zone."""
    if value.utcoffset() is None:
        raise NaiveTime("a time without a zone cannot be stored")
    return value.astimezone(UTC)


def dump(value: Any) -> str:
    """Compact JSON. Raises for a value that JSON does not have (NaN, infinity)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class UtcTime(TypeDecorator[datetime]):
    """Aware in, aware out. SQLite keeps no zone, so the zone is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Exact(TypeDecorator[Decimal]):
    """A decimal as text: no database rounds it."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        return None if value is None else Decimal(value)


class Word(TypeDecorator[StrEnum]):
    """A member of one StrEnum, stored as its value."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002
        return None if value is None else self.words(value)


class Document(TypeDecorator[Any]):
    """A value as compact JSON text; `to_json` and `from_json` turn it into what JSON has and back."""

    impl = Text
    cache_ok = True

    def __init__(self, to_json: Callable[[Any], Any], from_json: Callable[[Any], Any]) -> None:
        super().__init__()
        self.to_json = to_json
        self.from_json = from_json

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else dump(self.to_json(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else self.from_json(json.loads(value))


class Cached(Document):
    """A document that can be read anew outside: one that makes no sense any more is as good as none."""

    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        try:
            return super().process_result_value(value, dialect)
        except UNREADABLE:
            return None


class Unchanging(Document):
    """A document whose value nobody can change, and that is read again and again: each text is read once.

    What is kept hangs on the text alone, which the database gives anew with every row. So it is never older than the
    row, whoever has written that. A text that cannot be read is tried again each time.
    """

    cache_ok = True

    def __init__(self, to_json: Callable[[Any], Any], from_json: Callable[[Any], Any]) -> None:
        super().__init__(to_json, from_json)
        self._read = lru_cache(MOST_READ)(lambda text: from_json(json.loads(text)))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else self._read(value)
