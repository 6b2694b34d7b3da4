"""The counts of the board's benchmark: its bytes, and what it asks outside, however many tablets look."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.board import MOST_FIRST_VIEW, weights
from benchmarks.board_calls import TABLETS, Calls, calls
from benchmarks.weight import Weight

USUAL, LARGE = 15, 316
CHARGERS = 30
"""More than there are public reads for in a minute."""


@pytest.fixture(scope="module")
def by_bays(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Weight]:
    return weights(tmp_path_factory.mktemp("boards"))


def test_the_first_view_of_a_garage_fits_into_one_round_trip(by_bays: dict[int, Weight]) -> None:
    assert by_bays[USUAL].first_view <= MOST_FIRST_VIEW


@pytest.mark.parametrize("bays", [USUAL, LARGE])
def test_a_board_fetches_from_no_other_origin_by_itself(by_bays: dict[int, Weight], bays: int) -> None:
    assert by_bays[bays].origins == frozenset()


@pytest.mark.parametrize("bays", [USUAL, LARGE])
def test_every_text_of_a_board_comes_compressed(by_bays: dict[int, Weight], bays: int) -> None:
    assert by_bays[bays].compressed


def test_every_bay_is_counted(by_bays: dict[int, Weight]) -> None:
    assert by_bays[LARGE].first_view > by_bays[USUAL].first_view + LARGE


def counted(tablets: int, token: bool) -> Calls:
    two = timedelta(minutes=2)
    return calls(CHARGERS, tablets, token=token, settled=two, measured=two)


@pytest.mark.parametrize("token", [True, False], ids=["with a token", "without"])
def test_many_tablets_ask_no_more_of_the_outside_than_one(token: bool) -> None:
    one, many = counted(1, token), counted(TABLETS, token)
    assert many.by_route == one.by_route
    assert one.for_boards > 10
    assert one.refused == many.refused == 0


def test_with_a_token_nothing_is_asked_for_a_board_that_nobody_looks_at() -> None:
    assert counted(0, token=True).for_boards == 0


def test_without_one_cards_are_read_at_the_slow_beat_alone_while_nobody_looks() -> None:
    seen = counted(0, token=False)
    assert 0 < seen.for_boards <= 10 * 60  # of an hour
    assert seen.refused == 0


def test_with_a_token_no_bay_grows_too_old_to_be_shown() -> None:
    assert counted(1, token=True).old == 0
