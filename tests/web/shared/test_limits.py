"""The counts of inbound limits: kept in memory, thrown away when they are over, without a thread for each hit."""

from __future__ import annotations

import threading
import time

import pytest
from limits import RateLimitItemPerMinute
from limits.strategies import SlidingWindowCounterRateLimiter

from kiosk.web.shared.limits import SWEEP_SECONDS, Counts, limiter


@pytest.fixture
def standing_limits() -> None:
    """Here it passes: how counts end is what these tests are about."""


def test_a_hit_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counts("counts://")
    counts.timer.join()

    def start(thread: threading.Thread) -> None:
        raise AssertionError(f"{thread} was started")

    monkeypatch.setattr(threading.Thread, "start", start)
    rules = SlidingWindowCounterRateLimiter(counts)
    most = RateLimitItemPerMinute(5)
    assert [rules.hit(most, "somebody") for _ in range(6)] == [True] * 5 + [False]


def test_counts_that_are_over_are_thrown_away_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counts("counts://")
    counts.timer.join()
    counts.incr("first", 1)
    wall, counter = time.time() + 2, time.monotonic()
    monkeypatch.setattr(time, "time", lambda: wall)
    counts.incr("second", 10)
    assert "first" in counts.storage
    monkeypatch.setattr(time, "monotonic", lambda: counter + SWEEP_SECONDS + 1)
    counts.incr("second", 10)
    assert set(counts.storage) == {"second"}


@pytest.mark.usefixtures("kiosk")
def test_the_kiosks_limits_use_them() -> None:
    assert isinstance(limiter.storage, Counts)
