"""The counts of the jitter benchmark, played for a few minutes, and the simulated time that it is played in."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial

import pytest

from benchmarks.garage import shortest
from benchmarks.jitter import Outcome, Window, figures, play
from benchmarks.turns import Turns
from kiosk.upstream.plugchoice import budget


def briefly(window: Window, *, drivers: int = 8, minutes: float = 2.2, seed: int = 1, killed: bool = False) -> Outcome:
    """`killed`: once, in the second minute."""
    rush_at, lasts = timedelta(minutes=minutes - 0.2), timedelta(minutes=minutes)
    every = timedelta(minutes=1.1) if killed else None
    return play(window, seed=seed, drivers=drivers, rush_at=rush_at, lasts=lasts, killed_every=every)


def seconds(turns: Turns, since: datetime) -> float:
    return (turns.now() - since).total_seconds()


@pytest.mark.parametrize("window", ["sliding", "fixed"])
def test_a_late_line_overspends_no_limit(window: Window) -> None:
    seen = briefly(window)
    assert seen.refused.total() == 0
    assert seen.taken["start"] >= 6  # three in each of two minutes
    assert seen.turned_away == 0


def test_a_kiosk_that_is_killed_at_times_overspends_no_limit() -> None:
    seen = briefly("fixed", killed=True)
    assert seen.refused.total() == 0
    assert seen.taken["start"] > 3


def test_the_benchmark_finds_requests_that_count_from_when_they_left(monkeypatch: pytest.MonkeyPatch) -> None:
    end = budget._Window.end
    monkeypatch.setattr(budget._Window, "end", lambda self, grant, _at: end(self, grant, grant.taken_at))
    seen = briefly("sliding")
    assert seen.refused.total() > 0


def test_the_same_seed_plays_the_same_afternoon_and_another_one_another() -> None:
    first, again, other = (briefly("sliding", drivers=3, minutes=0.7, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_one_answer_of_429_misses_the_target() -> None:
    seen = Outcome(paces={"start": 1.0, "session": 0.9})
    assert all(figure.holds is not False for figure in figures("jitter", seen))
    seen.refused["stop"] = 1
    assert [figure.what for figure in figures("jitter", seen) if figure.holds is False] == ["answers of 429"]


def test_a_limit_that_is_kept_by_being_idle_misses_the_target() -> None:
    idle = Outcome(paces={"start": 0.5, "session": 0.9})
    assert any(figure.holds is False for figure in figures("jitter", idle))
    assert all(figure.holds is not False for figure in figures("jitter", idle, aimed=False))


@pytest.mark.parametrize(("count", "minutes"), [(1, 0), (3, 0), (4, 1), (6, 1), (7, 2)])
def test_three_a_minute_need_so_many_minutes(count: int, minutes: int) -> None:
    assert shortest(3, count) == timedelta(minutes=minutes)


def test_waits_of_several_threads_pass_side_by_side() -> None:
    turns = Turns()
    began, ended = turns.now(), []

    def work(length: float) -> None:
        turns.sleep(length)
        ended.append((length, seconds(turns, began)))

    for length in (3.0, 1.0, 2.0):
        turns.begin(partial(work, length))
    turns.sleep(10)
    assert ended == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]
    assert seconds(turns, began) == 10


def test_an_event_ends_a_wait_at_the_moment_in_which_it_is_set() -> None:
    turns = Turns()
    began, bell, heard = turns.now(), threading.Event(), []
    turns.begin(lambda: heard.append((turns.wait(bell, 60), seconds(turns, began))))
    turns.sleep(5)
    bell.set()
    turns.sleep(1)
    assert heard == [(True, 5.0)]


def test_a_pool_does_no_more_at_a_time_than_it_has_workers() -> None:
    turns = Turns()
    began, ended = turns.now(), []

    def work() -> None:
        turns.sleep(2)
        ended.append(seconds(turns, began))

    pool = turns.pool(2, "worker")
    jobs = [pool.submit(work) for _ in range(5)]
    pool.shutdown()
    assert ended == [2.0, 2.0, 4.0, 4.0, 6.0]
    assert all(job.done() for job in jobs)


def test_what_ends_a_thread_is_told() -> None:
    turns = Turns()
    turns.begin(lambda: 1 // 0)
    turns.sleep(1)
    assert [type(failure) for failure in turns.failures] == [ZeroDivisionError]
