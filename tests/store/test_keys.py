"""Owners, take-over codes and the return from a bank."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from kiosk.store import Store

from .build import NOW, at_once, later, stored


def test_a_grant_makes_an_owner_and_may_be_repeated(store: Store) -> None:
    stored(store)
    store.grant("key-1", "tablet", "bank return", NOW)
    store.grant("key-1", "tablet", "takeover", NOW)
    assert store.owns("key-1", "tablet")
    assert not store.owns("key-2", "tablet")


def test_an_unknown_session_cannot_be_granted(store: Store) -> None:
    with pytest.raises(IntegrityError):
        store.grant("key-1", "tablet", "takeover", NOW)


def test_a_takeover_works_once(store: Store) -> None:
    stored(store, device="tablet")
    store.new_takeover("key-1", "code-1", later(60))
    assert store.use_takeover("code-1", "phone", later(59)) == "key-1"
    assert store.use_takeover("code-1", "another phone", later(59)) is None
    assert (store.owns("key-1", "phone"), store.owns("key-1", "another phone")) == (True, False)
    assert store.owns("key-1", "tablet")


def test_of_twenty_who_use_a_takeover_one_gets_it(store: Store, second: Store) -> None:
    stored(store, device="tablet")
    store.new_takeover("key-1", "code-1", later(60))
    outcomes = at_once(20, lambda n: (store, second)[n % 2].use_takeover("code-1", f"phone-{n}", NOW))
    assert sorted(outcomes, key=str) == [None] * 19 + ["key-1"]
    assert [n for n in range(20) if store.owns("key-1", f"phone-{n}")] == [outcomes.index("key-1")]


def test_a_takeover_expires(store: Store) -> None:
    stored(store, device="tablet")
    store.new_takeover("key-1", "code-1", later(60))
    assert store.use_takeover("code-1", "phone", later(60)) is None
    assert store.peek_takeover("code-1", later(60)) is None
    assert not store.owns("key-1", "phone")


def test_a_look_at_a_takeover_spends_nothing(store: Store) -> None:
    stored(store, device="tablet")
    store.new_takeover("key-1", "code-1", later(60))
    assert store.peek_takeover("code-1", NOW) == store.peek_takeover("code-1", NOW) == "key-1"
    store.use_takeover("code-1", "phone", NOW)
    assert store.peek_takeover("code-1", NOW) is None


def test_a_code_that_never_was_opens_nothing(store: Store) -> None:
    assert (store.use_takeover("code-1", "phone", NOW), store.peek_takeover("code-1", NOW)) == (None, None)


def test_a_return_from_the_bank_proves_ownership_once(store: Store, second: Store) -> None:
    stored(store)
    outcomes = at_once(10, lambda n: (store, second)[n % 2].use_bank_return("key-1", f"phone {n}", NOW))
    assert sorted(outcomes, key=bool) == [False] * 9 + [True]
    assert store.use_bank_return("key-2", "phone", NOW) is False
