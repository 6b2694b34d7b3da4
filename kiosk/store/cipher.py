"""Encryption at rest for upstream tokens, payment secrets and e-mails, with rotation of the key."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"charge-kiosk store at rest 1"
_FILES = b"charge-kiosk files 1"
_MARKS = b"charge-kiosk marks 1"


class Cipher:
    """The first key encrypts, every key decrypts. Keys are derived, so the same secret may also sign cookies."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        if not secret_keys or not all(secret_keys):
            raise ValueError("at least one secret key is needed, and none may be empty")
        self._secrets = tuple(secret_keys)
        self._fernet = MultiFernet([_derived(secret) for secret in secret_keys])

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, text: str) -> str | None:
        """The plain text, or None when no key fits or the text was altered."""
        try:
            return self._fernet.decrypt(text.encode()).decode()
        except InvalidToken:
            return None

    def marks(self, text: str) -> list[str]:
        """Words by which a text is found again that is stored encrypted: one for each secret, the newest first. Without
        a secret nobody can tell which text it was.
        """
        return [hmac.new(_key(secret, None, _MARKS), text.encode(), "sha256").hexdigest() for secret in self._secrets]

    def file_keys(self, salt: bytes) -> list[bytes]:
        """Keys of 32 bytes for a whole file that has that salt: the first one encrypts, one of them decrypts."""
        return [_key(secret, salt, _FILES) for secret in self._secrets]


def _derived(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(secret, None, _PURPOSE)))


def _key(secret: str, salt: bytes | None, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose).derive(secret.encode())
