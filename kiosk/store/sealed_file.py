"""A file that is encrypted whole: nobody reads it without the secret key, and what was cut or changed does not open.

AES-GCM over compressed pieces, each with its place and whether it is the last one in the nonce, under a key that is
derived from the secret and a salt of the file's own.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kiosk.store.cipher import Cipher

MAGIC = b"charge-kiosk backup 1\n"
PIECE = 1 << 20
"""Bytes that are encrypted at once: memory stays small whatever the file's size."""
PART = ".part"
"""The end of the hidden name of one that is being written."""
_SALT = 16
_LENGTH = struct.Struct(">I")


class Unopenable(Exception):
    """The file is no backup, was cut or changed, or was made under another secret key."""


def seal(source: Path, target: Path, cipher: Cipher) -> None:
    """Encrypt `source` into `target`, which is there whole or not at all. Raises OSError."""
    part = target.with_name(f".{target.name}{PART}")
    salt = os.urandom(_SALT)
    head = MAGIC + salt
    key = AESGCM(cipher.file_keys(salt)[0])
    try:
        with (
            source.open("rb") as plain,
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
        ):
            out.write(head)
            for place, (piece, last) in enumerate(_pieces(plain)):
                sealed = key.encrypt(_nonce(place, last=last), zlib.compress(piece), head)
                out.write(_LENGTH.pack(len(sealed)))
                out.write(sealed)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
        _sync_folder(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def unseal(source: Path, target: Path, cipher: Cipher) -> None:
    """Decrypt `source` into `target`, under the newest secret key or an older one. Raises Unopenable and OSError."""
    with (
        source.open("rb") as file,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
    ):
        head = file.read(len(MAGIC) + _SALT)
        if not head.startswith(MAGIC) or len(head) < len(MAGIC) + _SALT:
            raise Unopenable("it is no backup of this kiosk")
        keys = [AESGCM(key) for key in cipher.file_keys(head[len(MAGIC) :])]
        sealed, place = _next(file), 0
        if sealed is None:
            raise Unopenable("it was cut off")
        while sealed is not None:
            following = _next(file)
            key, piece = _opened(keys, sealed, _nonce(place, last=following is None), head)
            keys = [key]
            out.write(piece)
            sealed, place = following, place + 1


def _pieces(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Each piece, and whether it is the last. An empty file has one, which is empty."""
    piece = file.read(PIECE)
    while True:
        following = file.read(PIECE)
        yield piece, not following
        if not following:
            return
        piece = following


def _next(file: BinaryIO) -> bytes | None:
    """The next piece as it is encrypted; None at the end. Raises Unopenable."""
    length = file.read(_LENGTH.size)
    if not length:
        return None
    size = _LENGTH.unpack(length)[0] if len(length) == _LENGTH.size else 0
    if not 0 < size <= 2 * PIECE:
        raise Unopenable("it was cut off or changed")
    sealed = file.read(size)
    if len(sealed) < size:
        raise Unopenable("it was cut off")
    return sealed


def _opened(keys: list[AESGCM], sealed: bytes, nonce: bytes, head: bytes) -> tuple[AESGCM, bytes]:
    for key in keys:
        try:
            return key, zlib.decompress(key.decrypt(nonce, sealed, head))
        except InvalidTag:
            continue
    raise Unopenable("it was changed or cut off, or KIOSK_SECRET_KEY is not the one under which it was made")


def _nonce(place: int, *, last: bool) -> bytes:
    return place.to_bytes(11, "big") + bytes([last])


def _sync_folder(folder: Path) -> None:
    """So that also the name outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
