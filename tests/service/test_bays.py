"""The bays of a site without a page: what is sold where, until when that is true, and where else to send a driver."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.config.sites import ChargerFacts
from kiosk.domain.charger import PRICE_LASTS, STALE_AFTER, BayState
from kiosk.domain.money import Money
from kiosk.domain.tariff import Tariff
from kiosk.service.bays import SiteNow, chargers_now, connectors_of, last_price, nearest_free, read_site

from .conftest import CODE, FAR, HOLD, NEAR, TARIFF, Desk

SECOND = timedelta(seconds=1)
DEAR = Tariff("EUR", 79, 0)


def read(desk: Desk) -> SiteNow:
    return read_site(desk.parts, desk.parts.site.sites[0])


def test_the_bays_stand_in_the_order_of_the_file_and_none_is_free_without_a_card(desk: Desk) -> None:
    desk.card("Available", "Charging")
    assert [(bay.charger.code, bay.connector_id, bay.state) for bay in read(desk).bays] == [
        (CODE, 1, BayState.FREE),
        (CODE, 2, BayState.IN_USE),
        (NEAR, 1, BayState.NOT_KNOWN),
        (FAR, 1, BayState.NOT_KNOWN),
    ]


def test_what_is_sold_has_price_and_hold_and_a_bay_in_use_shows_them_too(desk: Desk) -> None:
    desk.card("Available", "Charging")
    free, used, *_ = read(desk).bays
    assert free.offer is not None
    assert (free.offer.tariff, free.offer.hold) == (TARIFF, Money(HOLD, "EUR"))
    assert (used.offer, used.tariff, used.hold) == (None, TARIFF, Money(HOLD, "EUR"))


def test_a_session_of_ours_keeps_its_bay_before_the_charger_says_so(desk: Desk) -> None:
    desk.card("Available", "Available")
    desk.queued(2)
    assert [bay.state for bay in read(desk).bays][:2] == [BayState.FREE, BayState.STARTING]


def test_nothing_is_sold_by_a_price_older_than_five_minutes(desk: Desk) -> None:
    desk.card("Available", "Available", priced_at=desk.now - PRICE_LASTS)
    assert read(desk).bays[0].offer is not None
    desk.card("Available", "Available", priced_at=desk.now - PRICE_LASTS - SECOND)
    seen = read(desk)
    assert (seen.bays[0].offer, seen.bays[0].tariff, seen.bays[0].hold) == (None, None, None)


def test_it_is_true_until_the_first_state_or_price_is_old(desk: Desk) -> None:
    assert (read(desk).as_of, read(desk).until) == (None, None)
    desk.card("Available", "Available")
    assert (read(desk).as_of, read(desk).until) == (desk.now, desk.now + STALE_AFTER)
    desk.card("Available", code=NEAR, priced_at=desk.now - PRICE_LASTS + SECOND)
    assert read(desk).until == desk.now + SECOND


def test_since_is_said_of_a_bay_in_use_and_not_of_a_free_one(desk: Desk) -> None:
    desk.card("Charging", "Charging")
    desk.clock.advance(5)
    desk.card("Faulted", "Available")
    assert [bay.since for bay in read(desk).bays][:2] == [desk.now, None]


@pytest.mark.parametrize(("asked", "named"), [(1, (3, 4, 0)), (2, (1, 3, 4)), (4, (3, 1, 0))])
def test_the_nearest_free_bays_have_the_same_plug_and_then_the_shortest_way(asked: int, named: tuple[int, ...]) -> None:
    bays = [("ccs", True), ("type2", True), ("type2", False), ("type2", True), ("type2", True)]
    assert nearest_free(bays, asked) == named


def test_a_charger_without_painted_bays_and_without_a_card_still_has_one() -> None:
    assert connectors_of(ChargerFacts.model_validate({"code": "ABC"}), None) == (1,)


def test_the_last_price_is_said_however_old_and_never_one_of_several(desk: Desk) -> None:
    site = desk.parts.site.sites[0]
    assert last_price(desk.parts, site).tariff is None
    desk.card("Available", "Available")
    read_at = desk.now
    desk.clock.advance(7200)
    assert (last_price(desk.parts, site).tariff, last_price(desk.parts, site).at) == (TARIFF, read_at)
    desk.card("Available", code=NEAR, tariff=DEAR)
    assert (last_price(desk.parts, site).tariff, last_price(desk.parts, site).at) == (None, read_at)


def test_states_older_than_a_minute_say_nothing_about_a_charger(desk: Desk) -> None:
    desk.card("Available", "Available")
    desk.queued(2)
    site = desk.parts.site.sites[0]
    first, second, _ = chargers_now(desk.parts, site)
    assert (first.facts.code, first.card is not None, first.claimed) == (CODE, True, frozenset({2}))
    assert second.card is None
    desk.clock.advance(61)
    assert chargers_now(desk.parts, site)[0].card is None
