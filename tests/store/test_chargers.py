"""Cards of chargers, their problems, and the wishes for fresh ones."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from kiosk.domain.asking import MOST_WISHES, WISH_LIVES, CardWish, Lane, Problem
from kiosk.domain.charger import ChargerCard, Connector, Drawn
from kiosk.domain.commands import Refusal
from kiosk.domain.pace import Pace
from kiosk.store import Store
from kiosk.store.chargers import learn_pace
from kiosk.store.database import PATIENCE_SECONDS

from .build import NOW, TARIFF, at_once, later


def card(code: str = "ABC", status: str = "Available", at: float = 0) -> ChargerCard:
    return ChargerCard(code, "North", True, (Connector(1, status, "IEC_62196_T2"),), TARIFF, 5000, later(at))


def test_an_unknown_charger_has_neither_card_nor_problem(store: Store) -> None:
    assert (store.card("ABC"), store.card_problem("ABC")) == (None, None)


def test_a_card_is_merged_with_the_previous_one(store: Store) -> None:
    store.save_card(card())
    changed = store.save_card(card(status="Charging", at=30))
    assert changed.connectors[0].since == later(30)
    assert store.card("ABC") == changed
    again = store.save_card(card(status="Charging", at=60))
    assert (again.connectors[0].since, again.seen_at) == (later(30), later(60))


def test_an_older_card_does_not_replace_a_newer_one(store: Store) -> None:
    newer = store.save_card(card(status="Charging", at=30))
    assert store.save_card(card(at=28)) == newer == store.card("ABC")


def test_only_known_cards_are_given(store: Store) -> None:
    store.save_card(card())
    store.save_card(card("ABD"))
    store.want_card("ABE", NOW)
    assert store.cards(["ABC", "ABE", "ABF"]) == {"ABC": card()}
    assert store.cards([]) == {}


def test_a_problem_leaves_the_card_and_a_card_clears_the_problem(store: Store) -> None:
    store.save_card(card())
    store.note_card_problem("ABC", Refusal.UNKNOWN_CHARGER, later(10))
    assert store.card("ABC") == card()
    assert store.card_problem("ABC") == Problem(Refusal.UNKNOWN_CHARGER, later(10))
    store.save_card(card(at=20))
    assert store.card_problem("ABC") is None


def test_no_answer_is_a_problem_without_a_reason(store: Store) -> None:
    store.note_card_problem("ABC", None, later(10))
    assert store.card_problem("ABC") == Problem(None, later(10))
    assert store.card("ABC") is None


def test_a_card_and_its_problem_are_read_together(store: Store) -> None:
    assert store.card_and_problem("ABC") == (None, None, None)
    store.note_card_problem("ABC", None, later(10))
    assert store.card_and_problem("ABC") == (None, Problem(None, later(10)), None)
    store.save_card(card())
    assert store.card_and_problem("ABC") == (card(), None, None)
    store.note_card_problem("ABC", Refusal.UNKNOWN_CHARGER, later(20))
    assert store.card_and_problem("ABC") == (card(), Problem(Refusal.UNKNOWN_CHARGER, later(20)), None)


def test_wishes_come_oldest_first_and_the_oldest_counts(store: Store) -> None:
    store.want_card("ABC", later(1))
    store.want_card("ABD", later(2))
    store.want_card("ABC", later(3))
    assert store.wanted_cards() == [CardWish("ABC", later(1)), CardWish("ABD", later(2))]


def test_a_wish_that_is_over_counts_anew(store: Store) -> None:
    store.want_card("ABC", NOW)
    store.want_card("ABC", NOW + WISH_LIVES - timedelta(milliseconds=1))
    assert store.wanted_cards() == [CardWish("ABC", NOW)]
    store.want_card("ABD", NOW + WISH_LIVES)
    assert [wish.code for wish in store.wanted_cards()] == ["ABD"]
    store.want_card("ABC", NOW + WISH_LIVES)
    assert CardWish("ABC", NOW + WISH_LIVES) in store.wanted_cards()


def test_a_driver_at_a_charger_lifts_the_wish_of_a_neighbour(store: Store) -> None:
    store.want_card("ABC", NOW, Lane.NEIGHBOUR)
    store.want_card("ABC", later(1), Lane.DRIVER)
    store.want_card("ABC", later(2), Lane.NEIGHBOUR)
    assert store.wanted_cards() == [CardWish("ABC", NOW, Lane.DRIVER)]


def test_so_many_wishes_of_strangers_are_kept_and_no_driver_loses_a_place_to_them(store: Store) -> None:
    most = MOST_WISHES[Lane.STRANGER]
    assert [store.want_card(f"X{number}", NOW, Lane.STRANGER) for number in range(most + 1)] == [True] * most + [False]
    assert store.want_card("X0", later(1), Lane.STRANGER)
    assert store.want_card("ABC", later(1))
    assert len(store.wanted_cards()) == most + 1
    assert store.want_card("X99", NOW + WISH_LIVES, Lane.STRANGER)


def test_a_wish_that_is_put_off_says_so_until_it_is_answered(store: Store) -> None:
    store.want_card("ABC", NOW)
    assert not store.put_off("ABC")
    store.put_off_cards(["ABC", "nobody wants this"])
    assert store.put_off("ABC")
    assert not store.put_off("nobody wants this")
    store.save_card(card())
    assert not store.put_off("ABC")


def test_wishes_can_be_forgotten(store: Store, second: Store) -> None:
    store.want_card("ABC", NOW)
    second.forget_wishes()
    assert store.wanted_cards() == []


def test_failures_in_a_row_are_counted_until_a_card_comes(store: Store) -> None:
    for number in (1, 2, 3):
        store.note_card_problem("ABC", None, later(number))
        assert store.card_problem("ABC") == Problem(None, later(number), number)
    store.save_card(card(at=4))
    store.note_card_problem("ABC", None, later(5))
    assert store.card_problem("ABC") == Problem(None, later(5), 1)


def test_a_failure_long_after_another_is_the_first_one(store: Store) -> None:
    store.note_card_problem("ABC", None, NOW)
    store.note_card_problem("ABC", None, later(1800))
    store.note_card_problem("ABC", None, later(1800 + 1801))
    problem = store.card_problem("ABC")
    assert problem is not None
    assert problem.times == 1


def test_a_wish_is_answered_by_a_card_or_a_problem(store: Store) -> None:
    for code in ("ABC", "ABD"):
        store.want_card(code, NOW)
    store.save_card(card())
    assert store.wanted_cards() == [CardWish("ABD", NOW)]
    store.note_card_problem("ABD", None, NOW)
    assert store.wanted_cards() == []
    store.want_card("ABC", later(60))
    assert store.wanted_cards() == [CardWish("ABC", later(60))]


def test_a_wish_of_many_threads_is_one(store: Store, second: Store) -> None:
    outcomes = at_once(20, lambda n: (store, second)[n % 2].want_card("ABC", NOW))
    assert True in outcomes
    assert store.wanted_cards() == [CardWish("ABC", NOW)]


def test_a_store_that_others_write_to_for_long_keeps_no_page_waiting(store: Store, second: Store) -> None:
    before = time.monotonic()
    with second._database.write():
        assert not store.want_card("ABC", NOW)
    assert time.monotonic() - before < PATIENCE_SECONDS
    assert store.want_card("ABC", NOW)
    store.save_card(card())


def test_codes_that_were_never_a_charger_are_forgotten_after_a_day(store: Store) -> None:
    day = 24 * 3600
    store.save_card(card())
    for code in ("ABC", "typo-1"):
        store.note_card_problem(code, Refusal.UNKNOWN_CHARGER, NOW)
    store.note_card_problem("typo-2", Refusal.UNKNOWN_CHARGER, later(day))
    assert store.card_problem("typo-1") is not None
    store.note_card_problem("typo-2", Refusal.UNKNOWN_CHARGER, later(day + 1))
    assert store.card_problem("typo-1") is None
    assert store.card("ABC") == card()


def test_a_card_without_price_name_or_state_is_kept_as_it_is(store: Store) -> None:
    bare = replace(card(), name=None, online=None, tariff=None, preauth_minor=None, connectors=())
    store.save_card(bare)
    assert store.card("ABC") == bare


def test_a_card_keeps_how_a_plug_is_turned_and_what_was_drawn_there(store: Store) -> None:
    drawn = Drawn(Decimal("11.0"), Decimal("15.9"), NOW), Drawn(Decimal("50.25"), None, NOW), None
    connectors = tuple(Connector(n, "Charging", phase_rotation="STR", drawn=one) for n, one in enumerate(drawn, 1))
    store.save_card(ChargerCard("ABC", None, True, connectors, TARIFF, 5000, NOW))
    kept = store.card("ABC")
    assert kept is not None
    assert [(one.phase_rotation, one.drawn) for one in kept.connectors] == [("STR", one) for one in drawn]


def test_how_often_a_charger_reports_is_read_as_earlier_releases_have_kept_it(store: Store) -> None:
    with store._database.write() as connection:
        learn_pace(connection, "ABC", timedelta(seconds=300), timedelta(seconds=290))
    assert store.pace("ABC") == Pace((300,), (290,))
    with store._database.write() as connection:
        connection.exec_driver_sql("UPDATE chargers SET pace = '[10, 20]'")
    assert store.pace("ABC") == Pace((10, 20))
