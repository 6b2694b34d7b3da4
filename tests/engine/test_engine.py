"""The engine as a running thing: threads, failures of its own house, and work that does not fit into the budget."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.domain.asking import STRANGE_A_MINUTE, Lane
from kiosk.domain.commands import CommandState, Kind, Refusal
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.engine.context import the_session
from kiosk.engine.duties.prove import ProofReader
from kiosk.engine.duties.send import Sender
from kiosk.engine.receipts import issue
from kiosk.engine.unanswered import MOST_ATTEMPTS
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.upstream.plugchoice.budget import Endpoint
from tests.engine.house import CODE, House
from tests.worlds.spent import spend


def eventually(true: Callable[[], bool]) -> None:
    """For what other threads do; the limit is far above what it takes."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def rename(folder: Path, table: str, new: str) -> None:
    with sqlite3.connect(folder / "kiosk.db") as database:
        database.execute(f"ALTER TABLE {table} RENAME TO {new}")
    database.close()


def test_the_engine_works_by_itself_in_its_own_threads(house: House) -> None:
    engine = house.new_engine(inline=False)
    engine.start()
    key = house.request()
    engine.wake()
    eventually(lambda: house.session(key).phase is Phase.OPEN)
    eventually(engine.alive)
    engine.stop()


def test_an_engine_that_never_went_round_is_not_alive(house: House) -> None:
    assert not house.engine.alive()
    house.run(1)
    assert house.engine.alive()
    house.clock.advance(60)
    assert not house.engine.alive()


def test_a_round_without_a_lease_to_read_is_told_once_and_the_engine_goes_on(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rename(tmp_path, "leases", "leases_away")
    engine = house.new_engine(inline=False)
    with caplog.at_level(logging.INFO):
        engine.start()
        eventually(lambda: "the engine's round failed; it goes on" in caplog.text)
        rename(tmp_path, "leases_away", "leases")
        engine.wake()
        eventually(lambda: "the engine's round works again" in caplog.text)
    engine.stop()
    assert caplog.text.count("round failed") == 1


def test_a_job_that_fails_does_not_stop_the_rest_and_is_told_once(
    house_with_proofs: House, caplog: pytest.LogCaptureFixture
) -> None:
    house = house_with_proofs
    assert house.proofs is not None
    house.proofs.breaks = True
    key = house.charging()
    with caplog.at_level(logging.INFO):
        house.run(90)
        assert house.proofs.reads > 2
        failed = [record for record in caplog.records if record.getMessage().startswith("a job of the engine failed")]
        assert len(failed) == 1
        assert vars(failed[0]).items() >= {"duty": "proofs", "session": key, "code": CODE}.items()
        assert house.session(key).status == Status.CHARGING
        house.proofs.breaks = False
        house.run(400)
    assert caplog.text.count("a job of the engine works again") == 1
    assert house.session(key).proof is not None


def test_a_start_whose_answer_could_not_be_written_down_counts_as_unanswered(house: House, tmp_path: Path) -> None:
    rename(tmp_path, "observations", "observations_away")
    key = house.request()
    house.run(5)
    assert house.states(key, Kind.START) == [CommandState.SENT]
    rename(tmp_path, "observations_away", "observations")
    house.run(120)
    assert house.session(key).phase is Phase.NO_ANSWER
    assert house.upstream_sessions() == 1


def test_a_command_waits_for_its_budget(house: House) -> None:
    key = house.charging()
    spend(house.budgets, Endpoint.STOP, house.clock.now(), 10)
    house.ask(key, Kind.STOP)
    house.run(30)
    assert house.states(key, Kind.STOP) == [CommandState.WAITING]
    house.run(40)
    assert house.states(key, Kind.STOP) == [CommandState.DONE]


def test_a_start_that_finds_the_budget_spent_after_all_waits_in_its_place_and_was_never_sent(house: House) -> None:
    key = house.request()
    start = house.last(key, Kind.START)
    assert house.store.claim(start.id, house.clock.now())
    spend(house.budgets, Endpoint.START, house.clock.now(), 3)
    ended = Sender(house.context).send(house.last(key, Kind.START))
    again = house.last(key, Kind.START)
    assert (ended.phase, again.state, again.attempts) == (Phase.QUEUED, CommandState.WAITING, 0)
    assert house.upstream_sessions() == 0


def test_a_stop_that_finds_the_budget_spent_after_all_waits_for_its_turn(house: House) -> None:
    key = house.charging()
    stop = house.ask(key, Kind.STOP)
    assert house.store.claim(stop.id, house.clock.now())
    spend(house.budgets, Endpoint.STOP, house.clock.now(), 10)
    Sender(house.context).send(house.last(key, Kind.STOP))
    waiting = house.last(key, Kind.STOP)
    assert waiting.state is CommandState.WAITING
    assert waiting.not_before is not None
    assert waiting.not_before - house.clock.now() > timedelta(seconds=50)


def test_a_stop_that_upstream_has_no_room_for_is_sent_when_it_says(house: House) -> None:
    key = house.charging()
    house.faults.add(Rule(Fault.TOO_MANY, "stop", retry_after=20))
    house.ask(key, Kind.STOP)
    house.run(10)
    assert house.states(key, Kind.STOP) == [CommandState.REFUSED, CommandState.WAITING]
    house.until(key, "captured", seconds=80)


def test_a_receipt_email_that_never_leaves_is_tried_for_minutes_and_then_given_up(house: House) -> None:
    key = house.charging()
    house.faults.add(Rule(Fault.UNREACHABLE, "receipt_email", times=None))
    house.ask(key, Kind.RECEIPT_EMAIL, email="driver@example.org")
    house.run(400)
    last = house.last(key, Kind.RECEIPT_EMAIL)
    assert (last.state, last.refusal) == (CommandState.REFUSED, Refusal.UPSTREAM_DOWN)
    assert last.attempts == MOST_ATTEMPTS


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.SERVER_ERROR])
def test_a_stop_is_never_given_up_while_the_car_charges(house: House, fault: Fault) -> None:
    key = house.charging()
    house.faults.add(Rule(fault, None, times=None))
    house.ask(key, Kind.STOP)
    house.run(900)
    house.faults.clear()
    house.until(key, "captured")


def test_a_stop_for_a_charge_that_has_ended_meanwhile_is_not_sent_for_ever(house: House) -> None:
    key = house.charging()
    house.faults.add(Rule(Fault.UNREACHABLE, "stop", times=None))
    house.ask(key, Kind.STOP)
    house.run(5)
    house.world.unplug(CODE, 1)
    house.until(key, "captured")
    house.run(120)
    assert house.last(key, Kind.STOP).state is CommandState.REFUSED


def test_a_stop_that_a_slip_of_upstream_answers_with_404_is_sent_again(house: House) -> None:
    key = house.charging()
    house.faults.add(Rule(Fault.TOKEN_EXPIRED, "stop"))
    house.ask(key, Kind.STOP)
    house.run(2)
    assert house.session(key).gone_at is not None or house.session(key).status != Status.CHARGING
    house.until(key, "captured")


def test_a_receipt_email_without_an_answer_is_sent_again_only_when_upstream_does_not_know_it(house: House) -> None:
    key = house.charging()
    house.faults.add(Rule(Fault.TIMEOUT, "receipt_email"))
    house.ask(key, Kind.RECEIPT_EMAIL, email="driver@example.org")
    house.run(40)
    assert house.last(key, Kind.RECEIPT_EMAIL).state is CommandState.DONE
    assert house.last(key, Kind.RECEIPT_EMAIL).attempts == 2


def test_a_command_without_a_session_is_an_error_of_ours(house: House) -> None:
    with pytest.raises(LookupError):
        the_session(house.store, "nowhere")


def test_more_cards_than_the_budget_allows_are_put_off_and_not_asked_for_when_nobody_waits_any_more(
    house: House,
) -> None:
    for number in range(35):
        house.store.want_card(f"NO{number:02}", house.clock.now())
    house.run(4)
    assert [wish.put_off for wish in house.store.wanted_cards()] == [True] * 5
    house.run(70)
    assert house.answered("charger", 404) == 30
    assert house.answered("charger", 429) == 0


def strange(number: int) -> str:
    return f"ZZ{number:03}"


def test_of_codes_that_nobody_knows_a_few_are_read_a_minute_and_the_newest_first(house: House) -> None:
    for number in range(50):
        house.store.want_card(strange(number), house.clock.now(), Lane.STRANGER)
        house.run(1)
    assert house.answered("charger", 404) == STRANGE_A_MINUTE
    house.run(61)
    newest = strange(60)
    house.store.want_card(strange(59), house.clock.now(), Lane.STRANGER)
    house.clock.advance(1)
    house.store.want_card(newest, house.clock.now(), Lane.STRANGER)
    house.engine.round()
    assert house.store.card_problem(newest) is not None


def test_a_stranger_who_tries_all_codes_keeps_no_driver_waiting(house: House) -> None:
    for number in range(90):
        for guess in range(3):
            house.store.want_card(strange(3 * number + guess), house.clock.now(), Lane.STRANGER)
        if number % 3 == 0:
            asked = house.clock.now()
            house.store.want_card(CODE, asked)
            house.engine.round()
            card = house.store.card(CODE)
            assert card is not None
            assert card.seen_at >= asked
        house.run(1)
    assert house.answered("charger", 404) <= 2 * STRANGE_A_MINUTE
    assert house.answered("charger", 429) == 0


def test_neighbours_leave_a_third_of_the_reads_to_the_drivers(house: House) -> None:
    for number in range(35):
        house.store.want_card(f"NO{number:02}", house.clock.now(), Lane.NEIGHBOUR)
    house.run(4)
    assert house.budgets.free(Endpoint.GET_CHARGER, house.clock.now()) == 10


def test_while_upstream_is_down_who_waits_is_told_at_once(house: House) -> None:
    house.faults.add(Rule(Fault.SERVER_ERROR, "charger", times=3))
    for number in range(3):
        house.store.want_card(f"NO{number:02}", house.clock.now())
        house.run(1)
    house.store.want_card(CODE, house.clock.now())
    house.engine.round()
    assert house.store.put_off(CODE)


def test_a_card_without_an_answer_is_noted_as_such_and_the_old_one_stays(house: House) -> None:
    house.store.want_card(CODE, house.clock.now())
    house.run(1)
    before = house.store.card(CODE)
    house.faults.add(Rule(Fault.TIMEOUT, "charger"))
    house.clock.advance(31)
    house.store.want_card(CODE, house.clock.now())
    house.run(1)
    problem = house.store.card_problem(CODE)
    assert problem is not None
    assert problem.refusal is None
    assert house.store.card(CODE) == before


def test_a_card_that_there_is_no_room_for_is_put_off(house: House) -> None:
    house.faults.add(Rule(Fault.TOO_MANY, "charger", retry_after=10))
    house.store.want_card(CODE, house.clock.now())
    house.run(3)
    assert house.store.put_off(CODE)
    house.run(8)
    house.store.want_card(CODE, house.clock.now())
    house.run(1)
    assert house.store.card(CODE) is not None


def test_a_hint_makes_the_engine_read_at_once(house: House) -> None:
    key = house.request()
    house.until(key, "created")
    house.run(30)
    before = house.answered("session")
    house.store.hint(key, house.clock.now())
    house.engine.round()
    assert house.answered("session") == before + 1
    assert house.store.hints() == {}


def test_without_a_payment_there_is_nothing_to_prove(house_with_proofs: House) -> None:
    assert ProofReader(house_with_proofs.context).read("nowhere") is None


def test_without_a_provider_nothing_is_read_as_a_proof(house: House) -> None:
    key = house.charging()
    reader = ProofReader(house.context)
    assert not reader.wanted(house.session(key), house.clock.now())


def test_a_receipt_that_has_not_changed_is_not_revised(house: House) -> None:
    key = house.charging()
    house.run(60)
    house.ask(key, Kind.STOP)
    ended = house.until(key, "captured")
    issue(house.context, ended)
    stored = house.store.receipt(key)
    assert stored is not None
    assert stored.revised_at is None


def test_a_session_without_a_readable_price_has_no_receipt(house: House) -> None:
    key = house.request()
    blind = Session(key, CODE, 1, Phase.OPEN, house.clock.now(), status="captured")
    issue(house.context, blind)
    assert house.store.receipt(key) is None


def test_one_session_sends_one_command_at_a_time(house: House) -> None:
    key = house.charging()
    engine = house.engine = house.new_engine(inline=False)
    house.clock.advance(11)
    house.transport.open.clear()
    house.ask(key, Kind.STOP)
    engine.round()
    house.ask(key, Kind.RECEIPT_EMAIL, email="driver@example.org")
    eventually(lambda: house.states(key, Kind.STOP) == [CommandState.SENT])
    engine.round()
    assert house.states(key, Kind.RECEIPT_EMAIL) == [CommandState.WAITING]
    house.transport.open.set()
    eventually(lambda: house.states(key, Kind.STOP) == [CommandState.DONE])
    engine.stop()


def test_a_card_is_read_once_however_often_it_is_wanted(house: House) -> None:
    engine = house.engine = house.new_engine(inline=False)
    house.transport.open.clear()
    for _ in range(3):
        house.store.want_card(CODE, house.clock.now())
        engine.round()
    house.transport.open.set()
    eventually(lambda: house.store.card(CODE) is not None)
    engine.stop()
    assert house.answered("charger") == 1


def test_a_deadline_is_acted_on_once_while_the_answer_is_awaited(house: House) -> None:
    house.world.auto_plug = False
    key = house.paid()
    house.until(key, "starting")
    engine = house.engine = house.new_engine(inline=False)
    house.clock.advance(130)
    house.transport.holds = "/cancel"
    house.transport.open.clear()

    def sent() -> bool:
        engine.round()
        return house.states(key, Kind.CANCEL) == [CommandState.SENT]

    eventually(sent)
    for _ in range(3):
        engine.round()
    assert len(house.states(key, Kind.CANCEL)) == 1
    house.transport.open.set()
    eventually(lambda: house.session(key).status == "abandoned")
    engine.stop()


def test_a_look_for_a_payment_that_never_left_waits_for_its_next_attempt(house: House) -> None:
    key = house.request()
    house.until(key, "created")
    house.faults.add(Rule(Fault.UNREACHABLE, "confirm"))
    house.ask(key, Kind.CONFIRM)
    house.run(2)
    assert house.states(key, Kind.CONFIRM) == [CommandState.WAITING]
    house.run(10)
    assert house.states(key, Kind.CONFIRM) == [CommandState.DONE]
