"""The receipt: figures that agree with each other and with upstream, and nothing that nobody said."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.bill import Adjustment, Why
from kiosk.domain.money import Money, step_minor
from kiosk.domain.receipt import LastReading, Receipt, receipt_of, still_held
from kiosk.domain.session import HoldProof, LiveFigures, Phase, Session, fold
from kiosk.domain.status import FINAL, Status
from kiosk.domain.tariff import Component, Tariff

from .made import EURO, a_session, after, charging, energies, minors, seen, tariffs, words

TAKES_NOTHING = ["no_charge", "expired", "failed", "abandoned", "written_off"]
ROUNDINGS = [ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING]


def ended(status: str = "captured", **known: Any) -> Session:
    facts: dict[str, Any] = {
        "phase": Phase.OPEN,
        "status": status,
        "tariff": EURO,
        "authorized_minor": 5000,
        "authorized_at": after(0),
        "charging_started_at": after(10),
        "completed_at": after(3610),
        "captured_at": after(3620),
        "energy_kwh": Decimal("20.000"),
        "captured_minor": 1080,
        "tax_minor": 172,
    }
    return a_session(**(facts | known))


def receipt(session: Session) -> Receipt:
    made = receipt_of(session)
    assert made is not None
    return made


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


maybe_minor = st.none() | minors
proofs = st.none() | st.builds(
    HoldProof,
    st.just(after(4000)),
    st.sampled_from(["succeeded", "canceled", "requires_capture", "processing"]),
    st.sampled_from([0, 0, 0, 5000]),
    minors,
    st.none() | st.just(after(3630)),
)
sessions = st.builds(
    ended,
    words,
    tariff=tariffs,
    authorized_minor=maybe_minor,
    authorized_at=st.none() | st.just(after(0)),
    captured_minor=maybe_minor,
    captured_at=st.none() | st.just(after(3620)),
    tax_minor=maybe_minor,
    energy_kwh=st.none() | energies,
    proof=proofs,
    last_live=st.none() | st.builds(LiveFigures, st.none() | energies, maybe_minor, st.just(after(3600))),
)


@given(sessions)
def test_a_receipt_exists_exactly_when_the_end_is_known(session: Session) -> None:
    assert (receipt_of(session) is not None) == (session.end is not None)
    assert session.known_status not in FINAL or session.end is session.known_status


@given(sessions)
def test_held_is_taken_and_given_back(session: Session) -> None:
    made = receipt_of(session)
    if made is None:
        return
    if made.held is not None and made.taken is not None:
        if made.taken.minor > made.held.minor:
            assert (made.given_back, made.over) == (None, made.taken - made.held)
        elif made.given_back is None:
            assert still_held(session)
        else:
            assert made.held == made.taken + made.given_back
            assert made.given_back.minor >= 0
    else:
        assert made.given_back is None


@given(sessions)
def test_lines_and_a_named_difference_add_up_to_what_was_taken(session: Session) -> None:
    made = receipt_of(session)
    if made is None or made.taken is None:
        return
    total = sum(line.amount.minor for line in made.lines)
    if made.adjustment is not None:
        assert made.adjustment.amount.minor != 0
        assert total + made.adjustment.amount.minor == made.taken.minor
    elif made.lines:
        assert total == made.taken.minor
    assert all(line.amount.minor >= 0 for line in made.lines)
    assert [line.component for line in made.lines] == [c for c in Component if c in {x.component for x in made.lines}]


@given(sessions)
def test_nothing_on_a_receipt_is_invented(session: Session) -> None:
    made = receipt_of(session)
    if made is None:
        return
    if session.authorized_minor is None:
        assert made.held is None
    proof = session.proof
    recorded = proof is not None and proof.ended
    if session.captured_minor:
        assert made.taken == session.money(session.captured_minor)
    elif recorded and proof is not None and made.taken is not None and made.taken.minor:
        assert made.taken.minor == proof.received_minor
    elif not recorded and session.captured_minor is None and made.status.value not in TAKES_NOTHING:
        assert (made.taken, made.given_back, made.lines, made.adjustment, made.last_reading) == (
            None,
            None,
            (),
            None,
            None,
        )
    assert made.energy_kwh == session.energy_kwh
    assert made.held_at == session.authorized_at
    assert made.taken_at in {None, session.captured_at}
    assert made.tax in {None, session.money(session.tax_minor)}
    if session.proof is None:
        assert (made.given_back_at, made.card_brand, made.card_last4) == (None, None, None)


@given(sessions)
def test_a_release_is_dated_only_by_a_proof_that_fits(session: Session) -> None:
    made = receipt_of(session)
    if made is None or made.given_back_at is None:
        return
    proof = session.proof
    assert proof is not None
    assert proof.capturable_minor == 0
    assert made.taken is not None
    assert made.given_back is not None
    expected = 0 if proof.intent_status == "canceled" else proof.received_minor
    assert (proof.intent_status in {"canceled", "succeeded"}, made.taken.minor) == (True, expected)
    assert made.given_back_at in {proof.canceled_at, proof.checked_at, session.captured_at}


def test_the_figures_of_a_captured_session_are_upstreams() -> None:
    made = receipt(ended())
    assert (made.held, made.taken, made.given_back, made.tax) == (euros(5000), euros(1080), euros(3920), euros(172))
    assert (made.held_at, made.taken_at, made.started_at, made.ended_at) == (
        after(0),
        after(3620),
        after(10),
        after(3610),
    )
    assert made.energy_kwh == Decimal("20.000")
    assert [(x.component, x.quantity, x.unit_price, x.amount) for x in made.lines] == [
        (Component.PER_KWH, Decimal("20.000"), euros(49), euros(980)),
        (Component.PER_SESSION, Decimal(1), euros(100), euros(100)),
    ]
    assert (made.adjustment, made.given_back_at, made.last_reading) == (None, None, None)


def test_the_figures_of_a_folded_session_reach_the_receipt_unchanged() -> None:
    session, _ = fold(a_session(), charging(10, "19.500", 1056))
    session, _ = fold(
        session, seen(20, "captured", energy_kwh=Decimal("20.000"), cost_minor=1080, captured_minor=1080, tax_minor=172)
    )
    made = receipt(session)
    assert (made.energy_kwh, made.taken, made.tax, made.held) == (
        Decimal("20.000"),
        euros(1080),
        euros(172),
        euros(5000),
    )
    assert made.last_reading == LastReading(Decimal("19.500"), euros(1056), Decimal("20.000"), euros(1080))


@given(tariffs, energies, st.sampled_from(ROUNDINGS))
def test_every_way_of_rounding_is_explained(tariff: Tariff, energy: Decimal, rounding: str) -> None:
    step = step_minor(tariff.currency)
    fee = tariff.start_fee_minor // step * step
    tariff = Tariff(tariff.currency, tariff.price_per_kwh_minor, fee)
    steps = (tariff.energy_cost_exact(energy) / step).quantize(Decimal(1), rounding)
    taken = fee + int(steps) * step
    made = receipt(ended(tariff=tariff, energy_kwh=energy, captured_minor=taken, authorized_minor=10**13))
    assert made.adjustment is None or made.adjustment.why is Why.ROUNDING
    assert {x.component: x.unit_price for x in made.lines} == dict(tariff.components())


@pytest.mark.parametrize("off", [-2, 2, 500])
def test_an_amount_that_no_rounding_explains_has_its_lines_and_names_the_difference(off: int) -> None:
    made = receipt(ended(captured_minor=1080 + off))
    assert len(made.lines) == 2
    assert made.adjustment == Adjustment(Why.OTHER, euros(off))


def test_a_bill_that_was_cut_at_the_hold_has_its_lines_and_what_lies_above() -> None:
    made = receipt(ended(energy_kwh=Decimal("120.000"), captured_minor=5000))
    assert [line.amount for line in made.lines] == [euros(5880), euros(100)]
    assert (made.adjustment, made.given_back) == (Adjustment(Why.HOLD, euros(5000 - 5980)), euros(0))


def test_an_amount_below_the_start_fee_is_not_explained_by_a_negative_line() -> None:
    made = receipt(ended(energy_kwh=Decimal(0), captured_minor=0))
    assert all(line.amount.minor >= 0 for line in made.lines)
    assert made.adjustment == Adjustment(Why.OTHER, euros(-100))


@pytest.mark.parametrize("known", [{"energy_unsaid": True}, {"energy_unsaid": True, "captured_minor": 5000}])
def test_an_energy_that_is_perhaps_not_of_the_end_explains_no_other_amount(known: dict[str, Any]) -> None:
    made = receipt(ended(energy_kwh=Decimal("19.000"), **known))
    assert (made.lines, made.adjustment, made.last_figure) == ((), None, True)


def test_an_amount_without_energy_has_neither_lines_nor_a_difference() -> None:
    made = receipt(ended(energy_kwh=None))
    assert (made.taken, made.lines, made.adjustment) == (euros(1080), (), None)


def test_after_a_capture_above_the_hold_nothing_goes_back_and_the_rest_is_named() -> None:
    made = receipt(ended(captured_minor=5300, proof=proof("succeeded", 5300)))
    assert (made.taken, made.given_back, made.given_back_at, made.over) == (euros(5300), None, None, euros(300))


@pytest.mark.parametrize("status", TAKES_NOTHING)
@pytest.mark.parametrize("captured", [None, 0])
def test_an_end_without_payment_takes_nothing_and_gives_all_back(status: str, captured: int | None) -> None:
    made = receipt(ended(status, captured_minor=captured))
    assert made.status is Status(status)
    assert (made.held, made.taken, made.given_back) == (euros(5000), euros(0), euros(5000))
    assert (made.taken_at, made.tax, made.lines, made.adjustment) == (None, None, (), None)


@pytest.mark.parametrize("status", TAKES_NOTHING)
def test_a_captured_amount_is_never_hidden_by_a_status_that_takes_nothing(status: str) -> None:
    made = receipt(ended(status))
    assert (made.taken, made.given_back, made.taken_at, made.tax) == (euros(1080), euros(3920), after(3620), euros(172))


@pytest.mark.parametrize("status", ["expired", "failed", "abandoned"])
def test_a_session_that_never_had_a_hold_gives_nothing_back(status: str) -> None:
    made = receipt(ended(status, authorized_minor=None, authorized_at=None, captured_minor=None))
    assert (made.held, made.taken, made.given_back, made.held_at) == (None, euros(0), None, None)


def test_a_hold_of_unknown_amount_gives_an_unknown_amount_back() -> None:
    made = receipt(ended(authorized_minor=None))
    assert (made.held, made.held_at, made.taken, made.given_back) == (None, after(0), euros(1080), None)


def test_a_refunded_session_still_shows_what_was_taken() -> None:
    made = receipt(ended("refunded"))
    assert (made.status, made.taken, made.given_back) == (Status.REFUNDED, euros(1080), euros(3920))
    assert len(made.lines) == 2


def test_a_receipt_without_any_figure_says_nothing() -> None:
    bare = a_session(phase=Phase.OPEN, status="captured", tariff=EURO)
    assert receipt(bare) == Receipt(
        status=Status.CAPTURED,
        held=None,
        held_at=None,
        taken=None,
        taken_at=None,
        given_back=None,
        given_back_at=None,
        tax=None,
        energy_kwh=None,
        started_at=None,
        ended_at=None,
        lines=(),
        adjustment=None,
        last_reading=None,
        card_brand=None,
        card_last4=None,
    )


def test_without_a_currency_there_is_no_receipt() -> None:
    assert receipt_of(ended(tariff=None)) is None


def test_a_gone_session_keeps_its_receipt() -> None:
    assert receipt_of(ended(phase=Phase.GONE)) == receipt_of(ended())


@pytest.mark.parametrize(
    ("tariff", "taken", "components"),
    [
        (Tariff("EUR", 0, 0), 0, []),
        (Tariff("EUR", 0, 100), 100, [Component.PER_SESSION]),
        (Tariff("EUR", 49, 0), 980, [Component.PER_KWH]),
    ],
)
def test_a_component_that_costs_nothing_has_no_line(tariff: Tariff, taken: int, components: list[Component]) -> None:
    made = receipt(ended(tariff=tariff, captured_minor=taken))
    assert [line.component for line in made.lines] == components
    assert made.adjustment is None


def test_money_taken_for_free_energy_is_not_explained() -> None:
    made = receipt(ended(tariff=Tariff("EUR", 0, 0), captured_minor=300))
    assert (made.lines, made.adjustment) == ((), Adjustment(Why.OTHER, euros(300)))


def proof(status: str, received: int, capturable: int = 0, **known: Any) -> HoldProof:
    return HoldProof(after(4000), status, capturable, received, **known)


@pytest.mark.parametrize(
    ("given_proof", "known", "released_at"),
    [
        (proof("succeeded", 1080), {}, after(3620)),
        (proof("succeeded", 1080), {"captured_at": None}, after(4000)),
        (proof("succeeded", 1079), {}, None),
        (proof("succeeded", 1080, 1), {}, None),
        (proof("requires_capture", 0, 5000), {}, None),
        (proof("requires_capture", 1080, 0), {}, None),
        (proof("canceled", 0, canceled_at=after(3630)), {}, None),
        (proof("canceled", 0, canceled_at=after(3630)), {"status": "no_charge", "captured_minor": 0}, after(3630)),
        (proof("canceled", 0), {"status": "no_charge", "captured_minor": None}, after(4000)),
        (proof("succeeded", 1080), {"status": "no_charge", "captured_minor": 0}, after(3620)),
        (proof("succeeded", 1080), {"captured_minor": None}, after(3620)),
        (proof("succeeded", 1080), {"authorized_minor": None}, None),
        (None, {}, None),
    ],
)
def test_the_time_of_a_release_needs_a_proof_that_fits(
    given_proof: HoldProof | None, known: dict[str, Any], released_at: Any
) -> None:
    assert receipt(ended(**(known | {"proof": given_proof}))).given_back_at == released_at


def test_the_card_is_the_one_that_the_provider_named() -> None:
    made = receipt(ended(proof=proof("succeeded", 1080, card_brand="visa", card_last4="4242")))
    assert (made.card_brand, made.card_last4) == ("visa", "4242")


@pytest.mark.parametrize(
    ("live", "shown"),
    [
        (LiveFigures(Decimal("20.000"), 1080, after(3600)), False),
        (LiveFigures(Decimal("20"), 1080, after(3600)), False),
        (LiveFigures(Decimal("19.900"), 1080, after(3600)), True),
        (LiveFigures(Decimal("20.000"), 1075, after(3600)), True),
        (LiveFigures(Decimal("20.000"), None, after(3600)), False),
        (LiveFigures(None, 1080, after(3600)), False),
        (LiveFigures(None, 1075, after(3600)), True),
        (None, False),
    ],
)
def test_the_last_reading_is_shown_when_it_changed_a_figure(live: LiveFigures | None, shown: bool) -> None:
    reading = receipt(ended(last_live=live)).last_reading
    if not shown or live is None:
        assert reading is None
    else:
        cost = None if live.cost_minor is None else euros(live.cost_minor)
        assert reading == LastReading(live.energy_kwh, cost, Decimal("20.000"), euros(1080))


@pytest.mark.parametrize(
    "known",
    [
        {"status": "written_off", "captured_minor": 0},
        {"energy_kwh": Decimal("120.000"), "captured_minor": 5000},
        {"captured_minor": 1580},
    ],
)
def test_a_meter_did_not_make_an_amount_that_something_else_made(known: dict[str, Any]) -> None:
    live = LiveFigures(Decimal("11.000"), 639, after(3600))
    reading = receipt(ended(**(known | {"last_live": live}))).last_reading
    assert reading is not None
    assert (reading.live_energy_kwh, reading.cost) == (Decimal("11.000"), None)


@pytest.mark.parametrize(("checked", "held"), [(-5, False), (1, False), (299, False), (300, True), (90_000, True)])
def test_a_record_from_before_the_release_is_no_alarm(checked: float, held: bool) -> None:
    ended = a_session(
        status="abandoned",
        authorized_minor=5000,
        held_seen_at=after(0),
        status_since=after(60),
        proof=HoldProof(after(60 + checked), "requires_capture", 5000, 0),
    )
    assert still_held(ended) is held


def test_a_payment_that_upstream_never_saw_is_held_from_its_first_record_on() -> None:
    late = a_session(status="expired", status_since=after(60), proof=HoldProof(after(61), "requires_capture", 5000, 0))
    assert still_held(late)
