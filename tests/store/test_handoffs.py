"""Hand-offs: one open at a tablet, claimed by one device, forgotten soon."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kiosk.store import Store
from kiosk.store.records import Handoff
from kiosk.store.tables import handoffs

from .build import NOW, at_once, later

HOUR, DAY = 3600, 24 * 3600


def tablet(store: Store, key: str = "key-1") -> int:
    paired = store.pair(store.new_pairing("harbour", key, NOW, later(900)), key, NOW)
    assert paired is not None
    return paired.id


def opened(store: Store, name: str = "h-1", tablet_id: int | None = None, at: float = 0) -> Handoff:
    made = Handoff(name, tablet_id or tablet(store), "ABC", 2, "de", later(at))
    assert store.open_handoff(made)
    return made


def test_an_open_one_can_be_read(store: Store) -> None:
    made = opened(store)
    assert store.handoff("h-1") == made
    assert store.handoff("h-2") is None


def test_a_screen_hands_over_one_bay_at_a_time(store: Store) -> None:
    screen, other = tablet(store), tablet(store, "key-2")
    opened(store, "h-1", screen)
    opened(store, "h-2", other)
    opened(store, "h-3", screen, at=30)
    closed = [one.closed_at for one in map(store.handoff, ("h-1", "h-2", "h-3")) if one is not None]
    assert closed == [later(30), None, None]
    assert not store.claim_handoff("h-1", "phone", later(31))


def test_two_screens_may_hand_over_the_same_bay(store: Store) -> None:
    opened(store, "h-1", tablet(store))
    opened(store, "h-2", tablet(store, "key-2"))
    assert store.claim_handoff("h-1", "phone", later(1))
    assert store.claim_handoff("h-2", "another phone", later(1))


def test_an_id_cannot_be_used_twice(store: Store) -> None:
    made = opened(store)
    with pytest.raises(IntegrityError):
        store.open_handoff(made)
    assert store.handoff("h-1") == made


def test_the_first_device_gets_it(store: Store) -> None:
    opened(store)
    assert store.claim_handoff("h-1", "phone", later(5))
    assert not store.claim_handoff("h-1", "another phone", later(6))
    assert not store.claim_handoff("h-1", "phone", later(7))
    claimed = store.handoff("h-1")
    assert claimed is not None
    assert claimed.claimed_at == later(5)
    assert store.handoff_claimed_by("h-1", "phone") == claimed
    assert store.handoff_claimed_by("h-1", "another phone") is None


def test_of_twenty_phones_one_gets_it(store: Store, second: Store) -> None:
    opened(store)
    outcomes = at_once(20, lambda n: (store, second)[n % 2].claim_handoff("h-1", f"phone-{n}", NOW))
    assert sorted(outcomes, key=bool) == [False] * 19 + [True]
    assert [n for n in range(20) if store.handoff_claimed_by("h-1", f"phone-{n}")] == [outcomes.index(True)]


def test_whoever_has_claimed_it_keeps_it_when_the_screen_goes_on(store: Store) -> None:
    screen = tablet(store)
    opened(store, "h-1", screen)
    store.claim_handoff("h-1", "phone", later(5))
    opened(store, "h-2", screen, at=10)
    assert store.handoff_claimed_by("h-1", "phone") is not None


def test_one_that_the_screen_has_closed_cannot_be_claimed(store: Store) -> None:
    opened(store)
    store.close_handoff("h-1", later(5))
    store.close_handoff("h-1", later(9))
    closed = store.handoff("h-1")
    assert closed is not None
    assert closed.closed_at == later(5)
    assert not store.claim_handoff("h-1", "phone", later(6))


def test_closing_takes_nothing_from_whoever_has_claimed_it(store: Store) -> None:
    opened(store)
    store.claim_handoff("h-1", "phone", later(1))
    store.close_handoff("h-1", later(5))
    assert store.handoff_claimed_by("h-1", "phone") is not None


def test_one_that_never_was_cannot_be_claimed(store: Store) -> None:
    assert not store.claim_handoff("h-1", "phone", NOW)
    assert store.handoff_claimed_by("h-1", "phone") is None


def test_the_device_is_not_stored_as_it_is(store: Store) -> None:
    opened(store)
    store.claim_handoff("h-1", "the-id-of-the-phone", NOW)
    with store._database.read() as connection:
        assert "the-id-of-the-phone" not in str(connection.execute(select(handoffs)).all())


def test_who_claimed_it_is_forgotten_after_three_hours(store: Store) -> None:
    opened(store)
    store.claim_handoff("h-1", "phone", later(5))
    store.forget_handoffs(later(3 * HOUR))
    assert store.handoff_claimed_by("h-1", "phone") is not None
    store.forget_handoffs(later(3 * HOUR + 5))
    assert store.handoff_claimed_by("h-1", "phone") is None
    assert store.handoff("h-1") is not None


def test_a_hand_off_is_forgotten_after_a_day(store: Store) -> None:
    screen = tablet(store)
    opened(store, "h-1", screen)
    opened(store, "h-2", screen, at=60)
    store.forget_handoffs(later(DAY))
    assert store.handoff("h-1") is None
    assert store.handoff("h-2") is not None
