"""A leader that was frozen while another one led sends nothing, and takes over anew: no budget is ever overspent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from kiosk.domain.commands import CommandState, Kind
from kiosk.domain.session import Phase
from kiosk.engine.engine import Engine
from kiosk.outside import remembered_budgets
from kiosk.sandbox.world.faults import endpoint_of
from kiosk.upstream.plugchoice.public import PlugchoicePublic
from tests.engine.house import SMALL, House
from tests.worlds.once import migrated_store


class Frozen(httpx.BaseTransport):
    """Lets `meanwhile` happen once, while the next call of that endpoint is under way."""

    def __init__(self, inner: httpx.BaseTransport, endpoint: str) -> None:
        self._inner, self._endpoint = inner, endpoint
        self.meanwhile: Callable[[], None] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if endpoint_of(request.method, request.url.path) == self._endpoint and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return answer


class Pair:
    """Two kiosks over one database and one world, each with connections and budgets of its own."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.wire = Frozen(house.transport, "start")
        house.transport = self.wire  # type: ignore[assignment]  # the house only hands it to the client
        self.first = house.engine = house.new_engine()
        self._store = migrated_store(folder / "kiosk.db")
        budgets = remembered_budgets(self._store.note_call, self._store.note_closure)
        public = PlugchoicePublic(
            "http://upstream/api/v3", clock=house.kiosk_clock, budgets=budgets, transport=house.transport._inner
        )
        context = replace(house.context, store=self._store, budgets=budgets, public=public)
        self.second = Engine(context, inline=True)

    def second_leads(self) -> None:
        """The first is frozen for longer than its lease lives."""
        self.house.clock.advance(12)
        self.second.round()
        assert self.second.leading
        for _ in range(5):
            self.house.clock.advance(0.2)
            self.second.round()

    def close(self) -> None:
        self._store.close()


@pytest.fixture
def pair(house: House, tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(house, tmp_path)
    yield pair
    pair.close()


def starts_sent(house: House) -> int:
    return house.answered("start")


def test_a_leader_that_wakes_after_another_one_led_and_died_counts_what_that_one_sent(pair: Pair) -> None:
    house = pair.house
    house.run(1)
    assert pair.first.leading
    keys = [house.request(number) for number in (1, 2, 3, 4)]
    pair.second_leads()
    assert starts_sent(house) == 3
    house.clock.advance(11)
    pair.first.round()
    assert pair.first.leading
    house.run(20)
    assert starts_sent(house) == 3, "the fourth waits for room in the minute"
    house.run(60)
    assert (starts_sent(house), house.answered("start", 429)) == (4, 0)
    assert [house.session(key).phase for key in keys] == [Phase.OPEN] * 4


def test_what_the_other_one_left_under_way_is_taken_up_at_once(pair: Pair) -> None:
    house = pair.house
    house.run(1)
    pair.second_leads()
    key = house.request()
    start = house.last(key, Kind.START)
    assert house.store.claim(start.id, house.clock.now())
    house.clock.advance(11)
    house.run(3)
    assert pair.first.leading
    assert house.session(key).phase is Phase.NO_ANSWER


def test_a_leader_that_is_frozen_in_the_middle_of_its_round_sends_nothing_more(pair: Pair) -> None:
    house = pair.house
    house.run(1)
    keys = [house.request(number) for number in (1, 2, 3)]
    keys.append(house.request(1, code=SMALL))
    pair.wire.meanwhile = pair.second_leads
    pair.first.round()
    assert starts_sent(house) == 3, "one of the first, two of the second: the first claimed nothing more"
    pair.first.round()
    assert not pair.first.leading
    sent_by_first = [one for key in keys for one in house.store.commands(key) if one.state is CommandState.SENT]
    assert sent_by_first == []


def test_a_read_of_a_leader_that_is_none_any_more_does_not_leave(pair: Pair) -> None:
    house = pair.house
    house.run(1)
    key = house.request()
    house.until(key, "created")
    pair.second_leads()
    read = house.answered("session")
    token = house.store.token(key)
    assert token is not None
    with pytest.raises(Exception, match="could not be recorded"):
        house.context.public.get_session(token)
    assert house.answered("session") == read


def test_a_freeze_that_nobody_used_makes_it_take_over_all_the_same(pair: Pair) -> None:
    """Nobody can know that nobody led."""
    house = pair.house
    house.run(1)
    before = pair.first._lead.lease
    assert before is not None
    house.clock.advance(30)
    key = house.request()
    start = house.last(key, Kind.START)
    assert house.store.claim(start.id, house.clock.now())
    house.run(2)
    after = pair.first._lead.lease
    assert after is not None
    assert after.number == before.number + 1
    assert house.session(key).phase is Phase.NO_ANSWER


def test_a_lease_that_is_renewed_in_time_is_taken_over_once(house: House) -> None:
    house.run(1)
    before = house.engine._lead.lease
    house.run(60)
    assert house.engine._lead.lease == before
