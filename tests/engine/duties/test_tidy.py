"""What a kill has left: commands of unknown effect are found again, whatever failed while the engine took over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.desk import Role
from kiosk.engine.duties.tidy import Erase
from kiosk.engine.unanswered import Unanswered
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from tests.domain.made import a_transaction
from tests.engine.house import House


def test_what_got_no_answer_is_recalled_from_the_store_alone(house: House) -> None:
    key = house.charging()
    house.faults.add(Rule(Fault.TIMEOUT, "receipt_email", times=None))
    house.faults.add(Rule(Fault.SERVER_ERROR, "session", times=None))
    house.ask(key, Kind.RECEIPT_EMAIL, email="anna@mail.example")
    house.run(3)
    assert house.states(key, Kind.RECEIPT_EMAIL) == [CommandState.UNKNOWN]
    recalled = Unanswered(house.context)
    recalled.recall()
    assert key in recalled


def erase(house: House, **later: float) -> None:
    """What the duty does when it is its turn so much later."""
    for job in Erase(house.context).jobs(house.kiosk_clock.now() + timedelta(**later)).now:
        job.run()


def test_by_which_device_and_network_a_start_was_asked_for_is_erased_after_days(house: House) -> None:
    house.charging()
    began = house.kiosk_clock.now() - timedelta(hours=1)
    erase(house, hours=47)
    assert len(house.store.origins(began)) == 1
    erase(house, hours=49)
    assert house.store.origins(began) == []


def test_browsers_that_never_signed_out_of_the_desk_are_forgotten(house: House) -> None:
    now = house.kiosk_clock.now()
    assert house.store.desk.add_user("ada", "a password in its stored form", Role.VIEWER, None, now)
    house.store.desk.sign_in(1, "token of a browser", now)
    erase(house, days=29)
    assert house.store.desk.browsers_of(1) == 1
    erase(house, days=31)
    assert house.store.desk.browsers_of(1) == 0


def test_readings_live_as_long_as_is_set_and_for_as_long_as_a_refund_may_come(house: House) -> None:
    key = house.charging()
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    assert house.context.readings_live == timedelta(days=400)
    erase(house, days=399)
    assert house.store.observations(key) != []
    house.context = replace(house.context, readings_live=timedelta(days=1))
    erase(house, days=179)
    assert house.store.observations(key) != []
    erase(house, days=181)
    assert house.store.observations(key) == []
    assert house.store.receipt(key) is not None


def test_transactions_of_old_days_are_forgotten_with_the_readings(house: House) -> None:
    now = house.kiosk_clock.now()
    day = (now - timedelta(days=1), now + timedelta(days=1))
    house.store.keep_transactions("site", [replace(a_transaction(), started_at=now, stopped_at=now)], {}, now)
    erase(house, days=399)
    assert house.store.count_transactions("site", *day) == 1
    erase(house, days=401)
    assert house.store.count_transactions("site", *day) == 0
