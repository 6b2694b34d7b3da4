"""What stands of a hold: never called given back without proof, never "none" for what nobody has told."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.hold import Hold, HoldState, figures_of, hold_of, was_held
from kiosk.domain.money import Money
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import HoldProof, LiveFigures, Phase, Session
from kiosk.domain.status import Status

from .made import EURO, a_session, after, words

OPEN = a_session(phase=Phase.OPEN, status="created", tariff=EURO, hold_minor=3000)
HELD = replace(OPEN, status="charging", authorized_minor=3000, authorized_at=after(5), held_seen_at=after(5))

sessions = st.builds(
    lambda status, phase, held, cost, captured, proof: replace(
        HELD if held else OPEN,
        status=status,
        phase=phase,
        cost_minor=cost,
        captured_minor=captured,
        completed_at=after(100) if captured is not None else None,
        proof=HoldProof(after(200), "succeeded", 0, captured or 0) if proof else None,
    ),
    st.one_of(st.none(), words),
    st.sampled_from(Phase),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 4000)),
    st.one_of(st.none(), st.integers(0, 4000)),
    st.booleans(),
)


@given(session=sessions, checking=st.booleans())
def test_given_back_is_said_only_with_a_proof_and_its_time(session: Session, checking: bool) -> None:
    hold = hold_of(session, receipt_of(session), checking=checking)
    if hold.state is HoldState.GIVEN_BACK:
        assert session.proof is not None
        assert hold.given_back_at is not None


@given(session=sessions, checking=st.booleans())
def test_what_is_taken_and_what_is_left_make_up_the_hold(session: Session, checking: bool) -> None:
    hold = hold_of(session, receipt_of(session), checking=checking)
    if hold.taken is not None and hold.rest is not None and hold.amount is not None:
        assert hold.taken + hold.rest == hold.amount


@given(session=sessions, checking=st.booleans())
def test_no_hold_is_denied_that_may_have_been_placed(session: Session, checking: bool) -> None:
    if hold_of(session, receipt_of(session), checking=checking).state is HoldState.NONE:
        assert not was_held(session)


@pytest.mark.parametrize("phase", [Phase.REFUSED, Phase.NO_ANSWER, Phase.LEFT])
def test_without_a_start_there_was_no_hold(phase: Phase) -> None:
    assert hold_of(replace(OPEN, phase=phase, status=None), None, checking=False).state is HoldState.NONE


@pytest.mark.parametrize(
    "session",
    [replace(OPEN, status="teleporting"), replace(OPEN, phase=Phase.GONE)],
    ids=["a word that nobody knows", "a session that went away unpaid"],
)
def test_what_nobody_told_us_is_unknown(session: Session) -> None:
    assert hold_of(session, None, checking=False).state is HoldState.UNKNOWN


def test_a_hold_that_was_shown_is_unknown_while_the_back_office_is_asked() -> None:
    assert hold_of(OPEN, None, checking=False).state is HoldState.SHOWN
    assert hold_of(OPEN, None, checking=True).state is HoldState.UNKNOWN


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.FAILED, Status.ABANDONED, Status.WRITTEN_OFF])
def test_an_end_without_payment_takes_nothing_and_gives_all_back(status: Status) -> None:
    hold = hold_of(replace(HELD, status=status.value, cost_minor=700), None, checking=False)
    assert (hold.state, hold.taken, hold.rest) == (HoldState.GOES_BACK, None, Money(3000, "EUR"))


def test_until_the_bill_is_made_the_figures_are_those_of_the_running_charge() -> None:
    live = LiveFigures(Decimal("13.9"), 716, after(50))
    settling = replace(HELD, status="settling", energy_kwh=None, cost_minor=None, last_live=live)
    assert figures_of(settling) == (Decimal("13.9"), Money(716, "EUR"))
    assert figures_of(replace(settling, last_live=None)) == (None, None)


def test_money_that_is_held_for_nothing_is_called_held_with_the_amount_of_its_record() -> None:
    late = replace(OPEN, status="expired", proof=HoldProof(after(900), "requires_capture", 2500, 0))
    hold = hold_of(late, receipt_of(late), checking=False)
    assert (hold.state, hold.amount) == (HoldState.HELD, Money(2500, "EUR"))


def test_what_was_kept_is_unknown_while_nobody_has_said_what_was_taken() -> None:
    assert Hold(HoldState.HELD, Money(3000, "EUR")).kept is None
