"""Whatever the meter, and however closely a charge is read: its limit is used, and a steady charge never passes it.

The real fold, guard and schedule, without anything around them: a charge of one steady power.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.limits import Policy, Step, acts_in, guard
from kiosk.domain.session import Observation, Phase, Session, fold
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.engine.schedule import target_seconds
from tests.examples import at_most

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
POLICY = Policy()
LATE = timedelta(seconds=2)
STOP_SECONDS = 15
"""What a stop takes here, less than the policy allows for it."""
TARIFF = Tariff("EUR", 49, 35)


@settings(max_examples=at_most(20))
@given(
    kw=st.sampled_from(["3.7", "7.4", "11", "22", "50", "150", "350"]),
    sample=st.sampled_from([10, 30, 60, 120, 300, 900]),
    watched=st.booleans(),
    offset=st.floats(0, 9.9),
    rated=st.booleans(),
    reports=st.integers(3, 8),
)
def test_a_steady_charge_uses_its_limit_and_passes_it_by_no_more_than_its_meter_hides(
    kw: str, sample: int, watched: bool, offset: float, rated: bool, reports: int
) -> None:
    power = Decimal(kw)
    seconds = max(reports * sample, 1200) + sample * 2 // 5
    limit = 35 + int(TARIFF.energy_cost_exact(power * seconds / 3600))
    stopped = _stopped_at(power, sample, watched=watched, offset=offset, most_kw=power if rated else None, limit=limit)
    final = 35 + TARIFF.energy_cost_exact(power * Decimal(str(stopped + STOP_SECONDS)) / 3600)
    assert final <= limit + 1
    # Between two reads nobody knows when a report came, and the stop has its time.
    assert stopped >= seconds * 0.9 - (30 if watched else 100)


def _stopped_at(
    kw: Decimal, sample: int, *, watched: bool, offset: float, most_kw: Decimal | None, limit: int
) -> float:
    """After how many seconds the kiosk stops a charge that is read as often as the schedule says."""
    state = Session(
        key="k",
        code="7MK4T",
        connector_id=1,
        phase=Phase.OPEN,
        requested_at=NOW,
        status=Status.STARTING,
        tariff=TARIFF,
        hold_minor=10**6,
        limit_minor=limit,
        most_kw=most_kw,
    )
    second, read_at = 0.0, 0.0
    while second < 50_000:
        now = NOW + timedelta(seconds=second)
        if second >= read_at:
            state, _ = fold(state, _seen(now, kw, second, sample, offset))
            read_at = second + target_seconds(state, now, watched=watched, just_commanded=False)
        step = guard(state, POLICY, now, LATE, since=NOW)
        if step is not None:
            assert step == Step(Kind.STOP, AskedBy.LIMIT)
            return second
        soon = acts_in(state, POLICY, now, LATE)
        second = min(read_at, second + max(1.0, soon.total_seconds() if soon is not None else 1e9))
    raise AssertionError("it never stopped")


def _seen(now: datetime, kw: Decimal, second: float, sample: int, offset: float) -> Observation:
    """What the back office says then: the energy of the last sample."""
    sampled = max(0.0, (second + offset) // sample * sample - offset)
    energy = (kw * Decimal(str(sampled)) / 3600).quantize(Decimal("0.001"))
    return Observation(
        now,
        now,
        Status.CHARGING,
        connector_status="Charging",
        charger_online=True,
        energy_kwh=energy,
        cost_minor=TARIFF.example(energy).minor,
    )
