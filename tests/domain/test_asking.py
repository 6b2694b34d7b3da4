"""Who is asked about next, and when one that could not be read is asked about again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.asking import WISH_LIVES, CardWish, Lane, Problem, in_turn
from kiosk.domain.commands import Refusal

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def pauses(refusal: Refusal | None, *, known: bool) -> list[int]:
    return [round((Problem(refusal, NOW, n).again_at(known=known) - NOW).total_seconds()) for n in range(1, 9)]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("refusal", [None, Refusal.UPSTREAM_DOWN, Refusal.INVALID])
def test_a_charger_that_gave_no_card_is_asked_about_soon_and_then_ever_later(
    refusal: Refusal | None, *, known: bool
) -> None:
    assert pauses(refusal, known=known) == [2, 4, 8, 16, 32, 60, 60, 60]


def test_one_of_ours_that_is_closed_is_asked_about_less_and_less() -> None:
    assert pauses(Refusal.UNKNOWN_CHARGER, known=True) == [15, 30, 60, 120, 240, 480, 600, 600]


def test_a_code_that_is_no_charger_is_left_alone_for_ten_minutes() -> None:
    assert pauses(Refusal.UNKNOWN_CHARGER, known=False) == [600] * 8


def test_known_chargers_come_first_the_oldest_wish_before_the_others_and_of_strange_codes_the_newest() -> None:
    wishes = [
        CardWish("strange, older", ago(4), Lane.STRANGER),
        CardWish("near", ago(4.5), Lane.NEIGHBOUR),
        CardWish("strange, newer", ago(1), Lane.STRANGER),
        CardWish("ours, newer", ago(1)),
        CardWish("ours, older", ago(3)),
        CardWish("nobody waits for it", ago(5)),
    ]
    assert [wish.code for wish in in_turn(wishes, NOW)] == [
        "ours, older",
        "ours, newer",
        "near",
        "strange, newer",
        "strange, older",
    ]


@given(
    st.lists(
        st.builds(CardWish, st.text(), st.floats(0, 9).map(ago), st.sampled_from(Lane), st.booleans()), max_size=30
    )
)
def test_nobody_is_served_who_has_left_and_everybody_else_is(wishes: list[CardWish]) -> None:
    turn = in_turn(wishes, NOW)
    assert sorted(turn, key=repr) == sorted((wish for wish in wishes if NOW - wish.at < WISH_LIVES), key=repr)
    assert [wish.lane for wish in turn] == sorted(wish.lane for wish in turn)


@given(st.sampled_from([None, *Refusal]), st.integers(1, 10_000), st.booleans())
def test_every_pause_ends_within_ten_minutes(refusal: Refusal | None, times: int, known: bool) -> None:
    assert NOW < Problem(refusal, NOW, times).again_at(known=known) <= NOW + timedelta(minutes=10)
