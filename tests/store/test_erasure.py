"""Personal data and secrets go when their time is over; figures, receipts and the record stay."""

from __future__ import annotations

from sqlalchemy import func, select

from kiosk.domain.commands import AskedBy, Kind, Refusal
from kiosk.store import Store
from kiosk.store.tables import takeovers

from .build import NOW, PAYMENT, charging, later, opened, queued, seen, stored, whole_end


def mailed(store: Store, key: str = "key-1", connector_id: int = 1) -> int:
    """The receipt e-mail command of an open session."""
    opened(store, queued(key, connector_id=connector_id))
    return store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, later(5), email="ada@example.org").id


def end(store: Store, key: str, at: float = 400) -> None:
    store.observe(key, charging(at - 300), source="read")
    store.observe(key, whole_end(at, 525), source="read")


def test_what_ended_before_then_is_erased_once(store: Store) -> None:
    email = mailed(store)
    end(store, "key-1")
    store.new_takeover("key-1", "code-1", later(900))
    assert store.erase_personal(later(1000)) == 1
    assert store.erase_personal(later(1000)) == 0
    assert (store.email_of(email), store.token("key-1"), store.payment("key-1")) == (None, None, None)
    assert (store.owns("key-1", "phone"), store.sessions_of("phone")) == (False, [])
    with store._database.read() as connection:
        assert connection.execute(select(func.count()).select_from(takeovers)).scalar_one() == 0


def test_the_session_its_record_and_its_receipt_stay(store: Store) -> None:
    mailed(store)
    end(store, "key-1")
    number = store.issue_receipt("key-1", {"taken": 525}, later(401))
    before = (store.session("key-1"), store.commands("key-1"), store.observations("key-1"), store.receipt("key-1"))
    store.erase_personal(later(1000))
    after = (store.session("key-1"), store.commands("key-1"), store.observations("key-1"), store.receipt("key-1"))
    assert after == before
    assert number == "2026-000001"


def test_what_ended_later_or_is_open_stays(store: Store) -> None:
    email = mailed(store)
    end(store, "key-1", at=400)
    mailed(store, "key-2", 2)
    assert store.erase_personal(later(400)) == 0
    assert (store.email_of(email), store.token("key-1"), store.owns("key-2", "phone")) == (
        "ada@example.org",
        "token-1",
        True,
    )


def test_a_session_that_never_opened_is_erased_too(store: Store) -> None:
    store.start_refused(stored(store).id, Refusal.CONNECTOR_BUSY, later(1))
    assert store.erase_personal(later(2)) == 1
    assert not store.owns("key-1", "phone")


def test_a_refund_long_after_the_end_does_not_keep_the_data(store: Store) -> None:
    mailed(store)
    end(store, "key-1", at=400)
    store.observe("key-1", seen("refunded", 5000), source="read")
    assert store.erase_personal(later(401)) == 1


def test_a_session_that_was_lost_is_erased_unless_it_came_back(store: Store) -> None:
    mailed(store)
    mailed(store, "key-2", 2)
    for key in ("key-1", "key-2"):
        store.mark_gone(key, later(19), later(20))
        store.mark_gone(key, later(20), later(21))
    store.observe("key-2", charging(60), source="read")
    assert store.erase_personal(later(1000)) == 1
    assert (store.owns("key-1", "phone"), store.owns("key-2", "phone")) == (False, True)


def test_a_lost_session_that_may_come_back_keeps_its_token(store: Store) -> None:
    opened(store)
    store.mark_gone("key-1", later(19), later(20))
    store.mark_gone("key-1", later(20), later(21))
    store.erase_personal(later(1000))
    assert (store.token("key-1"), store.payment("key-1")) == ("token-1", PAYMENT)


def test_more_sessions_than_one_transaction_takes_are_all_erased(store: Store) -> None:
    for number in range(205):
        store.start_refused(stored(store, queued(f"key-{number}")).id, Refusal.CONNECTOR_BUSY, NOW)
    assert store.erase_personal(later(1)) == 205
    assert store.sessions_of("phone") == []


def test_a_refund_can_be_seen_for_as_long_as_is_said_though_the_person_is_erased(store: Store) -> None:
    email = mailed(store)
    end(store, "key-1", at=400)
    assert store.erase_personal(later(1000), later(300)) == 1
    assert (store.email_of(email), store.owns("key-1", "phone")) == (None, False)
    assert (store.token("key-1"), store.payment("key-1")) == ("token-1", PAYMENT)
    assert store.erase_personal(later(1000), later(300)) == 0
    assert store.erase_personal(later(1000), later(500)) == 1
    assert (store.token("key-1"), store.payment("key-1")) == (None, None)


def test_what_took_no_money_keeps_no_secret_for_a_refund(store: Store) -> None:
    mailed(store)
    store.observe("key-1", seen("abandoned", 400), source="read")
    store.erase_personal(later(1000), later(300))
    assert (store.token("key-1"), store.payment("key-1")) == (None, None)


def test_mails_of_our_own_go_with_everything_that_is_personal(store: Store) -> None:
    mailed(store)
    end(store, "key-1")
    store.erase_personal(later(1000))
    store.ask_mail("key-1", "ada@example.org", "Receipt", "text", later(1001))
    assert store.newest_mail("key-1") is not None
    assert store.erase_personal(later(1002)) == 1
    assert store.newest_mail("key-1") is None
    assert store.erase_personal(later(1002)) == 0
