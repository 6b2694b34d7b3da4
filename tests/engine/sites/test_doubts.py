"""A board by the operator's view when that tells only a part: a price, a word or a name is missing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from kiosk.domain.charger import STALE_AFTER, BayState, bay_state
from kiosk.engine.duty import Pool
from kiosk.engine.lead import LEASE
from kiosk.sandbox.plugchoice.office import SITE_UUID
from tests.engine.site_house import PUBLIC, Answer, Build, SiteHouse, code, listing_says, settings_say

FOUR_MINUTES = 4 * 60


def price_age(house: SiteHouse, number: int = 0) -> float:
    card = house.card(number)
    return (house.clock.now() - (card.priced_at or card.seen_at)).total_seconds()


def settings_answer(status: int) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(status, json={}) if request.url.path.endswith("/settings/public-charging") else None

    return answer


# --- prices


@pytest.mark.parametrize("status", [403, 500])
def test_when_the_settings_cannot_be_read_any_more_the_public_card_renews_the_price(build: Build, status: int) -> None:
    house = build(2)
    house.watch()
    house.run(30)
    house.instead = settings_answer(status)
    with house.count(PUBLIC) as public:
        house.run(1800, step=3)
    assert max(price_age(house, number) for number in range(2)) <= FOUR_MINUTES + 5
    assert max(house.ages()) <= 16
    assert public[0] in {12, 14}


def test_a_card_without_a_price_gets_a_public_one_within_the_minute_and_keeps_it_young(build: Build) -> None:
    house = build(1)
    house.instead = settings_say({"enabled": True, "public_code": code(0), "currency": "EUR", "price_per_kwh": 49})
    house.watch()
    with house.count(PUBLIC) as public:
        house.run(55)
    assert public == [1]
    assert house.card(0).sellable
    with house.count(PUBLIC) as public:
        house.run(1200, step=3)
    assert public[0] in {4, 5}
    assert price_age(house) <= FOUR_MINUTES + 5


def test_old_prices_of_many_chargers_leave_the_drivers_their_third_and_the_states_their_turn(build: Build) -> None:
    house = build(60, bays=1)
    house.watch()
    house.run(90)

    def hide_one(entries: list[dict[str, Any]]) -> None:
        del entries[0]

    listing_says(hide_one, house)
    listing = house.instead
    house.instead = lambda request: settings_answer(500)(request) or listing(request)
    house.run(FOUR_MINUTES)
    oldest = 0.0
    for _ in range(60):
        with house.count(PUBLIC) as public:
            house.run(5)
        assert public[0] <= 20
        oldest = max(oldest, house.ages()[0])
    assert oldest < STALE_AFTER.total_seconds()
    assert max(price_age(house, number) for number in range(60)) <= 2 * FOUR_MINUTES


def test_a_board_that_is_looked_at_again_asks_the_operator_and_not_the_public_for_old_prices(build: Build) -> None:
    house = build(130, bays=1)
    house.watch()
    house.run(150)
    house.leave()
    house.run(3600, step=600)
    house.watch()
    with house.count(PUBLIC) as public:
        house.run(240)
    assert public == [0]
    assert max(price_age(house, number) for number in range(130)) < FOUR_MINUTES


def test_a_charger_that_our_own_count_kept_from_being_asked_is_asked_before_any_other(build: Build) -> None:
    house = build(60, bays=1)
    house.per_minute = 40
    house.engine = house.new_engine()
    house.clock.advance(11)
    asked: list[str] = []

    def listen(request: httpx.Request) -> None:
        if request.url.path.endswith("/settings/public-charging"):
            asked.append(request.url.path)

    house.instead = listen
    house.watch()
    house.run(55)
    assert 25 <= len(asked) < 60
    house.run(70)
    assert len(set(asked)) == 60


# --- words


@pytest.mark.parametrize("word", [None, "", "connected"])
def test_a_charger_of_which_is_not_said_whether_it_is_online_is_shown_by_its_public_card(
    build: Build, word: str | None
) -> None:
    house = build(2)

    def change(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            entry["charger"]["connection_status"] = word

    house.watch()
    house.run(20)
    listing_says(change, house)
    house.run(70)
    for _ in range(40):
        house.run(3)
        card, now = house.card(0), house.clock.now()
        assert {bay_state(card, each, now) for each in card.connectors} == {BayState.FREE}


def test_in_use_since_outlives_a_listing_that_left_the_bay_out(build: Build) -> None:
    house = build(2)

    def busy(entries: list[dict[str, Any]]) -> None:
        entries[1]["status"] = "Charging"

    def missing(entries: list[dict[str, Any]]) -> None:
        del entries[1]

    def since() -> datetime | None:
        return house.card(0).connectors[1].since

    house.watch()
    house.run(20)
    listing_says(busy, house)
    house.run(60)
    began = since()
    house.run(600, step=3)
    listing_says(missing, house)
    house.run(16)
    card = house.card(0)
    assert bay_state(card, card.connectors[1], house.clock.now()) is BayState.NOT_KNOWN
    listing_says(busy, house)
    house.run(16)
    assert house.card(0).connectors[1].status == "Charging"
    assert since() == began
    listing_says(missing, house)
    house.run(120)
    listing_says(busy, house)
    house.run(16)
    assert since() != began


# --- names


def test_when_the_names_cannot_be_read_what_has_a_uuid_stays_fresh(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    house = build(3)
    house.watch()
    house.run(20)
    inner = httpx.WSGITransport(house.apps["operator"])
    rosters = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith(f"/sites/{SITE_UUID}/chargers"):
            rosters.append(request.url.path)
            return httpx.Response(403, json={})
        if request.url.path.endswith("/connectors"):
            body = json.loads(inner.handle_request(request).read())
            body["data"][-1]["charger"]["uuid"] = None
            return httpx.Response(200, json=body)
        return None

    house.instead = answer
    with house.count(PUBLIC) as public:
        house.run(300)
    assert max(house.ages()) <= 16
    assert public == [0]
    assert len(rosters) in {2, 3}
    assert [record.getMessage() for record in caplog.records] == ["the list of a site's chargers cannot be read"]


# --- the end


def test_an_engine_that_stops_waits_for_no_board_and_its_late_reads_write_nothing(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    house = build(2)
    engine = house.new_engine(inline=False)
    house.gates["operator"].open.clear()
    house.watch()
    engine.round()
    try:
        engine.stop()
        assert not house.gates["operator"].open.is_set()
        assert house.asked("operator_site_connectors") == 0
        assert house.store.take_lease(LEASE, "another", house.clock.now(), timedelta(seconds=10))
    finally:
        house.gates["operator"].open.set()
    engine._crew._pools[Pool.SITES].shutdown(wait=True)
    assert house.asked("operator_site_connectors") == 1
    assert house.store.cards(house.codes) == {}
    assert caplog.records == []
