"""What is proposed of the crosswalk comes and goes; what a person said of it stays, and joins nothing twice."""

from __future__ import annotations

from kiosk.domain.crosswalk import Kind, Proposal, Reason, Verdict
from kiosk.store import Store

from .build import NOW, later


def proposal(subject: str, value: str, kind: Kind = Kind.STATION, score: int = 80) -> Proposal:
    return Proposal(kind, subject, value, "By the gate", score, (Reason.SAME_NAME,))


def told(store: Store) -> list[tuple[str, str, Verdict]]:
    return [(one.proposal.subject, one.proposal.value, one.verdict) for one in store.crosswalk.entries()]


def number_of(store: Store, value: str) -> int:
    return next(one.id for one in store.crosswalk.entries() if one.proposal.value == value)


def test_what_is_not_proposed_any_more_goes_and_the_surest_stands_first(store: Store) -> None:
    store.crosswalk.propose([proposal("7MK4T", "CP-1"), proposal("9QX6B", "CP-2", score=100)], NOW)
    first = store.crosswalk.entries()[0]
    assert (first.proposal, first.proposed_at) == (proposal("9QX6B", "CP-2", score=100), NOW)
    assert (first.decided_at, first.decided_by) == (None, None)
    store.crosswalk.propose([proposal("7MK4T", "CP-3")], later(60))
    assert told(store) == [("7MK4T", "CP-3", Verdict.OPEN)]


def test_what_a_person_said_stays_whatever_is_proposed_and_stands_behind_what_waits(store: Store) -> None:
    store.crosswalk.propose([proposal("7MK4T", "CP-1", score=100), proposal("9QX6B", "CP-2", score=100)], NOW)
    assert store.crosswalk.decide(number_of(store, "CP-1"), Verdict.CONFIRMED, "kim", later(10))
    assert store.crosswalk.decide(number_of(store, "CP-2"), Verdict.REJECTED, "kim", later(10))
    store.crosswalk.propose([proposal("7MK4T", "CP-1"), proposal("9QX6B", "CP-2"), proposal("5RT2C", "CP-3")], NOW)
    assert told(store) == [
        ("5RT2C", "CP-3", Verdict.OPEN),
        ("7MK4T", "CP-1", Verdict.CONFIRMED),
        ("9QX6B", "CP-2", Verdict.REJECTED),
    ]
    entry = store.crosswalk.entry(number_of(store, "CP-1"))
    assert entry is not None
    assert (entry.decided_by, entry.decided_at) == ("kim", later(10))


def test_a_verdict_is_given_once_and_taken_back_once(store: Store) -> None:
    store.crosswalk.propose([proposal("7MK4T", "CP-1")], NOW)
    number = number_of(store, "CP-1")
    assert not store.crosswalk.decide(number, Verdict.OPEN, "kim", NOW)
    assert store.crosswalk.decide(number, Verdict.REJECTED, "kim", NOW)
    assert not store.crosswalk.decide(number, Verdict.CONFIRMED, "ann", NOW)
    assert store.crosswalk.decide(number, Verdict.OPEN, "ann", NOW)
    (entry,) = store.crosswalk.entries()
    assert (entry.verdict, entry.decided_at, entry.decided_by) == (Verdict.OPEN, None, None)


def test_nothing_is_joined_with_two(store: Store) -> None:
    twice = [proposal("7MK4T", "CP-1"), proposal("7MK4T", "CP-2"), proposal("9QX6B", "CP-1")]
    store.crosswalk.propose([*twice, proposal("7MK4T", "CP-1", Kind.PLUGCHOICE_SITE)], NOW)
    done = [store.crosswalk.decide(one.id, Verdict.CONFIRMED, "kim", NOW) for one in store.crosswalk.entries()]
    assert done == [True, False, False, True]


def test_of_one_that_is_not_there_nothing_is_said(store: Store) -> None:
    assert store.crosswalk.entry(1) is None
    assert not store.crosswalk.decide(1, Verdict.CONFIRMED, "kim", NOW)
