"""When the kiosk acts by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.limits import (
    Policy,
    Step,
    ceiling_minor,
    charger_must_answer_by,
    expected_cost_minor,
    guard,
    power_must_flow_by,
    time_to_ceiling,
)
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Trace

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
POLICY = Policy()
SOON = timedelta(seconds=10)


def session(status: str, *, held_ago: float | None = 60, **changes: object) -> Session:
    base = Session(
        key="k",
        code="7MK4T",
        connector_id=1,
        phase=Phase.OPEN,
        requested_at=NOW - timedelta(minutes=5),
        status=status,
        tariff=Tariff("EUR", 49, 35),
        hold_minor=3000,
        authorized_minor=3000,
        charger_online=True,
        observed_at=NOW,
        fresh_at=NOW,
        held_seen_at=NOW - timedelta(seconds=held_ago) if held_ago is not None else None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # any field may be given


def steady(energy: Decimal, kw: Decimal) -> Trace:
    """Five minutes of an even charge that has reached `energy` now, sampled every ten seconds."""
    trace = Trace()
    for ago in range(300, -1, -10):
        trace = trace.add(NOW - timedelta(seconds=ago), (energy - kw * ago / 3600).quantize(Decimal("0.001")))
    return trace


def charging(cost: int, kw: str = "10.8", **changes: Any) -> Session:
    energy = (Decimal(cost - 35) / 49).quantize(Decimal("0.001"))
    trace = steady(energy, Decimal(kw))
    return session(Status.CHARGING, energy_kwh=energy, cost_minor=cost, trace=trace, **changes)


@pytest.mark.parametrize("status", [Status.AUTHORIZED, Status.STARTING])
def test_a_start_that_the_charger_does_not_take_up_in_time_is_cancelled(status: Status) -> None:
    assert guard(session(status, held_ago=119), POLICY, NOW, SOON) is None
    assert guard(session(status, held_ago=120), POLICY, NOW, SOON) == Step(Kind.CANCEL, AskedBy.START_DEADLINE)


def test_deadlines_count_from_the_moment_the_hold_was_seen_here() -> None:
    seen = session(Status.STARTING, held_ago=10)
    assert charger_must_answer_by(seen, POLICY) == NOW + timedelta(seconds=110)
    assert power_must_flow_by(seen, POLICY) == NOW + timedelta(seconds=170)
    unseen = session(Status.CREATED, held_ago=None)
    assert charger_must_answer_by(unseen, POLICY) is None
    assert power_must_flow_by(unseen, POLICY) is None


def test_an_unpaid_session_has_no_deadline_of_ours() -> None:
    assert guard(session(Status.CREATED, held_ago=None), POLICY, NOW, SOON) is None


def test_a_charge_without_any_energy_is_stopped_at_the_power_deadline() -> None:
    dry = session(Status.CHARGING, held_ago=180, energy_kwh=Decimal(0), cost_minor=0)
    assert guard(dry, POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.POWER_DEADLINE)
    assert guard(replace(dry, energy_kwh=None, cost_minor=None), POLICY, NOW, SOON) == Step(
        Kind.STOP, AskedBy.POWER_DEADLINE
    )


def test_a_charge_that_drew_anything_is_not_stopped_at_the_power_deadline() -> None:
    assert guard(session(Status.CHARGING, held_ago=999, energy_kwh=Decimal("0.1")), POLICY, NOW, SOON) is None


def test_a_silent_charger_is_not_taken_for_one_without_power() -> None:
    silent = session(Status.CHARGING, held_ago=999, energy_kwh=Decimal(0), charger_online=False)
    assert guard(silent, POLICY, NOW, SOON) is None


def test_a_reading_from_before_the_deadline_does_not_prove_that_no_power_flows() -> None:
    old = session(Status.CHARGING, held_ago=200, energy_kwh=Decimal(0), observed_at=NOW - timedelta(seconds=30))
    assert guard(old, POLICY, NOW, SOON) is None


def test_charging_stops_before_the_limit_and_says_so() -> None:
    assert guard(charging(1300, limit_minor=1500), POLICY, NOW, SOON) is None
    assert guard(charging(1498, limit_minor=1500), POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.LIMIT)


def test_charging_stops_before_the_hold() -> None:
    assert guard(charging(2998), POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.HOLD)


def test_an_old_figure_brings_the_stop_forward() -> None:
    fresh = charging(2980)
    assert guard(fresh, POLICY, NOW, SOON) is None
    assert guard(fresh, POLICY, NOW + timedelta(minutes=2), SOON) == Step(Kind.STOP, AskedBy.HOLD)


def test_a_charge_ends_well_before_the_hold_lapses() -> None:
    week = charging(500, held_ago=6 * 86400)
    assert guard(week, POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.HOLD)


@pytest.mark.parametrize("status", [*Status, "levitating"])
def test_only_a_running_or_starting_session_is_ever_acted_on(status: str) -> None:
    late = session(status, held_ago=10**6, cost_minor=10**6, energy_kwh=Decimal(0))
    step = guard(late, POLICY, NOW, SOON)
    expected = {Status.AUTHORIZED: Kind.CANCEL, Status.STARTING: Kind.CANCEL, Status.CHARGING: Kind.STOP}
    assert (step.kind if step else None) == expected.get(status)  # type: ignore[call-overload]  # a strange word


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.OPEN])
def test_a_session_that_upstream_does_not_answer_for_is_not_acted_on(phase: Phase) -> None:
    assert guard(replace(session(Status.STARTING, held_ago=999), phase=phase), POLICY, NOW, SOON) is None


def test_the_ceiling_is_the_lower_of_limit_and_hold() -> None:
    assert ceiling_minor(session(Status.CHARGING)) == 3000
    assert ceiling_minor(session(Status.CHARGING, limit_minor=1500)) == 1500
    assert ceiling_minor(session(Status.CHARGING, limit_minor=9900)) == 3000
    assert ceiling_minor(session(Status.CHARGING, authorized_minor=None, hold_minor=None)) is None


def test_without_a_price_nothing_is_estimated() -> None:
    blind = charging(500, tariff=None)
    assert expected_cost_minor(blind, SOON) is None
    assert time_to_ceiling(blind) is None
    assert guard(blind, POLICY, NOW, SOON) is None


def test_without_a_cost_the_energy_gives_the_estimate() -> None:
    no_cost = session(Status.CHARGING, energy_kwh=Decimal(10), cost_minor=None)
    assert expected_cost_minor(no_cost, SOON) == 525
    assert expected_cost_minor(replace(no_cost, energy_kwh=None), SOON) is None


def test_time_to_the_ceiling_needs_power_and_a_price() -> None:
    assert time_to_ceiling(session(Status.CHARGING, energy_kwh=Decimal(1), cost_minor=84)) is None
    free = charging(35, tariff=Tariff("EUR", 0, 35))
    assert time_to_ceiling(free) is None
    soon = time_to_ceiling(charging(1500))
    assert soon is not None
    assert timedelta(hours=2) < soon < timedelta(hours=3)


@given(
    price=st.integers(20, 200),
    kw=st.decimals(Decimal("7"), Decimal("350"), places=1),
    hold=st.integers(300, 1000),
    read_every=st.sampled_from([5, 10, 30]),
)
def test_a_steady_charge_read_on_time_ends_at_or_below_its_hold(
    price: int, kw: Decimal, hold: int, read_every: int
) -> None:
    """Play a charge that is read every few seconds; the stop takes less than the policy allows for it."""
    tariff = Tariff("EUR", price)
    state = session(Status.CHARGING, tariff=tariff, authorized_minor=hold, hold_minor=hold, held_ago=0)
    begun, trace = NOW, Trace()
    for step in range(1, 1200):
        now = begun + timedelta(seconds=step * read_every)
        energy = kw * step * read_every / 3600
        trace = trace.add(now, energy)
        cost = tariff.example(energy).minor
        state = replace(state, trace=trace, energy_kwh=energy, cost_minor=cost, observed_at=now, fresh_at=now)
        if guard(state, POLICY, now, timedelta(seconds=read_every)) is not None:
            final = tariff.example(energy + kw * 15 / 3600).minor
            # Two readings and a stop are the least that it takes; a smaller hold cannot be kept by anybody.
            least = tariff.example(kw * (2 * read_every + 15) / 3600).minor
            assert final <= hold or least > hold
            return
    assert cost < hold
