"""When the payment's own record is asked what became of a hold: a pure function of the session and the time.

It is the one witness that outlives upstream's tokens, and the only one that says how a release ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group

SHOWN_FOR = timedelta(seconds=20)
"""So long after the payment form was handed out somebody may have paid and nobody may have told upstream."""
STUCK_AFTER = timedelta(hours=2)
"""A state that lasts so long may be one that upstream has forgotten."""
PAID_LATE_FOR = timedelta(days=8)
"""A payment that comes after its session has ended holds for a week at most (rule CH-06): it is looked for so long."""


def proof_wanted(session: Session, now: datetime) -> bool:
    """The record can say something that nobody else has said yet."""
    shown = session.payment_shown_at
    if session.phase not in {Phase.OPEN, Phase.GONE} or not (session.ever_held or shown is not None):
        return False
    proof = session.proof
    if proof is not None and proof.ended:
        # Something was sent back since: only the record says how much.
        return bool(session.refunds) and session.refunds[-1].seen_at > proof.checked_at
    since = session.status_since or session.requested_at
    if session.end is not None:
        return session.ever_held or now - since < PAID_LATE_FOR
    if session.phase is Phase.GONE or (proof is None and session.ever_held):
        return True
    if session.facts.group is Group.UNPAID and shown is not None:
        return now - shown >= SHOWN_FOR
    return now - since >= STUCK_AFTER
