"""The clocks: one that runs, at any rate, and one that stands still until told."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.clock import Clock, ManualClock, SystemClock

BEGUN = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize("clock", [SystemClock(), SystemClock(10), ManualClock()])
def test_every_clock_tells_aware_utc_and_never_goes_back(clock: Clock) -> None:
    first = clock.now()
    assert first.utcoffset() == timedelta(0)
    assert clock.now() >= first
    assert clock.rate > 0


def test_the_system_clock_is_the_wall_clock() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)


def test_a_fast_clock_runs_its_rate_times_as_fast_as_the_wall() -> None:
    clock = SystemClock(1000)
    outer = time.monotonic()
    start = clock.now()
    inner = time.monotonic()
    threading.Event().wait(0.02)
    inner = time.monotonic() - inner
    passed = (clock.now() - start).total_seconds()
    outer = time.monotonic() - outer
    assert inner * 1000 - 0.001 <= passed <= outer * 1000 + 0.001


def test_a_fast_clock_waits_its_own_seconds() -> None:
    clock = SystemClock(10_000)
    begun = time.monotonic()
    assert clock.wait(threading.Event(), 100) is False
    assert 0.009 <= time.monotonic() - begun < 5


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
def test_a_wait_says_that_the_event_was_set_and_does_not_wait_for_it(clock: Clock) -> None:
    event = threading.Event()
    event.set()
    begun, told = time.monotonic(), clock.now()
    assert clock.wait(event, 3600) is True
    assert time.monotonic() - begun < 5
    assert clock.now() - told < timedelta(seconds=5)


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
def test_a_wait_into_the_past_returns_at_once(clock: Clock) -> None:
    told = clock.now()
    assert clock.wait(threading.Event(), -60) is False
    assert timedelta(0) <= clock.now() - told < timedelta(seconds=5)


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_clock_that_would_not_run_forward_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="forward"):
        SystemClock(rate)


def test_a_manual_clock_moves_only_when_told() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock = ManualClock(start)
    assert clock.now() == clock.now() == start
    assert clock.advance(1.5) == clock.now() == start + timedelta(seconds=1.5)


def test_a_wait_moves_the_manual_clock_instead_of_sleeping() -> None:
    clock = ManualClock()
    start = clock.now()
    assert clock.wait(threading.Event(), 3600) is False
    assert clock.now() == start + timedelta(hours=1)


def test_a_manual_clock_counts_every_advance_of_many_threads() -> None:
    clock = ManualClock()
    start = clock.now()
    threads = [threading.Thread(target=lambda: [clock.advance(1) for _ in range(200)], daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert clock.now() == start + timedelta(seconds=800)


def test_a_wall_clock_that_is_set_back_does_not_turn_time_back() -> None:
    wall = [datetime(2026, 11, 20, 13, 0, tzinfo=UTC)]
    passed = [100.0]
    clock = SystemClock(wall=lambda: wall[0], monotonic=lambda: passed[0])
    before = clock.now()
    wall[0] -= timedelta(hours=1)
    passed[0] += 5
    assert clock.now() == before + timedelta(seconds=5)


class Set:
    """A machine whose wall clock is set, and whose seconds since boot go on."""

    def __init__(self) -> None:
        self.wall = BEGUN
        self.passed = 100.0
        self.clock = SystemClock(wall=lambda: self.wall, monotonic=lambda: self.passed)

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.passed += seconds

    def leaps(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


def test_a_small_correction_of_the_wall_clock_is_followed() -> None:
    machine = Set()
    machine.leaps(1.5)
    assert (machine.clock.now(), machine.clock.behind()) == (machine.wall, timedelta(0))
    machine.leaps(-1.5)
    assert machine.clock.now() == machine.wall + timedelta(seconds=1.5)


@pytest.mark.parametrize("leap", [3, 7200, 400 * 86_400])
def test_a_leap_of_the_wall_clock_is_no_time_that_went_by(leap: int) -> None:
    machine = Set()
    machine.leaps(leap)
    machine.passes(5)
    assert machine.clock.now() == BEGUN + timedelta(seconds=5)
    assert (machine.clock.behind(), machine.clock.wall()) == (timedelta(seconds=leap), machine.wall)
    machine.clock.follow()
    assert (machine.clock.now(), machine.clock.behind()) == (machine.wall, timedelta(0))


def test_a_machine_that_slept_knows_that_time_went_by() -> None:
    """Its seconds since it was switched on have gone on, as its wall clock has."""
    machine = Set()
    machine.passes(7200)
    assert (machine.clock.now(), machine.clock.behind()) == (machine.wall, timedelta(0))


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system does not count the seconds of its sleep")
def test_the_seconds_that_are_counted_are_those_since_boot() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    read = SystemClock()._monotonic()
    assert before <= read <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_what_is_set_back_and_put_right_again_leaves_no_trace() -> None:
    machine = Set()
    machine.leaps(-7200)
    assert (machine.clock.now(), machine.clock.behind()) == (BEGUN, timedelta(0))
    assert machine.clock.wall() == BEGUN - timedelta(hours=2)
    machine.clock.follow()
    assert machine.clock.now() == BEGUN
    machine.leaps(7200)
    assert (machine.clock.now(), machine.clock.behind()) == (BEGUN, timedelta(0))


@given(st.lists(st.tuples(st.sampled_from(["leaps", "passes", "follow"]), st.integers(-10_000, 10_000)), max_size=30))
def test_whatever_is_set_a_clock_never_goes_back_and_never_runs_ahead_of_both(steps: list[tuple[str, int]]) -> None:
    machine = Set()
    last, most = machine.clock.now(), BEGUN
    for what, seconds in steps:
        if what == "passes":
            machine.passes(abs(seconds))
            most += timedelta(seconds=abs(seconds))
        elif what == "leaps":
            machine.leaps(seconds)
        else:
            machine.clock.follow()
        most = max(most, machine.wall)
        assert last <= machine.clock.now() <= most
        last = machine.clock.now()


def test_a_clock_of_another_rate_has_no_wall_clock_to_compare_with() -> None:
    clock = SystemClock(10, wall=lambda: BEGUN + timedelta(days=4000), monotonic=lambda: 100.0)
    assert clock.behind() == timedelta(0)
