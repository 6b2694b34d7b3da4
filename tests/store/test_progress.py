"""What the operator's view has told of running charges: kept while they run, shown beside them, then forgotten."""

from __future__ import annotations

from decimal import Decimal

from kiosk.domain.progress import Progress
from kiosk.domain.trace import Trace
from kiosk.store import Store

from .build import charging, later, opened, queued, whole_end

TOLD = Progress(7, Decimal("1.05"), later(30), later(20), later(15), Trace().add(later(20), Decimal("1.05")))


def charges(store: Store, key: str = "key-1", connector_id: int = 1) -> str:
    opened(store, queued(key, connector_id=connector_id), token=f"token of {key}")
    store.observe(key, charging(20), source="read")
    return key


def test_what_is_kept_comes_back_and_the_newest_replaces_it(store: Store) -> None:
    first, second = charges(store), charges(store, "key-2", 2)
    store.save_progress({first: TOLD})
    newer = Progress(8, Decimal("2.00"), later(60), later(60))
    store.save_progress({first: newer, second: TOLD})
    assert store.all_progress() == {first: newer, second: TOLD}


def test_a_reader_sees_it_beside_the_session_while_the_charge_runs(store: Store) -> None:
    key = charges(store)
    store.save_progress({key: TOLD})
    found = store.for_reader(key, None)
    assert found is not None
    assert found.progress == TOLD
    store.observe(key, whole_end(60), source="read")
    found = store.for_reader(key, None)
    assert found is not None
    assert found.progress is None


def test_what_is_over_is_forgotten(store: Store) -> None:
    first, second = charges(store), charges(store, "key-2", 2)
    store.save_progress({first: TOLD, second: TOLD})
    store.save_progress({}, {first})
    assert store.all_progress() == {second: TOLD}


def test_one_of_a_clock_that_was_set_back_is_forgotten_and_told_anew(store: Store) -> None:
    first, second = charges(store), charges(store, "key-2", 2)
    early = Progress(8, Decimal("2.00"), later(3), later(2))
    store.save_progress({first: TOLD, second: early})
    store.pull_back(later(10))
    assert store.all_progress() == {second: early}


def test_what_charges_at_a_site_has_the_figures_of_its_list_where_they_count(store: Store) -> None:
    first, second = charges(store), charges(store, "key-2", 2)
    own = store.session(first)
    assert own is not None
    assert own.energy_kwh is not None
    agreed = Progress(7, own.energy_kwh + Decimal("0.50"), later(60), later(60), own.fresh_at)
    store.save_progress({first: agreed, second: TOLD})
    found = {one.key: one for one in store.charging_at([own.code])}
    assert (found[first].energy_kwh, found[first].fresh_at) == (own.energy_kwh + Decimal("0.50"), later(60))
    assert found[second] == store.session(second)
