"""Backups by their names: when one is due, and which may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.backup import AHEAD, DAYS_KEPT, made_at, name_of, newest, superfluous

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0)
)


@given(moments)
def test_a_name_says_when_it_was_made(at: datetime) -> None:
    assert made_at(name_of(at)) == at


def test_a_name_is_said_in_utc() -> None:
    assert name_of(NOON.astimezone(timezone(timedelta(hours=13)))) == "kiosk-20261130T120000Z.backup"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "kiosk.db",
        "kiosk-20261130T120000Z.backup.part",
        ".kiosk-20261130T120000Z.backup",
        "kiosk-20261399T120000Z.backup",
    ],
)
def test_other_names_are_no_backups(name: str) -> None:
    assert made_at(name) is None
    assert superfluous([name], keep=0) == []
    assert newest([name], NOON) is None


def test_the_newest_one_counts_and_none_from_the_future() -> None:
    times = [NOON - timedelta(hours=2), NOON - timedelta(hours=1), NOON + AHEAD + timedelta(seconds=1)]
    assert newest(map(name_of, times), NOON) == times[1]


@given(st.lists(moments, max_size=60), st.integers(0, 40))
def test_the_newest_stay_and_the_last_of_each_day(times: list[datetime], keep: int) -> None:
    names = {name_of(at) for at in times}
    gone = superfluous([*names, "notes.txt"], keep)
    kept = sorted(names - set(gone))
    assert gone == sorted(gone)
    assert kept[len(kept) - min(keep, len(names)) :] == sorted(names)[len(names) - min(keep, len(names)) :]
    days = sorted({at.date() for at in times})[-DAYS_KEPT:]
    last_of_day = {max(name_of(at) for at in times if at.date() == day) for day in days}
    assert last_of_day <= set(kept)
    assert len(kept) <= keep + len(days)
