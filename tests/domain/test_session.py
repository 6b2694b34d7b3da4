"""Folding what upstream said into a session: any order, any gap, any word, nothing invented."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.commands import AskedBy, Kind, Wish
from kiosk.domain.session import (
    Event,
    HoldProof,
    LiveFigures,
    Observation,
    PaymentContext,
    Phase,
    Session,
    age,
    fold,
    gone,
    moved_back,
)
from kiosk.domain.status import Group, Status, facts
from kiosk.domain.tariff import Tariff

from .made import EURO, T0, a_session, after, charging, energies, seen, words

TAKEN = {Status.CAPTURED, Status.REFUNDED}
maybe_minor = st.none() | st.integers(0, 9000)
maybe_time = st.none() | st.integers(0, 600).map(after)
questions = st.integers(0, 600)
answers = st.integers(0, 8)
SAID: dict[str, st.SearchStrategy[Any]] = {
    "status": words | st.none(),
    "failure_reason": st.sampled_from([None, "declined", "timeout"]),
    "connector_status": st.sampled_from([None, "Charging", "SuspendedEV"]),
    "charger_name": st.sampled_from([None, "Bay 1"]),
    "charger_online": st.sampled_from([None, True, False]),
    "tariff": st.sampled_from([None, EURO, Tariff("EUR", 59, 100)]),
    "authorized_minor": maybe_minor,
    "energy_kwh": st.none() | energies,
    "cost_minor": maybe_minor,
    "captured_minor": maybe_minor,
    "tax_minor": maybe_minor,
    "driver_email": st.sampled_from([None, "driver@example.org"]),
    "created_at": maybe_time,
    "authorized_at": maybe_time,
    "charging_started_at": maybe_time,
    "completed_at": maybe_time,
    "captured_at": maybe_time,
}
"""What an answer may say of each field. Made once: to make it anew for every answer costs more than the tests do."""


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    asked = draw(questions)
    said = {name: draw(each) for name, each in SAID.items()}
    return Observation(asked_at=after(asked), seen_at=after(asked + draw(answers)), **said)


stories = st.lists(observations(), max_size=12)


def one_at_a_time(story: list[Observation]) -> list[Observation]:
    """The same answers to questions of which each was asked after the last answer."""
    told_at, apart = T0, timedelta(milliseconds=1)
    rows = []
    for seen_once in story:
        asked = told_at + apart
        told_at = asked + (seen_once.seen_at - seen_once.asked_at)
        rows.append(replace(seen_once, asked_at=asked, seen_at=told_at))
    return rows


def told(story: list[Observation], session: Session | None = None) -> Session:
    session = session or a_session()
    for seen_once in story:
        session, _ = fold(session, seen_once)
    return session


# What upstream says once stays said: every field of an answer that a session keeps, but for the connector's word, the
# price, of which the first one counts, and what was captured, of which the most does.
KEPT = (
    "status",
    "failure_reason",
    "charger_name",
    "charger_online",
    "authorized_minor",
    "energy_kwh",
    "cost_minor",
    "tax_minor",
    "created_at",
    "authorized_at",
    "charging_started_at",
    "completed_at",
    "captured_at",
)


@given(stories)
def test_a_session_holds_the_last_word_on_everything_and_a_null_erases_nothing(story: list[Observation]) -> None:
    story = one_at_a_time(story)
    session, doubted, refunded = a_session(), False, False
    for one in story:
        session, events = fold(session, one)
        doubted = doubted or Event.DOUBTFUL_FIGURES in events
        refunded = refunded or bool(session.refunds)
    for name in KEPT:
        if doubted and name in {"energy_kwh", "cost_minor"}:
            continue  # what cannot be is not kept, see test_doubt
        if refunded and name == "tax_minor":
            continue  # that of the first capture stays, see below
        said = [getattr(o, name) for o in story if getattr(o, name) is not None]
        assert getattr(session, name) == (said[-1] if said else None), name
    assert session.connector_status == (story[-1].connector_status if story else None)
    assert session.email_known == any(o.driver_email for o in story)
    assert session.asked_at == (story[-1].asked_at if story else None)


@given(stories, observations())
def test_of_two_questions_under_way_at_once_none_puts_the_status_back(
    story: list[Observation], other: Observation
) -> None:
    ended = fold(told(one_at_a_time(story)), seen(905, "abandoned", asked_at=after(900)))[0]
    late = replace(other, asked_at=after(902), seen_at=after(906), status="starting")
    assert fold(ended, late) == (ended, ())
    later = replace(late, asked_at=after(906), seen_at=after(907))
    assert fold(ended, later)[0].status == "starting"


@pytest.mark.parametrize("kwh", ["4.999", "0"])
def test_of_two_questions_under_way_at_once_none_puts_the_meter_back(kwh: str) -> None:
    """The later question came first, and its answer last: what it shows was so before."""
    session = told([charging(3600, "5.000", 345)])
    late = charging(3602, kwh, 344)
    overtaken = replace(late, asked_at=after(3600), seen_at=after(3602))
    assert fold(session, overtaken) == (session, ())
    alone, events = fold(session, replace(late, asked_at=after(3601)))
    assert (alone.energy_kwh, Event.ENERGY_FELL in events) == (Decimal(kwh), True)


@pytest.mark.parametrize("kwh", ["4.999", "5.000", None])
def test_of_two_questions_under_way_at_once_none_takes_a_stop_back(kwh: str | None) -> None:
    session = told([charging(3600, "5.000", 345), seen(3605, "stopping", energy_kwh=Decimal("5.000"))])
    late = charging(3606, kwh, None, asked_at=after(3604.7))
    assert fold(session, late) == (session, ())
    assert fold(session, replace(late, asked_at=after(3605.5)))[0].status == "charging"


def test_an_answer_that_was_overtaken_counts_when_it_shows_a_later_state() -> None:
    session = told([charging(3600, "5.000", 345)])
    ended = replace(seen(3602, "settling", energy_kwh=Decimal("4.9")), asked_at=after(3600))
    assert fold(session, ended)[0].status == "settling"


@given(stories, observations())
def test_an_answer_to_an_older_question_changes_nothing(story: list[Observation], late: Observation) -> None:
    session = told(story)
    if session.asked_at is None:
        return
    late = replace(late, asked_at=session.asked_at - timedelta(microseconds=1))
    assert fold(session, late) == (session, ())


@pytest.mark.parametrize("apart", [timedelta(microseconds=1), timedelta(minutes=10), timedelta(days=400)])
def test_an_older_question_changes_nothing_however_much_older_it_is(apart: timedelta) -> None:
    session = told([charging(3600, "5.000", 345)])
    late = charging(3600, "6.000", 394)
    late = replace(late, asked_at=late.asked_at - apart)
    assert fold(session, late) == (session, ())


@given(stories, st.timedeltas(timedelta(0), timedelta(days=10_000)))
def test_moved_back_a_session_keeps_every_distance_of_its_own_times_and_what_upstream_said(
    story: list[Observation], by: timedelta
) -> None:
    before = told(story)
    moved = moved_back(before, by)
    assert moved.newest_at == before.newest_at - by
    assert moved_back(moved, -by) == before
    own = {"requested_at", "status_since", "held_seen_at", "asked_at", "observed_at", "fresh_at", "gone_at", "retry_at"}
    own |= {"back_at", "payment_shown_at", "connector_since"}
    for one in fields(Session):
        if one.name not in own and one.name not in {"last_live", "trace", "refunds", "wish", "doubt"}:
            assert getattr(moved, one.name) == getattr(before, one.name)
    assert [(one.amount_minor, one.seen_at + by) for one in moved.refunds] == [
        (one.amount_minor, one.seen_at) for one in before.refunds
    ]
    assert moved.trace.power_kw() == before.trace.power_kw()
    assert age(moved, before.newest_at - by) == age(before, before.newest_at)


def test_moved_back_a_wish_and_the_payment_form_keep_their_distance_to_the_newest_time() -> None:
    before = a_session(wish=Wish(Kind.STOP, AskedBy.DRIVER, after(50)), payment_shown_at=after(20), back_at=after(60))
    moved = moved_back(before, timedelta(hours=1))
    assert before.newest_at == after(60)
    assert moved.wish is not None
    assert [moved.newest_at - at for at in (moved.wish.asked_at, moved.payment_shown_at, moved.back_at) if at] == [
        timedelta(seconds=10),
        timedelta(seconds=40),
        timedelta(0),
    ]


@given(st.lists(observations(), max_size=6, unique_by=lambda o: o.asked_at), st.randoms())
def test_the_newest_question_decides_whatever_the_order_of_the_answers(story: list[Observation], dice: Any) -> None:
    if not story:
        return
    story = [replace(one, seen_at=one.asked_at) for one in story]
    newest = max(story, key=lambda o: o.asked_at)
    dice.shuffle(story)
    session, refunded = a_session(), False
    for one in story:
        session, _ = fold(session, one)
        refunded = refunded or bool(session.refunds)
    assert session.asked_at == newest.asked_at
    for name in KEPT:
        if getattr(newest, name) is not None and not (refunded and name == "tax_minor"):
            assert getattr(session, name) == getattr(newest, name)


def test_the_tax_of_the_first_capture_stays_when_a_part_is_sent_back() -> None:
    taken = told([seen(60, "captured", captured_minor=947, tax_minor=151)])
    less = fold(taken, seen(3600, "refunded", captured_minor=520, tax_minor=83))[0]
    assert (less.captured_minor, less.tax_minor) == (947, 151)
    unsaid = told([seen(60, "captured", captured_minor=947)])
    assert fold(unsaid, seen(3600, "refunded", captured_minor=520, tax_minor=83))[0].tax_minor == 83


@given(stories, observations())
def test_the_same_answer_twice_changes_nothing_and_notices_nothing_the_second_time(
    story: list[Observation], again: Observation
) -> None:
    once, _ = fold(told(story), again)
    twice, events = fold(once, again)
    assert twice == once
    assert events == ()


@given(stories, observations())
def test_a_fold_leaves_alone_what_is_the_kiosks_own(story: list[Observation], last: Observation) -> None:
    own = a_session(
        limit_minor=2000,
        proof=HoldProof(T0, "requires_capture", 5000, 0),
        refusal=None,
        retry_at=after(9),
        version=7,
    )
    folded = told([*story, last], own)
    for name in (
        "key",
        "code",
        "connector_id",
        "requested_at",
        "hold_minor",
        "limit_minor",
        "proof",
        "retry_at",
        "version",
    ):
        assert getattr(folded, name) == getattr(own, name)
    assert folded.phase is Phase.OPEN


@given(observations(), words, words)
def test_any_status_may_be_skipped(first: Observation, one: str, two: str) -> None:
    before, _ = fold(a_session(), replace(first, status=one))
    later = replace(first, status=two, asked_at=after(700), seen_at=after(701))
    folded, events = fold(before, later)
    assert folded.status == two
    assert (Event.STATUS in events) == (one != two)
    assert folded.status_since == (after(701) if one != two else first.seen_at)
    strange = one != two and folded.known_status is None
    assert (Event.STRANGE_STATUS in events) == strange


def test_an_unknown_status_is_kept_as_it_was_said_and_reading_goes_on() -> None:
    session, events = fold(a_session(), seen(1, "paused_by_grid"))
    assert events == (Event.STATUS, Event.STRANGE_STATUS)
    assert (session.status, session.known_status, session.facts.group) == ("paused_by_grid", None, Group.STRANGE)
    assert (session.final, session.watchable, session.occupies) == (False, True, True)
    assert (session.can_cancel(), session.can_stop(), session.can_set_email()) == (False, False, False)


@pytest.mark.parametrize(
    ("before", "later", "back"),
    [
        ("charging", "starting", True),
        ("settling", "charging", True),
        ("captured", "settling", True),
        ("captured", "requires_review", True),
        ("stopping", "charging", False),
        ("captured", "refunded", False),
        ("requires_review", "captured", False),
        ("created", "captured", False),
        ("paused_by_grid", "created", False),
        ("charging", "paused_by_grid", False),
    ],
)
def test_a_status_that_goes_back_is_noticed_and_believed(before: str, later: str, back: bool) -> None:
    session, events = fold(told([seen(1, before)]), seen(2, later))
    assert (Event.STATUS_WENT_BACK in events) is back
    assert session.status == later


def test_the_first_status_does_not_go_back() -> None:
    assert fold(a_session(), seen(1, "created"))[1] == (Event.STATUS,)


def test_energy_that_falls_is_noticed_and_shown_as_it_is() -> None:
    session, events = fold(told([charging(1, "5.000", 345)]), charging(11, "4.200", 306))
    assert set(events) == {Event.FIGURES, Event.ENERGY_FELL}
    assert (session.energy_kwh, session.cost_minor) == (Decimal("4.200"), 306)


def test_energy_that_rises_or_stands_is_not_said_to_fall() -> None:
    session = told([charging(1, "5.000", 345)])
    assert fold(session, charging(11, "5.000", 345))[1] == ()
    assert fold(session, charging(11, "5.001", 345))[1] == (Event.FIGURES,)
    assert fold(session, charging(11, None, None))[1] == ()


def test_a_charger_out_of_contact_freezes_the_age_of_the_figures() -> None:
    session, events = fold(told([charging(10, "5.000", 345)]), charging(20, "5.000", 345, charger_online=False))
    assert events == (Event.WENT_OFFLINE,)
    assert (session.fresh_at, session.observed_at) == (after(10), after(20))
    assert age(session, after(40)) == timedelta(seconds=30)
    assert session.last_live == LiveFigures(Decimal("5.000"), 345, after(10))
    assert [point.at for point in session.trace.points] == [after(10)]
    session, events = fold(session, charging(30, "5.500", 370))
    assert events == (Event.CAME_ONLINE, Event.FIGURES)
    assert session.fresh_at == after(30)


def test_an_answer_that_does_not_speak_of_contact_leaves_it_as_it_was() -> None:
    session = told([charging(10, "5.000", 345, charger_online=False)])
    session, events = fold(session, charging(20, "5.000", 345, charger_online=None))
    assert (session.charger_online, session.fresh_at, events) == (False, None, ())


def test_an_answer_to_a_question_of_the_same_moment_counts() -> None:
    session = told([charging(10, "5.000", 345), charging(10, "5.100", 350)])
    assert session.energy_kwh == Decimal("5.100")


def test_the_live_figures_carry_the_time_of_their_reading() -> None:
    session = told([charging(10, "5.000", 345), charging(20, "5.100", 350)])
    assert session.last_live == LiveFigures(Decimal("5.100"), 350, after(20))


@pytest.mark.parametrize(("energy", "cost"), [("5.000", None), (None, None)])
def test_a_figure_that_was_left_unsaid_does_not_grow_younger(energy: str | None, cost: int | None) -> None:
    session = told([charging(10, "5.000", 345), charging(20, energy, cost)])
    assert (session.energy_kwh, session.cost_minor) == (Decimal("5.000"), 345)
    assert session.fresh_at == after(10)
    assert session.last_live == LiveFigures(Decimal("5.000"), 345, after(10))


def test_a_cost_that_is_told_without_the_energy_is_as_new_as_any() -> None:
    session = told([charging(10, "5.000", 345), charging(20, None, 349)])
    assert (session.energy_kwh, session.cost_minor, session.fresh_at) == (Decimal("5.000"), 349, after(20))
    assert not session.energy_is_old
    later = told([charging(at, None, 349 + at) for at in (50, 70, 71)], session)
    assert (later.fresh_at, later.energy_is_old) == (after(71), True)
    assert later.power_kw is None
    assert later.last_live == LiveFigures(None, 420, after(71))
    again = told([charging(80, "5.500", 430)], later)
    assert not again.energy_is_old


def test_an_answer_before_the_first_figure_is_fresh() -> None:
    assert told([seen(10, "starting")]).fresh_at == after(10)
    assert told([charging(10, "5.000", None)]).fresh_at == after(10)


def test_figures_that_only_came_from_a_charger_out_of_contact_keep_the_time_they_were_first_seen() -> None:
    away = [charging(at, "5.000", 345, charger_online=False) for at in (10, 20, 30)]
    session = told(away)
    assert session.fresh_at is None
    assert age(session, after(40)) is None
    assert session.last_live == LiveFigures(Decimal("5.000"), 345, after(10))


def test_an_age_is_never_negative() -> None:
    assert age(told([charging(10, "5.000", 345)]), after(5)) == timedelta(0)


def test_the_last_live_figures_stay_when_the_final_ones_replace_them() -> None:
    session = told([charging(10, "5.000", 345), seen(20, "captured", energy_kwh=Decimal("5.120"), cost_minor=351)])
    assert session.last_live == LiveFigures(Decimal("5.000"), 345, after(10))
    assert (session.energy_kwh, session.cost_minor) == (Decimal("5.120"), 351)
    assert [point.at for point in session.trace.points] == [after(10)]


def test_no_live_figures_are_made_up_while_there_are_none() -> None:
    assert told([charging(10, None, None)]).last_live is None


def test_a_capture_above_the_hold_is_noticed_once_and_shown_as_it_is() -> None:
    held = told([charging(1, "5.000", 345)])
    session, events = fold(held, seen(2, "captured", captured_minor=5001))
    assert Event.CAPTURED_ABOVE_HOLD in events
    assert session.captured_minor == 5001
    assert Event.CAPTURED_ABOVE_HOLD not in fold(session, seen(3, "captured", captured_minor=5001))[1]
    assert Event.CAPTURED_ABOVE_HOLD in fold(session, seen(3, "captured", captured_minor=5002))[1]


@pytest.mark.parametrize("captured", [None, 0, 5000])
def test_a_capture_within_the_hold_is_not_remarked(captured: int | None) -> None:
    events = fold(told([charging(1, "5.000", 345)]), seen(2, "captured", captured_minor=captured))[1]
    assert Event.CAPTURED_ABOVE_HOLD not in events


def test_the_price_of_the_first_answer_stays_and_another_one_is_kept_beside_it() -> None:
    session, events = fold(told([charging(1, "5.000", 345)]), charging(2, "5.000", 345, tariff=Tariff("EUR", 59, 100)))
    assert events == (Event.TARIFF_CHANGED,)
    assert (session.tariff, session.later_tariff) == (EURO, Tariff("EUR", 59, 100))
    again, events = fold(session, charging(3, "5.000", 345, tariff=Tariff("EUR", 59, 100)))
    assert (again.later_tariff, events) == (Tariff("EUR", 59, 100), ())
    back, _ = fold(session, charging(3, "5.000", 345))
    assert back.later_tariff is None


@given(stories)
def test_the_hold_was_first_seen_at_the_first_answer_that_needs_one(story: list[Observation]) -> None:
    session, first = a_session(), None
    for seen_once in story:
        session, _ = fold(session, seen_once)
        if first is None and session.facts.group in {Group.PREPARING, Group.RUNNING}:
            first = session.observed_at
    assert session.held_seen_at == first


def lost(session: Session) -> Session:
    """Upstream has answered 404 twice."""
    return gone(gone(session, after(8), after(9)), after(9), after(10))


def test_a_token_that_expires_leaves_what_is_known() -> None:
    before = told([charging(1, "5.000", 345)])
    after_404 = gone(gone(before, after(8), after(10)), after(9), after(11))
    assert (after_404.phase, after_404.gone_at, after_404.asked_at) == (Phase.GONE, after(10), after(9))
    assert replace(after_404, phase=before.phase, gone_at=None, asked_at=before.asked_at) == before
    assert (after_404.final, after_404.watchable, after_404.occupies) == (False, True, False)
    assert gone(after_404, after(19), after(20)).gone_at == after(10)


def test_a_404_to_an_older_question_changes_nothing() -> None:
    session = told([charging(10, "5.000", 345)])
    assert gone(session, after(9), after(11)) is session


def test_a_404_before_any_answer_is_believed() -> None:
    once = gone(a_session(phase=Phase.OPEN), after(1), after(2))
    assert (once.phase, once.gone_at) == (Phase.OPEN, after(2))
    assert gone(once, after(3), after(4)).phase is Phase.GONE


def test_a_session_that_is_found_again_comes_back() -> None:
    session, events = fold(lost(told([charging(1, "5.000", 345)])), charging(20, "6.000", 394))
    assert Event.CAME_BACK in events
    assert (session.phase, session.gone_at) == (Phase.OPEN, None)


def test_when_contact_came_back_last_is_known_of_the_charger_and_of_upstream() -> None:
    session = told([charging(10, "5.000", 345)])
    assert session.back_at is None
    session = told([charging(20, "5.000", 345, charger_online=False)], session)
    assert session.back_at is None
    session = told([charging(30, "5.000", 345, charger_online=True)], session)
    assert session.back_at == after(30)
    once = gone(session, after(40), after(41))
    assert told([charging(50, "5.000", 345)], once).back_at == after(50)


@pytest.mark.parametrize("status", list(Status))
def test_a_gone_session_is_asked_for_until_it_was_final(status: Status) -> None:
    session = lost(told([seen(1, status.value)]))
    assert session.final is facts(status.value).final
    assert session.watchable is not session.final
    assert (session.can_cancel(), session.can_stop(), session.can_set_email()) == (False, False, False)


@pytest.mark.parametrize("status", list(Status))
def test_an_open_session_offers_what_its_status_allows(status: Status) -> None:
    whole = {"captured_minor": 500, "captured_at": after(1), "energy_kwh": Decimal(5)} if status in TAKEN else {}
    session, row = told([seen(1, status.value, **whole)]), facts(status.value)
    assert (session.can_cancel(), session.can_stop(), session.can_set_email()) == (row.cancel, row.stop, row.email)
    assert (session.final, session.occupies, session.watchable) == (row.final, row.occupies, True)


@pytest.mark.parametrize(
    ("phase", "final", "watchable", "occupies", "cancel"),
    [
        (Phase.QUEUED, False, False, True, True),
        (Phase.REFUSED, True, False, False, False),
        (Phase.NO_ANSWER, True, False, False, False),
        (Phase.LEFT, True, False, False, False),
    ],
)
def test_a_session_that_upstream_does_not_know(
    phase: Phase, final: bool, watchable: bool, occupies: bool, cancel: bool
) -> None:
    session = a_session(phase=phase)
    assert (session.final, session.watchable, session.occupies, session.can_cancel()) == (
        final,
        watchable,
        occupies,
        cancel,
    )
    assert (session.can_stop(), session.can_set_email(), session.ever_held) == (False, False, False)


def test_an_amount_needs_a_currency() -> None:
    session = a_session()
    assert (session.currency, session.money(100)) == (None, None)
    session = told([charging(1, "5.000", 345)])
    assert session.currency == "EUR"
    assert session.money(None) is None
    amount = session.money(100)
    assert amount is not None
    assert (amount.minor, amount.currency) == (100, "EUR")


def test_the_hold_is_the_one_that_was_shown_until_upstream_says_another() -> None:
    assert a_session().held_minor == 5000
    assert a_session(hold_minor=None).held_minor is None
    assert told([seen(1, "authorized", authorized_minor=4000)]).held_minor == 4000
    assert told([seen(1, "authorized", authorized_minor=0)]).held_minor == 0


@pytest.mark.parametrize("said", [{"authorized_minor": 5000}, {"authorized_at": T0}])
def test_a_hold_was_placed_when_upstream_says_its_amount_or_its_time(said: dict[str, Any]) -> None:
    assert not told([seen(1, "created")]).ever_held
    assert told([seen(1, "authorized", **said)]).ever_held


def test_no_secret_shows_in_a_repr() -> None:
    payment = PaymentContext("pi_1_secret_xyz", "pk_test_1", "acct_1")
    shown = repr(seen(1, "created", payment=payment, driver_email="driver@example.org")) + repr(a_session())
    for secret in ("secret", "xyz", "driver@", "nobody-guesses"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("secret", "intent"),
    [("pi_3Abc_secret_xyz", "pi_3Abc"), ("seti_3Abc_secret_xyz", None), ("pi_3Abc", None), ("", None)],
)
def test_the_payments_id_is_read_from_the_secret(secret: str, intent: str | None) -> None:
    assert PaymentContext(secret, "pk_test_1", "acct_1").intent_id == intent


@pytest.mark.parametrize(
    ("status", "capturable", "ended"),
    [("succeeded", 0, True), ("canceled", 0, True), ("requires_capture", 5000, False), ("succeeded", 100, False)],
)
def test_a_hold_has_ended_when_nothing_can_be_taken_any_more(status: str, capturable: int, ended: bool) -> None:
    assert HoldProof(T0, status, capturable, 0).ended is ended


def test_the_list_of_what_is_kept_is_complete() -> None:
    both = {f.name for f in fields(Observation)} & {f.name for f in fields(Session)}
    assert both - set(KEPT) == {"asked_at", "connector_id", "connector_status", "tariff", "captured_minor"}
