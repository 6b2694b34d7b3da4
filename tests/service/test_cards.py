"""A charger's card for a driver in front of it: how old it may be, who is asked, and what else is near."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from kiosk.domain.asking import MOST_WISHES, Lane
from kiosk.domain.charger import ChargerCard
from kiosk.domain.commands import Refusal
from kiosk.news.news import charger_topic
from kiosk.service.cards import CardNow, OwnSessions, card_now, current_card, near_offers, own_sessions

from .conftest import CODE, FAR, HOLD, NEAR, Desk


def wanted(desk: Desk) -> list[str]:
    return [wish.code for wish in desk.store.wanted_cards()]


def old(desk: Desk, seconds: float) -> ChargerCard:
    card = desk.card()
    desk.clock.advance(seconds)
    return card


def test_a_fresh_card_is_handed_out_and_nobody_is_asked(desk: Desk) -> None:
    card = old(desk, 30)
    assert current_card(desk.patient(), CODE) == card
    assert wanted(desk) == []
    assert desk.bell.rings == 0


def test_an_older_card_is_handed_out_at_once_and_asked_for_behind_the_scenes(desk: Desk) -> None:
    card = old(desk, 31)
    assert current_card(desk.patient(), CODE) == card
    assert wanted(desk) == [CODE]
    assert desk.bell.rings == 1


@pytest.mark.parametrize("seconds", [61, 3600])
def test_a_card_that_is_too_old_waits_for_the_engine(desk: Desk, seconds: float) -> None:
    before = old(desk, seconds)

    def read() -> None:
        desk.card("Available", "Available")
        desk.parts.news.publish(charger_topic(CODE))

    desk.bell.act = read
    card = current_card(desk.patient(), CODE)
    assert card is not None
    assert card.seen_at == before.seen_at + timedelta(seconds=seconds)


def test_a_driver_may_insist_on_a_younger_card(desk: Desk) -> None:
    old(desk, 40)
    desk.bell.act = lambda: desk.card("Faulted")
    card = current_card(desk.patient(), CODE, longest=timedelta(seconds=35))
    assert card is not None
    assert card.connectors[0].status == "Faulted"


def test_a_failed_read_ends_the_wait(desk: Desk) -> None:
    desk.bell.act = lambda: desk.store.note_card_problem(CODE, None, desk.now)
    assert current_card(desk.patient(), CODE) is None
    assert card_now(desk.parts, CODE) == CardNow(None, failed=True, again_at=desk.now + timedelta(seconds=2))


@pytest.mark.parametrize(("failures", "pause"), [(1, 2), (2, 4), (3, 8), (4, 16)])
def test_a_read_that_failed_is_repeated_after_two_seconds_and_then_ever_later(
    desk: Desk, failures: int, pause: int
) -> None:
    for _ in range(failures):
        desk.store.note_card_problem(CODE, Refusal.UPSTREAM_DOWN, desk.now)
    desk.clock.advance(pause - 0.1)
    assert current_card(desk.patient(), CODE) is None
    assert (wanted(desk), desk.bell.rings) == ([], 0)
    desk.clock.advance(0.1)
    assert current_card(desk.parts, CODE) is None
    assert wanted(desk) == [CODE]


def test_a_code_that_nobody_knows_is_asked_for_in_a_lane_of_its_own(desk: Desk) -> None:
    card_now(desk.parts, "ZZZZZ")
    card_now(desk.parts, CODE)
    assert {wish.code: wish.lane for wish in desk.store.wanted_cards()} == {
        "ZZZZZ": Lane.STRANGER,
        CODE: Lane.DRIVER,
    }


def test_that_a_code_is_no_charger_is_remembered_for_ten_minutes(desk: Desk) -> None:
    desk.store.note_card_problem("ZZZZZ", Refusal.UNKNOWN_CHARGER, desk.now)
    desk.clock.advance(599)
    assert card_now(desk.patient(), "ZZZZZ").unknown
    assert wanted(desk) == []
    desk.clock.advance(1)
    card_now(desk.parts, "ZZZZZ")
    assert wanted(desk) == ["ZZZZZ"]


def test_where_too_many_wait_already_nobody_waits_in_vain(desk: Desk) -> None:
    for number in range(MOST_WISHES[Lane.STRANGER]):
        desk.store.want_card(f"X{number}", desk.now, Lane.STRANGER)
    assert card_now(desk.patient(), "ZZZZZ") == CardNow(None, put_off=True)
    assert desk.bell.rings == 0


def test_who_is_put_off_learns_it_at_once(desk: Desk) -> None:
    desk.bell.act = lambda: desk.store.put_off_cards([CODE])
    assert card_now(desk.patient(), CODE) == CardNow(None, put_off=True)


def test_a_store_that_is_locked_still_shows_the_card_that_it_has(desk: Desk) -> None:
    card = old(desk, 45)
    with desk.store._database.write():
        assert card_now(desk.parts, CODE) == CardNow(card)


def test_a_problem_from_before_the_card_was_read_says_nothing(desk: Desk) -> None:
    desk.store.note_card_problem(CODE, Refusal.UNKNOWN_CHARGER, desk.now)
    desk.clock.advance(1)
    card = desk.card()
    assert card_now(desk.parts, CODE) == CardNow(card)


def test_a_price_that_is_older_than_the_problem_does_not_outlive_it(desk: Desk) -> None:
    card = desk.card()
    desk.store.save_card(replace(card, priced_at=desk.now - timedelta(seconds=20)))
    desk.store.note_card_problem(CODE, Refusal.UNKNOWN_CHARGER, desk.now - timedelta(seconds=10))
    found = card_now(desk.parts, CODE)
    assert found.card is not None
    assert found.unknown


def test_only_upstreams_word_makes_a_charger_unknown(desk: Desk) -> None:
    desk.store.note_card_problem(CODE, Refusal.UPSTREAM_DOWN, desk.now)
    assert not card_now(desk.parts, CODE).unknown
    assert not CardNow(None).unknown


# --- near


def near(desk: Desk) -> list[tuple[str, int]]:
    return [(card.code, offer.connector_id) for card, offer in near_offers(desk.parts, CODE, desk.now)]


def test_each_other_charger_of_the_site_offers_its_first_free_bay(desk: Desk) -> None:
    desk.card("Available")
    desk.card("Charging", "Available", "Available", code=NEAR)
    desk.card("Preparing", code=FAR)
    assert near(desk) == [(NEAR, 2), (FAR, 1)]


def test_a_bay_that_a_session_of_ours_keeps_is_not_offered(desk: Desk) -> None:
    desk.card("Available", code=NEAR)
    desk.queued(1, code=NEAR)
    assert near(desk) == []


def test_a_neighbour_that_could_not_be_read_is_not_asked_for_at_every_view(desk: Desk) -> None:
    desk.store.note_card_problem(NEAR, Refusal.UNKNOWN_CHARGER, desk.now)
    desk.clock.advance(14)
    near(desk)
    assert wanted(desk) == [FAR]
    desk.clock.advance(1)
    near(desk)
    assert {(wish.code, wish.lane) for wish in desk.store.wanted_cards()} == {
        (NEAR, Lane.NEIGHBOUR),
        (FAR, Lane.NEIGHBOUR),
    }


def test_a_charger_without_a_price_is_not_offered(desk: Desk) -> None:
    desk.card("Available", code=NEAR, tariff=None)
    assert near(desk) == []


def test_chargers_with_an_old_card_or_none_are_asked_for_and_not_offered(desk: Desk) -> None:
    desk.card("Available", code=NEAR)
    desk.clock.advance(61)
    assert near(desk) == []
    assert sorted(wanted(desk)) == sorted([NEAR, FAR])
    assert desk.bell.rings == 1


# --- own sessions


def charged(desk: Desk, status: str = "captured") -> str:
    key = desk.queued()
    desk.start_answer(key)
    desk.observe(key, "charging", authorized_minor=HOLD, energy_kwh=Decimal(1), cost_minor=84)
    if status != "charging":
        whole = {"captured_minor": 84, "completed_at": desk.now, "captured_at": desk.now, "energy_kwh": Decimal(1)}
        desk.observe(key, status, authorized_minor=HOLD, **whole)
    return key


def test_a_device_finds_its_running_session(desk: Desk) -> None:
    key = charged(desk, "charging")
    own = own_sessions(desk.parts, "phone", CODE)
    assert own.running is not None
    assert own.running.key == key
    assert own_sessions(desk.parts, "another phone", CODE) == OwnSessions()
    there = own_sessions(desk.parts, "phone", NEAR)
    assert (there.running, there.ended) == (None, None)
    assert there.elsewhere is not None
    assert there.elsewhere.key == key


@pytest.mark.parametrize("status", ["captured", "requires_review"])
def test_what_has_ended_elsewhere_is_not_told_of(desk: Desk, status: str) -> None:
    charged(desk, status)
    assert own_sessions(desk.parts, "phone", NEAR) == OwnSessions()


def test_a_start_that_waits_is_a_running_session(desk: Desk) -> None:
    key = desk.queued()
    own = own_sessions(desk.parts, "phone", CODE)
    assert own.running is not None
    assert own.running.key == key


def test_an_ended_session_is_named_for_a_day(desk: Desk) -> None:
    key = charged(desk)
    own = own_sessions(desk.parts, "phone", CODE)
    assert own.running is None
    assert own.ended is not None
    assert own.ended.key == key
    desk.clock.advance(24 * 3600 + 2)
    assert own_sessions(desk.parts, "phone", CODE) == OwnSessions()


def test_a_session_without_a_hold_is_not_worth_a_word(desk: Desk) -> None:
    key = desk.queued()
    desk.store.withdraw_start(key, desk.now)
    assert own_sessions(desk.parts, "phone", CODE) == OwnSessions()


def test_a_bill_that_waits_for_the_operator_does_not_keep_the_driver_from_starting_again(desk: Desk) -> None:
    key = charged(desk, "requires_review")
    own = own_sessions(desk.parts, "phone", CODE)
    assert own.running is None
    assert own.ended is not None
    assert own.ended.key == key
