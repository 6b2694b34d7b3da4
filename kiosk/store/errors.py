"""What the store refuses, and what the caller may do about it. No text here carries a key, a token or an e-mail."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from enum import StrEnum

from sqlalchemy.exc import DontWrapMixin, OperationalError


class BayTaken(Exception):
    """An open session of this kiosk keeps that bay. `key` is that session; the asker may not be its owner."""

    def __init__(self, key: str) -> None:
        super().__init__("an open session of this kiosk keeps that bay")
        self.key = key


class Missing(LookupError):
    """There is no such session or command. A mistake of the caller."""


class UnreadableSession(Exception):
    """The row of that session makes no sense to this version. `owner`: whoever asks may act on it all the same.

    `wished_at`: when its driver asked for the end last, None while they have not, or it cannot be read either.
    """

    def __init__(self, key: str, *, owner: bool, wished_at: datetime | None) -> None:
        super().__init__("the row of a session cannot be read")
        self.key = key
        self.owner = owner
        self.wished_at = wished_at


class WrongState(Exception):
    """The command is not in the state that this change starts from: somebody else was faster. Read it again."""


class Damaged(Exception):
    """The file is no database, or its content is damaged. A backup helps."""


class Deposed(Exception):
    """Whoever wanted to send something leads no more: it was frozen, and another one has taken the lease."""


class NaiveTime(ValueError, DontWrapMixin):
    """A time without a zone was about to be stored or compared. A mistake of the caller."""


class Trouble(StrEnum):
    """Why the database does nothing just now. All of it may pass without anybody touching a row."""

    LOCKED = "locked"  # another process writes for longer than anybody waits: a VACUUM, a copy, an open shell
    FULL = "full"
    READ_ONLY = "read_only"
    BROKEN = "broken"  # the disk does not do what it is asked

    @classmethod
    def of(cls, error: OperationalError) -> Trouble | None:
        """None for what is no trouble of the disk or of others, such as a table that is missing."""
        code = getattr(error.orig, "sqlite_errorcode", None)
        return _TROUBLES.get(code & 0xFF) if isinstance(code, int) else None


_TROUBLES = {
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_IOERR: Trouble.BROKEN,
    sqlite3.SQLITE_CANTOPEN: Trouble.BROKEN,
}


class Unavailable(Exception):
    """The database could not be read or written in the time that there was. Nothing was changed."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"the database: {trouble.value}")
        self.trouble = trouble


class CannotWrite(Unavailable):
    """What was to be stored is not stored. Later it may be."""
