"""What a person should look at: every odd end is named, and an ordinary one is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.attention import (
    LOOKED_WITHIN,
    REFUSED_IN_A_ROW,
    SILENT_AFTER,
    Act,
    Attention,
    Level,
    Matter,
    attention,
    level_of,
    matters,
    refused_starts,
)
from kiosk.domain.commands import AskedBy, Command, CommandState, Kind, Wish
from kiosk.domain.limits import Policy
from kiosk.domain.overdue import should_have_ended_by
from kiosk.domain.session import HoldProof, Phase, Session
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
