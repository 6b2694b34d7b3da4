"""Sends stored commands and writes down how each ended: done, refused or unknown.

A start is sent once. The others may be sent again, after a reading has shown that their effect is missing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from kiosk.domain.commands import REPEATABLE, Command, CommandState, Kind, Refusal
from kiosk.domain.session import Observation, Session
from kiosk.domain.status import Status
from kiosk.engine.context import Context, about, the_session
from kiosk.engine.observing import follow, observe, tell
from kiosk.news.live import session_topic
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused, SessionGone
from kiosk.upstream.plugchoice.budget import Endpoint

log = logging.getLogger(__name__)

ENDPOINTS = {
    Kind.START: Endpoint.START,
    Kind.CONFIRM: Endpoint.CONFIRM,
    Kind.CANCEL: Endpoint.CANCEL,
    Kind.STOP: Endpoint.STOP,
    Kind.RECEIPT_EMAIL: Endpoint.RECEIPT_EMAIL,
}
FIRST = (Kind.STOP, Kind.CANCEL, Kind.CONFIRM, Kind.RECEIPT_EMAIL, Kind.START)
"""What ends a charge goes before what begins one."""

MOST_ATTEMPTS = 8
LONGEST_REASON = 240
"""Characters of a reason that are kept: a sentence, whatever upstream sends."""


def backoff(attempts: int) -> timedelta:
    """5, 10, 20, 40, then 60 seconds."""
    return timedelta(seconds=min(5 * 2 ** max(0, attempts - 1), 60))


class Sender:
    def __init__(self, context: Context) -> None:
        self._context = context

    def send(self, command: Command) -> Session:
        """Send a claimed command and store its end. Returns the session as it then stands."""
        if command.kind is Kind.START:
            return self._start(command)
        return self._repeatable(command)

    def resume(self, sent_before: datetime | None = None) -> list[str]:
        """Commands that were sent and got no end, because the process was killed or could not write: they are unknown.

        All of them after a start; else those sent before a time. Returns the sessions to read soon.
        """
        context, now = self._context, self._context.clock.now()
        keys = []
        for command in context.store.left_sent():
            if sent_before is not None and command.sent_at is not None and command.sent_at > sent_before:
                continue
            session = the_session(context.store, command.session_key)
            log.warning("a command was cut off", extra={**about(session), "kind": command.kind.value})
            if command.kind is Kind.START:
                tell(context, context.store.start_unanswered(command.id, now, "cut off"))
            else:
                context.store.finish(command.id, CommandState.UNKNOWN, now, detail="cut off")
                context.live.publish(session_topic(command.session_key))
                keys.append(command.session_key)
        return keys

    def repeat_unknown(self, session: Session, now: datetime) -> bool:
        """Send again what got no answer and has, by a later reading, had no effect. True while something is still
        unknown.
        """
        open_ends = False
        latest = {command.kind: command for command in self._context.store.commands(session.key)}
        for command in latest.values():
            if command.state is not CommandState.UNKNOWN or command.kind not in REPEATABLE:
                continue
            if not effect_missing(command.kind, session) or self._given_up(command):
                continue
            open_ends = True
            ended, asked = command.ended_at, session.asked_at
            if ended is not None and asked is not None and asked > ended:
                self._context.store.again(command.id, now + backoff(command.attempts))
                self._context.live.publish(session_topic(session.key))
        return open_ends

    def _given_up(self, command: Command) -> bool:
        """A stop and a cancel end a hold, so they are never given up while their effect is missing."""
        return command.attempts >= MOST_ATTEMPTS and command.kind not in {Kind.STOP, Kind.CANCEL}

    def _start(self, command: Command) -> Session:
        context, store = self._context, self._context.store
        session = the_session(store, command.session_key)
        try:
            started = context.public.start(session.code, session.connector_id)
        except Refused as no:
            now = context.clock.now()
            context.health.answered()
            _log_refusal(session, command, no)
            retry_at = now + no.retry_after if no.retry_after is not None else None
            ended = store.start_refused(command.id, no.reason, now, retry_at=retry_at, detail=reason_of(no))
        except BudgetSpent as spent:
            now = context.clock.now()
            ended = store.start_refused(command.id, Refusal.TOO_MANY, now, retry_at=now + spent.wait, detail="budget")
        except NotSent as error:
            now = context.clock.now()
            context.health.failed(now, str(error))
            ended = store.start_refused(command.id, Refusal.UPSTREAM_DOWN, now, detail="not sent")
        except NoAnswer as error:
            now = context.clock.now()
            context.health.failed(now, str(error))
            log.warning("a start got no answer; it is not sent again", extra=about(session))
            ended = store.start_unanswered(command.id, now, "no answer")
        else:
            context.health.answered()
            ended = store.start_done(command.id, started.token, started.observation, context.clock.now())
            follow(context, ended)
            return ended
        tell(context, ended)
        return ended

    def _repeatable(self, command: Command) -> Session:
        context, store = self._context, self._context.store
        token = store.token(command.session_key)
        if token is None:
            store.finish(
                command.id, CommandState.REFUSED, context.clock.now(), refusal=Refusal.NOT_NOW, detail="no token"
            )
            return the_session(store, command.session_key)
        asked = context.clock.now()
        try:
            seen = self._call(command, token)()
        except SessionGone:
            now = context.clock.now()
            context.health.answered()
            # It may be a slip of upstream: a later reading shows whether it must be sent again.
            store.finish(command.id, CommandState.UNKNOWN, now, detail="session gone")
            session = store.mark_gone(command.session_key, asked, now)
            tell(context, session)
            return session
        except Refused as no:
            context.health.answered()
            self._refused(command, no)
        except NotSent as error:
            now = context.clock.now()
            wait = error.wait if isinstance(error, BudgetSpent) else backoff(command.attempts)
            if not isinstance(error, BudgetSpent):
                context.health.failed(now, str(error))
            session = the_session(store, command.session_key)
            if self._given_up(command) or not effect_missing(command.kind, session):
                store.finish(command.id, CommandState.REFUSED, now, refusal=Refusal.UPSTREAM_DOWN, detail="not sent")
            else:
                store.again(command.id, now + wait)
        except NoAnswer as error:
            now = context.clock.now()
            context.health.failed(now, str(error))
            store.finish(command.id, CommandState.UNKNOWN, now, detail="no answer")
        else:
            context.health.answered()
            store.finish(command.id, CommandState.DONE, context.clock.now())
            return observe(context, command.session_key, seen, command.kind.value)
        context.live.publish(session_topic(command.session_key))
        return the_session(store, command.session_key)

    def _refused(self, command: Command, no: Refused) -> None:
        store, now = self._context.store, self._context.clock.now()
        _log_refusal(the_session(store, command.session_key), command, no)
        if no.reason is Refusal.TOO_MANY and command.attempts < MOST_ATTEMPTS:
            store.again(command.id, now + (no.retry_after or timedelta(seconds=60)))
            return
        store.finish(command.id, CommandState.REFUSED, now, refusal=no.reason, detail=reason_of(no))

    def _call(self, command: Command, token: str) -> Callable[[], Observation]:
        public = self._context.public
        match command.kind:
            case Kind.CONFIRM:
                return lambda: public.confirm(token)
            case Kind.CANCEL:
                return lambda: public.cancel(token)
            case Kind.STOP:
                return lambda: public.stop(token)
            case _:
                email = self._context.store.email_of(command.id)
                return lambda: public.set_receipt_email(token, email or "")


def reason_of(no: Refused) -> str:
    """Upstream's status and its own sentence, which `upstream.errors.redact` has cleaned: "409: Connector is reserved".

    Status 0 is the kiosk's own no, given before anything was sent.
    """
    return (f"{no.status}: {no.message}" if no.message else f"status {no.status}")[:LONGEST_REASON]


def _log_refusal(session: Session, command: Command, no: Refused) -> None:
    said = {"kind": command.kind.value, "reason": no.reason.value, "said": reason_of(no)}
    log.info("upstream refused a command", extra={**about(session), **said})


def effect_missing(kind: Kind, session: Session) -> bool:
    """By what upstream says now, the command has had no effect (yet). Of a start nothing can be said, so never."""
    missing = {
        Kind.STOP: session.can_stop(),
        Kind.CANCEL: session.can_cancel(),
        Kind.CONFIRM: session.known_status is Status.CREATED,
        Kind.RECEIPT_EMAIL: session.can_set_email() and not session.email_known,
    }
    return missing.get(kind, False)
