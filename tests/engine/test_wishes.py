"""An end that somebody wants is pursued until its effect is seen, whatever upstream answers; so is a payment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.pursuit import LONGEST_GAP, payment_checked
from kiosk.domain.session import Phase
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule, endpoint_of
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.engine.house import CODE, SMALL, House

FOR_EVER = 10_000
SLACK = 5
"""Seconds that a step of these tests, or a budget, may add to a gap."""


class Wire(httpx.BaseTransport):
    """Notes when the kiosk calls which endpoint, whatever becomes of the call."""

    def __init__(self, house: House) -> None:
        self._house, self._inner = house, house.transport
        self.calls: list[tuple[str | None, datetime]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((endpoint_of(request.method, request.url.path), self._house.clock.now()))
        return self._inner.handle_request(request)

    def gaps(self, endpoint: str) -> list[float]:
        """Seconds between two calls of that endpoint."""
        times = [at for name, at in self.calls if name == endpoint]
        return [(later - earlier).total_seconds() for earlier, later in pairwise(times)]


@pytest.fixture
def wire(house: House) -> Wire:
    wire = Wire(house)
    house.transport = wire  # type: ignore[assignment]  # the house only hands it to the client
    house.engine = house.new_engine()
    return wire


# --- a stop of the driver


def refused_once(house: House) -> None:
    house.world.refuse_next_stop(CODE)


def ignored_once(house: House) -> None:
    house.world.ignore_next_stop(CODE)


def ignored_often(house: House) -> None:
    house.world.ignore_next_stop(CODE, 3)


def slip(house: House) -> None:
    house.faults.add(Rule(Fault.TOKEN_EXPIRED, "stop"))
    house.faults.add(Rule(Fault.TOKEN_EXPIRED, "session", times=2))


def long_retry_after(house: House) -> None:
    house.faults.add(Rule(Fault.TOO_MANY, "stop", retry_after=3600))


def too_many_eight_times(house: House) -> None:
    house.faults.add(Rule(Fault.TOO_MANY, "stop", times=8, retry_after=1))


def answer_lost(house: House) -> None:
    house.faults.add(Rule(Fault.TIMEOUT, "stop"))


def answer_lost_after_the_effect_was_ignored(house: House) -> None:
    house.world.ignore_next_stop(CODE)
    house.faults.add(Rule(Fault.SERVER_ERROR, "stop", after_effect=True))


BAD: list[Callable[[House], None]] = [
    refused_once,
    ignored_once,
    ignored_often,
    slip,
    long_retry_after,
    too_many_eight_times,
    answer_lost,
    answer_lost_after_the_effect_was_ignored,
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_a_stop_ends_the_charge_with_nobody_there(house: House, wire: Wire, bad: Callable[[House], None]) -> None:
    key = house.charging()
    house.run(60)
    bad(house)
    house.ask(key, Kind.STOP)
    house.leave()
    house.until(key, "captured", seconds=700 if bad is too_many_eight_times else 240)
    assert max(wire.gaps("stop"), default=0) <= LONGEST_GAP.total_seconds() + SLACK
    assert house.answered("stop", 429) == {"long_retry_after": 1, "too_many_eight_times": 8}.get(bad.__name__, 0)


@pytest.mark.parametrize("bad", [refused_once, ignored_once, slip, answer_lost], ids=lambda bad: bad.__name__)
@pytest.mark.parametrize("killed_after", [0.0, 7.0])
def test_a_stop_survives_a_kill_between_any_two_steps(
    house: House, bad: Callable[[House], None], killed_after: float
) -> None:
    key = house.charging()
    bad(house)
    house.ask(key, Kind.STOP)
    house.run(killed_after)
    house.restart()
    house.until(key, "captured", seconds=900)


def test_a_charger_that_ignores_every_stop_is_asked_every_minute_while_it_charges(house: House, wire: Wire) -> None:
    key = house.charging()
    house.world.ignore_next_stop(CODE, FOR_EVER)
    house.ask(key, Kind.STOP)
    house.leave()
    house.run(3600, step=10)
    assert house.session(key).status in {"charging", "stopping"}
    between = wire.gaps("stop")
    assert len(between) >= 55
    assert max(between) <= LONGEST_GAP.total_seconds() + 35  # the sandbox takes half a minute to give a stop up
    house.world.unplug(CODE, 1)
    house.until(key, "captured")
    ended = house.answered("stop")
    house.run(300)
    assert house.answered("stop") == ended


def test_a_stop_that_failed_twice_is_told_sending_by_sending(house: House) -> None:
    key = house.charging()
    house.world.refuse_next_stop(CODE, 2)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    stops = [one for one in house.store.commands(key) if one.kind is Kind.STOP]
    assert [(one.state, one.asked_by) for one in stops] == [
        (CommandState.REFUSED, AskedBy.DRIVER),
        (CommandState.REFUSED, AskedBy.DRIVER),
        (CommandState.DONE, AskedBy.DRIVER),
    ]


def test_a_stop_at_a_charger_without_contact_is_sent_as_soon_as_it_is_back(house: House, wire: Wire) -> None:
    key = house.charging()
    house.world.set_online(CODE, False)
    house.run(70)
    house.ask(key, Kind.STOP)
    house.leave()
    house.run(300)
    assert house.session(key).status == "charging"
    assert max(wire.gaps("stop")) <= LONGEST_GAP.total_seconds() + SLACK
    house.world.set_online(CODE, True)
    house.run(40)
    assert house.session(key).status in {"stopping", "settling", "captured"}


def test_chargers_without_contact_do_not_keep_another_drivers_stop_waiting(house: House) -> None:
    silent = [house.charging(number) for number in (1, 2, 3)]
    other = house.charging(1, code=SMALL)
    house.world.set_online(CODE, False)
    house.run(60)
    for key in silent:
        house.ask(key, Kind.STOP)
    house.run(180)
    asked = house.clock.now()
    house.ask(other, Kind.STOP)
    house.until(other, "stopping", seconds=20)
    assert house.clock.now() - asked <= timedelta(seconds=10)
    assert house.answered("stop", 429) == 0


def test_with_more_stops_than_the_budget_the_first_of_each_goes_before_a_repeated_one(house: House) -> None:
    first, second = house.charging(1), house.charging(2)
    house.world.refuse_next_stop(CODE, FOR_EVER)
    house.ask(first, Kind.STOP)
    house.run(8)
    while house.budgets.free(Endpoint.STOP, house.clock.now()):
        house.budgets.ended(house.budgets.take(Endpoint.STOP, house.clock.now()), house.clock.now())
    house.run(30)
    again = house.last(first, Kind.STOP)
    new = house.ask(second, Kind.STOP)
    assert (again.state, again.id < new.id) == (CommandState.WAITING, True)
    house.run(50)
    sent = [one.sent_at for one in (house.last(second, Kind.STOP), house.last(first, Kind.STOP))]
    assert sent[0] is not None
    assert sent[1] is None or sent[0] <= sent[1]


def test_what_the_kiosk_stops_by_itself_is_pursued_just_so(house: House) -> None:
    house.world.refuse_next_stop(SMALL, 3)
    key = house.charging(1, code=SMALL, limit=100)
    house.leave()
    house.until(key, "captured", seconds=1500)
    states = house.states(key, Kind.STOP)
    assert states[:3] == [CommandState.REFUSED] * 3
    assert house.session(key).wish is None
    captured = house.session(key).captured_minor
    assert captured is not None
    assert captured <= 110


# --- a cancel


def test_a_cancel_that_lost_its_race_to_the_start_stops_the_charge(house: House) -> None:
    house.world.plug_in(CODE, 1, "family", 200)
    key = house.paid()
    house.until(key, "starting")
    house.faults.add(Rule(Fault.SERVER_ERROR, "cancel"))
    house.ask(key, Kind.CANCEL)
    house.leave()
    house.until(key, "captured", seconds=240)
    assert house.answered("stop") >= 1
    assert house.session(key).wish is not None


def test_a_cancel_that_upstream_refuses_because_charging_has_begun_means_stop(house: House) -> None:
    """The kiosk has not read yet that it charges."""
    house.world.plug_in(CODE, 1, "family", 200)
    key = house.paid()
    house.until(key, "starting")
    house.clock.advance(9)
    house.world.tick()
    assert [one.status for one in house.world.sessions()] == ["charging"]
    house.ask(key, Kind.CANCEL)
    house.leave()
    house.until(key, "captured", seconds=240)
    assert house.last(key, Kind.CANCEL).refusal is Refusal.NOT_NOW


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.SERVER_ERROR, Fault.TOO_MANY])
def test_a_cancel_is_pursued_until_the_hold_is_released(house: House, wire: Wire, fault: Fault) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    house.faults.add(Rule(fault, "cancel", times=3, retry_after=3600))
    house.ask(key, Kind.CANCEL)
    house.leave()
    house.until(key, "abandoned", seconds=260)
    assert house.intent(key)["status"] == "canceled"
    assert max(wire.gaps("cancel"), default=0) <= LONGEST_GAP.total_seconds() + SLACK


def test_a_kiosk_that_gave_a_start_up_too_late_lets_the_charge_go_on(house: House) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    house.faults.add(Rule(Fault.TIMEOUT, "cancel", times=None))
    house.run(124)
    assert house.states(key, Kind.CANCEL)
    house.world.plug_in(CODE, 1, "family", 200)
    house.until(key, "charging", seconds=50)
    house.run(90)
    assert house.session(key).status == "charging"
    assert house.states(key, Kind.STOP) == []
    assert house.session(key).phase is Phase.OPEN


# --- the payment


def shown(house: House) -> str:
    """Upstream waits for the payment, its webhook will be lost, and the form was handed out."""
    house.world.lose_webhooks(100)
    key = house.request()
    house.until(key, "created")
    house.store.show_payment(key, house.kiosk_clock.now())
    return key


def test_a_payment_that_nobody_tells_of_is_found_within_half_a_minute(house: House) -> None:
    key = shown(house)
    house.pay(key)
    house.until(key, "authorized", seconds=30)
    assert [one.asked_by for one in house.store.commands(key) if one.kind is Kind.CONFIRM] == [AskedBy.KIOSK]


def test_a_payment_after_minutes_is_found_within_two(house: House) -> None:
    key = shown(house)
    house.run(70)
    house.pay(key)
    house.run(125)
    assert house.session(key).ever_held


def test_the_kiosk_looks_also_after_a_kill(house: House) -> None:
    key = shown(house)
    house.pay(key)
    house.restart()
    house.until(key, "authorized", seconds=40)


def test_without_a_form_nobody_looks(house: House) -> None:
    key = house.request()
    house.watch(key)
    house.until(key, "created")
    house.until(key, "expired")
    assert house.answered("confirm") == 0


def test_looks_stay_within_the_budget_and_every_session_gets_one(house: House) -> None:
    keys = []
    for number in (1, 2, 3, 4):
        key = house.request(number)
        house.until(key, "created")
        house.store.show_payment(key, house.kiosk_clock.now())
        keys.append(key)
    house.run(60)
    assert all(CommandState.DONE in house.states(key, Kind.CONFIRM) for key in keys)
    assert house.answered("confirm", 429) == 0


def test_what_the_kiosk_looks_for_by_itself_is_no_payment_that_is_being_checked(house: House) -> None:
    key = shown(house)
    house.run(40)
    assert house.states(key, Kind.CONFIRM)
    assert payment_checked(house.session(key), house.store.commands(key)) is None
