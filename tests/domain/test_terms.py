"""The terms of a start as one word, and when a driver must agree to them again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.money import Money
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.domain.terms import asks_consent, read_terms, terms_now, terms_of

from .made import T0, a_session, minors, tariffs


def created(**changed: Any) -> Session:
    facts: dict[str, Any] = {
        "phase": Phase.OPEN,
        "status": "created",
        "tariff": Tariff("EUR", 59, 35),
        "hold_minor": 5000,
        "agreed": "EUR-59-35-5000",
    }
    return a_session(**(facts | changed))


@given(tariffs, minors)
def test_terms_come_back_from_their_word_as_they_were(tariff: Tariff, hold: int) -> None:
    read = read_terms(terms_of(tariff, Money(hold, tariff.currency)))
    assert read is not None
    assert (read.tariff, read.hold) == (tariff, Money(hold, tariff.currency))


@given(tariffs, minors, tariffs, minors)
def test_other_terms_have_another_word(one: Tariff, held: int, other: Tariff, other_hold: int) -> None:
    same = (one, held) == (other, other_hold)
    words = terms_of(one, Money(held, one.currency)), terms_of(other, Money(other_hold, other.currency))
    assert (words[0] == words[1]) is same


def test_without_a_price_or_a_hold_there_are_no_terms() -> None:
    assert terms_of(None, Money(5000, "EUR")) == terms_of(Tariff("EUR", 59, 35), None) == ""
    assert terms_now(created(hold_minor=None)) is terms_now(created(tariff=None)) is None


@given(st.text(max_size=40))
def test_no_other_text_is_read_as_terms(text: str) -> None:
    read = read_terms(text)
    assert read is None or read.word == text


@pytest.mark.parametrize(
    "text", [None, "", "EUR-59-35", "eur-59-35-5000", "EUR--59-35-5000", "XXQ-59-35-5000", "EUR-59-35-5000 "]
)
def test_a_word_that_is_none_is_not_read(text: str | None) -> None:
    assert read_terms(text) is None


def test_whoever_pays_on_what_they_read_is_asked_nothing() -> None:
    assert not asks_consent(created())


@pytest.mark.parametrize(
    "changed",
    [
        {"tariff": Tariff("EUR", 88, 35)},
        {"tariff": Tariff("EUR", 59, 36)},
        {"tariff": Tariff("EUR", 49, 35)},
        {"tariff": Tariff("CHF", 59, 35)},
        {"hold_minor": 6000},
        {"hold_minor": 4000},
    ],
)
def test_another_price_or_hold_higher_or_lower_is_agreed_to_first(changed: dict[str, Any]) -> None:
    assert asks_consent(created(**changed))
    now = terms_now(created(**changed))
    assert now is not None
    assert not asks_consent(created(**changed, agreed=now.word))


@pytest.mark.parametrize("missing", [{"agreed": None}, {"tariff": None}, {"hold_minor": None}])
def test_what_is_not_known_is_not_compared(missing: dict[str, Any]) -> None:
    assert not asks_consent(created(**{"tariff": Tariff("EUR", 88, 35), **missing}))


@given(st.sampled_from(Status), st.sampled_from(Phase))
def test_only_what_waits_for_its_payment_asks(status: Status, phase: Phase) -> None:
    changed = created(status=status.value, phase=phase, hold_minor=6000)
    assert asks_consent(changed) is (status is Status.CREATED and phase is Phase.OPEN)


def test_what_its_driver_has_given_up_asks_nothing() -> None:
    assert not asks_consent(created(hold_minor=6000, given_up_at=T0))
