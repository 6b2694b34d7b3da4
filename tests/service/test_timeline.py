"""A session's timeline: nothing that happened is missing, nothing is made up, and no secret is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from kiosk.config.logs import session_mark
from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.handling import Did
from kiosk.domain.matching import MeterStand
from kiosk.domain.money import Money
from kiosk.domain.refunding import RefundState
from kiosk.domain.session import Event, HoldProof
from kiosk.domain.tariff import Tariff
from kiosk.service.entries import (
    Asked,
    Changed,
    Entry,
    HandedOver,
    Hinted,
    Issued,
    Measured,
    Metered,
    NotFound,
    Noticed,
    Outcome,
    Owned,
    Proven,
    Reason,
    RefundAsked,
    RefundEnded,
    RefundSent,
    Revised,
    SeenTo,
    Settled,
    TakenBack,
    TakeOverLapsed,
    Timeline,
)
from kiosk.service.timeline import RUN, find, timeline
from kiosk.store import Store
from kiosk.store.records import Handoff
from tests.store.build import charging, later, opened, queued, seen, stored
from tests.worlds.once import migrated_store

T = TypeVar("T")
NOW = later(10_000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened_store = migrated_store(tmp_path / "kiosk.db")
    yield opened_store
    opened_store.close()


def told(store: Store, key: str, now: datetime = NOW) -> Timeline:
    found = timeline(store, key, now)
    assert found is not None
    return found


def only(entries: tuple[Entry, ...], kind: type[T]) -> list[T]:
    return [entry for entry in entries if isinstance(entry, kind)]


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def command(store: Store, key: str, kind: Kind, asked_by: AskedBy, at: float, end: CommandState, **more: Any) -> None:
    asked = store.ask(key, kind, asked_by, later(at))
    assert store.claim(asked.id, later(at + 1))
    store.finish(asked.id, end, later(at + 2), **more)


def test_there_is_no_timeline_of_a_session_that_never_was(store: Store) -> None:
    assert timeline(store, "key-1", NOW) is None


def test_entries_stand_in_the_order_in_which_things_happened(store: Store) -> None:
    key = opened(store)
    store.observe(key, charging(60), source="read")
    command(store, key, Kind.STOP, AskedBy.DRIVER, 70, CommandState.DONE)
    entries = told(store, key).entries
    assert [type(entry).__name__ for entry in entries] == ["Requested", "Asked", "Changed", "Changed", "Asked"]
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)


def test_an_observation_that_changed_nothing_is_counted_and_not_told(store: Store) -> None:
    key = opened(store)
    store.observe(key, charging(60), source="read")
    before = told(store, key)
    store.observe(key, charging(70), source="read")
    after = told(store, key)
    assert after.entries == before.entries
    assert (before.readings, after.readings) == (2, 3)


def test_a_change_says_before_and_after_and_a_figure_nobody_said_is_none(store: Store) -> None:
    key = opened(store)
    store.observe(key, seen("charging", 60, charger_online=True, authorized_minor=5000), source="read")
    store.observe(key, charging(70, "1.5", cost_minor=109), source="read")
    entries = told(store, key).entries
    (_started, first), (second,) = only(entries, Changed), only(entries, Metered)
    assert {(one.what, one.before, one.after) for one in first.changes} == {
        ("status", "created", "charging"),
        ("charger_online", None, True),
        ("hold", None, euros(5000)),
    }
    assert (first.energy_kwh, first.cost) == (None, None)
    assert (second.energy_before, second.energy_kwh) == (None, Decimal("1.5"))
    assert (second.cost_before, second.cost) == (None, euros(109))


def test_meter_readings_are_told_together_a_quarter_of_an_hour_at_a_time(store: Store) -> None:
    key = opened(store)
    for n in range(121):
        store.observe(key, charging(60 + 10 * n, f"{n}.5", cost_minor=10 * n), source="read")
    first, second = only(told(store, key).entries, Metered)
    assert first.at - first.since <= RUN
    assert (first.energy_before, first.energy_kwh) == (Decimal("0.5"), second.energy_before)
    assert (second.energy_kwh, second.cost) == (Decimal("120.5"), euros(1200))
    assert first.readings + second.readings == 120


def test_an_energy_that_fell_is_never_lost_among_the_meter_readings(store: Store) -> None:
    key = opened(store)
    for at, energy in ((60, "1"), (70, "2"), (80, "1.5"), (90, "3")):
        store.observe(key, charging(at, energy), source="read")
    entries = [entry for entry in told(store, key).entries if isinstance(entry, Changed | Metered)][2:]
    assert [type(entry).__name__ for entry in entries] == ["Metered", "Changed", "Metered"]
    assert isinstance(entries[1], Changed)
    assert Event.ENERGY_FELL in entries[1].events
    assert [(one.what, one.before, one.after) for one in entries[1].changes] == [
        ("energy_kwh", Decimal("2"), Decimal("1.5"))
    ]


def test_a_charger_out_of_contact_and_another_price_are_told(store: Store) -> None:
    key = opened(store)
    store.observe(key, charging(60), source="read")
    store.observe(key, replace(charging(70), charger_online=False), source="read")
    store.observe(key, replace(charging(80), tariff=Tariff("EUR", 79, 35)), source="read")
    offline, dearer = only(told(store, key).entries, Changed)[2:]
    assert offline.events == (Event.WENT_OFFLINE,)
    assert dearer.events == (Event.CAME_ONLINE, Event.TARIFF_CHANGED)
    (price,) = [change for change in dearer.changes if change.what == "later_price"]
    assert (price.before, price.after) == (None, Tariff("EUR", 79, 35))


def test_an_answer_to_an_older_question_changed_nothing(store: Store) -> None:
    key = opened(store)
    store.observe(key, seen("settling", 70), source="read")
    store.observe(key, charging(60), source="read")
    assert [entry.status for entry in only(told(store, key).entries, Changed)] == ["created", "settling"]


def test_a_command_tells_who_asked_why_and_what_was_answered(store: Store) -> None:
    key = opened(store)
    more = {"refusal": Refusal.CHARGER_OFFLINE, "detail": "status 409: The charger is offline."}
    command(store, key, Kind.STOP, AskedBy.LIMIT, 60, CommandState.REFUSED, **more)
    assert only(told(store, key).entries, Asked)[1] == Asked(
        at=later(60),
        kind=Kind.STOP,
        reason=Reason.LIMIT,
        state=CommandState.REFUSED,
        attempts=1,
        sent_at=later(61),
        ended_at=later(62),
        refusal=Refusal.CHARGER_OFFLINE,
        said="status 409: The charger is offline.",
    )


def test_a_stop_for_the_age_of_the_hold_is_told_apart_from_one_for_its_amount(store: Store) -> None:
    key = opened(store)
    store.observe(key, charging(60), source="read")
    week = timedelta(days=6).total_seconds()
    command(store, key, Kind.STOP, AskedBy.HOLD, 100, CommandState.REFUSED)
    command(store, key, Kind.STOP, AskedBy.HOLD, 61 + week, CommandState.DONE)
    assert [one.reason for one in only(told(store, key).entries, Asked)[1:]] == [Reason.HOLD, Reason.HOLD_AGE]


@pytest.mark.parametrize("asked_by", AskedBy)
def test_every_asker_has_a_reason(store: Store, asked_by: AskedBy) -> None:
    key = opened(store)
    command(store, key, Kind.STOP, asked_by, 60, CommandState.DONE)
    assert only(told(store, key).entries, Asked)[1].reason.value == asked_by.value


def ended(store: Store, key: str, at: float = 80) -> None:
    store.observe(key, seen("settling", at), source="read")


def test_the_end_is_the_drivers_when_the_driver_asked_first(store: Store) -> None:
    key = opened(store)
    command(store, key, Kind.STOP, AskedBy.DRIVER, 60, CommandState.DONE)
    command(store, key, Kind.STOP, AskedBy.LIMIT, 70, CommandState.DONE)
    ended(store, key)
    ending = told(store, key).ending
    assert (ending.outcome, ending.seen_at) == (Outcome.ASKED, later(80.25))
    assert ending.command is not None
    assert ending.command.reason is Reason.DRIVER


def test_a_stop_without_an_answer_may_have_ended_it(store: Store) -> None:
    key = opened(store)
    command(store, key, Kind.STOP, AskedBy.LIMIT, 60, CommandState.UNKNOWN, detail="no answer")
    ended(store, key)
    assert told(store, key).ending.outcome is Outcome.ASKED


def test_a_refused_stop_did_not_end_it_and_is_named(store: Store) -> None:
    key = opened(store)
    command(store, key, Kind.STOP, AskedBy.LIMIT, 60, CommandState.REFUSED, refusal=Refusal.CHARGER_OFFLINE)
    ended(store, key)
    ending = told(store, key).ending
    assert ending.outcome is Outcome.NOT_ASKED
    assert ending.command is not None
    assert ending.command.refusal is Refusal.CHARGER_OFFLINE


def test_a_session_that_nobody_paid_is_said_to_be_unpaid(store: Store) -> None:
    key = opened(store)
    store.observe(key, seen("expired", 900), source="read")
    ending = told(store, key).ending
    assert (ending.outcome, ending.command) == (Outcome.NEVER_PAID, None)


def test_what_stripe_says_was_paid_is_never_called_unpaid(store: Store) -> None:
    key = opened(store)
    store.observe(key, seen("expired", 900), source="read")
    store.set_proof(key, HoldProof(later(901), "requires_capture", 3000, 0))
    assert told(store, key).ending.outcome is Outcome.NOT_ASKED


def test_a_stop_that_came_after_the_end_did_not_cause_it(store: Store) -> None:
    key = opened(store)
    ended(store, key, 60)
    command(store, key, Kind.STOP, AskedBy.DRIVER, 90, CommandState.DONE)
    assert told(store, key).ending.outcome is Outcome.NOT_ASKED


def test_a_stop_that_was_sent_again_after_the_end_counts_from_when_it_was_asked_for(store: Store) -> None:
    key = opened(store)
    asked = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(60))
    store.claim(asked.id, later(61))
    store.finish(asked.id, CommandState.UNKNOWN, later(62), detail="no answer")
    store.again(asked.id, later(90))
    store.claim(asked.id, later(91))
    store.finish(asked.id, CommandState.DONE, later(92))
    ended(store, key)
    assert told(store, key).ending.outcome is Outcome.ASKED


def test_the_reason_of_the_back_office_is_told(store: Store) -> None:
    key = opened(store)
    store.observe(key, seen("failed", 60, failure_reason="EVDisconnected"), source="read")
    assert told(store, key).ending.said == "EVDisconnected"


def test_a_session_that_goes_on_has_no_ending(store: Store) -> None:
    key = stored(store).session_key
    assert told(store, key).ending.outcome is Outcome.GOES_ON
    other = opened(store, queued("key-2", connector_id=2))
    store.observe(other, charging(60), source="read")
    assert told(store, other).ending.outcome is Outcome.GOES_ON


def test_a_start_that_came_to_nothing_says_how(store: Store) -> None:
    keys = [stored(store, queued(f"key-{n}", connector_id=n)) for n in range(3)]
    store.claim(keys[0].id, later(1))
    store.start_refused(keys[0].id, Refusal.CONNECTOR_BUSY, later(2), detail="status 409: in use")
    store.claim(keys[1].id, later(1))
    store.start_unanswered(keys[1].id, later(2), "no answer")
    store.withdraw_start(keys[2].session_key, later(2))
    endings = [told(store, one.session_key).ending for one in keys]
    assert [one.outcome for one in endings] == [Outcome.START_REFUSED, Outcome.START_NOT_ANSWERED, Outcome.LEFT]
    assert endings[0].said == "status 409: in use"


def test_a_session_that_upstream_lost_is_told_as_lost(store: Store) -> None:
    key = opened(store)
    store.mark_gone(key, later(60), later(61))
    assert only(told(store, key).entries, NotFound) == [NotFound(later(61), lost=False)]
    store.mark_gone(key, later(90), later(91))
    assert only(told(store, key).entries, NotFound) == [NotFound(later(61), lost=True)]
    assert told(store, key).ending.outcome is Outcome.LOST


def document(taken: int, given_back_at: str | None = None) -> dict[str, Any]:
    return {
        "status": "captured",
        "held": {"minor": 5000, "currency": "EUR"},
        "taken": {"minor": taken, "currency": "EUR"},
        "given_back": {"minor": 5000 - taken, "currency": "EUR"},
        "given_back_at": given_back_at,
        "lines": [{"component": "per_kwh", "amount": {"minor": taken, "currency": "EUR"}}],
        "card": None,
    }


def test_a_receipt_is_told_as_it_was_issued_and_each_revision_by_what_differs(store: Store) -> None:
    key = opened(store)
    store.issue_receipt(key, document(525), later(100))
    store.issue_receipt(key, document(525, "2026-11-20T13:02:00+00:00"), later(200))
    store.issue_receipt(key, document(0, "2026-11-20T13:02:00+00:00"), later(300))
    line = told(store, key)
    assert line.receipt_number == "2026-000001"
    assert only(line.entries, Issued) == [
        Issued(later(100), "2026-000001", "captured", euros(5000), euros(525), euros(4475), None)
    ]
    proof, refund = only(line.entries, Revised)
    assert (proof.at, [(one.what, one.before, one.after) for one in proof.changes]) == (
        later(200),
        [("given_back_at", None, datetime(2026, 11, 20, 13, 2, tzinfo=UTC))],
    )
    assert (refund.at, [(one.what, one.before, one.after) for one in refund.changes]) == (
        later(300),
        [
            ("taken", euros(525), euros(0)),
            ("given_back", euros(4475), euros(5000)),
            ("lines.1.amount", euros(525), euros(0)),
        ],
    )


def test_the_stands_of_the_chargers_own_meter_are_told_where_its_transaction_stopped(store: Store) -> None:
    key = opened(store)
    assert only(told(store, key).entries, Measured) == []
    stand = MeterStand(7, later(30), later(90), 29_317, 37_253, "EVDisconnected")
    store.save_meter_stands({key: stand}, later(200))
    assert only(told(store, key).entries, Measured) == [
        Measured(later(90), 7, later(30), 29_317, 37_253, "EVDisconnected")
    ]


def test_the_proof_of_the_payment_provider_is_told_with_its_amounts(store: Store) -> None:
    key = opened(store)
    store.set_proof(key, HoldProof(later(100), "succeeded", 0, 525))
    assert only(told(store, key).entries, Proven) == [
        Proven(later(100), "succeeded", euros(0), euros(525), None, ended=True)
    ]


def test_refunds_from_the_desk_are_told_as_far_as_they_came(store: Store) -> None:
    key = opened(store)
    first = store.ask_refund(key, euros(300), "kim", later(100), earlier=0)
    assert store.claim_refund(first, later(101))
    store.end_refund(first, RefundState.DONE, later(102), "sent back", "re_1")
    second = store.ask_refund(key, euros(200), "ann", later(110), earlier=1)
    store.end_refund(second, RefundState.REFUSED, later(111), "Stripe refused: ada@example.org has no card")
    store.ask_refund(key, euros(100), "kim", later(120), earlier=2)
    entries = told(store, key).entries
    assert only(entries, RefundAsked) == [
        RefundAsked(later(100), euros(300), "kim"),
        RefundAsked(later(110), euros(200), "ann"),
        RefundAsked(later(120), euros(100), "kim"),
    ]
    assert only(entries, RefundSent) == [RefundSent(later(101), euros(300))]
    done, refused = only(entries, RefundEnded)
    assert done == RefundEnded(later(102), euros(300), True, "sent back")
    assert (refused.at, refused.done) == (later(111), False)
    assert refused.said is not None
    assert "ada@example.org" not in refused.said


def test_webhooks_and_a_hint_that_waits_are_told(store: Store) -> None:
    key = opened(store)
    store.note_webhook("evt_1", "charge.refunded", key, later(100))
    store.note_webhook("evt_2", "charge.refunded", "key-of-another", later(100))
    store.hint(key, later(101))
    assert only(told(store, key).entries, Hinted) == [
        Hinted(later(100), "charge.refunded"),
        Hinted(later(101), None),
    ]


def test_each_way_in_is_told_without_code_or_device(store: Store) -> None:
    key = opened(store)
    store.new_takeover(key, "code-1", later(300))
    store.new_takeover(key, "code-2", later(400))
    store.new_takeover(key, "code-3", later(20_000))
    assert store.use_takeover("code-1", "second phone", later(100)) == key
    store.grant(key, "browser", "bank", later(120))
    entries = told(store, key).entries
    assert only(entries, Owned) == [Owned(later(100), "takeover"), Owned(later(120), "bank")]
    assert only(entries, TakeOverLapsed) == [TakeOverLapsed(later(400))]


def test_a_right_that_was_taken_back_is_told_with_how_it_had_come(store: Store) -> None:
    key = opened(store)
    store.new_takeover(key, "code-1", later(300), on_screen=True)
    assert store.use_takeover("code-1", "second phone", later(100)) == key
    _mine, (theirs,) = store.rights_of(key, "phone")
    assert store.take_right_back(key, "phone", theirs.mark, later(130))
    entries = told(store, key).entries
    assert only(entries, Owned) == [Owned(later(100), "screen")]
    assert only(entries, TakenBack) == [TakenBack(later(130), "screen")]


def test_a_hand_off_is_told_when_the_phone_that_claimed_it_asked_for_that_bay(store: Store) -> None:
    pairing = store.new_pairing("harbour", "gate", later(-900), later(900))
    tablet = store.pair(pairing, "key of the tablet", later(-800))
    assert tablet is not None
    for number, code in enumerate(("ABC", "OTHER")):
        store.open_handoff(Handoff(f"handoff-{number}", tablet.id, code, 1, "en", later(-60)))
        assert store.claim_handoff(f"handoff-{number}", "phone", later(-30))
    key = opened(store)
    stranger = opened(store, queued("key-2", connector_id=2), device="phone", token="token-2")
    assert only(told(store, key).entries, HandedOver) == [HandedOver(later(-30), "gate", later(-60))]
    assert only(told(store, stranger).entries, HandedOver) == []


def test_free_text_from_outside_is_redacted(store: Store) -> None:
    key = opened(store)
    detail = "status 422: sent by Bearer abc123 for ann@example.org"
    command(store, key, Kind.STOP, AskedBy.DRIVER, 60, CommandState.REFUSED, detail=detail)
    store.observe(key, seen("failed", 90, failure_reason="pi_1_secret_Sesame"), source="read")
    shown = repr(told(store, key).entries) + repr(told(store, key).ending)
    assert not {word for word in ("abc123", "ann@", "Sesame") if word in shown}


def test_a_session_is_found_by_mark_by_receipt_and_by_charger(store: Store) -> None:
    first = opened(store)
    ended(store, first)
    second = opened(store, queued("key-2", connector_id=2), token="token-2")
    store.issue_receipt(first, {}, later(100))
    assert [one.key for one in find(store, session_mark(second))] == [second]
    assert [one.key for one in find(store, f" {session_mark(first).upper()} ")] == [first]
    assert [one.key for one in find(store, "2026-000001")] == [first]
    assert [one.key for one in find(store, "a-bc")] == [second, first]
    assert [one.key for one in find(store, "abc", limit=1)] == [second]
    for nothing in ("2026-000002", "0123456789", "XYZ", ""):
        assert find(store, nothing) == []


def test_a_charger_whose_code_looks_like_a_mark_is_found(store: Store) -> None:
    key = opened(store, queued(code="0123456789"))
    assert [one.key for one in find(store, "0123456789")] == [key]


def test_it_tells_when_a_person_was_needed_and_when_that_was_over(store: Store) -> None:
    key = opened(store)
    reason = Matter(Attention.HOLD_OVERDUE, key, "7MK4T", later(50), Act.STOP, 5000, "EUR")
    store.keep_exceptions([reason], {key}, later(60))
    (row,) = store.exceptions_of(key)
    store.handle(row.id, Did.NOTED, "kim", later(70), note="mail to anna@mail.example sent")
    store.keep_exceptions([], {key}, later(90))
    store.keep_exceptions([Matter(Attention.REVIEW, key, "7MK4T", later(95), Act.ASK_BACK_OFFICE)], {key}, later(95))
    entries = told(store, key).entries
    assert only(entries, Noticed) == [
        Noticed(later(60), Attention.HOLD_OVERDUE, Act.STOP, euros(5000)),
        Noticed(later(95), Attention.REVIEW, Act.ASK_BACK_OFFICE, None),
    ]
    (seen,) = only(entries, SeenTo)
    assert (seen.at, seen.why, seen.who, seen.did) == (later(70), Attention.HOLD_OVERDUE, "kim", Did.NOTED)
    assert seen.said is not None
    assert "anna@" not in seen.said
    assert only(entries, Settled) == [Settled(later(90), Attention.HOLD_OVERDUE)]
