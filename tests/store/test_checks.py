"""The invariants of the money: each broken state is built here, and is named by its check and by no other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.money import Money
from kiosk.domain.refunding import RefundState
from kiosk.domain.session import HoldProof
from kiosk.store import Store
from kiosk.store.checks import CHECKS, Offence, Promise
from tests.worlds.once import migrated_store

from .build import NOW, charging, later, opened, queued, seen, stored, whole_end

SOON = later(700)
EURO_5 = {"minor": 525, "currency": "EUR"}
DOCUMENT = {
    "held": {"minor": 5000, "currency": "EUR"},
    "taken": EURO_5,
    "given_back": {"minor": 4475, "currency": "EUR"},
}


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A store that is not checked at the end: these tests break it."""
    opened_store = migrated_store(path)
    yield opened_store
    opened_store.close()


def change(store: Store, statement: str, *values: Any) -> None:
    """As no part of the store would ever do it."""
    with store._database.write() as connection:
        assert connection.exec_driver_sql(statement, values).rowcount == 1


def broken(store: Store, now: Any = SOON) -> set[str]:
    return {offence.check for offence in store.offences(now)}


def captured(store: Store, key: str = "key-1", connector_id: int = 1) -> str:
    """A session that was charged, taken and put on a receipt."""
    key = opened(store, queued(key, connector_id=connector_id), token=f"token of {key}")
    store.observe(key, charging(60, cost_minor=525), source="read")
    store.observe(key, whole_end(90, 525), source="read")
    store.issue_receipt(key, DOCUMENT, later(91))
    return key


def running(store: Store) -> str:
    key = opened(store)
    store.observe(key, charging(60), source="read")
    return key


def ask(store: Store, key: str, end: CommandState | None, kind: Kind = Kind.STOP) -> int:
    asked = store.ask(key, kind, AskedBy.DRIVER, later(100))
    assert store.claim(asked.id, later(101))
    if end is not None:
        refusal = Refusal.NOT_NOW if end is CommandState.REFUSED else None
        store.finish(asked.id, end, later(102), refusal=refusal)
    return asked.id


def no_receipt(store: Store) -> None:
    captured(store)
    change(store, "DELETE FROM receipts")
    change(store, "DELETE FROM receipt_years")


def other_amount(store: Store) -> None:
    change(store, "UPDATE sessions SET captured_minor = 526 WHERE key = ?", captured(store))


def bad_sum(store: Store) -> None:
    key = captured(store)
    change(store, "UPDATE receipts SET document = ?", json.dumps(DOCUMENT | {"given_back": EURO_5}))
    assert store.receipt(key) is not None


def above_hold(store: Store) -> None:
    change(store, "UPDATE sessions SET authorized_minor = 500 WHERE key = ?", captured(store))


def other_proof(store: Store) -> None:
    key = captured(store)
    store.set_proof(key, HoldProof(later(100), "succeeded", 0, 500))


def refund(store: Store, minor: int = 525) -> str:
    key = captured(store)
    store.ask_refund(key, Money(minor, "EUR"), "kim", later(100), earlier=0)
    return key


def refunded_too_much(store: Store) -> None:
    refund(store)
    change(store, "UPDATE refunds SET amount_minor = 526")


def refund_without_its_place(store: Store) -> None:
    refund(store)
    change(store, "UPDATE refunds SET open_of = NULL")


def refund_done_without_an_id(store: Store) -> None:
    key = refund(store)
    (wish,) = store.refunds_of(key)
    store.end_refund(wish, RefundState.DONE, later(102), "sent back")


def refund_sent_without_a_time(store: Store) -> None:
    refund(store)
    change(store, "UPDATE refunds SET state = 'sent'")


def listed_twice(store: Store) -> None:
    key = captured(store)
    reason = Matter(Attention.OTHER_PRICE, key, "ABC", later(60), Act.READ)
    store.keep_exceptions([reason], {key}, later(61))
    change(
        store,
        "INSERT INTO exceptions SELECT id + 1, kind, subject, code, since, act, amount_minor, currency, "
        "noticed_at, level, level_at, closed_at, owner, aside_until, done_at FROM exceptions",
    )


def two_at_a_bay(store: Store) -> None:
    stored(store, queued("key-1", connector_id=1))
    stored(store, queued("key-2", connector_id=2))
    change(store, "UPDATE sessions SET connector_id = 1, slot = NULL WHERE key = 'key-2'")


def bay_kept_by_the_dead(store: Store) -> None:
    change(store, "UPDATE sessions SET slot = '1/ABC' WHERE key = ?", captured(store))


def bay_open_to_others(store: Store) -> None:
    change(store, "UPDATE sessions SET slot = NULL WHERE key = ?", running(store))


def bay_of_another(store: Store) -> None:
    change(store, "UPDATE sessions SET slot = '2/ABC' WHERE key = ?", running(store))


def unwatched(store: Store) -> None:
    change(store, "UPDATE sessions SET watch = 0 WHERE key = ?", running(store))


def unproven_forgotten(store: Store) -> None:
    change(store, "UPDATE sessions SET unproven = 0 WHERE key = ?", captured(store))


def token_lost(store: Store) -> None:
    change(store, "UPDATE sessions SET token = NULL WHERE key = ?", running(store))


def start_without_next_step(store: Store) -> None:
    key = running(store)
    change(store, "UPDATE commands SET state = 'unknown' WHERE session_key = ?", key)


def sent_for_ever(store: Store) -> None:
    ask(store, running(store), None)


def start_sent_twice(store: Store) -> None:
    change(store, "UPDATE commands SET attempts = 2 WHERE session_key = ?", running(store))


def two_starts(store: Store) -> None:
    key = running(store)
    change(
        store,
        "INSERT INTO commands (session_key, kind, asked_by, asked_at, state, attempts, not_before, ended_at)"
        " SELECT session_key, kind, asked_by, asked_at, 'withdrawn', 0, not_before, ended_at FROM commands"
        " WHERE session_key = ?",
        key,
    )


def done_and_never_sent(store: Store) -> None:
    number = ask(store, running(store), CommandState.DONE)
    change(store, "UPDATE commands SET sent_at = NULL, attempts = 0 WHERE id = ?", number)


def waits_and_has_an_end(store: Store) -> None:
    number = ask(store, running(store), CommandState.DONE)
    change(store, "UPDATE commands SET state = 'waiting' WHERE id = ?", number)


def over_and_has_no_end(store: Store) -> None:
    number = ask(store, running(store), CommandState.DONE)
    change(store, "UPDATE commands SET ended_at = NULL WHERE id = ?", number)


def refused_without_reason(store: Store) -> None:
    number = ask(store, running(store), CommandState.REFUSED)
    change(store, "UPDATE commands SET refusal = NULL WHERE id = ?", number)


def withdrawn_after_sending(store: Store) -> None:
    number = ask(store, running(store), CommandState.DONE)
    change(store, "UPDATE commands SET state = 'withdrawn' WHERE id = ?", number)


def attempts_without_a_time(store: Store) -> None:
    number = ask(store, running(store), CommandState.REFUSED)
    change(store, "UPDATE commands SET sent_at = NULL WHERE id = ?", number)


def ended_before_it_was_sent(store: Store) -> None:
    number = ask(store, running(store), CommandState.DONE)
    change(store, "UPDATE commands SET ended_at = '2026-11-20 12:00:00.000000' WHERE id = ?", number)


def number_missing(store: Store) -> None:
    captured(store)
    change(store, "UPDATE receipt_years SET last = 3")


def number_not_counted(store: Store) -> None:
    captured(store)
    change(store, "UPDATE receipts SET number = '2026-000002'")


def number_of_another_form(store: Store) -> None:
    captured(store)
    change(store, "UPDATE receipts SET number = 'R1'")


def token_in_clear(store: Store) -> None:
    change(store, "UPDATE sessions SET token = 'token-1' WHERE key = ?", running(store))


def payment_in_clear(store: Store) -> None:
    change(store, "UPDATE sessions SET payment = '{}' WHERE key = ?", running(store))


def e_mail_in_clear(store: Store) -> None:
    key = running(store)
    store.ask(key, Kind.RECEIPT_EMAIL, AskedBy.DRIVER, later(100), email="ann@example.org")
    change(store, "UPDATE commands SET email = 'ann@example.org' WHERE kind = 'receipt_email'")


def mail_in_clear(store: Store) -> None:
    assert store.ask_mail(running(store), "ann@example.org", "Receipt", "https://kiosk.example/r/a", later(100))
    change(store, "UPDATE mails SET sealed = 'ann@example.org'")


def e_mail_in_a_reason(store: Store) -> None:
    number = ask(store, running(store), CommandState.REFUSED)
    change(store, "UPDATE commands SET detail = 'status 422: ann@example.org' WHERE id = ?", number)


def secret_in_a_reason(store: Store) -> None:
    key = running(store)
    change(store, "UPDATE sessions SET failure_reason = 'pi_1_secret_Sesame' WHERE key = ?", key)


def answer_before_its_question(store: Store) -> None:
    key = running(store)
    store.observe(key, seen("charging", 70, charger_online=True), source="read")
    with store._database.write() as connection:
        text = connection.exec_driver_sql("SELECT seen FROM observations ORDER BY id DESC LIMIT 1").scalar_one()
        document = json.loads(text) | {"seen_at": NOW.isoformat()}
        connection.exec_driver_sql(
            "UPDATE observations SET seen = ? WHERE id = (SELECT max(id) FROM observations)", (json.dumps(document),)
        )


def far_ahead(store: Store) -> None:
    store.hint(running(store), NOW + timedelta(days=1))


CASES: list[tuple[Callable[[Store], None], str]] = [
    (no_receipt, "Every ended session has a receipt"),
    (other_amount, "A receipt says what was captured"),
    (bad_sum, "What was held is what was taken and given back"),
    (above_hold, "No more is captured than was held"),
    (other_proof, "The payment provider received what was captured"),
    (two_at_a_bay, "A bay has one live session"),
    (bay_kept_by_the_dead, "A live session keeps its bay, and no other does"),
    (bay_open_to_others, "A live session keeps its bay, and no other does"),
    (bay_of_another, "A live session keeps its bay, and no other does"),
    (unwatched, "What can still change is watched"),
    (unproven_forgotten, "What can still change is watched"),
    (token_lost, "A live session has its token"),
    (start_without_next_step, "Every unknown command has a next step"),
    (sent_for_ever, "Every command that was sent gets an end"),
    (listed_twice, "What a person should look at is listed once"),
    (refunded_too_much, "No more is refunded than was taken"),
    (refund_without_its_place, "The state of a refund fits its row"),
    (refund_done_without_an_id, "The state of a refund fits its row"),
    (refund_sent_without_a_time, "The state of a refund fits its row"),
    (start_sent_twice, "A start is sent once"),
    (two_starts, "A start is sent once"),
    (done_and_never_sent, "The state of a command fits its times"),
    (waits_and_has_an_end, "The state of a command fits its times"),
    (over_and_has_no_end, "The state of a command fits its times"),
    (refused_without_reason, "The state of a command fits its times"),
    (withdrawn_after_sending, "The state of a command fits its times"),
    (attempts_without_a_time, "The state of a command fits its times"),
    (ended_before_it_was_sent, "A command ends after it was sent"),
    (number_missing, "Receipts are numbered without a gap"),
    (number_not_counted, "Receipts are numbered without a gap"),
    (number_of_another_form, "Receipts are numbered without a gap"),
    (token_in_clear, "Secrets are stored encrypted"),
    (payment_in_clear, "Secrets are stored encrypted"),
    (e_mail_in_clear, "Secrets are stored encrypted"),
    (mail_in_clear, "Secrets are stored encrypted"),
    (e_mail_in_a_reason, "No free text holds a secret"),
    (secret_in_a_reason, "No free text holds a secret"),
    (answer_before_its_question, "An answer follows its question"),
    (far_ahead, "No time lies far ahead"),
]


@pytest.mark.parametrize(("break_it", "name"), CASES, ids=lambda case: getattr(case, "__name__", None))
def test_a_broken_row_is_named_by_its_check_and_by_no_other(
    store: Store, break_it: Callable[[Store], None], name: str
) -> None:
    break_it(store)
    assert broken(store) == {name}


def test_every_check_has_a_case() -> None:
    of_time = {"A hold older than its deadline is being ended"}  # see the tests below
    assert {name for _, name in CASES} | of_time == {check.name for check in CHECKS}


def test_every_check_is_documented_in_its_order() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z][^|]+) \| [^|]+\. \|$", page, re.M)
    assert rows == [check.name for check in CHECKS]


def test_a_sound_store_has_no_offence(store: Store) -> None:
    captured(store)
    other = opened(store, queued("key-2", connector_id=2), token="token-2")
    store.observe(other, charging(60), source="read")
    ask(store, other, CommandState.REFUSED)
    stored(store, queued("key-3", connector_id=3))
    asked = stored(store, queued("key-4", connector_id=4))
    store.claim(asked.id, later(1))
    store.start_unanswered(asked.id, later(2), "no answer")
    assert store.offences(SOON) == []


def test_an_offence_names_its_session_without_showing_its_key(store: Store) -> None:
    above_hold(store)
    (offence,) = store.offences(SOON)
    assert offence == Offence(
        "No more is captured than was held", "525 was taken of a hold of 500, and it is not under review", "key-1"
    )
    assert "key-1" not in repr(offence)


def test_more_than_the_hold_is_no_offence_while_the_operator_reviews_it(store: Store) -> None:
    key = running(store)
    store.observe(key, seen("requires_review", 90, captured_minor=6000), source="read")
    assert broken(store) == set()


def test_the_engine_has_time_to_write_a_receipt(store: Store) -> None:
    no_receipt(store)
    assert broken(store, later(90.25 + 119)) == set()
    assert broken(store, later(90.25 + 121)) == {"Every ended session has a receipt"}


def test_the_engine_has_time_to_revise_a_receipt(store: Store) -> None:
    key = captured(store)
    store.observe(key, whole_end(600, 530), source="read")
    assert broken(store, later(601)) == set()
    assert broken(store, later(800)) == {"A receipt says what was captured"}


def test_a_session_with_an_unknown_stop_is_read_again_within_the_hour(store: Store) -> None:
    key = running(store)
    ask(store, key, CommandState.UNKNOWN)
    assert broken(store, later(3600)) == set()
    assert broken(store, later(3800)) == {"Every unknown command has a next step"}
    store.observe(key, charging(3700), source="read")
    assert broken(store, later(3800)) == set()


def test_a_free_session_has_a_receipt_of_nothing(store: Store) -> None:
    key = running(store)
    store.observe(key, seen("no_charge", 90), source="read")
    store.issue_receipt(key, {"taken": {"minor": 0, "currency": "EUR"}}, later(91))
    assert broken(store) == set()
    change(store, "UPDATE receipts SET document = '{}'")
    assert broken(store) == {"A receipt says what was captured"}


def test_a_paid_session_that_does_not_charge_is_cancelled_in_time(store: Store) -> None:
    key = opened(store)
    store.observe(key, seen("starting", 60), source="read")
    hour = timedelta(hours=1, minutes=3).total_seconds()
    assert broken(store, later(600)) == set()
    assert broken(store, later(60 + hour)) == {"A hold older than its deadline is being ended"}
    ask(store, key, CommandState.REFUSED, Kind.CANCEL)
    assert broken(store, later(60 + hour)) == set()


def test_a_charge_of_six_days_is_stopped_and_no_hold_outlives_seven(store: Store) -> None:
    key = running(store)
    days = timedelta(days=1).total_seconds()
    assert broken(store, later(5.9 * days)) == set()
    assert broken(store, later(6.1 * days)) == {"A hold older than its deadline is being ended"}
    ask(store, key, CommandState.DONE)
    assert broken(store, later(6.1 * days)) == set()
    assert broken(store, later(7.1 * days)) == {"A hold older than its deadline is being ended"}


def test_what_the_engine_promises_can_be_left_out(store: Store) -> None:
    no_receipt(store)
    assert store.offences(SOON, [Promise.STORE]) == []


def test_checking_changes_nothing(store: Store) -> None:
    two_at_a_bay(store)
    before = [store.session("key-1"), store.session("key-2"), store.commands("key-1")]
    store.offences(SOON)
    assert [store.session("key-1"), store.session("key-2"), store.commands("key-1")] == before
