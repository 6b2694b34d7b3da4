"""Receipt e-mails of unknown effect: sent, and no answer came. A later reading shows whether one must be sent again.

What ends or begins a charge is followed by `kiosk.domain.pursuit`; of a start nothing can be said, so it never is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from kiosk.domain.commands import Command, CommandState, Kind
from kiosk.domain.session import Session
from kiosk.engine.context import Context
from kiosk.news.news import session_topic

MOST_ATTEMPTS = 8


def backoff(attempts: int) -> timedelta:
    """5, 10, 20, 40, then 60 seconds."""
    return timedelta(seconds=min(5 * 2 ** max(0, attempts - 1), 60))


def address_missing(session: Session) -> bool:
    """Upstream would still take an address for the receipt, and says that it has none."""
    return session.can_set_email() and not session.email_known


def given_up(command: Command) -> bool:
    """After some minutes. What is pursued is asked for anew, as a command of its own."""
    return command.attempts >= MOST_ATTEMPTS


class Unanswered:
    """The sessions that have such an e-mail. Thread-safe."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = Lock()
        self._keys: set[str] = set()

    def recall(self) -> None:
        """Find them in the store, among the sessions that may still change."""
        for session in self._context.store.sessions_to_watch():
            for command in self._context.store.commands(session.key):
                if command.state is CommandState.UNKNOWN and command.kind is Kind.RECEIPT_EMAIL:
                    self.add(session.key)

    def add(self, key: str) -> None:
        with self._lock:
            self._keys.add(key)

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._keys

    def follow_up(self, session: Session) -> None:
        """After a command or a reading of it: send again what must be, and remember whether something is still open.

        One at a time: else a reading that saw a command still under way could forget the session after the command
        has ended without an answer.
        """
        with self._lock:
            open_ends = self.send_again(session, self._context.clock.now())
            (self._keys.add if open_ends else self._keys.discard)(session.key)

    def send_again(self, session: Session, now: datetime) -> bool:
        """Let what got no answer and has, by a later reading, had no effect wait for another attempt.

        True while something is still unknown.
        """
        emails = [one for one in self._context.store.commands(session.key) if one.kind is Kind.RECEIPT_EMAIL]
        last = emails[-1] if emails else None
        if last is None or last.state is not CommandState.UNKNOWN or not address_missing(session) or given_up(last):
            return False
        ended, asked = last.ended_at, session.asked_at
        if ended is not None and asked is not None and asked > ended:
            self._context.store.again(last.id, now + backoff(last.attempts))
            self._context.news.publish(session_topic(session.key))
        return True
