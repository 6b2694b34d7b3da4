"""What somebody means who types what a caller says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.desk_search import AROUND, Said, understand, whole_day

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
BAYS = {"7mk4t": (("7MK4T", None),), "4": (("7MK4T", 2),), "3": (("7MK4T", 1),), "9qx6b": (("9QX6B", None),)}


def said(text: str, now: datetime = NOW) -> Said:
    return understand(text, BERLIN, now, BAYS)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Said()),
        ("2026-000017", Said(receipt="2026-000017")),
        ("217A530FFE", Said(mark="217a530ffe")),
        ("Ada@Example.org", Said(email="ada@example.org")),
        ("4242", Said(last4="4242")),
        ("9,47", Said(amount_minor=947)),
        ("€9.47", Said(amount_minor=947)),
        ("9.47 EUR", Said(amount_minor=947)),
        ("7mk4t", Said(bays=(("7MK4T", None),))),
        ("bay 4", Said(bays=(("7MK4T", 2),))),
        ("4 7MK4T", Said(bays=(("7MK4T", 2),))),
        ("7MK4T 4 9QX6B", Said(bays=())),
        ("nonsense 4242", Said(last4="4242", strange=("nonsense",))),
    ],
)
def test_each_word_means_one_thing(text: str, meant: Said) -> None:
    assert said(text) == meant


def test_a_time_is_that_of_the_site_and_the_last_one_that_has_been() -> None:
    today = said("14:03")
    assert (today.since, today.until) == (
        datetime(2026, 11, 20, 14, 3, tzinfo=BERLIN) - AROUND,
        datetime(2026, 11, 20, 14, 3, tzinfo=BERLIN) + AROUND,
    )
    yesterday = said("18:30")
    assert yesterday.since == datetime(2026, 11, 19, 18, 30, tzinfo=BERLIN) - AROUND


@pytest.mark.parametrize("text", ["2026-11-18 14:03", "18.11.2026 14:03", "14:03 18.11.", "18.11.26 14:03"])
def test_a_day_and_a_time_are_one_moment_however_they_are_written(text: str) -> None:
    assert said(text).since == datetime(2026, 11, 18, 14, 3, tzinfo=BERLIN) - AROUND


def test_a_day_alone_is_all_of_it_and_one_to_come_is_last_years() -> None:
    day = said("18.11.")
    assert (day.since, day.until) == whole_day(datetime(2026, 11, 18, tzinfo=BERLIN).date(), BERLIN)
    assert said("24.12.").since == datetime(2025, 12, 24, tzinfo=BERLIN)


def test_a_day_of_a_clock_change_is_whole() -> None:
    since, until = whole_day(datetime(2026, 10, 25, tzinfo=BERLIN).date(), BERLIN)
    assert until.astimezone(UTC) - since.astimezone(UTC) == timedelta(hours=25)


@pytest.mark.parametrize("text", ["31.2.", "2026-13-01", "99.99.2026", "25:00", "a" * 300])
def test_what_is_no_day_and_no_time_means_nothing(text: str) -> None:
    assert said(text).strange == (text,)


@given(st.text(max_size=200))
def test_whatever_is_typed_is_answered(text: str) -> None:
    assert isinstance(said(text), Said)
    assert said(text).nothing is (said(text) == Said())


def test_a_clock_of_twelve_hours_is_understood_and_what_is_none_of_its_times_is_left_as_it_is() -> None:
    for one, other in (("2:03 PM", "14:03"), ("12:03 am", "0:03"), ("12:03 p.m.", "12:03"), ("2pm", "14:00")):
        assert said(one) == said(other)
    assert said("13:03 pm").strange == ("pm",)
    assert said("0:03 am").strange == ("am",)
