"""The line of drivers who wait for a start: three starts a minute for everybody behind one address.

A pure function of the sliding window, so that any process can tell a driver the place and the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STARTS_PER_MINUTE = 3
WINDOW = timedelta(seconds=61)


@dataclass(frozen=True, slots=True)
class LinePlace:
    """A driver's place in the line. `number` counts from 1; `seconds` is an estimate of the wait."""

    number: int
    seconds: int


def place_in_line(
    number: int, recent: Sequence[datetime], now: datetime, per_minute: int = STARTS_PER_MINUTE
) -> LinePlace:
    """Where the `number`-th waiting start stands, given when the `recent` starts were sent."""
    sent = sorted(at for at in recent if now - at < WINDOW)
    when = now
    for _ in range(number):
        window = sent[-per_minute:]
        when = max(now, window[0] + WINDOW) if len(window) == per_minute else now
        sent.append(when)
    return LinePlace(number, max(0, round((when - now).total_seconds())))
