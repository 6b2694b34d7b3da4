"""Starts that nobody pays: who has to wait, and for how long; how long an unpaid start is kept, and for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.commands import AskedBy, Kind, Wish
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.unpaid import (
    COUNTS,
    FORMLESS_LIVES,
    FREE_TRIES,
    HIDDEN_LIVES,
    KEPT_LIVES,
    LONGEST_FOR_MANY,
    LONGEST_UNPAID,
    TIRED_CHARGER,
    UNSEEN_LIVES,
    Applicant,
    Life,
    NotYet,
    Origin,
    Paying,
    Wait,
    after_its_time,
    debts,
    free_again_by,
    life_of,
    most_unpaid,
    not_yet,
    paying_by,
    unpaid_ends,
    wanted_end,
)

from .made import T0, a_session, after

CODES = frozenset({"A", "B", "C"})
BAYS = 9
STRANGER = Applicant("the stranger's phone", "the stranger's network")

origins = st.builds(
    Origin,
    key=st.uuids().map(str),
    code=st.sampled_from([*sorted(CODES), "elsewhere"]),
    device=st.sampled_from(["d1", "d2", "d3"]),
    network=st.sampled_from(["n1", "n2", None]),
    on_site=st.booleans(),
    asked_at=st.integers(0, 5400).map(lambda seconds: T0 - timedelta(seconds=seconds)),
    life=st.sampled_from(Life),
)
applicants = st.builds(
    Applicant, st.sampled_from(["d1", "d2", "d3", "new"]), st.sampled_from(["n1", "n2", "n3", None]), st.booleans()
)


def asked(ago: float = 60, life: Life = Life.WASTED, **more: object) -> Origin:
    facts: dict[str, object] = {
        "key": f"key-{ago}",
        "code": "A",
        "device": STRANGER.device,
        "network": STRANGER.network,
        "on_site": False,
        "asked_at": T0 - timedelta(seconds=ago),
        "life": life,
    }
    return Origin(**(facts | more))  # type: ignore[arg-type]


def answer(
    who: Applicant, known: Sequence[Origin], *, code: str = "A", now: datetime = T0, bays: int = BAYS
) -> NotYet | None:
    return not_yet(who, code, known, now, codes=CODES, bays=bays)


# Who has to wait.


@given(applicants, st.lists(origins, max_size=30))
def test_nobody_waits_longer_than_an_hour(who: Applicant, known: list[Origin]) -> None:
    wait = answer(who, known)
    assert wait is None or T0 <= wait.again_at <= T0 + COUNTS
    assert answer(who, known, now=T0 + COUNTS) is None


@given(st.lists(st.builds(asked, st.integers(0, 3599), device=st.sampled_from(["d1", "d2"])), min_size=5, max_size=30))
def test_when_the_told_time_has_come_the_reason_for_it_is_over(known: list[Origin]) -> None:
    """So many wasted starts of one network that everybody of it waits for something."""
    for who in (Applicant("d1", None), Applicant("new", STRANGER.network)):
        wait = answer(who, known)
        if wait is not None:
            again = answer(who, known, now=wait.again_at)
            assert again is None or (again.why, wait.why) == (Wait.TIRED_CHARGER, Wait.TOO_OFTEN)


@given(st.lists(origins, max_size=40), st.sampled_from(["n1", "n2", None]))
def test_whoever_shows_a_fresh_code_of_the_screen_is_shut_out_by_nobody_else(
    known: list[Origin], network: str | None
) -> None:
    assert answer(Applicant("new", network, on_site=True), known) is None


@given(st.lists(origins, max_size=40), st.sampled_from(["n1", "n2", None]))
def test_whoever_has_paid_is_shut_out_by_nobody_else(known: list[Origin], network: str | None) -> None:
    paid = asked(1800, Life.PAID, device="new", network=network, key="paid")
    assert answer(Applicant("new", network), [*known, paid]) is None


@given(st.lists(origins, max_size=40))
def test_a_driver_of_another_network_is_kept_away_by_nobody(known: list[Origin]) -> None:
    assert answer(Applicant("new", "n3"), known) is None
    assert answer(Applicant("new", None), known) is None


@given(st.lists(origins, max_size=40))
def test_a_network_waits_at_most_a_quarter_of_an_hour_for_what_others_of_it_did(known: list[Origin]) -> None:
    wait = answer(Applicant("new", "n1"), known)
    assert wait is None or wait.again_at <= T0 + LONGEST_FOR_MANY


@pytest.mark.parametrize("life", [Life.OPEN, Life.WAITS])
def test_a_device_with_an_unpaid_start_is_led_to_it(life: Life) -> None:
    own = asked(30, life, key="own", code="elsewhere")
    wait = answer(replace(STRANGER, on_site=True), [own])
    assert wait == NotYet(Wait.OWN_UNPAID, T0, "own")


@pytest.mark.parametrize(("bays", "most"), [(1, 2), (2, 2), (9, 2), (15, 3), (50, 10), (200, 40)])
def test_the_share_of_a_network_grows_with_the_site(bays: int, most: int) -> None:
    assert most_unpaid(bays, 0) == most
    near = [asked(30, Life.OPEN, device=f"d{n}", key=f"k{n}") for n in range(most)]
    assert answer(STRANGER, near[1:], bays=bays) is None
    wait = answer(STRANGER, near, bays=bays)
    assert wait is not None
    assert wait.why is Wait.CROWDED


def test_when_half_of_the_site_is_taken_unpaid_each_network_has_one() -> None:
    others = [asked(30, Life.OPEN, device=f"d{n}", network=f"n{n}", key=f"k{n}") for n in range(5)]
    assert answer(STRANGER, others) is None
    wait = answer(Applicant("new", "n1"), others)
    assert wait is not None
    assert wait.why is Wait.CROWDED


def test_the_free_tries_of_a_device_cost_nothing_and_the_pause_after_them_doubles() -> None:
    free = [asked(60 + n) for n in range(FREE_TRIES)]
    assert answer(replace(STRANGER, on_site=True), free[1:]) is None
    waits = []
    for more in range(4):
        wait = answer(replace(STRANGER, on_site=True), [*free, *(asked(30 + n) for n in range(more))])
        assert wait is not None
        waits.append(round((wait.again_at - T0).total_seconds()))
    assert waits == [300 - 60, 600 - 30, 1200 - 30, 2400 - 30]


def test_what_was_paid_makes_up_for_what_was_not() -> None:
    wasted = [asked(60 + n) for n in range(FREE_TRIES)]
    assert answer(STRANGER, wasted) is not None
    assert answer(STRANGER, [*wasted, asked(3000, Life.PAID)]) is None


@pytest.mark.parametrize("life", [Life.NEVER, Life.OPEN, Life.WAITS])
def test_a_start_that_was_never_made_or_is_still_open_is_no_try(life: Life) -> None:
    known = [asked(60 + n, life, device=f"d{n}", code="elsewhere", key=f"k{n}") for n in range(20)]
    assert answer(STRANGER, known) is None


def test_an_old_driver_is_not_kept_from_a_worn_charger_by_strangers() -> None:
    wear = [asked(600 + n, device=f"d{n}", network=f"n{n}", key=f"k{n}") for n in range(TIRED_CHARGER)]
    assert answer(Applicant("new", "n99"), wear) is None
    wait = answer(Applicant("d0", "n99"), wear)
    assert wait == NotYet(Wait.TIRED_CHARGER, T0 - timedelta(seconds=600) + COUNTS)
    assert answer(Applicant("d0", "n99"), wear, code="B") is None
    near = answer(Applicant("new", "n0"), wear)
    assert near == NotYet(Wait.TIRED_CHARGER, T0 - timedelta(seconds=600) + LONGEST_FOR_MANY)


@given(st.integers(1, 60), st.integers(5, 120))
def test_one_network_never_wears_a_charger_out(bays: int, every: int) -> None:
    """A new device for each start, given up at once: upstream takes ten starts an hour."""
    known: list[Origin] = []
    for second in range(0, 7200, every):
        now = T0 + timedelta(seconds=second)
        who = Applicant(f"d{second}", "n")
        if not_yet(who, "A", known, now, codes=CODES, bays=bays) is None:
            known.append(asked(0, Life.WASTED, asked_at=now, device=who.device, network="n", key=who.device))
            in_an_hour = [one for one in known if now - one.asked_at < COUNTS]
            assert len(in_an_hour) < 10


@given(st.integers(1, 40), st.lists(st.tuples(st.integers(1, 60), st.integers(10, 900)), max_size=60))
def test_one_network_never_holds_more_than_its_share(bays: int, tries: list[tuple[int, int]]) -> None:
    known: list[Origin] = []
    now = T0
    for wait, lives in tries:
        now += timedelta(seconds=wait)
        known = [
            replace(one, life=Life.WASTED) if now >= one.asked_at + timedelta(seconds=int(one.key)) else one
            for one in known
        ]
        who = Applicant(f"d{len(known)}", "n")
        if not_yet(who, "B", known, now, codes=CODES, bays=bays) is None:
            known.append(asked(0, Life.OPEN, key=str(lives), code="B", asked_at=now, device=who.device, network="n"))
        assert sum(one.life is Life.OPEN for one in known) <= max(2, bays // 5)


@given(st.lists(origins, max_size=30))
def test_a_debt_is_what_was_left_unpaid_beyond_what_was_paid_and_never_negative(known: list[Origin]) -> None:
    owed = debts(known, T0)
    assert all(debt > 0 for debt in owed.values())
    paid = [replace(one, life=Life.PAID) for one in known]
    assert debts([*known, *paid], T0) == {} or len(known) == 0
    assert debts(known, T0 + timedelta(hours=2)) == {}


def test_what_was_left_unpaid_at_the_screen_is_no_debt_of_its_network() -> None:
    assert debts([asked(10, on_site=True), asked(10, on_site=True)], T0) == {}
    assert debts([asked(10), asked(10), asked(10, Life.PAID, on_site=True)], T0) == {STRANGER.network: 1}


def test_what_was_made_and_is_not_paid_yet_is_owed_and_what_waits_is_not() -> None:
    assert debts([asked(10, Life.OPEN), asked(10, Life.WAITS)], T0) == {STRANGER.network: 1}


# What became of a start.


@pytest.mark.parametrize(
    ("changed", "life"),
    [
        ({}, Life.WAITS),
        ({"phase": Phase.LEFT}, Life.NEVER),
        ({"phase": Phase.REFUSED}, Life.NEVER),
        ({"phase": Phase.NO_ANSWER}, Life.NEVER),
        ({"phase": Phase.OPEN, "status": "created"}, Life.OPEN),
        ({"phase": Phase.OPEN, "status": "created", "given_up_at": T0}, Life.WASTED),
        ({"phase": Phase.OPEN, "status": "authorized", "given_up_at": T0}, Life.PAID),
        ({"phase": Phase.OPEN, "status": "starting"}, Life.PAID),
        ({"phase": Phase.OPEN, "status": "expired"}, Life.WASTED),
        ({"phase": Phase.OPEN, "status": "abandoned"}, Life.WASTED),
        ({"phase": Phase.OPEN, "status": "abandoned", "held_seen_at": T0}, Life.PAID),
        ({"phase": Phase.OPEN, "status": "captured", "authorized_minor": 5000}, Life.PAID),
        ({"phase": Phase.GONE, "status": "created"}, Life.WASTED),
    ],
)
def test_what_became_of_a_start(changed: dict[str, object], life: Life) -> None:
    assert life_of(a_session(**changed)) is life


# How long it is kept.


def unpaid(**changed: object) -> Session:
    facts: dict[str, object] = {"phase": Phase.OPEN, "status": "created", "status_since": T0, "requested_at": T0}
    return a_session(**(facts | changed))


@given(st.integers(0, 3000), st.one_of(st.none(), st.integers(0, 3000)))
def test_nobody_keeps_a_bay_for_longer_than_is_told_to_others(seen: int, shown: int | None) -> None:
    session = unpaid(payment_shown_at=after(shown) if shown is not None else None)
    ends = unpaid_ends(session, after(seen))
    assert ends is not None
    assert T0 + UNSEEN_LIVES <= ends <= T0 + LONGEST_UNPAID == free_again_by(session)


@given(st.integers(0, 600), st.integers(0, 600))
def test_who_has_looked_later_keeps_it_no_shorter(first: int, more: int) -> None:
    for session in (unpaid(), unpaid(payment_shown_at=after(5))):
        assert (unpaid_ends(session, after(first)) or T0) <= (unpaid_ends(session, after(first + more)) or T0)


def test_a_page_that_is_gone_keeps_it_for_two_minutes_and_with_the_form_for_ten() -> None:
    assert unpaid_ends(unpaid(), after(60)) == after(60) + UNSEEN_LIVES
    assert unpaid_ends(unpaid(payment_shown_at=after(30)), after(60)) == after(60) + HIDDEN_LIVES


@given(st.integers(0, 3000))
def test_who_never_asks_for_the_form_keeps_it_for_five_minutes_with_the_page_open(seen: int) -> None:
    assert (unpaid_ends(unpaid(), after(seen)) or T0) <= T0 + FORMLESS_LIVES


@given(st.sampled_from(Status), st.sampled_from(Phase))
def test_only_what_waits_for_its_payment_is_given_up(status: Status, phase: Phase) -> None:
    session = unpaid(status=status.value, phase=phase)
    waits = status is Status.CREATED and phase is Phase.OPEN
    assert (unpaid_ends(session, T0) is not None) is waits
    assert (free_again_by(session) is not None) is waits


@pytest.mark.parametrize(
    ("word", "paying"),
    [
        ("requires_payment_method", Paying.NOBODY),
        ("requires_confirmation", Paying.NOBODY),
        ("canceled", Paying.NOBODY),
        ("requires_action", Paying.UNDER_WAY),
        ("processing", Paying.UNDER_WAY),
        ("requires_capture", Paying.DONE),
        ("succeeded", Paying.DONE),
        (None, Paying.UNKNOWN),
        ("", Paying.UNKNOWN),
        ("a word of next year", Paying.UNKNOWN),
    ],
)
def test_what_a_payments_status_says(word: str | None, paying: Paying) -> None:
    assert paying_by(word) is paying


@given(st.sampled_from(Paying), st.integers(0, 3000))
def test_what_is_paid_or_may_be_is_not_given_up_early(paying: Paying, seconds: int) -> None:
    asked_for = after_its_time(unpaid(), paying, after(seconds))
    if paying is Paying.DONE:
        assert asked_for is Kind.CONFIRM
    elif paying is Paying.NOBODY:
        assert asked_for is Kind.CANCEL
    else:
        assert asked_for is (Kind.CANCEL if after(seconds) >= T0 + LONGEST_UNPAID else None)


# What its driver gave up.


def test_what_its_driver_cancelled_is_kept_for_a_while_and_then_cancelled() -> None:
    session = unpaid(given_up_at=after(30))
    assert wanted_end(session, after(30)) is None
    assert wanted_end(session, after(30) + KEPT_LIVES - timedelta(seconds=1)) is None
    assert wanted_end(session, after(30) + KEPT_LIVES) is Kind.CANCEL


@pytest.mark.parametrize(
    ("status", "end"),
    [("authorized", Kind.CANCEL), ("starting", Kind.CANCEL), ("charging", Kind.STOP), ("settling", None)],
)
def test_what_was_paid_all_the_same_is_ended_at_once(status: str, end: Kind | None) -> None:
    assert wanted_end(unpaid(status=status, given_up_at=after(30)), after(31)) is end


def test_an_end_that_is_wanted_already_is_pursued_and_not_asked_for_again() -> None:
    session = unpaid(given_up_at=after(30), wish=Wish(Kind.CANCEL, AskedBy.DRIVER, after(40)))
    assert wanted_end(session, after(3000)) is None


@given(st.sampled_from(Status), st.sampled_from(Phase), st.integers(0, 3000))
def test_what_nobody_gave_up_is_ended_by_nobody(status: Status, phase: Phase, seconds: int) -> None:
    assert wanted_end(unpaid(status=status.value, phase=phase), after(seconds)) is None
