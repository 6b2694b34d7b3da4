"""What a person of the operator should look at: ends that lack a figure, contradict themselves, or do not come.

Nothing here is a fault of the kiosk's own rows (those are `kiosk/store/checks.py`); it is what nobody has told us.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from kiosk.domain.receipt import still_held
from kiosk.domain.session import Phase, Session, Unsaid
from kiosk.domain.status import Group

STUCK_AFTER = timedelta(hours=6)
"""A state between charging and its end that lasts so long does not end by itself."""


class Attention(StrEnum):
    AMOUNT_UNKNOWN = "amount_unknown"  # it has ended, and nobody has said how much was taken
    FIGURE_UNKNOWN = "figure_unknown"  # time or energy of its end are not known
    TAKEN_FOR_NOTHING = "taken_for_nothing"  # money was taken for a session that costs nothing
    HELD_FOR_NOTHING = "held_for_nothing"  # money is held for a session that has ended
    MORE_THAN_HELD = "more_than_held"
    OTHER_AMOUNT = "other_amount"  # the payment provider received another amount than upstream says
    OTHER_PRICE = "other_price"  # a later answer named another price than that of the start
    STRANGE_WORD = "strange_word"  # upstream's word for it is one that nobody knows
    LOST = "lost"  # upstream knows it no more, and nothing proves its end
    STUCK = "stuck"  # it waits for its bill, or for a person of the back office


def attention(session: Session, now: datetime) -> tuple[Attention, ...]:
    """What is odd about the session at `now`, the money first; empty for nearly every one."""
    if session.phase not in {Phase.OPEN, Phase.GONE}:
        return ()
    taken, proof, unsaid = session.taken_minor, session.proof, session.unsaid
    since = session.status_since or session.requested_at
    waits = session.facts.group in {Group.SETTLING, Group.OPERATOR} and session.end is None
    recorded = proof.received_minor if proof is not None and proof.ended else None
    found = {
        Attention.AMOUNT_UNKNOWN: Unsaid.AMOUNT in unsaid,
        Attention.TAKEN_FOR_NOTHING: Unsaid.FREE_AND_TAKEN in unsaid,
        Attention.HELD_FOR_NOTHING: still_held(session),
        Attention.MORE_THAN_HELD: None not in {taken, session.authorized_minor}
        and (taken or 0) > (session.authorized_minor or 0),
        Attention.OTHER_AMOUNT: bool(session.captured_minor) and recorded not in {None, session.captured_minor},
        Attention.OTHER_PRICE: session.later_tariff is not None,
        Attention.STRANGE_WORD: session.status is not None and session.known_status is None,
        Attention.LOST: session.phase is Phase.GONE and session.end is None and session.ever_held,
        Attention.STUCK: session.phase is Phase.OPEN and waits and now - since >= STUCK_AFTER,
        Attention.FIGURE_UNKNOWN: bool(unsaid & {Unsaid.TIME, Unsaid.ENERGY}),
    }
    return tuple(what for what, is_so in found.items() if is_so)
