"""Sends stored commands and writes down how each ended: done, refused or unknown.

A start is sent once. What ends a charge is asked for anew until a reading shows the effect (`kiosk.domain.pursuit`);
a receipt e-mail waits here for its next attempt.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.actions import payable
from kiosk.domain.commands import ENDS, PURSUED, AskedBy, Command, CommandState, Kind, Refusal
from kiosk.domain.pursuit import LONGEST_GAP, end_needed
from kiosk.domain.session import Observation, Session
from kiosk.engine.context import Context, about, the_session
from kiosk.engine.crew import Crew
from kiosk.engine.duty import COMMAND_MARK, NOTHING_SOON, Duty, Job, Jobs
from kiosk.engine.in_hand import InHand, patiently
from kiosk.engine.lead import Lead
from kiosk.engine.observing import follow, observe, tell
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.unanswered import Unanswered, address_missing, backoff, given_up
from kiosk.news.news import session_topic
from kiosk.store.aside import UNREADABLE
from kiosk.store.errors import Deposed, WrongState
from kiosk.upstream.errors import BudgetSpent, NoAnswer, NotSent, Refused, SessionGone, UnusableStart, UpstreamError
from kiosk.upstream.plugchoice.budget import Endpoint
from kiosk.upstream.plugchoice.public import Started

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

LONGEST_REASON = 240
"""Characters of a reason that are kept: a sentence, whatever upstream sends."""
_SHORTEST_WAIT = timedelta(milliseconds=200)


def _turn(command: Command, sent_before: int, offline: bool) -> tuple[int, bool, bool, int, int]:
    """What ends a charge first; of those what was never sent, then what may have an effect, then a driver's own wish.

    A charger without contact takes no stop, and the budget for stops is everybody's.
    """
    again = command.kind in ENDS and sent_before > 0
    asker = {AskedBy.DRIVER: 0, AskedBy.KIOSK: 2}.get(command.asked_by, 1)
    return FIRST.index(command.kind), again and offline, again, asker, command.id


class Send(Duty):
    """Whatever waits and may be sent now, as far as the budgets of its endpoint reach."""

    name = "send"
    vital = True

    def __init__(
        self,
        context: Context,
        crew: Crew,
        sessions: OpenSessions,
        unanswered: Unanswered,
        lead: Lead,
        still_right: Callable[[Command], bool],
    ) -> None:
        """`still_right` is asked just before a command is claimed: whether it may leave."""
        self._lead = lead
        self._context = context
        self._crew = crew
        self._sessions = sessions
        self._unanswered = unanswered
        self._still_right = still_right
        self._sender = Sender(context)

    def jobs(self, now: datetime) -> Jobs:
        store, budgets = self._context.store, self._context.budgets
        self._sender.write_in_hand()
        earliest = store.next_command_at()
        if earliest is None:
            return Jobs()
        if earliest > now:
            return Jobs(wait=earliest - now)
        chosen: dict[str, Job] = {}
        taken: Counter[Endpoint] = Counter()
        again = NOTHING_SOON
        for command in self._in_turn(now):
            endpoint, mark = ENDPOINTS[command.kind], COMMAND_MARK + command.session_key
            wait = budgets.wait(endpoint, now)
            if wait > timedelta(0) or self._crew.free(endpoint, now) <= taken[endpoint]:
                again = min(again, max(wait, _SHORTEST_WAIT))
                continue
            if mark in chosen or self._crew.busy(mark):
                continue
            run = partial(self._send, command)
            chosen[mark] = Job(mark, run, endpoint, about=self._sessions.about(command.session_key))
            taken[endpoint] += 1
        return Jobs(tuple(chosen.values()), again)

    def _in_turn(self, now: datetime) -> list[Command]:
        waiting = self._context.store.waiting(now)
        before = self._context.store.sendings([one.session_key for one in waiting if one.kind in ENDS])
        offline = {session.key for session in self._sessions.all() if session.charger_online is False}
        return sorted(waiting, key=lambda one: _turn(one, before.get(one.session_key, 0), one.session_key in offline))

    def _send(self, command: Command) -> None:
        """Claimed only now: until a worker is free it can still be withdrawn, and a kill loses nothing."""
        context, command_id, key = self._context, command.id, command.session_key
        if not self._still_right(command):
            return
        try:
            claimed_now = context.store.claim(command_id, context.clock.now(), self._lead.lease)
        except Deposed:  # frozen meanwhile: whoever leads now sends it
            return
        if not claimed_now:
            return
        # Until `follow_up` has seen its end: whatever fails in between, a later reading asks what became of it.
        self._unanswered.add(key)
        claimed = next(command for command in context.store.commands(key) if command.id == command_id)
        session = self._sender.send(claimed)
        self._sessions.note_commanded(key, context.clock.now())
        self._sessions.keep(session)
        self._unanswered.follow_up(session)


class Sender:
    """Sends one claimed command."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._in_hand = InHand(context)

    def write_in_hand(self) -> None:
        """Tokens that could not be written yet, again."""
        self._in_hand.write()

    def send(self, command: Command) -> Session:
        """Send it and store its end. Returns the session as it then stands."""
        if command.kind is Kind.START:
            return self._start(command)
        return self._repeatable(command)

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
        except UnusableStart as error:
            context.health.answered()
            log.warning("a start was answered with what cannot be used; its session is cancelled", extra=about(session))
            self._in_hand.keep(session.key, error.token)
            ended = store.start_unanswered(command.id, context.clock.now(), str(error))
        except NoAnswer as error:
            now = context.clock.now()
            context.health.failed(now, str(error))
            log.warning("a start got no answer; it is not sent again", extra=about(session))
            ended = store.start_unanswered(command.id, now, "no answer")
        else:
            context.health.answered()
            return self._started(command, session, started)
        tell(context, ended)
        return ended

    def _started(self, command: Command, session: Session, started: Started) -> Session:
        """The token first, in a row of its own. When the start has ended otherwise meanwhile, it is given back."""
        context = self._context
        self._in_hand.keep(session.key, started.token)
        now = context.clock.now()
        try:
            ended, events = patiently(
                lambda: context.store.start_done(command.id, started.token, started.observation, now)
            )
        except WrongState:
            log.warning("a start had ended before its answer came; its session is cancelled", extra=about(session))
            return the_session(context.store, session.key)
        self._in_hand.forget(session.key)
        follow(context, ended, events)
        return ended

    def _repeatable(self, command: Command) -> Session:
        context, store = self._context, self._context.store
        try:
            session = the_session(store, command.session_key)
        except UNREADABLE:
            self._send_blindly(command)
            raise
        token = store.token(session.key)
        if token is None:
            store.finish(
                command.id, CommandState.REFUSED, context.clock.now(), refusal=Refusal.NOT_NOW, detail="no token"
            )
            return session
        asked = context.clock.now()
        try:
            seen = self._call(command, token)()
        except SessionGone:
            now = context.clock.now()
            context.health.answered()
            # It may be a slip of upstream: a later reading shows whether it must be sent again.
            store.finish(command.id, CommandState.UNKNOWN, now, detail="session gone")
            session = store.mark_gone(session.key, asked, now)
            tell(context, session)
            return session
        except Refused as no:
            context.health.answered()
            self._refused(session, command, no)
        except NotSent as error:
            now = context.clock.now()
            wait = error.wait if isinstance(error, BudgetSpent) else backoff(command.attempts)
            if not isinstance(error, BudgetSpent):
                context.health.failed(now, str(error))
            session = the_session(store, session.key)
            if given_up(command) or not _still_wanted(command.kind, session):
                store.finish(command.id, CommandState.REFUSED, now, refusal=Refusal.UPSTREAM_DOWN, detail="not sent")
            else:
                store.again(command.id, now + min(wait, LONGEST_GAP))
        except NoAnswer as error:
            now = context.clock.now()
            context.health.failed(now, str(error))
            store.finish(command.id, CommandState.UNKNOWN, now, detail="no answer")
        else:
            context.health.answered()
            store.finish(command.id, CommandState.DONE, context.clock.now())
            return observe(context, session.key, seen, command.kind.value)
        context.news.publish(session_topic(session.key))
        return the_session(store, session.key)

    def _send_blindly(self, command: Command) -> None:
        """The row of its session cannot be read: what ends a charge leaves all the same, until upstream takes it."""
        store = self._context.store
        token = store.token(command.session_key) if command.kind in ENDS else None
        if token is None:
            store.finish(command.id, CommandState.UNKNOWN, self._context.clock.now(), detail="unreadable")
            return
        try:
            self._call(command, token)()
        except UpstreamError:
            store.again(command.id, self._context.clock.now() + backoff(command.attempts))
        else:
            store.finish(command.id, CommandState.DONE, self._context.clock.now())

    def _refused(self, session: Session, command: Command, no: Refused) -> None:
        store, now = self._context.store, self._context.clock.now()
        _log_refusal(session, command, no)
        if no.reason is Refusal.TOO_MANY and command.kind not in PURSUED and not given_up(command):
            store.again(command.id, now + (no.retry_after or LONGEST_GAP))
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


def _still_wanted(kind: Kind, session: Session) -> bool:
    """By what upstream said last it would still have an effect."""
    match kind:
        case Kind.STOP | Kind.CANCEL:
            return end_needed(session) is kind
        case Kind.CONFIRM:
            return payable(session)
        case _:
            return address_missing(session)


def reason_of(no: Refused) -> str:
    """Upstream's status and its own sentence, which `upstream.errors.redact` has cleaned: "409: Connector is reserved".

    Status 0 is the kiosk's own no, given before anything was sent.
    """
    return (f"{no.status}: {no.message}" if no.message else f"status {no.status}")[:LONGEST_REASON]


def _log_refusal(session: Session, command: Command, no: Refused) -> None:
    said = {"kind": command.kind.value, "reason": no.reason.value, "said": reason_of(no)}
    log.info("upstream refused a command", extra={**about(session), **said})
