"""Pursued to its effect: while the effect of a sending is missing, the next one is a minute away at most."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.commands import UNDER_WAY, AskedBy, Command, CommandState, Kind, Refusal, Wish
from kiosk.domain.limits import Step
from kiosk.domain.pursuit import (
    AT_ONCE,
    GAPS,
    LONGEST_GAP,
    LOST_FOR,
    Due,
    end_needed,
    next_end,
    next_look,
    payment_checked,
    tried,
)
from kiosk.domain.session import HoldProof, Phase, Session
from kiosk.domain.status import TABLE, Status

from .made import a_session, after, words

ENDED = [CommandState.DONE, CommandState.REFUSED, CommandState.UNKNOWN]
OWN = Step(Kind.STOP, AskedBy.LIMIT)


def running(status: str = "charging", **changed: Any) -> Session:
    """A session that upstream answered about a moment ago, and that its driver wants to end since second 0."""
    facts: dict[str, Any] = {
        "phase": Phase.OPEN,
        "status": status,
        "status_since": after(-600),
        "charger_online": True,
        "asked_at": after(3600),
        "wish": Wish(Kind.STOP, AskedBy.DRIVER, after(0)),
    }
    return a_session(**(facts | changed))


def sent(
    kind: Kind, state: CommandState, at: float, number: int = 1, by: AskedBy = AskedBy.DRIVER, **changed: Any
) -> Command:
    """A command that was asked at `at`, left at once and has ended a second later, when its state is an end."""
    ended = after(at + 1) if state not in UNDER_WAY else None
    return Command(number, "key", kind, by, after(at), state, attempts=1, sent_at=after(at), ended_at=ended, **changed)


def waits(due: Due | None, last_end: float) -> float:
    """Seconds between the end of the last sending and the next."""
    assert due is not None
    return (due.at - after(last_end)).total_seconds()


# --- the end


@pytest.mark.parametrize("status", list(Status))
def test_what_ends_a_session_follows_from_its_status(status: Status) -> None:
    kind = end_needed(running(status.value))
    expected = Kind.STOP if TABLE[status].stop or status is Status.STOPPING else None
    assert kind == (Kind.CANCEL if TABLE[status].cancel else expected)


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.REFUSED, Phase.NO_ANSWER, Phase.LEFT])
def test_what_upstream_never_made_needs_no_end(phase: Phase) -> None:
    assert end_needed(running(phase=phase)) is None


def test_a_wish_is_sent_at_once() -> None:
    assert next_end(running(), [], None, after(0)) == Due(Kind.STOP, AskedBy.DRIVER, after(0))


def test_without_a_wish_and_without_a_step_of_the_kiosk_nothing_is_sent() -> None:
    assert next_end(running(wish=None), [], None, after(0)) is None


def test_the_kiosks_own_step_is_pursued_like_a_wish_for_as_long_as_it_is_right() -> None:
    session = running(wish=None)
    refused = [sent(Kind.STOP, CommandState.REFUSED, 0, by=AskedBy.LIMIT)]
    assert next_end(session, refused, OWN, after(10)) == Due(Kind.STOP, AskedBy.LIMIT, after(6))
    assert next_end(session, refused, None, after(10)) is None


def test_a_drivers_wish_goes_before_the_kiosks_own_step() -> None:
    due = next_end(running(), [], OWN, after(0))
    assert due is not None
    assert due.asked_by is AskedBy.DRIVER


@pytest.mark.parametrize("state", sorted(UNDER_WAY))
def test_while_one_is_under_way_no_other_is_sent(state: CommandState) -> None:
    assert next_end(running(), [sent(Kind.STOP, state, 0)], None, after(500)) is None


@pytest.mark.parametrize("state", ENDED)
@pytest.mark.parametrize("refusal", [None, Refusal.CHARGER_OFFLINE, Refusal.TOO_MANY, Refusal.NOT_NOW])
@pytest.mark.parametrize("before", range(12))
def test_however_a_sending_ended_the_next_is_at_most_a_minute_away(
    state: CommandState, refusal: Refusal | None, before: int
) -> None:
    commands = [sent(Kind.STOP, state, 100 * one, one, refusal=refusal) for one in range(before + 1)]
    last_end = 100 * before + 1
    for session in (
        running(),
        running(charger_online=False),
        running(asked_at=after(-10)),
        running(phase=Phase.GONE, gone_at=after(last_end)),
    ):
        due = next_end(session, commands, None, after(last_end))
        assert 0 < waits(due, last_end) <= LONGEST_GAP.total_seconds()


def test_the_gaps_grow_from_seconds_to_a_minute() -> None:
    commands: list[Command] = []
    found, at = [], 0.0
    for number in range(7):
        commands.append(sent(Kind.STOP, CommandState.REFUSED, at, number))
        wait = waits(next_end(running(), commands, None, after(at + 1)), at + 1)
        found.append(wait)
        at += 1 + wait
    assert found == [*(gap.total_seconds() for gap in GAPS), 60, 60]


def test_a_charger_that_said_yes_is_given_time_to_stop() -> None:
    assert waits(next_end(running(), [sent(Kind.STOP, CommandState.DONE, 0)], None, after(2)), 1) == 20


@pytest.mark.parametrize("state", ENDED)
def test_it_is_sent_again_only_after_a_reading_or_a_minute_without_one(state: CommandState) -> None:
    unread = running(asked_at=after(0.5))
    assert waits(next_end(unread, [sent(Kind.STOP, state, 0)], None, after(2)), 1) == 60


@pytest.mark.parametrize("state", ENDED)
def test_when_contact_comes_back_it_is_sent_at_once(state: CommandState) -> None:
    commands = [sent(Kind.STOP, state, 0)]
    assert waits(next_end(running(back_at=after(30)), commands, None, after(30)), 1) == 29
    flapping = next_end(running(back_at=after(2)), commands, None, after(2))
    assert waits(flapping, 1) == AT_ONCE.total_seconds()


def test_a_cancel_that_lost_its_race_to_the_start_is_a_stop_at_once() -> None:
    wish = Wish(Kind.CANCEL, AskedBy.DRIVER, after(0))
    for state in ENDED:
        due = next_end(running(wish=wish), [sent(Kind.CANCEL, state, 0)], None, after(4))
        assert due == Due(Kind.STOP, AskedBy.DRIVER, after(4))


def test_a_cancel_that_came_too_late_is_a_stop_also_while_nobody_knows_upstreams_word() -> None:
    wish = Wish(Kind.CANCEL, AskedBy.DRIVER, after(0))
    strange = running("optimising", last_known="starting", wish=wish)
    late = sent(Kind.CANCEL, CommandState.REFUSED, 0, refusal=Refusal.NOT_NOW)
    assert next_end(strange, [late], None, after(4)) == Due(Kind.STOP, AskedBy.DRIVER, after(4))
    own = Step(Kind.CANCEL, AskedBy.START_DEADLINE)
    assert next_end(replace(strange, wish=None), [late], own, after(4)) == Due(
        Kind.STOP, AskedBy.START_DEADLINE, after(4)
    )
    for other in (replace(late, refusal=Refusal.UPSTREAM_DOWN), replace(late, state=CommandState.DONE, refusal=None)):
        due = next_end(strange, [other], None, after(60))
        assert due is not None
        assert due.kind is Kind.CANCEL


def test_a_charger_that_goes_on_stopping_is_asked_again_every_minute() -> None:
    stopping = running("stopping", status_since=after(2))
    commands = [sent(Kind.STOP, CommandState.DONE, 0)]
    assert waits(next_end(stopping, commands, None, after(3)), 2) == 60
    later = [*commands, sent(Kind.STOP, CommandState.REFUSED, 62, 2)]
    assert waits(next_end(stopping, later, None, after(70)), 63) == 60


def test_a_stop_that_the_kiosk_began_is_pursued_while_the_charger_stops() -> None:
    stopping = running("stopping", wish=None, status_since=after(2))
    commands = [sent(Kind.STOP, CommandState.DONE, 0, by=AskedBy.LIMIT)]
    due = next_end(stopping, commands, None, after(90))
    assert due == Due(Kind.STOP, AskedBy.LIMIT, after(62))
    assert next_end(stopping, [], None, after(90)) is None


@pytest.mark.parametrize("status", [one.value for one in Status if not (TABLE[one].stop or TABLE[one].cancel)])
def test_a_wish_ends_with_its_effect(status: str) -> None:
    if status != Status.STOPPING:
        assert next_end(running(status), [sent(Kind.STOP, CommandState.DONE, 0)], None, after(500)) is None


def test_a_session_that_upstream_has_not_known_for_long_is_asked_nothing_until_it_comes_back() -> None:
    lost = running(phase=Phase.GONE, gone_at=after(0))
    commands = [sent(Kind.STOP, CommandState.UNKNOWN, 0)]
    long_after = after(0) + LOST_FOR + timedelta(seconds=1)
    assert next_end(lost, commands, None, long_after) is None
    back = replace(lost, phase=Phase.OPEN, gone_at=None, back_at=long_after)
    assert next_end(back, commands, None, long_after) == Due(Kind.STOP, AskedBy.DRIVER, long_after)


ANY_COMMANDS = st.lists(
    st.builds(
        lambda kind, state, at: (kind, state, at),
        st.sampled_from([Kind.STOP, Kind.CANCEL]),
        st.sampled_from(ENDED),
        st.floats(0, 3600),
    ),
    max_size=12,
).map(lambda rows: [sent(kind, state, at, n) for n, (kind, state, at) in enumerate(sorted(rows, key=lambda r: r[2]))])


@given(
    status=words,
    commands=ANY_COMMANDS,
    online=st.sampled_from([True, False, None]),
    asked=st.none() | st.floats(0, 7200),
    back=st.none() | st.floats(0, 3600),
    now=st.floats(3601, 7200),
)
def test_a_wished_end_that_is_still_missing_is_always_due_within_a_minute_of_the_last_sending(
    status: str, commands: list[Command], online: bool | None, asked: float | None, back: float | None, now: float
) -> None:
    session = running(
        status,
        charger_online=online,
        asked_at=None if asked is None else after(asked),
        back_at=None if back is None else after(back),
    )
    kind = end_needed(session)
    due = next_end(session, commands, None, after(now))
    assert (due is None) == (kind is None)
    if due is not None:
        ends = [one.ended_at for one in commands if one.kind is due.kind and one.ended_at is not None]
        assert due.kind is kind
        assert due.at <= max([after(now), *(end + LONGEST_GAP for end in ends)])
        assert all(due.at - end >= AT_ONCE for end in ends)


# --- what was tried


def test_what_was_tried_counts_every_sending_that_has_ended() -> None:
    commands = [
        sent(Kind.STOP, CommandState.REFUSED, 0, 1),
        sent(Kind.STOP, CommandState.UNKNOWN, 10, 2),
        sent(Kind.STOP, CommandState.SENT, 20, 3),
    ]
    found = tried(running(), commands)
    assert found is not None
    assert (found.times, found.last_at, found.outcome) == (2, after(11), CommandState.UNKNOWN)
    assert tried(running("settling"), commands) is None
    assert tried(running(), commands[2:]) is None


# --- the payment


def unpaid(**changed: Any) -> Session:
    return running("created", **{"wish": None, "payment_shown_at": after(0), **changed})


def looks(session: Session, until: float = 900) -> list[float]:
    """When upstream is asked, in seconds, when each look ends a second later and finds nothing."""
    commands: list[Command] = []
    found: list[float] = []
    while (due := next_look(session, commands)) is not None and due.at < after(until):
        at = (due.at - after(0)).total_seconds()
        found.append(at)
        commands.append(sent(due.kind, CommandState.DONE, at, len(found), due.asked_by))
    return found


def test_whether_it_was_paid_is_asked_soon_and_then_every_two_minutes() -> None:
    assert looks(unpaid(), 500) == [20, 60, 181, 302, 423]


def test_before_the_form_was_handed_out_nobody_can_have_paid() -> None:
    assert next_look(unpaid(payment_shown_at=None), []) is None


@pytest.mark.parametrize("status", [one.value for one in Status if one is not Status.CREATED])
def test_what_upstream_knows_of_is_not_asked(status: str) -> None:
    assert next_look(running(status, payment_shown_at=after(0)), []) is None


@pytest.mark.parametrize("state", sorted(UNDER_WAY))
def test_one_look_at_a_time(state: CommandState) -> None:
    assert next_look(unpaid(), [sent(Kind.CONFIRM, state, 5)]) is None


@pytest.mark.parametrize("state", [CommandState.UNKNOWN, CommandState.REFUSED])
def test_a_driver_who_says_that_they_paid_is_not_forgotten_when_nobody_looked(state: CommandState) -> None:
    due = next_look(unpaid(), [sent(Kind.CONFIRM, state, 100)])
    assert due == Due(Kind.CONFIRM, AskedBy.KIOSK, after(121))


def test_the_providers_own_word_is_passed_on_at_once() -> None:
    proof = HoldProof(after(200), "requires_capture", 5000, 0)
    due = next_look(unpaid(proof=proof), [sent(Kind.CONFIRM, CommandState.DONE, 181, by=AskedBy.KIOSK)])
    assert due == Due(Kind.CONFIRM, AskedBy.PROVIDER, after(200))
    again = next_look(unpaid(proof=proof), [sent(Kind.CONFIRM, CommandState.DONE, 200, by=AskedBy.PROVIDER)])
    assert again is not None
    assert again.at > after(201)


# --- whether it is still being checked


def test_nobody_checks_before_somebody_says_that_they_paid() -> None:
    assert payment_checked(unpaid(), []) is None
    assert payment_checked(unpaid(), [sent(Kind.CONFIRM, CommandState.DONE, 20, by=AskedBy.KIOSK)]) is None


@pytest.mark.parametrize("state", [*sorted(UNDER_WAY), CommandState.UNKNOWN])
def test_it_is_checked_until_upstream_has_answered(state: CommandState) -> None:
    assert payment_checked(unpaid(), [sent(Kind.CONFIRM, state, 10)]) is False


def test_a_look_that_upstream_had_no_room_for_has_not_looked() -> None:
    refused = sent(Kind.CONFIRM, CommandState.REFUSED, 10, refusal=Refusal.TOO_MANY)
    assert payment_checked(unpaid(), [refused]) is False
    said_no = replace(refused, refusal=Refusal.NOT_NOW)
    assert payment_checked(unpaid(), [said_no]) is True


def test_a_later_reading_ends_the_checking() -> None:
    confirm = sent(Kind.CONFIRM, CommandState.DONE, 10)
    assert payment_checked(unpaid(asked_at=after(9)), [confirm]) is False
    assert payment_checked(unpaid(asked_at=after(14)), [confirm]) is True


def test_a_look_of_the_kiosk_answers_for_one_of_the_driver_that_got_none() -> None:
    asked = [
        sent(Kind.CONFIRM, CommandState.UNKNOWN, 10, 1),
        sent(Kind.CONFIRM, CommandState.DONE, 60, 2, AskedBy.KIOSK),
    ]
    assert payment_checked(unpaid(), asked) is True
    earlier = [replace(asked[1], id=0), asked[0]]
    assert payment_checked(unpaid(), earlier) is False


def test_what_the_provider_says_is_held_is_never_called_not_there() -> None:
    confirm = sent(Kind.CONFIRM, CommandState.DONE, 10)
    held = HoldProof(after(5), "requires_capture", 5000, 0)
    assert payment_checked(unpaid(proof=held), [confirm]) is False
    told = sent(Kind.CONFIRM, CommandState.DONE, 10, by=AskedBy.PROVIDER)
    assert payment_checked(unpaid(), [told]) is False
