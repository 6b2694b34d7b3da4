"""Each mistake that is planted is found by the simulation, with its seed or one of those that follow."""

from __future__ import annotations

import pytest

from kiosk.simulation.play import Result
from tests.simulation import planted as plants
from tests.simulation.planted import MOST_RUNS, PLANTED, Found, Planted, search


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.name)
def test_a_planted_mistake_is_found(planted: Planted) -> None:
    found = search(planted)
    assert found is not None, f"seeds {planted.seed} to {planted.seed + MOST_RUNS - 1}, {planted.drivers} sessions each"
    assert found.sessions == (found.seed - planted.seed + 1) * planted.drivers


class Told:
    """Stands in for the simulation: the witness tells of something in the run of one seed, and of other things before.
    It looks whether the mistake is there while it plays.
    """

    there = False

    def __init__(self, at: int) -> None:
        self.at, self.seeds = at, list[int]()

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(Told, "there", True)

    def play(self, seed: int, **_more: object) -> Result:
        assert Told.there
        self.seeds.append(seed)
        return Result(seed, broken=["something else", "it is wrong"] if seed == self.at else ["something else"])


def test_the_search_ends_with_the_seed_that_finds_it_and_counts_all_sessions() -> None:
    told = Told(7)
    found = search(Planted("a mistake", told.plant, 5, "is wrong", drivers=8), told.play)
    assert found == Found(7, 24, "it is wrong")
    assert told.seeds == [5, 6, 7]
    assert not Told.there


def test_a_search_in_vain_ends_and_takes_the_mistake_away() -> None:
    told = Told(0)
    assert search(Planted("a mistake", told.plant, 5, "is wrong"), told.play) is None
    assert len(told.seeds) == MOST_RUNS
    assert not Told.there


def test_all_are_told_of_with_seed_and_sessions_and_one_that_is_missed_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [Found(3, 24, "it is wrong"), *[None] * (len(PLANTED) - 1)]
    monkeypatch.setattr(plants, "search", lambda _planted: answers.pop(0))
    assert plants.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("seed 3, 24 sessions: it is wrong")
    assert all(line.endswith("NOT FOUND") for line in lines[1:])
    assert len(lines) == len(PLANTED)
    monkeypatch.setattr(plants, "search", lambda _planted: Found(3, 24, "it is wrong"))
    assert plants.main() == 0
