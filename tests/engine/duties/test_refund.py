"""Refunds that the desk asked for, carried out at the stand-in of Stripe, spoken to as Stripe is: once, whatever is
lost, refused, killed or changed on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kiosk.demo import stripe_session
from kiosk.domain.attention import Attention, Level
from kiosk.domain.commands import Kind
from kiosk.domain.handling import Did
from kiosk.domain.money import Money
from kiosk.domain.receipt import receipt_of
from kiosk.domain.refunding import KEY_LIVES, PATIENCE, RefundState, RefundWish, left_of
from kiosk.sandbox.stripe.api import create_stripe_app
from kiosk.sandbox.stripe.faults import Loss, StripeFaults
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.store.exceptions import Listed
from kiosk.upstream.errors import NoAnswer
from kiosk.upstream.stripe.refunds import StripeRefunds
from tests.engine.house import House
from tests.sound import assert_sound


class Desk:
    """A kiosk with a second key, before a Stripe that fails as it is told, and one charge that was paid."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.faults = StripeFaults()
        wire = httpx.WSGITransport(create_stripe_app(house.book, faults=self.faults))
        house.refunds = StripeRefunds(
            house.book.refund_key, "http://stripe.example", clock=house.kiosk_clock, http_session=stripe_session(wire)
        )
        house.engine = house.new_engine()
        self.key = house.charging()
        house.run(600)
        house.ask(self.key, Kind.STOP)
        house.until(self.key, "captured")
        house.run(60)
        assert self.left() is not None

    def left(self) -> Money | None:
        return left_of(self.house.session(self.key), self.wishes())

    def wishes(self) -> list[RefundWish]:
        return self.house.store.refunds_of(self.key)

    def ask(self, minor: int = 100) -> None:
        earlier = len(self.wishes())
        self.house.store.ask_refund(self.key, Money(minor, "EUR"), "kim", self.house.kiosk_clock.now(), earlier=earlier)

    def at_stripe(self) -> list[int]:
        return [one["amount"] for one in self.house.book.refunds(ACCOUNT, self.intent, None)]

    @property
    def intent(self) -> str:
        payment = self.house.store.payment(self.key)
        assert payment is not None
        assert payment.intent_id is not None
        return payment.intent_id

    def ends(self, seconds: float = 30) -> RefundWish:
        self.house.run(seconds)
        wish = self.wishes()[-1]
        assert not wish.is_open, wish
        return wish


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    house = House(tmp_path, proofs=True)
    yield Desk(house)
    assert_sound(request, house.store, house.kiosk_clock.now())
    house.close()


def test_a_part_is_sent_back_once_and_the_receipt_shows_it(desk: Desk) -> None:
    before, number = desk.left(), desk.house.store.receipt(desk.key)
    assert before is not None
    assert number is not None
    desk.ask()
    wish = desk.ends()
    assert (wish.state, wish.said) == (RefundState.DONE, "sent back")
    assert wish.refund_id is not None
    desk.house.run(120)
    assert desk.at_stripe() == [100]
    assert desk.left() == before - Money(100, "EUR")
    receipt = receipt_of(desk.house.session(desk.key))
    assert receipt is not None
    assert [one.amount.minor for one in receipt.sent_back] == [100]
    assert len(desk.house.store.receipt_revisions(number.number)) >= 1


def test_all_that_is_left_goes_back_in_two_parts_and_not_a_cent_more(desk: Desk) -> None:
    whole = desk.left()
    assert whole is not None
    desk.ask(100)
    desk.ends()
    desk.ask(whole.minor - 100)
    assert desk.ends().state is RefundState.DONE
    assert sum(desk.at_stripe()) == whole.minor
    assert desk.left() == Money(0, "EUR")
    desk.ask(1)
    wish = desk.ends()
    assert (wish.state, wish.said) == (RefundState.REFUSED, "so much is not left at Stripe")
    assert sum(desk.at_stripe()) == whole.minor


def test_what_somebody_sent_back_at_stripe_itself_is_counted(desk: Desk) -> None:
    whole = desk.left()
    assert whole is not None
    desk.house.book.refund(ACCOUNT, desk.intent, whole.minor - 50)
    desk.ask(100)
    assert desk.ends().state is RefundState.REFUSED
    assert desk.at_stripe() == [whole.minor - 50]


@pytest.mark.parametrize("when", list(Loss))
def test_a_lost_answer_is_looked_up_and_never_sent_with_another_key(desk: Desk, when: Loss) -> None:
    desk.faults.drop_refunds(1, when)
    desk.ask()
    desk.house.run(4)
    (wish,) = desk.wishes()
    assert (wish.state, wish.said) == (RefundState.SENT, "Stripe gave no answer")
    assert desk.left() is None, "nothing else is offered meanwhile"
    assert desk.ends(120).state is RefundState.DONE
    assert desk.at_stripe() == [100]
    keys = {one["metadata"]["kiosk_refund"] for one in desk.house.book.refunds(ACCOUNT, desk.intent, None)}
    assert keys == {wish.key}


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_stripe_that_is_down_in_the_middle_is_asked_again(desk: Desk, status: int) -> None:
    desk.faults.fail_refunds(3, status)
    desk.ask()
    assert desk.ends(900).state is RefundState.DONE
    assert desk.at_stripe() == [100]


def test_a_refusal_sends_nothing_back_and_says_why(desk: Desk) -> None:
    desk.faults.fail_refunds(1, 403)
    desk.ask()
    wish = desk.ends()
    assert wish.state is RefundState.REFUSED
    assert wish.said == "Stripe refused: The sandbox was told to fail this call."
    assert desk.at_stripe() == []
    desk.ask()
    assert desk.ends().state is RefundState.DONE


def test_a_key_that_is_in_use_says_nothing_of_the_effect(desk: Desk) -> None:
    desk.faults.fail_refunds(1, 409)
    desk.ask()
    desk.house.run(4)
    assert desk.wishes()[-1].state is RefundState.SENT
    assert desk.ends(60).state is RefundState.DONE
    assert desk.at_stripe() == [100]


def test_a_kill_between_the_claim_and_the_answer_sends_nothing_twice(desk: Desk) -> None:
    desk.ask()
    (wish,) = desk.wishes()
    assert desk.house.store.claim_refund(wish, desk.house.kiosk_clock.now())
    assert desk.house.refunds is not None
    desk.house.refunds.send(desk.intent, ACCOUNT, wish.amount, wish.key)
    desk.house.restart()
    assert desk.ends(120).state is RefundState.DONE
    assert desk.at_stripe() == [100]


def test_a_claim_by_somebody_else_is_left_to_them(desk: Desk) -> None:
    desk.ask()
    (wish,) = desk.wishes()
    assert desk.house.store.claim_refund(wish, desk.house.kiosk_clock.now())
    assert desk.house.store.claim_refund(wish, desk.house.kiosk_clock.now()) is False
    assert desk.ends(120).state is RefundState.DONE
    assert desk.at_stripe() == [100]


def test_what_another_worker_has_claimed_meanwhile_is_not_sent_here(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as late:
        late.setattr(desk.house.store, "claim_refund", lambda *_named: False)
        desk.ask()
        desk.house.run(10)
        assert desk.at_stripe() == []
        assert desk.wishes()[-1].state is RefundState.WAITING
    assert desk.ends().state is RefundState.DONE
    assert desk.at_stripe() == [100]


def test_what_never_arrived_is_given_up_after_a_day_and_not_sent_late(desk: Desk) -> None:
    desk.faults.fail_refunds(1)
    desk.ask()
    desk.house.run(4)
    desk.house.clock.advance(KEY_LIVES.total_seconds() + 60)
    wish = desk.ends(60)
    assert (wish.state, wish.said) == (RefundState.REFUSED, "Stripe does not have it, a day after it was sent")
    assert desk.at_stripe() == []


def test_a_refund_that_the_bank_works_on_has_no_end_until_it_has_one(desk: Desk) -> None:
    book = desk.house.book
    desk.faults.drop_refunds(1)
    desk.ask()
    desk.house.run(4)
    (made,) = book.refunds(ACCOUNT, desk.intent, None)
    book.fail_refund(ACCOUNT, made["id"], "pending")
    desk.house.run(60)
    (wish,) = desk.wishes()
    assert (wish.state, wish.refund_id) == (RefundState.PENDING, made["id"])
    book.fail_refund(ACCOUNT, made["id"], "failed")
    wish = desk.ends(900)
    assert (wish.state, wish.said) == (RefundState.REFUSED, "the card's bank did not take it")
    desk.ask()
    assert desk.ends().state is RefundState.DONE


def test_it_is_done_only_when_the_payments_own_record_was_read_after_it(desk: Desk) -> None:
    assert desk.house.proofs is not None
    desk.faults.drop_refunds(1)
    desk.ask()
    desk.house.run(4)
    proofs, real = desk.house.proofs, desk.house.proofs.proof
    calls = []

    def second_fails(intent: str, account: str) -> object:
        calls.append(intent)
        if len(calls) == 2:
            raise NoAnswer("no answer")
        return real(intent, account)

    proofs.proof = second_fails  # type: ignore[method-assign, assignment]
    while len(calls) < 2:
        desk.house.run(5)
    (wish,) = desk.wishes()
    assert (wish.state, wish.said) == (RefundState.PENDING, "it was sent back; Stripe gave no answer")
    proofs.proof = real  # type: ignore[method-assign]
    assert desk.ends(120).state is RefundState.DONE
    assert desk.at_stripe() == [100]


def test_a_stripe_that_cannot_be_read_is_sent_nothing(desk: Desk) -> None:
    assert desk.house.proofs is not None
    desk.house.proofs.fails_with = NoAnswer("no answer")
    desk.ask()
    desk.house.run(60)
    (wish,) = desk.wishes()
    assert (wish.state, wish.sent_at) == (RefundState.WAITING, None)
    assert desk.at_stripe() == []
    desk.house.proofs.fails_with = None
    assert desk.ends(300).state is RefundState.DONE


def test_a_payment_that_cannot_be_told_any_more_is_refunded_by_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask()
    monkeypatch.setattr(desk.house.store, "payment", lambda _key: None)
    wish = desk.ends()
    assert (wish.state, wish.said) == (RefundState.REFUSED, "the payment cannot be told any more")


def test_without_a_second_key_nothing_is_sent(tmp_path: Path) -> None:
    house = House(tmp_path, proofs=True)
    try:
        key = house.charging()
        house.store.ask_refund(key, Money(1, "EUR"), "kim", house.kiosk_clock.now(), earlier=0)
        house.run(30)
        assert house.store.refunds_of(key)[0].state is RefundState.WAITING
    finally:
        house.close()


def waiting(desk: Desk) -> dict[Attention, Listed]:
    return {one.matter.kind: one for one in desk.house.store.open_exceptions()}


def test_one_without_an_end_needs_a_person_after_an_hour_until_it_is_done(desk: Desk) -> None:
    desk.faults.fail_refunds(len(PATIENCE), 503)
    desk.ask()
    desk.house.run(3500, every=30)
    assert waiting(desk) == {}
    desk.house.run(200, every=30)
    found = waiting(desk)
    assert found.keys() == {Attention.REFUND_WITHOUT_END}
    row = found[Attention.REFUND_WITHOUT_END]
    assert (row.level, row.matter.subject, row.matter.amount_minor) == (Level.LOUD, desk.key, 100)
    desk.house.restart()
    desk.house.run(PATIENCE[-1], every=30)
    assert desk.ends(60).state is RefundState.DONE
    assert waiting(desk) == {}


def test_one_that_was_refused_needs_a_person_until_one_that_was_asked_for_after_it_is_done(desk: Desk) -> None:
    desk.faults.fail_refunds(1, 403)
    desk.ask()
    desk.ends(60)
    (first,) = waiting(desk).values()
    assert (first.matter.kind, first.level) == (Attention.REFUND_REFUSED, Level.LOUD)
    desk.house.store.handle(first.id, Did.DONE, "kim", desk.house.kiosk_clock.now())
    desk.house.run(3700, every=30)
    (same,) = waiting(desk).values()
    assert same.id == first.id
    desk.faults.fail_refunds(1, 403)
    desk.ask()
    desk.ends(60)
    (second,) = waiting(desk).values()
    assert second.id != first.id
    assert second.handling.done_at is None
    desk.ask()
    desk.ends(60)
    assert waiting(desk) == {}
