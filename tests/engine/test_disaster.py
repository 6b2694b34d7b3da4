"""The disk is lost in the middle of forty charges: the kiosk goes back to its last backup, and every charge that the
backup knows ends with its right receipt; no start is doubled, no hold is left, no number is given twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.domain.commands import Kind
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.holds import ACCOUNT
from kiosk.sandbox.world.switches import Switches
from kiosk.store import Cipher
from kiosk.store.backup import back_up, restore
from kiosk.store.checks import Promise
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.engine.house import House, phone_of
from tests.worlds.once import SECRET, migrated_store

ROWS = [f"RAW{letter}9" for letter in "ABCDEFGHJK"]
BAYS = [(row, number) for row in ROWS for number in (1, 2, 3, 4)]
KNOWN = 30
"""So many had begun when the backup was made; ten waited in the line."""


@pytest.fixture
def garage(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, Switches(unpaid_expiry=3600, settle=25), proofs=True)
    for row in ROWS:
        bays = tuple(ConnectorSpec(number, "AC_3_PHASE", 22_000) for number in (1, 2, 3, 4))
        house.world.add_charger(ChargerSpec(row, f"Row {row}", bays, Pricing("EUR", 49, 35)))
    yield house
    house.close()


def begin(house: House, count: int) -> list[str]:
    """So many drivers plug in and ask; each pays as soon as they can. The last ones are still in the line."""
    keys = []
    for code, number in BAYS:
        house.world.plug_in(code, number, "family", 200)
        keys.append(house.request(number, code=code))
        house.watch(keys[-1])
    for _ in house.steps(3600, every=4):
        pay_all(house, keys)
        if sum(house.session(key).status == "charging" for key in keys) >= count:
            return keys
    raise AssertionError("they never began")


def pay_all(house: House, keys: list[str]) -> None:
    for key in keys:
        session = house.session(key)
        if session.status == "created" and session.payment_shown_at is None and house.store.payment(key) is not None:
            house.store.show_payment(key, house.kiosk_clock.now())
            house.pay(key)
            house.ask(key, Kind.CONFIRM)


@pytest.mark.slow
def test_every_charge_of_the_backup_ends_with_its_right_receipt(garage: House, tmp_path: Path) -> None:
    keys = begin(garage, KNOWN)
    cipher, database = Cipher([SECRET]), tmp_path / "kiosk.db"
    file = back_up(database, tmp_path / "backups", cipher, garage.kiosk_clock.now(), keep=5).file
    in_line = [key for key in keys if garage.session(key).status is None]
    assert in_line
    # What the backup does not know: starts are sent, some stop, and their receipts are given out.
    for _ in garage.steps(420, every=4):
        pay_all(garage, keys)
    for key in keys[:3]:
        garage.ask(key, Kind.STOP)
        garage.until(key, "captured")
    garage.run(30)
    given_out = {key: found.number for key in keys if (found := garage.store.receipt(key)) is not None}
    assert len(given_out) == 3
    begun = garage.upstream_sessions()

    garage.store.close()
    for each in tmp_path.glob("kiosk.db*"):
        each.unlink()
    now = garage.kiosk_clock.now()
    done = restore(file, database, cipher, now, doors=[each.value for each in Endpoint], skip_receipts=1000)
    garage.store = migrated_store(database)
    garage.engine = garage.new_engine()
    assert done.starts == len(in_line)

    calls = garage.answered("session")
    garage.run(60)
    assert garage.answered("session") == calls, "the minute before the loss may have spent every budget"
    garage.run(300)
    for key in keys:
        if garage.session(key).status == "charging":
            garage.ask(key, Kind.STOP)
    garage.run(1800, every=15)
    assert garage.upstream_sessions() == begun, "no start was sent a second time"
    assert garage.answered("start", 429) == 0
    known = [key for key in keys if key not in in_line]
    numbers = Counter(given_out.values())
    for key in known:
        session, receipt = garage.session(key), garage.store.receipt(key)
        assert session.final, session.status
        assert receipt is not None
        intent = garage.intent(key)
        assert receipt.document["taken"] == {"minor": intent["amount_received"], "currency": "EUR"}
        assert intent["amount_capturable"] == 0
        numbers[receipt.number] += 1
    assert set(numbers.values()) == {1}
    assert garage.store.owns(known[0], phone_of(known[0]))
    assert garage.store.offences(garage.kiosk_clock.now() + timedelta(hours=1), list(Promise)) == []


@pytest.mark.slow
def test_what_began_after_the_backup_ends_by_its_own_means(garage: House, tmp_path: Path) -> None:
    """The kiosk knows nothing of it any more: the cable ends it, and upstream takes what was charged."""
    cipher, database = Cipher([SECRET]), tmp_path / "kiosk.db"
    file = back_up(database, tmp_path / "backups", cipher, garage.kiosk_clock.now(), keep=5).file
    key = garage.charging()
    intent = garage.store.payment(key)
    assert intent is not None
    assert intent.intent_id is not None
    garage.run(120)
    garage.store.close()
    for each in tmp_path.glob("kiosk.db*"):
        each.unlink()
    restore(file, database, cipher, garage.kiosk_clock.now(), doors=[], skip_receipts=1000)
    garage.store = migrated_store(database)
    garage.engine = garage.new_engine()
    garage.run(60)
    assert garage.store.session(key) is None
    garage.world.unplug("7MK4T", 1)
    garage.run(120)
    garage.world.tick()
    paid = garage.book.get_intent(ACCOUNT, intent.intent_id)
    assert (paid["status"], paid["amount_capturable"]) == ("succeeded", 0)
