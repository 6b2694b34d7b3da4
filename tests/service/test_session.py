"""What may be asked of a session, without a page: who may, what is offered when, and what is then stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from kiosk.domain.commands import AskedBy, CommandState, Kind
from kiosk.domain.commands import Wish as Stored
from kiosk.domain.money import Money
from kiosk.domain.session import Phase, Session
from kiosk.domain.stop_code import stop_code
from kiosk.news.news import session_topic
from kiosk.service import session as service
from kiosk.service.parts import Parts
from kiosk.service.session import LOOK_AGAIN_AFTER, TAKEOVER_LIFE, Reply, TakeOverCode
from kiosk.service.visit import prove_owner
from tests.service.conftest import CODE, HOLD, Desk

OWNER = "phone"
SECRET = "pi_3Kiosk_secret_abcdef"

Wish = Callable[[Parts, str, str | None], object]

WISHES: dict[str, Wish] = {
    "payment": service.payment_of,
    "confirm": service.confirm,
    "cancel": service.cancel,
    "leave": service.leave,
    "stop": service.stop,
    "limit": lambda parts, key, device: service.set_limit(parts, key, device, 1500),
    "email": lambda parts, key, device: service.send_receipt_to(parts, key, device, "anna@mail.example"),
    "move": service.new_take_over,
}


def created(desk: Desk) -> str:
    key = desk.queued(device=OWNER)
    desk.start_answer(key)
    return key


def held(desk: Desk) -> str:
    key = created(desk)
    desk.observe(key, "authorized", authorized_minor=HOLD, authorized_at=desk.now)
    return key


def charging(desk: Desk, cost: int = 700) -> str:
    key = held(desk)
    desk.observe(key, "charging", charging_started_at=desk.now, energy_kwh=Decimal(10), cost_minor=cost)
    return key


def captured(desk: Desk) -> str:
    key = charging(desk)
    desk.observe(key, "captured", captured_minor=700, captured_at=desk.now, energy_kwh=Decimal(14))
    return key


def session(desk: Desk, key: str) -> Session:
    found = desk.store.session(key)
    assert found is not None
    return found


def kinds(desk: Desk, key: str) -> list[Kind]:
    """What was asked after the start."""
    return [one.kind for one in desk.store.commands(key) if one.kind is not Kind.START]


# --- who may ask


@pytest.mark.parametrize("name", WISHES)
@pytest.mark.parametrize("device", ["somebody else", None])
def test_only_an_owner_may_ask(desk: Desk, name: str, device: str | None) -> None:
    for key in (created(desk), desk.queued(1, device=OWNER)):
        assert WISHES[name](desk.parts, key, device) is Reply.NOT_OWNER
        assert kinds(desk, key) == []
        assert session(desk, key).phase is not Phase.LEFT
    assert desk.bell.rings == 0


@pytest.mark.parametrize("name", WISHES)
def test_of_no_session_nothing_can_be_asked(desk: Desk, name: str) -> None:
    assert WISHES[name](desk.parts, "no-such-key", OWNER) is Reply.NO_SESSION


# --- paying


def test_the_owner_gets_what_the_payment_form_needs_while_it_can_be_paid(desk: Desk) -> None:
    found = service.payment_of(desk.parts, created(desk), OWNER)
    assert isinstance(found, service.PaymentForm)
    assert found.context.client_secret == SECRET
    assert found.hold == Money(HOLD, "EUR")


def test_before_and_after_that_there_is_nothing_to_pay(desk: Desk) -> None:
    assert service.payment_of(desk.parts, desk.queued(1, device=OWNER), OWNER) is Reply.NOT_OFFERED
    assert service.payment_of(desk.parts, held(desk), OWNER) is Reply.NOT_OFFERED


def test_when_the_payment_form_was_handed_out_first_is_written_down(desk: Desk) -> None:
    key = created(desk)
    assert session(desk, key).payment_shown_at is None
    shown_at = desk.now
    service.payment_of(desk.parts, key, OWNER)
    desk.clock.advance(60)
    service.payment_of(desk.parts, key, OWNER)
    assert session(desk, key).payment_shown_at == shown_at


def test_nobody_but_the_owner_is_handed_the_form(desk: Desk) -> None:
    key = created(desk)
    service.payment_of(desk.parts, key, "somebody else")
    assert session(desk, key).payment_shown_at is None


def test_who_says_that_they_paid_makes_the_engine_look(desk: Desk) -> None:
    key = created(desk)
    assert service.confirm(desk.parts, key, OWNER) is Reply.DONE
    assert kinds(desk, key) == [Kind.CONFIRM]
    assert desk.bell.rings == 1


def test_what_is_held_already_is_not_confirmed_again(desk: Desk) -> None:
    key = held(desk)
    assert service.confirm(desk.parts, key, OWNER) is Reply.NOT_OFFERED
    assert kinds(desk, key) == []


# --- cancelling and leaving


@pytest.mark.parametrize("wish", [service.leave, service.cancel])
def test_in_the_line_leaving_and_cancelling_withdraw_the_start(desk: Desk, wish: Wish) -> None:
    key = desk.queued(device=OWNER)
    assert wish(desk.parts, key, OWNER) is Reply.DONE
    assert session(desk, key).phase is Phase.LEFT
    assert kinds(desk, key) == []
    assert desk.bell.rings == 1


@pytest.mark.parametrize("wish", [service.leave, service.cancel])
def test_a_start_that_was_sent_cannot_be_withdrawn(desk: Desk, wish: Wish) -> None:
    key = desk.queued(device=OWNER)
    (start,) = desk.store.commands(key)
    desk.store.claim(start.id, desk.now)
    assert wish(desk.parts, key, OWNER) is Reply.NOT_OFFERED
    assert session(desk, key).phase is Phase.QUEUED


def test_a_start_that_was_not_paid_gives_its_bay_free_at_once_and_upstream_is_told_later(desk: Desk) -> None:
    key = created(desk)
    assert service.cancel(desk.parts, key, OWNER) is Reply.DONE
    assert kinds(desk, key) == []
    assert session(desk, key).given_up
    assert desk.store.occupied(session(desk, key).code) == {}
    assert service.payment_of(desk.parts, key, OWNER) is Reply.NOT_OFFERED
    assert service.cancel(desk.parts, key, OWNER) is Reply.NOT_OFFERED


def test_a_start_that_somebody_says_was_paid_is_cancelled_at_upstream(desk: Desk) -> None:
    key = created(desk)
    desk.store.ask(key, Kind.CONFIRM, AskedBy.DRIVER, desk.now)
    assert service.cancel(desk.parts, key, OWNER) is Reply.DONE
    assert kinds(desk, key) == [Kind.CONFIRM, Kind.CANCEL]


def test_a_start_is_cancelled_until_power_flows(desk: Desk) -> None:
    key = held(desk)
    assert service.cancel(desk.parts, key, OWNER) is Reply.DONE
    assert kinds(desk, key) == [Kind.CANCEL]


def test_a_cancel_that_comes_when_it_charges_already_means_stop(desk: Desk) -> None:
    key = charging(desk)
    assert service.cancel(desk.parts, key, OWNER) is Reply.DONE
    assert kinds(desk, key) == [Kind.STOP]
    assert session(desk, key).wish is not None


def test_what_has_ended_cannot_be_cancelled(desk: Desk) -> None:
    key = captured(desk)
    assert service.cancel(desk.parts, key, OWNER) is Reply.NOT_OFFERED
    assert (kinds(desk, key), session(desk, key).wish) == ([], None)


# --- stopping


def test_a_charge_is_stopped_once_while_the_stop_is_under_way(desk: Desk) -> None:
    key = charging(desk)
    assert service.stop(desk.parts, key, OWNER) is Reply.DONE
    assert service.stop(desk.parts, key, OWNER) is Reply.NOT_OFFERED
    assert kinds(desk, key) == [Kind.STOP]
    assert desk.bell.rings == 1


def test_a_stop_that_got_no_answer_may_be_asked_for_again(desk: Desk) -> None:
    key = charging(desk)
    service.stop(desk.parts, key, OWNER)
    (stop,) = [one for one in desk.store.commands(key) if one.kind is Kind.STOP]
    desk.store.claim(stop.id, desk.now)
    desk.store.finish(stop.id, CommandState.UNKNOWN, desk.now)
    desk.clock.advance(9)
    assert service.stop(desk.parts, key, OWNER) is Reply.DONE
    assert kinds(desk, key) == [Kind.STOP], "the engine asks again by itself: impatience spends nobody's budget"
    desk.clock.advance(1)
    assert service.stop(desk.parts, key, OWNER) is Reply.DONE
    assert kinds(desk, key) == [Kind.STOP, Kind.STOP]


def test_that_a_driver_wants_the_end_stays_with_the_session(desk: Desk) -> None:
    key = charging(desk)
    assert session(desk, key).wish is None
    service.stop(desk.parts, key, OWNER)
    assert session(desk, key).wish == Stored(Kind.STOP, AskedBy.DRIVER, desk.now)


@pytest.mark.parametrize("before", [created, held, captured])
def test_what_does_not_run_cannot_be_stopped(desk: Desk, before: Callable[[Desk], str]) -> None:
    key = before(desk)
    assert service.stop(desk.parts, key, OWNER) is Reply.NOT_OFFERED
    assert kinds(desk, key) == []


def test_a_wish_waits_until_the_session_has_moved_on(desk: Desk) -> None:
    key = charging(desk)
    moved = threading.Event()

    def engine() -> None:
        desk.observe(key, "stopping")
        moved.set()
        desk.parts.news.publish(session_topic(key))

    desk.bell.act = lambda: threading.Timer(0.05, engine).start()
    assert service.stop(desk.patient(), key, OWNER) is Reply.DONE
    assert moved.is_set()


def test_pages_and_engine_hear_of_a_wish_after_it_is_stored(desk: Desk) -> None:
    key = charging(desk)
    heard: list[Kind] = []
    desk.bell.act = lambda: heard.extend(kinds(desk, key))
    before = desk.parts.news.version(session_topic(key))
    service.stop(desk.parts, key, OWNER)
    assert heard == [Kind.STOP]
    assert desk.parts.news.version(session_topic(key)) != before


# --- the limit


def test_an_offered_limit_is_set_and_taken_away(desk: Desk) -> None:
    key = charging(desk)
    for minor in (1500, None):
        assert service.set_limit(desk.parts, key, OWNER, minor) is Reply.DONE
        assert session(desk, key).limit_minor == minor
    assert desk.bell.rings == 2


@pytest.mark.parametrize("minor", [-1, 0, 1, 1499, HOLD, 10**9])
def test_any_other_limit_is_wrong(desk: Desk, minor: int) -> None:
    key = charging(desk)
    assert service.set_limit(desk.parts, key, OWNER, minor) is Reply.WRONG_LIMIT
    assert session(desk, key).limit_minor is None


def test_a_limit_that_the_cost_has_passed_is_wrong_but_the_current_one_may_stay(desk: Desk) -> None:
    key = charging(desk, cost=700)
    service.set_limit(desk.parts, key, OWNER, 1000)
    desk.clock.advance(1800)
    desk.observe(key, "charging", cost_minor=1200)
    assert service.set_limit(desk.parts, key, OWNER, 1000) is Reply.DONE
    service.set_limit(desk.parts, key, OWNER, None)
    assert service.set_limit(desk.parts, key, OWNER, 1000) is Reply.WRONG_LIMIT


def test_the_limit_that_is_set_already_is_no_news(desk: Desk) -> None:
    key = charging(desk)
    service.set_limit(desk.parts, key, OWNER, 1500)
    rings = desk.bell.rings
    assert service.set_limit(desk.parts, key, OWNER, 1500) is Reply.DONE
    assert desk.bell.rings == rings


def test_no_limit_is_set_before_the_charge_and_one_is_set_however_old_the_figures_are(desk: Desk) -> None:
    key = held(desk)
    assert service.set_limit(desk.parts, key, OWNER, 1500) is Reply.NOT_OFFERED
    desk.observe(key, "charging", energy_kwh=Decimal(1), cost_minor=70)
    desk.clock.advance(600)
    assert service.set_limit(desk.parts, key, OWNER, 1500) is Reply.DONE
    assert session(desk, key).limit_minor == 1500


# --- the receipt's e-mail


def test_an_address_is_passed_on_without_the_spaces_around_it(desk: Desk) -> None:
    key = charging(desk)
    assert service.send_receipt_to(desk.parts, key, OWNER, " anna.o'hara+ev@mail.example ") is Reply.DONE
    (command,) = [one for one in desk.store.commands(key) if one.kind is Kind.RECEIPT_EMAIL]
    assert desk.store.email_of(command.id) == "anna.o'hara+ev@mail.example"
    assert desk.bell.rings == 1


@pytest.mark.parametrize("email", ["", "anna", "anna@mail", "a b@mail.example", "a@b.example\r\nBcc: x@y.example"])
def test_what_is_no_address_is_wrong(desk: Desk, email: str) -> None:
    key = charging(desk)
    assert service.send_receipt_to(desk.parts, key, OWNER, email) is Reply.WRONG_EMAIL
    assert kinds(desk, key) == []


def test_after_the_end_it_is_too_late_for_an_address(desk: Desk) -> None:
    key = captured(desk)
    assert service.send_receipt_to(desk.parts, key, OWNER, "anna@mail.example") is Reply.TOO_LATE
    assert kinds(desk, key) == []


# --- another device


def test_a_code_makes_one_other_device_an_owner(desk: Desk) -> None:
    key = charging(desk)
    made = service.new_take_over(desk.parts, key, OWNER)
    assert isinstance(made, TakeOverCode)
    assert made.code not in repr(made)
    assert service.session_behind(desk.parts, made.code) == key
    assert service.take_over(desk.parts, made.code, "second") == key
    assert service.session_behind(desk.parts, made.code) is None
    assert service.take_over(desk.parts, made.code, "third") is None
    assert [desk.store.owns(key, one) for one in (OWNER, "second", "third")] == [True, True, False]


def test_a_code_ends_after_its_time(desk: Desk) -> None:
    made = service.new_take_over(desk.parts, charging(desk), OWNER)
    assert isinstance(made, TakeOverCode)
    desk.clock.advance(TAKEOVER_LIFE.total_seconds())
    assert service.take_over(desk.parts, made.code, "second") is None


def test_what_is_over_is_not_moved(desk: Desk) -> None:
    assert service.new_take_over(desk.parts, captured(desk), OWNER) is Reply.NOT_OFFERED


# --- the return from a bank


def test_the_payments_secret_makes_another_browser_an_owner_once(desk: Desk) -> None:
    key = created(desk)
    assert service.return_from_bank(desk.parts, key, SECRET, lambda: "second") is Reply.DONE
    assert service.return_from_bank(desk.parts, key, SECRET, lambda: "third") is Reply.DONE
    owners = [desk.store.owns(key, one) for one in ("second", "third")]
    assert owners == [True, False]
    assert kinds(desk, key) == [Kind.CONFIRM]


def test_a_later_return_proves_ownership_too_and_asks_nothing(desk: Desk) -> None:
    key = held(desk)
    assert service.return_from_bank(desk.parts, key, SECRET, lambda: "second") is Reply.NOT_OFFERED
    assert desk.store.owns(key, "second")
    assert kinds(desk, key) == []


@pytest.mark.parametrize("secret", ["", SECRET[:-1], SECRET + "x", "é"])
def test_a_wrong_secret_proves_nothing(desk: Desk, secret: str) -> None:
    key = created(desk)

    def nobody() -> str:
        raise AssertionError("a browser was made an owner")

    assert service.return_from_bank(desk.parts, key, secret, nobody) is Reply.NOT_OWNER
    assert kinds(desk, key) == []


def test_a_session_without_a_payment_has_no_secret(desk: Desk) -> None:
    assert service.return_from_bank(desk.parts, desk.queued(1), "", lambda: "second") is Reply.NOT_OWNER
    assert service.return_from_bank(desk.parts, "no-such-key", "", lambda: "second") is Reply.NO_SESSION


# --- a refund


def test_who_loads_an_old_receipt_again_and_again_has_it_looked_at_once_an_hour(desk: Desk) -> None:
    key = captured(desk)
    desk.clock.advance((LOOK_AGAIN_AFTER + timedelta(seconds=1)).total_seconds())
    looks = 0
    for _ in range(3 * 60):
        service.look_for_a_refund(desk.parts, session(desk, key))
        looks += len(desk.store.hints())
        desk.store.clear_hint(key, desk.now)  # asked, and no answer came
        desk.clock.advance(60)
    assert looks == 3


def test_what_upstream_has_forgotten_is_not_looked_at(desk: Desk) -> None:
    key = captured(desk)
    desk.clock.advance((LOOK_AGAIN_AFTER + timedelta(seconds=1)).total_seconds())
    forgotten = replace(session(desk, key), gone_at=desk.now)
    service.look_for_a_refund(desk.parts, forgotten)
    assert desk.store.hints() == {}


def test_a_store_that_is_locked_shows_the_receipt_all_the_same(desk: Desk) -> None:
    key = captured(desk)
    desk.clock.advance((LOOK_AGAIN_AFTER + timedelta(seconds=1)).total_seconds())
    with desk.store._database.write():
        service.look_for_a_refund(desk.parts, session(desk, key))
    assert desk.store.hints() == {}


def test_with_a_reader_the_engine_looks_again_for_a_refund(desk: Desk) -> None:
    key = captured(desk)
    desk.clock.advance((LOOK_AGAIN_AFTER + timedelta(seconds=1)).total_seconds())
    service.look_for_a_refund(desk.parts, session(desk, key))
    assert set(desk.store.hints()) == {key}
    assert desk.bell.rings == 1


def test_what_was_read_a_moment_ago_or_is_not_captured_is_left_alone(desk: Desk) -> None:
    one, other = captured(desk), desk.queued(1, device=OWNER)
    desk.clock.advance(LOOK_AGAIN_AFTER.total_seconds() - 1)
    for key in (one, other):
        service.look_for_a_refund(desk.parts, session(desk, key))
    assert set(desk.store.hints()) == set()
    assert desk.bell.rings == 0


# --- taking a right back


def let_in(desk: Desk, key: str, device: str, *, on_screen: bool = False) -> None:
    desk.clock.advance(1)
    made = service.new_take_over(desk.parts, key, OWNER, on_screen=on_screen)
    assert isinstance(made, TakeOverCode)
    assert service.take_over(desk.parts, made.code, device) == key


def mark_of(desk: Desk, key: str, number: int = 0, device: str = OWNER) -> str:
    others = service.handed_over(desk.parts, key, device)
    assert not isinstance(others, Reply)
    return others[number].mark


def test_a_right_that_was_handed_over_is_taken_back_and_the_device_may_only_watch(desk: Desk) -> None:
    key = charging(desk)
    let_in(desk, key, "stranger")
    let_in(desk, key, "friend")
    assert service.take_right_back(desk.parts, key, OWNER, mark_of(desk, key)) is Reply.DONE
    assert service.stop(desk.parts, key, "stranger") is Reply.NOT_OWNER
    assert service.new_take_over(desk.parts, key, "stranger") is Reply.NOT_OWNER
    assert desk.store.sessions_of("stranger") == []
    assert service.stop(desk.parts, key, "friend") is Reply.DONE
    assert kinds(desk, key) == [Kind.STOP]


def test_a_device_that_was_let_in_takes_no_right_back_from_anybody(desk: Desk) -> None:
    key = charging(desk)
    let_in(desk, key, "stranger")
    let_in(desk, key, "friend")
    assert service.handed_over(desk.parts, key, "stranger") == ()
    owners = [right.mark for right in desk.store.rights_of(key, "stranger")[1]]
    assert len(owners) == 2
    for mark in owners:
        assert service.take_right_back(desk.parts, key, "stranger", mark) is Reply.NOT_OFFERED
    assert service.take_right_back(desk.parts, key, "nobody", owners[0]) is Reply.NOT_OWNER
    assert desk.store.owns(key, OWNER)
    assert desk.store.owns(key, "friend")


def test_a_right_is_taken_back_once(desk: Desk) -> None:
    key = charging(desk)
    let_in(desk, key, "stranger")
    mark = mark_of(desk, key)
    assert service.take_right_back(desk.parts, key, OWNER, mark) is Reply.DONE
    assert service.take_right_back(desk.parts, key, OWNER, mark) is Reply.NOT_OFFERED
    assert service.take_right_back(desk.parts, key, OWNER, "") is Reply.NOT_OFFERED
    assert desk.store.times_taken_back(key) == 1


def test_the_phone_that_took_it_from_the_screen_takes_back_what_came_later(desk: Desk) -> None:
    key = charging(desk)
    let_in(desk, key, "driver's phone", on_screen=True)
    let_in(desk, key, "stranger")
    mark = mark_of(desk, key, device="driver's phone")
    assert service.take_right_back(desk.parts, key, "driver's phone", mark) is Reply.DONE
    assert not desk.store.owns(key, "stranger")
    assert desk.store.owns(key, OWNER)


def test_whoever_lost_the_right_gets_it_back_by_nothing_that_they_have_seen(desk: Desk) -> None:
    """A code that nobody has used yet, the six digits, and the payment's own secret."""
    key = created(desk)
    let_in(desk, key, "stranger")
    spare = service.new_take_over(desk.parts, key, "stranger")
    assert isinstance(spare, TakeOverCode)
    assert isinstance(service.payment_of(desk.parts, key, "stranger"), service.PaymentForm)
    digits = stop_code(key, desk.parts.settings.secret_keys)
    assert service.take_right_back(desk.parts, key, OWNER, mark_of(desk, key)) is Reply.DONE
    assert service.take_over(desk.parts, spare.code, "stranger") is None
    desk.observe(key, "charging", energy_kwh=Decimal(1), cost_minor=84, authorized_minor=HOLD)
    assert prove_owner(desk.parts, CODE, 2, digits, lambda: "stranger") is None
    service.return_from_bank(desk.parts, key, SECRET, lambda: "stranger")
    assert not desk.store.owns(key, "stranger")
    now = stop_code(key, desk.parts.settings.secret_keys, 1)
    assert prove_owner(desk.parts, CODE, 2, now, lambda: "screen") == key


def test_a_payment_that_comes_back_after_that_is_confirmed_all_the_same(desk: Desk) -> None:
    key = created(desk)
    let_in(desk, key, "stranger")
    assert service.take_right_back(desk.parts, key, OWNER, mark_of(desk, key)) is Reply.DONE
    assert service.return_from_bank(desk.parts, key, SECRET, lambda: "other browser") is Reply.DONE
    assert kinds(desk, key) == [Kind.CONFIRM]


def test_after_the_end_there_is_nothing_to_take_back(desk: Desk) -> None:
    key = charging(desk)
    let_in(desk, key, "friend")
    desk.observe(key, "captured", captured_minor=700, captured_at=desk.now, energy_kwh=Decimal(14))
    assert service.handed_over(desk.parts, key, OWNER) is Reply.NOT_OFFERED
