"""A session from the request to the receipt, through the engine, against the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.receipt import receipt_of
from kiosk.domain.session import Phase
from kiosk.domain.status import Status
from kiosk.engine.duties.tidy import REFUNDS_SEEN_FOR
from kiosk.sandbox.stripe.problem import StripeProblem
from kiosk.sandbox.world.switches import Switches
from tests.engine.house import CODE, DECLINED_CARD, SELLER, SMALL, House, phone_of
from tests.sound import assert_nothing_broken


def test_a_driver_charges_stops_and_gets_a_receipt_that_equals_what_was_captured(house: House) -> None:
    key = house.charging()
    house.run(600)
    live = house.session(key)
    assert live.energy_kwh is not None
    assert live.energy_kwh > 1
    house.ask(key, Kind.STOP)
    ended = house.until(key, "captured")
    stored = house.store.receipt(key)
    assert stored is not None
    assert stored.document["taken"] == {"minor": ended.captured_minor, "currency": "EUR"}
    assert stored.document["seller"] == SELLER
    assert ended.captured_minor == house.intent(key)["amount_received"]
    receipt = receipt_of(ended)
    assert receipt is not None
    assert receipt.adjustment is None
    assert sum(line.amount.minor for line in receipt.lines) == ended.captured_minor


def test_without_confirm_the_payment_is_seen_all_the_same(house: House) -> None:
    key = house.request()
    house.until(key, "created")
    house.store.show_payment(key, house.kiosk_clock.now())
    house.pay(key)
    assert house.until(key, "starting", seconds=60)


def test_a_declined_card_changes_nothing_and_another_card_pays(house: House) -> None:
    key = house.request()
    house.until(key, "created")
    with pytest.raises(StripeProblem):
        house.pay(key, DECLINED_CARD)
    house.ask(key, Kind.CONFIRM)
    house.run(10)
    assert house.session(key).status == Status.CREATED
    house.pay(key)
    house.ask(key, Kind.CONFIRM)
    house.until(key, "charging")


def test_the_driver_cancels_before_charging_and_the_hold_is_released(house: House) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    house.ask(key, Kind.CANCEL)
    house.until(key, "abandoned")
    assert house.intent(key)["status"] == "canceled"
    stored = house.store.receipt(key)
    assert stored is not None
    assert stored.document["taken"]["minor"] == 0


def test_when_the_charger_does_not_take_up_the_start_the_engine_cancels_by_itself(house: House) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "abandoned", seconds=150)
    cancel = house.last(key, Kind.CANCEL)
    assert (cancel.asked_by, cancel.state) == (AskedBy.START_DEADLINE, CommandState.DONE)
    assert house.intent(key)["status"] == "canceled"


def test_a_car_that_never_gets_ready_is_stopped_at_the_deadline_and_nothing_is_paid(house: House) -> None:
    key = house.charging(car="stuck")
    assert house.session(key).connector_status == "Preparing"
    house.until(key, "no_charge", seconds=260)
    assert house.last(key, Kind.STOP).asked_by is AskedBy.POWER_DEADLINE
    assert house.intent(key)["status"] == "canceled"


def test_charging_stops_before_the_limit_of_the_driver(house: House) -> None:
    key = house.charging(limit=200)
    ended = house.until(key, "captured", seconds=3600)
    assert house.last(key, Kind.STOP).asked_by is AskedBy.LIMIT
    assert ended.captured_minor is not None
    assert 150 < ended.captured_minor <= 200


def test_charging_stops_before_the_hold_is_used_up(house: House) -> None:
    key = house.charging(code=SMALL, car="van")
    ended = house.until(key, "captured", seconds=3600)
    assert house.last(key, Kind.STOP).asked_by is AskedBy.HOLD
    assert ended.captured_minor is not None
    assert ended.authorized_minor is not None
    assert 250 < ended.captured_minor <= ended.authorized_minor


def test_unplugging_ends_the_charge_without_anybody_asking(house: House) -> None:
    key = house.charging()
    house.run(120)
    house.world.unplug(CODE, 1)
    house.until(key, "captured")
    assert house.states(key, Kind.STOP) == []


def test_a_receipt_email_reaches_upstream_before_the_capture(house: House) -> None:
    key = house.charging()
    house.ask(key, Kind.RECEIPT_EMAIL, email="driver@example.org")
    house.run(5)
    assert house.last(key, Kind.RECEIPT_EMAIL).state is CommandState.DONE
    assert house.session(key).email_known


def test_a_receipt_email_after_the_capture_is_refused_with_a_reason(house: House) -> None:
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.ask(key, Kind.RECEIPT_EMAIL, email="driver@example.org")
    house.run(5)
    last = house.last(key, Kind.RECEIPT_EMAIL)
    assert (last.state, last.refusal) == (CommandState.REFUSED, Refusal.NOT_NOW)


def test_the_bay_is_free_for_the_next_driver_once_charging_is_over(house: House) -> None:
    key = house.charging()
    assert house.store.occupied(CODE) == {1: key}
    house.run(60)
    house.world.unplug(CODE, 1)
    house.until(key, "settling")
    assert house.store.occupied(CODE) == {}


def test_the_fourth_start_in_a_minute_waits_in_line_and_then_goes_by_itself(house: House) -> None:
    keys = [house.request(number) for number in (1, 2, 3, 4)]
    house.run(5)
    assert [house.session(key).phase for key in keys] == [Phase.OPEN] * 3 + [Phase.QUEUED]
    assert house.store.queue() == [keys[3]]
    house.run(61)
    assert house.session(keys[3]).phase is Phase.OPEN
    assert house.answered("start", 429) == 0


def test_who_leaves_the_line_is_never_started(house: House) -> None:
    keys = [house.request(number) for number in (1, 2, 3, 4)]
    house.run(5)
    assert house.store.withdraw_start(keys[3], house.clock.now())
    house.run(70)
    assert house.session(keys[3]).phase is Phase.LEFT
    assert house.upstream_sessions() == 3


def test_an_unpaid_session_expires_and_nothing_was_held(house: House) -> None:
    key = house.request()
    house.watch(key)
    house.until(key, "created")
    ended = house.until(key, "expired", seconds=300)
    assert not ended.ever_held
    receipt = receipt_of(ended)
    assert receipt is not None
    assert receipt.held is None


def test_a_slow_capture_is_waited_for(house: House) -> None:
    house.world.fail_next_capture(CODE)
    key = house.charging()
    house.run(120)
    house.world.unplug(CODE, 1)
    house.until(key, "capture_failed")
    assert house.store.receipt(key) is None
    token = house.store.token(key)
    assert token is not None
    house.world.settle_again(token)
    house.until(key, "captured", seconds=400)


def test_the_card_of_a_charger_is_read_when_a_page_wants_it(house: House) -> None:
    house.store.want_card(CODE, house.clock.now())
    house.run(1)
    card = house.store.card(CODE)
    assert card is not None
    assert [connector.status for connector in card.connectors] == ["Available"] * 4
    assert house.store.wanted_cards() == []


def test_an_unknown_charger_is_remembered_as_such(house: House) -> None:
    house.store.want_card("NOSUCH", house.clock.now())
    house.run(1)
    problem = house.store.card_problem("NOSUCH")
    assert problem is not None
    assert problem.refusal is Refusal.UNKNOWN_CHARGER


def test_open_questions_answered_the_other_way_change_nothing_for_the_driver(tmp_path: Path) -> None:
    """Every open question of the interface answered the other way: the journey still ends well."""
    other = Switches(
        confirm_unpaid_is_refused=True,
        currency_upper_case=False,
        failure_reason_style="sentence",
        hold_difference=100,
        unknown_connector_lists_errors=True,
        tax_percent=None,
        stop_at_hold=True,
        start_fee_without_energy=True,
    )
    house = House(tmp_path, other)
    key = house.charging()
    house.run(120)
    house.ask(key, Kind.STOP)
    ended = house.until(key, "captured")
    assert ended.captured_minor == house.intent(key)["amount_received"]
    assert_nothing_broken(house.store, house.clock.now())
    house.close()


def test_personal_data_is_erased_after_its_time_and_the_receipt_stays(house: House) -> None:
    key = house.charging()
    house.ask(key, Kind.RECEIPT_EMAIL, email="driver@example.org")
    house.run(60)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    house.clock.advance(29 * 86400)
    house.run(5)
    assert house.store.owns(key, phone_of(key))
    house.clock.advance(86400 + 60)
    house.run(5)
    assert not house.store.owns(key, phone_of(key))
    assert house.store.email_of(house.last(key, Kind.RECEIPT_EMAIL).id) is None
    assert house.store.receipt(key) is not None
    assert house.store.token(key) is not None  # a refund can still be seen
    house.clock.advance(REFUNDS_SEEN_FOR.total_seconds())
    house.run(5)
    assert house.store.token(key) is None
