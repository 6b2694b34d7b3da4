"""Whose chargers are sold: the operator's own, and others only where a setting says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kiosk.config.sites import SiteBook
from kiosk.domain.asking import Lane
from kiosk.domain.offer import NoOffer
from kiosk.domain.ownership import ListProblem, Whose
from kiosk.domain.session import Phase
from kiosk.service.cards import card_now, is_known, nobody_knows, own_sessions
from kiosk.service.parts import Parts
from kiosk.service.selling import selling_problem, whose_charger, whose_now
from kiosk.service.start import Started, begin
from kiosk.store.own_chargers import MOST_ASKS

from .conftest import CODE, Desk

OTHERS = "ZZZZZ"


def parts_with(desk: Desk, **settings: Any) -> Parts:
    return replace(desk.parts, settings=desk.parts.settings.model_copy(update=settings))


def with_token(desk: Desk) -> Parts:
    return parts_with(desk, plugchoice_token="operator")


def without_list(parts: Parts) -> Parts:
    return replace(parts, site=SiteBook())


def learn(desk: Desk, **codes: str) -> None:
    """The list was read whole just now, and every charger on it was asked for its code."""
    desk.store.own_list_was_read(list(codes), desk.now, whole=True)
    for uuid, code in codes.items():
        desk.store.own_charger_told(uuid, code, desk.now)
    desk.store.own_list_learnt(desk.now)


def test_a_charger_of_another_operator_is_not_sold_whatever_is_known_of_it(desk: Desk) -> None:
    desk.card("Available", code=OTHERS)
    assert whose_charger(desk.parts, OTHERS) is Whose.ANOTHERS
    assert begin(desk.parts, OTHERS, 1, device="phone") is NoOffer.NOT_OURS
    assert desk.store.queue() == []


def test_a_listed_charger_is_sold(desk: Desk) -> None:
    assert whose_charger(desk.parts, CODE) is Whose.OURS


def test_a_charger_that_the_operators_token_sees_is_sold_without_being_listed(desk: Desk) -> None:
    learn(desk, uuid_1=OTHERS)
    desk.card("Available", code=OTHERS)
    parts = without_list(with_token(desk))
    assert whose_charger(parts, OTHERS) is Whose.OURS
    assert isinstance(begin(parts, OTHERS, 1, device="phone"), Started)
    assert whose_charger(parts, "9ZZZZ") is Whose.ANOTHERS


def test_what_a_token_has_shown_does_not_count_without_it(desk: Desk) -> None:
    learn(desk, uuid_1=OTHERS)
    assert whose_charger(desk.parts, OTHERS) is Whose.ANOTHERS


def test_until_the_list_was_read_whole_nothing_is_sold_and_nothing_called_anothers(desk: Desk) -> None:
    desk.card("Available", code=OTHERS)
    parts = with_token(desk)
    assert whose_now(parts, OTHERS) is Whose.ASKING
    assert begin(parts, OTHERS, 1, device="phone") is NoOffer.OWNER_UNKNOWN
    assert desk.store.asked_whose(desk.now) == [OTHERS]
    assert desk.store.queue() == []


def test_whoever_waits_hears_it_as_soon_as_the_engine_knows(desk: Desk) -> None:
    desk.card("Available", code=OTHERS)
    desk.bell.act = lambda: learn(desk, uuid_1=OTHERS)
    parts = replace(with_token(desk), patience=1.0)
    assert isinstance(begin(parts, OTHERS, 1, device="phone"), Started)
    assert desk.bell.rings


def test_a_list_that_cannot_be_read_is_no_evidence_against_a_charger(desk: Desk) -> None:
    desk.card("Available", code=OTHERS)
    desk.store.own_list_failed(ListProblem.NOT_ALLOWED, desk.now)
    assert whose_now(with_token(desk), OTHERS) is Whose.NOT_KNOWN
    assert begin(with_token(desk), OTHERS, 1, device="phone") is NoOffer.OWNER_UNKNOWN


def test_what_was_ours_stays_ours_while_the_list_fails_for_weeks(desk: Desk) -> None:
    learn(desk, uuid_1=OTHERS)
    desk.clock.advance(timedelta(weeks=3).total_seconds())
    desk.store.own_list_failed(ListProblem.TOKEN, desk.now)
    desk.card("Available", code=OTHERS)
    assert isinstance(begin(with_token(desk), OTHERS, 1, device="phone"), Started)


def test_a_setting_sells_everybodys(desk: Desk) -> None:
    assert whose_charger(parts_with(desk, sell_unlisted=True), OTHERS) is Whose.OURS


@pytest.mark.parametrize(
    ("listed", "token", "setting", "problem"),
    [
        (True, False, False, False),
        (False, True, False, False),
        (False, False, True, False),
        (False, False, False, True),
    ],
)
def test_a_kiosk_that_knows_no_charger_as_the_operators_sells_nothing_and_says_so(
    desk: Desk, listed: bool, token: bool, setting: bool, problem: bool
) -> None:
    parts = parts_with(desk, plugchoice_token="operator" if token else None, sell_unlisted=setting)
    parts = parts if listed else without_list(parts)
    said = selling_problem(parts.settings, parts.site)
    assert (said is not None) is problem
    assert (whose_charger(parts, OTHERS) is Whose.OURS) is setting


# --- what goes on


def test_a_session_at_a_charger_that_became_anothers_stays_its_drivers(desk: Desk) -> None:
    learn(desk, uuid_1=OTHERS)
    desk.card("Available", code=OTHERS)
    parts = with_token(desk)
    begun = begin(parts, OTHERS, 1, device="phone")
    assert isinstance(begun, Started)
    parts = desk.parts  # the token is gone, and the charger with it
    assert whose_charger(parts, OTHERS) is Whose.ANOTHERS
    assert begin(parts, OTHERS, 1, device="phone") == Started(begun.key, new=False)
    running = own_sessions(parts, "phone", OTHERS).running
    assert running is not None
    assert running.key == begun.key
    assert desk.start_answer(begun.key).phase is Phase.OPEN


# --- who is asked about first


def test_others_chargers_are_asked_about_in_the_lane_of_codes_that_nobody_knows(desk: Desk) -> None:
    desk.card("Available", code=OTHERS)
    desk.clock.advance(31)
    card_now(desk.parts, OTHERS)
    assert [wish.lane for wish in desk.store.wanted_cards()] == [Lane.STRANGER]


def test_a_code_of_anothers_counts_against_whoever_types_many(desk: Desk) -> None:
    desk.card("Available", code=OTHERS)
    desk.clock.advance(31)
    assert nobody_knows(desk.parts, OTHERS)
    assert not nobody_knows(desk.parts, CODE)


def test_a_charger_that_may_be_ours_is_known_as_soon_as_it_was_read_once(desk: Desk) -> None:
    parts = with_token(desk)
    assert not is_known(parts, OTHERS, None)
    assert is_known(parts, OTHERS, desk.card("Available", code=OTHERS))
    learn(desk, uuid_1="9ZZZZ")
    assert not is_known(parts, OTHERS, desk.store.card(OTHERS))


def test_a_charger_that_no_list_of_the_last_day_had_gets_no_drivers_turn_while_the_list_is_read_again(
    desk: Desk,
) -> None:
    """Otherwise whoever has collected codes of others could ask for all their cards in that moment."""
    learn(desk, uuid_1="9ZZZZ")
    desk.clock.advance(601)
    card = desk.card("Available", code=OTHERS)
    parts = with_token(desk)
    assert whose_charger(parts, OTHERS) is Whose.ASKING
    assert not is_known(parts, OTHERS, card)
    desk.clock.advance(31)
    card_now(parts, OTHERS)
    assert [wish.lane for wish in desk.store.wanted_cards()] == [Lane.STRANGER]


def test_waits_for_an_owner_are_few_and_short(desk: Desk) -> None:
    asked = [desk.store.ask_whose(f"Z{number}", desk.now) for number in range(30)]
    assert sum(asked) == 20
    assert desk.store.ask_whose("Z1", desk.now)
    desk.clock.advance(31)
    assert desk.store.asked_whose(desk.now) == []
    assert desk.store.ask_whose("ZNEW", desk.now)


def test_whoever_is_one_of_too_many_that_wait_is_told_what_is_known(desk: Desk) -> None:
    for number in range(MOST_ASKS):
        assert desk.store.ask_whose(f"A{number:04}", desk.now)
    parts = replace(with_token(desk), patience=1.0)
    assert whose_now(parts, OTHERS) is Whose.ASKING
    assert OTHERS not in desk.store.asked_whose(desk.now)
    assert desk.bell.rings == 0
