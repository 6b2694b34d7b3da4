"""The charger's own transaction of a charge: found for each that ended, kept once, in nobody's way when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from kiosk.domain.commands import Kind
from kiosk.domain.matching import SLACK
from kiosk.engine.context import Context
from kiosk.engine.duty import Jobs
from kiosk.engine.sites.plan import SitePlan
from kiosk.engine.sites.transactions import SiteTransactions
from kiosk.news.news import session_topic
from kiosk.sandbox.plugchoice.office import SITE_UUID
from kiosk.sandbox.plugchoice.operator import create_operator_app
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.world.faults import Faults, FaultyTransport, Rule
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.upstream.plugchoice.operator import PlugchoiceOperator
from tests.engine.house import CODE, SMALL, House
from tests.engine.site_house import TOKEN

LIST = "operator_site_transactions"
SETTINGS = "operator_public_charging"


class Metered(House):
    """A house whose operator has given a token. `token` None: no operator's view at all."""

    def __init__(self, folder: Path, token: str | None = TOKEN, switches: OperatorSwitches | None = None) -> None:
        self.token, self.switches, self.office = token, switches, Faults()
        super().__init__(folder)

    def made_context(self) -> Context:
        context = super().made_context()
        if self.token is None:
            return context
        app = create_operator_app(self.world, TOKEN, faults=self.office, switches=self.switches)
        through = FaultyTransport(httpx.WSGITransport(app), self.office, _named)
        operator = PlugchoiceOperator("http://up/api/v3", self.token, clock=self.clock, transport=through)
        return replace(context, operator=operator, sites=(SitePlan("garage", (CODE, SMALL), SITE_UUID),))

    def charged(self, connector_id: int = 1, *, code: str = CODE, seconds: float = 120) -> str:
        key = self.charging(connector_id, code=code)
        self.run(seconds)
        self.ask(key, Kind.STOP)
        self.until(key, "captured")
        return key

    def asked(self, route: str) -> int:
        return self.world.traffic.total(route=route)


def _named(_method: str, path: str) -> str:
    """As the faults name it: what is asked of one charger here are its settings alone."""
    return "charger" if path.endswith("/public-charging") else path


Make = Callable[..., Metered]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Metered] = []

    def build(token: str | None = TOKEN, switches: OperatorSwitches | None = None) -> Metered:
        made.append(Metered(tmp_path, token, switches))
        return made[-1]

    yield build
    for house in made:
        house.close()


def test_a_charge_has_its_stands_within_half_a_minute_and_its_page_is_told(make: Make) -> None:
    house = make()
    key = house.charging()
    house.run(120)
    house.ask(key, Kind.STOP)
    house.until(key, "settling")
    house.office.add(Rule(Fault.SERVER_ERROR, times=1))
    house.until(key, "captured")
    before = house.news.version(session_topic(key))
    assert house.store.meter_stand(key) is None
    house.run(30)
    stand, session = house.store.meter_stand(key), house.session(key)
    (transaction,) = house.world.transactions()
    assert stand is not None
    assert session.energy_kwh is not None
    assert (stand.number, stand.start_wh) == (transaction.id, transaction.meter_start_wh)
    assert abs(stand.energy_kwh - session.energy_kwh) <= Decimal("0.1")
    assert stand.stop_reason == transaction.stop_reason
    assert house.news.version(session_topic(key)) > before


def test_each_of_two_charges_at_once_has_its_own_by_one_read(make: Make) -> None:
    house = make()
    first, second = house.charging(1), house.charging(2)
    house.run(120)
    for key in (first, second):
        house.ask(key, Kind.STOP)
    for key in (first, second):
        house.until(key, "settling")
    before = house.asked(LIST)
    house.until(first, "captured")
    house.until(second, "captured")
    house.run(30)
    stands = [house.store.meter_stand(key) for key in (first, second)]
    assert None not in stands
    assert len({one.number for one in stands if one is not None}) == 2
    assert house.asked(LIST) - before <= 4
    assert house.asked(SETTINGS) == 1


def test_nothing_is_asked_without_a_token_and_once_everything_is_found(make: Make) -> None:
    house = make(token=None)
    house.charged(seconds=40)
    house.run(600)
    assert house.asked(LIST) == 0


def test_what_is_found_is_not_looked_for_again_also_after_a_restart(make: Make) -> None:
    house = make()
    house.charged(seconds=40)
    house.run(60)
    asked = house.asked(LIST)
    house.restart()
    house.run(600)
    assert house.asked(LIST) == asked


def test_an_outage_costs_a_few_looks_and_then_it_is_found(make: Make) -> None:
    house = make()
    house.office.add(Rule(Fault.SERVER_ERROR, times=3))
    key = house.charged(seconds=40)
    house.run(600)
    assert house.store.meter_stand(key) is not None
    assert house.session(key).final


def test_what_cannot_be_found_is_looked_for_more_and_more_seldom_and_a_day_later_no_more(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SiteTransactions, "jobs", lambda _self, _now: Jobs())  # at night it asks for lists of its own
    house = make()
    house.office.add(Rule(Fault.UNAUTHORIZED, times=None))
    key = house.charged(seconds=40)
    house.run(3600, every=30)
    first = house.asked(LIST)
    assert first <= 12
    house.run(26 * 3600, every=600)
    last = house.asked(LIST)
    assert last - first <= 12
    house.run(8 * 3600, every=600)
    assert house.asked(LIST) == last
    assert house.store.meter_stand(key) is None
    assert house.session(key).final


def test_a_list_without_it_says_nothing_and_is_read_again(make: Make) -> None:
    house = make(switches=OperatorSwitches(list_ends_after=0))
    key = house.charged(seconds=40)
    house.run(120)
    assert house.store.meter_stand(key) is None
    assert house.asked(LIST) >= 3


def test_a_charger_whose_code_may_not_be_read_is_asked_for_it_once(make: Make) -> None:
    house = make(switches=OperatorSwitches(settings_permitted=False))
    key = house.charged(seconds=40)
    house.run(120)
    assert house.asked(LIST) >= 3
    assert house.asked(SETTINGS) == 1
    assert house.store.meter_stand(key) is None


def test_a_code_that_could_not_be_had_once_is_asked_for_again(make: Make) -> None:
    house = make()
    house.office.add(Rule(Fault.TIMEOUT, "charger"))
    key = house.charged(seconds=40)
    house.run(120)
    assert house.office.waiting() == ()
    assert house.store.meter_stand(key) is not None


def test_a_list_that_was_cut_off_says_nothing_of_what_is_older_than_its_last_entry(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.engine.sites.stands.MOST", 2)
    house = make()
    house.office.add(Rule(Fault.SERVER_ERROR, times=None))
    keys = []
    for _ in range(3):
        keys.append(house.charged(seconds=40))
        house.run(SLACK.total_seconds() + 60, every=30)
    house.office.clear()
    house.run(1800, every=30)
    assert [house.store.meter_stand(key) is not None for key in keys] == [False, False, True]
