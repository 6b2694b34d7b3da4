"""Each mistake that is planted is found by the simulation, with the seed and the number of sessions that it takes."""

from __future__ import annotations

import pytest

from kiosk.simulation.play import play
from tests.simulation.planted import PLANTED, Planted

SESSIONS = 12


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.name)
def test_a_planted_mistake_is_found_in_one_run(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.plant(monkeypatch)
    result = play(planted.seed, rough=True, drivers=SESSIONS)
    said = f"not found with seed {planted.seed} within {result.drivers} sessions: {result.broken}"
    assert any(planted.found in sentence for sentence in result.broken), said
