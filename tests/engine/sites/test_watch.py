"""The board of a site by the operator's view: who is asked, how often, and what comes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from kiosk.domain.charger import STALE_AFTER, BayState, bay_state
from kiosk.engine.sites.plan import SitePlan
from kiosk.news.news import site_topic
from kiosk.sandbox.plugchoice.office import SITE_UUID, charger_uuid
from kiosk.sandbox.plugchoice.pages import OperatorSwitches
from kiosk.sandbox.world.chargers import ChargerSpec, ConnectorSpec, Pricing
from kiosk.sandbox.world.faults import Kind, Rule
from kiosk.store import Store
from tests.engine.site_house import (
    DRAWN,
    PRICE,
    PUBLIC,
    SITE,
    STATES,
    Answer,
    Build,
    SiteHouse,
    code,
    listing_says,
    settings_say,
)


def test_a_board_that_nobody_watches_costs_nothing(build: Build) -> None:
    house = build()
    house.run(120)
    assert house.all_asked() == 0


def test_a_watched_site_is_read_every_15_seconds_and_its_cards_come_into_being(build: Build) -> None:
    house = build()
    house.watch()
    house.run(2)
    card = house.card(1)
    assert (card.code, card.name, card.online, card.sellable) == (code(1), None, True, True)
    assert [(each.connector_id, each.status) for each in card.connectors] == [(1, "Available"), (2, "Available")]
    with house.count(STATES) as states:
        house.run(60)
    assert states == [4]
    assert house.asked(PUBLIC) == 0
    assert max(house.ages()) <= 16


def test_a_change_is_on_the_board_within_15_seconds_and_is_told_once(build: Build) -> None:
    house = build()
    house.watch()
    house.run(5)
    before, other = house.news_of(0), house.news_of(1)
    house.world.plug_in(code(0), 2, "family", 200)
    house.run(17)
    connector = house.card(0).connector(2)
    assert connector is not None
    assert connector.status == "Preparing"
    assert connector.since is not None
    assert house.news_of(0) != before
    assert house.news_of(1) == other
    again = house.news_of(0)
    house.run(30)
    assert house.news_of(0) == again


def test_who_stops_looking_stops_the_asking(build: Build) -> None:
    house = build()
    house.watch()
    house.run(20)
    house.leave()
    with house.count(STATES) as states, house.count(PRICE) as prices:
        house.run(120)
    assert (states, prices) == ([0], [0])


def test_twenty_tablets_cost_the_same_as_two(build: Build) -> None:
    cost = []
    for tablets in (2, 20):
        house = build(30)
        for _ in range(tablets):
            house.watch()
            house.news.glance(site_topic(SITE))
        house.run(180)
        cost.append(house.all_asked())
    assert cost[0] == cost[1] > 0


@pytest.mark.parametrize("chargers", [0, 1, 26])
def test_a_site_of_any_size_is_kept_fresh_by_reads_that_do_not_grow_with_it(build: Build, chargers: int) -> None:
    house = build(chargers, bays=1)
    house.watch()
    house.run(10)
    with house.count(STATES) as pages:
        house.run(60)
    assert pages == [4 * max(1, -(-chargers // 25))]
    assert not [age for age in house.ages() if age > 16]


def test_two_hundred_chargers_are_known_in_minutes_and_never_old_afterwards(build: Build) -> None:
    house = build(200, bays=2)
    house.watch()
    house.run(150)
    assert len(house.store.cards(house.codes)) == 200
    busiest = 0
    for _ in range(3):
        with house.count(STATES) as pages, house.count(PRICE) as prices:
            house.run(60)
        assert max(house.ages()) < STALE_AFTER.total_seconds() / 2
        assert pages[0] <= 125
        assert 90 <= prices[0] <= 101
        busiest = max(busiest, pages[0] + prices[0])
    assert busiest < 250
    assert house.world.traffic.total(route=STATES, status=429) == 0


def test_a_site_of_very_many_pages_is_read_less_often_and_still_within_the_minute(build: Build) -> None:
    house = build(225, bays=4)
    house.watch()
    house.run(15)
    with house.count(STATES) as pages:
        house.run(70)
    assert pages == [4 * 36]
    assert min(house.ages()) <= 19


def test_a_price_is_read_at_most_once_a_minute_and_reaches_the_card(build: Build) -> None:
    house = build(4)
    house.watch()
    house.run(5)
    with house.count(PRICE) as prices:
        house.run(120)
    assert prices[0] in {8, 12}
    card = house.card(0)
    assert card.priced_at is not None
    assert card.seen_at - card.priced_at < timedelta(seconds=62)
    assert card.whole_at == min(card.seen_at, card.priced_at)


def test_the_public_card_keeps_its_name_when_the_operators_view_brings_new_states(build: Build) -> None:
    house = build(1)
    house.store.want_card(code(0), house.clock.now())
    house.engine.round()
    seen = house.card(0)
    assert seen.name == "Charger 0"
    assert seen.priced_at is None
    house.clock.advance(10)
    house.watch()
    house.run(5)
    card = house.card(0)
    assert (card.name, card.tariff, card.preauth_minor) == (seen.name, seen.tariff, seen.preauth_minor)
    assert card.seen_at > seen.seen_at
    assert [each.standard for each in card.connectors] == [each.standard for each in seen.connectors]


def test_capabilities_that_are_null_take_nothing_away(build: Build) -> None:
    house = build(1, switches=OperatorSwitches(capabilities_known=False))
    house.store.want_card(code(0), house.clock.now())
    house.engine.round()
    known = [(each.standard, each.format, each.power_type) for each in house.card(0).connectors]
    assert known[0][2] == "AC_3_PHASE"
    house.clock.advance(10)
    house.watch()
    house.run(30)
    assert house.card(0).priced_at is not None
    assert [(each.standard, each.format, each.power_type) for each in house.card(0).connectors] == known


def test_a_charger_on_no_map_is_asked_for_seldom_and_breaks_nothing(build: Build) -> None:
    plug = (ConnectorSpec(1, "AC_3_PHASE", 22_000),)
    strangers = [
        ChargerSpec("ZZZZ9", "Of another kiosk", plug, Pricing("EUR", 49)),
        ChargerSpec("YYYY9", "Not public", plug, Pricing("EUR", 49), public=False),
    ]
    house = build(2, extra=strangers)
    house.watch()
    house.run(300)
    assert max(house.ages()) <= 16
    assert house.store.cards(["ZZZZ9", "YYYY9"]) == {}
    asked = house.asked(PRICE)
    assert asked <= 2 + 2 * 6
    house.run(600)
    assert house.asked(PRICE) - asked >= 2 * 10


def test_a_new_charger_is_picked_up_while_the_site_is_watched(build: Build) -> None:
    house = build(1, plans=[SitePlan(SITE, (code(0), "NEW22"), SITE_UUID)])
    house.watch()
    house.run(30)
    plug = (ConnectorSpec(1, "AC_3_PHASE", 22_000),)
    house.world.add_charger(ChargerSpec("NEW22", "New", plug, Pricing("EUR", 49)))
    house.run(20)
    assert house.store.card("NEW22") is not None


def test_a_charger_that_is_closed_to_the_public_is_not_sold(build: Build) -> None:
    house = build(1)
    house.watch()
    house.run(5)
    assert house.card(0).sellable
    house.instead = settings_say({"enabled": False, "public_code": code(0), "price_per_kwh": None})
    house.run(80)
    assert not house.card(0).sellable
    assert house.ages()[0] <= 16


def test_two_sites_share_one_budget_and_only_the_watched_one_is_read(build: Build) -> None:
    plans = [
        SitePlan("a", (code(0),), SITE_UUID),
        SitePlan("b", (code(1),), SITE_UUID),
        SitePlan("c", (code(2),), SITE_UUID),
    ]
    house = build(3, plans=plans)
    house.watch("a")
    house.run(40)
    assert house.store.card(code(0)) is not None
    assert house.store.card(code(1)) is None
    house.watch("b")
    house.run(20)
    assert house.store.card(code(1)) is not None
    assert house.store.card(code(2)) is None


# --- bad days


def test_an_operator_that_is_down_is_asked_less_and_the_public_cards_step_in(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    house = build(3)
    house.watch()
    house.run(20)
    house.faults["operator"].add(Rule(Kind.UNREACHABLE, times=None))
    house.run(600)
    assert house.asked(PUBLIC) > 0
    assert max(house.ages()) < STALE_AFTER.total_seconds()
    lines = [record.getMessage() for record in caplog.records if "operator view" in record.getMessage()]
    assert lines == [
        "Plugchoice's operator view (site garage) does not answer",
        "Plugchoice's operator view (prices) does not answer",
    ]
    house.faults["operator"].clear()
    house.run(310)
    lines = [record.getMessage() for record in caplog.records if "answers again" in record.getMessage()]
    assert sorted(lines) == [
        "Plugchoice's operator view (prices) answers again",
        "Plugchoice's operator view (site garage) answers again",
    ]
    with house.count(PUBLIC) as public:
        house.run(120)
    assert public == [0]


def test_a_refused_token_is_tried_less_and_less(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    house = build(2)
    house.token = "withdrawn"
    house.engine = house.new_engine()
    house.clock.advance(11)
    house.watch()
    house.run(3600, step=5)
    assert 10 <= house.asked(STATES) <= 20
    assert [r.__dict__["reason"] for r in caplog.records if "operator view" in r.getMessage()] == [
        "refused: invalid (status 401); is KIOSK_PLUGCHOICE_TOKEN right?"
    ]
    assert max(house.ages()) < STALE_AFTER.total_seconds()


def test_what_the_operators_view_says_of_waiting_is_obeyed(build: Build) -> None:
    house = build(2)
    house.watch()
    house.run(5)
    house.faults["operator"].add(Rule(Kind.TOO_MANY, times=1, retry_after=50))
    house.run(12)
    with house.count(STATES) as states:
        house.run(40)
    assert states == [0]
    house.run(25)
    assert max(house.ages()) <= 16


def refused(number: int, status: int) -> Answer:
    """The settings of one charger answer with that status."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        return (
            httpx.Response(status, json={}) if f"/chargers/{charger_uuid(code(number))}/" in str(request.url) else None
        )

    return answer


def test_prices_of_one_charger_that_never_answer_keep_no_other_waiting(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    house = build(12)
    house.instead = refused(3, 500)
    house.watch()
    house.run(300)
    now = house.clock.now()
    ages = [now - (house.card(number).priced_at or now) for number in range(12) if number != 3]
    assert max(ages) < timedelta(seconds=90)
    assert house.ages()[3] < STALE_AFTER.total_seconds()
    assert not [record for record in caplog.records if "prices" in record.getMessage()]


@pytest.mark.parametrize("status", [403, 404])
def test_a_charger_whose_settings_may_not_be_read_is_shown_by_its_public_card(build: Build, status: int) -> None:
    house = build(2)
    house.instead = refused(1, status)
    house.watch()
    house.run(120)
    assert house.card(0).name is None
    assert house.card(1).name == "Charger 1"
    assert max(house.ages()) < STALE_AFTER.total_seconds()
    with house.count(PUBLIC) as public:
        house.run(90)
    assert public == [2]


def test_a_site_that_the_token_may_not_see_is_shown_by_public_cards(build: Build) -> None:
    house = build(2, switches=OperatorSwitches(permitted=False))
    house.watch()
    house.run(120)
    assert max(house.ages()) < STALE_AFTER.total_seconds()


def test_a_price_that_the_settings_do_not_tell_is_left_as_the_public_card_has_it(build: Build) -> None:
    house = build(1)
    house.store.want_card(code(0), house.clock.now())
    house.engine.round()
    known = house.card(0)
    house.clock.advance(5)
    house.instead = settings_say({"enabled": True, "public_code": code(0).lower(), "currency": None})
    house.watch()
    house.run(30)
    card = house.card(0)
    assert (card.tariff, card.preauth_minor, card.priced_at) == (known.tariff, known.preauth_minor, known.seen_at)
    assert card.seen_at > known.seen_at


def test_a_card_made_without_a_price_is_never_taken_for_a_fresh_one(build: Build) -> None:
    house = build(1)
    house.instead = settings_say({"enabled": True, "public_code": code(0)})
    house.watch()
    house.run(20)
    card = house.card(0)
    assert not card.sellable
    assert not card.stale(house.clock.now())
    assert not card.fresh(house.clock.now(), timedelta(days=1000))


def test_a_connector_that_is_not_listed_is_not_known_and_not_gone(build: Build) -> None:
    house = build(2)
    house.watch()
    house.run(20)

    def without_one(entries: list[dict[str, Any]]) -> None:
        del entries[1]

    listing_says(without_one, house)
    house.run(40)
    assert [each.status for each in house.card(0).connectors] == ["Available", None]
    assert house.ages()[0] <= 16


def test_what_an_incomplete_list_leaves_out_grows_old_and_is_neither_free_nor_gone(build: Build) -> None:
    house = build(30)
    house.watch()
    house.run(30)
    path = f"/sites/{SITE_UUID}/connectors"

    def nothing(_entries: list[dict[str, Any]]) -> None:
        """The first page again and again: the rest cannot be reached."""

    listing_says(nothing, house, links={"next": f"http://up/api/v3{path}?page=1"})
    house.run(40)
    last = house.codes[-1]
    card = house.store.cards([last])[last]
    assert house.ages()[0] <= 16
    assert house.ages()[-1] > 30
    assert [each.status for each in card.connectors] == ["Available", "Available"]
    house.run(15)
    assert house.ages()[-1] < STALE_AFTER.total_seconds()


def test_entries_without_a_uuid_are_found_by_their_other_names(build: Build) -> None:
    house = build(3)

    def nameless(entries: list[dict[str, Any]]) -> None:
        for place, entry in enumerate(entries):
            entry["charger"]["uuid"] = None
            if place < 2:
                entry["charger"]["id"] = None

    listing_says(nameless, house)
    house.watch()
    house.run(100)
    assert max(house.ages()) <= 16
    assert house.asked("operator_site_chargers") == 1
    house.run(60)
    assert house.asked("operator_site_chargers") == 2


def test_an_entry_that_nobody_can_place_is_left_out(build: Build) -> None:
    house = build(2)

    def strange(entries: list[dict[str, Any]]) -> None:
        entries[0]["charger"] |= {"uuid": None, "id": 7, "identity": "nobody"}

    listing_says(strange, house)
    house.watch()
    house.run(30)
    assert [each.connector_id for each in house.card(0).connectors] == [2]
    assert [each.connector_id for each in house.card(1).connectors] == [1, 2]


def test_our_own_count_of_requests_is_a_pause_and_no_failure(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    house = build(2)
    house.per_minute = 4
    house.engine = house.new_engine()
    house.clock.advance(11)
    house.watch()
    house.run(300)
    assert house.world.traffic.total(status=429) == 0
    assert not [record for record in caplog.records if "operator view" in record.getMessage()]
    assert len(house.store.cards(house.codes)) == 2


def test_restarted_with_an_earlier_clock_no_card_is_left_behind(build: Build) -> None:
    house = build(3)
    house.watch()
    house.run(30)
    house.clock.advance(-7200)
    house.restart()
    house.run(30)
    assert all(0 <= age <= 16 for age in house.ages())
    assert all((house.card(n).priced_at or house.clock.now()) <= house.clock.now() for n in range(3))


def test_a_restart_goes_on_without_asking_more(build: Build) -> None:
    house = build(3)
    house.watch()
    house.run(60)
    house.restart()
    with house.count(STATES) as states, house.count(PRICE) as prices:
        house.run(60)
    assert states[0] <= 5
    assert prices[0] <= 6
    assert max(house.ages()) <= 16


def test_a_slow_operator_keeps_no_driver_waiting(build: Build) -> None:
    house = build(2)
    engine = house.new_engine(inline=False)
    house.gates["operator"].open.clear()
    house.watch()
    try:
        engine.round()
        house.store.want_card(code(0), house.clock.now())
        engine.round()
        for _ in range(500):
            if house.store.card(code(0)) is not None:
                break
            engine.round()
            house.gates["public"].open.wait(0.01)
        assert house.store.card(code(0)) is not None
        assert house.asked(STATES) == 0
    finally:
        house.gates["operator"].open.set()
        engine.stop()


@pytest.mark.parametrize(
    ("status", "blocked", "longest"), [("Faulted", False, 17), ("Unavailable", False, 17), ("Available", True, 137)]
)
def test_a_charger_that_is_out_of_order_or_blocked_has_no_free_bay_and_has_them_again_afterwards(
    build: Build, status: str, blocked: bool, longest: float
) -> None:
    house = build()
    house.watch()
    house.run(5)

    def states() -> list[set[BayState]]:
        now = house.kiosk_clock.now()
        return [{bay_state(card, one, now) for one in card.connectors} for card in (house.card(0), house.card(1))]

    free, out = {BayState.FREE}, {BayState.OUT_OF_ORDER}
    assert states() == [free, free]
    house.world.set_charger_status(code(0), status, blocked=blocked)
    house.run(longest)
    assert states() == [out, free]
    house.store.want_card(code(0), house.kiosk_clock.now())
    house.run(2)  # its public card knows nothing of it
    assert states() == [out, free]
    house.world.set_charger_status(code(0))
    house.run(longest)
    assert states() == [free, free]


# --- what flows at a bay


def charges(house: SiteHouse, *bays: tuple[int, int]) -> None:
    """Somebody charges there with a card of the operator's."""
    for number, bay in bays:
        house.world.plug_in(code(number), bay, "family", 200)
    house.run(5)
    for number, bay in bays:
        house.world.start_with_card(code(number), bay, f"CARD{number}-{bay}")


def busy(build: Build, **more: Any) -> SiteHouse:
    """A watched site where somebody charges at the second bay of the first charger."""
    house = build(**more)
    charges(house, (0, 2))
    house.watch()
    return house


def usage_answered(status: int, house: SiteHouse) -> list[str]:
    """From now on that is the answer to what flows at a bay; who was asked."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/power-usage"):
            return None
        asked.append(request.url.path)
        return httpx.Response(status, json={"message": "No."})

    house.instead = answer
    return asked


def test_what_cars_of_others_draw_is_asked_once_a_minute_and_kept_on_the_card(build: Build) -> None:
    house = busy(build, pilot=True)
    house.run(70)
    with house.count(DRAWN) as asked:
        house.run(240)
    connector = house.card(0).connector(2)
    assert asked == [4]
    assert connector is not None
    assert connector.drawn is not None
    assert (connector.drawn.kw > 3, connector.drawn.amperes is not None) == (True, True)
    assert connector.drawn_by(house.clock.now()) is connector.drawn
    free = house.card(0).connector(1)
    assert free is not None
    assert free.drawn is None


def test_a_bay_that_a_session_of_this_kiosk_keeps_is_not_asked_what_flows(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "occupied_at", lambda _store, _codes: {code(0): {2: "the key of its session"}})
    house = busy(build, pilot=True)
    house.run(150)
    assert house.asked(DRAWN) == 0


def test_where_no_fuse_is_known_nobody_is_asked_what_flows(build: Build) -> None:
    house = busy(build, plans=[SitePlan(SITE, (code(0),), SITE_UUID)])
    house.run(120)
    assert house.asked(DRAWN) == 0


def test_a_bay_that_tells_nothing_that_counts_is_left_alone_for_ten_minutes(build: Build) -> None:
    house = busy(build, pilot=True)
    asked = usage_answered(404, house)
    house.run(590)
    assert len(asked) == 1
    connector = house.card(0).connector(2)
    assert connector is not None
    assert connector.drawn is None


def test_while_the_question_fails_it_is_asked_more_rarely_and_the_board_goes_on(build: Build) -> None:
    house = busy(build, pilot=True)
    asked = usage_answered(500, house)
    with house.count(STATES) as states:
        house.run(600)
    assert 3 <= len(asked) <= 12
    assert states[0] in {40, 41}
    assert max(house.ages()) <= 16


def test_many_cars_share_a_tenth_of_the_requests(build: Build) -> None:
    house = build(40, pilot=True)
    charges(house, *((number, bay) for number in range(40) for bay in (1, 2)))
    house.watch()
    house.run(120)
    with house.count(DRAWN) as asked:
        house.run(60)
    assert 45 <= asked[0] <= 50
