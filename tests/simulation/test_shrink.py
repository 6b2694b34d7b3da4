"""Of a run that broke a promise only what is needed is told: a planted mistake, and made-up runs."""

from __future__ import annotations

import sys

import pytest

from kiosk.simulation import report, shrink
from kiosk.simulation.play import Result, play
from kiosk.simulation.report import simulate
from kiosk.simulation.shrink import NoShrinker, shrunk, smallest
from tests.simulation.planted import start_again

DRIVERS = 3
SEEDS = range(1, 40)


@pytest.mark.parametrize("needed", [{"a"}, {"h"}, {"b", "g"}, {"c", "d", "e"}, set("abcdefgh")])
def test_what_is_left_is_what_breaks_it(needed: set[str]) -> None:
    assert smallest("abcdefgh", lambda kept: kept >= needed) == needed


def test_what_breaks_without_anything_needs_nothing() -> None:
    assert smallest("abc", lambda _kept: True) == frozenset()
    assert smallest("", lambda _kept: True) == frozenset()


def test_what_never_breaks_again_stays_whole() -> None:
    assert smallest("abc", lambda _kept: False) == frozenset("abc")


class Runs:
    """Stands in for the simulation. It breaks a promise where those parts come together, or all of their kind do."""

    def __init__(self, parts: dict[str, str], needed: set[str]) -> None:
        self.parts, self.needed, self.played = parts, needed, list[frozenset[str] | None]()

    def __call__(self, kept: frozenset[str] | None = None) -> Result:
        self.played.append(kept)
        came = {name: kind for name, kind in self.parts.items() if kept is None or name in kept or kind in kept}
        result = Result(7, drivers=2, parts=came)
        if self.needed <= came.keys():
            result.broken, result.promises = ["driver 2: a hold has no end (captured)"], ["hold"]
        elif came:
            result.broken, result.promises = ["something else"], ["else"]
        result.lines.append(f"13:00:00  {len(came)} came.")
        return result


def calls(count: int) -> Runs:
    late = {f"stop {number} late": "calls late" for number in range(1, count + 1)}
    parts = {"driver 1": "driver 1", "driver 2": "driver 2", **late, "start 1 lost": "calls lost"}
    return Runs(parts, {"driver 2", "stop 4 late"})


def test_whole_kinds_are_left_out_first_and_then_single_calls() -> None:
    runs = calls(12)
    found = shrunk(runs(), runs)
    assert found.parts == {"driver 2": "driver 2", "stop 4 late": "calls late"}
    assert found.promises == ["hold"]
    kinds = {"calls late", "calls lost", "driver 1", "driver 2"}
    assert runs.played[1] is not None
    assert runs.played[1] <= kinds


def test_no_set_is_played_twice_and_an_end_comes_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = calls(30)
    monkeypatch.setattr(shrink, "MOST_RUNS", 6)
    found = shrunk(runs(), runs)
    assert {"driver 2", "stop 4 late"} <= found.parts.keys()
    assert len(runs.played) <= 1 + 2 * 6
    assert len(set(runs.played)) >= len(runs.played) - 1  # the second round may begin with what ended the first


def test_without_hypothesis_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "hypothesis", None)
        with pytest.raises(NoShrinker):
            smallest("abc", lambda _kept: True)


def story_of(monkeypatch: pytest.MonkeyPatch, runs: Runs) -> list[str]:
    said = list[str]()

    def played(seed: int, *, rough: bool, drivers: int, kept: frozenset[str] | None = None) -> Result:
        assert (seed, rough, drivers) == (7, True, 2)
        return runs(kept)

    monkeypatch.setattr(report, "play", played)
    simulate(7, 2, rough=True, story=True, say=said.append)
    return said


def test_the_story_of_a_broken_run_is_the_shortest_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert story_of(monkeypatch, calls(4))[:4] == [
        "BROKEN  driver 2: a hold has no end (captured). Again: kiosk simulate --seed 7 --sessions 2 --rough --story",
        "It takes no more than this, of 7 parts of the run, to break it: driver 2; stop 4 late.",
        "The story of seed 7:",
        "  13:00:00  2 came.",
    ]


def test_without_hypothesis_the_whole_story_is_told_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "hypothesis", None)
        said = story_of(monkeypatch, calls(4))
    assert said[1:4] == [
        "This is the whole run, and not the shortest: hypothesis is not installed (pip install hypothesis).",
        "The story of seed 7:",
        "  13:00:00  7 came.",
    ]


@pytest.mark.slow
def test_a_planted_mistake_is_told_in_a_few_sentences_that_end_with_the_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    """One driver, and one answer that was lost on its way."""
    start_again(monkeypatch)
    whole = next(one for one in (play(seed, rough=True, drivers=DRIVERS) for seed in SEEDS) if "start" in one.promises)

    def replay(kept: frozenset[str]) -> Result:
        return play(whole.seed, rough=True, drivers=DRIVERS, kept=kept)

    found = shrunk(whole, replay)
    assert sorted(kind.split()[0] for kind in found.parts.values()) == ["calls", "driver"]
    assert len(found.lines) <= 8
    assert found.lines[-1].endswith("the start reached upstream twice")
    assert found.lines[-1].split()[1] == "BROKEN:"
