"""What the store refuses, and what the caller may do about it. No text here carries a key, a token or an e-mail."""

from __future__ import annotations

from sqlalchemy.exc import DontWrapMixin


class BayTaken(Exception):
    """An open session of this kiosk keeps that bay. `key` is that session; the asker may not be its owner."""

    def __init__(self, key: str) -> None:
        super().__init__("an open session of this kiosk keeps that bay")
        self.key = key


class Missing(LookupError):
    """There is no such session or command. A mistake of the caller."""


class WrongState(Exception):
    """The command is not in the state that this change starts from: somebody else was faster. Read it again."""


class Damaged(Exception):
    """The file is no database, or its content is damaged. A backup helps."""


class Deposed(Exception):
    """Whoever wanted to send something leads no more: it was frozen, and another one has taken the lease."""


class NaiveTime(ValueError, DontWrapMixin):
    """A time without a zone was about to be stored or compared. A mistake of the caller."""
