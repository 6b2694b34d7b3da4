"""The benchmark of strangers: its own arithmetic, and one short day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks import strangers
from benchmarks.crowd import Seen
from benchmarks.strangers import SOON, ages, figures, like, play, soon, waits

QUIET = Seen(waits=[1.0, 3.0, 3.0, 5.0], at_their_bay=4, ages=[5.0] * 90 + [20.0] * 10)


def test_who_waits_longer_or_gives_up_did_not_start_soon() -> None:
    assert soon(QUIET) == 1
    assert soon(Seen(waits=[SOON, SOON + 1, None, 0.0])) == 0.5


def test_a_day_is_like_a_quiet_one_when_nobody_waits_longer_and_every_figure_is_as_young() -> None:
    assert like(QUIET, QUIET)
    assert like(replace(QUIET, waits=[1.0, 3.0, 3.0, 10.0]), QUIET)
    assert not like(replace(QUIET, waits=[1.0, 3.0, 3.0, 10.5]), QUIET)
    assert not like(replace(QUIET, waits=[9.0, 9.0, 9.0, 9.0]), QUIET)
    assert not like(replace(QUIET, waits=[1.0, 3.0, 3.0, None]), QUIET)
    assert like(replace(QUIET, ages=[5.0] * 90 + [60.0] * 10), QUIET)
    assert not like(replace(QUIET, ages=[5.0] * 90 + [61.0] * 10), QUIET)


def test_what_is_told_of_a_day() -> None:
    seen = Seen(waits=[2.0, 4.0, 40.0, None], at_their_bay=2, ages=QUIET.ages, streams=4, streams_refused=3)
    assert waits(seen) == "2 of 4; 4 s, 40 s; 1 gave up; 1 at another bay; 3 streams refused"
    assert ages(seen) == "5 s, 20 s, 20 s"
    assert waits(Seen(waits=[None])) == "0 of 1; 0 s, 0 s; 1 gave up"


@pytest.mark.parametrize(
    ("networks", "given_up", "holds"), [(1, 0, True), (1, 1, False), (10, 0, True), (10, 1, False), (100, 1, None)]
)
def test_the_aim_of_one_network_and_of_ten(networks: int, given_up: int, holds: bool | None) -> None:
    seen = replace(QUIET, waits=[None if number < given_up else wait for number, wait in enumerate(QUIET.waits)])
    first, second = figures("squatting", networks, seen, QUIET)
    assert (first.holds, second.holds) == (holds, None)


def test_a_squatter_takes_the_bay_of_an_honest_driver_and_not_their_start() -> None:
    squatted = play(strangers.squat, 1, drivers=1, old=0, charging=0, lead=timedelta(seconds=60))
    assert soon(squatted) == 1
    assert squatted.at_their_bay == 0
