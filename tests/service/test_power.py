"""What operator and maker say of a charger, and for how many of its connectors that holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kiosk.config.sites import Site
from kiosk.domain.charger import ChargerCard, Connector, Drawn
from kiosk.domain.expectation import Expectation
from kiosk.domain.fuses import FuseConnector, FuseTree, Node, NodeKind
from kiosk.domain.lab import LabFacts
from kiosk.domain.session import Session
from kiosk.service.power import site_power
from kiosk.store.records import SeenTree

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
CODE = "7MK4T"


class Shelf:
    """A store with one charger of that many connectors. Its maker says `whole` kW, the tree `amperes` for each."""

    def __init__(self, connectors: int, whole: str | None, amperes: int | None = None, power_type: str = "DC") -> None:
        self._numbers = range(1, connectors + 1)
        self._make = LabFacts(max_kw=None if whole is None else Decimal(whole))
        self._amperes = amperes
        self._power_type = power_type

    def tree(self, site_id: str) -> SeenTree | None:
        del site_id
        if self._amperes is None:
            return None
        most = Decimal(self._amperes)
        listed = tuple(FuseConnector(CODE, number, most_amperes=most, phases=3) for number in self._numbers)
        main = Node(NodeKind.FUSE, limit=Decimal(2000), children=(Node(NodeKind.STATION, connectors=listed),))
        return SeenTree(FuseTree((main,)), NOW)

    def cards(self, codes: Sequence[str]) -> dict[str, ChargerCard]:
        connectors = tuple(Connector(number, "Available", power_type=self._power_type) for number in self._numbers)
        return {code: ChargerCard(code, None, True, connectors, None, None, NOW) for code in codes}

    def occupied_at(self, codes: Sequence[str]) -> dict[str, dict[int, str]]:
        del codes
        return {}

    def charging_at(self, codes: Sequence[str]) -> list[Session]:
        del codes
        return []

    def lab_facts(self, codes: Sequence[str]) -> dict[str, LabFacts]:
        return dict.fromkeys(codes, self._make)


def expected(shelf: Shelf, volts: int = 230, **charger: Any) -> list[Expectation]:
    """By connector."""
    raw: dict[str, Any] = {"id": "a", "name": "A", "timezone": "UTC", "chargepilot_site": "1", "volts": volts}
    raw["chargers"] = [{"code": CODE} | charger]
    found = site_power(Site.model_validate(raw), shelf, NOW).expectations(NOW)
    return [found[place] for place in sorted(found)]


def kilowatts(shelf: Shelf, **charger: Any) -> list[str]:
    return [str(each.now.kw) for each in expected(shelf, **charger)]


def test_a_site_with_other_volts_is_told_other_power() -> None:
    shelf = Shelf(1, None, 32, "AC_3_PHASE")
    (here,), (there,) = expected(shelf), expected(shelf, volts=120)
    assert here.now.amperes == there.now.amperes
    assert there.now.kw is not None
    assert here.now.kw is not None
    assert abs(there.now.kw - here.now.kw * 120 / 230) <= Decimal("0.2")


def test_the_makers_figure_stands_in_for_the_only_connector_where_the_operator_says_nothing() -> None:
    assert kilowatts(Shelf(1, "150")) == ["150.0"]


def test_the_operators_figure_goes_before_the_makers() -> None:
    assert kilowatts(Shelf(1, "11"), max_kw=22) == ["22.0"]


def test_what_the_operator_says_of_a_charger_holds_for_each_connector_and_a_bays_own_goes_first() -> None:
    bays = {2: {"label": "2", "max_kw": 50}}
    assert kilowatts(Shelf(2, "180", 400), max_kw=90, bays=bays) == ["90.0", "50.0"]
    assert not any(each.at_most for each in expected(Shelf(2, "180", 400), max_kw=90, bays=bays))


def test_the_whole_chargers_figure_says_nothing_of_one_of_several_connectors() -> None:
    assert kilowatts(Shelf(2, "180")) == ["None", "None"]
    assert kilowatts(Shelf(1, "180"), bays={1: {"label": "1"}, 2: {"label": "2"}}) == ["None"]


def test_no_connector_is_promised_more_than_its_whole_charger_gives() -> None:
    for each in expected(Shelf(2, "180.55", 400)):
        assert (each.now.kw, each.full.kw, each.most_kw) == (Decimal("180.5"),) * 3
        assert each.at_most


def test_connectors_that_may_share_what_their_charger_gives_are_told_an_upper_bound() -> None:
    both = expected(Shelf(2, "22", 32, "AC_3_PHASE"))
    assert [(each.now.kw, each.at_most) for each in both] == [(Decimal("22.0"), True)] * 2


@pytest.mark.parametrize("whole", ["44.2", "50", None])
def test_a_charger_that_has_enough_for_all_its_connectors_bounds_none(whole: str | None) -> None:
    both = expected(Shelf(2, whole, 32, "AC_3_PHASE"))
    assert [(each.now.kw, each.at_most) for each in both] == [(Decimal("22.0"), False)] * 2


def test_a_new_word_of_the_maker_is_a_new_fact() -> None:
    site = Site.model_validate({"id": "a", "name": "A", "timezone": "UTC", "chargers": [{"code": CODE}]})
    one, other = (site_power(site, Shelf(2, whole), NOW).facts(NOW) for whole in ("22", "44"))
    assert one != other


class Garage(Shelf):
    """Two AC bays behind 40 A: the first is free, at the second a car takes 11 kW on three phases."""

    def __init__(self, at: datetime = NOW, *, ours: bool = False) -> None:
        super().__init__(2, None, 32, "AC_3_PHASE")
        self._at, self._ours = at, ours

    def tree(self, site_id: str) -> SeenTree | None:
        seen = super().tree(site_id)
        assert seen is not None
        (main,) = seen.tree.roots
        return SeenTree(FuseTree((replace(main, limit=Decimal(40)),)), NOW)

    def cards(self, codes: Sequence[str]) -> dict[str, ChargerCard]:
        drawn = Drawn(Decimal(11), Decimal(16), self._at)
        bays = Connector(1, "Available", None, None, "AC_3_PHASE"), Connector(2, "Charging", drawn=drawn)
        return {code: ChargerCard(code, None, True, bays, None, None, NOW) for code in codes}

    def occupied_at(self, codes: Sequence[str]) -> dict[str, dict[int, str]]:
        return {code: {2: "key"} for code in codes} if self._ours else {}


def test_what_a_car_of_somebody_else_draws_counts_while_it_is_of_now() -> None:
    assert kilowatts(Garage())[0] == "15.1"
    assert kilowatts(Garage(NOW - timedelta(seconds=151)))[0] == "13.8"


def test_at_a_bay_that_this_kiosk_sells_its_own_session_says_what_the_car_draws() -> None:
    assert kilowatts(Garage(ours=True))[0] == "13.8"


def test_another_power_of_somebody_elses_car_is_a_new_fact() -> None:
    site = Site.model_validate({"id": "a", "name": "A", "timezone": "UTC", "chargepilot_site": "1"} | CHARGERS)
    now = site_power(site, Garage(), NOW).facts(NOW)
    assert now == site_power(site, Garage(NOW - timedelta(seconds=10)), NOW).facts(NOW)
    assert now != site_power(site, Garage(NOW - timedelta(seconds=151)), NOW).facts(NOW)


CHARGERS = {"chargers": [{"code": CODE}]}
