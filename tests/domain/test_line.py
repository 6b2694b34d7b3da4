"""The line for a start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.line import (
    FIRST_CLOSURE,
    LONGEST_CLOSURE,
    LONGEST_TOLD,
    STARTS_PER_MINUTE,
    WINDOW,
    Waiting,
    closed_for,
    fair_line,
    place_in_line,
)

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=s) for s in seconds]


def test_the_first_three_do_not_wait() -> None:
    assert [place_in_line(n, [], NOW).seconds for n in (1, 2, 3)] == [0, 0, 0]


def test_the_fourth_waits_until_the_first_start_leaves_the_window() -> None:
    assert place_in_line(4, [], NOW).seconds == round(WINDOW.total_seconds())
    assert place_in_line(1, ago(40, 30, 20), NOW).seconds == 22


def test_nothing_is_promised_before_upstreams_door_opens() -> None:
    assert place_in_line(1, [], NOW, opens_at=NOW + timedelta(seconds=45)).seconds == 45
    assert place_in_line(1, ago(40, 30, 20), NOW, opens_at=NOW + timedelta(seconds=10)).seconds == 22
    assert place_in_line(1, [], NOW, opens_at=NOW - timedelta(seconds=45)).seconds == 0


def test_starts_older_than_the_window_do_not_count() -> None:
    assert place_in_line(1, ago(90, 80, 70), NOW).seconds == 0


@given(st.lists(st.floats(0, 120), max_size=3), st.integers(1, 20))
def test_nobody_further_back_waits_less(seconds: list[float], number: int) -> None:
    recent = ago(*seconds)
    assert place_in_line(number, recent, NOW).seconds <= place_in_line(number + 1, recent, NOW).seconds


@given(st.lists(st.floats(0, 120), max_size=3), st.integers(1, 12))
def test_the_promised_times_keep_to_the_limit(seconds: list[float], length: int) -> None:
    recent = ago(*seconds)
    times = sorted(
        recent + [NOW + timedelta(seconds=place_in_line(n, recent, NOW).seconds) for n in range(1, length + 1)]
    )
    for start in times:
        assert sum(1 for at in times if timedelta(0) <= at - start < timedelta(seconds=60)) <= STARTS_PER_MINUTE


waits = st.lists(
    st.tuples(
        st.sampled_from(["d1", "d2", "d3", "d4"]),
        st.sampled_from(["n1", "n2", None]),
        st.booleans(),
        st.integers(0, 60),
    ),
    max_size=12,
).map(
    lambda rows: [
        Waiting(number, f"key-{number}", "A", f"{number}/A", NOW + timedelta(seconds=at), NOW, device, network, site)
        for number, (device, network, site, at) in enumerate(rows, 1)
    ]
)
owed = st.dictionaries(st.sampled_from(["n1", "n2", "d1"]), st.integers(1, 9))


def waiting(number: int, device: str, network: str | None, *, on_site: bool = False) -> Waiting:
    return Waiting(number, f"key-{number}", "A", f"{number}/A", NOW, NOW, device, network, on_site)


def order(line: Sequence[Waiting], debts: dict[str, int] | None = None) -> list[int]:
    return [turn.waiting.command_id for turn in fair_line(line, debts or {})]


@given(waits, owed)
def test_everybody_who_waits_has_one_place(line: list[Waiting], debts: dict[str, int]) -> None:
    assert sorted(order(line, debts)) == [one.command_id for one in line]


@given(waits, owed)
def test_the_line_is_the_same_whatever_the_order_of_the_rows(line: list[Waiting], debts: dict[str, int]) -> None:
    assert order(line, debts) == order(line[::-1], debts)


@given(waits, owed)
def test_who_stands_in_front_of_the_screen_comes_before_everybody_far_away(
    line: list[Waiting], debts: dict[str, int]
) -> None:
    on_site = [turn.waiting.on_site for turn in fair_line(line, debts)]
    assert on_site == sorted(on_site, reverse=True)


@given(waits)
def test_nobody_gets_a_second_turn_before_another_network_has_its_first(line: list[Waiting]) -> None:
    """Among those who are not on site, and owe nothing."""
    far = [one for one in line if not one.on_site]
    had: Counter[str] = Counter()
    for turn in fair_line(far, {}):
        name = turn.waiting.network or turn.waiting.device
        had[name] += 1
        left = {one.network or one.device for one in far} - had.keys()
        assert had[name] == 1 or not left


@given(waits, owed)
def test_of_one_device_the_first_asked_for_is_the_first_sent(line: list[Waiting], debts: dict[str, int]) -> None:
    for device in {one.device for one in line}:
        for site in (True, False):
            own = [
                turn.waiting.command_id
                for turn in fair_line([one for one in line if one.network == "n1"], debts)
                if turn.waiting.device == device and turn.waiting.on_site is site
            ]
            assert own == sorted(own)


def test_a_stranger_with_many_starts_does_not_hold_up_whoever_comes_later() -> None:
    line = [*(waiting(number, f"d{number}", "n1") for number in range(1, 10)), waiting(10, "d99", "n2")]
    assert order(line)[:2] == [1, 10]


def test_within_a_network_each_device_has_its_turn() -> None:
    line = [waiting(1, "d1", "n1"), waiting(2, "d1", "n1"), waiting(3, "d1", "n1"), waiting(4, "d2", "n1")]
    assert order(line) == [1, 4, 2, 3]


def test_what_a_network_has_left_unpaid_puts_it_behind_by_as_many_rounds() -> None:
    line = [waiting(1, "d1", "n1"), waiting(2, "d2", "n2"), waiting(3, "d3", "n2"), waiting(4, "d4", "n2")]
    assert order(line) == [1, 2, 3, 4]
    assert order(line, {"n1": 2}) == [2, 3, 1, 4]
    assert [turn.first for turn in fair_line(line, {"n1": 2})] == [True, False, False, False]
    assert [turn.first for turn in fair_line([waiting(1, "d1", "n1", on_site=True)], {"n1": 2})] == [True]


@given(st.integers(1, 200))
def test_a_full_charger_is_left_in_peace_for_longer_each_time_and_never_for_ever(refused: int) -> None:
    closed = closed_for(refused, None)
    assert FIRST_CLOSURE <= closed <= closed_for(refused + 1, None) <= LONGEST_CLOSURE
    assert [closed_for(n, None).total_seconds() for n in (1, 2, 3, 4, 5, 6)] == [60, 120, 240, 480, 900, 900]


@given(st.integers(1, 200), st.timedeltas(timedelta(0), timedelta(days=3)))
def test_it_is_closed_for_as_long_as_upstream_says_up_to_an_hour(refused: int, told: timedelta) -> None:
    assert FIRST_CLOSURE <= closed_for(refused, told) <= LONGEST_TOLD
    assert closed_for(refused, timedelta(minutes=20)) == timedelta(minutes=20)
