"""What a kill has left: commands of unknown effect are found again, whatever failed while the engine took over."""

from __future__ import annotations

from datetime import timedelta

from kiosk.domain.commands import CommandState, Kind
from kiosk.engine.duties.tidy import Erase
from kiosk.engine.unanswered import Unanswered
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
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


def test_by_which_device_and_network_a_start_was_asked_for_is_erased_after_days(house: House) -> None:
    house.charging()
    began = house.kiosk_clock.now() - timedelta(hours=1)
    Erase(house.context).jobs(house.kiosk_clock.now() + timedelta(hours=47))
    assert len(house.store.origins(began)) == 1
    Erase(house.context).jobs(house.kiosk_clock.now() + timedelta(hours=49))
    assert house.store.origins(began) == []
