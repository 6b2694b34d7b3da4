"""One list of a site tells how far all of its charges are: estimates, read on one beat however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.progress import LIVE_FOR, joined
from kiosk.domain.session import Session
from kiosk.engine.context import Context
from kiosk.engine.sites.plan import SitePlan
from kiosk.engine.sites.progress import FRUITLESS
from kiosk.news.news import session_topic
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.world.faults import Faults, FaultyTransport, Rule
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.upstream.plugchoice.operator import REQUESTS_A_MINUTE, PlugchoiceOperator
from tests.engine.house import CODE, SMALL, House
from tests.engine.site_house import TOKEN

LIST, METER, READ = "operator_site_transactions", "operator_latest_meter", "session"


class Told(House):
    """A house whose operator has given a token, with a list of running charges that behaves as `switches` say."""

    def __init__(self, folder: Path, token: str | None, **switches: object) -> None:
        self.token, self.office, self.per_minute = token, Faults(), REQUESTS_A_MINUTE
        self.switches = replace(OperatorSwitches(running_kwh="live"), **switches)  # type: ignore[arg-type]
        super().__init__(folder)

    def made_context(self) -> Context:
        context = super().made_context()
        if self.token is None:
            return context
        app = create_operator_app(self.world, TOKEN, faults=self.office, switches=self.switches)
        through = FaultyTransport(httpx.WSGITransport(app), self.office, _named)
        operator = PlugchoiceOperator(
            "http://up/api/v3", self.token, clock=self.clock, transport=through, per_minute=self.per_minute
        )
        return replace(context, operator=operator, sites=(SitePlan("garage", (CODE, SMALL), SITE_UUID),))

    def asked(self, route: str) -> int:
        return self.world.traffic.total(route=route)

    def shown(self, key: str) -> Session:
        """The session with the figures that a page shows now."""
        found = self.store.for_reader(key, None)
        assert found is not None
        return joined(found.session, found.progress)

    def is_estimate(self, key: str) -> bool:
        return self.shown(key) != self.session(key)

    def age(self, key: str) -> timedelta:
        at = self.shown(key).fresh_at
        assert at is not None
        return self.clock.now() - at

    def true_kwh(self) -> Decimal:
        return Decimal(self.world.transactions()[-1].energy_wh) / 1000


def _named(method: str, path: str) -> str:
    """As the faults name it: what is asked of one connector here is its meter alone."""
    return "session" if path.endswith("/latest-metervalue") else f"{method} {path}"


Make = Callable[..., Told]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Told] = []

    def build(token: str | None = TOKEN, **switches: object) -> Told:
        made.append(Told(tmp_path, token, **switches))
        return made[-1]

    yield build
    for house in made:
        house.close()


def test_a_charge_is_shown_by_the_list_and_its_session_is_hardly_read(make: Make) -> None:
    house = make()
    key = house.charging()
    house.run(100)
    lists, reads = house.asked(LIST), house.asked(READ)
    ages = []
    for _ in house.steps(600, every=5):
        assert house.is_estimate(key) or house.session(key).fresh_at == house.shown(key).fresh_at
        ages.append(house.age(key))
    assert max(ages) <= timedelta(seconds=15)
    assert 55 <= house.asked(LIST) - lists <= 61
    assert house.asked(READ) - reads <= 5
    energy = house.shown(key).energy_kwh
    assert energy is not None
    assert abs(energy - house.true_kwh()) <= Decimal("0.2")


def test_without_a_token_nothing_is_asked_of_the_operators_view(make: Make) -> None:
    house = make(None)
    key = house.charging()
    house.run(120)
    assert house.asked(LIST) == 0
    assert not house.is_estimate(key)


def test_nothing_is_asked_while_nothing_charges(make: Make) -> None:
    house = make()
    house.run(300)
    assert house.asked(LIST) == 0


def test_open_pages_are_told_of_every_new_figure(make: Make) -> None:
    house = make()
    key = house.charging()
    house.run(120)
    before = house.news.version(session_topic(key))
    house.run(60)
    assert house.news.version(session_topic(key)) - before >= 5


@pytest.mark.parametrize(
    "switches",
    [
        {"running_kwh": "zero"},
        {"running_kwh": "null"},
        {"kwh_is_whole": True},
        {"running_kwh_every": 600.0},
    ],
    ids=str,
)
def test_a_list_without_a_usable_energy_makes_the_meter_be_asked(make: Make, switches: dict[str, object]) -> None:
    house = make(**switches)
    key = house.charging()
    house.run(200)
    assert house.asked(METER) > 0
    reads = house.asked(READ)
    house.run(300, every=5)
    assert house.asked(READ) - reads <= 12
    assert house.age(key) <= timedelta(seconds=30)
    shown = house.shown(key).energy_kwh
    assert shown is not None
    assert abs(shown - house.true_kwh()) <= Decimal("0.3")


def test_a_meter_that_gives_no_answer_is_left_in_peace_and_the_session_is_read_instead(make: Make) -> None:
    house = make(running_kwh="null")
    house.office.add(Rule(Fault.DROPPED, "session", times=None, after_effect=True))
    key = house.charging()
    house.run(300)
    meters, reads = house.asked(METER), house.asked(READ)
    assert meters >= FRUITLESS
    house.run(600)
    assert house.asked(METER) - meters <= 3
    assert house.asked(READ) - reads >= 50
    assert house.age(key) <= timedelta(seconds=15)
    assert not house.is_estimate(key)
    house.office.clear()
    house.run(600)
    assert house.is_estimate(key)


def test_meters_take_no_more_than_their_share_and_everybody_has_a_turn(make: Make) -> None:
    house = make(running_kwh="null")
    house.per_minute = 8
    house.restart()
    keys = [house.charging(number) for number in (1, 2, 3)]
    house.run(120)
    before = house.asked(METER)
    house.run(600)
    assert 20 <= house.asked(METER) - before <= 41
    assert all(house.age(key) <= timedelta(seconds=60) for key in keys)


@pytest.mark.parametrize(
    "switches",
    [{"connector_told": False}, {"never_told": frozenset(range(1, 50))}, {"permitted": False}],
    ids=["no connector", "never listed", "not permitted"],
)
def test_a_charge_that_the_list_cannot_tell_is_read_as_without_a_token(make: Make, switches: dict[str, object]) -> None:
    house = make(**switches)
    key = house.charging()
    house.run(60)
    reads = house.asked(READ)
    house.run(100)
    assert house.asked(READ) - reads >= 8
    assert not house.is_estimate(key)
    assert house.age(key) <= timedelta(seconds=15)


def test_when_the_list_fails_the_sessions_are_read_again(make: Make) -> None:
    house = make()
    key = house.charging()
    house.run(60)
    house.office.add(Rule(Fault.SERVER_ERROR, times=None))
    house.run(60)
    reads = house.asked(READ)
    house.run(60)
    assert house.asked(READ) - reads >= 5
    assert house.age(key) <= timedelta(seconds=15)
    assert not house.is_estimate(key)


def test_a_charge_that_vanished_from_the_list_is_read_at_once(make: Make) -> None:
    house = make()
    key = house.charging()
    house.run(100)
    house.world.unplug(CODE, 1)
    house.run(15)
    assert house.session(key).status == "settling"
    house.until(key, "captured", 60)


def test_half_a_list_makes_a_session_be_read_once_and_not_again_and_again(make: Make) -> None:
    house = make()
    keys = [house.charging(number) for number in (1, 2)]
    house.run(100)
    for key in keys:
        assert house.is_estimate(key)
    house.switches = replace(house.switches, list_ends_after=1)
    house.restart()
    house.run(120)
    reads = house.asked(READ)
    house.run(60)
    assert house.asked(READ) - reads <= 12


def test_the_limit_is_kept_by_the_list_and_the_session_is_read_before_the_stop(make: Make) -> None:
    house = make()
    key = house.charging(limit=200)
    session = house.until(key, "captured", 2400)
    assert house.last(key, Kind.STOP).asked_by is AskedBy.LIMIT
    assert session.captured_minor is not None
    assert 180 <= session.captured_minor <= 200


def test_no_receipt_is_made_from_the_list(make: Make) -> None:
    house = make()
    key = house.charging()
    house.run(100)
    assert house.is_estimate(key)
    before = house.session(key)
    house.ask(key, Kind.STOP)
    session = house.until(key, "captured")
    document = house.store.receipt(key)
    assert document is not None
    assert session.captured_minor == house.world.sessions()[0].amount_captured
    assert before.energy_kwh is not None
    assert house.store.all_progress().keys() <= {key}
    house.run(60)
    assert not house.is_estimate(key)


def test_what_was_told_is_known_after_a_restart_and_its_figures_go_on(make: Make) -> None:
    house = make()
    key = house.charging()
    house.run(100)
    house.restart()
    house.run(2)
    assert house.age(key) <= LIVE_FOR
    house.run(60)
    assert house.age(key) <= timedelta(seconds=12)
