"""What goes by its age alone, and what stays although it is old."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from kiosk.store import Store
from kiosk.store.errors import CannotWrite
from kiosk.store.retention import MOST_AT_A_TIME, SESSIONS_AT_ONCE, WEBHOOKS_AT_ONCE
from kiosk.store.tables import pairing_codes, webhooks
from tests.worlds.refusing import full

from .build import NOW, charging, later, opened, queued, seen, whole_end


def ended(store: Store, key: str, at: float, connector_id: int) -> None:
    opened(store, queued(key, connector_id=connector_id))
    store.observe(key, charging(20), source="read")
    store.observe(key, whole_end(at), source="read")


def readings(store: Store, key: str) -> int:
    return len(store.observations(key))


def count(store: Store) -> int:
    with store._database.read() as connection:
        return connection.execute(select(func.count()).select_from(webhooks)).scalar_one()


def test_readings_of_what_ended_before_then_are_erased_once_and_all_else_stays(store: Store) -> None:
    ended(store, "key-1", 400, 1)
    ended(store, "key-2", 500, 2)
    store.issue_receipt("key-1", {"taken": 525}, later(401))
    before = store.session("key-1"), store.commands("key-1"), store.receipt("key-1")
    assert store.erase_readings(later(500)) == 1
    assert store.erase_readings(later(500)) == 0
    assert (readings(store, "key-1"), readings(store, "key-2")) == (0, 3)
    assert (store.session("key-1"), store.commands("key-1"), store.receipt("key-1")) == before


def test_what_may_still_change_keeps_its_readings_however_old_they_are(store: Store) -> None:
    opened(store, queued("open", connector_id=1))
    opened(store, queued("lost", connector_id=2))
    store.observe("lost", seen("charging", 20, authorized_minor=5000), source="read")
    store.mark_gone("lost", later(30), later(31))
    store.mark_gone("lost", later(40), later(41))
    ended(store, "asked about", 400, 3)
    store.hint("asked about", later(500))
    assert store.erase_readings(later(10**7)) == 0
    assert [readings(store, key) for key in ("open", "lost", "asked about")] == [1, 2, 3]


def test_webhooks_go_by_the_day_on_which_they_came(store: Store) -> None:
    for number, at in enumerate((100, 200, 300)):
        store.note_webhook(f"evt_{number}", "charge.updated", None, later(at))
    store.erase_readings(later(200))
    assert count(store) == 2


def test_it_goes_in_small_steps_and_a_run_has_an_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.store.retention.MOST_AT_A_TIME", 2)
    monkeypatch.setattr("kiosk.store.retention.SESSIONS_AT_ONCE", 2)
    monkeypatch.setattr("kiosk.store.retention.WEBHOOKS_AT_ONCE", 2)
    for number in range(5):
        ended(store, f"key-{number}", 400, number)
        store.note_webhook(f"evt_{number}", "charge.updated", None, later(100))
    assert store.erase_readings(later(500)) == 4
    assert count(store) == 1
    assert store.erase_readings(later(500)) == 1
    assert count(store) == 0
    assert SESSIONS_AT_ONCE <= 20
    assert MOST_AT_A_TIME * WEBHOOKS_AT_ONCE <= 50_000


def test_a_run_that_is_cut_off_is_gone_on_with(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.store.retention.SESSIONS_AT_ONCE", 1)
    for number in range(3):
        ended(store, f"key-{number}", 400, number)
    with full(store), pytest.raises(CannotWrite):
        store.erase_readings(later(500))
    assert [readings(store, f"key-{number}") for number in range(3)] == [3, 3, 3]
    assert store.erase_readings(later(500)) == 3


def test_codes_of_tablets_that_nobody_can_use_any_more_are_forgotten(store: Store) -> None:
    store.new_pairing("site", "gate", NOW, later(60))
    store.new_pairing("site", "door", NOW, later(120))
    store.forget_pairing_codes(later(60))
    with store._database.read() as connection:
        assert connection.execute(select(pairing_codes.c.name)).scalars().all() == ["door"]
