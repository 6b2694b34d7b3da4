"""Sliding windows: what may still leave, whatever the pattern of calls and whatever the clock does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.upstream.errors import BudgetSpent, NotSent
from kiosk.upstream.plugchoice.budget import LONGEST_CALL, WINDOW, Budgets, Endpoint, Grant, Limits
from kiosk.upstream.problems import LONGEST_RETRY
from tests.worlds.spent import spend

T0 = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
LIMITS = st.builds(Limits, start=st.integers(1, 4))
MINUTE = timedelta(seconds=60)
S = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


def seconds(amount: float) -> timedelta:
    return timedelta(milliseconds=round(amount * 1000))


def took(budgets: Budgets, endpoint: Endpoint, now: datetime) -> bool:
    """One call, answered at once; False when the budget said no."""
    try:
        spend(budgets, endpoint, now)
    except BudgetSpent:
        return False
    return True


def hear(budgets: Budgets, endpoint: Endpoint, now: datetime, status: int, headers: dict[str, str]) -> bool:
    """One call, answered at once with that."""
    grant = budgets.take(endpoint, now)
    of_the_minute = budgets.answered(grant, now, status, headers)
    budgets.ended(grant, now)
    return of_the_minute


def most_in_a_minute(times: list[datetime]) -> int:
    """The largest number of `times` in any 60 s, of which only one end counts."""
    return max((sum(1 for t in times if start <= t < start + MINUTE) for start in times), default=0)


def most_in_a_fixed_window(times: list[datetime]) -> int:
    """The same for windows that begin with the first request after the one before is over."""
    most, inside, begun = 0, 0, None
    for at in sorted(times):
        if begun is None or at - begun >= MINUTE:
            begun, inside = at, 0
        inside += 1
        most = max(most, inside)
    return most


def test_the_documented_limits_are_the_defaults() -> None:
    budgets = Budgets()
    room = {endpoint.value: budgets.free(endpoint, T0) for endpoint in Endpoint}
    assert room == {
        "get_charger": 30,
        "start": 3,
        "get_session": 30,
        "confirm": 10,
        "stop": 10,
        "cancel": 10,
        "receipt_email": 10,
    }


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="start"):
        Limits(start=0)


def test_a_spent_budget_tells_how_long_to_wait() -> None:
    budgets = Budgets()
    for offset in range(3):
        spend(budgets, Endpoint.START, T0 + offset * S)
    with pytest.raises(BudgetSpent) as spent:
        spend(budgets, Endpoint.START, T0 + 10 * S)
    assert spent.value.wait == WINDOW - 10 * S
    assert budgets.wait(Endpoint.START, T0 + 10 * S) == WINDOW - 10 * S
    assert budgets.free(Endpoint.START, T0 + 10 * S) == 0


def test_endpoints_do_not_spend_each_others_budget() -> None:
    budgets = Budgets()
    spend(budgets, Endpoint.START, T0, 3)
    assert budgets.free(Endpoint.GET_SESSION, T0) == 30


@given(st.floats(0, 59.9))
def test_a_spent_budget_never_asks_to_wait_for_nothing(later: float) -> None:
    budgets = Budgets(Limits(start=1))
    spend(budgets, Endpoint.START, T0)
    with pytest.raises(BudgetSpent) as spent:
        spend(budgets, Endpoint.START, T0 + seconds(later))
    assert spent.value.wait > timedelta(0)


def test_the_window_opens_at_its_edge_and_not_a_microsecond_before() -> None:
    budgets = Budgets(Limits(start=1))
    spend(budgets, Endpoint.START, T0)
    assert not took(budgets, Endpoint.START, T0 + WINDOW - TICK)
    assert took(budgets, Endpoint.START, T0 + WINDOW)


def test_asking_about_the_future_changes_nothing() -> None:
    budgets = Budgets(Limits(start=1))
    spend(budgets, Endpoint.START, T0)
    assert budgets.free(Endpoint.START, T0 + timedelta(days=1)) == 1
    assert budgets.wait(Endpoint.START, T0 + timedelta(days=1)) == timedelta(0)
    assert budgets.wait(Endpoint.START, T0 + S) == WINDOW - S


def test_many_threads_together_get_exactly_the_budget() -> None:
    budgets = Budgets()
    granted: list[bool] = []
    barrier = threading.Barrier(16)

    def hammer() -> None:
        barrier.wait()
        for _ in range(10):
            granted.append(took(budgets, Endpoint.GET_SESSION, T0))

    threads = [threading.Thread(target=hammer) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 30


# What upstream says


@pytest.mark.parametrize(
    ("told", "closed"),
    [
        ("17", 17 * S),
        (" 17 ", 17 * S),
        ("0", S),
        ("-5", MINUTE),
        ("1.5", MINUTE),
        ("soon", MINUTE),
        ("", MINUTE),
        ("٣", MINUTE),
        ("9" * 400, LONGEST_RETRY),
        (format_datetime(T0 + 45 * S, usegmt=True), 45 * S),
        (format_datetime(T0 + 45 * S).replace("+0000", "-0000"), 45 * S),
        (format_datetime(T0 - 45 * S, usegmt=True), S),
        ("Fri, 99 Nov 2026 13:00:00 GMT", MINUTE),
    ],
)
def test_a_429_closes_the_door_for_as_long_as_it_says(told: str, closed: timedelta) -> None:
    budgets = Budgets()
    hear(budgets, Endpoint.GET_SESSION, T0, 429, {"Retry-After": told})
    assert budgets.wait(Endpoint.GET_SESSION, T0) == closed
    assert budgets.free(Endpoint.GET_SESSION, T0 + closed - TICK) == 0
    assert not took(budgets, Endpoint.GET_SESSION, T0 + closed - TICK)
    assert took(budgets, Endpoint.GET_SESSION, T0 + closed)


def test_a_429_without_a_time_closes_the_door_for_a_minute() -> None:
    budgets = Budgets()
    hear(budgets, Endpoint.STOP, T0, 429, {})
    assert budgets.wait(Endpoint.STOP, T0) == MINUTE
    assert budgets.free(Endpoint.CANCEL, T0) == 10


def test_a_later_shorter_closure_does_not_open_a_door_that_is_closed_for_longer() -> None:
    budgets = Budgets()
    long, short = budgets.take(Endpoint.STOP, T0), budgets.take(Endpoint.STOP, T0)
    budgets.answered(long, T0, 429, {"retry-after": "50"})
    budgets.answered(short, T0 + S, 429, {"retry-after": "5"})
    assert budgets.wait(Endpoint.STOP, T0 + S) == 49 * S


def test_a_503_with_a_time_closes_the_door_and_one_without_does_not() -> None:
    budgets = Budgets()
    hear(budgets, Endpoint.STOP, T0, 503, {"Retry-After": "20"})
    hear(budgets, Endpoint.CANCEL, T0, 503, {})
    assert budgets.wait(Endpoint.STOP, T0) == 20 * S
    assert budgets.wait(Endpoint.CANCEL, T0) == timedelta(0)


def test_a_success_with_a_retry_after_closes_nothing() -> None:
    budgets = Budgets()
    hear(budgets, Endpoint.STOP, T0, 200, {"Retry-After": "20"})
    assert budgets.wait(Endpoint.STOP, T0) == timedelta(0)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "2400"},  # no minute lasts that long
        {"Retry-After": "30", "X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "2"},
        {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "2"},
        {"Retry-After": "20"},
        {},
    ],
)
def test_a_429_to_a_start_while_the_minute_has_room_is_the_chargers_own(headers: dict[str, str]) -> None:
    budgets = Budgets()
    assert not hear(budgets, Endpoint.START, T0, 429, headers)
    assert (budgets.wait(Endpoint.START, T0), budgets.free(Endpoint.START, T0)) == (timedelta(0), 2)


def test_the_third_start_of_a_minute_is_refused_for_the_chargers_sake_too() -> None:
    budgets = Budgets()
    spend(budgets, Endpoint.START, T0, 2)
    assert not hear(budgets, Endpoint.START, T0 + S, 429, {"X-RateLimit-Remaining": "0"})
    assert budgets.wait(Endpoint.START, T0 + S) == 59 * S


def test_a_429_to_a_start_whose_minute_somebody_else_has_spent_closes_all_starts() -> None:
    budgets = Budgets()
    assert hear(budgets, Endpoint.START, T0, 429, {"Retry-After": "40", "X-RateLimit-Remaining": "0"})
    assert budgets.wait(Endpoint.START, T0) == MINUTE


def refused_at(budgets: Budgets, code: str, now: datetime) -> bool:
    return budgets.answered(budgets.take(Endpoint.START, now, code), now, 429, {})


def test_two_chargers_that_refuse_without_a_word_one_after_the_other_are_a_spent_minute() -> None:
    budgets = Budgets()
    assert not refused_at(budgets, "7MK4T", T0)
    assert not refused_at(budgets, "7MK4T", T0 + S)
    assert refused_at(budgets, "3HW9P", T0 + 2 * S)
    assert budgets.wait(Endpoint.START, T0 + 2 * S) == MINUTE


def test_two_chargers_that_refuse_with_a_start_between_them_that_worked_are_two_full_chargers() -> None:
    budgets = Budgets()
    assert not refused_at(budgets, "7MK4T", T0)
    spend(budgets, Endpoint.START, T0)
    budgets.answered(budgets.take(Endpoint.START, T0, "9XC6Y"), T0, 201, {})
    later = T0 + MINUTE
    assert not refused_at(budgets, "3HW9P", later)


def test_fewer_remaining_than_we_counted_lowers_our_count_until_the_window_passes() -> None:
    budgets = Budgets()
    spend(budgets, Endpoint.GET_SESSION, T0)
    hear(budgets, Endpoint.GET_SESSION, T0, 200, {"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "4"})
    assert budgets.free(Endpoint.GET_SESSION, T0) == 4
    assert budgets.free(Endpoint.GET_SESSION, T0 + WINDOW - TICK) == 4
    assert budgets.free(Endpoint.GET_SESSION, T0 + WINDOW) == 30


def test_more_remaining_than_we_counted_raises_nothing() -> None:
    budgets = Budgets()
    spend(budgets, Endpoint.GET_SESSION, T0, 4)
    hear(budgets, Endpoint.GET_SESSION, T0, 200, {"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "499"})
    assert budgets.free(Endpoint.GET_SESSION, T0) == 25


def test_a_smaller_limit_shrinks_ours_and_a_larger_one_restores_no_more_than_ours() -> None:
    budgets = Budgets()
    hear(budgets, Endpoint.GET_SESSION, T0, 200, {"x-ratelimit-limit": "12"})
    assert (budgets.free(Endpoint.GET_SESSION, T0), budgets.limit(Endpoint.GET_SESSION)) == (11, 12)
    hear(budgets, Endpoint.GET_SESSION, T0, 200, {"x-ratelimit-limit": "600"})
    assert (budgets.free(Endpoint.GET_SESSION, T0), budgets.limit(Endpoint.GET_SESSION)) == (28, 30)


@pytest.mark.parametrize("garbage", ["", "many", "-1", "1e3", "٣", "9" * 60, "0"])
def test_garbage_and_zero_as_a_limit_are_ignored(garbage: str) -> None:
    budgets = Budgets()
    hear(budgets, Endpoint.GET_SESSION, T0, 200, {"x-ratelimit-limit": garbage})
    assert budgets.free(Endpoint.GET_SESSION, T0) == 29


@pytest.mark.parametrize("garbage", ["", "many", "-1", "1e3", "9" * 60])
def test_garbage_as_remaining_is_ignored(garbage: str) -> None:
    budgets = Budgets()
    hear(budgets, Endpoint.GET_SESSION, T0, 200, {"x-ratelimit-remaining": garbage})
    assert budgets.free(Endpoint.GET_SESSION, T0) == 29


# Restart, and the record that it needs


def test_every_grant_is_recorded_and_restored_as_if_its_call_lived_as_long_as_one_can() -> None:
    """Whoever led before may live, and its last calls may still be on the way."""
    record: list[tuple[Endpoint, datetime]] = []
    before = Budgets(on_take=lambda endpoint, at: record.append((endpoint, at)))
    spend(before, Endpoint.START, T0)
    spend(before, Endpoint.START, T0 + 25 * S)
    assert record == [(Endpoint.START, T0), (Endpoint.START, T0 + 25 * S)]
    after = Budgets()
    after.restore(record, T0 + 40 * S)
    assert after.free(Endpoint.START, T0 + 40 * S) == 1
    first = LONGEST_CALL + WINDOW
    assert (after.free(Endpoint.START, T0 + first - TICK), after.free(Endpoint.START, T0 + first)) == (1, 2)
    second = 25 * S + LONGEST_CALL + WINDOW
    assert (after.free(Endpoint.START, T0 + second - TICK), after.free(Endpoint.START, T0 + second)) == (2, 3)


def test_what_may_still_be_under_way_opens_no_door_before_its_time() -> None:
    """A call that ends at the latest in half a minute says nothing about what time it is."""
    closed = [(Endpoint.GET_SESSION, T0 + 20 * S)]
    after = Budgets()
    after.restore([(Endpoint.GET_SESSION, T0)], T0, closed)
    assert after.wait(Endpoint.GET_SESSION, T0) == 20 * S
    assert after.free(Endpoint.GET_SESSION, T0 + 20 * S - TICK) == 0


def test_what_it_has_counted_itself_is_not_counted_again() -> None:
    record: list[tuple[Endpoint, datetime]] = []
    budgets = Budgets(on_take=lambda endpoint, at: record.append((endpoint, at)))
    spend(budgets, Endpoint.START, T0)
    budgets.take(Endpoint.START, T0 + S)
    budgets.restore(record, T0 + 2 * S)
    assert budgets.free(Endpoint.START, T0 + 2 * S) == 1
    spend(budgets, Endpoint.START, T0 + 90 * S)
    budgets.restore(record, T0 + 91 * S)
    assert budgets.free(Endpoint.START, T0 + 91 * S) == 1


def test_a_closed_door_stays_closed_over_a_restart() -> None:
    record: list[tuple[Endpoint, datetime]] = []
    before = Budgets(on_close=lambda endpoint, until: record.append((endpoint, until)))
    hear(before, Endpoint.GET_SESSION, T0, 429, {"Retry-After": "1800"})
    after = Budgets()
    after.restore([], T0 + 10 * S, record)
    assert after.wait(Endpoint.GET_SESSION, T0 + 10 * S) == 1790 * S


def test_a_door_whose_closing_cannot_be_recorded_is_closed_all_the_same() -> None:
    def broken(_endpoint: Endpoint, _until: datetime) -> None:
        raise OSError("disk full")

    budgets = Budgets(on_close=broken)
    hear(budgets, Endpoint.GET_SESSION, T0, 429, {"Retry-After": "20"})
    assert budgets.wait(Endpoint.GET_SESSION, T0) == 20 * S


def test_a_refused_take_is_not_recorded() -> None:
    record: list[Endpoint] = []
    budgets = Budgets(Limits(start=1), on_take=lambda endpoint, _at: record.append(endpoint))
    spend(budgets, Endpoint.START, T0)
    assert not took(budgets, Endpoint.START, T0)
    assert record == [Endpoint.START]


def test_a_grant_that_cannot_be_recorded_is_not_used_and_stays_counted() -> None:
    def broken(_endpoint: Endpoint, _at: datetime) -> None:
        raise OSError("disk full of tok-secret")

    budgets = Budgets(on_take=broken)
    with pytest.raises(NotSent) as failed:
        budgets.take(Endpoint.START, T0)
    assert not isinstance(failed.value, BudgetSpent)
    assert failed.value.__context__ is None
    assert budgets.free(Endpoint.START, T0) == 2


@pytest.mark.parametrize("endpoint", [Endpoint.STOP, Endpoint.CANCEL])
def test_what_ends_a_charge_leaves_before_it_is_recorded_and_without_a_record(endpoint: Endpoint) -> None:
    record: list[Endpoint] = []

    def full(taken: Endpoint, _at: datetime) -> None:
        record.append(taken)
        raise OSError("disk full")

    budgets = Budgets(on_take=full)
    grant = budgets.take(endpoint, T0)
    assert record == []
    budgets.ended(grant, T0 + S)
    assert (record, budgets.free(endpoint, T0 + S)) == ([endpoint], 9)


# A slow line: upstream counts a request when it arrives, we when its answer begins


def test_a_call_under_way_counts_however_long_it_lasts() -> None:
    budgets = Budgets(Limits(start=1))
    grant = budgets.take(Endpoint.START, T0)
    assert budgets.free(Endpoint.START, T0 + 300 * S) == 0
    assert budgets.wait(Endpoint.START, T0 + 300 * S) == WINDOW
    budgets.ended(grant, T0 + 300 * S)
    assert not took(budgets, Endpoint.START, T0 + 300 * S + WINDOW - TICK)
    assert took(budgets, Endpoint.START, T0 + 300 * S + WINDOW)


def test_a_grant_counts_from_when_its_answer_began_and_not_from_when_its_body_was_read() -> None:
    budgets = Budgets(Limits(start=1))
    grant = budgets.take(Endpoint.START, T0)
    budgets.answered(grant, T0 + 2 * S, 201, {})
    budgets.ended(grant, T0 + 9 * S)
    assert budgets.wait(Endpoint.START, T0 + 9 * S) == WINDOW - 7 * S


JOURNEYS = st.lists(
    st.tuples(
        st.floats(0, 30),  # time that passes before it
        st.floats(0, 3),  # until it arrives
        st.floats(0, 3),  # until its answer begins
        st.booleans(),  # whether an answer comes; else it fails after 20 s at the most
    ),
    max_size=40,
)


@given(journeys=JOURNEYS, limits=LIMITS)
def test_however_slow_the_line_the_wire_never_sees_more_than_the_limit(
    journeys: list[tuple[float, float, float, bool]], limits: Limits
) -> None:
    budgets = Budgets(limits)
    now, arrivals = T0, []
    under_way: list[tuple[datetime, Grant, bool]] = []
    for passes, there, back, comes in journeys:
        now += seconds(passes)
        for ended, grant, answer in sorted(under_way, key=lambda each: each[0]):
            if ended <= now:
                if answer:
                    budgets.answered(grant, ended, 200, {})
                budgets.ended(grant, ended)
        under_way = [each for each in under_way if each[0] > now]
        try:
            grant = budgets.take(Endpoint.START, now)
        except BudgetSpent:
            continue
        arrivals.append(now + seconds(there))
        under_way.append((now + seconds(there + back if comes else 20), grant, comes))
    assert most_in_a_minute(arrivals) <= limits.start
    assert most_in_a_fixed_window(arrivals) <= limits.start


# The time that counts is the latest


def test_a_thread_that_read_the_clock_a_moment_before_opens_no_window_early() -> None:
    budgets = Budgets(Limits(start=1))
    spend(budgets, Endpoint.START, T0)
    assert budgets.wait(Endpoint.START, T0 - S) == WINDOW
    assert not took(budgets, Endpoint.START, T0 + WINDOW - TICK)


@pytest.mark.parametrize("endpoint", [Endpoint.STOP, Endpoint.CANCEL])
def test_nobodys_stop_waits_for_an_hour(endpoint: Endpoint) -> None:
    budgets = Budgets()
    hear(budgets, endpoint, T0, 429, {"Retry-After": "3600"})
    assert budgets.wait(endpoint, T0) == 60 * S


MOVES = st.lists(
    st.tuples(
        st.floats(0, 40),  # time that passes
        st.floats(0, 0.4),  # how long ago the calling thread read the clock
        st.integers(0, 5),  # how many requests are wanted
    ),
    max_size=40,
)


@given(moves=MOVES, limits=LIMITS)
def test_never_more_than_the_limit_in_any_minute_whatever_the_calls(
    moves: list[tuple[float, float, int]], limits: Limits
) -> None:
    budgets = Budgets(limits)
    now = T0
    granted: list[datetime] = []
    for passes, stale, wanted in moves:
        now += seconds(passes)
        for _ in range(wanted):
            try:
                grant = budgets.take(Endpoint.START, now - seconds(stale))
            except BudgetSpent:
                continue
            budgets.ended(grant, now)  # the clock is read again when the call is over
            granted.append(now)
    assert most_in_a_minute(granted) <= limits.start


@given(moves=MOVES, limits=LIMITS)
def test_nobody_starves(moves: list[tuple[float, float, int]], limits: Limits) -> None:
    budgets = Budgets(limits)
    now = T0
    for passes, stale, wanted in moves:
        now += seconds(passes)
        for _ in range(wanted):
            took(budgets, Endpoint.START, now - seconds(stale))
    assert budgets.wait(Endpoint.START, now) <= WINDOW
    assert took(budgets, Endpoint.START, now + WINDOW)


@given(gaps=st.lists(st.floats(0, 70), max_size=30), limits=LIMITS, count=st.integers(1, 9))
def test_a_wait_ends_at_the_first_moment_that_works(gaps: list[float], limits: Limits, count: int) -> None:
    budgets = Budgets(limits)
    now = T0
    for gap in gaps:
        now += seconds(gap)
        took(budgets, Endpoint.START, now)
    assert (budgets.free(Endpoint.START, now) > 0) == (budgets.wait(Endpoint.START, now) == timedelta(0))
    for _ in range(count):
        wait = budgets.wait(Endpoint.START, now)
        if wait:
            assert not took(budgets, Endpoint.START, now + wait - TICK)
        now += wait
        assert took(budgets, Endpoint.START, now)


@given(moves=MOVES, limits=LIMITS, lives=st.lists(st.integers(0, 40), max_size=4))
def test_a_restart_keeps_the_promise(moves: list[tuple[float, float, int]], limits: Limits, lives: list[int]) -> None:
    record: list[tuple[Endpoint, datetime]] = []

    def born() -> Budgets:
        budgets = Budgets(limits, on_take=lambda endpoint, at: record.append((endpoint, at)))
        budgets.restore(list(record), now)
        return budgets

    now = T0
    budgets = born()
    granted: list[datetime] = []
    for number, (passes, _stale, wanted) in enumerate(moves):
        now += seconds(passes)
        if number in lives:
            budgets = born()
        for _ in range(wanted):
            if took(budgets, Endpoint.START, now):
                granted.append(now)
    assert most_in_a_minute(granted) <= limits.start


@given(
    answers=st.lists(
        st.tuples(
            st.floats(0, 30),
            st.sampled_from([200, 404, 429, 503]),
            st.dictionaries(
                st.sampled_from(["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"]),
                st.one_of(st.integers(0, 90).map(str), st.text(max_size=6)),
            ),
        ),
        max_size=25,
    )
)
def test_whatever_upstream_says_the_limit_holds_and_a_closed_door_is_closed(
    answers: list[tuple[float, int, dict[str, str]]],
) -> None:
    budgets = Budgets()
    now, shut = T0, T0
    granted: list[datetime] = []
    for passes, status, headers in answers:
        now += seconds(passes)
        try:
            grant = budgets.take(Endpoint.GET_SESSION, now)
        except BudgetSpent:
            continue
        assert now >= shut
        granted.append(now)
        budgets.answered(grant, now, status, headers)
        wait = headers.get("Retry-After", "")
        if status in {429, 503} and wait.isascii() and wait.isdigit():
            shut = max(shut, now + int(wait) * S)
    assert most_in_a_minute(granted) <= 30
    assert took(budgets, Endpoint.GET_SESSION, max(now, shut) + timedelta(seconds=121))
