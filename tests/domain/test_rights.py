"""Rights that were handed over can be taken back by who began or paid, and never the other way round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.rights import FIRST, HANDED_OVER, How, Right, may_be_taken_back

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)

rights = st.builds(
    Right,
    mark=st.text("abcdef", min_size=4, max_size=4),
    how=st.sampled_from([*How, "a word of another release"]),
    granted_at=st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes)),
)


def right(mark: str, how: str, minute: int) -> Right:
    return Right(mark, how, NOON + timedelta(minutes=minute))


@given(rights, st.lists(rights, max_size=6))
def test_only_first_owners_take_back_and_only_what_was_handed_over(mine: Right, others: list[Right]) -> None:
    taken = may_be_taken_back(mine, others)
    assert not taken or mine.how in FIRST
    assert all(one.how in HANDED_OVER and one.mark != mine.mark for one in taken)


@given(rights, rights)
def test_two_devices_never_take_back_from_each_other(one: Right, other: Right) -> None:
    assert not (may_be_taken_back(one, [other]) and may_be_taken_back(other, [one]))


@given(rights, st.lists(rights, max_size=6))
def test_who_began_can_take_back_all_that_was_handed_over_whatever_the_clock_said(
    mine: Right, others: list[Right]
) -> None:
    began = Right(mine.mark, How.START, mine.granted_at)
    handed = {one.mark for one in others if one.how in HANDED_OVER} - {began.mark}
    assert {one.mark for one in may_be_taken_back(began, others)} == handed


def test_a_phone_that_took_the_session_from_the_screen_takes_back_what_came_later_and_not_what_came_before() -> None:
    phone = right("phone", How.SCREEN, 2)
    before, later = right("friend", How.TAKEOVER, 1), right("stranger", How.TAKEOVER, 3)
    assert may_be_taken_back(phone, [right("screen", How.START, 0), later, before]) == (later,)


def test_a_device_that_was_let_in_takes_nothing_from_anybody() -> None:
    assert may_be_taken_back(right("friend", How.TAKEOVER, 1), [right("other", How.TAKEOVER, 2)]) == ()
    assert may_be_taken_back(right("screen", How.CODE, 1), [right("other", How.TAKEOVER, 2)]) == ()
