"""Commands of unknown effect: sent, and no answer came. A later reading shows whether one must be sent again."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from kiosk.domain.commands import REPEATABLE, Command, CommandState, Kind
from kiosk.domain.session import Session
from kiosk.domain.status import Status
from kiosk.engine.context import Context
from kiosk.news.news import session_topic

MOST_ATTEMPTS = 8


def backoff(attempts: int) -> timedelta:
    """5, 10, 20, 40, then 60 seconds."""
    return timedelta(seconds=min(5 * 2 ** max(0, attempts - 1), 60))


def effect_missing(kind: Kind, session: Session) -> bool:
    """By what upstream says now, the command has had no effect (yet). Of a start nothing can be said, so never."""
    missing = {
        Kind.STOP: session.can_stop(),
        Kind.CANCEL: session.can_cancel(),
        Kind.CONFIRM: session.known_status is Status.CREATED,
        Kind.RECEIPT_EMAIL: session.can_set_email() and not session.email_known,
    }
    return missing.get(kind, False)


def given_up(command: Command) -> bool:
    """A stop and a cancel end a hold, so they are never given up while their effect is missing."""
    return command.attempts >= MOST_ATTEMPTS and command.kind not in {Kind.STOP, Kind.CANCEL}


class Unanswered:
    """The sessions that have such a command. Thread-safe."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = Lock()
        self._keys: set[str] = set()

    def recall(self) -> None:
        """Find them in the store, among the sessions that may still change."""
        for session in self._context.store.sessions_to_watch():
            commands = self._context.store.commands(session.key)
            if any(command.state is CommandState.UNKNOWN for command in commands):
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
        open_ends = False
        latest = {command.kind: command for command in self._context.store.commands(session.key)}
        for command in latest.values():
            if command.state is not CommandState.UNKNOWN or command.kind not in REPEATABLE:
                continue
            if not effect_missing(command.kind, session) or given_up(command):
                continue
            open_ends = True
            ended, asked = command.ended_at, session.asked_at
            if ended is not None and asked is not None and asked > ended:
                self._context.store.again(command.id, now + backoff(command.attempts))
                self._context.news.publish(session_topic(session.key))
        return open_ends
