"""What days add up to: nothing is counted twice, nothing is invented, and what is not known is no zero."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain import plots
from kiosk.domain.plots import (
    BOUNDS,
    Bay,
    DayTotal,
    Outcome,
    Row,
    Step,
    Waits,
    added,
    begin_of,
    days_before,
    known_days,
    months,
    outcome_of,
    outcomes,
    sums_of_day,
)
from kiosk.domain.session import Phase
from kiosk.domain.status import Status

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BAY = ("7MK4T", 1)


def row(**more: Any) -> Row:
    """A paid charge of an hour that ended at noon, changed as the test wants it."""
    facts: dict[str, Any] = {
        "code": BAY[0],
        "connector_id": BAY[1],
        "phase": Phase.OPEN.value,
        "status": Status.CAPTURED.value,
        "requested_at": NOON - timedelta(minutes=62),
        "held_at": NOON - timedelta(minutes=61),
        "began_at": NOON - timedelta(hours=1),
        "completed_at": NOON,
        "ended_at": NOON + timedelta(minutes=1),
        "energy_kwh": Decimal("10.5"),
        "captured_minor": 550,
        "currency": "EUR",
    }
    return Row(**(facts | more))


def totals(
    rows: list[Row], days: tuple[date, ...], zone: ZoneInfo, now: datetime, first: datetime | None
) -> tuple[DayTotal, ...]:
    return known_days([sums_of_day(rows, day, zone, now) for day in days], zone, now, first)


def use(
    rows: list[Row], bays: list[Bay], since: datetime, now: datetime, zone: ZoneInfo
) -> dict[Bay, tuple[Decimal | None, ...]]:
    days = [since.astimezone(zone).date(), *days_before(now, zone, 3)]
    return plots.use([sums_of_day(rows, day, zone, now) for day in dict.fromkeys(days)], bays, since, now, zone)


def waits(rows: list[Row]) -> Waits:
    return plots.waits(sums_of_day(rows, date(2026, 11, 20), BERLIN, NOON).waits)


# --- days


def test_a_day_has_what_ended_on_it_by_the_clock_of_the_site() -> None:
    days = days_before(NOON, BERLIN, 3)
    assert days == (date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20))
    midnight = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)  # half past midnight in Berlin
    late = row(completed_at=midnight, requested_at=midnight - timedelta(hours=30))
    found = totals([late, row()], days, BERLIN, NOON, NOON - timedelta(days=30))
    assert [one.charges for one in found] == [0, 0, 2]
    assert [one.energy_kwh for one in found] == [Decimal(0), Decimal(0), Decimal("21.0")]
    assert [one.taken for one in found] == [{}, {}, {"EUR": 1100}]
    assert [one.so_far for one in found] == [False, False, True]


def test_days_before_the_first_session_are_not_known_and_neither_is_any_without_one() -> None:
    days = days_before(NOON, BERLIN, 3)
    first = datetime(2026, 11, 19, 6, tzinfo=UTC)
    assert [one.known for one in totals([], days, BERLIN, NOON, first)] == [False, True, True]
    assert [one.known for one in totals([], days, BERLIN, NOON, None)] == [False] * 3
    assert not totals([], (date(2026, 11, 21),), BERLIN, NOON, first)[0].known


def test_what_a_session_does_not_say_makes_its_day_at_least() -> None:
    rows = [
        row(energy_kwh=None),
        row(captured_minor=None),
        row(currency=None),
        row(status=Status.NO_CHARGE.value, began_at=None, energy_kwh=None, captured_minor=None),
        row(phase=Phase.REFUSED.value, status=None, began_at=None, energy_kwh=None, captured_minor=None),
    ]
    (day,) = totals(rows, (date(2026, 11, 20),), BERLIN, NOON, NOON)
    assert (day.charges, day.energy_kwh, day.energy_missing) == (3, Decimal("21.0"), 1)
    assert (day.taken, day.taken_missing) == ({"EUR": 550}, 2)


def test_what_has_not_ended_is_of_no_day_yet() -> None:
    (day,) = totals([row(completed_at=None, ended_at=None)], (date(2026, 11, 20),), BERLIN, NOON, NOON)
    assert (day.charges, day.energy_kwh) == (0, Decimal(0))


def test_a_day_begins_at_its_own_midnight_also_when_the_clock_is_set() -> None:
    assert begin_of(date(2026, 10, 25), BERLIN) == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert begin_of(date(2026, 10, 26), BERLIN) == datetime(2026, 10, 25, 23, tzinfo=UTC)


@given(st.lists(st.integers(0, 14 * 86_400), max_size=30))
def test_every_charge_counts_on_one_day(ends: list[int]) -> None:
    ended = [NOON - timedelta(seconds=one) for one in ends]
    rows = [row(completed_at=one, ended_at=None, requested_at=one - timedelta(hours=47)) for one in ended]
    found = totals(rows, days_before(NOON, BERLIN, 20), BERLIN, NOON, NOON - timedelta(days=30))
    assert sum(one.charges for one in found) == len(rows)
    assert sum(one.taken.get("EUR", 0) for one in found) == 550 * len(rows)


DAYS = days_before(NOON, BERLIN, 40)


@given(st.lists(st.tuples(st.integers(0, 40 * 86_400), st.integers(0, 47 * 3600)), max_size=30))
def test_months_come_to_what_their_days_come_to(charges: list[tuple[int, int]]) -> None:
    asked = [(NOON - timedelta(seconds=ago), timedelta(seconds=length)) for ago, length in charges]
    rows = [row(requested_at=at, began_at=at, completed_at=at + length) for at, length in asked]
    days = totals(rows, DAYS, BERLIN, NOON, NOON - timedelta(days=30))
    found = months(days)
    assert [one.day for one in found] == [date(2026, 10, 12), date(2026, 11, 1)]
    assert sum(one.charges for one in found) == sum(one.charges for one in days)
    assert sum(one.energy_kwh for one in found) == sum(one.energy_kwh for one in days)
    assert added(one.taken for one in found) == added(one.taken for one in days)


def test_a_month_with_a_day_that_is_not_known_is_not_all() -> None:
    before, month = months(totals([row(energy_kwh=None)], DAYS, BERLIN, NOON, NOON - timedelta(days=30)))
    assert (before.known, before.so_far, month.known, month.so_far) == (True, True, True, True)
    assert (month.energy_missing, month.taken_missing) == (1, 0)
    unknown, _month = months(totals([], DAYS, BERLIN, NOON, NOON - timedelta(days=5)))
    assert not unknown.known
    (over,) = months(totals([], DAYS[:5], BERLIN, NOON, NOON - timedelta(days=90)))
    assert not over.so_far


# --- hours


@given(st.integers(0, 50 * 86_400), st.integers(0, 50 * 86_400), st.sampled_from([BERLIN, KATHMANDU]))
def test_hours_are_lived_through_whether_counted_by_days_or_by_quarters(one: int, two: int, zone: ZoneInfo) -> None:
    since, now = sorted(NOON - timedelta(seconds=each) for each in (one, two))
    quarters = [at.astimezone(zone).hour for at in plots._quarters(since, now)]
    found = plots._lived(since, now, zone)
    # A quarter at which one day is cut from the next is never counted twice: days begin with one.
    assert {hour: found[hour] for hour in range(24)} == {hour: quarters.count(hour) for hour in range(24)}


def test_a_share_is_the_time_in_use_of_the_hours_that_have_been() -> None:
    since = begin_of(date(2026, 11, 19), BERLIN)
    shares = use([row()], [BAY, ("9QX6B", 1)], since, NOON, BERLIN)
    assert shares[BAY][12] == Decimal("0.5"), "twelve to one in Berlin, on one of two days"
    assert shares[BAY][11] == 0
    assert shares[BAY][13] == 0, "yesterday's hour has been, today's has not"
    assert set(shares["9QX6B", 1]) == {Decimal(0)}


def test_hours_that_nobody_has_lived_through_have_no_share() -> None:
    shares = use([row()], [BAY], NOON - timedelta(hours=2), NOON, BERLIN)[BAY]
    assert [hour for hour, share in enumerate(shares) if share is not None] == [11, 12]
    assert set(use([row()], [BAY], NOON, NOON, BERLIN)[BAY]) == {None}


def test_a_running_charge_is_in_use_until_now_and_one_without_power_never() -> None:
    running = row(completed_at=None, ended_at=None, began_at=NOON - timedelta(minutes=30))
    assert use([running], [BAY], NOON - timedelta(hours=1), NOON, BERLIN)[BAY][12] == Decimal("0.5")
    assert use([row(began_at=None)], [BAY], NOON - timedelta(hours=1), NOON, BERLIN)[BAY][12] == 0


def test_an_hour_begins_where_the_zone_says() -> None:
    shares = use([row()], [BAY], NOON - timedelta(hours=2), NOON, KATHMANDU)[BAY]  # 11:00 UTC is 16:45 there
    assert (shares[15], shares[16], shares[17]) == (Decimal(0), Decimal("0.25"), Decimal(1))


@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_no_share_is_below_nothing_or_above_all(began: int, length: int) -> None:
    begin = NOON - timedelta(seconds=began)
    rows = [row(began_at=begin, completed_at=begin + timedelta(seconds=length))] * 3
    for share in use(rows, [BAY], NOON - timedelta(days=1), NOON, BERLIN)[BAY]:
        assert share is not None
        assert 0 <= share <= 1


# --- starts


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({}, Outcome.PAID),
        ({"captured_minor": None}, Outcome.PAID),
        ({"captured_minor": 0}, Outcome.FREE),
        ({"status": "refunded"}, Outcome.PAID),
        ({"status": "written_off", "captured_minor": None}, Outcome.FREE),
        ({"status": "no_charge", "captured_minor": None}, Outcome.FREE),
        ({"status": "abandoned", "held_at": None}, Outcome.UNPAID),
        ({"status": "capture_failed"}, Outcome.STUCK),
        ({"status": "requires_review"}, Outcome.STUCK),
        ({"phase": "refused", "status": None}, Outcome.REFUSED),
        ({"phase": "no_answer", "status": None}, Outcome.NO_ANSWER),
        ({"phase": "left", "status": None}, Outcome.LEFT),
        ({"phase": "gone", "status": "charging"}, Outcome.LOST),
        ({"status": "charging"}, Outcome.OPEN),
        ({"status": "a word of tomorrow"}, Outcome.OPEN),
        ({"phase": "a word of tomorrow", "status": None}, Outcome.OPEN),
    ],
)
def test_how_a_start_came_out(more: dict[str, Any], outcome: Outcome) -> None:
    assert outcome_of(row(**more)) is outcome


STARTS = st.builds(
    row,
    status=st.sampled_from([None, *(one.value for one in Status)]),
    phase=st.sampled_from([one.value for one in Phase]),
    held_at=st.sampled_from([None, NOON]),
    began_at=st.sampled_from([None, NOON]),
    captured_minor=st.sampled_from([None, 0, 550]),
)


@given(st.lists(STARTS, max_size=40))
def test_every_start_has_one_outcome_and_no_step_has_more_than_the_one_before(rows: list[Row]) -> None:
    assert sum(outcomes(rows).values()) == len(rows)
    found = plots.steps(sums_of_day(rows, date(2026, 11, 20), BERLIN, NOON).furthest)
    assert found[Step.STARTED] == len(rows)
    counts = list(found.values())
    assert counts == sorted(counts, reverse=True)


# --- waits


def test_the_time_from_payment_to_power_is_counted_once_and_only_where_both_are_known() -> None:
    rows = [row(held_at=NOON, began_at=NOON + timedelta(seconds=one)) for one in (0, 15, 16, 90, 299, 301)]
    rows += [row(held_at=None), row(began_at=None), row(held_at=NOON, began_at=NOON - timedelta(seconds=1))]
    found = waits(rows)
    assert [count for _, count in found.within] == [2, 1, 0, 1, 1]
    assert [bound for bound, _ in found.within] == list(BOUNDS)
    assert (found.later, found.half, found.most) == (1, timedelta(seconds=53), timedelta(seconds=300))


def test_of_one_charge_nothing_is_said_about_the_middle() -> None:
    assert (waits([row()]).half, waits([]).most) == (None, None)
