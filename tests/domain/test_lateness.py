"""The longest time between two looks of the last two minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.lateness import COUNTS_FOR, LATEST, Lateness

BEGIN = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def counted(looks: list[datetime]) -> timedelta:
    """Slowly, as it is meant."""
    within = [at for at in looks if at > looks[-1] - COUNTS_FOR]
    return min(max((after - before for before, after in pairwise(within)), default=timedelta(0)), LATEST)


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=60))
def test_it_is_what_counting_all_of_them_gives(milliseconds: list[int]) -> None:
    lateness, looks, now = Lateness(), list[datetime](), BEGIN
    for each in milliseconds:
        now += timedelta(milliseconds=each)
        looks.append(now)
        lateness.note(now)
        assert lateness.longest == counted(looks)


def test_a_sleep_of_minutes_is_no_lateness() -> None:
    lateness = Lateness()
    lateness.note(BEGIN)
    lateness.note(BEGIN + timedelta(minutes=5))
    assert lateness.longest == timedelta(0)
    lateness.note(BEGIN + timedelta(minutes=6, seconds=30))
    assert lateness.longest == LATEST
