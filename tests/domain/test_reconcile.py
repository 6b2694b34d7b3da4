"""The kiosk's charges against the charger's transactions: every planted difference is found, and none is invented."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.money import Money
from kiosk.domain.reconcile import (
    SAME_BEGIN,
    SAME_KWH,
    SLACK,
    Charge,
    Line,
    Reason,
    State,
    charge_of,
    reconcile,
    sums_of,
)
from kiosk.domain.session import HoldProof, Phase, Refund
from kiosk.domain.site_board import ChargerRef, SiteTransaction

from .made import BEGAN, CODE, CODES, ENDED, EURO, T0, a_session, after
from .made import a_transaction as transaction

BILL = EURO.example(Decimal("7.94")).minor


def euro(minor: int) -> Money:
    return Money(minor, "EUR")


def charge(key: str = "k", begin: float = BEGAN, **more: Any) -> Charge:
    made = Charge(
        key=key,
        mark=f"m{key}",
        code=CODE,
        connector_id=1,
        begun_at=after(begin),
        sure_begin=True,
        ended_at=after(begin + ENDED - BEGAN),
        goes_on=False,
        energy_kwh=Decimal("7.94"),
        tariff=EURO,
        held=euro(5000),
        taken=euro(BILL),
        sent_back=euro(0),
        recorded=euro(BILL),
        recorded_back=euro(0),
        expected=True,
    )
    return replace(made, **more)


def only(charges: list[Charge], transactions: list[SiteTransaction], **more: Any) -> Line:
    (line,) = reconcile(charges, transactions, CODES, **more)
    return line


def test_a_charge_and_its_transaction_agree() -> None:
    line = only([charge()], [transaction()], records=True)
    assert (line.state, line.reasons, line.score) == (State.AGREES, (), 99)
    assert (line.amount, line.energy_kwh, line.explained) == (euro(0), Decimal(0), True)


DIFFERENCES: list[tuple[str, dict[str, Any], dict[str, Any], set[Reason], int | None, str | None]] = [
    ("the meter counted more", {}, {"meter_stop_wh": 38_253}, {Reason.ENERGY, Reason.TOTAL}, 49, "0.996"),
    (
        "the back office's total is another one",
        {"energy_kwh": Decimal("7.90"), "taken": euro(487), "recorded": euro(487)},
        {"reported_kwh": Decimal("7.00")},
        {Reason.ENERGY, Reason.TOTAL},
        2,
        "0.036",
    ),
    ("the end is an hour apart", {}, {"stopped_at": after(ENDED + 3600)}, {Reason.TIME}, 0, "0"),
    ("other amount at Stripe", {"recorded": euro(BILL - 100)}, {}, {Reason.AMOUNT}, 100, "0"),
    ("no payment at Stripe", {"recorded": None}, {}, {Reason.NO_RECORD}, BILL, "0"),
    ("a refund at Stripe alone", {"recorded_back": euro(200)}, {}, {Reason.REFUND}, 200, "0"),
    ("a refund here alone", {"sent_back": euro(150)}, {}, {Reason.REFUND}, 150, "0"),
    (
        "taken without energy",
        {"energy_kwh": Decimal(0)},
        {"meter_stop_wh": 29_317, "reported_kwh": Decimal(0)},
        {Reason.TAKEN_WITHOUT_ENERGY},
        BILL,
        "0",
    ),
    (
        "energy without taking",
        {"taken": euro(0), "recorded": euro(0)},
        {},
        {Reason.ENERGY_WITHOUT_TAKING},
        BILL,
        "7.936",
    ),
    ("above the hold", {"held": euro(BILL - 50)}, {}, {Reason.ABOVE_HOLD}, 50, "0"),
    ("another price", {"taken": euro(BILL + 80), "recorded": euro(BILL + 80)}, {}, {Reason.PRICE}, 80, "0"),
    ("no amount was told", {"taken": None, "recorded": None}, {}, {Reason.NO_AMOUNT}, None, "0"),
    ("no energy was told", {"energy_kwh": None}, {}, {Reason.NO_ENERGY}, BILL, None),
    ("no meter stands", {}, {"meter_stop_wh": None}, {Reason.NO_METER}, BILL, None),
    ("the register ran backwards", {}, {"meter_stop_wh": 20_000}, {Reason.NO_METER}, BILL, None),
    ("the back office calls it invalid", {}, {"is_valid": False}, {Reason.INVALID}, 0, "0"),
]


@pytest.mark.parametrize(("ours", "theirs", "reasons", "amount", "energy"), [row[1:] for row in DIFFERENCES])
def test_a_difference_is_found_with_its_reason_and_what_it_is_worth(
    ours: dict[str, Any], theirs: dict[str, Any], reasons: set[Reason], amount: int | None, energy: str | None
) -> None:
    line = only([charge(**ours)], [transaction(**theirs)], records=True)
    assert (line.state, set(line.reasons)) == (State.DIFFERS, reasons)
    assert line.amount == (None if amount is None else euro(amount))
    assert line.energy_kwh == (None if energy is None else Decimal(energy))
    assert not line.explained


def test_a_total_of_the_back_office_that_its_own_meters_do_not_make_is_told_and_is_no_difference() -> None:
    line = only([charge()], [transaction(reported_kwh=Decimal("7.00"))])
    assert (line.state, line.reasons) == (State.AGREES, (Reason.TOTAL,))


def test_without_a_provider_that_is_asked_no_record_is_missing() -> None:
    assert only([charge(recorded=None, recorded_back=None)], [transaction()]).state is State.AGREES


def test_a_bill_that_was_cut_at_the_hold_agrees() -> None:
    cut = euro(300)
    assert only([charge(held=cut, taken=cut, recorded=cut)], [transaction()], records=True).state is State.AGREES


def test_energy_that_is_free_needs_no_taking() -> None:
    free = replace(EURO, price_per_kwh_minor=0, start_fee_minor=0)
    line = only([charge(tariff=free, taken=euro(0), recorded=euro(0))], [transaction()], records=True)
    assert line.state is State.AGREES


def test_a_charge_without_a_transaction_is_only_here_with_all_of_its_money_and_energy() -> None:
    line = only([charge()], [])
    assert (line.state, line.reasons) == (State.ONLY_HERE, (Reason.NO_TRANSACTION,))
    assert (line.amount, line.energy_kwh, line.score) == (euro(BILL), Decimal("7.94"), 0)


def test_a_transaction_without_a_charge_is_only_there_and_what_it_is_worth_is_unknown() -> None:
    line = only([], [transaction()])
    assert (line.state, line.reasons) == (State.ONLY_THERE, (Reason.NO_SESSION,))
    assert (line.amount, line.energy_kwh, line.code) == (None, Decimal("7.936"), CODE)
    assert line.at == after(ENDED + 3)


def test_a_start_that_came_to_nothing_misses_nothing() -> None:
    nothing = charge(expected=False, energy_kwh=None, taken=euro(0), recorded=None, tariff=EURO, recorded_back=None)
    line = only([nothing], [], records=True)
    assert (line.state, line.reasons) == (State.AGREES, (Reason.NOTHING_CHARGED,))


def test_energy_that_flowed_although_the_start_came_to_nothing_is_found() -> None:
    nothing = charge(expected=False, sure_begin=False, energy_kwh=None, taken=euro(0), recorded=None)
    line = only([nothing], [transaction()])
    assert (line.state, set(line.reasons)) == (State.DIFFERS, {Reason.NO_ENERGY, Reason.ENERGY_WITHOUT_TAKING})
    assert (line.energy_kwh, line.amount) == (Decimal("7.936"), euro(BILL))
    other = only([replace(nothing, energy_kwh=Decimal(0))], [transaction()])
    assert set(other.reasons) == {Reason.ENERGY, Reason.ENERGY_WITHOUT_TAKING}
    assert (other.energy_kwh, other.amount) == (Decimal("7.936"), euro(BILL))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([charge(goes_on=True, ended_at=None, taken=None)], [transaction(active=True, stopped_at=None)]),
        ([charge(goes_on=True, ended_at=None, taken=None)], []),
        ([], [transaction(active=True, stopped_at=None, meter_stop_wh=None)]),
        ([charge()], [transaction(active=True, stopped_at=None, meter_stop_wh=None)]),
    ],
)
def test_what_goes_on_says_nothing_yet(ours: list[Charge], theirs: list[SiteTransaction]) -> None:
    line = only(ours, theirs)
    assert (line.state, line.reasons, line.explained) == (State.GOES_ON, (Reason.GOES_ON,), True)


def test_a_line_that_was_set_aside_is_explained_until_its_pair_changes() -> None:
    line = only([charge()], [])
    assert only([charge()], [], aside={line.id}).state is State.SET_ASIDE
    assert only([charge()], [], aside={line.id}).explained
    different = only([charge()], [transaction(meter_stop_wh=40_000)], aside={line.id})
    assert different.state is State.DIFFERS


def test_what_agrees_cannot_be_set_aside() -> None:
    line = only([charge()], [transaction()])
    assert only([charge()], [transaction()], aside={line.id}).state is State.AGREES


# --- who belongs to whom


def test_two_charges_within_a_minute_at_one_connector_find_their_own() -> None:
    first = charge("a", 0.0, ended_at=after(30), energy_kwh=Decimal("0.10"))
    second = charge("b", 60.0, energy_kwh=Decimal("7.94"))
    theirs = [
        transaction(1, 0.0, stopped_at=after(31), meter_stop_wh=29_417, reported_kwh=Decimal("0.10")),
        transaction(2, 60.0),
    ]
    lines = reconcile([second, first], theirs, CODES)
    assert {line.charge.key: line.transaction.id for line in lines if line.charge and line.transaction} == {
        "a": 1,
        "b": 2,
    }


def test_a_clock_that_is_an_hour_off_is_found_as_a_difference_of_time() -> None:
    line = only([charge()], [transaction(begin=BEGAN + 3600)])
    assert (line.state, line.reasons) == (State.DIFFERS, (Reason.TIME,))


def test_a_charge_over_midnight_and_over_the_change_of_the_clock_agrees() -> None:
    night = 5 * 3600.0  # absolute times know neither
    line = only([charge(begin=night)], [transaction(begin=night)])
    assert line.state is State.AGREES


def test_another_car_an_hour_later_is_not_taken_for_this_one() -> None:
    later = transaction(begin=BEGAN + 3600, meter_stop_wh=50_000, stopped_at=after(9000))
    assert [line.state for line in reconcile([charge()], [later], CODES)] == [State.ONLY_HERE, State.ONLY_THERE]


def test_the_very_same_beginning_is_enough() -> None:
    cut_short = transaction(stopped_at=after(5000), meter_stop_wh=50_000)
    line = only([charge()], [cut_short])
    assert set(line.reasons) == {Reason.TIME, Reason.ENERGY, Reason.TOTAL}
    apart = SAME_BEGIN.total_seconds() + 5
    late = replace(cut_short, started_at=after(BEGAN + apart))
    assert len(reconcile([charge()], [late], CODES)) == 2


def test_of_two_that_fit_the_nearer_is_taken_and_the_doubt_is_told() -> None:
    near, far = transaction(1), transaction(2, begin=BEGAN + 60)
    lines = reconcile([charge()], [far, near], CODES)
    assert [line.transaction.id for line in lines if line.charge and line.transaction] == [1]
    assert lines[0].reasons == (Reason.TWO_FIT,)
    assert [line.state for line in lines] == [State.AGREES, State.ONLY_THERE]


@pytest.mark.parametrize(
    "changed",
    [
        {"connector_id": 2},
        {"connector_id": None},
        {"charger": None},
        {"charger": ChargerRef("ffff", 8, "CP-2")},
        {"charger": ChargerRef("none of ours", 8, "CP-2")},
        {"charger": ChargerRef(None, 7, "CP-1")},
        {"started_at": None, "stopped_at": None},
        {"started_at": after(BEGAN + 40_000), "stopped_at": after(ENDED + 40_000)},
    ],
)
def test_a_transaction_of_another_bay_or_of_no_time_is_nobodys(changed: dict[str, Any]) -> None:
    lines = reconcile([charge()], [transaction(**changed)], CODES)
    assert {line.state for line in lines} == {State.ONLY_HERE, State.ONLY_THERE}


def test_one_without_a_beginning_is_found_by_its_end_and_its_energy() -> None:
    assert only([charge()], [transaction(started_at=None)]).state is State.AGREES


def test_an_energy_that_agrees_is_not_enough_when_the_end_is_not_known() -> None:
    lines = reconcile([charge(ended_at=None)], [transaction(begin=BEGAN + 3600)], CODES)
    assert len(lines) == 2


def test_somebody_elses_card_is_told_apart_once_the_public_tag_is_known() -> None:
    day = 6 * 3600.0
    charges = [charge(f"c{n}", n * day) for n in range(3)]
    own = [transaction(n, n * day) for n in range(3)]
    stranger = transaction(9, 3 * day, id_tag="EMPLOYEE")
    last = reconcile(charges, [*own, stranger], CODES)[-1]
    assert last.reasons == (Reason.NO_SESSION, Reason.OTHER_TAG)
    assert last.explained
    assert last.energy_kwh == 0
    same = reconcile(charges, [*own, replace(stranger, id_tag="PUBLIC")], CODES)[-1]
    assert not same.explained
    unknown = reconcile(charges, [*own, replace(stranger, id_tag=None)], CODES)[-1]
    assert not unknown.explained
    few = reconcile(charges[:2], [*own[:2], stranger], CODES)[-1]
    assert not few.explained
    nameless = [*own[:2], replace(own[2], id_tag=None)]
    assert not reconcile(charges, [*nameless, stranger], CODES)[-1].explained


def test_of_a_number_that_comes_twice_the_row_that_ended_counts() -> None:
    running = transaction(active=True, stopped_at=None, meter_stop_wh=None)
    assert only([charge()], [running, transaction()]).state is State.AGREES
    assert only([charge()], [transaction(), running]).state is State.AGREES


def test_of_a_session_that_is_read_twice_the_reading_that_ended_counts() -> None:
    running = charge(goes_on=True, ended_at=None, taken=None)
    assert only([running, charge()], [transaction()]).state is State.AGREES
    assert only([charge(), running], [transaction()]).state is State.AGREES


def test_amounts_of_another_currency_than_the_price_are_not_counted_together() -> None:
    odd = Money(BILL, "CHF")
    line = only([charge(taken=odd, recorded=odd, held=None, sent_back=None, recorded_back=None)], [transaction()])
    assert (line.reasons, line.amount) == ((Reason.PRICE,), None)


# --- from a session


def session(**more: Any) -> Any:
    facts: dict[str, Any] = {
        "key": "secret-key",
        "code": CODE,
        "phase": Phase.OPEN,
        "status": "captured",
        "tariff": EURO,
        "authorized_minor": 5000,
        "authorized_at": after(30),
        "charging_started_at": after(BEGAN),
        "completed_at": after(ENDED),
        "status_since": after(ENDED + 20),
        "energy_kwh": Decimal("7.94"),
        "captured_minor": BILL,
    }
    return a_session(**(facts | more))


def proof(**more: Any) -> HoldProof:
    facts: dict[str, Any] = {
        "checked_at": after(ENDED + 60),
        "intent_status": "succeeded",
        "capturable_minor": 0,
        "received_minor": BILL,
        "refunded_minor": 0,
    }
    return HoldProof(**(facts | more))


def test_a_session_becomes_a_charge_without_showing_its_key() -> None:
    made = charge_of(session(proof=proof()), "mark", "pi_1")
    assert made == charge(
        "secret-key", mark="mark", energy_kwh=Decimal("7.94"), begun_at=after(BEGAN), intent_id="pi_1"
    )
    assert "secret-key" not in repr(made)


def test_what_never_came_to_a_session_is_no_charge() -> None:
    assert charge_of(session(phase=Phase.QUEUED, status=None), "mark") is None
    assert charge_of(session(phase=Phase.REFUSED, status=None), "mark") is None


def test_a_session_that_goes_on_has_no_amount_yet() -> None:
    made = charge_of(session(status="charging", completed_at=None, captured_minor=None), "mark")
    assert made is not None
    assert made.goes_on
    assert made.taken is None
    assert made.ended_at is None
    assert made.expected


def test_a_session_without_an_energy_that_was_never_paid_expects_no_transaction() -> None:
    made = charge_of(
        session(
            status="expired",
            authorized_minor=None,
            authorized_at=None,
            charging_started_at=None,
            completed_at=None,
            energy_kwh=None,
            captured_minor=None,
        ),
        "mark",
    )
    assert made is not None
    assert not made.expected
    assert made.taken == euro(0)
    assert made.begun_at == T0 - timedelta(hours=3)
    assert made.ended_at == after(ENDED + 20)


def test_refunds_are_summed_and_one_without_an_amount_is_everything() -> None:
    some = charge_of(session(refunds=(Refund(100, after(9000)), Refund(50, after(9100)))), "mark")
    assert some is not None
    assert some.sent_back == euro(150)
    all_of_it = charge_of(session(refunds=(Refund(None, after(9000)),)), "mark")
    assert all_of_it is not None
    assert all_of_it.sent_back == euro(BILL)


def test_a_record_that_does_not_stand_still_says_nothing() -> None:
    made = charge_of(session(proof=proof(intent_status="processing")), "mark")
    assert made is not None
    assert made.recorded is None


# --- whatever comes

moments = st.one_of(st.none(), st.integers(0, 400).map(lambda minutes: after(minutes * 60.0)))
kwh = st.one_of(st.none(), st.integers(0, 3000).map(lambda hundredths: Decimal(hundredths) / 100))
money = st.one_of(st.none(), st.integers(0, 6000).map(euro))
charges = st.builds(
    charge,
    key=st.integers(0, 12).map(str),
    begin=st.integers(0, 20_000).map(float),
    connector_id=st.integers(1, 2),
    ended_at=moments,
    goes_on=st.booleans(),
    energy_kwh=kwh,
    taken=money,
    held=money,
    recorded=money,
    recorded_back=money,
    sent_back=money,
    expected=st.booleans(),
    sure_begin=st.booleans(),
)
watt_hours = st.one_of(st.none(), st.integers(0, 60_000))
transactions = st.builds(
    transaction,
    number=st.integers(1, 12),
    connector_id=st.one_of(st.none(), st.integers(1, 2)),
    id_tag=st.sampled_from([None, "PUBLIC", "X"]),
    active=st.booleans(),
    started_at=moments,
    stopped_at=moments,
    meter_start_wh=watt_hours,
    meter_stop_wh=watt_hours,
    reported_kwh=kwh,
    is_valid=st.sampled_from([None, True, False]),
)


@given(st.lists(charges, max_size=10), st.lists(transactions, max_size=10), st.randoms(), st.booleans())
def test_the_order_of_the_rows_does_not_matter(
    ours: list[Charge], theirs: list[SiteTransaction], chance: random.Random, records: bool
) -> None:
    before = reconcile(ours, theirs, CODES, records=records)
    mixed, also = ours[:], theirs[:]
    chance.shuffle(mixed)
    chance.shuffle(also)
    assert reconcile(mixed, also, CODES, records=records) == before


@given(st.lists(charges, max_size=10), st.lists(transactions, max_size=10))
def test_every_row_is_used_exactly_once(ours: list[Charge], theirs: list[SiteTransaction]) -> None:
    lines = reconcile(ours, theirs, CODES)
    keys = Counter(line.charge.key for line in lines if line.charge is not None)
    numbers = Counter(line.transaction.id for line in lines if line.transaction is not None)
    assert keys == dict.fromkeys({one.key for one in ours}, 1)
    assert numbers == dict.fromkeys({one.id for one in theirs}, 1)
    assert len({line.id for line in lines}) == len(lines)


@given(st.lists(charges, max_size=10), st.lists(transactions, max_size=10), st.integers(0, 20))
def test_the_sums_of_any_split_are_the_sums_of_all(ours: list[Charge], theirs: list[SiteTransaction], cut: int) -> None:
    lines = reconcile(ours, theirs, CODES, records=True)
    whole, first, second = sums_of(lines), sums_of(lines[:cut]), sums_of(lines[cut:])
    for name in ("taken", "sent_back", "unexplained", "lines"):
        assert Counter(getattr(first, name)) + Counter(getattr(second, name)) == Counter(getattr(whole, name)), name
    for name in (
        "open_lines",
        "unexplained_kwh",
        "unknown_amounts",
        "energy_here",
        "by_meter",
        "without_meter",
        "reported",
    ):
        assert getattr(first, name) + getattr(second, name) == getattr(whole, name), name
    assert sum(whole.lines.values()) == len(lines)
    told = [one for one in {one.id: one for one in _last_rows(lines)}.values() if one.energy_kwh() is not None]
    assert whole.by_meter == sum((one.energy_kwh() or Decimal(0)) for one in told)


def _last_rows(lines: tuple[Line, ...]) -> list[SiteTransaction]:
    return [line.transaction for line in lines if line.transaction is not None]


@given(st.lists(charges, max_size=8), st.lists(transactions, max_size=8))
def test_what_is_explained_leaves_nothing_open_and_what_is_not_has_a_reason(
    ours: list[Charge], theirs: list[SiteTransaction]
) -> None:
    for line in reconcile(ours, theirs, CODES, records=True):
        if line.state is State.AGREES:
            assert line.energy_kwh == 0
            assert line.amount is None or line.amount.minor == 0
        else:
            assert line.reasons
        assert line.amount is None or line.amount.minor >= 0
        assert line.energy_kwh is None or line.energy_kwh >= 0
        assert 0 <= line.score <= 100


def test_a_month_with_planted_differences_finds_all_of_them_and_invents_none() -> None:
    charges_of_month, transactions_of_month, planted = [], [], {}
    for number in range(600):
        begin = number * 3900.0 + number * 37 % 300
        ours: dict[str, Any] = {}
        theirs: dict[str, Any] = {}
        if number % 40 == 7:
            _, ours, theirs, reasons, _, _ = DIFFERENCES[number // 40 % len(DIFFERENCES)]
            planted[f"s{number}"] = reasons
        shift = begin - BEGAN
        moved = {
            name: value + timedelta(seconds=shift) if name in {"started_at", "stopped_at"} else value
            for name, value in theirs.items()
        }
        charges_of_month.append(charge(f"s{number}", begin, **ours))
        transactions_of_month.append(transaction(number, begin, **moved))
    lines = reconcile(charges_of_month, transactions_of_month, CODES, records=True)
    found = {line.charge.key: set(line.reasons) for line in lines if line.charge and not line.explained}
    assert found == planted
    assert len(planted) >= 12


def test_the_constants_leave_room_for_honest_clocks_and_roundings_only() -> None:
    assert only([charge()], [transaction(meter_stop_wh=37_253 + 20)]).state is State.AGREES
    assert Decimal("0.02") == SAME_KWH
    edge = charge(begin=BEGAN, ended_at=after(ENDED) + SLACK + timedelta(seconds=3))
    assert only([edge], [transaction()]).state is State.AGREES
