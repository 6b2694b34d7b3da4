"""A charge that is not judged for a while passes nothing meanwhile, whatever its meter has said, and however late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiosk.domain.limits import LATER, QUIET_FOR, Policy, acts_in, guard, quiet_until
from kiosk.domain.session import Observation, Phase, Session, fold
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from tests.examples import at_most

BEGIN = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
POLICY = Policy()
LATE = timedelta(seconds=2)
TARIFF = Tariff("EUR", 49, 35)
WATTS = st.sampled_from([0, 1_400, 3_700, 11_000, 22_000, 150_000, 350_000])


@st.composite
def charges(draw: st.DrawFn) -> tuple[Session, datetime]:
    """A charge and a moment. Its power changes with every reading; figures are missing, stale, late, or fall."""
    session = Session(
        key="k",
        code="7MK4T",
        connector_id=1,
        phase=Phase.OPEN,
        requested_at=BEGIN,
        status=Status.STARTING,
        tariff=TARIFF,
        hold_minor=draw(st.integers(100, 10_000)),
        limit_minor=draw(st.none() | st.integers(50, 10_000)),
        most_kw=draw(st.none() | st.sampled_from([Decimal(11), Decimal(22), Decimal(350)])),
        meter_seconds=draw(st.none() | st.sampled_from([10, 60, 900])),
    )
    now, energy = BEGIN, Decimal(0)
    for _ in range(draw(st.integers(1, 8))):
        seconds = draw(st.integers(1, 900))
        now += timedelta(seconds=seconds)
        energy += Decimal(draw(WATTS)) * seconds / 3_600_000
        said = draw(st.sampled_from(["all", "all", "all", "no energy", "nothing", "less", "the same"]))
        told = {"less": energy / 2, "the same": session.energy_kwh or Decimal(0)}.get(said, energy)
        known = told.quantize(Decimal("0.001"))
        session, _ = fold(
            session,
            Observation(
                now - timedelta(seconds=draw(st.integers(0, 20))),
                now,
                Status.CHARGING,
                connector_status=draw(st.sampled_from([None, "Charging", "SuspendedEV", "Preparing"])),
                charger_online=draw(st.sampled_from([True, True, True, None, False])),
                energy_kwh=None if said in {"no energy", "nothing"} else known,
                cost_minor=None if said == "nothing" else TARIFF.example(known).minor,
            ),
        )
    return session, now + timedelta(seconds=draw(st.integers(0, 600)))


@settings(max_examples=at_most(600))
@given(charges(), st.floats(0, 0.999), st.floats(0, 1))
def test_nothing_becomes_due_while_nobody_judges(charge: tuple[Session, datetime], share: float, later: float) -> None:
    session, now = charge
    until = quiet_until(session, POLICY, now, LATE)
    if until is None or guard(session, POLICY, now, LATE) is not None:
        return
    assert until <= now + QUIET_FOR
    assert guard(session, POLICY, now + (until - now) * share, LATE + LATER * later) is None


@settings(max_examples=at_most(100))
@given(st.integers(0, 400))
@example(1)
def test_the_nearer_a_charge_is_to_its_limit_the_sooner_it_is_judged_again(minor: int) -> None:
    session, now = _steady(limit=2_000)
    near = replace(session, limit_minor=(session.cost_minor or 0) + minor)
    soon, until = acts_in(near, POLICY, now, LATE), quiet_until(near, POLICY, now, LATE)
    assert soon is not None
    assert until is None or until - now <= soon / 4
    assert until is not None or soon <= 4 * LATER


def test_a_charge_of_which_nobody_can_tell_is_judged_each_time() -> None:
    session, now = _steady(limit=2_000)
    assert quiet_until(session, POLICY, now, LATE) == now + QUIET_FOR
    for unknown in (replace(session, tariff=None), replace(session, hold_minor=None, limit_minor=None)):
        assert quiet_until(unknown, POLICY, now, LATE) is None


def _steady(limit: int) -> tuple[Session, datetime]:
    """Half an hour at 11 kW, reported every minute."""
    session = Session(
        key="k",
        code="7MK4T",
        connector_id=1,
        phase=Phase.OPEN,
        requested_at=BEGIN,
        status=Status.STARTING,
        tariff=TARIFF,
        hold_minor=10_000,
        limit_minor=limit,
    )
    now = BEGIN
    for minute in range(31):
        now = BEGIN + timedelta(minutes=minute)
        energy = (Decimal(11) * minute / 60).quantize(Decimal("0.001"))
        cost = TARIFF.example(energy).minor
        seen = Observation(
            now,
            now,
            Status.CHARGING,
            connector_status="Charging",
            charger_online=True,
            energy_kwh=energy,
            cost_minor=cost,
        )
        session, _ = fold(session, seen)
    return session, now
