"""What is sold at a bay: when there is an offer, why there is none, and on which terms and limits it can be taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import STARTABLE, BayState, ChargerCard, Connector, bay_state
from kiosk.domain.money import Money
from kiosk.domain.offer import (
    NoOffer,
    Offer,
    Trouble,
    hold_of,
    limit_choices,
    offer_at,
    trouble_at,
    usable,
)
from kiosk.domain.tariff import Tariff
from kiosk.domain.terms import terms_of

from .made import EURO, T0, after, minors, tariffs

MINUTE = timedelta(seconds=60)
FREE = ChargerCard("AB12", "Charger 2", True, (Connector(1, "Available"), Connector(2, "Preparing")), EURO, 5000, T0)

statuses = st.sampled_from(["Available", "Preparing", "Charging", "Faulted", "Unavailable", "Occupied", None])
cards = st.builds(
    ChargerCard,
    code=st.just("AB12"),
    name=st.just("Charger 2"),
    online=st.sampled_from([True, True, True, False, None]),
    connectors=st.lists(statuses, max_size=4).map(lambda w: tuple(Connector(n, s) for n, s in enumerate(w, start=1))),
    tariff=st.one_of(st.none(), tariffs),
    preauth_minor=st.one_of(st.none(), st.integers(-1, 10_000)),
    seen_at=st.integers(-90, 0).map(after),
    priced_at=st.one_of(st.none(), st.integers(-7200, 0).map(after)),
)
claims = st.sets(st.integers(1, 4))


def offered(card: ChargerCard, connector_id: int = 1, *, claimed: bool = False) -> Offer:
    offer = offer_at(card, connector_id, T0, claimed=claimed, longest=MINUTE)
    assert isinstance(offer, Offer)
    return offer


def test_a_free_bay_is_sold_with_its_price_and_its_hold() -> None:
    assert offered(FREE) == Offer(1, EURO, Money(5000, "EUR"))
    assert offered(FREE, 2) == Offer(2, EURO, Money(5000, "EUR"))


@pytest.mark.parametrize(
    ("card", "connector_id", "claimed", "why"),
    [
        (replace(FREE, seen_at=after(-61)), 1, False, NoOffer.OLD),
        (replace(FREE, tariff=None), 1, False, NoOffer.UNPRICED),
        (replace(FREE, preauth_minor=None), 1, False, NoOffer.UNPRICED),
        (replace(FREE, preauth_minor=0), 1, False, NoOffer.UNPRICED),
        (FREE, 3, False, NoOffer.UNKNOWN_BAY),
        (FREE, 1, True, NoOffer.NOT_FREE),
        (replace(FREE, connectors=(Connector(1, "Charging"),)), 1, False, NoOffer.NOT_FREE),
        (replace(FREE, connectors=(Connector(1, "Faulted"),)), 1, False, NoOffer.NOT_USABLE),
        (replace(FREE, connectors=(Connector(1, None),)), 1, False, NoOffer.NOT_USABLE),
        (replace(FREE, online=False), 1, False, NoOffer.NOT_USABLE),
        (replace(FREE, priced_at=after(-61)), 1, False, NoOffer.PRICE_OLD),
        (replace(FREE, priced_at=after(-61)), 1, True, NoOffer.NOT_FREE),
    ],
)
def test_why_nothing_is_sold(card: ChargerCard, connector_id: int, claimed: bool, why: NoOffer) -> None:
    assert offer_at(card, connector_id, T0, claimed=claimed, longest=MINUTE) is why


def test_a_page_shows_an_offer_whose_price_is_too_old_to_sell_by() -> None:
    old = replace(FREE, priced_at=after(-61))
    assert offer_at(old, 1, T0, claimed=False, longest=None) == Offer(1, EURO, Money(5000, "EUR"))


@given(cards, st.integers(1, 5), st.booleans())
def test_nothing_is_sold_by_old_or_missing_facts_or_at_a_bay_that_is_not_free(
    card: ChargerCard, connector_id: int, claimed: bool
) -> None:
    offer = offer_at(card, connector_id, T0, claimed=claimed, longest=MINUTE)
    young = T0 - card.seen_at <= MINUTE and (card.priced_at is None or T0 - card.priced_at <= MINUTE)
    priced = card.tariff is not None and card.preauth_minor is not None and card.preauth_minor > 0
    words = [one.status for one in card.connectors if one.connector_id == connector_id]
    free = card.online is True and not claimed and words in (["Available"], ["Preparing"])
    assert isinstance(offer, Offer) is (young and priced and free)
    if isinstance(offer, Offer):
        assert (offer.tariff, offer.hold.minor) == (card.tariff, card.preauth_minor)


@given(cards, claims)
def test_a_charger_has_trouble_just_when_none_of_its_bays_is_offered(card: ChargerCard, claimed: set[int]) -> None:
    states = [bay_state(card, one, T0, claimed=one.connector_id in claimed) for one in card.connectors]
    offers = [
        offer_at(card, one.connector_id, T0, claimed=one.connector_id in claimed, longest=None)
        for one in card.connectors
    ]
    assert [isinstance(offer, Offer) for offer in offers] == [usable(card, state) for state in states]
    assert (trouble_at(card, states, T0) is None) is any(isinstance(offer, Offer) for offer in offers)


@pytest.mark.parametrize(
    ("states", "trouble"),
    [
        ([BayState.IN_USE, BayState.OUT_OF_ORDER], Trouble.FAULT),
        ([BayState.IN_USE, BayState.STARTING], Trouble.BUSY),
        ([BayState.STARTING, BayState.NOT_KNOWN], Trouble.BUSY),
        ([BayState.NOT_KNOWN], Trouble.OLD),
        ([], Trouble.OLD),
        ([BayState.OUT_OF_ORDER, BayState.PLUGGED], None),
    ],
)
def test_the_gravest_reason_is_named_for_a_charger_without_a_free_bay(
    states: list[BayState], trouble: Trouble | None
) -> None:
    assert trouble_at(FREE, states, T0) is trouble


def test_what_is_wrong_with_the_charger_itself_is_named_before_its_bays() -> None:
    busy = [BayState.IN_USE]
    assert trouble_at(replace(FREE, online=False, seen_at=after(-90)), busy, T0) is Trouble.OFFLINE
    assert trouble_at(replace(FREE, online=None, seen_at=after(-90)), busy, T0) is Trouble.OLD
    assert trouble_at(replace(FREE, online=None), busy, T0) is Trouble.OFFLINE
    assert trouble_at(replace(FREE, tariff=None), busy, T0) is Trouble.UNPRICED
    nothing = replace(FREE, tariff=Tariff("EUR", 0, 0), preauth_minor=0)
    assert trouble_at(nothing, busy, T0) is Trouble.COSTS_NOTHING
    assert trouble_at(replace(nothing, preauth_minor=None), busy, T0) is Trouble.UNPRICED
    assert trouble_at(replace(nothing, tariff=Tariff("EUR", 49, 0)), busy, T0) is Trouble.UNPRICED


# --- terms


def test_an_offer_is_taken_on_the_terms_that_were_read() -> None:
    offer = offered(FREE)
    assert offer.refusal(offer.terms, None) is None
    assert offer.refusal(None, None) is None
    assert offer.refusal("", None) is NoOffer.TERMS_CHANGED


@given(tariffs, minors, tariffs, minors)
def test_terms_are_the_same_just_when_price_and_hold_are(
    one: Tariff, one_hold: int, two: Tariff, two_hold: int
) -> None:
    first, second = terms_of(one, Money(one_hold, one.currency)), terms_of(two, Money(two_hold, two.currency))
    assert (first == second) is ((one, one_hold) == (two, two_hold))
    assert first


def test_without_a_price_or_a_hold_there_are_no_terms() -> None:
    assert terms_of(None, Money(5000, "EUR")) == terms_of(EURO, None) == ""


@given(cards)
def test_a_hold_needs_an_amount_and_a_currency(card: ChargerCard) -> None:
    assert (hold_of(card) is None) is not card.sellable


@given(tariffs, st.integers(1, 10**6))
def test_the_reach_of_the_hold_never_costs_more_than_it(tariff: Tariff, hold: int) -> None:
    reach = Offer(1, tariff, Money(hold, tariff.currency)).reach_kwh
    if reach is None:
        assert tariff.price_per_kwh_minor == 0
    elif reach > 0:
        assert tariff.start_fee_minor + tariff.energy_cost_exact(reach) <= hold


# --- limits


def test_limits_are_round_and_below_the_hold() -> None:
    assert [m.minor for m in limit_choices(EURO, 3000)] == [1000, 1500, 2000]
    assert [m.minor for m in limit_choices(EURO, 5000)] == [1500, 2500, 3000]
    assert all(0 < m.minor < 4900 for m in limit_choices(EURO, 4900))
    assert limit_choices(EURO, None) == limit_choices(None, 3000) == ()


@given(tariffs, st.integers(1, 10**9), minors, st.none() | st.decimals(1, 400, places=1))
def test_a_limit_lies_above_what_is_due_with_a_sensible_charge_and_below_the_hold(
    tariff: Tariff, hold: int, used: int, most_kw: Decimal | None
) -> None:
    limits = limit_choices(tariff, hold, used_minor=used, most_kw=most_kw)
    assert all(used < money.minor < hold and money.currency == tariff.currency for money in limits)
    assert list(limits) == sorted(set(limits), key=lambda money: money.minor)
    due = tariff.start_fee_minor + tariff.energy_cost_exact(max(Decimal(1), (most_kw or Decimal(0)) / 60))
    assert all(money.minor >= due for money in limits)


def test_a_limit_below_what_was_used_is_not_offered() -> None:
    assert [m.minor for m in limit_choices(EURO, 3000, used_minor=1500)] == [2000]


@pytest.mark.parametrize(
    ("fee", "hold", "most_kw", "offered"),
    [
        (200, 500, None, [250, 300]),
        (230, 500, None, [300]),
        (300, 500, None, []),
        (0, 500, 350, [300]),
        (35, 100, 22, []),
    ],
)
def test_no_limit_is_offered_that_a_start_fee_uses_up_or_no_stop_can_keep(
    fee: int, hold: int, most_kw: int | None, offered: list[int]
) -> None:
    power = None if most_kw is None else Decimal(most_kw)
    assert [m.minor for m in limit_choices(Tariff("EUR", 49, fee), hold, most_kw=power)] == offered


@given(cards, st.integers(-100, 10_000))
def test_an_offer_is_taken_with_its_limits_and_no_others(card: ChargerCard, limit: int) -> None:
    offer = offer_at(card, 1, T0, claimed=False, longest=None)
    if isinstance(offer, Offer):
        fits = limit in [money.minor for money in offer.limits]
        assert offer.refusal(offer.terms, limit) is (None if fits else NoOffer.LIMIT_NOT_OFFERED)
        assert all(offer.refusal(None, money.minor) is None for money in offer.limits)


def test_terms_that_changed_are_named_before_the_limit() -> None:
    assert offered(FREE).refusal("EUR-1-1-1", 1) is NoOffer.TERMS_CHANGED


def test_only_states_that_a_driver_may_start_in_are_usable() -> None:
    assert {state for state in BayState if usable(FREE, state)} == STARTABLE
    assert not any(usable(replace(FREE, tariff=None), state) for state in BayState)
