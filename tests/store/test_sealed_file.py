"""An encrypted file opens whole under its key, and not at all when a byte was changed, cut, moved or added."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.store import Cipher
from kiosk.store.sealed_file import MAGIC, PIECE, Unopenable, seal, unseal

OLD, NEW = "the secret of last year, long enough", "the secret of this year, long enough"
HEAD = len(MAGIC) + 16


def sealed(folder: Path, content: bytes, secret: str = OLD) -> Path:
    (folder / "plain").write_bytes(content)
    seal(folder / "plain", folder / "sealed", Cipher([secret]))
    return folder / "sealed"


def opened(file: Path, *secrets: str) -> bytes:
    target = file.with_name("again")
    unseal(file, target, Cipher(secrets or [OLD]))
    return target.read_bytes()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_was_encrypted_comes_back(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    file = sealed(tmp_path, content)
    assert opened(file) == content
    assert file.stat().st_mode & 0o077 == 0


def test_nothing_of_what_was_encrypted_can_be_read(tmp_path: Path) -> None:
    content = b"a content that no cipher makes by chance"
    assert content not in sealed(tmp_path, content).read_bytes()


def test_after_a_change_of_the_key_the_old_one_still_opens(tmp_path: Path) -> None:
    file = sealed(tmp_path, b"content" * 400_000)
    assert opened(file, NEW, OLD) == b"content" * 400_000
    with pytest.raises(Unopenable, match="KIOSK_SECRET_KEY"):
        opened(file, NEW)


def of_three_pieces(folder: Path) -> tuple[Path, list[bytes]]:
    """And its pieces as they stand in the file, with their lengths."""
    file = sealed(folder, os.urandom(3 * PIECE))
    rest, pieces = file.read_bytes()[HEAD:], []
    while rest:
        size = 4 + int.from_bytes(rest[:4], "big")
        pieces.append(rest[:size])
        rest = rest[size:]
    assert len(pieces) == 3
    return file, pieces


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "the last piece is missing": lambda pieces: pieces[:2],
    "all pieces are missing": lambda _pieces: [],
    "two pieces are swapped": lambda pieces: [pieces[1], pieces[0], pieces[2]],
    "a piece comes twice": lambda pieces: [pieces[0], *pieces],
    "something follows": lambda pieces: [*pieces, pieces[2]],
    "it ends within a piece": lambda pieces: [pieces[0], pieces[1][:-1]],
    "it ends within a length": lambda pieces: [pieces[0], b"\0\0"],
    "a length is none": lambda pieces: [b"\xff" * 4, *pieces],
    "a byte is another": lambda pieces: [pieces[0], pieces[1][:-1] + bytes([pieces[1][-1] ^ 1]), pieces[2]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_was_cut_or_changed_does_not_open(tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    file, pieces = of_three_pieces(tmp_path)
    file.write_bytes(file.read_bytes()[:HEAD] + b"".join(change(pieces)))
    with pytest.raises(Unopenable):
        opened(file)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"\0" * 100, MAGIC + b"short"])
def test_another_file_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(Unopenable, match="no backup"):
        opened(tmp_path / "other")


def test_one_that_could_not_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        sealed(tmp_path, b"content")
    assert [one.name for one in tmp_path.iterdir()] == ["plain"]
