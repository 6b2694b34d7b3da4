"""When the payment's own record is asked: while it can say something that nobody else has said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.domain.proving import PAID_LATE_FOR, SHOWN_FOR, STUCK_AFTER, proof_wanted
from kiosk.domain.session import HoldProof, Phase, Refund
from kiosk.domain.status import Status

from .made import EURO, T0, a_session, after

OPEN = a_session(phase=Phase.OPEN, status="created", status_since=T0, tariff=EURO)
HELD = replace(OPEN, status="charging", authorized_minor=5000, held_seen_at=T0)
HOLDS = HoldProof(after(1), "requires_capture", 5000, 0)
TAKEN = HoldProof(after(1), "succeeded", 0, 947)


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.REFUSED, Phase.NO_ANSWER, Phase.LEFT])
def test_a_start_that_upstream_never_took_has_no_payment(phase: Phase) -> None:
    assert not proof_wanted(replace(HELD, phase=phase), after(10))


def test_a_payment_whose_form_nobody_had_is_not_asked_about() -> None:
    assert not proof_wanted(OPEN, after(90_000))


def test_some_time_after_its_form_was_handed_out_somebody_may_have_paid() -> None:
    shown = replace(OPEN, payment_shown_at=T0)
    assert not proof_wanted(shown, T0 + SHOWN_FOR - (after(1) - T0))
    assert proof_wanted(shown, T0 + SHOWN_FOR)


def test_a_hold_is_asked_about_once_and_again_when_its_state_lasts_too_long() -> None:
    assert proof_wanted(HELD, after(1))
    assert not proof_wanted(replace(HELD, proof=HOLDS), after(60))
    assert proof_wanted(replace(HELD, proof=HOLDS), T0 + STUCK_AFTER)


def test_a_session_that_upstream_lost_is_asked_about_at_once() -> None:
    assert proof_wanted(replace(HELD, phase=Phase.GONE, proof=HOLDS), after(2))


def test_an_end_that_is_proven_is_asked_about_only_for_a_refund_of_later() -> None:
    proven = replace(HELD, status="captured", captured_minor=947, proof=TAKEN)
    assert not proof_wanted(proven, after(90_000))
    assert not proof_wanted(replace(proven, refunds=(Refund(100, T0),)), after(90_000))
    assert proof_wanted(replace(proven, refunds=(Refund(100, after(2)),)), after(90_000))


def test_for_a_payment_that_came_after_the_end_it_is_looked_for_as_long_as_a_hold_lives() -> None:
    expired = replace(OPEN, status=Status.EXPIRED, payment_shown_at=T0)
    assert proof_wanted(expired, T0 + PAID_LATE_FOR - (after(1) - T0))
    assert not proof_wanted(expired, T0 + PAID_LATE_FOR)
