"""The list of exceptions, and tokens under a secret that was dropped too early."""

from __future__ import annotations

from pathlib import Path

from kiosk.domain.attention import Attention
from kiosk.store import Cipher, Store

from .build import NOW, later, opened, queued, seen, whole_end


def test_an_odd_end_is_listed_and_an_ordinary_one_is_not(store: Store) -> None:
    store.observe(opened(store), whole_end(60), source="read")
    odd = opened(store, queued("key-2", connector_id=2), token="token-2")
    store.observe(odd, seen("captured", 60, authorized_minor=5000), source="read")
    found = store.exceptions(later(100))
    assert [(session.key, what) for session, what in found] == [
        (odd, (Attention.AMOUNT_UNKNOWN, Attention.FIGURE_UNKNOWN))
    ]


def test_a_token_under_a_secret_that_is_gone_is_counted_while_its_session_lives(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kiosk.db"
    before = Store(url, Cipher(["old secret"]))
    before.migrate()
    key = opened(before)
    before.keep_token(opened(before, queued("key-2", connector_id=2), token="token-2"), "token-3", NOW)
    rotated, dropped = Store(url, Cipher(["new", "old secret"])), Store(url, Cipher(["new"]))
    assert (rotated.sealed_off(), dropped.sealed_off()) == (0, 2)
    before.observe(key, whole_end(60), source="read")
    assert dropped.sealed_off() == 1
    for each in (before, rotated, dropped):
        each.close()
