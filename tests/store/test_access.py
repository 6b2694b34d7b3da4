"""Keys are known by their hash and open nothing once revoked; views belong to whoever kept them."""

from __future__ import annotations

from kiosk.store import Store

from .build import later


def test_a_key_opens_until_it_is_revoked_and_is_stored_by_its_hash(store: Store) -> None:
    number = store.access.add_key("books", "secret-1", ["queue", "sessions"], ["marktplatz"], "kim", later(0))
    store.access.add_key("all", "secret-2", ["sessions"], None, "kim", later(1))
    found = store.access.key_behind("secret-1")
    assert found is not None
    assert (found.id, found.name, found.scopes, found.sites) == (
        number,
        "books",
        frozenset({"queue", "sessions"}),
        frozenset({"marktplatz"}),
    )
    assert "secret-1" not in repr(store.access.all_keys())
    store.access.key_used(number, later(5))
    assert [one.used_at for one in store.access.all_keys()] == [None, later(5)]
    assert store.access.revoke_key(number, later(6))
    assert not store.access.revoke_key(number, later(7))
    assert store.access.key_behind("secret-1") is None
    assert store.access.key_behind("another") is None
    assert [(one.name, one.revoked_at) for one in store.access.all_keys()] == [("all", None), ("books", later(6))]


def test_a_view_is_seen_by_its_owner_and_a_shared_one_by_all(store: Store) -> None:
    assert store.access.keep_view("kim", "paid", {"view": "paid"}, shared=False)
    assert not store.access.keep_view("kim", "paid", {"view": "open"}, shared=True)
    assert store.access.keep_view("ann", "a bay", {"q": "4"}, shared=True)
    assert [(one.name, one.chosen) for one in store.access.views_of("kim")] == [
        ("a bay", {"q": "4"}),
        ("paid", {"view": "paid"}),
    ]
    (theirs,) = store.access.views_of("ann")
    assert not store.access.drop_view(theirs.id, "kim")
    assert store.access.drop_view(theirs.id, "ann")
    assert [one.name for one in store.access.views_of("kim")] == ["paid"]
