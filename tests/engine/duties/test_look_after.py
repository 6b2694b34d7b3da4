"""Every hold ends: what should have ended and has not is noticed, read once more, told louder and louder, and let go
when its cause is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.domain.attention import Attention, Level
from kiosk.domain.commands import Kind
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.sandbox.world.switches import Switches
from kiosk.store.exceptions import Listed
from tests.engine.house import CODE, House

HOUR = 3600.0


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[House]:
    """Upstream makes no bill for two hours."""
    house = House(tmp_path, Switches(unpaid_expiry=180, settle=2 * HOUR))
    yield house
    house.close()


def listed(house: House) -> dict[Attention, Listed]:
    return {one.matter.kind: one for one in house.store.open_exceptions()}


def test_a_bill_that_does_not_come_is_noticed_told_louder_and_closed_by_itself(slow: House) -> None:
    key = slow.charging()
    slow.run(60)
    slow.ask(key, Kind.STOP)
    slow.until(key, "settling")
    slow.run(14 * 60, every=30)
    assert listed(slow) == {}
    slow.run(120, every=30)
    found = listed(slow)
    assert found.keys() == {Attention.HOLD_OVERDUE}
    assert found[Attention.HOLD_OVERDUE].level is Level.NOTED
    assert found[Attention.HOLD_OVERDUE].matter.amount_minor == 5000
    reader = slow.store.for_reader(key, None)
    assert reader is not None
    assert reader.listed_at is None
    slow.run(HOUR, every=30)
    found = listed(slow)
    assert found[Attention.HOLD_OVERDUE].level is Level.LOUD
    reader = slow.store.for_reader(key, None)
    assert reader is not None
    assert reader.listed_at == found[Attention.HOLD_OVERDUE].noticed_at
    slow.run(HOUR, every=60)
    assert slow.session(key).status == "captured"
    assert listed(slow) == {}
    (closed,) = slow.store.exceptions_of(key)
    assert closed.closed_at is not None
    assert closed.level is Level.LOUD


def test_what_was_listed_is_closed_after_a_restart_too(slow: House) -> None:
    key = slow.charging()
    slow.ask(key, Kind.STOP)
    slow.until(key, "settling")
    slow.run(20 * 60, every=30)
    assert listed(slow).keys() == {Attention.HOLD_OVERDUE}
    slow.clock.advance(2 * HOUR)
    slow.restart()
    slow.run(120)
    assert slow.session(key).status == "captured"
    assert listed(slow) == {}


def test_a_session_that_upstream_forgot_is_listed_after_a_while_and_asked_about_again(house: House) -> None:
    key = house.charging()
    rule = Rule(Fault.TOKEN_EXPIRED, "session", times=None)
    house.faults.add(rule)
    house.run(300)
    house.run(32 * 60, every=30)
    assert {Attention.LOST, Attention.HOLD_OVERDUE} <= listed(house).keys()
    house.faults.drop(rule)
    house.run(12 * 60, every=20)
    assert house.session(key).status == "charging"
    assert Attention.LOST not in listed(house)


def test_an_ordinary_charge_is_never_listed(house: House) -> None:
    key = house.charging()
    house.run(120)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.run(300, every=10)
    assert house.store.exceptions_of(key) == []


def test_a_charger_that_refuses_every_start_is_listed_until_one_is_taken(house: House) -> None:
    house.world.use_up_hour(CODE, 10)
    house.world.set_online(CODE, False)
    for _ in range(5):
        house.request()
        house.run(61, every=20)
    assert listed(house).keys() == {Attention.STARTS_REFUSED}
    assert house.store.open_exceptions()[0].matter.subject == CODE
    house.world.set_online(CODE, True)
    house.charging()
    house.run(60)
    assert listed(house) == {}


def test_a_hold_that_its_card_gives_back_early_ends_before_that(house_with_proofs: House) -> None:
    house = house_with_proofs
    key = house.charging()
    house.run(30)
    session = house.session(key)
    assert session.proof is not None
    lapses = house.clock.now() + timedelta(minutes=40)
    house.store.set_proof(
        key, type(session.proof)(house.clock.now(), "requires_capture", 5000, 0, capture_before=lapses)
    )
    house.engine.wake()
    house.run(18 * 60, every=20)
    assert house.session(key).status == "charging"
    house.run(3 * 60)
    assert house.last(key, Kind.STOP).asked_by == "hold"
    house.until(key, "captured")


def test_a_price_that_breaks_a_rule_is_listed_until_it_is_known_not_to(tmp_path: Path) -> None:
    house = House(tmp_path)
    told: dict[str, bool | None] = {CODE: True}
    house.breaks_price_rule = told
    house.run(60)
    assert listed(house).keys() == {Attention.PRICE_BREAKS_RULE}
    told[CODE] = None
    house.run(60)
    assert listed(house).keys() == {Attention.PRICE_BREAKS_RULE}
    told[CODE] = False
    house.run(60)
    assert listed(house) == {}
    told[CODE] = True
    house.run(60)
    told.clear()
    house.run(60)
    assert listed(house) == {}
    house.close()
