"""The trace of a charge: small, in order, and honest about what it can know of the power."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.domain.trace import CLOSE_ENOUGH, EXACT_ENOUGH, MOST_POINTS, POWER_WINDOW, Point, Trace
from tests.examples import at_most

from .made import T0, after, energies

readings = st.lists(st.tuples(st.integers(-30, 90), energies), max_size=150)
SHOWN_DIGIT = Decimal("0.05")
POWERS_KW = ("1.4", "3.7", "7.4", "11", "22", "50", "150")


def traced(gaps: list[tuple[int, Decimal]]) -> Trace:
    trace, at = Trace(), T0
    for gap, energy in gaps:
        at += timedelta(seconds=gap)
        trace = trace.add(at, energy)
    return trace


def steady(kilowatts: Decimal, offset: float, gaps: list[float], sample: int = 10) -> list[tuple[float, Trace]]:
    """A charge of constant power whose meter is sampled every `sample` seconds, read after each of `gaps`.

    What is read is the last sample, rounded to watt-hours, as upstream gives it.
    """
    rows, trace, second = [], Trace(), 0.0
    for gap in gaps:
        second += gap
        sampled = max(0.0, (second + offset) // sample * sample - offset)
        energy = (kilowatts * Decimal(str(sampled)) / 3600).quantize(Decimal("0.001"))
        trace = trace.add(after(second), energy)
        rows.append((second, trace))
    return rows


def irregular(seed: int, seconds: float) -> list[float]:
    dice, gaps = random.Random(seed), [0.0]  # noqa: S311  # no secret hangs on it
    while sum(gaps) < seconds:
        gaps.append(round(dice.uniform(3, 20), 3))
    return gaps


@given(readings)
def test_a_trace_stays_small_and_in_order_and_invents_no_point(gaps: list[tuple[int, Decimal]]) -> None:
    trace = traced(gaps)
    assert len(trace.points) <= MOST_POINTS
    assert all(before.at < later.at for before, later in pairwise(trace.points))
    given_points, at = set(), T0
    for gap, energy in gaps:
        at += timedelta(seconds=gap)
        given_points.add(Point(at, energy))
    assert set(trace.points) <= given_points


@given(readings, st.integers(1, 60), energies)
def test_the_newest_reading_is_always_there(gaps: list[tuple[int, Decimal]], gap: int, energy: Decimal) -> None:
    trace = traced(gaps)
    at = max((point.at for point in trace.points), default=T0) + timedelta(seconds=gap)
    assert trace.add(at, energy).points[-1] == Point(at, energy)


@given(readings, energies, st.integers(0, 100))
def test_a_reading_that_is_not_later_changes_nothing(
    gaps: list[tuple[int, Decimal]], energy: Decimal, early: int
) -> None:
    trace = traced(gaps)
    if trace.points:
        assert trace.add(trace.points[-1].at - timedelta(seconds=early), energy) is trace


def test_the_first_reading_survives_a_long_charge() -> None:
    trace = traced([(10, Decimal(i)) for i in range(1000)])
    assert trace.points[0] == Point(after(10), Decimal(0))
    assert [point.energy_kwh for point in trace.points[-16:]] == [Decimal(i) for i in range(984, 1000)]


def test_of_a_standstill_only_the_first_and_the_last_reading_are_kept() -> None:
    trace = traced([(10, Decimal(energy)) for energy in (1, 2, 2, 2, 2, 3)])
    assert [point.at for point in trace.points] == [after(10), after(20), after(50), after(60)]


@given(readings)
def test_power_is_never_negative(gaps: list[tuple[int, Decimal]]) -> None:
    trace = traced(gaps)
    said = [trace.power_kw(), trace.steepest_kw(), *(power for _, power in trace.powers())]
    assert all(power >= 0 for power in said if power is not None)


@settings(max_examples=at_most(25))
@given(st.sampled_from(POWERS_KW), st.floats(0, 9.99), st.integers(0, 2**32))
def test_a_steady_charge_read_irregularly_shows_its_power_within_the_promised_bounds(
    power: str, offset: float, seed: int
) -> None:
    true = Decimal(power)
    said = [(second, trace.power_kw()) for second, trace in steady(true, offset, irregular(seed, 480))]
    assert all(p is None or abs(p - true) <= true * CLOSE_ENOUGH + SHOWN_DIGIT for _, p in said)
    settled = [p for second, p in said if second > 390]
    assert all(p is not None and abs(p - true) <= true * EXACT_ENOUGH + SHOWN_DIGIT for p in settled)


@pytest.mark.parametrize("power", POWERS_KW)
def test_a_steady_charge_read_every_ten_seconds_shows_its_power_within_two_percent_from_the_first(power: str) -> None:
    true = Decimal(power)
    said = [(second, trace.power_kw()) for second, trace in steady(true, 3.3, [10.0] * 60)]
    known = [(second, p) for second, p in said if p is not None]
    assert known[0][0] <= 180
    assert all(abs(p - true) <= true * EXACT_ENOUGH + SHOWN_DIGIT for _, p in known)
    assert len(known) == sum(second >= known[0][0] for second, _ in said)


def test_power_is_not_said_before_it_is_known() -> None:
    assert Trace().power_kw() is None
    assert traced([(0, Decimal(0))]).power_kw() is None
    assert traced([(10, Decimal("0.1") * i) for i in range(4)]).power_kw() is None


def test_a_charge_that_has_not_begun_has_no_known_power() -> None:
    assert traced([(10, Decimal(0))] * 30).power_kw() is None


def still(trace: Trace, seconds: int) -> Trace:
    last = trace.points[-1]
    for second in range(10, seconds + 1, 10):
        trace = trace.add(last.at + timedelta(seconds=second), last.energy_kwh)
    return trace


def test_a_car_that_stops_drawing_shows_zero_after_the_window() -> None:
    trace = steady(Decimal(11), 0, [10.0] * 30)[-1][1]
    window = int(POWER_WINDOW.total_seconds())
    assert still(trace, window - 5).power_kw() == Decimal("11.0")
    assert still(trace, window + 5).power_kw() == Decimal("0.0")


def test_a_meter_that_is_sampled_every_two_minutes_is_not_taken_for_a_pause() -> None:
    trace = steady(Decimal(11), 0, [20.0] * 120, sample=120)[-1][1]
    assert trace.power_kw() == Decimal("11.0")
    assert still(trace, 200).power_kw() == Decimal("11.0")


def test_after_a_pause_the_new_power_is_not_mixed_with_the_pause() -> None:
    trace = still(steady(Decimal(11), 0, [10.0] * 30)[-1][1], 600)
    base, said = trace.points[-1], []
    for step in range(1, 40):
        trace = trace.add(
            base.at + timedelta(seconds=10 * step), base.energy_kwh + Decimal(22) * 10 * step / Decimal(3600)
        )
        said.append(trace.power_kw())
    assert said[0] == Decimal("0.0") or said[0] is None
    known = [power for power in said[1:] if power is not None]
    assert known
    assert all(abs(power - 22) <= Decimal("2.3") for power in known)


def test_when_the_power_changes_it_is_the_new_one_that_is_shown_in_the_end() -> None:
    trace = steady(Decimal(22), 0, [10.0] * 40)[-1][1]
    base = trace.points[-1]
    for step in range(1, 40):
        trace = trace.add(
            base.at + timedelta(seconds=10 * step), base.energy_kwh + Decimal(7) * 10 * step / Decimal(3600)
        )
    power = trace.power_kw()
    assert power is not None
    assert abs(power - 7) <= Decimal("0.7")


@pytest.mark.parametrize(("minutes_to_nothing", "lag"), [(100, "0.02"), (50, "0.03"), (25, "0.09")])
def test_the_power_follows_a_charge_that_tapers(minutes_to_nothing: int, lag: str) -> None:
    trace, energy, power = Trace(), Decimal(0), Decimal(50)
    for step in range(500):
        trace = trace.add(after(2 * step), energy.quantize(Decimal("0.0001")))
        said = trace.power_kw()
        if step > 100:
            assert said is not None
            assert abs(said - power) <= power * Decimal(lag)
        power -= Decimal(50) / minutes_to_nothing * 2 / 60
        energy += power * 2 / 3600


def test_a_meter_that_goes_back_starts_the_power_afresh() -> None:
    trace = steady(Decimal(11), 0, [10.0] * 30)[-1][1]
    assert trace.power_kw() == Decimal("11.0")
    back = trace.add(trace.points[-1].at + timedelta(seconds=10), Decimal("0.2"))
    assert back.power_kw() is None


def test_a_meter_with_odd_decimals_is_still_read() -> None:
    trace = Trace()
    for step in range(40):
        trace = trace.add(after(10 * step), (Decimal(11) * 10 * step / 3600).normalize())
    assert trace.power_kw() == Decimal("11.0")


def test_the_rough_power_is_there_after_two_readings_and_not_before() -> None:
    assert Trace().steepest_kw() is None
    assert traced([(0, Decimal(0)), (4, Decimal(1))]).steepest_kw() is None
    assert traced([(0, Decimal(0)), (10, Decimal("0.1"))]).steepest_kw() == Decimal("36.0")


@settings(max_examples=at_most(25))
@given(st.sampled_from(POWERS_KW), st.floats(0, 9.99), st.integers(0, 2**32))
def test_the_rough_power_is_seldom_low_and_at_most_a_sample_high(power: str, offset: float, seed: int) -> None:
    true = Decimal(power)
    for second, trace in steady(true, offset, irregular(seed, 300)):
        rough = trace.steepest_kw()
        if second > 60:
            assert rough is not None
            assert true * Decimal("0.8") <= rough <= true * Decimal("2.2") + SHOWN_DIGIT


def test_the_rough_power_forgets_what_is_older_than_the_window() -> None:
    trace = traced([(0, Decimal(0)), (10, Decimal(5)), (60, Decimal("5.1")), (60, Decimal("5.2"))])
    assert trace.steepest_kw() == Decimal("6.0")


@settings(max_examples=at_most(25))
@given(st.sampled_from(POWERS_KW), st.integers(8, 28), st.integers(1, 4), st.integers(1, 50))
def test_figures_that_fall_and_come_back_are_no_rough_power(power: str, since: int, lasting: int, left: int) -> None:
    true, glitch = Decimal(power), range(since, since + lasting)
    trace = Trace()
    for step in range(30):
        energy = true * 10 * step / 3600
        trace = trace.add(after(10 * step), energy * left / 100 if step in glitch else energy)
        rough = trace.steepest_kw()
        assert rough is None or rough <= true * Decimal("1.1") + SHOWN_DIGIT


def test_a_meter_that_was_corrected_for_good_still_has_a_rough_power() -> None:
    trace = traced([(0, Decimal(0)), (10, Decimal(8)), (100, Decimal(1)), (10, Decimal("1.1")), (10, Decimal("1.2"))])
    assert trace.steepest_kw() == Decimal("36.0")


def test_the_picture_shows_the_power_of_each_stretch() -> None:
    trace = traced([(0, Decimal(0)), *[(15, Decimal(i) / 10) for i in range(1, 7)], (50, Decimal("0.5"))])
    first, second = Decimal("24.0"), Decimal("24.0")
    assert trace.powers() == ((after(45), first), (after(90), second), (after(140), Decimal(0)))


@given(readings)
def test_the_stretches_of_the_picture_are_in_order_and_long_enough(gaps: list[tuple[int, Decimal]]) -> None:
    trace = traced(gaps)
    starts: list[datetime] = [trace.points[0].at] if trace.points else []
    ends = [at for at, _ in trace.powers()]
    assert all(later - before >= POWER_WINDOW for before, later in pairwise([*starts, *ends]))
    assert set(ends) <= {point.at for point in trace.points}
