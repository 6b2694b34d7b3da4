"""The crew: one job a mark, pools that do not wait for each other, and an end after which nothing is begun."""

from __future__ import annotations

from kiosk.domain.commands import CommandState, Kind
from kiosk.engine.crew import Crew
from kiosk.engine.duty import Job
from kiosk.upstream.plugchoice.budget import Budgets, Endpoint
from tests.engine.house import CODE, House
from tests.engine.test_engine import eventually


def test_after_the_end_nothing_is_begun() -> None:
    crew = Crew(Budgets(), lambda: None)
    crew.finish()
    done: list[str] = []
    assert not crew.begin(Job("late", lambda: done.append("late")), lambda _job, _error: None)
    assert not crew.busy("late")
    assert done == []


def test_a_stop_is_sent_while_every_reader_waits_for_an_answer(house: House) -> None:
    key = house.charging()
    engine = house.engine = house.new_engine(inline=False)
    house.clock.advance(11)
    house.transport.open.clear()
    for number in range(10):
        house.store.want_card(f"{CODE[:-2]}{number:02}", house.kiosk_clock.now())
    engine.round()
    house.ask(key, Kind.STOP)
    engine.round()
    eventually(lambda: house.states(key, Kind.STOP) == [CommandState.SENT])
    house.transport.open.set()
    eventually(lambda: house.states(key, Kind.STOP) == [CommandState.DONE])
    engine.stop()


def test_who_may_not_act_spends_a_checked_grant_and_does_nothing_else() -> None:
    done: list[str] = []
    crew = Crew(Budgets(), lambda: None, inline=True, may_act=lambda: False)
    for mark, endpoint in (("read", Endpoint.GET_SESSION), ("proof", None)):
        crew.begin(Job(mark, lambda mark=mark: done.append(mark), endpoint), lambda *_told: None)  # type: ignore[misc]
    assert done == ["read"]
