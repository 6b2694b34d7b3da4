"""One row that cannot be read, or one session that cannot be written, keeps nobody else waiting, stops least of all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from kiosk.domain.commands import CommandState, Kind
from kiosk.store import Cipher, Store
from tests.engine.house import CODE, SMALL, House

Spoil = Callable[[House, str], None]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Without the checks at the end: these rows are broken on purpose, and what is right is said by the tests."""
    house = House(tmp_path)
    yield house
    house.close()


def change(house: House, statement: str, *values: object) -> None:
    with house.store._database.write() as connection:
        connection.exec_driver_sql(statement, values)
    house.engine.wake()


def a_currency_that_is_none(house: House, key: str) -> None:
    change(house, "UPDATE sessions SET tariff_currency = 'BGL', version = version + 1 WHERE key = ?", key)


def a_phase_of_another_release(house: House, key: str) -> None:
    change(house, "UPDATE sessions SET phase = 'parked' WHERE key = ?", key)


def a_damaged_trace(house: House, key: str) -> None:
    change(house, "UPDATE sessions SET trace = '[[' WHERE key = ?", key)


def an_energy_that_is_none(house: House, key: str) -> None:
    change(house, "UPDATE sessions SET energy_kwh = 'much' WHERE key = ?", key)


def a_command_of_another_release(house: House, key: str) -> None:
    change(
        house,
        "INSERT INTO commands (session_key, kind, asked_by, asked_at, state, attempts, not_before)"
        " VALUES (?, 'pause', 'driver', '2026-01-01', 'waiting', 0, '2026-01-01')",
        key,
    )


def a_command_that_was_sent_by_another_release(house: House, key: str) -> None:
    a_command_of_another_release(house, key)
    change(house, "UPDATE commands SET state = 'sent', asked_by = 'robot' WHERE kind = 'pause'")


def a_token_under_a_dropped_key(house: House, key: str) -> None:
    sealed = Cipher(["a key that nobody has any more"]).encrypt("token")
    change(house, "UPDATE sessions SET token = ? WHERE key = ?", sealed, key)


def a_hint_at_no_time(house: House, key: str) -> None:
    change(house, "INSERT OR REPLACE INTO hints (session_key, hinted_at) VALUES (?, 'soon')", key)


def a_call_at_no_time(house: House, key: str) -> None:
    assert key
    change(house, "INSERT INTO calls (endpoint, called_at) VALUES ('start', 'yesterday')")


def a_damaged_card(house: House, key: str) -> None:
    assert key
    change(house, "INSERT OR REPLACE INTO chargers (code, card, problems) VALUES (?, '{', 0)", CODE)


BAD: list[Spoil] = [
    a_currency_that_is_none,
    a_phase_of_another_release,
    a_damaged_trace,
    an_energy_that_is_none,
    a_command_of_another_release,
    a_command_that_was_sent_by_another_release,
    a_token_under_a_dropped_key,
    a_hint_at_no_time,
    a_damaged_card,
    a_call_at_no_time,
]


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "started anew"])
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_another_driver_starts_charges_and_stops_as_ever(house: House, bad: Spoil, restarted: bool) -> None:
    key = house.charging(1)
    bad(house, key)
    if restarted:
        house.restart()
    other = house.charging(2)
    house.run(30)
    assert (house.session(other).energy_kwh or 0) > 0
    house.ask(other, Kind.STOP)
    house.until(other, "captured", seconds=90)
    assert house.store.receipt(other) is not None
    assert house.engine.alive()


@pytest.mark.parametrize("bad", BAD[:4], ids=lambda bad: bad.__name__)
def test_another_drivers_limit_is_kept(house: House, bad: Spoil) -> None:
    bad(house, house.charging(1))
    other = house.charging(1, code=SMALL, limit=100)
    house.until(other, "captured", seconds=1500)
    assert (house.session(other).captured_minor or 999) <= 105


@pytest.mark.parametrize("bad", BAD[:4], ids=lambda bad: bad.__name__)
def test_whoever_stands_at_a_session_that_cannot_be_read_can_stop_it(house: House, bad: Spoil) -> None:
    key = house.charging(1)
    bad(house, key)
    house.world.refuse_next_stop(CODE)
    house.ask(key, Kind.STOP)
    house.run(3)
    assert house.states(key, Kind.STOP) == [CommandState.WAITING]
    house.run(120)
    assert house.states(key, Kind.STOP) == [CommandState.DONE]
    assert [view.status for view in house.world.sessions()] == ["captured"]
    assert house.store.observations(key)[-1].source == "unreadable"


@pytest.mark.parametrize("ignored", [1, 3])
def test_a_stop_of_a_session_that_cannot_be_read_is_sent_until_it_has_ended(house: House, ignored: int) -> None:
    """Upstream answers 200 and nothing happens: an answer is no end."""
    key = house.charging(1)
    a_damaged_trace(house, key)
    house.world.ignore_next_stop(CODE, ignored)
    house.ask(key, Kind.STOP)
    house.run(300)
    assert house.answered("stop", 200) >= ignored + 1
    assert house.states(key, Kind.STOP) == [CommandState.DONE]
    assert [view.status for view in house.world.sessions()] == ["captured"]


def test_a_cancel_of_a_session_that_cannot_be_read_stops_what_charges(house: House) -> None:
    key = house.charging(1)
    a_damaged_trace(house, key)
    house.ask(key, Kind.CANCEL)
    house.run(120)
    assert [view.status for view in house.world.sessions()] == ["captured"]


def test_it_is_told_once_and_again_when_it_can_be_read(house: House, caplog: pytest.LogCaptureFixture) -> None:
    key = house.charging(1)
    with caplog.at_level(logging.INFO, "kiosk.engine.duties.refresh"):
        a_currency_that_is_none(house, key)
        house.run(120)
        assert [one.message for one in caplog.records] == ["a row cannot be read; it is put aside, the others go on"]
        assert [(row.table, row.key, row.reason) for row in house.store.aside.all()] == [
            ("sessions", key, "UnknownCurrency")
        ]
        change(house, "UPDATE sessions SET tariff_currency = 'EUR' WHERE key = ?", key)
        house.run(400)
    assert caplog.records[-1].message == "a row that was put aside can be read again"
    assert house.store.aside.all() == ()
    house.ask(key, Kind.STOP)
    house.until(key, "captured")


def test_an_end_that_makes_no_receipt_is_tried_less_and_less(house: House) -> None:
    key = house.charging(1)
    house.run(30)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    change(house, "DELETE FROM receipts")
    change(house, "UPDATE sessions SET status = 'settling', trace = '[]', captured_minor = NULL WHERE key = ?", key)
    asked: list[str] = []
    issue = house.store.receipt

    def counted(which: str) -> object:
        asked.append(which)
        return issue(which)

    house.store.receipt = counted  # type: ignore[assignment,method-assign]
    house.run(600)
    assert 5 <= len(asked) <= 20
    (receipts,) = [one for one in house.engine.duties() if one["name"] == "receipts"]
    assert (receipts["aside"], receipts["last_error"]) == (1, "NoReceipt")


# --- a store that cannot be written


class Full:
    """Every write of the store fails, as on a full disk."""

    def __init__(self, house: House) -> None:
        self._database = house.store._database
        self._write = self._database.write

    def __enter__(self) -> None:
        def full() -> object:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

        self._database.write = full  # type: ignore[assignment,method-assign]

    def __exit__(self, *_: object) -> None:
        self._database.write = self._write  # type: ignore[method-assign]


def rounds(house: House, seconds: float) -> None:
    """As the engine's own loop: a round that fails is followed by another one a second later."""
    end = house.clock.now() + timedelta(seconds=seconds)
    while house.clock.now() < end:
        with suppress(OperationalError):
            house.engine.round()
        house.clock.advance(1)


def test_with_a_full_disk_it_is_not_ready_and_afterwards_it_is(house: House) -> None:
    house.charging(1)
    assert house.engine.alive()
    with Full(house):
        rounds(house, 20)
        assert not house.engine.alive()
    rounds(house, 3)
    assert house.engine.alive()


def test_an_address_for_a_session_that_cannot_be_read_does_not_leave(house: House) -> None:
    key = house.charging(1)
    a_damaged_trace(house, key)
    house.ask(key, Kind.RECEIPT_EMAIL, email="anna@mail.example")
    house.run(10)
    assert house.states(key, Kind.RECEIPT_EMAIL) == [CommandState.UNKNOWN]
    assert house.answered("receipt_email") == 0


def test_a_store_that_cannot_even_be_asked_is_not_ready(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run(1)
    assert house.engine.alive()

    def breaks(*_asked: object) -> bool:
        raise OSError("no such device")

    monkeypatch.setattr(Store, "lease_lives", breaks)
    assert not house.engine.alive()


def test_an_engine_whose_duties_fail_is_not_ready(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run(1)

    def breaks(*_asked: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(Store, "next_command_at", breaks)
    rounds(house, 20)
    assert house.engine.leading
    assert not house.engine.alive()
    monkeypatch.undo()
    rounds(house, 3)
    assert house.engine.alive()
