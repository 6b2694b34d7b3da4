"""Figures of the operator's view beside the session's own: they count once they agreed, and only while they go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.progress import AGREES_KWH, LIVE_FOR, Progress, as_of, disagrees, heard, is_live, joined
from kiosk.domain.session import Phase, Session
from kiosk.domain.tariff import Tariff

from .made import a_session, after


def running(energy: str | None = "1.000", read_at: float = 0, **changed: Any) -> Session:
    facts: dict[str, Any] = {
        "phase": Phase.OPEN,
        "status": "charging",
        "tariff": Tariff("EUR", 49, 100),
        "authorized_minor": 5000,
        "energy_kwh": Decimal(energy) if energy is not None else None,
        "cost_minor": 149 if energy is not None else None,
        "most_kw": Decimal(22),
        "charging_started_at": after(-600),
        "observed_at": after(read_at),
        "fresh_at": after(read_at),
    }
    return a_session(**(facts | changed))


def told(session: Session, *figures: tuple[float, str | None], before: Progress | None = None) -> Progress | None:
    """After the operator's view told these energies, each asked for at so many seconds."""
    known = before
    for at, energy in figures:
        known = heard(known, session, 7, Decimal(energy) if energy is not None else None, after(at))
    return known


def test_a_figure_that_agrees_with_the_sessions_own_counts_and_goes_on() -> None:
    session = running()
    progress = told(session, (5, "1.03"), (15, "1.09"))
    shown = joined(session, progress)
    assert (shown.energy_kwh, shown.cost_minor, shown.fresh_at) == (Decimal("1.09"), 153, after(15))
    assert is_live(session, progress, after(15) + LIVE_FOR)
    assert not is_live(session, progress, after(15.1) + LIVE_FOR)


def test_an_estimate_goes_on_where_nobody_has_told_what_is_held() -> None:
    session = running(authorized_minor=None, hold_minor=None)
    shown = joined(session, told(session, (5, "1.03"), (15, "1.09")))
    assert (shown.energy_kwh, shown.cost_minor) == (Decimal("1.09"), 153)


@pytest.mark.parametrize(
    "figures",
    [
        [(5, None), (15, None)],
        [(5, "0.00"), (15, "0.00")],
        [(5, "0.80"), (15, "0.86")],
        [(5, "9.99"), (15, "10.05")],
        [(31, "1.10"), (41, "1.16")],
        [(-5, "1.00")],
    ],
    ids=["null", "zero", "behind", "ahead", "too late to tell", "older than the session's"],
)
def test_one_that_has_not_agreed_never_counts(figures: list[tuple[float, str | None]]) -> None:
    session = running()
    progress = told(session, *figures)
    assert joined(session, progress) is session
    assert not is_live(session, progress, after(41))
    assert disagrees(session, progress)


def test_a_stale_figure_agrees_once_and_then_grows_as_old_as_it_is() -> None:
    session = running()
    progress = told(session, *((at, "1.05") for at in range(5, 300, 10)))
    assert progress is not None
    assert as_of(progress, session) == after(5)
    assert not is_live(session, progress, after(300))
    read_again = running("3.000", 300)
    assert joined(read_again, told(read_again, (305, "1.05"), before=progress)) is read_again


@pytest.mark.parametrize("word", ["SuspendedEV", "SuspendedEVSE"])
def test_a_figure_that_stands_still_is_new_while_the_car_waits(word: str) -> None:
    session = running(connector_status=word)
    progress = told(session, *((at, "1.05") for at in range(5, 300, 10)))
    assert is_live(session, progress, after(300))


def test_a_meter_that_reports_rarely_may_stand_still_for_as_long() -> None:
    session = running(meter_seconds=300)
    progress = told(session, *((at, "1.05") for at in range(5, 300, 10)))
    assert is_live(session, progress, after(300))


def test_a_jump_that_no_connector_can_make_is_left_out_and_ends_the_agreement() -> None:
    session = running()
    progress = told(session, (5, "1.03"), (15, "4076.40"))
    assert progress is not None
    assert (progress.energy_kwh, progress.agreed_at) == (Decimal("1.03"), None)
    assert joined(session, progress) is session


def test_a_fall_ends_the_agreement_until_the_session_was_read_again() -> None:
    session = running()
    progress = told(session, (5, "1.03"), (40, "0.50"), (50, "0.56"))
    assert joined(session, progress) is session
    session = running("0.57", 55)
    assert joined(session, told(session, (60, "0.62"), before=progress)) is not session


def test_another_transaction_begins_anew() -> None:
    session = running()
    progress = heard(told(session, (5, "1.03")), session, 8, Decimal("0.20"), after(40))
    assert progress is not None
    assert (progress.number, progress.energy_kwh, progress.agreed_at) == (8, Decimal("0.20"), None)


def test_an_answer_to_an_older_question_changes_nothing() -> None:
    session = running()
    progress = told(session, (5, "1.03"), (15, "1.09"))
    assert told(session, (10, "1.06"), before=progress) == progress


def test_a_reading_of_the_session_in_between_is_shown_and_is_no_reason_for_another_one() -> None:
    session = running()
    progress = told(session, (5, "1.03"), (15, "1.09"))
    read = running("1.12", 20)
    assert joined(read, progress) is read
    assert is_live(read, progress, after(25))
    assert not is_live(read, progress, after(15.1) + LIVE_FOR)


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "settling"},
        {"status": "captured"},
        {"status": "starting"},
        {"phase": Phase.GONE},
        {"charger_online": False},
        {"tariff": None},
        {"fresh_at": after(20)},
    ],
    ids=str,
)
def test_it_counts_only_while_the_charge_runs_with_contact_and_newer_than_the_sessions_own(
    changed: dict[str, Any],
) -> None:
    session = running()
    progress = told(session, (5, "1.03"), (15, "1.09"))
    other = replace(session, **changed)
    assert joined(other, progress) is other


def test_a_rounded_figure_just_below_the_sessions_own_keeps_that_and_is_newer() -> None:
    session = running("1.006")
    shown = joined(session, told(session, (5, "1.00")))
    assert (shown.energy_kwh, shown.cost_minor, shown.fresh_at) == (Decimal("1.006"), 149, after(5))


steps = st.lists(
    st.tuples(st.integers(1, 90), st.one_of(st.none(), st.decimals(0, 60, places=2))), min_size=1, max_size=12
)


@given(st.decimals(0, 50, places=3), steps, st.integers(0, 9000))
def test_nothing_ever_falls_nor_passes_the_hold_nor_changes_anything_else(
    own: Decimal, figures: list[tuple[int, Decimal | None]], held: int
) -> None:
    cost = Tariff("EUR", 49, 100).example(own).minor
    session = running(str(own), cost_minor=min(cost, held), authorized_minor=held)
    progress, at = None, 0.0
    for pause, energy in figures:
        at += pause
        progress = heard(progress, session, 7, energy, after(at))
        shown = joined(session, progress)
        if shown is session:
            continue
        assert progress is not None
        assert progress.agreed_at is not None
        assert shown.energy_kwh is not None
        assert session.energy_kwh is not None
        assert session.energy_kwh <= shown.energy_kwh
        assert shown.energy_kwh <= max(session.energy_kwh, progress.energy_kwh)
        assert (session.cost_minor or 0) <= (shown.cost_minor or 0) <= held
        assert after(0) <= (shown.fresh_at or after(-1)) <= after(at)
        same = replace(
            shown, energy_kwh=own, cost_minor=session.cost_minor, trace=session.trace, fresh_at=session.fresh_at
        )
        assert same == session


@given(st.integers(0, 600), st.integers(1, 600))
def test_a_list_that_lags_far_behind_a_fast_charge_is_not_believed(lag: int, asked: int) -> None:
    """At 150 kW every second is 0.042 kWh: what lags by more than may be missing is out."""
    kwh = Decimal(150) / 3600
    session = running(str((kwh * 600).quantize(Decimal("0.001"))), 600, most_kw=Decimal(150))
    at = 600 + asked
    progress = heard(None, session, 7, (kwh * max(0, at - lag)).quantize(Decimal("0.01")), after(at))
    if progress is not None and progress.agreed_at is not None:
        assert lag <= 30 + (AGREES_KWH + 25 * Decimal("0.02")) / kwh
        assert timedelta(seconds=asked) <= timedelta(seconds=30)
