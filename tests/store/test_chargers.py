"""Cards of chargers, their problems, and the wishes for fresh ones."""

from __future__ import annotations

from dataclasses import replace

from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.commands import Refusal
from kiosk.store import Store

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
    assert store.card_problem("ABC") == (Refusal.UNKNOWN_CHARGER, later(10))
    store.save_card(card(at=20))
    assert store.card_problem("ABC") is None


def test_no_answer_is_a_problem_without_a_reason(store: Store) -> None:
    store.note_card_problem("ABC", None, later(10))
    assert store.card_problem("ABC") == (None, later(10))
    assert store.card("ABC") is None


def test_a_card_and_its_problem_are_read_together(store: Store) -> None:
    assert store.card_and_problem("ABC") == (None, None)
    store.note_card_problem("ABC", None, later(10))
    assert store.card_and_problem("ABC") == (None, (None, later(10)))
    store.save_card(card())
    assert store.card_and_problem("ABC") == (card(), None)
    store.note_card_problem("ABC", Refusal.UNKNOWN_CHARGER, later(20))
    assert store.card_and_problem("ABC") == (card(), (Refusal.UNKNOWN_CHARGER, later(20)))


def test_wishes_come_oldest_first_and_the_oldest_counts(store: Store) -> None:
    store.want_card("ABD", later(2))
    store.want_card("ABC", later(1))
    store.want_card("ABD", later(3))
    assert store.wanted_cards() == [("ABC", later(1)), ("ABD", later(2))]


def test_a_wish_is_answered_by_a_card_or_a_problem(store: Store) -> None:
    for code in ("ABC", "ABD"):
        store.want_card(code, NOW)
    store.save_card(card())
    assert store.wanted_cards() == [("ABD", NOW)]
    store.note_card_problem("ABD", None, NOW)
    assert store.wanted_cards() == []
    store.want_card("ABC", later(60))
    assert store.wanted_cards() == [("ABC", later(60))]


def test_a_wish_of_many_threads_is_one(store: Store, second: Store) -> None:
    outcomes = at_once(20, lambda n: (store, second)[n % 2].want_card("ABC", NOW))
    assert outcomes == [None] * 20
    assert store.wanted_cards() == [("ABC", NOW)]


def test_codes_that_were_never_a_charger_are_forgotten_after_a_day(store: Store) -> None:
    day = 24 * 3600
    store.save_card(card())
    for code in ("ABC", "typo-1", "typo-2"):
        store.note_card_problem(code, Refusal.UNKNOWN_CHARGER, NOW)
    store.want_card("typo-2", later(10))
    store.note_card_problem("typo-3", Refusal.UNKNOWN_CHARGER, later(day))
    assert store.card_problem("typo-1") is not None
    store.note_card_problem("typo-3", Refusal.UNKNOWN_CHARGER, later(day + 1))
    assert store.card_problem("typo-1") is None
    assert store.card("ABC") == card()
    assert store.wanted_cards() == [("typo-2", later(10))]


def test_a_card_without_price_name_or_state_is_kept_as_it_is(store: Store) -> None:
    bare = replace(card(), name=None, online=None, tariff=None, preauth_minor=None, connectors=())
    store.save_card(bare)
    assert store.card("ABC") == bare
