"""Pictures in the store: kept by address, renewed, and forgotten when nobody shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kiosk.domain.picture import Picture
from kiosk.store import Store

AT = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
ONE, OTHER = "https://cdn.example/one.png", "https://cdn.example/other.png"
PICTURE = Picture("image/png", b"\x89PNG\r\n\x1a\n\x00\xff")


def test_a_picture_comes_back_as_it_was(store: Store) -> None:
    store.save_picture(ONE, PICTURE, AT)
    assert store.picture(ONE) == PICTURE
    assert store.picture(OTHER) is None
    assert store.pictures_tried([ONE, OTHER]) == {ONE: (AT, True)}


def test_an_attempt_without_a_picture_is_remembered(store: Store) -> None:
    store.save_picture(ONE, None, AT)
    assert (store.picture(ONE), store.picture_stamp(ONE)) == (None, None)
    assert store.pictures_tried([ONE]) == {ONE: (AT, False)}


def test_a_failed_renewal_leaves_the_last_picture(store: Store) -> None:
    store.save_picture(ONE, PICTURE, AT)
    store.save_picture(ONE, None, AT + timedelta(days=30))
    assert store.picture(ONE) == PICTURE
    assert store.pictures_tried([ONE]) == {ONE: (AT + timedelta(days=30), True)}


def test_the_stamp_changes_with_the_picture_alone(store: Store) -> None:
    store.save_picture(ONE, PICTURE, AT)
    first = store.picture_stamp(ONE)
    store.save_picture(ONE, PICTURE, AT + timedelta(days=1))
    assert store.picture_stamp(ONE) == first
    store.save_picture(ONE, Picture("image/png", PICTURE.body + b"\x01"), AT + timedelta(days=2))
    assert store.picture_stamp(ONE) not in {first, None}


def test_pictures_that_nobody_shows_are_forgotten(store: Store) -> None:
    store.save_picture(ONE, PICTURE, AT)
    store.save_picture(OTHER, PICTURE, AT)
    store.keep_pictures([OTHER])
    assert (store.picture(ONE), store.picture(OTHER)) == (None, PICTURE)
    store.keep_pictures([])
    assert store.picture(OTHER) is None
