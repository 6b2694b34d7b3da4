"""Tablets of a site: codes that pair one screen, keys stored as hashes only, and parting with a lost screen."""

from __future__ import annotations

from sqlalchemy import func, select

from kiosk.domain.signs import SIGNS
from kiosk.store import Store
from kiosk.store.records import Handoff, Tablet
from kiosk.store.tables import pairing_codes, tablets

from .build import NOW, at_once, later


def code_for(store: Store, site: str = "harbour", name: str = "gate", seconds: float = 900) -> str:
    return store.new_pairing(site, name, NOW, later(seconds))


def paired(store: Store, key: str = "key-1", name: str = "gate", site: str = "harbour") -> Tablet:
    tablet = store.pair(code_for(store, site, name), key, NOW)
    assert tablet is not None
    return tablet


def test_a_code_pairs_a_screen_with_its_site(store: Store) -> None:
    tablet = store.pair(code_for(store), "key-1", later(5))
    assert tablet == Tablet(1, "gate", "harbour", later(5), later(5), None)
    assert store.tablet_with("key-1") == tablet
    assert store.tablets() == [tablet]


def test_a_code_has_eight_signs_that_nobody_mistakes(store: Store) -> None:
    codes = {code_for(store) for _i in range(20)}
    assert len(codes) == 20
    assert all(len(code) == 8 and set(code) <= set(SIGNS) for code in codes)


def test_a_code_works_once(store: Store) -> None:
    code = code_for(store)
    assert store.pair(code, "key-1", later(1)) is not None
    assert store.pair(code, "key-2", later(2)) is None
    assert store.tablet_with("key-2") is None


def test_of_twenty_screens_that_use_a_code_one_is_paired(store: Store, second: Store) -> None:
    code = code_for(store)
    outcomes = at_once(20, lambda n: (store, second)[n % 2].pair(code, f"key-{n}", NOW))
    assert [type(one) for one in outcomes].count(Tablet) == 1
    assert outcomes.count(None) == 19
    assert len(store.tablets()) == 1


def test_a_code_is_too_old_after_its_time(store: Store) -> None:
    code = code_for(store, seconds=900)
    assert store.pair(code, "key-1", later(900)) is None
    assert store.pair(code, "key-1", later(899)) is not None


def test_a_code_that_never_was_pairs_nothing(store: Store) -> None:
    assert store.pair("ABCDEFGH", "key-1", NOW) is None


def test_neither_codes_nor_keys_are_stored_as_they_are(store: Store) -> None:
    code = code_for(store, name="second")
    paired(store, key="key-of-the-screen")
    with store._database.read() as connection:
        rows = [*connection.execute(select(pairing_codes)), *connection.execute(select(tablets))]
    assert code not in str(rows)
    assert "key-of-the-screen" not in str(rows)


def test_codes_that_are_over_are_forgotten_with_the_next_one(store: Store) -> None:
    used, late = code_for(store), code_for(store, seconds=60)
    code_for(store, name="still good")
    store.pair(used, "key-1", later(1))
    store.new_pairing("harbour", "new", later(60), later(960))
    with store._database.read() as connection:
        assert connection.execute(select(func.count()).select_from(pairing_codes)).scalar_one() == 2
    assert store.pair(late, "key-2", NOW) is None


def test_names_wait_until_their_code_is_used_or_over(store: Store) -> None:
    code = code_for(store, name="gate")
    code_for(store, name="ramp", seconds=60)
    assert sorted(store.waiting_names(later(1))) == ["gate", "ramp"]
    assert store.waiting_names(later(60)) == ["gate"]
    store.pair(code, "key-1", later(61))
    assert store.waiting_names(later(61)) == []


def test_a_screen_that_is_paired_anew_is_no_longer_what_it_was(store: Store) -> None:
    before = paired(store)
    after = store.pair(code_for(store, "airport", "lift"), "key-2", later(5), replaces=before.id)
    assert after is not None
    assert store.tablets() == [after]
    old = store.tablet_with("key-1")
    assert old is not None
    assert old.unpaired_at == later(5)


def test_a_wrong_code_leaves_the_screen_as_it_was(store: Store) -> None:
    before = paired(store)
    assert store.pair("ABCDEFGH", "key-2", later(5), replaces=before.id) is None
    assert store.tablets() == [before]


def test_an_unpaired_key_is_known_as_such(store: Store) -> None:
    tablet = paired(store)
    assert store.unpair(tablet.id, later(10))
    after = store.tablet_with("key-1")
    assert after is not None
    assert after.unpaired_at == later(10)
    assert store.tablets() == []


def test_unpairing_twice_or_an_unknown_one_changes_nothing(store: Store) -> None:
    tablet = paired(store)
    store.unpair(tablet.id, later(10))
    assert not store.unpair(tablet.id, later(20))
    assert not store.unpair(77, later(20))
    after = store.tablet_with("key-1")
    assert after is not None
    assert after.unpaired_at == later(10)


def test_what_an_unpaired_tablet_hands_over_dies_with_it(store: Store) -> None:
    tablet, other = paired(store), paired(store, "key-2", "ramp")
    assert store.open_handoff(Handoff("h-1", tablet.id, "ABC", 1, "en", NOW))
    assert store.open_handoff(Handoff("h-2", other.id, "ABC", 1, "en", NOW))
    store.unpair(tablet.id, later(10))
    closed, still_open = store.handoff("h-1"), store.handoff("h-2")
    assert closed is not None
    assert still_open is not None
    assert (closed.closed_at, still_open.closed_at) == (later(10), None)
    assert not store.claim_handoff("h-1", "phone", later(11))
    assert not store.open_handoff(Handoff("h-3", tablet.id, "ABC", 1, "en", later(11)))
    assert store.handoff("h-3") is None


def test_that_a_tablet_was_seen_is_written_once_a_minute(store: Store) -> None:
    tablet = paired(store)
    store.seen(tablet, later(59))
    assert store.tablet_with("key-1") == tablet
    store.seen(tablet, later(60))
    assert [one.last_seen_at for one in store.tablets()] == [later(60)]


def test_a_new_version_is_written_at_once_and_a_poll_keeps_it(store: Store) -> None:
    store.seen(paired(store), later(1), "1.2.0")
    (tablet,) = store.tablets()
    assert (tablet.version, tablet.last_seen_at) == ("1.2.0", later(1))
    store.seen(tablet, later(30), "1.2.0")
    assert store.tablets() == [tablet]
    store.seen(tablet, later(90))
    assert [(one.version, one.last_seen_at) for one in store.tablets()] == [("1.2.0", later(90))]
