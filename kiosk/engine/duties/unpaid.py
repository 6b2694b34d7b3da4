"""Gives up what nobody pays: an unpaid start keeps its bay for a few minutes, longer only while somebody is at it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.commands import AskedBy, Kind
from kiosk.domain.session import Session
from kiosk.domain.unpaid import Paying, after_its_time, paying_by, unpaid_ends, wanted_end
from kiosk.engine.context import Context, about
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.engine.onlookers import Onlookers
from kiosk.engine.open_sessions import OpenSessions
from kiosk.news.news import session_topic
from kiosk.upstream.errors import UpstreamError

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)
ASK_AGAIN = timedelta(minutes=1)
"""A cancel that had no effect is asked for again; upstream has ten a minute for everybody."""


class Unpaid(Duty):
    """Asks for the cancel of what is over. With a key Stripe is asked first whether somebody is paying just now.

    Each session fails alone, in a job of its own.
    """

    name = "unpaid starts"
    beat = LOOK_EVERY

    def __init__(self, context: Context, sessions: OpenSessions, onlookers: Onlookers) -> None:
        self._context = context
        self._sessions = sessions
        self._onlookers = onlookers
        self._asked: dict[str, datetime] = {}

    def take_over(self, now: datetime) -> None:
        self._onlookers.take_over(now)
        self._asked = {}

    def jobs(self, now: datetime) -> Jobs:
        sessions = self._sessions.all()
        self._onlookers.keep_only({one.key for one in sessions} | set(self._context.store.queue()))
        self._asked = {key: at for key, at in self._asked.items() if now - at < ASK_AGAIN}
        jobs = []
        for session in sessions:
            if session.key in self._asked:
                continue
            end = wanted_end(session, now)
            if end is None and not self._over(session, now):
                continue
            self._asked[session.key] = now
            run = partial(self._end, session, end) if end is not None else partial(self._give_up, session)
            jobs.append(Job(f"unpaid:{session.key}", run, pool=Pool.PROOFS, about=about(session)))
        return Jobs(tuple(jobs))

    def _over(self, session: Session, now: datetime) -> bool:
        seen_at = self._onlookers.last_seen(session.key, now)
        ends = unpaid_ends(session, seen_at)
        return ends is not None and now >= ends

    def _end(self, session: Session, end: Kind) -> None:
        self._ask(session, end, AskedBy.DRIVER)

    def _give_up(self, session: Session) -> None:
        paying = self._paying(session)
        asked = after_its_time(session, paying, self._context.clock.now())
        if asked is Kind.CONFIRM:
            self._ask(session, asked, AskedBy.PROVIDER)
        elif asked is not None:
            log.info("nobody paid a start, so its bay is given free", extra=about(session))
            self._ask(session, asked, AskedBy.UNPAID)

    def _ask(self, session: Session, kind: Kind, asked_by: AskedBy) -> None:
        context = self._context
        context.store.ask(session.key, kind, asked_by, context.clock.now())
        context.news.wish(session_topic(session.key))

    def _paying(self, session: Session) -> Paying:
        """Nobody can pay what was never handed out. Without a key nobody can be asked, and the time alone counts."""
        context = self._context
        payment = context.store.payment(session.key)
        if session.payment_shown_at is None or context.proofs is None:
            return Paying.NOBODY
        if payment is None or payment.intent_id is None:
            return Paying.NOBODY
        try:
            proof = context.proofs.proof(payment.intent_id, payment.stripe_account_id)
        except UpstreamError:
            return Paying.UNKNOWN
        return paying_by(proof.intent_status)
