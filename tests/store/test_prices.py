"""The history of prices: a row when a card, or the operator's view, reads otherwise, and none when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.domain.price_history import PriceRead
from kiosk.domain.sighting import Price, Sighting
from kiosk.domain.tariff import Tariff
from kiosk.store import Store
from kiosk.store import prices as module

from .build import TARIFF, later
from .test_chargers import card

DEARER = Tariff("EUR", 59, 35)


def test_a_price_that_stays_is_one_row_and_one_that_changes_another(store: Store) -> None:
    store.save_card(card())
    store.save_card(card(at=60))
    store.save_card(replace(card(at=120), tariff=DEARER))
    store.save_card(replace(card(at=90), tariff=TARIFF))  # older: not kept
    store.save_card(replace(card(at=180), tariff=None, preauth_minor=None))
    assert store.prices_of(["ABC"]) == [
        PriceRead("ABC", TARIFF, 5000, later(0)),
        PriceRead("ABC", DEARER, 5000, later(120), later(60)),
        PriceRead("ABC", None, None, later(180), later(120)),
    ]
    assert store.prices_of(["ABD"]) == []


def test_what_the_operators_view_says_counts_as_well(store: Store) -> None:
    store.save_card(card())
    seen = card(at=60)
    told = Sighting("ABC", True, seen.connectors, Price(DEARER, 5000, later(60)), later(60))
    store.save_sightings([told], later(60))
    assert [one.tariff for one in store.prices_of(["ABC"])] == [TARIFF, DEARER]


def test_of_a_charger_whose_price_changes_all_day_the_newest_are_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_OVER", module._OVER.offset(2))
    for number in range(5):
        store.save_card(replace(card(at=60 * number), tariff=Tariff("EUR", 40 + number)))
        store.save_card(card("ABD", at=60 * number))
    kept = [one.tariff.price_per_kwh_minor for one in store.prices_of(["ABC"]) if one.tariff is not None]
    assert (kept, len(store.prices_of(["ABD"]))) == ([43, 44], 1)
