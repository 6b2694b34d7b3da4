"""The price rule for points of 50 kW and more (EU-05)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.fast import BINDING_FROM, breaks_price_rule, is_fast
from kiosk.domain.tariff import Tariff

FEE, NO_FEE = Tariff("EUR", 69, 50), Tariff("EUR", 69)


@pytest.mark.parametrize(("kw", "fast"), [("49.9", False), ("50", True), ("350", True), (None, None)])
def test_fast_is_from_fifty_kilowatts_on(kw: str | None, fast: bool | None) -> None:
    assert is_fast(Decimal(kw) if kw is not None else None) is fast


@pytest.mark.parametrize(
    ("kw", "installed_on", "breaks"),
    [
        (Decimal(50), None, True),
        (Decimal(150), BINDING_FROM, True),
        (Decimal(150), BINDING_FROM - timedelta(days=1), False),
        (Decimal("49.9"), None, False),
        (None, None, None),
        (None, date(2020, 1, 1), False),
    ],
)
def test_a_start_fee_is_against_the_rule_at_a_fast_point_that_is_not_old(
    kw: Decimal | None, installed_on: date | None, breaks: bool | None
) -> None:
    assert breaks_price_rule(FEE, kw, installed_on) is breaks


@given(st.none() | st.decimals(0, 1000, places=1), st.none() | st.dates())
def test_a_price_per_kwh_alone_is_always_lawful(kw: Decimal | None, installed_on: date | None) -> None:
    assert breaks_price_rule(NO_FEE, kw, installed_on) is False
