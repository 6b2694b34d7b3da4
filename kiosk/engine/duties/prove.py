"""Asks the payment provider what became of a hold, when a key for that is configured. Optional, and never in
anybody's way.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from kiosk.domain.proving import PAID_LATE_FOR, proof_wanted
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
HEARD_FOR = timedelta(days=1)
"""A webhook that came so long before this process began to lead may not have been followed up yet."""


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
        self._heard: datetime | None = None

    def take_over(self, now: datetime) -> None:
        self._heard, self._looked = now - HEARD_FOR, None

    def jobs(self, now: datetime) -> Jobs:
        if self._context.proofs is None:
            return Jobs()
        ended = self._sessions.ended
        if self._looked is None or now - self._looked >= LOOK_EVERY or ended != self._ended:
            self._unproven = self._context.store.unproven(now - PAID_LATE_FOR)
            self._looked, self._ended = now, ended
        named = self._named(now)
        open_ones = self._sessions.all()
        self._reader.forget_all_but({session.key for session in (*open_ones, *self._unproven)})
        wanted = [session for session in (*open_ones, *self._unproven) if self._reader.wanted(session, now)]
        jobs: dict[str, Job] = {}
        for session in (*named, *wanted):
            mark = f"proof:{session.key}"
            if mark not in jobs and not self._crew.busy(mark):
                self._reader.note_tried(session, now)
                run = partial(self._read, session.key)
                jobs[mark] = Job(mark, run, pool=Pool.PROOFS, about=about(session))
        return Jobs(tuple(jobs.values()), LOOK_EVERY)

    def again(self, key: str) -> None:
        """Ask about this session as soon as it is its turn, whatever was asked before."""
        self._reader.forget(key)

    def _named(self, now: datetime) -> list[Session]:
        """Those that a webhook of the provider has just named, whatever is known of them."""
        store, since = self._context.store, self._heard or now
        rows = []
        for key, received_at in store.webhooks_after(since).items():
            session = store.session(key)
            self._heard = max(self._heard or received_at, received_at)
            if session is not None and (session.proof is None or session.proof.checked_at <= received_at):
                rows.append(session)
        return rows

    def _read(self, key: str) -> None:
        session = self._reader.read(key)
        if session is not None:
            self._sessions.keep(session)
            self._looked = None


class ProofReader:
    """Asks once, and remembers how often it has asked: the next time later and later, anew when the state changes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._health = Health("the payment provider")
        self._tries: dict[str, int] = {}
        self._due: dict[str, datetime] = {}
        self._state: dict[str, tuple[object, ...]] = {}

    def wanted(self, session: Session, now: datetime) -> bool:
        """The provider can say something new of it, and a look is due."""
        if self._context.proofs is None or not proof_wanted(session, now):
            return False
        state = (session.phase, session.status, len(session.refunds))
        if self._state.get(session.key) != state:
            self._state[session.key] = state
            self._tries.pop(session.key, None)
            self._due.pop(session.key, None)
        return now >= self._due.get(session.key, now)

    def note_tried(self, session: Session, now: datetime) -> None:
        """The provider is asked about it now; the next time later and later."""
        tries = self._tries.get(session.key, 0)
        self._tries[session.key] = tries + 1
        self._due[session.key] = now + timedelta(seconds=PATIENCE[min(tries + 1, len(PATIENCE) - 1)])

    def forget(self, key: str) -> None:
        """How often it was asked about."""
        for known in (self._tries, self._due):
            known.pop(key, None)

    def forget_all_but(self, keys: set[str]) -> None:
        for known in (self._tries, self._due, self._state):
            for key in [key for key in known if key not in keys]:
                known.pop(key, None)

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
        follow(context, session)
        return session
