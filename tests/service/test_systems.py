"""What the outside systems have answered of late: good answers, errors of theirs, and what is not their fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from kiosk.config.settings import build_settings
from kiosk.service.systems import Systems, SystemSeen

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Outcome(StrEnum):
    OK = "ok"
    BUDGET_SPENT = "budget_spent"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


class Watched:
    def __init__(self, **more: Any) -> None:
        self.now = NOON
        given = {"secret_key": "a-secret-key-that-is-long-enough-for-tests", "public_url": "https://charge.example"}
        self.systems = Systems(lambda: self.now, build_settings(**given, **more))

    def call(self, outcome: Outcome, status: int | None = None, system: str = "plugchoice") -> None:
        self.systems.on_call(system)("get_session", outcome, status, 0.1)

    def one(self, name: str = "plugchoice") -> SystemSeen:
        (found,) = [each for each in self.systems.seen(self.now) if each.name == name]
        return found


def test_only_systems_that_are_set_are_named_and_nothing_is_known_of_them_at_first() -> None:
    assert [one.name for one in Watched().systems.seen(NOON)] == ["plugchoice"]
    every = Watched(
        plugchoice_token="hidden",
        stripe_api_key="rk_test_hidden",
        chargepilot_url="https://pilot.example/rest/v1",
        chargepilot_key="key",
        chargepilot_secret="hidden",
        ocpplab_url="https://lab.example",
        ocpplab_token="hidden",
    ).systems.seen(NOON)
    names = ["plugchoice", "plugchoice_operator", "stripe", "chargepilot", "ocpplab"]
    assert [(one.name, one.well) for one in every] == [(name, None) for name in names]


@pytest.mark.parametrize(
    ("outcome", "status", "bad"),
    [
        (Outcome.OK, 200, None),
        (Outcome.REFUSED, 404, None),
        (Outcome.REFUSED, 422, None),
        (Outcome.REFUSED, 401, "401"),
        (Outcome.REFUSED, 403, "403"),
        (Outcome.REFUSED, 429, "429"),
        (Outcome.REFUSED, 502, "502"),
        (Outcome.REFUSED, None, "refused"),
        (Outcome.NO_ANSWER, None, "no_answer"),
        (Outcome.NO_ANSWER, 200, "no_answer"),
        (Outcome.NOT_SENT, None, "not_sent"),
    ],
)
def test_an_answer_to_a_question_is_good_and_only_its_own_trouble_is_an_error(
    outcome: Outcome, status: int | None, bad: str | None
) -> None:
    watched = Watched()
    watched.call(outcome, status)
    one = watched.one()
    assert (one.well, one.bad, one.errors) == (bad is None, bad, int(bad is not None))
    assert (one.good_at, one.bad_at) == ((NOON, None) if bad is None else (None, NOON))
    assert one.asked == 1


def test_what_our_own_budget_kept_back_says_nothing() -> None:
    watched = Watched()
    watched.call(Outcome.BUDGET_SPENT)
    assert (watched.one().well, watched.one().asked) == (None, 0)


def test_a_good_answer_after_an_error_is_well_again_and_the_error_is_still_told() -> None:
    watched = Watched()
    watched.call(Outcome.NO_ANSWER)
    watched.now += timedelta(seconds=30)
    watched.call(Outcome.OK, 200)
    one = watched.one()
    assert (one.well, one.bad, one.errors, one.asked) == (True, "no_answer", 1, 2)
    watched.now += timedelta(seconds=31)
    assert (watched.one().errors, watched.one().asked) == (1, 1)
    watched.now += timedelta(hours=1)
    assert (watched.one().errors, watched.one().asked) == (0, 0)


def test_a_system_that_nobody_set_is_heard_of_too() -> None:
    watched = Watched()
    watched.call(Outcome.OK, 200, system="another")
    assert watched.one("another").well
