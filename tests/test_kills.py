"""A real gunicorn is killed, or frozen, at some of its commits and calls; `scripts/bench kills` does it at all of them.

The back office lives in the test's own process and survives. Each charge has to end with the right receipt: nothing is
started twice, what was taken is what the receipt says, the rest of the hold is released, the wish to stop is pursued.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.kills import Journey, Way, figures, play, stem
from benchmarks.points import DIES_AT, LOG, SIGNAL, Point, label, points_from, reached
from benchmarks.shared_clock import begin, clock_from

PUBLIC = "/plugchoice/api/v3/public-charging/sessions"
STRUCK = (
    (Way.KILL, "before commit Store.migrate 1"),
    (Way.KILL, f"after call POST {PUBLIC} 1"),
    (Way.KILL, "before commit Starts.start_done 1"),
    (Way.KILL, f"after call POST {PUBLIC}/*/stop 1"),
    (Way.KILL, "before commit Receipts.issue_receipt 1"),
    (Way.FREEZE, f"before call POST {PUBLIC}/*/confirm 1"),
    (Way.REPLACE, f"after call POST {PUBLIC} 1"),
    (Way.REPLACE, "before commit Sessions.observe 1"),
)
"""One of each kind of point, and those at which something was lost once."""


@pytest.fixture(scope="module")
def journeys() -> Iterator[list[Journey]]:
    """All at once: each waits more than it works."""
    with stem() as root, ThreadPoolExecutor(len(STRUCK)) as lanes:
        yield list(lanes.map(lambda one: play(root, one[0], Point.from_text(one[1])), STRUCK))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(STRUCK)), ids=[f"{way}: {point}" for way, point in STRUCK])
def test_a_charge_ends_with_the_right_receipt_wherever_the_server_is_struck(
    journeys: list[Journey], number: int
) -> None:
    journey = journeys[number]
    assert journey.struck, journey.log
    assert journey.wrong == (), journey.log


def test_the_points_that_were_reached_are_written_down_and_the_signal_comes_at_the_one_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: sent.append((group, number)))
    log = tmp_path / "points"
    points = points_from({LOG: str(log), DIES_AT: "before commit Starts.create 2", SIGNAL: str(int(signal.SIGSTOP))})
    assert points is not None
    for what in ("before commit Starts.create", "after commit Starts.create", "before commit Starts.create"):
        assert sent == []
        points.reach(what)
    assert sent == [(os.getpgrp(), signal.SIGSTOP)]
    assert [str(one) for one in reached(log)] == [
        "before commit Starts.create 1",
        "after commit Starts.create 1",
        "before commit Starts.create 2",
    ]


def test_a_line_that_was_cut_by_the_end_of_its_process_does_not_count(tmp_path: Path) -> None:
    log = tmp_path / "points"
    assert reached(log) == []
    log.write_text("before call GET / 1\nafter call G")
    assert reached(log) == [Point("before call GET /", 1)]


def test_no_point_names_a_session() -> None:
    assert label("POST", "/api/v3/public-charging/sessions/8f2c/stop") == (
        "POST /api/v3/public-charging/sessions/*/stop"
    )


def test_processes_that_share_a_clock_agree_on_its_time() -> None:
    environment = begin(rate=8)
    one = clock_from(environment)
    other = clock_from(environment)
    before, between, after = one.now(), other.now(), one.now()
    assert before <= between <= after


def test_a_journey_that_went_wrong_misses_the_target() -> None:
    point = Point("before call GET /", 1)
    quiet = Journey(None, None, struck=False, wrong=(), seconds=1, starts=1, points=(point,))
    well = Journey(Way.KILL, point, struck=True, wrong=(), seconds=1, starts=1)
    bad = Journey(Way.KILL, point, struck=True, wrong=("two starts were heard",), seconds=1, starts=2)
    assert all(one.holds is not False for one in figures([quiet], [well]))
    assert [one.value for one in figures([quiet], [well, bad]) if one.holds is False] == ["1 of 2"]
