"""Whose start is sent next, over a real store and a whole engine: fairly, and only for those who still wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from kiosk.domain.charger import ChargerCard, Connector
from kiosk.domain.commands import CommandState, Kind, Refusal
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Status
from kiosk.domain.tariff import Tariff
from kiosk.sandbox.world.faults import Kind as Fault
from kiosk.sandbox.world.faults import Rule
from kiosk.sandbox.world.switches import Switches
from kiosk.store.tables import sessions
from tests.engine.house import CODE, SMALL, House


def asked(house: House, connector_id: int, *, device: str, network: str | None = None, on_site: bool = False) -> str:
    """A start of that device, which is not sent yet; somebody has its page open."""
    session = Session(
        key=f"{device}-{connector_id}",
        code=CODE,
        connector_id=connector_id,
        phase=Phase.QUEUED,
        requested_at=house.kiosk_clock.now(),
        tariff=Tariff("EUR", 49, 35),
        hold_minor=5000,
    )
    now = house.kiosk_clock.now()
    house.store.create(session, device=device, now=now, network=network, on_site=on_site)
    house.watch(session.key)
    return session.key


def minute_spent(house: House) -> None:
    """Somebody else at this address has used up the starts of this minute."""
    for _ in range(3):
        house.world.limits.spend("start", "127.0.0.1", 3, house.clock.now())


def sent_in_order(house: House, *keys: str) -> list[str]:
    """Those keys in the order in which upstream made their sessions."""
    for _ in house.steps(400):
        if all(house.session(key).phase is Phase.OPEN for key in keys):
            by_bay = {house.session(key).connector_id: key for key in keys}
            return [by_bay[made.connector_id] for made in house.world.sessions()]
    raise AssertionError("not all were sent")


def test_a_stranger_with_many_starts_does_not_hold_up_who_comes_later(house: House) -> None:
    minute_spent(house)
    house.engine.wake()
    stranger = [asked(house, number, device=f"stranger-{number}", network="n1") for number in (1, 2, 3)]
    house.run(1)
    honest = asked(house, 4, device="phone", network="n2")
    assert sent_in_order(house, *stranger, honest)[:2] == [stranger[0], honest]


def test_who_stands_at_the_screen_is_first(house: House) -> None:
    minute_spent(house)
    first = asked(house, 1, device="far", network="n1")
    second = asked(house, 2, device="near", network="n1", on_site=True)
    assert sent_in_order(house, first, second) == [second, first]


def test_one_start_a_minute_is_left_to_whoever_owes_nothing(house: House) -> None:
    """A network with a queue of starts gets two of the three, so that a newcomer's is sent at once."""
    keys = [asked(house, number, device=f"d{number}", network="n1") for number in (1, 2, 3)]
    house.run(3)
    assert [house.session(key).phase for key in keys] == [Phase.OPEN, Phase.OPEN, Phase.QUEUED]
    newcomer = asked(house, 4, device="phone", network="n2")
    house.run(3)
    assert house.session(newcomer).phase is Phase.OPEN
    assert house.session(keys[2]).phase is Phase.QUEUED
    house.run(70)
    assert house.session(keys[2]).phase is Phase.OPEN


def test_a_start_that_waited_nine_hours_is_put_aside_and_never_sent(house: House) -> None:
    key = house.request()
    house.clock.advance(9 * 3600)
    house.restart()
    house.run(90)
    assert house.answered("start") == 0
    session = house.session(key)
    assert (session.phase, session.refusal) == (Phase.LEFT, Refusal.NOBODY_WATCHED)
    assert house.store.occupied(CODE) == {}
    assert house.states(key, Kind.START) == [CommandState.WITHDRAWN]


def test_after_nine_hours_it_is_sent_for_whoever_has_come_back_to_the_page(house: House) -> None:
    key = house.request()
    house.clock.advance(9 * 3600)
    house.restart()
    house.run(20)
    assert house.session(key).phase is Phase.QUEUED
    house.watch(key)
    house.run(3)
    assert house.session(key).status == Status.CREATED


def test_a_young_start_is_sent_whether_anybody_watches_or_not(house: House) -> None:
    minute_spent(house)
    key = house.request()
    house.run(70)
    assert house.session(key).status == Status.CREATED


def test_a_start_that_was_put_aside_is_sent_once_it_was_taken_up(house: House) -> None:
    key = house.request()
    house.clock.advance(9 * 3600)
    house.restart()
    house.run(90)
    assert house.store.take_up_again(house.session(key), house.kiosk_clock.now())
    house.engine.wake()
    house.run(3)
    assert house.session(key).status == Status.CREATED
    assert house.answered("start", 201) == 1
    assert house.store.offences(house.kiosk_clock.now()) == []


def test_a_row_that_cannot_be_read_keeps_no_other_start_and_no_stop_waiting(house: House) -> None:
    charging = house.charging(3)
    broken, good = house.request(1), house.request(2)
    with house.store._database.write() as connection:
        wrong = update(sessions).where(sessions.c.key == broken).values(tariff_currency="not a currency")
        connection.execute(wrong)
    house.clock.advance(400)  # late by now, and nobody watches
    house.watch(good)
    house.ask(charging, Kind.STOP)
    house.run(90)
    assert house.session(good).status == Status.CREATED
    house.until(charging, "captured")


def card(house: House, price: int = 49, hold: int = 5000) -> None:
    """What the driver has read before."""
    bays = tuple(Connector(number, "Available") for number in range(1, 5))
    seen_at = house.kiosk_clock.now()
    house.store.save_card(ChargerCard(CODE, "Charger 2", True, bays, Tariff("EUR", price, 35), hold, seen_at))


def agreed(house: House, word: str) -> str:
    now = house.kiosk_clock.now()
    tariff = Tariff("EUR", int(word.split("-")[1]), 35)
    session = Session("key", CODE, 1, Phase.QUEUED, now, tariff=tariff, hold_minor=5000, agreed=word)
    house.store.create(session, device="phone", now=now)
    house.watch("key")
    return session.key


def test_a_price_that_changed_while_a_start_waited_puts_it_aside_before_it_is_sent(house: House) -> None:
    card(house, price=39)
    key = agreed(house, "EUR-39-35-5000")
    house.clock.advance(40)  # the card that they read is old by now, and the price is 0.49
    house.run(3)
    session = house.session(key)
    assert (session.phase, session.refusal) == (Phase.LEFT, Refusal.TERMS_CHANGED)
    assert house.answered("start") == 0
    assert session.agreed == "EUR-39-35-5000"


def test_the_same_terms_are_sent_and_ask_nothing(house: House) -> None:
    key = agreed(house, "EUR-49-35-5000")
    house.until(key, "created", seconds=10)
    assert house.session(key).agreed == "EUR-49-35-5000"


def test_when_the_card_cannot_be_read_the_start_is_sent_and_its_answer_compared(house: House) -> None:
    house.faults.add(Rule(Fault.SERVER_ERROR, "charger", times=None))
    key = agreed(house, "EUR-39-35-5000")
    house.until(key, "created", seconds=10)
    session = house.session(key)
    assert session.tariff == Tariff("EUR", 49, 35)
    assert session.agreed == "EUR-39-35-5000"


def test_what_will_be_held_is_the_payments_own_word(house_with_proofs: House) -> None:
    """The card said 50.00 at this charger, and the payment is for 3.00."""
    house = house_with_proofs
    key = house.request(code=SMALL)
    assert house.store.set_limit(key, None).hold_minor == 300
    with house.store._database.write() as connection:
        connection.execute(update(sessions).where(sessions.c.key == key).values(hold_minor=5000))
    house.until(key, "created", seconds=10)
    assert house.session(key).hold_minor == 300


def test_a_bay_that_is_kept_for_somebody_who_cancelled_is_given_back_before_another_starts(house: House) -> None:
    first = house.request(1)
    house.until(first, "created")
    house.store.give_up(first, house.kiosk_clock.now())
    second = asked(house, 1, device="another", network="n2")
    house.engine.wake()
    house.until(second, "created", seconds=30)
    assert house.session(first).final
    assert house.states(first, Kind.CANCEL) == [CommandState.DONE]
    assert house.answered("cancel") == 1


@pytest.mark.parametrize(("told", "closed"), [(None, 60), (1200, 1200), (7200, 3600)])
def test_a_full_charger_is_left_in_peace_and_others_take_starts_meanwhile(
    tmp_path: Path, told: int | None, closed: int
) -> None:
    full = House(tmp_path, Switches(unpaid_expiry=7200))
    full.faults.add(Rule(Fault.TOO_MANY, "start", times=1, retry_after=told))
    key = asked(full, 1, device="phone", network="n1")
    full.run(3)
    until = full.store.full_chargers(full.kiosk_clock.now())[CODE]
    assert closed - 4 <= (until - full.kiosk_clock.now()).total_seconds() <= closed
    elsewhere = full.request(1, code=SMALL)
    full.until(elsewhere, "created", seconds=10)
    full.run(closed - 20, every=5)
    assert full.session(key).phase is Phase.QUEUED
    full.run(40, every=5)
    assert full.session(key).status == Status.CREATED
    assert full.answered("start", 429) == 1
    full.close()


def test_a_start_at_a_full_charger_that_nobody_waits_for_is_put_aside_long_before_it_opens(house: House) -> None:
    house.faults.add(Rule(Fault.TOO_MANY, "start", times=1, retry_after=3600))
    key = house.request()
    house.run(300, every=5)
    assert house.session(key).refusal is Refusal.NOBODY_WATCHED
    assert house.store.occupied(CODE) == {}
