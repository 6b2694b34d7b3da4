"""A folder of this machine, or of another one that is mounted here."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from kiosk.upstream.errors import NoAnswer, UpstreamError
from kiosk.upstream.shelf.shelf import DENIED, FULL, LARGEST_READ, NO_PLACE, Shelf, refused

_SAID = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EROFS: DENIED,
    errno.ENOENT: NO_PLACE,
    errno.ENOTDIR: NO_PLACE,
}
PART = ".part"


class Folder(Shelf):
    """The folder must be there: one that a mount should bring, and that is missing, is not made on the wrong disk."""

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def said(self) -> str:
        return str(self._folder)

    def close(self) -> None:
        """Nothing is open."""

    def put(self, name: str, file: Path) -> None:
        """Beside it first, then moved. What a kill has left of an earlier try is taken away before."""
        with _told():
            for left in self._folder.glob(f".{name}.*{PART}"):
                left.unlink(missing_ok=True)
            half = self._folder / f".{name}.{token_hex(4)}{PART}"
            try:
                with file.open("rb") as read, half.open("xb") as out:
                    shutil.copyfileobj(read, out)
                    out.flush()
                    os.fsync(out.fileno())
                half.replace(self._folder / name)
            except OSError:
                with suppress(OSError):
                    half.unlink(missing_ok=True)
                raise

    def read(self, name: str) -> object:
        with _told(), (self._folder / name).open("rb") as opened:
            text = opened.read(LARGEST_READ)
        try:
            return json.loads(text)
        except ValueError:
            return None

    def delete(self, name: str) -> None:
        with _told():
            (self._folder / name).unlink()


@contextmanager
def _told() -> Iterator[None]:
    failure: UpstreamError | None = None
    try:
        yield
    except OSError as error:
        status = _SAID.get(error.errno or 0)
        failure = (
            refused(status) if status is not None else NoAnswer(f"the disk: {errno.errorcode.get(error.errno or 0)}")
        )
    if failure is not None:
        raise failure
