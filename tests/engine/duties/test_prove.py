"""What the payment provider says of a hold: optional, retried, and shown only when it fits."""

from __future__ import annotations

from kiosk.domain.commands import Kind
from kiosk.domain.receipt import receipt_of
from kiosk.upstream.errors import NoAnswer
from tests.engine.house import House


def test_the_end_of_the_hold_is_proven_and_written_on_the_receipt(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.charging()
    house.run(120)
    assert house.session(key).proof is not None
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.run(30)
    session = house.session(key)
    receipt = receipt_of(session)
    assert receipt is not None
    assert receipt.given_back_at is not None
    assert (receipt.card_brand, receipt.card_last4) == ("visa", "4242")
    stored = house.store.receipt(key)
    assert stored is not None
    assert stored.document["given_back_at"] is not None


def test_a_released_hold_of_a_cancelled_start_is_proven_too(house_with_proofs: House) -> None:
    house = house_with_proofs
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    house.ask(key, Kind.CANCEL)
    house.until(key, "abandoned")
    house.run(30)
    receipt = receipt_of(house.session(key))
    assert receipt is not None
    assert receipt.given_back_at is not None


def test_a_provider_that_does_not_answer_is_asked_again_later(house_with_proofs: House) -> None:
    house = house_with_proofs
    assert house.proofs is not None
    house.proofs.fails_with = NoAnswer("no answer")
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.run(60)
    assert house.session(key).proof is None
    assert house.proofs.reads < 20
    house.proofs.fails_with = None
    house.run(2000)
    proof = house.session(key).proof
    assert proof is not None
    assert proof.ended


def test_an_open_proof_is_taken_up_after_a_restart(house_with_proofs: House) -> None:
    house = house_with_proofs
    assert house.proofs is not None
    house.proofs.fails_with = NoAnswer("no answer")
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.proofs.fails_with = None
    house.restart()
    house.run(30)
    proof = house.session(key).proof
    assert proof is not None
    assert proof.ended


def test_without_a_key_nothing_is_claimed(house: House) -> None:
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    session = house.until(key, "captured")
    house.run(60)
    receipt = receipt_of(session)
    assert receipt is not None
    assert receipt.given_back_at is None
    assert receipt.card_last4 is None


def test_a_session_that_was_never_paid_is_not_looked_up(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.request()
    house.until(key, "expired", seconds=300)
    assert house.proofs is not None
    assert house.proofs.reads == 0
