"""Killed in each of the fifteen statuses, and in the kiosk's own states: the same end and money, no second start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.session import Phase
from kiosk.domain.status import TABLE, Status
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.sandbox.world.switches import Switches
from tests.engine.house import CODE, House
from tests.sound import assert_nothing_broken


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[House]:
    """Every short status lasts long enough to be killed in."""
    house = House(tmp_path, Switches(unpaid_expiry=180, dispatch=40, stop=40, stop_timeout=300, settle=40))
    yield house
    assert_nothing_broken(house.store, house.clock.now())
    house.close()


def token_of(house: House, key: str) -> str:
    token = house.store.token(key)
    assert token is not None
    return token


def charging(house: House) -> str:
    key = house.charging()
    house.run(120)
    return key


def settled(house: House) -> str:
    key = charging(house)
    house.world.unplug(CODE, 1)
    return key


def to_created(house: House) -> str:
    key = house.request()
    house.watch(key)
    return key


def to_authorized(house: House) -> str:
    return house.paid()


def to_starting(house: House) -> str:
    house.world.auto_plug = False
    return house.paid()


def to_stopping(house: House) -> str:
    key = charging(house)
    house.ask(key, Kind.STOP)
    return key


def to_no_charge(house: House) -> str:
    house.world.plug_in(CODE, 1, "family", 1000)
    key = house.paid()
    house.watch(key)
    house.until(key, "charging")
    house.world.unplug(CODE, 1)
    return key


def to_failed(house: House) -> str:
    house.world.reject_next_start(CODE)
    return house.paid()


def to_abandoned(house: House) -> str:
    key = to_starting(house)
    house.until(key, "starting")
    house.ask(key, Kind.CANCEL)
    return key


def to_capture_failed(house: House) -> str:
    key = charging(house)
    house.world.fail_next_capture(CODE)
    house.world.unplug(CODE, 1)
    return key


def to_review(house: House) -> str:
    key = charging(house)
    house.world.turn_meter_back(CODE, 1)
    house.run(30)
    house.world.unplug(CODE, 1)
    return key


def to_written_off(house: House) -> str:
    key = to_capture_failed(house)
    house.until(key, "capture_failed")
    house.world.write_off(token_of(house, key))
    return key


def to_refunded(house: House) -> str:
    """Captured and refunded before the kiosk looked: it never saw the capture."""
    key = settled(house)
    house.until(key, "settling")
    house.faults.add(Rule(Fault.SERVER_ERROR, "session", times=None))
    for _ in house.steps(120):
        if house.world.session(token_of(house, key)).session.status == "captured":
            break
    house.world.refund(token_of(house, key))
    house.faults.clear()
    return key


REACH: dict[Status, tuple[Callable[[House], str], str, str]] = {
    Status.CREATED: (to_created, "expired", "canceled"),
    Status.AUTHORIZED: (to_authorized, "charging", "requires_capture"),
    Status.STARTING: (to_starting, "abandoned", "canceled"),
    Status.CHARGING: (charging, "charging", "requires_capture"),
    Status.STOPPING: (to_stopping, "captured", "succeeded"),
    Status.SETTLING: (settled, "captured", "succeeded"),
    Status.CAPTURED: (settled, "captured", "succeeded"),
    Status.NO_CHARGE: (to_no_charge, "no_charge", "canceled"),
    Status.EXPIRED: (to_created, "expired", "canceled"),
    Status.FAILED: (to_failed, "failed", "canceled"),
    Status.ABANDONED: (to_abandoned, "abandoned", "canceled"),
    Status.CAPTURE_FAILED: (to_capture_failed, "capture_failed", "requires_capture"),
    Status.REQUIRES_REVIEW: (to_review, "requires_review", "requires_capture"),
    Status.REFUNDED: (to_refunded, "refunded", "succeeded"),
    Status.WRITTEN_OFF: (to_written_off, "written_off", "canceled"),
}
"""How the status is reached, where the session stands five minutes after the kill, and the payment then."""


def test_every_status_is_killed_in() -> None:
    assert set(REACH) == set(TABLE)


@pytest.mark.parametrize("status", list(Status))
def test_killed_in_any_status_the_session_goes_on_without_a_second_start(slow: House, status: Status) -> None:
    reach, end, money = REACH[status]
    key = reach(slow)
    slow.until(key, status.value, seconds=900)
    before = slow.session(key)
    slow.restart()
    slow.run(300)
    after = slow.session(key)
    assert (after.status, after.phase) == (end, Phase.OPEN)
    assert slow.intent(key)["status"] == money
    assert slow.upstream_sessions() == 1
    assert slow.states(key, Kind.START) == [CommandState.DONE]
    assert slow.answered("start") == 1
    assert (after.energy_kwh or 0) >= (before.energy_kwh or 0)
    assert (slow.store.receipt(key) is not None) == TABLE[Status(end)].final


@pytest.mark.parametrize("status", [status for status in Status if TABLE[status].final])
def test_a_receipt_is_the_same_after_a_kill(slow: House, status: Status) -> None:
    key = REACH[status][0](slow)
    slow.until(key, status.value, seconds=900)
    slow.run(5)
    before = slow.store.receipt(key)
    slow.restart()
    slow.run(120)
    assert before is not None
    assert slow.store.receipt(key) == before


@pytest.mark.parametrize("status", [Status.CAPTURE_FAILED, Status.REQUIRES_REVIEW])
def test_what_the_operator_settles_after_a_kill_becomes_a_receipt(slow: House, status: Status) -> None:
    key = REACH[status][0](slow)
    slow.until(key, status.value, seconds=900)
    slow.restart()
    slow.run(30)
    assert slow.store.receipt(key) is None
    slow.world.settle_again(token_of(slow, key))
    slow.until(key, "captured", seconds=700)
    receipt = slow.store.receipt(key)
    assert receipt is not None
    assert receipt.document["taken"]["minor"] == slow.intent(key)["amount_received"]


def test_killed_while_the_status_is_one_that_nobody_knows_reading_goes_on(slow: House) -> None:
    key = charging(slow)
    slow.faults.add(Rule(Fault.STRANGE_STATUS, "session", times=None, word="recalibrating"))
    slow.until(key, "recalibrating")
    slow.restart()
    slow.run(60)
    assert slow.session(key).status == "recalibrating"
    slow.faults.clear()
    slow.until(key, "charging", seconds=200)
    slow.ask(key, Kind.STOP)
    slow.until(key, "captured")


def test_killed_while_the_session_is_lost_upstream_it_is_found_again(slow: House) -> None:
    key = charging(slow)
    slow.faults.add(Rule(Fault.TOKEN_EXPIRED, "session", times=None))
    for _ in slow.steps(120):
        if slow.session(key).phase is Phase.GONE:
            break
    slow.restart()
    slow.run(60)
    assert slow.session(key).phase is Phase.GONE
    slow.faults.clear()
    slow.run(700)
    assert slow.session(key).phase is Phase.OPEN


@pytest.mark.parametrize(
    ("fault", "phase"),
    [(Fault.TIMEOUT, Phase.NO_ANSWER), (Fault.UNREACHABLE, Phase.REFUSED)],
)
def test_a_start_that_ended_without_a_session_is_not_taken_up_after_a_kill(
    slow: House, fault: Fault, phase: Phase
) -> None:
    slow.faults.add(Rule(fault, "start", times=None))
    key = slow.request()
    slow.run(2)
    slow.restart()
    slow.run(120)
    assert slow.session(key).phase is phase
    assert slow.upstream_sessions() == 0
    assert slow.store.occupied(CODE) == {}


def test_the_drivers_limit_holds_after_a_kill(house: House) -> None:
    key = house.charging(limit=75)
    house.restart()
    house.watch(key)
    house.until(key, "captured", seconds=900)
    captured = house.session(key).captured_minor
    assert captured is not None
    assert 35 < captured <= 75
