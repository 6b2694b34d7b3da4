"""What the store refuses, and what the caller may do about it. No text here carries a key, a token or an e-mail."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from enum import StrEnum

from sqlalchemy.exc import DBAPIError, DontWrapMixin
from sqlalchemy.exc import TimeoutError as PoolTimeout


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


class TooNew(Damaged):
    """The tables are those of a newer release. A backup from before the upgrade helps, or that release."""


class Deposed(Exception):
    """Whoever wanted to send something leads no more: it was frozen, and another one has taken the lease."""

    log_reason = "another one leads now"


class NaiveTime(ValueError, DontWrapMixin):
    """A time without a zone was about to be stored or compared. A mistake of the caller."""


class Trouble(StrEnum):
    """Why the database does nothing just now. All of it may pass without anybody touching a row."""

    LOCKED = "locked"  # another process writes for longer than anybody waits: a VACUUM, a copy, an open shell
    AWAY = "away"  # no database server answers, or it ended the connection: a restart, a fail-over, a cut line
    FULL = "full"
    READ_ONLY = "read_only"
    BROKEN = "broken"  # the disk does not do what it is asked

    @classmethod
    def of(cls, error: DBAPIError | PoolTimeout) -> Trouble | None:
        """None for what is no trouble of the disk or of others, such as a table that is missing."""
        if isinstance(error, PoolTimeout):
            return cls.LOCKED
        code = getattr(error.orig, "sqlite_errorcode", None)
        if isinstance(code, int):
            return _TROUBLES.get(code & 0xFF)
        if not hasattr(error.orig, "sqlstate"):
            return None
        state: str | None = getattr(error.orig, "sqlstate", None)
        if state is None:  # no server has said anything: the line was cut, or never came about
            return cls.AWAY if error.connection_invalidated or type(error.orig).__name__ in _NO_ANSWER else None
        return _OF_STATE.get(state) or _OF_CLASS.get(state[:2])


_TROUBLES = {
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_IOERR: Trouble.BROKEN,
    sqlite3.SQLITE_CANTOPEN: Trouble.BROKEN,
}


# https://www.postgresql.org/docs/current/errcodes-appendix.html
_OF_CLASS = {
    "08": Trouble.AWAY,  # the connection
    "28": Trouble.AWAY,  # who we are is refused, as while passwords are changed
    "40": Trouble.LOCKED,  # a deadlock, or two that cannot both be
    "53": Trouble.AWAY,  # no room for one connection more, or no memory
    "57": Trouble.AWAY,  # it shuts down, or begins
    "58": Trouble.BROKEN,
    "XX": Trouble.BROKEN,
}
_OF_STATE = {
    "3D000": None,  # there is no such database: a mistake of the settings
    "25006": Trouble.READ_ONLY,
    "25P03": Trouble.AWAY,  # we stood still inside a transaction for so long that the server ended it
    "53100": Trouble.FULL,
    "55P03": Trouble.LOCKED,
    "57014": Trouble.LOCKED,  # a statement that took too long
}
_NO_ANSWER = frozenset({"OperationalError", "ConnectionTimeout"})


class Unavailable(Exception):
    """The database could not be read or written in the time that there was. Nothing was changed."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"the database: {trouble.value}")
        self.trouble = trouble
        self.log_reason = str(self)
        """Says all that there is to say: no line of the code is at fault."""


def of_the_store(error: BaseException | None) -> bool:
    """It failed because the database took or gave nothing, also when something else was made of that."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, Unavailable):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


class CannotWrite(Unavailable):
    """What was to be stored is not stored. Later it may be."""


class InDoubt(CannotWrite):
    """Whether it was stored is not known: the database went away just then, and did not come back in time."""
