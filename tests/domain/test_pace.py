"""How often a charger reports is learnt from whole charges, and never from one alone once there are more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.pace import CHARGES_KEPT, LONGEST, Pace, learnt_interval
from kiosk.domain.session import Phase, Session
from kiosk.domain.trace import Trace

from .made import a_session, after

seconds = st.integers(1, 7200)


def charge(every: int, minutes: int = 60) -> Session:
    trace = Trace()
    for second in range(0, minutes * 60, 10):
        trace = trace.add(after(second), Decimal(second // every))
    return a_session(phase=Phase.OPEN, status="charging", trace=trace)


def test_a_charge_is_learnt_from_once_when_it_ends() -> None:
    running = charge(300)
    stopping, ended = replace(running, status="stopping"), replace(running, status="settling")
    assert learnt_interval(running, stopping) is None
    interval = learnt_interval(stopping, ended)
    assert interval is not None
    assert 300 <= interval.total_seconds() <= 320
    assert learnt_interval(ended, replace(ended, status="captured")) is None


def test_from_a_charge_that_has_shown_too_little_nothing_is_learnt() -> None:
    short = charge(300, minutes=12)
    assert learnt_interval(short, replace(short, status="settling")) is None


def test_a_pause_is_not_taken_for_a_habit() -> None:
    slow = charge(3 * 3600, minutes=60 * 24)
    assert slow.trace.reporting_interval() is not None
    assert slow.trace.reporting_interval() > LONGEST  # type: ignore[operator]
    assert learnt_interval(slow, replace(slow, status="settling")) is None


def test_one_odd_charge_changes_nothing() -> None:
    pace = Pace()
    assert pace.interval is None
    for interval in (10, 10, 7000, 10):
        pace = pace.with_charge(timedelta(seconds=interval))
    assert pace.interval == timedelta(seconds=10)


def test_a_charger_that_was_set_anew_is_known_after_a_few_charges() -> None:
    pace = Pace((10,) * CHARGES_KEPT)
    for _ in range(CHARGES_KEPT // 2 + 1):
        pace = pace.with_charge(timedelta(seconds=300))
    assert pace.interval == timedelta(seconds=300)


def test_what_each_look_had_something_new_of_may_report_more_often() -> None:
    trace = Trace()
    for second in range(0, 3600, 120):
        trace = trace.add(after(second), Decimal(second))
    assert trace.surely_apart() == timedelta(0)
    slow = charge(300).trace.surely_apart()
    assert slow is not None
    assert timedelta(seconds=280) <= slow <= timedelta(seconds=300)
    assert Trace().surely_apart() is None


def test_how_far_apart_it_surely_reports_is_what_half_of_the_charges_showed() -> None:
    pace = Pace((300,) * CHARGES_KEPT)
    assert pace.surely is None
    for least in (0, 290, 290):
        pace = pace.with_charge(timedelta(seconds=300), timedelta(seconds=least))
    assert pace.surely == timedelta(seconds=290)
    assert pace.with_charge(timedelta(seconds=300)).least == pace.least


@given(st.lists(seconds, min_size=1, max_size=20))
def test_only_the_last_charges_count_and_the_interval_is_one_of_them(intervals: list[int]) -> None:
    pace = Pace()
    for interval in intervals:
        pace = pace.with_charge(timedelta(seconds=interval))
    assert pace.seconds == tuple(intervals[-CHARGES_KEPT:])
    assert pace.interval is not None
    assert pace.interval.total_seconds() in pace.seconds
