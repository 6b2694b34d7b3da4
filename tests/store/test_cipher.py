"""Encryption at rest and its rotation."""

from __future__ import annotations

import pytest

from kiosk.store import Cipher, Store
from tests.worlds.once import SECRET

from .build import PAYMENT, opened


def test_what_one_key_encrypts_the_same_key_decrypts() -> None:
    assert Cipher(["k1"]).decrypt(Cipher(["k1"]).encrypt("grüße")) == "grüße"


def test_the_same_text_looks_different_each_time() -> None:
    cipher = Cipher(["k1"])
    assert cipher.encrypt("token") != cipher.encrypt("token")


def test_an_old_key_in_the_list_still_decrypts() -> None:
    assert Cipher(["new", "old"]).decrypt(Cipher(["old"]).encrypt("token")) == "token"


def test_the_first_key_of_the_list_encrypts() -> None:
    assert Cipher(["new"]).decrypt(Cipher(["new", "old"]).encrypt("token")) == "token"


def test_without_a_fitting_key_there_is_no_text_and_no_exception() -> None:
    assert Cipher(["new"]).decrypt(Cipher(["old"]).encrypt("token")) is None


@pytest.mark.parametrize("altered", ["", "x", "größe", "gAAAA"])
def test_altered_text_is_not_decrypted(altered: str) -> None:
    assert Cipher(["k1"]).decrypt(altered) is None


@pytest.mark.parametrize("keys", [[], [""], ["k1", ""]])
def test_an_empty_key_is_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="secret key"):
        Cipher(keys)


def test_secrets_outlive_a_rotation_and_are_gone_when_their_key_is_removed(store: Store, url: str) -> None:
    key = opened(store)
    rotated = Store(url, Cipher(["a newer secret", SECRET]))
    removed = Store(url, Cipher(["a newer secret"]))
    try:
        assert (rotated.token(key), rotated.payment(key)) == ("token-1", PAYMENT)
        assert (removed.token(key), removed.payment(key)) == (None, None)
    finally:
        rotated.close()
        removed.close()
