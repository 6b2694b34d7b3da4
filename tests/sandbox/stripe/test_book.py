"""The books of the Stripe stand-in, without a web in between."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from kiosk.clock import ManualClock
from kiosk.sandbox.stripe.book import StripeBook
from kiosk.sandbox.stripe.methods import PaymentMethod, card_method
from kiosk.sandbox.stripe.problem import StripeProblem

ACCOUNT = "acct_site"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def book(clock: ManualClock) -> StripeBook:
    return StripeBook(clock)


def card(clock: ManualClock, number: str = "4242424242424242") -> PaymentMethod:
    return card_method(number, 12, 2034, "123", clock.now())


def held(book: StripeBook, clock: ManualClock, amount: int = 2500) -> str:
    intent = book.create_intent(account=ACCOUNT, amount=amount, currency="eur")
    book.confirm(ACCOUNT, intent["id"], card(clock))
    return str(intent["id"])


def told(book: StripeBook) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    book.subscribe(events.append)
    return events


def test_a_partial_capture_takes_its_amount_and_releases_the_rest(book: StripeBook, clock: ManualClock) -> None:
    intent_id = held(book, clock)
    intent = book.capture(ACCOUNT, intent_id, 947)
    charge = book.get_charge(ACCOUNT, intent["latest_charge"])
    assert (intent["status"], intent["amount_received"], intent["amount_capturable"]) == ("succeeded", 947, 0)
    assert (charge["amount_captured"], charge["amount_refunded"], charge["captured"]) == (947, 1553, True)


def test_events_of_a_charge_come_in_order_with_their_account(book: StripeBook, clock: ManualClock) -> None:
    events = told(book)
    book.capture(ACCOUNT, held(book, clock), 947)
    assert [event["type"] for event in events] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "charge.refunded",
        "payment_intent.succeeded",
    ]
    assert {event["account"] for event in events} == {ACCOUNT}
    assert len({event["id"] for event in events}) == 6


def test_a_listener_may_call_the_book_and_still_hears_everything_in_order(book: StripeBook, clock: ManualClock) -> None:
    def capture_at_once(event: dict[str, Any]) -> None:
        if event["type"] == "payment_intent.amount_capturable_updated":
            book.capture(ACCOUNT, event["data"]["object"]["id"], 100)

    book.subscribe(capture_at_once)
    events = told(book)
    held(book, clock)
    kinds = [event["type"] for event in events]
    assert kinds.index("payment_intent.amount_capturable_updated") < kinds.index("charge.captured")
    assert kinds[-1] == "payment_intent.succeeded"


def test_a_listener_is_called_when_the_lock_is_free(book: StripeBook) -> None:
    seen: list[str] = []

    def read_from_another_thread(event: dict[str, Any]) -> None:
        intent_id = event["data"]["object"]["id"]
        reader = threading.Thread(target=lambda: seen.append(book.get_intent(ACCOUNT, intent_id)["id"]))
        reader.start()
        reader.join(timeout=60)

    book.subscribe(read_from_another_thread)
    intent = book.create_intent(account=ACCOUNT, amount=100, currency="eur")
    assert seen == [intent["id"]]


def test_changing_a_returned_intent_does_not_change_the_books(book: StripeBook) -> None:
    intent = book.create_intent(account=ACCOUNT, amount=100, currency="eur", metadata={"evse": "A"})
    intent["metadata"]["evse"] = "B"
    assert book.get_intent(ACCOUNT, intent["id"])["metadata"] == {"evse": "A"}


def test_a_hold_ends_by_itself_after_seven_days(book: StripeBook, clock: ManualClock) -> None:
    intent_id = held(book, clock)
    events = told(book)
    clock.advance(7 * 24 * 3600 - 1)
    assert book.get_intent(ACCOUNT, intent_id)["status"] == "requires_capture"
    clock.advance(1)
    book.release_expired_holds()
    assert [event["type"] for event in events] == ["charge.expired", "payment_intent.canceled"]
    with pytest.raises(StripeProblem) as problem:
        book.capture(ACCOUNT, intent_id, 100)
    assert problem.value.code == "payment_intent_unexpected_state"


def test_a_hold_is_captured_once_however_many_try(book: StripeBook, clock: ManualClock) -> None:
    intent_id = held(book, clock)
    outcomes: list[str] = []

    def capture() -> None:
        try:
            outcomes.append(book.capture(ACCOUNT, intent_id, 100)["status"])
        except StripeProblem as problem:
            outcomes.append(str(problem.code))

    threads = [threading.Thread(target=capture) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["payment_intent_unexpected_state"] * 7 + ["succeeded"]


def test_a_refund_gives_back_part_and_then_the_rest_and_then_nothing(book: StripeBook, clock: ManualClock) -> None:
    intent_id = held(book, clock)
    book.capture(ACCOUNT, intent_id, 1000)
    assert book.refund(ACCOUNT, intent_id, 400)["amount"] == 400
    with pytest.raises(StripeProblem, match="greater than the unrefunded amount"):
        book.refund(ACCOUNT, intent_id, 601)
    assert book.refund(ACCOUNT, intent_id)["amount"] == 600
    with pytest.raises(StripeProblem) as problem:
        book.refund(ACCOUNT, intent_id)
    assert problem.value.code == "charge_already_refunded"


def test_a_hold_is_cancelled_and_not_refunded(book: StripeBook, clock: ManualClock) -> None:
    with pytest.raises(StripeProblem, match="does not have a successful charge to refund"):
        book.refund(ACCOUNT, held(book, clock))


def test_a_receipt_address_reaches_intent_and_charge(book: StripeBook, clock: ManualClock) -> None:
    intent_id = held(book, clock)
    book.set_receipt_email(ACCOUNT, intent_id, "driver@example.com")
    intent = book.get_intent(ACCOUNT, intent_id)
    assert intent["receipt_email"] == "driver@example.com"
    assert book.get_charge(ACCOUNT, intent["latest_charge"])["receipt_email"] == "driver@example.com"


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (0, "eur", "parameter_invalid_integer"),
        (-5, "eur", "parameter_invalid_integer"),
        (100_000_000, "eur", "amount_too_large"),
        (5124, "kwd", "parameter_invalid_integer"),
        (550, "isk", "parameter_invalid_integer"),
        (550, "ugx", "parameter_invalid_integer"),
        (100, "xyz", None),
    ],
)
def test_an_amount_that_the_currency_cannot_have_is_refused(
    book: StripeBook, amount: int, currency: str, code: str | None
) -> None:
    with pytest.raises(StripeProblem) as problem:
        book.create_intent(account=ACCOUNT, amount=amount, currency=currency)
    assert problem.value.code == code


@pytest.mark.parametrize(("amount", "currency"), [(1, "eur"), (1, "jpy"), (5120, "kwd"), (500, "isk"), (7, "EUR")])
def test_an_amount_that_the_currency_can_have_is_taken(book: StripeBook, amount: int, currency: str) -> None:
    intent = book.create_intent(account=ACCOUNT, amount=amount, currency=currency)
    assert (intent["amount"], intent["currency"]) == (amount, currency.lower())


def test_a_three_decimal_capture_obeys_the_same_rule(book: StripeBook, clock: ManualClock) -> None:
    intent = book.create_intent(account=ACCOUNT, amount=5120, currency="kwd")
    book.confirm(ACCOUNT, intent["id"], card(clock))
    with pytest.raises(StripeProblem):
        book.capture(ACCOUNT, intent["id"], 5111)
    assert book.capture(ACCOUNT, intent["id"], 5110)["amount_received"] == 5110


def test_live_keys_cannot_even_be_configured(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="test keys only"):
        StripeBook(clock, secret_key="sk_live_1")


def test_a_simulated_driver_answers_a_challenge_without_a_page(book: StripeBook, clock: ManualClock) -> None:
    intent = book.create_intent(account=ACCOUNT, amount=100, currency="eur")
    book.confirm(ACCOUNT, intent["id"], card(clock, "4000002500003155"))
    assert book.answer_challenge(ACCOUNT, intent["id"], complete=True)["status"] == "requires_capture"


def test_a_client_secret_is_not_in_a_repr(book: StripeBook, clock: ManualClock) -> None:
    intent = book.create_intent(account=ACCOUNT, amount=100, currency="eur")
    confirmed = book.confirm(ACCOUNT, intent["id"], card(clock, "4000002500003155"))
    token = confirmed["next_action"]["use_stripe_sdk"]["stripe_js"].rsplit("/", 1)[1]
    assert intent["client_secret"] not in repr(book.customer_action(token))
