"""A price with a part that the kiosk does not know is no price: nothing is sold that could not be shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import ChargerCard
from kiosk.domain.tariff import Tariff
from kiosk.store.codec import card_from, card_to
from kiosk.upstream.plugchoice.operator_reading import read_public_charging
from kiosk.upstream.plugchoice.price_parts import PRICING, unknown_prices
from kiosk.upstream.plugchoice.public_reading import read_card, read_observation
from tests.upstream.plugchoice.test_public_reading import ASKED, SEEN, card
from tests.upstream.support import charger_body, session_body

PRICE = {"currency": "EUR", "price_per_kwh": 45, "start_fee": 100}
UNKNOWN: list[dict[str, Any]] = [
    {"price_per_minute": 10},
    {"price_per_minute": "10"},
    {"idle_fee": 25},
    {"idle_fee": {"after_minutes": 240, "price_per_minute": 10}},
    {"fees": [{"name": "grid", "amount": 12}]},
    {"tax": "19 % on top"},
    {"tax_included": False},
    {"service_charge": Decimal("0.5")},
    {"vat": True},
    {"zuschlag": 7},
    {"time_of_day": [{"from": "18:00", "price_per_kwh": 79}]},
]
HARMLESS: list[dict[str, Any]] = [
    {"price_per_minute": None},
    {"price_per_minute": 0},
    {"idle_fee": "0"},
    {"idle_fee": "0.00"},
    {"fees": []},
    {"tax_included": True},
    {"currency_symbol": "€"},
    {"id": 17, "updated_at": "2026-01-10T01:14:32.000000Z", "decimals": 2},
    {"label": "Day price"},
    {"tax": ""},
]


def sold(one: ChargerCard) -> bool:
    return one.tariff is not None and one.sellable


@pytest.mark.parametrize("more", UNKNOWN, ids=str)
def test_a_charger_with_a_price_part_that_nobody_knows_is_not_sold_and_says_which(more: dict[str, Any]) -> None:
    read = card(pricing=PRICE | more)
    assert not sold(read)
    assert read.unshown == tuple(more)
    assert card_from(card_to(read)) == read


@pytest.mark.parametrize("more", HARMLESS, ids=str)
def test_a_part_that_is_nothing_or_no_price_keeps_nobody_from_charging(more: dict[str, Any]) -> None:
    read = card(pricing=PRICE | more)
    assert sold(read)
    assert read.tariff == Tariff("EUR", 45, 100)
    assert read.unshown == ()


@pytest.mark.parametrize("more", [{"idle_fee": 5}, {"price_per_minute": 3}, {"vat_rate": 19}])
def test_a_price_part_beside_the_price_counts_too(more: dict[str, Any]) -> None:
    assert card(**more).unshown == tuple(more)
    body = charger_body()
    body["data"]["connectors"][0] |= more
    assert read_card(body, "ab12cd", SEEN).unshown == tuple(more)


def test_what_else_stands_beside_the_price_does_not() -> None:
    read = card(support_phone="0800 1234", floors=3, latitude=51.3, description="Fee of the garage: see there")
    assert sold(read)
    assert read.unshown == ()


@pytest.mark.parametrize("more", UNKNOWN, ids=str)
def test_a_session_with_such_a_part_has_no_price_of_ours(more: dict[str, Any]) -> None:
    assert read_observation(session_body(pricing=PRICE | more), ASKED, SEEN).tariff is None


@pytest.mark.parametrize(
    ("more", "known"), [({"idle_fee": 25}, False), ({"idle_fee": 0}, True), ({"team_size": 3}, True)]
)
def test_the_operators_settings_are_read_by_the_same_rule(more: dict[str, Any], known: bool) -> None:
    body = {"enabled": True, "public_code": "AB12CD", "preauth_amount": 5000, "limits": {"max_start_fee": 2000}}
    billing = {"billing": {"plan": "transaction", "fee_percent": 3, "ac_price": 5}}
    assert (read_public_charging(body | PRICE | billing | more).tariff is not None) == known


@given(
    st.dictionaries(
        st.text(max_size=12), st.one_of(st.none(), st.booleans(), st.floats(), st.text(), st.lists(st.integers()))
    )
)
def test_whatever_stands_there_it_is_read_without_an_error(more: dict[str, Any]) -> None:
    found = unknown_prices(PRICE | {f"x{name}": value for name, value in more.items()}, PRICING)
    assert set(found) <= {f"x{name}" for name in more}
    numbers = {f"x{name}" for name, value in more.items() if value in ([1], [0, 2])}
    assert numbers <= set(found)
