"""Which holds should have ended by now, and have not: every hold has a moment by which somebody has seen to its end.

The duties end holds (`kiosk.domain.pursuit`, `kiosk.domain.limits`, `kiosk.domain.unpaid`). This rule does not trust
that they have: it looks at the session alone, whatever was tried.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.domain.limits import Policy, charger_must_answer_by, hold_must_end_by
from kiosk.domain.pursuit import LOST_FOR, end_needed, says_held
from kiosk.domain.session import Phase, Session
from kiosk.domain.status import Group, Status

SEEN_TO_WITHIN = timedelta(minutes=5)
"""So long after its moment a cancel or a stop may take to have its effect, or a payment to be seen."""
BILLED_WITHIN = timedelta(minutes=15)
"""So long after the end of a charge its bill is made."""
USUAL_LIFE = timedelta(days=7)
"""Most cards give a hold back by themselves after that (rule CH-06)."""
NEARLY = timedelta(hours=24)
"""So long before a card gives a hold back by itself somebody should know, when nothing was taken yet."""


def should_have_ended_by(session: Session, policy: Policy) -> datetime | None:
    """When the session's hold should have ended, or the charge that keeps it; None: nothing is held, as far as anybody
    knows, or it may go on.

    What waits for a person of the back office has no moment here: it needs that person at once.
    """
    since = session.status_since or session.requested_at
    if session.proof is not None and session.proof.ended:
        return None
    if session.end is not None:
        return None  # what is held for an end without a charge has a reason of its own
    if session.phase is Phase.GONE:
        lost = session.gone_at or since
        return lost + LOST_FOR if session.ever_held else None
    if session.phase is not Phase.OPEN:
        return None
    if session.known_status is Status.CREATED:
        held = held_since(session)
        return held + SEEN_TO_WITHIN if held is not None else None
    if session.wish is not None and end_needed(session) is not None:
        return session.wish.asked_at + SEEN_TO_WITHIN
    match session.facts.group:
        case Group.PREPARING:
            by = charger_must_answer_by(session, policy)
            return by + SEEN_TO_WITHIN if by is not None else None
        case Group.RUNNING if session.standing is Status.STOPPING:
            return since + SEEN_TO_WITHIN
        case Group.RUNNING:
            by = hold_must_end_by(session, policy)
            return by + SEEN_TO_WITHIN if by is not None else None
        case Group.SETTLING:
            return since + BILLED_WITHIN
    return None


def held_since(session: Session) -> datetime | None:
    """Since when the payment provider is known to have the money; None: it does not say that it has.

    Never the time of the last read: a hold that is asked about every minute would be a minute old for ever.
    """
    proof = session.proof
    return (proof.held_at or proof.checked_at) if proof is not None and says_held(session) else None


def lapses_at(session: Session) -> datetime | None:
    """When the card gives the hold back by itself; None when nothing is held, as far as anybody knows.

    Where the card does not say, or nobody has asked it, the usual week counts: unknown is not "for ever".
    """
    proof = session.proof
    if proof is not None and (proof.ended or not proof.capturable_minor):
        return None
    if proof is not None and proof.capture_before is not None:
        return proof.capture_before
    if proof is None and (session.phase not in {Phase.OPEN, Phase.GONE} or session.end is not None):
        return None
    held = session.held_seen_at or held_since(session)
    return held + USUAL_LIFE if held is not None else None
