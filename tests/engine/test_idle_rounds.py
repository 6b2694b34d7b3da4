"""A round in which nothing is due asks the database nothing; what another process writes is seen in the next one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from kiosk.domain.asking import Lane
from kiosk.domain.commands import AskedBy, Kind
from tests.engine.house import CODE, House
from tests.worlds.once import migrated_store


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    """The statements of this process, but for those that begin and end a transaction."""
    told: list[str] = []

    def tell(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            told.append(statement)

    engine = house.store._database._engine
    event.listen(engine, "before_cursor_execute", tell)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", tell)


def test_a_round_in_which_nothing_is_due_touches_no_table(house: House) -> None:
    house.charging()
    house.run(30)
    house.engine.round()
    with counted(house) as told:
        for _ in range(5):
            house.engine.round()
    assert told == []


def test_what_another_process_writes_is_seen_in_the_next_round(house: House) -> None:
    key = house.charging()
    house.run(30)
    other = migrated_store(house.file)
    stop = house.answered("stop")
    other.ask(key, Kind.STOP, AskedBy.DRIVER, house.kiosk_clock.now())
    house.engine.round()
    assert house.answered("stop") == stop + 1
    before = house.answered("session")
    house.run(3)
    other.hint(key, house.kiosk_clock.now())
    house.run(3)
    assert house.answered("session") > before
    asked = house.answered("charger")
    other.want_card(CODE, house.kiosk_clock.now(), Lane.DRIVER)
    house.engine.round()
    assert house.answered("charger") == asked + 1
    other.close()


def test_what_was_read_is_not_changed_by_whoever_got_it(house: House) -> None:
    house.charging()
    house.run(5)
    store = house.store
    store.sessions_to_watch().clear()
    assert len(store.sessions_to_watch()) == 1
    store.wanted_cards().append(None)  # type: ignore[arg-type]
    assert store.wanted_cards() == []
