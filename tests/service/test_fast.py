"""Which chargers break a rule for fast ones, by kiosk.toml and what was read of them (EU-03, EU-05)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kiosk.config.sites import SiteBook
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.lab import LabFacts
from kiosk.domain.tariff import Tariff
from kiosk.sandbox.world.chargers import ChargerSpec
from kiosk.sandbox.world.scene import CHARGERS, NEXT_DOOR
from kiosk.sandbox.world.scene_large import KINDS
from kiosk.service.fast import FastProblem, broken_prices, fast_codes, price_problem, reader_problems
from tests.worlds.once import migrated_store

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
CODE = "DCF4N"


def book(zone: str = "Europe/Berlin", **charger: Any) -> SiteBook:
    fields = {"code": CODE, "max_kw": 150, "bays": {1: {"label": "1", "connector": "ccs"}}} | charger
    return SiteBook.model_validate({"sites": [{"id": "a", "name": "A", "timezone": zone, "chargers": [fields]}]})


def problem(
    book: SiteBook, fee: int = 50, make: LabFacts | None = None, power: str | None = "DC"
) -> FastProblem | None:
    connectors = (Connector(1, "Available", power_type=power),)
    card = ChargerCard(CODE, None, True, connectors, Tariff("EUR", 69, fee), 7500, NOW)
    return price_problem(card, book, make)


def test_a_start_fee_at_a_fast_charger_is_told_with_the_figures_and_what_to_do() -> None:
    found = problem(book())
    assert found is not None
    assert found.broken
    assert found.text.startswith("Charger DCF4N gives 150 kW and has a start fee of 0.50 EUR: from 50 kW ")
    assert "Set the start fee to 0 in Plugchoice." in found.text


@pytest.mark.parametrize(
    "fields",
    [{"max_kw": 49}, {"installed_on": "2024-04-12"}, {"zone": "America/New_York"}, {"zone": "Europe/London"}],
)
def test_where_the_rule_does_not_hold_nothing_is_said(fields: dict[str, Any]) -> None:
    assert problem(book(**fields)) is None


def test_without_a_start_fee_nothing_is_said() -> None:
    assert problem(book(), fee=0) is None


def test_the_fastest_bay_counts() -> None:
    bays = {1: {"label": "1", "connector": "ccs", "max_kw": 60}}
    found = problem(book(max_kw=22, bays=bays))
    assert found is not None
    assert "60 kW" in found.text


def test_what_the_maker_says_counts_where_the_operator_says_nothing() -> None:
    found = problem(book(max_kw=None), make=LabFacts(max_kw=Decimal(180)))
    assert found is not None
    assert found.broken


@pytest.mark.parametrize(
    ("plug", "power", "said"),
    [("ccs", None, True), (None, "DC", True), (None, None, True), ("type2", None, False), (None, "AC_3_PHASE", False)],
)
def test_of_a_charger_of_unknown_power_a_fee_is_noted_unless_its_plug_is_slow(
    plug: str | None, power: str | None, said: bool
) -> None:
    bay = {"label": "1"} | ({"connector": plug} if plug is not None else {})
    found = problem(book(max_kw=None, bays={1: bay}), power=power)
    assert (found is not None) is said
    assert found is None or not found.broken


def test_a_charger_that_no_site_lists_is_not_passed_over() -> None:
    assert problem(SiteBook(), make=LabFacts(max_kw=Decimal(150))) is not None


def test_a_fast_charger_without_a_word_on_its_card_reader_is_noted() -> None:
    (found,) = reader_problems(book(), [CODE])
    assert "set card_reader" in found.text
    assert not list(reader_problems(book(card_reader="right here"), [CODE]))
    assert not list(reader_problems(book(max_kw=22), [CODE]))
    assert fast_codes(book(), [CODE, "STRANGE"]) == (CODE,)


@pytest.mark.parametrize("spec", [*CHARGERS, NEXT_DOOR], ids=lambda spec: spec.code)
def test_the_demos_own_prices_are_lawful(spec: ChargerSpec) -> None:
    fast = any(each.max_power_w >= 50_000 for each in spec.connectors)
    assert not (fast and spec.pricing.start_fee)


def test_the_prices_of_the_large_site_are_lawful() -> None:
    fast = [pricing for _share, _name, _supply, _count, watts, pricing, _hold in KINDS if watts >= 50_000]
    assert fast
    assert not [pricing for pricing in fast if pricing.start_fee]


def test_of_a_price_that_was_not_read_nobody_says_whether_it_breaks_the_rule(tmp_path: Path) -> None:
    store, one = migrated_store(tmp_path / "kiosk.db"), (Connector(1, "Available", power_type="DC"),)
    assert broken_prices(store, book(), [CODE]) == {CODE: None}
    prices = ((Tariff("EUR", 69, 50), True), (Tariff("EUR", 69, 0), False), (None, None))
    for minute, (tariff, told) in enumerate(prices):
        store.save_card(ChargerCard(CODE, None, True, one, tariff, 7500, NOW + timedelta(minutes=minute)))
        assert broken_prices(store, book(), [CODE]) == {CODE: told}
    store.close()
