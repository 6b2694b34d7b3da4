"""Which days of a site are read, when, and when no more."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.site_days import (
    BACK,
    FIRST,
    LEAST_IN_ONE,
    MOST_IN_ONE,
    ONCE_MORE,
    PATIENCE,
    WHILE_OPEN,
    ListTrouble,
    SiteDay,
    next_read,
    next_try,
    to_read,
    trouble_of,
    wanted_days,
)

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ENDS = datetime(2026, 11, 19, 23, 0, tzinfo=UTC)
DAY = date(2026, 11, 19)


def site_day(day: int, **more: object) -> SiteDay:
    facts: dict[str, object] = {"next_at": NOW}
    return SiteDay("garage", date(2026, 11, day), **(facts | more))  # type: ignore[arg-type]


def numbers(days: tuple[SiteDay, ...]) -> list[int]:
    return [one.day.day for one in days]


def test_a_day_is_read_an_hour_after_its_end_and_a_day_later_once_more() -> None:
    assert next_read(ENDS, None, open_rows=False) == ENDS + FIRST
    assert next_read(ENDS, ENDS + FIRST, open_rows=False) == ENDS + ONCE_MORE
    assert next_read(ENDS, ENDS + ONCE_MORE, open_rows=False) is None


def test_one_that_was_read_before_its_end_is_read_after_it() -> None:
    assert next_read(ENDS, ENDS - timedelta(hours=9), open_rows=False) == ENDS + FIRST


def test_a_day_in_which_something_is_open_is_read_four_times_and_then_no_more() -> None:
    at, reads = None, 0
    while (at := next_read(ENDS, at, open_rows=True)) is not None:
        reads += 1
    assert reads == 2 + len(WHILE_OPEN) == 4


def test_what_failed_is_tried_later_and_later_and_in_the_end_no_more() -> None:
    waits = [(next_try(NOW, tries) or NOW) - NOW for tries in range(1, len(PATIENCE) + 1)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=1)
    assert next_try(NOW, len(PATIENCE) + 1) is None


def test_no_day_is_read_of_before_the_first_session_and_none_that_is_not_over() -> None:
    today = date(2026, 11, 20)
    assert wanted_days(None, today) == []
    assert wanted_days(date(2026, 11, 18), today) == [date(2026, 11, 18), DAY]
    assert wanted_days(today, today) == []
    assert wanted_days(date(2020, 1, 1), today)[0] == today - timedelta(days=BACK)
    assert wanted_days(date(2027, 1, 1), today) == []


def test_the_newest_day_that_is_due_is_read_first_and_alone() -> None:
    assert numbers(to_read([site_day(17), site_day(19), site_day(18, next_at=NOW + timedelta(1))], NOW)) == [19]
    assert to_read([site_day(17, next_at=None)], NOW) == ()
    assert to_read([], NOW) == ()


def test_a_long_row_of_days_is_one_list_and_a_day_that_failed_is_read_by_itself() -> None:
    row = [site_day(day) for day in range(10, 20)]
    assert numbers(to_read(row, NOW)) == list(range(10, 20))
    broken = [site_day(day, tries=1 if day == 16 else 0) for day in range(10, 20)]
    assert numbers(to_read(broken, NOW)) == [19]
    gap = [one for one in row if one.day.day != 13]
    assert numbers(to_read(gap, NOW)) == list(range(14, 20))


def test_what_somebody_asked_for_comes_first_until_it_was_tried() -> None:
    asked = site_day(3, next_at=None, asked_at=NOW)
    assert numbers(to_read([site_day(19), asked], NOW)) == [3]
    tried = site_day(3, next_at=None, asked_at=NOW, tried_at=NOW + timedelta(seconds=1))
    assert numbers(to_read([site_day(19), tried], NOW)) == [19]
    again = site_day(3, next_at=None, asked_at=NOW, tried_at=NOW - timedelta(seconds=1))
    assert again.asked


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (401, ListTrouble.TOKEN),
        (403, ListTrouble.NOT_ALLOWED),
        (404, ListTrouble.NO_SITE),
        (429, ListTrouble.TOO_MANY),
        (500, ListTrouble.NO_ANSWER),
        (None, ListTrouble.NO_ANSWER),
    ],
)
def test_every_refusal_has_its_word(status: int | None, trouble: ListTrouble) -> None:
    assert trouble_of(status) is trouble


days = st.builds(
    SiteDay,
    st.just("garage"),
    st.dates(date(2026, 10, 1), date(2026, 11, 30)),
    next_at=st.none() | st.sampled_from([NOW, NOW + timedelta(hours=1), NOW - timedelta(days=9)]),
    asked_at=st.none() | st.just(NOW),
    tries=st.integers(0, 3),
    tried_at=st.none() | st.sampled_from([NOW - timedelta(1), NOW]),
)


@given(st.lists(days, unique_by=lambda one: one.day, max_size=60))
def test_what_is_read_is_due_and_a_row_without_a_gap(found: list[SiteDay]) -> None:
    chosen = to_read(found, NOW)
    assert bool(chosen) == any(one.due(NOW) for one in found)
    assert all(one.due(NOW) for one in chosen)
    assert len(chosen) <= 1 or LEAST_IN_ONE <= len(chosen) <= MOST_IN_ONE
    assert all(second.day - first.day == timedelta(days=1) for first, second in pairwise(chosen))
    assert len(chosen) <= 1 or not any(one.tries for one in chosen)
    assert to_read(list(reversed(found)), NOW) == chosen
