"""Each mistake that is planted is found by the simulation; a failure names the seeds and sessions that it was given."""

from __future__ import annotations

import pytest

from kiosk.simulation.play import play
from tests.simulation.planted import PLANTED, Planted

MOST_RUNS = 6
"""Any change of the kiosk shifts what a seed deals out, so that the next seeds are played as well."""


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.name)
def test_a_planted_mistake_is_found(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.plant(monkeypatch)
    told: list[str] = []
    for seed in range(planted.seed, planted.seed + MOST_RUNS):
        broken = play(seed, rough=True, drivers=planted.drivers, only=planted.only).broken
        if any(planted.found in sentence for sentence in broken):
            return
        told.append(f"seed {seed}, {planted.drivers} sessions: {broken}")
    raise AssertionError("; ".join(told))
