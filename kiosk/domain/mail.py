"""A mail of our own with the address of a receipt: where it stands, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
TRIED_FOR = timedelta(days=1)
"""Then it is given up; the receipt stays on its page."""


class MailState(StrEnum):
    """SENDING ends as UNKNOWN when the process is killed: then it is not sent a second time."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"  # the mail server will never take it, or was not to be had for a day
    UNKNOWN = "unknown"  # its text has left, and no answer came


@dataclass(frozen=True, slots=True)
class OwnMail:
    """A row of the outbox without what is personal in it."""

    id: int
    session_key: str
    state: MailState
    asked_at: datetime
    attempts: int
    next_at: datetime


def next_try(mail: OwnMail, now: datetime) -> datetime | None:
    """When it is tried again after it was not taken; None: it is given up."""
    if now - mail.asked_at >= TRIED_FOR:
        return None
    pause: timedelta = FIRST_PAUSE * (1 << min(mail.attempts, 7))
    return now + min(LONGEST_PAUSE, pause)
