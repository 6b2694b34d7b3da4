"""What every place for files can do, and how it says what went wrong."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from kiosk.domain.commands import Refusal
from kiosk.domain.nightly import NotWritten
from kiosk.upstream.errors import NotSent, Refused, UpstreamError

FULL, NO_PLACE, DENIED = 507, 404, 403
"""As WebDAV says it; a folder says the same with the same numbers."""
_SAID = {
    FULL: NotWritten.FULL,
    413: NotWritten.FULL,
    NO_PLACE: NotWritten.NO_PLACE,
    409: NotWritten.NO_PLACE,
    401: NotWritten.DENIED,
    DENIED: NotWritten.DENIED,
}
PIECE = 64 * 1024
LARGEST_READ = 1024 * 1024


class Shelf(ABC):
    """Thread-safe. Each raises NotSent (nothing was changed), Refused (the same; its `status` says why) or NoAnswer:
    it may have been done or not, and may be done again.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def said(self) -> str:
        """Where it is, as it may stand on a page and in a log."""

    @abstractmethod
    def put(self, name: str, file: Path) -> None:
        """Put the file there under that name, in place of an older one. Under it there is never half a file."""

    @abstractmethod
    def read(self, name: str) -> object:
        """The JSON in a small file there."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Take it away."""

    @abstractmethod
    def close(self) -> None:
        """End the connections."""


def why_not(error: Exception) -> NotWritten:
    """What an error of these says, in a word."""
    if isinstance(error, NotSent):
        return NotWritten.AWAY
    if isinstance(error, Refused):
        return _SAID.get(error.status, NotWritten.REFUSED)
    return NotWritten.UNKNOWN if isinstance(error, UpstreamError) else NotWritten.NOT_MADE


def refused(status: int) -> Refused:
    return Refused(Refusal.INVALID, "", None, status)


def pieces(file: Path) -> Iterator[bytes]:
    """The file bit by bit."""
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece
