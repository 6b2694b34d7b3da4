"""The trace of a charge: small, in order, and honest about what it can know of the power."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
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
    said = [trace.power_kw(), *(power for _, power in trace.powers())]
    assert all(power >= 0 for power in said if power is not None)


@settings(max_examples=at_most(25))
@example("7.4", 0.0, 220555454)
@given(st.sampled_from(POWERS_KW), st.floats(0, 9.99), st.integers(0, 2**32))
def test_a_steady_charge_read_irregularly_shows_its_power_within_the_promised_bounds(
    power: str, offset: float, seed: int
) -> None:
    true = Decimal(power)
    rows = steady(true, offset, irregular(seed, 480))
    said = [(second, trace.power_kw(), trace.bounds()) for second, trace in rows]
    known = [(p, bounds) for _, p, bounds in said if p is not None]
    assert all(abs(p - true) <= true * CLOSE_ENOUGH + SHOWN_DIGIT for p, _ in known)
    for p, bounds in known:
        assert bounds is not None
        assert bounds.most is not None
        assert bounds.least <= true <= bounds.most
        assert abs(p - true) <= (bounds.most - bounds.least) / 2 + SHOWN_DIGIT
    assert all(p is not None for second, p, _ in said if second > 390)


@pytest.mark.parametrize("power", POWERS_KW)
def test_a_steady_charge_read_irregularly_shows_its_power_within_two_percent_in_the_end(power: str) -> None:
    """On the average over many charges: where reads fall badly for six minutes, one may be off by a little more."""
    true, off = Decimal(power), []
    for seed in range(12):
        rows = steady(true, seed * 0.8, irregular(seed, 480))
        shown = [trace.power_kw() for second, trace in rows if second > 390]
        off += [abs(each - true) for each in shown if each is not None]
        assert len(shown) > 3
        assert None not in shown
    assert sum(off) / len(off) <= true * EXACT_ENOUGH


@pytest.mark.parametrize("power", POWERS_KW)
def test_a_steady_charge_read_every_ten_seconds_shows_its_power_within_two_percent_from_the_first(power: str) -> None:
    true = Decimal(power)
    said = [(second, trace.power_kw()) for second, trace in steady(true, 3.3, [10.0] * 60)]
    known = [(second, p) for second, p in said if p is not None]
    assert known[0][0] <= 180
    assert all(abs(p - true) <= true * EXACT_ENOUGH + SHOWN_DIGIT for _, p in known)
    assert len(known) == sum(second >= known[0][0] for second, _ in said)


@pytest.mark.parametrize("power", POWERS_KW)
@pytest.mark.parametrize("sample", [10, 60])
def test_a_car_that_takes_all_that_its_connector_gives_is_not_said_to_take_less(power: str, sample: int) -> None:
    """On the average over many charges, within a hundredth: what the connector can give is no reason to say less."""
    kilowatts, said = Decimal(power), []
    for seed in range(12):
        rows = steady(kilowatts, seed, irregular(seed, 600), sample)
        shown = [trace.power_kw(kilowatts) for _second, trace in rows]
        said += [each for each in shown if each is not None]
    assert max(said) <= kilowatts
    assert sum(said) / len(said) >= kilowatts * Decimal("0.99") - SHOWN_DIGIT


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


@pytest.mark.parametrize("sample", [10, 30, 60, 120, 300, 900])
@settings(max_examples=at_most(12))
@given(power=st.sampled_from(POWERS_KW), offset=st.floats(0, 9.99), seed=st.integers(0, 2**32))
def test_however_rarely_a_meter_reports_the_bounds_hold_the_power_of_a_steady_charge(
    sample: int, power: str, offset: float, seed: int
) -> None:
    true = Decimal(power)
    for _, trace in steady(true, offset, irregular(seed, max(400, 5 * sample)), sample):
        bounds = trace.bounds()
        assert bounds is None or (bounds.least <= true and (bounds.most is None or true <= bounds.most))
    assert bounds is not None


@pytest.mark.parametrize("sample", [60, 120, 300, 900])
def test_the_bounds_of_a_slow_meter_are_close_after_three_reports(sample: int) -> None:
    trace = steady(Decimal(150), 3.3, [10.0] * (sample * 4 // 10), sample)[-1][1]
    bounds = trace.bounds()
    assert bounds is not None
    assert bounds.most is not None
    assert bounds.most <= Decimal(150) * (1 + Decimal(12) / sample)


def test_without_two_rises_nothing_bounds_the_power() -> None:
    assert Trace().bounds() is None
    assert traced([(0, Decimal(0)), (10, Decimal(1))]).bounds() is None


@settings(max_examples=at_most(25))
@given(st.sampled_from(POWERS_KW), st.integers(8, 28), st.integers(1, 4), st.integers(1, 50))
def test_figures_that_fall_and_come_back_are_no_power(power: str, since: int, lasting: int, left: int) -> None:
    true, glitch = Decimal(power), range(since, since + lasting)
    trace = Trace()
    for step in range(40):
        energy = true * 10 * step / 3600
        trace = trace.add(after(10 * step), energy * left / 100 if step in glitch else energy)
        bounds = trace.bounds()
        if bounds is not None and step not in glitch:
            assert bounds.least <= true <= (bounds.most or true)
            # Between two readings nothing tells a rise that took a moment from one that took ten seconds.
            assert bounds.most is None or bounds.most <= true * 3


def test_a_meter_that_was_corrected_for_good_starts_its_rises_afresh() -> None:
    trace = traced([(0, Decimal(0)), (10, Decimal(8)), (100, Decimal(1)), (10, Decimal("1.1")), (10, Decimal("1.2"))])
    rise = trace.last_rise()
    assert rise is not None
    assert (rise.after, rise.by, rise.energy_kwh) == (after(120), after(130), Decimal("1.2"))
    bounds = trace.bounds()
    assert bounds is not None
    assert bounds.least <= Decimal(36)


def test_the_newest_figure_has_stood_since_its_first_reading() -> None:
    assert Trace().still_since() is None
    assert traced([(10, Decimal(energy)) for energy in (1, 2, 2, 2)]).still_since() == after(20)
    assert traced([(10, Decimal(energy)) for energy in (1, 2, 2, 3)]).still_since() == after(40)


@pytest.mark.parametrize(("sample", "every"), [(10, 10), (60, 10), (300, 10), (300, 60), (900, 60), (10, 60)])
def test_the_reporting_interval_is_an_upper_bound_and_not_a_wide_one(sample: int, every: int) -> None:
    said = [trace.reporting_interval() for _, trace in steady(Decimal(11), 3.3, [float(every)] * 400, sample)]
    known = [interval.total_seconds() for interval in said if interval is not None]
    assert known
    assert all(sample <= interval <= sample + 2 * every for interval in known)


def test_one_odd_report_is_not_how_often_a_meter_reports() -> None:
    trace, energy = Trace(), Decimal(0)
    for second in [*range(0, 1500, 10)]:
        if second % 300 == 0 or second == 610:
            energy += 1
        trace = trace.add(after(second), energy)
    interval = trace.reporting_interval()
    assert interval is not None
    assert interval >= timedelta(seconds=290)


def test_nothing_is_said_of_the_interval_before_it_was_seen_a_few_times() -> None:
    trace = steady(Decimal(11), 0, [10.0] * 100, sample=300)[-1][1]
    assert trace.reporting_interval() is None
    assert trace.usual_gap() is None


def test_one_stretch_without_reads_does_not_change_what_is_usual() -> None:
    trace = steady(Decimal(11), 0, [10.0] * 60)[-1][1]
    usual, last = trace.usual_gap(), trace.points[-1]
    trace = trace.add(last.at + timedelta(hours=2), last.energy_kwh + 1)
    assert trace.usual_gap() == usual


def test_the_picture_shows_the_power_of_each_stretch() -> None:
    trace = traced([(0, Decimal(0)), *[(15, Decimal(i) / 10) for i in range(1, 7)], (50, Decimal("0.5"))])
    first, second = Decimal("24.0"), Decimal("24.0")
    assert trace.powers() == ((after(45), first), (after(90), second), (after(140), Decimal(0)))


@pytest.mark.parametrize("sample", [10, 60, 120, 300])
def test_the_picture_of_a_slow_meter_shows_the_power_and_no_spikes(sample: int) -> None:
    trace = steady(Decimal(22), 3.3, [10.0] * 150, sample)[-1][1]
    powers = [power for _, power in trace.powers()]
    assert len(powers) > 2
    assert all(abs(power - 22) <= Decimal(22) * 10 / max(sample, 45) + 1 for power in powers)


def test_the_picture_shows_a_pause_and_what_comes_after_it() -> None:
    before = steady(Decimal(11), 0, [10.0] * 30)[-1][1]
    trace = still(before, 600)
    base = trace.points[-1]
    for step in range(1, 30):
        energy = base.energy_kwh + Decimal(11) * 10 * step / Decimal(3600)
        trace = trace.add(base.at + timedelta(seconds=10 * step), energy)
    powers = [power for _, power in trace.powers()]
    assert min(powers) < 1
    assert max(powers) <= Decimal(13)


@given(readings)
def test_the_stretches_of_the_picture_are_in_order_and_long_enough(gaps: list[tuple[int, Decimal]]) -> None:
    trace = traced(gaps)
    starts: list[datetime] = [trace.points[0].at] if trace.points else []
    ends = [at for at, _ in trace.powers()]
    assert all(later - before >= POWER_WINDOW for before, later in pairwise([*starts, *ends]))
    assert set(ends) <= {point.at for point in trace.points}
