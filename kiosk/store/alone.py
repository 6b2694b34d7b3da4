"""A small file beside the database: which process of this machine goes on alone while the store takes no write.

It also says what that process has sent meanwhile.

Neither of them needs room on the disk: a lock of the operating system (`flock`) is no write, and calls are written
into places that the file has had since it was made. The lock ends with its process, however that ends; a frozen one
keeps it.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

PLACES = 512
"""More than the documented limits let leave in two minutes."""
_PLACE = 64
_EMPTY = b" " * (_PLACE - 1) + b"\n"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
COUNTS_FOR = timedelta(minutes=2)
"""So long the place of a call is not given to another one."""


class Alone:
    """Thread-safe. `file` None: no file is beside this database, either because other machines write to it too, or
    because it lives in the memory of one process; `whoever_asks` says which answer that gives.
    """

    def __init__(self, file: Path | None, *, whoever_asks: bool) -> None:
        self._file = file
        self._whoever_asks = whoever_asks
        self._lock = Lock()
        self._opened: int | None = None
        self._mine = False

    def prepare(self) -> None:
        """Make the file while there is room for it. A failure shows when it is needed."""
        with self._lock, suppress(OSError):
            self._open()

    def take(self) -> bool:
        """True while this process is the one that goes on alone. It keeps that until `let_go`, or its end."""
        if self._file is None:
            return self._whoever_asks
        with self._lock:
            if self._mine:
                return True
            try:
                fcntl.flock(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # another one has it, or nobody can tell
                return False
            self._mine = True
            return True

    def let_go(self) -> None:
        with self._lock:
            if self._mine and self._opened is not None:
                fcntl.flock(self._opened, fcntl.LOCK_UN)
            self._mine = False

    def note(self, endpoint: str, at: datetime) -> bool:
        """Remember a call that the store could not take. False: there is no room for it, or it cannot be written."""
        with self._lock:
            try:
                file = self._open()
                places = _read(file)
                oldest = min(range(PLACES), key=lambda place: places[place][1])
                if places[oldest][1] > at - COUNTS_FOR:
                    return False
                _write(file, oldest, f"{at.astimezone(UTC).isoformat()} {endpoint}".encode())
            except OSError:
                return False
            return True

    def calls_since(self, at: datetime) -> list[tuple[str, datetime]]:
        """Endpoint and time of the calls at or after `at`, oldest first. Nothing where no file can be read."""
        if self._file is None or not self._file.exists():
            return []
        with self._lock:
            try:
                places = _read(self._open())
            except OSError:
                return []
        return sorted(((name, when) for name, when in places if name and when >= at), key=lambda call: call[1])

    @property
    def remembers(self) -> bool:
        """What a process sends while the store takes no write is known to the next one."""
        if self._file is None:
            return self._whoever_asks
        with self._lock:
            try:
                file = self._open()
                return os.pwrite(file, os.pread(file, _PLACE, 0), 0) == _PLACE
            except OSError:
                return False

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                os.close(self._opened)
            self._opened, self._mine = None, False

    def _open(self) -> int:
        """Raises OSError."""
        if self._opened is None:
            if self._file is None:
                raise FileNotFoundError
            try:
                file = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:
                file = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)  # to lock it is possible all the same
            self._opened = file
            short = os.fstat(file).st_size
            if short < PLACES * _PLACE:
                with suppress(OSError):
                    os.pwrite(file, _EMPTY * (PLACES - short // _PLACE), short // _PLACE * _PLACE)
        return self._opened


def _read(file: int) -> list[tuple[str, datetime]]:
    """Every place: what was called and when; of an empty one, or one that makes no sense, no name and long ago. Raises
    OSError when places are missing.
    """
    text = os.pread(file, PLACES * _PLACE, 0)
    if len(text) < PLACES * _PLACE:
        raise OSError("the file has not all of its places")
    return [_call(text[start : start + _PLACE]) for start in range(0, len(text), _PLACE)]


def _call(place: bytes) -> tuple[str, datetime]:
    try:
        when, name = place.decode("ascii").split()
        at = datetime.fromisoformat(when)
    except ValueError:
        return "", _NEVER
    return (name, at) if at.tzinfo is not None else ("", _NEVER)


def _write(file: int, place: int, text: bytes) -> None:
    """Over what stands there, which takes no room. Raises OSError."""
    os.pwrite(file, text[: _PLACE - 1].ljust(_PLACE - 1) + b"\n", place * _PLACE)
