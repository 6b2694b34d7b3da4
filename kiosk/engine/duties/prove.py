"""Asks the payment provider what became of a hold, when a key for that is configured. Optional, and never in
anybody's way.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from kiosk.domain.session import Session
from kiosk.engine.context import Context, Health
from kiosk.engine.observing import follow
from kiosk.upstream.errors import UpstreamError

log = logging.getLogger(__name__)

PATIENCE = (0, 5, 15, 60, 300, 1800, 7200, 21600, 86400)
"""Seconds between two looks at a hold that has not ended yet."""


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

    def take_up(self) -> list[Session]:
        """Ended sessions whose release is not proven yet, after a restart as at any time."""
        return self._context.store.unproven() if self._context.proofs is not None else []

    def trying(self, key: str, now: datetime) -> None:
        tries = self._tries.get(key, 0)
        self._tries[key] = tries + 1
        self._due[key] = now + timedelta(seconds=PATIENCE[min(tries + 1, len(PATIENCE) - 1)])

    def read(self, key: str) -> Session | None:
        """One look. A failure is tried again later."""
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
