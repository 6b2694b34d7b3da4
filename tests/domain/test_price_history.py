"""What of a price is written down, and what changed from one to the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import ChargerCard
from kiosk.domain.money import Money
from kiosk.domain.price_history import Part, PriceRead, changes, price_read
from kiosk.domain.tariff import Tariff

NOW = datetime(2026, 12, 1, tzinfo=UTC)
TARIFFS = st.none() | st.builds(Tariff, st.sampled_from(["EUR", "SEK"]), st.integers(40, 42), st.integers(0, 1))


def card(tariff: Tariff | None, hold: int | None = 5000, at: float = 0) -> ChargerCard:
    return ChargerCard("ABC", None, True, (), tariff, hold, NOW + timedelta(seconds=at))


EUR = Tariff("EUR", 49, 35)


def test_a_first_price_is_written_and_none_is_not() -> None:
    assert price_read(None, card(EUR)) == PriceRead("ABC", EUR, 5000, NOW)
    assert price_read(None, card(None)) is None


def test_only_a_price_that_differs_and_was_read_later_is_written() -> None:
    dearer = Tariff("EUR", 59, 35)
    assert price_read(card(EUR), card(EUR, at=60)) is None
    assert price_read(card(EUR, at=60), card(dearer)) is None
    read = price_read(card(EUR), card(dearer, at=60))
    assert read == PriceRead("ABC", dearer, 5000, NOW + timedelta(seconds=60), NOW)
    assert price_read(card(None, 5000), card(None, 6000, at=60)) is None  # a hold without a price says nothing


def test_a_hold_has_the_currency_of_its_price() -> None:
    assert PriceRead("ABC", EUR, 5000, NOW).hold == Money(5000, "EUR")
    assert PriceRead("ABC", EUR, None, NOW).hold is None
    assert PriceRead("ABC", None, None, NOW).hold is None


@pytest.mark.parametrize(
    ("tariff", "hold", "parts"),
    [
        (Tariff("EUR", 59, 35), 5000, (Part.KWH,)),
        (Tariff("EUR", 49, 0), 6000, (Part.START_FEE, Part.HOLD)),
        (Tariff("SEK", 49, 35), 5000, (Part.CURRENCY,)),
        (None, None, (Part.GONE,)),
    ],
)
def test_each_change_says_which_parts_differ(tariff: Tariff | None, hold: int | None, parts: tuple[Part, ...]) -> None:
    first = PriceRead("ABC", EUR, 5000, NOW)
    later = PriceRead("ABC", tariff, hold, NOW + timedelta(1), NOW)
    newest, oldest = changes([later, first])
    assert (newest.parts, newest.before, oldest.parts, oldest.before) == (parts, first, (Part.FIRST,), None)


def test_a_price_that_comes_back_says_so() -> None:
    gone = PriceRead("ABC", None, None, NOW)
    again = replace(gone, since=NOW + timedelta(2))
    assert [one.parts for one in changes([gone, again, PriceRead("ABC", EUR, 1, NOW + timedelta(3))])] == [
        (Part.BACK,),
        (),
        (Part.FIRST,),
    ]


@given(st.lists(st.tuples(TARIFFS, st.none() | st.integers(1, 2)), max_size=8))
def test_what_is_written_of_any_row_of_cards_always_differs_from_the_one_before(
    told: list[tuple[Tariff | None, int | None]],
) -> None:
    cards = [card(tariff, hold, number) for number, (tariff, hold) in enumerate(told)]
    pairs = zip([None, *cards], cards, strict=False)
    reads = [read for before, after in pairs if (read := price_read(before, after)) is not None]
    assert all(one.parts for one in changes(reads))
