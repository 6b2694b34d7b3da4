"""Made-up time: one thing at a time, in order, and an end wherever it waits."""

from __future__ import annotations

from threading import Event

import pytest

from kiosk.simulation.stepper import Killed, Pool, Stepper


def test_things_happen_in_the_order_of_their_times() -> None:
    stepper, done = Stepper(), list[str]()
    stepper.after(5, lambda: done.append("late"))
    stepper.after(1, lambda: done.append("soon"))
    stepper.after(1, lambda: done.append("soon, asked for later"))
    while stepper.step():
        pass
    assert done == ["soon", "soon, asked for later", "late"]
    stepper.close()


def test_whoever_waits_lets_the_others_go_on() -> None:
    stepper, done = Stepper(), list[str]()
    pool = Pool(stepper, "a process", 2, lambda _broken: None)

    def call(name: str, seconds: float) -> None:
        stepper.wait(Event(), seconds)
        done.append(name)

    pool.submit(call, "slow", 10.0)
    pool.submit(call, "quick", 1.0)
    began = stepper.now()
    while stepper.step():
        pass
    assert done == ["quick", "slow"]
    assert (stepper.now() - began).total_seconds() == 10
    stepper.close()


def test_a_pool_begins_no_more_at_once_than_it_has_workers() -> None:
    stepper, done = Stepper(), list[float]()
    pool = Pool(stepper, "a process", 1, lambda _broken: None)
    began = stepper.seconds()

    def call() -> None:
        stepper.sleep(2)
        done.append(stepper.seconds() - began)

    pool.submit(call)
    pool.submit(call)
    while stepper.step():
        pass
    assert done == [2, 4]
    stepper.close()


def test_a_killed_process_ends_where_it_waits() -> None:
    stepper, done = Stepper(), list[str]()
    ends = list[BaseException | None]()
    mine, others = Pool(stepper, "killed", 1, ends.append), Pool(stepper, "other", 1, ends.append)

    def call(name: str) -> None:
        try:
            stepper.sleep(3)
            done.append(name)
        except Killed:
            done.append(f"{name} was killed")
            raise

    mine.submit(call, "mine")
    others.submit(call, "other")
    stepper.after(1, lambda: stepper.kill("killed"))
    while stepper.step():
        pass
    assert done == ["mine was killed", "other"]
    assert [type(one) for one in ends] == [Killed, type(None)]
    stepper.close()


def test_what_breaks_on_a_worker_is_raised_where_the_turn_was_given() -> None:
    stepper = Stepper()

    def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        stepper.work("a process", broken)
    stepper.close()
