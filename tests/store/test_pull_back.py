"""Opened with an earlier clock: what becomes of every time that the store keeps and that lies ahead."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select

from kiosk.domain.attention import Act, Attention, Matter
from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.fuses import FuseTree
from kiosk.domain.lab import LabFacts
from kiosk.domain.ownership import ListProblem
from kiosk.domain.picture import Picture
from kiosk.domain.progress import Progress
from kiosk.domain.session import HoldProof, Phase
from kiosk.store import Store
from kiosk.store.pull_back import LEEWAY, LONG_OVER, LONGEST_CLOSURE, RULES, Rule
from kiosk.store.records import Handoff
from kiosk.store.tables import metadata, receipt_gaps
from kiosk.store.types import UtcTime

from .build import NOW, TARIFF, charging, later, opened, queued, whole_end


@pytest.fixture(params=[660, 365 * 86_400], ids=["11 min", "a year"])
def now(request: pytest.FixtureRequest) -> datetime:
    """The time of the earlier clock; what the tests store happens from NOW on."""
    return NOW - timedelta(seconds=request.param)


def everything(store: Store) -> dict[str, list[Any]]:
    """Every time in the store by its column, as stored."""
    found = {}
    with store._database.read() as connection:
        for table in metadata.sorted_tables:
            for column in table.c:
                if isinstance(column.type, UtcTime):
                    found[f"{table.name}.{column.name}"] = list(connection.execute(select(column)).scalars())
    return found


def test_every_time_that_the_store_keeps_has_its_rule() -> None:
    times = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, UtcTime)
    }
    assert times | {"chargers.card"} == set(RULES)


def fill(store: Store) -> str:
    """A row in every table, all of it from NOW on. Returns the key of a charge."""
    key = opened(store)
    store.observe(key, charging(60), source="read")
    store.observe(key, charging(90, "2.0"), source="read")
    stop = store.ask(key, Kind.STOP, AskedBy.DRIVER, later(91))
    assert store.claim(stop.id, later(92))
    store.finish(stop.id, CommandState.UNKNOWN, later(93))
    store.hint(key, later(94))
    store.grant(key, "tablet", "start", later(95))
    store.new_takeover(key, "take-over", later(300))
    store.save_card(ChargerCard("ABC", "Charger 1", True, (Connector(1, "Available"),), TARIFF, 5000, later(96)))
    store.want_card("ABC", later(97))
    store.note_card_problem("ABD", Refusal.UNKNOWN_CHARGER, later(98))
    store.save_tree("garage", FuseTree(), later(99))
    store.save_lab_facts("ABC", LabFacts(name="Charger 1"), later(100))
    store.save_picture("https://pictures.example/1", Picture("image/png", b"1"), later(101))
    store.take_lease("engine", "one", later(102), timedelta(seconds=10))
    store.note_call("stop", later(103))
    store.note_closure("get_session", later(3600))
    store.note_webhook("evt_1", "payment_intent.canceled", key, later(104))
    code = store.new_pairing("garage", "gate", later(105), later(1005))
    tablet = store.pair(code, "key", later(106))
    assert tablet is not None
    store.new_pairing("garage", "gate 2", later(105), later(1005))
    assert store.open_handoff(Handoff("h-1", tablet.id, "ABC", 1, "en", later(107)))
    assert store.claim_handoff("h-1", "phone", later(108))
    store.issue_receipt(key, {"taken": 1}, later(109))
    store.new_takeover(key, "second", later(300))
    assert store.use_takeover("second", "other phone", later(96)) == key
    _mine, theirs = store.rights_of(key, "phone")
    assert store.take_right_back(key, "phone", theirs[-1].mark, later(97))
    store.own_list_was_read(["uuid-1"], later(100), whole=True)
    store.own_charger_told("uuid-1", "ABC", later(101))
    store.own_list_learnt(later(102))
    store.own_list_was_read(["uuid-2"], later(103), whole=True)
    store.own_list_failed(ListProblem.TOKEN, later(104))
    store.ask_whose("ABD", later(105))
    store.keep_exceptions([Matter(Attention.REVIEW, key, "ABC", later(100), Act.READ)], {key}, later(101))
    with store._database.write() as connection:
        connection.execute(insert(receipt_gaps).values(year=2026, first=2, last=3, noted_at=later(100)))
    store.save_progress({key: Progress(7, Decimal("1.05"), later(100), later(99), later(98))})
    return key


def test_afterwards_no_time_that_anything_is_decided_by_lies_ahead(store: Store, now: datetime) -> None:
    fill(store)
    store.pull_back(now)
    longest = {
        "takeovers.expires_at": timedelta(hours=1),
        "pairing_codes.expires_at": timedelta(days=100),
        "closures.until": LONGEST_CLOSURE,
    }
    for name, times in everything(store).items():
        if RULES[name] is not Rule.KEPT and name != "commands.not_before":  # that has a test of its own
            most = longest.get(name, LEEWAY)
            assert all(at is None or at <= now + most for at in times), name


def test_what_does_not_lie_ahead_stays_as_it_is(store: Store) -> None:
    fill(store)
    before = everything(store)
    card, hints = store.card("ABC"), store.hints()
    store.pull_back(later(110))
    assert everything(store) == before
    assert (store.card("ABC"), store.hints()) == (card, hints)


def test_a_moment_ahead_is_another_process_and_not_an_earlier_clock(store: Store) -> None:
    fill(store)
    before = everything(store)
    store.pull_back(later(109) - LEEWAY)
    after = everything(store)
    changed = {name for name in before if before[name] != after[name]}
    assert "chargers.problem_at" not in changed
    assert "handoffs.made_at" not in changed
    assert store.tree("garage") is not None


def test_documents_and_what_upstream_said_are_never_changed(store: Store, now: datetime) -> None:
    key = opened(store)
    store.observe(key, charging(60, created_at=later(1), authorized_at=later(5)), source="read")
    store.issue_receipt(key, {"taken": 1}, later(70))
    said = [one.seen for one in store.observations(key)]
    store.pull_back(now)
    session, receipt = store.session(key), store.receipt(key)
    assert session is not None
    assert (session.created_at, session.authorized_at) == (later(1), later(5))
    assert receipt is not None
    assert receipt.issued_at == later(70)
    assert [one.seen for one in store.observations(key)] == said


def test_the_times_of_a_session_keep_their_distances(store: Store, now: datetime) -> None:
    key = fill(store)
    before = store.session(key)
    store.pull_back(now)
    after = store.session(key)
    assert before is not None
    assert after is not None
    by = before.newest_at - now
    assert after.newest_at == now
    assert after.held_seen_at is not None
    assert before.held_seen_at is not None
    assert before.held_seen_at - after.held_seen_at == by
    assert after.requested_at == before.requested_at - by
    assert after.trace.points[-1].at == before.trace.points[-1].at - by
    assert after.last_live is not None
    assert after.last_live.at <= now
    assert (after.energy_kwh, after.status, after.version) == (before.energy_kwh, before.status, before.version + 1)
    assert store.session_at("ABC", 1) == after


def test_an_open_session_is_to_be_read_at_once_and_an_ended_one_is_not(store: Store, now: datetime) -> None:
    running = opened(store)
    store.observe(running, charging(60), source="read")
    ended = opened(store, queued("key-2", "ABD"), token="token-2")
    store.observe(ended, whole_end(60, 100), source="read")
    store.pull_back(now)
    assert store.hints() == {running: now}


def test_a_reading_after_the_start_counts_again(store: Store, now: datetime) -> None:
    key = fill(store)
    store.pull_back(now)
    asked = now + timedelta(seconds=1)
    figures = replace(charging(0, "3.5"), asked_at=asked, seen_at=asked)
    session, _ = store.observe(key, figures, source="read")
    assert session.energy_kwh == figures.energy_kwh
    assert session.trace.points[-1].at == asked


def test_when_it_ended_moves_with_the_session_so_that_its_personal_data_lives_as_long(
    store: Store, now: datetime
) -> None:
    key = opened(store)
    store.observe(key, whole_end(60, 100), source="read")
    store.pull_back(now)
    assert store.erase_personal(now) == 0
    assert store.erase_personal(now + timedelta(seconds=1)) == 1


def test_a_refused_start_keeps_how_long_its_driver_is_asked_to_wait(store: Store, now: datetime) -> None:
    start = store.create(queued(), device="phone", now=NOW)
    store.start_refused(start.id, Refusal.TOO_MANY, NOW, retry_at=later(40))
    store.pull_back(now)
    session = store.session("key-1")
    assert session is not None
    assert session.phase is Phase.REFUSED
    assert session.retry_at == now + timedelta(seconds=40)


def test_a_proof_stays_what_the_provider_said(store: Store, now: datetime) -> None:
    key = opened(store)
    store.observe(key, whole_end(60, 100, authorized_minor=5000), source="read")
    before = store.set_proof(key, HoldProof(later(61), "succeeded", 0, 100))
    store.pull_back(now)
    session = store.session(key)
    assert session is not None
    assert session.proof == before.proof


def test_a_waiting_command_may_be_sent_now(store: Store, now: datetime) -> None:
    key = opened(store)
    stop = store.ask(key, Kind.STOP, AskedBy.DRIVER, NOW)
    assert store.claim(stop.id, NOW)
    store.again(stop.id, later(60))
    store.pull_back(now)
    assert [one.id for one in store.waiting(now)] == [stop.id]


def test_a_command_that_has_ended_is_not_opened_again(store: Store, now: datetime) -> None:
    key = fill(store)
    store.pull_back(now)
    (start, stop) = store.commands(key)
    assert (start.state, stop.state) == (CommandState.DONE, CommandState.UNKNOWN)
    assert (stop.asked_at, stop.sent_at, stop.ended_at) == (now, now, now)
    assert store.waiting(now) == []


def test_a_card_of_no_known_age_is_forgotten_and_so_is_who_waited_for_it(store: Store, now: datetime) -> None:
    fill(store)
    store.pull_back(now)
    assert store.card("ABC") is None
    assert store.wanted_cards() == []


def test_a_card_whose_price_alone_lies_ahead_is_forgotten_too(store: Store) -> None:
    store.save_card(
        ChargerCard("ABC", None, True, (Connector(1, "Available"),), TARIFF, 5000, NOW, priced_at=later(60))
    )
    store.pull_back(later(30))
    assert store.card("ABC") is None


def test_a_card_of_a_known_age_stays(store: Store) -> None:
    store.save_card(ChargerCard("ABC", None, True, (Connector(1, "Available"),), TARIFF, 5000, NOW))
    store.pull_back(later(30))
    assert store.card("ABC") is not None


def test_a_refusal_to_read_a_card_is_forgotten_with_its_row(store: Store, now: datetime) -> None:
    fill(store)
    store.pull_back(now)
    assert store.card_problem("ABD") is None
    with store._database.read() as connection:
        rows = connection.execute(select(metadata.tables["chargers"].c.code)).scalars().all()
    assert rows == []


@pytest.mark.parametrize(
    ("what", "left"),
    [
        (lambda store: store.tree("garage"), None),
        (lambda store: store.lab_facts(["ABC"]), {"ABC": LabFacts(name="Charger 1")}),
        (lambda store: store.picture("https://pictures.example/1"), Picture("image/png", b"1")),
    ],
    ids=["tree", "make", "picture"],
)
def test_a_tree_is_read_anew_and_what_has_no_age_to_show_stays(
    store: Store, now: datetime, what: Callable[[Store], object], left: object
) -> None:
    fill(store)
    store.pull_back(now)
    assert what(store) == left


def test_a_picture_is_asked_for_again(store: Store, now: datetime) -> None:
    fill(store)
    store.pull_back(now)
    ((at, there),) = store.pictures_tried(["https://pictures.example/1"]).values()
    assert there
    assert now - at > timedelta(days=365)


def test_calls_that_were_made_count_against_the_budgets(store: Store, now: datetime) -> None:
    fill(store)
    store.pull_back(now)
    assert store.calls_since(now - timedelta(minutes=2)) == [("stop", now)]


def test_a_hand_off_and_the_claim_of_it_are_over_and_the_tablet_stays(store: Store, now: datetime) -> None:
    fill(store)
    store.pull_back(now)
    handoff = store.handoff("h-1")
    assert handoff is not None
    assert (handoff.made_at, handoff.claimed_at) == (now - LONG_OVER, now - LONG_OVER)
    store.forget_handoffs(now)
    assert store.handoff_claimed_by("h-1", "phone") is None
    assert [(one.name, one.last_seen_at) for one in store.tablets()] == [("gate", now)]


def test_a_tablet_that_asks_again_is_seen_again(store: Store, now: datetime) -> None:
    fill(store)
    store.pull_back(now)
    (tablet,) = store.tablets()
    store.seen(tablet, now + timedelta(minutes=2))
    assert [one.last_seen_at for one in store.tablets()] == [now + timedelta(minutes=2)]


def test_a_code_lives_no_longer_than_any_code_may(store: Store) -> None:
    now = NOW - timedelta(days=365)
    fill(store)
    store.pull_back(now)
    assert store.peek_takeover("take-over", now) is None
    assert store.waiting_names(now) == []


def test_a_code_that_was_made_just_before_a_small_step_can_still_be_used(store: Store) -> None:
    fill(store)
    store.pull_back(later(90))
    assert store.peek_takeover("take-over", later(90)) == "key-1"
    assert store.waiting_names(later(90)) == ["gate 2"]


def test_pulled_back_twice_is_pulled_back_once(store: Store, now: datetime) -> None:
    key = fill(store)
    store.pull_back(now)
    before, session = everything(store), store.session(key)
    store.pull_back(now)
    assert everything(store) == before
    assert store.session(key) == session


def test_the_stored_words_are_still_json(store: Store, now: datetime) -> None:
    """What is moved is written in the form in which it was."""
    fill(store)
    store.pull_back(now)
    with store._database.read() as connection:
        (text,) = connection.exec_driver_sql("SELECT trace FROM sessions").scalars()
    assert len(json.loads(text)) == 2


def test_a_door_that_was_closed_for_a_while_does_not_stay_closed_for_an_hour_more(store: Store) -> None:
    """The clock was set back by an hour: by the new one the door would open only then, and nothing be read until."""
    store.note_call("get_session", later(3600))
    store.note_closure("get_session", later(3690))
    store.pull_back(NOW)
    assert store.closures(NOW) == {"get_session": later(90)}


def test_a_door_stays_closed_when_no_clock_was_set(store: Store) -> None:
    store.note_closure("start", later(3600))
    store.pull_back(NOW)
    store.note_call("start", later(-60))
    store.pull_back(NOW)
    assert store.closures(NOW) == {"start": later(3600)}
