"""What breaks outside, and what the engine makes of it: no second hold, nothing lost, a clear end."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.domain.commands import AskedBy, CommandState, Kind, Refusal
from kiosk.domain.session import Phase
from kiosk.domain.status import Status
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.sandbox.world.switches import Switches
from kiosk.store.store import Cipher, Store
from tests.engine.house import CODE, SMALL, House


def fail(house: House, fault: Fault, endpoint: str | None, **more: object) -> None:
    house.faults.add(Rule(fault, endpoint, **more))  # type: ignore[arg-type]  # the rule checks its fields


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "fault", [Fault.TIMEOUT, Fault.DROPPED, Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.CHARGER_TIMEOUT]
)
def test_a_start_that_got_no_answer_is_never_sent_again(house: House, fault: Fault, after: bool) -> None:
    fail(house, fault, "start", after_effect=after)
    key = house.request()
    house.run(200)
    assert house.session(key).phase is Phase.NO_ANSWER
    assert house.upstream_sessions() == (1 if after else 0)
    assert house.states(key, Kind.START) == [CommandState.UNKNOWN]
    assert house.store.payment(key) is None


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.HTML, Fault.EMPTY])
def test_a_start_whose_answer_cannot_be_read_counts_as_unanswered(house: House, fault: Fault) -> None:
    fail(house, fault, "start")
    key = house.request()
    house.run(120)
    assert house.session(key).phase is Phase.NO_ANSWER
    assert house.upstream_sessions() == 1


def test_a_start_that_could_not_leave_once_is_sent_when_it_can(house: House) -> None:
    fail(house, Fault.UNREACHABLE, "start")
    key = house.request()
    house.run(2)
    waiting = house.last(key, Kind.START)
    assert (waiting.state, waiting.attempts, waiting.refusal) == (CommandState.WAITING, 0, Refusal.UPSTREAM_DOWN)
    house.until(key, "created", seconds=10)
    assert house.upstream_sessions() == 1


def test_a_start_that_cannot_leave_for_a_minute_is_refused_and_nothing_exists_upstream(house: House) -> None:
    fail(house, Fault.UNREACHABLE, "start", times=None)
    key = house.request()
    house.run(50)
    assert house.session(key).phase is Phase.QUEUED
    house.run(20)
    session = house.session(key)
    assert (session.phase, session.refusal) == (Phase.REFUSED, Refusal.UPSTREAM_DOWN)
    house.faults.clear()
    house.run(60)
    assert house.upstream_sessions() == 0


def test_each_refusal_of_a_start_has_its_own_reason(house: House) -> None:
    house.world.break_connector(CODE, 2)
    reasons = {}
    for connector_id in (2, 77):
        key = house.request(connector_id)
        house.run(2)
        reasons[connector_id] = house.session(key).refusal
    house.world.set_online(CODE, False)
    offline = house.request(1)
    house.run(2)
    assert reasons == {2: Refusal.CONNECTOR_BUSY, 77: Refusal.UNKNOWN_CONNECTOR}
    assert house.session(offline).refusal is Refusal.CHARGER_OFFLINE
    assert house.store.occupied(CODE) == {}


def test_an_unknown_charger_is_refused_as_such(house: House) -> None:
    key = house.request(code="GONE2")
    house.run(2)
    assert house.session(key).refusal is Refusal.UNKNOWN_CHARGER


def test_a_start_for_which_there_was_no_room_keeps_its_place_and_is_sent_first(house: House) -> None:
    """Somebody else at this address has used up the minute."""
    for _ in range(3):
        house.world.limits.spend("start", "127.0.0.1", 3, house.clock.now())
    keys = [house.request(connector) for connector in (1, 2, 3, 4)]
    house.run(5)
    first = house.last(keys[0], Kind.START)
    assert (first.state, first.refusal, first.attempts) == (CommandState.WAITING, Refusal.TOO_MANY, 0)
    assert house.answered("start", 201) == 0
    for _ in house.steps(90):
        if house.answered("start", 201):
            break
    assert house.session(keys[0]).status == Status.CREATED
    house.run(150)
    assert [house.session(key).phase for key in keys] == [Phase.OPEN] * 4
    assert house.upstream_sessions() == 4


def test_a_charger_that_is_full_for_this_hour_closes_no_other_and_is_left_in_peace(tmp_path: Path) -> None:
    full = House(tmp_path, Switches(sessions_per_charger_per_hour=2))
    keys = [full.request(connector) for connector in (1, 2, 3)]
    elsewhere = full.request(1, code=SMALL)
    for key in (*keys, elsewhere):
        full.watch(key)
    full.run(120)
    waiting = full.last(keys[2], Kind.START)
    assert (waiting.state, waiting.refusal) == (CommandState.WAITING, Refusal.CHARGER_FULL)
    assert full.session(elsewhere).status == Status.CREATED
    assert CODE in full.store.full_chargers(full.clock.now())
    refused = full.answered("start", 429)
    full.run(900)
    assert full.answered("start", 429) - refused <= 4
    full.run(3600)
    assert full.session(keys[2]).phase is Phase.OPEN
    assert full.store.full_chargers(full.clock.now()) == {}
    full.close()


def test_a_429_closes_the_door_for_everybody_until_it_opens_again(house: House) -> None:
    key = house.charging()
    fail(house, Fault.TOO_MANY, "session", retry_after=45)
    for _ in house.steps(120):
        if house.answered("session", 429):
            break
    answered = house.answered("session")
    house.run(40)
    assert house.answered("session") == answered
    house.run(80)
    assert house.answered("session") > answered
    assert house.session(key).status == Status.CHARGING


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.SERVER_ERROR, Fault.CHARGER_TIMEOUT])
def test_a_stop_without_an_answer_is_sent_again_only_when_it_had_no_effect(
    house: House, fault: Fault, after: bool
) -> None:
    key = house.charging()
    house.run(60)
    fail(house, fault, "stop", after_effect=after)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")
    assert len(house.states(key, Kind.STOP)) == (1 if after else 2)


@pytest.mark.parametrize("after", [False, True])
def test_a_cancel_without_an_answer_still_releases_the_hold(house: House, after: bool) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    fail(house, Fault.TIMEOUT, "cancel", after_effect=after)
    house.ask(key, Kind.CANCEL)
    house.until(key, "abandoned")
    assert house.intent(key)["status"] == "canceled"
    assert len(house.states(key, Kind.CANCEL)) == (1 if after else 2)


def test_a_confirm_without_an_answer_does_not_lose_the_payment(house: House) -> None:
    house.world.lose_webhooks(3)
    key = house.request()
    house.until(key, "created")
    house.pay(key)
    fail(house, Fault.TIMEOUT, "confirm")
    house.ask(key, Kind.CONFIRM)
    house.until(key, "charging")


def test_a_stop_that_the_charger_refuses_is_told_and_can_be_asked_again(house: House) -> None:
    key = house.charging()
    house.world.refuse_next_stop(CODE)
    house.ask(key, Kind.STOP)
    house.run(3)
    refused = house.last(key, Kind.STOP)
    assert (refused.state, refused.refusal) == (CommandState.REFUSED, Refusal.CHARGER_OFFLINE)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")


def test_a_charger_that_ignores_a_stop_is_stopped_by_the_next_one_which_nobody_has_to_ask_for(house: House) -> None:
    key = house.charging()
    house.world.ignore_next_stop(CODE)
    house.ask(key, Kind.STOP)
    house.until(key, "stopping")
    house.until(key, "charging")
    house.until(key, "captured")
    assert house.states(key, Kind.STOP) == [CommandState.DONE, CommandState.DONE]


@pytest.mark.parametrize(
    "fault",
    [Fault.TIMEOUT, Fault.UNREACHABLE, Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.TRUNCATED, Fault.HTML, Fault.EMPTY],
)
def test_reads_that_fail_leave_the_last_figures_which_grow_old(house: House, fault: Fault) -> None:
    key = house.charging()
    house.run(60)
    before = house.session(key)
    fail(house, fault, "session", times=None)
    house.run(90)
    during = house.session(key)
    assert during.energy_kwh == before.energy_kwh
    assert during.fresh_at is not None
    assert (house.clock.now() - during.fresh_at).total_seconds() >= 80
    house.faults.clear()
    house.run(60)
    after = house.session(key)
    assert after.energy_kwh is not None
    assert before.energy_kwh is not None
    assert after.energy_kwh > before.energy_kwh


def test_an_outage_is_not_hammered(house: House) -> None:
    house.charging()
    before = house.answered("session")
    fail(house, Fault.SERVER_ERROR, "session", times=None)
    house.run(300)
    assert house.answered("session") - before < 40


def test_missing_and_null_fields_do_not_erase_what_is_known(house: House) -> None:
    key = house.charging()
    house.run(120)
    before = house.session(key)
    fail(house, Fault.NULLS, "session", times=None)
    house.run(30)
    after = house.session(key)
    assert after.energy_kwh == before.energy_kwh
    assert after.tariff == before.tariff


def test_a_strange_status_is_kept_as_it_is_and_passes(house: House) -> None:
    key = house.charging()
    fail(house, Fault.STRANGE_STATUS, "session", word="recalibrating")
    house.run(30)
    words = [seen.seen.status for seen in house.store.observations(key)]
    assert "recalibrating" in words
    assert house.session(key).status == Status.CHARGING


def test_a_word_that_nobody_knows_right_after_the_start_keeps_no_charge_from_its_limit(house: House) -> None:
    house.world.say_instead(CODE, "charging", "optimising")
    house.world.plug_in(CODE, 1, "family", 200)
    key = house.paid(limit=300)
    house.watch(key)
    house.until(key, "optimising")
    house.run(300)
    assert house.session(key).standing is Status.CHARGING
    assert [one.kind for one in house.store.commands(key) if one.kind in {Kind.CANCEL, Kind.STOP}] == []
    house.run(3600)
    assert [one.asked_by for one in house.store.commands(key) if one.kind is Kind.STOP][:1] == [AskedBy.LIMIT]
    ended = house.session(key)
    assert ended.end is Status.CAPTURED
    assert 0 < (ended.taken_minor or 0) <= 300


def test_a_stop_under_a_word_that_nobody_knows_is_sent_and_works(house: House) -> None:
    house.world.say_instead(CODE, "charging", "optimising")
    house.world.plug_in(CODE, 1, "family", 200)
    key = house.paid()
    house.watch(key)
    house.until(key, "optimising")
    house.run(60)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")


def test_energy_that_falls_is_shown_as_it_is(house: House) -> None:
    key = house.charging()
    house.run(120)
    before = house.session(key).energy_kwh
    fail(house, Fault.ENERGY_FALLS, "session", times=None)
    house.run(15)
    after = house.session(key).energy_kwh
    assert before is not None
    assert after is not None
    assert after < before


def test_an_expired_token_leaves_what_is_known_and_does_not_end_the_hold_by_itself(house: House) -> None:
    key = house.charging()
    house.run(60)
    fail(house, Fault.TOKEN_EXPIRED, "session", times=None)
    house.run(30)
    gone = house.session(key)
    assert gone.phase is Phase.GONE
    assert gone.status == Status.CHARGING
    assert gone.energy_kwh is not None
    assert house.store.receipt(key) is None


def test_a_session_that_answers_again_goes_on(house: House) -> None:
    key = house.charging()
    fail(house, Fault.TOKEN_EXPIRED, "session", times=None)
    house.run(60)
    assert house.session(key).phase is Phase.GONE
    house.faults.clear()
    house.run(60)
    assert (house.session(key).phase, house.session(key).gone_at) == (Phase.OPEN, None)


def test_a_single_404_changes_nothing_for_the_driver_and_the_limit_is_kept(house: House) -> None:
    key = house.charging(limit=100)
    fail(house, Fault.TOKEN_EXPIRED, "session", times=1)
    house.run(30)
    assert house.session(key).phase is Phase.OPEN
    ended = house.until(key, "captured", seconds=1200)
    assert ended.captured_minor is not None
    assert ended.captured_minor <= 100


def test_an_offline_charger_freezes_the_figures_and_the_charge_goes_on(house: House) -> None:
    key = house.charging()
    house.run(60)
    house.world.set_online(CODE, False)
    house.run(120)
    session = house.session(key)
    assert session.charger_online is False
    assert session.status == Status.CHARGING
    assert session.fresh_at is not None
    assert (house.clock.now() - session.fresh_at).total_seconds() > 60
    house.world.set_online(CODE, True)
    house.ask(key, Kind.STOP)
    house.until(key, "captured")


def test_one_failing_session_does_not_keep_the_others_from_being_served(house: House) -> None:
    keys = [house.charging(number) for number in (1, 2)]
    house.run(5)
    fail(house, Fault.NULLS, "session", times=1, fields=("status",))
    house.run(120)
    assert {house.session(key).status for key in keys} == {Status.CHARGING}


def test_losing_the_secret_says_so_and_does_not_stop_the_engine(house: House) -> None:
    key = house.charging()
    other = Store(house.store._url, Cipher(["another secret that fits nothing at all"]))
    house.store.close()
    house.store = other
    house.restart()
    house.run(30)
    assert house.session(key).status == Status.CHARGING
    house.ask(key, Kind.STOP)
    house.run(5)
    assert house.last(key, Kind.STOP).state is CommandState.REFUSED


def test_a_strange_word_for_the_end_has_its_receipt_and_is_not_read_for_ever(house_with_proofs: House) -> None:
    house = house_with_proofs
    house.world.say_instead(CODE, "captured", "partially_refunded")
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    house.run(600)
    receipt = house.store.receipt(key)
    assert receipt is not None
    assert receipt.document["taken"] is not None
    assert receipt.document.get("by") is None, "upstream itself has told amount and time"
    house.run(2 * 86_400, every=900)
    assert house.session(key).final
    read = house.answered("session")
    house.run(86_400, every=900)
    assert house.answered("session") == read
