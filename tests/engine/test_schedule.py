"""The reading plan: nobody starves, the urgent go first, and the budget is never planned away."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.domain.commands import AskedBy, Kind, Wish
from kiosk.domain.doubt import Doubt
from kiosk.domain.pursuit import LOST_FOR
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Trace
from kiosk.engine.schedule import (
    ENDED_TARGET,
    RESERVE,
    URGENT_AT_MOST,
    ReadNeed,
    Stretch,
    may_wait,
    plan,
    stretch_of,
    target_seconds,
)
from tests.examples import at_most

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
LIMIT = 30


def session(status: str, *, since: float = 0, phase: Phase = Phase.OPEN) -> Session:
    return Session(
        key="k",
        code="7MK4T",
        connector_id=1,
        phase=phase,
        requested_at=NOW - timedelta(seconds=since),
        status=status,
        status_since=NOW - timedelta(seconds=since),
        tariff=Tariff("EUR", 49, 35),
        hold_minor=3000,
    )


def target(of: Session, *, watched: bool = True, just_commanded: bool = False) -> float:
    return target_seconds(of, NOW, watched=watched, just_commanded=just_commanded)


def charging(kwh: str = "10", cost: int = 525, kw: Decimal = Decimal("10.8")) -> Session:
    energy = Decimal(kwh)
    trace = Trace()
    for ago in range(300, -1, -10):
        trace = trace.add(NOW - timedelta(seconds=ago), (energy - kw * ago / 3600).quantize(Decimal("0.001")))
    return replace(
        session(Status.CHARGING, since=600),
        energy_kwh=energy,
        cost_minor=cost,
        authorized_minor=3000,
        trace=trace,
    )


def test_what_is_about_to_change_is_read_every_few_seconds() -> None:
    for status in (Status.AUTHORIZED, Status.STARTING, Status.STOPPING, Status.SETTLING):
        assert target(session(status)) <= 5
    assert target(handed_out(), just_commanded=True) <= 5


def handed_out(since: float = 0) -> Session:
    """Its payment form was handed out."""
    return replace(session(Status.CREATED, since=since), payment_shown_at=NOW)


def test_what_nobody_can_have_paid_is_never_urgent_and_read_seldom_unless_somebody_watches() -> None:
    unpaid = session(Status.CREATED)
    assert target(unpaid, just_commanded=True) == target(unpaid) == 20
    assert target(unpaid, watched=False, just_commanded=True) == 120
    assert target(handed_out()) == 20
    assert target(handed_out(), watched=False) == 30
    assert target(replace(handed_out(), given_up_at=NOW), watched=False) == 10


def test_fifteen_starts_of_strangers_take_hardly_anything_from_a_charge() -> None:
    """Unwatched, and nobody has asked for their forms: half a read a minute each, not two."""
    needs = [target(session(Status.CREATED), watched=False) for _ in range(15)]
    assert sum(60 / each for each in needs) <= 30 / 4


def test_a_watched_charge_is_read_every_ten_seconds_and_an_unwatched_one_every_minute() -> None:
    assert target(charging()) == 10
    assert target(charging(), watched=False) == 60


def test_a_charge_near_its_limit_is_read_more_often_even_when_nobody_watches() -> None:
    near = replace(charging(cost=1493), limit_minor=1500)
    assert target(near, watched=False) < 15


def test_a_charge_without_energy_yet_is_read_closely() -> None:
    assert target(replace(session(Status.CHARGING), energy_kwh=Decimal(0)), watched=False) <= 5


def test_what_only_the_operator_can_change_is_read_every_few_minutes() -> None:
    assert target(session(Status.CAPTURE_FAILED)) == 300
    assert target(session(Status.REQUIRES_REVIEW)) == 300


def test_a_session_that_upstream_forgot_is_asked_for_soon_and_then_less_and_less() -> None:
    def forgotten(seconds: float) -> float:
        lost = replace(session(Status.CHARGING, phase=Phase.GONE), gone_at=NOW - timedelta(seconds=seconds))
        return target(lost)

    assert forgotten(0) == 5
    assert forgotten(600) == 150
    assert forgotten(30 * 86_400) == 86_400
    assert target(replace(session(Status.CHARGING), gone_at=NOW)) == 5


def test_a_wish_makes_nobody_read_closely_what_upstream_has_long_lost() -> None:
    lost = replace(session(Status.CHARGING, phase=Phase.GONE), gone_at=NOW - LOST_FOR - timedelta(seconds=1))
    wished = replace(lost, wish=Wish(Kind.STOP, AskedBy.DRIVER, NOW - timedelta(hours=1)))
    assert target(wished) == target(lost)
    assert target(replace(wished, gone_at=NOW)) < target(replace(lost, gone_at=NOW - timedelta(minutes=2)))


def test_a_figure_in_doubt_is_read_again_closely() -> None:
    doubted = replace(charging(), doubt=Doubt(NOW, Decimal(4076), 3000))
    assert target(doubted, watched=False) == 3
    assert target(replace(doubted, doubt=None), watched=False) > 3


def test_a_strange_status_goes_on_being_read_less_and_less_at_last_twice_a_day() -> None:
    assert target(session("levitating")) == 10
    assert target(session("levitating", since=3600)) == 900
    assert target(session("levitating", since=30 * 86_400)) == 43_200


def test_under_a_strange_status_a_charge_is_read_as_closely_as_before() -> None:
    charging = session(Status.CHARGING)
    assert target(replace(charging, status="levitating", last_known="charging")) == target(charging)


def test_an_end_without_all_of_its_figures_is_read_soon_and_never_before_what_still_runs() -> None:
    def incomplete(since: float) -> float:
        return target(replace(session(Status.CAPTURED, since=since), incomplete=True))

    assert URGENT_AT_MOST < incomplete(0) <= 6
    assert incomplete(600) == 300
    assert incomplete(30 * 86_400) == 21_600


def test_an_end_that_was_told_whole_and_then_called_something_strange_is_no_hurry() -> None:
    told = replace(
        session(Status.CAPTURED, since=0),
        status="archived",
        last_known="captured",
        incomplete=True,
        captured_minor=500,
        captured_at=NOW,
        energy_kwh=Decimal("9"),
    )
    assert target(told) == ENDED_TARGET
    assert target(replace(told, captured_minor=None)) == 6


def test_a_bill_that_nobody_makes_is_asked_for_less_and_less_and_at_least_once_an_hour() -> None:
    ages = (60, 1800, 3600, 36_000, 10**6)
    targets = [target(session(Status.SETTLING, since=age)) for age in ages]
    assert targets == sorted(targets)
    assert targets[1] == 60
    assert targets[-1] == 3600


@pytest.mark.parametrize("status", [Status.STARTING, Status.STOPPING])
def test_a_state_that_lasts_is_read_less_and_less_but_still_within_two_minutes(status: str) -> None:
    fresh, old = target(session(status)), target(session(status, since=36_000))
    assert fresh < old <= 120
    assert target(handed_out()) < target(handed_out(since=36_000)) <= 120


def needs_of(targets: list[float], *, last: datetime | None = NOW) -> list[ReadNeed]:
    return [ReadNeed(f"s{n}", last, t) for n, t in enumerate(targets)]


some_targets = st.lists(st.sampled_from([3.0, 4.0, 5.0, 10.0, 30.0, 60.0, 300.0]), min_size=1, max_size=80)


@given(some_targets)
def test_stretched_targets_fit_into_the_budget(targets: list[float]) -> None:
    needs = needs_of(targets)
    stretch = stretch_of(needs, LIMIT)
    spent = sum(60 / (need.target * stretch.of(need)) for need in needs)
    assert spent <= LIMIT - RESERVE + 1e-6 or len(needs) == 1


@given(some_targets)
def test_the_urgent_stretch_less_than_the_rest(targets: list[float]) -> None:
    needs = needs_of(targets)
    ordinary = sum(60 / n.target for n in needs if not n.urgent)
    urgent = sum(60 / n.target for n in needs if n.urgent)
    stretch = stretch_of(needs, LIMIT)
    if 0 < urgent <= 0.5 * LIMIT and ordinary:
        assert stretch.urgent == 1


def test_the_patient_wait_first_so_that_what_somebody_watches_stretches_least() -> None:
    watched = [ReadNeed(f"w{n}", NOW, 10.0) for n in range(25)]
    others = [ReadNeed(f"o{n}", NOW, 60.0, patient=True) for n in range(75)]
    stretch = stretch_of([*watched, *others], LIMIT)
    assert 10 * stretch.ordinary <= 62
    assert 60 * stretch.patient <= 1801


@given(st.integers(0, 300), st.integers(0, 900))
def test_however_many_there_are_the_budget_is_kept_and_nobody_waits_for_ever(watched: int, others: int) -> None:
    needs = [ReadNeed(f"w{n}", NOW, 10.0) for n in range(watched)]
    needs += [ReadNeed(f"o{n}", NOW, 60.0, patient=True) for n in range(others)]
    stretch = stretch_of(needs, LIMIT)
    assert sum(60 / (need.target * stretch.of(need)) for need in needs) <= LIMIT - RESERVE + 0.001
    if others:
        assert 60 * stretch.patient <= max(1800, others * 60 / (0.25 * (LIMIT - RESERVE))) + 1
    if watched:
        assert 10 * stretch.ordinary <= max(10, watched * 60 / (0.75 * (LIMIT - RESERVE))) + 1


def test_a_ceiling_that_may_be_reached_unseen_is_read_for_at_once() -> None:
    """Nobody knows its power, and 22 kW cost 0.18 a minute: of 0.50 half may be gone."""
    near = replace(
        session(Status.CHARGING, since=600),
        authorized_minor=3000,
        cost_minor=2950,
        energy_kwh=Decimal(5),
        most_kw=Decimal(22),
        fresh_at=NOW - timedelta(seconds=90),
    )
    assert target(near, watched=False) == 5.0
    assert target(replace(near, cost_minor=500), watched=False) == 60.0
    assert target(replace(near, charger_online=False), watched=False) >= 60.0


def test_in_the_last_minute_before_the_ceiling_nothing_routine_goes_first() -> None:
    near = charging(cost=2996)
    assert target(near, watched=False) == 5.0


def test_a_charger_without_contact_is_asked_less_and_less_and_within_two_minutes() -> None:
    offline = replace(charging(), charger_online=False, fresh_at=NOW - timedelta(hours=2))
    assert target(offline) == 120.0


def test_a_charge_that_is_told_elsewhere_is_read_to_confirm_it_and_closely_where_something_happens() -> None:
    def told(one: Session, *, just_commanded: bool = False) -> float:
        return target_seconds(one, NOW, watched=True, just_commanded=just_commanded, told_elsewhere=True)

    assert told(charging()) == 300.0
    assert told(charging(cost=2996)) == 5.0
    assert told(charging(), just_commanded=True) <= 30.0
    assert told(replace(charging(), status=Status.STOPPING, status_since=NOW)) == 3.0


def test_only_what_nobody_waits_for_may_wait() -> None:
    quiet = charging()
    assert may_wait(quiet, watched=False)
    assert may_wait(session(Status.REQUIRES_REVIEW), watched=True)
    assert not may_wait(quiet, watched=True)
    assert not may_wait(replace(quiet, limit_minor=2000), watched=False)
    assert not may_wait(replace(quiet, wish=Wish(Kind.STOP, AskedBy.DRIVER, NOW)), watched=False)
    assert not may_wait(session(Status.STOPPING), watched=False)
    assert not may_wait(session(Status.STARTING), watched=False)


def test_nothing_stretches_while_the_budget_serves_everybody() -> None:
    assert stretch_of(needs_of([10.0, 10.0, 60.0]), LIMIT) == Stretch()


@given(some_targets, st.integers(0, LIMIT))
def test_no_more_is_planned_than_the_window_has_left(targets: list[float], free: int) -> None:
    planned = plan(needs_of(targets, last=None), free=free, per_minute=LIMIT, last_read=None, now=NOW)
    assert len(planned.now) <= free
    assert planned.again_in > timedelta(0)


def test_ordinary_reads_leave_a_reserve_that_urgent_ones_may_use() -> None:
    ordinary = plan(needs_of([10.0] * 9, last=None), free=RESERVE, per_minute=LIMIT, last_read=None, now=NOW)
    urgent = plan(needs_of([3.0], last=None), free=RESERVE, per_minute=LIMIT, last_read=None, now=NOW)
    assert ordinary.now == ()
    assert urgent.now == ("s0",)


@settings(max_examples=at_most(15))
@given(some_targets)
def test_nobody_waits_much_longer_than_his_fair_share(targets: list[float]) -> None:
    """Play five minutes against a sliding window; every gap stays near target times stretch."""
    needs = {need.key: need for need in needs_of(targets, last=None)}
    stretch = stretch_of(needs.values(), LIMIT)
    sent: list[datetime] = []
    last_ordinary: datetime | None = None
    now, worst = NOW, dict.fromkeys(needs, 0.0)
    while now < NOW + timedelta(minutes=5):
        free = LIMIT - sum(1 for at in sent if now - at < timedelta(seconds=60.5))
        planned = plan(needs.values(), free=free, per_minute=LIMIT, last_read=last_ordinary, now=now)
        last_ordinary = planned.last_read
        for key in planned.now:
            need = needs[key]
            worst[key] = max(worst[key], (now - (need.last or NOW)).total_seconds())
            needs[key] = replace(need, last=now)
            sent.append(now)
        now += max(min(planned.again_in, timedelta(seconds=1)), timedelta(milliseconds=200))
    for key, need in needs.items():
        waited = max(worst[key], (now - (need.last or NOW)).total_seconds())
        # A window of a minute may be spent in a burst at the start, and is then waited out once.
        assert waited <= need.target * stretch.of(need) + 65
    assert all(sum(1 for b in sent if timedelta(0) <= b - a <= timedelta(seconds=60)) <= LIMIT for a in sent)


def ended(number: int) -> ReadNeed:
    return ReadNeed(f"ended {number}", NOW - timedelta(seconds=number), ENDED_TARGET, ended=True)


def test_looks_at_ended_sessions_are_rare_and_leave_the_others_as_they_are() -> None:
    """A hundred old receipts, and a garage that fills the budget: two minutes with them are as two minutes without."""
    for targets in ([10.0] * 3, [60.0] * 5 + [3.0], [10.0] * 9):
        without, looks = reads_of(targets, []), reads_of(targets, [ended(number) for number in range(100)])
        assert {key: n for key, n in looks.items() if not key.startswith("ended")} == without
        assert sum(n for key, n in looks.items() if key.startswith("ended")) <= 6


def reads_of(targets: list[float], old: list[ReadNeed]) -> Counter[str]:
    """How often each is read in two minutes."""
    reads: Counter[str] = Counter()
    needs = {need.key: need for need in (*needs_of(targets, last=None), *old)}
    last_read = last_ended = None
    at: list[datetime] = []
    for tick in range(1200):
        now = NOW + timedelta(seconds=tick / 10)
        free = LIMIT - sum(1 for each in at if now - each < timedelta(minutes=1))
        planned = plan(needs.values(), free=free, per_minute=LIMIT, last_read=last_read, last_ended=last_ended, now=now)
        last_read, last_ended = planned.last_read, planned.last_ended
        for key in planned.now:
            reads[key] += 1
            at.append(now)
            if needs[key].ended:
                del needs[key]
            else:
                needs[key] = replace(needs[key], last=now)
    return reads
