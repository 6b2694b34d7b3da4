"""The square code of a tablet: good for two windows, for one bay, under every key of the kiosk, and for nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kiosk.domain.handoff import (
    LIFE,
    SEAL_SIGNS,
    WINDOW,
    Target,
    Verdict,
    id_in,
    judge,
    phrase_number,
    seconds_left,
    token_of,
    window_at,
)
from kiosk.domain.signs import SIGNS, in_signs

MADE = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
BAY = Target("ABCDEFGHJKMN", "7MK4T", 2, MADE)
KEYS = ("the newest key of the kiosk", "an older key of the kiosk")


def later(seconds: float) -> datetime:
    return MADE + timedelta(seconds=seconds)


def verdict(window: int, seconds: float, target: Target = BAY) -> Verdict:
    return judge(KEYS, target, token_of(KEYS, BAY, window), later(seconds))


def test_the_windows_are_counted_from_the_tap() -> None:
    assert [window_at(MADE, later(s)) for s in (0, 44.9, 45, 599.9)] == [0, 0, 1, 13]


def test_there_is_no_window_after_ten_minutes() -> None:
    assert window_at(MADE, MADE + LIFE) is None


def test_one_that_was_made_a_moment_after_the_clock_was_read_is_in_its_first_window() -> None:
    assert window_at(MADE, MADE - timedelta(milliseconds=5)) == 0
    assert seconds_left(MADE, MADE - timedelta(milliseconds=5)) == 45


def test_a_demo_that_runs_fast_gives_people_the_same_time() -> None:
    assert window_at(MADE, later(449), pace=10) == 0
    assert window_at(MADE, later(450), pace=10) == 1
    assert window_at(MADE, later(5999), pace=10) == 13
    assert window_at(MADE, later(6000), pace=10) is None


def test_the_seconds_until_the_next_code_count_down_and_start_anew() -> None:
    assert [seconds_left(MADE, later(s)) for s in (0, 44, 45, 50.5)] == [45, 1, 45, 39.5]
    assert seconds_left(MADE, later(450), pace=10) == 45


def test_the_last_code_lasts_until_the_end_of_the_hand_off() -> None:
    assert seconds_left(MADE, later(590)) == 10
    assert seconds_left(MADE, later(600)) == 0


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "good"), (44, "good"), (89.9, "good"), (90, "old"), (700, "old")]
)
def test_a_code_is_good_in_its_window_and_in_the_next_one(seconds: float, expected: str) -> None:
    assert verdict(0, seconds) == expected


def test_a_code_of_a_window_to_come_is_not_good_yet() -> None:
    assert verdict(1, 10) is Verdict.OLD


def test_no_code_is_good_after_the_life_of_the_hand_off() -> None:
    assert verdict(13, 599) is Verdict.GOOD
    assert verdict(13, 600) is Verdict.OLD


@pytest.mark.parametrize(
    "other",
    [
        replace(BAY, code="7MK4U"),
        replace(BAY, connector_id=1),
        replace(BAY, id="ABCDEFGHJKMP"),
    ],
)
def test_a_code_of_one_bay_or_hand_off_opens_no_other(other: Target) -> None:
    assert verdict(0, 0, other) is Verdict.WRONG


def test_an_older_key_still_opens_and_a_removed_one_does_not() -> None:
    token = token_of(KEYS[1:], BAY, 0)
    assert judge(KEYS, BAY, token, MADE) is Verdict.GOOD
    assert judge(KEYS[:1], BAY, token, MADE) is Verdict.WRONG


def test_the_newest_key_seals() -> None:
    assert judge(KEYS[:1], BAY, token_of(KEYS, BAY, 0), MADE) is Verdict.GOOD


def test_the_code_is_short_and_has_no_signs_that_look_alike() -> None:
    token = token_of(KEYS, BAY, 0)
    assert len(token) == 25
    assert len(SIGNS) ** SEAL_SIGNS > 2**60
    assert not set(token) & set("01OIL")


@pytest.mark.parametrize(
    "junk", ["", "A", "ABCDEFGHJKMN", "ABCDEFGHJKMN" + "A" * 14, "abcdefghjkmn" + "a" * 13, "0" * 25]
)
def test_what_does_not_look_like_a_code_is_not_looked_up(junk: str) -> None:
    assert id_in(junk) is None
    assert judge(KEYS, BAY, junk, MADE) is Verdict.WRONG


def test_the_26th_sign_makes_it_another_code() -> None:
    assert judge(KEYS, BAY, token_of(KEYS, BAY, 0) + "A", MADE) is Verdict.WRONG


def test_the_phrase_follows_from_the_id_and_the_key() -> None:
    number = phrase_number(KEYS, BAY.id)
    assert number == phrase_number(KEYS, BAY.id) == phrase_number(KEYS[:1], BAY.id)
    assert number != phrase_number(KEYS, "ABCDEFGHJKMP")
    assert number != phrase_number(KEYS[1:], BAY.id)


def test_numbers_are_written_in_signs_of_a_fixed_length() -> None:
    assert [in_signs(0, 3), in_signs(30, 3), in_signs(31, 3), in_signs(31**3, 3)] == ["222", "Z22", "232", "222"]


def test_two_windows_are_ninety_seconds() -> None:
    assert timedelta(seconds=90) == 2 * WINDOW
