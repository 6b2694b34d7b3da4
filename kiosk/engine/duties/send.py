"""Sends stored commands and writes down how each ended: done, refused or unknown.

A start is sent once. What ends a charge is asked for anew until a reading shows the effect (`kiosk.domain.pursuit`);
a receipt e-mail waits here for its next attempt.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.actions import payable
from kiosk.domain.commands import ENDS, PURSUED, UNUSABLE, AskedBy, Command, CommandState, Kind, Refusal
from kiosk.domain.line import RESERVED, Turn
from kiosk.domain.offer import hold_of
from kiosk.domain.pursuit import LONGEST_GAP, end_needed
from kiosk.domain.session import Observation, PaymentContext, Phase, Session
from kiosk.domain.status import Group, facts
from kiosk.domain.terms import terms_of
from kiosk.engine.context import Context, about, note_end, the_session
from kiosk.engine.crew import Crew
from kiosk.engine.duty import COMMAND_MARK, NOTHING_SOON, Duty, Job, Jobs
from kiosk.engine.in_hand import InHand, patiently
from kiosk.engine.lead import Lead
from kiosk.engine.line import Line
from kiosk.engine.observing import follow, observe, tell
from kiosk.engine.onlookers import Onlookers
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.reading import read_card
from kiosk.engine.unanswered import Unanswered, address_missing, backoff, given_up
from kiosk.news.news import charger_topic, session_topic
from kiosk.store.aside import UNREADABLE
from kiosk.store.errors import CannotWrite, Deposed, WrongState
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

TERMS_LAST = timedelta(seconds=30)
"""Nothing is started by a price and a hold that were read longer ago."""
LONGEST_REASON = 240
"""Characters of a reason that are kept: a sentence, whatever upstream sends."""
REACHED_WITHIN = timedelta(seconds=60)
"""A start that cannot leave is tried for so long, and refused then: its driver is told, and can go elsewhere."""
TRY_AGAIN = timedelta(seconds=5)
LOOK_AT_THE_LINE = timedelta(seconds=5)
_WHILE_IN_TROUBLE = timedelta(seconds=1)
_SHORTEST_WAIT = timedelta(milliseconds=200)


def _turn(command: Command, sent_before: int, offline: bool) -> tuple[int, bool, bool, int, int]:
    """What ends a charge first; of those what was never sent, then what may have an effect, then a driver's own wish.

    A charger without contact takes no stop, and the budget for stops is everybody's.
    """
    again = command.kind in ENDS and sent_before > 0
    asker = {AskedBy.DRIVER: 0, AskedBy.OPERATOR: 0, AskedBy.KIOSK: 2}.get(command.asked_by, 1)
    return FIRST.index(command.kind), again and offline, again, asker, command.id


class Send(Duty):
    """Whatever waits and may be sent now, as far as the budgets of its endpoint reach. Starts come last, in turn."""

    name = "send"
    vital = True

    def __init__(
        self,
        context: Context,
        crew: Crew,
        sessions: OpenSessions,
        unanswered: Unanswered,
        onlookers: Onlookers,
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
        self._line = Line(context, onlookers)

    def jobs(self, now: datetime) -> Jobs:
        store, budgets = self._context.store, self._context.budgets
        self._write_down()
        earliest = store.next_command_at()
        if earliest is None:
            return Jobs()
        if earliest > now:
            return Jobs(wait=earliest - now)
        chosen: dict[str, Job] = {}
        taken: Counter[Endpoint] = Counter()
        again = NOTHING_SOON
        line = self._turns(now)
        in_trouble = store.trouble is not None
        waiting = self._in_turn(now)
        starts = {one.id: one for one in waiting if one.kind is Kind.START}
        in_line = [starts[number] for number in line if number in starts]
        if len(in_line) < len(starts):  # at a full charger, or late: its turn comes, or it is put aside
            again = LOOK_AT_THE_LINE
        for command in [*(one for one in waiting if one.kind is not Kind.START), *in_line]:
            if in_trouble and command.kind not in PURSUED:  # what may leave only once is stored first
                again = min(again, _WHILE_IN_TROUBLE)
                continue
            endpoint, mark = ENDPOINTS[command.kind], COMMAND_MARK + command.session_key
            wait = budgets.wait(endpoint, now)
            reserved = 0 if command.id not in line or line[command.id].first else RESERVED
            left = min(reserved, budgets.limit(endpoint) - 1)
            if wait > timedelta(0) or self._crew.free(endpoint, now) <= taken[endpoint] + left:
                again = min(again, max(wait, _SHORTEST_WAIT))
                continue
            if mark in chosen or self._crew.busy(mark):
                continue
            run = partial(self._send, command)
            chosen[mark] = Job(mark, run, endpoint, about=self._sessions.about(command.session_key))
            taken[endpoint] += 1
        return Jobs(tuple(chosen.values()), again)

    def _turns(self, now: datetime) -> dict[int, Turn]:
        """The starts that wait, by the number of their command. None while nothing can be written: then none leaves."""
        if self._context.store.trouble is not None:
            return {}
        try:
            return {turn.waiting.command_id: turn for turn in self._line.turns(now)}
        except CannotWrite:
            return {}

    def _write_down(self) -> None:
        """Tokens and sessions that could not be written yet, again."""
        self._sender.write_in_hand()
        written = self._context.store.write_down()
        if written:
            self._sessions.stale = True
            self._context.news.publish(*(session_topic(key) for key in written))

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
        if command.kind is Kind.START and not self._terms_stand(command_id, key):
            return
        try:
            claimed_now = context.store.claim(command_id, context.clock.now(), self._lead.lease)
        except Deposed:  # frozen meanwhile: whoever leads now sends it
            return
        if not claimed_now:
            return
        # Until `follow_up` has seen its end: whatever fails in between, a later reading asks what became of it.
        self._unanswered.add(key)
        session = self._sender.send(context.store.command(command_id))
        note_end(context, command_id)
        self._sessions.note_commanded(key, context.clock.now())
        self._sessions.keep(session)
        self._unanswered.follow_up(session)

    def _terms_stand(self, command_id: int, key: str) -> bool:
        """Before a start: price and hold are still those that its driver read; else it is put aside until they agree.

        A card that has grown old, in the line or before, is read first. When it cannot be read the start is sent all
        the same: what its answer says of the price is compared too.
        """
        context, store = self._context, self._context.store
        session = the_session(store, key)
        if session.phase is not Phase.QUEUED or session.agreed is None:
            return True
        card, now = store.card(session.code), context.clock.now()
        if card is None or not card.fresh(now, TERMS_LAST):
            read_card(context, session.code)
            card, now = store.card(session.code), context.clock.now()
        if card is None or not card.fresh(now, TERMS_LAST):
            return True
        word = terms_of(card.tariff, hold_of(card))
        if word in {"", session.agreed}:
            return True
        aside = store.put_aside(command_id, now, Refusal.TERMS_CHANGED)
        if aside is not None:
            tell(context, aside)
        return False


class Sender:
    """Sends one claimed command."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._in_hand = InHand(context)
        self._unsent: dict[int, datetime] = {}

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
        unsent_since = self._unsent.pop(command.id, None)
        try:
            started = context.public.start(session.code, session.connector_id)
        except Refused as no:
            context.health.answered()
            _log_refusal(session, command, no)
            if no.reason is Refusal.TOO_MANY:
                ended = self._back_to_the_line(session, command, no)
            else:
                ended = store.start_refused(command.id, no.reason, context.clock.now(), detail=reason_of(no))
        except BudgetSpent as spent:
            ended = self._back_to_the_line(session, command, spent)
        except NotSent as error:
            context.health.failed(context.clock.now(), error)
            ended = self._not_sent(session, command, unsent_since)
        except UnusableStart as error:
            context.health.answered()
            log.warning("a start was answered with what cannot be used; its session is cancelled", extra=about(session))
            self._in_hand.keep(session.key, error.token)
            ended = store.start_unanswered(command.id, context.clock.now(), f"{UNUSABLE}: {error}")
        except NoAnswer as error:
            now = context.clock.now()
            context.health.failed(now, error)
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
        hold_minor = self._real_hold(session, started.observation.payment)
        now = context.clock.now()
        try:
            ended, events = patiently(
                lambda: context.store.start_done(
                    command.id, started.token, started.observation, now, hold_minor=hold_minor
                )
            )
        except WrongState:
            log.warning("a start had ended before its answer came; its session is cancelled", extra=about(session))
            return the_session(context.store, session.key)
        self._in_hand.forget(session.key)
        context.store.open_charger(session.code)
        follow(context, ended, events)
        return ended

    def _real_hold(self, session: Session, payment: PaymentContext | None) -> int | None:
        """What will be held, in minor units, by Stripe's word; None without a key, or when it does not say.

        Where it is another amount than the driver read they must agree to it first.
        """
        context = self._context
        if context.proofs is None or payment is None or payment.intent_id is None:
            return None
        try:
            amount = context.proofs.proof(payment.intent_id, payment.stripe_account_id).amount_minor
        except UpstreamError:
            return None
        except Exception:
            log.exception("what will be held could not be read", extra=about(session))
            return None
        return amount or None

    def _back_to_the_line(self, session: Session, command: Command, no: Refused | BudgetSpent) -> Session:
        """Upstream did nothing about the start, so its driver keeps their place. A full charger is left in peace."""
        context, store, now = self._context, self._context.store, self._context.clock.now()
        why = Refusal.TOO_MANY  # the door of all starts is closed by now; the first of the line is the first through it
        if isinstance(no, Refused) and not no.of_the_minute:
            why = Refusal.CHARGER_FULL
            store.close_charger(session.code, now, no.retry_after)
            context.news.publish(charger_topic(session.code))
        store.put_back(command.id, now, why)
        return the_session(store, session.key)

    def _not_sent(self, session: Session, command: Command, since: datetime | None) -> Session:
        """It has not left, so it may leave again: one lost connection ends nobody's start. An outage does."""
        store, now = self._context.store, self._context.clock.now()
        if since is None or now - since < REACHED_WITHIN:
            self._unsent[command.id] = since or now
            store.put_back(command.id, now + TRY_AGAIN, Refusal.UPSTREAM_DOWN)
            return the_session(store, session.key)
        return store.start_refused(command.id, Refusal.UPSTREAM_DOWN, now, detail="not sent")

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
            context.health.failed(now, error)
            session = the_session(store, session.key)
            if given_up(command) or not _still_wanted(command.kind, session):
                store.finish(command.id, CommandState.REFUSED, now, refusal=Refusal.UPSTREAM_DOWN, detail="not sent")
            else:
                store.again(command.id, now + min(wait, LONGEST_GAP))
        except NoAnswer as error:
            now = context.clock.now()
            context.health.failed(now, error)
            store.finish(command.id, CommandState.UNKNOWN, now, detail="no answer")
        else:
            context.health.answered()
            store.finish(command.id, CommandState.DONE, context.clock.now())
            return observe(context, session.key, seen, command.kind.value)
        context.news.publish(session_topic(session.key))
        return the_session(store, session.key)

    def _send_blindly(self, command: Command) -> None:
        """The row of its session cannot be read: what ends a charge leaves all the same, by the token, until a reading
        says that it has ended. An answer of 200 is no end.
        """
        store = self._context.store
        token = store.token(command.session_key) if command.kind in ENDS else None
        if token is None:
            store.finish(command.id, CommandState.UNKNOWN, self._context.clock.now(), detail="unreadable")
            return
        needed: Kind | None = command.kind
        if command.attempts > 1:
            needed = self._needed_by_reading(command, token)
        if needed is None:
            store.finish(command.id, CommandState.DONE, self._context.clock.now())
            return
        with suppress(UpstreamError):
            (self._context.public.stop if needed is Kind.STOP else self._context.public.cancel)(token)
        store.again(command.id, self._context.clock.now() + backoff(command.attempts))

    def _needed_by_reading(self, command: Command, token: str) -> Kind | None:
        """What would end it by what upstream says now; None when it has ended. Unknown: what was asked for, again."""
        try:
            seen = self._context.public.get_session(token)
        except UpstreamError:
            return command.kind
        with suppress(CannotWrite):
            self._context.store.keep_reading(command.session_key, seen, "unreadable")
        said = facts(seen.status)
        if said.cancel:
            return Kind.CANCEL
        over = said.final or said.group in {Group.SETTLING, Group.OPERATOR}
        return None if over else Kind.STOP

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
