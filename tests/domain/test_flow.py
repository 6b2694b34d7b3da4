"""Whether power flows, by what was said last."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kiosk.domain.flow import NO_POWER, Flow, flow_of
from kiosk.domain.session import Session, fold
from kiosk.domain.trace import Trace

from .made import T0, a_session, charging

STEADY = tuple(str(Decimal("1.000") + step * Decimal("0.030")) for step in range(40))


def read(figures: tuple[str, ...], word: str | None) -> Session:
    """A charge that was read every ten seconds; `word` is the connector's at each of them."""
    session = a_session()
    for step, energy in enumerate(figures):
        session, _ = fold(session, charging(step * 10, energy, 100 + step, connector_status=word))
    return session


def test_a_meter_that_rises_flows_whatever_the_connector_leaves_out() -> None:
    assert flow_of(read(STEADY, None)) is Flow.FLOWS
    assert flow_of(read(STEADY, "Reserved")) is Flow.FLOWS


def test_a_meter_that_stands_still_is_told_although_the_connector_charges() -> None:
    still = (*STEADY, *[STEADY[-1]] * 12)
    assert read(still, "Charging").power_kw == 0
    assert flow_of(read(still, "Charging")) is Flow.STILL


def test_the_connectors_word_is_newer_than_the_power_of_the_meter() -> None:
    waits = read(STEADY, "SuspendedEV")
    assert waits.power_kw is not None
    assert waits.power_kw > 0
    assert flow_of(waits) is Flow.CAR_WAITS


@pytest.mark.parametrize(
    ("word", "flow"),
    [
        ("Charging", Flow.FLOWS),
        ("SuspendedEV", Flow.CAR_WAITS),
        ("SuspendedEVSE", Flow.PAUSED),
        ("Faulted", Flow.FAULT),
        ("Unavailable", Flow.FAULT),
        ("Finishing", Flow.OVER),
        ("Available", Flow.OVER),
        ("Preparing", Flow.UNSAID),
        ("Reserved", Flow.UNSAID),
        (None, Flow.UNSAID),
        ("Teleporting", Flow.UNSAID),
    ],
)
def test_without_a_power_the_connectors_word_alone_tells(word: str | None, flow: Flow) -> None:
    once = a_session(status="charging", connector_status=word, trace=Trace().add(T0, Decimal("1.0")))
    assert flow_of(once) is flow


def test_what_a_connector_does_not_deny_may_flow() -> None:
    assert {Flow.FLOWS, Flow.UNSAID} == set(Flow) - NO_POWER
