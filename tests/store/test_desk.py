"""People of the desk, their browsers, wrong tries, notes, and a log that can only be added to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from kiosk.domain.desk import FREE_TRIES, TRIES_LIVE, Role
from kiosk.store import Cipher, Store
from kiosk.store.errors import Missing
from kiosk.store.tables import desk_log

from .build import at_once, later, opened, whole_end

NOW = later(0)
NONE = {"somebody": FREE_TRIES}


def kim(store: Store, name: str = "kim", sites: list[str] | None = None) -> int:
    assert store.desk.add_user(name, "stored", Role.SUPPORT, sites, NOW)
    user = store.desk.user(name)
    assert user is not None
    return user.person.id


def test_a_person_is_kept_with_role_and_sites(store: Store) -> None:
    kim(store, sites=["b", "a"])
    user = store.desk.user("kim")
    assert user is not None
    assert (user.person.role, user.person.sites, user.person.second) == (Role.SUPPORT, frozenset({"a", "b"}), False)
    assert (user.password, user.secret, user.step, user.made_at) == ("stored", None, None, NOW)
    assert [one.person.name for one in store.desk.users()] == ["kim"]
    store.desk.set_rights(user.person.id, Role.OWNER, None)
    (now,) = store.desk.users()
    assert (now.person.role, now.person.sites) == (Role.OWNER, None)
    assert store.desk.user("eve") is None


def test_a_name_is_given_once(store: Store) -> None:
    kim(store)
    assert not store.desk.add_user("kim", "other", Role.OWNER, None, NOW)
    assert [(one.password, one.person.role) for one in store.desk.users()] == [("stored", Role.SUPPORT)]


def test_a_browser_is_signed_in_until_it_is_signed_out(store: Store) -> None:
    user = kim(store)
    store.desk.sign_in(user, "token", NOW)
    found = store.desk.signed_in("token")
    assert found is not None
    assert (found.person.name, found.started_at, found.seen_at, found.confirmed_at) == ("kim", NOW, NOW, NOW)
    store.desk.seen(found.id, later(60))
    store.desk.confirmed(found.id, later(90))
    now = store.desk.signed_in("token")
    assert now is not None
    assert (now.started_at, now.seen_at, now.confirmed_at) == (NOW, later(90), later(90))
    store.desk.sign_out(found.id)
    assert store.desk.signed_in("token") is None
    assert store.desk.signed_in("another") is None


def test_everywhere_means_every_browser_of_that_person_and_nobody_elses(store: Store) -> None:
    one, other = kim(store), kim(store, "ann")
    for token, user in (("a", one), ("b", one), ("c", other)):
        store.desk.sign_in(user, token, NOW)
    assert store.desk.browsers_of(one) == 2
    assert store.desk.sign_out_everywhere(one) == 2
    assert [store.desk.signed_in(token) is not None for token in "abc"] == [False, False, True]


def test_a_new_password_and_a_removal_sign_out_everywhere(store: Store) -> None:
    user = kim(store)
    store.desk.sign_in(user, "a", NOW)
    store.desk.set_password(user, "newer")
    assert store.desk.signed_in("a") is None
    store.desk.sign_in(user, "b", NOW)
    store.desk.set_second(user, "SECRET", 1, ["one"])
    store.desk.remove_user(user)
    assert store.desk.signed_in("b") is None
    assert store.desk.users() == []


def test_sign_ins_of_long_ago_are_forgotten(store: Store) -> None:
    user = kim(store)
    store.desk.sign_in(user, "old", NOW)
    store.desk.sign_in(user, "new", later(3600))
    store.desk.forget_signed_in(later(1800))
    assert [store.desk.signed_in(token) is not None for token in ("old", "new")] == [False, True]


def test_a_one_time_code_and_a_recovery_code_count_once(store: Store) -> None:
    user = kim(store)
    store.desk.set_second(user, "SECRET", 10, ["first", "second"])
    found = store.desk.user("kim")
    assert found is not None
    assert (found.secret, found.step, found.person.second) == ("SECRET", 10, True)
    assert [store.desk.use_step(user, step) for step in (10, 11, 11, 9)] == [False, True, False, False]
    assert [store.desk.use_recovery(user, code) for code in ("first", "first", "third")] == [True, False, False]
    assert store.desk.recovery_left(user) == 1
    store.desk.set_second(user, None, None)
    found = store.desk.user("kim")
    assert found is not None
    assert not found.person.second
    assert store.desk.recovery_left(user) == 0
    assert store.desk.use_step(user, 1), "a first code of a new app"


def test_two_at_once_cannot_use_the_same_code(store: Store) -> None:
    user = kim(store)
    assert sorted(map(str, at_once(4, lambda _n: store.desk.use_step(user, 7)))) == ["False"] * 3 + ["True"]


def test_codes_that_no_secret_opens_are_still_asked_for(store: Store, url: str) -> None:
    """A removed secret key must not turn the second factor off."""
    store.desk.set_second(kim(store), "SECRET", 1, [])
    other = Store(url, Cipher(["another secret that is long enough"]))
    found = other.desk.user("kim")
    other.close()
    assert found is not None
    assert (found.person.second, found.secret) == (True, "")


def test_tries_are_counted_before_they_are_made_and_block_when_there_are_enough(store: Store) -> None:
    assert [store.desk.begin_try(NONE, NOW) for _ in range(FREE_TRIES)] == [None] * FREE_TRIES
    until = store.desk.begin_try(NONE, NOW)
    assert until == NOW + timedelta(seconds=10)
    assert store.desk.tries_of("somebody") == FREE_TRIES, "a try that was not taken counts for nothing"
    assert store.desk.begin_try(NONE, until) is None
    assert store.desk.begin_try(NONE, until) == until + timedelta(seconds=20)


def test_a_hundred_tries_at_once_are_a_hundred(store: Store) -> None:
    taken = [until is None for until in at_once(12, lambda _n: store.desk.begin_try(NONE, NOW))]
    assert sum(taken) == FREE_TRIES


def test_one_that_is_blocked_blocks_and_counts_none_of_the_others(store: Store) -> None:
    for _ in range(FREE_TRIES):
        store.desk.begin_try({"account": FREE_TRIES}, NOW)
    assert store.desk.begin_try({"account": FREE_TRIES, "network": 20}, NOW) is not None
    assert store.desk.tries_of("network") == 0


def test_a_right_password_takes_its_try_back_and_leaves_the_networks_others(store: Store) -> None:
    both = {"account": FREE_TRIES, "network": 20}
    for _ in range(3):
        store.desk.begin_try(both, NOW)
    store.desk.was_right(["account"], "network")
    assert (store.desk.tries_of("account"), store.desk.tries_of("network")) == (0, 2)


def test_tries_are_forgotten_after_a_day(store: Store) -> None:
    store.desk.begin_try(NONE, NOW)
    store.desk.begin_try({"another": 5}, NOW + TRIES_LIVE + timedelta(seconds=1))
    assert store.desk.tries_of("somebody") == 0


def test_the_log_is_read_by_who_and_by_what_the_newest_first(store: Store) -> None:
    store.desk.log("kim", "signed_in", NOW)
    store.desk.log("ann", "stopped", later(1), subject="7", reason="the driver called")
    store.desk.log("kim", "stopped", later(2), subject="7")
    found = store.desk.log_entries()
    assert [(one.who, one.did, one.subject, one.reason) for one in found] == [
        ("kim", "stopped", "7", None),
        ("ann", "stopped", "7", "the driver called"),
        ("kim", "signed_in", None, None),
    ]
    assert [one.at for one in store.desk.log_entries(who="kim")] == [later(2), NOW]
    assert [one.who for one in store.desk.log_entries(subject="7", before=found[0].id)] == ["ann"]
    assert len(store.desk.log_entries(most=1)) == 1


@pytest.mark.parametrize("change", [update(desk_log).values(who="nobody"), delete(desk_log)])
def test_the_database_itself_refuses_to_change_the_log(store: Store, change: object) -> None:
    store.desk.log("kim", "signed_in", NOW)
    with pytest.raises(IntegrityError, match="can only be added to"), store._database.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    assert [one.who for one in store.desk.log_entries()] == ["kim"]


def test_notes_are_kept_encrypted_and_erased_with_what_is_personal(store: Store) -> None:
    key = opened(store)
    store.desk.add_note(key, "kim", "called by Mrs Smith", NOW)
    store.desk.add_note(key, "ann", "all is well", later(5))
    assert [(one.who, one.text, one.at) for one in store.desk.notes_of(key)] == [
        ("kim", "called by Mrs Smith", NOW),
        ("ann", "all is well", later(5)),
    ]
    with store._database.read() as connection:
        raw = connection.exec_driver_sql("SELECT text FROM desk_notes").scalars().all()
    assert not any("Smith" in one for one in raw)
    store.observe(key, whole_end(400), source="read")
    assert store.erase_personal(later(1000)) == 1
    assert store.desk.notes_of(key) == []


def test_there_is_no_note_on_a_session_that_is_not_there(store: Store) -> None:
    with pytest.raises(Missing):
        store.desk.add_note("nothing", "kim", "text", NOW)


def test_after_the_clock_was_set_back_everybody_signs_in_again_and_nobody_waits_for_a_year(store: Store) -> None:
    ahead = later(365 * 86_400)
    store.desk.sign_in(kim(store), "token", ahead)
    for _ in range(FREE_TRIES):
        store.desk.begin_try(NONE, ahead)
    store.pull_back(NOW)
    assert store.desk.signed_in("token") is None
    assert store.desk.begin_try(NONE, later(11)) is None
