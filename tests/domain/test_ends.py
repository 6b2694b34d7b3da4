"""How a session ends: by upstream's word with all of its figures, by its amounts under a strange word, or by the
payment's own record. What is not told is not made up, and what was told is not taken back.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.money import Money
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import (
    READ_ON_FOR,
    STRANGE_KEEPS_BAY,
    Event,
    HoldProof,
    Observation,
    Phase,
    Refund,
    Session,
    Unsaid,
    fold,
    gone,
    with_proof,
)
from kiosk.domain.status import Group, Status
from kiosk.domain.tariff import Tariff

from .made import EURO, a_session, after, charging, seen

DAY = READ_ON_FOR.total_seconds()
WHOLE: dict[str, Any] = {
    "captured_minor": 947,
    "captured_at": after(620),
    "completed_at": after(600),
    "energy_kwh": Decimal("17.286"),
    "cost_minor": 947,
}


def told(*answers: Observation, session: Session | None = None) -> Session:
    session = session or a_session()
    for one in answers:
        session, _ = fold(session, one)
    return session


def ran(*answers: Observation) -> Session:
    """A session that was charging for ten minutes, and what was said of it then."""
    return told(seen(1, "created", tariff=EURO), charging(5, "1.000", 149), charging(300, "9.000", 541), *answers)


def captured(at: float = 630, status: str = "captured", **changed: Any) -> Observation:
    return seen(at, status, **(WHOLE | changed))


def proof(status: str, received: int, capturable: int = 0, at: float = 5000, **more: Any) -> HoldProof:
    return HoldProof(after(at), status, capturable, received, **more)


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def sent_back(session: Session) -> list[int]:
    made = receipt_of(session)
    assert made is not None
    return [one.amount.minor for one in made.sent_back]


# --- a final word without its figures


@pytest.mark.parametrize(
    ("status", "left_out", "missing"),
    [
        ("captured", "captured_minor", Unsaid.AMOUNT),
        ("captured", "captured_at", Unsaid.TIME),
        ("captured", "energy_kwh", Unsaid.ENERGY),
        ("refunded", "captured_minor", Unsaid.AMOUNT),
        ("refunded", "energy_kwh", Unsaid.ENERGY),
    ],
)
def test_an_end_without_one_of_its_figures_is_read_on_until_it_is_told(
    status: str, left_out: str, missing: Unsaid
) -> None:
    without: dict[str, Any] = {left_out: None}
    session, events = fold(ran(), captured(status=status, **without))
    assert Event.END_INCOMPLETE in events
    assert (session.final, session.incomplete, session.unsaid) == (False, True, frozenset({missing}))
    later, events = fold(session, captured(640, status))
    assert (later.final, later.incomplete, later.unsaid) == (True, False, frozenset())
    assert Event.END_INCOMPLETE not in events


def test_nobody_is_told_that_nothing_was_taken_while_an_amount_says_otherwise() -> None:
    session = ran(captured(status="no_charge"))
    assert (session.final, session.unsaid) == (False, frozenset({Unsaid.FREE_AND_TAKEN}))
    made = receipt_of(session)
    assert made is not None
    assert made.taken == euros(947)


def test_there_is_no_receipt_without_an_amount_before_a_day_has_passed() -> None:
    session = ran(captured(captured_minor=None))
    assert receipt_of(session) is None
    last, _ = fold(session, captured(630 + DAY - 1, captured_minor=None))
    assert (last.final, receipt_of(last)) == (False, None)
    over, _ = fold(last, captured(630 + DAY, captured_minor=None))
    made = receipt_of(over)
    assert over.final
    assert made is not None
    assert (made.taken, made.given_back, made.kept) == (None, None, None)


def test_an_end_that_upstream_forgets_before_it_told_all_stands_as_it_is() -> None:
    session = gone(ran(captured(captured_minor=None)), after(700), after(701))
    assert not session.final
    lost = gone(session, after(710), after(711))
    assert (lost.phase, lost.final, lost.watchable) == (Phase.GONE, True, False)
    assert lost.unsaid == {Unsaid.AMOUNT}


def test_a_figure_of_the_running_charge_is_not_that_of_its_end() -> None:
    made = receipt_of(ran(captured(energy_kwh=None)))
    assert made is not None
    assert (made.energy_kwh, made.last_figure) == (Decimal("9.000"), True)
    whole = receipt_of(ran(captured()))
    assert whole is not None
    assert not whole.last_figure


def test_a_null_after_a_whole_end_takes_nothing_back() -> None:
    session = told(captured(640, captured_minor=None, energy_kwh=None, captured_at=None), session=ran(captured()))
    assert (session.final, session.unsaid, session.captured_minor) == (True, frozenset(), 947)


def test_what_the_payments_record_says_completes_an_end() -> None:
    session = with_proof(ran(captured(captured_minor=None)), proof("succeeded", 947))
    assert (session.final, session.taken_minor, session.unsaid) == (True, 947, frozenset())


@given(st.lists(st.sampled_from([None, 0, 447, 947, 1200]), min_size=1, max_size=6), st.data())
def test_an_end_is_final_only_when_it_lacks_nothing_or_a_day_has_passed(
    amounts: list[int | None], data: st.DataObject
) -> None:
    session = ran()
    at = 630.0
    for amount in amounts:
        status = data.draw(st.sampled_from(["captured", "refunded", "settling"]))
        session, _ = fold(session, captured(at, status, captured_minor=amount))
        at += 60
        assert session.final == (session.end is not None and not session.unsaid)
        assert session.watchable


# --- upstream lost it, the payment's record ends it


@pytest.mark.parametrize("status", ["authorized", "charging", "stopping", "settling", "capture_failed"])
def test_a_session_that_is_lost_ends_by_the_payments_own_record(status: str) -> None:
    session = told(seen(400, status, energy_kwh=Decimal(10), cost_minor=590), session=ran())
    lost = gone(gone(session, after(700), after(701)), after(710), after(711))
    assert (lost.end, lost.final, lost.watchable) == (None, False, True)
    waiting = with_proof(lost, proof("requires_capture", 0, 5000))
    assert (waiting.end, waiting.final) == (None, False)
    taken = with_proof(lost, proof("succeeded", 947))
    made = receipt_of(taken)
    assert (taken.end, taken.final, taken.watchable) == (Status.CAPTURED, True, False)
    assert made is not None
    assert (made.taken, made.given_back, made.by_record) == (euros(947), euros(4053), True)
    assert made.last_figure
    released = receipt_of(with_proof(lost, proof("canceled", 0, canceled_at=after(4000))))
    assert released is not None
    assert (released.taken, released.given_back, released.given_back_at) == (euros(0), euros(5000), after(4000))


def test_the_payments_record_does_not_end_a_charge_that_goes_on() -> None:
    session = with_proof(ran(), proof("canceled", 0))
    assert (session.end, session.final, session.can_stop()) == (None, False, True)


def test_an_end_that_was_proven_is_not_lost_to_a_lesser_answer() -> None:
    session = with_proof(ran(captured()), proof("succeeded", 947))
    assert with_proof(session, proof("processing", 0, at=6000)) == session


def test_a_session_that_comes_back_after_its_payment_ended_is_upstreams_again() -> None:
    lost = replace(ran(), phase=Phase.GONE, proof=proof("succeeded", 947))
    session, events = fold(lost, captured())
    assert Event.CAME_BACK in events
    assert (session.end, session.by_record, session.taken_minor) == (Status.CAPTURED, False, 947)


def test_money_that_is_held_for_an_unpaid_session_counts_as_held() -> None:
    session = told(seen(1, "created", tariff=EURO), seen(900, "expired"))
    assert not session.ever_held
    late = with_proof(session, proof("requires_capture", 0, 5000))
    assert late.ever_held
    made = receipt_of(late)
    assert made is not None
    assert (made.taken, made.given_back, made.given_back_at) == (euros(0), None, None)
    taken = receipt_of(with_proof(session, proof("succeeded", 947)))
    assert taken is not None
    assert taken.taken == euros(947)


# --- strange words


@pytest.mark.parametrize(
    ("before", "group", "stop", "occupies"),
    [
        ("charging", Group.RUNNING, True, True),
        ("stopping", Group.RUNNING, False, True),
        ("settling", Group.SETTLING, False, False),
        ("requires_review", Group.OPERATOR, False, False),
    ],
)
def test_under_a_strange_word_the_duties_of_the_known_one_go_on(
    before: str, group: Group, stop: bool, occupies: bool
) -> None:
    session, events = fold(told(seen(400, before), session=ran()), seen(410, "suspended"))
    assert Event.STRANGE_STATUS in events
    assert (session.status, session.known_status, session.standing) == ("suspended", None, Status(before))
    assert (session.facts.group, session.can_stop(), session.occupies) == (group, stop, occupies)
    assert not session.final
    another, _ = fold(session, seen(420, "paused"))
    assert another.standing is Status(before)


def paid(status: str = "starting", **said: Any) -> Session:
    """One that was paid and that the charger was asked to start."""
    return told(seen(1, "created", tariff=EURO), seen(5, status, authorized_minor=5000, **said))


def test_a_start_under_a_strange_word_goes_on_being_a_start() -> None:
    session = told(seen(10, "optimising", connector_status="Preparing"), session=paid())
    assert (session.standing, session.can_cancel(), session.can_stop()) == (Status.STARTING, True, False)


@pytest.mark.parametrize(
    "said",
    [
        {"energy_kwh": Decimal("0.010")},
        {"charging_started_at": after(8)},
        {"connector_status": "Charging"},
        {"connector_status": "SuspendedEV"},
        {"connector_status": "SuspendedEVSE"},
    ],
)
def test_under_a_strange_word_a_charge_that_has_plainly_begun_is_one(said: dict[str, Any]) -> None:
    session = told(seen(10, "optimising", **said), session=paid())
    assert (session.known_status, session.standing, session.facts.group) == (None, Status.CHARGING, Group.RUNNING)
    assert (session.can_cancel(), session.can_stop()) == (False, True)


def test_under_a_strange_word_right_after_the_start_the_meter_is_followed() -> None:
    told_so = [seen(at, "optimising", energy_kwh=Decimal(at) / 100, cost_minor=100 + at) for at in (10, 70, 130)]
    session = told(*told_so, session=paid())
    assert [point.energy_kwh for point in session.trace.points] == [Decimal("0.1"), Decimal("0.7"), Decimal("1.3")]
    assert session.last_live is not None
    assert session.last_live.cost_minor == 230


def test_before_a_hold_the_connectors_word_may_be_about_anybody() -> None:
    session = told(seen(1, "created", tariff=EURO), seen(10, "optimising", connector_status="Charging"))
    assert session.standing is Status.CREATED
    charges = told(seen(11, "optimising", energy_kwh=Decimal("0.100")), session=session)
    assert (charges.standing, charges.held_seen_at) == (Status.CHARGING, after(11))


@pytest.mark.parametrize(("status", "received", "end"), [("succeeded", 65, "captured"), ("canceled", 0, "no_charge")])
def test_under_a_strange_word_the_payments_own_record_ends_it(status: str, received: int, end: str) -> None:
    session = told(seen(400, "optimising"), session=ran())
    assert with_proof(session, proof("requires_capture", 0, 5000)).end is None
    ended = with_proof(session, proof(status, received))
    assert (ended.end, ended.taken_minor, ended.occupies) == (Status(end), received, False)


def test_under_a_strange_word_the_figures_of_a_charge_still_count() -> None:
    session = ran(charging(310, "9.500", 566), replace(charging(320, "10.000", 590), status="suspended"))
    assert session.trace.points[-1].energy_kwh == Decimal("10.000")
    assert session.last_live is not None
    assert session.last_live.cost_minor == 590


@pytest.mark.parametrize("said", [{"completed_at": after(600)}, {"captured_at": after(620)}])
@pytest.mark.parametrize("before", ["created", "starting", "charging", "stopping"])
def test_a_strange_word_that_is_an_end_keeps_no_bay_and_offers_no_stop(before: str, said: dict[str, Any]) -> None:
    session = told(seen(400, before), seen(630, "partially_refunded", **said), session=ran())
    assert (session.occupies, session.can_stop(), session.can_cancel()) == (False, False, False)
    assert (session.facts.group, session.final) == (Group.SETTLING, False)


def test_a_strange_word_keeps_a_bay_for_half_a_day_at_most() -> None:
    long = STRANGE_KEEPS_BAY.total_seconds()
    session = ran(seen(400, "suspended"), seen(400 + long - 1, "suspended"))
    assert session.occupies
    later, _ = fold(session, seen(400 + long, "suspended"))
    assert not later.occupies
    assert later.can_stop(), "if it still charges, its driver may still stop it"


def test_a_strange_word_beside_a_captured_amount_has_a_receipt_and_is_read_for_a_day() -> None:
    session = ran(seen(600, "settling"), captured(630, "partially_refunded"))
    made = receipt_of(session)
    assert made is not None
    assert (session.end, session.final, made.taken) == (Status.CAPTURED, False, euros(947))
    over, _ = fold(session, captured(630 + DAY, "partially_refunded"))
    assert over.final


def test_a_strange_word_after_an_end_leaves_the_end() -> None:
    session = told(seen(900, "archived"), session=ran(captured()))
    assert (session.end, session.occupies, session.captured_minor) == (Status.CAPTURED, False, 947)


def test_a_strange_word_hides_no_step_back() -> None:
    _, events = fold(ran(captured(status="settling"), seen(640, "odd")), charging(650, "9.000", 541))
    assert Event.STATUS_WENT_BACK in events


# --- refunds


def test_what_was_captured_stays_and_the_difference_was_sent_back() -> None:
    first = with_proof(ran(captured()), proof("succeeded", 947, at=640))
    session, events = fold(first, captured(9000, captured_minor=447))
    assert Event.REFUNDED in events
    made = receipt_of(session)
    assert made is not None
    assert (made.taken, made.given_back, made.kept) == (euros(947), euros(4053), euros(447))
    assert [(one.amount, one.at) for one in made.sent_back] == [(euros(500), after(9000))]
    assert made.given_back_at is not None, "a proof once had is not lost"


def test_several_refunds_have_a_line_each() -> None:
    answers = [captured(at, captured_minor=minor) for at, minor in ((1000, 747), (2000, 747), (3000, 447), (4000, 0))]
    session = ran(captured(), *answers)
    assert sent_back(session) == [200, 300, 447]
    assert [one.seen_at for one in session.refunds] == [after(1000), after(3000), after(4000)]


@pytest.mark.parametrize("left", [947, None, 0])
def test_a_refund_of_everything_is_one_whatever_stays_in_the_amount(left: int | None) -> None:
    refunded = captured(9000, "refunded", captured_minor=left)
    session = ran(captured(), refunded, replace(refunded, asked_at=after(9100), seen_at=after(9100)))
    assert (session.final, session.captured_minor, sent_back(session)) == (True, 947, [947])


def test_a_refund_of_what_was_left_after_a_part_is_counted_once() -> None:
    for left in (447, 947, 0, None):
        session = ran(captured(), captured(9000, captured_minor=447), captured(9900, "refunded", captured_minor=left))
        assert sent_back(session) == [500, 447], left


def test_an_amount_that_is_left_under_the_word_refunded_was_not_sent_back() -> None:
    refunded = captured(9000, "refunded", captured_minor=447)
    session = ran(captured(), refunded, replace(refunded, asked_at=after(9100), seen_at=after(9100)))
    assert sent_back(session) == [500]


def test_a_refund_that_upstream_takes_back_is_none() -> None:
    session = ran(captured(), captured(1000, captured_minor=447), captured(2000))
    assert session.refunds == ()
    part = ran(captured(), captured(1000, captured_minor=447), captured(2000, captured_minor=847))
    assert sent_back(part) == [100]


def test_what_is_left_of_a_refund_alone_does_not_say_what_was_taken() -> None:
    session = ran(captured(status="refunded", captured_minor=0))
    assert (session.unsaid, session.taken_minor) == (frozenset({Unsaid.AMOUNT}), None)
    known = with_proof(session, proof("succeeded", 947, refunded_minor=947, refunded_at=after(900)))
    assert (known.taken_minor, sent_back(known)) == (947, [947])


def test_a_refund_that_only_the_payments_record_knows_stands_beside_upstreams() -> None:
    session = ran(captured(), captured(1000, captured_minor=747))
    known = with_proof(session, proof("succeeded", 947, refunded_minor=500, refunded_at=after(3000)))
    made = receipt_of(known)
    assert made is not None
    assert [(one.amount.minor, one.at, one.by_record) for one in made.sent_back] == [
        (200, after(1000), False),
        (300, after(3000), True),
    ]


def test_how_much_was_sent_back_is_the_records_word_when_upstream_gives_no_figure() -> None:
    session = ran(captured(), captured(9000, "refunded"))
    older = with_proof(session, proof("succeeded", 947, at=700, refunded_minor=0))
    assert sent_back(older) == [947], "a record from before the refund says nothing of it"
    newer = with_proof(session, proof("succeeded", 947, at=9100, refunded_minor=500))
    assert sent_back(newer) == [500]


@given(st.lists(st.none() | st.integers(0, 1200), max_size=8), st.lists(st.booleans(), min_size=8, max_size=8))
def test_never_more_is_sent_back_than_was_taken_and_what_was_taken_never_falls(
    amounts: list[int | None], refunded: list[bool]
) -> None:
    session, most = ran(captured()), 947
    for number, amount in enumerate(amounts):
        status = "refunded" if refunded[number] else "captured"
        session, _ = fold(session, captured(1000 + number, status, captured_minor=amount))
        most = max(most, amount or 0)
        assert session.captured_minor == most
        made = receipt_of(session)
        assert made is not None
        assert made.kept is not None
        assert sum(one.amount.minor for one in made.sent_back) + made.kept.minor == most
        assert all(one.amount.minor > 0 for one in made.sent_back)
        if amount is not None and not refunded[number]:
            assert made.kept.minor == amount


# --- another price, another currency


def test_amounts_of_an_answer_in_another_currency_are_not_amounts_of_this_session() -> None:
    krone = Tariff("DKK", 350, 100)
    session, events = fold(ran(), captured(tariff=krone))
    assert {Event.TARIFF_CHANGED, Event.OTHER_CURRENCY} <= set(events)
    assert (session.tariff, session.later_tariff) == (EURO, krone)
    assert (session.captured_minor, session.cost_minor, session.final) == (None, 541, False)


def test_another_currency_that_stays_is_noticed_once() -> None:
    krone = Tariff("DKK", 350, 100)
    once, _ = fold(ran(), captured(tariff=krone))
    twice, events = fold(once, captured(640, tariff=krone))
    assert events == ()
    assert (twice.captured_minor, twice.later_tariff) == (None, krone)


def test_nothing_more_is_sent_back_than_was_taken() -> None:
    told_back = (Refund(947, after(700)), Refund(None, after(800)))
    made = receipt_of(replace(ran(captured()), refunds=told_back))
    assert made is not None
    assert [one.amount.minor for one in made.sent_back] == [947]


def test_a_start_that_names_no_price_keeps_the_one_that_was_shown() -> None:
    shown = a_session(tariff=EURO)
    session = told(seen(1, "created"), charging(5, "1.000", 149, tariff=Tariff("EUR", 79, 100)), session=shown)
    assert (session.tariff, session.later_tariff) == (EURO, Tariff("EUR", 79, 100))


def test_when_a_card_gives_its_hold_back_is_not_forgotten_because_a_later_record_does_not_say_it() -> None:
    told = replace(proof("requires_capture", 0, 5000), capture_before=after(500_000))
    known = with_proof(with_proof(ran(captured()), told), proof("requires_capture", 0, 5000))
    assert known.proof is not None
    assert known.proof.capture_before == after(500_000)


def test_a_strange_word_beside_amount_and_time_is_final_whatever_the_payments_own_record_says() -> None:
    told_all = replace(captured(), status="archived")
    session = told(told_all, session=ran())
    proven = with_proof(session, proof("succeeded", 947))
    for each in (session, proven):
        assert (each.end, each.by_record) == (Status.CAPTURED, False)
        days_later = told(replace(told_all, seen_at=after(3 * 86_400)), session=each)
        assert days_later.final, "a word that is never explained is not read for ever"
    made = receipt_of(proven)
    assert made is not None
    assert (made.taken, made.by_record) == (euros(947), False)
