"""The one order of fault, key, limit and work, for all stand-ins."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask, Response

from kiosk.clock import ManualClock
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.world.faults import Faults, Kind, Rule
from kiosk.sandbox.world.reception import ANYWHERE, Reception
from kiosk.sandbox.world.traffic import Verdict
from kiosk.sandbox.world.world import World

ROUTE = "session"


class Place:
    """A reception, and how often its work was done."""

    def __init__(self) -> None:
        clock = ManualClock()
        self.world = World(clock, StripeBook(clock))
        self.faults = Faults()
        self.reception = Reception(self.world, self.faults, ANYWHERE, self.world.tick)
        self.done = 0
        self.wrong_key = False
        self.limit = 100

    def work(self) -> Response:
        self.done += 1
        return Response('{"data":{}}', mimetype="application/json")

    def refuse(self) -> Response | None:
        return Response(status=401) if self.wrong_key else None

    def spend(self, now: datetime) -> Verdict:
        return self.world.limits.spend(ROUTE, "us", self.limit, now)

    def ask(self) -> Response:
        with Flask(__name__).test_request_context("/"):
            return self.reception.serve(ROUTE, self.work, refuse=self.refuse, spend=self.spend)

    @property
    def counted(self) -> list[tuple[int, str | None]]:
        """Status and fault of each call, the newest first."""
        return [(each.status, each.fault) for each in self.world.traffic.recent()]


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_call_is_worked_counted_and_told_what_is_left(place: Place) -> None:
    answer = place.ask()
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (200, "99")
    assert (place.done, place.counted) == (1, [(200, None)])


def test_a_wrong_key_spends_nothing_and_meets_no_fault(place: Place) -> None:
    place.wrong_key = True
    place.faults.add(Rule(Kind.SERVER_ERROR))
    answer = place.ask()
    assert (answer.status_code, place.done, place.counted) == (401, 0, [(401, None)])
    assert "X-RateLimit-Limit" not in answer.headers


def test_a_limit_is_met_before_the_work(place: Place) -> None:
    place.limit = 0
    answer = place.ask()
    assert (answer.status_code, answer.headers["Retry-After"], place.done) == (429, "60", 0)


@pytest.mark.parametrize("after", [False, True])
def test_an_error_comes_instead_of_the_work_or_after_it(place: Place, after: bool) -> None:
    place.faults.add(Rule(Kind.SERVER_ERROR, after_effect=after))
    assert (place.ask().status_code, place.done) == (500, int(after))
    assert place.counted == [(500, "server_error")]


def test_latency_passes_before_the_work_which_is_then_done(place: Place) -> None:
    before = place.world.clock.now()
    place.faults.add(Rule(Kind.LATENCY, seconds=40))
    assert (place.ask().status_code, place.done) == (200, 1)
    assert (place.world.clock.now() - before).total_seconds() == 40


def test_a_spoiled_body_is_that_of_work_that_was_done(place: Place) -> None:
    place.faults.add(Rule(Kind.EMPTY))
    answer = place.ask()
    assert (answer.status_code, answer.get_data(), place.done) == (200, b"", 1)


def test_a_fault_that_does_not_fit_waits_for_somebody_else(place: Place) -> None:
    place.faults.add(Rule(Kind.ENERGY_FALLS))
    assert place.ask().status_code == 200
    assert len(place.faults.waiting()) == 1
