"""Who is told when: once at each level, in quiet hours only of alarms, a digest once a day, again with pauses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.attention import Act, Attention, Level, Matter
from kiosk.domain.handling import Handling
from kiosk.domain.telling import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    TRIED_FOR,
    Channel,
    Hours,
    Open,
    Receiver,
    digest_due,
    next_try,
    to_tell,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
KIM = Receiver("kim", Channel.MAIL, "kim@lindenau.example", zone=BERLIN)


def row(number: int = 1, level: Level = Level.NOTED, age: timedelta = timedelta(minutes=5), **more: object) -> Open:
    matter = Matter(Attention.HOLD_OVERDUE, f"key-{number}", "7MK4T", NOW - age, Act.READ)
    return replace(Open(number, matter, level, Handling()), **more)  # type: ignore[arg-type]


def test_a_row_is_told_once_and_once_more_at_each_level_that_it_reaches() -> None:
    assert to_tell([row()], KIM, set(), NOW) == [row()]
    told = {(1, Level.NOTED)}
    assert to_tell([row()], KIM, told, NOW) == []
    assert to_tell([row(level=Level.LOUD)], KIM, told, NOW) == [row(level=Level.LOUD)]
    assert to_tell([row(level=Level.LOUD)], replace(KIM, again=False), told, NOW) == []


@pytest.mark.parametrize(
    "one",
    [
        replace(KIM, kinds=frozenset({Attention.REVIEW})),
        replace(KIM, codes=frozenset({"9QX6B"})),
        replace(KIM, after=timedelta(minutes=6)),
        replace(KIM, digest=time(7, 30)),
        replace(KIM, quiet=Hours(time(13, 30), time(14, 30))),
    ],
)
def test_what_somebody_does_not_want_to_hear_now_is_not_told(one: Receiver) -> None:
    assert to_tell([row()], one, set(), NOW) == []


def test_in_quiet_hours_an_alarm_comes_unless_it_may_not() -> None:
    quiet = replace(KIM, quiet=Hours(time(13, 30), time(14, 30)))
    alarm = row(level=Level.ALARM)
    assert to_tell([alarm, row(2)], quiet, set(), NOW) == [alarm]
    assert to_tell([alarm], replace(quiet, alarms_at_night=False), set(), NOW) == []


@pytest.mark.parametrize("handling", [Handling(done_at=NOW), Handling(aside_until=NOW + timedelta(minutes=1))])
def test_what_a_person_has_seen_to_or_set_aside_is_not_told(handling: Handling) -> None:
    assert to_tell([row(handling=handling)], KIM, set(), NOW) == []
    assert to_tell([row(handling=Handling("ali", NOW))], KIM, set(), NOW) != []


@given(st.times(), st.times(), st.times())
def test_a_moment_is_in_some_hours_or_in_the_others(start: time, end: time, at: time) -> None:
    if start != end:
        assert Hours(start, end).contain(at) != Hours(end, start).contain(at)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(Level), st.integers(0, 48)), max_size=30),
    st.booleans(),
)
def test_nobody_is_told_the_same_twice_whatever_happens(looks: list[tuple[int, Level, int]], quiet: bool) -> None:
    one = replace(KIM, quiet=Hours(time(22), time(7))) if quiet else KIM
    told: set[tuple[int, Level]] = set()
    for number, level, hours in looks:
        new = {(each.id, each.level) for each in to_tell([row(number, level)], one, told, NOW + timedelta(hours=hours))}
        assert not new & told
        told |= new


def test_a_digest_is_made_once_on_each_day_after_its_time() -> None:
    one, made, last = replace(KIM, digest=time(7, 30)), [], None
    at = datetime(2026, 10, 23, 0, 0, tzinfo=UTC)  # over the night in which the clocks go back
    for _ in range(4 * 24 * 4):
        if digest_due(one, last, at):
            last = at
            made.append(at.astimezone(BERLIN))
        at += timedelta(minutes=15)
    assert [(each.day, each.hour, each.minute) for each in made] == [(day, 7, 30) for day in (23, 24, 25, 26)]
    assert not digest_due(KIM, None, NOW)


def test_a_digest_that_could_not_be_made_in_the_morning_waits_for_the_next() -> None:
    one = replace(KIM, digest=time(7, 30))
    assert digest_due(one, None, NOW.replace(hour=12, minute=29))
    assert not digest_due(one, None, NOW.replace(hour=12, minute=30))


@given(st.integers(0, 200), st.integers(0, 3 * 86_400))
def test_the_next_try_is_later_and_not_much_later_until_it_is_given_up(attempts: int, age: int) -> None:
    now = NOW + timedelta(seconds=age)
    again = next_try(NOW, attempts, now)
    if timedelta(seconds=age) >= TRIED_FOR:
        assert again is None
    else:
        assert again is not None
        assert FIRST_PAUSE <= again - now <= LONGEST_PAUSE


def test_an_address_stands_in_no_log() -> None:
    assert "kim@" not in repr(KIM)
