"""Asks the payment provider what became of a hold, when a key for that is configured. Optional, and never in
anybody's way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.session import Session
from kiosk.engine.context import Context, Health, about
from kiosk.engine.crew import Crew
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.engine.observing import follow
from kiosk.engine.open_sessions import OpenSessions
from kiosk.upstream.errors import UpstreamError

PATIENCE = (0, 5, 15, 60, 300, 1800, 7200, 21600, 86400)
"""Seconds between two looks at a hold that has not ended yet."""
LOOK_EVERY = timedelta(seconds=5)
"""How often the store is asked for ended sessions without a proof, when none has just ended."""


class Prove(Duty):
    name = "proofs"

    def __init__(self, context: Context, crew: Crew, sessions: OpenSessions) -> None:
        self._context = context
        self._crew = crew
        self._sessions = sessions
        self._reader = ProofReader(context)
        self._unproven: list[Session] = []
        self._looked: datetime | None = None
        self._ended = 0

    def jobs(self, now: datetime) -> Jobs:
        if self._context.proofs is None:
            return Jobs()
        ended = self._sessions.ended
        if self._looked is None or now - self._looked >= LOOK_EVERY or ended != self._ended:
            self._unproven = self._context.store.unproven()
            self._looked, self._ended = now, ended
        jobs = []
        for session in (*self._sessions.all(), *self._unproven):
            mark = f"proof:{session.key}"
            if self._reader.wanted(session, now) and not self._crew.busy(mark):
                self._reader.note_tried(session.key, now)
                jobs.append(Job(mark, partial(self._read, session.key), pool=Pool.PROOFS, about=about(session)))
        return Jobs(tuple(jobs), LOOK_EVERY)

    def _read(self, key: str) -> None:
        session = self._reader.read(key)
        if session is not None:
            self._sessions.keep(session)
            self._looked = None


class ProofReader:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._health = Health("the payment provider")
        self._tries: dict[str, int] = {}
        self._due: dict[str, datetime] = {}

    def wanted(self, session: Session, now: datetime) -> bool:
        """The session has a hold whose card or end is not known yet, and a look is due."""
        if self._context.proofs is None or not session.ever_held:
            return False
        if session.proof is not None and (session.proof.ended or not session.facts.final):
            return False
        return now >= self._due.get(session.key, now)

    def note_tried(self, key: str, now: datetime) -> None:
        """The provider is asked about it now; the next time later and later."""
        tries = self._tries.get(key, 0)
        self._tries[key] = tries + 1
        self._due[key] = now + timedelta(seconds=PATIENCE[min(tries + 1, len(PATIENCE) - 1)])

    def read(self, key: str) -> Session | None:
        """Ask once. A failure is tried again later."""
        context = self._context
        payment = context.store.payment(key)
        intent = payment.intent_id if payment is not None else None
        if payment is None or intent is None or context.proofs is None:
            return None
        try:
            proof = context.proofs.proof(intent, payment.stripe_account_id)
        except UpstreamError as error:
            self._health.failed(context.clock.now(), type(error).__name__)
            return None
        self._health.answered()
        session = context.store.set_proof(key, proof)
        if proof.ended:
            self._tries.pop(key, None)
            self._due.pop(key, None)
        follow(context, session)
        return session
