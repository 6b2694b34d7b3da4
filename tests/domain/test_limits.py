"""When the kiosk acts by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.limits import (
    Policy,
    Step,
    acts_in,
    ceiling_at,
    ceiling_minor,
    charger_must_answer_by,
    expected_cost_minor,
    guard,
    last_reading_adds,
    likely_kw,
    limit_reached_about,
    power_must_flow_by,
    rough_by,
    waits_since,
    waits_until,
)
from kiosk.domain.money import Money
from kiosk.domain.session import Phase, Session, fold
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Trace, hours

from .made import EURO, a_session, after
from .made import charging as said

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
POLICY = Policy()
SOON = timedelta(seconds=10)


def session(status: str, *, held_ago: float | None = 60, **changes: object) -> Session:
    base = Session(
        key="k",
        code="7MK4T",
        connector_id=1,
        phase=Phase.OPEN,
        requested_at=NOW - timedelta(minutes=5),
        status=status,
        tariff=Tariff("EUR", 49, 35),
        hold_minor=3000,
        authorized_minor=3000,
        charger_online=True,
        observed_at=NOW,
        fresh_at=NOW,
        held_seen_at=NOW - timedelta(seconds=held_ago) if held_ago is not None else None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # any field may be given


def steady(energy: Decimal, kw: Decimal) -> Trace:
    """Five minutes of an even charge that has reached `energy` now, sampled every ten seconds."""
    trace = Trace()
    for ago in range(300, -1, -10):
        trace = trace.add(NOW - timedelta(seconds=ago), (energy - kw * ago / 3600).quantize(Decimal("0.001")))
    return trace


def charging(cost: int, kw: str = "10.8", **changes: Any) -> Session:
    energy = (Decimal(cost - 35) / 49).quantize(Decimal("0.001"))
    trace = steady(energy, Decimal(kw))
    return session(Status.CHARGING, energy_kwh=energy, cost_minor=cost, trace=trace, **changes)


@pytest.mark.parametrize("status", [Status.AUTHORIZED, Status.STARTING])
def test_a_start_that_the_charger_does_not_take_up_in_time_is_cancelled(status: Status) -> None:
    assert guard(session(status, held_ago=119), POLICY, NOW, SOON) is None
    assert guard(session(status, held_ago=120), POLICY, NOW, SOON) == Step(Kind.CANCEL, AskedBy.START_DEADLINE)


def test_a_start_counts_from_the_moment_the_hold_was_seen_here() -> None:
    assert charger_must_answer_by(session(Status.STARTING, held_ago=10), POLICY) == NOW + timedelta(seconds=110)
    assert charger_must_answer_by(session(Status.CREATED, held_ago=None), POLICY) is None


def test_a_cable_that_comes_in_late_gets_the_whole_time() -> None:
    late = session(
        Status.STARTING, held_ago=127, connector_status="Preparing", connector_since=NOW - timedelta(seconds=15)
    )
    assert charger_must_answer_by(late, POLICY) == NOW + timedelta(seconds=105)
    assert guard(late, POLICY, NOW, SOON) is None
    long_in = replace(late, connector_since=NOW - timedelta(seconds=120))
    assert guard(long_in, POLICY, NOW, SOON) == Step(Kind.CANCEL, AskedBy.START_DEADLINE)


def test_a_cable_that_was_in_before_the_hold_takes_no_time_away() -> None:
    early = session(
        Status.STARTING, held_ago=10, connector_status="Preparing", connector_since=NOW - timedelta(seconds=300)
    )
    assert charger_must_answer_by(early, POLICY) == NOW + timedelta(seconds=110)


def test_only_a_reading_from_after_the_deadline_says_that_a_start_was_not_taken_up() -> None:
    old = session(Status.STARTING, held_ago=150, observed_at=NOW - timedelta(seconds=40))
    assert guard(old, POLICY, NOW, SOON) is None


def test_an_unpaid_session_has_no_deadline_of_ours() -> None:
    assert guard(session(Status.CREATED, held_ago=None), POLICY, NOW, SOON) is None


def idle(seconds: float, **changes: Any) -> Session:
    """Taken up so long ago; the meter has said zero since, and the connector does not say that it charges."""
    begun = NOW - timedelta(seconds=seconds)
    trace = Trace().add(begun, Decimal(0)).add(NOW, Decimal(0))
    known: dict[str, Any] = {
        "energy_kwh": Decimal(0),
        "cost_minor": 35,
        "trace": trace,
        "connector_status": "Preparing",
        "connector_since": begun,
    }
    return session(Status.CHARGING, held_ago=seconds + 60, **{**known, **changes})


NO_POWER = Step(Kind.STOP, AskedBy.POWER_DEADLINE)


def test_a_charge_that_is_known_to_draw_nothing_is_stopped_at_the_power_deadline() -> None:
    assert guard(idle(179), POLICY, NOW, SOON) is None
    assert guard(idle(180), POLICY, NOW, SOON) == NO_POWER
    assert power_must_flow_by(idle(100), POLICY) == NOW + timedelta(seconds=80)


def test_the_power_deadline_counts_from_the_car_and_not_from_the_hold() -> None:
    assert guard(replace(idle(30), held_seen_at=NOW - timedelta(seconds=999)), POLICY, NOW, SOON) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"energy_kwh": None, "trace": Trace()},
        {"cost_minor": None},
        {"cost_minor": 84},
        {"energy_kwh": Decimal("0.1"), "trace": Trace().add(NOW, Decimal("0.1"))},
        {"connector_status": "Charging"},
        {"connector_status": "SuspendedEV"},
        {"connector_status": "SuspendedEVSE"},
        {"connector_status": None, "connector_since": None},
        {"charger_online": False},
        {"observed_at": NOW + timedelta(seconds=5)},
        {"meter_seconds": 900},
        {"connector_since": NOW - timedelta(seconds=60)},
    ],
    ids=[
        "energy not said",
        "cost not said",
        "cost has risen",
        "something flowed",
        "says that it charges",
        "car waits",
        "bay paused",
        "connector not said",
        "no contact",
        "the last answer left the energy out",
        "reports every 15 minutes",
        "the word is new",
    ],
)
def test_what_is_unknown_or_waits_is_never_taken_for_no_power(changes: dict[str, Any]) -> None:
    assert guard(idle(600, **changes), POLICY, NOW, SOON) is None
    assert guard(replace(idle(600), **changes), POLICY, NOW, SOON) is None


def waiting(hours: float, word: str = "SuspendedEV", **changes: Any) -> Session:
    begun = NOW - timedelta(hours=hours)
    trace = Trace().add(begun, Decimal(4)).add(NOW, Decimal(4))
    known: dict[str, Any] = {"energy_kwh": Decimal(4), "cost_minor": 231, "trace": trace}
    words: dict[str, Any] = {"connector_status": word, "connector_since": begun}
    return session(Status.CHARGING, held_ago=hours * 3600 + 900, **{**known, **words, **changes})


@pytest.mark.parametrize("word", ["SuspendedEV", "SuspendedEVSE"])
def test_a_car_that_waits_and_a_bay_that_is_paused_are_kept_for_long(word: str) -> None:
    assert guard(waiting(11.9, word), POLICY, NOW, SOON) is None
    assert guard(waiting(12, word), POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.WAITED)
    assert waits_since(waiting(3, word)) == NOW - timedelta(hours=3)
    assert waits_until(waiting(3, word), POLICY) == NOW + timedelta(hours=9)


def test_a_charge_that_goes_on_does_not_wait() -> None:
    going = waiting(13, "Charging")
    assert waits_since(going) is None
    assert waits_until(going, POLICY) is None
    assert guard(going, POLICY, NOW, SOON) is None


def test_without_energy_the_wait_counts_from_the_connectors_word() -> None:
    blind = waiting(2, trace=Trace(), energy_kwh=None, connector_since=NOW - timedelta(hours=1))
    assert waits_since(blind) == NOW - timedelta(hours=1)


def test_a_wait_whose_hold_was_never_seen_ends_by_its_own_time() -> None:
    assert waits_until(replace(waiting(3), held_seen_at=None), POLICY) == NOW + timedelta(hours=9)


def test_without_limit_and_hold_no_cost_is_too_high() -> None:
    assert guard(charging(9000, hold_minor=None, authorized_minor=None), POLICY, NOW, SOON) is None


def test_where_energy_costs_nothing_no_limit_comes_nearer() -> None:
    assert acts_in(charging(541, tariff=Tariff("EUR", 0, 35)), POLICY, NOW, SOON) is None


def test_a_wait_ends_with_the_hold_at_the_latest() -> None:
    old = replace(waiting(1), held_seen_at=NOW - timedelta(days=5, hours=20))
    assert waits_until(old, POLICY) == NOW + timedelta(hours=4)


@pytest.mark.parametrize("late", [idle(999), waiting(13), session(Status.STARTING, held_ago=999)])
def test_nothing_is_done_to_a_session_before_it_was_read_in_this_reign(late: Session) -> None:
    assert guard(late, POLICY, NOW, SOON, since=NOW) is not None
    assert guard(late, POLICY, NOW, SOON, since=NOW + timedelta(seconds=1)) is None
    assert guard(replace(late, observed_at=None), POLICY, NOW, SOON) is None


def test_after_a_downtime_no_charge_is_stopped_by_a_guess() -> None:
    later = NOW + timedelta(minutes=12)
    before = charging(1300, limit_minor=1500, kw="22")
    assert guard(before, POLICY, later, SOON) == Step(Kind.STOP, AskedBy.LIMIT)
    assert guard(before, POLICY, later, SOON, since=later) is None


def test_charging_stops_before_the_limit_and_says_so() -> None:
    assert guard(charging(1300, limit_minor=1500), POLICY, NOW, SOON) is None
    assert guard(charging(1498, limit_minor=1500), POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.LIMIT)


def test_charging_stops_before_the_hold() -> None:
    assert guard(charging(2998), POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.HOLD)


def test_an_old_figure_brings_the_stop_forward() -> None:
    fresh = charging(2960)
    assert guard(fresh, POLICY, NOW, SOON) is None
    assert guard(fresh, POLICY, NOW + timedelta(minutes=5), SOON) == Step(Kind.STOP, AskedBy.HOLD)


def test_a_figure_that_is_too_old_says_nothing() -> None:
    assert guard(charging(2960), POLICY, NOW + timedelta(minutes=16), SOON) is None
    assert guard(charging(3000), POLICY, NOW + timedelta(minutes=16), SOON) == Step(Kind.STOP, AskedBy.HOLD)


def test_without_contact_only_known_figures_count() -> None:
    silent = charging(2990, charger_online=False)
    assert guard(silent, POLICY, NOW + timedelta(minutes=5), SOON) is None
    assert guard(replace(silent, cost_minor=3000), POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.HOLD)


def test_a_paused_bay_is_not_stopped_by_what_it_drew_before() -> None:
    paused = charging(2980, connector_status="SuspendedEVSE", connector_since=NOW)
    later = NOW + timedelta(minutes=10)
    assert guard(replace(paused, connector_status="Charging"), POLICY, later, SOON) is not None
    assert guard(paused, POLICY, later, SOON) is None


def test_a_word_that_the_meter_belies_stops_no_estimate() -> None:
    belied = charging(2980, connector_status="SuspendedEV", connector_since=NOW - timedelta(hours=1))
    assert guard(belied, POLICY, NOW + timedelta(minutes=10), SOON) == Step(Kind.STOP, AskedBy.HOLD)


def test_a_standstill_is_counted_no_further_than_the_meter_may_be_silent() -> None:
    steadily = charging(2900, kw="22")
    still = steadily.trace
    for second in range(10, 3600, 10):
        still = still.add(NOW + timedelta(seconds=second), still.points[-1].energy_kwh)
    later = NOW + timedelta(seconds=3590)
    stood = replace(steadily, trace=still, observed_at=later, fresh_at=later)
    assert guard(stood, POLICY, later, SOON) is None
    expected = expected_cost_minor(stood, later + SOON)
    assert expected is not None
    assert expected < 2920


def test_a_charge_ends_well_before_the_hold_lapses() -> None:
    week = charging(500, held_ago=6 * 86400)
    assert guard(week, POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.HOLD)


@pytest.mark.parametrize("status", [*Status, "levitating"])
def test_only_a_running_or_starting_session_is_ever_acted_on(status: str) -> None:
    late = session(status, held_ago=10**6, cost_minor=10**6)
    step = guard(late, POLICY, NOW, SOON)
    expected = {Status.AUTHORIZED: Kind.CANCEL, Status.STARTING: Kind.CANCEL, Status.CHARGING: Kind.STOP}
    assert (step.kind if step else None) == expected.get(status)  # type: ignore[call-overload]  # a strange word


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.OPEN])
def test_a_session_that_upstream_does_not_answer_for_is_not_acted_on(phase: Phase) -> None:
    assert guard(replace(session(Status.STARTING, held_ago=999), phase=phase), POLICY, NOW, SOON) is None


def test_the_ceiling_is_the_lower_of_limit_and_hold() -> None:
    assert ceiling_minor(session(Status.CHARGING)) == 3000
    assert ceiling_minor(session(Status.CHARGING, limit_minor=1500)) == 1500
    assert ceiling_minor(session(Status.CHARGING, limit_minor=9900)) == 3000
    assert ceiling_minor(session(Status.CHARGING, authorized_minor=None, hold_minor=None)) is None


def test_without_a_price_nothing_is_estimated() -> None:
    blind = charging(500, tariff=None)
    assert expected_cost_minor(blind, NOW) is None
    assert ceiling_at(blind) is None
    assert acts_in(blind, POLICY, NOW, SOON) is None
    assert guard(blind, POLICY, NOW, SOON) is None


def test_without_a_cost_the_energy_gives_the_estimate() -> None:
    no_cost = session(Status.CHARGING, energy_kwh=Decimal(10), cost_minor=None)
    assert expected_cost_minor(no_cost, NOW) == 525
    assert expected_cost_minor(replace(no_cost, energy_kwh=None), NOW) is None


def test_without_energy_the_cost_alone_keeps_the_ceiling() -> None:
    hidden = session(Status.CHARGING, cost_minor=2989, most_kw=Decimal(150))
    assert guard(hidden, POLICY, NOW, SOON) == Step(Kind.STOP, AskedBy.HOLD)
    assert guard(replace(hidden, cost_minor=2900), POLICY, NOW, SOON) is None


def test_before_the_first_energy_nothing_is_guessed() -> None:
    begun = session(Status.CHARGING, energy_kwh=Decimal(0), cost_minor=35, limit_minor=100, most_kw=Decimal(350))
    assert guard(begun, POLICY, NOW, SOON) is None
    assert likely_kw(begun) is None


def test_the_power_is_bounded_by_the_connector_unless_the_meter_shows_more() -> None:
    trace = Trace().add(NOW - timedelta(seconds=130), Decimal(0))
    for ago, energy in ((70, "0"), (60, "0.2"), (10, "0.2"), (0, "0.4")):
        trace = trace.add(NOW - timedelta(seconds=ago), Decimal(energy))
    taken = session(Status.CHARGING, energy_kwh=Decimal("0.4"), cost_minor=55, trace=trace)
    free = likely_kw(taken)
    assert free is not None
    assert free > 12
    assert likely_kw(replace(taken, most_kw=Decimal("12.5"))) == Decimal("12.5")
    assert likely_kw(taken, fuse_kw=Decimal(12)) == 12
    assert likely_kw(replace(taken, most_kw=Decimal("3.7"))) == free


def test_a_first_report_is_an_average_and_not_a_jump() -> None:
    trace = Trace()
    for second in range(0, 300, 10):
        trace = trace.add(NOW - timedelta(seconds=300 - second), Decimal(0))
    trace = trace.add(NOW, Decimal("12.5"))
    first = session(Status.CHARGING, energy_kwh=Decimal("12.5"), cost_minor=648, trace=trace)
    power = likely_kw(first)
    assert power is not None
    assert 150 < power < 200
    assert likely_kw(replace(first, most_kw=Decimal(160))) == 160


def test_time_to_the_ceiling_needs_power_and_a_price() -> None:
    assert ceiling_at(session(Status.CHARGING, energy_kwh=Decimal(1), cost_minor=84)) is None
    assert ceiling_at(charging(35, tariff=Tariff("EUR", 0, 35))) is None
    at = ceiling_at(charging(1500))
    assert at is not None
    assert timedelta(hours=2) < at - NOW < timedelta(hours=3)


def test_people_are_told_when_a_limit_is_reached_only_by_a_power_that_is_shown() -> None:
    known = charging(1500)
    assert limit_reached_about(known, NOW) == ceiling_at(known)
    short = replace(known, trace=Trace(known.trace.points[-3:]))
    assert ceiling_at(short) is not None
    assert short.power_kw is None
    assert limit_reached_about(short, NOW) is None
    assert limit_reached_about(known, NOW - timedelta(days=3)) is None


def test_a_hold_that_is_hours_away_is_nothing_to_go_by_and_a_limit_of_the_drivers_own_is() -> None:
    slow = charging(100, kw="3.7")
    at = ceiling_at(slow)
    assert at is not None
    assert at - NOW > timedelta(hours=15)
    assert limit_reached_about(slow, NOW) is None
    assert limit_reached_about(slow, at - timedelta(hours=4)) == at
    assert limit_reached_about(slow, at - timedelta(hours=4, seconds=1)) is None
    limited = charging(100, kw="3.7", limit_minor=2000)
    by_limit = ceiling_at(limited)
    assert by_limit is not None
    assert timedelta(hours=4) < by_limit - NOW < timedelta(hours=12)
    assert limit_reached_about(limited, NOW) == by_limit


def test_a_time_that_has_passed_is_no_estimate() -> None:
    known = charging(1500)
    at = ceiling_at(known)
    assert at is not None
    assert limit_reached_about(known, at) is None


def test_the_guard_knows_when_it_will_act() -> None:
    going = charging(2900, kw="22")
    soon = acts_in(going, POLICY, NOW, SOON)
    assert soon is not None
    assert guard(going, POLICY, NOW + soon - timedelta(seconds=2), SOON) is None
    assert guard(going, POLICY, NOW + soon + timedelta(seconds=1), SOON) == Step(Kind.STOP, AskedBy.HOLD)


def test_a_limit_is_rough_by_what_flows_between_two_reports() -> None:
    tariff = Tariff("EUR", 49, 35)
    assert rough_by(tariff, Decimal(22), timedelta(seconds=60)) is None
    assert rough_by(tariff, Decimal(22), timedelta(minutes=5)) == Money(90, "EUR")
    assert rough_by(tariff, Decimal(150), timedelta(minutes=5)) == Money(650, "EUR")
    assert rough_by(tariff, None, timedelta(minutes=5)) is None
    assert rough_by(tariff, Decimal(22), None) is None
    assert rough_by(None, Decimal(22), timedelta(minutes=5)) is None


@pytest.mark.parametrize(
    ("kw", "every", "adds"),
    [("11", 10, 10), ("11", 300, 50), ("150", 300, 650), ("150", 60, 130)],
)
def test_the_last_reading_adds_what_flows_between_two_reports(kw: str, every: int, adds: int) -> None:
    stopping = session(Status.STOPPING, meter_seconds=every, most_kw=Decimal(kw), cost_minor=700)
    assert last_reading_adds(stopping, NOW) == Money(adds, "EUR")


def test_what_the_last_reading_adds_is_not_known_without_power_or_interval() -> None:
    stopping = session(Status.STOPPING, meter_seconds=60, most_kw=Decimal(11), cost_minor=700)
    assert last_reading_adds(replace(stopping, meter_seconds=None), NOW) is None
    assert last_reading_adds(replace(stopping, most_kw=None), NOW) is None
    assert last_reading_adds(replace(stopping, tariff=None), NOW) is None
    assert last_reading_adds(replace(stopping, tariff=Tariff("EUR", 0, 35)), NOW) == Money(0, "EUR")


def test_a_read_that_was_lost_for_an_hour_leaves_an_hour_to_be_added() -> None:
    lost = session(
        Status.SETTLING,
        meter_seconds=60,
        most_kw=Decimal(11),
        fresh_at=NOW - timedelta(hours=1),
        status_since=NOW,
    )
    adds = last_reading_adds(lost, NOW + timedelta(minutes=9))
    assert adds is not None
    assert 548 <= adds.minor <= 600


@given(
    kw=st.sampled_from(["3.7", "7.2", "11", "22", "150"]),
    every=st.sampled_from([5, 10, 30, 60, 300, 900]),
    read_every=st.sampled_from([2, 5, 10]),
    ends=st.integers(1, 4000),
)
def test_no_bill_of_a_steady_charge_exceeds_what_was_said(kw: str, every: int, read_every: int, ends: int) -> None:
    """A meter that reports rarely is read often; charging ends at any moment between two of its reports."""

    def metered(second: int) -> Decimal:
        return (Decimal(kw) * second / 3600).quantize(Decimal("0.001"))

    trace, stops = Trace(), every * 4 + ends
    for second in range(0, stops + 1, read_every):
        trace = trace.add(after(second), metered(second // every * every))
    live = trace.points[-1]
    told = session(
        Status.STOPPING,
        meter_seconds=every,
        most_kw=Decimal(kw),
        energy_kwh=live.energy_kwh,
        cost_minor=EURO.example(live.energy_kwh).minor,
        trace=trace,
        tariff=EURO,
        fresh_at=live.at,
    )
    adds = last_reading_adds(told, after(stops))
    assert adds is not None
    assert EURO.example(metered(stops)).minor <= EURO.example(live.energy_kwh).minor + adds.minor


def test_a_cost_without_the_energy_lacks_what_the_meter_has_not_reported_and_no_more() -> None:
    told = a_session()
    for at, energy, cost in ((10, "1.000", 84), (70, "1.200", 94), (130, "1.400", 104)):
        told, _ = fold(told, said(at, energy, cost))
    for at in (190, 250):
        told, _ = fold(told, said(at, None, 104 + at // 6))
    assert told.energy_is_old
    expected, power = expected_cost_minor(told, after(260)), likely_kw(told)
    assert expected is not None
    assert power is not None
    assert told.cost_minor is not None
    since_the_energy = told.cost_minor + EURO.energy_cost_exact(power * hours(after(260) - after(130)))
    assert told.cost_minor < expected < since_the_energy
    reached = ceiling_at(replace(told, limit_minor=told.cost_minor + 1))
    assert reached is not None
    assert reached >= after(250), "what the cost says now is not counted once more"


def test_a_stretch_without_figures_before_the_first_rise_ends_no_charge() -> None:
    """For a quarter of an hour the energy was null; what came then did not come in the 14 seconds before it."""
    trace = Trace()
    for ago, energy in ((925, "0"), (911, "0"), (0, "0.925")):
        trace = trace.add(NOW - timedelta(seconds=ago), Decimal(energy))
    told = session("charging", trace=trace, energy_kwh=Decimal("0.925"), cost_minor=80, limit_minor=1500)
    power = likely_kw(told)
    assert power is not None
    assert Decimal("3.6") < power < 14
    assert guard(told, POLICY, NOW, SOON) is None


def test_a_zero_that_is_said_late_is_not_the_begin_of_a_charge_that_was_seen_to_draw() -> None:
    """The connector charges for 15 minutes before the first figure; the meter's next report holds all of them."""
    trace = Trace()
    for ago, energy in ((89, "0"), (46, "0"), (0, "2.75")):
        trace = trace.add(NOW - timedelta(seconds=ago), Decimal(energy))
    drawn = session(
        "charging",
        connector_status="Charging",
        connector_since=NOW - timedelta(seconds=900),
        status_since=NOW - timedelta(seconds=895),
        trace=trace,
        energy_kwh=Decimal("2.75"),
        cost_minor=170,
        limit_minor=1500,
    )
    power = likely_kw(drawn)
    assert power is not None
    assert 11 < power < 16
    assert guard(drawn, POLICY, NOW, SOON) is None
    for waited in (replace(drawn, connector_status="SuspendedEV"), replace(drawn, connector_since=NOW)):
        assert (likely_kw(waited) or 0) > 100, "a car that waited until then may have begun quickly"


def test_a_stretch_without_figures_ends_no_charge() -> None:
    """For sixteen minutes nobody read, or no energy was said. All that flowed may then have come in the nine seconds
    between two readings: that is no power by which a charge of 41 cents is ended at a limit of 15 euros.
    """
    trace = Trace()
    for ago, energy in ((1004, "0"), (993, "0.061"), (984, "0.061"), (0, "1.048")):
        trace = trace.add(NOW - timedelta(seconds=ago), Decimal(energy))
    unread = session(
        "charging",
        connector_status="Charging",
        energy_kwh=Decimal("1.048"),
        cost_minor=41,
        tariff=Tariff("EUR", 39, 0),
        limit_minor=1500,
        trace=trace,
    )
    bounds = trace.bounds()
    assert bounds is not None
    assert bounds.most is not None
    assert bounds.most > 300
    power = likely_kw(unread)
    assert power is not None
    assert power < 12
    assert guard(unread, POLICY, NOW, SOON) is None


@given(
    every=st.integers(10, 900),
    share=st.floats(0.05, 0.95),
    phase=st.floats(0, 0.99),
    kw=st.integers(2, 300),
)
def test_a_meter_that_is_read_more_often_than_it_reports_is_never_thought_slower_than_it_is(
    every: int, share: float, phase: float, kw: int
) -> None:
    """From its second rise on, whatever lies between its reports and the reads."""
    pause = max(1.0, every * share)
    trace, at = Trace(), phase * pause
    while at < every * 3.9:
        reported = Decimal(kw) * (int(at // every) * every) / 3600
        trace = trace.add(NOW + timedelta(seconds=at), reported.quantize(Decimal("0.001")))
        at += pause
    power = likely_kw(session("charging", trace=trace))
    assert power is not None
    assert power >= Decimal(kw) * Decimal("0.9")
