"""Which months are written in a night, when one that failed is tried again, and what the files are called."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.nightly import (
    LATE_DAYS,
    LONGEST_WAIT,
    MonthWritten,
    NotWritten,
    file_name,
    month_of,
    months_due,
    night_of,
    wait_after,
)

BERLIN = ZoneInfo("Europe/Berlin")
OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def written(month: date, when: datetime) -> dict[date, MonthWritten]:
    return {month: MonthWritten("a", month, written_at=when, tried_at=when)}


def test_the_running_month_is_written_once_after_each_night_begins() -> None:
    known = written(NOVEMBER, at(19, 2, 1))
    assert months_due(known, at(20, 1, 59), BERLIN) == []
    assert months_due(known, at(20, 2), BERLIN) == [NOVEMBER]
    assert months_due(written(NOVEMBER, at(20, 2)), at(20, 23), BERLIN) == []


def test_a_month_that_was_never_written_is_written_at_once() -> None:
    assert months_due({}, at(20, 15), BERLIN) == [NOVEMBER]


def test_the_month_before_is_written_too_while_amounts_come_late() -> None:
    known = written(OCTOBER, at(6, 2)) | written(NOVEMBER, at(6, 2))
    assert months_due(known, at(LATE_DAYS, 3), BERLIN) == [OCTOBER, NOVEMBER]
    assert months_due(known, at(LATE_DAYS + 1, 3), BERLIN) == [NOVEMBER]
    assert months_due({}, at(1, 1), BERLIN) == [OCTOBER]
    assert months_due(written(OCTOBER, at(2, 2)) | written(NOVEMBER, at(2, 2)), at(2, 3), BERLIN) == []


def test_a_month_that_ended_in_an_outage_is_written_once_more_however_late() -> None:
    known = written(OCTOBER, at(25, 2, month=10)) | written(NOVEMBER, at(20, 2))
    assert months_due(known, at(20, 3), BERLIN) == [OCTOBER]
    never = {OCTOBER: MonthWritten("a", OCTOBER, tried_at=at(1, 3), tries=1, trouble=NotWritten.AWAY)}
    assert months_due(never | written(NOVEMBER, at(20, 2)), at(20, 3), BERLIN) == [OCTOBER]


def test_a_failure_waits_longer_each_time_and_a_new_night_does_not_cut_that_short() -> None:
    failed = MonthWritten("a", NOVEMBER, tried_at=at(20, 2), tries=3, trouble=NotWritten.FULL)
    assert months_due({NOVEMBER: failed}, at(20, 2, 3), BERLIN) == []
    assert months_due({NOVEMBER: failed}, at(20, 2, 4), BERLIN) == [NOVEMBER]
    assert [wait_after(tries) // timedelta(minutes=1) for tries in (0, 1, 2, 6, 7, 1000)] == [0, 1, 2, 32, 60, 60]


@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - of UTC
def test_a_night_begins_within_the_day_before_any_moment(now: datetime) -> None:
    passed = now - night_of(now, BERLIN)
    assert timedelta(0) <= passed <= timedelta(hours=25)
    due = months_due({}, now, BERLIN)
    assert due == sorted(due)
    done = {month: MonthWritten("a", month, written_at=now, tried_at=now) for month in due}
    assert months_due(done, now, BERLIN) == []
    assert wait_after(50) == LONGEST_WAIT


@pytest.mark.parametrize(
    ("text", "month"), [("2026-11", NOVEMBER), ("2026-13", None), ("november", None), ("2026-1", None), ("", None)]
)
def test_a_month_is_read_as_it_is_written(text: str, month: date | None) -> None:
    assert month_of(text) == month


def test_a_file_has_the_same_name_each_night_and_one_that_can_stand_anywhere() -> None:
    assert file_name("lindenau", NOVEMBER, "charges", "csv") == "lindenau-2026-11-charges.csv"
    names = {file_name(site, DECEMBER, "days", "xlsx") for site in ("../etc", "Höfe", "a/b", "a b")}
    assert len(names) == 4
    assert all(name.startswith("site-") and "/" not in name and " " not in name for name in names)
