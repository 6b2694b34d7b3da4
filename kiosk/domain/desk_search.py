"""What somebody at the desk means who types what a caller says: a code, a bay, a time, an amount, a card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

AROUND = timedelta(minutes=15)
"""A caller's clock and memory: so much before and after the time that they say."""
MOST_WORDS = 8

_RECEIPT = re.compile(r"\d{4}-\d{6,}")
_MARK = re.compile(r"[0-9a-f]{10}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_AMOUNT = re.compile(r"(?:[€£$]|eur|gbp|usd|chf)?(\d{1,6})[.,](\d{2})(?:[€£$]|eur|gbp|usd|chf)?", re.IGNORECASE)
_TIME = re.compile(r"([01]?\d|2[0-3])[:.h]([0-5]\d)")
_HALF = re.compile(r"\b(\d{1,2})(?:([:.])([0-5]\d))?\s*([ap])\.?\s?m\b\.?", re.IGNORECASE)
_ISO_DAY = re.compile(r"(20\d\d)-(\d\d?)-(\d\d?)")
_SHORT_DAY = re.compile(r"(\d\d?)\.(\d\d?)\.(20\d\d|\d\d)?")
_LAST4 = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Said:
    """Each part narrows what is found. `bays`: code and connector, None for all of a charger. `strange`: words that
    mean nothing here, so nothing is found by them.
    """

    receipt: str | None = None
    mark: str | None = None
    email: str | None = field(default=None, repr=False)
    last4: str | None = None
    amount_minor: int | None = None
    bays: tuple[tuple[str, int | None], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    strange: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Nothing was said."""
        return self == Said()


def understand(text: str, zone: tzinfo, now: datetime, bays: Mapping[str, tuple[tuple[str, int | None], ...]]) -> Said:
    """The words of `text`, times in that zone. `bays`: what each label, code and id of a point is, in lower case.

    A time without a day is the last one that has been. Four figures are a card's unless a bay is called so.
    """
    parts: dict[str, object] = {}
    places: set[tuple[str, int | None]] | None = None
    at: time | None = None
    day: date | None = None
    strange = []
    for word in _HALF.sub(_of_24_hours, text).split()[:MOST_WORDS]:
        small = word.lower()
        if small in bays:
            places = set(bays[small]) if places is None else _both(places, set(bays[small]))
        elif _RECEIPT.fullmatch(word):
            parts["receipt"] = word
        elif _MARK.fullmatch(small):
            parts["mark"] = small
        elif _EMAIL.fullmatch(word):
            parts["email"] = small
        elif (found := _day(word, now.astimezone(zone).date())) is not None:
            day = found
        elif _TIME.fullmatch(small) and ":" in word:
            at = _time(small)
        elif _LAST4.fullmatch(word):
            parts["last4"] = word
        elif (amount := _AMOUNT.fullmatch(word)) is not None:
            parts["amount_minor"] = int(amount[1]) * 100 + int(amount[2])
        elif small not in {"€", "£", "$", "eur", "gbp", "chf", "bay", "at", "um"}:
            strange.append(word)
    if places is not None:
        parts["bays"] = tuple(sorted(places, key=lambda one: (one[0], one[1] or 0)))
    parts.update(_window(at, day, zone, now))
    return Said(**parts, strange=tuple(strange))  # type: ignore[arg-type]


def whole_day(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Its first moment and that of the next one, by the clocks of that zone. Raises OverflowError beyond time."""
    both = datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)
    for moment in both:
        moment.astimezone(UTC)
    return both


def _both(one: set[tuple[str, int | None]], other: set[tuple[str, int | None]]) -> set[tuple[str, int | None]]:
    """What is in both, where a whole charger holds each of its bays."""
    inside = {place for place in one if place in other or (place[0], None) in other}
    return inside | {place for place in other if (place[0], None) in one}


def _window(at: time | None, day: date | None, zone: tzinfo, now: datetime) -> dict[str, datetime]:
    if at is None:
        if day is None:
            return {}
        since, until = whole_day(day, zone)
        return {"since": since, "until": until}
    moment = datetime.combine(day or now.astimezone(zone).date(), at, zone)
    if day is None and moment > now:
        moment = datetime.combine(moment.date() - timedelta(days=1), at, zone)
    return {"since": moment - AROUND, "until": moment + AROUND}


def _time(word: str) -> time:
    hours, minutes = re.split("[:.h]", word)
    return time(int(hours), int(minutes))


def _of_24_hours(said: re.Match[str]) -> str:
    """`2:03 PM` as `14:03`; what is no time of such a clock stays as it is."""
    hours, minutes, half = int(said[1]), said[3] or "00", said[4].lower()
    if not 1 <= hours <= 12:
        return said[0]
    return f"{hours % 12 + (12 if half == 'p' else 0):02}:{minutes}"


def _day(word: str, today: date) -> date | None:
    """`2026-11-20`, `20.11.2026`, `20.11.`: the last such day, when no year is said."""
    try:
        if found := _ISO_DAY.fullmatch(word):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := _SHORT_DAY.fullmatch(word):
            year = int(found[3]) if found[3] else today.year
            made = date(year if year > 99 else 2000 + year, int(found[2]), int(found[1]))
            return made if found[3] or made <= today else made.replace(year=made.year - 1)
    except ValueError:
        return None
    return None
