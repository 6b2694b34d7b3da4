"""The line for a start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.line import STARTS_PER_MINUTE, WINDOW, place_in_line

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=s) for s in seconds]


def test_the_first_three_do_not_wait() -> None:
    assert [place_in_line(n, [], NOW).seconds for n in (1, 2, 3)] == [0, 0, 0]


def test_the_fourth_waits_until_the_first_start_leaves_the_window() -> None:
    assert place_in_line(4, [], NOW).seconds == round(WINDOW.total_seconds())
    assert place_in_line(1, ago(40, 30, 20), NOW).seconds == 21


def test_starts_older_than_the_window_do_not_count() -> None:
    assert place_in_line(1, ago(90, 80, 70), NOW).seconds == 0


@given(st.lists(st.floats(0, 120), max_size=3), st.integers(1, 20))
def test_nobody_further_back_waits_less(seconds: list[float], number: int) -> None:
    recent = ago(*seconds)
    assert place_in_line(number, recent, NOW).seconds <= place_in_line(number + 1, recent, NOW).seconds


@given(st.lists(st.floats(0, 120), max_size=3), st.integers(1, 12))
def test_the_promised_times_keep_to_the_limit(seconds: list[float], length: int) -> None:
    recent = ago(*seconds)
    times = sorted(
        recent + [NOW + timedelta(seconds=place_in_line(n, recent, NOW).seconds) for n in range(1, length + 1)]
    )
    for start in times:
        assert sum(1 for at in times if timedelta(0) <= at - start < timedelta(seconds=60)) <= STARTS_PER_MINUTE
