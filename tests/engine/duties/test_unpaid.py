"""Nobody keeps a bay for nothing: what is neither watched nor paid is given up, and who may be paying is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.status import Status
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.sandbox.world.switches import Switches
from kiosk.upstream.errors import NoAnswer
from tests.engine.house import CODE, House

PATIENT = Switches(unpaid_expiry=7200)
"""An upstream that gives nothing up by itself, so that only the kiosk does."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, PATIENT)
    yield made
    made.close()


@pytest.fixture
def with_key(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, PATIENT, proofs=True)
    yield made
    made.close()


def created(house: House) -> str:
    key = house.request()
    house.until(key, "created")
    return key


def shown(house: House) -> str:
    """The payment form was handed out."""
    key = created(house)
    house.store.show_payment(key, house.kiosk_clock.now())
    return key


def lives_for(house: House, key: str, longest: float) -> float:
    """Seconds until it is over; it must be by then."""
    for seconds in range(0, int(longest), 5):
        if house.session(key).known_status is not Status.CREATED:
            return seconds
        house.run(5, every=5)
    raise AssertionError("it is still unpaid")


def test_what_nobody_watches_and_whose_form_nobody_has_is_over_after_two_minutes(house: House) -> None:
    key = created(house)
    assert 115 <= lives_for(house, key, 200) <= 140
    assert house.last(key, Kind.CANCEL).asked_by is AskedBy.UNPAID
    assert house.store.occupied(CODE) == {}
    assert house.session(key).wish is None


def test_an_open_page_with_the_form_keeps_it_for_a_quarter_of_an_hour(house: House) -> None:
    key = shown(house)
    house.watch(key)
    assert 890 <= lives_for(house, key, 1000) <= 920


def test_an_open_page_that_never_asks_for_the_form_keeps_it_for_five_minutes(house: House) -> None:
    key = created(house)
    house.watch(key)
    assert 290 <= lives_for(house, key, 400) <= 320


def test_who_has_the_form_and_a_hidden_page_has_ten_minutes(house: House) -> None:
    key = shown(house)
    assert 590 <= lives_for(house, key, 700) <= 620


@pytest.mark.parametrize("status", ["requires_action", "processing"])
def test_who_is_paying_by_the_providers_word_is_left_alone_up_to_the_longest_time(with_key: House, status: str) -> None:
    key = shown(with_key)
    assert with_key.proofs is not None
    with_key.proofs.status = status
    assert 890 <= lives_for(with_key, key, 1000) <= 920


def test_who_has_not_begun_to_pay_by_the_providers_word_has_ten_minutes(with_key: House) -> None:
    assert 590 <= lives_for(with_key, shown(with_key), 700) <= 620


def test_a_silent_provider_is_no_evidence_that_nobody_pays(with_key: House) -> None:
    key = shown(with_key)
    assert with_key.proofs is not None
    with_key.proofs.fails_with = NoAnswer("the provider is silent")
    assert 890 <= lives_for(with_key, key, 1000) <= 920


def test_a_silent_provider_keeps_no_bay_for_a_stranger_who_never_asked_for_the_form(with_key: House) -> None:
    key = created(with_key)
    assert with_key.proofs is not None
    with_key.proofs.fails_with = NoAnswer("the provider is silent")
    assert lives_for(with_key, key, 200) <= 140


def test_what_was_paid_and_upstream_does_not_see_is_confirmed_and_never_cancelled(tmp_path: Path) -> None:
    """No webhook reaches upstream, and every confirm fails until long after the time of an unpaid start."""
    deaf = House(tmp_path, Switches(unpaid_expiry=7200, webhook_delay=None), proofs=True)
    key = shown(deaf)
    deaf.faults.add(Rule(Fault.SERVER_ERROR, "confirm", times=None))
    deaf.pay(key)
    deaf.run(1200, every=5)
    assert deaf.session(key).known_status is Status.CREATED
    assert deaf.states(key, Kind.CANCEL) == []
    deaf.faults.clear()
    deaf.until(key, "charging")
    deaf.close()


def test_a_cancel_that_upstream_refuses_is_asked_for_again_once_a_minute(house: House) -> None:
    house.faults.add(Rule(Fault.SERVER_ERROR, "cancel", times=None))
    key = created(house)
    house.run(360)
    assert 3 <= house.answered("cancel", 500) <= 5
    house.faults.clear()
    assert lives_for(house, key, 90) <= 70


def decided(house: House) -> str:
    """The kiosk has just decided to give it up, and the cancel has not left."""
    key = created(house)
    house.clock.advance(130)
    house.store.ask(key, Kind.CANCEL, AskedBy.UNPAID, house.kiosk_clock.now())
    return key


def test_what_was_paid_before_the_cancel_has_left_is_kept(house: House) -> None:
    key = decided(house)
    house.pay(key)
    house.world.confirm(house.store.token(key) or "")
    house.engine.wake()
    house.until(key, "charging")
    assert house.states(key, Kind.CANCEL) == [CommandState.WITHDRAWN]


def test_what_cannot_be_read_before_the_cancel_leaves_is_kept_until_it_can(house: House) -> None:
    key = decided(house)
    house.faults.add(Rule(Fault.SERVER_ERROR, "session", times=None))
    house.run(2)
    assert house.states(key, Kind.CANCEL) == [CommandState.WITHDRAWN]
    house.faults.clear()
    lives_for(house, key, 180)


def test_who_comes_back_before_the_cancel_has_left_keeps_it(house: House) -> None:
    key = decided(house)
    house.watch(key)
    house.run(5)
    assert house.states(key, Kind.CANCEL) == [CommandState.WITHDRAWN]
    assert house.session(key).known_status is Status.CREATED


def test_a_start_that_was_given_up_is_kept_for_a_while_and_then_cancelled(house: House) -> None:
    key = created(house)
    house.store.give_up(key, house.kiosk_clock.now())
    house.run(170)
    assert house.answered("cancel") == 0
    assert house.store.given_up() != []
    assert lives_for(house, key, 60) <= 40
    assert house.last(key, Kind.CANCEL).asked_by is AskedBy.DRIVER


def test_what_was_given_up_and_paid_all_the_same_is_cancelled_at_once(house: House) -> None:
    """On another page, or in the bank's app: its driver has said no, and nothing may stay held."""
    house.world.auto_plug = False
    key = shown(house)
    house.store.give_up(key, house.kiosk_clock.now())
    house.pay(key)
    for _ in house.steps(180):
        if house.session(key).final:
            break
    assert house.session(key).known_status is Status.ABANDONED
    assert house.intent(key)["status"] == "canceled"
    assert house.session(key).given_up_at is not None


def test_after_a_restart_everybody_is_given_a_moment_to_come_back(house: House) -> None:
    key = created(house)
    house.run(100)
    house.restart()
    house.run(80)
    assert house.session(key).known_status is Status.CREATED
    assert house.session(key).observed_at is not None
    assert lives_for(house, key, 90) <= 60


def test_a_session_whose_row_cannot_be_written_keeps_no_other_bay(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = created(house), house.request(2)
    house.until(second, "created")
    ask = house.store.ask

    def breaks(key: str, *more: object, **named: object) -> object:
        if key == first:
            raise OSError("the disk is full")
        return ask(key, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(house.store, "ask", breaks)
    assert lives_for(house, second, 200) <= 150


def test_its_time_is_that_of_the_kiosks_clock(house: House) -> None:
    """A clock that is set back gives nobody's bay away early."""
    key = created(house)
    house.kiosk_clock.by = timedelta(hours=1)
    house.run(60)
    assert house.states(key, Kind.CANCEL) == []


def test_a_payment_whose_name_at_the_provider_is_not_known_has_the_time_of_one_without_a_key(
    with_key: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = shown(with_key)
    monkeypatch.setattr(with_key.store, "payment", lambda _key: None)
    assert 590 <= lives_for(with_key, key, 700) <= 620
