"""What a kill, a full disk or time has left: commands without an end, receipts to be written, data to be erased."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.commands import Command, CommandState, Kind
from kiosk.domain.session import Session
from kiosk.engine.context import Context, about, note_end
from kiosk.engine.crew import Crew
from kiosk.engine.duty import COMMAND_MARK, Duty, Job, Jobs, Pool
from kiosk.engine.observing import follow, tell
from kiosk.engine.open_sessions import OpenSessions
from kiosk.engine.unanswered import Unanswered
from kiosk.news.news import session_topic

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)
CUT_OFF_AFTER = timedelta(seconds=90)
"""Longer than any call lives: what still has no end then could not be written down."""
ERASE_EVERY = timedelta(hours=1)
REFUNDS_SEEN_FOR = timedelta(days=180)
"""Longer than a card's dispute takes: for so long a refund can be seen by the token and the payment of a session."""

ORIGINS_LIVE = timedelta(days=2)
"""By which device and network a start was asked for counts for an hour; so long it can still be looked at."""
SIGNED_IN_KEPT = timedelta(days=30)
"""Nobody is signed in at the desk for so long, at whatever speed a demo goes."""


class CutOff(Duty):
    """Commands that were sent and got no end, because the process was killed or could not write: they are unknown."""

    name = "cut-off commands"
    vital = True
    beat = LOOK_EVERY

    def __init__(self, context: Context, crew: Crew, sessions: OpenSessions, unanswered: Unanswered) -> None:
        self._context = context
        self._crew = crew
        self._sessions = sessions
        self._unanswered = unanswered
        self._left: frozenset[int] = frozenset()

    def take_over(self, now: datetime) -> None:  # noqa: ARG002 - whatever the time
        self._unanswered.recall()
        self._left = frozenset(command.id for command in self._context.store.left_sent())

    def jobs(self, now: datetime) -> Jobs:
        """Nobody will hear the answers to what an earlier leader has sent; of our own no call lives for so long."""
        own = self._crew.under_way(COMMAND_MARK)
        since = now - CUT_OFF_AFTER
        return Jobs(
            tuple(
                Job(
                    f"cut-off:{command.id}",
                    partial(self._end, command),
                    about=self._sessions.about(command.session_key),
                )
                for command in self._context.store.left_sent()
                if command.session_key not in own
                and (command.id in self._left or command.sent_at is None or command.sent_at <= since)
            )
        )

    def _end(self, command: Command) -> None:
        context, now, key = self._context, self._context.clock.now(), command.session_key
        log.warning("a command was cut off", extra={**self._sessions.about(key), "kind": command.kind.value})
        if command.kind is Kind.START:
            tell(context, context.store.start_unanswered(command.id, now, "cut off"))
            note_end(context, command.id)
            return
        context.store.finish(command.id, CommandState.UNKNOWN, now, detail="cut off")
        note_end(context, command.id)
        self._unanswered.add(key)
        context.store.hint(key, now)
        context.news.publish(session_topic(key))


class NoReceipt(Exception):
    """The session has ended, and what is known of it makes no receipt."""


class Receipts(Duty):
    """Writes what a kill, or a store that could not write, has left without a receipt, each by itself."""

    name = "receipts"
    beat = LOOK_EVERY

    def __init__(self, context: Context) -> None:
        self._context = context

    def jobs(self, now: datetime) -> Jobs:  # noqa: ARG002 - whatever the time
        return Jobs(
            tuple(
                Job(f"receipt:{session.key}", partial(self._issue, session), about=about(session))
                for session in self._context.store.without_receipt()
            )
        )

    def _issue(self, session: Session) -> None:
        """Raises NoReceipt for an end that none can be written of, so that it is put aside and told."""
        follow(self._context, session)
        if self._context.store.receipt(session.key) is None:
            raise NoReceipt("what is known of it makes none")


class Erase(Duty):
    """Owns the life of everything that is kept for a time only: e-mails, devices and upstream keys of sessions that
    ended long enough ago, their readings and the payment provider's webhooks, the transactions of sites, old hand-offs
    and codes, from which device and network a start was asked for, and in which browsers somebody was signed in at the
    desk. How long each lives stands in docs/security.md.

    A job, because years of it would keep the engine's own thread from its round.
    """

    name = "erase"
    beat = ERASE_EVERY

    def __init__(self, context: Context) -> None:
        self._context = context

    def jobs(self, now: datetime) -> Jobs:
        return Jobs((Job("erase", partial(self._erase, now), pool=Pool.PROOFS),))

    def _erase(self, now: datetime) -> None:
        store = self._context.store
        store.forget_handoffs(now)
        store.forget_pairing_codes(now)
        store.forget_origins(now - ORIGINS_LIVE)
        store.desk.forget_signed_in(now - SIGNED_IN_KEPT)
        lives = self._context.personal_data_lives
        erased = store.erase_personal(now - lives, now - max(lives, REFUNDS_SEEN_FOR))
        if erased:
            log.info("personal data of ended sessions was erased", extra={"sessions": erased})
        erased = store.erase_readings(now - max(self._context.readings_live, REFUNDS_SEEN_FOR))
        if erased:
            log.info("readings of ended sessions were erased", extra={"sessions": erased})
        erased = store.forget_transactions(now - max(self._context.readings_live, REFUNDS_SEEN_FOR))
        if erased:
            log.info("transactions of old days were forgotten", extra={"transactions": erased})
        store.forget_notes(now - lives)
        store.forget_deliveries(now - self._context.readings_live)
