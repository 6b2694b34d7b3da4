"""A fast clock that several processes of one machine share: they agree on its time, whenever each of them began."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain

from kiosk.clock import SystemClock

BEGAN, RATE = "SHARED_CLOCK_BEGAN", "SHARED_CLOCK_RATE"
"""Variables of the environment: when it began, in seconds since boot, and how fast it runs."""
START = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def begin(rate: float) -> dict[str, str]:
    """The environment of every process that is to share a new clock."""
    return {BEGAN: repr(_since_boot()), RATE: repr(rate)}


def clock_from(environment: Mapping[str, str]) -> SystemClock:
    """It takes the moment of the beginning for that in which it is made."""
    began, rate = float(environment[BEGAN]), float(environment[RATE])
    seconds = chain((began,), iter(_since_boot, None))
    return SystemClock(rate, wall=lambda: START, monotonic=lambda: next(seconds))


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
