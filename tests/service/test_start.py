"""Starting without a request: what is stored, and every reason why nothing is."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from kiosk.config.sites import SiteBook
from kiosk.domain.charger import Connector
from kiosk.domain.commands import Kind, Refusal
from kiosk.domain.offer import NoOffer
from kiosk.domain.session import Phase, Session
from kiosk.domain.tariff import Tariff
from kiosk.domain.unpaid import NotYet, Wait
from kiosk.news.news import session_topic
from kiosk.service.parts import Parts
from kiosk.service.start import Started, begin, take_up_again
from kiosk.store import Store
from kiosk.store.chargers import learn_pace

from .conftest import CODE, HOLD, NEAR, TARIFF, Desk

TERMS = "EUR-49-35-3000"


def start(desk: Desk, connector_id: int = 2, *, parts: Parts | None = None, **asked: Any) -> Started | NoOffer | NotYet:
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
        (2, {"online": False}, {}, NoOffer.NOT_USABLE),
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


def put_aside(desk: Desk, **asked: Any) -> Session:
    """A start that waited, and that nobody watched when its turn came."""
    started(desk, **asked)
    (waiting,) = desk.store.waiting_starts()
    aside = desk.store.put_aside(waiting.command_id, desk.now, Refusal.NOBODY_WATCHED)
    assert aside is not None
    return aside


def later_known(desk: Desk) -> Parts:
    """Since then the operator has said what its connectors can do, and a charge has shown how often they report."""
    chargers = [{"code": CODE, "max_kw": 22, "bays": {1: {"label": "3"}, 2: {"label": "4"}}}]
    site = {"id": "marktplatz", "name": "Marktplatz garage", "timezone": "Europe/Berlin", "chargers": chargers}
    with desk.store._database.write() as connection:
        learn_pace(connection, CODE, timedelta(seconds=300))
    return replace(desk.parts, site=SiteBook.model_validate({"sites": [site]}))


def test_a_start_that_is_taken_up_again_learns_all_that_a_new_one_learns(desk: Desk) -> None:
    desk.card()
    aside = put_aside(desk, seen=TERMS)
    assert (aside.most_kw, aside.meter_seconds) == (None, None)
    desk.clock.advance(9 * 3600)
    desk.card("Available", "Available", tariff=Tariff("EUR", 88, 35), preauth_minor=6000, name="Lindenau 2b")
    parts = later_known(desk)
    assert take_up_again(parts, aside, "EUR-88-35-6000", "phone") == Started(aside.key, new=True)
    taken_up = desk.store.session(aside.key)
    new = started(desk, 1, parts=parts, device="another phone")
    assert taken_up is not None
    assert taken_up.most_kw is not None
    assert taken_up.meter_seconds == 300
    own = {"key", "connector_id", "requested_at", "version"}
    assert {one.name for one in fields(Session) if getattr(taken_up, one.name) != getattr(new, one.name)} == own


@pytest.mark.parametrize("seen", [TERMS, "", None])
def test_nothing_is_taken_up_on_terms_that_are_not_those_of_now(desk: Desk, seen: str | None) -> None:
    desk.card()
    aside = put_aside(desk, seen=TERMS)
    desk.card(tariff=Tariff("EUR", 88, 35))
    assert take_up_again(desk.parts, aside, seen, "phone") is NoOffer.TERMS_CHANGED
    assert desk.store.queue() == []


def test_nothing_is_taken_up_at_a_bay_that_somebody_else_has_by_now(desk: Desk) -> None:
    desk.card()
    aside = put_aside(desk)
    started(desk, device="another phone")
    assert take_up_again(desk.parts, aside, TERMS, "phone") is NoOffer.NOT_FREE


def test_it_is_taken_up_once(desk: Desk) -> None:
    desk.card()
    aside = put_aside(desk)
    assert take_up_again(desk.parts, aside, TERMS, "phone") == Started(aside.key, new=True)
    assert take_up_again(desk.parts, aside, TERMS, "phone") is NoOffer.NOT_FREE
    again = desk.store.session(aside.key)
    assert again is not None
    assert take_up_again(desk.parts, again, TERMS, "phone") == Started(aside.key, new=False)
    assert len(desk.store.queue()) == 1


@pytest.mark.parametrize(("hold", "kept"), [(3000, 1500), (6000, 1500), (1500, None), (1000, None)])
def test_a_limit_stays_when_the_start_is_taken_up_again(desk: Desk, hold: int, kept: int | None) -> None:
    """One that the hold does not reach says nothing any more."""
    desk.card()
    aside = put_aside(desk, limit_minor=1500)
    desk.card(preauth_minor=hold)
    assert take_up_again(desk.parts, aside, f"EUR-49-35-{hold}", "phone") == Started(aside.key, new=True)
    session = desk.store.session(aside.key)
    assert session is not None
    assert session.limit_minor == kept


def test_a_limit_that_is_too_low_for_these_terms_is_never_dropped(desk: Desk) -> None:
    desk.card()
    aside = put_aside(desk, limit_minor=1500)
    desk.card(tariff=Tariff("EUR", 49, 1460))
    assert take_up_again(desk.parts, aside, "EUR-49-1460-3000", "phone") is NoOffer.LIMIT_NOT_OFFERED
    assert desk.store.queue() == []


def test_nothing_is_taken_up_for_whoever_has_another_start_to_pay(desk: Desk) -> None:
    desk.card("Preparing", "Preparing")
    aside = put_aside(desk)
    other = started(desk, 1)
    assert take_up_again(desk.parts, aside, TERMS, "phone") == NotYet(Wait.OWN_UNPAID, desk.now, other.key)


def test_nothing_is_taken_up_when_the_bay_goes_in_the_same_second(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.card()
    aside = put_aside(desk)
    take_up = Store.take_up_again

    def somebody_was_faster(store: Store, wanted: Session, now: datetime) -> bool:
        desk.queued(2, device="another phone", key="the-other-start")
        return take_up(store, wanted, now)

    monkeypatch.setattr(Store, "take_up_again", somebody_was_faster)
    assert take_up_again(desk.parts, aside, TERMS, "phone") is NoOffer.NOT_FREE
    assert desk.store.queue() == ["the-other-start"]


@pytest.mark.parametrize(("code", "asked"), [(NEAR, [Kind.CANCEL]), (CODE, [])])
def test_whoever_has_walked_on_to_another_charger_waits_at_the_first_one_no_more(
    desk: Desk, code: str, asked: list[Kind]
) -> None:
    desk.card("Preparing", "Preparing")
    first = started(desk, 1)
    desk.start_answer(first.key)
    desk.observe(first.key, "starting", authorized_minor=HOLD, authorized_at=desk.now)
    desk.card("Preparing", "Preparing", code=code)
    assert isinstance(begin(desk.parts, code, 2 if code == CODE else 1, device="phone"), Started)
    assert [one.kind for one in desk.store.commands(first.key) if one.kind is not Kind.START] == asked
