"""The card of a charger: what is free, what is broken, and what can be sold."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.charger import (
    OUT_LASTS,
    STALE_AFTER,
    STARTABLE,
    BayState,
    ChargerCard,
    Connector,
    bay_state,
    charger_is_out,
    connector_word,
    merge,
)

from .made import EURO, T0, after

WORDS = {
    "Available": BayState.FREE,
    "Preparing": BayState.PLUGGED,
    "Charging": BayState.IN_USE,
    "SuspendedEV": BayState.IN_USE,
    "SuspendedEVSE": BayState.IN_USE,
    "Finishing": BayState.IN_USE,
    "Reserved": BayState.KEPT,
    "Unavailable": BayState.OUT_OF_ORDER,
    "Faulted": BayState.OUT_OF_ORDER,
}
ocpp = st.sampled_from([*WORDS, None, "", "available", "Occupied"])


def card(*connectors: Connector, seen_at: datetime = T0, online: bool | None = True) -> ChargerCard:
    return ChargerCard("AB12", "Bay 1", online, connectors, EURO, 5000, seen_at)


@pytest.mark.parametrize(("word", "state"), WORDS.items())
def test_each_word_of_ocpp_has_its_state(word: str, state: BayState) -> None:
    connector = Connector(1, word)
    assert bay_state(card(connector), connector, T0) is state


@pytest.mark.parametrize("word", [None, "", "available", "Levitating"])
def test_another_word_is_not_known(word: str | None) -> None:
    connector = Connector(1, word)
    assert bay_state(card(connector), connector, T0) is BayState.NOT_KNOWN


@given(ocpp, st.booleans(), st.integers(1, 10**6))
def test_old_data_is_never_free(word: str | None, claimed: bool, extra: int) -> None:
    connector = Connector(1, word)
    now = T0 + STALE_AFTER + timedelta(milliseconds=extra)
    assert card(connector).stale(now)
    assert bay_state(card(connector), connector, now, claimed=claimed) is BayState.NOT_KNOWN


def test_data_is_good_for_exactly_a_minute() -> None:
    assert not card().stale(after(-0.001))  # another thread has read it a moment after `now` was read
    assert not card().stale(after(60))
    assert card().stale(after(60.001))


@given(ocpp, st.booleans(), st.sampled_from([False, None]))
def test_a_charger_out_of_contact_is_not_known(word: str | None, claimed: bool, online: bool | None) -> None:
    connector = Connector(1, word)
    assert bay_state(card(connector, online=online), connector, T0, claimed=claimed) is BayState.NOT_KNOWN


@given(st.sampled_from(["Faulted", "Unavailable"]), st.booleans())
def test_a_fault_is_never_in_use_and_never_starting(word: str, claimed: bool) -> None:
    connector = Connector(1, word)
    assert bay_state(card(connector), connector, T0, claimed=claimed) is BayState.OUT_OF_ORDER


@given(ocpp)
def test_a_bay_that_a_session_keeps_cannot_be_started(word: str | None) -> None:
    connector = Connector(1, word)
    claimed = bay_state(card(connector), connector, T0, claimed=True)
    unclaimed = bay_state(card(connector), connector, T0)
    assert claimed not in STARTABLE
    assert claimed is (BayState.STARTING if unclaimed in STARTABLE else unclaimed)


def test_only_a_free_or_plugged_bay_can_be_started() -> None:
    assert {BayState.FREE, BayState.PLUGGED} == STARTABLE


@pytest.mark.parametrize(
    "unreadable", [{"tariff": None}, {"preauth_minor": None}, {"preauth_minor": 0}, {"preauth_minor": -1}]
)
def test_a_card_whose_price_or_hold_cannot_be_read_is_not_sold(unreadable: dict[str, Any]) -> None:
    assert card().sellable
    assert not replace(card(), **unreadable).sellable


def test_a_connector_is_found_by_its_number() -> None:
    one, two = Connector(1, "Available"), Connector(2, "Faulted")
    assert card(one, two).connector(2) is two
    assert card(one, two).connector(3) is None


def test_the_first_card_does_not_know_since_when() -> None:
    fresh = card(Connector(1, "Available"))
    assert merge(None, fresh) is fresh


@given(ocpp, ocpp, st.sampled_from([None, after(-300)]))
def test_since_is_kept_while_the_word_stays_and_set_when_it_changes(
    before: str | None, now: str | None, since: datetime | None
) -> None:
    old = card(Connector(1, before, since=since))
    merged = merge(old, card(Connector(1, now), seen_at=after(10)))
    kept = merged.connector(1)
    assert kept is not None
    assert kept.since == (since if before == now else after(10))
    assert kept.status == now


def test_a_new_connector_does_not_know_since_when() -> None:
    merged = merge(card(Connector(1, "Available")), card(Connector(2, "Available"), seen_at=after(10)))
    assert merged.connectors == (Connector(2, "Available"),)


def test_a_merge_takes_everything_else_from_the_fresh_card() -> None:
    fresh = replace(card(Connector(1, "Available"), seen_at=after(10), online=False), name="Bay one", tariff=None)
    assert merge(card(Connector(1, "Available")), fresh) == fresh


@given(st.lists(ocpp, min_size=2, max_size=12))
def test_since_is_the_moment_of_the_last_change_that_was_seen(story: list[str | None]) -> None:
    held: ChargerCard | None = None
    for second, word in enumerate(story):
        held = merge(held, card(Connector(1, word), seen_at=after(second)))
    changes = [i for i in range(1, len(story)) if story[i] != story[i - 1]]
    assert held is not None
    assert held.connectors[0].since == (after(changes[-1]) if changes else None)


@pytest.mark.parametrize(
    ("said", "word"),
    [("available", "Available"), ("SUSPENDEDEV", "SuspendedEV"), ("Faulted", "Faulted"), ("Levitating", "Levitating")],
)
def test_ocpps_words_are_known_in_every_case_and_others_stay_as_they_are(said: str, word: str) -> None:
    assert connector_word(said) == word


def test_a_bay_that_is_occupied_in_the_words_of_ocpp_2_is_in_use() -> None:
    one = Connector(1, "Occupied")
    card = ChargerCard("7MK4T", None, True, (one,), None, None, T0)
    assert bay_state(card, one, T0) is BayState.IN_USE


@pytest.mark.parametrize(
    ("status", "blocked", "out"),
    [
        ("Faulted", False, True),
        ("unavailable", None, True),
        ("Available", True, True),
        (None, True, True),
        ("Available", False, False),
        ("Available", None, False),
        (None, False, False),
        (None, None, None),
        ("Levitating", False, None),
    ],
)
def test_a_charger_is_out_of_order_by_its_own_word_or_its_operators(
    status: str | None, blocked: bool | None, out: bool | None
) -> None:
    assert charger_is_out(status, blocked=blocked) is out


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Available", BayState.OUT_OF_ORDER),
        ("Preparing", BayState.OUT_OF_ORDER),
        ("Charging", BayState.IN_USE),
        (None, BayState.NOT_KNOWN),
    ],
)
def test_at_a_charger_that_is_out_of_order_no_bay_is_free(word: str | None, state: BayState) -> None:
    one = Connector(1, word)
    card = ChargerCard("7MK4T", None, True, (one,), None, None, T0, out_at=T0 - OUT_LASTS)
    assert bay_state(card, one, T0) is state


def test_that_a_charger_was_out_of_order_long_ago_says_nothing() -> None:
    one = Connector(1, "Available")
    card = ChargerCard("7MK4T", None, True, (one,), None, None, T0, out_at=T0 - OUT_LASTS - timedelta(seconds=1))
    assert bay_state(card, one, T0) is BayState.FREE


def test_the_public_card_does_not_take_back_that_a_charger_is_out_of_order() -> None:
    one = Connector(1, "Available")
    before = ChargerCard("7MK4T", None, True, (one,), None, None, T0, out_at=T0)
    fresh = ChargerCard("7MK4T", None, True, (one,), None, None, T0 + timedelta(seconds=30))
    assert merge(before, fresh).out_at == T0


def test_a_connector_that_is_new_on_the_card_is_taken_as_it_comes() -> None:
    one, two = Connector(1, "Available"), Connector(2, "Charging")
    before = ChargerCard("AB12", None, True, (one,), None, None, T0)
    merged = merge(before, replace(before, connectors=(one, two), seen_at=after(30)))
    assert merged.connector(2) == two
