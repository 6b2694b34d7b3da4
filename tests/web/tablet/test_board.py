"""The board of a site as a view: every bay in its place, and nothing called free that may not be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.config.sites import Site
from kiosk.domain.charger import PRICE_LASTS, BayState, ChargerCard, Connector
from kiosk.domain.money import Money
from kiosk.domain.tariff import Tariff
from kiosk.news.news import charger_topic
from kiosk.service.bays import site_now
from kiosk.web.shared.parts import parts
from kiosk.web.tablet.board import MOST_TARIFFS, Board, Stall, board_of, near
from kiosk.web.tablet.boards_kept import boards, drawn_board
from tests.web.conftest import CODE, HOLD, NEAR, TARIFF, Kiosk

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def request_of_a_page(kiosk: Kiosk) -> Iterator[None]:
    """Words need a reader."""
    with kiosk.app.test_request_context("/tablet/"):
        yield


def site_of(count: int, per_charger: int = 2) -> Site:
    """A site with that many bays, painted 1 and up."""
    chargers: list[dict[str, Any]] = []
    for first in range(1, count + 1, per_charger):
        numbers = range(first, min(first + per_charger, count + 1))
        bays = {index: {"label": str(label), "connector": "type2"} for index, label in enumerate(numbers, start=1)}
        chargers.append({"code": f"T{first:04}", "max_kw": 22, "bays": bays})
    return Site.model_validate({"id": "big", "name": "Big", "timezone": "Europe/Berlin", "chargers": chargers})


def card_of(kiosk: Kiosk, code: str, *statuses: str | None, **changes: Any) -> ChargerCard:
    connectors = tuple(Connector(index, status) for index, status in enumerate(statuses, start=1))
    return replace(ChargerCard(code, None, True, connectors, TARIFF, HOLD, kiosk.now), **changes)


def board(kiosk: Kiosk, site: Site, *cards: ChargerCard, **more: Any) -> Board:
    given: dict[str, Any] = {"occupied": {}, "running": {}, "powers": {}} | more
    return board_of(site_now(site, kiosk.now, cards={card.code: card for card in cards}, **given))


def only(seen: Board) -> Stall:
    (stall,) = seen.stalls
    return stall


@pytest.mark.parametrize(
    ("count", "rows"),
    [
        (0, []),
        (1, [[1]]),
        (3, [[3]]),
        (4, [[2, 2]]),
        (15, [[8, 7]]),
        (16, [[8, 8]]),
        (17, [[4, 4], [5, 4]]),
        (26, [[7, 6], [7, 6]]),
        (200, None),
    ],
)
def test_bays_stand_in_two_rows_at_a_lane_and_more_than_sixteen_get_more_lanes(
    kiosk: Kiosk, count: int, rows: list[list[int]] | None
) -> None:
    seen = board(kiosk, site_of(count))
    shape = [[len(row) for row in lot.rows] for lot in seen.lots]
    assert [one.label for one in seen.stalls] == [str(number) for number in range(1, count + 1)]
    assert all(lot.columns <= 8 for lot in seen.lots)
    if rows is not None:
        assert shape == rows


def test_a_bay_without_any_card_is_not_known(kiosk: Kiosk) -> None:
    stall = only(board(kiosk, site_of(1)))
    assert (stall.state, stall.word, stall.kind, stall.usable) == (BayState.NOT_KNOWN, "Not known", "off", False)


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        ("Available", "free", "Free"),
        ("Preparing", "free", "Free"),
        ("Charging", "use", "In use"),
        ("Finishing", "use", "In use"),
        ("Faulted", "fault", "Out of order"),
        ("Unavailable", "fault", "Out of order"),
        ("Sleeping", "off", "Not known"),
        (None, "off", "Not known"),
    ],
)
def test_each_state_has_its_own_look_and_a_fault_is_never_in_use(
    kiosk: Kiosk, status: str | None, kind: str, word: str
) -> None:
    site = site_of(1)
    stall = only(board(kiosk, site, card_of(kiosk, "T0001", status)))
    assert (stall.kind, stall.word) == (kind, word)
    assert stall.taken is (kind == "use")


def test_a_card_older_than_a_minute_is_not_known_and_does_not_count_for_the_age(kiosk: Kiosk) -> None:
    site = site_of(3)
    old = card_of(kiosk, "T0001", "Available", "Available", seen_at=kiosk.now - timedelta(seconds=61))
    young = card_of(kiosk, "T0003", "Available", seen_at=kiosk.now - timedelta(seconds=20))
    seen = board(kiosk, site, old, young)
    assert [one.kind for one in seen.stalls] == ["off", "off", "free"]
    assert seen.as_of == young.seen_at
    assert seen.until == young.seen_at + timedelta(seconds=60)


def test_a_charger_that_is_offline_says_so(kiosk: Kiosk) -> None:
    stall = only(board(kiosk, site_of(1), card_of(kiosk, "T0001", "Available", online=False)))
    assert (stall.word, stall.kind) == ("No connection", "off")


def test_a_charger_without_connectors_in_its_card_keeps_its_painted_bays(kiosk: Kiosk) -> None:
    seen = board(kiosk, site_of(2), card_of(kiosk, "T0001"))
    assert [(one.label, one.word) for one in seen.stalls] == [("1", "Not known"), ("2", "Not known")]


def test_a_connector_that_is_not_in_the_file_is_named_after_the_sticker(kiosk: Kiosk) -> None:
    seen = board(kiosk, site_of(1), card_of(kiosk, "T0001", "Available", "Available"))
    assert [one.label for one in seen.stalls] == ["1", "T0001/2"]


def test_a_charger_without_bays_and_without_a_card_still_stands_on_the_board(kiosk: Kiosk) -> None:
    site = Site.model_validate({"id": "x", "name": "X", "timezone": "UTC", "chargers": [{"code": "ABC"}]})
    assert only(board(kiosk, site)).label == "ABC"


def test_a_bay_that_a_session_of_ours_keeps_is_starting(kiosk: Kiosk) -> None:
    stall = only(board(kiosk, site_of(1), card_of(kiosk, "T0001", "Available"), occupied={"T0001": {1: "key"}}))
    assert (stall.state, stall.kind) == (BayState.STARTING, "use")


def test_a_bay_without_a_price_is_not_offered(kiosk: Kiosk) -> None:
    stall = only(board(kiosk, site_of(1), card_of(kiosk, "T0001", "Available", tariff=None)))
    assert not stall.usable
    assert stall.kind == "off"


def prices(seen: Board) -> list[tuple[int, str, str]]:
    return [(one.tariff.price_per_kwh_minor, one.plug, one.bays) for one in seen.tariffs]


def test_one_price_of_all_bays_stands_in_one_place(kiosk: Kiosk) -> None:
    cards = card_of(kiosk, "T0001", "Available", "Charging"), card_of(kiosk, "T0003", "Faulted", "Available")
    seen = board(kiosk, site_of(4), *cards)
    assert prices(seen) == [(49, "Type 2", "")]
    assert not seen.own_prices


def test_each_price_stands_once_with_its_bays(kiosk: Kiosk) -> None:
    cheap = [card_of(kiosk, f"T{first:04}", "Available", "Charging") for first in (1, 3, 7)]
    dear = card_of(kiosk, "T0005", "Available", "Available", tariff=Tariff("EUR", 79, 0))
    seen = board(kiosk, site_of(9), *cheap, dear)
    assert prices(seen) == [(49, "Type 2", "bays 1 to 4, 7, 8"), (79, "Type 2", "bays 5, 6")]
    assert not seen.own_prices


def test_a_price_names_the_plug_only_when_all_its_bays_have_it(kiosk: Kiosk) -> None:
    plain = site_of(3)
    fast = plain.chargers[0].bays | {2: plain.chargers[0].bays[2].model_copy(update={"connector": "ccs"})}
    mixed = [plain.chargers[0].model_copy(update={"bays": fast}), *plain.chargers[1:]]
    cards = (
        card_of(kiosk, "T0001", "Available", "Available"),
        card_of(kiosk, "T0003", "Available", tariff=Tariff("EUR", 79, 0)),
    )
    seen = board(kiosk, plain.model_copy(update={"chargers": mixed}), *cards)
    assert prices(seen) == [(49, "", "bays 1, 2"), (79, "Type 2", "bay 3")]


def test_more_prices_than_find_room_stand_on_each_bay(kiosk: Kiosk) -> None:
    cards = [
        card_of(kiosk, f"T{2 * index + 1:04}", "Available", "Available", tariff=Tariff("EUR", 50 + index, 0))
        for index in range(MOST_TARIFFS + 1)
    ]
    assert not board(kiosk, site_of(20), *cards[:-1]).own_prices
    assert board(kiosk, site_of(20), *cards).own_prices


@given(st.lists(st.sampled_from([None, 49, 59, 69]), min_size=1, max_size=24))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_bay_with_a_price_is_named_under_it_and_under_no_other(kiosk: Kiosk, found: list[int | None]) -> None:
    cards = [
        replace(card_of(kiosk, f"T{2 * at + 1:04}", "Available", "Available"), tariff=Tariff("EUR", price, 0))
        for at, price in enumerate(found)
        if price is not None
    ]
    seen = board(kiosk, site_of(2 * len(found)), *cards)
    for one in seen.tariffs:
        own = [stall.label for stall in seen.stalls if stall.tariff == one.tariff]
        assert named(one.bays, [stall.label for stall in seen.stalls]) == own


def named(words: str, labels: list[str]) -> list[str]:
    """The bays that a reader takes from the words."""
    if not words:
        return labels
    named: list[str] = []
    for part in words.partition(" ")[2].split(", "):
        first, _to, last = part.partition(" to ")
        named += labels[labels.index(first) : labels.index(last or first) + 1]
    return named


def test_without_any_price_none_is_promised(kiosk: Kiosk) -> None:
    seen = board(kiosk, site_of(2))
    assert (seen.tariffs, seen.own_prices) == ((), False)


def test_a_price_older_than_five_minutes_is_not_shown_and_nothing_is_sold_by_it(kiosk: Kiosk) -> None:
    site = site_of(2)
    states = "Available", "Charging"
    young = board(kiosk, site, card_of(kiosk, "T0001", *states, priced_at=kiosk.now - PRICE_LASTS))
    assert [(one.kind, one.tariff, one.hold) for one in young.stalls] == [
        (kind, TARIFF, Money(HOLD, "EUR")) for kind in ("free", "use")
    ]
    old = board(kiosk, site, card_of(kiosk, "T0001", *states, priced_at=kiosk.now - PRICE_LASTS - SECOND))
    assert [(one.kind, one.tariff, one.hold) for one in old.stalls] == [("off", None, None), ("use", None, None)]
    assert old.tariffs == ()


def test_the_common_price_is_that_of_the_bays_whose_price_is_known_now(kiosk: Kiosk) -> None:
    other = Tariff("EUR", 99, 0)
    now = card_of(kiosk, "T0001", "Available", "Available")
    for ages in ({"priced_at": kiosk.now - PRICE_LASTS - SECOND}, {"seen_at": kiosk.now - timedelta(seconds=61)}):
        seen = board(kiosk, site_of(4), now, card_of(kiosk, "T0003", "Available", "Available", tariff=other, **ages))
        assert [one.tariff for one in seen.tariffs] == [TARIFF]
        assert [one.tariff for one in seen.stalls] == [TARIFF, TARIFF, None, None]


def test_a_price_turns_old_on_the_board_without_any_news(kiosk: Kiosk) -> None:
    site = kiosk.book.sites[0]
    kiosk.card("Available", "Available", priced_at=kiosk.now - PRICE_LASTS + SECOND)
    assert drawn_board(site).board.tariffs
    assert drawn_board(site).board.until == kiosk.now + SECOND
    kiosk.clock.advance(1.5)
    assert not drawn_board(site).board.tariffs


def test_power_falls_back_to_what_the_bay_can_do_at_most(kiosk: Kiosk) -> None:
    assert only(board(kiosk, site_of(1))).power == "up to 22\N{NO-BREAK SPACE}kW"


def test_since_is_said_of_bays_that_cannot_be_used_and_not_of_free_ones(kiosk: Kiosk) -> None:
    connectors = Connector(1, "Charging", since=kiosk.now), Connector(2, "Available", since=kiosk.now)
    seen = board(kiosk, site_of(2), card_of(kiosk, "T0001", connectors=connectors))
    assert [one.since for one in seen.stalls] == [kiosk.now, None]


def test_the_nearest_free_bays_are_those_with_the_same_plug_and_then_the_closest(kiosk: Kiosk) -> None:
    seen = board(
        kiosk,
        site_of(6),
        card_of(kiosk, "T0001", "Available", "Available"),
        card_of(kiosk, "T0003", "Charging", "Available"),
        card_of(kiosk, "T0005", "Available", "Faulted"),
    )
    stalls = tuple(seen.stalls)
    assert [one.label for one in near(seen, stalls[2])] == ["2", "4", "1"]


def test_the_board_is_drawn_once_until_something_changes(kiosk: Kiosk) -> None:
    site = kiosk.book.sites[0]
    kiosk.card("Available", "Available")
    first = drawn_board(site)
    assert drawn_board(site) is first
    assert boards().drawings == 1
    kiosk.card("Charging", "Available")
    parts().news.publish(charger_topic(CODE))
    second = drawn_board(site)
    assert second.etag != first.etag
    assert [one.word for one in second.board.stalls][:2] == ["In use", "Free"]
    assert boards().drawings == 2


def test_news_that_changes_nothing_is_not_drawn_again(kiosk: Kiosk) -> None:
    site = kiosk.book.sites[0]
    kiosk.card("Available", "Available")
    first = drawn_board(site)
    parts().news.publish(charger_topic(NEAR))
    assert drawn_board(site) is first
    assert boards().drawings == 1


def test_a_bay_turns_old_on_the_board_without_any_news(kiosk: Kiosk) -> None:
    site = kiosk.book.sites[0]
    kiosk.card("Available", "Available")
    assert drawn_board(site).board.as_of is not None
    kiosk.clock.advance(61)
    assert {one.kind for one in drawn_board(site).board.stalls} == {"off"}


def test_a_name_from_the_file_is_written_as_text() -> None:
    raw = {"id": "x", "name": "X", "timezone": "UTC", "chargers": [{"code": "ABC", "bays": {1: {"label": "<b>7"}}}]}
    site = Site.model_validate(raw)
    drawn = drawn_board(site)
    assert "&lt;b&gt;7" in drawn.stalls["ABC-1"]
    assert "<b>7" not in drawn.stalls["ABC-1"]
