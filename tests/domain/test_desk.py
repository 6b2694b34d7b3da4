"""Roles, ends of a sign-in, and how long a guesser waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.desk import (
    CONFIRMED,
    FREE_TRIES,
    IDLE,
    LONGEST,
    LONGEST_WAIT,
    TRIES_LIVE,
    Person,
    Role,
    SignedIn,
    Tries,
    blocked_until,
    counted,
    is_confirmed,
    is_over,
    may,
    password_problem,
    wait_after,
)

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def here(started: timedelta, seen: timedelta, confirmed: timedelta = timedelta(0)) -> SignedIn:
    return SignedIn(1, Person(1, "kim", Role.SUPPORT), NOW - started, NOW - seen, NOW - confirmed)


@pytest.mark.parametrize(
    ("role", "needed", "enough"),
    [
        (Role.VIEWER, Role.VIEWER, True),
        (Role.VIEWER, Role.SUPPORT, False),
        (Role.VIEWER, Role.OWNER, False),
        (Role.SUPPORT, Role.VIEWER, True),
        (Role.SUPPORT, Role.OWNER, False),
        (Role.OWNER, Role.VIEWER, True),
        (Role.OWNER, Role.OWNER, True),
    ],
)
def test_each_role_may_what_those_before_it_may(role: Role, needed: Role, enough: bool) -> None:
    assert may(role, needed) is enough


def test_somebody_limited_to_sites_sees_those_and_no_charger_without_a_site() -> None:
    kim = Person(1, "kim", Role.VIEWER, frozenset({"marktplatz"}))
    assert (kim.sees("marktplatz"), kim.sees("harbour"), kim.sees(None)) == (True, False, False)
    assert Person(2, "ann", Role.VIEWER).sees(None)
    assert not Person(3, "eve", Role.VIEWER, frozenset()).sees("marktplatz")


def test_a_sign_in_ends_when_nobody_is_there_and_after_a_day_of_work() -> None:
    assert not is_over(here(IDLE, IDLE), NOW)
    assert is_over(here(IDLE + SECOND, IDLE + SECOND), NOW)
    assert not is_over(here(LONGEST, timedelta(0)), NOW)
    assert is_over(here(LONGEST + SECOND, timedelta(0)), NOW)
    assert not is_over(here(LONGEST * 10, IDLE * 10), NOW, rate=10)


def test_the_password_counts_for_ten_minutes() -> None:
    assert is_confirmed(here(IDLE, IDLE, CONFIRMED), NOW)
    assert not is_confirmed(here(IDLE, IDLE, CONFIRMED + SECOND), NOW)


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_waits_grow_and_have_an_end(failures: int, free: int) -> None:
    wait = wait_after(failures, free)
    assert timedelta(0) <= wait <= wait_after(failures + 1, free) <= LONGEST_WAIT
    assert (wait == timedelta(0)) is (failures < free)


@given(st.integers(1, 500), st.timedeltas(timedelta(0), timedelta(hours=2)))
def test_nobody_waits_longer_than_a_quarter_hour_after_the_last_try(failures: int, ago: timedelta) -> None:
    until = blocked_until(Tries(failures, NOW - ago), NOW)
    assert until is None or NOW < until <= NOW + LONGEST_WAIT
    if ago >= LONGEST_WAIT or failures < FREE_TRIES:
        assert until is None


def test_tries_are_counted_and_forgotten_after_a_day() -> None:
    assert blocked_until(None, NOW) is None
    assert counted(None, NOW) == Tries(1, NOW)
    assert counted(Tries(4, NOW - SECOND), NOW) == Tries(5, NOW)
    assert counted(Tries(99, NOW - TRIES_LIVE), NOW) == Tries(1, NOW)


@pytest.mark.parametrize("password", ["short", "a" * 201, "kim-kim-kim-kim", "aaaaaaaaaaaaaa", "my KIM password"])
def test_a_password_that_is_guessed_at_once_is_refused(password: str) -> None:
    assert password_problem(password, "kim") is not None


def test_a_few_words_are_a_good_password() -> None:
    assert password_problem("correct horse battery", "kim") is None
