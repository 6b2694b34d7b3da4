"""When a bay will be free is said only when it can be said honestly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kiosk.domain.freeing import expected_free_at
from kiosk.domain.session import Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Trace

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def steady(kw: str, until: datetime, minutes: int = 10) -> Trace:
    """A charge at one power, read every ten seconds."""
    trace, energy = Trace(), Decimal(0)
    for step in range(minutes * 6 + 1):
        trace = trace.add(until - timedelta(minutes=minutes) + timedelta(seconds=10 * step), energy)
        energy += Decimal(kw) / 360
    return trace


def charging(**changes: Any) -> Session:
    """At 12 kW and 50 cents a kWh: 6 euros an hour. 4 euros of a limit of 10 are used: one hour is left."""
    session = Session(
        key="k" * 22,
        code="7MK4T",
        connector_id=1,
        phase=Phase.OPEN,
        requested_at=NOON - timedelta(hours=1),
        status="charging",
        charger_online=True,
        tariff=Tariff("EUR", 50),
        authorized_minor=3000,
        limit_minor=1000,
        energy_kwh=Decimal(8),
        cost_minor=400,
        fresh_at=NOON,
        trace=steady("12", NOON),
    )
    return replace(session, **changes)


def test_a_bay_is_free_when_the_limit_is_reached_at_the_present_power() -> None:
    assert expected_free_at(charging(), NOON) == NOON + timedelta(hours=1)


def test_the_time_counts_from_the_last_figures_and_is_said_on_the_next_five_minutes() -> None:
    later = charging(fresh_at=NOON + timedelta(seconds=61), trace=steady("12", NOON + timedelta(seconds=61)))
    assert expected_free_at(later, NOON + timedelta(seconds=90)) == NOON + timedelta(minutes=65)


@pytest.mark.parametrize(
    "changes",
    [
        {"limit_minor": None},
        {"tariff": None},
        {"cost_minor": None},
        {"status": "stopping"},
        {"status": "authorized"},
        {"phase": Phase.GONE},
        {"charger_online": False},
        {"fresh_at": None},
        {"fresh_at": NOON - timedelta(minutes=3)},
        {"trace": Trace()},
        {"tariff": Tariff("EUR", 0, 35)},
        {"tariff": Tariff("EUR", 1)},
        {"cost_minor": 1000},
    ],
    ids=str,
)
def test_nothing_is_said_when_a_part_of_the_estimate_is_missing_old_or_absurd(changes: dict[str, Any]) -> None:
    assert expected_free_at(charging(**changes), NOON) is None


def test_a_hold_below_the_limit_ends_the_charge_first() -> None:
    assert expected_free_at(charging(authorized_minor=700), NOON) == NOON + timedelta(minutes=30)
