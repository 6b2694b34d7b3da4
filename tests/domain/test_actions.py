"""What an owner may ask of a session, in every status and phase."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.domain.actions import Action, EmailState, actions_of, email_state, limits_of, newest, payable
from kiosk.domain.commands import AskedBy, Command, CommandState, Kind
from kiosk.domain.freshness import LOST_AFTER, OLD_AFTER, Freshness, freshness_of, lost_after, old_after
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status

from .made import EURO, T0, a_session

FRESH = {"tariff": EURO, "hold_minor": 3000, "cost_minor": 700, "fresh_at": T0}


def in_status(status: Status | str, **changed: object) -> Session:
    return a_session(**{"phase": Phase.OPEN, "status": str(status), **FRESH, **changed})


def command(kind: Kind, state: CommandState, number: int = 1) -> Command:
    return Command(number, "key", kind, AskedBy.DRIVER, T0, state)


BEFORE_POWER = {Action.CANCEL, Action.EMAIL, Action.MOVE}
EXPECTED: dict[Status, set[Action]] = {
    Status.CREATED: {Action.PAY, Action.CANCEL, Action.MOVE},
    Status.AUTHORIZED: BEFORE_POWER,
    Status.STARTING: BEFORE_POWER,
    Status.CHARGING: {Action.STOP, Action.LIMIT, Action.EMAIL, Action.MOVE},
    Status.STOPPING: {Action.EMAIL, Action.MOVE},
    Status.SETTLING: {Action.EMAIL, Action.MOVE},
    Status.CAPTURE_FAILED: {Action.MOVE},
    Status.REQUIRES_REVIEW: {Action.MOVE},
}
"""Of a status that is not named here nothing is offered: it is over."""


@pytest.mark.parametrize("status", Status)
def test_each_status_offers_what_it_can_do(status: Status) -> None:
    assert actions_of(in_status(status), (), T0) == EXPECTED.get(status, set())


def test_a_word_that_nobody_knows_offers_only_another_device() -> None:
    assert actions_of(in_status("paused_by_grid"), (), T0) == {Action.MOVE}


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.OPEN])
def test_outside_of_upstream_only_the_line_can_be_left(phase: Phase) -> None:
    waiting = a_session(phase=phase, status=None, **FRESH)
    assert actions_of(waiting, (), T0) == ({Action.LEAVE} if phase is Phase.QUEUED else set())


@pytest.mark.parametrize("state", CommandState)
def test_what_is_under_way_is_not_offered_again(state: CommandState) -> None:
    under_way = state in {CommandState.WAITING, CommandState.SENT}
    stopping = actions_of(in_status(Status.CHARGING), [command(Kind.STOP, state)], T0)
    cancelling = actions_of(in_status(Status.STARTING), [command(Kind.CANCEL, state)], T0)
    assert (Action.STOP not in stopping, Action.CANCEL not in cancelling) == (under_way, under_way)
    assert (Action.LIMIT in stopping) == (Action.STOP in stopping)


@pytest.mark.parametrize("old", [LOST_AFTER, LOST_AFTER + timedelta(seconds=1), timedelta(hours=2)])
def test_a_limit_can_be_set_however_old_the_figures_are(old: timedelta) -> None:
    assert Action.LIMIT in actions_of(in_status(Status.CHARGING), (), T0 + old)


def test_no_limit_is_offered_when_the_cost_has_passed_them_all_but_a_set_one_can_be_taken_away() -> None:
    late = in_status(Status.CHARGING, cost_minor=2900)
    assert Action.LIMIT not in actions_of(late, (), T0)
    set_before = in_status(Status.CHARGING, cost_minor=2900, limit_minor=2000)
    assert Action.LIMIT in actions_of(set_before, (), T0)
    assert [money.minor for money in limits_of(set_before, T0)] == [2000]


def test_the_current_limit_is_named_once() -> None:
    assert [money.minor for money in limits_of(in_status(Status.CHARGING, limit_minor=1500), T0)] == [1000, 1500, 2000]


def test_only_what_upstream_waits_for_can_be_paid() -> None:
    assert payable(in_status(Status.CREATED))
    assert not payable(in_status(Status.CREATED, phase=Phase.GONE))
    assert not payable(in_status(Status.AUTHORIZED))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (CommandState.WAITING, EmailState.ASKED),
        (CommandState.SENT, EmailState.ASKED),
        (CommandState.DONE, EmailState.KNOWN),
        (CommandState.REFUSED, EmailState.REFUSED),
        (CommandState.UNKNOWN, EmailState.OPEN),
        (CommandState.WITHDRAWN, EmailState.OPEN),
    ],
)
def test_the_last_wish_says_where_the_address_stands(state: CommandState, expected: EmailState) -> None:
    asked = [command(Kind.RECEIPT_EMAIL, state)]
    assert email_state(in_status(Status.CHARGING), asked) is expected
    assert email_state(in_status(Status.CHARGING, email_known=True), asked) is EmailState.KNOWN


def test_after_the_end_no_address_is_asked_for() -> None:
    assert email_state(in_status(Status.CAPTURED), ()) is None


def test_the_newest_wish_of_a_kind_counts_and_a_withdrawn_one_does_not() -> None:
    first, second = command(Kind.STOP, CommandState.DONE), command(Kind.STOP, CommandState.WITHDRAWN, 2)
    assert newest([second, first], Kind.STOP) is first
    assert newest([second], Kind.STOP) is None


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), Freshness.FRESH),
        (OLD_AFTER, Freshness.FRESH),
        (OLD_AFTER + timedelta(seconds=1), Freshness.OLD),
        (LOST_AFTER, Freshness.OLD),
        (LOST_AFTER + timedelta(seconds=1), Freshness.LOST),
    ],
)
def test_figures_grow_old_and_are_lost(age: timedelta, expected: Freshness) -> None:
    assert freshness_of(in_status(Status.CHARGING), T0 + age) is expected
    assert freshness_of(in_status(Status.CHARGING, fresh_at=None), T0 + age) is Freshness.FRESH


@pytest.mark.parametrize("every", [5, 10])
def test_where_figures_are_renewed_often_they_are_old_and_lost_as_ever(every: int) -> None:
    charging, often = in_status(Status.CHARGING), timedelta(seconds=every)
    assert (old_after(charging, often), lost_after(charging, often)) == (OLD_AFTER, LOST_AFTER)


def test_a_figure_is_not_lost_because_its_turn_has_not_come() -> None:
    charging, seldom = in_status(Status.CHARGING), timedelta(seconds=170)
    for age, expected in ((255, Freshness.FRESH), (256, Freshness.OLD), (510, Freshness.OLD), (511, Freshness.LOST)):
        assert freshness_of(charging, T0 + timedelta(seconds=age), seldom) is expected


def test_a_charger_without_contact_is_lost_after_a_minute_whatever_the_rhythm() -> None:
    offline = in_status(Status.CHARGING, charger_online=False)
    assert freshness_of(offline, T0 + timedelta(seconds=61), timedelta(seconds=170)) is Freshness.LOST
