"""The view of a session: the right screen, honest money, deadlines, and only what may be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kiosk.domain.actions import Action
from kiosk.domain.commands import AskedBy, Command, CommandState, Kind, Refusal, Wish
from kiosk.domain.freshness import Freshness
from kiosk.domain.hold import HoldState
from kiosk.domain.limits import Policy
from kiosk.domain.line import LinePlace
from kiosk.domain.money import Money
from kiosk.domain.session import HoldProof, LiveFigures, Phase, Refund, Session
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.domain.trace import Trace
from kiosk.web.session import words
from kiosk.web.session.drawings import percent
from kiosk.web.session.screen_names import Notice, Screen
from kiosk.web.session.steps import StepName, StepState
from kiosk.web.session.view import SessionView, next_change, session_view
from kiosk.web.shared.where import Where

NOW = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
HELD = NOW - timedelta(minutes=77)
TARIFF = Tariff("EUR", 49, 35)
BASE = Session(
    key="k",
    code="7MK4T",
    connector_id=2,
    phase=Phase.OPEN,
    requested_at=HELD - timedelta(minutes=1),
    status="created",
    tariff=TARIFF,
    hold_minor=3000,
    charger_online=True,
)
PAID = replace(
    BASE, status="authorized", authorized_minor=3000, authorized_at=HELD, held_seen_at=HELD, status_since=HELD
)
CHARGING = replace(
    PAID,
    status="charging",
    charging_started_at=HELD + timedelta(seconds=29),
    energy_kwh=Decimal("13.90"),
    cost_minor=716,
    fresh_at=NOW - timedelta(seconds=4),
    observed_at=NOW - timedelta(seconds=4),
    last_live=LiveFigures(Decimal("13.90"), 716, NOW - timedelta(seconds=4)),
)
CAPTURED = replace(
    CHARGING,
    status="captured",
    energy_kwh=Decimal("18.62"),
    cost_minor=947,
    captured_minor=947,
    tax_minor=151,
    completed_at=NOW,
    captured_at=NOW,
)


def view(session: Session, *commands: Command, owner: bool = True, queue: LinePlace | None = None) -> SessionView:
    return session_view(
        session, commands, NOW, where=Where("4", "charger 2"), policy=Policy(), owner=owner, queue=queue
    )


def command(kind: Kind, state: CommandState, by: AskedBy = AskedBy.DRIVER, number: int = 1) -> Command:
    return Command(number, "k", kind, by, NOW - timedelta(seconds=9), state)


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_its_own_screen(status: Status) -> None:
    assert view(replace(PAID, status=status.value, fresh_at=NOW)).screen == status.value


@pytest.mark.parametrize(
    ("phase", "screen"),
    [
        (Phase.QUEUED, Screen.QUEUED),
        (Phase.REFUSED, Screen.REFUSED),
        (Phase.NO_ANSWER, Screen.NO_ANSWER),
        (Phase.LEFT, Screen.LEFT),
        (Phase.GONE, Screen.GONE),
    ],
)
def test_every_state_of_our_own_has_its_screen(phase: Phase, screen: Screen) -> None:
    status = "charging" if phase is Phase.GONE else None
    assert view(replace(BASE, phase=phase, status=status)).screen is screen


def test_a_word_that_nobody_knows_is_being_processed_and_offers_nothing() -> None:
    shown = view(replace(PAID, status="teleporting"))
    assert shown.screen is Screen.STRANGE
    assert shown.actions <= {Action.MOVE}


def test_a_session_that_went_away_after_its_end_keeps_its_end() -> None:
    assert view(replace(CAPTURED, phase=Phase.GONE)).screen is Screen.CAPTURED


@pytest.mark.parametrize(
    ("age", "freshness", "screen"),
    [
        (15, Freshness.FRESH, Screen.CHARGING),
        (16, Freshness.OLD, Screen.CHARGING),
        (60, Freshness.OLD, Screen.CHARGING),
        (61, Freshness.LOST, Screen.STALE),
    ],
)
def test_figures_grow_old_after_15_seconds_and_are_lost_after_60(
    age: int, freshness: Freshness, screen: Screen
) -> None:
    shown = view(replace(CHARGING, fresh_at=NOW - timedelta(seconds=age)))
    assert (shown.freshness, shown.screen) == (freshness, screen)


def test_the_next_change_by_time_alone_is_known() -> None:
    assert next_change(CHARGING, NOW) == timedelta(seconds=11, milliseconds=100)
    lost = replace(CHARGING, fresh_at=NOW - timedelta(minutes=3))
    assert next_change(lost, NOW) is None
    assert next_change(CAPTURED, NOW) is None


# --- money


def test_before_the_payment_the_hold_is_only_shown() -> None:
    hold = view(BASE).hold
    assert (hold.state, hold.amount) == (HoldState.SHOWN, Money(3000, "EUR"))


def test_while_charging_nothing_is_given_back() -> None:
    hold = view(CHARGING).hold
    assert (hold.state, hold.taken, hold.rest) == (HoldState.HELD, Money(716, "EUR"), Money(2284, "EUR"))


def test_without_proof_the_rest_goes_back_and_is_not_given_back() -> None:
    hold = view(CAPTURED).hold
    assert hold.state is HoldState.GOES_BACK
    assert hold.given_back_at is None
    shown = view(CAPTURED)
    assert shown.bar is not None
    assert not shown.bar.back


def test_with_proof_the_rest_was_given_back_with_its_time() -> None:
    shown = view(replace(CAPTURED, proof=HoldProof(NOW, "succeeded", 0, 947)))
    assert shown.hold.state is HoldState.GIVEN_BACK
    assert shown.hold.given_back_at == NOW
    assert shown.hold.rest == Money(2053, "EUR")
    assert shown.bar is not None
    assert (shown.bar.used, shown.bar.rest, shown.bar.back) == ("31.6", "68.4", True)


def sent_back(*minor: int, **changes: object) -> Session:
    refunds = tuple(Refund(one, NOW) for one in minor)
    return replace(CAPTURED, status="refunded", refunds=refunds, **changes)  # type: ignore[arg-type]


def test_the_bar_shows_what_was_paid_in_the_end_and_not_what_was_taken() -> None:
    held = view(sent_back(427)).bar
    assert held is not None
    assert (held.used, held.sent, held.rest, held.back) == ("17.3", "14.3", "82.7", False)
    given = view(sent_back(427, proof=HoldProof(NOW, "succeeded", 0, 947))).bar
    assert given is not None
    assert (given.used, given.sent, given.rest, given.back) == ("17.3", None, "82.7", True)
    nothing = view(sent_back(427, 520)).bar
    assert nothing is not None
    assert (nothing.used, nothing.sent) == ("0", "31.6")


def test_a_proof_that_does_not_fit_the_amount_proves_nothing() -> None:
    assert view(replace(CAPTURED, proof=HoldProof(NOW, "succeeded", 0, 900))).hold.state is HoldState.GOES_BACK


@pytest.mark.parametrize("status", ["expired", "failed", "abandoned", "no_charge"])
def test_an_end_without_any_hold_says_that_there_was_none(status: str) -> None:
    assert view(replace(BASE, status=status)).hold.state is HoldState.NONE


@pytest.mark.parametrize("status", ["failed", "abandoned", "no_charge"])
def test_an_unproven_release_of_everything_goes_back(status: str) -> None:
    hold = view(replace(PAID, status=status)).hold
    assert (hold.state, hold.rest) == (HoldState.GOES_BACK, Money(3000, "EUR"))


def test_a_forgotten_session_keeps_its_last_figures_and_claims_no_end() -> None:
    shown = view(replace(CHARGING, phase=Phase.GONE, gone_at=NOW))
    assert shown.hold.state is HoldState.HELD
    assert shown.cost == Money(716, "EUR")
    assert shown.actions == frozenset()


def test_a_cost_above_the_hold_draws_no_negative_rest() -> None:
    shown = view(replace(CHARGING, cost_minor=3100))
    assert shown.hold.rest is None
    assert shown.bar is not None
    assert shown.bar.used == "100"


def test_the_limit_is_marked_on_the_bar() -> None:
    bar = view(replace(CHARGING, limit_minor=1500)).bar
    assert bar is not None
    assert (bar.used, bar.mark) == ("23.9", "50")


def test_the_time_of_the_limit_counts_from_the_reading() -> None:
    trace = Trace()
    start = NOW - timedelta(seconds=394)
    for step in range(40):
        trace = trace.add(start + timedelta(seconds=step * 10), Decimal("12.73") + Decimal("0.03") * step)
    session = replace(CHARGING, trace=trace, limit_minor=1500)
    power = trace.power_kw()
    assert power is not None
    shown = view(session)
    assert shown.power_kw == power
    assert shown.limit_about is not None
    hours = Decimal(1500 - 716) / (49 * power)
    assert abs(shown.limit_about - (NOW - timedelta(seconds=4)) - timedelta(seconds=int(hours * 3600))) < timedelta(
        seconds=2
    )
    assert view(replace(session, fresh_at=NOW - timedelta(seconds=30))).limit_about is None


# --- steps


def test_the_ladder_of_a_start_has_times_when_done_and_deadlines_to_come() -> None:
    steps = view(replace(PAID, status="starting", status_since=HELD + timedelta(seconds=1))).steps
    assert [(s.name, s.state) for s in steps] == [
        (StepName.HOLD_PLACED, StepState.DONE),
        (StepName.ASKED, StepState.DONE),
        (StepName.WAITING, StepState.NOW),
        (StepName.POWER, StepState.TODO),
    ]
    assert steps[0].at == HELD
    assert steps[2].until == HELD + timedelta(seconds=120)
    assert steps[3].until is None


@pytest.mark.parametrize(
    ("by", "name"),
    [
        (AskedBy.DRIVER, StepName.YOU_STOPPED),
        (AskedBy.LIMIT, StepName.LIMIT_STOPPED),
        (AskedBy.HOLD, StepName.HOLD_STOPPED),
        (AskedBy.POWER_DEADLINE, StepName.KIOSK_STOPPED),
    ],
)
def test_the_end_says_who_stopped(by: AskedBy, name: StepName) -> None:
    shown = view(replace(CHARGING, status="settling", completed_at=NOW), command(Kind.STOP, CommandState.DONE, by))
    assert shown.steps[0].name is name
    assert shown.ended_by is by


def test_without_a_stop_of_ours_nobody_is_named() -> None:
    shown = view(replace(CHARGING, status="settling", completed_at=NOW))
    assert shown.steps[0].name is StepName.CHARGER_STOPPED
    assert shown.ended_by is None


def test_a_failed_start_shows_the_hold_going_back_as_unfinished_until_proven() -> None:
    failed = replace(PAID, status="failed", status_since=NOW)
    assert [s.state for s in view(failed).steps] == [StepState.DONE, StepState.FAIL, StepState.NOW]
    proven = replace(failed, proof=HoldProof(NOW, "canceled", 0, 0, NOW))
    assert [s.state for s in view(proven).steps] == [StepState.DONE, StepState.FAIL, StepState.DONE]


# --- notices and actions


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        (CommandState.WAITING, Notice.STOP_ASKED),
        (CommandState.SENT, Notice.STOP_ASKED),
        (CommandState.UNKNOWN, Notice.STOP_TRIED),
        (CommandState.REFUSED, Notice.STOP_TRIED),
    ],
)
def test_a_stop_that_did_not_bite_is_told_and_the_band_stays_charging(state: CommandState, notice: Notice) -> None:
    shown = view(CHARGING, command(Kind.STOP, state))
    assert shown.screen is Screen.CHARGING
    assert notice in shown.notices
    assert (Action.STOP in shown.actions) == (notice is not Notice.STOP_ASKED)


def test_a_cancel_that_came_too_late_is_told_on_the_charging_screen() -> None:
    given_up = replace(CHARGING, wish=Wish(Kind.CANCEL, AskedBy.DRIVER, NOW))
    cancel, stop = command(Kind.CANCEL, CommandState.REFUSED), command(Kind.STOP, CommandState.SENT, number=2)
    assert view(given_up, cancel).notices == (Notice.CANCEL_TOO_LATE,)
    assert view(given_up, cancel, stop).notices == (Notice.CANCEL_TOO_LATE,)
    refused = replace(stop, state=CommandState.REFUSED)
    assert view(given_up, cancel, refused).notices == (Notice.STOP_TRIED,)


def test_a_start_that_the_kiosk_gave_up_too_late_just_charges() -> None:
    assert view(CHARGING, command(Kind.CANCEL, CommandState.REFUSED, AskedBy.START_DEADLINE)).notices == ()


def test_a_stop_that_was_accepted_is_given_a_moment_before_it_is_called_missing() -> None:
    stop = replace(command(Kind.STOP, CommandState.DONE), ended_at=NOW - timedelta(seconds=19))
    assert view(CHARGING, stop).notices == (Notice.STOP_ASKED,)
    ignored = replace(stop, ended_at=NOW - timedelta(seconds=20))
    assert view(CHARGING, ignored).notices == (Notice.STOP_TRIED,)


def test_a_charger_that_goes_on_stopping_is_told_when_it_was_asked_again() -> None:
    stopping = replace(CHARGING, status="stopping", status_since=NOW)
    stop = command(Kind.STOP, CommandState.DONE)
    assert view(stopping, stop).notices == ()
    assert view(stopping, stop, command(Kind.STOP, CommandState.REFUSED, number=2)).notices == (Notice.STOP_TRIED,)


def test_the_bank_said_no_only_by_the_providers_own_word_and_after_a_look() -> None:
    said_no = HoldProof(NOW, "requires_payment_method", 0, 0)
    unpaid = replace(BASE, status="created", proof=said_no, asked_at=NOW)
    confirm = replace(command(Kind.CONFIRM, CommandState.DONE), ended_at=NOW - timedelta(seconds=5))
    assert view(unpaid, confirm).bank_said_no
    assert view(unpaid, confirm).tone == "bad"
    assert not view(unpaid).bank_said_no
    assert not view(replace(unpaid, proof=None), confirm).bank_said_no
    assert not view(replace(unpaid, asked_at=NOW - timedelta(seconds=6)), confirm).bank_said_no


def test_a_car_that_draws_nothing_is_told_and_the_session_goes_on() -> None:
    shown = view(replace(CHARGING, connector_status="SuspendedEV"))
    assert shown.notices == (Notice.CAR_TAKES_NOTHING,)
    assert Action.STOP in shown.actions


def test_a_charger_that_pauses_is_not_blamed_on_the_car() -> None:
    assert view(replace(CHARGING, connector_status="SuspendedEVSE")).notices == (Notice.CHARGER_PAUSES,)


@pytest.mark.parametrize(
    ("word", "heading", "tone", "notices"),
    [
        ("Charging", "Charging", "live", ()),
        (None, "Charging", "live", ()),
        ("Preparing", "Charging", "live", ()),
        ("Reserved", "Charging", "live", ()),
        ("SuspendedEV", "Your car is waiting", "calm", (Notice.CAR_TAKES_NOTHING,)),
        ("SuspendedEVSE", "Waiting for power", "calm", (Notice.CHARGER_PAUSES,)),
        ("Faulted", "Fault at the charger", "warn", (Notice.CHARGER_FAULT,)),
        ("Unavailable", "Fault at the charger", "warn", (Notice.CHARGER_FAULT,)),
        ("Finishing", "Charging has stopped", "calm", (Notice.CHARGE_OVER,)),
        ("Available", "Charging has stopped", "calm", (Notice.CHARGE_OVER,)),
    ],
)
def test_the_band_says_charging_only_while_the_connector_does_not_deny_it(
    word: str | None, heading: str, tone: str, notices: tuple[Notice, ...]
) -> None:
    shown = view(replace(CHARGING, connector_status=word))
    assert (words.heading(shown), shown.tone, shown.notices) == (heading, tone, notices)
    assert Action.STOP in shown.actions


@pytest.mark.parametrize(
    ("word", "notices"),
    [
        ("Preparing", ()),
        (None, ()),
        ("Available", (Notice.NOT_PLUGGED_IN,)),
        ("Faulted", (Notice.CHARGER_FAULT,)),
        ("Unavailable", (Notice.CHARGER_FAULT,)),
        ("Reserved", (Notice.CHARGER_RESERVED,)),
    ],
)
def test_a_charger_that_will_hardly_start_says_so_before_the_deadline(
    word: str | None, notices: tuple[Notice, ...]
) -> None:
    late = NOW - timedelta(seconds=30)
    starting = replace(PAID, status="starting", held_seen_at=late, authorized_at=late, connector_status=word)
    assert view(starting).notices == notices


def test_a_deadline_that_has_passed_is_not_promised_any_more() -> None:
    starting = replace(PAID, status="starting", held_seen_at=NOW - timedelta(seconds=119))
    assert view(starting).start_by == NOW + timedelta(seconds=1)
    assert view(replace(starting, held_seen_at=NOW - timedelta(seconds=120))).start_by is None


@pytest.mark.parametrize(
    ("kind", "by", "energy", "reason"),
    [
        (Kind.STOP, AskedBy.DRIVER, "0.54", "You asked to stop."),
        (Kind.CANCEL, AskedBy.DRIVER, "0", "You cancelled the start."),
        (Kind.CANCEL, AskedBy.DRIVER, "0.54", "You asked to cancel the start."),
        (Kind.STOP, AskedBy.WAITED, "0.54", "Nothing had flowed for long, so we asked the charger to stop."),
        (Kind.STOP, AskedBy.POWER_DEADLINE, "0.54", "We saw no power in time, so we asked the charger to stop."),
    ],
)
def test_what_was_asked_for_is_told_and_no_effect_is_claimed(kind: Kind, by: AskedBy, energy: str, reason: str) -> None:
    begun = NOW - timedelta(minutes=3) if Decimal(energy) else None
    ended = replace(PAID, status="no_charge", energy_kwh=Decimal(energy), charging_started_at=begun, captured_minor=0)
    assert words.reason(view(ended, command(kind, CommandState.DONE, by))) == reason


def test_a_start_that_failed_says_why_itself_whatever_was_asked() -> None:
    failed = replace(PAID, status="failed", failure_reason="start_rejected")
    assert words.reason(view(failed, command(Kind.CANCEL, CommandState.UNKNOWN))) == "The charger said no."


@pytest.mark.parametrize("session", [BASE, PAID, CHARGING, CAPTURED, replace(BASE, phase=Phase.QUEUED, status=None)])
def test_a_watcher_may_do_nothing(session: Session) -> None:
    assert view(session, owner=False).actions == frozenset()


def test_the_owner_may_do_what_upstream_takes_in_each_state() -> None:
    assert view(BASE).actions == {Action.PAY, Action.CANCEL, Action.MOVE}
    assert view(PAID).actions == {Action.CANCEL, Action.EMAIL, Action.MOVE}
    assert view(CHARGING).actions == {Action.STOP, Action.LIMIT, Action.EMAIL, Action.MOVE}
    assert view(replace(CHARGING, status="settling")).actions == {Action.EMAIL, Action.MOVE}
    assert view(CAPTURED).actions == frozenset()
    assert view(replace(BASE, phase=Phase.QUEUED, status=None)).actions == {Action.LEAVE}


def test_a_given_address_is_not_asked_for_again() -> None:
    shown = view(replace(CHARGING, email_known=True))
    assert shown.email == "known"
    assert Action.EMAIL not in shown.actions


def test_the_place_in_line_is_shown_only_while_waiting() -> None:
    place = LinePlace(2, 25)
    assert view(replace(BASE, phase=Phase.QUEUED, status=None), queue=place).queue == place
    assert view(BASE, queue=place).queue is None


def test_an_offline_refusal_has_its_own_mark() -> None:
    offline = view(replace(BASE, phase=Phase.REFUSED, status=None, refusal=Refusal.CHARGER_OFFLINE))
    assert (offline.tone, offline.icon) == ("warn", "off")


def test_percent_stays_between_nothing_and_all() -> None:
    assert [percent(716, 3000), percent(0, 3000), percent(9000, 3000), percent(-5, 3000), percent(5, 0)] == [
        "23.9",
        "0",
        "100",
        "0",
        "0",
    ]
