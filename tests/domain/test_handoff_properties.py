"""Whatever the time, the bay and the bit that is changed: no code outlives two windows or opens another bay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from kiosk.domain.handoff import (
    ID_SIGNS,
    LIFE,
    WINDOW,
    Target,
    Verdict,
    judge,
    seconds_left,
    token_of,
    window_at,
)
from kiosk.domain.signs import SIGNS

MADE = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
KEYS = ("the newest key of the kiosk", "an older key of the kiosk")

ids = st.text(SIGNS, min_size=ID_SIGNS, max_size=ID_SIGNS)
codes = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=1, max_size=10)
targets = st.builds(Target, ids, codes, st.integers(1, 100), st.just(MADE))
ages = st.floats(-7200, 7200, allow_nan=False).map(lambda seconds: timedelta(seconds=seconds))
paces = st.sampled_from([1.0, 10.0, 600.0])


@given(targets, st.floats(0, 599.9), ages, paces)
def test_no_code_outlives_two_windows(target: Target, shown: float, after: timedelta, pace: float) -> None:
    at = MADE + timedelta(seconds=shown) * pace
    window = window_at(MADE, at, pace)
    assert window is not None
    read = at + after * pace
    good = judge(KEYS, target, token_of(KEYS, target, window), read, pace) is Verdict.GOOD
    if after >= 2 * WINDOW or read - MADE >= LIFE * pace:
        assert not good
    elif timedelta(0) <= after <= WINDOW - timedelta(milliseconds=1):
        assert good


@given(targets, targets, st.integers(0, 13), st.integers(0, 600))
def test_a_code_of_one_bay_never_opens_another(one: Target, other: Target, window: int, seconds: int) -> None:
    another_bay = replace(other, id=one.id)
    assume(one != another_bay)
    token = token_of(KEYS, one, window)
    now = MADE + timedelta(seconds=seconds)
    assert judge(KEYS, another_bay, token, now) is Verdict.WRONG
    assert judge(KEYS, other, token, now) is Verdict.WRONG


@given(targets, st.integers(0, 24), st.sampled_from(SIGNS))
def test_a_changed_sign_is_refused(target: Target, place: int, sign: str) -> None:
    token = token_of(KEYS, target, 0)
    assume(token[place] != sign)
    assert judge(KEYS, target, token[:place] + sign + token[place + 1 :], MADE) is Verdict.WRONG


@given(targets, st.text(max_size=40))
def test_junk_is_refused_without_a_word(target: Target, junk: str) -> None:
    assert judge(KEYS, target, junk, MADE) is Verdict.WRONG


@given(ages, paces)
def test_what_is_left_fits_the_window(age: timedelta, pace: float) -> None:
    now = MADE + age * pace
    left = seconds_left(MADE, now, pace)
    assert 0 <= left <= WINDOW.total_seconds()
    assert (left > 0) == (window_at(MADE, now, pace) is not None)
