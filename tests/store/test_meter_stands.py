"""Meter stands: kept once for a session, never for two, and looked for only where a charge ended lately."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from kiosk.domain.matching import MeterStand
from kiosk.store import Store

from .build import NOW, charging, later, opened, queued, seen, whole_end

STAND = MeterStand(7, NOW, later(1800), 29_317, 37_253, "EVDisconnected")


def ended(store: Store, key: str = "key-1", connector_id: int = 1) -> str:
    opened(store, queued(key, connector_id=connector_id), token=f"token of {key}")
    store.observe(key, charging(20), source="read")
    store.observe(key, whole_end(60), source="read")
    return key


def test_a_stand_comes_back_as_it_was_kept(store: Store) -> None:
    key = ended(store)
    assert store.save_meter_stands({key: STAND}, later(2000)) == [key]
    assert store.meter_stand(key) == STAND
    assert store.meter_stand("nobody") is None


def test_what_is_there_stays_and_no_transaction_belongs_to_two(store: Store) -> None:
    first, second = ended(store), ended(store, "key-2", 2)
    store.save_meter_stands({first: STAND}, later(2000))
    other = MeterStand(8, NOW, later(1800), 1, 2, None)
    assert store.save_meter_stands({first: other, second: STAND}, later(2100)) == []
    assert store.meter_stand(first) == STAND
    assert store.meter_stand(second) is None
    assert store.taken_transactions([7, 8]) == {7}
    assert store.save_meter_stands({second: other}, later(2200)) == [second]


def test_looked_for_are_charges_that_ended_lately_with_an_energy_and_without_a_stand(store: Store) -> None:
    found, unknown, running = ended(store), "key-2", "key-3"
    opened(store, queued(unknown, connector_id=2), token="token-2")
    store.observe(unknown, seen("captured", 60, captured_minor=35, captured_at=later(60)), source="read")
    opened(store, queued(running, connector_id=3), token="token-3")
    store.observe(running, charging(20), source="read")
    since = later(60) - timedelta(minutes=1)
    assert [one.key for one in store.without_meter_stand(since)] == [found]
    assert store.without_meter_stand(since)[0].energy_kwh == Decimal(10)
    assert store.without_meter_stand(later(3600)) == []
    store.save_meter_stands({found: STAND}, later(2000))
    assert store.without_meter_stand(since) == []
