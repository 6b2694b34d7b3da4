"""Who gets in at the desk, who does not, and what a guesser meets."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from kiosk.clock import ManualClock
from kiosk.domain.desk import FREE_TRIES, IDLE, Role, SignedIn
from kiosk.service import desk_people
from kiosk.service.desk_people import (
    STEP_SECONDS,
    Entered,
    NotEntered,
    Refused,
    add_person,
    change_password,
    confirm_password,
    give_password,
    new_password,
    new_secret,
    remove_person,
    secret_uri,
    sign_in,
    sign_out,
    turn_off_codes,
    turn_on_codes,
    who_is,
)
from kiosk.service.parts import Parts
from tests.worlds.once import REAL_HASHER

from .conftest import Desk

PASSWORD = "three plain words"
OFFICE, STRANGER = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def parts(desk: Desk) -> Parts:
    assert add_person(desk.store, "Kim", PASSWORD, Role.SUPPORT, ["marktplatz"], desk.now, "test") is None
    return desk.parts


def clock(parts: Parts) -> ManualClock:
    assert isinstance(parts.clock, ManualClock)
    return parts.clock


def entered(parts: Parts, password: str = PASSWORD, **more: str) -> Entered:
    found = sign_in(parts, "kim", password, more.pop("code", ""), network=more.pop("network", OFFICE), **more)
    assert isinstance(found, Entered)
    return found


def here(parts: Parts) -> SignedIn:
    found = who_is(parts, entered(parts).token)
    assert found is not None
    return found


def refused(parts: Parts, name: str = "kim", network: str = STRANGER, **more: str) -> NotEntered:
    found = sign_in(parts, name, more.pop("password", "wrong"), more.pop("code", ""), network=network, **more)
    assert isinstance(found, NotEntered)
    return found


def done(parts: Parts) -> list[tuple[str, str]]:
    return [(one.who, one.did) for one in reversed(parts.store.desk.log_entries())]


def test_name_and_password_let_somebody_in_and_the_log_says_so(parts: Parts) -> None:
    found = entered(parts)
    assert (found.person.name, found.person.role) == ("kim", Role.SUPPORT)
    assert "three" not in repr(found) + repr(parts.store.desk.users())
    assert found.token not in repr(found)
    assert isinstance(sign_in(parts, "  KIM ", PASSWORD, "", network=OFFICE), Entered)
    assert done(parts) == [("test", "added_person"), ("kim", "signed_in"), ("kim", "signed_in")]


@pytest.mark.parametrize(("name", "password"), [("kim", "wrong"), ("eve", PASSWORD), ("", ""), ("kim", "")])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(parts: Parts, name: str, password: str) -> None:
    assert refused(parts, name, password=password) == NotEntered(Refused.WRONG)


def test_a_password_is_stored_at_the_cost_that_a_guesser_pays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_people, "_HASHER", REAL_HASHER)
    assert add_person(desk.store, "kim", PASSWORD, Role.SUPPORT, None, desk.now, "test") is None
    known = desk.store.desk.user("kim")
    assert known is not None
    assert known.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    entered(desk.parts)


def test_a_stored_password_that_is_no_hash_lets_nobody_in(parts: Parts) -> None:
    (user,) = parts.store.desk.users()
    parts.store.desk.set_password(user.person.id, "broken")
    assert refused(parts, password="broken").why is Refused.WRONG


def test_a_guesser_waits_longer_each_time_and_the_log_says_it_once(parts: Parts) -> None:
    for _ in range(FREE_TRIES):
        assert refused(parts).why is Refused.WRONG
    blocked = refused(parts, password=PASSWORD)
    assert (blocked.why, blocked.until) == (Refused.WAIT, parts.clock.now() + timedelta(seconds=10))
    clock(parts).advance(10)
    assert refused(parts).why is Refused.WRONG
    assert refused(parts).until == parts.clock.now() + timedelta(seconds=20)
    assert done(parts).count(("kim", "tries_blocked")) == 1


def test_a_name_that_nobody_has_meets_the_same_wait_and_fills_no_log(parts: Parts) -> None:
    for _ in range(FREE_TRIES):
        assert refused(parts, "eve").why is Refused.WRONG
    assert refused(parts, "eve").why is Refused.WAIT
    assert done(parts) == [("test", "added_person")]


def test_a_storm_from_many_addresses_keeps_nobody_out_of_a_browser_that_they_have_used(parts: Parts) -> None:
    for number in range(40):
        refused(parts, network=f"203.0.113.{number}")
    assert refused(parts, network=OFFICE, password=PASSWORD).why is Refused.WAIT
    assert entered(parts, browser="kims-laptop").person.name == "kim"


def test_a_storm_from_one_address_goes_over_names_and_is_stopped_by_that_address(parts: Parts) -> None:
    answers = [refused(parts, f"name{number}", network=STRANGER).why for number in range(25)]
    assert answers == [Refused.WRONG] * 20 + [Refused.WAIT] * 5
    assert entered(parts, network=OFFICE).person.name == "kim"


def test_a_browser_that_is_known_is_no_way_to_guess_without_end(parts: Parts) -> None:
    for _ in range(FREE_TRIES):
        assert refused(parts, browser="stolen").why is Refused.WRONG
    assert refused(parts, browser="stolen", password=PASSWORD).why is Refused.WAIT


def test_a_whole_office_signs_in_from_one_address_day_after_day(parts: Parts) -> None:
    for _ in range(30):
        entered(parts)


def test_when_too_many_passwords_are_looked_at_the_next_one_is_told_to_come_again(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_people, "_PATIENCE", 0.0)
    assert desk_people._AT_ONCE.acquire(timeout=0)
    assert desk_people._AT_ONCE.acquire(timeout=0)
    try:
        assert refused(parts, password=PASSWORD).why is Refused.BUSY
    finally:
        desk_people._AT_ONCE.release()
        desk_people._AT_ONCE.release()


def test_somebody_stays_in_while_they_work_and_not_while_a_page_renews_itself(parts: Parts) -> None:
    token = entered(parts).token
    for _ in range(3):
        clock(parts).advance(IDLE.total_seconds() - 10)
        assert who_is(parts, token) is not None
    clock(parts).advance(IDLE.total_seconds() - 10)
    assert who_is(parts, token, asked_for=False) is not None
    clock(parts).advance(20)
    assert who_is(parts, token) is None
    assert parts.store.desk.signed_in(token) is None
    assert who_is(parts, "no such token") is None


def test_who_reads_is_not_put_out_while_the_store_cannot_write(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.store.errors import CannotWrite, Trouble

    token = entered(parts).token
    clock(parts).advance(600)

    def full(*_given: object) -> None:
        raise CannotWrite(Trouble.FULL)

    monkeypatch.setattr(parts.store.desk, "seen", full)
    assert who_is(parts, token) is not None


def test_signing_out_ends_one_browser_or_all(parts: Parts) -> None:
    first, second = entered(parts), entered(parts)
    who = who_is(parts, first.token)
    assert who is not None
    sign_out(parts, who)
    assert (who_is(parts, first.token), who_is(parts, second.token) is not None) == (None, True)
    who = who_is(parts, second.token)
    assert who is not None
    third = entered(parts)
    sign_out(parts, who, everywhere=True)
    assert who_is(parts, third.token) is None
    assert done(parts)[-1] == ("kim", "signed_out_everywhere")


def test_the_password_again_is_counted_and_waited_for_like_a_first_one(parts: Parts) -> None:
    who = here(parts)
    clock(parts).advance(3600)
    assert confirm_password(parts, who, PASSWORD) is True
    renewed = parts.store.desk.users()[0]
    assert renewed.person.name == "kim"
    answers = [confirm_password(parts, who, "wrong") for _ in range(FREE_TRIES)]
    assert answers == [False] * FREE_TRIES
    assert confirm_password(parts, who, PASSWORD) == parts.clock.now() + timedelta(seconds=10)


def test_whoever_was_removed_confirms_nothing(parts: Parts) -> None:
    who = here(parts)
    assert remove_person(parts.store, "Kim", parts.clock.now(), "test") is None
    assert confirm_password(parts, who, PASSWORD) is False
    assert (
        remove_person(parts.store, "kim", parts.clock.now(), "test") == "Nobody is called kim: see `kiosk user list`."
    )


def test_a_changed_password_signs_out_everywhere(parts: Parts) -> None:
    who, other = here(parts), entered(parts)
    assert change_password(parts, who, PASSWORD, "short") is not None
    assert change_password(parts, who, "wrong", "another three words") == "That is not your password of until now."
    assert who_is(parts, other.token) is not None
    assert change_password(parts, who, PASSWORD, "another three words") is None
    assert who_is(parts, other.token) is None
    assert entered(parts, "another three words")


def code_of(parts: Parts, secret: str, steps: int = 0) -> str:
    return str(pyotp.TOTP(secret).at(int(parts.clock.now().timestamp()) + steps * STEP_SECONDS))


def test_with_codes_a_password_alone_opens_nothing_and_each_code_counts_once(parts: Parts) -> None:
    who, secret = here(parts), new_secret()
    assert "secret=" + secret in secret_uri(secret, "kim", "Lindenau")
    assert turn_on_codes(parts, who, secret, "000000") is None
    code = code_of(parts, secret)
    recovery = turn_on_codes(parts, who, secret, f" {code[:3]} {code[3:]} ")
    assert recovery is not None
    assert refused(parts, password=PASSWORD).why is Refused.CODE
    assert refused(parts, password=PASSWORD, code=code).why is Refused.WRONG, "it was used to turn them on"
    clock(parts).advance(STEP_SECONDS)
    assert entered(parts, code=code_of(parts, secret))
    assert refused(parts, password=PASSWORD, code=code_of(parts, secret)).why is Refused.WRONG
    assert refused(parts, password=PASSWORD, code=code_of(parts, secret, steps=-3)).why is Refused.WRONG
    assert entered(parts, code=code_of(parts, secret, steps=1)), "the clock of a phone may be half a minute ahead"


def test_a_recovery_code_opens_once_and_the_log_says_so(parts: Parts) -> None:
    who, secret = here(parts), new_secret()
    recovery = turn_on_codes(parts, who, secret, code_of(parts, secret))
    assert recovery is not None
    assert len(set(recovery)) == 8
    assert entered(parts, code=recovery[0].upper())
    assert ("kim", "used_recovery_code") in done(parts)
    assert refused(parts, password=PASSWORD, code=recovery[0]).why is Refused.WRONG
    turn_off_codes(parts, who)
    assert entered(parts)


def test_codes_that_no_secret_key_opens_any_more_let_in_by_recovery_codes_alone(parts: Parts) -> None:
    who = here(parts)
    parts.store.desk.set_second(who.person.id, "", 1, ["spare"])
    assert refused(parts, password=PASSWORD, code="000000").why is Refused.WRONG
    assert entered(parts, code="spare")


@pytest.mark.parametrize("secret_time", [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(parts: Parts, secret_time: tuple[int, str]) -> None:
    """Appendix B: the last six figures, SHA-1, of the secret `12345678901234567890`."""
    at, code = secret_time
    frozen = replace(parts, clock=ManualClock(parts.clock.now().fromtimestamp(at, parts.clock.now().tzinfo)))
    assert desk_people._step_of(frozen, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", code) == at // STEP_SECONDS


def test_a_lost_password_is_given_anew_and_ends_the_wait(parts: Parts) -> None:
    who, secret = here(parts), new_secret()
    turn_on_codes(parts, who, secret, code_of(parts, secret))
    for _ in range(FREE_TRIES):
        refused(parts)
    now = parts.clock.now()
    assert give_password(parts.store, "eve", new_password(), now, "test", without_codes=False) is not None
    assert give_password(parts.store, "kim", "short", now, "test", without_codes=False) is not None
    made = new_password()
    assert give_password(parts.store, "kim", made, now, "test", without_codes=True) is None
    assert entered(parts, made)
    assert done(parts)[-3:] == [("test", "gave_password"), ("test", "took_codes_away"), ("kim", "signed_in")]


def test_a_new_password_leaves_the_codes_unless_it_is_said(parts: Parts) -> None:
    who, secret = here(parts), new_secret()
    turn_on_codes(parts, who, secret, code_of(parts, secret))
    made = new_password()
    assert give_password(parts.store, "kim", made, parts.clock.now(), "test", without_codes=False) is None
    assert refused(parts, password=made, network=OFFICE).why is Refused.CODE


@pytest.mark.parametrize("name", ["", "k i m", "-kim", "a" * 41, "<b>"])
def test_a_name_is_plain(parts: Parts, name: str) -> None:
    problem = add_person(parts.store, name, PASSWORD, Role.VIEWER, None, parts.clock.now(), "test")
    assert str(problem).startswith("A name has")


def test_a_name_is_taken_once_and_a_password_is_looked_at(parts: Parts) -> None:
    now = parts.clock.now()
    assert add_person(parts.store, "kim", PASSWORD, Role.OWNER, None, now, "test") is not None
    assert add_person(parts.store, "ann", "short", Role.OWNER, None, now, "test") is not None
    assert [one.person.name for one in parts.store.desk.users()] == ["kim"]
