"""Observations, hints, limits and proofs; who keeps a bay; what is still to be watched."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kiosk.domain.session import Event, HoldProof, PaymentContext, Phase, Session
from kiosk.store import Missing, Store

from .build import NOW, PAYMENT, at_once, charging, later, opened, queued, seen, stored, whole_end

PROOF = HoldProof(later(500), "succeeded", 0, 525)


def found(store: Store, key: str = "key-1") -> Session:
    session = store.session(key)
    assert session is not None
    return session


def ended(store: Store, session: Session | None = None, at: float = 400) -> str:
    key = opened(store, session)
    store.observe(key, charging(at - 300), source="read")
    store.observe(key, whole_end(at, 525), source="read")
    return key


def test_an_observation_is_folded_and_kept(store: Store) -> None:
    key = opened(store)
    session, events = store.observe(key, charging(20), source="site")
    assert (session.energy_kwh, session.version) == (Decimal("1.5"), 3)
    assert events == (Event.STATUS, Event.FIGURES)
    assert found(store) == session
    kept = store.observations(key)[-1]
    assert (kept.session_key, kept.source, kept.seen) == (key, "site", charging(20))


def test_an_answer_to_an_older_question_is_kept_and_changes_nothing(store: Store) -> None:
    key = opened(store)
    session, _ = store.observe(key, charging(60, "3"), source="read")
    assert store.observe(key, charging(30, "1"), source="read") == (session, ())
    assert found(store) == session
    assert [one.seen.energy_kwh for one in store.observations(key)] == [None, Decimal("3"), Decimal("1")]


def test_what_was_observed_is_kept_without_payment_and_email(store: Store) -> None:
    key = opened(store)
    session, _ = store.observe(key, seen("created", payment=PAYMENT, driver_email="ada@example.org"), source="read")
    kept = store.observations(key)[-1].seen
    assert (kept.payment, kept.driver_email, session.email_known) == (None, None, True)


def test_the_newest_observations_are_given_in_their_order(store: Store) -> None:
    key = opened(store)
    for at in (20, 30, 40):
        store.observe(key, charging(at), source="read")
    assert [one.seen.asked_at for one in store.observations(key, limit=2)] == [later(30), later(40)]


def test_observations_from_twenty_threads_are_all_folded(store: Store, second: Store) -> None:
    """Each into what the one before it has left, in whatever order they come: no version is made twice, or skipped."""
    key = opened(store)
    first = found(store).version
    answers = at_once(20, lambda n: (store, second)[n % 2].observe(key, charging(20, str(n)), source="read")[0])
    states = [one for one in answers if isinstance(one, Session)]
    assert len(states) == 20
    assert len(store.observations(key)) == 21
    last = found(store)
    assert {one.version for one in states} == set(range(first + 1, last.version + 1))
    for one in states:
        assert all(other == one for other in states if other.version == one.version)
    assert last in states


def test_a_session_that_does_not_exist_cannot_be_observed(store: Store) -> None:
    with pytest.raises(Missing):
        store.observe("key-1", seen("created"), source="read")
    assert store.observations("key-1") == []


def test_a_payment_context_that_comes_later_is_stored(store: Store) -> None:
    asked = stored(store)
    store.claim(asked.id, NOW)
    store.start_done(asked.id, "token-1", seen("created", 2), later(3))
    store.observe("key-1", seen("created", 20, payment=PAYMENT), source="read")
    assert (store.payment("key-1"), store.session_by_intent("pi_3Abc")) == (PAYMENT, "key-1")


def test_a_changed_payment_context_replaces_the_first(store: Store) -> None:
    key = opened(store)
    other = PaymentContext("pi_4Def_secret_Other", "pk_test_1", "acct_1")
    store.observe(key, seen("created", 20, payment=other), source="read")
    assert (store.payment(key), store.session_by_intent("pi_4Def")) == (other, key)
    assert store.session_by_intent("pi_3Abc") is None


def test_the_payment_context_of_an_older_answer_or_an_ended_session_is_not_taken(store: Store) -> None:
    key = opened(store)
    other = PaymentContext("pi_4Def_secret_Other", "pk_test_1", "acct_1")
    store.observe(key, seen("created", 1, payment=other), source="read")
    store.observe(key, seen("expired", 900, payment=other), source="read")
    assert store.payment(key) == PAYMENT


def test_the_same_payment_context_is_not_written_again(store: Store) -> None:
    key = opened(store)
    with store._database.read() as connection:
        before = connection.exec_driver_sql("SELECT payment FROM sessions").scalar_one()
    store.observe(key, seen("created", 20, payment=PAYMENT), source="read")
    with store._database.read() as connection:
        assert connection.exec_driver_sql("SELECT payment FROM sessions").scalar_one() == before


def test_an_unknown_session_has_no_secrets(store: Store) -> None:
    assert (store.token("key-1"), store.payment("key-1")) == (None, None)


def test_a_session_that_settles_frees_its_bay_and_is_still_watched(store: Store) -> None:
    key = opened(store)
    store.observe(key, charging(20), source="read")
    assert store.occupied("ABC") == {1: key}
    session, _ = store.observe(key, seen("settling", 30), source="read")
    assert (store.occupied("ABC"), store.sessions_to_watch()) == ({}, [session])


def test_an_ended_session_is_not_watched(store: Store) -> None:
    ended(store)
    assert store.sessions_to_watch() == []


def test_what_is_watched_comes_oldest_first(store: Store) -> None:
    for number in (2, 1):
        opened(store, queued(f"key-{number}", connector_id=number))
    assert [session.key for session in store.sessions_to_watch()] == ["key-2", "key-1"]


def test_a_gone_session_frees_its_bay_and_is_watched_until_it_was_final(store: Store) -> None:
    key = opened(store)
    store.mark_gone(key, later(19), later(20))
    session = store.mark_gone(key, later(20), later(21))
    assert (session.phase, session.gone_at, session.version) == (Phase.GONE, later(20), 4)
    assert (store.session_at("ABC", 1), store.sessions_to_watch()) == (None, [session])


def test_a_404_to_an_older_question_changes_nothing(store: Store) -> None:
    key = opened(store)
    session, _ = store.observe(key, charging(20), source="read")
    assert store.mark_gone(key, later(10), later(21)) == session == found(store)


def test_a_session_that_comes_back_takes_its_bay_again(store: Store) -> None:
    key = opened(store)
    store.mark_gone(key, later(19), later(20))
    store.mark_gone(key, later(20), later(21))
    _, events = store.observe(key, charging(40), source="read")
    assert Event.CAME_BACK in events
    assert store.occupied("ABC") == {1: key}


@pytest.mark.breaks("A bay has one live session")
def test_a_session_that_comes_back_leaves_a_bay_that_another_has_by_now(store: Store) -> None:
    key = opened(store)
    store.mark_gone(key, later(19), later(20))
    store.mark_gone(key, later(20), later(21))
    stored(store, queued("key-2"))
    session, _ = store.observe(key, charging(40), source="read")
    assert session.phase is Phase.OPEN
    assert store.occupied("ABC") == {1: "key-2"}


def test_the_version_rises_with_a_change_and_never_otherwise(store: Store) -> None:
    key = opened(store)
    versions = [
        store.set_limit(key, 2000).version,
        store.set_limit(key, 2000).version,
        store.set_limit(key, None).version,
        store.set_proof(key, PROOF).version,
        store.set_proof(key, PROOF).version,
    ]
    store.hint(key, NOW)
    store.grant(key, "tablet", "takeover", NOW)
    store.use_bank_return(key, "phone", NOW)
    assert versions == [3, 3, 4, 5, 5]
    assert found(store).version == 5


def test_a_device_finds_its_sessions_newest_first(store: Store) -> None:
    for number, code in enumerate(["ABC", "ABD", "ABC"]):
        stored(store, queued(f"key-{number}", code, number, requested_at=later(number)))
    stored(store, queued("key-3", connector_id=3), device="another phone")
    assert [one.key for one in store.sessions_of("phone")] == ["key-2", "key-1", "key-0"]
    assert [one.key for one in store.sessions_of("phone", code="ABC")] == ["key-2", "key-0"]
    assert [one.key for one in store.sessions_of("phone", since=later(1))] == ["key-2", "key-1"]
    assert [one.key for one in store.sessions_of("phone", code="ABC", since=later(1))] == ["key-2"]


def test_hints_are_kept_until_a_later_question_was_asked(store: Store, second: Store) -> None:
    key = opened(store)
    store.hint(key, later(10))
    second.hint(key, later(12))
    store.hint(key, later(11))
    assert second.hints() == {key: later(12)}
    store.clear_hint(key, later(11))
    assert store.hints() == {key: later(12)}
    store.clear_hint(key, later(12))
    assert store.hints() == {}


def test_a_hint_for_an_unknown_session_is_dropped(store: Store) -> None:
    store.hint("key-1", NOW)
    assert store.hints() == {}


def test_hints_of_many_threads_leave_the_latest(store: Store, second: Store) -> None:
    key = opened(store)
    outcomes = at_once(20, lambda n: (store, second)[n % 2].hint(key, later(n)))
    assert outcomes == [None] * 20
    assert store.hints() == {key: later(19)}


def test_an_ended_session_lacks_a_receipt_until_it_is_issued(store: Store) -> None:
    key = ended(store)
    opened(store, queued("key-2", connector_id=2))
    assert [one.key for one in store.without_receipt()] == [key]
    store.issue_receipt(key, {}, later(500))
    assert store.without_receipt() == []


def test_a_session_that_never_started_lacks_no_receipt(store: Store) -> None:
    stored(store)
    store.withdraw_start("key-1", NOW)
    assert store.without_receipt() == []


def test_a_hold_is_unproven_until_the_provider_says_that_it_ended(store: Store) -> None:
    key = ended(store)
    assert [one.key for one in store.unproven(NOW)] == [key]
    store.set_proof(key, replace(PROOF, intent_status="requires_capture", capturable_minor=5000))
    assert [one.key for one in store.unproven(NOW)] == [key]
    store.set_proof(key, PROOF)
    assert store.unproven(NOW) == []


def test_without_a_hold_there_is_nothing_to_prove(store: Store) -> None:
    store.observe(opened(store), seen("expired", 900), source="read")
    assert store.unproven(NOW) == []


def test_the_first_time_that_the_payment_form_was_handed_out_is_kept(store: Store) -> None:
    key = opened(store)
    assert store.show_payment(key, later(30)).payment_shown_at == later(30)
    shown = store.show_payment(key, later(90))
    assert (shown.payment_shown_at, store.session(key)) == (later(30), shown)


def test_of_no_session_no_form_is_handed_out(store: Store) -> None:
    with pytest.raises(Missing):
        store.show_payment("no-such-key", NOW)
