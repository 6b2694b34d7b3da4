"""Figures that cannot be are not shown and decide nothing, until the meter stands by them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.doubt import BELIEVED_AFTER, Doubt, Figures, is_possible, weigh
from kiosk.domain.limits import Policy, guard
from kiosk.domain.session import Event, Session, fold

from .made import EURO, a_session, after, charging, energies, minors, seen

HOLD = 5000
ABSURD = "4076.400"


def charged(**changes: Any) -> Session:
    """Ten minutes at 11 kW, read every 30 s, the last time at 600."""
    session = replace(a_session(requested_at=after(-60)), most_kw=Decimal(22), **changes)
    for second in range(0, 601, 30):
        energy = (Decimal(11) * second / 3600).quantize(Decimal("0.001"))
        session, _ = fold(session, reading(second, str(energy)))
    return session


def reading(second: float, energy: str | None, cost: int | None = None, **said: Any) -> Any:
    whole = EURO.example(Decimal(energy)).minor if energy is not None else None
    return charging(second, energy, min(HOLD, whole) if cost is None and whole is not None else cost, **said)


def test_one_absurd_reading_is_not_shown_decides_nothing_and_is_forgotten() -> None:
    before = charged()
    slipped, events = fold(before, reading(610, ABSURD))
    assert Event.DOUBTFUL_FIGURES in events
    assert (slipped.energy_kwh, slipped.cost_minor) == (before.energy_kwh, before.cost_minor)
    assert slipped.power_kw == before.power_kw
    assert slipped.fresh_at == before.fresh_at
    assert slipped.doubt == Doubt(after(610), Decimal(ABSURD), HOLD)
    assert guard(slipped, Policy(), after(611), timedelta(seconds=2)) is None
    again, events = fold(slipped, reading(613, "1.840"))
    assert again.doubt is None
    assert again.energy_kwh == Decimal("1.840")
    assert Event.DOUBTFUL_FIGURES not in events
    assert Event.DOUBT_CONFIRMED not in events


def test_a_meter_that_goes_on_from_there_is_believed_and_no_power_is_made_of_the_step() -> None:
    session, _ = fold(charged(), reading(610, ABSURD))
    session, events = fold(session, reading(613, ABSURD))
    assert events == ()
    assert session.doubt is not None
    session, events = fold(session, reading(640, "4076.430"))
    assert Event.DOUBT_CONFIRMED in events
    assert (session.energy_kwh, session.cost_minor, session.doubt) == (Decimal("4076.430"), HOLD, None)
    assert session.power_kw is None
    assert session.trace.powers() == ()
    assert session.most_kw is None
    step = guard(session, Policy(), after(641), timedelta(seconds=2))
    assert step is not None


def test_a_figure_that_stands_for_minutes_is_believed() -> None:
    session = charged()
    for second in range(610, 610 + int(BELIEVED_AFTER.total_seconds()), 60):
        session, _ = fold(session, reading(second, ABSURD))
        assert session.energy_kwh != Decimal(ABSURD)
    session, events = fold(session, reading(611 + BELIEVED_AFTER.total_seconds(), ABSURD))
    assert Event.DOUBT_CONFIRMED in events
    assert session.energy_kwh == Decimal(ABSURD)


def test_an_answer_without_figures_neither_confirms_nor_forgets() -> None:
    doubtful, _ = fold(charged(), reading(610, ABSURD))
    silent, _ = fold(doubtful, charging(620, None, None))
    assert silent.doubt == doubtful.doubt
    assert silent.energy_kwh == doubtful.energy_kwh


def test_a_cost_may_be_absurd_alone() -> None:
    before = charged()
    session, events = fold(before, reading(610, "1.864", HOLD))
    assert Event.DOUBTFUL_FIGURES in events
    assert session.cost_minor == before.cost_minor


def test_a_meter_that_was_silent_for_long_may_catch_up() -> None:
    session = charged()
    for second in range(610, 4200, 60):
        session, _ = fold(session, reading(second, "1.833"))
    session, events = fold(session, reading(4210, "12.830"))
    assert session.energy_kwh == Decimal("12.830")
    assert Event.DOUBTFUL_FIGURES not in events


def test_a_connector_that_gives_more_than_is_known_of_it_is_soon_believed() -> None:
    """150 kW where the settings say 11: the first large step is doubted, and from then on none."""
    session = replace(a_session(requested_at=after(-60)), most_kw=Decimal(11))
    lagged = 0
    for second in range(0, 3601, 10):
        energy = Decimal(150) * (second // 300 * 300) / 3600
        session, _ = fold(session, reading(second, f"{energy:.3f}"))
        lagged += session.energy_kwh != energy.quantize(Decimal("0.001"))
    assert lagged <= 61
    assert session.energy_kwh == Decimal("150.000")


def test_what_the_back_office_settles_counts_whatever_it_is() -> None:
    doubtful, _ = fold(charged(), reading(610, ABSURD))
    ended, _ = fold(doubtful, seen(620, "settling", energy_kwh=Decimal(ABSURD), cost_minor=HOLD))
    assert (ended.energy_kwh, ended.cost_minor, ended.doubt) == (Decimal(ABSURD), HOLD, None)


def test_the_first_figures_of_a_charge_are_compared_with_nothing() -> None:
    fresh = a_session(requested_at=after(-60))
    doubted, events = fold(fresh, reading(0, "29.317"))
    assert doubted.energy_kwh == Decimal("29.317")
    assert Event.DOUBTFUL_FIGURES not in events
    doubted, events = fold(replace(fresh, most_kw=Decimal(22)), reading(0, "29.317"))
    assert doubted.energy_kwh is None
    assert Event.DOUBTFUL_FIGURES in events


@given(energies, energies, minors, minors, st.integers(0, 10**6), st.sampled_from([None, Decimal(11), Decimal(350)]))
def test_what_falls_or_stands_is_always_possible(
    more: Decimal, less: Decimal, much: int, little: int, seconds: int, most_kw: Decimal | None
) -> None:
    before = Figures(max(more, less), max(much, little))
    later = Figures(min(more, less), min(much, little))
    assert is_possible(before, later, timedelta(seconds=seconds), most_kw, EURO)
    assert is_possible(before, before, timedelta(seconds=seconds), most_kw, EURO)


@pytest.mark.parametrize("kw", ["3.7", "11", "22", "150", "350"])
@pytest.mark.parametrize("sample", [10, 60, 300, 900])
def test_no_honest_meter_is_ever_doubted(kw: str, sample: int) -> None:
    power = Decimal(kw)
    session = replace(a_session(requested_at=after(-30)), most_kw=power)
    for second in range(0, 4000, 7):
        energy = (power * ((second + 3) // sample * sample) / 3600).quantize(Decimal("0.001"))
        session, events = fold(session, charging(second, str(energy), EURO.example(energy).minor))
        assert Event.DOUBTFUL_FIGURES not in events
        assert session.energy_kwh == energy


def test_a_doubt_starts_anew_when_something_else_is_said() -> None:
    known, now = Figures(Decimal(1), 149), after(0)
    first = weigh(None, known, Figures(Decimal(900), HOLD), since=now, now=now, most_kw=Decimal(22), tariff=EURO)
    assert first == Doubt(now, Decimal(900), HOLD)
    later = after(BELIEVED_AFTER.total_seconds())
    lower = weigh(first, known, Figures(Decimal(500), HOLD), since=now, now=later, most_kw=Decimal(22), tariff=EURO)
    assert lower == Doubt(later, Decimal(500), HOLD)
