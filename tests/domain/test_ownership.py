"""Whose a charger is: what is not known is not another's, and what was ours goes only by two words that last a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.ownership import (
    CODE_EVERY,
    JUST_LEARNT,
    LEARNT_COUNTS,
    LET_GO_AFTER,
    LIST_EVERY,
    NAMED_EVERY,
    NO_CODE_EVERY,
    ListProblem,
    OwnCharger,
    OwnList,
    Whose,
    all_asked,
    ask_in,
    in_turn,
    list_wanted_every,
    none_told,
    whose,
)

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

ages = st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=3)).map(lambda age: NOW - age))
chargers = st.builds(
    OwnCharger,
    uuid=st.uuids().map(str),
    code=st.sampled_from([None, "7MK4T", "9QX6B"]),
    asked_at=ages,
    refused=st.booleans(),
    missing_since=ages,
)
lists = st.builds(
    OwnList, whole_at=ages, learnt_at=ages, problem=st.sampled_from([None, *ListProblem]), problem_since=ages
)


def of(known: OwnList) -> Whose:
    return whose(own=False, learns=True, known=known, now=NOW)


@given(lists, st.booleans())
def test_what_is_listed_or_was_found_is_ours_whatever_becomes_of_the_list(known: OwnList, learns: bool) -> None:
    assert whose(own=True, learns=learns, known=known, now=NOW) is Whose.OURS


@given(lists)
def test_without_a_token_whatever_is_not_listed_is_anothers(known: OwnList) -> None:
    assert whose(own=False, learns=False, known=known, now=NOW) is Whose.ANOTHERS


@given(lists)
def test_nothing_is_called_anothers_without_a_list_that_was_learnt_within_a_day(known: OwnList) -> None:
    if of(known) is Whose.ANOTHERS:
        assert known.learnt_at is not None
        assert NOW - known.learnt_at <= LEARNT_COUNTS


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (OwnList(), Whose.ASKING),
        (OwnList(whole_at=NOW), Whose.ASKING),
        (OwnList(NOW, NOW), Whose.ANOTHERS),
        (OwnList(NOW, NOW - JUST_LEARNT), Whose.ANOTHERS),
        (OwnList(NOW, NOW - JUST_LEARNT - MINUTE), Whose.ASKING),
        (OwnList(problem=ListProblem.NOT_ALLOWED), Whose.NOT_KNOWN),
        (OwnList(NOW, None, ListProblem.NO_SETTINGS), Whose.NOT_KNOWN),
        (OwnList(NOW, NOW - timedelta(hours=23), ListProblem.TOKEN), Whose.ANOTHERS),
        (OwnList(NOW, NOW - timedelta(hours=25), ListProblem.TOKEN), Whose.NOT_KNOWN),
    ],
)
def test_whose_a_charger_is_that_nobody_has_shown_yet(known: OwnList, said: Whose) -> None:
    assert of(known) is said


@pytest.mark.parametrize(
    ("learnt", "asked", "every"),
    [
        (None, True, JUST_LEARNT),
        (None, False, LIST_EVERY),
        (NOW - JUST_LEARNT, True, LIST_EVERY),
        (NOW - 2 * JUST_LEARNT, True, JUST_LEARNT),
        (NOW - 2 * JUST_LEARNT, False, LIST_EVERY),
    ],
)
def test_the_list_is_read_sooner_while_somebody_waits_and_it_is_not_young(
    learnt: datetime | None, asked: bool, every: timedelta
) -> None:
    assert list_wanted_every(OwnList(learnt, learnt), NOW, asked=asked) == every


# --- in which order it is found out


def test_first_comes_what_somebody_waits_for_then_what_was_never_asked_then_the_oldest() -> None:
    waited = OwnCharger("waited", None, NOW - 2 * NAMED_EVERY)
    new = OwnCharger("new")
    closed = OwnCharger("closed", None, NOW - NO_CODE_EVERY)
    old = OwnCharger("old", "7MK4T", NOW - 2 * CODE_EVERY)
    due = OwnCharger("due", "9QX6B", NOW - CODE_EVERY)
    young = OwnCharger("young", "2PL7S", NOW - timedelta(hours=23))
    turn = in_turn([young, due, old, closed, new, waited], {"waited"}, NOW)
    assert [each.uuid for each in turn] == ["waited", "new", "closed", "old", "due"]


def test_a_charger_that_lists_lack_is_asked_itself_every_hour() -> None:
    missing = OwnCharger("a", "7MK4T", NOW, missing_since=NOW)
    assert ask_in(missing, NOW, named=False) == NO_CODE_EVERY


@given(st.lists(chargers, max_size=8))
def test_whoever_is_asked_is_due_and_nobody_is_asked_twice(some: list[OwnCharger]) -> None:
    turn = in_turn(some, (), NOW)
    assert all(ask_in(each, NOW, named=False) <= timedelta(0) for each in turn)
    assert len(turn) == sum(ask_in(each, NOW, named=False) <= timedelta(0) for each in some)


@given(st.lists(chargers, max_size=8))
def test_the_list_is_learnt_only_when_every_charger_was_asked(some: list[OwnCharger]) -> None:
    if all_asked(some, (), NOW):
        assert all(each.asked_at is not None or each.code is not None for each in some)


@given(st.lists(chargers, min_size=1, max_size=8))
def test_a_charger_at_whose_name_somebody_waits_was_asked_within_a_minute_before_the_list_counts(
    some: list[OwnCharger],
) -> None:
    if all_asked(some, {some[0].uuid}, NOW):
        assert some[0].asked_at is not None
        assert NOW - some[0].asked_at < NAMED_EVERY


def test_a_token_that_sees_no_settings_has_told_nothing_and_an_empty_list_has_told_that_there_is_nothing() -> None:
    refused = OwnCharger("a", None, NOW, refused=True)
    assert none_told([refused, refused])
    assert not none_told([refused, OwnCharger("b", "7MK4T", NOW)])
    assert not none_told([OwnCharger("a", None, NOW)])
    assert not none_told([])


# --- what is let go


@given(chargers)
def test_nothing_is_let_go_that_is_on_the_list_or_whose_settings_are_answered(one: OwnCharger) -> None:
    assert not replace(one, missing_since=None).let_go
    assert not replace(one, refused=False).let_go


@given(chargers)
def test_what_was_ours_yesterday_is_ours_today(one: OwnCharger) -> None:
    if one.let_go:
        assert one.missing_since is not None
        assert one.asked_at is not None
        assert one.asked_at - one.missing_since >= LET_GO_AFTER


def test_what_lists_lack_for_a_day_and_is_refused_afterwards_is_let_go() -> None:
    assert OwnCharger("a", "7MK4T", NOW, refused=True, missing_since=NOW - LET_GO_AFTER).let_go
    assert not OwnCharger("a", "7MK4T", NOW, refused=True, missing_since=NOW - LET_GO_AFTER + MINUTE).let_go
