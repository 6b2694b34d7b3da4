"""Starting without a request: what is stored, and every reason why nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kiosk.domain.charger import Connector
from kiosk.domain.offer import NoOffer
from kiosk.domain.session import Phase, Session
from kiosk.news.news import session_topic
from kiosk.service.parts import Parts
from kiosk.service.start import Started, begin

from .conftest import CODE, HOLD, TARIFF, Desk

TERMS = "EUR-49-35-3000"


def start(desk: Desk, connector_id: int = 2, *, parts: Parts | None = None, **asked: Any) -> Started | NoOffer:
    return begin(parts or desk.parts, CODE, connector_id, **{"device": "phone", **asked})


def started(desk: Desk, connector_id: int = 2, **asked: Any) -> Session:
    begun = start(desk, connector_id, **asked)
    assert isinstance(begun, Started)
    session = desk.store.session(begun.key)
    assert session is not None
    return session


def test_a_start_is_stored_on_the_terms_of_the_card_for_that_device(desk: Desk) -> None:
    desk.card()
    session = started(desk, seen=TERMS, limit_minor=1500)
    assert (session.phase, session.code, session.connector_id) == (Phase.QUEUED, CODE, 2)
    assert (session.tariff, session.hold_minor, session.limit_minor) == (TARIFF, HOLD, 1500)
    assert desk.store.owns(session.key, "phone")
    assert desk.store.queue() == [session.key]
    assert desk.bell.rings == 1


def test_a_driver_who_was_shown_no_terms_starts_on_those_of_the_card(desk: Desk) -> None:
    desk.card()
    assert started(desk).tariff == TARIFF


def test_a_second_tap_leads_to_the_same_session_and_starts_nothing(desk: Desk) -> None:
    desk.card()
    first = start(desk)
    assert isinstance(first, Started)
    assert first.new
    assert start(desk) == Started(first.key, new=False)
    assert len(desk.store.queue()) == 1


def test_the_start_waits_for_the_back_offices_answer(desk: Desk) -> None:
    desk.card()

    def answer() -> None:
        (key,) = desk.store.queue()
        desk.start_answer(key)
        desk.parts.news.publish(session_topic(key))

    desk.bell.act = answer
    assert started(desk, parts=desk.patient()).status == "created"


@pytest.mark.parametrize(
    ("connector_id", "changes", "asked", "why"),
    [
        (3, {}, {}, NoOffer.UNKNOWN_BAY),
        (1, {}, {}, NoOffer.NOT_FREE),
        (2, {"online": False}, {}, NoOffer.NOT_FREE),
        (2, {"tariff": None}, {}, NoOffer.UNPRICED),
        (2, {"preauth_minor": None}, {}, NoOffer.UNPRICED),
        (2, {}, {"seen": "EUR-48-35-3000"}, NoOffer.TERMS_CHANGED),
        (2, {}, {"seen": ""}, NoOffer.TERMS_CHANGED),
        (2, {}, {"limit_minor": 0}, NoOffer.LIMIT_NOT_OFFERED),
        (2, {}, {"limit_minor": 1501}, NoOffer.LIMIT_NOT_OFFERED),
        (2, {}, {"limit_minor": HOLD}, NoOffer.LIMIT_NOT_OFFERED),
    ],
)
def test_nothing_is_stored_without_an_offer(
    desk: Desk, connector_id: int, changes: dict[str, Any], asked: dict[str, Any], why: NoOffer
) -> None:
    desk.card(**changes)
    assert start(desk, connector_id, **asked) is why
    assert desk.store.queue() == []


def test_a_charger_of_which_nothing_is_known_has_no_card(desk: Desk) -> None:
    assert start(desk) is NoOffer.NO_CARD


def test_nothing_is_sold_by_states_older_than_a_minute(desk: Desk) -> None:
    desk.card()
    desk.clock.advance(61)
    assert start(desk) is NoOffer.OLD


def test_nothing_is_sold_by_a_price_older_than_a_minute(desk: Desk) -> None:
    card = desk.card()
    desk.store.save_card(replace(card, priced_at=desk.now - timedelta(seconds=61)))
    assert start(desk) is NoOffer.PRICE_OLD
    assert [wish.code for wish in desk.store.wanted_cards()] == [CODE]


def test_a_card_that_is_read_again_in_time_is_sold_by(desk: Desk) -> None:
    desk.card()
    desk.clock.advance(90)
    desk.bell.act = lambda: desk.card("Available", "Available")
    assert started(desk, parts=desk.patient()).requested_at == desk.now


def test_a_bay_that_another_device_keeps_is_not_free(desk: Desk) -> None:
    desk.card()
    desk.queued(2, device="another phone")
    assert start(desk) is NoOffer.NOT_FREE


@pytest.mark.parametrize(("device", "own"), [("another phone", False), ("phone", True)])
def test_of_two_starts_in_the_same_second_one_wins(desk: Desk, device: str, own: bool) -> None:
    """The other one is stored while this one waits for a fresh card."""
    desk.card()
    desk.clock.advance(90)

    def meanwhile() -> None:
        desk.card()
        if desk.store.session_at(CODE, 2) is None:
            desk.queued(2, device=device, key="the-other-start")

    desk.bell.act = meanwhile
    begun = start(desk)
    assert begun == (Started("the-other-start", new=False) if own else NoOffer.NOT_FREE)
    assert desk.store.queue() == ["the-other-start"]


def test_a_charger_that_names_a_connector_twice_is_sold_once(desk: Desk) -> None:
    desk.card(connectors=(Connector(1, "Available"), Connector(1, "Available")))
    started(desk, 1)
    assert start(desk, 1, device="another phone") is NoOffer.NOT_FREE
