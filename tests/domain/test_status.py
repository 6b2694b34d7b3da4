"""The table of statuses against what upstream documents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.status import (
    CANCELLABLE,
    EMAIL_OPEN,
    ENDED_WITHOUT_PAYMENT,
    FINAL,
    STRANGE,
    TABLE,
    Group,
    Status,
    facts,
    facts_after,
    known,
)

FIFTEEN = (
    "created",
    "authorized",
    "starting",
    "charging",
    "stopping",
    "settling",
    "captured",
    "no_charge",
    "expired",
    "failed",
    "abandoned",
    "capture_failed",
    "requires_review",
    "refunded",
    "written_off",
)


def names(statuses: frozenset[Status]) -> set[str]:
    return {status.value for status in statuses}


def test_the_fifteen_documented_statuses_are_all_in_the_table() -> None:
    assert sorted(FIFTEEN) == sorted(status.value for status in TABLE) == sorted(status.value for status in Status)


@pytest.mark.parametrize(
    ("group", "members"),
    [
        (Group.UNPAID, "created"),
        (Group.PREPARING, "authorized starting"),
        (Group.RUNNING, "charging stopping"),
        (Group.SETTLING, "settling"),
        (Group.ENDED, "captured no_charge expired failed abandoned refunded written_off"),
        (Group.OPERATOR, "capture_failed requires_review"),
        (Group.STRANGE, ""),
    ],
)
def test_every_status_stands_in_its_group(group: Group, members: str) -> None:
    assert {s.value for s, row in TABLE.items() if row.group is group} == set(members.split())


def test_cancel_is_open_only_before_charging() -> None:
    assert names(CANCELLABLE) == {"created", "authorized", "starting"}


def test_stop_is_open_only_while_charging() -> None:
    assert names(frozenset(status for status, facts in TABLE.items() if facts.stop)) == {"charging"}


def test_an_email_is_taken_until_the_capture() -> None:
    assert names(EMAIL_OPEN) == {"created", "authorized", "starting", "charging", "stopping", "settling"}


def test_nothing_more_is_expected_after_an_end_but_of_the_operator() -> None:
    assert names(FINAL) == {"captured", "no_charge", "expired", "failed", "abandoned", "refunded", "written_off"}


def test_four_ends_take_no_money() -> None:
    assert names(ENDED_WITHOUT_PAYMENT) == {"no_charge", "expired", "failed", "abandoned"}
    assert ENDED_WITHOUT_PAYMENT < FINAL


def test_the_bay_is_kept_from_the_start_to_the_end_of_the_current() -> None:
    assert {s.value for s, row in TABLE.items() if row.occupies} == {
        "created",
        "authorized",
        "starting",
        "charging",
        "stopping",
    }


@pytest.mark.parametrize("status", list(Status))
def test_no_status_can_be_both_cancelled_and_stopped(status: Status) -> None:
    row = facts(status.value)
    assert not (row.cancel and row.stop)
    assert not (row.final and (row.cancel or row.stop or row.email or row.occupies))


@given(st.text() | st.none())
def test_a_word_that_is_not_in_the_table_offers_nothing_and_ends_nothing(word: str | None) -> None:
    if word in FIFTEEN:
        return
    assert known(word) is None
    row = facts(word)
    assert row is STRANGE
    assert (row.group, row.cancel, row.stop, row.email, row.final) == (Group.STRANGE, False, False, False, False)
    assert row.occupies


@pytest.mark.parametrize("word", FIFTEEN)
def test_a_known_word_has_its_row(word: str) -> None:
    assert facts(word) is TABLE[Status(word)]
    assert known(word) is Status(word)
    assert known(word.upper()) is None


@pytest.mark.parametrize(
    ("before", "group", "final"),
    [
        (None, Group.SETTLING, False),
        ("charging", Group.SETTLING, False),
        ("settling", Group.SETTLING, False),
        ("requires_review", Group.OPERATOR, False),
        ("captured", Group.ENDED, True),
    ],
)
def test_a_strange_word_of_what_is_over_leaves_nothing_to_stop_and_no_bay_to_keep(
    before: str | None, group: Group, final: bool
) -> None:
    facts = facts_after("recalibrating", before, over=True, long=False)
    assert (facts.group, facts.final, facts.occupies, facts.stop) == (group, final, False, False)


def test_a_strange_word_keeps_the_bay_that_the_word_before_kept_but_not_for_ever() -> None:
    assert facts_after("recalibrating", "charging", over=False, long=False).occupies
    assert not facts_after("recalibrating", "charging", over=False, long=True).occupies


def test_a_word_that_we_know_counts_whatever_was_before_it() -> None:
    assert facts_after("captured", "charging", over=False, long=False) == TABLE[Status.CAPTURED]
