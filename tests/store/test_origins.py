"""Who asked for a start is counted by marks, for a while, and no row that cannot be read keeps the others away."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from kiosk.domain.commands import CommandState, Kind, Refusal
from kiosk.domain.unpaid import Life
from kiosk.store import Store
from kiosk.store.rows import digest
from kiosk.store.tables import sessions

from .build import NOW, later, opened, queued, seen, stored


def asked_for(store: Store, key: str, connector_id: int, at: float = 0, **who: object) -> None:
    store.create(queued(key, connector_id=connector_id), device=f"phone of {key}", now=later(at), **who)  # type: ignore[arg-type]


def broken(store: Store, key: str) -> None:
    with store._database.write() as connection:
        connection.execute(update(sessions).where(sessions.c.key == key).values(tariff_currency="not a currency"))


def test_it_tells_who_asked_where_and_what_became_of_it(store: Store) -> None:
    asked_for(store, "waits", 1, network="n1", on_site=True)
    opened(store, queued("unpaid", connector_id=2))
    opened(store, queued("over", connector_id=3))
    store.observe("over", seen("expired", 20), source="read")
    asked_for(store, "left", 4, at=1)
    store.withdraw_start("left", later(2))
    found = {one.key: one for one in store.origins(NOW)}
    assert {key: one.life for key, one in found.items()} == {
        "waits": Life.WAITS,
        "unpaid": Life.OPEN,
        "over": Life.WASTED,
        "left": Life.NEVER,
    }
    assert (found["waits"].network, found["waits"].on_site, found["waits"].code) == ("n1", True, "ABC")
    assert (found["unpaid"].network, found["unpaid"].on_site) == (None, False)
    assert found["waits"].device == digest("phone of waits")


def test_only_what_was_asked_for_since_then_counts_oldest_first(store: Store) -> None:
    for number in (3, 1, 2):
        asked_for(store, f"at-{number}", number, at=number * 10)
    assert [one.key for one in store.origins(later(20))] == ["at-2", "at-3"]


def test_the_starts_of_one_device_may_be_asked_for_alone(store: Store) -> None:
    asked_for(store, "mine", 1)
    asked_for(store, "theirs", 2)
    assert [one.key for one in store.origins(NOW, device="phone of mine")] == ["mine"]


def test_a_start_that_waits_says_by_which_marks_its_turn_is_found(store: Store) -> None:
    asked_for(store, "first", 1, network="n1")
    opened(store, queued("sent", connector_id=2))
    asked_for(store, "second", 3, at=5, on_site=True)
    first, second = store.waiting_starts()
    assert (first.key, first.bay, first.network, first.on_site) == ("first", "1/ABC", "n1", False)
    assert (second.key, second.asked_at, second.not_before, second.on_site) == ("second", later(5), later(5), True)


def test_a_row_that_cannot_be_read_keeps_no_other_from_being_counted(store: Store) -> None:
    asked_for(store, "good", 1)
    asked_for(store, "bad", 2)
    broken(store, "bad")
    assert [one.key for one in store.origins(NOW)] == ["good"]
    assert [one.key for one in store.waiting_starts()] == ["good", "bad"]


def test_marks_of_devices_and_networks_are_erased_and_those_of_a_start_that_waits_stay(store: Store) -> None:
    asked_for(store, "waits", 1, network="n1")
    opened(store, queued("made", connector_id=2))
    store.forget_origins(later(0))
    assert len(store.origins(NOW)) == 2
    store.forget_origins(later(1))
    assert [one.key for one in store.origins(NOW)] == ["waits"]
    assert store.waiting_starts()[0].network == "n1"
    assert store.session("made") is not None


def test_a_start_that_was_put_back_keeps_its_place_and_counts_as_not_sent(store: Store) -> None:
    first, second = stored(store, queued("first")), stored(store, queued("second", connector_id=2))
    assert store.claim(first.id, later(1))
    store.put_back(first.id, later(30), Refusal.TOO_MANY)
    assert [one.command_id for one in store.waiting_starts()] == [first.id, second.id]
    (again,) = store.commands("first")
    assert (again.state, again.attempts, again.sent_at, again.refusal) == (
        CommandState.WAITING,
        0,
        None,
        Refusal.TOO_MANY,
    )
    assert store.offences(later(2)) == []


@pytest.mark.parametrize("state", ["waiting", "done"])
def test_only_a_start_that_was_sent_is_put_back(store: Store, state: str) -> None:
    if state == "waiting":
        number = stored(store).id
    else:
        number = next(one.id for one in store.commands(opened(store)) if one.kind is Kind.START)
    with pytest.raises(Exception, match="cannot go back"):
        store.put_back(number, later(30), Refusal.TOO_MANY)
