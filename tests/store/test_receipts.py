"""Receipts: numbers without gaps, and nothing replaced silently."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kiosk.store import Missing, Store, StoredReceipt
from kiosk.store.records import ReceiptRevision

from .build import NOW, at_once, later, queued, stored


def sessions(store: Store, count: int) -> list[str]:
    return [stored(store, queued(f"key-{n}", connector_id=n)).session_key for n in range(count)]


def test_a_receipt_comes_back_as_it_was_issued(store: Store) -> None:
    (key,) = sessions(store, 1)
    document = {"taken": {"minor": 525, "currency": "EUR"}, "lines": [1, None, "grüße"]}
    assert store.receipt(key) is None
    assert store.issue_receipt(key, document, NOW) == "2026-000001"
    assert store.receipt(key) == StoredReceipt("2026-000001", NOW, None, document)


def test_the_same_document_changes_nothing(store: Store) -> None:
    (key,) = sessions(store, 1)
    store.issue_receipt(key, {"taken": 525, "lines": (1, 2)}, NOW)
    assert store.issue_receipt(key, {"lines": [1, 2], "taken": 525}, later(60)) == "2026-000001"
    assert store.receipt(key) == StoredReceipt("2026-000001", NOW, None, {"taken": 525, "lines": [1, 2]})


def test_a_revised_receipt_keeps_number_and_date_and_what_it_was(store: Store) -> None:
    (key,) = sessions(store, 1)
    for at, taken in ((0, 525), (60, 500), (90, 0)):
        assert store.issue_receipt(key, {"taken": taken}, later(at)) == "2026-000001"
    assert store.receipt(key) == StoredReceipt("2026-000001", NOW, later(90), {"taken": 0})
    assert store.receipt_revisions("2026-000001") == [
        ReceiptRevision("2026-000001", later(60), {"taken": 525}),
        ReceiptRevision("2026-000001", later(90), {"taken": 500}),
    ]
    assert store.receipt_revisions("2026-000002") == []


def test_numbers_of_twenty_threads_have_no_gap(store: Store, second: Store) -> None:
    keys = sessions(store, 20)
    numbers = at_once(20, lambda n: (store, second)[n % 2].issue_receipt(keys[n], {"n": n}, NOW))
    assert sorted(map(str, numbers)) == [f"2026-{n:06d}" for n in range(1, 21)]


def test_one_receipt_asked_for_by_many_threads_has_one_number(store: Store, second: Store) -> None:
    (key,) = sessions(store, 1)
    numbers = at_once(10, lambda n: (store, second)[n % 2].issue_receipt(key, {"n": 1}, NOW))
    assert numbers == ["2026-000001"] * 10


def test_a_receipt_that_fails_half_way_leaves_no_gap(store: Store) -> None:
    keys = sessions(store, 2)
    store.issue_receipt(keys[0], {}, NOW)
    with pytest.raises(UnicodeEncodeError):
        store.issue_receipt(keys[1], {"seller": "\ud800"}, NOW)
    assert store.receipt(keys[1]) is None
    assert store.issue_receipt(keys[1], {}, NOW) == "2026-000002"


def test_each_year_counts_from_one(store: Store) -> None:
    keys = sessions(store, 3)
    eve = datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert store.issue_receipt(keys[0], {}, eve) == "2026-000001"
    assert store.issue_receipt(keys[1], {}, datetime(2027, 1, 1, tzinfo=UTC)) == "2027-000001"
    assert store.issue_receipt(keys[2], {}, eve) == "2026-000002"


def test_a_receipt_needs_a_session_and_a_json_document(store: Store) -> None:
    with pytest.raises(Missing):
        store.issue_receipt("key-1", {}, NOW)
    with pytest.raises(TypeError):
        store.issue_receipt("key-1", {"at": NOW}, NOW)
