"""What a person should look at: every odd end is named, and an ordinary one is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.attention import (
    LOOKED_WITHIN,
    REFUND_WITHIN,
    REFUSED_IN_A_ROW,
    SILENT_AFTER,
    Act,
    Attention,
    Level,
    Matter,
    attention,
    broken_prices,
    happened_again,
    level_of,
    matters,
    refund_matter,
    refused_starts,
    unwritten_tables,
)
from kiosk.domain.commands import AskedBy, Command, CommandState, Kind, Wish
from kiosk.domain.limits import Policy
from kiosk.domain.money import Money
from kiosk.domain.nightly import MonthWritten
from kiosk.domain.overdue import should_have_ended_by
from kiosk.domain.refunding import RefundState, RefundWish
from kiosk.domain.session import HoldProof, Phase, Session, with_proof
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff

from .made import EURO, T0, a_session, after

WHOLE = a_session(
    phase=Phase.OPEN,
    status="captured",
    last_known="captured",
    tariff=EURO,
    authorized_minor=5000,
    captured_minor=947,
    captured_at=after(620),
    completed_at=after(600),
    status_since=after(620),
    energy_kwh=Decimal(17),
)


def proof(status: str, received: int, capturable: int = 0) -> HoldProof:
    return HoldProof(after(700), status, capturable, received)


@pytest.mark.parametrize(
    ("changed", "odd"),
    [
        ({}, ()),
        ({"proof": proof("succeeded", 947)}, ()),
        ({"captured_minor": None}, (Attention.AMOUNT_UNKNOWN,)),
        ({"captured_at": None}, (Attention.FIGURE_UNKNOWN,)),
        ({"energy_unsaid": True}, (Attention.FIGURE_UNKNOWN,)),
        ({"status": "no_charge", "last_known": "no_charge"}, (Attention.TAKEN_FOR_NOTHING,)),
        ({"captured_minor": 5300}, (Attention.MORE_THAN_HELD,)),
        ({"proof": proof("succeeded", 900)}, (Attention.OTHER_AMOUNT,)),
        ({"later_tariff": Tariff("EUR", 79, 100)}, (Attention.OTHER_PRICE,)),
        ({"status": "partially_refunded"}, (Attention.STRANGE_WORD,)),
        ({"phase": Phase.REFUSED, "captured_minor": None}, ()),
    ],
)
def test_what_is_odd_about_an_end(changed: dict[str, Any], odd: tuple[Attention, ...]) -> None:
    assert attention(replace(WHOLE, **changed), after(9000)) == odd


def test_money_that_is_held_for_an_end_without_a_charge() -> None:
    late = a_session(phase=Phase.OPEN, status="expired", tariff=EURO, proof=proof("requires_capture", 0, 5000))
    assert attention(late, after(9000)) == (Attention.HELD_FOR_NOTHING,)


def test_a_lost_session_is_odd_until_the_payments_record_ends_it() -> None:
    lost = replace(WHOLE, phase=Phase.GONE, status="charging", last_known="charging", captured_minor=None)
    assert Attention.LOST in attention(lost, after(9000))
    assert Attention.LOST not in attention(replace(lost, proof=proof("succeeded", 947)), after(9000))


@pytest.mark.parametrize(
    ("status", "odd"), [("capture_failed", Attention.CAPTURE_FAILED), ("requires_review", Attention.REVIEW)]
)
def test_what_waits_for_a_person_of_the_back_office_is_odd_at_once(status: str, odd: Attention) -> None:
    waits = replace(WHOLE, status=status, last_known=status, captured_minor=None, captured_at=None, status_since=T0)
    assert attention(waits, T0) == (odd,)


@pytest.mark.parametrize(
    ("changed", "odd"),
    [
        ({"energy_kwh": Decimal(0)}, (Attention.TAKEN_WITHOUT_ENERGY,)),
        ({"status": "no_charge", "last_known": "no_charge", "captured_minor": 0}, (Attention.ENERGY_FOR_NOTHING,)),
        ({"status": "expired", "last_known": "expired", "captured_minor": 0}, (Attention.ENERGY_FOR_NOTHING,)),
        ({"captured_minor": 0}, (Attention.ENERGY_FOR_NOTHING,)),
        ({"captured_minor": None}, (Attention.AMOUNT_UNKNOWN,)),
        ({"status": "written_off", "last_known": "written_off", "captured_minor": 0}, ()),
        (
            {"status": "no_charge", "last_known": "no_charge", "captured_minor": 0, "energy_kwh": Decimal("0.05")},
            (),
        ),
        (
            {"status": "no_charge", "last_known": "no_charge", "captured_minor": 0, "tariff": Tariff("EUR", 0, 0)},
            (),
        ),
    ],
)
def test_energy_and_money_that_do_not_go_together(changed: dict[str, Any], odd: tuple[Attention, ...]) -> None:
    assert attention(replace(WHOLE, **changed), after(9000)) == odd


def charging(**changed: Any) -> Session:
    facts: dict[str, Any] = {
        "phase": Phase.OPEN,
        "status": "charging",
        "tariff": EURO,
        "authorized_minor": 5000,
        "held_seen_at": T0,
        "status_since": T0,
        "observed_at": T0,
        "fresh_at": T0,
    }
    return a_session(**(facts | changed))


def test_a_charger_that_is_silent_for_hours_is_odd_while_it_charges() -> None:
    assert attention(charging(), T0 + SILENT_AFTER - timedelta(seconds=1)) == ()
    assert attention(charging(), T0 + SILENT_AFTER) == (Attention.CHARGER_SILENT,)
    assert attention(charging(status="settling"), T0 + SILENT_AFTER) == (Attention.HOLD_OVERDUE,)


def test_a_payment_that_the_provider_has_and_upstream_does_not_see_is_odd_after_minutes() -> None:
    unseen = a_session(
        phase=Phase.OPEN, status="created", tariff=EURO, payment_shown_at=T0, proof=proof("requires_capture", 0, 5000)
    )
    assert attention(unseen, after(701)) == ()
    assert Attention.PAID_UNSEEN in attention(unseen, after(700) + LOOKED_WITHIN)


def test_a_hold_that_lapses_soon_is_odd_unless_it_was_taken() -> None:
    lapsing = HoldProof(T0, "requires_capture", 5000, 0, capture_before=T0 + timedelta(days=5))
    waits = charging(status="requires_review", proof=lapsing, fresh_at=None)
    assert attention(waits, T0 + timedelta(days=4)) == (Attention.REVIEW,)
    assert attention(waits, T0 + timedelta(days=4, seconds=1)) == (Attention.HOLD_LAPSES, Attention.REVIEW)


def test_a_command_without_an_answer_matters_when_nobody_has_looked_since() -> None:
    sent = Command(7, "key-that-nobody-guesses", Kind.STOP, AskedBy.DRIVER, T0, CommandState.UNKNOWN, 1, T0, T0, T0)
    session, later = charging(asked_at=T0), T0 + LOOKED_WITHIN
    assert [one.kind for one in matters([session], [sent], later)] == [Attention.COMMAND_UNKNOWN]
    assert matters([session], [sent], later - timedelta(seconds=1)) == []
    assert matters([replace(session, asked_at=after(1))], [sent], later) == []


def test_two_at_one_bay_are_both_named() -> None:
    found = matters([charging(key="a"), charging(key="b"), charging(key="c", connector_id=2)], [], after(1))
    assert {(one.kind, one.subject) for one in found} == {
        (Attention.TWO_AT_ONE_BAY, "a"),
        (Attention.TWO_AT_ONE_BAY, "b"),
    }


def test_a_charger_matters_when_its_last_starts_were_all_refused() -> None:
    refused = [a_session(key=f"k{n}", phase=Phase.REFUSED, requested_at=after(-n)) for n in range(REFUSED_IN_A_ROW)]
    found = refused_starts("AB12", refused)
    assert found is not None
    assert (found.subject, found.since, found.of_charger) == ("AB12", after(1 - REFUSED_IN_A_ROW), True)
    assert refused_starts("AB12", refused[1:]) is None
    assert refused_starts("AB12", [charging(), *refused[1:]]) is None


@pytest.mark.parametrize(
    ("hours", "level"), [(0, Level.NOTED), (0.99, Level.NOTED), (1, Level.LOUD), (23.9, Level.LOUD), (24, Level.ALARM)]
)
def test_it_grows_louder_with_its_age(hours: float, level: Level) -> None:
    matter = Matter(Attention.HOLD_OVERDUE, "k", "AB12", T0, Act.STOP)
    assert level_of(matter, T0 + timedelta(hours=hours)) is level
    assert level_of(replace(matter, kind=Attention.FIGURE_UNKNOWN), T0 + timedelta(hours=hours)) is Level.NOTED


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        ({"status": "settling"}, 15 * 60),
        ({"status": "stopping"}, 5 * 60),
        ({"wish": Wish(Kind.STOP, AskedBy.DRIVER, T0)}, 5 * 60),
        ({"status": "starting"}, 120 + 5 * 60),
        ({"phase": Phase.GONE, "gone_at": T0}, 30 * 60),
        ({}, 6 * 86_400 + 5 * 60),
        ({"proof": HoldProof(T0, "requires_capture", 5000, 0, capture_before=after(2 * 86_400))}, 86_400 + 5 * 60),
    ],
    ids=str,
)
def test_every_hold_has_a_moment_by_which_it_should_have_ended(changed: dict[str, Any], seconds: float) -> None:
    session = charging(**changed)
    assert should_have_ended_by(session, Policy()) == after(seconds)
    assert Attention.HOLD_OVERDUE not in attention(session, after(seconds))
    assert Attention.HOLD_OVERDUE in attention(session, after(seconds + 1))


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "created", "held_seen_at": None, "authorized_minor": None},
        {"status": "captured", "captured_minor": 500},
        {"phase": Phase.REFUSED},
        {"status": "settling", "proof": HoldProof(T0, "succeeded", 0, 500)},
    ],
    ids=str,
)
def test_where_nothing_is_held_or_it_has_ended_nothing_is_overdue(changed: dict[str, Any]) -> None:
    assert should_have_ended_by(charging(**changed), Policy()) is None


@given(st.sampled_from(Status), st.integers(0, 10**6), st.booleans())
def test_every_matter_has_an_act_an_age_and_its_subject(status: Status, age: int, gone: bool) -> None:
    session = charging(status=status.value, last_known=status.value, phase=Phase.GONE if gone else Phase.OPEN)
    now = after(age)
    for one in matters([session], [], now):
        assert one.subject == session.key
        assert one.since <= now
        assert isinstance(one.act, Act)
        assert level_of(one, now) in Level


def test_a_payment_that_upstream_does_not_see_is_as_old_as_what_the_provider_said() -> None:
    unseen = a_session(
        phase=Phase.OPEN, status="created", tariff=EURO, payment_shown_at=T0, proof=proof("requires_capture", 0, 5000)
    )
    now = after(700) + LOOKED_WITHIN
    (matter,) = [one for one in matters([unseen], [], now) if one.kind is Attention.PAID_UNSEEN]
    assert unseen.proof is not None
    assert matter.since == unseen.proof.checked_at


def test_of_energy_for_nothing_the_stake_is_what_it_would_have_cost() -> None:
    free = replace(WHOLE, status="no_charge", last_known="no_charge", captured_minor=0)
    (matter,) = matters([free], [], after(9000))
    assert free.tariff is not None
    assert free.energy_kwh is not None
    assert matter.amount_minor == free.tariff.example(free.energy_kwh).minor


@pytest.mark.parametrize("changed", [{"state": CommandState.DONE}, {"kind": Kind.START}, {"ended_at": None}])
def test_a_command_that_was_answered_or_cannot_be_sent_again_is_nobodys_matter(changed: dict[str, Any]) -> None:
    sent = Command(7, "key-that-nobody-guesses", Kind.STOP, AskedBy.DRIVER, T0, CommandState.UNKNOWN, 1, T0, T0, T0)
    assert matters([charging(asked_at=T0)], [replace(sent, **changed)], T0 + LOOKED_WITHIN) == []


def unseen(**changed: Any) -> Session:
    """Paid by the provider's word, and upstream still waits for the payment."""
    facts: dict[str, Any] = {"phase": Phase.OPEN, "status": "created", "tariff": EURO, "payment_shown_at": T0}
    return with_proof(a_session(**(facts | changed)), proof("requires_capture", 0, 5000))


def asked_again(session: Session, at: float) -> Session:
    """The provider was asked once more, and says the same."""
    assert session.proof is not None
    return with_proof(session, replace(session.proof, checked_at=after(at), held_at=None))


def test_to_ask_the_provider_again_and_again_keeps_no_payment_unseen_for_ever() -> None:
    session = unseen()
    for at in range(760, 2000, 60):
        session = asked_again(session, at)
        seen = Attention.PAID_UNSEEN in attention(session, after(at))
        assert seen == (at >= 700 + LOOKED_WITHIN.total_seconds()), at
    assert Attention.HOLD_OVERDUE in attention(session, after(2000))


def test_a_proof_from_before_it_was_written_down_since_when_counts_from_the_one_that_is_known() -> None:
    old = replace(unseen(), proof=proof("requires_capture", 0, 5000))
    assert asked_again(old, 900).proof == replace(
        proof("requires_capture", 0, 5000), checked_at=after(900), held_at=after(700)
    )


def test_a_cable_that_is_pulled_and_plugged_in_does_not_take_an_overdue_hold_from_the_list() -> None:
    starting = charging(status="starting")
    late = after(120 + 5 * 60 + 1)
    assert attention(starting, late) == (Attention.HOLD_OVERDUE,)
    plugged = replace(starting, connector_status="Preparing", connector_since=late)
    assert attention(plugged, late) == ()
    assert attention(plugged, late, listed={Attention.HOLD_OVERDUE}) == (Attention.HOLD_OVERDUE,)
    ended = replace(plugged, status="captured", captured_minor=500, captured_at=T0, energy_kwh=Decimal(1))
    assert attention(ended, late, listed={Attention.HOLD_OVERDUE}) == ()


def test_a_hold_of_which_nobody_says_when_it_lapses_lives_for_the_usual_week() -> None:
    waits = charging(status="requires_review", fresh_at=None)
    assert Attention.HOLD_LAPSES not in attention(waits, T0 + timedelta(days=6))
    assert Attention.HOLD_LAPSES in attention(waits, T0 + timedelta(days=6, seconds=1))
    silent = replace(waits, proof=HoldProof(T0, "requires_capture", 5000, 0))
    assert Attention.HOLD_LAPSES in attention(silent, T0 + timedelta(days=6, seconds=1))
    released = replace(waits, proof=HoldProof(T0, "canceled", 0, 0))
    assert Attention.HOLD_LAPSES not in attention(released, T0 + timedelta(days=6, seconds=1))


def test_a_charge_of_which_no_figure_ever_came_is_silent_too() -> None:
    mute = charging(fresh_at=None, status_since=None)
    assert attention(mute, T0 + SILENT_AFTER) == (Attention.CHARGER_SILENT,)


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.LEFT, Phase.NO_ANSWER])
def test_a_start_that_is_not_decided_neither_ends_a_row_of_refused_ones_nor_makes_it_longer(phase: Phase) -> None:
    refused = [a_session(key=f"k{n}", phase=Phase.REFUSED, requested_at=after(-n)) for n in range(REFUSED_IN_A_ROW)]
    waits = a_session(key="new", phase=phase, requested_at=after(1))
    assert refused_starts("AB12", [waits, *refused]) == refused_starts("AB12", refused)
    assert refused_starts("AB12", [waits, *refused[1:]]) is None


def test_only_a_price_that_is_known_opens_or_closes_its_reason() -> None:
    found, known = broken_prices({"BAD": True, "FINE": False, "UNREAD": None}, T0)
    assert [(one.kind, one.subject, one.act) for one in found] == [(Attention.PRICE_BREAKS_RULE, "BAD", Act.SET_PRICE)]
    assert known == {"BAD", "FINE"}
    assert level_of(found[0], after(10**6)) is Level.NOTED


PROOFS = st.sampled_from(
    [None, proof("requires_capture", 0, 5000), proof("succeeded", 947), proof("canceled", 0), proof("processing", 0)]
)
SESSIONS = st.builds(
    lambda status, phase, held, record, connector, energy, taken: charging(
        status=status.value,
        last_known=status.value,
        phase=phase,
        gone_at=T0 if phase is Phase.GONE else None,
        held_seen_at=T0 if held else None,
        payment_shown_at=T0,
        proof=record,
        connector_status=connector,
        connector_since=T0,
        energy_kwh=energy,
        captured_minor=taken,
    ),
    st.sampled_from(Status),
    st.sampled_from([Phase.OPEN, Phase.GONE]),
    st.booleans(),
    PROOFS,
    st.sampled_from([None, "Preparing", "Charging", "SuspendedEV"]),
    st.sampled_from([None, Decimal(0), Decimal(12)]),
    st.sampled_from([None, 0, 947, 9000]),
)


@given(SESSIONS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_reason_goes_away_by_waiting_alone(session: Session, age: int, more: int) -> None:
    assert set(attention(session, after(age))) <= set(attention(session, after(age + more)))


@given(SESSIONS, st.integers(0, 10**6), st.sets(st.sampled_from(Attention)))
def test_what_stands_in_the_list_keeps_only_what_has_its_cause_still(
    session: Session, age: int, listed: set[Attention]
) -> None:
    """However the list came about: it adds nothing but deadlines that were already passed once."""
    plain, kept = set(attention(session, after(age))), set(attention(session, after(age), listed=listed))
    assert plain <= kept
    assert kept - plain <= listed & {Attention.HOLD_OVERDUE}
    if kept - plain:
        assert should_have_ended_by(session, Policy()) is not None


@given(st.sets(st.sampled_from(["captured_minor", "captured_at", "energy_kwh"]), min_size=1))
def test_an_end_of_which_a_figure_is_unknown_is_never_taken_for_fine(unknown: set[str]) -> None:
    nobody_says: dict[str, Any] = dict.fromkeys(unknown)
    assert attention(replace(WHOLE, **nobody_says), after(9000))


def wish(state: RefundState = RefundState.SENT, **changed: Any) -> RefundWish:
    return replace(RefundWish(1, "k", Money(300, "EUR"), "kim", "call", state, T0, T0), **changed)


@pytest.mark.parametrize("state", [RefundState.WAITING, RefundState.SENT, RefundState.PENDING])
def test_a_refund_without_an_end_is_loud_after_an_hour_and_an_alarm_after_a_day(state: RefundState) -> None:
    assert refund_matter("AB12", wish(state), T0 + REFUND_WITHIN - timedelta(seconds=1)) is None
    found = refund_matter("AB12", wish(state), T0 + REFUND_WITHIN)
    assert found == Matter(Attention.REFUND_WITHOUT_END, "k", "AB12", T0, Act.LOOK_AT_REFUND, 300, "EUR")
    assert level_of(found, T0 + REFUND_WITHIN) is Level.LOUD
    assert level_of(found, T0 + timedelta(days=1)) is Level.ALARM


def test_a_refund_that_was_refused_is_loud_at_once_and_one_that_was_sent_is_nobodys_matter() -> None:
    found = refund_matter("AB12", wish(RefundState.REFUSED, ended_at=after(60)), after(60))
    assert found == Matter(Attention.REFUND_REFUSED, "k", "AB12", after(60), Act.LOOK_AT_PAYMENT, 300, "EUR")
    assert level_of(found, after(60)) is Level.LOUD
    assert level_of(found, after(60) + timedelta(days=1)) is Level.ALARM
    assert refund_matter("AB12", wish(RefundState.DONE, ended_at=after(60)), after(10**6)) is None


@given(st.sampled_from(RefundState), st.integers(0, 10**6))
def test_every_refund_without_a_good_end_matters_from_an_hour_on_and_none_with_one(
    state: RefundState, age: int
) -> None:
    ended = after(age) if state in {RefundState.DONE, RefundState.REFUSED} else None
    found = refund_matter("AB12", wish(state, ended_at=ended), after(age))
    late = age >= REFUND_WITHIN.total_seconds()
    assert (found is not None) == (state is RefundState.REFUSED or (state is not RefundState.DONE and late))


def test_only_a_later_refusal_of_a_refund_is_the_same_once_more() -> None:
    first = Matter(Attention.REFUND_REFUSED, "k", "AB12", T0, Act.LOOK_AT_PAYMENT)
    assert happened_again(first, replace(first, since=after(1)))
    assert not happened_again(first, first)
    overdue = replace(first, kind=Attention.HOLD_OVERDUE)
    assert not happened_again(overdue, replace(overdue, since=after(1)))


def test_months_that_nobody_could_write_for_a_day_are_told_once_a_site() -> None:
    first, second = date(2026, 10, 1), date(2026, 11, 1)
    failing = [
        MonthWritten("a", second, failing_since=after(0)),
        MonthWritten("a", first, failing_since=after(-3600)),
        MonthWritten("b", second, failing_since=after(3600)),
        MonthWritten("c", second),
        MonthWritten("gone", second, failing_since=after(-3600)),
    ]
    codes = {"a": ("A1", "A2"), "b": ("B1",), "c": ("C1",), "gone": ()}
    found = unwritten_tables(codes, failing, after(24 * 3600))
    assert [(one.kind, one.subject, one.since, one.of_charger) for one in found] == [
        (Attention.TABLES_NOT_WRITTEN, "A1", after(-3600), True)
    ]
    assert level_of(found[0], after(7 * 24 * 3600)) is Level.NOTED
