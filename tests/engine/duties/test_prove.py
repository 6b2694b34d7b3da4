"""What the payment provider says of a hold: optional, retried, and shown only when it fits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from kiosk.domain.commands import Kind
from kiosk.domain.receipt import receipt_of, still_held
from kiosk.domain.session import Phase
from kiosk.domain.status import Status
from kiosk.engine.duties.prove import HEARD_FOR, Prove
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.switches import Switches
from kiosk.upstream.errors import NoAnswer
from tests.engine.house import CODE, House


def assert_proven(house: House, key: str) -> None:
    proof = house.session(key).proof
    assert proof is not None
    assert proof.ended


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
    assert_proven(house, key)


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
    assert_proven(house, key)


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


def test_a_session_that_was_never_paid_is_looked_up_once_for_what_would_be_held(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.request()
    house.watch(key)
    house.until(key, "expired", seconds=300)
    assert house.proofs is not None
    assert house.proofs.reads == 1


def lost(house: House, key: str) -> None:
    """Upstream answers 404 for that session from now on, as for a token that has expired."""
    house.faults.add(Rule(Fault.TOKEN_EXPIRED, "session", times=None))
    for _ in house.steps(600):
        if house.session(key).phase is Phase.GONE:
            return
    raise AssertionError("it was never lost")


def end_upstream(house: House, key: str) -> None:
    """The car leaves while nobody here can see it."""
    house.world.unplug(CODE, house.session(key).connector_id)


def test_a_session_that_is_lost_upstream_ends_by_the_payments_own_record(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.charging()
    house.run(120)
    lost(house, key)
    assert house.session(key).end is None
    end_upstream(house, key)
    house.run(4000)
    session = house.session(key)
    taken = house.intent(key)["amount_received"]
    assert taken
    assert (session.phase, session.end, session.final) == (Phase.GONE, Status.CAPTURED, True)
    stored = house.store.receipt(key)
    assert stored is not None
    assert (stored.document["taken"]["minor"], stored.document["by"]) == (taken, "payment")
    read, asked = house.answered("session"), house.proofs.reads if house.proofs else 0
    house.run(4000)
    assert house.answered("session") == read
    assert house.proofs is not None
    assert house.proofs.reads == asked


def test_a_lost_session_whose_hold_was_released_ends_with_nothing_taken(house_with_proofs: House) -> None:
    house = house_with_proofs
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    lost(house, key)
    house.run(1200)
    stored = house.store.receipt(key)
    assert house.intent(key)["status"] == "canceled"
    assert stored is not None
    assert (stored.document["taken"]["minor"], stored.document["by"]) == (0, "payment")
    assert stored.document["given_back_at"] is not None


def test_without_a_key_a_lost_session_is_read_rarely_and_nothing_is_claimed(house: House) -> None:
    key = house.charging()
    house.run(60)
    lost(house, key)
    end_upstream(house, key)
    read = house.answered("session")
    house.run(6 * 3600, every=60)
    assert (house.session(key).final, house.store.receipt(key)) == (False, None)
    assert house.answered("session") - read < 40


def test_a_payment_that_comes_after_the_time_was_over_is_found_and_called_held(tmp_path: Path) -> None:
    house = House(tmp_path, Switches(unpaid_expiry=180, settle=25, paid_late=True), proofs=True)
    key = house.request()
    house.until(key, "created")
    house.store.show_payment(key, house.kiosk_clock.now())
    house.until(key, "expired")
    house.pay(key)
    house.store.note_webhook("evt_1", "payment_intent.amount_capturable_updated", key, house.kiosk_clock.now())
    house.run(10)
    session = house.session(key)
    assert (session.ever_held, still_held(session)) == (True, True)
    stored = house.store.receipt(key)
    assert stored is not None
    assert (stored.document["taken"]["minor"], stored.document["given_back"]) == (0, None)
    house.book.cancel(ACCOUNT, str(house.intent(key)["id"]))
    house.run(90_000, every=600)
    assert not still_held(house.session(key))
    house.close()


def test_a_late_payment_is_found_without_a_webhook_too(tmp_path: Path) -> None:
    house = House(tmp_path, Switches(unpaid_expiry=180, settle=25, paid_late=True), proofs=True)
    key = house.request()
    house.until(key, "created")
    house.store.show_payment(key, house.kiosk_clock.now())
    house.until(key, "expired")
    house.run(30)
    house.pay(key)
    house.run(2000, step=30)
    assert still_held(house.session(key))
    house.close()


def test_what_was_asked_often_while_it_ran_is_asked_at_once_when_it_ends(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.charging()
    house.run(3 * 3600, every=30)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.run(30)
    assert_proven(house, key)


def test_a_refund_that_only_the_provider_knows_stands_on_the_receipt_once(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.charging()
    house.run(300)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.run(30)
    taken = house.session(key).captured_minor or 0
    for number, part in enumerate((20, 30)):
        house.book.refund(ACCOUNT, str(house.intent(key)["id"]), part)
        house.store.note_webhook(f"evt_{number}", "charge.refunded", key, house.kiosk_clock.now())
        house.run(10)
    stored = house.store.receipt(key)
    assert stored is not None
    (back,) = stored.document["sent_back"]
    assert (stored.document["taken"]["minor"], back["amount"]["minor"], back["by"]) == (taken, 50, "payment")
    assert stored.document["given_back_at"] is not None
    house.store.note_webhook("evt_9", "charge.updated", key, house.kiosk_clock.now())
    house.run(10)
    again = house.store.receipt(key)
    assert again is not None
    assert (again.document, again.revised_at) == (stored.document, stored.revised_at), "one more look changes nothing"


def test_a_part_that_upstream_sent_back_keeps_what_was_taken_and_its_proof(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.charging()
    house.run(300)
    house.ask(key, Kind.STOP)
    taken = house.until(key, "captured").captured_minor or 0
    house.run(30)
    house.world.refund(house.store.token(key) or "", 25)
    house.store.hint(key, house.kiosk_clock.now())
    house.run(30)
    stored = house.store.receipt(key)
    assert stored is not None
    assert stored.document["taken"]["minor"] == taken
    assert [one["amount"]["minor"] for one in stored.document["sent_back"]] == [25]
    assert stored.document["given_back_at"] is not None


def test_a_webhook_that_came_while_nobody_led_is_followed_up(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.charging()
    house.run(300)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.run(30)
    house.book.refund(ACCOUNT, str(house.intent(key)["id"]), 20)
    house.store.note_webhook("evt_1", "charge.refunded", key, house.kiosk_clock.now())
    house.restart()
    house.run(10)
    proof = house.session(key).proof
    assert proof is not None
    assert proof.refunded_minor == 20


def proving(house: House) -> Prove:
    duties = (post._duty for post in house.engine._posts)
    return next(duty for duty in duties if isinstance(duty, Prove))


def test_a_webhook_that_is_older_than_the_proof_asks_nothing_again(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.charging()
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.run(120)
    proof = house.session(key).proof
    assert proof is not None
    house.store.note_webhook("evt_1", "charge.succeeded", key, proof.checked_at - timedelta(seconds=1))
    duty, now = proving(house), house.kiosk_clock.now()
    duty.take_over(now)
    assert house.store.webhooks_after(now - HEARD_FOR).keys() == {key}
    assert duty._named(now) == []


def test_what_is_due_and_was_named_by_a_webhook_too_is_asked_once(house_with_proofs: House) -> None:
    house = house_with_proofs
    assert house.proofs is not None
    house.proofs.fails_with = NoAnswer("nobody there")
    key = house.charging()
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.store.note_webhook("evt_1", "charge.succeeded", key, house.kiosk_clock.now())
    duty = proving(house)
    duty.again(key)
    assert len(duty.jobs(house.kiosk_clock.now()).now) == 1
