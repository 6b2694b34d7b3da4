"""A duty at its place: its failures stay in it, are logged once each, and are told with its runs."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from kiosk.clock import ManualClock
from kiosk.engine.crew import Crew
from kiosk.engine.duty import Duty, Job, Jobs
from kiosk.engine.post import Post
from kiosk.store.errors import CannotWrite, Trouble, Unavailable
from kiosk.upstream.errors import Unrecorded
from kiosk.upstream.plugchoice.budget import Budgets
from tests.counting import reads_and_writes, statements_of
from tests.engine.house import House


class Moody(Duty):
    """Works, or fails, as a test says."""

    name = "moody"

    def __init__(self, beat: timedelta = timedelta(0)) -> None:
        self.beat = beat
        self.fails = False
        self.took_over = 0
        self.runs = 0

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - whatever the time
        self.took_over += 1

    def jobs(self, now: datetime) -> Jobs:  # noqa: ARG002 - whatever the time
        self.runs += 1
        if self.fails:
            raise RuntimeError("sk_live_secret")
        return Jobs(wait=timedelta(seconds=7))


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_first_failure_and_recovery_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    clock, duty = ManualClock(), Moody()
    post, crew = Post(duty, clock.now), Crew(Budgets(), lambda: None, inline=True)
    with caplog.at_level(logging.INFO):
        for duty.fails in (False, True, True, True, False, False):
            post.turn(clock.advance(1), crew)
    assert messages(caplog) == [
        "a duty of the engine failed; the others go on",
        "a duty of the engine works again",
    ]


def test_its_state_names_the_class_of_the_last_error_and_nothing_of_its_text() -> None:
    clock, duty = ManualClock(), Moody()
    post, crew = Post(duty, clock.now), Crew(Budgets(), lambda: None, inline=True)
    assert post.state() == {
        "name": "moody",
        "beat_seconds": 0.0,
        "last_run": None,
        "next_run": None,
        "last_error": None,
        "last_error_at": None,
        "aside": 0,
    }
    duty.fails = True
    post.turn(clock.now(), crew)
    duty.fails = False
    post.turn(clock.advance(5), crew)
    assert post.state() == {
        "name": "moody",
        "beat_seconds": 0.0,
        "last_run": "2026-11-20T13:00:05+00:00",
        "next_run": "2026-11-20T13:00:12+00:00",
        "last_error": "RuntimeError",
        "last_error_at": "2026-11-20T13:00:00+00:00",
        "aside": 0,
    }


def test_a_duty_with_a_long_beat_that_failed_is_run_again_within_a_minute() -> None:
    clock, duty = ManualClock(), Moody(timedelta(hours=1))
    post, crew = Post(duty, clock.now), Crew(Budgets(), lambda: None, inline=True)
    duty.fails = True
    assert post.turn(clock.now(), crew) == timedelta(minutes=1)
    duty.fails = False
    post.turn(clock.advance(59), crew)
    assert duty.runs == 1
    assert post.turn(clock.advance(1), crew) == timedelta(hours=1)
    assert duty.runs == 2


def test_it_takes_over_once_for_each_time_that_the_engine_begins_to_lead() -> None:
    clock, duty = ManualClock(), Moody(timedelta(hours=1))
    post, crew = Post(duty, clock.now), Crew(Budgets(), lambda: None, inline=True)
    post.turn(clock.now(), crew)
    post.turn(clock.now(), crew)
    assert (duty.took_over, duty.runs) == (1, 1)
    post.lead()
    post.turn(clock.now(), crew)
    assert (duty.took_over, duty.runs) == (2, 2)


def test_a_duty_that_fails_keeps_no_other_from_running(house: House) -> None:
    moody = Moody()
    moody.fails = True
    house.engine._posts.insert(0, Post(moody, house.kiosk_clock.now))
    key = house.charging()
    assert house.session(key).status == "charging"
    assert moody.runs > 1


def test_the_engine_tells_every_duty_in_the_order_of_the_round(house: House) -> None:
    house.run(1)
    told = house.engine.duties()
    assert [each["name"] for each in told] == [
        "open sessions",
        "cut-off commands",
        "give back",
        "unpaid starts",
        "send",
        "guard",
        "read sessions",
        "read cards",
        "proofs",
        "refunds",
        "receipts",
        "exceptions",
        "own mails",
        "notices",
        "erase",
        "backups",
        "nightly tables",
        "sites",
        "own chargers",
        "board cards",
        "site progress",
        "meter stands",
        "transactions",
    ]
    assert all(each["last_run"] and each["next_run"] and each["last_error"] is None for each in told)


def test_a_round_with_nothing_to_do_asks_the_store_nothing(house: House) -> None:
    house.run(10)
    house.engine.round()
    with statements_of(house.store) as sent:
        house.engine.round()
    assert reads_and_writes(sent) == (0, 0), sent


class Jobbing(Duty):
    """Wants one job done in every round; it can fail."""

    name = "jobbing"

    def __init__(self, error: Exception | None = None) -> None:
        self.fails = True
        self.runs = 0
        self._error = error or RuntimeError("not now")

    def jobs(self, now: datetime) -> Jobs:  # noqa: ARG002
        return Jobs((Job("one", self._run), Job("two", lambda: None)), timedelta(0))

    def _run(self) -> None:
        self.runs += 1
        if self.fails:
            raise self._error


def test_a_job_that_fails_again_and_again_is_put_aside_for_longer_and_longer_and_at_most_a_minute() -> None:
    clock, duty = ManualClock(), Jobbing()
    post, crew = Post(duty, clock.now), Crew(Budgets(), lambda: None, inline=True)
    began, tried = clock.now(), []
    for _ in range(1200):
        before = duty.runs
        post.turn(clock.now(), crew)
        if duty.runs > before:
            tried.append((clock.now() - began).total_seconds())
        clock.advance(0.5)
    assert [later - earlier for earlier, later in pairwise(tried)] == [1, 2, 4, 8, 16, 32, *[60] * (len(tried) - 7)]
    assert post.state()["aside"] == 1
    duty.fails = False
    clock.advance(60)
    post.turn(clock.now(), crew)
    assert post.state()["aside"] == 0


def test_who_begins_to_lead_tries_at_once_what_was_put_aside() -> None:
    clock, duty = ManualClock(), Jobbing()
    post, crew = Post(duty, clock.now), Crew(Budgets(), lambda: None, inline=True)
    for _ in range(5):
        post.turn(clock.advance(60), crew)
    runs = duty.runs
    post.turn(clock.advance(1), crew)
    assert duty.runs == runs
    post.lead()
    post.turn(clock.advance(1), crew)
    assert duty.runs == runs + 1


def made_of(cause: Exception) -> Exception:
    """What a job makes of an error while it deals with it."""
    error = LookupError("nothing could be said of it")
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [CannotWrite(Trouble.LOCKED), Unavailable(Trouble.BROKEN), made_of(CannotWrite(Trouble.FULL)), Unrecorded()],
    ids=["write", "read", "what was made of it", "a call that must be noted first"],
)
def test_a_job_that_waits_for_the_store_is_done_soon_after_it_works_again(error: Exception) -> None:
    """A store that was locked for an hour keeps nobody waiting for a minute more."""
    clock, duty = ManualClock(), Jobbing(error)
    post, crew = Post(duty, clock.now), Crew(Budgets(), lambda: None, inline=True)
    for _ in range(3600):
        post.turn(clock.advance(1), crew)
    assert duty.runs < 1900
    duty.fails = False
    post.turn(clock.advance(2), crew)
    assert post.state()["aside"] == 0
